/* finding: what is wrong, where, and what to do next: the one way in which every module below the roles
 * speaks of bad input. A sentence for the person who has to act. error.txt, `check`, `config check` and the
 * log print them. */
#ifndef SPOOLGATE_BASE_FINDING_H
#define SPOOLGATE_BASE_FINDING_H

#include "base/arena.h"
#include "base/buffer.h"

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

struct finding {
    struct finding *next;
    enum severity severity;
    const char *code; /* short stable word for scripts, e.g. "x12.element.too-long", "map.required" */
    const char
        *where; /* "line 3, PO1 segment 7, element PO103", "partners.d/fjord.conf:12", "lines[2].uom" or "" */
    const char *what; /* "The unit code PALLE2 is not in codes/x12-unit.tsv." */
    const char *todo; /* "Add it to … or correct the order." or "" */
    /* where in the input, for who has it at hand (`check` shows it) */
    size_t at;                   /* 1 and the offset of the segment's first byte; 0: not known */
    unsigned element, component; /* which element of it, 1..; 0: none */
};

/* The findings of one document. Allocates from arena; at most limit are kept (0: 100), the rest are counted.
 */
struct findings {
    struct arena *arena;
    struct finding *first, *last;
    unsigned kept, errors, warnings, dropped, limit;
    int machine; /* errno of a fault of the machine: nothing of what is said is to be held against a document
                  */
};

void finding_add(struct findings *f, enum severity severity, const char *code, const char *where,
                 const char *todo, const char *what_format, ...) __attribute__((format(printf, 6, 7)));
/* A file could not be read for a reason that says nothing of the file (error_is_the_machines): an error, and
 * f->machine is set. */
void finding_machine(struct findings *f, int error, const char *path);
/* What was added came of that errno: f->machine is set when it says something of the machine. For what has a
 * sentence of its own. */
void findings_blame(struct findings *f, int error);
/* Adds copies of what from holds, and the machine's fault. */
void findings_append(struct findings *f, const struct findings *from);
/* Whether no more are kept: then the next is counted here, and nothing need be worded for it. So a million
 * mistakes cost no memory. */
bool findings_full(struct findings *f, enum severity severity);
/* Where in the input that stands which was added last: offset, and element and component or 0. */
void finding_place(struct findings *f, size_t offset, unsigned element, unsigned component);
/* One paragraph a finding: what, where, what to do. */
void findings_print(const struct findings *f, struct buffer *out);

#endif
