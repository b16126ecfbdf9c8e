/*
 * transaction.c - transactions: their keeping, their statuses by the movable clock, their views.
 *
 * Rules: Orderful's API reference, a transaction's statuses. Nothing runs in the background: a status is
 * worked out from the times of creation when somebody looks.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/journal.h"
#include "sandbox/orderful/orderful.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "orderful.transaction"

static json_t *ordered; /* all transactions, oldest first */

void sb_transactions_open(struct sandbox *sb)
{
    const char *id;
    json_t *transaction;

    ordered = json_array();
    json_object_foreach(sb_journal_kind(sb->journal, KIND), id, transaction)
    {
        json_array_append(ordered, transaction);
    }
}

void sb_transactions_close(void)
{
    json_decref(ordered);
    ordered = NULL;
}

json_t *sb_transactions(struct sandbox *sb)
{
    (void)sb;
    return ordered;
}

json_t *sb_transaction_of(struct sandbox *sb, const char *id)
{
    return sb_journal_get(sb->journal, KIND, id);
}

void sb_transaction_save(struct sandbox *sb, json_t *transaction)
{
    const char *id = sb_document_string(transaction, "id");

    if (!sb_transaction_of(sb, id))
        json_array_append(ordered, transaction);
    sb_journal_put(sb->journal, KIND, id, json_incref(transaction));
}

static void step(struct progress *progress, const char **status, const char *to, int64_t at)
{
    *status = to;
    progress->updated = at;
}

static void acknowledge(struct progress *progress, const json_t *transaction, int64_t delivered, int64_t now)
{
    const char *mode = sb_document_string(transaction, "ack.mode");
    int64_t when = delivered + sb_document_integer(transaction, "ack.seconds", 1) * 1000;
    int64_t overdue = delivered + sb_document_integer(transaction, "ack.timeout", 7200) * 1000;

    if (strcmp(mode, "none") != 0 && when <= overdue) {
        if (now >= when)
            step(progress, &progress->acknowledgment,
                 strcmp(mode, "accept") == 0   ? "ACCEPTED"
                 : strcmp(mode, "reject") == 0 ? "REJECTED"
                                               : "ACCEPTED_WITH_ERRORS",
                 when);
    } else if (now >= overdue) {
        step(progress, &progress->acknowledgment, "OVERDUE", overdue);
    }
}

struct progress sb_transaction_progress(struct sandbox *sb, const json_t *transaction)
{
    int64_t now = sb_clock_now(sb), valid = sb_document_integer(transaction, "valid", 0);
    struct progress progress = {"PROCESSING", "PENDING", "NOT_ACKNOWLEDGED",
                                sb_document_integer(transaction, "created", 0)};
    const json_t *set = json_object_get(transaction, "set");
    bool good = strcmp(sb_document_string(transaction, "outcome"), "VALID") == 0;
    bool inbound = json_is_true(json_object_get(transaction, "inbound"));

    if (now >= valid) {
        step(&progress, &progress.validation, good ? "VALID" : "INVALID", valid);
        if (good && json_is_true(json_object_get(transaction, "autoSend"))) {
            if (now >= valid + 1000)
                step(&progress, &progress.delivery, "SENT", valid + 1000);
            if (now >= valid + 2000 && !inbound)
                step(&progress, &progress.delivery, "DELIVERED", valid + 2000);
            if (!inbound)
                acknowledge(&progress, transaction, valid + 2000, now);
        }
    }
    if (json_is_object(json_object_get(transaction, "acknowledgment")))
        progress.acknowledgment = sb_document_string(transaction, "acknowledgment.status");
    if (*sb_document_string(set, "validationStatus"))
        progress.validation = sb_document_string(set, "validationStatus");
    if (*sb_document_string(set, "deliveryStatus"))
        progress.delivery = sb_document_string(set, "deliveryStatus");
    if (*sb_document_string(set, "acknowledgmentStatus"))
        progress.acknowledgment = sb_document_string(set, "acknowledgmentStatus");
    if (sb_document_integer(transaction, "changed", 0) > progress.updated)
        progress.updated = sb_document_integer(transaction, "changed", 0);
    return progress;
}

static json_t *identity(const char *live_id)
{
    const json_t *account = sb_network_account(live_id);
    const char *qualifier = sb_document_string(account, "qualifier");

    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "isaId", sb_document_string(account, "liveIsaId"),
                     "isaIdQualifier", qualifier, "testIsaId", sb_document_string(account, "testIsaId"),
                     "testIsaIdQualifier", qualifier, "name", sb_document_string(account, "name"));
}

