/* urgent: what a person wants tried at once, whatever its time. `spoolgate retry` leaves a mark in the
 * outbox, .retry, a line a wish; the courier, woken by inotify, takes it. With no courier there it stays
 * until there is one. */
#ifndef SPOOLGATE_ROLE_URGENT_H
#define SPOOLGATE_ROLE_URGENT_H

#include "base/arena.h"

#define URGENT_FILE ".retry"

struct urgent {
    struct urgent *next;
    const char *document;        /* its name; "": all that waits there */
    const char *person, *reason; /* for the history; reason NULL: none was given */
};

/* Adds a wish. 0, or -1 with errno. */
int urgent_ask(int outbox, const struct urgent *u);
/* Takes all of them, into a; NULL when there are none, and when somebody is just adding one. */
const struct urgent *urgent_take(int outbox, struct arena *a);

#endif
