/* write: a canonical tree through a map into a tree of theirs. Goes through the map's frames in the order in
 * which the document has them. An instance of a segment, loop or object is made when a line gives it a value
 * of the document, when all its lines are constants, or when the dictionary makes it mandatory; its constants
 * and qualifiers come with it. */
#include "base/decimal.h"
#include "base/utf8.h"
#include "edi/names.h"
#include "edi/x12/x12.h"
#include "map/run.h"

/* ---- values ---- */

/* At most most characters, without a blank at the end. */
static struct slice cut(struct slice s, unsigned most)
{
    size_t len = 0;
    if (s.len <= most)
        return s;
    for (unsigned n = 0; len < s.len && n < most; n++) {
        size_t step = utf8_sequence(slice_make(s.ptr + len, s.len - len));
        len += step ? step : 1;
    }
    while (len < s.len && len && s.ptr[len - 1] == ' ')
        len--;
    return slice_make(s.ptr, len);
}

/* Line ends and tabs as blanks, runs of them as one: a segment is one line. */
static struct slice one_line(struct running *r, struct slice s)
{
    size_t first = 0;
    while (first < s.len && (unsigned char)s.ptr[first] >= 0x20)
        first++;
    if (first == s.len)
        return s;
    char *text = arena_alloc(r->arena, s.len), *q = text;
    bool made = false; /* the last byte is a blank that stands for a line end */
    for (size_t i = 0; i < s.len; i++) {
        bool blank = s.ptr[i] == '\n' || s.ptr[i] == '\r' || s.ptr[i] == '\t';
        if ((blank && q > text && q[-1] == ' ') || (made && s.ptr[i] == ' '))
            continue;
        *q++ = blank ? ' ' : s.ptr[i];
        made = blank;
    }
    return slice_trim(slice_make(text, (size_t)(q - text)));
}

static struct slice count(struct running *r, const struct scope *s, const struct line *l)
{
    size_t n = 0;
    const struct node *list = path_get(s->ours, &l->path);
    for (const struct node *item = list ? list->first : NULL; item; item = item->next)
        n++;
    return slice_of(arena_printf(r->arena, "%zu", n));
}

static struct slice sum(struct running *r, const struct scope *s, const struct line *l)
{
    struct decimal total = {0, 0}, value;
    bool any = false;
    const struct node *list = path_get(s->ours, &l->path);
    for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
        const struct node *n = path_get(item, l->item_path);
        if (!n)
            continue;
        any = true;
        if (!decimal_parse(n->text, &value) || !decimal_add(total, value, &total)) {
            run_fault(r, s, l, NULL, "map.value", "Correct the document.",
                      "The sum has more than 18 digits.");
            return SLICE_NONE;
        }
    }
    char *text = arena_alloc(r->arena, DECIMAL_TEXT);
    return any ? slice_make(text, decimal_print(total, false, text)) : SLICE_NONE;
}

/* Our value of a line, before it is made theirs. */
static struct slice our_value(struct running *r, const struct scope *s, const struct line *l)
{
    struct node *n;
    switch (l->right) {
    case SIDE_PATH:
        n = path_get(s->ours, &l->path);
        if (n)
            n->used = 1;
        return n ? run_scalar(n) : SLICE_NONE;
    case SIDE_VARIABLE: return slice_trim(r->values[l->variable]);
    case SIDE_COUNT: return count(r, s, l);
    case SIDE_SUM: return sum(r, s, l);
    default: return l->constant;
    }
}

/* Whether a text can stand in an element as it is: what x12_format would find out more slowly. */
static bool fits_as_is(const struct element *e, enum schema_kind kind, struct slice s)
{
    if (s.len < e->min || s.len > e->max || s.ptr[s.len - 1] == ' ')
        return false;
    if (e->type ==
        TYPE_R) /* canonical decimals are in their shortest form but for the zero before the point */
        return kind == SCHEMA_DECIMAL && (s.len < 2 || s.ptr[0] != '0') && s.ptr[0] != '-';
    if (e->type != TYPE_AN || e->codes)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)(s.ptr[i] - 0x20) >= 0x5f)
            return false;
    return true;
}

static struct slice to_element(struct running *r, const struct scope *s, const struct line *l,
                               struct slice ours, struct slice value)
{
    const struct element *e = l->field->element;
    const char *why = NULL;
    enum schema_kind kind = l->right == SIDE_PATH ? l->path.type->kind : SCHEMA_TEXT;
    if (value.len && fits_as_is(e, kind, value))
        return value;
    if (kind == SCHEMA_TEXT && e->type == TYPE_AN) {
        value = one_line(r, value);
        if (l->cut)
            value = cut(value, l->cut);
    }
    value = x12_format(e, value, r->arena, &why);
    if (!value.ptr && !run_full(r))
        run_fault(r, s, l, NULL, "map.value",
                  "Correct the document, or the map (\"cut\" shortens a text to what fits).",
                  arena_printf(r->arena, "\"%.*s\" does not fit into %s%s: it %s.", SLICE_ARG(ours), l->place,
                               name_in_parentheses(name_of_element(e)), why));
    return value;
}

