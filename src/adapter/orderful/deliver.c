/* orderful_deliver: documents to POST /v3/transactions or POST /transactions, several in flight. What is
 * known to fail (a missing relationship, a refused key, a limit reached) is not tried document by document.
 */
#include "adapter/orderful/orderful.h"
#include "adapter/url.h"
#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KIND_V3 "POST v3"
#define KIND_V4 "POST v4"

enum { CHUNKS = 2 }; /* times in_flight: so many are under way before their answers are looked at */

struct parcel_plan { /* what is sent for one document */
    struct http_exchange exchange;
    struct buffer body;
    bool v4;
};

int64_t orderful_acknowledgment_due(const struct delivery *d)
{
    bool awaited =
        d->sending && d->sending->acknowledgment && strcmp(d->sending->acknowledgment, "none") != 0;
    return awaited ? time(NULL) + (int64_t)d->sending->acknowledgment_hours * 3600 : 0;
}

/* ---- what cannot be sent now ---- */

static struct orderful_hold *held(struct orderful *o, const struct delivery *d)
{
    const char *type = document_text(d->document, "type");
    for (struct orderful_hold *h = o->holds; h; h = h->next)
        if (d->partner && type && !strcmp(h->partner, d->partner->id) && !strcmp(h->type, type))
            return h;
    return NULL;
}

/* A relationship is of one partner and one type. */
static void remember_hold(struct orderful *o, const struct delivery *d)
{
    const char *type = document_text(d->document, "type");
    struct orderful_hold *h = held(o, d);
    if (!d->partner || !type)
        return;
    if (!h) {
        h = arena_zero(&o->arena, sizeof *h);
        snprintf(h->partner, sizeof h->partner, "%s", d->partner->id);
        snprintf(h->type, sizeof h->type, "%s", type);
        h->next = o->holds;
        o->holds = h;
    }
    h->by = d;
}

/* For the rest of this group; the courier keeps the next ones back. */
static bool hold_applies(struct orderful *o, struct delivery *d)
{
    const struct orderful_hold *h = held(o, d);
    if (!h || !h->by)
        return false;
    const struct finding *why = h->by->findings->last;
    d->verdict = HELD;
    d->only_partner = true;
    d->not_before = h->by->not_before;
    finding_add(d->findings, SEVERITY_ERROR, why->code, why->where, why->todo, "%s", why->what);
    return true;
}

/* ---- bodies ---- */

static void quoted(struct buffer *b, const char *text)
{
    json_t *s = json_string(text);
    char *dumped = s ? json_dumps(s, JSON_ENCODE_ANY) : NULL;
    buffer_text(b, dumped ? dumped : "\"\"");
    free(dumped);
    json_decref(s);
}

