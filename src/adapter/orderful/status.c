/* orderful_status: what became of documents that Orderful has taken. Each is asked about in growing intervals
 * until it is delivered and, where that is expected, acknowledged; every change is written into its folder.
 * What was refused goes to error/ with Orderful's reasons. */
#include "adapter/orderful/orderful.h"
#include "adapter/url.h"
#include "base/json.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define KIND "GET transaction"
#define KIND_DETAIL "GET detail"
#define RECEIPT_BODY (16 * 1024)
#define IDLE_SECONDS 60
#define JUST_MADE                                                                                            \
    "PROCESSING PENDING NOT_ACKNOWLEDGED" /* no news of a transaction that has just been created */
#define MISSING_LOOKS 4 /* a transaction that has just been made may not be readable at once */
#define HOUR 3600
#define DAY 86400

struct look { /* one document looked at */
    struct awaited row;
    struct http_exchange exchange;
    json_t *answer;
};

struct looks {
    struct look *items;
    size_t count, room;
};

/* ---- time ---- */

/* 1 s, 2 s, 4 s … up to status_interval; after a day of waiting an hour, after a week six. */
static int64_t interval(const struct orderful *o, const struct awaited *a, int64_t now)
{
    int64_t step = a->looks > 20 ? o->status_interval : (int64_t)1 << (a->looks > 0 ? a->looks - 1 : 0);
    int64_t most = now - a->since > 7 * DAY ? 6 * HOUR : now - a->since > 1 * DAY ? HOUR : o->status_interval;
    return a->looks > 20 || step > most ? most : step;
}

static void ask_again(struct endpoint *e, struct awaited *a, int64_t seconds)
{
    a->next_look = time(NULL) + (seconds < 1 ? 1 : seconds);
    state_await(e->state, a);
}

/* ---- the folder ---- */

enum place { PLACE_GONE, PLACE_ERROR, PLACE_THERE };

static enum place place_of(const struct endpoint *e, const char *document)
{
    char path[512];
    if (!spool_find(e->spool, document, path))
        return PLACE_GONE;
    return !strncmp(path, "error/", 6) ? PLACE_ERROR : PLACE_THERE;
}

/* Into the folder first, then into state: after a crash between the two it is found out, and written, once
 * more. */
static bool record(struct endpoint *e, struct look *l, const char *note, bool failed, struct findings *f)
{
    json_t *receipt = http_record(&l->exchange, RECEIPT_BODY);
    bool good = adapter_record(e, l->row.document, note, receipt, failed, f) == 0;
    json_decref(receipt);
    if (good)
        log_info("%s: %s", l->row.document, note);
    else
        ask_again(e, &l->row, 60);
    return good;
}

static void done(struct endpoint *e, const struct look *l)
{
    state_await_done(e->state, l->row.document);
}

static void fail(struct endpoint *e, struct look *l, const char *note, struct findings *f)
{
    if (record(e, l, note, true, f))
        done(e, l);
}

/* ---- reasons ---- */

/* The list of validation errors: bare, or beside other members. */
static const json_t *error_list(const json_t *answer)
{
    const char *name;
    json_t *value;
    if (json_is_array(answer))
        return answer;
    json_object_foreach((json_t *)(uintptr_t)answer, name, value) if (json_is_array(value)) return value;
    return NULL;
}

static const char *segment(struct arena *a, const char *id)
{
    struct buffer b = {0};
    http_encode(&b, slice_of(id));
    const char *text = arena_text(a, buffer_as_slice(&b));
    buffer_free(&b);
    return text;
}

static void invalid(struct endpoint *e, struct look *l, struct arena *a)
{
    const struct orderful *o = e->session;
    struct findings f = {.arena = a}, ignored = {.arena = a};
    int64_t wait;
    json_t *answer;
    finding_add(&f, SEVERITY_ERROR, "orderful.invalid", arena_printf(a, "transaction %s", l->row.external),
                "Correct the document, the map or the partner's overlay, then move the folder to translate/.",
                "Orderful, or the partner's guideline there, finds the document invalid.");
    const char *target =
        arena_printf(a, "%s/%s/validations", o->path_validations, segment(a, l->row.external));
    enum orderful_got got = orderful_get(e, KIND_DETAIL, target, &answer, NULL, &wait, &ignored);
    if (got == ORDERFUL_WAIT || got == ORDERFUL_BROKEN) {
        ask_again(e, &l->row, wait);
        return;
    }
    const json_t *list = error_list(answer);
    orderful_validation_findings(list, &f);
    if (!json_array_size(list))
        finding_add(&f, SEVERITY_ERROR, "orderful.invalid", "",
                    "Open the transaction in Orderful: it shows why.",
                    "Orderful does not tell this key what is wrong.");
    json_decref(answer);
    fail(e, l, "found invalid by Orderful", &f);
}