static struct slice to_theirs(struct running *r, const struct scope *s, const struct line *l,
                              struct slice ours, const struct code_pair **pair)
{
    if (l->right == SIDE_CONSTANT) /* in its form since the map was loaded */
        return ours;
    if (l->codes) { /* its codes were checked against the element when the map was loaded */
        *pair = codes_by_ours(l->codes, ours);
        if (*pair)
            return (*pair)->theirs;
        if (!l->if_known)
            run_unknown_code(r, s, l, NULL, ours);
        return SLICE_NONE;
    }
    if (l->field->element)
        return to_element(r, s, l, ours, ours);
    return l->cut ? cut(ours, l->cut) : ours;
}

/* What a field holds: the first of its lines that has a value. *alive is set when it comes from the document.
 */
static struct slice field_value(struct running *r, const struct scope *s, const struct field *f,
                                enum node_kind *kind, bool *alive)
{
    const struct line *required = NULL;
    for (const struct line *l = f->lines; l; l = l->next_of_field) {
        if (l->when && !run_tests(r, s, l->when, NULL))
            continue;
        struct slice ours = our_value(r, s, l);
        bool data = ours.len && l->right != SIDE_CONSTANT;
        if (!ours.len)
            ours = l->otherwise;
        if (!ours.len) {
            required = l->required ? l : required;
            continue;
        }
        const struct code_pair *pair = NULL;
        struct slice value = to_theirs(r, s, l, ours, &pair);
        if (!value.len && l->if_known)
            continue;
        if (!value.len)
            return SLICE_NONE;
        if (r->trace)
            run_trace(r, s, l, value, ours, pair);
        *alive |= data;
        *kind = l->form != NODE_TRUE ? l->form : slice_is(value, "true") ? NODE_TRUE : NODE_FALSE;
        return value;
    }
    if (required)
        run_fault(r, s, required, NULL, "map.required",
                  "Fill it in where the document was made, and send the document again.",
                  arena_printf(r->arena, "%s needs a value, and the document has none.", required->place));
    return SLICE_NONE;
}

/* ---- instances ---- */

static bool write_frame(struct running *r, const struct scope *s, const struct frame *f, struct node *parent);

/* The list that items of a JSON member go into. */
static struct node *list_of(struct running *r, struct node *parent, struct slice name)
{
    struct node *list =
        parent->last && slice_equal(parent->last->name, name) ? parent->last : node_member(parent, name);
    if (list && list->kind == NODE_ARRAY)
        return list;
    list = node_new(r->arena, NODE_ARRAY, name);
    node_append(parent, list);
    return list;
}

static struct node *scalar(struct running *r, enum node_kind kind, struct slice name, unsigned tag,
                           struct slice text)
{
    struct node *n = node_new(r->arena, kind, name);
    n->text = text;
    n->tag = (uint16_t)tag;
    return n;
}

static bool write_field(struct running *r, const struct scope *s, const struct field *f, struct node *parent,
                        unsigned *pairs)
{
    bool alive = false;
    enum node_kind kind = NODE_STRING;
    struct slice value = f->qualifier ? f->constant : field_value(r, s, f, &kind, &alive);
    if (!value.len)
        return false;
    if (f->pair.ptr) {
        if (*pairs == f->frame->pair_count && f->frame->pair_slots == 1)
            return alive; /* where one pair has room the first that has a value stands */
        if (*pairs == f->frame->pair_count) {
            run_fault(r, s, f->lines, NULL, "map.pairs", "Use fewer pairs in the map.",
                      "The segment has no room for another pair.");
            return alive;
        }
        unsigned tag = f->frame->pair_tags[(*pairs)++];
        node_append(parent, scalar(r, NODE_STRING, SLICE_NONE, tag, f->pair));
        node_append(parent, scalar(r, NODE_STRING, SLICE_NONE, tag + 1, value));
    } else if (f->index >= 0) {
        node_append(list_of(r, parent, f->name), scalar(r, kind, SLICE_NONE, 0, value));
    } else {
        node_append(parent, scalar(r, kind, f->name, f->tag, value));
    }
    return alive;
}

/* Pairs were put behind the other elements; most stand there anyway. */
static void sort_elements(struct node *segment)
{
    for (struct node *n = segment->first; n && n->next;) {
        if (n->tag <= n->next->tag) {
            n = n->next;
            continue;
        }
        struct node *low = n->next, **link = &segment->first;
        n->next = low->next;
        if (segment->last == low)
            segment->last = n;
        while ((*link)->tag <= low->tag)
            link = &(*link)->next;
        low->next = *link;
        *link = low;
        n = segment->first;
    }
}

