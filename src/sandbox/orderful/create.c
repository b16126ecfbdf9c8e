/*
 * create.c - POST /v3/transactions (Orderful JSON) and POST /transactions (Mosaic).
 *
 * Rules: Orderful's API reference, Create Transaction (v3 and v4). A duplicate business number is accepted.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/journal.h"
#include "sandbox/orderful/orderful.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ID INT64_C(902210971)

struct posted {
    const char *dialect;
    const char *type;                      /* v3 name */
    const char *asked;                     /* the name as posted */
    char stream[8];                        /* TEST, LIVE */
    const char *sender_isa, *receiver_isa; /* as posted */
    const json_t *sender, *receiver, *relationship;
    const char *business;
    json_t *message; /* borrowed */
    json_t *errors;  /* validation entries */
    bool inbound;
};

/* Stores it; the transaction is borrowed. */
static json_t *store(struct sandbox *sb, const struct posted *posted)
{
    int64_t now = sb_clock_now(sb), seq = (int64_t)json_array_size(sb_transactions(sb));
    bool mosaic = strcmp(posted->dialect, "v4") == 0, bad = json_array_size(posted->errors) > 0;
    const char *mode = sb_document_string(posted->relationship, "ack");
    char id[24];
    json_t *transaction;

    snprintf(id, sizeof(id), "%lld", (long long)(FIRST_ID + seq));
    sb_journal_put(sb->journal, "orderful.message", id, json_deep_copy(posted->message));
    transaction = json_pack(
        "{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:O, s:b, s:b, s:{s:s, s:I, s:I}, s:{}, "
        "s:I}",
        "id", id, "seq", (json_int_t)seq, "dialect", posted->dialect, "type", posted->type, "stream",
        posted->stream, "sender", sb_document_string(posted->sender, "liveIsaId"), "receiver",
        sb_document_string(posted->receiver, "liveIsaId"), "businessNumber", posted->business, "created",
        (json_int_t)now, "valid",
        (json_int_t)(mosaic && bad ? now : now + 200 + (int64_t)(sb_mix64(sb->seed + (uint64_t)seq) % 1800)),
        "outcome", bad ? "INVALID" : "VALID", "errors", posted->errors, "autoSend",
        strcmp(sb_document_string(posted->relationship, "autoSend"), "ENABLED") == 0, "inbound",
        posted->inbound, "ack", "mode", *mode ? mode : sb_setting_text(sb, "ack"), "seconds",
        (json_int_t)sb_setting_number(sb, "ack-seconds"), "timeout",
        (json_int_t)sb_document_integer(posted->relationship, "ackTimeout", 7200), "set", "changed",
        (json_int_t)0);
    sb_transaction_save(sb, transaction);
    json_decref(transaction);
    transaction = sb_transaction_of(sb, id);
    if (posted->inbound && !bad)
        sb_delivery_create(sb, transaction);
    return transaction;
}

/*
 * Finds accounts and relationship; false after a refusal, without a trace of the document. A receiver may
 * create too, on the test stream only.
 */
static bool relate(struct exchange *ex, struct posted *posted)
{
    const char *status;

    posted->receiver = sb_network_account_in(posted->stream, posted->receiver_isa);
    posted->sender = sb_network_account_in(posted->stream, posted->sender_isa);
    if (posted->sender && posted->receiver)
        posted->relationship =
            sb_network_relationship(ex->sandbox, sb_document_string(posted->sender, "liveIsaId"),
                                    sb_document_string(posted->receiver, "liveIsaId"), posted->type);
    if (!posted->relationship) {
        sb_orderful_refuse(
            ex, 422, "unprocessableEntity", "relationship",
            "Cannot post transaction because the %s relationship between the sender ISA ID %s and the "
            "receiver ISA ID %s doesn't exist.",
            posted->asked, posted->sender_isa, posted->receiver_isa);
        return false;
    }
    if (!sb_network_is_ours(posted->sender) && !sb_network_is_ours(posted->receiver)) {
        sb_orderful_refuse(ex, 403, NULL, NULL, "Forbidden");
        return false;
    }
    posted->inbound = !sb_network_is_ours(posted->sender);
    status = sb_document_string(posted->relationship, "status");
    if (strcmp(posted->stream, "LIVE") == 0 && strcmp(status, "TEST") == 0) {
        sb_orderful_refuse(ex, 422, "unprocessableEntity", "relationship",
                           "Cannot post a LIVE transaction because the relationship is in testing");
        return false;
    }
    if (strcmp(status, "TEST") != 0 && strcmp(status, "READY") != 0 && strcmp(status, "LIVE") != 0) {
        sb_orderful_refuse(ex, 422, "unprocessableEntity", "relationship",
                           "Cannot post transaction because the relationship is not active");
        return false;
    }
    if (posted->inbound)
        snprintf(posted->stream, sizeof(posted->stream), "TEST");
    return true;
}