/* Which dialect the message is in; -1 when it is no JSON object. The message itself goes out by its bytes. */
static int dialect(struct slice message)
{
    json_t *j = json_loadb(message.ptr, message.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    int v4 = !json_is_object(j) ? -1 : json_is_array(json_object_get(j, "transactionSets")) ? 0 : 1;
    json_decref(j);
    return v4;
}

static void body_v3(struct buffer *b, const struct orderful *o, const char *type, const char *sender,
                    const char *receiver, struct slice message)
{
    buffer_text(b, "{\"type\":{\"name\":");
    quoted(b, type);
    buffer_printf(b, "},\"stream\":\"%s\",\"sender\":{\"isaId\":", orderful_stream(o, false));
    quoted(b, sender);
    buffer_text(b, "},\"receiver\":{\"isaId\":");
    quoted(b, receiver);
    buffer_text(b, "},\"message\":");
    buffer_slice(b, message);
    buffer_byte(b, '}');
}

static void body_v4(struct buffer *b, const struct orderful *o, const char *type, const char *sender,
                    const char *receiver, struct slice message)
{
    buffer_text(b, "{\"type\":");
    quoted(b, type);
    buffer_printf(b, ",\"stream\":\"%s\",\"senderId\":", orderful_stream(o, true));
    quoted(b, sender);
    buffer_text(b, ",\"receiverId\":");
    quoted(b, receiver);
    buffer_text(b, ",\"message\":");
    buffer_slice(b, message);
    buffer_byte(b, '}');
}

static bool refuse(struct delivery *d, const char *code, const char *todo, const char *what)
{
    finding_add(d->findings, SEVERITY_ERROR, code, "", todo, "%s", what);
    d->verdict = REJECTED;
    d->unsent = true;
    return false;
}

/* Fills plan->body; false when the document cannot be sent as it is. */
static bool make_body(struct endpoint *e, struct delivery *d, struct parcel_plan *plan)
{
    const struct orderful *o = e->session;
    const char *canonical = d->sending ? d->sending->type : document_text(d->document, "type");
    const struct orderful_type *type = orderful_type(o, canonical);
    const char *sender = d->partner ? orderful_isa_id(o, d->partner, true) : NULL;
    const char *receiver = d->partner ? orderful_isa_id(o, d->partner, false) : NULL;
    struct slice message = slice_trim(d->message);
    int v4 = dialect(message);
    if (v4 < 0)
        return refuse(d, "orderful.message",
                      "Move the folder to translate/, so that the message is made anew.",
                      "The message is not a JSON object.");
    if (!type || (v4 && !type->v4))
        return refuse(
            d, "orderful.type", "Add a line to orderful/transaction-types.tsv in the folder of maps.",
            arena_printf(d->findings->arena, "Orderful's name for documents of the type %s%s is not known.",
                         canonical ? canonical : "(none)", v4 ? " in its own JSON" : ""));
    if (!sender || !receiver)
        return refuse(d, "orderful.isa-id", "Add isa_id (and test_isa_id) to the partner's file and to [us].",
                      "Orderful addresses both sides by their ISA ids, and one of them is not configured.");
    plan->v4 = v4 == 1;
    if (plan->v4)
        body_v4(&plan->body, o, type->v4, sender, receiver, message);
    else
        body_v3(&plan->body, o, type->v3, sender, receiver, message);
    return true;
}

/* ---- before the attempt is written ---- */

void orderful_prepare(struct endpoint *e, struct delivery *const *d, size_t n)
{
    int64_t wait[2] = {0, 0}; /* budgets of v3 and v4 */
    for (size_t i = 0; i < n; i++) {
        struct parcel_plan plan = {.v4 = false};
        if (make_body(e, d[i], &plan)) {
            if (!wait[plan.v4])
                wait[plan.v4] = orderful_take(e, plan.v4 ? KIND_V4 : KIND_V3);
            if (wait[plan.v4]) {
                d[i]->verdict = RETRY;
                d[i]->not_before = time(NULL) + (wait[plan.v4] > 0 ? wait[plan.v4] : 5);
                finding_add(d[i]->findings, SEVERITY_NOTE, "orderful.budget", e->config->name, "",
                            "The number of requests Orderful allows a minute is used up.");
            }
        }
        buffer_free(&plan.body);
    }
}

/* ---- the effect ---- */

static bool plan_request(struct endpoint *e, struct delivery *d, struct parcel_plan *plan)
{
    const struct orderful *o = e->session;
    if (!make_body(e, d, plan))
        return false;
    const char *url = url_below(d->findings->arena, o->url, plan->v4 ? o->path_v4 : o->path_v3);
    if (orderful_request(e, &plan->exchange, "POST", url, plan->v4, d->findings)) {
        plan->exchange.body = buffer_as_slice(&plan->body);
        return true;
    }
    d->verdict = HELD;
    d->not_before = time(NULL) + o->hold_seconds;
    return false;
}

/* Those behind a refusal that would be the same for them: not sent. */
static bool spared(struct orderful *o, struct delivery *d, int refusal, const struct delivery *by)
{
    if (hold_applies(o, d))
        return true;
    if (refusal != 401 && refusal != 403 && refusal != 429)
        return false;
    d->verdict = by->verdict;
    d->not_before = by->not_before;
    finding_add(d->findings, SEVERITY_NOTE, "orderful.spared", "", "", "It was not sent: %s",
                by->findings->last ? by->findings->last->what : "Orderful refuses requests.");
    return true;
}

/* Sends the first of d, as many as are under way at once; returns how many. *refusal, *by: see
 * orderful_judge_create. */
static void send_chunk(struct endpoint *e, struct delivery *const *d, size_t n, int *refusal,
                       const struct delivery **by)
{
    struct orderful *o = e->session;
    struct parcel_plan *plans = calloc(n, sizeof *plans);
    struct http_exchange **under_way = calloc(n, sizeof *under_way);
    size_t count = 0;
    if (!plans || !under_way)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (spared(o, d[i], *refusal, *by) || !plan_request(e, d[i], &plans[i]))
            continue;
        plans[i].exchange.context = d[i];
        under_way[count++] = &plans[i].exchange;
    }
    http_perform(o->http, under_way, count, (size_t)o->in_flight);
    for (size_t i = 0; i < n; i++) {
        struct delivery *sent = plans[i].exchange.context;
        if (sent) {
            orderful_learn(e, plans[i].v4 ? KIND_V4 : KIND_V3, &plans[i].exchange);
            int status = orderful_judge_create(e, sent, &plans[i].exchange);
            if (status == 422)
                remember_hold(o, sent);
            else if (status) {
                *refusal = status;
                *by = sent;
            }
            http_exchange_free(&plans[i].exchange);
        }
        buffer_free(&plans[i].body);
    }
    free(under_way);
    free(plans);
}

void orderful_deliver(struct endpoint *e, struct delivery *const *d, size_t n)
{
    const struct orderful *o = e->session;
    for (struct orderful_hold *h = o->holds; h; h = h->next)
        h->by = NULL; /* of an earlier group */
    size_t most = (size_t)o->in_flight * CHUNKS;
    const struct delivery *by = NULL;
    int refusal = 0;
    for (size_t done = 0; done < n;) {
        size_t chunk = n - done < most ? n - done : most;
        send_chunk(e, d + done, chunk, &refusal, &by);
        done += chunk;
    }
}
