/* x12json: the syntax "x12json": the X12 tree as JSON, {"transactionSets":[{...}]}, and back. Every segment
 * and every loop is an array of objects, all values are strings, names come from x12json_names.h; a loop is
 * called after its first segment ("N1_loop"). ISA, GS, ST and SE are not written; where they are read they
 * are passed over.
 *
 * JSON members have no order that means anything: when reading, segments are put into the dictionary's order,
 * and within an array they keep theirs. What is written and what is read is checked against the dictionary
 * like X12 text (x12_validate). The format is the v3 format that docs/x12.md describes under "X12 in JSON".
 */
#include "edi/plan.h"
#include "edi/x12/x12.h"
#include "syntax/syntax.h"
#include "syntax/x12json_names.h"

#define DEFAULT_VERSION "004010"

static void wrong(struct findings *f, const char *code, const char *where, const char *what)
{
    finding_add(f, SEVERITY_ERROR, code, where, "", "%s", what);
}

/* ---- writing ---- */

struct json_writing {
    const struct x12json_names *names;
    struct buffer *out;
    struct findings *findings;
};

static void put_escaped(struct buffer *out, unsigned char c)
{
    if (c == '"' || c == '\\') {
        buffer_byte(out, '\\');
        buffer_byte(out, (char)c);
    } else {
        buffer_printf(out, "\\u%04x", c);
    }
}

static void put_string(struct buffer *out, struct slice s)
{
    buffer_byte(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buffer_add(out, s.ptr + from, i - from);
        put_escaped(out, c);
        from = i + 1;
    }
    buffer_add(out, s.ptr + from, s.len - from);
    buffer_byte(out, '"');
}

static void no_name(struct json_writing *w, struct slice segment, unsigned element)
{
    struct arena *a = w->findings->arena;
    wrong(w->findings, "x12json.name",
          arena_printf(a, "segment %.*s, element %u", SLICE_ARG(segment), element),
          "The JSON form has no name for this; add it to the dialect's segments.tsv or elements.tsv.");
}

static void put_object(struct json_writing *w, const struct node *parent, const struct element_name *names,
                       unsigned count, struct slice segment);

static void put_value(struct json_writing *w, const struct node *n, const struct element_name *name,
                      struct slice segment)
{
    buffer_slice(w->out, name->quoted);
    if (n->kind != NODE_COMPOSITE) {
        put_string(w->out, n->text);
        return;
    }
    buffer_byte(w->out, '[');
    put_object(w, n, name->components, name->count, segment);
    buffer_byte(w->out, ']');
}

static bool is_empty(const struct node *n)
{
    return n->kind == NODE_COMPOSITE ? n->first == NULL : n->text.len == 0;
}

static void put_object(struct json_writing *w, const struct node *parent, const struct element_name *names,
                       unsigned count, struct slice segment)
{
    bool comma = false;
    buffer_byte(w->out, '{');
    for (const struct node *n = parent->first; n; n = n->next) {
        if (is_empty(n))
            continue;
        if (n->tag < 1 || n->tag > count || !names[n->tag - 1].key.ptr) {
            no_name(w, segment, n->tag);
            continue;
        }
        for (const struct node *same = parent->first; same != n; same = same->next)
            if (same->tag == n->tag && !is_empty(same))
                wrong(w->findings, "x12json.repetition", "", "Repeated elements have no form in this JSON.");
        if (comma)
            buffer_byte(w->out, ',');
        comma = true;
        put_value(w, n, &names[n->tag - 1], segment);
    }
    buffer_byte(w->out, '}');
}

static bool same_member(const struct node *a, const struct node *b)
{
    return a->kind == b->kind && slice_equal(a->name, b->name);
}

/* Whether an array with n's siblings of the same name was written already. */
static bool written_before(const struct node *parent, const struct node *n)
{
    for (const struct node *s = parent->first; s != n; s = s->next)
        if (same_member(s, n))
            return true;
    return false;
}

static void put_level(struct json_writing *w, const struct node *parent);

static void put_array(struct json_writing *w, const struct node *first)
{
    const struct segment_name *name = x12json_segment(w->names, first->name);
    if (!name) {
        no_name(w, first->name, 0);
        return;
    }
    buffer_slice(w->out, first->kind == NODE_LOOP ? name->loop_quoted : name->quoted);
    for (const struct node *n = first; n; n = n->next) {
        if (!same_member(n, first))
            continue;
        if (n != first)
            buffer_byte(w->out, ',');
        if (n->kind == NODE_LOOP)
            put_level(w, n);
        else
            put_object(w, n, name->elements, name->count, n->name);
    }
    buffer_byte(w->out, ']');
}

