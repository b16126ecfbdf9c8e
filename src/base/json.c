/* json: see json.h. */
#include "base/json.h"
#include <stdlib.h>

json_t *json_at(const json_t *root, const char *path)
{
    const json_t *at = root;
    while (at && *path) {
        size_t len = strcspn(path, ".");
        if (json_is_array(at)) {
            char *end;
            unsigned long index = strtoul(path, &end, 10);
            at = end == path + len && len ? json_array_get(at, index) : NULL;
        } else {
            at = json_object_getn(at, path, len);
        }
        path += len + (path[len] == '.');
    }
    return (json_t *)(uintptr_t)at;
}

const char *json_text_at(const json_t *root, const char *path)
{
    return json_string_value(json_at(root, path));
}

int64_t json_integer_at(const json_t *root, const char *path, int64_t otherwise)
{
    const json_t *at = json_at(root, path);
    return json_is_integer(at) ? json_integer_value(at) : otherwise;
}

static int add(const char *bytes, size_t len, void *buffer)
{
    buffer_add(buffer, bytes, len);
    return 0;
}

/* jansson leaves DEL and the C1 control characters as they are, and some terminals obey those. */
static void escape_controls(struct slice json, struct buffer *out)
{
    size_t from = 0;
    for (size_t i = 0; i < json.len; i++) {
        const unsigned char *p = (const unsigned char *)json.ptr + i;
        size_t n = p[0] == 0x7f ? 1 : p[0] == 0xc2 && i + 1 < json.len && p[1] < 0xa0 ? 2 : 0;
        if (!n)
            continue;
        buffer_add(out, json.ptr + from, i - from);
        buffer_printf(out, "\\u%04x", p[n - 1]);
        from = i + n;
        i = from - 1;
    }
    buffer_add(out, json.ptr + from, json.len - from);
}

static void print(const json_t *value, size_t how, struct buffer *out)
{
    struct buffer text = {0};
    json_dump_callback(value, add, &text, how | JSON_ENCODE_ANY);
    escape_controls(buffer_as_slice(&text), out);
    buffer_byte(out, '\n');
    buffer_free(&text);
}

void json_print(const json_t *value, struct buffer *out)
{
    print(value, JSON_INDENT(2), out);
}

void json_print_line(const json_t *value, struct buffer *out)
{
    print(value, JSON_COMPACT, out);
}

json_t *json_parse(struct slice text, json_error_t *error)
{
    json_error_t ignored;
    return json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                      error ? error : &ignored);
}
