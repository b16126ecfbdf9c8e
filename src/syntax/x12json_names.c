/* x12json_names: see x12json_names.h. Owns its arena; released with the dictionary library. */
#include "syntax/x12json_names.h"
#include "edi/plan.h"
#include "edi/table.h"
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_FOLDER "orderful/x12json"
#define SLOTS 1024u

struct x12json_names {
    struct arena arena;
    size_t count;
    struct segment_name slots[SLOTS];
};

static void release(void *names)
{
    struct x12json_names *n = names;
    arena_free(&n->arena);
    free(n);
}

static struct segment_name *slot_of(struct x12json_names *n, uint32_t id)
{
    size_t at = segment_hash(id);
    while (n->slots[at & (SLOTS - 1)].id && n->slots[at & (SLOTS - 1)].id != id)
        at++;
    return &n->slots[at & (SLOTS - 1)];
}

const struct segment_name *x12json_segment(const struct x12json_names *n, struct slice id)
{
    uint32_t key = segment_key(id);
    const struct segment_name *s = key ? slot_of((struct x12json_names *)(uintptr_t)n, key) : NULL;
    return s && s->id ? s : NULL;
}

unsigned x12json_position(const struct element_name *names, unsigned count, struct slice key)
{
    for (unsigned i = 0; i < count; i++)
        if (names[i].key.ptr && slice_equal(names[i].key, key))
            return i + 1;
    return 0;
}

/* ---- loading ---- */

static bool good_key(struct slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'))
            return false;
    }
    return key.len > 0;
}

static void read_segment(struct x12json_names *n, struct table *t)
{
    uint32_t id = segment_key(t->fields[0]);
    struct segment_name *s = id ? slot_of(n, id) : NULL;
    if (!s || s->id || !good_key(t->fields[1]) || n->count >= SLOTS / 2) {
        table_fault(t, "A segment's id and its key are due here, each segment once.");
        return;
    }
    n->count++;
    s->id = id;
    s->key = arena_copy(&n->arena, t->fields[1]);
    s->quoted = slice_of(arena_printf(&n->arena, "\"%.*s\":[", SLICE_ARG(s->key)));
    s->loop_quoted = slice_of(arena_printf(&n->arena, "\"%.*s_loop\":[", SLICE_ARG(t->fields[0])));
}

/* "5" → 5, 0; "5.2" → 5, 2. */
static bool parse_place(struct slice text, unsigned *element, unsigned *component)
{
    unsigned n[2] = {0, 0}, which = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && which == 0 && i > 0)
            which = 1;
        else if (c >= '0' && c <= '9' && n[which] < 100)
            n[which] = n[which] * 10 + (unsigned)(c - '0');
        else
            return false;
    }
    *element = n[0];
    *component = n[1];
    return n[0] >= 1 && n[0] <= PLAN_POSITIONS && n[1] <= PLAN_COMPONENTS && (which == 0 || n[1] >= 1);
}

static struct element_name *take_place(struct x12json_names *n, struct element_name **names, unsigned *count,
                                       unsigned at, unsigned most)
{
    if (!*names)
        *names = arena_zero(&n->arena, most * sizeof **names);
    if (at > *count)
        *count = at;
    return &(*names)[at - 1];
}

static void read_element(struct x12json_names *n, struct table *t)
{
    uint32_t id = segment_key(t->fields[0]);
    struct segment_name *s = id ? slot_of(n, id) : NULL;
    unsigned element, component;
    if (!s || !s->id) {
        table_fault(t, "Segment %.*s is not in segments.tsv.", SLICE_ARG(t->fields[0]));
        return;
    }
    if (!parse_place(t->fields[1], &element, &component) || !good_key(t->fields[2])) {
        table_fault(t, "A position (5, or 5.1 for a component) and a key are due here.");
        return;
    }
    struct element_name *e = take_place(n, &s->elements, &s->count, element, PLAN_POSITIONS);
    struct element_name *among = s->elements;
    unsigned count = s->count;
    if (component) {
        struct element_name *whole = e;
        e = take_place(n, &whole->components, &whole->count, component, PLAN_COMPONENTS);
        among = whole->components;
        count = whole->count;
    }
    if (e->key.ptr || x12json_position(among, count, t->fields[2])) {
        table_fault(t, "The position or the key %.*s stands in segment %.*s twice.", SLICE_ARG(t->fields[2]),
                    SLICE_ARG(t->fields[0]));
        return;
    }
    e->key = arena_copy(&n->arena, t->fields[2]);
    e->quoted = slice_of(arena_printf(&n->arena, "\"%.*s\":", SLICE_ARG(e->key)));
}

static int load(struct x12json_names *n, const char *directory, const char *folder, struct findings *f)
{
    unsigned before = f->errors;
    struct table t;
    if (table_open(&t, directory, arena_printf(&n->arena, "%s/segments.tsv", folder), 3, f))
        return -1;
    while (table_next(&t))
        read_segment(n, &t);
    table_close(&t);
    if (table_open(&t, directory, arena_printf(&n->arena, "%s/elements.tsv", folder), 4, f))
        return -1;
    while (table_next(&t))
        read_element(n, &t);
    table_close(&t);
    return f->errors > before ? -1 : 0;
}

int x12json_names_use(struct dictionary_library *l, const char *folder, struct findings *f)
{
    struct x12json_names *n = calloc(1, sizeof *n);
    if (!n)
        abort();
    if (load(n, dictionary_library_directory(l), folder, f)) {
        release(n);
        return -1;
    }
    dictionary_library_attach(l, n, release);
    return 0;
}

const struct x12json_names *x12json_names(struct dictionary_library *l, struct findings *f)
{
    if (!dictionary_library_attached(l) && x12json_names_use(l, DEFAULT_FOLDER, f))
        return NULL;
    return dictionary_library_attached(l);
}
