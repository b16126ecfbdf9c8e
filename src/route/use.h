/* use: what a configuration says to no effect, and what is missing though something needs it; judged as part
 * of config_check. */
#ifndef SPOOLGATE_ROUTE_USE_H
#define SPOOLGATE_ROUTE_USE_H

#include "route/config.h"

void use_check(const struct config *c, struct map_library *maps, struct findings *f);

#endif
