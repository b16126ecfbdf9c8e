/* visma: Visma.net ERP as a source of orders and invoices. This file holds the settings, the table of
 * resources and `ping`; visma_get.c one request, visma_poll.c the delta poll and the backfill. Nothing is
 * written into the ERP. The API's rules and where they come from: docs/visma.md. */
#include "adapter/url.h"
#include "adapter/visma/visma.h"
#include "base/json.h"
#include "base/word.h"
#include "route/sections.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SCOPE "vismanet_erp_service_api:read"

const struct visma_resource visma_resources[VISMA_RESOURCES] = {
    {"purchaseorder", "order", "/v1/purchaseorder", "includeCustomFreeFields=true",
     "includeCustomFreeFields=true", "orderNbr", "orderType", false, "date", "orderDate", "order_status"},
    {"customerinvoice", "invoice", "/v1/customerinvoice", "expandTaxDetails=true&expandInvoiceAddress=true",
     "", "referenceNumber", "documentType", false, "documentDate", "documentDate", "invoice_status"},
    {"customercreditnote", "invoice", "/v1/customerCreditNote",
     "expandTaxDetails=true&expandInvoiceAddress=true", "", "referenceNumber", "documentType", false,
     "documentDate", "documentDate", "invoice_status"},
    {"supplierinvoice", "invoice", "/v1/supplierInvoice", "expandNote=true", "", "referenceNumber",
     "documentType", true, "date", "docDate", "invoice_status"},
};

static const char *const settings[] = {
    "url!",    "token_url!", "client_id!",    "client_secret!", "tenant_id!",       "scope",   "company_id",
    "start!",  "poll",       "interval",      "overlap",        "page_size",        "detail",  "order_status",
    "ca_file", "budget",     "budget_window", "invoice_status", "application_type", "timeout", NULL};

/* What the ERP knows; its screens know more, which the API does not show (docs/visma.md). */
static const char *const order_statuses[] = {
    "Hold",         "Balanced", "Open",      "PendingPrint", "Printed",
    "PendingEmail", "Closed",   "Cancelled", "Voided",       NULL};
static const char *const invoice_statuses[] = {
    "Hold",         "Balanced",   "Open",   "Closed",   "Voided",  "Scheduled", "PendingPrint",
    "PendingEmail", "CreditHold", "CcHold", "Reserved", "Printed", "Prebooked", NULL};

static const char *or_default(const struct endpoint_config *e, const char *key, const char *otherwise)
{
    const char *value = endpoint_setting(e, key);
    return value && *value ? value : otherwise;
}

/* The next word of a blank-separated list; its length is 0 at the end. */
static struct slice next_word(const char **at)
{
    *at += strspn(*at, " \t,");
    struct slice word = slice_make(*at, strcspn(*at, " \t,"));
    *at += word.len;
    return word;
}

static bool in_list(struct slice word, const char *list)
{
    for (struct slice w = next_word(&list); w.len; w = next_word(&list))
        if (slice_equal(w, word))
            return true;
    return false;
}

bool visma_status_wanted(const struct visma *v, const struct visma_resource *r, const char *status)
{
    return status && in_list(slice_of(status), v->statuses[strcmp(r->status_setting, "order_status") != 0]);
}

/* ---- settings ---- */

static void refuse(const struct endpoint_config *e, const char *key, struct findings *f, const char *todo,
                   const char *what)
{
    finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, key, f->arena), todo, "%s = %s: %s", key,
                url_shown(or_default(e, key, ""), f->arena), what);
}

static void check_words(const struct endpoint_config *e, const char *key, const char *value,
                        const char *const *known, enum severity severity, struct findings *f)
{
    for (struct slice w = next_word(&value); w.len; w = next_word(&value)) {
        char *word = arena_text(f->arena, w);
        bool found = false;
        for (const char *const *k = known; *k && !found; k++)
            found = !strcmp(*k, word);
        const char *near = found ? NULL : nearest_word(word, known);
        if (!found)
            finding_add(f, severity, "config.value", endpoint_where(e, key, f->arena),
                        near ? arena_printf(f->arena, "Did you mean %s?", near) : "docs/visma.md lists them.",
                        "%s: there is no %s.", key, word);
    }
}

