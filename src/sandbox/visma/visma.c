/*
 * visma.c - the Visma.net ERP service API on its new and on its old host: tokens, scopes, budgets, routes.
 *
 * Rules: the Visma.net ERP API's developer pages on headers, errors, ETags, limits and breaking changes;
 * docs/sandbox.md lists them.
 */
#include "sandbox/visma/visma.h"
#include "sandbox/budget.h"
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/journal.h"
#include "sandbox/vendors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OLD_PREFIX "/API/controller/api"

static uint64_t error_number;

void sb_visma_refuse(struct exchange *ex, int status, const char *format, ...)
{
    char text[512], message[600], guid[37];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sb_document_mend(text);
    sb_exchange_reason(ex, "%d %s", status, text);
    sb_guid_of(ex->sandbox->seed, ++error_number, guid);
    snprintf(message, sizeof(message), "VismaId: %s. %s", guid, text);
    sb_answer_json(ex, status, json_pack("{s:s}", "message", message));
}

/* Answers of the API management in front of the ERP. */
static void front_refuse(struct exchange *ex, int status, const char *message)
{
    sb_exchange_reason(ex, "%d %s", status, message);
    sb_answer_json(ex, status, json_pack("{s:i, s:s}", "statusCode", status, "message", message));
}

static void visma_fail(struct exchange *ex, int status)
{
    if (status == 429) {
        sb_answer_header(ex, "Retry-After", "7");
        front_refuse(ex, 429, "Rate limit is exceeded. Try again in 7 seconds.");
    } else if (status >= 502 && status <= 504) {
        sb_answer_html(ex, status);
    } else if (status >= 500) {
        sb_visma_refuse(ex, status, "An error has occurred.");
    } else {
        front_refuse(ex, status, "The request was refused.");
    }
}

/* What exists at the vendor under /v1 and /v2 and is not simulated here: 501 and not 404. */
static const char *const elsewhere[] = {
    "account",
    "attachment",
    "attribute",
    "background",
    "blob",
    "budget",
    "carrier",
    "cashaccount",
    "cashsale",
    "cashtransaction",
    "contact",
    "contracttemplate",
    "contractusage",
    "country",
    "creditnote",
    "creditterm",
    "currency",
    "currencyrate",
    "customer",
    "customercontract",
    "customerdebitnote",
    "customerdocument",
    "customerpayment",
    "customerpaymentmethod",
    "customersalesprice",
    "deferralcode",
    "department",
    "dimension",
    "discount",
    "discountcode",
    "earningtype",
    "employee",
    "expenseclaim",
    "expensereceipt",
    "financialperiod",
    "fixedasset",
    "generalledgerbalance",
    "generalledgertransactions",
    "inventory",
    "inventoryadjustment",
    "inventoryissue",
    "inventoryreceipt",
    "inventorysummary",
    "inventorytransfer",
    "journaltransaction",
    "kitassembly",
    "kitspecifications",
    "landedcostcode",
    "ledger",
    "location",
    "lotserialclass",
    "numbersequence",
    "packagingtype",
    "payment",
    "paymentmethod",
    "project",
    "projectbasic",
    "projectbudget",
    "projecttask",
    "projecttransaction",
    "purchaseorderbasic",
    "purchasereceipt",
    "purchasereceiptbasic",
    "salescategory",
    "salesorder",
    "salesorderbasic",
    "salesordertype",
    "salesperson",
    "shipment",
    "stocktake",
    "subaccount",
    "supplierdocument",
    "supplierlocation",
    "supplierpayment",
    "timecard",
    "unitofmeasure",
    "vat",
    "vatcategory",
    "vatzone",
    "warehouse",
    "webhooknotificationfeedback",
    NULL,
};

static const char *scope_of(const char *method)
{
    if (strcmp(method, "GET") == 0)
        return "vismanet_erp_service_api:read";
    if (strcmp(method, "POST") == 0)
        return "vismanet_erp_service_api:create";
    if (strcmp(method, "PUT") == 0)
        return "vismanet_erp_service_api:update";
    if (strcmp(method, "DELETE") == 0)
        return "vismanet_erp_service_api:delete";
    return NULL;
}

