/*
 * clock.h - the sandbox's movable clock. Times are milliseconds since 1970, UTC.
 */
#ifndef SANDBOX_CLOCK_H
#define SANDBOX_CLOCK_H

#include "sandbox/sandbox.h"

int64_t sb_clock_now(const struct sandbox *sb);
/* "2026-11-02T09:30:11.613Z" */
void sb_clock_rfc3339(int64_t ms, char out[32]);
/* "Mon, 02 Nov 2026 09:30:11 GMT", as a Date header has it */
void sb_clock_http(int64_t ms, char out[40]);
/* The same as RFC 3339 without zone letter, in UTC or in Norwegian time ("2026-11-02T10:30:11.613"). */
void sb_clock_zoneless(int64_t ms, bool oslo, char out[32]);
/* RFC 3339 with Z or offset, or zone-less (taken as UTC), or a date. False when it is none of these. */
bool sb_clock_parse(const char *text, int64_t *ms);
/* Both move the clock and remember it in the journal: to a time, or by so many milliseconds. */
void sb_clock_set(struct sandbox *sb, int64_t now);
void sb_clock_advance(struct sandbox *sb, int64_t ms);

#endif
