/* writing: see writing.h. Copying a value, looking for delimiters in it and classing its bytes is one pass.
 * The walk over the set says where a reader will place each segment; when that is not where the tree has it,
 * the document would be misunderstood, and that is a fault like any other. */
#include "edi/writing.h"
#include "edi/characters.h"
#include "edi/glance.h"
#include "edi/names.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

void writing_open(struct writing *w, const struct dictionary *d, const struct set *set,
                  const struct edi_form *form, struct buffer *out, struct findings *f)
{
    check_open(&w->check, d, set, true, f, NULL);
    w->check.label[0] = slice_of(set->id);
    w->out = form ? out : NULL;
    memset(w->kind, 0, sizeof w->kind);
    memset(w->kind, BYTE_ODD, 0x20);
    memset(w->kind + 0x7f, BYTE_ODD, 256 - 0x7f);
    w->form = form ? *form : (struct edi_form){0};
    w->plain = !w->form.characters && w->form.delimiters.decimal != ',';
    if (!form)
        return;
    const struct delimiters *all = &form->delimiters;
    w->kind[(unsigned char)all->element] |= BYTE_DELIMITER;
    w->kind[(unsigned char)all->component] |= BYTE_DELIMITER;
    w->kind[(unsigned char)all->segment] |= BYTE_DELIMITER;
    if (all->repetition)
        w->kind[(unsigned char)all->repetition] |= BYTE_DELIMITER;
    if (all->release)
        w->kind[(unsigned char)all->release] |= BYTE_DELIMITER;
}

/* ---- one value ---- */

static const char *delimiter_name(const struct writing *w, char c)
{
    const struct delimiters *d = &w->form.delimiters;
    return c == d->element     ? "element separator"
           : c == d->component ? "component separator"
           : c == d->segment   ? "segment terminator"
                               : "repetition separator";
}

/* Room for twice the value is there. */
static void release_delimiters(struct writing *w, struct slice v, size_t from)
{
    char *to = w->out->ptr + from;
    for (size_t i = 0; i < v.len; i++) {
        if (w->kind[(unsigned char)v.ptr[i]] & BYTE_DELIMITER)
            *to++ = w->form.delimiters.release;
        *to++ = v.ptr[i];
    }
    w->out->len = (size_t)(to - w->out->ptr);
}

/* The value at out[from..] has delimiters in it. */
static void replace_delimiters(struct writing *w, const struct check_at *at, struct slice v, size_t from)
{
    if (!w->form.replacement && w->form.delimiters.release) {
        release_delimiters(w, v, from);
        return;
    }
    bool text = at->position->element->type == TYPE_AN;
    for (size_t i = 0; i < v.len; i++) {
        if (!(w->kind[(unsigned char)v.ptr[i]] & BYTE_DELIMITER))
            continue;
        if (!w->form.replacement || !text) {
            check_delimiter_fault(&w->check, at, v, v.ptr[i], delimiter_name(w, v.ptr[i]));
            return;
        }
        w->out->ptr[from + i] = w->form.replacement;
    }
}

/* A value as the other side's bytes: in its characters, with its decimal mark. SLICE_NONE: it cannot be,
 * which is told. */
static struct slice in_form(struct writing *w, const struct check_at *at, struct slice v)
{
    struct arena *a = w->check.findings->arena;
    if (at->position->element->type == TYPE_NUMBER && w->form.delimiters.decimal == ',') {
        const char *point = memchr(v.ptr, '.', v.len);
        if (point) {
            char *text = arena_text(a, v);
            text[point - v.ptr] = ',';
            v = slice_make(text, v.len);
        }
    }
    if (!w->form.characters)
        return v;
    struct slice bytes = characters_out(w->form.characters, v, a);
    if (!bytes.ptr)
        check_characters_fault(&w->check, at, v, w->form.characters->identifier);
    return bytes;
}

/* A value that was copied. */
struct copied {
    unsigned seen; /* classes of its bytes */
    uint64_t word; /* of a short one (edi/glance.h); 0: not known */
};

static inline struct copied copy_bytes(const struct writing *w, char *to, const char *from, size_t n)
{
    struct copied c = {0, 0};
    for (size_t i = 0; i < n; i++) {
        c.seen |= w->kind[(unsigned char)from[i]];
        to[i] = from[i];
    }
    return c;
}

static inline struct copied copy_few(const struct writing *w, char *to, const char *from, size_t n)
{
    struct copied c = {0, 0};
    for (size_t i = 0; i < n; i++) {
        c.seen |= w->kind[(unsigned char)from[i]];
        c.word |= (uint64_t)(unsigned char)from[i] << (8 * i);
        to[i] = from[i];
    }
    c.word = glance_filled(c.word, n);
    return c;
}

