/* storage: whether the disk has room and spool and state can be written, as can be told without writing. For
 * the supervisor, who looks every few seconds, and for `status`, which looks when nobody runs. */
#ifndef SPOOLGATE_ROLE_STORAGE_H
#define SPOOLGATE_ROLE_STORAGE_H

#include "role/outage.h"
#include "route/config.h"
#include "spool/spool.h"

/* Each: true when something is wrong, and what to do, in why. */
/* The filesystems of spool and state are full, or nearly so. lasts: it was so before, and has to be better by
 * a fifth to count as over. */
bool storage_disk(const struct spool *s, const char *state, bool lasts, char why[OUTAGE_WHY]);
/* The spool was moved away, or a folder of it cannot be written. */
bool storage_spool(const struct spool *s, const struct config *c, char why[OUTAGE_WHY]);
/* The state is there and cannot be written, or is gone. */
bool storage_state(const char *state, char why[OUTAGE_WHY]);

#endif
