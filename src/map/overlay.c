/* overlay: a map that says "extends" put over the map it names. A line replaces all lines of the base with
 * the same place in the same block; a block is gone into; "PLACE none" removes the place and all that lies
 * below it; everything else is added at the end of its block. */
#include "map/statement.h"

/* The list that a place's first overlay line has replaced already: further lines with that place are then
 * added. */
struct replaced {
    struct replaced *next;
    struct slice place;
    enum statement_kind kind;
};

static bool merge(struct arena *a, struct statement **first, struct statement **last, struct statement *over,
                  struct findings *f);

static void append(struct statement **first, struct statement **last, struct statement *t)
{
    t->next = NULL;
    if (*last)
        (*last)->next = t;
    else
        *first = t;
    *last = t;
}

/* Whether place is root or something inside it: "REF[01=IA]02" in "REF[01=IA]", "a.b" in "a", "BEG03" in
 * "BEG". */
static bool covers(struct slice root, struct slice place)
{
    if (!slice_starts(place, root))
        return false;
    if (place.len == root.len)
        return true;
    char next = place.ptr[root.len];
    bool digits = place.len - root.len == 2 && next >= '0' && next <= '9' && place.ptr[root.len + 1] >= '0' &&
                  place.ptr[root.len + 1] <= '9';
    return next == '.' || next == '/' || next == '{' || next == '(' || next == '[' || digits ||
           (root.len && root.ptr[root.len - 1] == ']');
}

static bool same_key(const struct statement *a, const struct statement *b)
{
    if (a->kind == STATEMENT_ONLY || b->kind == STATEMENT_ONLY)
        return a->kind == b->kind && slice_equal(a->when->path, b->when->path);
    if (a->left != b->left)
        return false;
    if (a->left != SIDE_PLACE) /* a constant or variable that is read: what it is read into identifies it */
        return slice_equal(a->right_text, b->right_text);
    return slice_equal(a->left_text, b->left_text);
}

/* Removes what test finds; how many. */
static unsigned drop(struct statement **first, struct statement **last, const struct statement *t, bool below)
{
    unsigned count = 0;
    struct statement **link = first;
    *last = NULL;
    while (*link) {
        struct statement *s = *link;
        bool hit =
            below ? s->kind != STATEMENT_ONLY && s->left == SIDE_PLACE && covers(t->left_text, s->left_text)
                  : s->kind == t->kind && same_key(s, t);
        if (hit) {
            *link = s->next;
            count++;
        } else {
            *last = s;
            link = &s->next;
        }
    }
    return count;
}

static bool merge_block(struct arena *a, struct statement **first, struct statement **last,
                        struct statement *over, struct findings *f)
{
    for (struct statement *s = *first; s; s = s->next) {
        if (s->kind != STATEMENT_BLOCK || !same_key(s, over))
            continue;
        if (over->right && !slice_equal(over->right_text, s->right_text))
            continue; /* the same place with another list of ours is another block */
        if (over->direction != DIRECTION_BOTH)
            s->direction = over->direction;
        return merge(a, &s->first, &s->last, over->first, f);
    }
    if (!over->right && over->first && over->first->kind == STATEMENT_REMOVE) {
        statement_fault(f, over->spot, "map.overlay", "Compare with the map that is extended.",
                        "The extended map has no block %.*s.", SLICE_ARG(over->left_text));
        return false;
    }
    append(first, last, over);
    return true;
}

static bool merge(struct arena *a, struct statement **first, struct statement **last, struct statement *over,
                  struct findings *f)
{
    struct replaced *replaced = NULL;
    bool good = true;
    for (struct statement *t = over, *next; t; t = next) {
        next = t->next;
        if (t->kind == STATEMENT_BLOCK) {
            good = merge_block(a, first, last, t, f) && good;
        } else if (t->kind == STATEMENT_REMOVE) {
            if (drop(first, last, t, true))
                continue;
            statement_fault(f, t->spot, "map.overlay",
                            "Compare with the map that is extended, or remove this line.",
                            "There is nothing to remove: the extended map has no %.*s in this block.",
                            SLICE_ARG(t->left_text));
            good = false;
        } else {
            struct slice key = t->kind == STATEMENT_ONLY ? t->when->path : t->left_text;
            bool again = false;
            for (struct replaced *r = replaced; r; r = r->next)
                again |= r->kind == t->kind && slice_equal(r->place, key);
            struct statement *where = NULL; /* a line takes the place of the one it replaces */
            if (!again) {
                for (struct statement *s = *first, *previous = NULL; s && !where; previous = s, s = s->next)
                    if (s->kind == t->kind && same_key(s, t))
                        where = previous ? previous : s;
                bool at_front = where && where == *first && where->kind == t->kind && same_key(where, t);
                struct replaced *r = arena_alloc(a, sizeof *r);
                *r = (struct replaced){replaced, key, t->kind};
                replaced = r;
                drop(first, last, t, false);
                if (where) {
                    struct statement **link = at_front ? first : &where->next;
                    t->next = *link;
                    *link = t;
                    if (!t->next)
                        *last = t;
                    continue;
                }
            }
            append(first, last, t);
        }
    }
    return good;
}

struct map_text *statement_overlay(struct arena *a, struct map_text *base, struct map_text *overlay,
                                   struct findings *f)
{
    if (overlay->syntax && (strcmp(overlay->syntax, base->syntax) || strcmp(overlay->set, base->set) ||
                            strcmp(overlay->canonical, base->canonical))) {
        statement_fault(f, overlay->spot, "map.overlay", "Leave the line out; the extended map's is taken.",
                        "The extended map is %s%s%s and %s.", base->syntax, *base->set ? " " : "", base->set,
                        base->canonical);
        base->wrong = true;
    }
    if (overlay->version)
        base->version = overlay->version;
    bool fits = merge(a, &base->first, &base->last, overlay->first, f);
    base->wrong |= overlay->wrong || !fits;
    return base;
}
