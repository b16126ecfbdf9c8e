/* orderful_confirm: did a document in doubt arrive? Orderful has no idempotency key, so it is looked up by
 * its business number among what belongs to no other document and to no other try of this one:
 *
 *   made since the first try       ours. Both clocks count: net/skew.h knows how far theirs stands from ours
 *   older, or of unknown time      ours when it says what we sent; if it does not, that proves nothing, for
 *                                  rules at Orderful rewrite what comes in, and a clock may have been set
 *   older by more than a day       and how the clocks stand is known: not ours, unless it says what we sent
 *
 * One that is ours: delivered. More than one: for a person. None, in several looks over a minute: it did not
 * arrive; but not while there is one of which nobody can tell, which is for a person too. */
#include "adapter/earlier.h"
#include "adapter/orderful/orderful.h"
#include "adapter/url.h"
#include "base/date.h"
#include "base/json.h"
#include "net/skew.h"
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#define SLACK 300 /* seconds by which a time of theirs may be wrong beyond what is known */
#define LONG_BEFORE 86400
#define PAGES 20   /* of a list by one business number */
#define PERHAPS 8  /* candidates whose content is looked at */
#define FAILURES 6 /* of reading one, then it is not told */
#define KIND "GET list"
#define KIND_DETAIL "GET detail"

enum whose { THEIRS, OURS, OLDER, LONG_OLDER };

