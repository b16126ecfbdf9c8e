/* batch: putting a group of files into inbox/<source>. They are written into a folder .in-<random> of that
 * inbox, which its maker holds a lock on; one sync; then each is renamed out. What a dead maker left is
 * removed by the next one. */
#include "base/file.h"
#include "base/hash.h"
#include "spool/inbox.h"
#include "spool/name.h"
#include "spool/stage.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COMPARE_LIMIT (256u * 1024u * 1024u)

struct entry {
    char wanted[SPOOL_NAME_MAX + 1], given[SPOOL_NAME_MAX + 1]; /* given: "" until it is in */
    bool replaced;                                              /* an identical file stood there */
};

struct inbox_batch {
    struct spool *spool;
    int inbox, folder;
    char name[32];
    struct entry *entries;
    size_t count, room;
};

static void remove_leftovers(int inbox)
{
    int fd = openat(inbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    struct dirent *e;
    while ((e = readdir(d))) {
        if (strncmp(e->d_name, ".in-", 4) != 0)
            continue;
        int folder = openat(inbox, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder < 0)
            continue;
        struct stat st; /* one just made and not yet locked is younger than this */
        bool dead =
            flock(folder, LOCK_EX | LOCK_NB) == 0 && fstat(folder, &st) == 0 && time(NULL) - st.st_ctime > 60;
        if (dead)
            file_remove_tree(inbox, e->d_name);
        close(folder);
    }
    closedir(d);
}

static void release(struct inbox_batch *b)
{
    int failed = errno;
    if (b->folder >= 0) {
        file_remove_tree(b->inbox, b->name);
        close(b->folder);
    }
    free(b->entries);
    free(b);
    errno = failed;
}

struct inbox_batch *inbox_batch_open(struct spool *s, const char *source)
{
    struct inbox_batch *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->spool = s;
    b->folder = -1;
    b->inbox = spool_inbox(s, source);
    memcpy(b->name, ".in-", 4);
    random_hex(b->name + 4, 16);
    if (b->inbox >= 0) {
        remove_leftovers(b->inbox);
        if (mkdirat(b->inbox, b->name, 0750) == 0)
            b->folder = openat(b->inbox, b->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (b->folder >= 0 && flock(b->folder, LOCK_EX | LOCK_NB) == 0)
        return b;
    release(b);
    return NULL;
}

int inbox_add(struct inbox_batch *b, const char *name, struct slice bytes)
{
    size_t len = strlen(name);
    if (len == 0 || len > SPOOL_NAME_MAX || name[0] == '.' || strchr(name, '/')) {
        errno = EINVAL;
        return -1;
    }
    if (b->count == b->room) {
        b->room = b->room ? 2 * b->room : 64;
        b->entries = realloc(b->entries, b->room * sizeof *b->entries);
        if (!b->entries)
            abort();
    }
    char beside[24];
    snprintf(beside, sizeof beside, "%zu", b->count);
    if (file_write(b->folder, beside, bytes, 0640, true) < 0)
        return -1;
    struct entry *e = &b->entries[b->count++];
    *e = (struct entry){0};
    memcpy(e->wanted, name, len + 1);
    return 0;
}

static bool identical(int a_dir, const char *a, int b_dir, const char *b)
{
    struct buffer one = {0}, two = {0};
    bool same = file_read(a_dir, a, COMPARE_LIMIT, &one) == 0 &&
                file_read(b_dir, b, COMPARE_LIMIT, &two) == 0 &&
                slice_equal(buffer_as_slice(&one), buffer_as_slice(&two));
    buffer_free(&one);
    buffer_free(&two);
    return same;
}

static int put_in(struct inbox_batch *b, size_t i)
{
    struct entry *e = &b->entries[i];
    char beside[24], name[SPOOL_NAME_MAX + 1];
    snprintf(beside, sizeof beside, "%zu", i);
    memcpy(name, e->wanted, sizeof name);
    for (unsigned k = 2; k < 1000000; k++) {
        if (stage_rename(b->folder, beside, b->inbox, name) == 0) {
            memcpy(e->given, name, sizeof name);
            return 0;
        }
        if (errno != EEXIST)
            return -1;
        if (identical(b->folder, beside, b->inbox, name)) {
            if (renameat(b->folder, beside, b->inbox, name) < 0)
                return -1;
            memcpy(e->given, name, sizeof name);
            e->replaced = true;
            return 0;
        }
        if (!name_numbered(e->wanted, k, name)) {
            errno = ENAMETOOLONG;
            return -1;
        }
    }
    return -1;
}

/* What is in already is taken back, unless a translator was faster; a second fetch of that one is then a
 * duplicate. */
static void take_back(struct inbox_batch *b)
{
    int failed = errno;
    for (size_t i = 0; i < b->count; i++) {
        char beside[24];
        snprintf(beside, sizeof beside, "%zu", i);
        if (b->entries[i].given[0] && !b->entries[i].replaced)
            renameat(b->inbox, b->entries[i].given, b->folder, beside);
    }
    errno = failed;
}

int inbox_commit(struct inbox_batch *b)
{
    int rc = spool_sync(b->spool);
    for (size_t i = 0; rc == 0 && i < b->count; i++)
        rc = put_in(b, i);
    /* durable before the caller's cursor can be */
    if (rc == 0)
        rc = fsync(b->inbox);
    if (rc < 0)
        take_back(b);
    release(b);
    return rc;
}

void inbox_abandon(struct inbox_batch *b)
{
    release(b);
}
