/* place_x12: places of X12 maps, checked against the dictionary: BEG03, REF[01=IA]02, N1[01=ST], PO1{VP},
 * REF04(2), CTT/AMT[01=TT]02, N3[2]01. */
#include "edi/dictionary.h"
#include "edi/names.h"
#include "edi/x12/x12.h"
#include "map/compile.h"

struct step { /* one segment of a place */
    struct slice id;
    struct qualifier *qualifiers;
    int occurrence;
    unsigned element, component;
    struct slice pair;
};

struct scanner {
    struct compiler *c;
    struct slice text;
    const char *p, *end;
    struct spot spot;
};

static bool fault(const struct scanner *s, const char *at, const char *todo, const char *what)
{
    struct spot spot = s->spot;
    spot.column += (int)(at - s->text.ptr);
    compile_fault(s->c, spot, "map.place", todo, "%s", what);
    return false;
}

static bool upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "[01=ST,03=92]" or "[2]"; s->p behind the opening bracket. */
static bool read_bracket(struct scanner *s, struct step *step)
{
    struct qualifier **link = &step->qualifiers;
    while (*link)
        link = &(*link)->next;
    for (;;) {
        const char *begin = s->p;
        unsigned n = 0;
        while (s->p < s->end && digit(*s->p) && n < 1000)
            n = n * 10 + (unsigned)(*s->p++ - '0');
        if (s->p == begin || !n)
            return fault(s, begin, "Write [element=value], e.g. REF[01=IA], or an occurrence, e.g. N3[2].",
                         "The number of an element is expected in the brackets.");
        if (s->p < s->end && *s->p == '=') {
            const char *value = ++s->p, *stop;
            bool quoted = s->p < s->end && *s->p == '"';
            if (quoted)
                value = ++s->p;
            while (s->p < s->end && (quoted ? *s->p != '"' : *s->p != ',' && *s->p != ']'))
                s->p++;
            stop = s->p;
            s->p += quoted && s->p < s->end;
            if (stop == value)
                return fault(s, value, "Write e.g. REF[01=IA].", "The qualifier's value is missing.");
            *link = arena_zero(s->c->arena, sizeof **link);
            (*link)->tag = n;
            (*link)->value = arena_copy(s->c->arena, slice_make(value, (size_t)(stop - value)));
            link = &(*link)->next;
        } else {
            step->occurrence = (int)n;
        }
        if (s->p < s->end && *s->p == ',')
            s->p++;
        else
            break;
    }
    if (s->p == s->end || *s->p++ != ']')
        return fault(s, s->p - 1, "Write e.g. REF[01=IA] or SAC[01=A,02=C310].",
                     "A comma or ] is expected here.");
    return true;
}

static bool read_step(struct scanner *s, struct step *step)
{
    const char *begin = s->p;
    *step = (struct step){0};
    while (s->p < s->end && (upper(*s->p) || digit(*s->p)))
        s->p++;
    size_t len = (size_t)(s->p - begin);
    bool joined = len == 4 || len == 5;
    if (len < 2 || len > 5 || !upper(*begin) || (joined && (!digit(s->p[-1]) || !digit(s->p[-2]))))
        return fault(s, begin, "Places look like BEG03, N102, PO1, REF[01=IA]02.",
                     "This is no place in X12.");
    step->id = slice_make(begin, joined ? len - 2 : len);
    const char *digits = joined ? s->p - 2 : NULL;
    while (s->p < s->end && *s->p == '[') {
        if (joined)
            return fault(s, s->p, "Write the brackets before the element: REF[01=IA]02.",
                         "Brackets cannot stand behind an element.");
        s->p++;
        if (!read_bracket(s, step))
            return false;
    }
    if (!joined && s->end - s->p >= 2 && digit(s->p[0]) && digit(s->p[1])) {
        digits = s->p;
        s->p += 2;
    }
    if (digits)
        step->element = (unsigned)(digits[0] - '0') * 10 + (unsigned)(digits[1] - '0');
    if (digits && !step->element)
        return fault(s, digits, "Elements are counted from 01.", "There is no element 00.");
    if (step->element && s->end - s->p >= 3 && *s->p == '(' && digit(s->p[1]) && s->p[2] == ')') {
        step->component = (unsigned)(s->p[1] - '0');
        s->p += 3;
    } else if (!step->element && s->p < s->end && *s->p == '{') {
        const char *close = memchr(s->p, '}', (size_t)(s->end - s->p));
        if (!close || close == s->p + 1)
            return fault(s, s->p, "Write e.g. PO1{VP}.", "The qualifier of a pair is missing.");
        step->pair = arena_copy(s->c->arena, slice_make(s->p + 1, (size_t)(close - s->p - 1)));
        s->p = close + 1;
    }
    if (s->p < s->end && *s->p != '/')
        return fault(s, s->p, "Places look like BEG03, REF[01=IA]02, REF04(2), PO1{VP}, CTT/AMT[01=TT]02.",
                     "This is not understood here.");
    return true;
}

