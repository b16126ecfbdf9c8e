/* orderful_ping: is the key good, are we who we say, and may we send each partner what its file says? */
#include "adapter/orderful/orderful.h"
#include "base/json.h"
#include <stdio.h>

#define KIND "GET settings"
#define PAGES 50
static void ping_identity(const struct endpoint *e, struct report *r, const json_t *me)
{
    const struct orderful *o = e->session;
    const char *name = json_text_at(me, "name");
    const struct us *us = &e->all->us;
    bool test = o->test && us->test_isa_id;
    const char *ours = test ? us->test_isa_id : us->isa_id;
    bool known = false;
    size_t i;
    json_t *account;
    report_line(r, true, "api_key", "it is %s's", name ? name : "(no name)");
    report_line(r, true, "stream", "%s", orderful_stream(o, true));
    json_array_foreach(json_object_get(me, "ediAccounts"), i, account)
    {
        const char *id = json_text_at(account, o->test ? "testIsaId" : "liveIsaId");
        known |= id && ours && !strcmp(id, ours);
    }
    if (ours)
        report_line(r, known, test ? "[us] test_isa_id" : "[us] isa_id",
                    known ? "%s" : "%s is not one of this organization's accounts", ours);
}

/* All relationships, page by page; NULL when they cannot be read. */
static json_t *relationships(struct endpoint *e, struct report *r)
{
    const char *target = "/v3/relationships?limit=100";
    json_t *all = json_array();
    for (int page = 0; target && page < PAGES; page++) {
        int64_t wait;
        json_t *answer;
        enum orderful_got got = orderful_get(e, KIND, target, &answer, NULL, &wait, r->findings);
        json_t *data = json_object_get(answer, "data");
        if (got != ORDERFUL_OK || !json_is_array(data)) {
            report_line(r, false, "relationships", "they cannot be read");
            json_decref(answer);
            json_decref(all);
            return NULL;
        }
        json_array_extend(all, data);
        const char *next = json_text_at(answer, "metadata.pagination.links.next");
        target = next ? arena_printf(r->findings->arena, "%s", next) : NULL;
        json_decref(answer);
    }
    return all;
}

static bool is_side(const struct orderful *o, const json_t *side, const char *id)
{
    const char *theirs = json_text_at(side, o->test ? "testIsaId" : "liveIsaId");
    return theirs && id && !strcmp(theirs, id);
}

static const json_t *find(const struct orderful *o, const json_t *all, const struct partner *p,
                          const char *set)
{
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        const char *type = json_text_at(one, "transactionType.name");
        if (type && !strncmp(type, set, 3) &&
            is_side(o, json_object_get(one, "sender"), orderful_isa_id(o, p, true)) &&
            is_side(o, json_object_get(one, "receiver"), orderful_isa_id(o, p, false)))
            return one;
    }
    return NULL;
}

static void ping_sending(const struct orderful *o, struct report *r, const json_t *all,
                         const struct partner *p, const struct sending *s)
{
    const struct orderful_type *type = orderful_type(o, s->type);
    const char *what = arena_printf(r->findings->arena, "[send %s] of %s", s->type, p->id);
    const json_t *one = type ? find(o, all, p, type->set) : NULL;
    const char *status = json_text_at(one, "status"), *send = json_text_at(one, "autoSend");
    if (!type) {
        report_line(r, false, what, "orderful/transaction-types.tsv does not name it");
        return;
    }
    if (!one) {
        report_line(r, false, what, "there is no relationship for %s; add it in Orderful", type->v3);
        return;
    }
    bool open = status &&
                (!strcmp(status, "READY") || !strcmp(status, "LIVE") || (o->test && !strcmp(status, "TEST")));
    report_line(r, open, what, "relationship %s%s", status ? status : "without status",
                open ? "" : ": it does not take documents of this stream yet");
    if (!send || strcmp(send, "ENABLED") != 0)
        report_line(r, false, what,
                    "auto-send is off: each document waits in Orderful until somebody presses Send");
}

int orderful_ping(struct endpoint *e, struct report *r)
{
    struct http_exchange x;
    int64_t wait;
    json_t *me, *all = NULL;
    const struct orderful *o = e->session;
    enum orderful_got got = orderful_get(e, KIND, "/v3/organizations/me", &me, &x, &wait, r->findings);
    if (x.failure == HTTP_ANSWERED && x.status)
        report_clock(r, e, o->url);
    if (got == ORDERFUL_OK)
        ping_identity(e, r, me);
    else
        report_line(r, false,
                    got == ORDERFUL_WAIT                         ? "budget"
                    : got == ORDERFUL_REFUSED && x.status != 400 ? "api_key"
                                                                 : "url",
                    got == ORDERFUL_WAIT      ? "the number of requests allowed a minute is used up"
                    : got == ORDERFUL_MISSING ? "404 to GET /v3/organizations/me: it is not that of the API"
                    : got == ORDERFUL_BROKEN  ? "no usable answer to GET /v3/organizations/me"
                                              : "refused at GET /v3/organizations/me");
    http_exchange_free(&x);
    json_decref(me);
    all = got == ORDERFUL_OK ? relationships(e, r) : NULL;
    for (const struct partner *p = e->all->partners; p && all; p = p->next)
        for (const struct sending *s = p->sendings; s; s = s->next)
            if (!strcmp(s->endpoint, e->config->name))
                ping_sending(e->session, r, all, p, s);
    json_decref(all);
    return r->failed ? -1 : 0;
}
