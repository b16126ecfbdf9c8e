/* messenger: carries one alert to where the configuration says, the command and the webhook, each within its
 * time and a few tries. It runs in a process of its own: what it starts may hang, fork or flood, and nobody
 * waits for it. */
#ifndef SPOOLGATE_ROLE_MESSENGER_H
#define SPOOLGATE_ROLE_MESSENGER_H

#include "role/outage.h"
#include "route/config.h"

enum alert_event { ALERT_BEGIN, ALERT_AGAIN, ALERT_END, ALERT_TEST };

struct alert {
    enum alert_event event;
    char what[12], where[64]; /* as of rounds.h */
    char about[OUTAGE_ABOUT], said[OUTAGE_WHY];
    int64_t since, at; /* seconds since 1970 */
    unsigned tries;
    long count;          /* of documents, of an "error" or "overdue" */
    unsigned suppressed; /* alerts before this one that were not told, for they were too many */
};

/* As it goes out: one JSON object in a line. New, as of json_print_line. */
void alert_print(const struct config *c, const struct alert *a, struct buffer *out);

struct messenger_report {            /* what came of it, for a person */
    char command[300], webhook[300]; /* "" when there is none */
    bool failed;
};

/* Only in a process that has no other children: those it adopts from the command are ended. 0, or -1 when one
 * of the two ways failed. */
int messenger_carry(const struct config *c, const struct alert *a, struct messenger_report *r);
/* The longest it can take, ms. */
int64_t messenger_bound(const struct config *c);

#endif