/* ---- finding a segment in the set's structure ---- */

struct search {
    const struct set_item *chain[8]; /* loops on the way, and the item itself */
    unsigned depth;
    unsigned found;
    const struct set_item *result[8];
    unsigned result_depth;
    const char *loops; /* where it was found, for the finding */
    struct arena *arena;
};

/* The loops below items that have the segment, but not as their first one's repetition. */
static void search_inside(struct search *s, const struct set_item *items, size_t count, struct slice id,
                          const char *path)
{
    for (size_t i = 0; i < count && s->depth + 1 < 8; i++) {
        const struct set_item *loop = &items[i];
        if (!loop->items)
            continue;
        const char *inside = arena_printf(s->arena, "%s%s%s", path, *path ? "/" : "", loop->id);
        s->chain[s->depth++] = loop;
        for (size_t j = 1; j < loop->count; j++) {
            if (!slice_is(id, loop->items[j].id))
                continue;
            s->chain[s->depth] = &loop->items[j];
            if (!s->found++) {
                memcpy(s->result, s->chain, sizeof s->result);
                s->result_depth = s->depth + 1;
            }
            s->loops = arena_printf(s->arena, "%s%s%s", s->loops, *s->loops ? ", " : "", inside);
        }
        search_inside(s, loop->items + 1, loop->count - 1, id, inside);
        s->depth--;
    }
}

static struct frame *item_frame(struct compiler *c, struct frame *parent, struct block *block,
                                const struct set_item *item, const struct step *step, bool fresh);

/* The loop's own segment, which carries the qualifiers. */
static struct frame *leading_segment(struct compiler *c, struct frame *loop)
{
    struct frame *f = frame_below(c, loop, loop->block, NODE_SEGMENT, loop->name, 0, 0, NULL);
    f->segment = loop->segment;
    f->item = loop->item->items;
    f->leads = true;
    f->text = loop->text;
    return f;
}

static void qualifier_fields(struct compiler *c, struct frame *segment, const struct qualifier *qualifiers)
{
    for (const struct qualifier *q = qualifiers; q; q = q->next) {
        struct field *field = field_of(c, segment, SLICE_NONE, q->tag, -1, SLICE_NONE);
        field->qualifier = true;
        field->constant = q->value;
        field->element = segment->segment->positions[q->tag - 1].element;
    }
}

static struct frame *item_frame(struct compiler *c, struct frame *parent, struct block *block,
                                const struct set_item *item, const struct step *step, bool fresh)
{
    bool loop = item->items != NULL;
    struct qualifier *qualifiers = step ? step->qualifiers : NULL;
    int occurrence = step ? step->occurrence : 0;
    enum node_kind kind = loop ? NODE_LOOP : NODE_SEGMENT;
    struct frame *f =
        fresh ? frame_new(c, parent, block, kind, slice_of(item->id), 0, occurrence, qualifiers)
              : frame_below(c, parent, block, kind, slice_of(item->id), 0, occurrence, qualifiers);
    if (f->item)
        return f;
    f->item = item;
    f->segment = item->segment;
    f->rank = (unsigned)(item - parent->contents);
    f->mandatory = item->requirement == 'M';
    f->text = item->id;
    if (loop) {
        f->contents = item->items;
        f->contents_count = item->count;
        qualifier_fields(c, leading_segment(c, f), qualifiers);
    } else {
        qualifier_fields(c, f, qualifiers);
    }
    return f;
}

static bool check_qualifiers(struct scanner *s, const struct segment *segment, const struct step *step)
{
    struct arena *a = s->c->findings->arena;
    for (const struct qualifier *q = step->qualifiers; q; q = q->next) {
        const char *why = NULL;
        const struct element *e = q->tag <= segment->count ? segment->positions[q->tag - 1].element : NULL;
        if (!e)
            return fault(s, step->id.ptr, "Look at the segment in the dictionary.",
                         arena_printf(a, "%s has no simple element %02u.", segment->id, q->tag));
        if (!x12_format(e, q->value, a, &why).ptr)
            return fault(s, step->id.ptr, "Look at the code list of the element.",
                         arena_printf(a, "The qualifier \"%.*s\" cannot stand in %s%02u%s: it %s.",
                                      SLICE_ARG(q->value), segment->id, q->tag,
                                      name_in_parentheses(name_of_element(e)), why));
    }
    return true;
}

