/* envelope: what stands round a transaction set: delimiters, ISA/GS/ST with their ids and control numbers.
 * X12.5, X12.6. */
#ifndef SPOOLGATE_EDI_ENVELOPE_H
#define SPOOLGATE_EDI_ENVELOPE_H

#include "base/slice.h"
#include <stdint.h>

struct delimiters {
    char element;    /* '*' */
    char component;  /* '>' : ISA16 */
    char segment;    /* '~' */
    char repetition; /* '^' from 00402 on (ISA11), 0 before */
};

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

#endif