static json_t *reference(const char *value, const char *type)
{
    return json_pack("{s:s, s:s, s:s}", "value", value, "type", type, "owner", "SENDER");
}

/* Orderful's own control numbers; the ones a sender put into the message are not kept. */
static json_t *references(const json_t *transaction)
{
    long long seq = (long long)sb_document_integer(transaction, "seq", 0) + 1;
    char interchange[24], group[24], set[24];

    snprintf(interchange, sizeof(interchange), "%09lld", seq);
    snprintf(group, sizeof(group), "%lld", seq);
    snprintf(set, sizeof(set), "%04lld", seq);
    return json_pack("[o, o, o]", reference(interchange, "INTERCHANGE"), reference(group, "GROUP"),
                     reference(set, "TRANSACTION"));
}

static json_t *href(struct exchange *ex, const char *id, const char *tail)
{
    char url[400];

    snprintf(url, sizeof(url), "%s/v3/transactions/%s%s", sb_exchange_base(ex), id, tail);
    return json_string(url);
}

json_t *sb_transaction_view(struct exchange *ex, const json_t *transaction, bool with_message)
{
    const char *id = sb_document_string(transaction, "id");
    struct progress progress = sb_transaction_progress(ex->sandbox, transaction);
    char created[32], updated[32];
    json_t *message = json_pack("{s:o}", "href", href(ex, id, "/message"));
    json_t *view;

    sb_clock_rfc3339(sb_document_integer(transaction, "created", 0), created);
    sb_clock_rfc3339(progress.updated, updated);
    if (with_message && strcmp(sb_document_string(transaction, "dialect"), "v3") == 0) {
        json_t *content =
            sb_document_normalized(sb_journal_get(ex->sandbox->journal, "orderful.message", id));

        json_object_update(message, content);
        json_decref(content);
    }
    view = json_pack(
        "{s:s, s:o, s:s, s:o, s:o, s:{s:s}, s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:{s:o}}", "id", id,
        "href", href(ex, id, ""), "version", "v3", "sender",
        identity(sb_document_string(transaction, "sender")), "receiver",
        identity(sb_document_string(transaction, "receiver")), "type", "name",
        sb_document_string(transaction, "type"), "stream", sb_document_string(transaction, "stream"),
        "businessNumber", sb_document_string(transaction, "businessNumber"), "referenceIdentifiers",
        references(transaction), "message", message, "validationStatus", progress.validation,
        "deliveryStatus", progress.delivery, "acknowledgmentStatus", progress.acknowledgment, "createdAt",
        created, "lastUpdatedAt", updated, "acknowledgment", "href", href(ex, id, "/acknowledgment"));
    sb_orderful_extra(view, (uint64_t)sb_document_integer(transaction, "seq", 0));
    return view;
}

void sb_transaction_show(struct exchange *ex, const char *id)
{
    const json_t *transaction = sb_transaction_of(ex->sandbox, id);
    const char *expand = sb_exchange_query(ex, "expand");
    size_t i;
    json_t *pair;

    json_array_foreach(ex->query, i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), "expand") != 0)
            sb_exchange_unknown_query(ex, json_string_value(json_array_get(pair, 0)));
    }
    if (!transaction)
        sb_orderful_refuse(ex, 404, NULL, NULL, "Transaction %s not found", id);
    else if (expand && strcmp(expand, "message") != 0)
        sb_orderful_refuse(ex, 400, NULL, NULL, "expand must be one of the following values: message");
    else
        sb_answer_json(ex, 200, sb_transaction_view(ex, transaction, expand != NULL));
}

void sb_transaction_message(struct exchange *ex, const char *id)
{
    const json_t *transaction = sb_transaction_of(ex->sandbox, id);
    json_t *message;

    if (!transaction) {
        sb_orderful_refuse(ex, 404, NULL, NULL, "Transaction %s not found", id);
        return;
    }
    if (strcmp(sb_document_string(transaction, "dialect"), "v3") != 0) {
        sb_answer_unsimulated(ex, "the conversion of a Mosaic document to Orderful JSON");
        return;
    }
    message = sb_document_normalized(sb_journal_get(ex->sandbox->journal, "orderful.message", id));
    json_object_set_new(message, "href", href(ex, id, "/message"));
    sb_answer_json(ex, 200, message);
}

