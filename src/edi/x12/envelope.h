/* envelope: what stands round a transaction set: delimiters, ISA/GS/ST with their ids and control numbers.
 * X12.5, X12.6. */
#ifndef SPOOLGATE_EDI_X12_ENVELOPE_H
#define SPOOLGATE_EDI_X12_ENVELOPE_H

#include "base/buffer.h"
#include "edi/dictionary.h"
#include "edi/segment.h"

struct envelope {
    struct delimiters delimiters;
    bool newline;     /* a line feed behind each segment terminator */
    char replacement; /* what a delimiter inside data becomes; 0: it is an error that names the field */
    const char *sender_qualifier, *sender_id, *receiver_qualifier, *receiver_id; /* ISA05-08 */
    const char *application_sender, *application_receiver;                       /* GS02, GS03 */
    const char *version;     /* "004010": GS08 and, shortened, ISA12 */
    char usage;              /* ISA15: 'T' or 'P' */
    bool acknowledgment;     /* ISA14: ask for TA1 */
    uint32_t control_number; /* 1..999999999: ISA13 and GS06; ST02 is "0001" */
    int64_t prepared; /* seconds since 1970, UTC: ISA09-10, GS04-05. Fixed for a document on every try */
};

/* ISA, GS and ST in front of a set. 0, or -1 with findings about the partner's profile and nothing appended.
 */
int envelope_open(const struct dictionary *d, const struct set *set, const struct envelope *e,
                  struct buffer *out, struct findings *f);
/* SE, GE and IEA; segments: those of the set with ST and SE. */
void envelope_close(const struct envelope *e, size_t segments, struct buffer *out);

#endif