static void put_level(struct json_writing *w, const struct node *parent)
{
    bool comma = false;
    const struct node *last = NULL;
    buffer_byte(w->out, '{');
    for (const struct node *n = parent->first; n; last = n, n = n->next) {
        if (last && (same_member(last, n) || written_before(parent, n)))
            continue;
        if (comma)
            buffer_byte(w->out, ',');
        comma = true;
        put_array(w, n);
    }
    buffer_byte(w->out, '}');
}

static const struct set *named_set(const struct dictionary *d, const char *id, struct findings *f)
{
    const struct set *set = dictionary_set(d, id);
    if (!set)
        wrong(f, "x12.set.unknown", "",
              arena_printf(f->arena, "There is no transaction set %s in dictionary %s.", id, d->version));
    return set;
}

static const struct dictionary *load_version(const struct syntax_options *o, struct findings *f)
{
    const char *version = o->version ? o->version : o->envelope ? o->envelope->version : NULL;
    return dictionary_load(o->dictionaries, version ? version : DEFAULT_VERSION, f);
}

static int x12json_write(const struct syntax_options *o, const struct node *tree, struct buffer *out,
                         struct findings *f)
{
    unsigned before = f->errors;
    size_t start = out->len;
    struct json_writing w = {.out = out, .findings = f, .names = x12json_names(o->dictionaries, f)};
    const struct dictionary *d = load_version(o, f);
    const struct set *set =
        d && w.names ? named_set(d, o->set ? o->set : arena_text(f->arena, tree->name), f) : NULL;
    if (!set || x12_validate(d, set, tree, f))
        return -1;
    buffer_text(out, "{\"transactionSets\":[");
    put_level(&w, tree);
    buffer_text(out, "]}");
    if (f->errors > before) {
        out->len = start;
        return -1;
    }
    return 0;
}

/* ---- reading ---- */

/* Where in the JSON: each level of the recursion knows its own step. */
struct json_place {
    const struct json_place *outer;
    struct slice name;
    size_t index;
};

struct json_reading {
    const struct x12json_names *names;
    const struct dictionary *dictionary;
    struct findings *findings;
};

static const char *place_text(struct arena *a, const struct json_place *p)
{
    if (!p)
        return "";
    const char *outer = place_text(a, p->outer);
    return arena_printf(a, "%s%s%.*s[%zu]", outer, *outer ? "." : "", SLICE_ARG(p->name), p->index);
}

static void refuse(struct json_reading *r, const struct json_place *p, struct slice member, const char *code,
                   const char *what)
{
    if (findings_full(r->findings, SEVERITY_ERROR))
        return;
    const char *outer = place_text(r->findings->arena, p);
    wrong(r->findings, code,
          arena_printf(r->findings->arena, "%s%s%.*s", outer, *outer && member.len ? "." : "",
                       SLICE_ARG(member)),
          what);
}

static void add_elements(struct json_reading *r, const struct json_place *p, const struct node *object,
                         struct node *parent, const struct element_name *names, unsigned count);

static void add_composite(struct json_reading *r, const struct json_place *p, const struct node *member,
                          struct node *element, const struct element_name *name)
{
    const struct node *item = member->kind == NODE_ARRAY ? member->first : NULL;
    if (!item || item->next || item->kind != NODE_OBJECT) {
        refuse(r, p, member->name, "x12json.shape", "An array of one object is due here: it is a composite.");
        return;
    }
    struct json_place here = {p, member->name, 0};
    element->kind = NODE_COMPOSITE;
    add_elements(r, &here, item, element, name->components, name->count);
}

static struct node *new_element(struct json_reading *r, const struct json_place *p, const struct node *member,
                                const struct element_name *name)
{
    struct node *n = node_new(r->findings->arena, NODE_STRING, SLICE_NONE);
    n->at = member->at;
    if (name->components)
        add_composite(r, p, member, n, name);
    else if (member->kind == NODE_STRING)
        n->text = member->text;
    else
        refuse(r, p, member->name, "x12json.shape",
               "All values in this JSON are strings, also numbers and dates.");
    return n;
}