struct looking {
    struct endpoint *endpoint;
    struct delivery *delivery;
    const struct orderful_type *type;
    const char *number;
    struct earlier earlier;
    struct skew skew;
    char found[128];
    int count;
    struct buffer ids; /* all that were found, for a person */
    struct candidate { /* of which the time alone does not tell */
        char id[128];
        bool long_before;
    } perhaps[PERHAPS];
    size_t perhaps_count;
    int untold;            /* of which nothing could be told, after all */
    struct buffer untolds; /* their ids */
    bool cut;              /* there was more than was read */
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
static bool speaks_of_it(const struct looking *l, const json_t *t)
{
    const struct orderful *o = l->endpoint->session;
    const struct partner *p = l->delivery->partner;
    const char *number = json_text_at(t, "businessNumber"), *type = json_text_at(t, "type.name");
    const char *stream = json_text_at(t, "stream");
    return number && !strcmp(number, l->number) && type && !strncmp(type, l->type->set, 3) && stream &&
           !strcasecmp(stream, orderful_stream(o, true)) &&
           is_side(json_object_get(t, "sender"), p->our_live_isa_id, p->our_test_isa_id) &&
           is_side(json_object_get(t, "receiver"), p->live_isa_id, p->test_isa_id);
}

/* By the time alone. */
static enum whose whose(const struct looking *l, const json_t *t)
{
    const char *created = json_text_at(t, "createdAt");
    struct instant at;
    if (!l->skew.known || !created || !instant_parse(slice_of(created), &at))
        return OLDER;
    int64_t first = l->earlier.first;
    if (at.seconds >= first + l->skew.most - SLACK)
        return OURS;
    return at.seconds < first + l->skew.least - LONG_BEFORE ? LONG_OLDER : OLDER;
}

static void take(struct looking *l, const char *id)
{
    buffer_printf(&l->ids, " %s,", id);
    snprintf(l->found, sizeof l->found, "%s", id);
    l->count++;
}

static void not_told(struct looking *l, const char *id)
{
    buffer_printf(&l->untolds, " %s,", id);
    l->untold++;
}

/* Pages move under our hands: the same one may come twice. */
static bool is_known(const struct looking *l, const char *id)
{
    const char *text = arena_printf(l->delivery->findings->arena, " %s,", id);
    bool known =
        strstr(l->ids.ptr ? l->ids.ptr : "", text) || strstr(l->untolds.ptr ? l->untolds.ptr : "", text);
    for (size_t i = 0; i < l->perhaps_count && !known; i++)
        known = !strcmp(l->perhaps[i].id, id);
    return known;
}

static int consider(struct looking *l, const json_t *t)
{
    char id[128];
    orderful_id(json_object_get(t, "id"), id);
    if (!speaks_of_it(l, t) || (*id && (is_known(l, id) || json_object_get(l->earlier.ids, id))))
        return 0;
    int owned = *id ? state_links(l->endpoint->state, id, foreign, l) : 0;
    if (owned)
        return owned < 0 ? -1 : 0;
    enum whose w = whose(l, t);
    if (!*id) /* it cannot be followed, nor told from others */
        not_told(l, "without a usable id");
    else if (w == OURS)
        take(l, id);
    else if (l->perhaps_count == PERHAPS)
        not_told(l, id);
    else {
        struct candidate *c = &l->perhaps[l->perhaps_count++];
        snprintf(c->id, sizeof c->id, "%s", id);
        c->long_before = w == LONG_OLDER;
    }
    return 0;
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

/* ---- what it says ---- */

/* As Orderful shows a message: without members that are null or empty; the envelope is its own. */
static json_t *as_shown(const json_t *value)
{
    static const char *const envelope[] = {"transactionSetHeader", "transactionSetTrailer", NULL};
    const char *name;
    json_t *member, *copy = json_is_array(value)    ? json_array()
                            : json_is_object(value) ? json_object()
                                                    : NULL;
    size_t i;
    if (!copy)
        return json_incref((json_t *)(uintptr_t)value);
    json_array_foreach(value, i, member) json_array_append_new(copy, as_shown(member));
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        json_t *shown = as_shown(member);
        bool empty = json_is_null(shown) || (json_is_string(shown) && !json_string_length(shown)) ||
                     (json_is_array(shown) && !json_array_size(shown)) ||
                     (json_is_object(shown) && !json_object_size(shown));
        for (const char *const *e = envelope; *e; e++)
            empty |= !strcmp(*e, name);
        if (empty)
            json_decref(shown);
        else
            json_object_set_new(copy, name, shown);
    }
    return copy;
}

/* The sets of a message, as they are compared; NULL when it has none. The caller owns them. */
static json_t *sets_of(const json_t *message)
{
    const json_t *sets = json_object_get(message, "transactionSets");
    return json_is_array(sets) && json_array_size(sets) ? as_shown(sets) : NULL;
}

/* NULL: in Orderful's own JSON, which it shows converted; nothing can be compared then. */
static json_t *our_sets(const struct looking *l)
{
    json_t *message = json_parse(slice_trim(l->delivery->message), NULL), *sets = sets_of(message);
    json_decref(message);
    return sets;
}

static enum orderful_got read_sets(struct looking *l, const char *id, json_t **sets, int64_t *wait)
{
    const struct orderful *o = l->endpoint->session;
    struct arena *a = l->delivery->findings->arena;
    struct findings ignored = {.arena = a};
    json_t *answer;
    const char *target = arena_printf(a, "%s/%s/message", o->path_v3, id);
    enum orderful_got got = orderful_get(l->endpoint, KIND_DETAIL, target, &answer, NULL, wait, &ignored);
    *sets = got == ORDERFUL_OK ? sets_of(answer) : NULL;
    json_decref(answer);
    return got;
}

/* Those of which the time does not tell. False when one could not be read for the moment; what cannot be
 * read again and again is not told. */
static bool compare(struct looking *l, int64_t *wait, bool *broken)
{
    json_t *ours = our_sets(l), *theirs;
    bool patient = json_integer_at(notes(l->delivery), "failures", 0) < FAILURES, good = true;
    for (size_t i = 0; i < l->perhaps_count && good; i++) {
        const struct candidate *c = &l->perhaps[i];
        enum orderful_got got = ORDERFUL_REFUSED;
        theirs = NULL;
        if (ours)
            got = read_sets(l, c->id, &theirs, wait);
        *broken = got == ORDERFUL_BROKEN;
        good = got != ORDERFUL_WAIT && !(*broken && patient);
        if (good && theirs && json_equal(ours, theirs))
            take(l, c->id);
        else if (good && !c->long_before)
            not_told(l, c->id);
        json_decref(theirs);
    }
    json_decref(ours);
    return good;
}

/* ---- looking ---- */

/* Without ISA ids in the filter: whether it takes test ids is not documented, and speaks_of_it looks at both
 * sides itself. */
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

/* How the clocks stand, the answer in hand included. */
static int look_at_clocks(struct looking *l)
{
    const struct orderful *o = l->endpoint->session;
    return skew_since(l->endpoint->state, o->url, l->earlier.first, &l->skew);
}

/* Walks a list; false when it could not be read to its end (*wait). */
static bool look(struct looking *l, const char *target, int64_t *wait, bool *broken)
{
    struct findings *f = l->delivery->findings;
    bool far_back = false;
    for (int page = 0; target && page < PAGES; page++) {
        struct http_exchange x;
        json_t *answer, *row;
        size_t i;
        enum orderful_got got = orderful_get(l->endpoint, KIND, target, &answer, &x, wait, f);
        bool good = got == ORDERFUL_OK && json_is_array(json_object_get(answer, "data"));
        *broken = !good && (got == ORDERFUL_OK || got == ORDERFUL_BROKEN);
        good = good && look_at_clocks(l) == 0;
        json_array_foreach(json_object_get(answer, "data"), i, row)
        {
            good = good && consider(l, row) == 0;
            far_back = good && whose(l, row) == LONG_OLDER; /* newest come first */
        }
        json_t *record = http_record(&x, 16 * 1024);
        json_object_set_new(l->delivery->receipt, "looked_up", record);
        const char *next = json_text_at(answer, "metadata.pagination.links.next");
        target = next ? arena_text(f->arena, slice_of(next)) : NULL;
        json_decref(answer);
        http_exchange_free(&x);
        if (!good)
            return false;
    }
    l->cut = target && !far_back;
    return true;
}

/* ---- what follows ---- */

static void later(struct delivery *d, int64_t seconds)
{
    d->verdict = IN_DOUBT;
    d->not_before = time(NULL) + (seconds < 1 ? 1 : seconds);
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

/* Not found, and yet it may be there: never sent again by itself. */
static void cannot_tell(struct looking *l)
{
    struct delivery *d = l->delivery;
    const char *clocks = l->skew.known ? "its time does not tell, since a clock may have been set"
                                       : "its time does not tell, since nobody knows how the clocks stand";
    d->verdict = REJECTED;
    if (l->untold)
        finding_add(
            d->findings, SEVERITY_ERROR, "orderful.untold", l->endpoint->config->name,
            "Look at it in Orderful. If it is this document, leave the folder here; if not, move it to "
            "the outbox, and it is sent.",
            "The answer to the last try was lost, and transaction%s%.*s at Orderful could be it: %s, "
            "and it does not say quite what was sent.",
            l->untold > 1 ? "s" : "", (int)l->untolds.len - 1, l->untolds.ptr, clocks);
    else
        finding_add(d->findings, SEVERITY_ERROR, "orderful.untold", l->endpoint->config->name,
                    "Look for it in Orderful. If it is there, leave the folder here; if not, move it to the "
                    "outbox, and it is sent.",
                    "The answer to the last try was lost, and Orderful lists more for the number %s than can "
                    "be looked through.",
                    l->number);
}

static void not_there(struct looking *l)
{
    const struct orderful *o = l->endpoint->session;
    struct delivery *d = l->delivery;
    json_t *kept = notes(d);
    int64_t now = time(NULL), looks = json_integer_at(kept, "looks", 0) + 1,
            first = json_integer_at(kept, "first", now), pause = json_integer_at(kept, "pause", 0);
    if (first > now) /* the clock was set back */
        first = now;
    if (looks >= o->confirm_looks && now - first >= o->confirm_seconds) {
        json_object_del(d->document->envelope, "confirm");
        if (l->untold || l->cut) {
            cannot_tell(l);
            return;
        }
        d->verdict = RETRY;
        d->not_before = pause ? now + pause : 0;
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

/* False when it was not possible for the moment. */
static bool look_up(struct looking *l, int64_t *wait, bool *broken)
{
    if (earlier_read(l->delivery, &l->earlier) < 0) {
        finding_add(l->delivery->findings, SEVERITY_WARNING, "document.folder", l->endpoint->config->name,
                    "It is tried again by itself.", "The document's folder cannot be read: %s.",
                    strerror(errno));
        return false;
    }
    return look(l, list_target(l), wait, broken) && (l->count || compare(l, wait, broken));
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
    if (!look_up(&l, &wait, &broken))
        not_read(d, wait, broken);
    else if (l.count)
        found(&l);
    else
        not_there(&l);
    json_decref(l.earlier.ids);
    buffer_free(&l.ids);
    buffer_free(&l.untolds);
}