#ifdef __SSE2__
/* Whether all bytes are plain and no delimiters. */
static inline bool is_plain(const struct writing *w, __m128i x)
{
    const struct delimiters *d = &w->form.delimiters;
    char repetition = d->repetition ? d->repetition : d->element;
    __m128i odd =
        _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8(0x20)), _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
    __m128i outer = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(d->element)),
                                 _mm_cmpeq_epi8(x, _mm_set1_epi8(d->segment)));
    __m128i inner = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(d->component)),
                                 _mm_cmpeq_epi8(x, _mm_set1_epi8(repetition)));
    return !_mm_movemask_epi8(_mm_or_si128(odd, _mm_or_si128(outer, inner)));
}

/* The first and the last half of a value, which may overlap, are all of it. False: not all is plain. */
static inline bool copy_halves(const struct writing *w, char *to, const char *from, size_t n, uint64_t *word)
{
    uint64_t first, last;
    if (n >= 8) {
        memcpy(&first, from, 8);
        memcpy(&last, from + n - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + n - 8, &last, 8);
        *word = n == 8 ? first : 0;
    } else {
        uint32_t a, b;
        memcpy(&a, from, 4);
        memcpy(&b, from + n - 4, 4);
        memcpy(to, &a, 4);
        memcpy(to + n - 4, &b, 4);
        first = last = a | (uint64_t)b << 32;
        *word = glance_filled(a | (uint64_t)b << (8 * (n - 4)), n);
    }
    return is_plain(w, _mm_set_epi64x((long long)last, (long long)first));
}
#endif

static inline struct copied copy_value(const struct writing *w, char *to, const char *from, size_t n)
{
#ifdef __SSE2__
    uint64_t word;
    if (n >= 4 && n <= 16 && copy_halves(w, to, from, n, &word))
        return (struct copied){0, word};
#endif
    return n && n < 4 ? copy_few(w, to, from, n) : copy_bytes(w, to, from, n);
}

/* Room for the value is there. */
static inline void put_value(struct writing *w, const struct check_at *at, const struct element_rule *rule,
                             struct slice v)
{
    unsigned seen = 0;
    if (w->out) {
        size_t from = w->out->len;
        struct slice bytes = w->plain ? v : in_form(w, at, v);
        if (!bytes.ptr)
            return;
        struct copied c = copy_value(w, w->out->ptr + from, bytes.ptr, bytes.len);
        w->out->len += bytes.len;
        if (__builtin_expect(c.seen & BYTE_DELIMITER, 0))
            replace_delimiters(w, at, bytes, from);
        else if (rule && !c.seen && (c.word || rule->kind <= RULE_CODE) && glance(rule, v, c.word))
            return;
        seen = c.seen;
    } else {
        for (size_t i = 0; i < v.len; i++)
            seen |= w->kind[(unsigned char)v.ptr[i]];
    }
    check_value(&w->check, at, v, !(seen & BYTE_ODD));
}

static inline void put_byte(struct writing *w, char c)
{
    if (w->out)
        w->out->ptr[w->out->len++] = c;
}

/* ---- one segment ---- */

static size_t text_length(const struct node *element)
{
    size_t n = 2 * element->text.len; /* each byte may be released */
    for (const struct node *c = element->first; c; c = c->next)
        n += 2 * c->text.len + PLAN_COMPONENTS;
    return n + 1;
}

static bool has_text(const struct node *element)
{
    if (element->kind != NODE_COMPOSITE)
        return element->text.len > 0;
    for (const struct node *c = element->first; c; c = c->next)
        if (c->text.len)
            return true;
    return false;
}

static void put_composite(struct writing *w, const struct check_at *at, const struct node *element)
{
    const struct composite *group = at->position->composite;
    const struct node *slots[PLAN_COMPONENTS] = {NULL};
    uint64_t present = 0;
    for (const struct node *c = element->first; c; c = c->next) {
        if (!c->text.len)
            continue;
        if (c->tag < 1 || c->tag > group->count) {
            check_too_many(&w->check, at, FAULT_TOO_MANY_COMPONENTS, c->tag, group->count);
            continue;
        }
        if (present >> (c->tag - 1) & 1)
            check_twice(&w->check, at, c->tag);
        slots[c->tag - 1] = c;
        present |= UINT64_C(1) << (c->tag - 1);
    }
    for (unsigned i = 0, written = 0; i < group->count; i++) {
        if (!slots[i])
            continue;
        for (; written < i; written++)
            put_byte(w, w->form.delimiters.component);
        struct check_at inner = {&group->positions[i], at->element, i + 1, at->repetition};
        put_value(w, &inner, NULL, slots[i]->text);
    }
    check_presence(&w->check, &plan_of_composite(group)->presence, group->positions, present, at->element);
}

/* rule NULL: it is looked at whole. */
static inline void put_element(struct writing *w, const struct check_at *at, const struct element_rule *rule,
                               const struct node *element)
{
    if (at->position->composite && element->kind == NODE_COMPOSITE)
        put_composite(w, at, element);
    else if (!at->position->composite && element->kind == NODE_STRING)
        put_value(w, at, rule, element->text);
    else
        check_shape_fault(&w->check, at);
}

