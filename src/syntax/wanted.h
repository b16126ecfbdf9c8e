/* wanted: the members of a JSON document that a map reads, compiled to a trie over member names. The JSON
 * reader checks the whole text but makes nodes only for what is wanted: an ERP's document has fifty members a
 * line, a map reads eight.
 *
 * A node made for an entry has the entry's name (the same pointer) and its tag, so that a map finds it
 * without comparing names. The root also keeps the order in which members came in earlier documents: the
 * reader expects them in that order again and then compares a whole name at once instead of scanning it. That
 * memory is the reader's own, bounded, and makes a trie a thing of one thread. */
#ifndef SPOOLGATE_SYNTAX_WANTED_H
#define SPOOLGATE_SYNTAX_WANTED_H

#include "base/arena.h"

struct member_order; /* syntax/json.c */

struct wanted {
    struct slice name; /* of a member; arrays are passed through: an item is looked up by its array's entry */
    struct wanted *first; /* members inside; NULL with whole set: everything below is wanted */
    struct wanted *next;  /* sibling */
    uint16_t tag;         /* 1.. among its siblings; 0 of the root */
    uint16_t count;       /* of members inside */
    bool whole;
    struct arena *arena;        /* of the root: what it was made from */
    struct member_order *order; /* of the root: NULL before the first document */
};

/* Adds "a.b[].c" (brackets and what is in them are ignored; a name in double quotes is taken as it stands) to
 * the trie below root. Names are copied into a. Returns the entry of the last name. */
struct wanted *wanted_add(struct arena *a, struct wanted *root, const char *path);
/* One name below parent: found or added. */
struct wanted *wanted_member(struct arena *a, struct wanted *parent, struct slice name);
struct wanted *wanted_find(const struct wanted *parent, struct slice name); /* NULL when it is not wanted */

struct node;
/* Gives the nodes of a tree that was read without the trie the names and tags that reading with it gives. */
void wanted_bind(const struct wanted *root, struct node *tree);

#endif
