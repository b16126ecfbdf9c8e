/* walk: see walk.h. Cannot fail: every segment gets one of the results. */
#include "edi/walk.h"

struct place {
    unsigned level;
    size_t index;
};

void walk_open(struct walk *w, const struct set *set)
{
    w->depth = 0;
    w->last = NULL;
    walk_open_level(&w->levels[0], set->items, set->count, NULL);
}

/* The first place for s from where the walk stands, innermost level first. false when there is none that is
 * not used up; *used_up then says whether there is one that is. */
static inline bool find_place(const struct walk *w, const struct segment *s, struct place *p, bool *used_up)
{
    const uint16_t number = plan_of(s)->number;
    *used_up = false;
    for (unsigned level = w->depth + 1; level-- > 0;) {
        const struct walk_level *l = &w->levels[level];
        /* A loop's first segment never stands in it again: it opens the next occurrence of the loop. */
        size_t from = level && l->index == 0 ? 1 : l->index;
        for (size_t i = from; i < l->count; i++) {
            if (l->segments[i] != number)
                continue;
            if (i != l->index || !l->items[i].max_use || l->uses < l->items[i].max_use) {
                *p = (struct place){level, i};
                return true;
            }
            if (!*used_up) {
                *p = (struct place){level, i};
                *used_up = true;
            }
        }
    }
    return false;
}

/* Whether there were any. */
static bool tell_missing(const struct walk_level *l, size_t to, walk_missing *missing, void *context)
{
    size_t from = l->uses ? l->index + 1 : l->index;
    bool any = l->mandatory[from] < to;
    for (size_t i = l->mandatory[from]; i < to && missing; i = l->mandatory[i + 1])
        missing(context, l, &l->items[i]);
    return any;
}

static bool holds(const struct set_item *items, size_t count, const struct segment *s)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].segment == s || (items[i].items && holds(items[i].items, items[i].count, s)))
            return true;
    return false;
}

static enum walk_result not_placed(const struct walk *w, const struct set *set, const struct segment *s)
{
    for (unsigned level = 0; level <= w->depth; level++)
        for (size_t i = 0; i < w->levels[level].index; i++)
            if (w->levels[level].items[i].segment == s)
                return WALK_BEFORE;
    return holds(set->items, set->count, s) ? WALK_ELSEWHERE : WALK_NOT_IN_SET;
}

/* The place is the first one that is behind `from` for the segment, so that only its uses decide. */
static void remember(struct walk *w, const struct set_item *from, const struct place *p,
                     const struct segment *s, unsigned depth)
{
    const struct segment_plan *plan = plan_of(s);
    const struct set_item *to = &w->levels[p->level].items[p->index];
    struct walk_step *step = walk_step_of(w, from, plan->key);
    *step = (struct walk_step){.from = from,
                               .to = to->items ? to->items : to,
                               .segment = plan,
                               .key = plan->key,
                               .index = (uint16_t)p->index,
                               .out = (uint8_t)(depth - p->level),
                               .loop = to->items != NULL};
    w->last = step;
}

enum walk_result walk_segment(struct walk *w, const struct set *set, const struct segment *s,
                              walk_missing *missing, void *context)
{
    struct place p;
    bool used_up, passed = false;
    unsigned depth = w->depth;
    const struct walk_level *innermost = &w->levels[depth];
    const struct set_item *from = innermost->uses ? &innermost->items[innermost->index] : NULL;
    w->last = NULL;
    bool placed = find_place(w, s, &p, &used_up);
    if (!placed && !used_up)
        return not_placed(w, set, s);
    while (w->depth > p.level) {
        struct walk_level *inner = &w->levels[w->depth--];
        passed |= tell_missing(inner, inner->count, missing, context);
    }
    struct walk_level *l = &w->levels[p.level];
    passed |= tell_missing(l, p.index, missing, context);
    l->uses = l->index == p.index ? l->uses + 1 : 1;
    l->index = p.index;
    if (w->steps && from && !used_up && !passed)
        remember(w, from, &p, s, depth);
    const struct set_item *item = &l->items[p.index];
    if (!item->items)
        return placed ? WALK_HERE : WALK_TOO_MANY;
    walk_open_level(&w->levels[++w->depth], item->items, item->count, item);
    return placed ? WALK_LOOP : WALK_LOOP_TOO_MANY;
}

void walk_close(struct walk *w, walk_missing *missing, void *context)
{
    for (unsigned level = w->depth + 1; level-- > 0;)
        tell_missing(&w->levels[level], w->levels[level].count, missing, context);
}
