/*
 * traffic.h - what was asked: counters and recent requests for GET /requests, exchanges for --record.
 */
#ifndef SANDBOX_TRAFFIC_H
#define SANDBOX_TRAFFIC_H

#include "sandbox/sandbox.h"

struct traffic *sb_traffic_new(void);
void sb_traffic_free(struct traffic *traffic);
void sb_traffic_clear(struct traffic *traffic);
/* Counts an exchange that has its answer; fault names the fault that was laid over it, or NULL. */
void sb_traffic_count(struct exchange *ex, const char *fault);
/* Writes it to sb->record as NNNNNN.json, secrets redacted. */
void sb_traffic_record(struct exchange *ex, const char *fault);
/* The answer of GET /requests; a new reference. */
json_t *sb_traffic_report(const struct traffic *traffic);

#endif
