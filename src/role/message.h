/* message: what goes to a partner: the envelope out of its profile, the form its sending names, the file's
 * name there. */
#ifndef SPOOLGATE_ROLE_MESSAGE_H
#define SPOOLGATE_ROLE_MESSAGE_H

#include "edi/x12/envelope.h"
#include "route/config.h"

struct message_facts {    /* what makes a document's message the same on every try */
    const char *document; /* "<id>.<n>" */
    uint32_t control_number;
    int64_t prepared; /* seconds since 1970 */
    const struct identity *identity;
};

struct envelope message_envelope(const struct partner *p, const struct message_facts *facts);
/* Canonical tree → bytes in out, with the sending's map and form (or with form when it is not NULL). NULL,
 * with findings and nothing of use in out, when anything is wrong; otherwise the syntax that was written. */
const struct syntax *message_write(struct map_library *maps, const struct partner *p, const struct sending *s,
                                   const char *form, const struct node *canonical,
                                   const struct message_facts *facts, struct buffer *out, struct findings *f);
/* The name on the other side: {type} {number} {version} {control} {partner} {document} {date} {extension} of
 * the sending's pattern are filled in. What is not a letter, digit, '.', '_' or '-' becomes '_'. In f's
 * arena. */
const char *message_name(const struct partner *p, const struct sending *s, const struct syntax *written,
                         const struct message_facts *facts, struct findings *f);
/* The UTC second in which the document with that id was taken: constant over all tries. */
int64_t message_prepared(const char *document);

#endif
