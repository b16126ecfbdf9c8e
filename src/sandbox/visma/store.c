/*
 * store.c - the documents of the simulated companies: samples, generated ones, and what was changed.
 *
 * Row versions come from one increasing counter for the whole store; every change moves the row's version and
 * its lastModifiedDateTime, which goes by the movable clock, back as well. Changed rows are kept in the
 * journal.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/journal.h"
#include "sandbox/visma/visma.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_VERSION 0x7c8000ULL
#define CHANGE_VERSION 0x40000000ULL

static json_t *tenants; /* tenant id -> segment -> rows */
static uint64_t version;
static char newest[32]; /* greatest lastModifiedDateTime of the samples */

static void stamp(json_t *row, uint64_t number)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[13];

    for (int i = 0; i < 10; i++)
        text[i] = digits[number >> (58 - 6 * i) & 63];
    text[10] = digits[number << 2 & 63];
    text[11] = '=';
    text[12] = '\0';
    json_object_set_new(row, "timeStamp", json_string(text));
}

static void note_newest(const json_t *row)
{
    const char *modified = sb_document_string(row, "lastModifiedDateTime");

    if (strcmp(modified, newest) > 0)
        snprintf(newest, sizeof(newest), "%s", modified);
}

static void add_row(json_t *rows, json_t *row)
{
    stamp(row, ++version);
    note_newest(row);
    json_array_append_new(rows, row);
}

static const char *key_of;

static int by_number(const void *a, const void *b)
{
    json_t *const *left = a, *const *right = b;

    return strcmp(sb_document_string(*left, key_of), sb_document_string(*right, key_of));
}

static void sort_rows(json_t *rows, const char *key)
{
    size_t count = json_array_size(rows);
    json_t **sorted = calloc(count ? count : 1, sizeof(*sorted));

    if (!sorted)
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_incref(json_array_get(rows, i));
    key_of = key;
    qsort(sorted, count, sizeof(*sorted), by_number);
    json_array_clear(rows);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, sorted[i]);
    free(sorted);
}

