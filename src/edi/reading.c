/* reading: see reading.h. The tree's texts are slices of the input. All that is wrong goes to the check's
 * findings; a segment without a place is left out of the tree, which is not handed out then. */
#include "edi/reading.h"
#include "edi/characters.h"
#include "edi/glance.h"

void reading_open(struct reading *r, const struct edi_text *text, const struct dictionary *d,
                  const struct set *set, bool leaving, struct findings *f, struct faults *faults)
{
    check_open(&r->check, d, set, leaving, f, faults);
    r->text = text;
    r->check.text = text;
    r->arena = f->arena;
    r->root = NULL;
    r->nodes = 0;
}

static inline void append(struct node *parent, struct node *n)
{
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
}

static inline struct node make_node(const struct reading *r, enum node_kind kind, unsigned tag,
                                    struct slice text)
{
    return (struct node){.text = text,
                         .at = (uint32_t)(text.ptr - r->text->input.ptr),
                         .tag = (uint16_t)tag,
                         .kind = (uint8_t)kind};
}

/* text: where it stands in the input. */
static inline struct node *add_node(struct reading *r, struct node *parent, enum node_kind kind, unsigned tag,
                                    struct slice text)
{
    struct node *n = arena_alloc(r->arena, sizeof *n);
    *n = make_node(r, kind, tag, text);
    append(parent, n);
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

/* ---- values that need a look ---- */

static const char *find_separator(const struct reading *r, struct slice s, char separator)
{
    char release = r->text->delimiters.release;
    if (!s.len)
        return NULL;
    if (!release || !memchr(s.ptr, release, s.len))
        return memchr(s.ptr, separator, s.len);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == release)
            i++;
        else if (s.ptr[i] == separator)
            return s.ptr + i;
    }
    return NULL;
}

/* The piece of *rest before the next separator. */
static struct slice cut(const struct reading *r, struct slice *rest, char separator)
{
    const char *at = find_separator(r, *rest, separator);
    struct slice piece = slice_make(rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len);
    *rest = at ? slice_make(at + 1, rest->len - piece.len - 1) : SLICE_NONE;
    return piece;
}

static struct slice without_release(struct reading *r, struct slice v)
{
    char release = r->text->delimiters.release;
    if (!release || !memchr(v.ptr, release, v.len))
        return v;
    char *out = arena_alloc(r->arena, v.len);
    size_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == release && i + 1 < v.len)
            i++;
        out[n++] = v.ptr[i];
    }
    return slice_make(out, n);
}

static bool beyond_ascii(struct slice v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] > 0x7e)
            return true;
    return false;
}

/* A number with a comma where the interchange's mark is one, or may be; "1,5" of one whose mark is a point
 * stays what it is, and is no number. */
static struct slice with_point(struct reading *r, const struct element *e, struct slice v)
{
    if (e->type != TYPE_NUMBER)
        return v;
    char mark = r->text->delimiters.decimal, wrong = mark == ',' ? '.' : '\0';
    const char *comma = memchr(v.ptr, ',', v.len);
    if (wrong && memchr(v.ptr, wrong, v.len))
        return slice_make(",", 1);
    if (!comma || mark == '.')
        return v;
    char *out = arena_text(r->arena, v);
    out[comma - v.ptr] = '.';
    return slice_make(out, v.len);
}

/* The bytes of a value as what they mean: UTF-8, nothing released, a point in numbers. */
static struct slice meaning(struct reading *r, const struct check_at *at, struct slice v)
{
    struct slice text = without_release(r, v);
    if (r->text->characters && beyond_ascii(text)) {
        struct slice utf8 = characters_in(r->text->characters, text, r->arena);
        text = utf8.ptr ? utf8 : text; /* then it is no good UTF-8 either, and told as such */
    }
    return at->position->element ? with_point(r, at->position->element, text) : text;
}

static void read_text(struct reading *r, const struct check_at *at, struct slice v, unsigned tag,
                      struct node *parent)
{
    struct slice text = meaning(r, at, v);
    check_value(&r->check, at, text, false);
    if (parent)
        add_node(r, parent, NODE_STRING, tag, v)->text = text;
}

/* ---- one element ---- */

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
        struct slice piece = cut(r, &rest, r->text->delimiters.component);
        if (n++ >= group->count || piece.len == 0)
            continue;
        present |= UINT64_C(1) << (n - 1);
        inner.component = n;
        inner.position = &group->positions[n - 1];
        read_text(r, &inner, piece, n, node);
    }
    if (n > group->count)
        check_too_many(&r->check, at, FAULT_TOO_MANY_COMPONENTS, n, group->count);
    check_presence(&r->check, &plan_of_composite(group)->presence, group->positions, present, at->element);
}

