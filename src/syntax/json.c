/* json: reads a JSON text in place into a tree (json_write.c writes one). RFC 8259.
 *
 * The whole text is checked: grammar, UTF-8, escapes, numbers, depth. Nodes are made only for what is wanted
 * (wanted.h); their texts are slices of the input, decoded copies where a string has escapes. A number keeps
 * its text. Member names that are wanted may come once in an object.
 *
 * ERP documents repeat themselves: line after line, document after document, the same members in the same
 * order. The reader remembers that order in the trie's root and compares the next name as a whole; only a
 * name that did not come as expected is scanned and looked up. What is remembered is bounded, so that a
 * hostile document only makes itself slow.
 *
 * Fails with one finding that says line, column and what stands there. */
#include "base/utf8.h"
#include "syntax/json_scan.h"
#include "syntax/json_write.h"
#include "syntax/syntax.h"
#include "syntax/wanted.h"
#include <stdio.h>
#include <stdlib.h>

#define DEPTH 64
#define SIZE_LIMIT (256u << 20)
#define NODES 4000000u     /* of one document: 256 MB of tree */
#define FEW_MEMBERS 24u    /* so few are compared in pairs */
#define ORDER_MEMBERS 256u /* remembered of one object */
#define ORDER_TOTAL 4096u  /* remembered of all documents of a map */
#define VALUE_ROOM 512u    /* the longest value that is remembered */
#define VALUE_TOTAL (256u << 10)
#define VALUE_MISSES 4u  /* values in a row that differ: then no more is remembered for a while */
#define ORDER_SEARCH 64u /* how far an unexpected name is looked for */

struct expected { /* a member that came at this place before */
    struct expected *next;
    const struct wanted *wanted; /* NULL: passed over */
    struct member_order *inside; /* of the object, or the objects of the array, that is its value */
    uint32_t len;
    uint32_t value_len, value_room; /* of value; 0: none is remembered */
    char *value;                    /* the last value that was passed over, and the byte behind it */
    uint8_t misses, quiet;          /* values in a row that were others; how often not to look any more */
    char key[JSON_KEY];             /* "name": with quotes and colon */
};

struct member_order {
    struct expected *first;
    unsigned count;
    unsigned total, value_total; /* of the root: of all */
};

struct reader {
    const char *begin, *end;
    struct arena *arena;
    struct arena *order_arena; /* NULL: nothing is remembered */
    struct member_order *root;
    size_t nodes;
    const char *fault, *fault_at;
};

static const char too_many[] =
    "The document has more than 4000000 values that are wanted; no more are read at once.";

static const struct wanted everything = {.whole = true};

/* ---- what both ways of going through a text use ---- */

static const char *fail(struct reader *r, const char *at, const char *fault)
{
    if (!r->fault) {
        r->fault = fault;
        r->fault_at = at;
    }
    return NULL;
}

