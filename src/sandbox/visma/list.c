/*
 * list.c - lists of the Visma.net API: filters, pages, what a row shows.
 *
 * Rules: the API's pages on paging and filters; unknown parameters are ignored, as there. docs/sandbox.md
 * lists them.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/visma/visma.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_PAGE                                                                                         \
    100 /* the real default is not published; small enough that a forgotten pageSize shows                   \
         */

static const char *const paging[] = {"pageNumber", "pageSize", "numberToRead", "skipRecords", NULL};

static bool is_true(const char *value)
{
    return value && strcasecmp(value, "true") == 0;
}

static bool known_name(const struct visma_filter *filters, const char *name, bool list, bool paged)
{
    for (; filters->name; filters++) {
        size_t length = strlen(filters->name);

        if (strcasecmp(filters->name, name) == 0)
            return true;
        if (filters->kind == VISMA_FILTER_DATE && strncasecmp(filters->name, name, length) == 0 &&
            strcasecmp(name + length, "Condition") == 0)
            return true;
    }
    if (list && strcasecmp(name, "greaterThanValue") == 0)
        return true;
    for (size_t i = 0; list && paged && paging[i]; i++) {
        if (strcasecmp(paging[i], name) == 0)
            return true;
    }
    return false;
}

static void count_unknown(struct exchange *ex, const struct visma_filter *filters, bool list, bool paged)
{
    size_t i;
    json_t *pair;

    json_array_foreach(ex->query, i, pair)
    {
        const char *name = json_string_value(json_array_get(pair, 0));

        if (!known_name(filters, name, list, paged))
            sb_exchange_unknown_query(ex, name);
    }
}

/* yyyy-MM-dd, or with T or a blank and HH:mm:ss[.FFF]; no zone. */
static bool zoneless(const char *text)
{
    static const char pattern[] = "9999-99-99 99:99:99";
    size_t length = strlen(text), digits;
    int64_t ms;

    if ((length != 10 && length < 19) || !sb_clock_parse(text, &ms))
        return false;
    for (size_t i = 0; i < length && i < 19; i++) {
        char want = pattern[i];

        if (want == '9'   ? !isdigit((unsigned char)text[i])
            : want == ' ' ? text[i] != 'T' && text[i] != ' '
                          : text[i] != want)
            return false;
    }
    if (length <= 19)
        return true;
    digits = strspn(text + 20, "0123456789");
    return text[19] == '.' && digits >= 1 && digits <= 3 && text[20 + digits] == '\0';
}

struct bound {
    const char *path;
    int64_t at;
    const char *operator;
};

struct query {
    size_t texts;
    struct {
        const char *path, *value;
    } text[24];
    size_t bounds;
    struct bound bound[8];
    const char *after; /* greaterThanValue */
};

/* Reads a date filter; false when the request has been refused. */
static bool read_bound(struct exchange *ex, const struct visma_filter *filter, struct query *query)
{
    static const char *const operators[] = {">", "<", ">=", "<="};
    char name[80];
    const char *value = sb_exchange_query_nocase(ex, filter->name), *condition;

    snprintf(name, sizeof(name), "%sCondition", filter->name);
    condition = sb_exchange_query_nocase(ex, name);
    if (!value && !condition)
        return true;
    if (!value || !condition) {
        sb_visma_refuse(ex, 400, "%s and %s are mutually inclusive.", filter->name, name);
        return false;
    }
    if (!zoneless(value)) {
        sb_visma_refuse(ex, 400,
                        "%s: '%s' is no valid date: yyyy-MM-dd, yyyy-MM-dd HH:mm:ss.FFF or "
                        "yyyy-MM-ddTHH:mm:ss.FFF, without a zone.",
                        filter->name, value);
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(operators[i], condition) == 0 && query->bounds < 8) {
            struct bound *bound = &query->bound[query->bounds++];

            bound->path = filter->path;
            bound->operator= operators[i];
            sb_clock_parse(value, &bound->at);
            return true;
        }
    }
    sb_visma_refuse(ex, 400, "%s: '%s' is none of > < >= <=.", name, condition);
    return false;
}

