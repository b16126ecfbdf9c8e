/*
 * delivery.c - what arrives for us: buckets (v3), inboxes (v4), deliveries, acknowledgments.
 *
 * Rules: Orderful's API reference, polling buckets, inboxes and deliveries. A delivery is kept under
 * "orderful.delivery" by its GUID.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/journal.h"
#include "sandbox/orderful/orderful.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "orderful.delivery"

void sb_delivery_create(struct sandbox *sb, const json_t *transaction)
{
    bool mosaic = strcmp(sb_document_string(transaction, "dialect"), "v4") == 0;
    int64_t box =
        sb_network_mailbox(mosaic ? "inboxes" : "buckets", sb_document_string(transaction, "stream"));
    uint64_t number = json_object_size(sb_journal_kind(sb->journal, KIND));
    char id[37];

    sb_guid_of(sb->seed ^ 0xde11, number, id);
    sb_journal_put(sb->journal, KIND, id,
                   json_pack("{s:s, s:s, s:I, s:b, s:s, s:I, s:s}", "id", id, "transaction",
                             sb_document_string(transaction, "id"), "box", (json_int_t)box, "mosaic", mosaic,
                             "status", "SENT", "created", (json_int_t)sb_clock_now(sb), "note", ""));
}

static json_t *link_of(struct exchange *ex, const json_t *delivery, const char *tail)
{
    char url[500];

    if (json_is_true(json_object_get(delivery, "mosaic")))
        snprintf(url, sizeof(url), "%s/transactions/%s/deliveries/%s%s", sb_exchange_base(ex),
                 sb_document_string(delivery, "transaction"), sb_document_string(delivery, "id"), tail);
    else
        snprintf(url, sizeof(url), "%s/v3/deliveries/%s%s", sb_exchange_base(ex),
                 sb_document_string(delivery, "id"), tail);
    return json_string(url);
}

/* limit 1-100, default 30; false after a 400 */
static bool read_limit(struct exchange *ex, long *limit)
{
    const char *text = sb_exchange_query(ex, "limit");
    size_t i;
    json_t *pair;
    char *end;

    json_array_foreach(ex->query, i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), "limit") != 0)
            sb_exchange_unknown_query(ex, json_string_value(json_array_get(pair, 0)));
    }
    *limit = 30;
    if (!text)
        return true;
    *limit = strtol(text, &end, 10);
    if (end != text && !*end && *limit >= 1 && *limit <= 100)
        return true;
    sb_orderful_refuse(ex, 400, NULL, NULL, "limit must be a number between 1 and 100");
    return false;
}

static const char *isa_in_stream(const char *live_id, const char *stream)
{
    return sb_document_string(sb_network_account(live_id),
                              strcmp(stream, "LIVE") == 0 ? "liveIsaId" : "testIsaId");
}

static json_t *bucket_item(struct exchange *ex, const json_t *delivery, const json_t *transaction)
{
    const char *stream = sb_document_string(transaction, "stream");
    char created[32], updated[32];
    json_t *item;

    sb_clock_rfc3339(sb_document_integer(transaction, "created", 0), created);
    sb_clock_rfc3339(sb_document_integer(delivery, "created", 0), updated);
    item = json_pack(
        "{s:s, s:{s:s}, s:{s:s}, s:{s:s}, s:s, s:O, s:s, s:s, s:{s:s, s:o, s:{s:o}, s:{s:o}}}", "id",
        sb_document_string(transaction, "id"), "sender", "isaId",
        isa_in_stream(sb_document_string(transaction, "sender"), stream), "receiver", "isaId",
        isa_in_stream(sb_document_string(transaction, "receiver"), stream), "type", "name",
        sb_document_string(transaction, "type"), "stream", stream, "message",
        sb_journal_get(ex->sandbox->journal, "orderful.message", sb_document_string(transaction, "id")),
        "createdAt", created, "lastUpdatedAt", updated, "delivery", "id", sb_document_string(delivery, "id"),
        "href", link_of(ex, delivery, ""), "approve", "href", link_of(ex, delivery, "/approve"), "fail",
        "href", link_of(ex, delivery, "/fail"));
    sb_orderful_extra(item, (uint64_t)sb_document_integer(transaction, "seq", 0));
    return item;
}