static void check(const struct endpoint_config *e, const struct config *all, struct findings *f)
{
    const char *names[VISMA_RESOURCES + 1] = {NULL}, *why;
    (void)all;
    for (size_t i = 0; i < VISMA_RESOURCES; i++)
        names[i] = visma_resources[i].name;
    for (size_t i = 0; i < 2; i++) {
        const char *key = i ? "token_url" : "url", *url = endpoint_setting(e, key);
        if (url && !url_usable(url, &why))
            refuse(e, key, f, "", why);
    }
    check_words(e, "poll", or_default(e, "poll", ""), names, SEVERITY_ERROR, f);
    check_words(e, "order_status", or_default(e, "order_status", ""), order_statuses, SEVERITY_WARNING, f);
    check_words(e, "invoice_status", or_default(e, "invoice_status", ""), invoice_statuses, SEVERITY_WARNING,
                f);
    struct moment start;
    const char *text = endpoint_setting(e, "start");
    if (text && !moment_parse(text, &start))
        refuse(e, "start", f, "Write it like 2026-11-01T00:00:00, without a zone.",
               "it is no date and time.");
    endpoint_number(e, "interval", 1, 86400, 0, f);
    if (endpoint_number(e, "overlap", 0, 86400, 3900, f) < 300)
        finding_add(f, SEVERITY_WARNING, "config.value", endpoint_where(e, "overlap", f->arena),
                    "At least 3900 seconds also survive the hour that comes twice in October.",
                    "overlap is short: documents that the ERP saves late can be missed.");
    endpoint_number(e, "page_size", 1, 10000, 0, f);
    endpoint_number(e, "budget", 0, 1000000, 0, f);
    endpoint_number(e, "budget_window", 1, 86400, 0, f);
    endpoint_number(e, "timeout", 1, 240, 0, f);
    endpoint_yes(e, "detail", false, f);
}

static void read_settings(struct visma *v, const struct endpoint_config *e, struct findings *f)
{
    const char *poll = or_default(e, "poll", "purchaseorder customerinvoice");
    struct buffer extra = {0};
    v->url = endpoint_setting(e, "url");
    v->company = endpoint_setting(e, "company_id");
    v->application = endpoint_setting(e, "application_type");
    v->statuses[0] = or_default(e, "order_status", "Open");
    v->statuses[1] = or_default(e, "invoice_status", "Open Closed");
    v->allowed = endpoint_number(e, "budget", 0, 1000000, 500, f);
    v->window = endpoint_number(e, "budget_window", 1, 86400, 3600, f);
    v->interval = endpoint_number(e, "interval", 1, 86400, 120, f);
    v->overlap = endpoint_number(e, "overlap", 0, 86400, 3900, f);
    v->page_size = endpoint_number(e, "page_size", 1, 10000, 500, f);
    v->detail = endpoint_yes(e, "detail", false, f);
    moment_parse(endpoint_setting(e, "start"), &v->start);
    for (size_t i = 0; i < VISMA_RESOURCES; i++)
        v->polled[i] = in_list(slice_of(visma_resources[i].name), poll);
    url_query(&extra, "tenant_id", endpoint_setting(e, "tenant_id"));
    v->oauth = (struct oauth_client){.name = e->name,
                                     .token_url = endpoint_setting(e, "token_url"),
                                     .client_id = endpoint_setting(e, "client_id"),
                                     .client_secret_name = endpoint_setting(e, "client_secret"),
                                     .scope = or_default(e, "scope", SCOPE),
                                     .extra = arena_text(&v->arena, slice_of(extra.ptr + 1)),
                                     .early_seconds = 60};
    snprintf(v->budget, sizeof v->budget, "visma %s %s", v->oauth.client_id,
             endpoint_setting(e, "tenant_id"));
    buffer_free(&extra);
}

static void close_endpoint(struct endpoint *e)
{
    struct visma *v = e->session;
    if (!v)
        return;
    http_close(v->http);
    arena_free(&v->arena);
    free(v);
    e->session = NULL;
}

