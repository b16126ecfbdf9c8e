/* desk: a spool and a state of its own for each test. */
#ifndef SPOOLGATE_TESTS_UNIT_DESK_H
#define SPOOLGATE_TESTS_UNIT_DESK_H

#include "tree.h"

#include "state/state.h"

struct desk {
    struct tree tree;
    struct state *state;
    char path[300];
};

static inline struct desk *desk_open(struct desk *k)
{
    tree_open(&k->tree);
    snprintf(k->path, sizeof k->path, "%s/state.db", k->tree.path);
    k->state = state_open(k->path, &k->tree.findings);
    assert_non_null(k->state);
    return k;
}

static inline void desk_close(struct desk *k)
{
    state_close(k->state);
    tree_close(&k->tree);
}

/* A visit of links: one after the other into a buffer; ends with 7 when that is long. */
static inline int note_row(void *context, const char *kind, const char *value, const char *document)
{
    struct buffer *b = context;
    buffer_printf(b, "%s %s %s;", kind, value, document);
    return b->len > 10000 ? 7 : 0;
}

#endif
