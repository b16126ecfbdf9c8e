/* alerts: tells somebody of an outage that lasts, of its end, and of documents that need a person, by the
 * command and the webhook of [alerts]. The supervisor's: it decides what is told when, one at a time and not
 * too often, and starts a process for each (messenger.h); it never waits for one. */
#ifndef SPOOLGATE_ROLE_ALERTS_H
#define SPOOLGATE_ROLE_ALERTS_H

#include "role/messenger.h"
#include "role/process.h"
#include "role/rounds.h"

#define ALERTS_WAITING 64

struct notice { /* something that is wrong, and what was told of it */
    char key[80];
    struct alert last;      /* as it is now */
    int64_t began, told_at; /* process_milliseconds; told_at 0: not told */
    long told_count;
    bool here; /* found in this look */
};

struct alerts {
    struct notice *notices;
    size_t count, room;
    struct alert waiting[ALERTS_WAITING]; /* a ring */
    size_t first, waiting_count;
    double allowance; /* alerts that may be told now */
    int64_t allowed_at;
    unsigned suppressed;
    int pid, report;        /* of the process that carries one; 0 and -1: none */
    int64_t started, pause; /* process_milliseconds: of that process; none is started before */
    struct outage failing;  /* alerts do not get through */
};

void alerts_open(struct alerts *a);
void alerts_close(struct alerts *a);
/* What is wrong now: puts into the queue what is to be told. */
void alerts_look(struct alerts *a, const struct rounds *r, const struct config *c);
/* Starts a process for the next one when none is under way; ends one that takes too long. lock: a descriptor
 * that is not for it. */
void alerts_step(struct alerts *a, const struct config *c, int lock, struct process *p);
/* True when it was that process. */
bool alerts_reaped(struct alerts *a, int pid, int status);
/* The configuration may be another one: what did not get through is tried at once. */
void alerts_reload(struct alerts *a);

#endif
