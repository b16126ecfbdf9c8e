/* stage: moving documents between stages. A process keeps the directories it moves into open and asks with
 * one stat whether the path still leads there, so that an operator may remove and make them anew under a
 * running gateway. */
#include "base/file.h"
#include "spool/name.h"
#include "spool/stage.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_DAYS 32 /* open days of the archive; outboxes and inboxes stay open, there are few */

#define MANY_CHANGED 64

struct directory {
    enum stage stage;
    char path[128]; /* relative to the stage: "orderful", "2026/03/21" */
    int fd;
    dev_t device;
    ino_t inode;
};

struct changed {
    int fd; /* a duplicate of our own */
    dev_t device;
    ino_t inode;
};

struct spool_directories {
    struct directory *open;
    size_t count, room, days, next_day;
    struct changed changed[MANY_CHANGED];
    size_t changed_count;
    bool everything; /* more was changed than is noted: the next settling syncs the filesystem */
};

struct spool_directories *spool_directories_new(void)
{
    struct spool_directories *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    return d;
}

void spool_directories_free(struct spool_directories *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        close(d->open[i].fd);
    for (size_t i = 0; i < d->changed_count; i++)
        close(d->changed[i].fd);
    free(d->open);
    free(d);
}

void stage_changed(const struct spool *s, int dir)
{
    struct spool_directories *d = s->directories;
    struct stat st;
    if (fstat(dir, &st) < 0)
        return;
    for (size_t i = d->changed_count; i-- > 0;)
        if (d->changed[i].inode == st.st_ino && d->changed[i].device == st.st_dev)
            return;
    int fd = d->changed_count < MANY_CHANGED ? fcntl(dir, F_DUPFD_CLOEXEC, 3) : -1;
    if (fd < 0)
        d->everything = true;
    else
        d->changed[d->changed_count++] = (struct changed){fd, st.st_dev, st.st_ino};
}

int spool_settle(struct spool *s)
{
    struct spool_directories *d = s->directories;
    int failed = 0;
    for (size_t i = 0; i < d->changed_count; i++) {
        if (fsync(d->changed[i].fd) < 0 && !failed)
            failed = errno;
        close(d->changed[i].fd);
    }
    d->changed_count = 0;
    if (d->everything && spool_sync(s) < 0 && !failed)
        failed = errno;
    d->everything = false;
    errno = failed;
    return failed ? -1 : 0;
}

/* Makes stage/path and syncs each folder that got a new entry: once an endpoint, once a day. */
static int make_directory(const struct spool *s, enum stage stage, const char *path)
{
    char above[128];
    if (file_make_directories(s->stage[stage], path, 0750) < 0)
        return -1;
    snprintf(above, sizeof above, "%s", path);
    for (char *slash; (slash = strrchr(above, '/'));) {
        *slash = '\0';
        int fd = openat(s->stage[stage], above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return -1;
        stage_changed(s, fd);
        close(fd);
    }
    stage_changed(s, s->stage[stage]);
    return 0;
}

static void forget(struct spool_directories *d, struct directory *o)
{
    close(o->fd);
    d->days -= o->stage == STAGE_ARCHIVE;
    *o = d->open[--d->count];
}

/* Room for one more; of the archive's days one is closed for it when there are many. */
static struct directory *make_room(struct spool_directories *d, enum stage stage)
{
    while (stage == STAGE_ARCHIVE && d->days >= KEEP_DAYS) {
        struct directory *o = &d->open[d->next_day++ % d->count];
        if (o->stage == STAGE_ARCHIVE)
            forget(d, o);
    }
    if (d->count == d->room) {
        d->room = d->room ? 2 * d->room : 16;
        d->open = realloc(d->open, d->room * sizeof *d->open);
        if (!d->open)
            abort();
    }
    d->days += stage == STAGE_ARCHIVE;
    return &d->open[d->count++];
}

static int remember(const struct spool *s, enum stage stage, const char *path)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(s->stage[stage], path, flags);
    if (fd < 0 && errno == ENOENT && make_directory(s, stage, path) == 0)
        fd = openat(s->stage[stage], path, flags);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    struct directory *n = make_room(s->directories, stage);
    *n = (struct directory){.stage = stage, .fd = fd, .device = st.st_dev, .inode = st.st_ino};
    snprintf(n->path, sizeof n->path, "%s", path);
    return fd;
}

static int directory(const struct spool *s, enum stage stage, const char *path)
{
    struct spool_directories *d = s->directories;
    for (size_t i = 0; i < d->count; i++) {
        struct directory *o = &d->open[i];
        struct stat st;
        if (o->stage != stage || strcmp(o->path, path) != 0)
            continue;
        if (fstatat(s->stage[stage], path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == o->inode &&
            st.st_dev == o->device)
            return o->fd;
        forget(d, o);
        break;
    }
    return remember(s, stage, path);
}

int spool_outbox(const struct spool *s, const char *endpoint)
{
    if (endpoint && name_plain(endpoint))
        return directory(s, STAGE_OUTBOX, endpoint);
    errno = EINVAL;
    return -1;
}

int spool_inbox(const struct spool *s, const char *source)
{
    if (source && name_plain(source))
        return directory(s, STAGE_INBOX, source);
    errno = EINVAL;
    return -1;
}

int stage_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    struct stat
        st; /* a filesystem without it: a folder that holds anything is never replaced by rename(2) anyway */
    if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    if (renameat(from_dir, from, to_dir, to) == 0)
        return 0;
    if (errno == ENOTEMPTY)
        errno = EEXIST;
    return -1;
}

int spool_move(const struct spool *s, int from_dir, const char *from_name, enum stage to,
               const char *endpoint, const char *name)
{
    char day[11];
    int dir;
    if (!document_name_parse(name, NULL, NULL) || to == STAGE_INBOX) {
        errno = EINVAL;
        return -1;
    }
    if (to == STAGE_OUTBOX)
        dir = spool_outbox(s, endpoint);
    else if (to == STAGE_ARCHIVE)
        dir = document_archive_day(name, day) ? directory(s, STAGE_ARCHIVE, day) : -1;
    else
        dir = s->stage[to];
    if (dir < 0 || stage_rename(from_dir, from_name, dir, name) < 0)
        return -1;
    stage_changed(s, dir);
    stage_changed(s, from_dir);
    return 0;
}