static bool not_there(struct scanner *s, const struct frame *scope, const struct step *step,
                      const struct search *found)
{
    struct arena *a = s->c->findings->arena;
    const char *where = scope->kind == NODE_OBJECT
                            ? arena_printf(a, "set %s", s->c->map->set->id)
                            : arena_printf(a, "loop or segment %.*s", SLICE_ARG(scope->name));
    if (found->found > 1)
        return fault(s, step->id.ptr, "Open a block for the loop, or name the loop: LOOP/SEGMENT.",
                     arena_printf(a, "%.*s stands in several loops of %s: %s.", SLICE_ARG(step->id), where,
                                  found->loops));
    if (dictionary_segment(s->c->map->dictionary, step->id))
        return fault(
            s, step->id.ptr, "Look at the set's structure in the dictionary.",
            arena_printf(a, "%.*s has no segment %.*s.", (int)strlen(where), where, SLICE_ARG(step->id)));
    return fault(s, step->id.ptr, "Correct the segment's name.",
                 arena_printf(a, "There is no segment %.*s in the dictionary of version %s.",
                              SLICE_ARG(step->id), s->c->map->version));
}

/* The frame of step in scope: a loop where the segment begins one. fresh_block: made anew, as that block's.
 */
static struct frame *resolve(struct scanner *s, struct frame *scope, const struct step *step,
                             struct block *fresh_block)
{
    struct compiler *c = s->c;
    bool own =
        scope->kind == NODE_SEGMENT || (scope->kind == NODE_LOOP && slice_equal(step->id, scope->name));
    if (own && scope->segment && slice_is(step->id, scope->segment->id)) {
        if (!step->qualifiers && !step->occurrence && !fresh_block)
            return scope->kind == NODE_LOOP ? leading_segment(c, scope) : scope;
        fault(s, step->id.ptr, "Leave the brackets out here; write them where the block is opened.",
              arena_printf(c->findings->arena, "%s is this block's own segment.", scope->segment->id));
        return NULL;
    }
    const struct set_item *item = NULL;
    for (size_t i = 0; i < scope->contents_count && !item; i++)
        if (slice_is(step->id, scope->contents[i].id) && (i || scope->kind != NODE_LOOP))
            item = &scope->contents[i];
    struct frame *parent = scope;
    if (!item) {
        struct search found = {.loops = "", .arena = c->findings->arena};
        search_inside(&found, scope->contents, scope->contents_count, step->id, "");
        if (found.found != 1) {
            not_there(s, scope, step, &found);
            return NULL;
        }
        for (unsigned i = 0; i + 1 < found.result_depth; i++)
            parent = item_frame(c, parent, scope->block, found.result[i], NULL, false);
        item = found.result[found.result_depth - 1];
    }
    if (!check_qualifiers(s, item->segment, step))
        return NULL;
    return item_frame(c, parent, fresh_block ? fresh_block : scope->block, item, step, fresh_block != NULL);
}

static struct frame *segment_of(struct compiler *c, struct frame *f)
{
    return f->kind == NODE_LOOP ? leading_segment(c, f) : f;
}

/* All steps but the last, as scopes; the last one in *last. */
static struct frame *walk(struct scanner *s, struct frame *scope, struct step *last)
{
    for (;;) {
        if (!read_step(s, last))
            return NULL;
        if (s->p == s->end)
            return scope;
        s->p++;
        if (last->element || last->pair.ptr) {
            fault(s, last->id.ptr, "Write LOOP/SEGMENT, e.g. CTT/AMT[01=TT]02.",
                  "Only a loop can stand before a slash.");
            return NULL;
        }
        const struct frame *before = scope;
        scope = resolve(s, scope, last, NULL);
        if (scope && scope != before && scope->kind != NODE_LOOP) {
            fault(s, last->id.ptr, "Write LOOP/SEGMENT, e.g. CTT/AMT[01=TT]02.",
                  "Only a loop can stand before a slash.");
            return NULL;
        }
        if (!scope)
            return NULL;
    }
}

