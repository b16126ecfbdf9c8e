/* outage: see outage.h. The log's intervals: 1, 5, 15, 60 minutes after the first line, then each hour. */
#include "role/outage.h"
#include "base/date.h"
#include "base/log.h"
#include "base/utf8.h"
#include "role/process.h"
#include <stdio.h>
#include <string.h>

#define NEWS_AFTER 60000 /* ms: another reason is told before its time, but not more often */
#define READS 100        /* a writer may have died in the midst of it */

static int64_t interval(unsigned told)
{
    static const int64_t minutes[] = {1, 4, 10, 45, 60};
    size_t last = sizeof minutes / sizeof *minutes - 1;
    return minutes[told - 1 < last ? told - 1 : last] * 60000;
}

static void write_begin(struct outage *o)
{
    o->turn |= 1; /* also when a writer before us died in the midst */
    __sync_synchronize();
}

static void write_end(struct outage *o)
{
    __sync_synchronize();
    o->turn++;
}

/* Fit for a screen, cut where it is too long. */
static void copy(char *to, size_t room, const char *text)
{
    to[utf8_show(slice_of(text), to, room - 1)] = '\0';
}

static void tell(const struct outage *o, int64_t now)
{
    char since[INSTANT_TEXT], age[AGE_TEXT], tries[40] = "";
    const char *colon = *o->why ? ": " : "";
    if (o->told == 1) {
        log_warning("%s%s%s", o->about, colon, o->why);
        return;
    }
    instant_print((struct instant){.seconds = o->since}, 0, since);
    if (o->tries)
        snprintf(tries, sizeof tries, ", tried %u times", o->tries);
    log_warning("%s since %s (%s%s)%s%s", o->about, since, age_print((now - o->began) / 1000, age), tries,
                colon, o->why);
}

static void note(struct outage *o, const char *about, const char *why, unsigned tries)
{
    int64_t now = process_milliseconds();
    char shown[OUTAGE_WHY];
    copy(shown, sizeof shown, why);
    bool first = !o->since, news = !first && strcmp(o->why, shown) != 0;
    write_begin(o);
    if (first) {
        o->since = instant_now().seconds;
        o->began = o->tell = now;
        o->tries = o->told = 0;
    }
    o->tries += tries;
    copy(o->about, sizeof o->about, about);
    memcpy(o->why, shown, sizeof shown);
    bool due = now >= o->tell || (news && o->tell - now <= interval(o->told) - NEWS_AFTER);
    if (due)
        o->tell = now + interval(++o->told);
    write_end(o);
    if (due)
        tell(o, now);
}

void outage_note(struct outage *o, const char *about, const char *why)
{
    note(o, about, why, 1);
}

void outage_see(struct outage *o, const char *about, const char *why)
{
    note(o, about, why, 0);
}

void outage_over(struct outage *o, const char *how)
{
    char age[AGE_TEXT], tries[40] = "";
    if (!o->since)
        return;
    if (o->tries)
        snprintf(tries, sizeof tries, " and %u tr%s", o->tries, o->tries == 1 ? "y" : "ies");
    log_warning("%s, after %s%s", how, age_print((process_milliseconds() - o->began) / 1000, age), tries);
    write_begin(o);
    o->since = 0;
    write_end(o);
}

bool outage_read(const struct outage *o, struct outage *out)
{
    for (int i = 0; i < READS; i++) {
        unsigned before = o->turn;
        __sync_synchronize();
        *out = *o;
        __sync_synchronize();
        if (!(before & 1) && o->turn == before)
            break;
    }
    out->about[OUTAGE_ABOUT - 1] = out->why[OUTAGE_WHY - 1] = '\0';
    return out->since > 0;
}
