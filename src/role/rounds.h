/* rounds: what the supervisor looks at every few seconds: whether disk, spool and state can be written, which
 * roles end again and again, what the others say they cannot do, and what stands in error/. All of it in one
 * list, for .run.json and for alerts. */
#ifndef SPOOLGATE_ROLE_ROUNDS_H
#define SPOOLGATE_ROLE_ROUNDS_H

#include "role/board.h"
#include <time.h>

struct trouble {      /* what is wrong now */
    const char *what; /* "send", "held", "fetch", "chores", "role", "disk", "spool", "state", "config",
                         "alerts"; and what `status` sees for itself: "error", "overdue" */
    char where[64];   /* "orderful", "translator 1"; "" of disk, spool, state and error */
    long count;       /* documents in error/, late acknowledgments; else 0 */
    struct outage state;
};

struct rounds {
    struct outage disk, spool, state;
    struct outage error; /* since when documents stand in error/ */
    long in_error;
    char newest_error[64];
    struct timespec error_changed;
    struct trouble *now; /* what is wrong, found by the last look */
    size_t count, room;
};

/* run_failed: errno of the last try to write .run.json, or 0. */
void rounds_look(struct rounds *r, const struct board *b, const struct spool *s, const struct config *c,
                 int run_failed);
/* Something else that is wrong now; nothing when o is none. */
void rounds_add(struct rounds *r, const struct outage *o, const char *what, const char *where);
json_t *rounds_json(const struct rounds *r); /* new: an array, of what `status` cannot see for itself */
void rounds_free(struct rounds *r);

#endif
