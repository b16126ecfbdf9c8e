/* installation: what the roles work by: the configuration, and the maps, code tables, canonical schemas and
 * dictionaries that it names. Loaded whole before the first document, from files that held still meanwhile,
 * and then only read: roles get it by fork(2), so that one which is started again works by the same. */
#ifndef SPOOLGATE_ROLE_INSTALLATION_H
#define SPOOLGATE_ROLE_INSTALLATION_H

#include "base/fingerprint.h"
#include "route/config.h"

#define INSTALLATION_SETTLES 1000 /* ms without a change, until what was changed is trusted */

struct installation {
    struct config *config;
    struct map_library *maps;
    struct fingerprint seen; /* what it looked like when it was loaded */
};

/* Loads and checks. 0, or -1 with errors among the findings; findings.machine says that it cannot be read
 * now, or is being changed all the time. */
int installation_load(struct installation *i, const char *config_file, struct findings *f);
void installation_free(struct installation *i);

/* The maps of a configuration with all they need, and what they looked like (added to seen, which may be
 * NULL). NULL only with findings.machine; a map that is wrong is told of the document that needs it. */
struct map_library *installation_maps(const struct config *c, struct fingerprint *seen, struct findings *f);

/* What it looks like now: the configuration's files, and the maps and tables of c (NULL: none). */
struct fingerprint installation_look(const char *config_file, const struct config *c);

#endif
