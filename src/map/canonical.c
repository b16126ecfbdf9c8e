/* canonical: documents of our own: values in their one form, checks against the schema, identity. The form is
 * what makes the hash of a canonical document mean something: decimals without needless zeros, dates without
 * a time, members in the schema's order. */
#include "base/date.h"
#include "base/decimal.h"
#include "base/utf8.h"
#include "map/schema.h"

/* "125.00" → "125": most numbers of ERP documents need no more than their zeros cut. SLICE_NONE: look closer.
 */
static struct slice plain_decimal(struct slice s)
{
    const char *p = s.ptr, *end = s.ptr + s.len;
    p += p < end && *p == '-';
    const char *digits = p;
    while (p < end && (unsigned char)(*p - '0') < 10)
        p++;
    if (p == digits || (*digits == '0' && p - digits > 1) || s.len > 18)
        return SLICE_NONE;
    if (p < end) {
        if (*p != '.' || p + 1 == end)
            return SLICE_NONE;
        for (const char *q = p + 1; q < end; q++)
            if ((unsigned char)(*q - '0') >= 10)
                return SLICE_NONE;
        while (end[-1] == '0')
            end--;
        end -= end[-1] == '.';
    }
    if (*s.ptr == '-' && end - digits == 1 && *digits == '0')
        return SLICE_NONE; /* -0 */
    return slice_make(s.ptr, (size_t)(end - s.ptr));
}

static struct slice decimal_value(struct slice text, struct arena *a, const char **why)
{
    struct slice plain = text.len ? plain_decimal(text) : SLICE_NONE;
    struct decimal d;
    if (plain.ptr)
        return plain;
    if (!decimal_parse(text, &d)) {
        *why = "is no number of at most 18 digits";
        return SLICE_NONE;
    }
    char *out = arena_alloc(a, DECIMAL_TEXT);
    return slice_make(out, decimal_print(d, false, out));
}

static struct slice integer_value(struct slice text, const char **why)
{
    size_t i = text.len && text.ptr[0] == '-';
    bool good = text.len > i && text.len <= 15 && !(text.ptr[i] == '0' && text.len > i + 1);
    for (; good && i < text.len; i++)
        good = (unsigned char)(text.ptr[i] - '0') < 10;
    if (good && !slice_is(text, "-0"))
        return text;
    *why = "is no whole number";
    return SLICE_NONE;
}

struct slice schema_value(const struct schema_type *t, struct slice text, struct arena *a, const char **why)
{
    struct date date;
    struct instant instant;
    switch (t->kind) {
    case SCHEMA_TEXT: return text;
    case SCHEMA_DECIMAL: return decimal_value(text, a, why);
    case SCHEMA_INTEGER: return integer_value(text, why);
    case SCHEMA_DATE:
        if (date_parse_iso(text, &date))
            return slice_make(text.ptr, 10);
        *why = "is no calendar date of the form 2026-03-20";
        return SLICE_NONE;
    case SCHEMA_INSTANT:
        if (instant_parse(text, &instant))
            return text;
        *why = "is no date and time of the form 2026-03-20T09:14:55Z";
        return SLICE_NONE;
    case SCHEMA_BOOLEAN:
        if (slice_is(text, "true") || slice_is(text, "false"))
            return text;
        *why = "is neither true nor false";
        return SLICE_NONE;
    default: *why = "is a single value, where an object or a list belongs"; return SLICE_NONE;
    }
}

/* ---- checking ---- */

struct checking {
    struct findings *findings;
    const char *(*source)(void *context, const struct schema_type *object, unsigned tag);
    void *context;
    bool wrong;
};

/* Where a check stands: its text is only made when something is wrong. */
struct where {
    const struct where *outer;
    struct slice name;
    size_t index; /* of an item, when name is none */
};

static void print_where(const struct where *w, struct buffer *out)
{
    if (!w)
        return;
    print_where(w->outer, out);
    if (!w->name.ptr)
        buffer_printf(out, "[%zu]", w->index);
    else
        buffer_printf(out, "%s%.*s", out->len ? "." : "", SLICE_ARG(w->name));
}

static void fault(struct checking *c, const struct where *w, const char *code, const char *todo,
                  const char *what)
{
    struct buffer where = {0};
    print_where(w, &where);
    finding_add(c->findings, SEVERITY_ERROR, code, where.len ? where.ptr : "", todo, "%s", what);
    buffer_free(&where);
    c->wrong = true;
}

/* Also counts: see findings_full. */
static bool full(struct checking *c)
{
    bool is = findings_full(c->findings, SEVERITY_ERROR);
    c->wrong = c->wrong || is;
    return is;
}

static const char *list_of(const struct schema_type *t, struct arena *a)
{
    const char *list = "";
    for (unsigned i = 0; i < t->value_count; i++)
        list = arena_printf(a, "%s%s%.*s", list, i ? ", " : "", SLICE_ARG(t->values[i]));
    return list;
}

