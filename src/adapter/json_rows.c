/* json_rows: see json_rows.h. RFC 8259: strings and brackets are all that is needed to find where an item
 * ends. */
#include "adapter/json_rows.h"

#define DEPTH_LIMIT 512
#define ROWS_LIMIT 200000u /* an answer of empty items must not take many times its size */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct slice t, size_t at)
{
    while (at < t.len && is_space(t.ptr[at]))
        at++;
    return at;
}

/* Offset behind the closing quote of the string that begins at at, or t.len. */
static size_t skip_string(struct slice t, size_t at)
{
    for (at++; at < t.len; at++) {
        if (t.ptr[at] == '\\')
            at++;
        else if (t.ptr[at] == '"')
            return at + 1;
    }
    return t.len;
}

/* Offset of the comma or bracket behind the item that begins at at; t.len when it has no end, or brackets do
 * not match. */
static size_t item_end(struct slice t, size_t at)
{
    char open[DEPTH_LIMIT];
    size_t depth = 0;
    while (at < t.len) {
        char c = t.ptr[at];
        if (c == '"') {
            at = skip_string(t, at);
            continue;
        }
        if (c == '[' || c == '{') {
            if (depth == DEPTH_LIMIT)
                return t.len;
            open[depth++] = c;
        } else if (c == ']' || c == '}') {
            if (!depth)
                return c == ']' ? at : t.len;
            if (open[--depth] != (c == ']' ? '[' : '{'))
                return t.len;
        } else if (c == ',' && !depth) {
            return at;
        }
        at++;
    }
    return t.len;
}

static void row_add(struct json_rows *out, size_t *room, struct arena *a, struct slice row)
{
    if (out->count == *room) {
        size_t more = *room ? *room * 2 : 64;
        struct slice *rows = arena_alloc(a, more * sizeof *rows);
        if (out->count)
            memcpy(rows, out->rows, out->count * sizeof *rows);
        out->rows = rows;
        *room = more;
    }
    out->rows[out->count++] = row;
}

bool json_rows_split(struct slice text, struct arena *a, struct json_rows *out, const char **why)
{
    size_t room = 0, at = skip_space(text, 0);
    *out = (struct json_rows){0};
    *why = NULL;
    if (at == text.len || text.ptr[at] != '[') {
        *why = "the answer is not a JSON array";
        return false;
    }
    at = skip_space(text, at + 1);
    bool more = at < text.len && text.ptr[at] != ']';
    while (more) {
        size_t end = item_end(text, at);
        struct slice row = end < text.len ? slice_trim(slice_make(text.ptr + at, end - at)) : SLICE_NONE;
        if (!row.len) {
            *why = end == text.len ? "the answer is cut off, or its brackets do not match"
                                   : "an item is missing";
            return false;
        }
        if (out->count == ROWS_LIMIT) {
            *why = "the answer has more than 200000 items";
            return false;
        }
        row_add(out, &room, a, row);
        more = text.ptr[end] == ',';
        at = more ? skip_space(text, end + 1) : end;
    }
    if (at == text.len) {
        *why = "the answer is cut off";
        return false;
    }
    if (skip_space(text, at + 1) != text.len) {
        *why = "something stands behind the JSON array";
        return false;
    }
    return true;
}
