/* gather: finding what waits for a translator, in the order in which it came, and claiming it.
 *
 * Several translators share the work by source: who holds the lock on inbox/<source> (flock, dropped by the
 * kernel with the process) takes that source's documents, also those that wait in translate/, and keeps the
 * lock until they stand in the outbox. So documents of one source reach the outbox in the order in which they
 * came, whoever takes them. What a dead translator left is fetched back before anything newer of the source
 * is taken. */
#ifndef SPOOLGATE_ROLE_GATHER_H
#define SPOOLGATE_ROLE_GATHER_H

#include "role/translation.h"

struct gatherer;

struct gatherer *gatherer_open(struct translator *w);
void gatherer_close(struct gatherer *s);
int gatherer_descriptor(const struct gatherer *s); /* readable when something happened */
/* Reads what has happened; with everything true the folders are looked through anew (a timer's rescan). */
void gatherer_notice(struct gatherer *s, bool everything);
/* Claims up to the configured number of documents. 0, or -1 when the role has to end. The sources stay locked
 * until gatherer_release. */
int gatherer_claim(struct gatherer *s, struct group *g);
void gatherer_release(struct gatherer *s);
/* The last look did not see all that is there: look again at once. */
bool gatherer_again(const struct gatherer *s);
/* Milliseconds after which to look again at what is not ready, and nothing may tell; -1: nothing waits so. */
int64_t gatherer_wait(const struct gatherer *s);

#endif