static bool allowed(const char *values, const char *value)
{
    size_t length = strlen(value);

    for (const char *at = strstr(values, value); at && length; at = strstr(at + 1, value)) {
        if ((at == values || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

static bool read_query(struct exchange *ex, const struct visma_resource *resource, struct query *query)
{
    memset(query, 0, sizeof(*query));
    query->after = sb_exchange_query_nocase(ex, "greaterThanValue");
    for (const struct visma_filter *filter = resource->filters; filter->name; filter++) {
        const char *value = sb_exchange_query_nocase(ex, filter->name);

        if (filter->kind == VISMA_FILTER_DATE) {
            if (!read_bound(ex, filter, query))
                return false;
            continue;
        }
        if (value && filter->kind == VISMA_FILTER_ABSENT) {
            sb_answer_unsimulated(ex, filter->name);
            return false;
        }
        if (!value || !*value || (filter->kind != VISMA_FILTER_TEXT && filter->kind != VISMA_FILTER_ENUM))
            continue;
        if (filter->kind == VISMA_FILTER_ENUM && !allowed(filter->values, value)) {
            sb_visma_refuse(ex, 400, "%s: '%s' is not one of %s.", filter->name, value, filter->values);
            return false;
        }
        if (query->texts < 24) {
            query->text[query->texts].path = filter->path;
            query->text[query->texts++].value = value;
        }
    }
    return true;
}

static bool within(const struct bound *bound, const json_t *row, bool inclusive)
{
    int64_t at;

    if (!sb_clock_parse(sb_document_string(row, bound->path), &at))
        return false;
    if (bound->operator[0] == '>')
        return at > bound->at || (at == bound->at && (bound->operator[1] || inclusive));
    return at < bound->at || (at == bound->at && bound->operator[1]);
}

static bool matches(const struct exchange *ex, const struct visma_resource *resource, const json_t *row,
                    const struct query *query)
{
    bool inclusive = strcmp(sb_setting_text(ex->sandbox, "visma-after"), "inclusive") == 0;

    if (query->after && strcmp(sb_document_string(row, resource->key), query->after) <= 0)
        return false;
    for (size_t i = 0; i < query->texts; i++) {
        if (strcmp(sb_document_string(row, query->text[i].path), query->text[i].value) != 0)
            return false;
    }
    for (size_t i = 0; i < query->bounds; i++) {
        if (!within(&query->bound[i], row, inclusive))
            return false;
    }
    return true;
}

static void drop_custom(json_t *object)
{
    static const char *const names[] = {"customStr1", "customStr2",        "customStr3", "customStr4",
                                        "customStr5", "customDec1",        "customDec2", "customInt1",
                                        "customInt2", "customDateTimeUTC1"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_del(object, names[i]);
}

json_t *sb_visma_view(struct exchange *ex, json_t *row, const struct visma_resource *resource,
                      const struct visma_filter *filters)
{
    json_t *full = sb_visma_full(resource, row), *view = json_copy(full), *lines, *line;
    size_t i;

    for (const struct visma_filter *filter = filters; filter->name; filter++) {
        if (filter->kind == VISMA_FILTER_EXPAND && !is_true(sb_exchange_query_nocase(ex, filter->name)))
            json_object_del(view, filter->path);
    }
    if (resource->custom_fields && !is_true(sb_exchange_query_nocase(ex, "includeCustomFreeFields"))) {
        drop_custom(view);
        lines = json_array();
        json_array_foreach(json_object_get(full, "lines"), i, line)
        {
            json_t *copy = json_copy(line);

            drop_custom(copy);
            json_array_append_new(lines, copy);
        }
        json_object_set_new(view, "lines", lines);
    }
    json_decref(full);
    return view;
}

static long number_in(const struct exchange *ex, const char *name, long fallback)
{
    const char *text = sb_exchange_query_nocase(ex, name);
    char *end;
    long value;

    if (!text || !*text)
        return fallback;
    value = strtol(text, &end, 10);
    return *end || value < 0 || value > 100000000 ? -1 : value;
}

static int by_modified(const void *a, const void *b)
{
    json_t *const *left = a, *const *right = b;

    return strcmp(sb_document_string(*left, "lastModifiedDateTime"),
                  sb_document_string(*right, "lastModifiedDateTime"));
}

/* The rows that match, in the list's order; free it. */
static json_t **chosen(struct exchange *ex, const struct visma_resource *resource, json_t *rows,
                       const struct query *query, size_t *count)
{
    json_t **found = calloc(json_array_size(rows) + 1, sizeof(*found));
    size_t i;
    json_t *row;

    *count = 0;
    if (!found)
        return NULL;
    json_array_foreach(rows, i, row)
    {
        if (matches(ex, resource, row, query))
            found[(*count)++] = row;
    }
    if (sb_setting_on(ex->sandbox, "visma-unstable"))
        qsort(found, *count, sizeof(*found), by_modified);
    return found;
}

void sb_visma_list(struct exchange *ex, const char *tenant_id, const struct visma_resource *resource)
{
    struct query query;
    json_t *rows = sb_visma_rows(tenant_id, resource), *page = json_array();
    json_t **found;
    size_t count, from, to;
    long number, size, skip;

    count_unknown(ex, resource->filters, true, resource->page_limit > 0);
    number = number_in(ex, "pageNumber", 0);
    size = number_in(ex, "pageSize", 0);
    skip = number_in(ex, "skipRecords", 0);
    if (number < 0 || size < 0 || skip < 0) {
        json_decref(page);
        sb_visma_refuse(ex, 400, "pageNumber, pageSize and skipRecords are numbers from 0 on.");
        return;
    }
    if (!read_query(ex, resource, &query)) {
        json_decref(page);
        return;
    }
    if (number == 0 && size == 0 && number_in(ex, "numberToRead", 0) > 0)
        size = number_in(ex, "numberToRead", 0);
    else if (number > 0 || size > 0)
        skip = 0; /* documented: does not work together with paging */
    if (size == 0)
        size = DEFAULT_PAGE;
    if (number == 0)
        number = 1;
    if (resource->page_limit > 0 && size > resource->page_limit)
        size = resource->page_limit;
    found = chosen(ex, resource, rows, &query, &count);
    from = resource->page_limit > 0 ? (size_t)skip + (size_t)(number - 1) * (size_t)size : 0;
    to = resource->page_limit > 0 ? from + (size_t)size : count;
    for (size_t i = from; found && i < to && i < count; i++) {
        json_t *row = sb_visma_view(ex, found[i], resource, resource->filters);

        if (resource->page_limit > 0)
            json_object_set_new(row, "metadata",
                                json_pack("{s:I, s:I}", "totalCount", (json_int_t)count, "maxPageSize",
                                          (json_int_t)resource->page_limit));
        json_array_append_new(page, row);
    }
    sb_answer_json(ex, 200, page);
    /* somebody saves a document that was on this page: it moves to the end, and the borders move with it */
    if (sb_setting_on(ex->sandbox, "visma-unstable") && found && to < count && from < count) {
        char touched[128];

        snprintf(touched, sizeof(touched), "%s", sb_document_string(found[from], resource->key));
        sb_visma_upsert(ex->sandbox, tenant_id, resource, touched, NULL);
    }
    free(found);
}