/* All repetitions of an element, of which the first is given. */
static void put_element_all(struct writing *w, const struct check_at *at, const struct node *first)
{
    struct check_at each = *at;
    put_element(w, at, NULL, first);
    unsigned n = 1;
    for (const struct node *more = first->next; more; more = more->next) {
        if (more->tag != first->tag || !has_text(more))
            continue;
        each.repetition = ++n;
        put_byte(w, w->form.delimiters.repetition);
        put_element(w, &each, NULL, more);
    }
    if (at->position->repeat && n > at->position->repeat)
        check_too_many(&w->check, at, FAULT_TOO_MANY_REPEATS, n, at->position->repeat);
    else if (n > 1 && w->out && !w->form.delimiters.repetition)
        check_too_many(&w->check, at, FAULT_TOO_MANY_REPEATS, n, 1);
}

/* Sorts a segment's children into slots; returns which are there. */
static uint64_t collect(struct writing *w, const struct segment_plan *p, const struct node *segment,
                        const struct node **slots, uint64_t *repeated, size_t *room)
{
    uint64_t present = 0;
    size_t need = 2 * PLAN_POSITIONS + 8;
    for (const struct node *n = segment->first; n; n = n->next) {
        if (!has_text(n))
            continue;
        need += text_length(n);
        if (n->tag < 1 || n->tag > p->segment.count) {
            check_too_many(&w->check, &(struct check_at){.element = n->tag, .repetition = 1},
                           FAULT_TOO_MANY_ELEMENTS, n->tag, p->segment.count);
            continue;
        }
        uint64_t bit = UINT64_C(1) << (n->tag - 1);
        if (present & bit) {
            *repeated |= bit;
        } else {
            slots[n->tag - 1] = n;
            present |= bit;
        }
    }
    *room = need;
    return present;
}

static void put_segment(struct writing *w, const struct segment_plan *p, const struct node *segment)
{
    const struct node *slots[PLAN_POSITIONS];
    uint64_t repeated = 0;
    size_t room;
    uint64_t present = collect(w, p, segment, slots, &repeated, &room);
    if (present & 1 && slots[0]->kind == NODE_STRING)
        w->check.qualifier = slots[0]->text;
    if (w->out) {
        buffer_reserve(w->out, room);
        for (const char *id = p->segment.id; *id; id++)
            put_byte(w, *id);
    }
    unsigned written = 0;
    for (uint64_t left = present; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        for (; written <= i; written++)
            put_byte(w, w->form.delimiters.element);
        struct check_at at = {.position = &p->segment.positions[i], .element = i + 1, .repetition = 1};
        if (__builtin_expect(repeated >> i & 1, 0))
            put_element_all(w, &at, slots[i]);
        else
            put_element(w, &at, &p->rules[i], slots[i]);
    }
    put_byte(w, w->form.delimiters.segment);
    if (w->form.newline)
        put_byte(w, '\n');
    check_presence(&w->check, &p->presence, p->segment.positions, present, 0);
}

/* ---- the set ---- */

static void put_in_place(struct writing *w, const struct node *parent, const struct node *segment)
{
    struct check *c = &w->check;
    const struct walk_step *step = check_again(c, segment->name, SLICE_NONE);
    bool opened = step && step->loop;
    const struct segment_plan *p =
        step ? step->segment : check_segment(c, segment->name, SLICE_NONE, &opened);
    if (!p)
        return;
    struct walk_level *level = &c->walk.levels[c->walk.depth];
    bool first = parent->kind == NODE_LOOP && parent->first == segment;
    if (opened)
        level->node = (struct node *)(uintptr_t)parent;
    if (opened != first || level->node != parent)
        check_segment_fault(
            c, FAULT_SEGMENT_NESTING,
            "Segment %s%s stands in %s %.*s of the document, but behind what stands before it, it "
            "would be read as part of %s%s.",
            p->segment.id, name_in_parentheses(name_of_segment(&p->segment)),
            parent->kind == NODE_LOOP ? "loop" : "set", SLICE_ARG(parent->name),
            level->loop ? "loop " : "the set itself", level->loop ? level->loop->id : "");
    put_segment(w, p, segment);
}

static void put_children(struct writing *w, const struct node *parent, unsigned depth)
{
    for (const struct node *n = parent->first; n; n = n->next) {
        if (n->kind == NODE_SEGMENT)
            put_in_place(w, parent, n);
        else if (n->kind == NODE_LOOP && depth + 1 < PLAN_DEPTH && n->first && n->first->kind == NODE_SEGMENT)
            put_children(w, n, depth + 1);
        else
            check_segment_fault(&w->check, FAULT_SEGMENT_NESTING,
                                "%.*s is no segment, or a loop that does not begin with one.",
                                SLICE_ARG(n->name));
    }
}

void writing_set(struct writing *w, const struct node *tree)
{
    w->check.walk.levels[0].node = (struct node *)(uintptr_t)tree;
    put_children(w, tree, 0);
    check_close(&w->check);
}
