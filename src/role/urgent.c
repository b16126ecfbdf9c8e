/* urgent: see urgent.h. A line is "document<tab>person<tab>reason". Who adds one holds a lock on the file and
 * has looked that it still is the one of that name; who takes it holds the lock until it is removed: so no
 * wish is lost between the two. */
#include "role/urgent.h"
#include "base/file.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIMIT (16u << 20) /* bytes of a mark; it is ours, but anybody may have put it there */

/* Opened, locked, and still the file of that name; -1 with errno. */
static int open_mark(int outbox)
{
    for (int tries = 0; tries < 200; tries++) {
        struct stat st;
        int fd = openat(outbox, URGENT_FILE,
                        O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0 &&
            S_ISREG(st.st_mode))
            return fd;
        close(fd);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    errno = EBUSY;
    return -1;
}

static void add_text(struct buffer *b, const char *text)
{
    for (; text && *text; text++)
        buffer_printf(b, "%c", (unsigned char)*text < ' ' ? ' ' : *text);
}

int urgent_ask(int outbox, const struct urgent *u)
{
    struct buffer line = {0};
    int fd = open_mark(outbox);
    if (fd < 0)
        return -1;
    add_text(&line, u->document);
    buffer_printf(&line, "\t");
    add_text(&line, u->person);
    buffer_printf(&line, "\t");
    add_text(&line, u->reason);
    buffer_printf(&line, "\n");
    if (fchmod(fd, 0644) < 0) /* whoever asks: the gateway's user reads it. Another's file is so already */
        log_debug(URGENT_FILE ": %s", strerror(errno));
    ssize_t n = write(fd, line.ptr, line.len);
    int failed = n < 0 ? errno : (size_t)n < line.len ? ENOSPC : 0;
    buffer_free(&line);
    close(fd);
    errno = failed;
    return failed ? -1 : 0;
}

static const struct urgent *parse(struct slice text, struct arena *a)
{
    struct urgent *first = NULL, **last = &first;
    while (text.len) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t n = end ? (size_t)(end - text.ptr) : text.len;
        char *line = arena_text(a, slice_make(text.ptr, n)), *person = strchr(line, '\t');
        char *reason = person ? strchr(person + 1, '\t') : NULL;
        text = slice_make(text.ptr + n + (end != NULL), text.len - n - (end != NULL));
        if (!reason)
            continue; /* half a line, of a full disk */
        *person++ = *reason++ = '\0';
        struct urgent *u = arena_zero(a, sizeof *u);
        *u = (struct urgent){.document = line, .person = person, .reason = *reason ? reason : NULL};
        *last = u;
        last = &u->next;
    }
    return first;
}

const struct urgent *urgent_take(int outbox, struct arena *a)
{
    struct buffer text = {0};
    const struct urgent *first = NULL;
    int fd = openat(outbox, URGENT_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return NULL;
    bool free_to_take = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0 && free_to_take && file_read(outbox, URGENT_FILE, LIMIT, &text) == 0)
        first = parse(buffer_as_slice(&text), a);
    else if (free_to_take)
        log_warning("a mark " URGENT_FILE " in the outbox cannot be read and is removed: %s",
                    strerror(errno));
    if (free_to_take && unlinkat(outbox, URGENT_FILE, 0) < 0) {
        log_warning("the mark " URGENT_FILE " in the outbox cannot be removed, so it counts for nothing: %s",
                    strerror(errno));
        first = NULL; /* not again and again */
    }
    if (fd >= 0)
        close(fd);
    buffer_free(&text);
    return first;
}