static void add_text(json_t *list, const char *format, const char *name)
{
    char text[300];

    snprintf(text, sizeof(text), format, name);
    json_array_append_new(list, json_string(sb_document_mend(text)));
}

static void unknown_members(json_t *complaints, const json_t *object, const char *prefix,
                            const char *const *known)
{
    const char *name;
    json_t *value;
    char path[200];

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        size_t i = 0;

        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (known[i])
            continue;
        snprintf(path, sizeof(path), "%s%s", prefix, name);
        add_text(complaints, "property %s should not exist", path);
    }
}

static void check_identity(json_t *complaints, const json_t *body, const char *member)
{
    static const char *const known[] = {"isaId", NULL};
    const json_t *identity = json_object_get(body, member), *isa = json_object_get(identity, "isaId");
    char prefix[32];

    if (!json_is_object(identity)) {
        add_text(complaints, "%s must be an object", member);
        return;
    }
    snprintf(prefix, sizeof(prefix), "%s.", member);
    unknown_members(complaints, identity, prefix, known);
    if (!json_is_string(isa))
        add_text(complaints, "%s.isaId must be a string", member);
    else if (json_string_length(isa) < 1)
        add_text(complaints, "%s.isaId must be longer than or equal to 1 characters", member);
    else if (json_string_length(isa) > 35)
        add_text(complaints, "%s.isaId must be shorter than or equal to 35 characters", member);
}

/* TEST or LIVE in capitals; examples of the vendor have small letters, which v3 takes too */
static bool read_stream(const json_t *value, char stream[8])
{
    const char *text = json_string_value(value);

    if (!text || strlen(text) != 4)
        return false;
    for (size_t i = 0; i < 5; i++)
        stream[i] = (char)toupper((unsigned char)text[i]);
    return strcmp(stream, "TEST") == 0 || strcmp(stream, "LIVE") == 0;
}

static json_t *check_v3(const json_t *body, char stream[8])
{
    static const char *const known[] = {"type", "stream", "sender", "receiver", "message", "summary", NULL};
    static const char *const type_known[] = {"name", NULL};
    json_t *complaints = json_array();
    const json_t *type = json_object_get(body, "type");
    bool message = json_object_get(body, "message") != NULL,
         summary = json_object_get(body, "summary") != NULL;

    unknown_members(complaints, body, "", known);
    if (!json_is_object(type) || !json_is_string(json_object_get(type, "name")))
        add_text(complaints, "%s must be a string", "type.name");
    else
        unknown_members(complaints, type, "type.", type_known);
    if (!json_object_get(body, "stream"))
        add_text(complaints, "%s should not be empty", "stream");
    else if (!read_stream(json_object_get(body, "stream"), stream))
        add_text(complaints, "%s must be one of the following values: TEST, LIVE", "stream");
    check_identity(complaints, body, "sender");
    check_identity(complaints, body, "receiver");
    if (message == summary)
        add_text(complaints, "Either message or summary must be provided, but not %s",
                 message ? "both" : "neither");
    return complaints;
}

/* Where Orderful finds the number by which people know the document. */
static const char *business_number(const char *set, const json_t *message)
{
    static const char *const places[][4] = {
        {"850", "beginningSegmentForPurchaseOrder", "purchaseOrderNumber", "purchaseOrderNumber"},
        {"855", "beginningSegmentForPurchaseOrderAcknowledgment", "purchaseOrderNumber",
         "purchaseOrderNumber"},
        {"856", "beginningSegmentForShipNotice", "shipmentIdentification", "shipmentId"},
        {"810", "beginningSegmentForInvoice", "invoiceNumber", "invoiceNumber"},
        {"860", "beginningSegmentForPurchaseOrderChange", "purchaseOrderNumber", "purchaseOrderNumber"},
        {"846", "beginningSegmentForInventoryInquiryAdvice", "referenceIdentification", "reportNumber"},
    };
    const json_t *first = json_array_get(json_object_get(message, "transactionSets"), 0);

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strncmp(places[i][0], set, 3) == 0)
            return first ? sb_document_string(json_array_get(json_object_get(first, places[i][1]), 0),
                                              places[i][2])
                         : sb_document_string(message, places[i][3]);
    }
    return "";
}

