/* reading: segments of the lexer into a checked tree. The middle layer between the lexer and the
 * interchange's reader; one struct reading a transaction set, or one for the segments of the envelope (set
 * NULL), which make no tree. */
#ifndef SPOOLGATE_EDI_READING_H
#define SPOOLGATE_EDI_READING_H

#include "edi/check.h"
#include "edi/x12.h"

#define READING_NODES 4000000u /* of one set: 256 MB of tree */

struct reading {
    struct check check;
    const struct x12_lexer *lexer;
    struct arena *arena;
    struct node *root; /* NULL: only check */
    size_t nodes;
};

/* set NULL: segments of the envelope. leaving: our own, on its way out. No tree is made before root is set.
 */
void reading_open(struct reading *r, const struct x12_lexer *l, const struct dictionary *d,
                  const struct set *set, bool leaving, struct findings *f, struct faults *faults);
/* Takes one segment of the set: places it, checks it, adds it to the tree. */
void reading_segment(struct reading *r, const struct x12_segment *s);
/* The same at a fraction of the cost, for a segment that is reached by a step gone before (check_again);
 * false and nothing done for any other. */
bool reading_again(struct reading *r, const struct x12_segment *s);
/* Checks a segment of the envelope (ISA, GS, ST, SE, GE, IEA, TA1). */
void reading_envelope(struct reading *r, const struct x12_segment *s);

/* x12_reader_next without giving the arena back first: for who has other things in it. */
int x12_reader_step(struct x12_reader *r, struct x12_header *h, struct node **set, struct findings *f);
/* Takes this version's dictionary whatever GS08 says; the text must stay. */
void x12_reader_version(struct x12_reader *r, const char *version);

#endif
