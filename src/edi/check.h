/* check: one transaction set against its dictionary while it is read or written. Sees segment ids, positions
 * and values; where they come from (X12 text, a map's tree, JSON, later EDIFACT) is the caller's. */
#ifndef SPOOLGATE_EDI_CHECK_H
#define SPOOLGATE_EDI_CHECK_H

#include "edi/element.h"
#include "edi/segment.h"
#include "edi/walk.h"

/* Which values are told when they are wrong, and no error. */
enum leniency { STRICT, LENIENT_CODES, LENIENT_VALUES };

struct check {
    const struct dictionary_tables *dictionary;
    const struct set *set; /* NULL: segments of the envelope */
    struct findings *findings;
    struct faults *faults;       /* may be NULL */
    struct slice label[2];       /* how findings name it: "850", "0001" */
    bool leaving;                /* our document on its way out */
    const struct edi_text *text; /* what is read; NULL: a tree is written */
    enum leniency lenient;
    size_t position;            /* of the segment at hand; ST is 1 */
    struct slice id, qualifier; /* of the segment at hand, and its first element */
    struct slice trailer;       /* the id of the set's trailer, when it came to it */
    struct walk walk;
};

/* Which value: element 1.., component 1.. or 0, repetition 1.. */
struct check_at {
    const struct position *position;
    unsigned element, component, repetition;
};

void check_open(struct check *c, const struct dictionary *d, const struct set *set, bool leaving,
                struct findings *f, struct faults *faults);
/* Both parts of the label as text that is safe to show. */
const char *check_label(const struct check *c);
/* Takes the next segment's id. Its plan, or NULL when it is unknown or has no place; the faults are told.
 * *opened: it is the first of a loop, and c->walk has that loop as its innermost level. */
const struct segment_plan *check_segment(struct check *c, struct slice id, struct slice qualifier,
                                         bool *opened);
/* What must be present, and together. element: the composite's position, 0 for the segment itself. */
void check_presence_slow(struct check *c, const struct presence *p, const struct position *positions,
                         uint64_t present, unsigned element);
/* The same where the step to it was gone before (walk_again), at a fraction of the cost; NULL: take
 * check_segment. */
static inline struct walk_step *check_again(struct check *c, struct slice id, struct slice qualifier);
void check_close(struct check *c);

void check_value_fault(struct check *c, const struct check_at *at, enum fault_kind kind, struct slice value);
/* Of trees that a map or JSON made: a delimiter in the value; a value where a composite belongs, or the
 * reverse; a component that is there twice. */
void check_delimiter_fault(struct check *c, const struct check_at *at, struct slice value, char delimiter,
                           const char *name);
/* A character that the other side's character set has not. */
void check_characters_fault(struct check *c, const struct check_at *at, struct slice value, const char *set);
void check_shape_fault(struct check *c, const struct check_at *at);
void check_twice(struct check *c, const struct check_at *at, unsigned component);
/* A fault of the segment at hand that has no element. */
void check_segment_fault(struct check *c, enum fault_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void check_too_many(struct check *c, const struct check_at *at, enum fault_kind kind, size_t found,
                    size_t allowed);

static inline void check_value(struct check *c, const struct check_at *at, struct slice value, bool plain)
{
    enum fault_kind kind = element_check(at->position->element, value, plain);
    if (__builtin_expect(kind != FAULT_NONE, 0))
        check_value_fault(c, at, kind, value);
}

static inline bool condition_holds(enum condition_kind kind, struct condition_plan m, uint64_t present)
{
    uint64_t rest = present & m.rest;
    switch (kind) {
    case CONDITION_PAIRED: return rest == 0 || rest == m.rest;
    case CONDITION_REQUIRED: return rest != 0;
    case CONDITION_EXCLUSIVE: return (rest & (rest - 1)) == 0;
    case CONDITION_CONDITIONAL: return !(present & m.first) || rest == m.rest;
    case CONDITION_LIST: return !(present & m.first) || rest != 0;
    }
    return true;
}

static inline struct walk_step *check_again(struct check *c, struct slice id, struct slice qualifier)
{
    struct walk_step *step = c->walk.steps ? walk_again(&c->walk, segment_key(id)) : NULL;
    if (step) {
        c->position++;
        c->id = id;
        c->qualifier = qualifier;
    }
    return step;
}

/* Whether all was right. */
static inline bool check_presence(struct check *c, const struct presence *p, const struct position *positions,
                                  uint64_t present, unsigned element)
{
    bool good = (present & p->mandatory) == p->mandatory;
    for (size_t i = 0; i < p->condition_count; i++)
        good &= condition_holds(p->conditions[i].kind, p->masks[i], present);
    if (__builtin_expect(!good, 0))
        check_presence_slow(c, p, positions, present, element);
    return good;
}

#endif
