/* courier: sends what stands in outbox/<endpoint>, in the order in which it came. One process an endpoint,
 * held by a lock on the folder. What happens to a group is in dispatch.c; this file chooses it.
 *
 * The folder is listed when something was moved in and then worked off. What is known of a document that
 * waits (when it may be tried again, which order it belongs to) stays in memory, so that a backlog that waits
 * is not opened at every look. A document is passed over while an earlier one with the same order number for
 * the same partner is still there.
 *
 * Ends with a failure when the disk or the state fails; what it had in hand is found in doubt, and asked
 * about. */
#include "base/date.h"
#include "base/hash.h"
#include "base/log.h"
#include "net/backoff.h"
#include "role/dispatch.h"
#include "role/holds.h"
#include "role/listing.h"
#include "role/order.h"
#include "role/role.h"
#include "role/urgent.h"
#include "spool/watch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define PROBE_LIMIT 8  /* documents a group while nothing arrives */
#define CLOCK_SLACK 60 /* s */
#define FEW_WISHES 100 /* documents named at once for which what is before them is looked for */

struct waiting { /* a document of the outbox */
    const char *name;
    int64_t not_before;          /* seconds since 1970, known once it was opened */
    uint64_t order;              /* hash of partner and order number; 0: not opened yet */
    uint64_t kin;                /* holds_kin, known with it */
    const struct urgent *urgent; /* a person wants it tried at once */
    bool gone;
};

struct courier {
    struct desk desk;
    struct process process;
    const struct config *config;
    struct board_entry *board;
    struct watch *watch;
    int outbox;
    struct listing listing;
    struct arena names, names_before;
    struct waiting *waiting;
    size_t count, first; /* waiting[first..count) */
    bool dirty, forget;  /* list anew; and forget what was known */
    int64_t
        paused_until; /* the whole endpoint: held, or the other side is away; ms of process_milliseconds */
    bool held;
    bool reached;               /* something arrived, or was answered, since this process began */
    unsigned unopened;          /* times that the adapter could not be opened for what may pass */
    unsigned failures;          /* groups in a row of which nothing arrived */
    size_t limit;               /* documents a group */
    struct arena arena;         /* of the group at hand */
    struct blocked_set blocked; /* orders passed over in this look */
    struct holds holds;
    struct arena wishes; /* what urgent points to */
    size_t urgent;       /* documents that somebody wants tried at once */
    long kept;           /* documents that wait for a person, or behind such ones, in this look */
};

/* ---- what waits ---- */

static void event(void *context, int tag, const char *name, bool closed_or_moved)
{
    struct courier *c = context;
    (void)tag;
    (void)closed_or_moved;
    if (name[0] != '.')
        c->dirty = true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct waiting *)a)->name, ((const struct waiting *)b)->name);
}

/* Reads the outbox anew; what was known of those that are still there is kept. */
static int list_outbox(struct courier *c)
{
    if (listing_read(&c->listing, c->outbox, BY_NAME) < 0) {
        log_error("the outbox cannot be listed: %s", strerror(errno));
        return -1;
    }
    size_t n = c->listing.count;
    struct waiting *now = calloc(n + 1, sizeof *now);
    if (!now)
        abort();
    arena_reset(&c->names_before);
    c->urgent = 0;
    for (size_t i = 0; i < n; i++) {
        const struct waiting wanted = {.name = c->listing.items[i].name}, *known = NULL;
        if (c->count > c->first)
            known = bsearch(&wanted, c->waiting + c->first, c->count - c->first, sizeof wanted, by_name);
        now[i] = known && !known->gone && !c->forget ? *known : wanted;
        now[i].urgent = known && !known->gone ? known->urgent : NULL;
        c->urgent += now[i].urgent != NULL;
        now[i].name = arena_text(&c->names_before, slice_of(wanted.name));
    }
    struct arena before = c->names;
    c->names = c->names_before;
    c->names_before = before;
    free(c->waiting);
    c->waiting = now;
    c->count = n;
    c->first = 0;
    c->dirty = c->listing.late;
    c->forget = false;
    return 0;
}

