/* orderful_answer: what Orderful's answers mean, and its messages in plain words.
 *
 *   201, 202 ACCEPTED           delivered to Orderful; its fate there is asked for by chores
 *   202 FAILED, 400 and other   rejected: to error/ with every message. Only statuses that mean "not done"
 *     refusals                  (RFC 9110 15.5 and its registry) count as a refusal
 *   401, 403, 404, 405, 407,    the endpoint is held: a setting is wrong, not the document
 *     410
 *   422 about a relationship    this type for this partner is held: an agreement is missing
 *   421, 423, 425, 429          again, when they say; never counted against a document
 *   not sent                    again
 *   408, 5xx, no whole answer,  in doubt: it may have taken effect, and there is no idempotency key: looked
 *     3xx, any other status     up first. A redirect may be how somebody in front tells of what was done (303
 *                               does), so it is never followed and never a reason to send again at once */
#include "adapter/orderful/orderful.h"
#include "base/json.h"
#include "net/backoff.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define RECEIPT_BODY (64 * 1024)
#define DOUBT_SECONDS 2 /* what is still on its way gets so long before it is looked up */
#define BODY_SHOWN 300

/* ---- words ---- */

/* "message" as a text or a list of texts; NULL when it is neither. */
static const char *joined(const json_t *message, struct arena *a)
{
    struct buffer all = {0};
    size_t i;
    json_t *one;
    if (json_is_string(message))
        return arena_text(a, slice_of(json_string_value(message)));
    json_array_foreach(message, i, one)
    {
        if (json_is_string(one))
            buffer_printf(&all, "%s%s", all.len ? "; " : "", json_string_value(one));
    }
    const char *text = all.len ? arena_text(a, buffer_as_slice(&all)) : NULL;
    buffer_free(&all);
    return text;
}

const char *orderful_message(const struct http_exchange *x, struct arena *a)
{
    struct slice body = slice_trim(buffer_as_slice(&x->answer));
    json_t *j = http_answer_json(x);
    const char *text = joined(json_object_get(j, "message"), a);
    json_decref(j);
    if (text)
        return text;
    if (!body.len)
        return "(no explanation)";
    if (body.ptr[0] == '<')
        return "(a page of a proxy, not of the API)";
    return http_clean_text(x, body, BODY_SHOWN, a);
}

/* "unitPrice" → "unit price", "FOBRelatedInstructions" → "FOB related instructions", without a counting
 * digit. */
static void name_in_words(struct slice name, struct buffer *out)
{
    while (name.len && isdigit((unsigned char)name.ptr[name.len - 1]))
        name.len--;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool begins = isupper(c) && i &&
                      (!isupper((unsigned char)name.ptr[i - 1]) ||
                       (i + 1 < name.len && islower((unsigned char)name.ptr[i + 1])));
        bool single = i + 1 >= name.len || !isupper((unsigned char)name.ptr[i + 1]);
        if (begins)
            buffer_byte(out, ' ');
        buffer_byte(out, (char)(begins && single ? tolower(c) : c));
    }
}

static bool counts_lines(struct slice name)
{
    static const char *const lists[] = {"PO1_loop", "IT1_loop", "POC_loop", "LIN_loop", "lineItems", NULL};
    for (const char *const *l = lists; *l; l++)
        if (slice_is(name, *l))
            return true;
    return false;
}

const char *orderful_place(const char *path, struct arena *a)
{
    struct slice name = SLICE_NONE;
    struct buffer out = {0};
    long line = 0;
    for (const char *at = path; *at;) {
        size_t len = strcspn(at, ".[]");
        struct slice part = slice_make(at, len);
        bool number = len && len < 7 && strspn(at, "0123456789") >= len;
        if (number && counts_lines(name))
            line = atol(at) + 1;
        else if (len && !number)
            name = part;
        at += len;
        at += strspn(at, ".[]");
    }
    if (line)
        buffer_printf(&out, "line %ld, ", line);
    name_in_words(name, &out);
    const char *text = arena_text(a, buffer_as_slice(&out));
    buffer_free(&out);
    return text;
}

/* "allowed: BY (Buying Party), ST (Ship To)". */
static const char *allowed_values(const json_t *values, struct arena *a)
{
    struct buffer out = {0};
    size_t i;
    json_t *v;
    json_array_foreach(values, i, v)
    {
        const char *value = json_is_string(v) ? json_string_value(v) : json_text_at(v, "value");
        const char *description = json_text_at(v, "description");
        if (value && out.len < 400)
            buffer_printf(&out, "%s%s%s%s%s", out.len ? ", " : "Allowed: ", value, description ? " (" : "",
                          description ? description : "", description ? ")" : "");
    }
    const char *text = arena_text(a, buffer_as_slice(&out));
    buffer_free(&out);
    return text;
}