static void add_elements(struct json_reading *r, const struct json_place *p, const struct node *object,
                         struct node *parent, const struct element_name *names, unsigned count)
{
    struct node *slots[PLAN_POSITIONS] = {NULL};
    for (const struct node *m = object->first; m; m = m->next) {
        unsigned at = x12json_position(names, count, m->name);
        if (!at) {
            refuse(r, p, m->name, "x12json.unknown", "There is no member of this name in the segment.");
            continue;
        }
        if (m->kind == NODE_NULL || (m->kind == NODE_STRING && m->text.len == 0))
            continue; /* both mean that the element is absent */
        slots[at - 1] = new_element(r, p, m, &names[at - 1]);
        slots[at - 1]->tag = (uint16_t)at;
    }
    for (unsigned i = 0; i < count; i++)
        if (slots[i])
            node_append(parent, slots[i]);
}

static void add_level(struct json_reading *r, const struct json_place *p, struct node *object,
                      struct node *parent, const struct set_item *items, size_t count);

static void add_item(struct json_reading *r, const struct json_place *p, struct node *object,
                     struct node *parent, const struct set_item *item, const struct segment_name *name)
{
    struct arena *a = r->findings->arena;
    if (object->kind != NODE_OBJECT) {
        refuse(r, p, SLICE_NONE, "x12json.shape", "An object is due here.");
        return;
    }
    struct node *n = node_new(a, item->items ? NODE_LOOP : NODE_SEGMENT, slice_of(item->segment->id));
    n->at = object->at;
    node_append(parent, n);
    if (item->items)
        add_level(r, p, object, n, item->items, item->count);
    else
        add_elements(r, p, object, n, name->elements, name->count);
}

/* "N1_loop" is the loop of segment N1. */
static bool is_loop_key(struct slice key, const char *segment)
{
    size_t n = strlen(segment);
    return key.len == n + 5 && memcmp(key.ptr, segment, n) == 0 && memcmp(key.ptr + n, "_loop", 5) == 0;
}

static struct node *find_member(const struct node *object, const struct set_item *item,
                                const struct segment_name *name)
{
    for (struct node *m = object->first; m; m = m->next)
        if (item->items ? is_loop_key(m->name, item->segment->id) : slice_equal(m->name, name->key))
            return m;
    return NULL;
}

/* Whether the level has a further place for the same segment or loop. */
static bool comes_again(const struct set_item *items, size_t count, size_t i)
{
    for (size_t j = i + 1; j < count; j++)
        if (items[j].segment == items[i].segment && !items[j].items == !items[i].items)
            return true;
    return false;
}

/* Takes a member's items into the places of one item of the set: as many as fit there, and all when no other
 * place is left for the rest. tag counts how many are taken. */
static void add_array(struct json_reading *r, const struct json_place *p, struct node *member,
                      struct node *parent, const struct set_item *item, const struct segment_name *name,
                      bool all)
{
    if (member->kind != NODE_ARRAY) {
        refuse(r, p, member->name, "x12json.shape", "An array is due here: every segment and loop is one.");
        return;
    }
    if (!member->first && !member->tag)
        refuse(r, p, member->name, "x12json.shape", "The array is empty; what is absent is left out.");
    for (size_t taken = 0; member->first && (all || !item->max_use || taken < item->max_use); taken++) {
        struct node *object = member->first;
        struct json_place here = {p, member->name, member->text.len};
        member->first = object->next;
        member->text.len++;
        member->tag = 1;
        add_item(r, &here, object, parent, item, name);
    }
}

static void add_level(struct json_reading *r, const struct json_place *p, struct node *object,
                      struct node *parent, const struct set_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct segment_name *name = x12json_segment(r->names, slice_of(items[i].segment->id));
        struct node *member = name ? find_member(object, &items[i], name) : NULL;
        if (!member)
            continue;
        if (!member->used)
            member->text.len = member->tag = 0; /* from here on: how many are taken */
        if (!member->used || member->first)
            add_array(r, p, member, parent, &items[i], name, !comes_again(items, count, i));
        member->used = 1;
    }
    for (const struct node *m = object->first; m; m = m->next)
        if (!m->used)
            refuse(r, p, m->name, "x12json.unknown",
                   parent->kind == NODE_LOOP
                       ? "There is no segment or loop of this name in the loop."
                       : "There is no segment or loop of this name in the transaction set.");
}

