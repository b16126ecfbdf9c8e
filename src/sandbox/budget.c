/*
 * budget.c - calls counted in fixed windows; see budget.h.
 */
#include "sandbox/budget.h"
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/journal.h"

struct budget sb_budget_take(struct sandbox *sb, const char *key, long limit, long seconds)
{
    int64_t now = sb_clock_now(sb), window = (int64_t)seconds * 1000;
    const json_t *kept = sb_journal_get(sb->journal, "budget", key);
    int64_t start = sb_document_integer(kept, "start", 0);
    int64_t used = sb_document_integer(kept, "used", 0);
    struct budget budget = {.limit = limit};

    if (now >= start + window || now < start) {
        start = now;
        used = 0;
    }
    if (used >= limit)
        budget.spent = true;
    else
        used++;
    sb_journal_put(sb->journal, "budget", key,
                   json_pack("{s:I, s:I}", "start", (json_int_t)start, "used", (json_int_t)used));
    budget.remaining = limit - (long)used;
    budget.reset = (long)((start + window - now + 999) / 1000);
    if (budget.reset < 1)
        budget.reset = 1;
    return budget;
}

void sb_budget_rate(const struct sandbox *sb, const char *vendor, long *limit, long *seconds)
{
    const json_t *rate = json_object_get(sb->rates, vendor);

    *limit = (long)sb_document_integer(rate, "count", *limit);
    *seconds = (long)sb_document_integer(rate, "seconds", *seconds);
}