/* One instance of a frame with the objects of s. Returns whether it holds a value of the document. */
static bool write_instance(struct running *r, const struct scope *s, const struct frame *f,
                           struct node *parent)
{
    struct node instance = {.name = f->list ? SLICE_NONE : f->name, .kind = (uint8_t)f->kind};
    instance.tag = (uint16_t)(f->kind == NODE_COMPOSITE ? f->tag : 0);
    bool alive = false, filled = false;
    unsigned pairs = 0;
    for (const struct part *p = f->parts, *end = p + f->part_count; p < end; p++) {
        const struct node *last = instance.last;
        if (p->frame) {
            alive |= write_frame(r, s, p->frame, &instance);
            filled |= instance.last != last && !p->frame->leads;
        } else {
            alive |= write_field(r, s, p->field, &instance, &pairs);
            filled |= instance.last != last && !p->field->qualifier;
        }
    }
    /* a loop's first segment is always made: whether the loop stays is for the loop to say */
    if (!alive && !f->leads && !(filled && (f->constant_only || f->mandatory)))
        return false;
    if (pairs)
        sort_elements(&instance);
    struct node *n = arena_alloc(r->arena, sizeof *n);
    *n = instance;
    node_append(f->list ? list_of(r, parent, f->name) : parent, n);
    return alive;
}

static bool write_block(struct running *r, const struct scope *outer, const struct frame *f,
                        struct node *parent)
{
    const struct block *b = f->opens;
    struct scope s = {.outer = outer, .block = b};
    struct node *ours = b->path.count ? path_get(outer->ours, &b->path) : outer->ours;
    if (!ours || !(b->direction & DIRECTION_WRITE) || !run_tests(r, outer, b->when, NULL))
        return false;
    bool theirs = (b->direction & DIRECTION_READ) != 0; /* then "only when" is about their side */
    if (!b->each) {
        s.ours = ours;
        return (theirs || run_tests(r, &s, b->only, NULL)) && write_instance(r, &s, f, parent);
    }
    bool alive = false;
    for (s.ours = ours->first; s.ours; s.ours = s.ours->next, s.our_index++)
        if (theirs || run_tests(r, &s, b->only, NULL)) {
            alive |= write_instance(r, &s, f, parent);
            s.index++;
        }
    return alive;
}

static bool write_frame(struct running *r, const struct scope *s, const struct frame *f, struct node *parent)
{
    return f->opens ? write_block(r, s, f, parent) : write_instance(r, s, f, parent);
}

/* ---- documents ---- */

static int prepare(const struct map *m, const struct node *canonical, struct findings *f)
{
    const char *problem = NULL;
    struct slice type = canonical->kind == NODE_OBJECT ? node_text_at(canonical, "type") : SLICE_NONE;
    if (!(m->direction & DIRECTION_WRITE))
        problem = arena_printf(f->arena, "The map %s only reads.", m->name);
    else if (!slice_equal(type, m->schema->name))
        problem = arena_printf(f->arena,
                               "The map %s writes the canonical type %s; this document's type is \"%.*s\".",
                               m->name, m->schema->name.ptr, SLICE_ARG(type));
    if (problem) {
        finding_add(f, SEVERITY_ERROR, "map.direction", "", "Use the right map for this document.", "%s",
                    problem);
        return -1;
    }
    return schema_bound(m->schema, canonical) ? 0 : canonical_check(m->library, canonical, f);
}

struct node *map_write_tree(const struct map *m, const struct node *canonical, const struct map_run *run)
{
    struct running r;
    unsigned errors = run->findings->errors;
    if (prepare(m, canonical, run->findings) < 0)
        return NULL;
    run_open(&r, m, run, false);
    struct scope s = {.block = &m->top, .ours = (struct node *)(uintptr_t)canonical};
    const struct test *failed = NULL;
    if (!(m->direction & DIRECTION_READ) && !run_tests(&r, &s, m->top.only, &failed)) {
        finding_add(r.findings, SEVERITY_ERROR, "map.only", failed->text,
                    "Send it another way, or change the map.",
                    "The map %s does not take this document: its \"only when %s …\" does not hold.", m->name,
                    failed->text);
        return NULL;
    }
    const struct frame *top = m->top.frame;
    struct node *tree = node_new(r.arena, NODE_OBJECT, top->name);
    unsigned pairs = 0;
    for (unsigned i = 0; i < top->part_count; i++) {
        if (top->parts[i].field)
            write_field(&r, &s, top->parts[i].field, tree, &pairs);
        else
            write_frame(&r, &s, top->parts[i].frame, tree);
    }
    return r.wrong || run->findings->errors != errors ? NULL : tree;
}

int map_write(const struct map *m, const struct syntax *other, const struct node *canonical,
              const struct syntax_options *o, const struct map_run *run, struct buffer *out)
{
    const struct node *tree = map_write_tree(m, canonical, run);
    if (!tree)
        return -1;
    struct syntax_options options = o ? *o : (struct syntax_options){0};
    options.dictionaries = options.dictionaries ? options.dictionaries : m->library->dictionaries;
    options.version = options.version ? options.version : m->version;
    options.set = options.set ? options.set : m->set_id;
    return (other ? other : m->syntax)->write(&options, tree, out, run->findings);
}
