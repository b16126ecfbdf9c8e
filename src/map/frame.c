/* frame: the places of theirs that a map touches, as a tree (program.h): found or made while lines are
 * compiled, then put into the order of reading and of writing. */
#include "map/compile.h"

static bool same_qualifiers(const struct qualifier *a, const struct qualifier *b)
{
    for (; a && b; a = a->next, b = b->next)
        if (a->tag != b->tag || !slice_equal(a->value, b->value))
            return false;
    return !a && !b;
}

static bool below(const struct frame *f, const struct frame *parent, enum node_kind kind, struct slice name,
                  unsigned tag, int index, const struct qualifier *qualifiers)
{
    return f->parent == parent && f->kind == kind && f->tag == tag && f->index == index &&
           slice_equal(f->name, name) && same_qualifiers(f->qualifiers, qualifiers);
}

struct frame *frame_new(struct compiler *c, struct frame *parent, struct block *block, enum node_kind kind,
                        struct slice name, unsigned tag, int index, struct qualifier *qualifiers)
{
    struct frame *f = arena_zero(c->arena, sizeof *f);
    f->parent = parent;
    f->block = block;
    f->kind = kind;
    f->name = name;
    f->tag = tag;
    f->index = index;
    f->qualifiers = qualifiers;
    f->number = block->frame_count++;
    f->text = "";
    if (block->last_frame)
        block->last_frame->next = f;
    else
        block->frames = f;
    block->last_frame = f;
    if (parent) {
        f->order = parent->children++;
        f->next_child = NULL;
        if (parent->last_child)
            parent->last_child->next_child = f;
        else
            parent->first_child = f;
        parent->last_child = f;
    }
    return f;
}

struct frame *frame_below(struct compiler *c, struct frame *parent, struct block *block, enum node_kind kind,
                          struct slice name, unsigned tag, int index, struct qualifier *qualifiers)
{
    for (struct frame *f = parent->first_child; f; f = f->next_child)
        if (!f->opens && below(f, parent, kind, name, tag, index, qualifiers))
            return f;
    return frame_new(c, parent, block, kind, name, tag, index, qualifiers);
}

struct field *field_of(struct compiler *c, struct frame *frame, struct slice name, unsigned tag, int index,
                       struct slice pair)
{
    for (struct field *f = frame->fields; f; f = f->next)
        if (f->tag == tag && f->index == index && slice_equal(f->pair, pair))
            return f;
    struct field *f = arena_zero(c->arena, sizeof *f);
    *f = (struct field){.frame = frame, .name = name, .tag = tag, .index = index, .pair = pair, .text = ""};
    f->order = frame->children++;
    if (frame->last_field)
        frame->last_field->next = f;
    else
        frame->fields = f;
    frame->last_field = f;
    return f;
}

/* ---- after all lines: reading ---- */

/* Room in the block's slots for what lies directly in each of its frames. */
static void number_slots(struct compiler *c, struct block *b)
{
    for (struct frame *f = b->frames; f; f = f->next) {
        f->first_slot = b->slot_count;
        f->slot_count = (unsigned)(f->kind == NODE_SEGMENT     ? f->segment->count
                                   : f->kind == NODE_COMPOSITE ? f->composite->count
                                   : f->wanted                 ? f->wanted->count
                                                               : 0);
        b->slot_count += f->slot_count;
        for (struct field *field = f->fields; field; field = field->next)
            field->slot = f->first_slot + field->tag - 1;
        if (f->parent)
            f->self_slot = f->parent->first_slot + f->tag - 1;
    }
    for (struct block *inner = b->first; inner; inner = inner->next)
        number_slots(c, inner);
}

/* ---- after all lines: writing ---- */

static bool line_is_constant(const struct line *l)
{
    return l->right == SIDE_CONSTANT;
}

static bool field_writes(const struct field *f)
{
    return f->qualifier || f->lines;
}

/* Whether a frame holds constants and nothing else: then it is written whenever what it lies in is. */
static bool only_constants(const struct frame *f, bool *any)
{
    if (f->opens)
        return false;
    for (const struct field *field = f->fields; field; field = field->next)
        for (const struct line *l = field->lines; l; l = l->next_of_field) {
            if (!line_is_constant(l))
                return false;
            *any = true;
        }
    for (const struct frame *in = f->first_child; in; in = in->next_child)
        if (!only_constants(in, any))
            return false;
    return true;
}

static bool frame_writes(const struct frame *f)
{
    if (f->leads)
        return true;
    for (const struct field *field = f->fields; field; field = field->next)
        if (field->lines)
            return true;
    for (const struct frame *in = f->first_child; in; in = in->next_child)
        if (frame_writes(in))
            return true;
    return false;
}

static int by_rank(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void remove_pair_tag(struct frame *f, unsigned tag)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < f->pair_count; i++)
        if (f->pair_tags[i] != tag && f->pair_tags[i] + 1u != tag)
            f->pair_tags[kept++] = f->pair_tags[i];
    f->pair_count = kept;
}

static void order_parts(struct compiler *c, struct frame *f)
{
    f->parts = arena_zero(c->arena, (f->children + 1) * sizeof *f->parts);
    for (struct field *field = f->fields; field; field = field->next) {
        if (field->tag && f->pair_count)
            remove_pair_tag(f, field->tag);
        if (!field_writes(field))
            continue;
        unsigned rank = c->map->x12 ? (field->pair.ptr ? UINT16_MAX : field->tag) : 0;
        f->parts[f->part_count++] = (struct part){field, NULL, rank, field->order};
    }
    for (struct frame *in = f->first_child; in; in = in->next_child) {
        bool any = false;
        in->constant_only = only_constants(in, &any) && any;
        order_parts(c, in);
        if (!frame_writes(in))
            continue;
        unsigned rank = in->kind == NODE_COMPOSITE ? in->tag : in->leads ? 0 : in->rank;
        f->parts[f->part_count++] = (struct part){NULL, in, c->map->x12 ? rank : 0, in->order};
    }
    qsort(f->parts, f->part_count, sizeof *f->parts, by_rank);
}

void frames_finish(struct compiler *c)
{
    number_slots(c, &c->map->top);
    order_parts(c, c->map->top.frame);
}