/* v4: {payloadPaths, errorMessage, outputPath}; v2 validations: {dataPath, message, allowedValues}. */
static void validation_finding(const json_t *entry, struct findings *f)
{
    const char *message = json_text_at(entry, "errorMessage"), *path = json_text_at(entry, "payloadPaths.0");
    const char *output = json_text_at(entry, "outputPath");
    if (!message)
        message = json_text_at(entry, "message");
    if (!path)
        path = json_text_at(entry, "dataPath");
    const char *where = path     ? arena_printf(f->arena, "%s (%s)", orderful_place(path, f->arena), path)
                        : output ? arena_printf(f->arena, "%s of the X12 document", output)
                                 : "";
    const char *allowed = allowed_values(json_object_get(entry, "allowedValues"), f->arena);
    finding_add(f, SEVERITY_ERROR, "orderful.invalid", where,
                *allowed ? allowed : "Correct the document, the partner's map or the code table.",
                "Orderful: %s", message ? message : "(an error without a message)");
}

void orderful_validation_findings(const json_t *list, struct findings *f)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) validation_finding(entry, f);
}

/* ---- verdicts ---- */

static void again(struct delivery *d, const struct http_exchange *x)
{
    int64_t now = time(NULL), theirs = http_answer_retry_after(x);
    int64_t ours = (backoff_milliseconds(d->attempt, 1000, 300000) + 999) / 1000;
    d->verdict = RETRY;
    d->not_before = now + (theirs > ours ? theirs : ours);
}

static void doubt(struct endpoint *e, struct delivery *d, const char *why)
{
    d->verdict = IN_DOUBT;
    d->not_before = time(NULL) + DOUBT_SECONDS;
    finding_add(d->findings, SEVERITY_WARNING, "orderful.in-doubt", e->config->name,
                "It is looked up before anything is sent again.",
                "Nobody knows yet whether the document arrived at Orderful: %s", why);
}

static void hold(struct endpoint *e, struct delivery *d, const struct http_exchange *x, const char *code,
                 const char *todo)
{
    const struct orderful *o = e->session;
    d->verdict = HELD;
    d->not_before = time(NULL) + o->hold_seconds;
    finding_add(d->findings, SEVERITY_ERROR, code, e->config->name, todo, "Orderful answered %ld: %s",
                x->status, orderful_message(x, d->findings->arena));
}

static void delivered(struct delivery *d, const char *id)
{
    d->verdict = DELIVERED;
    snprintf(d->external, sizeof d->external, "%s", id);
    d->awaited = true;
    d->acknowledgment_due = orderful_acknowledgment_due(d);
}

/* 2xx. v3 tells the id only; v4 has judged the document already. */
static void judge_success(struct endpoint *e, struct delivery *d, const struct http_exchange *x)
{
    json_t *answer = http_answer_json(x);
    const char *status = json_text_at(answer, "status"), *detail = json_text_at(answer, "detail");
    char id[128];
    orderful_id(json_object_get(answer, "id"), id);
    if (!*id) {
        doubt(e, d, answer ? "its answer names no transaction." : "its answer is no JSON, or cut off.");
    } else if (status && !strcmp(status, "FAILED")) {
        d->verdict = REJECTED;
        snprintf(d->external, sizeof d->external, "%s", id);
        finding_add(d->findings, SEVERITY_ERROR, "orderful.failed",
                    arena_printf(d->findings->arena, "transaction %s", id),
                    "Each message below names a place in the message; correct it and put the document back "
                    "into translate/.",
                    "Orderful refuses the document%s%s.", detail && *detail ? ": " : "",
                    detail ? detail : "");
        orderful_validation_findings(json_object_get(answer, "validationErrors"), d->findings);
    } else {
        delivered(d, id);
    }
    json_decref(answer);
}

static bool is_about_relationship(const struct http_exchange *x, struct arena *a)
{
    json_t *j = http_answer_json(x);
    const char *ref = json_text_at(j, "ref");
    bool yes = (ref && !strcmp(ref, "relationship")) || strcasestr(orderful_message(x, a), "relationship");
    json_decref(j);
    return yes;
}

static void reject(struct endpoint *e, struct delivery *d, const struct http_exchange *x)
{
    d->verdict = REJECTED;
    finding_add(d->findings, SEVERITY_ERROR, "orderful.refused", e->config->name,
                "Correct the document, the map or the setting it speaks of, then put the folder back into "
                "translate/.",
                "Orderful refuses the request (%ld): %s", x->status, orderful_message(x, d->findings->arena));
}

