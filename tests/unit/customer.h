/* customer: a directory endpoint with a folder that the gateway lays files into and one that it fetches from.
 */
#ifndef SPOOLGATE_TESTS_UNIT_CUSTOMER_H
#define SPOOLGATE_TESTS_UNIT_CUSTOMER_H

#include "test_adapter.h"

#include <sys/stat.h>

struct customer {
    struct site site;
    char out[300], in[300];
};

static inline int customer_make(void **state)
{
    struct customer *l = calloc(1, sizeof *l);
    site_open(&l->site, "directory");
    snprintf(l->out, sizeof l->out, "%s/out", l->site.tree.path);
    snprintf(l->in, sizeof l->in, "%s/in", l->site.tree.path);
    if (mkdir(l->out, 0750) || mkdir(l->in, 0750))
        return -1;
    site_set(&l->site, "directory", l->out);
    *state = l;
    return 0;
}

static inline int customer_unmake(void **state)
{
    struct customer *l = *state;
    site_close(&l->site);
    free(l);
    return 0;
}

static inline int rename_in(const char *dir, const char *from, const char *to)
{
    char one[700], two[700];
    snprintf(one, sizeof one, "%s/%s", dir, from);
    snprintf(two, sizeof two, "%s/%s", dir, to);
    return rename(one, two);
}

static inline void start_pickup(struct customer *l, const char *after)
{
    site_set(&l->site, "pickup", l->in);
    site_set(&l->site, "pickup_after", after);
    site_connect(&l->site);
}

#endif
