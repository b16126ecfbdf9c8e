/* orderful_confirm: did a document in doubt arrive? Orderful has no idempotency key, so it is looked up by
 * its business number: one transaction made since the attempt that belongs to no other document is taken for
 * ours; none, in several looks over a minute, means that it did not arrive; more than one is for a person. */
#include "adapter/orderful/orderful.h"
#include "adapter/url.h"
#include "base/date.h"
#include "base/json.h"
#include <stdio.h>
#include <strings.h>
#include <time.h>

#define SKEW 300 /* seconds between Orderful's clock and ours, at most */
#define PAGES 5  /* of a list by one business number */
#define KIND "GET list"

struct looking {
    struct endpoint *endpoint;
    struct delivery *delivery;
    const struct orderful_type *type;
    const char *number;
    char found[128];
    int count;
    struct buffer ids; /* all that were found, for a person */
};

/* ---- whose is it? ---- */

static int foreign(void *context, const char *kind, const char *value, const char *document)
{
    const struct looking *l = context;
    (void)value;
    return !strcmp(kind, "external") && strcmp(document, l->delivery->document->name) != 0 ? 1 : 0;
}

static bool is_side(const json_t *side, const char *live, const char *test)
{
    const char *ids[] = {json_text_at(side, "isaId"), json_text_at(side, "testIsaId"),
                         json_text_at(side, "liveIsaId")};
    for (size_t i = 0; i < 3; i++)
        if (ids[i] && ((live && !strcmp(ids[i], live)) || (test && !strcmp(ids[i], test))))
            return true;
    return false;
}

/* A filter that is not understood filters nothing: what comes back is looked at. Types are compared by their
 * three digits. */
static bool is_ours(const struct looking *l, const json_t *t)
{
    const struct orderful *o = l->endpoint->session;
    const struct partner *p = l->delivery->partner;
    const char *number = json_text_at(t, "businessNumber"), *type = json_text_at(t, "type.name");
    const char *stream = json_text_at(t, "stream"), *created = json_text_at(t, "createdAt");
    struct instant at;
    return number && !strcmp(number, l->number) && type && !strncmp(type, l->type->set, 3) && stream &&
           !strcasecmp(stream, orderful_stream(o, true)) &&
           is_side(json_object_get(t, "sender"), p->our_live_isa_id, p->our_test_isa_id) &&
           is_side(json_object_get(t, "receiver"), p->live_isa_id, p->test_isa_id) &&
           (!created || !instant_parse(slice_of(created), &at) ||
            at.seconds >= l->delivery->attempted - SKEW);
}

static int consider(struct looking *l, const json_t *t)
{
    char id[128];
    orderful_id(json_object_get(t, "id"), id);
    if (!*id || !is_ours(l, t) ||
        strstr(l->ids.ptr ? l->ids.ptr : "", arena_printf(l->delivery->findings->arena, " %s,", id)))
        return 0;
    int owned = state_links(l->endpoint->state, id, foreign, l);
    if (owned < 0)
        return -1;
    if (owned)
        return 0;
    buffer_printf(&l->ids, " %s,", id);
    snprintf(l->found, sizeof l->found, "%s", id);
    l->count++;
    return 0;
}

/* ---- looking ---- */

/* Without ISA ids in the filter: whether it takes test ids is not documented, and is_ours looks at both sides
 * itself. */
static const char *list_target(const struct looking *l)
{
    const struct orderful *o = l->endpoint->session;
    struct buffer url = {0};
    buffer_text(&url, o->path_v3);
    url_query(&url, "businessNumber", l->number);
    url_query(&url, "transactionType", l->type->v3);
    url_query(&url, "stream", orderful_stream(o, false));
    const char *target = arena_text(l->delivery->findings->arena, buffer_as_slice(&url));
    buffer_free(&url);
    return target;
}

/* Walks a list; false when it could not be read to its end (*wait). */
static bool look(struct looking *l, const char *target, int64_t *wait, bool *broken)
{
    struct findings *f = l->delivery->findings;
    for (int page = 0; target && page < PAGES; page++) {
        struct http_exchange x;
        json_t *answer, *row;
        size_t i;
        enum orderful_got got = orderful_get(l->endpoint, KIND, target, &answer, &x, wait, f);
        bool good = got == ORDERFUL_OK && json_is_array(json_object_get(answer, "data"));
        *broken = !good && (got == ORDERFUL_OK || got == ORDERFUL_BROKEN);
        json_array_foreach(json_object_get(answer, "data"), i, row) good = good && consider(l, row) == 0;
        json_t *record = http_record(&x, 16 * 1024);
        json_object_set_new(l->delivery->receipt, "looked_up", record);
        const char *next = json_text_at(answer, "metadata.pagination.links.next");
        target = next ? arena_text(f->arena, slice_of(next)) : NULL;
        json_decref(answer);
        http_exchange_free(&x);
        if (!good)
            return false;
    }
    return true;
}

