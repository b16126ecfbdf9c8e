/* offline: what commands that work on files without the spool need: the maps, and the configuration where
 * there is one. */
#ifndef SPOOLGATE_COMMAND_OFFLINE_H
#define SPOOLGATE_COMMAND_OFFLINE_H

#include "map/map.h"
#include "route/config.h"

struct offline {
    struct config *config; /* NULL: none was named and there is none in the usual places */
    struct map_library *maps;
    const char *directories[16];
};

/* file NULL: the usual places are looked at. first: a folder of maps that is searched before all others, or
 * NULL. 0, or -1 when a configuration is there and not in order (findings are printed). */
int offline_open(struct offline *o, const char *file, const char *first, struct arena *a);
void offline_close(struct offline *o);
/* Reads a file, or standard input for "-". 0, or an exit status, with a sentence on stderr that begins with
 * command. */
int offline_read(const char *command, const char *file, struct buffer *out);
/* The map that reads the file: by name, or by the configured route whose pattern fits the file's name (from
 * source when it is not NULL). NULL with a finding. */
const struct map *offline_map(struct offline *o, const char *map, const char *source, const char *file,
                              struct findings *f);

#endif
