/* storage: see storage.h. A handful of system calls, none of which waits for a disk. */
#include "role/storage.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MEBIBYTE (1024.0 * 1024.0)
#define LITTLE (1024 * MEBIBYTE) /* of a large disk; of a small one: a twentieth */
#define FULL (128 * 1024.0)      /* bytes: no document gets through with less */
#define FEW_INODES 10000.0

/* What is left of something, and whether that is too little. */
static bool is_short(double left, double all, double least, bool lasts)
{
    double bound = all / 20 < least ? all / 20 : least;
    return all > 0 && left < (lasts ? bound * 1.2 : bound);
}

static bool is_full(const char *what, const char *path, bool lasts, char why[OUTAGE_WHY])
{
    struct statvfs v;
    if (statvfs(path, &v) < 0)
        return false; /* that it is not there is another's to tell */
    double block = (double)(v.f_frsize ? v.f_frsize : v.f_bsize), all = (double)v.f_blocks * block;
    double left = (double)(geteuid() == 0 ? v.f_bfree : v.f_bavail) * block;
    double inodes = (double)(geteuid() == 0 ? v.f_ffree : v.f_favail);
    if (is_short(left, all, LITTLE, lasts)) {
        snprintf(why, OUTAGE_WHY,
                 "The disk of the %s is %sfull: %.1f of %.0f MiB are free. Make room; whole days of the "
                 "archive can be moved to other storage.",
                 what, left < FULL ? "" : "nearly ", left / MEBIBYTE, all / MEBIBYTE);
        return true;
    }
    if (!is_short(inodes, (double)v.f_files, FEW_INODES, lasts))
        return false;
    snprintf(why, OUTAGE_WHY,
             "The disk of the %s can take %s more files: %.0f of %.0f inodes are free. Make room; whole days "
             "of the archive can be moved to other storage.",
             what, inodes < 10 ? "no" : "few", inodes, (double)v.f_files);
    return true;
}

static void folder_of(const char *path, char folder[PATH_MAX])
{
    snprintf(folder, PATH_MAX, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder)
        *slash = '\0';
}

bool storage_disk(const struct spool *s, const char *state, bool lasts, char why[OUTAGE_WHY])
{
    char folder[PATH_MAX];
    if (is_full("spool", s->path, lasts, why))
        return true;
    folder_of(state, folder);
    return strcmp(folder, s->path) != 0 && is_full("state", folder, lasts, why);
}

static bool writable(int dir, const char *path)
{
    return faccessat(dir, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0;
}

static bool cannot_write(const char *path, char why[OUTAGE_WHY])
{
    snprintf(why, OUTAGE_WHY, "%.200s cannot be written: %s. Check its owner, its permissions and its mount.",
             path, strerror(errno));
    return true;
}

/* Made by whom it is needed: that it is not there is no fault. */
static bool below_is_wrong(const struct spool *s, const char *stage, const char *name, char why[OUTAGE_WHY])
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", stage, name);
    return !writable(s->root, path) && errno != ENOENT && cannot_write(path, why);
}

bool storage_spool(const struct spool *s, const struct config *c, char why[OUTAGE_WHY])
{
    static const char *const stages[] = {"inbox", "translate", "outbox", "archive", "error"};
    struct stat ours, there;
    if (fstat(s->root, &ours) < 0 || stat(s->path, &there) < 0 || ours.st_ino != there.st_ino ||
        ours.st_dev != there.st_dev) {
        snprintf(why, OUTAGE_WHY,
                 "%s is not the folder any more that the gateway works in: it was moved away, or something "
                 "was mounted over it. Put it back, or stop the gateway and start it again.",
                 s->path);
        return true;
    }
    if (!writable(s->root, "."))
        return cannot_write(s->path, why);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (!writable(s->root, stages[i]))
            return cannot_write(stages[i], why);
    for (const struct route *r = c->routes; r; r = r->next)
        if (below_is_wrong(s, "inbox", r->source, why))
            return true;
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next)
        if (below_is_wrong(s, "outbox", e->name, why))
            return true;
    return false;
}

bool storage_state(const char *state, char why[OUTAGE_WHY])
{
    char folder[PATH_MAX];
    if (faccessat(AT_FDCWD, state, R_OK | W_OK, AT_EACCESS) < 0) {
        if (errno != ENOENT)
            return cannot_write(state, why);
        snprintf(why, OUTAGE_WHY,
                 "There is no state %s. If there was one, put it back, or stop the gateway and run "
                 "spoolgate reindex.",
                 state);
        return true;
    }
    folder_of(state, folder); /* SQLite's own files are made beside it */
    return !writable(AT_FDCWD, folder) && cannot_write(folder, why);
}
