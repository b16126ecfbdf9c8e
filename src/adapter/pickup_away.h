/* pickup_away: what pickup.c (looking, taking) and pickup_away.c (removing there, or moving away) share. */
#ifndef SPOOLGATE_ADAPTER_PICKUP_AWAY_H
#define SPOOLGATE_ADAPTER_PICKUP_AWAY_H

#include "adapter/pickup.h"
#include "base/hash.h"

struct seen_file {      /* what a look saw of a candidate */
    const char *name;   /* as it is there */
    const char *origin; /* as the partner called it */
    const char *aside;  /* it was put aside by us: the beginning of the SHA-256 that was taken; else NULL */
    uint64_t size;
    int64_t modified, since; /* since: our clock, when it first looked like this */
    bool settled;            /* nothing more is to be done with it unless it changes */
    bool odd;                /* it was read once, and had another size than announced */
    unsigned failures;       /* of reading it, one after the other */
    int64_t again;           /* not before that */
};

struct pickup {
    struct arena settings, looks[2]; /* the last look and the one before */
    int which;
    const char *directory, *pattern, *move_to; /* move_to NULL: remove */
    bool in_place;                             /* removed without being put aside */
    long after, interval;
    struct seen_file *files; /* by name */
    size_t count;
};

struct looking { /* one poll */
    struct pickup *p;
    struct endpoint *e;
    const struct pickup_side *side;
    struct findings *f;
    struct arena arena; /* of the batch */
    int64_t now;
    bool lost;
};

struct taken {
    struct seen_file *file;
    char hash[HASH_TEXT];
    const char *version; /* as the state knows it */
    bool known;          /* noted before: only to be removed there */
};

/* What the partner called a file of that name; *aside as above. */
const char *pickup_origin(const char *name, struct arena *a, const char **aside);
/* Removes or moves away what was taken, and nothing else; sets looking.lost when the connection is. */
void pickup_away(struct looking *l, struct taken *t);

#endif
