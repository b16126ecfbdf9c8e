/* pickup: fetching what a partner lays into a directory, over SFTP or on this machine. A file is ripe when
 * two looks, pickup_after seconds apart, found it unchanged; names that begin with a dot or end in .tmp .part
 * .filepart .partial are left alone. It is removed or moved away there only after it is durable in the inbox,
 * and remembered in state with name, size, time and SHA-256, so that one whose removal failed is not taken a
 * second time.
 *
 * The settings of an endpoint that belong here: pickup pickup_pattern pickup_after after_pickup interval. */
#ifndef SPOOLGATE_ADAPTER_PICKUP_H
#define SPOOLGATE_ADAPTER_PICKUP_H

#include "adapter/adapter.h"
#include "net/sftp.h"

#define PICKUP_SETTINGS "pickup", "pickup_pattern", "pickup_after", "after_pickup", "interval"

/* How the other side is reached; as the functions of net/sftp.h, paths are directory/name. */
struct pickup_side {
    enum sftp_result (*list)(void *context, const char *dir, struct arena *a, struct sftp_file **files,
                             size_t *n, struct findings *f);
    enum sftp_result (*read)(void *context, const char *path, size_t limit, struct buffer *out,
                             struct findings *f);
    enum sftp_result (*rename)(void *context, const char *from, const char *to, struct findings *f);
    enum sftp_result (*remove)(void *context, const char *path, struct findings *f);
    void *context;
};

struct pickup; /* settings and what the last look saw */

/* The values of the settings, without any effect. */
void pickup_check(const struct endpoint_config *e, struct findings *f);
/* NULL when the endpoint has no pickup directory; *wrong: a setting cannot be used. beside: a directory that
 * relative paths are meant from, or NULL when they are the other side's. */
struct pickup *pickup_open(const struct endpoint_config *e, const char *beside, bool *wrong,
                           struct findings *f);
void pickup_close(struct pickup *p); /* NULL is harmless */
const char *pickup_directory(const struct pickup *p);
/* One look: number of documents put into the inbox, -1 with findings. *next as adapter.h's poll; *lost: the
 * connection is of no more use. */
int pickup_poll(struct pickup *p, struct endpoint *e, const struct pickup_side *side, int64_t *next,
                bool *lost, struct findings *f);
/* "directory/name" in a; the directory alone may be "" or end in a slash. */
const char *path_below(struct arena *a, const char *directory, const char *name);

#endif
