/* walk: where a segment belongs in its set. Follows the set's tree segment by segment without ever going
 * back: a segment belongs to the innermost open loop that still has a place for it, there to the first place
 * that is not used up, and a loop's first segment opens that loop again. This is how X12.6 section 3.9 makes
 * sets unambiguous; loops that begin with the same segment are told apart by their order. Knows no lexer and
 * no tree: EDIFACT walks alike. */
#ifndef SPOOLGATE_EDI_WALK_H
#define SPOOLGATE_EDI_WALK_H

#include "edi/plan.h"

struct node;

struct walk_level {
    const struct set_item *items;
    const uint16_t *segments, *mandatory; /* of struct level_plan */
    const struct set_item *loop;          /* NULL: the set itself */
    size_t count, index;                  /* items[index] is the one at hand */
    size_t uses;                          /* of it; 0 before the first segment */
    struct node *node;                    /* the caller's: what this level is in its tree */
};

/* A step that was gone before: from one item of the set to the next. Where an item stands in the set's tree
 * says which loops are open, so the step from it with a segment leads to the same place each time; only how
 * often the place was used is still to be looked at. Steps that pass over something mandatory, or over a
 * place that is used up, are not remembered. */
struct walk_step {
    const struct set_item *from; /* NULL: none */
    const struct set_item *to;   /* of a loop: its first segment in it */
    struct walk_step *then;      /* the step that followed the last time */
    const struct segment_plan *segment;
    uint64_t present; /* elements that were found right together; 0: none yet */
    uint32_t key;     /* the segment's */
    uint16_t index;
    uint8_t out;  /* levels to go out */
    uint8_t loop; /* the place is a loop's first segment */
};

#define WALK_STEPS 256

struct walk_steps { /* of one dictionary; zeroed is empty */
    struct walk_step steps[WALK_STEPS];
};

struct walk {
    struct walk_level levels[PLAN_DEPTH];
    unsigned depth;           /* innermost open level; 0: the set */
    struct walk_steps *steps; /* the caller's; NULL: none are remembered */
    struct walk_step *last;   /* the step that led here, when it is remembered */
};

enum walk_result {
    WALK_HERE,     /* placed in the innermost open level */
    WALK_LOOP,     /* placed as the first segment of a loop, which is now the innermost level */
    WALK_TOO_MANY, /* the same, but its place was used up already: more than max_use */
    WALK_LOOP_TOO_MANY,
    WALK_BEFORE,    /* nowhere from here on, but its place would have been earlier */
    WALK_ELSEWHERE, /* the set has it only in loops that are not open */
    WALK_NOT_IN_SET
};

/* An item that was passed over though it is mandatory. */
typedef void walk_missing(void *context, const struct walk_level *level, const struct set_item *item);

void walk_open(struct walk *w, const struct set *set);
/* Not placed (the last three): the walk stays where it is. missing may be NULL. */
enum walk_result walk_segment(struct walk *w, const struct set *set, const struct segment *s,
                              walk_missing *missing, void *context);
/* The same for a segment by its key (segment_key) where the step was gone before: the step, or NULL for
 * walk_segment to look at it whole. */
static inline struct walk_step *walk_again(struct walk *w, uint32_t key);
/* End of the set: tells what is still missing. */
void walk_close(struct walk *w, walk_missing *missing, void *context);

/* ---- inline ---- */

static inline void walk_open_level(struct walk_level *l, const struct set_item *items, size_t count,
                                   const struct set_item *loop)
{
    const struct level_plan *plan = plan_of_level(items);
    l->items = items;
    l->segments = plan->segments;
    l->mandatory = plan->mandatory;
    l->loop = loop;
    l->count = count;
    l->index = 0;
    l->uses = loop ? 1 : 0;
    l->node = NULL;
}

static inline struct walk_step *walk_step_of(struct walk *w, const struct set_item *from, uint32_t key)
{
    uint64_t h = ((uint64_t)(uintptr_t)from ^ (uint64_t)key << 32) * UINT64_C(0x9E3779B97F4A7C15);
    return &w->steps->steps[h >> 56];
}

/* The step from where the walk stands; the one that followed the last time is looked at first. */
static inline struct walk_step *walk_find_step(struct walk *w, uint32_t key)
{
    struct walk_step *last = w->last, *s = last->then;
    if (s && s->key == key && s->from == last->to)
        return s;
    s = walk_step_of(w, last->to, key);
    if (s->from != last->to || s->key != key)
        return NULL;
    last->then = s;
    return s;
}

static inline struct walk_step *walk_again(struct walk *w, uint32_t key)
{
    struct walk_step *s = w->last ? walk_find_step(w, key) : NULL;
    if (!s)
        return NULL;
    struct walk_level *l = &w->levels[w->depth - s->out];
    const struct set_item *to = &l->items[s->index];
    if (l->index == s->index) {
        if (to->max_use && l->uses >= to->max_use)
            return NULL;
        l->uses++;
    } else {
        l->index = s->index;
        l->uses = 1;
    }
    w->depth -= s->out;
    if (s->loop)
        walk_open_level(&w->levels[++w->depth], to->items, to->count, to);
    w->last = s;
    return s;
}

#endif
