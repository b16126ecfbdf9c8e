/* fuzz_json: any bytes as JSON. Our reader and jansson must agree on what is JSON and on what it says; what
 * is read is written and read back to the same tree. Known differences: our depth is 64, jansson knows
 * numbers only as far as a double and a 64 bit integer go, takes no byte order mark, and passes over a zero
 * byte behind a number. */
#include "fuzz.h"
#include "syntax/syntax.h"
#include <jansson.h>

static void same(const struct node *n, const json_t *j)
{
    const json_t *member;
    size_t i = 0;
    switch (n->kind) {
    case NODE_OBJECT:
        if (!json_is_object(j))
            abort();
        for (const struct node *c = n->first; c; c = c->next, i++) {
            member = json_object_getn(j, c->name.ptr, c->name.len);
            if (!member)
                abort();
            same(c, member);
        }
        if (i != json_object_size(j))
            abort();
        return;
    case NODE_ARRAY:
        if (!json_is_array(j))
            abort();
        for (const struct node *c = n->first; c; c = c->next)
            same(c, json_array_get(j, i++));
        if (i != json_array_size(j))
            abort();
        return;
    case NODE_STRING:
        if (!json_is_string(j) ||
            !slice_equal(n->text, slice_make(json_string_value(j), json_string_length(j))))
            abort();
        return;
    case NODE_NUMBER:
        if (!json_is_number(j))
            abort();
        return;
    default:
        if (n->kind != (json_is_true(j) ? NODE_TRUE : json_is_false(j) ? NODE_FALSE : NODE_NULL))
            abort();
    }
}

static void go_round(const struct node *n, json_t *j, struct arena *a)
{
    struct findings f = {.arena = a};
    struct buffer out = {0};
    if (syntax_json.write(NULL, n, &out, &f))
        abort();
    const struct node *again = syntax_json.read(NULL, buffer_as_slice(&out), &f);
    if (!again)
        abort();
    same(again, j);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena a;
    struct findings f = {.arena = &a};
    json_error_t error;
    arena_reset(&a);
    struct slice bytes = slice_make((const char *)data, size);
    struct node *n = syntax_json.read(NULL, bytes, &f);
    if (slice_starts(bytes, SLICE("\xef\xbb\xbf")))
        bytes = slice_make(bytes.ptr + 3, bytes.len - 3);
    json_t *j =
        json_loadb(bytes.ptr, bytes.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!j && n && json_error_code(&error) != json_error_numeric_overflow)
        abort();
    bool zero = memchr(data, 0, size) != NULL;
    if (j && !n && !zero && !strstr(f.first->what, "deeper in each other than 64"))
        abort();
    if (j && n) {
        same(n, j);
        go_round(n, j, &a);
    }
    json_decref(j);
    return 0;
}
