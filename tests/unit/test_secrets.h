/* What the tests of secrets share: a folder with a key. */
#ifndef SPOOLGATE_TESTS_UNIT_TEST_SECRETS_H
#define SPOOLGATE_TESTS_UNIT_TEST_SECRETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "net/seal.h"
#include "net/secrets.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
#define VALUE "hunter2-Zq8-very-secret-value"

struct place {
    char dir[64], secrets[128], key[128];
    struct arena arena;
    struct findings findings;
};

static inline int make_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/spoolgate-secrets-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->secrets, sizeof p->secrets, "%s/secrets", p->dir);
    snprintf(p->key, sizeof p->key, "%s/key", p->dir);
    p->findings.arena = &p->arena;
    unsetenv("SPOOLGATE_KEY");
    unsetenv("CREDENTIALS_DIRECTORY");
    *state = p;
    return seal_key_create(p->key, &p->findings);
}

static inline int remove_place(void **state)
{
    struct place *p = *state;
    int result = file_remove_tree(AT_FDCWD, p->dir);
    arena_free(&p->arena);
    free(p);
    return result;
}

static inline bool said(const struct place *p, const char *code)
{
    for (const struct finding *f = p->findings.first; f; f = f->next)
        if (strcmp(f->code, code) == 0)
            return true;
    return false;
}

static inline struct secrets *open_here(struct place *p)
{
    struct secrets *s = secrets_open(p->secrets, p->key, &p->findings);
    assert_non_null(s);
    return s;
}

static inline void put(struct place *p, const char *name, const char *value)
{
    struct secrets *s = open_here(p);
    assert_int_equal(secrets_set(s, name, slice_of(value), &p->findings), 0);
    secrets_close(s);
}

#endif
