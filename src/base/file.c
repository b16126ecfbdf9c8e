/* file: see file.h. Every function leaves errno as the call that failed set it. */
#include "base/file.h"
#include "base/hash.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int close_keeping_errno(int fd)
{
    int kept = errno;
    close(fd);
    errno = kept;
    return -1;
}

bool error_is_the_machines(int error)
{
    switch (error) {
    case 0:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EACCES:
    case EPERM:
    case EINVAL:
    case EFBIG:
    case EOVERFLOW:
    case EBADMSG:
    case EEXIST: return false;
    default: return true;
    }
}

static int open_again(int dir, const char *name, int flags)
{
    int fd;
    while ((fd = openat(dir, name, flags)) < 0 && errno == EINTR)
        ;
    return fd;
}

int file_read(int dir, const char *name, size_t limit, struct buffer *out)
{
    /* O_NONBLOCK: a fifo put in the place of a file must not hold us */
    int fd = open_again(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return close_keeping_errno(fd);
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return close_keeping_errno(fd);
    }
    size_t start = out->len;
    if ((uintmax_t)st.st_size > limit) {
        errno = EFBIG;
        return close_keeping_errno(fd);
    }
    buffer_reserve(out, (size_t)st.st_size + 1);
    for (;;) {
        size_t room = out->room - out->len - 1;
        ssize_t n = read(fd, out->ptr + out->len, room > 0x40000000 ? 0x40000000 : room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || out->len + (size_t)n - start > limit) {
            int failed = n < 0 ? errno : n > 0 ? EFBIG : 0;
            close(fd);
            if (failed)
                out->len = start;
            out->ptr[out->len] = '\0';
            errno = failed ? failed : errno;
            return failed ? -1 : 0;
        }
        out->len += (size_t)n;
        if (out->room - out->len < 2)
            buffer_reserve(out, 4096);
    }
}

static int write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len > 0x40000000 ? 0x40000000 : bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes = slice_make(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return 0;
}

/* Writes into a file just created, closes it, removes it when that failed. */
static int fill(int dir, const char *name, int fd, struct slice bytes, bool durable)
{
    int rc = write_all(fd, bytes);
    if (rc == 0 && durable)
        rc = fsync(fd);
    int failed = errno;
    if (close(fd) < 0 && rc == 0) {
        rc = -1;
        failed = errno;
    }
    if (rc < 0) {
        unlinkat(dir, name, 0);
        errno = failed;
    }
    return rc;
}

int file_write(int dir, const char *name, struct slice bytes, mode_t mode, bool exclusive)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
    int fd = openat(dir, name, flags, mode);
    if (fd < 0 && errno == EEXIST && !exclusive && unlinkat(dir, name, 0) == 0)
        fd = openat(dir, name, flags, mode);
    if (fd < 0)
        return -1;
    return fill(dir, name, fd, bytes, false);
}

int file_replace(int dir, const char *name, struct slice bytes, mode_t mode, bool durable)
{
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    char path[PATH_MAX], beside[PATH_MAX], random[9];
    random_hex(random, 8);
    int prefix = (int)(base - name);
    /* 240: with dot, dash and random part it still is a name */
    int n = snprintf(beside, sizeof beside, "%.*s.%.240s-%s", prefix, name, base, random);
    if (n < 0 || (size_t)n >= sizeof beside) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0 || fill(dir, beside, fd, bytes, durable) < 0)
        return -1;
    if (renameat(dir, beside, dir, name) < 0) {
        int failed = errno;
        unlinkat(dir, beside, 0);
        errno = failed;
        return -1;
    }
    if (!durable)
        return 0;
    snprintf(path, sizeof path, "%.*s", prefix ? prefix : 1, prefix ? name : ".");
    int parent = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return -1;
    int rc = fsync(parent);
    close_keeping_errno(parent);
    return rc;
}

int file_make_directories(int dir, const char *path, mode_t mode)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part) {
        errno = len ? ENAMETOOLONG : ENOENT;
        return -1;
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdirat(dir, part, mode) < 0 && errno != EEXIST)
            return -1;
        part[i] = path[i];
    }
    struct stat st;
    if (fstatat(dir, path, &st, 0) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    return 0;
}

/* Removes what a folder holds. Folders inside that are not empty are moved to `to` under a name of their own;
 * -1 when to is none. */
static int empty_directory(int dir, const char *name, int to, bool *any)
{
    int folder = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return -1;
    DIR *d = fdopendir(folder);
    if (!d)
        return close_keeping_errno(folder);
    int rc = 0;
    struct dirent *e;
    while (rc == 0 && (errno = 0, e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        *any = true;
        if (unlinkat(folder, e->d_name, 0) == 0 || errno == ENOENT)
            continue;
        rc = errno == EISDIR || errno == EPERM ? 0 : -1;
        if (rc < 0 || unlinkat(folder, e->d_name, AT_REMOVEDIR) == 0)
            continue;
        if (to < 0) {
            bool inside = false;
            rc = empty_directory(folder, e->d_name, folder, &inside);
        } else {
            char lifted[32];
            memcpy(lifted, ".removing-", 10);
            random_hex(lifted + 10, 16);
            rc = renameat(folder, e->d_name, to, lifted);
        }
    }
    if (rc == 0 && errno)
        rc = -1;
    int failed = errno;
    closedir(d);
    errno = failed;
    return rc;
}

int file_remove_tree(int dir, const char *name)
{
    if (unlinkat(dir, name, 0) == 0)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -1;
    /* The depth of a tree is somebody else's choice, and each level would cost a frame and a descriptor: so
     * whatever lies deeper is lifted into the top folder first, and the tree is never more than two levels at
     * a time. */
    for (bool any = true; any;) {
        any = false;
        if (empty_directory(dir, name, -1, &any) < 0)
            return -1;
    }
    return unlinkat(dir, name, AT_REMOVEDIR);
}
