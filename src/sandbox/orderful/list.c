/*
 * list.c - GET /v3/transactions: newest first, a hundred a page, cursors bound to their filter.
 *
 * Rules: Orderful's API reference, List Transactions. A cursor holds the filter and the sequence number of
 * the border row, so rows that come later shift nothing behind it.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/orderful/orderful.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 100

static const struct filter {
    const char *name;
    size_t most;        /* values; 0: any number */
    const char *values; /* blank-separated, NULL: any */
} filters[] = {
    {"stream", 0, "TEST LIVE"},
    {"businessNumber", 5, NULL},
    {"transactionType", 5, NULL},
    {"senderIsaId", 5, NULL},
    {"receiverIsaId", 5, NULL},
    {"validationStatus", 0, "PROCESSING VALID INVALID"},
    {"deliveryStatus", 0, "PENDING SENT DELIVERED FAILED"},
    {"acknowledgmentStatus", 0, "NOT_ACKNOWLEDGED ACCEPTED REJECTED OVERDUE ACCEPTED_WITH_ERRORS"},
    {"createdAt", 1, NULL},
    {"referenceIdentifier", 1, NULL},
    {"senderInterchangeReferenceIdentifier", 1, NULL},
    {"senderGroupReferenceIdentifier", 1, NULL},
    {"senderTransactionReferenceIdentifier", 1, NULL},
    {"receiverInterchangeReferenceIdentifier", 1, NULL},
    {"receiverGroupReferenceIdentifier", 1, NULL},
    {"receiverTransactionReferenceIdentifier", 1, NULL},
};

static const struct filter *filter_of(const char *name)
{
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        if (strcmp(filters[i].name, name) == 0)
            return &filters[i];
    }
    return NULL;
}

