/* tally: what a gateway counts and shows as metrics. One list of all of them (tally_names); a table of
 * numbers, by figure and labels, that the processes of a gateway share: adding to one is a look-up and an
 * atomic addition, and what a role counted outlives it. tally_print writes OpenMetrics text.
 *
 * The table has a bound. What comes when it is full is counted in a row of its figure whose labels are
 * "other". */
#ifndef SPOOLGATE_BASE_TALLY_H
#define SPOOLGATE_BASE_TALLY_H

#include "base/buffer.h"
#include <stdint.h>

/* Behind the dash the labels, in the order in which their values are given. */
enum figure {
    /* counted by the roles, in the shared table */
    HANDLED,             /* documents: stage source type partner endpoint outcome */
    ATTEMPTS,            /* endpoint verdict */
    FETCHED,             /* documents: endpoint */
    LOOKS,               /* of pollers: endpoint task outcome */
    RESTARTS,            /* role */
    TRANSLATION_SECONDS, /* source */
    DELIVERY_SECONDS,    /* endpoint */
    REQUEST_SECONDS,     /* endpoint answer */
    CERTIFICATE_EXPIRY,  /* endpoint host */
    /* read from spool and state when somebody asks, in a table of their own */
    BUILD,          /* version */
    UP,             /* */
    ROLE_UP,        /* role */
    WAITING,        /* documents: stage place */
    OLDEST_SECONDS, /* stage place */
    HELD_MARKS,     /* endpoint */
    AWAITED,        /* documents: endpoint */
    OVERDUE,        /* documents: endpoint */
    BUDGET_CALLS,   /* budget */
    BUDGET_LEFT,    /* budget */
    BUDGET_RESET,   /* budget */
    TOKEN_EXPIRY,   /* token */
    FREE_BYTES,     /* */
    FIGURES
};

enum { TALLY_SHARED = 1, TALLY_GAUGES = 2 }; /* which of the two groups */

struct tally;

/* A table in memory that is shared with children; NULL when there is no memory. */
struct tally *tally_make(void);
void tally_free(struct tally *t);

/* The table that this process and its children count in; NULL: they do not count. */
void tally_use(struct tally *t);
struct tally *tally_in_use(void);
/* Which endpoint this process is about, for what is counted below the roles. */
void tally_endpoint(const char *name);
const char *tally_endpoint_name(void); /* "" when none */

/* In the table in use. As many texts as the figure has labels; NULL is an empty one. */
void tally_count(enum figure f, uint64_t n, const char *const *labels);
void tally_observe(enum figure f, double seconds, const char *const *labels);
void tally_gauge(enum figure f, int64_t value, const char *const *labels);
/* In that one. */
void tally_set(struct tally *t, enum figure f, int64_t value, const char *const *labels);
#define TALLY_LABELS(...) ((const char *const[]){__VA_ARGS__})

/* All figures of the groups, with those that have no number yet; without the "# EOF" that ends an exposition.
 * t NULL: none has. */
void tally_print(const struct tally *t, int groups, struct buffer *out);
/* Grows with everything that is counted. */
uint64_t tally_moved(const struct tally *t);

#endif
