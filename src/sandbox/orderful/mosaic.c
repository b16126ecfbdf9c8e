/*
 * mosaic.c - checks Mosaic documents (v4) against mosaic.tsv and mosaic-codes.tsv.
 *
 * Rules: Orderful's pages on Mosaic. The documents are open: a member that the table does not name is
 * let through, and counted.
 */
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/orderful/orderful.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ERRORS 50

/* shape -> {member: {"type", "need", "place"}} */
static json_t *shapes, *codes;

struct check {
    struct exchange *ex;
    json_t *errors;
};

static void add_member(const json_t *row)
{
    json_t *shape = json_object_get(shapes, sb_table_cell(row, 0));

    if (!shape) {
        shape = json_object();
        json_object_set_new(shapes, sb_table_cell(row, 0), shape);
    }
    json_object_set_new(shape, sb_table_cell(row, 1),
                        json_pack("{s:s, s:b, s:s}", "type", sb_table_cell(row, 2), "need",
                                  sb_table_cell(row, 3)[0] == 'M', "place", sb_table_cell(row, 4)));
}

int sb_mosaic_open(struct sandbox *sb, char *why, size_t why_size)
{
    char folder[4096];
    json_t *rows, *row;
    size_t i;

    shapes = json_object();
    codes = json_object();
    snprintf(folder, sizeof(folder), "%s/orderful", sb->samples);
    rows = sb_table_load(folder, "mosaic.tsv", why, why_size);
    if (!rows)
        return -1;
    json_array_foreach(rows, i, row)
    {
        add_member(row);
    }
    json_decref(rows);
    rows = sb_table_load(folder, "mosaic-codes.tsv", why, why_size);
    if (!rows)
        return -1;
    json_array_foreach(rows, i, row)
    {
        json_object_set(codes, sb_table_cell(row, 0), json_array_get(row, 1));
    }
    json_decref(rows);
    return 0;
}

void sb_mosaic_close(void)
{
    json_decref(shapes);
    json_decref(codes);
    shapes = codes = NULL;
}

static void error(struct check *check, const char *path, const char *place, const char *format,
                  const char *name)
{
    char text[400], at[600];

    if (json_array_size(check->errors) >= MOST_ERRORS)
        return;
    snprintf(text, sizeof(text), format, name);
    snprintf(at, sizeof(at), "%s", path);
    json_array_append_new(check->errors,
                          json_pack("{s:[s], s:s, s:s}", "payloadPaths", sb_document_mend(at), "errorMessage",
                                    sb_document_mend(text), "outputPath", place));
}

static bool is_decimal(const char *text)
{
    size_t digits = 0, points = 0;

    if (*text == '-')
        text++;
    for (; *text; text++) {
        digits += *text >= '0' && *text <= '9';
        points += *text == '.';
        if (!strchr("0123456789.", *text))
            return false;
    }
    return digits > 0 && points <= 1;
}

static bool is_code(const char *list, const char *text)
{
    const char *all = json_string_value(json_object_get(codes, list));
    size_t length = strlen(text);

    for (const char *at = all; at && length && (at = strstr(at, text)) != NULL; at++) {
        if ((at == all || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    }
    return false;
}

static void check_shape(struct check *check, const char *shape, const char *path, const char *place,
                        const json_t *object, int depth);

static void check_text(struct check *check, const char *type, const char *path, const char *place,
                       const json_t *value)
{
    const char *text = json_string_value(value);
    int64_t ms;

    if (!text)
        error(check, path, place, "must be a string%s", "");
    else if (strcmp(type, "decimal") == 0 && !is_decimal(text))
        error(check, path, place, "\"%.60s\" is not a decimal number", text);
    else if (strcmp(type, "date") == 0 && (strlen(text) < 10 || !sb_clock_parse(text, &ms)))
        error(check, path, place, "\"%.60s\" is not a date (YYYY-MM-DD)", text);
    else if (strncmp(type, "code:", 5) == 0 && !is_code(type + 5, text))
        error(check, path, place, "\"%.60s\" is not one of the allowed values", text);
}

static void check_value(struct check *check, const char *type, const char *path, const char *place,
                        const json_t *value, int depth)
{
    char below[600], inner[100];
    size_t i;
    json_t *item;

    if (type[0] == '[') {
        if (!json_is_array(value)) {
            error(check, path, place, "must be an array%s", "");
            return;
        }
        snprintf(inner, sizeof(inner), "%.*s", (int)strlen(type) - 2, type + 1);
        json_array_foreach(value, i, item)
        {
            snprintf(below, sizeof(below), "%.500s[%zu]", path, i);
            check_value(check, inner, below, place, item, depth);
        }
    } else if (type[0] == '@') {
        if (json_is_object(value))
            check_shape(check, type + 1, path, place, value, depth + 1);
        else
            error(check, path, place, "must be an object%s", "");
    } else if (strcmp(type, "integer") == 0) {
        if (!json_is_integer(value))
            error(check, path, place, "must be an integer%s", "");
    } else if (strcmp(type, "boolean") == 0) {
        if (!json_is_boolean(value))
            error(check, path, place, "must be a boolean%s", "");
    } else {
        check_text(check, type, path, place, value);
    }
}

/* A document's own texts say what they miss; the identifiers of a product have a rule of their own. */
static void check_shape(struct check *check, const char *shape, const char *path, const char *place,
                        const json_t *object, int depth)
{
    const json_t *members = json_object_get(shapes, shape);
    const char *name;
    json_t *member, *value;
    char below[600];

    if (depth > 12)
        return;
    if (strcmp(shape, "ProductIds") == 0 && json_object_size(object) == 0)
        error(check, path, place, "At least one product identifier is required%s", "");
    json_object_foreach((json_t *)(uintptr_t)members, name, member)
    {
        const char *type = sb_document_string(member, "type"), *own = sb_document_string(member, "place");

        value = json_object_get(object, name);
        snprintf(below, sizeof(below), "%.450s.%.100s", path, name);
        own = *own ? own : place;
        if (!value || json_is_null(value)) {
            if (!json_is_true(json_object_get(member, "need")))
                continue;
            error(check, below, own,
                  strcmp(name, "productIds") == 0 ? "At least one product identifier is required%.0s"
                                                  : "%s is required",
                  name);
        } else if (json_is_true(json_object_get(member, "need")) &&
                   ((json_is_array(value) && json_array_size(value) == 0) ||
                    (json_is_string(value) && json_string_length(value) == 0))) {
            error(check, below, own, "%s must not be empty", name);
        } else {
            check_value(check, type, below, own, value, depth);
        }
    }
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (json_object_get(members, name))
            continue;
        snprintf(below, sizeof(below), "%.450s.%.100s", path, name);
        sb_exchange_unknown_member(check->ex, sb_document_mend(below));
    }
}

json_t *sb_mosaic_validate(struct exchange *ex, const char *type, const json_t *message)
{
    struct check check = {ex, json_array()};
    char set[4];

    snprintf(set, sizeof(set), "%.3s", type);
    check_shape(&check, set, "message", set, message, 0);
    return check.errors;
}
