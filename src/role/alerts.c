/* alerts: see alerts.h. An outage is told when it has lasted `after` seconds; documents in error/, what is
 * held and late acknowledgments at once, and again when they have become more. What is told has an end that
 * is told. One that does not get through stays the first of the queue. */
#include "role/alerts.h"
#include "base/date.h"
#include "base/log.h"
#include "role/process.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MORE_AFTER 60000 /* ms: that there are more documents is told no more often */
#define HOUR 3600000.0
#define PAUSE 300000 /* ms after an alert that did not get through; then it is tried again */

void alerts_open(struct alerts *a)
{
    *a = (struct alerts){.report = -1, .allowance = -1};
}

void alerts_close(struct alerts *a)
{
    if (a->pid)
        kill(a->pid, SIGKILL);
    if (a->report >= 0)
        close(a->report);
    free(a->notices);
    alerts_open(a);
}

static bool is_configured(const struct config *c)
{
    return c->alerts.command || c->alerts.webhook;
}

/* ---- the queue ---- */

/* Ends always go, for what they end was told; of the rest so many an hour. */
static bool is_allowed(struct alerts *a, const struct config *c, enum alert_event event)
{
    double most = c->alerts.most;
    int64_t now = process_milliseconds();
    if (a->allowance < 0) {
        a->allowance = most;
        a->allowed_at = now;
    }
    a->allowance += most * (double)(now - a->allowed_at) / HOUR;
    a->allowed_at = now;
    if (a->allowance > most)
        a->allowance = most;
    if (event == ALERT_END)
        return true;
    if (a->allowance < 1 || a->waiting_count >= ALERTS_WAITING / 2)
        return false;
    a->allowance -= 1;
    return true;
}

static void enqueue(struct alerts *a, const struct alert *alert)
{
    if (a->waiting_count == ALERTS_WAITING) { /* of ends only */
        a->suppressed++;
        return;
    }
    struct alert *to = &a->waiting[(a->first + a->waiting_count++) % ALERTS_WAITING];
    *to = *alert;
    to->at = instant_now().seconds;
    to->suppressed = a->suppressed;
    a->suppressed = 0;
}

static bool tell(struct alerts *a, const struct config *c, struct notice *n, enum alert_event event)
{
    if (!is_allowed(a, c, event))
        return false;
    n->last.event = event;
    enqueue(a, &n->last);
    n->told_at = process_milliseconds();
    n->told_count = n->last.count;
    return true;
}

/* ---- what is wrong ---- */

static struct notice *notice_of(struct alerts *a, const struct trouble *t)
{
    char key[80];
    snprintf(key, sizeof key, "%s %s", t->what, t->where);
    for (size_t i = 0; i < a->count; i++)
        if (!strcmp(a->notices[i].key, key))
            return &a->notices[i];
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 16;
        a->notices = realloc(a->notices, a->room * sizeof *a->notices);
        if (!a->notices)
            abort();
    }
    struct notice *n = &a->notices[a->count++];
    *n = (struct notice){.began = t->state.began};
    snprintf(n->key, sizeof n->key, "%s", key);
    n->last.since = t->state.since;
    return n;
}

static bool is_told_at_once(const struct trouble *t)
{
    return !strcmp(t->what, "error") || !strcmp(t->what, "overdue") || !strcmp(t->what, "held");
}

