/* gauges: the metrics that are read from the spool and the state at the moment somebody asks: how much waits
 * and how long, what is awaited, budgets, tokens. Only looks; the archive is not walked. */
#ifndef SPOOLGATE_ROLE_GAUGES_H
#define SPOOLGATE_ROLE_GAUGES_H

#include "base/tally.h"
#include "spool/spool.h"
#include "state/state.h"

/* What was counted of folders, so that one in which nothing has changed is not read again. Zeroed: nothing
 * yet. */
#define GAUGES_PLACES 256
struct gauges {
    bool stopping; /* the gateway that asks is about to end */
    struct counted {
        dev_t device;
        ino_t inode;
        struct timespec changed;
        int64_t documents, oldest; /* seconds since 1970; 0: none */
    } places[GAUGES_PLACES];
};

/* All of TALLY_GAUGES, as OpenMetrics text; state NULL: without what is in there. */
void gauges_print(struct gauges *g, const struct spool *s, struct state *state, struct buffer *out);

#endif
