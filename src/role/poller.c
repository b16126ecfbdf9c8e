/* poller: fetches from one endpoint into inbox/<endpoint>, and does that endpoint's chores: renewing what
 * lapses, asking for the fate of what was sent. It sleeps until the next of these is due; a courier that has
 * sent something whose fate is asked for wakes it by touching the file that it holds locked.
 *
 * A poll that fails is tried again with growing pauses. Killed anywhere it loses nothing: the cursor moves
 * behind what is durable in the inbox, and what was fetched twice is recognised by its business key. */
#include "base/date.h"
#include "base/log.h"
#include "base/tally.h"
#include "net/backoff.h"
#include "role/desk.h"
#include "role/role.h"
#include "spool/watch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#define PAUSE_FIRST 1000  /* ms after the first failure */
#define PAUSE_MOST 300000 /* ms at most */
#define LOOK_AGAIN 30     /* s: what is awaited is looked through at least so often */
#define AWAITED_SEEN 1000
#define LEAST_PAUSE 50 /* ms between two runs; clocks of the system differ by some */

struct task { /* poll or chores */
    const char *what;
    struct outage *outage; /* on the board */
    char about[OUTAGE_ABOUT], over[OUTAGE_ABOUT];
    int (*run)(struct endpoint *e, int64_t *next, struct findings *f);
    int64_t due;   /* of process_milliseconds: a clock that is set back puts nothing off */
    int64_t asked; /* when it was run last, seconds since 1970 */
    unsigned failures;
};

struct poller {
    struct desk desk;
    struct process process;
    struct board_entry *board;
    struct watch *watch;
    int locks;
    char file[256];
    bool woken;
    struct task poll, chores;
    unsigned failures; /* to open the adapter */
    struct arena arena;
};

static int64_t now_milliseconds(void)
{
    struct instant now = instant_now();
    return now.seconds * 1000 + now.nanoseconds / 1000000;
}

/* That moment, as process_milliseconds will say it. */
static int64_t moment(int64_t seconds)
{
    return process_milliseconds() + seconds * 1000 - now_milliseconds();
}

static void event(void *context, int tag, const char *name, bool closed_or_moved)
{
    struct poller *p = context;
    (void)tag;
    if (closed_or_moved && !strcmp(name, p->file))
        p->woken = true;
}

/* ---- tasks ---- */

/* The first finding that is no mere note, or the first. */
static const char *reason(const struct findings *f)
{
    for (const struct finding *i = f->first; i; i = i->next)
        if (i->severity > SEVERITY_NOTE)
            return *i->todo ? arena_printf(f->arena, "%s %s", i->what, i->todo) : i->what;
    return first_finding(f);
}

static void run(struct poller *p, struct task *t)
{
    struct findings f = {.arena = &p->arena};
    int64_t next = 0;
    if (t == &p->poll)
        p->desk.endpoint.put_off = p->desk.endpoint.left_out = false;
    t->asked = instant_now().seconds;
    int result = t->run(&p->desk.endpoint, &next, &f);
    int64_t now = process_milliseconds();
    const char *name = p->desk.endpoint.config->name;
    tally_count(LOOKS, 1,
                TALLY_LABELS(name, t == &p->poll ? "poll" : "chores", result < 0 ? "failed" : "done"));
    if (result > 0 && t == &p->poll)
        tally_count(FETCHED, (uint64_t)result, TALLY_LABELS(name));
    bool fails = result < 0 || (t == &p->poll && p->desk.endpoint.put_off);
    const char *why = reason(&f);
    bool known = fails && t->failures && !strcmp(t->outage->why, why); /* told at growing intervals */
    if (!known)
        log_findings(&f);
    if (fails)
        outage_note(t->outage, t->about, why);
    else
        outage_over(t->outage, t->over);
    if (result < 0) {
        t->failures++;
        t->due = now + backoff_milliseconds(t->failures, PAUSE_FIRST, PAUSE_MOST);
        if (next && moment(next) > t->due)
            t->due = moment(next);
        log_line(known ? LOG_INFO : LOG_WARNING, "%s failed and is tried again in %lld s", t->what,
                 (long long)(t->due - now + 999) / 1000);
    } else {
        t->failures = 0;
        t->due = next > 0 ? moment(next) : now + 60000;
        if (t->due < now + LEAST_PAUSE)
            t->due = now + LEAST_PAUSE;
        if (result > 0)
            log_info("%s: %d documents", t->what, result);
        p->board->documents += result;
    }
    arena_reset(&p->arena);
}

struct looked { /* at what is awaited */
    int64_t now, asked, earliest;
    long overdue;
};

static int look_at_row(void *context, const struct awaited *a)
{
    struct looked *l = context;
    int64_t at = a->next_look > l->asked ? a->next_look : l->asked + 1;
    if (a->next_look >= l->asked && (!l->earliest || at < l->earliest))
        l->earliest = at;
    l->overdue += a->due && a->due <= l->now;
    return 0;
}

/* Something that is awaited may want to be looked at before the chores thought they were due: what a courier
 * entered since. What was due when they ran, and is still there, they have put off themselves (a budget is
 * used up, the other side wants a pause): their own time counts for it. */
