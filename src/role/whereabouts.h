/* whereabouts: where in the spool a document stands, given the name that the state knows it by. */
#ifndef SPOOLGATE_ROLE_WHEREABOUTS_H
#define SPOOLGATE_ROLE_WHEREABOUTS_H

#include "spool/spool.h"

/* As spool_find; a first destination "<id>.1" is still called "<id>" until it leaves its translator. */
bool whereabouts_find(const struct spool *s, const char *name, char path[512]);

#endif