static struct field *pair_field(struct scanner *s, struct frame *segment, const struct step *step)
{
    static const char *const kinds[][2] = {
        {"235", "234"}, {"365", "364"}, {"128", "127"}, {"66", "67"}, {"374", "373"}};
    struct field *field = field_of(s->c, segment, SLICE_NONE, 0, -1, step->pair);
    const struct segment *g = segment->segment;
    if (field->element)
        return field;
    unsigned short *tags = arena_alloc(s->c->arena, (g->count + 1) * sizeof *tags);
    const struct element *qualifier = NULL;
    unsigned count = 0;
    for (size_t i = 0; i + 1 < g->count; i++) {
        const struct element *a = g->positions[i].element, *b = g->positions[i + 1].element;
        for (size_t k = 0; a && b && k < sizeof kinds / sizeof *kinds; k++)
            if (strcmp(a->id, kinds[k][0]) == 0 && strcmp(b->id, kinds[k][1]) == 0) {
                qualifier = a;
                field->element = b;
                tags[count++] = (unsigned short)(i + 1);
            }
    }
    if (!segment->pair_all) {
        segment->pair_all = tags;
        segment->pair_slots = segment->pair_count = count;
        segment->pair_tags = arena_alloc(s->c->arena, (count + 1) * sizeof *tags);
        memcpy(segment->pair_tags, tags, count * sizeof *tags);
    }
    const char *why = NULL;
    if (!count)
        fault(s, step->id.ptr, "Write the element's number instead.",
              arena_printf(s->c->findings->arena, "%s has no qualifier/value pairs.", g->id));
    else if (!x12_format(qualifier, step->pair, s->c->findings->arena, &why).ptr)
        fault(s, step->pair.ptr ? step->id.ptr : s->p, "Look at the code list of the element.",
              arena_printf(s->c->findings->arena, "The qualifier \"%.*s\" of a pair in %s %s.",
                           SLICE_ARG(step->pair), g->id, why));
    return count ? field : NULL;
}

struct field *x12_field(struct compiler *c, struct frame *scope, struct slice text, struct spot spot)
{
    struct scanner s = {c, text, text.ptr, text.ptr + text.len, spot};
    struct step step;
    if (!(scope = walk(&s, scope, &step)))
        return NULL;
    struct frame *f = resolve(&s, scope, &step, NULL);
    if (!f)
        return NULL;
    struct frame *segment = segment_of(c, f);
    const struct segment *g = segment->segment;
    if (step.pair.ptr)
        return pair_field(&s, segment, &step);
    if (!step.element || step.element > g->count) {
        fault(&s, text.ptr,
              step.element ? "Look at the segment in the dictionary." : "Add the element: BEG03.",
              step.element ? arena_printf(c->findings->arena, "%s%s has %zu elements.", g->id,
                                          name_in_parentheses(name_of_segment(g)), g->count)
                           : "A line needs an element of the segment; only a block can do without.");
        return NULL;
    }
    const struct position *at = &g->positions[step.element - 1];
    if (!at->composite != !step.component || (at->composite && step.component > at->composite->count)) {
        fault(&s, text.ptr, at->composite ? "Write e.g. REF04(2)." : "Leave the parenthesis out.",
              arena_printf(c->findings->arena,
                           at->composite ? "%s%02u is a composite of %zu components."
                                         : "%s%02u is no composite.",
                           g->id, step.element, at->composite ? at->composite->count : 0));
        return NULL;
    }
    struct field *field;
    if (at->composite) {
        struct frame *composite =
            frame_below(c, segment, segment->block, NODE_COMPOSITE, SLICE_NONE, step.element, 0, NULL);
        composite->composite = at->composite;
        field = field_of(c, composite, SLICE_NONE, step.component, -1, SLICE_NONE);
        field->element = at->composite->positions[step.component - 1].element;
    } else {
        field = field_of(c, segment, SLICE_NONE, step.element, -1, SLICE_NONE);
        field->element = at->element;
    }
    return field;
}

struct frame *x12_block_frame(struct compiler *c, struct block *block, struct frame *scope, struct slice text,
                              struct spot spot)
{
    struct scanner s = {c, text, text.ptr, text.ptr + text.len, spot};
    struct step step;
    if (!(scope = walk(&s, scope, &step)))
        return NULL;
    if (step.element || step.pair.ptr) {
        fault(&s, text.ptr, "Write the segment alone: N1[01=ST] : ship_to {.",
              "A block stands for a segment or loop.");
        return NULL;
    }
    return resolve(&s, scope, &step, block);
}
