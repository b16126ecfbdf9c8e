/* reading: see reading.h. The tree's texts are slices of the input. All that is wrong goes to the check's
 * findings; a segment without a place is left out of the tree, which is not handed out then. */
#include "edi/reading.h"
#include "edi/glance.h"

void reading_open(struct reading *r, const struct edi_text *text, const struct dictionary *d,
                  const struct set *set, bool leaving, struct findings *f, struct faults *faults)
{
    check_open(&r->check, d, set, leaving, f, faults);
    r->text = text;
    r->arena = f->arena;
    r->root = NULL;
    r->nodes = 0;
}

static inline struct node *add_node(struct reading *r, struct node *parent, enum node_kind kind, unsigned tag,
                                    struct slice text)
{
    struct node *n = arena_alloc(r->arena, sizeof *n);
    *n = (struct node){.text = text,
                       .at = (uint32_t)(text.ptr - r->text->input.ptr),
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
                                     const struct edi_segment *s)
{
    struct node *n = add_node(r, parent, kind, 0, SLICE_NONE);
    n->name = s->id;
    n->at = (uint32_t)s->at;
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
        struct slice piece = cut(&rest, r->text->delimiters.component);
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
    } else if (memchr(v.ptr, r->text->delimiters.component, v.len) && r->check.set) {
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
    char separator = r->text->delimiters.repetition;
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

static void read_element(struct reading *r, const struct edi_segment *s, const struct segment_plan *p,
                         unsigned i, struct node *parent)
{
    struct slice v = s->elements[i];
    struct check_at at = {.position = &p->segment.positions[i], .element = i + 1, .repetition = 1};
    if (s->special || !(p->simple >> i & 1)) {
        read_special(r, &at, v, parent);
        return;
    }
    check_value(&r->check, &at, v, true);
    if (parent)
        add_node(r, parent, NODE_STRING, at.element, v);
}

static inline bool can_glance(const struct reading *r, const struct edi_segment *s)
{
    const struct slice *last = &s->tokens[s->count];
    return !s->special && r->text->input.ptr + r->text->input.len - (last->ptr + last->len) >= 8;
}

/* The elements from *i on for as long as they are right at a glance, with their nodes; the set of those that
 * are present. */
static inline uint64_t read_glancing(struct reading *r, const struct edi_segment *s,
                                     const struct segment_plan *p, unsigned *i, unsigned known,
                                     struct node *parent)
{
    struct node *first = arena_room(r->arena, (known - *i) * sizeof *first), *n = first, *last = parent->last;
    uint64_t present = 0;
    unsigned at = *i;
    for (; at < known; at++) {
        struct slice v = s->elements[at];
        if (v.len == 0)
            continue;
        if (__builtin_expect(!glance(&p->rules[at], v, 0), 0))
            break;
        present |= UINT64_C(1) << at;
        *n = (struct node){.text = v,
                           .at = (uint32_t)(v.ptr - r->text->input.ptr),
                           .tag = (uint16_t)(at + 1),
                           .kind = NODE_STRING};
        n->next = n + 1;
        n++;
    }
    *i = at;
    if (n == first)
        return 0;
    n[-1].next = NULL;
    if (last)
        last->next = first;
    else
        parent->first = first;
    parent->last = n - 1;
    arena_take(r->arena, (size_t)((char *)n - (char *)first));
    return present;
}

/* The elements of a segment against its plan; nodes below parent unless that is NULL. step: how the segment
 * was come to, where that is remembered. */
static inline void read_elements(struct reading *r, const struct edi_segment *s, const struct segment_plan *p,
                                 struct walk_step *step, struct node *parent)
{
    unsigned known = s->count < p->segment.count ? s->count : (unsigned)p->segment.count;
    bool glances = parent && can_glance(r, s);
    uint64_t present = 0;
    for (unsigned i = 0; i < known; i++) {
        if (glances) {
            present |= read_glancing(r, s, p, &i, known, parent);
            if (i == known)
                break;
        }
        if (s->elements[i].len) {
            present |= UINT64_C(1) << i;
            read_element(r, s, p, i, parent);
        }
    }
    if (s->count > p->segment.count)
        check_too_many(&r->check,
                       &(struct check_at){.element = (unsigned)p->segment.count + 1, .repetition = 1},
                       FAULT_TOO_MANY_ELEMENTS, s->count, p->segment.count);
    if (step && present && step->present == present)
        return;
    if (check_presence(&r->check, &p->presence, p->segment.positions, present, 0) && step)
        step->present = present;
}

static inline struct slice first_element(const struct edi_segment *s)
{
    return s->count ? s->elements[0] : SLICE_NONE;
}

/* What check says of the segment is known: its elements, and its place in the tree. */
static inline void take_segment(struct reading *r, const struct edi_segment *s, const struct segment_plan *p,
                                struct walk_step *step, bool opened)
{
    struct check *c = &r->check;
    r->nodes += s->count + 1;
    if (__builtin_expect(r->nodes > READING_NODES, 0)) {
        if (r->nodes - s->count - 1 <= READING_NODES)
            check_segment_fault(c, FAULT_SET_SIZE,
                                "The set has more than %u values, which is more than is read at "
                                "once.",
                                READING_NODES);
        read_elements(r, s, p, step, NULL);
        return;
    }
    struct walk_level *level = &c->walk.levels[c->walk.depth];
    if (opened)
        level->node = add_named(r, level[-1].node, NODE_LOOP, s);
    read_elements(r, s, p, step, add_named(r, level->node, NODE_SEGMENT, s));
}

bool reading_again(struct reading *r, const struct edi_segment *s)
{
    struct walk_step *step = check_again(&r->check, s->id, first_element(s));
    if (step)
        take_segment(r, s, step->segment, step, step->loop);
    return step != NULL;
}

void reading_segment(struct reading *r, const struct edi_segment *s)
{
    bool opened;
    const struct segment_plan *p = check_segment(&r->check, s->id, first_element(s), &opened);
    if (p)
        take_segment(r, s, p, r->check.walk.last, opened);
}

void reading_envelope(struct reading *r, const struct edi_segment *s)
{
    r->check.id = s->id;
    r->check.qualifier = SLICE_NONE;
    const struct segment_plan *p = plan_segment(r->check.dictionary, s->id);
    if (p)
        read_elements(r, s, p, NULL, NULL);
}
