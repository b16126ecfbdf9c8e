/* map: the map language (docs/map-language.md): load, check, run, explain. A map is compiled once and then
 * only read. */
#ifndef SPOOLGATE_MAP_MAP_H
#define SPOOLGATE_MAP_MAP_H

#include "base/finding.h"
#include "syntax/syntax.h"

struct map;
struct map_library; /* loaded maps, code tables, canonical schemas, dictionaries; of one thread */

/* directories: searched in order for "x12/850.map", "codes/x12-unit.tsv", "canonical/order.json": an
 * installation's own maps before the ones that come with spoolgate. NULL-terminated; kept by the caller. */
struct map_library *map_library_open(const char *const *directories);
void map_library_close(struct map_library *l);
/* Dictionaries that are loaded from now on are not trusted before they have held still for so long. */
void map_library_settle(struct map_library *l, int milliseconds);
struct dictionary_library *map_library_dictionaries(struct map_library *l);

/* "x12/850", "visma/purchase-order", or a path ending in ".map". NULL with findings that name file, line and
 * column. */
const struct map *map_load(struct map_library *l, const char *name, struct findings *f);

const char *map_name(const struct map *m);
const struct syntax *map_syntax(const struct map *m);
const char *map_set(const struct map *m);       /* "850", "" when the syntax has none */
const char *map_canonical(const struct map *m); /* "order", "invoice" */
bool map_reads(const struct map *m);
bool map_writes(const struct map *m);

/* The variables that writing by it looks up: the i-th, or NULL; *required: without it nothing is written. One
 * that has a default is not among them. */
const char *map_variable_written(const struct map *m, size_t i, bool *required);

/* Values a partner's profile gives to maps: $vendor_number. */
struct map_variable {
    const char *name, *value;
};

struct map_run {
    const struct map_variable *variables;
    size_t variable_count;
    struct findings *findings; /* its arena takes what is made */
    struct buffer *trace;      /* `map explain`: a line a value; NULL otherwise */
    struct node **partial;     /* reading: what was understood of a document that has errors; may be NULL */
};

/* Reading: bytes → canonical tree, checked against its schema. NULL with findings. *skipped is set to a
 * sentence when the map's `only when` says that this document is not for sending ("status is Hold"); the tree
 * is then still given, with what could be understood. The tree's texts may lie in bytes. */
struct node *map_read(const struct map *m, struct slice bytes, const struct map_run *run,
                      const char **skipped);
/* The same from a tree that has been read already (an X12 set of x12_reader). */
struct node *map_read_tree(const struct map *m, struct node *tree, const struct map_run *run,
                           const char **skipped);
/* Writing: canonical tree → tree of the map's syntax (for x12 and x12json the same one). NULL with findings.
 * A canonical tree that was read from JSON is checked against its schema first, and gets the schema's names
 * and order by that. */
struct node *map_write_tree(const struct map *m, const struct node *canonical, const struct map_run *run);
/* Writing down to bytes with the map's syntax, or with other (x12json instead of x12) when given. 0 or -1. o
 * may be NULL when the syntax needs nothing; set, dictionaries and version are filled in where they are
 * missing. */
int map_write(const struct map *m, const struct syntax *other, const struct node *canonical,
              const struct syntax_options *o, const struct map_run *run, struct buffer *out);

/* What a map makes of a document, for people: a line a value, then what in the document no line has used.
 * bytes is a document of the map's syntax, or a canonical.json, which is then written through the map. 0, or
 * -1 with findings; what was understood up to there is in out. */
int map_explain(const struct map *m, struct slice bytes, const struct map_variable *variables,
                size_t variable_count, struct buffer *out, struct findings *f);
/* The scalars of a tree that no line of a map has read, a line each. */
void map_unused(const struct node *tree, struct buffer *out);

/* Canonical trees: read from and written to canonical.json, and checked against
 * translators/canonical/<type>.json. The document's type is its member "type". Checking gives the tree the
 * schema's names and order. */
int canonical_check(struct map_library *l, const struct node *canonical, struct findings *f);
int canonical_write(const struct node *canonical,
                    struct buffer *out); /* compact JSON, members in schema order */

/* What a canonical document says of itself; found through the schema's "x-spoolgate" member. Slices into the
 * tree. */
struct identity {
    struct slice type;    /* "order" */
    struct slice partner; /* the trading partner's number in the ERP, or its interchange id */
    struct slice number;  /* order or invoice number */
    struct slice version; /* purpose or change number, part of the business key; may be empty */
    struct {
        const char *kind; /* "order", "invoice", "tracking" … */
        struct slice value;
    } links[16];
    size_t link_count;
};
/* 0, or -1 when the type has no schema or the tree no number. */
int canonical_identity(struct map_library *l, const struct node *canonical, struct identity *out);

#endif
