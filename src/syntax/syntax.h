/* syntax: the seam between bytes and trees. One file a syntax: x12.c, x12json.c, json.c; later edifact.c,
 * xml.c, csv.c. The maps know trees and places; the syntaxes know bytes. */
#ifndef SPOOLGATE_SYNTAX_SYNTAX_H
#define SPOOLGATE_SYNTAX_SYNTAX_H

#include "base/finding.h"
#include "syntax/tree.h"

struct dictionary_library; /* edi/dictionary.h */
struct envelope; /* edi/x12/envelope.h: ids, qualifiers, delimiters, control numbers, date and time */
struct wanted;   /* syntax/wanted.h: which members a map reads, so that a reader may pass over the rest */

struct syntax_options {
    struct dictionary_library *dictionaries; /* X12, EDIFACT */
    const char *version;                     /* "004010"; for reading NULL: as the interchange says */
    const char *set;                         /* "850" */
    const struct envelope *envelope;         /* writing X12 */
    const struct wanted *wanted;             /* reading JSON; NULL: everything */
};

struct syntax {
    const char *name;      /* "json", "x12", "x12json": the first word of a map */
    const char *extension; /* of files in it: "json", "x12" */
    /* Reads bytes into a tree in findings->arena; NULL when findings holds errors. What is returned is valid:
     * X12 is checked against its dictionary. X12: the tree is the first transaction set (edi/x12/x12.h walks
     * interchanges). */
    struct node *(*read)(const struct syntax_options *o, struct slice bytes, struct findings *f);
    /* Appends the document. 0, or -1 when findings holds errors: nothing invalid is ever left in out. */
    int (*write)(const struct syntax_options *o, const struct node *tree, struct buffer *out,
                 struct findings *f);
};

const struct syntax *syntax_find(const char *name); /* NULL when there is none of that name */
extern const struct syntax syntax_json, syntax_x12, syntax_x12json;

#endif
