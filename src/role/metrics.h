/* metrics: the whole exposition: what was counted, and what is there now. The supervisor keeps what was
 * counted in spool/.metrics, for `spoolgate metrics`; a process of its own (exporter.c) serves it or writes
 * it to a file. */
#ifndef SPOOLGATE_ROLE_METRICS_H
#define SPOOLGATE_ROLE_METRICS_H

#include "role/gauges.h"
#include "role/role.h"

/* When something was counted since it was written last. Replaced whole, not synced. */
void metrics_keep(const struct spool *s);
void metrics_erase(const struct spool *s);
/* OpenMetrics text with "# EOF". What was counted is that of the table in use, else that of spool/.metrics.
 */
void metrics_print(struct gauges *g, const struct spool *s, struct state *state, struct buffer *out);

/* The process: see exporter.c. */
int role_metrics(struct role_context *c);

#endif
