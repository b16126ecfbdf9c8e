/* authority: who may hand in what, and whose word counts: the limits of routes and the precedence of sources,
 * judged as part of config_check. */
#ifndef SPOOLGATE_ROUTE_AUTHORITY_H
#define SPOOLGATE_ROUTE_AUTHORITY_H

#include "route/config.h"

void authority_check(const struct config *c, struct map_library *maps, struct findings *f);

#endif
