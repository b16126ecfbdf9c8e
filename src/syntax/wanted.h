/* wanted: the members of a JSON document that a map reads, compiled to a trie over member names. The JSON reader checks
 * the whole text but makes nodes only for what is wanted: an ERP's document has fifty members a line, a map reads eight. */
#ifndef SPOOLGATE_SYNTAX_WANTED_H
#define SPOOLGATE_SYNTAX_WANTED_H

#include "base/arena.h"

struct wanted {
    struct slice name;     /* of a member; arrays are passed through: an item is looked up by its array's entry */
    struct wanted *first;  /* members inside; NULL with whole set: everything below is wanted */
    struct wanted *next;   /* sibling */
    bool whole;
};

/* Adds "a.b[].c" (brackets are ignored) to the trie below root. */
void wanted_add(struct arena *a, struct wanted *root, const char *path);

#endif
