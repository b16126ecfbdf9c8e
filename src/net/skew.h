/* skew: how far the other side's clock stands from ours, as the Date headers of its answers show it. Kept in
 * state, host by host, with the extremes of each steady spell: a time of theirs that is compared with one of
 * ours may have been written before either clock was set. */
#ifndef SPOOLGATE_NET_SKEW_H
#define SPOOLGATE_NET_SKEW_H

#include "net/http.h"
#include "state/state.h"

struct skew {            /* theirs minus ours, in seconds */
    bool known;          /* else nobody has measured */
    int64_t least, most; /* of all spells that were asked for, rounded outwards */
    int64_t now;         /* as measured last */
    int64_t measured;    /* when that was, seconds since 1970 by our clock */
};

/* What an answer of that URL's host shows. Writes seldom: when it is news, or what is kept is minutes old. */
void skew_learn(struct state *s, const char *url, const struct http_exchange *x);
/* Of the spells that reach to within a day of since (seconds since 1970 by our clock), and of the last one in
 * any case. -1 when the state failed. */
int skew_since(struct state *s, const char *url, int64_t since, struct skew *out);

#endif
