/* edifact: interchanges of ISO 9735, syntax versions 1 to 4, message by message. Batch interchanges: UNB,
 * UNG, UNH and their trailers; packages and security segments are not read. The tables are in
 * translators/edifact. */
#ifndef SPOOLGATE_EDI_EDIFACT_EDIFACT_H
#define SPOOLGATE_EDI_EDIFACT_EDIFACT_H

#include "base/buffer.h"
#include "edi/dictionary.h"
#include "edi/lexer.h"
#include "syntax/tree.h"

struct faults;

/* Whether the input looks like EDIFACT: UNA or UNB behind white space and a byte order mark. */
bool edifact_begins(struct slice input);
/* Passes over white space and reads UNA, or takes the delimiters that hold without one. 0, or -1 with
 * findings; the lexer then stands before the UNB. */
int edifact_lexer_open(struct edi_lexer *l, struct slice input, struct findings *f);
/* The same at l->at, for a further interchange in one file. */
int edifact_lexer_interchange(struct edi_lexer *l, struct findings *f);

/* What the envelope of the message at hand said; slices of the input. */
struct edifact_header {
    struct delimiters delimiters;
    struct slice syntax;                                                         /* UNB S001 0001: "UNOC" */
    char syntax_version;                                                         /* 0002: '1' to '4' */
    struct slice sender_id, sender_qualifier, recipient_id, recipient_qualifier; /* S002, S003 */
    struct slice interchange_reference, group_reference, message_reference;      /* 0020, 0048, 0062 */
    struct slice application_reference;                                          /* 0026 */
    struct slice message, version, release, agency, association; /* S009: "ORDERS" "D" "96A" "UN" "EAN008" */
    bool wants_acknowledgment, test;                             /* 0031, 0035 */
};

struct edifact_reader;

/* As x12_reader_open and its like: the input stays the caller's and must stay until the reader is closed. */
struct edifact_reader *edifact_reader_open(struct dictionary_library *l, struct slice input,
                                           struct findings *f);
/* 1: *message is a validated tree and *h its header; 0: end; -1: findings tell (nothing behind it can be
 * trusted); 2: a message with errors, which findings hold; reading can go on with the next one. Gives the
 * findings' arena back first. */
int edifact_reader_next(struct edifact_reader *r, struct edifact_header *h, struct node **message,
                        struct findings *f);
/* The same without giving the arena back. */
int edifact_reader_step(struct edifact_reader *r, struct edifact_header *h, struct node **message,
                        struct findings *f);
const struct faults *edifact_reader_faults(const struct edifact_reader *r);
void edifact_reader_close(struct edifact_reader *r);

/* ---- writing ---- */

struct edifact_envelope {
    struct delimiters delimiters; /* repetition: of syntax version 4 */
    bool una;                     /* UNA is written though its delimiters are the usual ones */
    bool newline;                 /* a line feed behind each segment terminator */
    const char *syntax;           /* "UNOC" */
    char syntax_version;          /* '1' to '4' */
    const char *sender_id, *sender_qualifier, *recipient_id, *recipient_qualifier; /* qualifiers may be "" */
    const char *application_reference;                                             /* 0026; "" for none */
    const char *version, *release, *agency, *association; /* "D" "96A" "UN" "EAN008"; the last may be "" */
    bool wants_acknowledgment, test;
    uint32_t control_number; /* 0020; the message's reference is 1 */
    int64_t prepared;        /* seconds since 1970, UTC */
};

/* Writes UNB to UNZ round one message, with UNA where its delimiters are not those of level A. Validates as
 * strictly as reading does: on -1 nothing was appended. */
int edifact_write(struct dictionary_library *l, const struct dictionary *d, const struct set *set,
                  const struct node *tree, const struct edifact_envelope *e, struct buffer *out,
                  struct findings *f);

#endif
