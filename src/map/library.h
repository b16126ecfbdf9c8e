/* library: where maps, code tables and canonical schemas come from, and the store of what is loaded. Private
 * to src/map. Everything loaded lives in the library's arena until the library is closed; what could not be
 * loaded is tried again on the next call, so that a corrected file works without a restart. */
#ifndef SPOOLGATE_MAP_LIBRARY_H
#define SPOOLGATE_MAP_LIBRARY_H

#include "map/map.h"

struct codes;
struct schema;

struct map_library {
    struct arena arena;
    const char *const *directories;
    struct dictionary_library *dictionaries;
    struct map *maps;
    struct codes *codes;
    struct schema *schemas;
};

/* A file found in the library's directories: its text in the library's arena and the path by which findings
 * name it. */
struct library_file {
    const char *path;
    struct slice text;
    unsigned directory; /* index of the directory it was found in */
};

/* Looks for <folder>/<name><suffix> from directory number first on. 1 found, 0 not there, -1 with a finding.
 */
int library_find(struct map_library *l, const char *folder, const char *name, const char *suffix,
                 unsigned first, struct library_file *out, struct findings *f);
/* A path outside the directories. */
int library_open_path(struct map_library *l, const char *path, struct library_file *out, struct findings *f);
/* Letters, digits, '-', '_', '.', and '/' between such parts; no part begins with a dot. */
bool library_name_plain(const char *name);
/* "a, b": the directories, for findings. */
const char *library_searched(const struct map_library *l, struct arena *a);

#endif