/* "not_before" of an envelope, as the courier or a person wrote it. One that was written in what is the
 * future now is of a clock that has been set back since, and is over. */
static int64_t not_before_of(const struct document *d)
{
    const char *text = document_text(d, "not_before");
    struct instant when;
    struct stat st;
    if (!text || !instant_parse(slice_of(text), &when) ||
        (fstatat(d->folder, "document.json", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         st.st_ctim.tv_sec > instant_now().seconds + CLOCK_SLACK))
        return 0;
    return when.seconds;
}

/* Nothing is begun with a folder that cannot be written: an effect without a note of it must not be. */
static bool is_ours(const struct document *d)
{
    return faccessat(d->folder, ".", R_OK | W_OK | X_OK, AT_EACCESS) == 0;
}

static void leave_alone(struct courier *c, struct waiting *w, const char *why)
{
    if (w->not_before != INT64_MAX)
        log_warning("outbox/%s/%s cannot be worked on and is left alone: %s", c->desk.endpoint.config->name,
                    w->name, why);
    w->order = 1;
    w->not_before = INT64_MAX;
}

/* Opens a document and learns what there is to know of it. False when it is none or has gone. */
static bool look_into(struct courier *c, struct waiting *w, struct document *d)
{
    struct findings f = {.arena = &c->arena};
    if (document_open(d, c->outbox, w->name, &f) < 0) {
        if (errno != ENOENT)
            leave_alone(c, w, first_finding(&f));
        else
            w->gone = true;
        return false;
    }
    if (!is_ours(d)) {
        leave_alone(c, w, strerror(errno));
        document_close(d);
        return false;
    }
    char place[160];
    snprintf(place, sizeof place, "outbox/%s", c->desk.endpoint.config->name);
    if (document_take(d, place) > 0) {
        log_info("%s was put back", w->name);
        if (document_save(d) < 0)
            log_warning("%s cannot be written: %s", w->name, strerror(errno));
    }
    w->order = order_of(d);
    w->kin = holds_kin(d);
    w->not_before = not_before_of(d);
    return true;
}

static void wake_at(int64_t *next, int64_t seconds)
{
    if (!*next || seconds < *next)
        *next = seconds;
}

/* Held with its like. One of them goes when the time of the hold is over, to see. */
static bool is_kept(struct courier *c, const struct waiting *w, int64_t *next)
{
    int64_t until, now = process_milliseconds();
    if (!holds_keep(&c->holds, w->kin, &until))
        return false;
    if (until > now)
        wake_at(next, instant_now().seconds + (until - now + 999) / 1000);
    c->kept++;
    return true;
}

enum back { GOES, BEHIND, LATER, KEPT };

static enum back is_later(const struct waiting *w, int64_t *next)
{
    if (w->not_before != INT64_MAX)
        wake_at(next, w->not_before);
    return LATER;
}

/* What keeps a document back that was opened at some time. */
static enum back held_back(struct courier *c, const struct waiting *w, int64_t now, int64_t *next)
{
    const struct blocked *behind = blocked_find(&c->blocked, w->order);
    if (behind) {
        c->kept += behind->held;
        return BEHIND;
    }
    if (w->urgent && *w->urgent->document)
        return GOES;
    if (w->not_before > now && !w->urgent)
        return is_later(w, next);
    return is_kept(c, w, next) ? KEPT : GOES;
}

/* It is tried now: the history says who wanted that. */
static void grant(struct courier *c, struct waiting *w, struct document *d)
{
    if (!w->urgent)
        return;
    document_note_person(d, w->urgent->person, w->urgent->reason, "tried at once, by spoolgate retry");
    w->urgent = NULL;
    if (--c->urgent == 0)
        arena_reset(&c->wishes);
}

/* Takes into b what may be sent now; the earliest time at which another one may, in *next (0: none waits for
 * a time). */
static void choose(struct courier *c, struct batch *b, int64_t *next)
{
    int64_t now = instant_now().seconds;
    size_t limit = c->failures && c->limit > PROBE_LIMIT ? PROBE_LIMIT : c->limit;
    blocked_begin(&c->blocked, c->count - c->first);
    for (size_t i = c->first; i < c->count && b->count < limit; i++) {
        struct waiting *w = &c->waiting[i];
        struct document d;
        if (w->gone)
            continue;
        bool known = w->order != 0;
        enum back back = known ? held_back(c, w, now, next) : GOES;
        bool opened = back == GOES && look_into(c, w, &d);
        if (opened && !known)
            back = held_back(c, w, now, next);
        else if (opened && w->not_before > now && !w->urgent) /* as somebody wrote meanwhile */
            back = is_later(w, next);
        if (opened && back == GOES) {
            grant(c, w, &d);
            batch_add(b, &d)->place = i;
        } else if (opened)
            document_close(&d);
        if (w->order)
            blocked_add(&c->blocked, w->order, back == KEPT);
    }
}

/* ---- what a person wants tried at once ---- */

static void urge(struct courier *c, struct waiting *w, const struct urgent *u)
{
    if (w->gone)
        return;
    if (w->not_before == INT64_MAX) { /* left alone: perhaps it can be worked on now */
        w->not_before = 0;
        w->order = 0;
    }
    c->urgent += !w->urgent;
    w->urgent = u;
}

/* The document, and those of its order that are before it, for it cannot overtake them. */
static void urge_document(struct courier *c, struct waiting *w, const struct urgent *u)
{
    struct document d;
    if (!w->order && look_into(c, w, &d))
        document_close(&d);
    for (struct waiting *i = c->waiting + c->first; i <= w; i++) {
        if (!i->order && !i->gone && look_into(c, i, &d))
            document_close(&d);
        if (i == w || (i->order == w->order && w->order > 1))
            urge(c, i, u);
    }
}

static void heed(struct courier *c, const struct urgent *u, bool alone)
{
    const struct waiting wanted = {.name = u->document};
    struct waiting *w = NULL;
    if (!*u->document) {
        log_info("all that waits for %s is tried at once, as %s wants", c->desk.endpoint.config->name,
                 u->person);
        holds_release(&c->holds);
        for (size_t i = c->first; i < c->count; i++)
            urge(c, &c->waiting[i], u);
        return;
    }
    if (c->count > c->first)
        w = bsearch(&wanted, c->waiting + c->first, c->count - c->first, sizeof wanted, by_name);
    if (!w || w->gone)
        return;
    log_info("%s is tried at once, as %s wants", w->name, u->person);
    if (alone)
        urge_document(c, w, u);
    else
        urge(c, w, u); /* of so many named, each names those before it */
}

static void heed_all(struct courier *c, const struct urgent *first)
{
    size_t n = 0;
    for (const struct urgent *u = first; u; u = u->next)
        n++;
    for (const struct urgent *u = first; u; u = u->next)
        heed(c, u, n <= FEW_WISHES);
}

/* ---- the endpoint as a whole ---- */

/* By a clock that nobody sets: a pause does not grow when the time of day is put back. */
static void pause_for(struct courier *c, int64_t milliseconds)
{
    c->paused_until = process_milliseconds() + (milliseconds > 0 ? milliseconds : 0);
}

static int64_t pause_end(const struct courier *c) /* seconds since 1970 */
{
    return instant_now().seconds + (c->paused_until - process_milliseconds() + 999) / 1000;
}

/* outbox/<endpoint>/.held says why nothing is sent, for `status` and whoever looks; removing it resumes. */
static void hold(struct courier *c, int64_t until, const char *why)
{
    char about[OUTAGE_ABOUT];
    holds_mark(&c->holds, HELD_FILE, until, why);
    snprintf(about, sizeof about, "nothing is sent to %s", c->desk.endpoint.config->name);
    outage_note(&c->board->outages[OUTAGE_HELD], about, why);
    c->held = true;
    pause_for(c, (until - instant_now().seconds) * 1000);
}

static void resume(struct courier *c)
{
    char how[OUTAGE_ABOUT];
    if (unlinkat(c->outbox, HELD_FILE, 0) < 0 && errno != ENOENT)
        log_warning("outbox/%s/" HELD_FILE " cannot be removed: %s", c->desk.endpoint.config->name,
                    strerror(errno));
    snprintf(how, sizeof how, "sending to %s is resumed", c->desk.endpoint.config->name);
    outage_over(&c->board->outages[OUTAGE_HELD], how);
    c->held = false;
    c->paused_until = 0;
}

static bool is_paused(struct courier *c)
{
    if (!c->paused_until)
        return false;
    if (c->paused_until > process_milliseconds() &&
        (!c->held || faccessat(c->outbox, HELD_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0))
        return true;
    if (c->paused_until > process_milliseconds())
        log_info("outbox/%s/" HELD_FILE " was removed: sending is tried again",
                 c->desk.endpoint.config->name);
    c->paused_until = 0; /* .held stays until something has been sent */
    return false;
}

/* The adapter is open, or the endpoint is held. */
static bool adapter_is_open(struct courier *c)
{
    struct findings f = {.arena = &c->arena};
    if (c->desk.ready)
        return true;
    if (desk_ready(&c->desk, &f) == 0) {
        c->unopened = 0;
        return true;
    }
    if (f.machine) { /* nobody has to do anything */
        if (!c->unopened++)
            log_findings(&f);
        log_warning("the adapter cannot be opened now; it is tried again");
        pause_for(c, backoff_milliseconds(c->unopened, 500, 30000));
        return false;
    }
    if (!c->held)
        log_findings(&f);
    hold(c, instant_now().seconds + 30,
         *first_finding(&f) ? first_finding(&f) : "The adapter cannot be opened.");
    return false;
}

/* What kept a document from arriving, that is no mere note ("not there yet"); NULL when nothing did. */
static const char *failure(const struct parcel *p)
{
    for (const struct finding *f = p->findings.first; f; f = f->next)
        if (f->severity > SEVERITY_NOTE)
            return f->what;
    return NULL;
}

/* Nothing of the group arrived, and the other side refused nothing either. One document that is tried again
 * alone may be to blame itself: it only goes on with what others have begun, or nobody could begin. */
static void note_failure(struct courier *c, const struct batch *b, bool again)
{
    struct outage *o = &c->board->outages[OUTAGE_SENDING];
    const char *why = NULL;
    char about[OUTAGE_ABOUT];
    for (const struct parcel *p = b->first; p && !why; p = p->next)
        why = failure(p);
    if (!why || (again && c->reached && !o->since))
        return;
    snprintf(about, sizeof about, "nothing arrives at %s", c->desk.endpoint.config->name);
    outage_note(o, about, why);
}

/* What was refused here, before it was sent, says nothing of the other side. */
static void note_success(struct courier *c, const struct batch *b)
{
    char how[OUTAGE_ABOUT];
    bool answered = false;
    for (const struct parcel *p = b->first; p; p = p->next)
        answered |=
            (p->attempted || p->asked) && p->delivery.verdict != RETRY && p->delivery.verdict != IN_DOUBT;
    if (!answered)
        return;
    snprintf(how, sizeof how, "%s is reached again", c->desk.endpoint.config->name);
    outage_over(&c->board->outages[OUTAGE_SENDING], how);
    c->reached = true;
}

/* Nobody waits for the other side: whatever was wrong with it is no outage of ours any more. */
static void note_nothing_waits(struct courier *c)
{
    char how[OUTAGE_ABOUT];
    snprintf(how, sizeof how, "nothing waits for %s any more", c->desk.endpoint.config->name);
    outage_over(&c->board->outages[OUTAGE_SENDING], how);
    outage_over(&c->board->outages[OUTAGE_HELD], how);
}

/* Whether the group has anything to say of the other side: what was delivered before, or stopped here, has
 * not. */
static bool was_tried(const struct batch *b)
{
    for (const struct parcel *p = b->first; p; p = p->next)
        if (p->attempted || p->asked || (p->delivery.verdict != DELIVERED && p->delivery.verdict != REJECTED))
            return true;
    return false;
}

/* After a group: what is remembered of its documents, and whether the other side is there at all. */
static void learn(struct courier *c, const struct batch *b)
{
    for (const struct parcel *p = b->first; p; p = p->next) {
        bool left = p->delivery.verdict == DELIVERED || p->delivery.verdict == REJECTED;
        c->waiting[p->place].gone = left;
        c->waiting[p->place].not_before = left || p->delivery.verdict == HELD ? 0 : p->delivery.not_before;
        if (left && p->attempted)
            holds_lift(&c->holds, c->waiting[p->place].kin);
    }
    for (const struct parcel *p = b->first; p; p = p->next)
        if (p->delivery.verdict == HELD && p->delivery.only_partner)
            holds_add(&c->holds, &p->document, p->delivery.not_before, dispatch_why_held(p));
    if (b->held_until) {
        hold(c, b->held_until, b->held_why);
        return;
    }
    if (!was_tried(b))
        return;
    if (b->count && (c->held || c->board->outages[OUTAGE_HELD].since))
        resume(c);
    if (b->delivered || b->failed || b->held) { /* the other side is there, and knows us */
        note_success(c, b);
        c->failures = 0;
    } else if (b->count) {
        bool again = b->count == 1 && (b->first->asked || b->first->delivery.attempt > 1);
        note_failure(c, b, again);
        if (again)
            return; /* one that was tried before has its own pause, and says nothing of the other side */
        c->failures++;
        pause_for(c, backoff_milliseconds(c->failures, 500, 30000));
    }
}

/* ---- the loop ---- */

/* One look. 1: something was done; 0: nothing to do before *next (0: none known); -1: the role has to end. */
static int look(struct courier *c, int64_t *next)
{
    struct batch b = {.arena = &c->arena};
    int result = 0;
    *next = 0;
    c->kept = 0;
    holds_look(&c->holds);
    const struct urgent *wishes = urgent_take(c->outbox, &c->wishes);
    if (wishes)
        c->paused_until = 0;
    if (is_paused(c)) {
        *next = pause_end(c);
        return 0;
    }
    while (c->first < c->count && c->waiting[c->first].gone)
        c->first++;
    if ((wishes || c->dirty || (c->listing.more && c->first == c->count)) && list_outbox(c) < 0)
        return -1;
    heed_all(c, wishes);
    choose(c, &b, next);
    if (c->first == c->count && !c->listing.more && !c->dirty)
        note_nothing_waits(c);
    if (b.count && !adapter_is_open(c)) {
        *next = pause_end(c);
    } else if (b.count) {
        result = dispatch(&c->desk, &b) < 0 ? -1 : 1;
        if (result > 0)
            learn(c, &b);
        c->board->documents += (long)(b.delivered + b.failed);
    }
    batch_free(&b);
    arena_reset(&c->arena);
    return result;
}

static int64_t until(int64_t next, int64_t rescan)
{
    int64_t wait = rescan - process_milliseconds();
    if (next) {
        struct instant now = instant_now();
        int64_t milliseconds = (next - now.seconds) * 1000 - now.nanoseconds / 1000000 + 1;
        wait = milliseconds < wait ? milliseconds : wait;
    }
    return wait < 0 ? 0 : wait;
}

/* Removed and made anew under us: the next courier locks and watches the new one. */
static bool outbox_was_replaced(const struct courier *c)
{
    struct stat ours, there;
    int fd = spool_outbox(&c->desk.spool, c->desk.endpoint.config->name);
    bool replaced =
        fd < 0 || fstat(fd, &there) < 0 || fstat(c->outbox, &ours) < 0 || ours.st_ino != there.st_ino;
    if (replaced)
        log_warning("the outbox was made anew; the courier is started again");
    return replaced;
}

static int work_until_stopped(struct courier *c)
{
    int64_t rescan = 0, next;
    while (!process_stopping(&c->process)) {
        bool missed = false;
        c->board->busy = 1; /* before looking */
        watch_read(c->watch, event, c, &missed);
        if (missed && outbox_was_replaced(c))
            return EX_UNAVAILABLE;
        if (missed || process_milliseconds() >= rescan) {
            rescan = process_milliseconds() + (int64_t)c->config->rescan_seconds * 1000;
            c->dirty = c->forget = true; /* a person may have written another not_before */
        }
        int result = look(c, &next);
        c->board->cycles++;
        c->board->failed = result < 0 || c->held;
        c->board->next_due = next;
        c->board->held = result || c->dirty || c->listing.more ? 0 : c->kept;
        if (result < 0)
            return EX_CANTCREAT;
        if (result > 0 || (c->dirty && !c->paused_until))
            continue;
        c->board->busy = 0;
        process_wait(&c->process, watch_descriptor(c->watch), until(next, rescan));
    }
    return c->process.reload ? ROLE_RELOAD : EX_OK;
}

/* Where documents go out one by one a group is a few rounds of them, so that what came of the first is on the
 * disk soon. */
static size_t group_limit(const struct courier *c)
{
    struct arena a = {0};
    struct findings ignored = {.arena = &a};
    const char *const *setting = c->desk.endpoint.adapter->settings;
    while (setting && *setting && strcmp(*setting, "in_flight") != 0)
        setting++;
    size_t limit = (size_t)c->config->group;
    if (setting && *setting) {
        long in_flight = endpoint_number(c->desk.endpoint.config, "in_flight", 1, 1000, 8, &ignored);
        limit = (size_t)in_flight * 4 < limit ? (size_t)in_flight * 4 : limit;
    }
    arena_free(&a);
    return limit;
}

static int courier_open(struct courier *c, const char *endpoint)
{
    struct desk *d = &c->desk;
    if (desk_open(d, c->config, "courier", endpoint) < 0)
        return -1;
    if (!d->endpoint.adapter->deliver) {
        log_error("nothing can be sent to %s: the adapter %s only fetches", endpoint,
                  d->endpoint.adapter->name);
        return -1;
    }
    int outbox = spool_outbox(&d->spool, endpoint);
    c->outbox = outbox < 0 ? -1 : openat(outbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->outbox < 0) {
        log_error("outbox/%s cannot be opened: %s", endpoint, strerror(errno));
        return -1;
    }
    if (desk_lock(d, &c->process, c->outbox, "the outbox") < 0)
        return -1;
    c->watch = watch_open();
    if (!c->watch || watch_add(c->watch, c->outbox, 0) < 0) {
        log_error("the outbox cannot be watched: %s", strerror(errno));
        return -1;
    }
    c->limit = group_limit(c);
    holds_open(&c->holds, c->outbox, endpoint);
    return 0;
}

static void courier_close(struct courier *c)
{
    if (c->watch)
        watch_close(c->watch);
    holds_close(&c->holds);
    listing_free(&c->listing);
    arena_free(&c->names);
    arena_free(&c->names_before);
    arena_free(&c->arena);
    arena_free(&c->wishes);
    free(c->waiting);
    blocked_free(&c->blocked);
    desk_close(&c->desk);
}

int role_courier(struct role_context *context, const char *endpoint)
{
    struct courier c = {.config = context->config, .board = context->board, .outbox = -1, .desk.lock = -1};
    int status = EX_CONFIG;
    if (process_open(&c.process) < 0)
        return EX_SOFTWARE;
    process_raise_file_limit();
    if (courier_open(&c, endpoint) == 0)
        status = work_until_stopped(&c);
    else
        status = process_stopping(&c.process) ? EX_OK : desk_status(&c.desk);
    courier_close(&c);
    process_close(&c.process);
    return status;
}
