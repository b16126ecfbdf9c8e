/* sections: configuration files as they were written: [kind name] with key = value lines, each with its file
 * and line. libinih does the parsing; this module counts lines, refuses what inih would cut or overwrite in
 * silence (long lines and sections, a key or section given twice, control characters), and finds every broken
 * line, not only the first. */
#ifndef SPOOLGATE_ROUTE_SECTIONS_H
#define SPOOLGATE_ROUTE_SECTIONS_H

#include "route/config.h"

#define CONFIG_FILE_LIMIT (1024 * 1024)

struct section {
    const char *kind, *name; /* "[endpoint orderful]": "endpoint", "orderful"; name "" when there is none */
    const char *file;
    int line;
    struct setting *settings; /* in the order of the file */
    struct section *next;
};

/* Appends the sections of a file to *list. Mistakes are findings; what is sound is kept. -1 when it cannot be
 * read. */
int sections_read(struct arena *a, const char *path, struct section **list, struct findings *f);

/* NULL when the section does not have the key. */
struct setting *section_setting(const struct section *s, const char *key);

#endif
