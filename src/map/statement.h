/* statement: the text of a map, understood line by line but not yet checked against anything. Grammar:
 * docs/map-language.md. Private to src/map. Statements live in the library's arena. */
#ifndef SPOOLGATE_MAP_STATEMENT_H
#define SPOOLGATE_MAP_STATEMENT_H

#include "map/library.h"

struct spot { /* where something stands in a map */
    const char *file;
    int line, column;
};

enum direction { DIRECTION_READ = 1, DIRECTION_WRITE = 2, DIRECTION_BOTH = 3 };

enum side { SIDE_NONE, SIDE_PLACE, SIDE_CONSTANT, SIDE_VARIABLE, SIDE_PATH, SIDE_COUNT, SIDE_SUM };

struct values { /* the words of a condition */
    struct values *next;
    struct slice text;
};

struct condition_text { /* "status not in Hold Closed", "code", "not code"; further ones are joined by "and"
                         */
    struct condition_text *next;
    struct spot spot;
    struct slice path;
    bool negated, or_missing;
    struct values *values; /* NULL: present (negated: absent) */
};

enum statement_kind { STATEMENT_LINE, STATEMENT_BLOCK, STATEMENT_REMOVE, STATEMENT_ONLY };

struct statement {
    struct statement *next;
    enum statement_kind kind;
    struct spot spot;       /* of the left side */
    struct spot right_spot; /* of the right side */
    enum direction direction;
    enum side left, right;
    struct slice left_text, right_text; /* a place, a path, a constant's text, a variable's name without $ */
    bool required, cut, has_default;
    unsigned cut_length; /* 0: what the place takes */
    char form;           /* 'n' number, 't' text, 0: as the type says */
    struct slice table;  /* none: no ptr */
    bool if_known;       /* a code that the table lacks is no value, not a mistake */
    struct spot table_spot;
    struct slice otherwise;         /* default "…" */
    struct condition_text *when;    /* of STATEMENT_ONLY: the condition itself */
    bool each;                      /* a block over a list */
    struct statement *first, *last; /* of a block */
};

struct map_text {
    const char *file;
    const char *extends; /* NULL: a map of its own */
    struct spot extends_spot;
    struct spot spot;         /* of the header */
    const char *syntax, *set; /* NULL syntax: an overlay without a header of its own; set "" without one */
    const char *version;      /* "004010" unless the map says otherwise */
    const char *canonical;
    enum direction direction;
    struct statement *first, *last;
    bool wrong; /* there were mistakes: what is here is good for finding more of them, and for nothing else */
};

/* With findings and wrong, without the lines that are; NULL with findings when it says not even what it is.
 */
struct map_text *statement_parse(struct map_library *l, const struct library_file *file, struct findings *f);
/* Puts overlay's statements over those of base, which is changed and returned: wrong, with findings, when
 * either is or they do not fit. */
struct map_text *statement_overlay(struct arena *a, struct map_text *base, struct map_text *overlay,
                                   struct findings *f);

void statement_fault(struct findings *f, struct spot spot, const char *code, const char *todo,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