static json_t *inbox_item(struct exchange *ex, const json_t *delivery, const json_t *transaction)
{
    const char *stream = sb_document_string(transaction, "stream");
    json_int_t number = strtoll(sb_document_string(transaction, "id"), NULL, 10);
    char payload[37];
    json_t *item;

    sb_guid_of(0x9a71, (uint64_t)number, payload);
    item = json_pack(
        "{s:s, s:I, s:s, s:s, s:s, s:O, s:{s:s, s:I, s:o, s:{s:o}, s:{s:o}}}", "integrationPayloadId",
        payload, "transactionId", number, "senderId",
        isa_in_stream(sb_document_string(transaction, "sender"), stream), "receiverId",
        isa_in_stream(sb_document_string(transaction, "receiver"), stream), "stream",
        strcmp(stream, "LIVE") == 0 ? "live" : "test", "message",
        sb_journal_get(ex->sandbox->journal, "orderful.message", sb_document_string(transaction, "id")),
        "delivery", "deliveryId", sb_document_string(delivery, "id"), "transactionId", number, "href",
        link_of(ex, delivery, ""), "approve", "href", link_of(ex, delivery, "/accept"), "fail", "href",
        link_of(ex, delivery, "/fail"));
    sb_orderful_extra(item, (uint64_t)number);
    return item;
}

static void list_box(struct exchange *ex, const char *list, const char *box, bool mosaic)
{
    const char *id;
    json_t *delivery, *items;
    long limit;
    char text[32];

    if (!sb_network_has_mailbox(list, box)) {
        sb_orderful_refuse(ex, 404, NULL, NULL, "%s %s not found", mosaic ? "Inbox" : "Polling bucket", box);
        return;
    }
    if (!read_limit(ex, &limit))
        return;
    items = json_array();
    json_object_foreach(sb_journal_kind(ex->sandbox->journal, KIND), id, delivery)
    {
        const json_t *transaction =
            sb_transaction_of(ex->sandbox, sb_document_string(delivery, "transaction"));

        snprintf(text, sizeof(text), "%lld", (long long)sb_document_integer(delivery, "box", 0));
        if (strcmp(text, box) != 0 || strcmp(sb_document_string(delivery, "status"), "SENT") != 0 ||
            !transaction || json_array_size(items) >= (size_t)limit)
            continue;
        json_array_append_new(items, mosaic ? inbox_item(ex, delivery, transaction)
                                            : bucket_item(ex, delivery, transaction));
    }
    sb_answer_json(ex, 200, items);
}

void sb_delivery_bucket(struct exchange *ex, const char *bucket)
{
    list_box(ex, "buckets", bucket, false);
}

void sb_delivery_inbox(struct exchange *ex, const char *inbox)
{
    list_box(ex, "inboxes", inbox, true);
}

/* The delivery of that id (and transaction, in v4), or NULL after a 404. */
static json_t *find(struct exchange *ex, const char *transaction, const char *id)
{
    json_t *delivery = sb_journal_get(ex->sandbox->journal, KIND, id);

    if (delivery && (!transaction || strcmp(sb_document_string(delivery, "transaction"), transaction) == 0))
        return delivery;
    sb_orderful_refuse(ex, 404, NULL, NULL, "Delivery %s not found", id);
    return NULL;
}

void sb_delivery_show(struct exchange *ex, const char *transaction, const char *id)
{
    const json_t *delivery = find(ex, transaction, id);
    char created[32], updated[32];
    json_int_t decided;
    json_t *view;

    if (!delivery)
        return;
    decided = (json_int_t)sb_document_integer(delivery, "decided", 0);
    sb_clock_rfc3339(sb_document_integer(delivery, "created", 0), created);
    sb_clock_rfc3339(decided ? decided : sb_document_integer(delivery, "created", 0), updated);
    /*
     * The interface description wants all of the times, and shows them equal in its example of a fresh
     * delivery; it shows both spellings of the approval too, and the other one stands in its inbox.
     */
    view = json_pack(
        "{s:s, s:I, s:o, s:s, s:s, s:s, s:s, s:{s:o}, s:{s:o}, s:s, s:s, s:s}", "deliveryId",
        sb_document_string(delivery, "id"), "transactionId",
        (json_int_t)strtoll(sb_document_string(delivery, "transaction"), NULL, 10), "href",
        link_of(ex, delivery, ""), "status", sb_document_string(delivery, "status"), "createdAt", created,
        "lastUpdatedAt", updated, "note", sb_document_string(delivery, "note"), "approve", "href",
        link_of(ex, delivery, json_is_true(json_object_get(delivery, "mosaic")) ? "/accept" : "/approve"),
        "fail", "href", link_of(ex, delivery, "/fail"), "sendSucceededAt", created, "sendFailedAt", created,
        "lastConfirmedAt", updated);
    sb_answer_json(ex, 200, view);
}

