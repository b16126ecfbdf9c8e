/* segment: what the lexers of all syntaxes give and the engine takes: a segment's id and elements as slices
 * of the input, nothing copied. */
#ifndef SPOOLGATE_EDI_SEGMENT_H
#define SPOOLGATE_EDI_SEGMENT_H

#include "base/slice.h"
#include <stdint.h>

#define SEGMENT_ELEMENTS 128

struct delimiters {
    char element;    /* '*' */
    char component;  /* '>' : ISA16 */
    char segment;    /* '~' */
    char repetition; /* '^' from 00402 on (ISA11), 0: nothing repeats */
    char release;    /* EDIFACT: the byte behind it is data; 0: none */
    char decimal;    /* EDIFACT: the decimal mark that UNA says; 0: point and comma, where none says */
};

struct characters; /* edi/characters.h */

struct edi_text { /* an interchange's bytes, and how it is to be read */
    struct slice input;
    struct delimiters delimiters;
    struct characters *characters; /* NULL: values are taken as UTF-8 */
};

struct edi_form { /* how bytes are written for a partner */
    struct delimiters delimiters;
    bool newline;     /* a line feed behind each segment terminator */
    char replacement; /* what a delimiter inside data becomes; 0: it is released where the syntax has a
                         release character, otherwise an error that names the field */
    struct characters *characters; /* what texts are written in; NULL: UTF-8 */
};

struct edi_segment {
    union {
        struct {
            struct slice id;
            struct slice elements[SEGMENT_ELEMENTS]; /* [0] is element 01 */
        };
        struct slice tokens[SEGMENT_ELEMENTS + 1];
    };
    unsigned count; /* elements; trailing empty ones are not counted */
    bool special;   /* has bytes besides 0x20..0x7E, or released ones; in X12 also component and repetition
                       separators */
    bool composed;  /* may have component or repetition separators without being special */
    size_t at;      /* offset of the segment's first byte */
    size_t number;  /* 1.. from the start of the input */
};

#endif
