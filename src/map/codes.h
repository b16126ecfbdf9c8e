/* codes: a code table, translators/codes/<name>.tsv: their code, a tab, ours, and if wanted another tab and a
 * remark. "extends" or "extends NAME" as the first line takes over the lines of the table of that name
 * (without NAME: of the same table in a later directory), except for the codes that are given here. */
#ifndef SPOOLGATE_MAP_CODES_H
#define SPOOLGATE_MAP_CODES_H

#include "map/library.h"

struct code_pair {
    struct slice theirs, ours;
    const char *file;
    int line;
};

struct codes {
    struct codes *next;
    const char *name, *file; /* "x12-unit", ".../codes/x12-unit.tsv" */
    const char
        *add_to; /* where a code that is missing is to be added: file, or one of the installation's own */
    const struct code_pair *pairs;
    unsigned count;
    unsigned mask; /* of the two hash tables, which hold numbers of pairs + 1 */
    unsigned *theirs, *ours;
};

/* NULL with findings. Loaded once. */
const struct codes *codes_load(struct map_library *l, const char *name, struct findings *f);
const struct code_pair *codes_by_theirs(const struct codes *c, struct slice code); /* NULL: unknown */
/* The first line with that code of ours is the one that is written. */
const struct code_pair *codes_by_ours(const struct codes *c, struct slice code);

#endif