static void read_repetition(struct reading *r, const struct check_at *at, struct slice v, struct node *parent)
{
    if (v.len == 0)
        return;
    if (at->position->composite)
        read_composite(r, at, v, parent);
    else if (find_separator(r, v, r->text->delimiters.component) && r->check.set)
        check_too_many(&r->check, at, FAULT_TOO_MANY_COMPONENTS, 2, 1);
    else
        read_text(r, at, v, at->element, parent);
}

/* An element that may be composite or repeated, or has bytes that need a look. */
static void read_special(struct reading *r, const struct check_at *at, struct slice v, struct node *parent)
{
    char separator = r->text->delimiters.repetition;
    if (!separator || !r->check.set || !find_separator(r, v, separator)) {
        read_repetition(r, at, v, parent);
        return;
    }
    struct check_at each = *at;
    unsigned n = 0;
    for (struct slice rest = v; rest.ptr;) {
        struct slice piece = cut(r, &rest, separator);
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
    if (s->special || s->composed || !(p->simple >> i & 1) ||
        p->segment.positions[i].element->type == TYPE_NUMBER) {
        read_special(r, &at, v, parent);
        return;
    }
    check_value(&r->check, &at, v, true);
    if (parent)
        add_node(r, parent, NODE_STRING, at.element, v);
}

/* ---- at a glance ---- */

static inline bool can_glance(const struct reading *r, const struct edi_segment *s)
{
    const struct slice *last = &s->tokens[s->count];
    return !s->special && r->text->input.ptr + r->text->input.len - (last->ptr + last->len) >= 8;
}

/* Whether a component or repetition separator is in the value. */
static inline bool is_inner(const struct delimiters *d, struct slice v)
{
    char repetition = d->repetition ? d->repetition : d->component;
    bool found = false;
    for (size_t i = 0; i < v.len; i++)
        found |= v.ptr[i] == d->component || v.ptr[i] == repetition;
    return found;
}

/* A composite whose components are all right at a glance: its nodes at n, of which the number is returned; 0:
 * it has to be looked at. */
static inline unsigned glance_composite(const struct reading *r, const struct position *position,
                                        unsigned tag, struct slice v, struct node *n)
{
    const struct composite_plan *plan = plan_of_composite(position->composite);
    const struct delimiters *d = &r->text->delimiters;
    const char *start = v.ptr, *end = v.ptr + v.len;
    unsigned component = 0, nodes = 1;
    uint64_t present = 0;
    n[0] = make_node(r, NODE_COMPOSITE, tag, v);
    n[0].text = SLICE_NONE;
    for (const char *p = start;; p++) {
        if (p < end && *p != d->component) {
            if (d->repetition && *p == d->repetition)
                return 0;
            continue;
        }
        struct slice piece = slice_make(start, (size_t)(p - start));
        if (++component > plan->composite.count)
            return 0;
        if (piece.len) {
            if (!glance(&plan->rules[component - 1], piece, 0))
                return 0;
            present |= UINT64_C(1) << (component - 1);
            n[nodes] = make_node(r, NODE_STRING, component, piece);
            append(&n[0], &n[nodes]);
            nodes++;
        }
        if (p == end)
            break;
        start = p + 1;
    }
    bool good = present && (present & plan->presence.mandatory) == plan->presence.mandatory &&
                !plan->presence.condition_count;
    return good ? nodes : 0;
}

/* The elements from *i on for as long as they are right at a glance, with their nodes; the set of those that
 * are present. */
static inline uint64_t glance_simple(struct reading *r, const struct edi_segment *s,
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
        *n = make_node(r, NODE_STRING, at + 1, v);
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

/* The same of a segment in which there may be composites. */
static inline uint64_t glance_composed(struct reading *r, const struct edi_segment *s,
                                       const struct segment_plan *p, unsigned *i, unsigned known,
                                       struct node *parent)
{
    struct node *first = arena_room(r->arena, p->nodes * sizeof *first), *n = first, *last = parent->last;
    struct node **link = last ? &last->next : &parent->first;
    const struct delimiters *d = &r->text->delimiters;
    uint64_t present = 0;
    unsigned at = *i;
    for (; at < known; at++) {
        struct slice v = s->elements[at];
        unsigned nodes = 1;
        if (v.len == 0)
            continue;
        if (p->rules[at].kind != RULE_NONE) {
            if (is_inner(d, v) || !glance(&p->rules[at], v, 0))
                break;
            *n = make_node(r, NODE_STRING, at + 1, v);
        } else if (!p->segment.positions[at].composite ||
                   !(nodes = glance_composite(r, &p->segment.positions[at], at + 1, v, n))) {
            break;
        }
        present |= UINT64_C(1) << at;
        *link = last = n;
        link = &n->next;
        n += nodes;
    }
    *i = at;
    *link = NULL;
    parent->last = last;
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
            present |= s->composed ? glance_composed(r, s, p, &i, known, parent)
                                   : glance_simple(r, s, p, &i, known, parent);
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