static void look_at(struct alerts *a, const struct config *c, const struct trouble *t)
{
    struct notice *n = notice_of(a, t);
    int64_t now = process_milliseconds(), lasted = now - n->began;
    n->here = true;
    snprintf(n->last.what, sizeof n->last.what, "%s", t->what);
    snprintf(n->last.where, sizeof n->last.where, "%s", t->where);
    snprintf(n->last.about, sizeof n->last.about, "%s", t->state.about);
    snprintf(n->last.said, sizeof n->last.said, "%s", t->state.why);
    n->last.tries = t->state.tries;
    n->last.count = t->count;
    if (!n->told_at) {
        if (is_told_at_once(t) || lasted >= (int64_t)c->alerts.after * 1000)
            tell(a, c, n, ALERT_BEGIN);
        return;
    }
    bool more = t->count > n->told_count && now - n->told_at >= MORE_AFTER;
    bool again = c->alerts.repeat && now - n->told_at >= (int64_t)c->alerts.repeat * 1000;
    if (more || again)
        tell(a, c, n, ALERT_AGAIN);
    if (t->count < n->told_count)
        n->told_count = t->count;
}

void alerts_look(struct alerts *a, const struct rounds *r, const struct config *c)
{
    if (!is_configured(c)) {
        a->count = 0;
        return;
    }
    for (size_t i = 0; i < a->count; i++)
        a->notices[i].here = false;
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->now[i].what, "alerts") != 0)
            look_at(a, c, &r->now[i]);
    for (size_t i = 0; i < a->count;) {
        struct notice *n = &a->notices[i];
        if (n->here) {
            i++;
            continue;
        }
        if (n->told_at)
            tell(a, c, n, ALERT_END);
        else if (process_milliseconds() - n->began >= (int64_t)c->alerts.after * 1000)
            a->suppressed++; /* it would have been told */
        *n = a->notices[--a->count];
    }
}

/* ---- the process ---- */

static void carry(const struct config *c, const struct alert *alert, int report, int parent)
{
    struct messenger_report r;
    process_follow_parent(parent);
    process_name("alert");
    log_role("alerts");
    log_keep_error(NULL, 0);
    setpriority(PRIO_PROCESS, 0, 5);
    if (messenger_carry(c, alert, &r) == 0)
        _exit(0);
    dprintf(report, "%s%s%s%s%s", *r.command && strcmp(r.command, "done") ? "The command: " : "",
            *r.command && strcmp(r.command, "done") ? r.command : "",
            *r.command && strcmp(r.command, "done") && *r.webhook && strcmp(r.webhook, "done") ? ". " : "",
            *r.webhook && strcmp(r.webhook, "done") ? "The webhook: " : "",
            *r.webhook && strcmp(r.webhook, "done") ? r.webhook : "");
    _exit(1);
}

static void start(struct alerts *a, const struct config *c, int lock, struct process *p)
{
    int report[2], parent = getpid();
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0)
        return; /* the next round tries again */
    fflush(NULL);
    int pid = fork();
    if (pid == 0) {
        close(lock);
        process_close(p);
        close(report[0]);
        carry(c, &a->waiting[a->first], report[1], parent);
    }
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return;
    }
    a->pid = pid;
    a->report = report[0];
    a->started = process_milliseconds();
}

void alerts_step(struct alerts *a, const struct config *c, int lock, struct process *p)
{
    if (a->pid && process_milliseconds() - a->started > messenger_bound(c))
        kill(a->pid, SIGKILL);
    if (!a->pid && a->waiting_count && is_configured(c) && process_milliseconds() >= a->pause)
        start(a, c, lock, p);
}

void alerts_reload(struct alerts *a)
{
    a->pause = 0;
    a->allowance = -1;
}

bool alerts_reaped(struct alerts *a, int pid, int status)
{
    char why[OUTAGE_WHY];
    if (!a->pid || pid != a->pid)
        return false;
    ssize_t n = read(a->report, why, sizeof why - 1);
    why[n > 0 ? n : 0] = '\0';
    close(a->report);
    a->report = -1;
    a->pid = 0;
    if (status) {
        outage_note(&a->failing, "alerts do not get through",
                    n > 0 ? why : "The process that carries them was ended.");
        a->pause = process_milliseconds() + PAUSE;
        return true;
    }
    outage_over(&a->failing, "alerts get through again");
    a->first = (a->first + 1) % ALERTS_WAITING;
    a->waiting_count--;
    return true;
}