static bool has_scope(const char *scopes, const char *scope)
{
    size_t length = strlen(scope);
    const char *at = strstr(scopes, scope);

    return at && (at == scopes || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0');
}

/* The bearer's grant, or NULL after a 401. */
static const json_t *authenticate(struct exchange *ex)
{
    const char *header = sb_exchange_header(ex, "authorization");
    const json_t *grant = NULL;

    if (header && strncasecmp(header, "Bearer ", 7) == 0)
        grant = sb_visma_token_grant(ex->sandbox, header + 7);
    if (!grant) {
        sb_answer_header(ex, "WWW-Authenticate", "Bearer");
        front_refuse(ex, 401,
                     header ? "Unauthorized. Access token is invalid or has expired."
                            : "Unauthorized. Access token is missing.");
    }
    return grant;
}

static void rate_headers(struct exchange *ex, const struct budget *budget, const char *policy)
{
    sb_answer_header(ex, "X-RateLimit-Limit", "%ld", budget->limit);
    sb_answer_header(ex, "X-RateLimit-Remaining", "%ld", budget->remaining);
    sb_answer_header(ex, "X-RateLimit-Reset", "%ld", budget->reset);
    sb_answer_header(ex, "X-RateLimit-Policy", "%s", policy);
}

/* Takes the call from the budget; false after a 429. */
static bool within_budget(struct exchange *ex, const json_t *grant, bool old)
{
    struct sandbox *sb = ex->sandbox;
    long limit = sb_setting_number(sb, "visma-budget"), seconds = 3600;
    const char *client = sb_document_string(grant, "client");
    struct budget budget;
    char key[256], message[120];

    if (old) {
        limit = 500;
        snprintf(key, sizeof(key), "visma-old/%s", client); /* per application */
    } else {
        snprintf(key, sizeof(key), "visma/%s/%s", sb_document_string(grant, "tenant"), client);
    }
    sb_budget_rate(sb, ex->vendor->name, &limit, &seconds);
    budget = sb_budget_take(sb, key, limit, seconds);
    rate_headers(ex, &budget, old ? "6-fixed-window" : "4-fixed-window");
    if (!budget.spent)
        return true;
    sb_answer_header(ex, "Retry-After", "%ld", budget.reset);
    snprintf(message, sizeof(message), "Rate limit is exceeded. Try again in %ld seconds.", budget.reset);
    front_refuse(ex, 429, message);
    return false;
}

/* The request as a key of the repetition rules: method, path, query, body. */
static void request_key(const struct exchange *ex, const char *what, char key[64])
{
    char *query = sb_document_text(ex->query);
    uint64_t hash = 14695981039346656037ULL;
    const char *parts[] = {ex->method, ex->path, query ? query : ""};

    for (size_t i = 0; i < 3; i++) {
        for (const char *c = parts[i]; *c; c++)
            hash = (hash ^ (unsigned char)*c) * 1099511628211ULL;
    }
    for (size_t i = 0; i < ex->body_size; i++)
        hash = (hash ^ (unsigned char)ex->body[i]) * 1099511628211ULL;
    free(query);
    snprintf(key, 64, "%s/%016llx", what, (unsigned long long)hash);
}

/* --strict-repeat: the same request six times in a minute; a failed one a third time in five minutes. */
static bool repeated(struct exchange *ex)
{
    char key[64];
    struct budget budget;
    const json_t *failed;

    if (!sb_setting_on(ex->sandbox, "strict-repeat"))
        return false;
    request_key(ex, "visma-failed", key);
    failed = sb_journal_get(ex->sandbox->journal, "budget", key);
    if (sb_document_integer(failed, "used", 0) >= 2 &&
        sb_clock_now(ex->sandbox) < sb_document_integer(failed, "start", 0) + 300000) {
        sb_answer_header(ex, "Retry-After", "300");
        front_refuse(ex, 429, "Same failing request made too many times.");
        return true;
    }
    request_key(ex, "visma-same", key);
    budget = sb_budget_take(ex->sandbox, key, 5, 60);
    if (!budget.spent)
        return false;
    sb_answer_header(ex, "Retry-After", "%ld", budget.reset);
    front_refuse(ex, 429, "Same request made too many times.");
    return true;
}

static void note_failure(struct exchange *ex)
{
    char key[64];

    if (!sb_setting_on(ex->sandbox, "strict-repeat") || ex->status < 400 || ex->status == 429 ||
        ex->status == 401)
        return;
    request_key(ex, "visma-failed", key);
    sb_budget_take(ex->sandbox, key, 1000, 300);
}

/* b64(<base64url>) or the key itself */
static void decode_key(const char *text, char *out, size_t size)
{
    size_t length = strlen(text);

    if (length > 5 && strncasecmp(text, "b64(", 4) == 0 && text[length - 1] == ')' &&
        sb_base64url_decode(text + 4, length - 5, (unsigned char *)out, size) >= 0)
        return;
    snprintf(out, size, "%s", text);
}

static void single(struct exchange *ex, const char *tenant, const struct visma_resource *resource,
                   const char *segment, const char *type)
{
    char number[256];
    size_t i;
    json_t *row, *pair;

    json_array_foreach(ex->query, i, pair)
    {
        const struct visma_filter *filter = resource->single_filters;
        const char *name = json_string_value(json_array_get(pair, 0));

        while (filter->name && strcasecmp(filter->name, name) != 0)
            filter++;
        if (!filter->name)
            sb_exchange_unknown_query(ex, name);
    }
    decode_key(segment, number, sizeof(number));
    row = sb_visma_row(tenant, resource, number);
    /* the path without a type finds supplier invoices of the type Invoice only */
    if (row && json_object_get(row, "documentType") && strcmp(resource->segment, "supplierinvoice") == 0 &&
        strcasecmp(sb_document_string(row, "documentType"), type ? type : "Invoice") != 0)
        row = NULL;
    if (!row) {
        sb_visma_refuse(ex, 404, "The %s %s was not found.", resource->note, number);
        return;
    }
    if (resource->etag)
        sb_answer_header(ex, "ETag", "\"%s\"", sb_document_string(row, "timeStamp"));
    sb_answer_json(ex, 200, sb_visma_view(ex, row, resource, resource->single_filters));
}

static const struct visma_resource *resource_of(const char *segment)
{
    for (const struct visma_resource *r = sb_visma_resources; r->segment; r++) {
        if (strcasecmp(r->segment, segment) == 0)
            return r;
    }
    return NULL;
}

static bool known_elsewhere(const char *segment)
{
    for (size_t i = 0; elsewhere[i]; i++) {
        if (strcasecmp(elsewhere[i], segment) == 0)
            return true;
    }
    return false;
}

/* path: what follows the host's prefix, "/v1/…" */
static void route(struct exchange *ex, const json_t *grant, const char *path)
{
    char copy[1024], *rest = copy, *part[6];
    size_t parts = 0;
    const struct visma_resource *resource;
    const char *tenant = sb_document_string(grant, "tenant");
    bool get = strcmp(ex->method, "GET") == 0;

    snprintf(copy, sizeof(copy), "%s", path + (*path == '/'));
    while (rest && parts < 6)
        part[parts++] = strsep(&rest, "/");
    if (parts > 1 && !*part[parts - 1])
        parts--;
    if (parts < 2 || (strcasecmp(part[0], "v1") != 0 && strcasecmp(part[0], "v2") != 0)) {
        front_refuse(ex, 404, "Resource not found");
        return;
    }
    resource = strcasecmp(part[0], "v1") == 0 ? resource_of(part[1]) : NULL;
    if (!resource && (resource_of(part[1]) || known_elsewhere(part[1]))) {
        sb_exchange_endpoint(ex, "%s /%s/%s", ex->method, part[0], part[1]);
        sb_answer_unsimulated(ex, path);
    } else if (!resource) {
        front_refuse(ex, 404, "Resource not found");
    } else if (sb_exchange_header(ex, "erp-api-background")) {
        sb_exchange_endpoint(ex, "%s /v1/%s", ex->method, resource->segment);
        sb_answer_unsimulated(ex, "the background mode");
    } else if (get && parts == 2) {
        sb_exchange_endpoint(ex, "GET /v1/%s", resource->segment);
        sb_visma_list(ex, tenant, resource);
    } else if (get && parts == 3) {
        sb_exchange_endpoint(ex, "GET /v1/%s/{number}", resource->segment);
        single(ex, tenant, resource, part[2], NULL);
    } else if (get && parts == 4 && strcmp(resource->segment, "supplierinvoice") == 0) {
        sb_exchange_endpoint(ex, "GET /v1/supplierinvoice/{type}/{number}");
        single(ex, tenant, resource, part[3], part[2]);
    } else {
        sb_exchange_endpoint(ex, "%s /v1/%s", ex->method, resource->segment);
        sb_answer_unsimulated(ex, path);
    }
}

/* Order of the checks: token, repetition, budget, licence, scope, path. */
static void serve(struct exchange *ex, const char *path, bool old)
{
    const json_t *grant = authenticate(ex);
    const json_t *tenant;
    const char *scope = scope_of(ex->method);

    if (!grant || repeated(ex) || !within_budget(ex, grant, old))
        return;
    tenant = sb_visma_tenant(sb_document_string(grant, "tenant"));
    if (json_is_false(json_object_get(tenant, "licensed"))) {
        char guid[37], id[64];

        sb_guid_of(ex->sandbox->seed, ++error_number, guid);
        snprintf(id, sizeof(id), "12027_%s", guid);
        sb_exchange_reason(ex, "12027 No license for this company");
        sb_answer_json(ex, 403,
                       json_pack("{s:s, s:s, s:s, s:s, s:s}", "ExceptionType", "IPPException",
                                 "ExceptionMessage", "No license for this company.", "ExceptionFaultCode",
                                 "12027", "ExceptionMessageID", id, "ExceptionDetails", ""));
    } else if (!scope) {
        front_refuse(ex, 405, "Method not allowed");
    } else if (!has_scope(sb_document_string(grant, "scope"), scope)) {
        front_refuse(ex, 403, "Forbidden. The access token does not have the scope for this operation.");
    } else {
        route(ex, grant, path);
    }
    note_failure(ex);
}

static void visma_handle(struct exchange *ex)
{
    serve(ex, ex->path, false);
}

static void visma_old_handle(struct exchange *ex)
{
    size_t length = strlen(OLD_PREFIX);
    bool here = strncasecmp(ex->path, OLD_PREFIX, length) == 0 && ex->path[length] == '/';

    serve(ex, here ? ex->path + length : "/", true);
}

static int visma_open(struct sandbox *sb, char *why, size_t why_size)
{
    const char *zone = sb_setting_text(sb, "visma-zone"), *after = sb_setting_text(sb, "visma-after");

    if (strcmp(zone, "utc") != 0 && strcmp(zone, "oslo") != 0) {
        snprintf(why, why_size, "--visma-zone is utc or oslo");
        return -1;
    }
    if (strcmp(after, "strict") != 0 && strcmp(after, "inclusive") != 0) {
        snprintf(why, why_size, "--visma-after is strict or inclusive");
        return -1;
    }
    return sb_visma_store_open(sb, why, why_size);
}

static void visma_close(struct sandbox *sb)
{
    (void)sb;
    sb_visma_store_close();
}

static json_t *visma_describe(struct sandbox *sb)
{
    return json_pack("{s:O}", "base_url", json_object_get(sb->urls, "visma"));
}

static json_t *visma_old_describe(struct sandbox *sb)
{
    return json_pack("{s:s+}", "base_url", json_string_value(json_object_get(sb->urls, "visma-old")),
                     OLD_PREFIX);
}

/* ?tenant= names another company than the first */
static const char *control_tenant(const struct exchange *ex)
{
    const char *asked = sb_exchange_query(ex, "tenant");

    return asked ? asked
                 : sb_document_string(json_array_get(json_object_get(sb_visma_company(), "tenants"), 0),
                                      "tenant_id");
}

static void control_document(struct exchange *ex, const struct visma_resource *resource)
{
    char why[200];
    json_t *body = sb_exchange_json(ex, why, sizeof(why)), *row = NULL;
    const char *number = body ? sb_document_string(body, resource->key) : "";

    if (*number)
        row = sb_visma_upsert(ex->sandbox, control_tenant(ex), resource, number, body);
    if (row)
        sb_answer_json(ex, 200, json_incref(row));
    else
        sb_answer_json(
            ex, 400,
            json_pack("{s:s+}", "message", "expected a JSON object with the member ", resource->key));
    json_decref(body);
}

static void visma_control(struct exchange *ex, const char *tail)
{
    const struct visma_resource *resource = resource_of(tail);

    if (strcmp(tail, "revoke") == 0 && strcmp(ex->method, "POST") == 0) {
        sb_visma_tokens_revoke(ex->sandbox);
        sb_answer_json(ex, 200, json_pack("{s:b}", "revoked", 1));
    } else if (resource && strcmp(ex->method, "POST") == 0) {
        control_document(ex, resource);
    } else if (resource && strcmp(ex->method, "GET") == 0) {
        json_t *documents = json_array(), *row;
        size_t i;

        json_array_foreach(sb_visma_rows(control_tenant(ex), resource), i, row)
        {
            json_array_append_new(documents, sb_visma_full(resource, row));
        }
        sb_answer_json(ex, 200, documents);
    }
}

static const struct sandbox_switch visma_settings[] = {
    {"visma-budget", "N", "500", "calls an hour for a company and client on the new host"},
    {"visma-zone", "utc|oslo", "oslo", "zone of lastModifiedDateTime"},
    {"visma-after", "strict|inclusive", "strict", "whether > includes the bound itself"},
    {"visma-unstable", NULL, NULL, "order lists by modification time and save a row between two pages"},
    {"strict-repeat", NULL, NULL, "refuse the same request six times a minute, a failed one a third time"},
    {NULL, NULL, NULL, NULL},
};

const struct vendor sb_visma_vendor = {
    .name = "visma",
    .host = "api.finance.visma.net",
    .port_offset = 1,
    .settings = visma_settings,
    .open = visma_open,
    .close = visma_close,
    .handle = visma_handle,
    .fail = visma_fail,
    .control_prefix = "visma",
    .control = visma_control,
    .describe = visma_describe,
};

const struct vendor sb_visma_old_vendor = {
    .name = "visma-old",
    .host = "integration.visma.net",
    .port_offset = 2,
    .handle = visma_old_handle,
    .fail = visma_fail,
    .describe = visma_old_describe,
};
