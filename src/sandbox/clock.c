/*
 * clock.c - the sandbox's movable clock; see clock.h.
 */
#include "sandbox/clock.h"
#include "sandbox/journal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t system_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t sb_clock_now(const struct sandbox *sb)
{
    return system_now() + sb->clock_offset;
}

void sb_clock_set(struct sandbox *sb, int64_t now)
{
    sb_clock_advance(sb, now - system_now() - sb->clock_offset);
}

void sb_clock_advance(struct sandbox *sb, int64_t ms)
{
    sb->clock_offset += ms;
    sb_journal_put(sb->journal, "clock", "offset", json_integer(sb->clock_offset));
}

static void format(int64_t ms, const char *zone, char out[32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[24];

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 32, "%s.%03d%s", text, (int)(ms % 1000), zone);
}

void sb_clock_rfc3339(int64_t ms, char out[32])
{
    format(ms, "Z", out);
}

void sb_clock_http(int64_t ms, char out[40])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* Last Sunday of the month, 01:00 UTC: when the European Union changes its clocks. */
static int64_t changeover(int year, int month)
{
    struct tm tm = {.tm_year = year, .tm_mon = month, .tm_mday = 31, .tm_hour = 1};
    time_t last = timegm(&tm);

    gmtime_r(&last, &tm);
    return ((int64_t)last - (int64_t)tm.tm_wday * 86400) * 1000;
}

void sb_clock_zoneless(int64_t ms, bool oslo, char out[32])
{
    if (oslo) {
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        ms += ms >= changeover(tm.tm_year, 2) && ms < changeover(tm.tm_year, 9) ? 7200000 : 3600000;
    }
    format(ms, "", out);
}

bool sb_clock_parse(const char *text, int64_t *ms)
{
    struct tm tm = {0};
    int year, month, day, hour = 0, minute = 0, second = 0, used = 0;
    int64_t fraction = 0, offset = 0;

    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || used != 10 || month < 1 ||
        month > 12 || day < 1 || day > 31)
        return false;
    text += used;
    if (*text == 'T' || *text == ' ') {
        if (sscanf(text + 1, "%2d:%2d:%2d%n", &hour, &minute, &second, &used) != 3 || used != 8 || hour < 0 ||
            hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
            return false;
        text += 1 + used;
        if (*text == '.') {
            int64_t unit = 100;

            for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
                fraction += (*text - '0') * unit;
        }
        if (*text == 'Z') {
            text++;
        } else if (*text == '+' || *text == '-') {
            int sign = *text == '-' ? -1 : 1, hours, minutes;

            if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5)
                return false;
            offset = sign * (hours * 60 + minutes) * 60;
            text += 6;
        }
    }
    if (*text)
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = second;
    *ms = ((int64_t)timegm(&tm) - offset) * 1000 + fraction;
    return true;
}
