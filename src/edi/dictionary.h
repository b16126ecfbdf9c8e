/* dictionary: the standard's structure as data, read from translators/x12/<version>/ (format:
 * translators/x12/README.md). Element types, lengths, code lists, segments with conditions, composites, sets
 * with loops; their names stand apart (names.h). X12 today; EDIFACT's directories are the same tables with
 * other contents. Loaded once a process, then only read. */
#ifndef SPOOLGATE_EDI_DICTIONARY_H
#define SPOOLGATE_EDI_DICTIONARY_H

#include "base/finding.h"
#include "edi/standard.h"

/* Of X12: AN to B. Of EDIFACT: an is TYPE_AN, a TYPE_A, n TYPE_NUMBER. */
enum element_type { TYPE_AN, TYPE_ID, TYPE_N, TYPE_R, TYPE_DT, TYPE_TM, TYPE_B, TYPE_A, TYPE_NUMBER };

/* What things are called is asked of names.h, which every struct with an id knows its own of. */
struct names;

struct code_list {
    const struct slice *codes; /* sorted */
    size_t count;
    bool open; /* unknown codes are warnings, not errors */
};

struct element {
    const char *id; /* "353", "C001" uses composite below */
    struct names *names;
    enum element_type type;
    unsigned char decimals; /* of TYPE_N: N2 has 2 */
    unsigned min, max;
    const struct code_list *codes; /* NULL: not restricted */
};

struct position {                      /* of a segment or composite */
    const struct element *element;     /* NULL for a composite */
    const struct composite *composite; /* NULL for a simple element */
    char requirement;                  /* 'M' 'O' 'X' */
    unsigned repeat;
};

struct composite {
    const char *id;
    struct names *names;
    const struct position *positions;
    size_t count;
};

enum condition_kind {
    CONDITION_PAIRED = 'P',
    CONDITION_REQUIRED = 'R',
    CONDITION_EXCLUSIVE = 'E',
    CONDITION_CONDITIONAL = 'C',
    CONDITION_LIST = 'L'
};

struct condition {
    enum condition_kind kind;
    unsigned char positions[10];
    unsigned count;
    const char *text; /* "P0304" */
};

struct segment {
    const char *id;
    struct names *names;
    const struct position *positions; /* [0] is element 01 */
    size_t count;
    const struct condition *conditions;
    size_t condition_count;
};

/* A set as a tree: a loop's first item is its first segment. Order is the standard's. */
struct set_item {
    const struct segment *segment; /* of a segment item, and of a loop its first segment */
    const struct set_item *items;  /* a loop's contents including its first segment; NULL: a plain segment */
    size_t count;
    const char *id; /* loop name or segment id */
    char requirement;
    unsigned max_use;     /* of a segment, or repeats of a loop; 0: unlimited */
    unsigned short order; /* rank among its siblings */
};

struct set {
    const char *id, *functional_group; /* "850", "PO" */
    struct names *names;
    const struct set_item *items;
    size_t count;
};

struct dictionary {
    const char *version; /* "004010" */
    const struct edi_standard *standard;
};

struct dictionary_library; /* several versions, loaded when first asked for */

struct dictionary_library *dictionary_library_open(const char *translators_directory);
/* Tables that were changed within so many milliseconds are waited for (0: not): a running installation is at
 * work on them. */
void dictionary_library_settle(struct dictionary_library *l, int milliseconds);
void dictionary_library_close(struct dictionary_library *l);
const char *dictionary_library_directory(const struct dictionary_library *l);
/* A syntax's own tables, kept with the library and released with it (x12json: its key names). */
void *dictionary_library_attached(const struct dictionary_library *l);
void dictionary_library_attach(struct dictionary_library *l, void *attached, void (*release)(void *attached));
/* Whole or not at all: tables that change while they are read are read again. NULL with findings (file and
 * line) when the version does not exist or its tables are wrong, with findings.machine when they cannot be
 * read now or do not hold still; a later call tries again. */
const struct dictionary *dictionary_load(struct dictionary_library *l, const char *version,
                                         struct findings *f);
/* The same of any standard: "D96A" of EDIFACT. */
const struct dictionary *dictionary_load_of(struct dictionary_library *l, const struct edi_standard *standard,
                                            const char *version, struct findings *f);
const struct set *dictionary_set(const struct dictionary *d, const char *id);
const struct set *dictionary_set_at(const struct dictionary *d,
                                    size_t n); /* all of them; NULL past the last */
const struct segment *dictionary_segment(const struct dictionary *d, struct slice id);
const struct element *dictionary_element(const struct dictionary *d, const char *id);

#endif
