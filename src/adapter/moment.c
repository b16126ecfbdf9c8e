/* moment: see moment.h. */
#include "adapter/moment.h"
#include "base/date.h"
#include <ctype.h>
#include <stdio.h>
#include <time.h>

static bool digits(const char **at, int count, int *out)
{
    *out = 0;
    for (; count > 0; count--, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

/* "", "Z", "+01:00". */
static bool is_zone(const char *at)
{
    int hours, minutes;
    if (!*at || !strcmp(at, "Z"))
        return true;
    if (*at != '+' && *at != '-')
        return false;
    at++;
    if (!digits(&at, 2, &hours))
        return false;
    at += *at == ':';
    return digits(&at, 2, &minutes) && !*at;
}

static bool time_of_day(const char *at, struct tm *t, int32_t *nanoseconds)
{
    if (!digits(&at, 2, &t->tm_hour) || *at++ != ':' || !digits(&at, 2, &t->tm_min) || *at++ != ':' ||
        !digits(&at, 2, &t->tm_sec) || t->tm_hour > 23 || t->tm_min > 59 || t->tm_sec > 60)
        return false;
    *nanoseconds = 0;
    if (*at == '.') {
        int32_t unit = 100000000;
        if (!isdigit((unsigned char)*++at))
            return false;
        for (; isdigit((unsigned char)*at); at++, unit /= 10)
            *nanoseconds += (*at - '0') * unit;
    }
    return is_zone(at);
}

bool moment_parse(const char *text, struct moment *out)
{
    struct tm t = {0};
    int year, month;
    if (!digits(&text, 4, &year) || *text++ != '-' || !digits(&text, 2, &month) || *text++ != '-' ||
        !digits(&text, 2, &t.tm_mday) || !date_valid(year, month, t.tm_mday))
        return false;
    t.tm_year = year - 1900;
    t.tm_mon = month - 1;
    out->nanoseconds = 0;
    if (*text && ((*text != 'T' && *text != ' ') || !time_of_day(text + 1, &t, &out->nanoseconds)))
        return false;
    out->seconds = timegm(&t);
    return true;
}

int moment_compare(struct moment a, struct moment b)
{
    if (a.seconds != b.seconds)
        return a.seconds < b.seconds ? -1 : 1;
    return a.nanoseconds < b.nanoseconds ? -1 : a.nanoseconds > b.nanoseconds;
}

void moment_print_earlier(struct moment m, int64_t seconds, char out[MOMENT_TEXT])
{
    struct tm t;
    time_t at = (time_t)(m.seconds - seconds);
    size_t n = gmtime_r(&at, &t) ? strftime(out, MOMENT_TEXT, "%Y-%m-%dT%H:%M:%S", &t) : 0;
    int milliseconds = (int)(m.nanoseconds / 1000000);
    if (!milliseconds)
        return;
    n += (size_t)snprintf(out + n, MOMENT_TEXT - n, ".%03d", milliseconds);
    while (out[n - 1] == '0')
        out[--n] = '\0';
}
