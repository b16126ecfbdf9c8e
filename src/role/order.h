/* order: which documents must not overtake one another: those for one partner that speak of the same order,
 * by its number; of a document that speaks of none, its own. */
#ifndef SPOOLGATE_ROLE_ORDER_H
#define SPOOLGATE_ROLE_ORDER_H

#include "spool/document.h"

/* What documents of one order have in common, as a hash; never 0. */
uint64_t order_of(const struct document *d);

struct blocked {    /* an order, of which an earlier document waits */
    uint64_t order; /* 0: none */
    bool held;      /* …for a person */
};

struct blocked_set { /* orders that are passed over in one look */
    struct blocked *slots;
    size_t room, count;
};

const struct blocked *blocked_find(const struct blocked_set *s, uint64_t order); /* NULL: not in it */
void blocked_add(struct blocked_set *s, uint64_t order, bool held); /* what is in it stays as it was */
void blocked_begin(struct blocked_set *s, size_t documents);        /* empty, with room for so many */
void blocked_free(struct blocked_set *s);

#endif
