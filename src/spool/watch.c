/* watch: inotify(7). See watch.h. A folder is watched by its descriptor's /proc/self/fd name, so that no path
 * of ours can be changed under us. */
#include "spool/watch.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#define WATCHED                                                                                              \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |     \
     IN_EXCL_UNLINK)
#define READS 64 /* a flood of events must not keep the caller from its work: the rest is read next time */

struct watched {
    int wd, tag;
};

struct watch {
    int fd;
    struct watched *folders;
    size_t count, room;
};

struct watch *watch_open(void)
{
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd >= 0)
        return w;
    free(w);
    return NULL;
}

void watch_close(struct watch *w)
{
    if (!w)
        return;
    close(w->fd);
    free(w->folders);
    free(w);
}

int watch_descriptor(const struct watch *w)
{
    return w->fd;
}

int watch_add(struct watch *w, int dir, int tag)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
    int wd = inotify_add_watch(w->fd, path, WATCHED);
    if (wd < 0)
        return -1;
    for (size_t i = 0; i < w->count; i++)
        if (w->folders[i].wd == wd) {
            w->folders[i].tag = tag;
            return 0;
        }
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 16;
        w->folders = realloc(w->folders, w->room * sizeof *w->folders);
        if (!w->folders)
            abort();
    }
    w->folders[w->count++] = (struct watched){wd, tag};
    return 0;
}

static struct watched *find(struct watch *w, int wd)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->folders[i].wd == wd)
            return &w->folders[i];
    return NULL;
}

/* A watched folder was removed, renamed or unmounted: it is watched no more, and the caller looks for itself.
 */
static void drop(struct watch *w, struct watched *f, bool still_there)
{
    if (still_there)
        inotify_rm_watch(w->fd, f->wd);
    *f = w->folders[--w->count];
}

static void tell(struct watch *w, const struct inotify_event *e, watch_event *event, void *context,
                 bool *rescan)
{
    if (e->mask & IN_Q_OVERFLOW) {
        *rescan = true;
        return;
    }
    struct watched *f = find(w, e->wd);
    if (!f)
        return;
    if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
        *rescan = true;
        drop(w, f, e->mask & IN_MOVE_SELF);
        return;
    }
    /* a removal only wakes the caller: it may have been a mark that held something up */
    if (e->len == 0 || e->name[0] == '\0' || e->name[0] == '.' || (e->mask & IN_DELETE))
        return;
    bool whole = (e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0;
    /* a document's folder moved in is an event like a file's; any other folder may have been filled before we
     * watch it */
    if ((e->mask & IN_ISDIR) && !(whole && document_name_parse(e->name, NULL, NULL)))
        *rescan = true;
    if (event)
        event(context, f->tag, e->name, whole);
}

int watch_read(struct watch *w, watch_event *event, void *context, bool *rescan)
{
    _Alignas(struct inotify_event) char bytes[65536];
    for (int i = 0; i < READS; i++) {
        ssize_t n = read(w->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            return -1;
        const struct inotify_event *e;
        for (char *at = bytes; at < bytes + n; at += sizeof *e + e->len) {
            e = (const struct inotify_event *)(void *)at;
            tell(w, e, event, context, rescan);
        }
    }
    return 0;
}