/* Sets the delivery's status and, as it is the transaction's newest, the transaction's. */
static void decide(struct sandbox *sb, json_t *delivery, const char *status, const char *note)
{
    json_t *transaction = sb_transaction_of(sb, sb_document_string(delivery, "transaction"));

    json_object_set_new(delivery, "status", json_string(status));
    json_object_set_new(delivery, "note", json_string(note));
    json_object_set_new(delivery, "decided", json_integer((json_int_t)sb_clock_now(sb)));
    sb_journal_put(sb->journal, KIND, sb_document_string(delivery, "id"), json_incref(delivery));
    if (!transaction)
        return;
    json_object_set_new(json_object_get(transaction, "set"), "deliveryStatus", json_string(status));
    json_object_set_new(transaction, "changed", json_integer((json_int_t)sb_clock_now(sb)));
    sb_transaction_save(sb, transaction);
}

void sb_delivery_decide(struct exchange *ex, const char *transaction, const char *id, bool approve)
{
    json_t *delivery = find(ex, transaction, id), *body;
    char why[200];

    if (!delivery)
        return;
    body = sb_exchange_json(ex, why, sizeof(why));
    if (!json_is_object(body)) {
        sb_orderful_refuse(ex, 400, NULL, NULL, "The body must be a JSON object");
    } else if (json_object_get(body, "note") && !json_is_string(json_object_get(body, "note"))) {
        sb_orderful_refuse(ex, 400, NULL, NULL, "note must be a string");
    } else if (transaction && !*sb_document_string(body, "note")) {
        sb_orderful_refuse(ex, 400, NULL, NULL, "note should not be empty");
    } else {
        decide(ex->sandbox, delivery, approve ? "DELIVERED" : "FAILED", sb_document_string(body, "note"));
        sb_answer_empty(ex, 200);
    }
    json_decref(body);
}

/* The newest delivery of a transaction that still waits; NULL when there is none. */
static json_t *waiting(struct sandbox *sb, const char *transaction, const char *bucket)
{
    const char *id;
    json_t *delivery, *found = NULL;
    char text[32];

    json_object_foreach(sb_journal_kind(sb->journal, KIND), id, delivery)
    {
        snprintf(text, sizeof(text), "%lld", (long long)sb_document_integer(delivery, "box", 0));
        if (strcmp(sb_document_string(delivery, "transaction"), transaction) == 0 &&
            strcmp(sb_document_string(delivery, "status"), "SENT") == 0 &&
            (!bucket || strcmp(text, bucket) == 0))
            found = delivery;
    }
    return found;
}

void sb_delivery_confirm_retrieval(struct exchange *ex, const char *bucket)
{
    char why[200];
    json_t *body = sb_exchange_json(ex, why, sizeof(why)), *ids = json_object_get(body, "resourceIds"), *id;
    json_int_t confirmed = 0;
    size_t i;

    if (!json_is_array(ids)) {
        sb_orderful_refuse(ex, 400, NULL, NULL, "resourceIds must be an array");
    } else {
        json_array_foreach(ids, i, id)
        {
            const char *text = json_string_value(id);
            json_t *delivery = text ? waiting(ex->sandbox, text, bucket) : NULL;

            if (delivery) {
                decide(ex->sandbox, delivery, "DELIVERED", "");
                confirmed++;
            }
        }
        sb_answer_json(ex, 200, json_pack("{s:I}", "confirmedTransactions", confirmed));
    }
    json_decref(body);
}

