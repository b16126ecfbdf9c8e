/* spool: opening the tree, syncing it, finding a document in it. See spool.h; moving is in stage.c. */
#include "base/file.h"
#include "spool/envelope.h"
#include "spool/stage.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const stage_name[5] = {"inbox", "translate", "outbox", "archive", "error"};

static int refuse(struct spool *s, struct findings *f, const char *path, const char *what)
{
    int failed = errno;
    finding_add(f, SEVERITY_ERROR, "spool.open", path,
                "Check the spool's path, its owner and its permissions.", "%s: %s.", what, strerror(failed));
    findings_blame(f, failed);
    spool_close(s);
    errno = failed;
    return -1;
}

/* The five stages: made when missing, each a folder on the root's filesystem, for rename(2) does not cross.
 */
static int open_stages(struct spool *s, struct findings *f)
{
    struct stat root, st;
    if (fstat(s->root, &root) < 0)
        return refuse(s, f, s->path, "The spool cannot be looked at");
    for (int i = 0; i < 5; i++) {
        if (mkdirat(s->root, stage_name[i], 0750) < 0 && errno != EEXIST)
            return refuse(s, f, stage_name[i], "A stage of the spool cannot be made");
        s->stage[i] = openat(s->root, stage_name[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (s->stage[i] < 0 || fstat(s->stage[i], &st) < 0)
            return refuse(s, f, stage_name[i], "A stage of the spool cannot be opened");
        if (st.st_dev != root.st_dev) {
            finding_add(
                f, SEVERITY_ERROR, "spool.filesystem", stage_name[i],
                "Put the whole spool on one filesystem: moving a folder between stages must be one rename.",
                "The stage %s stands on another filesystem than the spool %s.", stage_name[i], s->path);
            spool_close(s);
            errno = EXDEV;
            return -1;
        }
    }
    return 0;
}

int spool_open(struct spool *s, const char *path, struct findings *f)
{
    *s = (struct spool){.root = -1, .stage = {-1, -1, -1, -1, -1}};
    if (mkdir(path, 0750) < 0 && errno != EEXIST)
        return refuse(s, f, path, "The spool cannot be made");
    s->path = realpath(path, NULL);
    if (!s->path)
        return refuse(s, f, path, "The spool cannot be found");
    s->root = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->root < 0)
        return refuse(s, f, s->path, "The spool cannot be opened");
    s->directories = spool_directories_new();
    return open_stages(s, f);
}

void spool_close(struct spool *s)
{
    spool_directories_free(s->directories);
    for (int i = 0; i < 5; i++)
        if (s->stage[i] >= 0)
            close(s->stage[i]);
    if (s->root >= 0)
        close(s->root);
    free(s->path);
    *s = (struct spool){.root = -1, .stage = {-1, -1, -1, -1, -1}};
}

/* The lock is on the root, which every process opens for itself. */
int spool_share(const struct spool *s)
{
    for (int tries = 0; flock(s->root, LOCK_SH | LOCK_NB) < 0; tries++) {
        if (errno != EWOULDBLOCK || tries == 200)
            return -1;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return 0;
}

int spool_alone(const struct spool *s)
{
    return flock(s->root, LOCK_EX | LOCK_NB);
}

void spool_let_go(const struct spool *s)
{
    flock(s->root, LOCK_UN);
}

int spool_sync(const struct spool *s)
{
    return syncfs(s->root) < 0 ? -1 : envelopes_settle();
}

static bool is_folder(const struct spool *s, const char *path)
{
    struct stat st;
    return fstatat(s->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Looks for <stage>/<any folder>/<name>; prefix: only folders whose name begins so. */
static bool find_below(const struct spool *s, enum stage stage, const char *prefix, const char *name,
                       char path[512])
{
    int fd = openat(s->stage[stage], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool found = false;
    struct dirent *e;
    while (!found && (e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
            strncmp(e->d_name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(path, 512, "%s/%s/%s", stage_name[stage], e->d_name, name);
        found = is_folder(s, path);
    }
    closedir(d);
    return found;
}

/* Once round all stages, against the way documents go, so that one on its way forward is rather met than
 * missed. */
static bool find_once(const struct spool *s, const char *name, char path[512])
{
    char day[11];
    if (document_archive_day(name, day)) {
        snprintf(path, 512, "archive/%s/%s", day, name);
        if (is_folder(s, path))
            return true;
    }
    snprintf(path, 512, "error/%s", name);
    if (is_folder(s, path))
        return true;
    if (find_below(s, STAGE_OUTBOX, "", name, path))
        return true;
    if (find_below(s, STAGE_TRANSLATE, ".work-", name, path))
        return true;
    snprintf(path, 512, "translate/%s", name);
    return is_folder(s, path);
}

bool spool_find(const struct spool *s, const char *name, char path[512])
{
    path[0] = '\0';
    if (!document_name_parse(name, NULL, NULL))
        return false;
    /* twice: it may have been moved from a stage not yet looked at into one already looked at */
    if (find_once(s, name, path) || find_once(s, name, path))
        return true;
    path[0] = '\0';
    return false;
}
