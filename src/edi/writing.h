/* writing: a tree into segments, checked by the same engine as what is read (edi/check.h). One struct a set.
 */
#ifndef SPOOLGATE_EDI_WRITING_H
#define SPOOLGATE_EDI_WRITING_H

#include "edi/check.h"
#include "edi/segment.h"
#include "syntax/tree.h"

#define BYTE_ODD 1       /* control character, or beyond ASCII */
#define BYTE_DELIMITER 2 /* one of the partner's delimiters */

struct writing {
    struct check check;
    struct edi_form form;
    bool plain;         /* values are written as they are */
    struct buffer *out; /* NULL: only check */
    unsigned char kind[256];
};

/* form NULL: only check. */
void writing_open(struct writing *w, const struct dictionary *d, const struct set *set,
                  const struct edi_form *form, struct buffer *out, struct findings *f);
/* The contents of the set, without ST and SE. */
void writing_set(struct writing *w, const struct node *tree);

#endif
