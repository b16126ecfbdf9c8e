/*
 * network.c - organizations, their ISA ids, and who may send what to whom.
 *
 * Rules: Orderful's pages on organizations, EDI accounts and relationships. Relationships come from
 * network.json; the control port adds and changes them.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/journal.h"
#include "sandbox/orderful/orderful.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_RELATIONSHIP_ID 31000

static json_t *loaded;

static void relationship_key(const json_t *relationship, char key[256])
{
    snprintf(key, 256, "%s>%s:%s", sb_document_string(relationship, "sender"),
             sb_document_string(relationship, "receiver"), sb_document_string(relationship, "type"));
}

int sb_network_open(struct sandbox *sb, char *why, size_t why_size)
{
    char folder[4096];

    snprintf(folder, sizeof(folder), "%s/orderful", sb->samples);
    loaded = sb_document_load(folder, "network.json", why, why_size);
    return loaded ? 0 : -1;
}

void sb_network_close(void)
{
    json_decref(loaded);
    loaded = NULL;
}

const json_t *sb_network(void)
{
    return loaded;
}

static const json_t *account_with(const char *member, const char *isa_id)
{
    size_t i;
    json_t *account;

    json_array_foreach(json_object_get(loaded, "accounts"), i, account)
    {
        if (strcmp(sb_document_string(account, member), isa_id) == 0)
            return account;
    }
    return NULL;
}

const json_t *sb_network_account(const char *live_id)
{
    return account_with("liveIsaId", live_id);
}

const json_t *sb_network_account_in(const char *stream, const char *isa_id)
{
    return account_with(strcmp(stream, "LIVE") == 0 ? "liveIsaId" : "testIsaId", isa_id);
}

bool sb_network_is_ours(const json_t *account)
{
    return sb_document_integer(account, "organizationId", 0) ==
           strtoll(sb_document_string(loaded, "organization.id"), NULL, 10);
}

/* network.json's, with what the control port changed laid over it; new reference */
static json_t *all_relationships(struct sandbox *sb)
{
    json_t *all = json_object(), *relationship, *list;
    const char *key;
    char name[256];
    size_t i;
    void *next;

    json_array_foreach(json_object_get(loaded, "relationships"), i, relationship)
    {
        relationship_key(relationship, name);
        json_object_set(all, name, relationship);
    }
    json_object_foreach(sb_journal_kind(sb->journal, "orderful.relationship"), key, relationship)
    {
        json_object_set(all, key, relationship);
    }
    list = json_array();
    json_object_foreach_safe(all, next, key, relationship)
    {
        if (!json_is_true(json_object_get(relationship, "removed")))
            json_array_append(list, relationship);
    }
    json_decref(all);
    return list;
}

const json_t *sb_network_relationship(struct sandbox *sb, const char *sender, const char *receiver,
                                      const char *type)
{
    json_t *all = all_relationships(sb), *relationship;
    const json_t *found = NULL;
    size_t i;

    json_array_foreach(all, i, relationship)
    {
        if (strcmp(sb_document_string(relationship, "sender"), sender) == 0 &&
            strcmp(sb_document_string(relationship, "receiver"), receiver) == 0 &&
            strcmp(sb_document_string(relationship, "type"), type) == 0)
            found = relationship; /* kept alive by the journal or by network.json */
    }
    json_decref(all);
    return found;
}

static json_t *identity(const char *live_id)
{
    const json_t *account = sb_network_account(live_id);

    return json_pack("{s:I, s:s, s:s, s:I, s:s, s:s}", "ediAccountId",
                     (json_int_t)sb_document_integer(account, "ediAccountId", 0), "liveIsaId",
                     sb_document_string(account, "liveIsaId"), "testIsaId",
                     sb_document_string(account, "testIsaId"), "organizationId",
                     (json_int_t)sb_document_integer(account, "organizationId", 0), "organizationName",
                     sb_document_string(account, "organizationName"), "ediAccountName",
                     sb_document_string(account, "name"));
}

static json_t *relationship_view(const json_t *relationship)
{
    return json_pack("{s:I, s:s, s:s, s:o, s:o, s:{s:s}, s:s, s:s}", "id",
                     (json_int_t)sb_document_integer(relationship, "id", 0), "createdAt",
                     "2026-01-15T09:00:00.000Z", "updatedAt", "2026-10-01T09:00:00.000Z", "sender",
                     identity(sb_document_string(relationship, "sender")), "receiver",
                     identity(sb_document_string(relationship, "receiver")), "transactionType", "name",
                     sb_document_string(relationship, "type"), "status",
                     sb_document_string(relationship, "status"), "autoSend",
                     sb_document_string(relationship, "autoSend"));
}

static json_t *page_link(struct exchange *ex, const char *name, long at, long limit, const char *auto_send)
{
    char url[600];

    snprintf(url, sizeof(url), "%s/v3/relationships?%s=%ld&limit=%ld%s%s", sb_exchange_base(ex), name, at,
             limit, auto_send ? "&autoSend=" : "", auto_send ? auto_send : "");
    return json_string(url);
}

