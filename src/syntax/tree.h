/* tree: the one in-memory shape of a document, whatever it was written in.
 *
 *   JSON, canonical   objects, arrays and scalars, members by name
 *   X12, EDIFACT      a set is NODE_OBJECT named after the set ("850"); its children are NODE_LOOP and
 * NODE_SEGMENT in document order. A loop is named after its first segment ("PO1") and holds that segment, the
 *                     further segments and inner loops; a repeated loop or segment is simply a further
 * sibling. A segment's children are NODE_STRING with tag = element position (1..n), absent elements are
 *                     absent; a composite is NODE_COMPOSITE with tag = position and children tagged by
 * component; a repeated element is a further sibling with the same tag.
 *
 * Nodes and texts live in the arena they were made from; texts may be slices of the input, which then must
 * stay. */
#ifndef SPOOLGATE_SYNTAX_TREE_H
#define SPOOLGATE_SYNTAX_TREE_H

#include "base/arena.h"

enum node_kind {
    NODE_OBJECT,
    NODE_ARRAY,
    NODE_STRING, /* text decoded */
    NODE_NUMBER, /* text as it was written: decimals stay exact */
    NODE_TRUE,
    NODE_FALSE,
    NODE_NULL,
    NODE_LOOP,
    NODE_SEGMENT,
    NODE_COMPOSITE
};

struct node {
    struct slice name; /* of a member, loop or segment; SLICE_NONE for elements and array items */
    struct slice text; /* of a scalar */
    struct node *first, *last, *next;
    uint32_t at;  /* byte offset in the input, 0 when made by a map */
    uint16_t tag; /* element or component position, 1.. */
    uint8_t kind;
    uint8_t used; /* set by a map that read it: `map explain` shows what no line has used */
};

static inline struct node *node_new(struct arena *a, enum node_kind kind, struct slice name)
{
    struct node *n = (struct node *)arena_alloc(a, sizeof *n);
    *n = (struct node){.name = name, .kind = (uint8_t)kind};
    return n;
}

static inline void node_append(struct node *parent, struct node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    child->next = NULL;
}

struct node *node_member(const struct node *object,
                         struct slice name); /* first child of that name, or NULL */
struct node *node_tagged(const struct node *parent, unsigned tag);
/* "ship_to.name", "lines[1].quantity", "street[0]": for canonical and JSON trees. NULL when absent. */
struct node *node_at(const struct node *root, const char *path);
struct slice node_text_at(const struct node *root,
                          const char *path); /* SLICE_NONE when absent or not scalar */

#endif
