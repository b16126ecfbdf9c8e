/*
 * budget.h - calls counted in fixed windows, by the movable clock; kept in the journal.
 */
#ifndef SANDBOX_BUDGET_H
#define SANDBOX_BUDGET_H

#include "sandbox/sandbox.h"

struct budget {
    long limit;
    long remaining;
    long reset; /* seconds until the window ends, at least 1 */
    bool spent; /* this call is over the limit */
};

/* Takes one call from the budget called key. A window begins with its first call. */
struct budget sb_budget_take(struct sandbox *sb, const char *key, long limit, long seconds);
/* What --rate says for a vendor, else what is there already. */
void sb_budget_rate(const struct sandbox *sb, const char *vendor, long *limit, long *seconds);

#endif