static void look_at_awaited(struct poller *p)
{
    struct endpoint *e = &p->desk.endpoint;
    struct looked l = {.now = instant_now().seconds, .asked = p->chores.asked};
    if (!p->chores.run || p->chores.failures)
        return;
    if (state_awaited(e->state, e->config->name, 0, AWAITED_SEEN, look_at_row, &l) < 0)
        log_warning("the state cannot be read: %s", state_error(e->state));
    else
        p->board->overdue = l.overdue;
    if (l.earliest && l.earliest < l.now)
        l.earliest = l.now;
    if (l.earliest && moment(l.earliest) < p->chores.due)
        p->chores.due = moment(l.earliest);
}

/* True when the adapter is open. */
static bool adapter_is_open(struct poller *p)
{
    struct findings f = {.arena = &p->arena};
    if (desk_ready(&p->desk, &f) == 0)
        return true;
    if (!p->failures++)
        log_findings(&f);
    struct task *t = p->poll.run ? &p->poll : &p->chores;
    outage_note(t->outage, t->about, reason(&f));
    p->poll.due = p->chores.due =
        process_milliseconds() + backoff_milliseconds(p->failures, PAUSE_FIRST, PAUSE_MOST);
    p->poll.failures = p->poll.run ? p->failures : 0; /* what is never run never ends a failure */
    p->chores.failures = p->chores.run ? p->failures : 0;
    arena_reset(&p->arena);
    return false;
}

/* ---- the loop ---- */

static int64_t look(struct poller *p)
{
    bool missed = false;
    p->woken = false;
    watch_read(p->watch, event, p, &missed);
    if (p->desk.ready)
        look_at_awaited(p);
    int64_t now = process_milliseconds();
    bool poll = p->poll.run && p->poll.due <= now, chores = p->chores.run && p->chores.due <= now;
    if ((poll || chores) && adapter_is_open(p)) {
        p->failures = 0;
        if (poll)
            run(p, &p->poll);
        if (chores && !process_stopping(&p->process))
            run(p, &p->chores);
        look_at_awaited(p);
    }
    if (poll || chores)
        p->board->cycles++;
    bool failed = p->poll.failures || p->chores.failures;
    p->board->put_off = !failed && p->desk.endpoint.put_off;
    p->board->left_out = p->desk.endpoint.left_out;
    p->board->failed = failed || p->desk.endpoint.put_off;
    int64_t next = p->poll.run ? p->poll.due : p->chores.due;
    if (p->chores.run && p->chores.due < next)
        next = p->chores.due;
    p->board->next_due = (now_milliseconds() + next - process_milliseconds()) / 1000;
    return next;
}

static int work_until_stopped(struct poller *p)
{
    while (!process_stopping(&p->process)) {
        p->board->busy = 1;
        int64_t next = look(p), now = process_milliseconds();
        if (next <= now)
            continue;
        p->board->busy = 0;
        int64_t wait = next - now;
        if (p->chores.run && wait > LOOK_AGAIN * 1000)
            wait = LOOK_AGAIN * 1000;
        process_wait(&p->process, watch_descriptor(p->watch), wait);
    }
    return p->process.reload ? ROLE_RELOAD : EX_OK;
}

static int poller_open(struct poller *p, const struct config *c, const char *endpoint)
{
    struct desk *d = &p->desk;
    if (desk_open(d, c, "poller", endpoint) < 0)
        return -1;
    const struct adapter *a = d->endpoint.adapter;
    if (!a->poll && !a->chores) {
        log_error("there is nothing to fetch from %s: the adapter %s only sends", endpoint, a->name);
        return -1;
    }
    p->poll = (struct task){.what = "fetching", .run = a->poll};
    p->chores = (struct task){.what = "looking after what was sent", .run = a->chores};
    p->poll.outage = &p->board->outages[OUTAGE_FETCHING];
    p->chores.outage = &p->board->outages[OUTAGE_CHORES];
    snprintf(p->poll.about, OUTAGE_ABOUT, "nothing can be fetched from %s", endpoint);
    snprintf(p->poll.over, OUTAGE_ABOUT, "%s can be fetched from again", endpoint);
    snprintf(p->chores.about, OUTAGE_ABOUT, "what was sent to %s cannot be looked after", endpoint);
    snprintf(p->chores.over, OUTAGE_ABOUT, "what was sent to %s can be looked after again", endpoint);
    desk_poller_file(endpoint, p->file);
    p->locks = desk_locks_folder(&d->spool);
    int fd = p->locks < 0 ? -1 : openat(p->locks, p->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (desk_lock(d, &p->process, fd, p->file) < 0)
        return -1;
    p->watch = watch_open();
    if (!p->watch || watch_add(p->watch, p->locks, 0) < 0) {
        log_error(".locks cannot be watched: %s", strerror(errno));
        return -1;
    }
    return 0;
}

int role_poller(struct role_context *context, const char *endpoint)
{
    struct poller p = {.board = context->board, .locks = -1, .desk.lock = -1};
    int status = EX_CONFIG;
    if (process_open(&p.process) < 0)
        return EX_SOFTWARE;
    if (poller_open(&p, context->config, endpoint) == 0)
        status = work_until_stopped(&p);
    else
        status = process_stopping(&p.process) ? EX_OK : desk_status(&p.desk);
    if (p.watch)
        watch_close(p.watch);
    if (p.locks >= 0)
        close(p.locks);
    desk_close(&p.desk);
    arena_free(&p.arena);
    process_close(&p.process);
    return status;
}