/* Whole number of a query parameter within bounds; false after a 400. */
static bool query_number(struct exchange *ex, const char *name, long most, long *out)
{
    const char *text = sb_exchange_query(ex, name);
    char *end;

    if (!text)
        return true;
    *out = strtol(text, &end, 10);
    if (end != text && *end == '\0' && *out >= (most > 0) && *out <= (most > 0 ? most : 1000000))
        return true;
    sb_orderful_refuse(ex, 400, NULL, NULL, "%s must be a whole number%s", name,
                       most > 0 ? " from 1 to 100" : "");
    return false;
}

void sb_network_relationships_list(struct exchange *ex)
{
    static const char *const known[] = {"autoSend", "limit", "nextCursor", "prevCursor", NULL};
    const char *auto_send = sb_exchange_query(ex, "autoSend");
    long limit = 100, from = 0, before = -1;
    json_t *all, *chosen = json_array(), *data = json_array(), *entry;
    size_t i, count;

    json_array_foreach(ex->query, i, entry)
    {
        const char *name = json_string_value(json_array_get(entry, 0));
        size_t k = 0;

        while (known[k] && strcmp(known[k], name) != 0)
            k++;
        if (!known[k])
            sb_exchange_unknown_query(ex, name);
    }
    if (auto_send && strcmp(auto_send, "ENABLED") != 0 && strcmp(auto_send, "DISABLED") != 0) {
        sb_orderful_refuse(ex, 400, NULL, NULL,
                           "autoSend must be one of the following values: ENABLED, DISABLED");
        goto out;
    }
    if (!query_number(ex, "limit", 100, &limit) || !query_number(ex, "nextCursor", 0, &from) ||
        !query_number(ex, "prevCursor", 0, &before))
        goto out;
    if (before >= 0)
        from = before > limit ? before - limit : 0;
    all = all_relationships(ex->sandbox);
    json_array_foreach(all, i, entry)
    {
        if (!auto_send || strcmp(sb_document_string(entry, "autoSend"), auto_send) == 0)
            json_array_append(chosen, entry);
    }
    json_decref(all);
    count = json_array_size(chosen);
    for (i = (size_t)from; i < count && i < (size_t)(from + limit); i++)
        json_array_append_new(data, relationship_view(json_array_get(chosen, i)));
    sb_answer_json(
        ex, 200,
        json_pack("{s:{s:{s:{s:o, s:o}}}, s:O}", "metadata", "pagination", "links", "next",
                  (size_t)(from + limit) < count ? page_link(ex, "nextCursor", from + limit, limit, auto_send)
                                                 : json_null(),
                  "prev", from > 0 ? page_link(ex, "prevCursor", from, limit, auto_send) : json_null(),
                  "data", data));
out:
    json_decref(chosen);
    json_decref(data);
}

/* POST {sender, receiver (live ISA ids), type, status?, autoSend?, ack?, removed?} */
void sb_network_control_relationship(struct exchange *ex)
{
    char why[200], key[256];
    json_t *body = sb_exchange_json(ex, why, sizeof(why)), *fresh;
    const json_t *old;

    if (!body || !sb_network_account(sb_document_string(body, "sender")) ||
        !sb_network_account(sb_document_string(body, "receiver")) || !*sb_document_string(body, "type")) {
        sb_answer_json(
            ex, 400,
            json_pack("{s:s}", "message",
                      "expected {\"sender\", \"receiver\": live ISA ids, \"type\": v3 name, \"status\", "
                      "\"autoSend\", \"removed\"}"));
        json_decref(body);
        return;
    }
    old = sb_network_relationship(ex->sandbox, sb_document_string(body, "sender"),
                                  sb_document_string(body, "receiver"), sb_document_string(body, "type"));
    fresh = old ? json_copy((json_t *)(uintptr_t)old)
                : json_pack("{s:I, s:s, s:s}", "id",
                            (json_int_t)FIRST_RELATIONSHIP_ID +
                                (json_int_t)json_object_size(
                                    sb_journal_kind(ex->sandbox->journal, "orderful.relationship")),
                            "status", "READY", "autoSend", "ENABLED");
    json_object_update(fresh, body);
    json_decref(body);
    relationship_key(fresh, key);
    sb_answer_json(ex, 200, json_incref(fresh));
    sb_journal_put(ex->sandbox->journal, "orderful.relationship", key, fresh);
}

int64_t sb_network_mailbox(const char *list, const char *stream)
{
    size_t i;
    json_t *entry;

    json_array_foreach(json_object_get(loaded, list), i, entry)
    {
        if (strcmp(sb_document_string(entry, "stream"), stream) == 0)
            return sb_document_integer(entry, "id", 0);
    }
    return 0;
}

bool sb_network_has_mailbox(const char *list, const char *id)
{
    size_t i;
    json_t *entry;
    char text[32];

    json_array_foreach(json_object_get(loaded, list), i, entry)
    {
        snprintf(text, sizeof(text), "%lld", (long long)sb_document_integer(entry, "id", 0));
        if (strcmp(text, id) == 0)
            return true;
    }
    return false;
}
