/*
 * orderful.c - Orderful on one host: key, budgets, routes of the v2, v3 and v4 surfaces.
 *
 * Rules: Orderful's API reference on authentication, versions, errors and limits; docs/sandbox.md lists them.
 */
#include "sandbox/orderful/orderful.h"
#include "sandbox/budget.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/vendors.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sb_orderful_refuse(struct exchange *ex, int status, const char *type, const char *ref,
                        const char *format, ...)
{
    char message[600];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    sb_document_mend(message);
    sb_exchange_reason(ex, "%d %s", status, message);
    sb_answer_json(ex, status, json_pack("{s:s*, s:s*, s:s}", "type", type, "ref", ref, "message", message));
}

void sb_orderful_refuse_list(struct exchange *ex, json_t *messages)
{
    json_t *first = json_array_get(messages, 0);

    sb_exchange_reason(ex, "400 %s", json_string_value(first));
    sb_answer_json(ex, 400, json_pack("{s:O}", "message", json_array_size(messages) == 1 ? first : messages));
    json_decref(messages);
}

void sb_orderful_extra(json_t *object, uint64_t number)
{
    if (sb_mix64(number) % 3 == 0)
        json_object_set_new(object, "sandboxNote", json_string("members may be added within a version"));
}

static void orderful_fail(struct exchange *ex, int status)
{
    sb_exchange_reason(ex, "%d on demand", status);
    if (status == 429) {
        sb_answer_header(ex, "Retry-After", "3");
        sb_answer_header(ex, "x-ratelimit-limit", "100");
        sb_answer_header(ex, "x-ratelimit-remaining", "0");
        sb_answer_header(ex, "x-ratelimit-reset", "3");
        sb_answer_text(ex, 429, "text/html", "<html><body>Too Many Requests</body></html>\n");
    } else if (status >= 502 && status <= 504) {
        sb_answer_html(ex, status);
    } else if (status >= 500) {
        sb_answer_json(ex, status, json_pack("{s:s}", "message", "An unexpected error occurred"));
    } else {
        sb_answer_json(ex, status, json_pack("{s:s}", "message", "The request was refused"));
    }
}

/* Path templates; {} takes one segment, handed on in order. */
struct route {
    const char *method;
    const char *path;
    void (*handle)(struct exchange *ex, char args[][128]);
};

static void r_create_v3(struct exchange *ex, char args[][128])
{
    (void)args;
    sb_transaction_create_v3(ex);
}

static void r_create_v4(struct exchange *ex, char args[][128])
{
    (void)args;
    sb_transaction_create_v4(ex);
}

static void r_list(struct exchange *ex, char args[][128])
{
    (void)args;
    sb_transactions_list(ex);
}

static void r_show(struct exchange *ex, char args[][128])
{
    sb_transaction_show(ex, args[0]);
}

static void r_message(struct exchange *ex, char args[][128])
{
    sb_transaction_message(ex, args[0]);
}

static void r_ack_post(struct exchange *ex, char args[][128])
{
    sb_acknowledgment_post(ex, args[0]);
}

static void r_ack_get(struct exchange *ex, char args[][128])
{
    sb_acknowledgment_get(ex, args[0]);
}

static void r_confirm_batch(struct exchange *ex, char args[][128])
{
    (void)args;
    sb_delivery_confirm_batch(ex);
}

static void r_bucket(struct exchange *ex, char args[][128])
{
    sb_delivery_bucket(ex, args[0]);
}

static void r_confirm_retrieval(struct exchange *ex, char args[][128])
{
    sb_delivery_confirm_retrieval(ex, args[0]);
}

static void r_delivery_v3(struct exchange *ex, char args[][128])
{
    sb_delivery_show(ex, NULL, args[0]);
}

static void r_approve_v3(struct exchange *ex, char args[][128])
{
    sb_delivery_decide(ex, NULL, args[0], true);
}

static void r_fail_v3(struct exchange *ex, char args[][128])
{
    sb_delivery_decide(ex, NULL, args[0], false);
}

static void r_inbox(struct exchange *ex, char args[][128])
{
    sb_delivery_inbox(ex, args[0]);
}

static void r_delivery_v4(struct exchange *ex, char args[][128])
{
    sb_delivery_show(ex, args[0], args[1]);
}

static void r_accept_v4(struct exchange *ex, char args[][128])
{
    sb_delivery_decide(ex, args[0], args[1], true);
}

static void r_fail_v4(struct exchange *ex, char args[][128])
{
    sb_delivery_decide(ex, args[0], args[1], false);
}

static void r_relationships(struct exchange *ex, char args[][128])
{
    (void)args;
    sb_network_relationships_list(ex);
}

