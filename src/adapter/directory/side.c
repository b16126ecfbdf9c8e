/* side: the pickup side on this machine. All goes by the descriptor of the directory that was listed. */
#include "adapter/directory/directory.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sftp_result local_failed(const char *what, const char *path, struct findings *f)
{
    int why = errno;
    if (why != ENOENT)
        finding_add(f, SEVERITY_ERROR, "directory.failed", path, "", "%s: %s.", what, strerror(why));
    return why == ENOENT                                   ? SFTP_NOT_FOUND
           : why == EEXIST                                 ? SFTP_EXISTS
           : why == EACCES || why == EPERM || why == EROFS ? SFTP_DENIED
                                                           : SFTP_FAILED;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void describe(const struct stat *st, const char *name, struct arena *a, struct sftp_file *out)
{
    *out = (struct sftp_file){.name = arena_text(a, slice_of(name)),
                              .size = (uint64_t)st->st_size,
                              .modified = (int64_t)st->st_mtim.tv_sec,
                              .regular = S_ISREG(st->st_mode),
                              .directory = S_ISDIR(st->st_mode)};
}

static enum sftp_result local_list(void *context, const char *dir, struct arena *a, struct sftp_file **files,
                                   size_t *n, struct findings *f)
{
    struct local *l = context;
    size_t room = 0;
    struct dirent *entry;
    struct stat st;
    *files = NULL;
    *n = 0;
    local_close(l);
    l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int copy = l->dir < 0 ? -1 : openat(l->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d) {
        enum sftp_result r = local_failed("The pickup directory cannot be read", dir, f);
        if (r == SFTP_NOT_FOUND)
            finding_add(f, SEVERITY_ERROR, "directory.failed", dir, "Make it, or correct pickup.",
                        "The pickup directory is not there.");
        if (copy >= 0)
            close(copy);
        return r;
    }
    while (*n < SFTP_LIST_LIMIT && (entry = readdir(d))) {
        if (entry->d_name[0] == '.' || fstatat(l->dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        if (*n == room) {
            room = room ? room * 2 : 64;
            struct sftp_file *more = arena_alloc(a, room * sizeof *more);
            if (*n)
                memcpy(more, *files, *n * sizeof *more);
            *files = more;
        }
        describe(&st, entry->d_name, a, &(*files)[(*n)++]);
    }
    closedir(d);
    return SFTP_OK;
}

static enum sftp_result local_read(void *context, const char *path, size_t limit, struct buffer *out,
                                   struct findings *f)
{
    const struct local *l = context;
    if (file_read(l->dir, last_part(path), limit, out) == 0)
        return SFTP_OK;
    return errno == EFBIG ? SFTP_TOO_LARGE : local_failed("The file cannot be read", path, f);
}

/* The directory that `to` stands in: the one that was listed, or another one. */
static int parent_of(const struct local *l, const char *to)
{
    char parent[SPOOL_NAME_MAX * 16];
    snprintf(parent, sizeof parent, "%.*s", (int)(last_part(to) - to), to);
    size_t n = strlen(l->path);
    bool here = strncmp(parent, l->path, n) == 0 && strspn(parent + n, "/") == strlen(parent + n);
    return here ? fcntl(l->dir, F_DUPFD_CLOEXEC, 0)
                : open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static enum sftp_result local_rename(void *context, const char *from, const char *to, struct findings *f)
{
    const struct local *l = context;
    int dir = parent_of(l, to),
        why = dir < 0 ? errno : folder_rename(l->dir, last_part(from), dir, last_part(to));
    if (dir >= 0)
        close(dir);
    if (why == 0)
        return SFTP_OK;
    errno = dir < 0 && why == ENOENT ? ENOTDIR : why; /* a missing target is no missing file */
    return local_failed("The file cannot be moved away", to, f);
}

static enum sftp_result local_remove(void *context, const char *path, struct findings *f)
{
    const struct local *l = context;
    return unlinkat(l->dir, last_part(path), 0) ? local_failed("The file cannot be removed", path, f)
                                                : SFTP_OK;
}

void local_side(struct local *l, const char *path, struct pickup_side *side)
{
    *l = (struct local){.path = path, .dir = -1};
    *side = (struct pickup_side){local_list, local_read, local_rename, local_remove, l};
}

void local_close(struct local *l)
{
    if (l->dir >= 0)
        close(l->dir);
    l->dir = -1;
}
