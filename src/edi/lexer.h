/* lexer: an interchange's bytes as segments, in place, for every syntax whose segments are ended by one byte
 * and whose elements are parted by another. Which bytes those are is the syntax's: X12 reads them out of the
 * ISA, EDIFACT out of the UNA. Private to src/edi, but for who only wants to see the segments of a file. */
#ifndef SPOOLGATE_EDI_LEXER_H
#define SPOOLGATE_EDI_LEXER_H

#include "base/finding.h"
#include "edi/segment.h"
#include "edi/standard.h"

struct edi_lexer {
    struct edi_text text;
    const struct edi_standard *standard;
    size_t at, number;
    unsigned char kind[256]; /* what each byte is to the lexer */
    /* of the 64 bytes looked at last: bit i is byte i of the block; what is behind `at` still counts */
    size_t block;
    uint64_t elements, segments, special;
    bool released; /* the block's first byte is data whatever it is */
};

/* Over the input; a byte order mark is passed over. No delimiters yet: edi_lexer_begin gives them. */
void edi_lexer_open(struct edi_lexer *l, const struct edi_standard *standard, struct slice input);
/* From l->at on with these delimiters. */
void edi_lexer_begin(struct edi_lexer *l, const struct delimiters *d);
/* Passes over white space between segments; whether anything follows. */
bool edi_lexer_more(struct edi_lexer *l);
/* 1: a segment, 0: end of input, -1: an error is in findings (segment too long, too many elements, no
 * terminator). */
int edi_lexer_next(struct edi_lexer *l, struct edi_segment *s, struct findings *f);

#endif
