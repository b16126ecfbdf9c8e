/* visma_get: one GET to Visma.net, and what its answers mean. The budget is asked before, the rate headers
 * are learnt after each call; a 401 costs the token and is tried once more; everything else becomes a
 * sentence for the person who can act. */
#include "adapter/url.h"
#include "adapter/visma/visma.h"
#include "base/json.h"
#include "net/budget.h"
#include "net/skew.h"
#include <stdio.h>
#include <time.h>

#define LATER 10   /* seconds, when the same may work at the next try */
#define PERSON 900 /* when somebody has to do something first */
#define BODY_SHOWN 300
#define NO_LICENSE "12027" /* fault code: a token was issued, but for a tenant that is no company */

static void header(struct http_exchange *x, const char *name, const char *value, bool secret)
{
    x->headers[x->header_count++] = (struct http_header){name, value, secret};
}

/* The sentence in an error body, whichever of the known forms it has; the vendor's support asks for the id in
 * it. */
static const char *error_text(const struct http_exchange *x, struct arena *a)
{
    static const char *const members[] = {
        "message", "ExceptionMessage", "exceptionMessage", "error_description", "error", "detail", NULL};
    struct slice body = buffer_as_slice(&x->answer);
    json_t *j = http_answer_json(x);
    const char *text = NULL, *id = json_text_at(j, "ExceptionMessageID"),
               *more = json_text_at(j, "ExceptionDetails");
    for (size_t i = 0; members[i] && !(text && *text); i++)
        text = json_text_at(j, members[i]);
    const char *sentence;
    if (text && *text)
        sentence = arena_printf(a, "%s%s%s%s%s", text, more && *more ? " " : "", more ? more : "",
                                id ? " Id: " : "", id ? id : "");
    else if (slice_starts(slice_trim(body), SLICE("<")))
        sentence = "(a page of a proxy, not of the API)";
    else
        sentence = http_clean_text(x, body, BODY_SHOWN, a);
    json_decref(j);
    return sentence;
}

static enum visma_answer refused(struct endpoint *e, const struct http_exchange *x, const char *target,
                                 const char *code, const char *todo, int64_t *wait, struct findings *f)
{
    *wait = PERSON;
    finding_add(f, SEVERITY_ERROR, code, e->config->name, todo, "Visma.net answered %ld to GET %s: %s",
                x->status, target, error_text(x, f->arena));
    return VISMA_REFUSED;
}

static enum visma_answer broken(struct endpoint *e, const struct http_exchange *x, const char *target,
                                int64_t *wait, struct findings *f)
{
    *wait = LATER;
    if (x->failure == HTTP_ANSWERED)
        finding_add(f, SEVERITY_WARNING, "visma.broken", e->config->name, "It is tried again by itself.",
                    "Visma.net answered %ld to GET %s: %s", x->status, target, error_text(x, f->arena));
    else
        finding_add(f, SEVERITY_WARNING, "visma.unreachable", e->config->name, "It is tried again by itself.",
                    "Visma.net could not be reached (GET %s): %s", target, x->problem);
    return x->failure == HTTP_REFUSED_HERE ? VISMA_REFUSED : VISMA_BROKEN;
}

static enum visma_answer judge(struct endpoint *e, const struct http_exchange *x, const char *target,
                               int64_t *wait, struct findings *f)
{
    const struct visma *v = e->session;
    struct budget_row row;
    int64_t now = time(NULL);
    if (x->failure != HTTP_ANSWERED)
        return broken(e, x, target, wait, f);
    switch (x->status) {
    case 200: return VISMA_OK;
    case 404: return VISMA_MISSING;
    case 429:
        *wait = state_budget_get(e->state, v->budget, &row) == 0 && row.blocked_until > now
                    ? row.blocked_until - now
                    : 60;
        finding_add(f, SEVERITY_WARNING, "visma.rate", e->config->name,
                    "It goes on by itself; fewer resources in poll or "
                    "a longer interval need fewer calls.",
                    "Visma.net asks us to wait %lld seconds (429).", (long long)*wait);
        return VISMA_WAIT;
    case 400:
        return refused(e, x, target, "visma.refused",
                       "It stays so until the request or the company's data change.", wait, f);
    case 401:
        return refused(e, x, target, "visma.unauthorized",
                       "Is tenant_id the company's own, and has its administrator approved the application? "
                       "Also compare "
                       "url with the one in the developer portal.",
                       wait, f);
    case 403:
        if (memmem(x->answer.ptr ? x->answer.ptr : "", x->answer.len, NO_LICENSE, strlen(NO_LICENSE)))
            return refused(
                e, x, target, "visma.license",
                "tenant_id has to be that of the company, not that of the customer organisation which holds "
                "the licence.",
                wait, f);
        return refused(e, x, target, "visma.forbidden",
                       "Ask for the scope vismanet_erp_service_api:read for the application, and for the "
                       "approval of the "
                       "company's administrator; a new right takes up to 15 minutes.",
                       wait, f);
    default: break;
    }
    return x->status >= 500 ? broken(e, x, target, wait, f)
                            : refused(e, x, target, "visma.refused",
                                      "Compare url with the vendor's documentation.", wait, f);
}

