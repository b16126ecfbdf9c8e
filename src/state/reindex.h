/* reindex: the state made anew from the spool, which is the truth: business keys, control numbers, links,
 * awaited. */
#ifndef SPOOLGATE_STATE_REINDEX_H
#define SPOOLGATE_STATE_REINDEX_H

#include "spool/spool.h"
#include "state/state.h"

struct reindexing {
    /* Which of two sources has precedence, as config_precedence; NULL: neither. */
    int (*precedence)(const void *context, const char *source, const char *other);
    const void *context;
    bool (*may_have_arrived)(
        int folder);         /* of a document whose sending was broken off; with precedence only */
    bool force;              /* goes on when part of what the spool held is not in it, see below */
    unsigned long documents; /* out: how many were read, also while it runs */
    unsigned long unreadable;
    bool missing_numbers;
    unsigned long missing_days,
        unknown_days; /* out: of the archive; unknown: and the state does not know them */
};

/* Reads every document.json in archive, outbox, translate and error, in constant memory, and puts what they
 * say in the place of what the state knew, in one transaction: cut short, the state is as before. Refused (-1
 * with findings) while any role runs, for what moves meanwhile would be missed; and, when the state at hand
 * is not the one that belongs to the spool, when days of the archive or documents with the latest control
 * numbers are missing (reach.h; code "reindex.missing"): what was delivered on them would be taken for new.
 * Documents that cannot be read are warnings. 0, or -1 with findings. */
int reindex(const struct spool *s, struct state *st, struct reindexing *r, struct findings *f);

#endif
