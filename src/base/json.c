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

void json_print(const json_t *value, struct buffer *out)
{
    json_dump_callback(value, add, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
    buffer_byte(out, '\n');
}

json_t *json_parse(struct slice text, json_error_t *error)
{
    json_error_t ignored;
    return json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, error ? error : &ignored);
}