/* 0: go on. Otherwise seconds to wait. */
static int64_t take_budget(struct endpoint *e, struct findings *f)
{
    const struct visma *v = e->session;
    int64_t wait = budget_take(e->state, v->budget, v->allowed, v->window, 1, time(NULL));
    if (wait < 0) {
        finding_add(f, SEVERITY_ERROR, "state", e->config->name, "", "The state cannot be used: %s.",
                    state_error(e->state));
        return LATER;
    }
    if (wait > 0)
        finding_add(f, SEVERITY_WARNING, "visma.budget", e->config->name,
                    "It goes on by itself; a longer interval or fewer resources in poll need fewer calls.",
                    "The budget of calls to Visma.net is used up for %lld seconds more.", (long long)wait);
    return wait;
}

/* With the token in hand; false when it was refused and has been given up. */
static bool perform(struct endpoint *e, struct http_exchange *x, const struct buffer *authorization)
{
    const struct visma *v = e->session;
    x->header_count = 0;
    header(x, "Authorization", authorization->ptr, true);
    header(x, "Accept", "application/json", false);
    if (v->company)
        header(x, "ipp-company-id", v->company, false);
    if (v->application)
        header(x, "ipp-application-type", v->application, false);
    struct http_exchange *all[] = {x};
    http_perform(v->http, all, 1, 1);
    budget_learn(e->state, v->budget, x, time(NULL));
    skew_learn(e->state, v->url, x);
    if (x->failure != HTTP_ANSWERED || x->status != 401)
        return true;
    oauth_forget(&v->oauth, e->state);
    return false;
}

/* A refused client or tenant stays refused until a person has acted: one question, not one a list. */
static enum visma_answer without_token(struct visma *v, enum oauth_result got, int64_t *wait)
{
    int64_t now = time(NULL);
    if (got == OAUTH_REFUSED && v->token_refused <= now)
        v->token_refused = now + PERSON;
    *wait = got == OAUTH_REFUSED ? v->token_refused - now : LATER;
    return got == OAUTH_REFUSED ? VISMA_REFUSED : VISMA_BROKEN;
}

enum visma_answer visma_get(struct endpoint *e, const char *target, struct http_exchange *x, int64_t *wait,
                            struct findings *f)
{
    struct visma *v = e->session;
    struct buffer authorization = {0};
    for (int tries = 0; tries < 2; tries++) {
        struct buffer token = {0};
        *x = (struct http_exchange){.method = "GET", .url = url_below(f->arena, v->url, target)};
        *wait = take_budget(e, f);
        if (*wait > 0) {
            buffer_wipe(&authorization);
            return VISMA_WAIT;
        }
        enum oauth_result got = OAUTH_REFUSED;
        if (v->token_refused <= time(NULL))
            got = oauth_token(&v->oauth, v->http, e->secrets, e->state, &token, f);
        if (got != OAUTH_OK) {
            buffer_wipe(&token);
            buffer_wipe(&authorization);
            return without_token(v, got, wait);
        }
        buffer_wipe(&authorization);
        buffer_reserve(&authorization, token.len + 8); /* at once: growing would leave copies behind */
        buffer_text(&authorization, "Bearer ");
        buffer_slice(&authorization, buffer_as_slice(&token));
        buffer_wipe(&token);
        if (perform(e, x, &authorization) || tries == 1)
            break;
        http_exchange_free(x);
    }
    enum visma_answer got = judge(e, x, target, wait, f);
    x->header_count = 0; /* none of them outlives the token */
    buffer_wipe(&authorization);
    return got;
}
