/* fingerprint: see fingerprint.h. Sums, so that the order of a folder does not matter. */
#include "base/fingerprint.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DEPTH 12 /* of folders: a link to a folder above has an end */
#define FILES_MOST 200000ul

static uint64_t mix(uint64_t h, const void *bytes, size_t size)
{
    for (const unsigned char *p = bytes; size; size--, p++)
        h = (h ^ *p) * 1099511628211u; /* FNV-1a */
    return h;
}

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void add(struct fingerprint *p, const char *path, unsigned depth)
{
    struct stat st;
    uint64_t h = mix(14695981039346656037u, path, strlen(path));
    if (p->files++ > FILES_MOST)
        return;
    if (stat(path, &st) < 0) {
        int failed = errno;
        p->sum += mix(h, &failed, sizeof failed);
        return;
    }
    int64_t changed = nanoseconds(st.st_ctim), written = nanoseconds(st.st_mtim);
    h = mix(h, &st.st_dev, sizeof st.st_dev);
    h = mix(h, &st.st_ino, sizeof st.st_ino);
    h = mix(h, &st.st_mode, sizeof st.st_mode);
    if (S_ISREG(st.st_mode)) { /* a folder changes with files that are of no concern */
        h = mix(h, &st.st_size, sizeof st.st_size);
        h = mix(h, &changed, sizeof changed);
        h = mix(h, &written, sizeof written);
        if (changed > p->newest)
            p->newest = changed;
    }
    p->sum += h;
    DIR *d = S_ISDIR(st.st_mode) && depth < DEPTH ? opendir(path) : NULL;
    for (const struct dirent *e; d && (e = readdir(d));) {
        char below[PATH_MAX];
        int n = snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.' && n > 0 && (size_t)n < sizeof below)
            add(p, below, depth + 1);
    }
    if (d)
        closedir(d);
}

void fingerprint_add(struct fingerprint *p, const char *path)
{
    add(p, path, 0);
}

void fingerprint_join(struct fingerprint *p, const struct fingerprint *more)
{
    p->sum += more->sum;
    p->files += more->files;
    if (more->newest > p->newest)
        p->newest = more->newest;
}

bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
    return a->sum == b->sum && a->files == b->files;
}

bool fingerprint_quiet(const struct fingerprint *p, int milliseconds)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t since = nanoseconds(now) - p->newest;
    return since < 0 || since >= (int64_t)milliseconds * 1000000;
}