static json_t *row_of(json_t *rows, const char *key, const char *number)
{
    size_t low = 0, high = json_array_size(rows);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        json_t *row = json_array_get(rows, middle);
        int order = strcmp(sb_document_string(row, key), number);

        if (order == 0)
            return row;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Documents made like the ones that company.json names, in turn. */
static void generate(json_t *rows, const struct visma_resource *resource, const json_t *numbers,
                     unsigned long count)
{
    size_t kinds = json_array_size(numbers);
    json_t *templates = json_array();

    for (size_t i = 0; i < kinds; i++) {
        const char *number = json_string_value(json_array_get(numbers, i));
        const json_t *row = number ? row_of(rows, resource->key, number) : NULL;

        if (row)
            json_array_append_new(templates, json_deep_copy(row)); /* the row itself may be changed later */
    }
    kinds = json_array_size(templates);
    for (unsigned long i = 1; i <= count && kinds > 0; i++)
        add_row(rows, sb_visma_generated(resource, json_array_get(templates, (i - 1) % kinds), i));
    json_decref(templates);
}

static int load_resource(struct sandbox *sb, json_t *store, const json_t *tenant,
                         const struct visma_resource *resource, char *why, size_t why_size)
{
    char folder[4096];
    json_t *rows = json_array(), *file, *row;
    size_t i, sampled;

    json_object_set_new(store, resource->segment, rows);
    if (!json_is_string(json_object_get(tenant, "documents")))
        return 0;
    snprintf(folder, sizeof(folder), "%s/visma/%s", sb->samples, sb_document_string(tenant, "documents"));
    file = sb_document_load(folder, resource->file, why, why_size);
    if (!file)
        return -1;
    json_array_foreach(file, i, row)
    {
        add_row(rows, json_deep_copy(row));
    }
    json_decref(file);
    sort_rows(rows, resource->key);
    sampled = json_array_size(rows);
    if (strcmp(resource->segment, "purchaseorder") == 0)
        generate(rows, resource, sb_document_at(tenant, "generate.purchaseorder"), sb->generated_orders);
    if (strcmp(resource->segment, "customerinvoice") == 0)
        generate(rows, resource, sb_document_at(tenant, "generate.customerinvoice"), sb->generated_invoices);
    if (json_array_size(rows) > sampled)
        sort_rows(rows, resource->key);
    return 0;
}

static void put_row(json_t *rows, const struct visma_resource *resource, json_t *row)
{
    const char *number = sb_document_string(row, resource->key);
    json_t *old = row_of(rows, resource->key, number);

    if (old) {
        json_object_clear(old);
        json_object_update(old, row);
        return;
    }
    json_array_append(rows, row);
    sort_rows(rows, resource->key);
}

/* Rows that were changed while the sandbox ran before. */
static void restore(struct sandbox *sb)
{
    const char *id;
    json_t *kept;

    json_object_foreach(sb_journal_kind(sb->journal, "visma.row"), id, kept)
    {
        json_t *store = json_object_get(tenants, sb_document_string(kept, "tenant"));

        for (const struct visma_resource *r = sb_visma_resources; store && r->segment; r++) {
            if (strcmp(r->segment, sb_document_string(kept, "resource")) == 0)
                put_row(json_object_get(store, r->segment), r, json_object_get(kept, "row"));
        }
    }
}

int sb_visma_store_open(struct sandbox *sb, char *why, size_t why_size)
{
    size_t i;
    json_t *tenant;

    tenants = json_object();
    version = SAMPLE_VERSION;
    newest[0] = '\0';
    json_array_foreach(json_object_get(sb_visma_company(), "tenants"), i, tenant)
    {
        json_t *store = json_object();

        json_object_set_new(tenants, sb_document_string(tenant, "tenant_id"), store);
        for (const struct visma_resource *r = sb_visma_resources; r->segment; r++) {
            if (load_resource(sb, store, tenant, r, why, why_size) != 0)
                return -1;
        }
    }
    restore(sb);
    version = CHANGE_VERSION;
    if (sb_journal_get(sb->journal, "visma.version", "last"))
        version = (uint64_t)json_integer_value(sb_journal_get(sb->journal, "visma.version", "last"));
    return 0;
}

void sb_visma_store_close(void)
{
    json_decref(tenants);
    tenants = NULL;
}

json_t *sb_visma_rows(const char *tenant_id, const struct visma_resource *resource)
{
    return json_object_get(json_object_get(tenants, tenant_id), resource->segment);
}

json_t *sb_visma_row(const char *tenant_id, const struct visma_resource *resource, const char *number)
{
    return row_of(sb_visma_rows(tenant_id, resource), resource->key, number);
}

/* Now by the movable clock, but after the samples. */
static void next_time(struct sandbox *sb, char out[32])
{
    bool oslo = strcmp(sb_setting_text(sb, "visma-zone"), "utc") != 0;
    int64_t ms;

    sb_clock_zoneless(sb_clock_now(sb), oslo, out);
    if (strcmp(out, newest) <= 0 && sb_clock_parse(newest, &ms)) {
        sb_clock_zoneless(ms + 10, false, out);
        snprintf(newest, sizeof(newest), "%s", out);
    }
}

/* A generated row becomes one that can be changed. */
static void materialize(const struct visma_resource *resource, json_t *row)
{
    json_t *full = sb_visma_full(resource, row);

    if (full != row) {
        json_object_clear(row);
        json_object_update(row, full);
    }
    json_decref(full);
}

json_t *sb_visma_upsert(struct sandbox *sb, const char *tenant_id, const struct visma_resource *resource,
                        const char *number, const json_t *members)
{
    json_t *rows = sb_visma_rows(tenant_id, resource);
    json_t *row;
    char when[32], id[256];

    if (!rows)
        return NULL;
    row = row_of(rows, resource->key, number);
    if (!row) {
        row = json_pack("{s:s}", resource->key, number);
        json_array_append_new(rows, row);
        json_object_update(row, (json_t *)(uintptr_t)members);
        json_object_set_new(row, resource->key, json_string(number));
        sort_rows(rows, resource->key);
        row = row_of(rows, resource->key, number);
    } else {
        materialize(resource, row);
        json_object_update(row, (json_t *)(uintptr_t)members);
        json_object_set_new(row, resource->key, json_string(number));
    }
    next_time(sb, when);
    json_object_set_new(row, "lastModifiedDateTime", json_string(when));
    stamp(row, ++version);
    snprintf(id, sizeof(id), "%s/%s/%s", tenant_id, resource->segment, number);
    sb_journal_put(sb->journal, "visma.version", "last", json_integer((json_int_t)version));
    sb_journal_put(
        sb->journal, "visma.row", id,
        json_pack("{s:s, s:s, s:O}", "tenant", tenant_id, "resource", resource->segment, "row", row));
    return row;
}
