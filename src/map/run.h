/* run: what reading and writing share: where they stand, conditions, findings, the trace of `map explain`.
 * Private to src/map. */
#ifndef SPOOLGATE_MAP_RUN_H
#define SPOOLGATE_MAP_RUN_H

#include "map/program.h"

struct running {
    const struct map *map;
    struct arena *arena;
    struct findings *findings;
    struct buffer *trace;       /* NULL: none */
    const struct slice *values; /* of the map's variables; unset: no ptr */
    struct slice input;         /* what a tree was read from, for line and column; none: no ptr */
    bool reading;
    bool wrong;
};

struct scope { /* a block at work on one pair of objects */
    const struct scope *outer;
    const struct block *block;
    struct node *ours;
    struct node **slots;  /* reading: by field.slot and frame.self_slot */
    struct node **frames; /* reading: by frame.number */
    size_t index;         /* of the item of theirs, from 0, when the block goes through a list */
    size_t our_index;     /* of the item of ours */
};

void run_open(struct running *r, const struct map *m, const struct map_run *run, bool reading);
/* Condition: true when all hold. failed (may be NULL) is the first that does not. */
bool run_tests_slow(struct running *r, const struct scope *s, const struct test *tests,
                    const struct test **failed);
static inline bool run_tests(struct running *r, const struct scope *s, const struct test *tests,
                             const struct test **failed)
{
    return !tests || run_tests_slow(r, s, tests, failed);
}

/* The text of a scalar, trimmed; no ptr for everything else. */
static inline struct slice run_scalar(const struct node *n)
{
    struct slice s;
    switch (n->kind) {
    case NODE_NUMBER: return n->text;
    case NODE_STRING: s = slice_trim(n->text); return s.len ? s : SLICE_NONE;
    case NODE_TRUE: return SLICE("true");
    case NODE_FALSE: return SLICE("false");
    default: return SLICE_NONE;
    }
}

/* The text of a field of theirs; no ptr when absent, null or empty. *at is its node. */
struct slice run_their_text_slow(struct running *r, const struct scope *s, const struct field *f,
                                 struct node **at);
static inline struct slice run_their_text(struct running *r, const struct scope *s, const struct field *f,
                                          struct node **at)
{
    if (!f->tag || f->index >= 0)
        return run_their_text_slow(r, s, f, at);
    struct node *n = *at = s->slots[f->slot];
    if (!n)
        return SLICE_NONE;
    if (n->kind > NODE_NULL || n->kind < NODE_STRING)
        return run_their_text_slow(r, s, f, at);
    n->used = 1;
    return run_scalar(n);
}

/* "lines[1].uom", "PO1#2 PO103"; "lines[1].unit". Into the arena. */
const char *run_place(struct running *r, const struct scope *s, const char *place);
/* The block's own place: "lines[1]", "PO1#2". */
const char *run_here(struct running *r, const struct scope *s);
const char *run_path(struct running *r, const struct scope *s, const char *path);
/* Whether a further fault is only counted, and counts it: see findings_full. */
bool run_full(struct running *r);
void run_fault(struct running *r, const struct scope *s, const struct line *l, const struct node *at,
               const char *code, const char *todo, const char *what);
/* A line of the trace. */
void run_trace(struct running *r, const struct scope *s, const struct line *l, struct slice theirs,
               struct slice ours, const struct code_pair *pair);
/* The finding about a code that a table lacks. */
void run_unknown_code(struct running *r, const struct scope *s, const struct line *l, const struct node *at,
                      struct slice code);

struct node *run_read(const struct map *m, struct node *tree, struct slice input, const struct map_run *run,
                      const char **skipped);

#endif
