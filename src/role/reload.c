/* reload: see reload.h. Watched are folders: of a file its folder, with its name; of a folder of maps all
 * below it; and of each the folders on the way there, with the name that leads on, also through symbolic
 * links. So a change of any link or folder on the way is seen. What else happens in those folders (a database
 * beside the configuration, /tmp) is passed over. */
#include "role/reload.h"
#include "base/log.h"
#include "role/process.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define WATCHED                                                                                              \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)
#define QUIET 1000 /* ms */
#define LINKS 16   /* on the way to a file, or below a folder of maps */
#define DEPTH 12   /* of folders below a folder of maps */

struct interest {
    int wd;
    char *name; /* NULL: everything in the folder */
};

struct reload {
    int fd;
    struct interest *interests;
    size_t count, room;
    int64_t due; /* 0: nothing happened */
    bool told;
};

struct reload *reload_open(void)
{
    struct reload *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->fd = -1;
    return r;
}

static void forget(struct reload *r)
{
    if (r->fd >= 0)
        close(r->fd);
    for (size_t i = 0; i < r->count; i++)
        free(r->interests[i].name);
    r->count = 0;
    r->fd = -1;
}

void reload_close(struct reload *r)
{
    if (!r)
        return;
    forget(r);
    free(r->interests);
    free(r);
}

int reload_descriptor(const struct reload *r)
{
    return r->fd;
}

/* ---- what is watched ---- */

static void cannot(struct reload *r, const char *what)
{
    if (!r->told)
        log_warning("changes of %s are not noticed by themselves (%s): say so with SIGHUP", what,
                    strerror(errno));
    r->told = true;
}

static void add(struct reload *r, const char *folder, const char *name)
{
    int wd = inotify_add_watch(r->fd, folder, WATCHED);
    if (wd < 0) {
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            cannot(r, folder);
        return;
    }
    for (size_t i = 0; i < r->count; i++)
        if (r->interests[i].wd == wd &&
            (!r->interests[i].name || (name && !strcmp(r->interests[i].name, name))))
            return;
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->interests = realloc(r->interests, r->room * sizeof *r->interests);
    }
    char *copy = name ? strdup(name) : NULL;
    if (!r->interests || (name && !copy))
        abort();
    r->interests[r->count++] = (struct interest){wd, copy};
}

/* The folders on the way to an absolute path, each with the name that leads on. */
static void add_way(struct reload *r, const char *path, unsigned links)
{
    char at[PATH_MAX] = "/", name[NAME_MAX + 1], link[PATH_MAX], target[3 * PATH_MAX];
    struct stat st;
    while (*path && links < LINKS) {
        size_t len = strcspn(path, "/");
        const char *rest = path + len + strspn(path + len, "/");
        if (!len || len >= sizeof name || strlen(at) + len + 2 > sizeof at) {
            path = rest;
            continue;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        add(r, at, name);
        size_t before = strlen(at);
        snprintf(at + before, sizeof at - before, "%s%s", before > 1 ? "/" : "", name);
        if (lstat(at, &st) == 0 && S_ISLNK(st.st_mode)) {
            ssize_t n = readlink(at, link, sizeof link - 1);
            if (n <= 0)
                return;
            link[n] = '\0';
            at[before] = '\0';
            snprintf(target, sizeof target, "%s/%s/%s", *link == '/' ? "" : at, link, rest);
            if (strlen(target) < PATH_MAX)
                add_way(r, target, links + 1);
            return;
        }
        path = rest;
    }
}

static void add_below(struct reload *r, const char *folder, unsigned depth)
{
    DIR *d = depth < DEPTH ? opendir(folder) : NULL;
    struct stat st;
    if (!d)
        return;
    add(r, folder, NULL);
    for (const struct dirent *e; (e = readdir(d));) {
        char below[PATH_MAX];
        int n = snprintf(below, sizeof below, "%s/%s", folder, e->d_name);
        if (e->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof below || lstat(below, &st) < 0)
            continue;
        if (S_ISLNK(st.st_mode))
            add_way(r, below, 0);
        if (stat(below, &st) == 0 && S_ISDIR(st.st_mode))
            add_below(r, below, depth + 1);
    }
    closedir(d);
}

static void add_folder(struct reload *r, const char *path)
{
    add_way(r, path, 0);
    add_below(r, path, 0);
}

static void add_settings(struct reload *r, const char *file)
{
    char absolute[PATH_MAX], partners[PATH_MAX];
    int n;
    if (*file == '/')
        n = snprintf(absolute, sizeof absolute, "%s", file);
    else
        n = getcwd(partners, sizeof partners) ? snprintf(absolute, sizeof absolute, "%s/%s", partners, file)
                                              : -1;
    if (n < 0 || (size_t)n >= sizeof absolute)
        return;
    add_way(r, absolute, 0);
    if (!realpath(absolute, partners))
        return;
    char *slash = strrchr(partners, '/');
    if ((size_t)(slash - partners) + sizeof "/partners.d" <= sizeof partners) {
        strcpy(slash, "/partners.d");
        add_folder(r, partners);
    }
}

void reload_watch(struct reload *r, const char *config_file, const struct config *c)
{
    forget(r);
    r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (r->fd < 0) {
        cannot(r, "the configuration");
        return;
    }
    add_settings(r, config_file);
    for (const char *const *d = c->map_directories; *d; d++)
        add_folder(r, *d);
}

/* ---- what happens ---- */

static bool concerns(const struct reload *r, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW)
        return true;
    for (size_t i = 0; i < r->count; i++)
        if (r->interests[i].wd == e->wd &&
            (!r->interests[i].name || (e->len && !strcmp(r->interests[i].name, e->name))))
            return true;
    return false;
}

bool reload_due(struct reload *r)
{
    _Alignas(struct inotify_event) char events[16384];
    ssize_t n;
    while (r->fd >= 0 && (n = read(r->fd, events, sizeof events)) > 0)
        for (const char *at = events; at < events + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)at;
            if (concerns(r, e))
                reload_later(r, QUIET);
            at += sizeof *e + e->len;
        }
    if (!r->due || process_milliseconds() < r->due)
        return false;
    r->due = 0;
    return true;
}

void reload_later(struct reload *r, int milliseconds)
{
    r->due = process_milliseconds() + milliseconds;
}

int64_t reload_wait(const struct reload *r)
{
    if (!r->due)
        return -1;
    int64_t wait = r->due - process_milliseconds();
    return wait < 0 ? 0 : wait;
}
