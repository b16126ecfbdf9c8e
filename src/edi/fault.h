/* fault: what is wrong with an interchange, group, set, segment or element, as a value from which both the
 * sentence for a person (a finding) and the codes of an acknowledgment (997: AK3, AK4, AK5, AK9; TA1) are
 * made. */
#ifndef SPOOLGATE_EDI_FAULT_H
#define SPOOLGATE_EDI_FAULT_H

#include "base/finding.h"
#include "edi/standard.h"
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    /* element: AK403, data element 723 */
    FAULT_ELEMENT_MISSING,
    FAULT_CONDITION_MISSING,
    FAULT_TOO_MANY_ELEMENTS,
    FAULT_TOO_SHORT,
    FAULT_TOO_LONG,
    FAULT_CHARACTER,
    FAULT_CODE,
    FAULT_DATE,
    FAULT_TIME,
    FAULT_EXCLUSIVE,
    FAULT_TOO_MANY_REPEATS,
    FAULT_TOO_MANY_COMPONENTS,
    FAULT_BLANK,
    FAULT_DELIMITER,
    /* segment: AK304, data element 720 */
    FAULT_SEGMENT_UNKNOWN,
    FAULT_SEGMENT_UNEXPECTED,
    FAULT_SEGMENT_MISSING,
    FAULT_LOOP_REPEATS,
    FAULT_SEGMENT_REPEATS,
    FAULT_SEGMENT_NOT_IN_SET,
    FAULT_SEGMENT_ORDER,
    FAULT_SEGMENT_NESTING,
    /* set: AK502, data element 718 */
    FAULT_SET_UNKNOWN,
    FAULT_SET_TRAILER,
    FAULT_SET_CONTROL,
    FAULT_SET_COUNT,
    FAULT_SET_HEADER,
    FAULT_SET_SIZE,
    /* group: AK905, data element 716 */
    FAULT_GROUP_VERSION,
    FAULT_GROUP_TRAILER,
    FAULT_GROUP_CONTROL,
    FAULT_GROUP_COUNT,
    /* interchange: TA105, data element I18 */
    FAULT_INTERCHANGE_CONTROL,
    FAULT_INTERCHANGE_COUNT,
    FAULT_INTERCHANGE_STRUCTURE,
    FAULT_INTERCHANGE_END,
    FAULT_INTERCHANGE_SEPARATOR,
    FAULT_INTERCHANGE_HEADER,
    FAULT_KINDS
};

enum fault_level { FAULT_AT_ELEMENT, FAULT_AT_SEGMENT, FAULT_AT_SET, FAULT_AT_GROUP, FAULT_AT_INTERCHANGE };

struct fault_word {
    const char *word; /* the finding's code behind the standard's name: "element.too-long" */
    enum fault_level level;
    const char *code; /* for the acknowledgment: "5" */
};

struct fault {
    struct fault *next;
    enum fault_kind kind;
    enum severity severity;
    size_t segment;          /* position in the set, ST is 1; AK302 */
    struct slice segment_id; /* AK301 */
    const char *loop;        /* AK303; "" outside of loops */
    unsigned element;        /* position in the segment; AK401-1; 0: the segment itself */
    unsigned component;      /* AK401-2; 0: none */
    unsigned repetition;     /* 1.. */
    const char *reference;   /* data element number; AK402; "" when unknown */
    struct slice value;      /* AK404; SLICE_NONE when there is none */
};

/* The faults of one transaction set, in the order in which they were met; lives in the findings' arena. */
struct faults {
    struct fault *first, *last;
    size_t count; /* at most FAULTS_KEPT are kept */
};

#define FAULTS_KEPT 1000

const struct fault_word *fault_word(enum fault_kind kind);
/* Keeps a copy in faults (NULL: nowhere). true: findings are full, the fault is counted, and no sentence is
 * wanted. */
bool fault_keep(struct faults *faults, struct findings *f, const struct fault *fault);
/* Keeps a copy (id and value included, up to 200 bytes) in the arena and says it as a finding. faults may be
 * NULL. */
void fault_add(struct faults *faults, struct findings *f, const struct edi_standard *standard,
               const struct fault *fault, const char *where, const char *todo, const char *what_format, ...)
    __attribute__((format(printf, 7, 8)));
/* The finding's code: "x12.element.too-long". */
const char *fault_code(struct arena *a, const struct edi_standard *standard, enum fault_kind kind);
/* A value for people: at most 40 characters, control characters and broken UTF-8 as \xNN, in quotes. */
const char *fault_show(struct arena *a, struct slice value);
/* The same without quotes where the value is a short plain word. */
const char *fault_plain(struct arena *a, struct slice value);

#endif
