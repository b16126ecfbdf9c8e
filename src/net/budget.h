/* budget: how often a vendor may be called, kept in state so that a restart does not forget it. Each call is
 * a transaction of its own in state: not to be called inside one. */
#ifndef SPOOLGATE_NET_BUDGET_H
#define SPOOLGATE_NET_BUDGET_H

#include "state/state.h"
#include "net/http.h"

/* Takes n calls from the budget of that name (allowed a window, until headers say otherwise; allowed 0: no
 * budget). 0: go on; > 0: seconds to wait, nothing was taken; -1: state failed. */
int64_t budget_take(struct state *s, const char *name, int64_t allowed, int64_t window_seconds, unsigned n,
                    int64_t now);
/* Learns from X-RateLimit-Limit/-Remaining/-Reset (seconds, or epoch when > 1e9) and, on 429, Retry-After. */
int budget_learn(struct state *s, const char *name, const struct http_exchange *x, int64_t now);

#endif