static int hex4(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* p at a backslash: behind the whole escape, or NULL. */
static const char *skip_escape(struct reader *r, const char *p)
{
    if (r->end - p < 2)
        return fail(r, p, "the text ends inside an escape");
    if (p[1] != 'u')
        return p[1] && strchr("\"\\/bfnrt", p[1]) ? p + 2 : fail(r, p, "this escape does not exist in JSON");
    int unit = hex4(p + 2, r->end);
    if (unit < 0)
        return fail(r, p, "\\u is not followed by four hexadecimal digits");
    if (unit < 0xd800 || unit > 0xdfff)
        return p + 6;
    if (unit < 0xdc00 && r->end - p >= 8 && p[6] == '\\' && p[7] == 'u') {
        int low = hex4(p + 8, r->end);
        if (low >= 0xdc00 && low <= 0xdfff)
            return p + 12;
    }
    return fail(r, p, "half of a surrogate pair is no character");
}

/* p behind the opening quote: at the closing one, or NULL. */
static const char *skip_rest_of_string(struct reader *r, const char *p, bool *escapes)
{
    for (;;) {
        p = json_skip_plain(p, r->end);
        if (p == r->end)
            return fail(r, p, "the text ends inside a string");
        if (*p == '"')
            return p;
        if (*p == '\\') {
            *escapes = true;
            if (!(p = skip_escape(r, p)))
                return NULL;
        } else if ((unsigned char)*p < 0x20) {
            return fail(r, p, "a control character in a string must be written as an escape");
        } else {
            size_t n = utf8_sequence(slice_make(p, (size_t)(r->end - p)));
            if (!n)
                return fail(r, p, "these bytes are no UTF-8");
            p += n;
        }
    }
}

static inline const char *skip_string(struct reader *r, const char *p, bool *escapes)
{
    const char *q = json_skip_plain(p, r->end);
    return q < r->end && *q == '"' ? q : skip_rest_of_string(r, q, escapes);
}

static const char *skip_number(struct reader *r, const char *p)
{
    const char *end = r->end;
    p += *p == '-';
    const char *digits = p;
    p = json_skip_digits(p, end);
    if (p == digits)
        return fail(r, p, "a number needs a digit here");
    if (*digits == '0' && p - digits > 1)
        return fail(r, digits, "a number must not begin with 0");
    if (p < end && *p == '.') {
        digits = ++p;
        p = json_skip_digits(p, end);
        if (p == digits)
            return fail(r, p, "a number needs a digit behind its point");
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        digits = p;
        p = json_skip_digits(p, end);
        if (p == digits)
            return fail(r, p, "a number needs a digit in its exponent");
    }
    return p;
}

static const char *skip_word(struct reader *r, const char *p, const char *word, size_t len)
{
    if ((size_t)(r->end - p) < len || memcmp(p, word, len) != 0)
        return fail(r, p, "a value is expected here: a string, number, object, array, true, false or null");
    return p + len;
}

/* ---- the remembered order ---- */

/* The member whose raw name (quote to colon) lies at p, looked for from e on and then from the beginning. */
static struct expected *search(const struct member_order *order, struct expected *e, const char *p,
                               const char *end)
{
    unsigned tries = ORDER_SEARCH;
    for (struct expected *x = e; x && tries; x = x->next, tries--)
        if (json_begins(p, end, x->key, x->len))
            return x;
    for (struct expected *x = order->first; x && x != e && tries; x = x->next, tries--)
        if (json_begins(p, end, x->key, x->len))
            return x;
    return NULL;
}

/* Remembers the name p..colon behind previous (NULL: as the first one). */
static struct expected *remember(struct reader *r, struct member_order *order, struct expected *previous,
                                 const char *p, const char *colon, const struct wanted *w)
{
    size_t len = (size_t)(colon + 1 - p);
    if (!r->order_arena || len > JSON_KEY || order->count >= ORDER_MEMBERS || r->root->total >= ORDER_TOTAL)
        return NULL;
    struct expected *e = arena_zero(r->order_arena, sizeof *e);
    memcpy(e->key, p, len);
    e->len = (uint32_t)len;
    e->wanted = w;
    struct expected **link = previous ? &previous->next : &order->first;
    e->next = *link;
    *link = e;
    order->count++;
    r->root->total++;
    return e;
}

static struct member_order *order_inside(struct reader *r, struct expected *e)
{
    if (!e || !r->order_arena)
        return NULL;
    if (!e->inside && r->root->total < ORDER_TOTAL)
        e->inside = arena_zero(r->order_arena, sizeof *e->inside);
    return e->inside;
}

/* What is known of the member at hand. */
struct member {
    struct expected *entry;      /* NULL when it is not remembered */
    const struct wanted *wanted; /* NULL: passed over */
    struct slice name;           /* only when keep was given and entry is NULL */
};

static struct slice decode(struct arena *a, const char *p, const char *end);

/* A name that is not the one expected after last. p at its quote: behind the colon, or NULL. */
static const char *read_name(struct reader *r, const char *p, struct member_order *order,
                             struct expected *last, const struct wanted *keep, struct member *m)
{
    bool escapes = false;
    if (p == r->end)
        return fail(r, p, "the text ends inside an object");
    if (*p != '"')
        return fail(r, p, "a member name in double quotes is expected here");
    if (order && (m->entry = search(order, last, p, r->end))) {
        m->wanted = m->entry->wanted;
        return p + m->entry->len;
    }
    const char *quote = skip_string(r, p + 1, &escapes);
    if (!quote)
        return NULL;
    m->wanted = NULL;
    if (keep) {
        m->name = escapes ? decode(r->arena, p + 1, quote) : slice_make(p + 1, (size_t)(quote - p - 1));
        m->wanted = wanted_find(keep, m->name);
        if (!m->wanted && keep->whole)
            m->wanted = &everything;
    }
    const char *colon = json_skip_space(quote + 1, r->end);
    if (colon == r->end || *colon != ':')
        return fail(r, colon, "a colon is expected behind a member name");
    m->entry = order && colon == quote + 1 && !escapes ? remember(r, order, last, p, colon, m->wanted) : NULL;
    return colon + 1;
}

/* Behind a value: ',' goes on (1), close ends (0), anything else is wrong (-1). *p is moved on behind it. */
static inline int separator(struct reader *r, const char **p, char close)
{
    const char *q = json_skip_space(*p, r->end);
    if (q < r->end && *q == ',') {
        *p = json_skip_space(q + 1, r->end);
        return 1;
    }
    if (q < r->end && *q == close) {
        *p = q + 1;
        return 0;
    }
    fail(r, q,
         q == r->end    ? (close == '}' ? "the text ends inside an object" : "the text ends inside an array")
         : close == '}' ? "a comma or } is expected here"
                        : "a comma or ] is expected here");
    return -1;
}

/* ---- passing over what is not wanted ---- */

static const char *skip_object(struct reader *r, const char *p, struct member_order *order, unsigned depth);
static const char *skip_array(struct reader *r, const char *p, struct expected *entry, unsigned depth);

static inline const char *skip_value(struct reader *r, const char *p, struct expected *entry, unsigned depth)
{
    bool escapes;
    if (p == r->end)
        return fail(r, p, "the text ends where a value is expected");
    switch (*p) {
    case '"': p = skip_string(r, p + 1, &escapes); return p ? p + 1 : NULL;
    case '-':
    case '0' ... '9': return skip_number(r, p);
    case 'n': return skip_word(r, p, "null", 4);
    case 't': return skip_word(r, p, "true", 4);
    case 'f': return skip_word(r, p, "false", 5);
    case '{': return skip_object(r, p + 1, order_inside(r, entry), depth);
    case '[': return skip_array(r, p + 1, entry, depth);
    default: return skip_word(r, p, "null", 4);
    }
}

/* Keeps the value p..end, which has just been checked, with the byte behind it. */
static void remember_value(struct reader *r, struct expected *e, const char *p, const char *end)
{
    size_t len = (size_t)(end - p) + 1;
    e->value_len = 0;
    if (++e->misses > VALUE_MISSES) {
        e->misses = 0;
        e->quiet = UINT8_MAX;
        return;
    }
    if (len > e->value_room) {
        size_t room = len <= 64 ? 64 : VALUE_ROOM;
        if (len > VALUE_ROOM || r->root->value_total + room > VALUE_TOTAL)
            return;
        e->value = arena_zero(r->order_arena, room);
        e->value_room = (uint32_t)room;
        r->root->value_total += (unsigned)room;
    }
    memcpy(e->value, p, len);
    e->value_len = (uint32_t)len;
}

/* The value of a member that is passed over. p at the value: behind it, or NULL. */
static inline const char *skip_member(struct reader *r, const char *p, struct expected *e, unsigned depth)
{
    if (!e)
        return skip_value(r, p, NULL, depth);
    if (e->value_len && json_begins(p, r->end, e->value, e->value_len)) {
        e->misses = 0;
        return p + e->value_len - 1;
    }
    const char *q = skip_value(r, p, e, depth);
    if (e->quiet)
        e->quiet--;
    else if (q && q < r->end && r->order_arena)
        remember_value(r, e, p, q);
    return q;
}

static const char *skip_object(struct reader *r, const char *p, struct member_order *order, unsigned depth)
{
    struct expected *next = order ? order->first : NULL, *last = NULL;
    if (++depth > DEPTH)
        return fail(r, p - 1, "objects and arrays lie deeper in each other than 64");
    p = json_skip_space(p, r->end);
    if (p < r->end && *p == '}')
        return p + 1;
    for (int more = 1; more > 0;) {
        if (next && json_begins(p, r->end, next->key, next->len)) {
            p += next->len;
            last = next;
        } else {
            struct member m;
            if (!(p = read_name(r, p, order, last, NULL, &m)))
                return NULL;
            if (!m.entry) { /* nothing is known of it, and what is expected stays as it was */
                p = json_skip_space(p, r->end);
                if (!(p = skip_value(r, p, NULL, depth)) || (more = separator(r, &p, '}')) < 0)
                    return NULL;
                continue;
            }
            last = m.entry;
        }
        next = last->next;
        p = json_skip_space(p, r->end);
        if (!(p = skip_member(r, p, last, depth)) || (more = separator(r, &p, '}')) < 0)
            return NULL;
    }
    return p;
}

static const char *skip_array(struct reader *r, const char *p, struct expected *entry, unsigned depth)
{
    if (++depth > DEPTH)
        return fail(r, p - 1, "objects and arrays lie deeper in each other than 64");
    p = json_skip_space(p, r->end);
    if (p < r->end && *p == ']')
        return p + 1;
    for (int more = 1;
         more > 0;) /* a list in a list is not remembered: its members would have no certain depth */
        if (!(p = skip_value(r, p, p < r->end && *p == '{' ? entry : NULL, depth)) ||
            (more = separator(r, &p, ']')) < 0)
            return NULL;
    return p;
}

/* ---- making nodes of what is wanted ---- */

static char *put_utf8(char *q, unsigned c)
{
    if (c < 0x80) {
        *q++ = (char)c;
    } else if (c < 0x800) {
        *q++ = (char)(0xc0 | c >> 6);
        *q++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *q++ = (char)(0xe0 | c >> 12);
        *q++ = (char)(0x80 | (c >> 6 & 0x3f));
        *q++ = (char)(0x80 | (c & 0x3f));
    } else {
        *q++ = (char)(0xf0 | c >> 18);
        *q++ = (char)(0x80 | (c >> 12 & 0x3f));
        *q++ = (char)(0x80 | (c >> 6 & 0x3f));
        *q++ = (char)(0x80 | (c & 0x3f));
    }
    return q;
}

/* The text of a string that has been checked; never longer than it was written. */
static struct slice decode(struct arena *a, const char *p, const char *end)
{
    char *text = arena_alloc(a, (size_t)(end - p) + 1), *q = text;
    while (p < end) {
        if (*p != '\\') {
            *q++ = *p++;
            continue;
        }
        char c = p[1];
        if (c == 'u') {
            unsigned unit = (unsigned)hex4(p + 2, end);
            p += 6;
            if (unit >= 0xd800 && unit <= 0xdbff) {
                unit = 0x10000 + ((unit - 0xd800) << 10) + ((unsigned)hex4(p + 2, end) - 0xdc00);
                p += 6;
            }
            q = put_utf8(q, unit);
            continue;
        }
        *q++ = (char)(c == 'b'   ? '\b'
                      : c == 'f' ? '\f'
                      : c == 'n' ? '\n'
                      : c == 'r' ? '\r'
                      : c == 't' ? '\t'
                                 : c);
        p += 2;
    }
    *q = '\0';
    return slice_make(text, (size_t)(q - text));
}

static const char *read_object(struct reader *r, const char *p, struct node *object, const struct wanted *w,
                               struct member_order *order, unsigned depth);
static const char *read_array(struct reader *r, const char *p, struct node *array, const struct wanted *w,
                              struct expected *entry, unsigned depth);

static const char *read_value(struct reader *r, const char *p, struct node *n, const struct wanted *w,
                              struct expected *entry, unsigned depth)
{
    const char *from = p;
    bool escapes = false;
    if (p == r->end)
        return fail(r, p, "the text ends where a value is expected");
    n->at = (uint32_t)(p - r->begin);
    switch (*p) {
    case '"':
        if (!(p = skip_string(r, p + 1, &escapes)))
            return NULL;
        n->kind = NODE_STRING;
        n->text = escapes ? decode(r->arena, from + 1, p) : slice_make(from + 1, (size_t)(p - from - 1));
        return p + 1;
    case '-':
    case '0' ... '9':
        p = skip_number(r, p);
        n->kind = NODE_NUMBER;
        n->text = p ? slice_make(from, (size_t)(p - from)) : SLICE_NONE;
        return p;
    case 't': n->kind = NODE_TRUE; return skip_word(r, p, "true", 4);
    case 'f': n->kind = NODE_FALSE; return skip_word(r, p, "false", 5);
    case '{': n->kind = NODE_OBJECT; return read_object(r, p + 1, n, w, order_inside(r, entry), depth);
    case '[': n->kind = NODE_ARRAY; return read_array(r, p + 1, n, w, entry, depth);
    default: n->kind = NODE_NULL; return skip_word(r, p, "null", 4);
    }
}

static int by_name(const void *a, const void *b)
{
    struct slice x = (*(const struct node *const *)a)->name, y = (*(const struct node *const *)b)->name;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* Of an object all of whose members were kept. */
static const char *check_duplicates(struct reader *r, const struct node *object, const char *p)
{
    size_t count = 0, i = 0;
    for (const struct node *n = object->first; n; n = n->next)
        count++;
    if (count <= FEW_MEMBERS) {
        for (const struct node *n = object->first; n; n = n->next)
            for (const struct node *m = n->next; m; m = m->next)
                if (slice_equal(m->name, n->name))
                    return fail(r, r->begin + m->at, "this member is there twice");
        return p;
    }
    const struct node **members = arena_alloc(r->arena, count * sizeof *members);
    for (const struct node *n = object->first; n; n = n->next)
        members[i++] = n;
    qsort(members, count, sizeof *members, by_name);
    for (i = 1; i < count; i++)
        if (slice_equal(members[i - 1]->name, members[i]->name)) {
            uint32_t at = members[i - 1]->at > members[i]->at ? members[i - 1]->at : members[i]->at;
            return fail(r, r->begin + at, "this member is there twice");
        }
    return p;
}

/* A member that is wanted: its node, unless it is null or there already. p at its value, at at its name. */
static const char *read_member(struct reader *r, const char *p, const char *at, struct node *object,
                               const struct wanted *in, const struct member *m, uint64_t *seen,
                               unsigned depth)
{
    unsigned tag = m->wanted->tag;
    struct slice name = m->wanted->name;
    if (!tag) { /* everything: the name is the document's own */
        name = m->entry ? slice_make(m->entry->key + 1, m->entry->len - 3) : m->name;
    } else {
        bool twice = tag <= 64 ? *seen >> (tag - 1) & 1 : node_tagged(object, tag) != NULL;
        if (twice)
            return fail(r, at, "this member is there twice");
        if (tag <= 64)
            *seen |= UINT64_C(1) << (tag - 1);
        if (p < r->end && *p == 'n' && !in->whole)
            return skip_word(r, p, "null", 4);
    }
    if (++r->nodes > NODES)
        return fail(r, at, too_many);
    struct node *n = node_new(r->arena, NODE_NULL, name);
    n->tag = (uint16_t)tag;
    node_append(object, n);
    return read_value(r, p, n, m->wanted, m->entry, depth);
}

static const char *read_object(struct reader *r, const char *p, struct node *object, const struct wanted *w,
                               struct member_order *order, unsigned depth)
{
    struct expected *next = order ? order->first : NULL, *last = NULL;
    uint64_t seen = 0;
    if (++depth > DEPTH)
        return fail(r, p - 1, "objects and arrays lie deeper in each other than 64");
    p = json_skip_space(p, r->end);
    if (p < r->end && *p == '}')
        return p + 1;
    for (int more = 1; more > 0;) {
        const char *at = p;
        struct member m;
        if (next && json_begins(p, r->end, next->key, next->len)) {
            p += next->len;
            m.entry = next;
            m.wanted = next->wanted;
        } else if (!(p = read_name(r, p, order, last, w, &m))) {
            return NULL;
        }
        if (m.entry) {
            last = m.entry;
            next = last->next;
        }
        p = json_skip_space(p, r->end);
        p = m.wanted ? read_member(r, p, at, object, w, &m, &seen, depth) : skip_member(r, p, m.entry, depth);
        if (!p || (more = separator(r, &p, '}')) < 0)
            return NULL;
    }
    return w->whole ? check_duplicates(r, object, p) : p;
}

static const char *read_array(struct reader *r, const char *p, struct node *array, const struct wanted *w,
                              struct expected *entry, unsigned depth)
{
    if (++depth > DEPTH)
        return fail(r, p - 1, "objects and arrays lie deeper in each other than 64");
    p = json_skip_space(p, r->end);
    if (p < r->end && *p == ']')
        return p + 1;
    for (int more = 1; more > 0;) {
        if (++r->nodes > NODES)
            return fail(r, p, too_many);
        struct node *n = node_new(r->arena, NODE_NULL, SLICE_NONE);
        node_append(array, n);
        struct expected *known = p < r->end && *p == '{' ? entry : NULL;
        if (!(p = read_value(r, p, n, w, known, depth)) || (more = separator(r, &p, ']')) < 0)
            return NULL;
    }
    return p;
}

/* ---- the text as a whole ---- */

static void tell(const struct reader *r, struct findings *f)
{
    size_t line = 1;
    const char *start = r->begin, *at = r->fault_at;
    for (const char *p; (p = memchr(start, '\n', (size_t)(at - start))); start = p + 1)
        line++;
    char where[64], found[32] = "the end of the text";
    snprintf(where, sizeof where, "line %zu, column %zu", line, (size_t)(at - start) + 1);
    if (r->fault == too_many) {
        finding_add(f, SEVERITY_ERROR, "json.size", where, "Split it into several documents.", "%s",
                    too_many);
        return;
    }
    if (at < r->end)
        snprintf(found, sizeof found, *at > ' ' && *at < 0x7f ? "\"%c\"" : "the byte 0x%02x",
                 (unsigned char)*at);
    finding_add(f, SEVERITY_ERROR, "json.syntax", where,
                "Ask the sender for the document again; it is damaged.",
                "This is no JSON text: %s (found: %s).", r->fault, found);
}

static struct node *read(const struct syntax_options *o, struct slice bytes, struct findings *f)
{
    const struct wanted *wanted = o && o->wanted ? o->wanted : &everything;
    struct reader r = {.begin = bytes.ptr ? bytes.ptr : "", .arena = f->arena};
    r.end = r.begin + bytes.len;
    if (bytes.len > SIZE_LIMIT) {
        finding_add(f, SEVERITY_ERROR, "json.size", "", "Split it into several documents.",
                    "The JSON text has %zu bytes; at most %u are read.", bytes.len, SIZE_LIMIT);
        return NULL;
    }
    struct expected root = {0};
    if (wanted->arena) {
        struct wanted *writable =
            (struct wanted *)(uintptr_t)wanted; /* see wanted.h: the order is the reader's own */
        if (!writable->order)
            writable->order = arena_zero(wanted->arena, sizeof *writable->order);
        r.order_arena = wanted->arena;
        r.root = root.inside = writable->order;
    }
    const char *p = r.begin;
    if (bytes.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    p = json_skip_space(p, r.end);
    struct node *n = node_new(f->arena, NODE_NULL, SLICE_NONE);
    p = read_value(&r, p, n, wanted, &root, 0);
    if (p && (p = json_skip_space(p, r.end)) != r.end)
        fail(&r, p, "more text behind the document");
    if (!r.fault)
        return n;
    tell(&r, f);
    return NULL;
}

const struct syntax syntax_json = {.name = "json", .extension = "json", .read = read, .write = json_write};
