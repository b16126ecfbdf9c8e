/* moment: a date-time whose zone nobody told ("2026-03-02T09:14:55.42"), as cursors of polls are. It is only
 * compared with others of its kind and moved by an overlap; never with a clock of ours. */
#ifndef SPOOLGATE_ADAPTER_MOMENT_H
#define SPOOLGATE_ADAPTER_MOMENT_H

#include "base/slice.h"
#include <stdint.h>

#define MOMENT_TEXT 32

struct moment {
    int64_t seconds; /* as if it were UTC */
    int32_t nanoseconds;
};

/* "2026-03-02", "2026-03-02T09:14:55", "2026-03-02 09:14:55.42"; a zone letter or offset behind it is passed
 * over. */
bool moment_parse(const char *text, struct moment *out);
int moment_compare(struct moment a, struct moment b);
/* Earlier by so many seconds, as "2026-03-02T08:09:55.42": up to three decimals, cut (never later than it
 * was). */
void moment_print_earlier(struct moment m, int64_t seconds, char out[MOMENT_TEXT]);

#endif
