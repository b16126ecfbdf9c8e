/* backoff: when to try again. Exponential with full jitter: uniform in [0, min(cap, base·2^tries));
 * Retry-After wins when it is longer. */
#ifndef SPOOLGATE_NET_BACKOFF_H
#define SPOOLGATE_NET_BACKOFF_H

#include <stdint.h>

/* Milliseconds to wait after the given number of failed tries (1..). */
int64_t backoff_milliseconds(unsigned tries, int64_t base_ms, int64_t cap_ms);
/* Retry-After: seconds or an HTTP date (RFC 9110 10.2.3). Seconds from now, -1 when unreadable. Bounded to a
 * day. */
int64_t retry_after_seconds(const char *value, int64_t now);

#endif