/* The errors of the partner's acknowledgment, as findings of that severity. False: ask again later. */
static bool acknowledgment_errors(struct endpoint *e, struct look *l, enum severity severity,
                                  struct findings *f)
{
    const struct orderful *o = e->session;
    struct findings ignored = {.arena = f->arena};
    int64_t wait;
    json_t *answer, *entry;
    size_t i;
    const char *target =
        arena_printf(f->arena, "%s/%s/acknowledgment", o->path_v3, segment(f->arena, l->row.external));
    enum orderful_got got = orderful_get(e, KIND_DETAIL, target, &answer, NULL, &wait, &ignored);
    if (got == ORDERFUL_WAIT || got == ORDERFUL_BROKEN) {
        ask_again(e, &l->row, wait);
        return false;
    }
    json_array_foreach(json_object_get(answer, "errors"), i, entry)
    {
        const char *path = json_text_at(entry, "path"), *message = json_text_at(entry, "message");
        const char *code = json_text_at(entry, "code");
        finding_add(f, severity, "orderful.acknowledgment", path ? path : "", "", "The partner: %s%s%s%s",
                    message ? message : "(no text)", code ? " (code " : "", code ? code : "",
                    code ? ")" : "");
    }
    json_decref(answer);
    return true;
}

static void rejected(struct endpoint *e, struct look *l, struct arena *a)
{
    struct findings f = {.arena = a};
    finding_add(&f, SEVERITY_ERROR, "orderful.rejected", arena_printf(a, "transaction %s", l->row.external),
                "Ask the partner, correct what is wrong, then move the folder to translate/ to send it anew.",
                "The partner has rejected the document (its acknowledgment says so).");
    if (acknowledgment_errors(e, l, SEVERITY_ERROR, &f))
        fail(e, l, "REJECTED by the partner's acknowledgment", &f);
}

static void accepted_with_errors(struct endpoint *e, struct look *l, struct arena *a)
{
    struct findings f = {.arena = a};
    if (!acknowledgment_errors(e, l, SEVERITY_WARNING, &f))
        return;
    struct buffer note = {0};
    buffer_text(&note, "acknowledged by the partner: ACCEPTED_WITH_ERRORS");
    for (const struct finding *i = f.first; i; i = i->next)
        buffer_printf(&note, "; %s", i->what);
    log_warning("%s: %s", l->row.document, note.ptr);
    if (record(e, l, note.ptr, false, &f))
        done(e, l);
    buffer_free(&note);
}

static void undeliverable(struct endpoint *e, struct look *l, struct arena *a)
{
    struct findings f = {.arena = a};
    finding_add(&f, SEVERITY_ERROR, "orderful.undeliverable",
                arena_printf(a, "transaction %s", l->row.external),
                "See in Orderful why; when the partner's channel is well again, send it from there, or move "
                "the folder to "
                "the outbox.",
                "Orderful could not deliver the document to the partner (delivery status FAILED).");
    fail(e, l, "delivery to the partner FAILED", &f);
}

static void disappeared(struct endpoint *e, struct look *l, struct arena *a)
{
    struct findings f = {.arena = a};
    if (l->row.looks < MISSING_LOOKS) {
        ask_again(e, &l->row, interval(e->session, &l->row, time(NULL)));
        return;
    }
    finding_add(&f, SEVERITY_ERROR, "orderful.missing", arena_printf(a, "transaction %s", l->row.external),
                "Somebody may have deleted it there. To send it anew, move the folder to the outbox.",
                "Orderful no longer knows the transaction.");
    fail(e, l, "the transaction is no longer at Orderful", &f);
}

/* ---- one answer ---- */

static const char *status_of(const json_t *t, const char *member)
{
    const char *text = json_text_at(t, member);
    return text ? text : "?";
}

/* "VALID DELIVERED NOT_ACKNOWLEDGED", and " late" when our own deadline has passed. */
static void status_text(const struct look *l, int64_t now, char out[256])
{
    snprintf(out, 256, "%.60s %.60s %.60s%s", status_of(l->answer, "validationStatus"),
             status_of(l->answer, "deliveryStatus"), status_of(l->answer, "acknowledgmentStatus"),
             l->row.due && now > l->row.due ? " late" : "");
}

static bool is(const struct look *l, const char *member, const char *value)
{
    return !strcmp(status_of(l->answer, member), value);
}

/* Nothing is decided yet: a change is noted, a delay warned of, and it is asked again. */
static void goes_on(struct endpoint *e, struct look *l, const char *status, bool changed)
{
    int64_t now = time(NULL);
    bool late = strstr(status, " late") || is(l, "acknowledgmentStatus", "OVERDUE");
    struct findings none = {0};
    char note[400];
    snprintf(note, sizeof note, "Orderful: %s%s", status,
             late ? "; the acknowledgment is overdue: ask the partner whether it has the document" : "");
    if (changed && late)
        log_warning("%s: the acknowledgment of transaction %s is overdue", l->row.document, l->row.external);
    if (changed && !record(e, l, note, false, &none))
        return;
    if (changed) {
        l->row.looks = l->row.looks > 2 ? 2 : l->row.looks;
        snprintf(l->row.status, sizeof l->row.status, "%s", status);
    }
    ask_again(e, &l->row, interval(e->session, &l->row, now));
}

