/* summary: what happened to which documents between two moments, read from their folders; the table at the
 * end of `run
 * --until-idle`. */
#ifndef SPOOLGATE_ROLE_SUMMARY_H
#define SPOOLGATE_ROLE_SUMMARY_H

#include "base/date.h"
#include "spool/spool.h"

struct summary;

/* Remembers the moment, what is on its way, and what stands in error/. */
struct summary *summary_begin(const struct spool *s);
/* Prints the documents that were touched since (or one JSON object a line). Number of documents that stand in
 * error/ now and did not before. */
unsigned summary_end(struct summary *m, bool json);
void summary_free(struct summary *m);

#endif
