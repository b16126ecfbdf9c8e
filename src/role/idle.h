/* idle: whether a gateway has nothing left to do, for `run --until-idle`. */
#ifndef SPOOLGATE_ROLE_IDLE_H
#define SPOOLGATE_ROLE_IDLE_H

#include "role/board.h"

struct idle {
    bool before;       /* so it was the last time, too */
    long cycles;       /* of all roles then */
    unsigned held;     /* endpoints whose documents wait for a person */
    unsigned unserved; /* outboxes with documents that no courier sends */
    unsigned failing;  /* pollers that have failed again and again */
};

/* True when nothing waits in inbox, translate and outbox (but behind endpoints that are held or not served),
 * every role is up and has finished a look, every poller has fetched (or failed several times), nothing
 * awaited is to be looked at within seconds, and all this was so the last time as well, without any role
 * having looked since.
 */
bool idle_look(struct idle *i, const struct board *b, const struct spool *s, const struct config *c);

#endif