static int open_endpoint(struct endpoint *e, struct findings *f)
{
    static const char *const needed[] = {"url",       "token_url", "client_id", "client_secret",
                                         "tenant_id", "start",     NULL};
    unsigned errors = f->errors;
    for (const char *const *n = needed; *n; n++)
        if (!endpoint_setting(e->config, *n))
            finding_add(f, SEVERITY_ERROR, "config.required", endpoint_where(e->config, *n, f->arena), "",
                        "[endpoint %s] does not say its %s.", e->config->name, *n);
    check(e->config, e->all, f);
    if (f->errors != errors)
        return -1;
    struct visma *v = calloc(1, sizeof *v);
    if (!v)
        abort();
    read_settings(v, e->config, f);
    struct http_settings s = {.ca_file = endpoint_setting(e->config, "ca_file"),
                              .total_seconds = endpoint_number(e->config, "timeout", 1, 240, 120, f),
                              .plain_loopback = !strncmp(v->url, "http:", 5)};
    v->http = http_open(&s);
    e->session = v;
    if (v->http)
        return 0;
    http_not_opened(&s, endpoint_where(e->config, "ca_file", f->arena), f);
    close_endpoint(e);
    return -1;
}

/* ---- ping ---- */

static void ping_company(struct report *r, const struct http_exchange *x)
{
    json_t *rows = json_parse(buffer_as_slice(&x->answer), NULL);
    const char *name = json_text_at(rows, "0.organizationName");
    if (!name)
        name = json_text_at(rows, "0.name");
    if (json_is_array(rows))
        report_line(r, true, "tenant_id", "it is that of %s", name ? name : "(no name in the answer)");
    else
        report_line(r, false, "url", "the answer to GET /v1/organization is not the JSON that was expected");
    json_decref(rows);
}

/* A token that is still cached says nothing of credentials that were changed or refused since. */
static bool ping_token(struct endpoint *e, struct report *r)
{
    struct visma *v = e->session;
    struct buffer token = {0};
    int64_t life = 0;
    enum oauth_result got =
        oauth_token_anew(&v->oauth, v->http, e->secrets, e->state, &token, &life, r->findings);
    buffer_wipe(&token);
    if (got == OAUTH_OK)
        report_line(r, true, "client_id", "a new token is given, good for %lld seconds", (long long)life);
    else if (got == OAUTH_REFUSED)
        report_line(r, false, "client_id", "no token is given for %s with the secret %s", v->oauth.client_id,
                    v->oauth.client_secret_name);
    else
        report_line(r, false, "token_url", "no token can be had at the moment");
    return got == OAUTH_OK;
}

static int ping(struct endpoint *e, struct report *r)
{
    const struct visma *v = e->session;
    struct http_exchange x;
    int64_t wait;
    if (!ping_token(e, r))
        return -1;
    enum visma_answer got = visma_get(e, "/v1/organization", &x, &wait, r->findings);
    if (x.failure == HTTP_ANSWERED && x.status)
        report_clock(r, e, v->url);
    if (got == VISMA_OK)
        ping_company(r, &x);
    else
        report_line(r, false,
                    got == VISMA_WAIT                         ? "budget"
                    : got == VISMA_REFUSED && x.status == 401 ? "tenant_id"
                    : got == VISMA_REFUSED && x.status == 403 ? "scope"
                                                              : "url",
                    got == VISMA_WAIT      ? "the budget of calls is used up"
                    : got == VISMA_BROKEN  ? "no usable answer to GET /v1/organization"
                    : got == VISMA_MISSING ? "404 to GET /v1/organization: it is not that of the API"
                                           : "refused at GET /v1/organization");
    http_exchange_free(&x);
    return r->failed ? -1 : 0;
}

const struct adapter adapter_visma = {.name = "visma",
                                      .settings = settings,
                                      .open = open_endpoint,
                                      .close = close_endpoint,
                                      .poll = visma_poll,
                                      .backfill = visma_backfill,
                                      .ping = ping,
                                      .check = check};