static void check_text(struct checking *c, const struct schema_type *t, struct slice text,
                       const struct where *w)
{
    struct arena *a = c->findings->arena;
    if (t->values) {
        unsigned i = 0;
        while (i < t->value_count && !slice_equal(t->values[i], text))
            i++;
        if (i == t->value_count && !full(c))
            fault(c, w, "canonical.value", "Correct the code table or the map.",
                  arena_printf(a, "\"%.*s\" is not one of: %s.", SLICE_ARG(text), list_of(t, a)));
    }
    if (!t->min_length && !t->max_length)
        return;
    size_t length = 0;
    for (size_t i = 0; i < text.len; i++)
        length += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    if ((length < t->min_length || (t->max_length && length > t->max_length)) && !full(c))
        fault(c, w, "canonical.length", "Correct the document or the map.",
              arena_printf(a, "The text has %zu characters; %u to %u are allowed.", length, t->min_length,
                           t->max_length));
}

static void check_node(struct checking *c, const struct schema_type *t, const struct node *n,
                       const struct where *w);

static void check_object(struct checking *c, const struct schema_type *t, const struct node *n,
                         const struct where *w)
{
    uint64_t present = 0;
    for (const struct node *m = n->first; m; m = m->next) {
        const struct schema_type *type = t->members[m->tag - 1].type;
        present |= UINT64_C(1) << (m->tag - 1);
        if (type->kind >= SCHEMA_TEXT && !type->constrained)
            continue;
        struct where inside = {w, m->name, 0};
        check_node(c, type, m, &inside);
    }
    uint64_t missing = t->required & ~present;
    for (; missing; missing &= missing - 1) {
        unsigned i = (unsigned)__builtin_ctzll(missing);
        if (full(c))
            continue;
        const char *source = c->source ? c->source(c->context, t, i + 1) : NULL;
        struct where inside = {w, t->members[i].name, 0};
        fault(c, &inside, "canonical.required",
              source ? "Fill it in where the document was made, and send the document again."
                     : "Add a line for it to the map.",
              arena_printf(c->findings->arena,
                           source ? "The document has no %.*s (it is read from %s)."
                                  : "The document has no %.*s.%s",
                           SLICE_ARG(t->members[i].name), source ? source : ""));
    }
}

static void check_node(struct checking *c, const struct schema_type *t, const struct node *n,
                       const struct where *w)
{
    if (t->kind == SCHEMA_OBJECT) {
        check_object(c, t, n, w);
    } else if (t->kind == SCHEMA_ARRAY) {
        struct where inside = {w, SLICE_NONE, 0};
        for (const struct node *m = n->first; m; m = m->next, inside.index++)
            check_node(c, t->items, m, &inside);
        if (inside.index < t->min_items || (t->max_items && inside.index > t->max_items))
            fault(c, w, "canonical.count", "Correct the document, or what the map passes over.",
                  arena_printf(c->findings->arena, "The list has %zu items; %s %u are needed.", inside.index,
                               inside.index < t->min_items ? "at least" : "at most",
                               inside.index < t->min_items ? t->min_items : t->max_items));
    } else if (t->constrained) {
        check_text(c, t, n->text, w);
    }
}

int schema_check(const struct schema *s, const struct node *tree, struct findings *f,
                 const char *(*source)(void *, const struct schema_type *, unsigned), void *context)
{
    struct checking c = {f, source, context, false};
    check_node(&c, s->root, tree, NULL);
    return c.wrong ? -1 : 0;
}

/* ---- giving a tree the schema's names ---- */

static void bind_node(struct checking *c, const struct schema_type *t, struct node *n, const struct where *w);

/* Merges the children into the schema's order. */
static void sort_members(struct node *n)
{
    bool sorted = true;
    for (const struct node *m = n->first; m && m->next; m = m->next)
        sorted = sorted && m->tag < m->next->tag;
    if (sorted)
        return;
    struct node *by_tag[65] = {0}, *rest = n->first;
    for (struct node *m = rest, *next; m; m = next) {
        next = m->next;
        by_tag[m->tag] = m;
    }
    n->first = n->last = NULL;
    for (unsigned i = 1; i <= 64; i++)
        if (by_tag[i])
            node_append(n, by_tag[i]);
}

static void bind_object(struct checking *c, const struct schema_type *t, struct node *n,
                        const struct where *w)
{
    uint64_t seen = 0;
    struct node *first = n->first;
    n->first = n->last = NULL;
    for (struct node *m = first, *next; m; m = next) {
        next = m->next;
        struct where inside = {w, m->name, 0};
        unsigned i = 0;
        while (i < t->count && !slice_equal(t->members[i].name, m->name))
            i++;
        if (i == t->count || seen >> i & 1) {
            fault(c, &inside, "canonical.member", "Remove or rename it.",
                  i == t->count ? "A canonical document of this type has no such member."
                                : "The member is there twice.");
            continue;
        }
        if (m->kind == NODE_NULL)
            continue;
        seen |= UINT64_C(1) << i;
        m->name = t->members[i].name;
        m->tag = (uint16_t)(i + 1);
        node_append(n, m);
        bind_node(c, t->members[i].type, m, &inside);
    }
    sort_members(n);
}

