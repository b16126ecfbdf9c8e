/* reading: see reading.h. The tree's texts are slices of the input. All that is wrong goes to the check's
 * findings; a segment without a place is left out of the tree, which is not handed out then. */
#include "edi/reading.h"

static inline struct node *add_node(struct reading *r, struct node *parent, enum node_kind kind, unsigned tag,
                                    struct slice text)
{
    struct node *n = arena_alloc(r->arena, sizeof *n);
    *n = (struct node){.text = text,
                       .at = (uint32_t)(text.ptr - r->lexer->input.ptr),
                       .tag = (uint16_t)tag,
                       .kind = (uint8_t)kind};
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    return n;
}

static inline struct node *add_named(struct reading *r, struct node *parent, enum node_kind kind,
                                     const char *name, size_t at)
{
    struct node *n = add_node(r, parent, kind, 0, SLICE_NONE);
    n->name = slice_of(name);
    n->at = (uint32_t)at;
    return n;
}

/* The piece of *rest before the next separator. */
static struct slice cut(struct slice *rest, char separator)
{
    const char *at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct slice piece = slice_make(rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len);
    *rest = at ? slice_make(at + 1, rest->len - piece.len - 1) : SLICE_NONE;
    return piece;
}

static void read_composite(struct reading *r, const struct check_at *at, struct slice v, struct node *parent)
{
    const struct composite *group = at->position->composite;
    struct check_at inner = *at;
    struct node *node = parent ? add_node(r, parent, NODE_COMPOSITE, at->element, v) : NULL;
    if (node)
        node->text = SLICE_NONE;
    uint64_t present = 0;
    unsigned n = 0;
    for (struct slice rest = v; rest.ptr;) {
        struct slice piece = cut(&rest, r->lexer->delimiters.component);
        if (n++ >= group->count || piece.len == 0)
            continue;
        present |= UINT64_C(1) << (n - 1);
        inner.component = n;
        inner.position = &group->positions[n - 1];
        check_value(&r->check, &inner, piece, false);
        if (node)
            add_node(r, node, NODE_STRING, n, piece);
    }
    if (n > group->count)
        check_too_many(&r->check, at, FAULT_TOO_MANY_COMPONENTS, n, group->count);
    check_presence(&r->check, &plan_of_composite(group)->presence, group->positions, present, at->element);
}

static void read_repetition(struct reading *r, const struct check_at *at, struct slice v, struct node *parent)
{
    if (v.len == 0)
        return;
    if (at->position->composite) {
        read_composite(r, at, v, parent);
    } else if (memchr(v.ptr, r->lexer->delimiters.component, v.len) && r->check.set) {
        check_too_many(&r->check, at, FAULT_TOO_MANY_COMPONENTS, 2, 1);
    } else {
        check_value(&r->check, at, v, false);
        if (parent)
            add_node(r, parent, NODE_STRING, at->element, v);
    }
}

/* An element that may be composite or repeated, or has bytes that need a look. */
static void read_special(struct reading *r, const struct check_at *at, struct slice v, struct node *parent)
{
    char separator = r->lexer->delimiters.repetition;
    if (!separator || !r->check.set || !memchr(v.ptr, separator, v.len)) {
        read_repetition(r, at, v, parent);
        return;
    }
    struct check_at each = *at;
    unsigned n = 0;
    for (struct slice rest = v; rest.ptr;) {
        struct slice piece = cut(&rest, separator);
        each.repetition = ++n;
        read_repetition(r, &each, piece, parent);
    }
    if (at->position->repeat && n > at->position->repeat)
        check_too_many(&r->check, at, FAULT_TOO_MANY_REPEATS, n, at->position->repeat);
}

static inline void read_simple(struct reading *r, const struct check_at *at, struct slice v,
                               struct node *parent)
{
    check_value(&r->check, at, v, true);
    if (parent)
        add_node(r, parent, NODE_STRING, at->element, v);
}

void reading_elements(struct reading *r, const struct x12_segment *s, const struct segment_plan *p,
                      struct node *parent)
{
    size_t known = s->count < p->segment.count ? s->count : p->segment.count;
    uint64_t simple = s->special ? 0 : p->simple, present = 0;
    for (unsigned i = 0; i < known; i++) {
        struct slice v = s->elements[i];
        if (v.len == 0)
            continue;
        uint64_t bit = UINT64_C(1) << i;
        struct check_at at = {.position = &p->segment.positions[i], .element = i + 1, .repetition = 1};
        present |= bit;
        if (simple & bit)
            read_simple(r, &at, v, parent);
        else
            read_special(r, &at, v, parent);
    }
    if (s->count > p->segment.count)
        check_too_many(&r->check,
                       &(struct check_at){.element = (unsigned)p->segment.count + 1, .repetition = 1},
                       FAULT_TOO_MANY_ELEMENTS, s->count, p->segment.count);
    check_presence(&r->check, &p->presence, p->segment.positions, present, 0);
}

static inline struct slice first_element(const struct x12_segment *s)
{
    return s->count ? s->elements[0] : SLICE_NONE;
}

void reading_segment(struct reading *r, const struct x12_segment *s)
{
    struct check *c = &r->check;
    bool opened = false;
    const struct segment_plan *p = check_segment(c, s->id, first_element(s), &opened);
    if (!p)
        return;
    r->nodes += s->count + 1;
    if (r->nodes > READING_NODES) {
        if (r->nodes - s->count - 1 <= READING_NODES)
            check_segment_fault(c, FAULT_SET_SIZE,
                                "The set has more than %u values, which is more than is read at "
                                "once.",
                                READING_NODES);
        reading_elements(r, s, p, NULL);
        return;
    }
    struct walk_level *level = &c->walk.levels[c->walk.depth];
    if (opened)
        level->node = add_named(r, level[-1].node, NODE_LOOP, p->segment.id, s->at);
    reading_elements(r, s, p, add_named(r, level->node, NODE_SEGMENT, p->segment.id, s->at));
}

/* The delimiters in ISA11 and ISA16 were looked at by the lexer, and may be control characters. */
static void reading_isa(struct reading *r, const struct x12_segment *s, const struct segment_plan *p)
{
    struct x12_segment isa = *s;
    if (r->lexer->delimiters.repetition && isa.count > 10)
        isa.elements[10] = SLICE("U");
    if (isa.count > 15)
        isa.elements[15] = SLICE(">");
    reading_elements(r, &isa, p, NULL);
}

void reading_envelope(struct reading *r, const struct x12_segment *s)
{
    r->check.id = s->id;
    r->check.qualifier = SLICE_NONE;
    const struct segment_plan *p = plan_segment(r->check.dictionary, s->id);
    if (p && slice_is(s->id, "ISA"))
        reading_isa(r, s, p);
    else if (p)
        reading_elements(r, s, p, NULL);
}