static bool word_of(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at++) {
        if (length && (at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    }
    return false;
}

/* The request's filter as {name: [values]}; NULL after a 400. */
static json_t *read_filter(struct exchange *ex)
{
    json_t *chosen = json_object(), *pair, *values;
    size_t i;

    json_array_foreach(ex->query, i, pair)
    {
        const char *name = json_string_value(json_array_get(pair, 0));
        const char *value = json_string_value(json_array_get(pair, 1));
        const struct filter *filter = filter_of(name);

        if (strcmp(name, "limit") == 0) {
            sb_orderful_refuse(ex, 400, NULL, NULL, "property limit should not exist");
            goto refused;
        }
        if (!filter) {
            if (strcmp(name, "nextCursor") != 0 && strcmp(name, "prevCursor") != 0)
                sb_exchange_unknown_query(ex, name); /* filters nothing */
            continue;
        }
        if (filter->values && !word_of(filter->values, value)) {
            sb_orderful_refuse(ex, 400, NULL, NULL,
                               "each value in %s must be one of the following values: %s", name,
                               filter->values);
            goto refused;
        }
        values = json_object_get(chosen, name);
        if (!values) {
            values = json_array();
            json_object_set_new(chosen, name, values);
        }
        json_array_append_new(values, json_string(value));
        if (filter->most && json_array_size(values) > filter->most) {
            sb_orderful_refuse(ex, 400, NULL, NULL, "%s must contain no more than %zu elements", name,
                               filter->most);
            goto refused;
        }
    }
    return chosen;
refused:
    json_decref(chosen);
    return NULL;
}

static bool any_equal(const json_t *values, const char *text)
{
    size_t i;
    json_t *value;

    if (!values)
        return true;
    json_array_foreach(values, i, value)
    {
        if (strcmp(json_string_value(value), text) == 0)
            return true;
    }
    return false;
}

/* "on or before", or an interval: [2026-01-01,2026-02-01) */
static bool created_matches(const json_t *values, int64_t created)
{
    const char *text = json_string_value(json_array_get(values, 0));
    char copy[80], *comma;
    int64_t from, to;
    size_t length;

    if (!text)
        return true;
    if (text[0] != '[' && text[0] != '(')
        return sb_clock_parse(text, &to) && created <= to;
    snprintf(copy, sizeof(copy), "%s", text + 1);
    comma = strchr(copy, ',');
    length = strlen(copy);
    if (!comma || length < 2)
        return false;
    *comma++ = '\0';
    copy[length - 1] = '\0';
    if (copy[0] && (!sb_clock_parse(copy, &from) || created < from || (text[0] == '(' && created == from)))
        return false;
    return !comma[0] ||
           (sb_clock_parse(comma, &to) && (created < to || (created == to && text[strlen(text) - 1] == ']')));
}

static bool number_matches(const json_t *values, const char *format, int64_t number)
{
    char text[32];

    if (strcmp(format, "%09lld") == 0)
        snprintf(text, sizeof(text), "%09lld", (long long)number);
    else if (strcmp(format, "%04lld") == 0)
        snprintf(text, sizeof(text), "%04lld", (long long)number);
    else
        snprintf(text, sizeof(text), "%lld", (long long)number);
    return any_equal(values, text);
}

static bool references_match(const json_t *filter, int64_t number)
{
    const json_t *any = json_object_get(filter, "referenceIdentifier");

    if (any && !number_matches(any, "%09lld", number) && !number_matches(any, "%lld", number) &&
        !number_matches(any, "%04lld", number))
        return false;
    /* receivers' numbers are not simulated: such a filter finds nothing */
    return number_matches(json_object_get(filter, "senderInterchangeReferenceIdentifier"), "%09lld",
                          number) &&
           number_matches(json_object_get(filter, "senderGroupReferenceIdentifier"), "%lld", number) &&
           number_matches(json_object_get(filter, "senderTransactionReferenceIdentifier"), "%04lld",
                          number) &&
           !json_object_get(filter, "receiverInterchangeReferenceIdentifier") &&
           !json_object_get(filter, "receiverGroupReferenceIdentifier") &&
           !json_object_get(filter, "receiverTransactionReferenceIdentifier");
}

/* ISA ids match the live ones: whether the test ones would is not known, so no client may lean on it. */
static bool matches(struct sandbox *sb, const json_t *filter, const json_t *transaction)
{
    struct progress progress;

    if (!any_equal(json_object_get(filter, "businessNumber"),
                   sb_document_string(transaction, "businessNumber")) ||
        !any_equal(json_object_get(filter, "stream"), sb_document_string(transaction, "stream")) ||
        !any_equal(json_object_get(filter, "transactionType"), sb_document_string(transaction, "type")) ||
        !any_equal(json_object_get(filter, "senderIsaId"), sb_document_string(transaction, "sender")) ||
        !any_equal(json_object_get(filter, "receiverIsaId"), sb_document_string(transaction, "receiver")) ||
        !created_matches(json_object_get(filter, "createdAt"),
                         sb_document_integer(transaction, "created", 0)) ||
        !references_match(filter, sb_document_integer(transaction, "seq", 0) + 1))
        return false;
    progress = sb_transaction_progress(sb, transaction);
    return any_equal(json_object_get(filter, "validationStatus"), progress.validation) &&
           any_equal(json_object_get(filter, "deliveryStatus"), progress.delivery) &&
           any_equal(json_object_get(filter, "acknowledgmentStatus"), progress.acknowledgment);
}

static json_t *link_to(struct exchange *ex, const char *name, const json_t *filter, int64_t seq)
{
    json_t *cursor = json_pack("{s:O, s:I}", "f", (json_t *)(uintptr_t)filter, "s", (json_int_t)seq), *link;
    char *text = sb_document_text(cursor);
    size_t size = text ? strlen(text) * 4 / 3 + 400 : 0;
    char *url = malloc(size + 400);

    link = json_null();
    if (text && url) {
        int used = snprintf(url, 400, "%s/v3/transactions?%s=", sb_exchange_base(ex), name);

        if (sb_base64url_encode((const unsigned char *)text, strlen(text), url + used, size) >= 0)
            link = json_string(url);
    }
    json_decref(cursor);
    free(text);
    free(url);
    return link;
}

/* Whether it is a filter that read_filter could have made: cursors come from outside. */
static bool filter_is_good(const json_t *filter)
{
    const char *name;
    json_t *values, *value;
    size_t i;

    if (!json_is_object(filter))
        return false;
    json_object_foreach((json_t *)(uintptr_t)filter, name, values)
    {
        if (!filter_of(name) || json_array_size(values) == 0)
            return false;
        json_array_foreach(values, i, value)
        {
            if (!json_is_string(value))
                return false;
        }
    }
    return true;
}

/* {f, s} of a cursor of ours; NULL when it is none, or of another filter than the request's */
static json_t *read_cursor(const char *text, const json_t *filter, int64_t count)
{
    size_t size = strlen(text);
    unsigned char *decoded = malloc(size + 1);
    json_t *cursor = NULL;
    int length = decoded ? sb_base64url_decode(text, size, decoded, size + 1) : -1;
    int64_t border;
    char why[200];

    if (length > 0)
        cursor = sb_document_parse((char *)decoded, (size_t)length, why, sizeof(why));
    free(decoded);
    border = sb_document_integer(cursor, "s", -1);
    if (border < 0 || border >= count || !filter_is_good(json_object_get(cursor, "f")) ||
        (json_object_size(filter) > 0 &&
         !json_equal(json_object_get(cursor, "f"), (json_t *)(uintptr_t)filter))) {
        json_decref(cursor);
        return NULL;
    }
    return cursor;
}

/* Collects up to a page of matches, from a border down (older) or up (newer), newest first. */
static json_t *collect(struct exchange *ex, const json_t *filter, int64_t border, bool newer, bool *more)
{
    json_t *all = sb_transactions(ex->sandbox), *rows = json_array();
    int64_t count = (int64_t)json_array_size(all);

    *more = false;
    if (newer) {
        for (int64_t i = border + 1; i < count; i++) {
            json_t *transaction = json_array_get(all, (size_t)i);

            if (!matches(ex->sandbox, filter, transaction))
                continue;
            if (json_array_size(rows) == PAGE) {
                *more = true;
                break;
            }
            json_array_insert(rows, 0, transaction);
        }
        return rows;
    }
    for (int64_t i = (border < count ? border : count) - 1; i >= 0; i--) {
        json_t *transaction = json_array_get(all, (size_t)i);

        if (!matches(ex->sandbox, filter, transaction))
            continue;
        if (json_array_size(rows) == PAGE) {
            *more = true;
            break;
        }
        json_array_append(rows, transaction);
    }
    return rows;
}

void sb_transactions_list(struct exchange *ex)
{
    json_t *filter = read_filter(ex), *cursor = NULL, *rows, *data, *next, *prev;
    const char *after = sb_exchange_query(ex, "nextCursor"), *before = sb_exchange_query(ex, "prevCursor");
    int64_t border = INT64_MAX;
    size_t i, count;
    json_t *transaction;
    bool more;

    if (!filter)
        return;
    if (after || before) {
        cursor = after && before ? NULL
                                 : read_cursor(after ? after : before, filter,
                                               (int64_t)json_array_size(sb_transactions(ex->sandbox)));
        if (!cursor) {
            json_decref(filter);
            sb_orderful_refuse(ex, 400, NULL, NULL, "Invalid cursor");
            return;
        }
        border = sb_document_integer(cursor, "s", 0);
        json_decref(filter);
        filter = json_incref(json_object_get(cursor, "f"));
    }
    rows = collect(ex, filter, border, before != NULL, &more);
    count = json_array_size(rows);
    data = json_array();
    json_array_foreach(rows, i, transaction)
    {
        json_array_append_new(data, sb_transaction_view(ex, transaction, false));
    }
    next = before ? (count > 0 ? link_to(ex, "nextCursor", filter,
                                         sb_document_integer(json_array_get(rows, count - 1), "seq", 0))
                               : json_null())
                  : (more ? link_to(ex, "nextCursor", filter,
                                    sb_document_integer(json_array_get(rows, count - 1), "seq", 0))
                          : json_null());
    prev = (before ? more : after != NULL) && count > 0
               ? link_to(ex, "prevCursor", filter, sb_document_integer(json_array_get(rows, 0), "seq", 0))
               : json_null();
    sb_answer_json(ex, 200,
                   json_pack("{s:{s:{s:{s:o, s:o}}}, s:o}", "metadata", "pagination", "links", "next", next,
                             "prev", prev, "data", data));
    json_decref(rows);
    json_decref(filter);
    json_decref(cursor);
}