void sb_transaction_validations(struct exchange *ex, const char *id, const char *organization)
{
    const json_t *transaction = sb_transaction_of(ex->sandbox, id);
    json_t *errors;

    if (organization && strcmp(organization, sb_document_string(sb_network(), "organization.id")) != 0) {
        sb_orderful_refuse(ex, 403, NULL, NULL, "Forbidden");
        return;
    }
    if (!transaction) {
        sb_orderful_refuse(ex, 404, NULL, NULL, "Transaction %s not found", id);
        return;
    }
    errors = strcmp(sb_transaction_progress(ex->sandbox, transaction).validation, "PROCESSING") == 0
                 ? json_array()
                 : json_deep_copy(json_object_get(transaction, "errors"));
    if (organization)
        sb_answer_json(ex, 200, errors);
    else
        sb_answer_json(
            ex, 200, json_pack("{s:b, s:o}", "isValid", json_array_size(errors) == 0, "validations", errors));
}

static bool is_one_of(const char *value, const char *values)
{
    char quoted[64];

    snprintf(quoted, sizeof(quoted), " %s ", value);
    return strstr(values, quoted) != NULL;
}

/* Control port: sets statuses by hand; an empty text gives a status back to the clock. */
void sb_transaction_control(struct exchange *ex, const char *id)
{
    static const struct {
        const char *name, *values;
    } statuses[] = {
        {"validationStatus", "  PROCESSING VALID INVALID "},
        {"deliveryStatus", "  PENDING SENT DELIVERED FAILED "},
        {"acknowledgmentStatus", "  NOT_ACKNOWLEDGED ACCEPTED REJECTED OVERDUE ACCEPTED_WITH_ERRORS "},
    };
    char why[200];
    json_t *transaction = sb_transaction_of(ex->sandbox, id), *body = sb_exchange_json(ex, why, sizeof(why)),
           *set;
    bool good = json_is_object(body);

    for (size_t i = 0; good && i < 3; i++) {
        const json_t *value = json_object_get(body, statuses[i].name);

        if (value && (!json_is_string(value) || !is_one_of(json_string_value(value), statuses[i].values)))
            good = false;
    }
    if (!transaction || !good) {
        sb_answer_json(
            ex, transaction ? 400 : 404,
            json_pack("{s:s}", "message",
                      transaction
                          ? "expected validationStatus, deliveryStatus, acknowledgmentStatus, or errors"
                          : "no such transaction"));
        json_decref(body);
        return;
    }
    set = json_object_get(transaction, "set");
    for (size_t i = 0; i < 3; i++) {
        if (json_object_get(body, statuses[i].name))
            json_object_set(set, statuses[i].name, json_object_get(body, statuses[i].name));
    }
    if (json_is_array(json_object_get(body, "errors")))
        json_object_set(transaction, "errors", json_object_get(body, "errors"));
    json_object_set_new(transaction, "changed", json_integer((json_int_t)sb_clock_now(ex->sandbox)));
    sb_transaction_save(ex->sandbox, transaction);
    json_decref(body);
    sb_answer_json(ex, 200, sb_transaction_view(ex, transaction, true));
}

/* Control port: everything there is, with the messages as they were posted. */
void sb_transaction_control_list(struct exchange *ex)
{
    json_t *list = json_array(), *transaction;
    const char *business = sb_exchange_query(ex, "businessNumber");
    size_t i;

    json_array_foreach(ordered, i, transaction)
    {
        const char *id = sb_document_string(transaction, "id");
        struct progress progress = sb_transaction_progress(ex->sandbox, transaction);
        json_t *entry;

        if (business && strcmp(sb_document_string(transaction, "businessNumber"), business) != 0)
            continue;
        entry = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:O*}", "id", id,
                          "dialect", sb_document_string(transaction, "dialect"), "type",
                          sb_document_string(transaction, "type"), "stream",
                          sb_document_string(transaction, "stream"), "sender",
                          sb_document_string(transaction, "sender"), "receiver",
                          sb_document_string(transaction, "receiver"), "businessNumber",
                          sb_document_string(transaction, "businessNumber"), "validationStatus",
                          progress.validation, "deliveryStatus", progress.delivery, "acknowledgmentStatus",
                          progress.acknowledgment, "errors", json_object_get(transaction, "errors"),
                          "message", sb_journal_get(ex->sandbox->journal, "orderful.message", id));
        json_array_append_new(list, entry);
    }
    sb_answer_json(ex, 200,
                   json_pack("{s:I, s:o}", "count", (json_int_t)json_array_size(list), "transactions", list));
}
