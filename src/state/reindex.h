/* reindex: the state made anew from the spool, which is the truth: business keys, control numbers, links,
 * awaited. */
#ifndef SPOOLGATE_STATE_REINDEX_H
#define SPOOLGATE_STATE_REINDEX_H

#include "spool/spool.h"
#include "state/state.h"

/* Reads every document.json in archive, outbox, translate and error, in constant memory, and puts what they
 * say in the place of what the state knew, in one transaction: cut short, the state is as before. Refused (-1
 * with findings) while any role runs, for what moves meanwhile would be missed. Documents that cannot be
 * read are warnings. 0, or -1 with findings; *documents is how many were read, also while it runs. */
int reindex(const struct spool *s, struct state *st, unsigned long *documents, struct findings *f);

#endif