static void r_me(struct exchange *ex, char args[][128])
{
    json_t *accounts = json_array(), *account;
    size_t i;
    char id[32];

    (void)args;
    json_array_foreach(json_object_get(sb_network(), "accounts"), i, account)
    {
        if (!sb_network_is_ours(account))
            continue;
        snprintf(id, sizeof(id), "%lld", (long long)sb_document_integer(account, "ediAccountId", 0));
        json_array_append_new(accounts, json_pack("{s:s, s:s, s:s, s:s}", "id", id, "name",
                                                  sb_document_string(account, "name"), "liveIsaId",
                                                  sb_document_string(account, "liveIsaId"), "testIsaId",
                                                  sb_document_string(account, "testIsaId")));
    }
    sb_answer_json(ex, 200,
                   json_pack("{s:s, s:s, s:o}", "id", sb_document_string(sb_network(), "organization.id"),
                             "name", sb_document_string(sb_network(), "organization.name"), "ediAccounts",
                             accounts));
}

static void r_validations(struct exchange *ex, char args[][128])
{
    sb_transaction_validations(ex, args[0], NULL);
}

static void r_validations_org(struct exchange *ex, char args[][128])
{
    sb_transaction_validations(ex, args[1], args[0]);
}

static void r_unsimulated(struct exchange *ex, char args[][128])
{
    (void)args;
    sb_answer_unsimulated(ex, ex->path);
}

static const struct route routes[] = {
    {"POST", "/transactions", r_create_v4},
    {"GET", "/inboxes/{}/transactions", r_inbox},
    {"GET", "/transactions/{}/deliveries/{}", r_delivery_v4},
    {"POST", "/transactions/{}/deliveries/{}/accept", r_accept_v4},
    {"POST", "/transactions/{}/deliveries/{}/fail", r_fail_v4},
    {"POST", "/v3/transactions", r_create_v3},
    {"GET", "/v3/transactions", r_list},
    {"POST", "/v3/transactions/raw", r_unsimulated},
    {"POST", "/v3/transactions/confirm-delivery", r_confirm_batch},
    {"GET", "/v3/transactions/{}", r_show},
    {"GET", "/v3/transactions/{}/message", r_message},
    {"POST", "/v3/transactions/{}/acknowledgment", r_ack_post},
    {"GET", "/v3/transactions/{}/acknowledgment", r_ack_get},
    {"GET", "/v3/polling-buckets/{}", r_bucket},
    {"POST", "/v3/polling-buckets/{}/confirm-retrieval", r_confirm_retrieval},
    {"GET", "/v3/deliveries/{}", r_delivery_v3},
    {"POST", "/v3/deliveries/{}/approve", r_approve_v3},
    {"POST", "/v3/deliveries/{}/fail", r_fail_v3},
    {"POST", "/v3/convert", r_unsimulated},
    {"GET", "/v3/relationships", r_relationships},
    {"GET", "/v3/organizations/me", r_me},
    {"GET", "/v3/attachments/{}", r_unsimulated},
    {"GET", "/v3/attachments/{}/content", r_unsimulated},
    {"POST", "/v3/labels", r_unsimulated},
    {"GET", "/v3/simplified-schemas/{}", r_unsimulated},
    {"POST", "/v3/validate", r_unsimulated},
    {"GET", "/v2/organizations/{}/transactions/{}/validations", r_validations_org},
    {"GET", "/v2/transactions/{}/validations", r_validations},
    {"POST", "/v2/edi-jobs", r_unsimulated},
    {"POST", "/v2/transactions/{}/send", r_unsimulated},
    {"DELETE", "/v2/transactions/{}", r_unsimulated},
};

static bool match(const char *template, const char *path, char args[][128])
{
    size_t arg = 0;

    while (*template && *path) {
        if (template[0] == '{') {
            size_t length = strcspn(path, "/");

            if (length == 0 || length >= 128 || arg == 2)
                return false;
            memcpy(args[arg], path, length);
            args[arg++][length] = '\0';
            path += length;
            template += 2;
        } else if (*template ++ != *path++) {
            return false;
        }
    }
    return !*template && !*path;
}

/* A budget a key and endpoint template, one minute; false after a 429. */
static bool within_budget(struct exchange *ex)
{
    long limit = sb_setting_number(ex->sandbox, "orderful-limit"), seconds = 60;
    struct budget budget;
    char key[160];

    sb_budget_rate(ex->sandbox, "orderful", &limit, &seconds);
    snprintf(key, sizeof(key), "orderful/%s", ex->endpoint[0] ? ex->endpoint : "(unknown path)");
    budget = sb_budget_take(ex->sandbox, key, limit, seconds);
    sb_answer_header(ex, "x-ratelimit-limit", "%ld", budget.limit);
    sb_answer_header(ex, "x-ratelimit-remaining", "%ld", budget.remaining);
    sb_answer_header(ex, "x-ratelimit-reset", "%ld", budget.reset);
    if (!budget.spent)
        return true;
    sb_exchange_reason(ex, "429 over %ld a %ld seconds", limit, seconds);
    sb_answer_header(ex, "Retry-After", "%ld", budget.reset);
    sb_answer_text(ex, 429, "text/html", "<html><body>Too Many Requests</body></html>\n");
    return false;
}

