/* holds: see holds.h. */
#include "role/holds.h"
#include "base/date.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "role/process.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void remove_marks(int outbox)
{
    int copy = openat(outbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    while (d && (entry = readdir(d)))
        if (!strcmp(entry->d_name, HELD_FILE) || !strncmp(entry->d_name, HELD_FILE ".", sizeof HELD_FILE))
            unlinkat(outbox, entry->d_name, 0);
    if (d)
        closedir(d);
    else if (copy >= 0)
        close(copy);
}

void holds_open(struct holds *h, int outbox, const char *endpoint)
{
    *h = (struct holds){.outbox = outbox, .endpoint = endpoint};
    remove_marks(outbox);
}

static void forget(struct hold **link)
{
    struct hold *gone = *link;
    *link = gone->next;
    free(gone);
}

void holds_close(struct holds *h)
{
    while (h->first)
        forget(&h->first);
}

uint64_t holds_kin(const struct document *d)
{
    return hash_text(hash_text(HASH_SEED, document_text(d, "partner")), document_text(d, "type"));
}

static struct hold *find(const struct holds *h, uint64_t kin)
{
    struct hold *one = h->first;
    while (one && one->kin != kin)
        one = one->next;
    return one;
}

void holds_look(struct holds *h)
{
    for (struct hold **link = &h->first; *link;) {
        (*link)->tried = false;
        if (faccessat(h->outbox, (*link)->mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT) {
            link = &(*link)->next;
            continue;
        }
        log_info("outbox/%s/%s was removed: sending is resumed", h->endpoint, (*link)->mark);
        forget(link);
    }
}

bool holds_keep(struct holds *h, uint64_t kin, int64_t *until)
{
    struct hold *one = find(h, kin);
    if (!one)
        return false;
    *until = one->until;
    bool kept = one->tried || one->until > process_milliseconds();
    one->tried = one->tried || !kept;
    return kept;
}

void holds_mark(const struct holds *h, const char *mark, int64_t until, const char *why)
{
    char when[INSTANT_TEXT];
    struct buffer text = {0};
    instant_print((struct instant){.seconds = until}, 0, when);
    buffer_printf(
        &text,
        "%s\nIt is tried again at %s, when the configuration is read again (SIGHUP), or at once when "
        "outbox/%s/%s is removed.\n",
        why, when, h->endpoint, mark);
    if (file_write(h->outbox, mark, buffer_as_slice(&text), 0640, false) < 0)
        log_warning("outbox/%s/%s cannot be written: %s", h->endpoint, mark, strerror(errno));
    buffer_free(&text);
}

/* A type that a person wrote into an envelope may hold anything. */
void holds_mark_name(char mark[256], const char *partner, const char *type)
{
    snprintf(mark, 256, HELD_FILE ".%.100s.%.100s", partner ? partner : "", type ? type : "");
    for (char *c = mark; *c; c++)
        if (*c == '/' || (unsigned char)*c < ' ')
            *c = '_';
}

void holds_add(struct holds *h, const struct document *d, int64_t until, const char *why)
{
    const char *partner = document_text(d, "partner"), *type = document_text(d, "type");
    struct hold *one = find(h, holds_kin(d));
    struct buffer text = {0};
    buffer_printf(&text, "%s for %s: %s", type ? type : "documents", partner ? partner : "nobody", why);
    if (!one) {
        one = calloc(1, sizeof *one);
        if (!one)
            abort();
        one->kin = holds_kin(d);
        holds_mark_name(one->mark, partner, type);
        one->next = h->first;
        h->first = one;
        log_error("of what waits for %s is held: %s", h->endpoint, text.ptr);
    }
    int64_t wait = until - instant_now().seconds;
    one->until = process_milliseconds() + (wait > 0 ? wait * 1000 : 0);
    holds_mark(h, one->mark, until, text.ptr);
    buffer_free(&text);
}

void holds_release(struct holds *h)
{
    for (struct hold *one = h->first; one; one = one->next)
        one->until = 0;
}

void holds_lift(struct holds *h, uint64_t kin)
{
    for (struct hold **link = &h->first; *link; link = &(*link)->next)
        if ((*link)->kin == kin) {
            if (unlinkat(h->outbox, (*link)->mark, 0) == 0)
                log_info("outbox/%s/%s is over: sending is resumed", h->endpoint, (*link)->mark);
            forget(link);
            return;
        }
}
