/* standard: what distinguishes one EDI standard from another for the engine: words, names and where its
 * tables stand. Its bytes are read and written in a folder of its own (x12/, edifact/). */
#ifndef SPOOLGATE_EDI_STANDARD_H
#define SPOOLGATE_EDI_STANDARD_H

#include <stdbool.h>

struct edi_standard {
    const char *name;             /* "x12": first part of a finding's code, and the folder of its tables */
    const char *title;            /* "X12" */
    const char *set;              /* what people call a document in it: "set" */
    const char *loop;             /* "loop" */
    const char *opening;          /* where an interchange's delimiters stand: "ISA" */
    const char *closing;          /* the segment that ends an interchange: "IEA" */
    const char *header, *trailer; /* "ST", "SE": in a set's table, and not part of the walk */
    char separator;               /* between a segment's elements, where people are shown them */
    bool composed;        /* composites are everywhere: component separators say nothing of a segment */
    bool names_by_number; /* data elements are known by their number: "NAD02-1 (3039 Party identifier)" */
    bool (*version_is_plain)(const char *version); /* may be the name of a folder */
};

extern const struct edi_standard standard_x12, standard_edifact;

#endif
