/* plan_sets: transaction sets as trees, from sets/index.tsv and sets/<id>.tsv. A row whose loop_repeat is a
 * number begins a loop; the rows that follow with the same loop path are inside it. ST and SE are the
 * envelope's and are left out. Arrays of siblings are in the standard's order. */
#include "edi/plan.h"
#include "edi/table.h"
#include "edi/walk.h"
#include <stdio.h>

struct draft {
    struct set_item item;
    struct draft *first, *last, *next;
    unsigned count;
    bool loop;
    struct slice path; /* of a loop */
};

struct drafting {
    struct dictionary_tables *d;
    struct table t;
    struct draft *open[PLAN_DEPTH]; /* [0] is the set itself */
    unsigned depth;
};

static struct draft *new_draft(struct drafting *g, struct draft *parent)
{
    struct draft *n = arena_zero(&g->d->arena, sizeof *n);
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    n->item.order = (unsigned short)parent->count++;
    return n;
}

static bool inside(struct slice path, struct slice loop)
{
    return slice_equal(path, loop) ||
           (path.len > loop.len && slice_starts(path, loop) && path.ptr[loop.len] == '/');
}

/* The part of a path before its last name; empty for the outermost. */
static struct slice parent_path(struct slice path)
{
    size_t n = path.len;
    while (n && path.ptr[n - 1] != '/')
        n--;
    return slice_make(path.ptr, n ? n - 1 : 0);
}

static struct slice last_name(struct slice path)
{
    size_t skip = parent_path(path).len;
    skip += skip ? 1 : 0;
    return slice_make(path.ptr + skip, path.len - skip);
}

/* Closes loops until the innermost open one is that of the path. */
static bool close_to(struct drafting *g, struct slice path)
{
    while (g->depth && !inside(path, g->open[g->depth]->path))
        g->depth--;
    return slice_equal(path, g->open[g->depth]->path);
}

static struct draft *open_loop(struct drafting *g, struct slice path, unsigned repeat)
{
    while (g->depth && !inside(parent_path(path), g->open[g->depth]->path))
        g->depth--;
    if (!slice_equal(parent_path(path), g->open[g->depth]->path)) {
        table_fault(&g->t, "The loop %.*s begins where its outer loop is not open.", SLICE_ARG(path));
        return NULL;
    }
    if (g->depth + 1 >= PLAN_DEPTH) {
        table_fault(&g->t, "The loop %.*s is nested too deep.", SLICE_ARG(path));
        return NULL;
    }
    struct draft *loop = new_draft(g, g->open[g->depth]);
    loop->loop = true;
    loop->path = arena_copy(&g->d->arena, path);
    loop->item.id = arena_text(&g->d->arena, last_name(path));
    loop->item.max_use = repeat;
    g->open[++g->depth] = loop;
    return loop;
}

static void read_row(struct drafting *g)
{
    struct table *t = &g->t;
    const struct edi_standard *standard = g->d->dictionary.standard;
    if (slice_is(t->fields[2], standard->header) || slice_is(t->fields[2], standard->trailer))
        return;
    const struct segment_plan *s = plan_segment(g->d, t->fields[2]);
    if (!s) {
        table_fault(t, "The segment %.*s is not in segments.tsv.", SLICE_ARG(t->fields[2]));
        return;
    }
    struct slice requirement = t->fields[3], path = t->fields[5];
    if (requirement.len != 1 || !strchr("MOC", requirement.ptr[0])) {
        table_fault(t, "The requirement of a segment in a set is M or O (in EDIFACT M or C), not \"%.*s\".",
                    SLICE_ARG(requirement));
        return;
    }
    if (slice_is(path, "-"))
        path = SLICE("");
    struct draft *loop = NULL;
    if (!slice_is(t->fields[6], "-")) {
        loop = open_loop(g, path, table_number(t, 6, 1000000000));
        if (!loop)
            return;
        loop->item.segment = &s->segment;
        loop->item.requirement = requirement.ptr[0];
    } else if (!close_to(g, path)) {
        table_fault(t, "Segment %s stands in loop %.*s, which is not open here.", s->segment.id,
                    SLICE_ARG(path));
        return;
    }
    struct draft *n = new_draft(g, g->open[g->depth]);
    n->item.segment = &s->segment;
    n->item.id = s->segment.id;
    n->item.requirement = loop ? 'M' : requirement.ptr[0];
    n->item.max_use = table_number(t, 4, 1000000000);
}

static void plan_level(struct dictionary_tables *d, struct level_plan *plan, const struct set_item *items,
                       unsigned count)
{
    uint16_t *segments = arena_alloc(&d->arena, (count + 1) * sizeof *segments);
    uint16_t *mandatory = arena_alloc(&d->arena, (count + 1) * sizeof *mandatory);
    mandatory[count] = (uint16_t)count;
    for (unsigned i = count; i-- > 0;) {
        segments[i] = plan_of(items[i].segment)->number;
        mandatory[i] = items[i].requirement == 'M' ? (uint16_t)i : mandatory[i + 1];
    }
    *plan = (struct level_plan){segments, mandatory};
}

static const struct set_item *freeze(struct dictionary_tables *d, const struct draft *parent)
{
    struct level_plan *plan = arena_zero(&d->arena, sizeof *plan + parent->count * sizeof(struct set_item));
    struct set_item *items = (struct set_item *)(void *)(plan + 1);
    unsigned i = 0;
    for (const struct draft *n = parent->first; n; n = n->next) {
        items[i] = n->item;
        if (n->loop) {
            items[i].items = freeze(d, n);
            items[i].count = n->count;
        }
        i++;
    }
    plan_level(d, plan, items, i);
    return items;
}

static int read_set(struct dictionary_tables *d, struct set *set, struct findings *f)
{
    struct drafting g = {.d = d};
    struct draft root = {.path = SLICE("")};
    unsigned before = f->errors;
    g.open[0] = &root;
    if (table_open(&g.t, d->directory, arena_printf(&d->arena, "%s/sets/%s.tsv", d->folder, set->id), 7, f))
        return -1;
    while (table_next(&g.t))
        read_row(&g);
    if (f->errors == before && (!root.count || root.count > UINT16_MAX))
        table_fault(&g.t, "The set %s has no segments, or too many.", set->id);
    set->items = freeze(d, &root);
    set->count = root.count;
    table_close(&g.t);
    return f->errors > before ? -1 : 0;
}

static bool plain_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z')))
            return false;
    return s.len > 0 && s.len <= 6;
}

int plan_load_sets(struct dictionary_tables *d, struct findings *f)
{
    unsigned before = f->errors;
    struct table t;
    if (table_open(&t, d->directory, arena_printf(&d->arena, "%s/sets/index.tsv", d->folder), 2, f))
        return -1;
    d->sets = arena_zero(&d->arena, table_lines(&t) * sizeof *d->sets);
    while (table_next(&t)) {
        if (!plain_name(t.fields[0]) || dictionary_set(&d->dictionary, arena_text(&d->arena, t.fields[0]))) {
            table_fault(&t, "\"%.*s\" is no set's id, or stands here twice.", SLICE_ARG(t.fields[0]));
            continue;
        }
        struct set *set = &d->sets[d->set_count++];
        set->id = arena_text(&d->arena, t.fields[0]);
        set->functional_group = arena_text(&d->arena, t.fields[1]);
        set->names = d->names;
        read_set(d, set, f);
    }
    d->steps = arena_zero(&d->arena, sizeof *d->steps);
    table_close(&t);
    return f->errors > before ? -1 : 0;
}
