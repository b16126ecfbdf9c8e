/* earlier: what the folder of a document tells of the tries before the one that is asked about. */
#ifndef SPOOLGATE_ADAPTER_EARLIER_H
#define SPOOLGATE_ADAPTER_EARLIER_H

#include "adapter/adapter.h"

struct earlier {
    int64_t first; /* when the same message was first tried at this endpoint, seconds since 1970: the effect
                      of a try that was given up for lost may have come late */
    json_t *ids;   /* {"<external id>": true} of what other tries made: none of it is this one's */
};

/* -1 with errno when the folder cannot be read. The caller gives ids back. */
int earlier_read(const struct delivery *d, struct earlier *out);

#endif