/* A JSON object body, or NULL after a 400. */
static json_t *read_body(struct exchange *ex)
{
    const char *type = sb_exchange_header(ex, "content-type");
    char why[200];
    json_t *body;

    if (!type || strncmp(type, "application/json", 16) != 0) {
        sb_orderful_refuse(ex, 400, "argumentError", "Content-Type", "Unsupported Content-Type: %s",
                           type ? type : "none");
        return NULL;
    }
    body = sb_exchange_json(ex, why, sizeof(why));
    if (!json_is_object(body)) {
        sb_orderful_refuse(ex, 400, NULL, NULL, "Unexpected token in JSON: %s", body ? "not an object" : why);
        json_decref(body);
        return NULL;
    }
    return body;
}

static void create_v3(struct exchange *ex, json_t *body, struct posted *posted)
{
    json_t *complaints;
    const json_t *transaction;

    posted->type = posted->asked = sb_document_string(body, "type.name");
    posted->sender_isa = sb_document_string(body, "sender.isaId");
    posted->receiver_isa = sb_document_string(body, "receiver.isaId");
    posted->message = json_object_get(body, "message");
    if (!posted->message) {
        sb_answer_unsimulated(ex, "a summary in place of a message");
        return;
    }
    if (!relate(ex, posted))
        return;
    complaints = sb_x12json_parse(posted->type, posted->message);
    if (json_array_size(complaints) > 0) {
        sb_orderful_refuse_list(ex, complaints);
        return;
    }
    json_decref(complaints);
    posted->errors = sb_x12json_validate(posted->type, posted->message);
    posted->business = business_number(posted->type, posted->message);
    transaction = store(ex->sandbox, posted);
    json_decref(posted->errors);
    sb_answer_json(ex, 201, json_pack("{s:s}", "id", sb_document_string(transaction, "id")));
}

void sb_transaction_create_v3(struct exchange *ex)
{
    struct posted posted = {.dialect = "v3"};
    json_t *body = read_body(ex), *complaints;

    if (!body)
        return;
    /* the interface description calls the message a string; everybody sends an object; both are taken */
    if (json_is_string(json_object_get(body, "message"))) {
        const char *text = sb_document_string(body, "message");
        char why[200];
        json_t *parsed = sb_document_parse(text, strlen(text), why, sizeof(why));

        if (parsed)
            json_object_set_new(body, "message", parsed);
    }
    complaints = check_v3(body, posted.stream);
    if (json_array_size(complaints) > 0) {
        sb_orderful_refuse_list(ex, complaints);
    } else {
        json_decref(complaints);
        create_v3(ex, body, &posted);
    }
    json_decref(body);
}

/* v4's six names; two of them are others in v3 */
static const char *v3_name(const char *type)
{
    static const char *const names[][2] = {
        {"850_PURCHASE_ORDER", "850_PURCHASE_ORDER"},
        {"855_PURCHASE_ORDER_ACKNOWLEDGMENT", "855_PURCHASE_ORDER_ACKNOWLEDGMENT"},
        {"856_SHIP_NOTICE_MANIFEST", "856_SHIP_NOTICE_MANIFEST"},
        {"810_INVOICE", "810_INVOICE"},
        {"846_INVENTORY_ADVICE", "846_INVENTORY_INQUIRY_ADVICE"},
        {"860_PURCHASE_ORDER_CHANGE", "860_PURCHASE_ORDER_CHANGE_REQUEST_BUYER_INITIATED"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i][0], type) == 0)
            return names[i][1];
    }
    return NULL;
}

static json_t *check_v4(const json_t *body)
{
    static const char *const known[] = {"type", "stream", "senderId", "receiverId", "message", NULL};
    static const char *const texts[] = {"type", "senderId", "receiverId"};
    json_t *complaints = json_array();
    const char *stream = sb_document_string(body, "stream");

    unknown_members(complaints, body, "", known);
    for (size_t i = 0; i < 3; i++) {
        if (!*sb_document_string(body, texts[i]))
            add_text(complaints, "%s must be a string", texts[i]);
    }
    if (*sb_document_string(body, "type") && !v3_name(sb_document_string(body, "type")))
        add_text(complaints,
                 "%s must be one of the following values: 850_PURCHASE_ORDER, "
                 "855_PURCHASE_ORDER_ACKNOWLEDGMENT, 856_SHIP_NOTICE_MANIFEST, 810_INVOICE, "
                 "846_INVENTORY_ADVICE, 860_PURCHASE_ORDER_CHANGE",
                 "type");
    if (strcmp(stream, "test") != 0 && strcmp(stream, "live") != 0)
        add_text(complaints, "%s must be one of the following values: test, live", "stream");
    if (!json_is_object(json_object_get(body, "message")))
        add_text(complaints, "%s must be an object", "message");
    return complaints;
}