void sb_delivery_confirm_batch(struct exchange *ex)
{
    char why[200], text[300];
    json_t *body = sb_exchange_json(ex, why, sizeof(why)), *answer = json_object(), *item;
    size_t i;
    bool good = json_is_array(body);

    json_array_foreach(good ? body : NULL, i, item)
    {
        const char *status = sb_document_string(item, "deliveryStatus");

        good = good && *sb_document_string(item, "transactionId") &&
               strlen(sb_document_string(item, "note")) <= 240 &&
               (strcmp(status, "DELIVERED") == 0 || strcmp(status, "FAILED") == 0);
    }
    if (!good) {
        sb_orderful_refuse(ex, 400, NULL, NULL,
                           "each item needs a transactionId and a deliveryStatus of DELIVERED or FAILED");
        json_decref(answer);
        json_decref(body);
        return;
    }
    json_array_foreach(body, i, item)
    {
        const char *id = sb_document_string(item, "transactionId"),
                   *status = sb_document_string(item, "deliveryStatus");
        json_t *delivery = waiting(ex->sandbox, id, NULL);

        if (!sb_transaction_of(ex->sandbox, id)) {
            snprintf(text, sizeof(text), "Transaction ID %.100s not found", id);
        } else if (!delivery) {
            snprintf(text, sizeof(text), "No delivery to confirm for transaction %.100s", id);
        } else {
            decide(ex->sandbox, delivery, status, sb_document_string(item, "note"));
            snprintf(text, sizeof(text), "Successfully confirmed %sdelivery for transaction %.100s",
                     strcmp(status, "FAILED") == 0 ? "failed " : "", id);
        }
        json_object_set_new(answer, id, json_string(text));
    }
    sb_answer_json(ex, 200, answer);
    json_decref(body);
}

void sb_acknowledgment_post(struct exchange *ex, const char *id)
{
    json_t *transaction = sb_transaction_of(ex->sandbox, id), *body, *errors;
    char why[200];
    const char *status;

    if (!transaction) {
        sb_orderful_refuse(ex, 404, NULL, NULL, "Transaction %s not found", id);
        return;
    }
    body = sb_exchange_json(ex, why, sizeof(why));
    status = body ? sb_document_string(body, "status") : "";
    errors = json_object_get(body, "errors");
    if (!json_is_true(json_object_get(transaction, "inbound"))) {
        sb_orderful_refuse(ex, 403, NULL, NULL, "Only the receiver may acknowledge a transaction");
    } else if (strcmp(status, "ACCEPTED") != 0 && strcmp(status, "REJECTED") != 0) {
        sb_orderful_refuse(ex, 400, NULL, NULL,
                           "status must be one of the following values: ACCEPTED, REJECTED");
    } else if (json_is_object(json_object_get(transaction, "acknowledgment"))) {
        sb_orderful_refuse(ex, 422, "unprocessableEntity", "acknowledgment",
                           "The transaction has already been acknowledged");
    } else {
        json_object_set_new(transaction, "acknowledgment",
                            json_pack("{s:s, s:o, s:I}", "status", status, "errors",
                                      json_is_array(errors) ? json_incref(errors) : json_array(), "created",
                                      (json_int_t)sb_clock_now(ex->sandbox)));
        json_object_set_new(transaction, "changed", json_integer((json_int_t)sb_clock_now(ex->sandbox)));
        sb_transaction_save(ex->sandbox, transaction);
        sb_answer_empty(ex, 201);
    }
    json_decref(body);
}

void sb_acknowledgment_get(struct exchange *ex, const char *id)
{
    const json_t *transaction = sb_transaction_of(ex->sandbox, id);
    const json_t *own = json_object_get(transaction, "acknowledgment");
    struct progress progress;
    char self[400], parent[400], when[32];

    if (!transaction) {
        sb_orderful_refuse(ex, 404, NULL, NULL, "Transaction %s not found", id);
        return;
    }
    progress = sb_transaction_progress(ex->sandbox, transaction);
    if (strcmp(progress.acknowledgment, "NOT_ACKNOWLEDGED") == 0 ||
        strcmp(progress.acknowledgment, "OVERDUE") == 0) {
        sb_orderful_refuse(ex, 404, NULL, NULL, "Acknowledgment not found");
        return;
    }
    snprintf(parent, sizeof(parent), "%s/v3/transactions/%s", sb_exchange_base(ex), id);
    snprintf(self, sizeof(self), "%s/v3/transactions/%s/acknowledgment", sb_exchange_base(ex), id);
    sb_clock_rfc3339(own ? sb_document_integer(own, "created", 0) : progress.updated, when);
    sb_answer_json(ex, 200,
                   json_pack("{s:s, s:s, s:s, s:{s:s}, s:s, s:o}", "href", self, "createdAt", when, "status",
                             progress.acknowledgment, "transaction", "href", parent, "transactionId", id,
                             "errors",
                             json_is_array(json_object_get(own, "errors"))
                                 ? json_deep_copy(json_object_get(own, "errors"))
                                 : json_array()));
}