/* ---- what follows ---- */

static void later(struct delivery *d, int64_t seconds)
{
    d->verdict = IN_DOUBT;
    d->not_before = time(NULL) + (seconds < 1 ? 1 : seconds);
}

/* Looks so far stand in the envelope, so that a restart does not begin to count anew. */
static json_t *notes(struct delivery *d)
{
    json_t *kept = json_object_get(d->document->envelope, "confirm");
    if (json_integer_at(kept, "attempt", -1) != (int64_t)d->attempt) {
        kept = json_pack("{s:i}", "attempt", (int)d->attempt);
        json_object_set_new(d->document->envelope, "confirm", kept);
    }
    return kept;
}

/* The list could not be read: 1, 1, 2, 2, 4, 4 … 60 seconds, or what they ask for. */
static void not_read(struct delivery *d, int64_t wait, bool broken)
{
    json_t *kept = notes(d);
    int64_t failures = json_integer_at(kept, "failures", 0) + 1;
    json_object_set_new(kept, "failures", json_integer(failures));
    if (broken)
        wait = failures > 12 ? 60 : (int64_t)1 << ((failures - 1) / 2);
    later(d, wait > 60 && broken ? 60 : wait);
}

static void not_there(struct looking *l)
{
    const struct orderful *o = l->endpoint->session;
    struct delivery *d = l->delivery;
    json_t *kept = notes(d);
    int64_t now = time(NULL), looks = json_integer_at(kept, "looks", 0) + 1,
            first = json_integer_at(kept, "first", now);
    if (first > now) /* the clock was set back */
        first = now;
    if (looks >= o->confirm_looks && now - first >= o->confirm_seconds) {
        json_object_del(d->document->envelope, "confirm");
        d->verdict = RETRY;
        d->not_before = 0;
        json_object_set_new(d->receipt, "confirmed", json_string("it did not arrive"));
        return;
    }
    json_object_set_new(kept, "looks", json_integer(looks));
    json_object_set_new(kept, "first", json_integer(first));
    json_object_del(kept, "failures");
    finding_add(d->findings, SEVERITY_NOTE, "orderful.looking", l->endpoint->config->name, "",
                "%s was not found at Orderful in look %lld of at least %ld.", l->number, (long long)looks,
                o->confirm_looks);
    later(d, o->confirm_looks > 1 ? o->confirm_seconds / (o->confirm_looks - 1) : o->confirm_seconds);
}

static void found(struct looking *l)
{
    struct delivery *d = l->delivery;
    json_object_del(d->document->envelope, "confirm");
    if (l->count == 1) {
        d->verdict = DELIVERED;
        d->awaited = true;
        d->acknowledgment_due = orderful_acknowledgment_due(d);
        snprintf(d->external, sizeof d->external, "%s", l->found);
        json_object_set_new(d->receipt, "confirmed", json_sprintf("found at Orderful as %s", l->found));
        return;
    }
    d->verdict = REJECTED;
    finding_add(d->findings, SEVERITY_ERROR, "orderful.several", l->endpoint->config->name,
                "Look at them in Orderful, remove what is too much, and decide: to send it once more, move "
                "the folder to the "
                "outbox; else leave it here.",
                "The answer to the last try was lost, and %d transactions there could be it:%.*s.", l->count,
                (int)l->ids.len - 1, l->ids.ptr);
}

void orderful_confirm(struct endpoint *e, struct delivery *d)
{
    const char *canonical = d->sending ? d->sending->type : document_text(d->document, "type");
    struct looking l = {.endpoint = e,
                        .delivery = d,
                        .type = orderful_type(e->session, canonical),
                        .number = document_text(d->document, "number")};
    int64_t wait = 5;
    if (!d->receipt)
        d->receipt = json_object();
    if (!l.type || !l.number || !d->partner) {
        d->verdict = REJECTED;
        finding_add(d->findings, SEVERITY_ERROR, "orderful.in-doubt", e->config->name,
                    "Look for it in Orderful. If it is there, leave it here; if not, move it to translate/.",
                    "The answer to the last try was lost, and without a number, type and partner it cannot "
                    "be looked up.");
        return;
    }
    bool broken = false;
    if (!look(&l, list_target(&l), &wait, &broken))
        not_read(d, wait, broken);
    else if (l.count)
        found(&l);
    else
        not_there(&l);
    buffer_free(&l.ids);
}
