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

struct walk {
    struct walk_level levels[PLAN_DEPTH];
    unsigned depth; /* innermost open level; 0: the set */
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
/* End of the set: tells what is still missing. */
void walk_close(struct walk *w, walk_missing *missing, void *context);

#endif
