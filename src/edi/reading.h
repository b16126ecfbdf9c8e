/* reading: segments of the lexer into a checked tree. The middle layer between the lexer and the
 * interchange's reader; one struct reading a transaction set, or one for the segments of the envelope (set
 * NULL), which make no tree. */
#ifndef SPOOLGATE_EDI_READING_H
#define SPOOLGATE_EDI_READING_H

#include "edi/check.h"
#include "edi/segment.h"
#include "syntax/tree.h"

#define READING_NODES 4000000u /* of one set: 256 MB of tree */

struct reading {
    struct check check;
    const struct edi_text *text;
    struct arena *arena;
    struct node *root; /* NULL: only check */
    size_t nodes;
};

/* set NULL: segments of the envelope. leaving: our own, on its way out. No tree is made before root is set.
 */
void reading_open(struct reading *r, const struct edi_text *text, const struct dictionary *d,
                  const struct set *set, bool leaving, struct findings *f, struct faults *faults);
/* Takes one segment of the set: places it, checks it, adds it to the tree. */
void reading_segment(struct reading *r, const struct edi_segment *s);
/* The same at a fraction of the cost, for a segment that is reached by a step gone before (check_again);
 * false and nothing done for any other. */
bool reading_again(struct reading *r, const struct edi_segment *s);
/* Checks a segment of the envelope; it has no place in a set. */
void reading_envelope(struct reading *r, const struct edi_segment *s);

#endif