/* Envelope segments say nothing that the request round the document does not say. */
static void pass_over_envelope(const struct json_reading *r, struct node *object)
{
    static const char *const outer[] = {"interchangeControlHeader", "functionalGroupHeader",
                                        "functionalGroupTrailer", "interchangeControlTrailer"};
    const struct segment_name *st = x12json_segment(r->names, SLICE("ST"));
    const struct segment_name *se = x12json_segment(r->names, SLICE("SE"));
    for (struct node *m = object->first; m; m = m->next) {
        bool envelope = (st && slice_equal(m->name, st->key)) || (se && slice_equal(m->name, se->key));
        for (size_t i = 0; i < sizeof outer / sizeof *outer; i++)
            envelope |= slice_is(m->name, outer[i]);
        if (envelope)
            m->used = 1;
    }
}

/* What the header of the set says it is, where there is one. */
static const char *header_set(const struct json_reading *r, const struct node *object)
{
    const struct segment_name *st = x12json_segment(r->names, SLICE("ST"));
    const struct node *header = st && st->count ? node_member(object, st->key) : NULL;
    const struct node *id = header && header->first ? node_member(header->first, st->elements[0].key) : NULL;
    return id && id->kind == NODE_STRING ? arena_text(r->findings->arena, id->text) : NULL;
}

/* Which set it is when nobody says: the one whose first segment is there. */
static const char *guess_set(const struct json_reading *r, const struct node *object)
{
    for (size_t i = 0;; i++) {
        const struct set *set = dictionary_set_at(r->dictionary, i);
        if (!set)
            return NULL;
        const struct segment_name *first =
            set->count ? x12json_segment(r->names, slice_of(set->items[0].segment->id)) : NULL;
        if (first && node_member(object, first->key))
            return set->id;
    }
}

static const struct set *find_set(const struct json_reading *r, const char *wanted, const struct node *object)
{
    const char *said = header_set(r, object), *id = wanted ? wanted : said ? said : guess_set(r, object);
    if (!id) {
        wrong(r->findings, "x12json.set", "transactionSets[0]",
              "It cannot be told which transaction set this is.");
        return NULL;
    }
    if (said && strcmp(said, id) != 0) {
        wrong(r->findings, "x12.set.other", "transactionSets[0]",
              arena_printf(r->findings->arena, "The document holds set %s where %s is wanted.", said, id));
        return NULL;
    }
    return named_set(r->dictionary, id, r->findings);
}

/* The one object in {"transactionSets":[{...}]}. */
static struct node *only_set(struct findings *f, struct node *root)
{
    struct node *sets = root->kind == NODE_OBJECT ? root->first : NULL;
    if (!sets || sets->next || !slice_is(sets->name, "transactionSets") || sets->kind != NODE_ARRAY) {
        wrong(f, "x12json.shape", "", "The document is not {\"transactionSets\":[ ... ]}.");
        return NULL;
    }
    if (!sets->first || sets->first->next || sets->first->kind != NODE_OBJECT) {
        wrong(f, "x12json.shape", "transactionSets",
              "There must be exactly one transaction set, an object, in the document.");
        return NULL;
    }
    return sets->first;
}

static struct node *x12json_read(const struct syntax_options *o, struct slice bytes, struct findings *f)
{
    unsigned before = f->errors;
    const struct syntax_options whole = {0};
    struct node *root = syntax_json.read(&whole, bytes, f);
    struct node *object = root ? only_set(f, root) : NULL;
    struct json_reading r = {.findings = f};
    if (!object || !(r.names = x12json_names(o->dictionaries, f)) || !(r.dictionary = load_version(o, f)))
        return NULL;
    const struct set *set = find_set(&r, o->set, object);
    if (!set)
        return NULL;
    struct node *tree = node_new(f->arena, NODE_OBJECT, slice_of(set->id));
    const struct json_place here = {NULL, SLICE("transactionSets"), 0};
    pass_over_envelope(&r, object);
    add_level(&r, &here, object, tree, set->items, set->count);
    if (f->errors > before || x12_validate(r.dictionary, set, tree, f))
        return NULL;
    return tree;
}

const struct syntax syntax_x12json = {
    .name = "x12json", .extension = "json", .read = x12json_read, .write = x12json_write};