static void judge(struct endpoint *e, struct look *l, struct arena *a)
{
    const struct orderful *o = e->session;
    const char *stream = json_text_at(l->answer, "stream");
    struct findings none = {.arena = a};
    char status[256], note[400];
    status_text(l, time(NULL), status);
    bool changed = strcmp(status, *l->row.status ? l->row.status : JUST_MADE) != 0;
    bool delivered = is(l, "deliveryStatus", "DELIVERED"),
         accepted = is(l, "acknowledgmentStatus", "ACCEPTED");
    if (stream && strcasecmp(stream, orderful_stream(o, true)) != 0)
        log_warning("%s: transaction %s is in the stream %s, the endpoint in %s", l->row.document,
                    l->row.external, stream, orderful_stream(o, false));
    if (is(l, "validationStatus", "INVALID")) {
        invalid(e, l, a);
    } else if (is(l, "deliveryStatus", "FAILED")) {
        undeliverable(e, l, a);
    } else if (is(l, "acknowledgmentStatus", "REJECTED")) {
        rejected(e, l, a);
    } else if (is(l, "acknowledgmentStatus", "ACCEPTED_WITH_ERRORS")) {
        accepted_with_errors(e, l, a);
    } else if (accepted || (delivered && !l->row.due)) {
        snprintf(note, sizeof note, "Orderful: %s", status);
        if (record(e, l, note, false, &none))
            done(e, l);
    } else {
        goes_on(e, l, status, changed);
    }
}

/* ---- the round ---- */

static int collect(void *context, const struct awaited *a)
{
    struct looks *all = context;
    if (all->count < all->room)
        all->items[all->count++].row = *a;
    return 0;
}

/* Documents that nobody has to be asked about any more. */
static bool is_over(struct endpoint *e, struct look *l)
{
    enum place place = place_of(e, l->row.document);
    if (place == PLACE_THERE && *l->row.external)
        return false;
    if (place == PLACE_GONE)
        log_warning(
            "%s: its folder is no longer in the spool; its fate at Orderful is not asked for any more",
            l->row.document);
    done(e, l);
    return true;
}

static void ask_all(struct endpoint *e, struct looks *all, struct arena *a, int64_t *wait, struct findings *f)
{
    const struct orderful *o = e->session;
    struct http_exchange **under_way = arena_zero(a, (all->count + 1) * sizeof *under_way);
    size_t n = 0;
    for (size_t i = 0; i < all->count && !*wait; i++) {
        struct look *l = &all->items[i];
        if (is_over(e, l))
            continue;
        int64_t taken = orderful_take(e, KIND);
        const char *url =
            url_below(a, o->url, arena_printf(a, "%s/%s", o->path_v3, segment(a, l->row.external)));
        if (taken)
            *wait = taken > 0 ? taken : 5;
        else if (!orderful_request(e, &l->exchange, "GET", url, false, f))
            *wait = 300;
        else {
            l->exchange.context = l;
            under_way[n++] = &l->exchange;
        }
    }
    http_perform(o->http, under_way, n, (size_t)o->in_flight);
}

static void judge_all(struct endpoint *e, struct looks *all, struct arena *a, int64_t *wait,
                      struct findings *f)
{
    for (size_t i = 0; i < all->count; i++) {
        struct look *l = &all->items[i];
        int64_t pause;
        if (!l->exchange.context)
            continue;
        orderful_learn(e, KIND, &l->exchange);
        enum orderful_got got = orderful_judge_get(e, &l->exchange, &l->answer, &pause, f);
        if (got == ORDERFUL_OK || got == ORDERFUL_MISSING)
            l->row.looks++;
        if (got == ORDERFUL_OK)
            judge(e, l, a);
        else if (got == ORDERFUL_MISSING)
            disappeared(e, l, a);
        else if (pause > *wait)
            *wait = pause; /* the row stays due */
        json_decref(l->answer);
        http_exchange_free(&l->exchange);
    }
}

static int earliest(void *context, const struct awaited *a)
{
    *(int64_t *)context = a->next_look;
    return 1;
}

int orderful_chores(struct endpoint *e, int64_t *next, struct findings *f)
{
    const struct orderful *o = e->session;
    struct arena a = {0};
    struct looks all = {.room = (size_t)o->in_flight * 4};
    int64_t now = time(NULL), wait = 0, first = 0;
    unsigned problems = f->errors + f->warnings;
    all.items = arena_zero(&a, all.room * sizeof *all.items);
    int status = state_awaited(e->state, e->config->name, now, (int)all.room, collect, &all);
    if (status == 0) {
        ask_all(e, &all, &a, &wait, f);
        judge_all(e, &all, &a, &wait, f);
        status = state_awaited(e->state, e->config->name, 0, 1, earliest, &first);
    }
    arena_free(&a);
    now = time(NULL);
    *next = first ? first : now + IDLE_SECONDS; /* what a courier sends meanwhile wakes the poller */
    if (*next < now + wait)
        *next = now + wait;
    if (status < 0)
        finding_add(f, SEVERITY_ERROR, "state", e->config->name, "", "The state cannot be used: %s.",
                    state_error(e->state));
    return f->errors + f->warnings != problems ? -1 : 0;
}
