/* status: what `spoolgate status` gathers. status.c looks at the folders and prints, status_gateway.c looks
 * at the gateway. */
#ifndef SPOOLGATE_COMMAND_STATUS_H
#define SPOOLGATE_COMMAND_STATUS_H

#include "command/view.h"

struct looking {
    struct view view;
    json_t *status, *problems, *waiting;
    int64_t now;
    const char *endpoint;       /* whose outbox is being looked at */
    long shown_here, in_stages; /* of the waiting ones of this outbox; documents that are not done */
    int documents, overdue, awaited;
    bool storage_told; /* what keeps disk, spool or state from being written */
};

/* What needs a person: a word for scripts, where, and a sentence. */
void status_problem(struct looking *l, const char *what, const char *where, const char *said);
/* Whether the gateway runs, what it says of its roles and outages, and what it could not say. */
void status_gateway(struct looking *l);

#endif
