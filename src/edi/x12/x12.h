/* x12: interchanges in place. lexer → tree with validation; tree → text with the same validation. */
#ifndef SPOOLGATE_EDI_X12_X12_H
#define SPOOLGATE_EDI_X12_X12_H

#include "edi/dictionary.h"
#include "edi/lexer.h"
#include "edi/x12/envelope.h"
#include "syntax/tree.h"

/* ---- where an interchange begins ---- */

/* Finds the ISA (leading white space and BOM tolerated) and begins with the delimiters in it. 0, or -1 with
 * findings. */
int x12_lexer_open(struct edi_lexer *l, struct slice input, struct findings *f);
/* The same as x12_lexer_open at l->at, for a further interchange in one file. */
int x12_lexer_interchange(struct edi_lexer *l, struct findings *f);

/* ---- interchanges ---- */

/* What the envelope of the set at hand said; slices of the input. */
struct x12_header {
    struct delimiters delimiters;
    struct slice sender_qualifier, sender_id, receiver_qualifier, receiver_id; /* trimmed */
    struct slice interchange_control, group_control, set_control;
    struct slice functional_id, application_sender, application_receiver,
        version;      /* GS01-03, GS08 "004010" */
    struct slice set; /* ST01 */
    char usage;
};

struct x12_reader;
struct faults;

/* Walks an interchange set by set in constant memory: each call of x12_reader_next resets the arena it is
 * given by findings. Checks ISA/IEA, GS/GE, ST/SE pairing, counts and control numbers. */
struct x12_reader *x12_reader_open(struct dictionary_library *l, struct slice input, struct findings *f);
/* 1: *set is a validated tree and *h its header; 0: end; -1: findings tell (fatal for the interchange).
 * A set with errors returns 2: findings hold its errors, reading can go on with the next one. */
int x12_reader_next(struct x12_reader *r, struct x12_header *h, struct node **set, struct findings *f);
/* What was wrong with the set that x12_reader_next answered with 2, for an acknowledgment (edi/fault.h). */
const struct faults *x12_reader_faults(const struct x12_reader *r);
void x12_reader_close(struct x12_reader *r);

/* x12_reader_next without giving the arena back first: for who has other things in it. */
int x12_reader_step(struct x12_reader *r, struct x12_header *h, struct node **set, struct findings *f);
/* Takes this version's dictionary whatever GS08 says; the text must stay. */
void x12_reader_version(struct x12_reader *r, const char *version);

struct reading; /* edi/reading.h */
/* Checks a segment of the envelope (ISA, GS, ST, SE, GE, IEA, TA1). */
void x12_check_envelope(struct reading *r, const struct edi_segment *s);

/* ---- validation and writing ---- */

/* Checks a tree (from a map, or x12json) against the dictionary: order and repeats of loops and segments,
 * mandatory ones, conditions, types, lengths, codes. Values are in their type's form already (see
 * x12_format). 0 or -1. */
int x12_validate(const struct dictionary *d, const struct set *set, const struct node *tree,
                 struct findings *f);

/* Writes ISA..IEA round one set; SE01 and control numbers are filled in, CTT is the map's. Validates as
 * strictly as reading does: on -1 nothing was appended. */
int x12_write(const struct dictionary *d, const struct set *set, const struct node *tree,
              const struct envelope *e, struct buffer *out, struct findings *f);

/* A canonical value ("2026-03-20", "8129.93") as the element's type wants it ("20260320", "812993" for N2, at
 * most max characters), into arena. SLICE_NONE and *why (a sentence without subject, e.g. "has 90 characters,
 * at most 80 fit") when it cannot be. */
struct slice x12_format(const struct element *e, struct slice canonical, struct arena *a, const char **why);
/* The way back: "812993" of an N2 is "8129.93", "20260320" of a DT is "2026-03-20". */
struct slice x12_canonical(const struct element *e, struct slice text, struct arena *a, const char **why);

/* One segment a line, for people: "PO1*1*10*EA". For `show` and `translate --readable`. */
int x12_print_readable(struct slice interchange, struct dictionary_library *l, struct buffer *out,
                       struct findings *f);

#endif
