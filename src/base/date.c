/* date: see date.h. The Gregorian calendar, also before 1582; years 1 to 9999. Days are counted from
 * 1970-01-01 with years that begin in March, so that the leap day is a year's last. */
#include "base/date.h"
#include <stdio.h>
#include <time.h>

#define DAY INT64_C(86400)

static bool digits(const char *p, int n, int *out)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        value = value * 10 + (p[i] - '0');
    }
    *out = value;
    return true;
}

bool date_valid(int year, int month, int day)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= length[month - 1] + (month == 2 && leap);
}

bool date_parse_iso(struct slice text, struct date *out)
{
    const char *p = text.ptr;
    struct date d;
    if (text.len < 10 || !digits(p, 4, &d.year) || p[4] != '-' || !digits(p + 5, 2, &d.month) ||
        p[7] != '-' || !digits(p + 8, 2, &d.day) || !date_valid(d.year, d.month, d.day))
        return false;
    if (text.len > 10 && p[10] != 'T' && p[10] != 't' && p[10] != ' ')
        return false;
    *out = d;
    return true;
}

bool date_parse_basic(struct slice text, struct date *out)
{
    struct date d;
    if (text.len != 8 || !digits(text.ptr, 4, &d.year) || !digits(text.ptr + 4, 2, &d.month) ||
        !digits(text.ptr + 6, 2, &d.day) || !date_valid(d.year, d.month, d.day))
        return false;
    *out = d;
    return true;
}

struct instant instant_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct instant){now.tv_sec, (int32_t)now.tv_nsec};
}

static int64_t days_of(struct date d)
{
    int64_t year = d.month <= 2 ? d.year - 1 : d.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static struct date date_of(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day = days - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date d = {.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
                     .month = (int)(month < 10 ? month + 3 : month - 9)};
    d.year = (int)(year + era * 400 + (d.month <= 2));
    return d;
}

/* "Z", "+01:00", "-0530" or nothing; seconds east of Greenwich. */
static bool parse_zone(struct slice s, int64_t *east)
{
    int hours, minutes;
    *east = 0;
    if (s.len == 0 || (s.len == 1 && (s.ptr[0] == 'Z' || s.ptr[0] == 'z')))
        return true;
    if ((s.ptr[0] != '+' && s.ptr[0] != '-') || (s.len != 6 && s.len != 5) || !digits(s.ptr + 1, 2, &hours) ||
        (s.len == 6 && s.ptr[3] != ':') || !digits(s.ptr + s.len - 2, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *east = (hours * 3600 + minutes * 60) * (s.ptr[0] == '-' ? -1 : 1);
    return true;
}

bool instant_parse(struct slice text, struct instant *out)
{
    struct date d;
    if (text.len < 16 || !date_parse_iso(text, &d))
        return false;
    const char *p = text.ptr + 11, *end = text.ptr + text.len;
    int hour, minute, second = 0;
    if (!digits(p, 2, &hour) || p[2] != ':' || !digits(p + 3, 2, &minute))
        return false;
    p += 5;
    int32_t nanoseconds = 0;
    if (end - p >= 3 && *p == ':') {
        if (!digits(p + 1, 2, &second))
            return false;
        p += 3;
        if (p < end && (*p == '.' || *p == ',')) {
            const char *fraction = ++p;
            int32_t unit = 100000000;
            for (; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10)
                nanoseconds += (*p - '0') * unit;
            if (p == fraction)
                return false;
        }
    }
    int64_t east;
    /* second 60: a leap second, counted as the next minute's first */
    if (hour > 23 || minute > 59 || second > 60 || !parse_zone(slice_make(p, (size_t)(end - p)), &east))
        return false;
    out->seconds = days_of(d) * DAY + hour * 3600 + minute * 60 + second - east;
    out->nanoseconds = nanoseconds;
    return true;
}

struct date instant_date(struct instant t)
{
    return date_of((t.seconds >= 0 ? t.seconds : t.seconds - (DAY - 1)) / DAY);
}

static char *put(char *p, int value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + width;
}

size_t instant_print(struct instant t, int decimals, char out[INSTANT_TEXT])
{
    struct date d = instant_date(t);
    int second = (int)(((t.seconds % DAY) + DAY) % DAY);
    char *p = put(out, d.year, 4);
    *p++ = '-';
    p = put(p, d.month, 2);
    *p++ = '-';
    p = put(p, d.day, 2);
    *p++ = 'T';
    p = put(p, second / 3600, 2);
    *p++ = ':';
    p = put(p, second / 60 % 60, 2);
    *p++ = ':';
    p = put(p, second % 60, 2);
    if (decimals > 0) {
        int32_t fraction = t.nanoseconds;
        for (int i = decimals > 9 ? 9 : decimals; i < 9; i++)
            fraction /= 10;
        *p++ = '.';
        p = put(p, fraction, decimals > 9 ? 9 : decimals);
    }
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

const char *age_print(int64_t seconds, char out[AGE_TEXT])
{
    if (seconds < 120)
        snprintf(out, AGE_TEXT, "%d s", seconds < 0 ? 0 : (int)seconds);
    else if (seconds < 7200)
        snprintf(out, AGE_TEXT, "%d min", (int)(seconds / 60));
    else if (seconds < 172800)
        snprintf(out, AGE_TEXT, "%d h", (int)(seconds / 3600));
    else
        snprintf(out, AGE_TEXT, "%lld d", (long long)(seconds / 86400));
    return out;
}