/* The validation entries of a FAILED document as the v2 pages show them. */
static json_t *entries_of(const json_t *mosaic_errors)
{
    json_t *entries = json_array(), *error;
    size_t i;

    json_array_foreach(mosaic_errors, i, error)
    {
        json_array_append_new(entries,
                              json_pack("{s:s, s:s, s:s, s:[], s:s, s:s}", "dataPath",
                                        sb_document_string(error, "outputPath"), "dataPathDescription", "",
                                        "message", sb_document_string(error, "errorMessage"), "allowedValues",
                                        "grouping", "1-1-1", "validationErrorType", "schema"));
    }
    return entries;
}

static void create_v4(struct exchange *ex, json_t *body, struct posted *posted)
{
    json_t *errors, *answer;
    const json_t *transaction;
    bool failed;

    posted->asked = sb_document_string(body, "type");
    posted->type = v3_name(posted->asked);
    posted->sender_isa = sb_document_string(body, "senderId");
    posted->receiver_isa = sb_document_string(body, "receiverId");
    posted->message = json_object_get(body, "message");
    read_stream(json_object_get(body, "stream"), posted->stream);
    if (!relate(ex, posted))
        return;
    errors = sb_mosaic_validate(ex, posted->asked, posted->message);
    failed = json_array_size(errors) > 0;
    posted->errors = entries_of(errors);
    posted->business = business_number(posted->asked, posted->message);
    transaction = store(ex->sandbox, posted);
    json_decref(posted->errors);
    answer = json_pack("{s:s, s:s, s:s}", "id", sb_document_string(transaction, "id"), "status",
                       failed ? "FAILED" : "ACCEPTED", "detail", failed ? "Validation failed" : "");
    if (failed) {
        sb_exchange_reason(ex, "202 FAILED %s",
                           sb_document_string(json_array_get(errors, 0), "errorMessage"));
        json_object_set(answer, "validationErrors", errors);
    }
    json_decref(errors);
    sb_orderful_extra(answer, (uint64_t)sb_document_integer(transaction, "seq", 0));
    sb_answer_json(ex, 202, answer);
}

void sb_transaction_create_v4(struct exchange *ex)
{
    struct posted posted = {.dialect = "v4"};
    json_t *body = read_body(ex), *complaints;

    if (!body)
        return;
    complaints = check_v4(body);
    if (json_array_size(complaints) > 0) {
        sb_orderful_refuse_list(ex, complaints);
    } else {
        json_decref(complaints);
        create_v4(ex, body, &posted);
    }
    json_decref(body);
}

/*
 * Control port: a partner's transaction arrives. {type, sender, receiver (ISA ids of the stream), stream,
 * message}: a message with transactionSets goes into the stream's bucket, any other into its inbox.
 */
void sb_transaction_control_inbound(struct exchange *ex)
{
    char why[200];
    json_t *body = sb_exchange_json(ex, why, sizeof(why));
    struct posted posted = {.dialect = "v3"};
    const json_t *transaction;

    posted.message = json_object_get(body, "message");
    posted.type = posted.asked = body ? sb_document_string(body, "type") : "";
    posted.sender_isa = body ? sb_document_string(body, "sender") : "";
    posted.receiver_isa = body ? sb_document_string(body, "receiver") : "";
    if (!json_is_object(posted.message) || !read_stream(json_object_get(body, "stream"), posted.stream)) {
        sb_answer_json(
            ex, 400,
            json_pack("{s:s}", "message",
                      "expected {\"type\", \"sender\", \"receiver\", \"stream\", \"message\": {}}"));
    } else {
        char stream[8];

        snprintf(stream, sizeof(stream), "%s", posted.stream);
        if (relate(ex, &posted)) {
            snprintf(posted.stream, sizeof(posted.stream), "%s",
                     stream); /* the partner itself may send live */
            posted.inbound = true;
            if (!json_object_get(posted.message, "transactionSets"))
                posted.dialect = "v4";
            posted.business = business_number(posted.type, posted.message);
            posted.errors = json_array();
            transaction = store(ex->sandbox, &posted);
            json_decref(posted.errors);
            sb_answer_json(ex, 201, json_pack("{s:s}", "id", sb_document_string(transaction, "id")));
        }
    }
    json_decref(body);
}