static bool key_is_good(const struct exchange *ex)
{
    const char *given = sb_exchange_header(ex, "orderful-api-key");
    const char *wanted = sb_document_string(sb_network(), "organization.apiKey");

    return given && strlen(given) == strlen(wanted) && CRYPTO_memcmp(given, wanted, strlen(wanted)) == 0;
}

static bool version_is_good(struct exchange *ex, const struct route *route)
{
    const char *version = sb_exchange_header(ex, "orderful-api-version");

    if (strncmp(route->path, "/v2/", 4) == 0 || strncmp(route->path, "/v3/", 4) == 0 || !version ||
        strcmp(version, "v4") == 0)
        return true;
    sb_orderful_refuse(ex, 400, NULL, NULL, "Unsupported orderful-api-version: %s", version);
    return false;
}

static void orderful_handle(struct exchange *ex)
{
    static char args[2][128]; /* under the sandbox's lock */
    const struct route *route = NULL;
    bool path_known = false;

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!match(routes[i].path, ex->path, args))
            continue;
        path_known = true;
        if (strcmp(routes[i].method, ex->method) == 0) {
            route = &routes[i];
            break;
        }
    }
    if (route)
        sb_exchange_endpoint(ex, "%s %s", route->method, route->path);
    if (!within_budget(ex))
        return;
    if (!key_is_good(ex)) {
        sb_orderful_refuse(ex, 401, NULL, NULL, "Unauthorized");
    } else if (!route) {
        sb_orderful_refuse(ex, path_known ? 405 : 404, NULL, NULL, "Cannot %s %s", ex->method, ex->path);
    } else if (version_is_good(ex, route)) {
        route->handle(ex, args);
    }
}

static int orderful_open(struct sandbox *sb, char *why, size_t why_size)
{
    static const char *const modes[] = {"accept", "accept-with-errors", "reject", "none", NULL};
    const char *mode = sb_setting_text(sb, "ack");
    size_t i = 0;

    while (modes[i] && strcmp(modes[i], mode) != 0)
        i++;
    if (!modes[i]) {
        snprintf(why, why_size, "--ack is accept, accept-with-errors, reject or none");
        return -1;
    }
    if (sb_network_open(sb, why, why_size) != 0 || sb_x12json_open(sb, why, why_size) != 0 ||
        sb_mosaic_open(sb, why, why_size) != 0)
        return -1;
    sb_transactions_open(sb);
    return 0;
}

static void orderful_close(struct sandbox *sb)
{
    (void)sb;
    sb_transactions_close();
    sb_mosaic_close();
    sb_x12json_close();
    sb_network_close();
}

static void orderful_control(struct exchange *ex, const char *tail)
{
    bool post = strcmp(ex->method, "POST") == 0;

    if (strcmp(tail, "transactions") == 0 && !post)
        sb_transaction_control_list(ex);
    else if (strcmp(tail, "relationship") == 0 && post)
        sb_network_control_relationship(ex);
    else if (strcmp(tail, "inbound") == 0 && post)
        sb_transaction_control_inbound(ex);
    else if (strncmp(tail, "transaction/", 12) == 0 && post)
        sb_transaction_control(ex, tail + 12);
}

static json_t *orderful_describe(struct sandbox *sb)
{
    json_t *accounts = json_array(), *account;
    size_t i;

    json_array_foreach(json_object_get(sb_network(), "accounts"), i, account)
    {
        json_array_append_new(accounts,
                              json_pack("{s:s, s:s, s:s}", "name", sb_document_string(account, "name"),
                                        "live", sb_document_string(account, "liveIsaId"), "test",
                                        sb_document_string(account, "testIsaId")));
    }
    return json_pack("{s:O, s:s, s:o, s:I, s:I}", "base_url", json_object_get(sb->urls, "orderful"),
                     "api_key", sb_document_string(sb_network(), "organization.apiKey"), "isa_ids", accounts,
                     "test_bucket", (json_int_t)sb_network_mailbox("buckets", "TEST"), "test_inbox",
                     (json_int_t)sb_network_mailbox("inboxes", "TEST"));
}

static const struct sandbox_switch orderful_settings[] = {
    {"orderful-limit", "N", "100", "calls a minute for each endpoint"},
    {"ack", "MODE", "accept", "how partners acknowledge: accept, accept-with-errors, reject, none"},
    {"ack-seconds", "N", "1", "how long after delivery they do"},
    {NULL, NULL, NULL, NULL},
};

const struct vendor sb_orderful_vendor = {
    .name = "orderful",
    .host = "api.orderful.com",
    .port_offset = 3,
    .settings = orderful_settings,
    .open = orderful_open,
    .close = orderful_close,
    .handle = orderful_handle,
    .fail = orderful_fail,
    .control_prefix = "orderful",
    .control = orderful_control,
    .describe = orderful_describe,
};
