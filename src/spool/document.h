/* document: one document's folder and its envelope, document.json. The members are described in
 * docs/spool.md. */
#ifndef SPOOLGATE_SPOOL_DOCUMENT_H
#define SPOOLGATE_SPOOL_DOCUMENT_H

#include "spool/spool.h"
#include <jansson.h>

#define DOCUMENT_SIZE_LIMIT (256u * 1024u * 1024u)

struct document {
    char name[DOCUMENT_NAME_TEXT]; /* "<id>" or "<id>.<n>" */
    char id[DOCUMENT_NAME_TEXT];
    unsigned destination; /* n, 0 when none yet */
    int parent;           /* directory descriptor the folder stands in; borrowed */
    int folder;           /* descriptor of the folder itself; owned */
    json_t *envelope;     /* document.json; owned */
    bool saved;           /* document.json is in the folder */
    bool given_back; /* by a translator that was killed: no person brought it, nor did it stand in error/ */
    bool received;   /* originals of others wait in it for the sync (own.h) */
};

/* Opens parent/name and reads document.json. A folder without or with a broken document.json still opens,
 * with an envelope made anew from what is there ("recovered": true). -1 with findings when it is not a folder
 * or unreadable. */
int document_open(struct document *d, int parent, const char *name, struct findings *f);
void document_close(struct document *d);

/* Envelope conveniences. Texts are borrowed from the envelope. */
const char *document_text(const struct document *d,
                          const char *path); /* "source.file", "partner", … or NULL */
/* Seconds since it was received; 0 when that is not known. */
double document_age(const struct document *d);
/* "order 4711", "order", or "document" while it is not known what it is. */
#define DOCUMENT_CALLED 160
const char *document_called(const struct document *d, char out[DOCUMENT_CALLED]);
void document_set(struct document *d, const char *member, const char *text); /* top level; NULL removes */
void document_set_integer(struct document *d, const char *member, int64_t value);
/* Adds {"at":…, "by": role, "what": sentence} to history. */
void document_note(struct document *d, const char *by, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of something that a person did by a command: "by" is "operator <person>"; reason: what he said of
 * it, or NULL. */
void document_note_person(struct document *d, const char *person, const char *reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The last entry of history is one of those: what moved the folder is told already. */
bool document_person_noted(const struct document *d);
/* A person put the folder back, into place ("translate", "outbox/orderful"): error.txt becomes error-<k>.txt,
 * "failed_in" and "not_before" go, and a move that no command noted is noted as one by hand. 1 when there was
 * one, 0 when not, -1 with errno. For claims and couriers, not for those who only look. */
int document_take(struct document *d, const char *place);
/* Writes document.json, not synced: the group's sync follows. One that replaces another stands beside it as
 * .document.json until spool_sync (or document_close); document_open reads the newer one. 0, or -1 with errno
 * and the old one as it was. */
int document_save(struct document *d);

/* The file "source.<ext>" (or "corrected.<ext>", when a person put one beside it: then *corrected is set). */
int document_source(struct document *d, char file[SPOOL_NAME_MAX + 1], bool *corrected, struct findings *f);
/* Reads a file of the folder, without following links, up to DOCUMENT_SIZE_LIMIT. Of the source and of
 * corrected.<ext> size and sha256 are noted in the envelope when first read; a source, canonical or message
 * that no longer fits its sha256 is refused: -1 with a finding that says what to do. */
int document_read(struct document *d, const char *file, struct buffer *out, struct findings *f);
/* Writes a file (not synced) and notes it as member {"file", "size", "sha256"}: "canonical" or "message".
 * Members that the caller added to it ("message.name") stay. 0, or -1 with errno. */
int document_write(struct document *d, const char *member, const char *file, struct slice bytes);
/* Checks source, canonical and message against the sha256 in the envelope. Number of files that differ. */
int document_verify(struct document *d, struct findings *f);
/* error.txt from findings: a heading (type, number, partner, source file), each finding, how to put it back.
 */
int document_write_error(struct document *d, const struct findings *f, const char *stage);
/* The same for a folder that goes to error/ under another name than it has now. */
int document_write_error_as(struct document *d, const struct findings *f, const char *stage,
                            const char *name);

#endif
