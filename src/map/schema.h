/* schema: a canonical document type, translators/canonical/<type>.json: JSON Schema draft-07, the small part
 * of it that a business document needs. A keyword beyond that part is refused, not ignored: type, properties,
 * required, additionalProperties (must be false), items, minItems, maxItems, enum, minLength, maxLength,
 * format (decimal, date, date-time), $ref to "#/definitions/…", and the remarks $schema, $id, title,
 * description, definitions. "x-spoolgate" at the top says where a document tells its partner, number, version
 * and links. */
#ifndef SPOOLGATE_MAP_SCHEMA_H
#define SPOOLGATE_MAP_SCHEMA_H

#include "map/library.h"

enum schema_kind {
    SCHEMA_OBJECT,
    SCHEMA_ARRAY,
    SCHEMA_TEXT,
    SCHEMA_DECIMAL, /* a string that is an exact number, in its shortest form */
    SCHEMA_DATE,
    SCHEMA_INSTANT,
    SCHEMA_INTEGER,
    SCHEMA_BOOLEAN
};

struct schema_type;

struct schema_member {
    struct slice name;
    const struct schema_type *type;
};

struct schema_type {
    enum schema_kind kind;
    const struct schema_member *members; /* of an object; the member's tag in trees is its index + 1 */
    unsigned count;
    uint64_t required; /* bit i: member i */
    const struct schema_type *items;
    unsigned min_items, max_items; /* 0: no bound */
    unsigned min_length, max_length;
    bool constrained;           /* a single value, with an enum or lengths */
    const struct slice *values; /* enum; NULL: any */
    unsigned value_count;
};

#define PATH_STEPS 8

struct path_step {
    uint16_t tag;
    int16_t index;                  /* of an array's item; -1: the member itself */
    const struct schema_type *type; /* of what the step leads to */
    struct slice name;
};

/* A place in a canonical document, relative to an object. */
struct path {
    const struct path_step *steps;
    const struct schema_type *type; /* of what it leads to; NULL: no path */
    const char *text;               /* "ship_to.street[0]" */
    uint16_t count;
    uint16_t only; /* the tag, when the path is a single member; else 0 */
};

struct schema {
    struct schema *next;
    struct slice name; /* "order" */
    const char *file;
    const struct schema_type *root;
    struct path partner, number, version; /* count 0: has none */
    struct {
        const char *kind;
        struct path path;
    } links[16];
    unsigned link_count;
};

/* NULL with findings. Loaded once. */
const struct schema *schema_load(struct map_library *l, struct slice name, struct findings *f);
const char *schema_kind_name(enum schema_kind kind); /* "a decimal number" */

/* Compiles "a.b[0].c" below from. An array at the end is taken without brackets or with "[]". 0, or -1 and
 * *why. */
int path_compile(const struct schema_type *from, struct slice text, struct arena *a, struct path *out,
                 const char **why);
/* A child of that tag in an object whose children are sorted by tag. */
static inline struct node *schema_child(const struct node *object, unsigned tag)
{
    struct node *n = object->first;
    while (n && n->tag < tag)
        n = n->next;
    return n && n->tag == tag ? n : NULL;
}

/* What lies there in a tree that has the schema's tags; NULL when absent. */
struct node *path_walk(const struct node *base, const struct path *p);
static inline struct node *path_get(const struct node *base, const struct path *p)
{
    return p->only && base->kind == NODE_OBJECT ? schema_child(base, p->only) : path_walk(base, p);
}

/* Puts n there, making the objects and arrays on the way; takes no other's place: false when something is
 * there. */
bool path_put(struct arena *a, struct node *base, const struct path *p, struct node *n);
/* Adds a child to an object whose children are sorted by tag; most come in that order anyway. */
void schema_insert(struct node *object, struct node *child);

/* Gives tree the names, tags and order of the schema and checks all of it; where is the path of tree, "" for
 * the whole. */
int schema_bind(const struct schema *s, struct node *tree, struct findings *f);
bool schema_bound(const struct schema *s, const struct node *tree);
/* Checks what a map cannot get wrong by itself: that what is required is there, and enum, lengths and counts.
 */
int schema_check(const struct schema *s, const struct node *tree, struct findings *f,
                 const char *(*source)(void *context, const struct schema_type *object, unsigned tag),
                 void *context);

/* A value's text in the form of its type, as canonical documents have it: NULL ptr and *why when it has none.
 */
struct slice schema_value(const struct schema_type *t, struct slice text, struct arena *a, const char **why);

#endif
