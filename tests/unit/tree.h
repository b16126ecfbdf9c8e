/* tree: a spool of its own for each test, removed afterwards. */
#ifndef SPOOLGATE_TESTS_UNIT_TREE_H
#define SPOOLGATE_TESTS_UNIT_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "spool/spool.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct tree {
    char path[256];
    struct spool spool;
    struct arena arena;
    struct findings findings;
};

static inline struct tree *tree_open(struct tree *t)
{
    const char *base = getenv("TMPDIR");
    *t = (struct tree){0};
    t->findings.arena = &t->arena;
    snprintf(t->path, sizeof t->path, "%s/spoolgate-unit-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(t->path));
    char spool[300];
    snprintf(spool, sizeof spool, "%s/spool", t->path);
    assert_int_equal(spool_open(&t->spool, spool, &t->findings), 0);
    return t;
}

static inline void tree_close(struct tree *t)
{
    spool_close(&t->spool);
    arena_free(&t->arena);
    assert_int_equal(file_remove_tree(AT_FDCWD, t->path), 0);
}

/* Writes a file below the spool, with its folders. */
static inline void tree_put(struct tree *t, const char *path, const char *text)
{
    char folder[700];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    *slash = '\0';
    assert_int_equal(file_make_directories(t->spool.root, folder, 0750), 0);
    assert_int_equal(file_write(t->spool.root, path, slice_of(text), 0640, false), 0);
}

static inline bool tree_has(struct tree *t, const char *path)
{
    struct stat st;
    return fstatat(t->spool.root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The file's text in a buffer of the arena; "" when it is not there. */
static inline const char *tree_text(struct tree *t, const char *path)
{
    struct buffer b = {0};
    file_read(t->spool.root, path, 1 << 20, &b);
    const char *text = arena_text(&t->arena, buffer_as_slice(&b));
    buffer_free(&b);
    return text;
}

/* Number of entries of a folder whose names do not begin with a dot; *last (may be NULL) is the name of one.
 */
static inline int tree_count(struct tree *t, const char *path, char last[256])
{
    int fd = openat(t->spool.root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.') {
            n++;
            if (last)
                snprintf(last, 256, "%s", e->d_name);
        }
    if (d)
        closedir(d);
    return d ? n : -1;
}

static inline bool tree_said(struct tree *t, const char *code)
{
    for (const struct finding *f = t->findings.first; f; f = f->next)
        if (!strcmp(f->code, code))
            return true;
    return false;
}

#endif