static void bind_node(struct checking *c, const struct schema_type *t, struct node *n, const struct where *w)
{
    enum node_kind wanted = t->kind == SCHEMA_OBJECT    ? NODE_OBJECT
                            : t->kind == SCHEMA_ARRAY   ? NODE_ARRAY
                            : t->kind == SCHEMA_INTEGER ? NODE_NUMBER
                            : t->kind == SCHEMA_BOOLEAN ? NODE_TRUE
                                                        : NODE_STRING;
    enum node_kind is = n->kind == NODE_FALSE ? NODE_TRUE : (enum node_kind)n->kind;
    if (is != wanted) {
        if (!full(c))
            fault(c, w, "canonical.type", "Correct the document.",
                  arena_printf(c->findings->arena, "This must be %s%s.", schema_kind_name(t->kind),
                               wanted == NODE_STRING ? ", written as a string" : ""));
        if (wanted == NODE_OBJECT || wanted == NODE_ARRAY) /* so that nothing below is looked at */
            n->first = n->last = NULL;
        n->kind = (uint8_t)wanted;
        n->text = n->text.ptr ? n->text : SLICE("");
        return;
    }
    if (t->kind == SCHEMA_OBJECT) {
        bind_object(c, t, n, w);
    } else if (t->kind == SCHEMA_ARRAY) {
        struct where inside = {w, SLICE_NONE, 0};
        for (struct node *m = n->first; m; m = m->next, inside.index++)
            bind_node(c, t->items, m, &inside);
    } else if (t->kind != SCHEMA_BOOLEAN) {
        const char *why = NULL;
        struct slice value = schema_value(t, n->text, c->findings->arena, &why);
        if (value.ptr)
            n->text = value;
        else if (!full(c))
            fault(c, w, "canonical.value", "Correct the document.",
                  arena_printf(c->findings->arena, "\"%.*s\" %s.", SLICE_ARG(n->text), why));
    }
}

bool schema_bound(const struct schema *s, const struct node *tree)
{
    return tree->name.ptr == s->name.ptr;
}

int schema_bind(const struct schema *s, struct node *tree, struct findings *f)
{
    struct checking c = {.findings = f};
    bind_node(&c, s->root, tree, NULL);
    if (!c.wrong)
        tree->name = s->name;
    return c.wrong ? -1 : 0;
}

/* ---- the interface of map.h ---- */

int canonical_check(struct map_library *l, const struct node *canonical, struct findings *f)
{
    struct slice type = canonical->kind == NODE_OBJECT ? node_text_at(canonical, "type") : SLICE_NONE;
    if (!type.ptr) {
        finding_add(f, SEVERITY_ERROR, "canonical.type", "type", "Write its type, e.g. \"order\".",
                    "A canonical document must be an object whose member \"type\" says what it is.");
        return -1;
    }
    const struct schema *s = schema_load(l, type, f);
    if (!s)
        return -1;
    if (!schema_bound(s, canonical) && schema_bind(s, (struct node *)(uintptr_t)canonical, f) < 0)
        return -1;
    return schema_check(s, canonical, f, NULL, NULL);
}

int canonical_write(const struct node *canonical, struct buffer *out)
{
    return syntax_json.write(NULL, canonical, out, NULL);
}

static struct slice text_of(const struct node *canonical, const struct path *p, bool bound)
{
    if (!p->count)
        return SLICE_NONE;
    const struct node *n = bound ? path_get(canonical, p) : node_at(canonical, p->text);
    return n && (n->kind == NODE_STRING || n->kind == NODE_NUMBER) ? n->text : SLICE_NONE;
}

int canonical_identity(struct map_library *l, const struct node *canonical, struct identity *out)
{
    struct arena a = {0};
    struct findings ignored = {.arena = &a};
    struct slice type = node_text_at(canonical, "type");
    const struct schema *s = type.ptr ? schema_load(l, type, &ignored) : NULL;
    arena_free(&a);
    *out = (struct identity){.type = type};
    if (!s)
        return -1;
    bool bound = schema_bound(s, canonical);
    out->partner = text_of(canonical, &s->partner, bound);
    out->number = text_of(canonical, &s->number, bound);
    out->version = text_of(canonical, &s->version, bound);
    for (unsigned i = 0; i < s->link_count; i++) {
        struct slice value = text_of(canonical, &s->links[i].path, bound);
        if (!value.len)
            continue;
        out->links[out->link_count].kind = s->links[i].kind;
        out->links[out->link_count++].value = value;
    }
    return out->number.len ? 0 : -1;
}