/* The statuses by which a server says that it did not do what was asked; proxies have others of their own,
 * such as 460 and 499, for connections that broke off while it was being done. */
static bool means_not_done(long status)
{
    static const short known[] = {400, 402, 406, 409, 411, 412, 413, 414, 415,
                                  416, 417, 418, 422, 424, 426, 428, 431, 451};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i] == status)
            return true;
    return false;
}

/* When it turns out not to be there, the url is wrong: nothing is sent before somebody had the time to see
 * it. */
static void redirected(struct endpoint *e, struct delivery *d, const struct http_exchange *x)
{
    const struct orderful *o = e->session;
    char location[200];
    if (!http_answer_header(x, "Location", location, sizeof location))
        snprintf(location, sizeof location, "(nowhere)");
    json_object_set_new(
        d->document->envelope, "confirm",
        json_pack("{s:i, s:I}", "attempt", (int)d->attempt, "pause", (json_int_t)o->hold_seconds));
    doubt(e, d,
          arena_printf(d->findings->arena,
                       "it answered %ld and points to %s, which is not followed. Compare url, path_v3 and "
                       "path_v4 of the endpoint with Orderful's documentation.",
                       x->status,
                       http_clean_text(x, slice_of(location), sizeof location, d->findings->arena)));
}

static int judge_status(struct endpoint *e, struct delivery *d, const struct http_exchange *x)
{
    const struct orderful *o = e->session;
    switch (x->status) {
    case 401:
        hold(e, d, x, "orderful.key",
             arena_printf(d->findings->arena,
                          "The API key is refused. Set the right one (Organization "
                          "Settings, API Credentials): spoolgate secret set %s",
                          o->api_key));
        return 401;
    case 403:
        hold(e, d, x, "orderful.forbidden",
             "The key may not do this. Ask Orderful, or the organization's administrator.");
        return 403;
    case 404:
    case 405:
    case 407:
    case 410:
        hold(e, d, x, "orderful.path",
             "Compare url, path_v3 and path_v4 of the endpoint with Orderful's documentation.");
        return 403;
    case 422:
        if (!is_about_relationship(x, d->findings->arena))
            break;
        d->only_partner = true;
        hold(
            e, d, x, "orderful.relationship",
            arena_printf(
                d->findings->arena,
                "In Orderful, add this transaction type to the relationship with %s (and take it live before "
                "the live stream). Until then the documents wait.",
                d->partner ? d->partner->name : "the partner"));
        return 422;
    case 429:
        again(d, x);
        finding_add(d->findings, SEVERITY_NOTE, "orderful.rate", e->config->name, "",
                    "Orderful asks us to send more slowly (429).");
        return 429;
    case 421:
    case 423:
    case 425:
        again(d, x);
        finding_add(d->findings, SEVERITY_WARNING, "orderful.later", e->config->name,
                    "It is tried again by itself.", "Orderful does not take the request now (%ld): %s",
                    x->status, orderful_message(x, d->findings->arena));
        return 0;
    case 408: doubt(e, d, "it gave up waiting for the request (408)."); return 0;
    default: break;
    }
    if (x->status < 400)
        redirected(e, d, x);
    else if (means_not_done(x->status))
        reject(e, d, x);
    else
        doubt(e, d,
              arena_printf(d->findings->arena, "it answered %ld: %s", x->status,
                           orderful_message(x, d->findings->arena)));
    return 0;
}

int orderful_judge_create(struct endpoint *e, struct delivery *d, const struct http_exchange *x)
{
    json_t *record = http_record(x, RECEIPT_BODY);
    if (d->receipt)
        json_object_update(d->receipt, record);
    else
        d->receipt = json_incref(record);
    json_decref(record);
    switch (x->failure) {
    case HTTP_ANSWERED:
        if (x->status < 200 || x->status > 299)
            return judge_status(e, d, x);
        judge_success(e, d, x);
        return 0;
    case HTTP_NOT_SENT:
        again(d, x);
        finding_add(d->findings, SEVERITY_WARNING, "orderful.unreachable", e->config->name,
                    "It is tried again by itself.", "Orderful could not be reached: %s", x->problem);
        return 0;
    case HTTP_REFUSED_HERE:
        d->verdict = REJECTED;
        finding_add(d->findings, SEVERITY_ERROR, "orderful.request", e->config->name, "",
                    "The request was not made: %s", x->problem);
        return 0;
    case HTTP_IN_DOUBT: break;
    }
    doubt(e, d, x->problem);
    return 0;
}
