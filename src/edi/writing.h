/* writing: a tree into segments, checked by the same engine as what is read (edi/check.h). One struct a set.
 */
#ifndef SPOOLGATE_EDI_WRITING_H
#define SPOOLGATE_EDI_WRITING_H

#include "edi/check.h"
#include "edi/x12.h"

#define BYTE_ODD 1       /* control character, or beyond ASCII */
#define BYTE_DELIMITER 2 /* one of the partner's delimiters */

struct writing {
    struct check check;
    struct delimiters delimiters;
    char replacement;
    bool newline;
    struct buffer *out; /* NULL: only check */
    unsigned char kind[256];
};

/* e NULL: only check. */
void writing_open(struct writing *w, const struct dictionary *d, const struct set *set,
                  const struct envelope *e, struct buffer *out, struct findings *f);
/* The contents of the set, without ST and SE. */
void writing_set(struct writing *w, const struct node *tree);

/* ISA, GS and ST in front of a set. 0, or -1 with findings about the partner's profile and nothing appended.
 */
int envelope_open(const struct dictionary *d, const struct set *set, const struct envelope *e,
                  struct buffer *out, struct findings *f);
/* SE, GE and IEA; segments: those of the set with ST and SE. */
void envelope_close(const struct envelope *e, size_t segments, struct buffer *out);

#endif
