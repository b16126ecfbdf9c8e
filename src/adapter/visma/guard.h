/* visma_guard: not asking the same twice too often. Visma.net refuses a request that is made more than five
 * times a minute, and one that has failed and is repeated more than twice in five minutes (docs/visma.md); a
 * gateway that is restarted again and again would do both. What was asked last is kept in state, one row a
 * resource. */
#ifndef SPOOLGATE_ADAPTER_VISMA_GUARD_H
#define SPOOLGATE_ADAPTER_VISMA_GUARD_H

#include "adapter/visma/visma.h"

struct visma_guard {
    struct endpoint *endpoint;
    char name[64];    /* of the row */
    char request[17]; /* hash of the request */
    int64_t asked[4]; /* when it was made, newest first; 0: not yet */
    int failures;     /* in a row */
    int64_t failed;   /* when, last */
    bool seen;        /* the last failure was an answer of theirs, not the network's */
    int64_t whole;    /* when the reading began that came to the end of the list, 0: none did */
};

void visma_guard_open(struct visma_guard *g, struct endpoint *e, const struct visma_resource *r,
                      const char *target);
/* 0: it may be made now; else the seconds to wait. */
int64_t visma_guard_wait(const struct visma_guard *g, int64_t now);
void visma_guard_asked(struct visma_guard *g, int64_t now);
/* answered: the other side has seen it. */
void visma_guard_failed(struct visma_guard *g, bool answered, int64_t now);
/* Read to its end. */
void visma_guard_good(struct visma_guard *g);
/* The last time it was asked it was read to its end: who has to wait misses nothing by waiting. */
bool visma_guard_is_whole(const struct visma_guard *g);

#endif
