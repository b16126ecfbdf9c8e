/* x12json_names: what segments, elements and components are called in an X12-in-JSON dialect, from
 * <translators>/<folder>/segments.tsv and elements.tsv. The names do not depend on the X12 version. Loaded
 * once a library and kept with it. */
#ifndef SPOOLGATE_SYNTAX_X12JSON_NAMES_H
#define SPOOLGATE_SYNTAX_X12JSON_NAMES_H

#include "edi/dictionary.h"
#include <stdint.h>

struct element_name {
    struct slice key;    /* SLICE_NONE: the dialect has no name for it */
    struct slice quoted; /* "\"name\":" as it is written */
    struct element_name *components;
    unsigned count;
};

struct segment_name {
    uint32_t id; /* segment_key of edi/plan.h; 0: free slot */
    struct slice key;
    struct slice quoted, loop_quoted; /* "\"currency\":[", "\"N1_loop\":[" */
    struct element_name *elements;    /* [0] is element 01 */
    unsigned count;
};

struct x12json_names;

/* The names of the library's dialect, loaded when first asked for. NULL with findings (file and line). */
const struct x12json_names *x12json_names(struct dictionary_library *l, struct findings *f);
/* Takes the dialect of another folder below the translators ("orderful/x12json" is the default). 0 or -1. */
int x12json_names_use(struct dictionary_library *l, const char *folder, struct findings *f);

const struct segment_name *x12json_segment(const struct x12json_names *n,
                                           struct slice id); /* NULL: no name */
/* Position of the element (or component) of that key, 1..; 0 when there is none. */
unsigned x12json_position(const struct element_name *names, unsigned count, struct slice key);

#endif
