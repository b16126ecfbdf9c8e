/* date: calendar dates and instants. Documents carry ISO 8601 ("2026-03-20", "2026-03-20T09:14:55.42", with
 * zone where one is known); X12 carries CCYYMMDD and HHMM[SS[D[D]]]. All checks are real calendar checks. */
#ifndef SPOOLGATE_BASE_DATE_H
#define SPOOLGATE_BASE_DATE_H

#include "base/slice.h"
#include <stdint.h>

struct date {
    int year, month, day;
};

struct instant { /* UTC */
    int64_t seconds;
    int32_t nanoseconds;
};

#define INSTANT_TEXT 32

bool date_valid(int year, int month, int day);
/* "2026-03-20", also with "T..." behind it (the time is ignored; no conversion of zones). */
bool date_parse_iso(struct slice text, struct date *out);
bool date_parse_basic(struct slice text, struct date *out); /* "20260320" */
struct instant instant_now(void);                           /* CLOCK_REALTIME */
/* RFC 3339 with Z or offset; a text without zone is taken as UTC. */
bool instant_parse(struct slice text, struct instant *out);
size_t instant_print(struct instant t, int decimals, char out[INSTANT_TEXT]); /* "2026-03-20T09:14:55.420Z" */
struct date instant_date(struct instant t);                                   /* in UTC */

#define AGE_TEXT 24
/* "12 s", "3 min", "5 h", "2 d"; less than nothing is "0 s". */
const char *age_print(int64_t seconds, char out[AGE_TEXT]);

#endif
