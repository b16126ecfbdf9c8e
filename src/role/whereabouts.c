/* whereabouts: see whereabouts.h. */
#include "role/whereabouts.h"

bool whereabouts_find(const struct spool *s, const char *name, char path[512])
{
    char id[DOCUMENT_NAME_TEXT];
    unsigned destination;
    return spool_find(s, name, path) ||
           (document_name_parse(name, id, &destination) && destination == 1 && spool_find(s, id, path));
}
