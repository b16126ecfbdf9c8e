/*
 * document.c - JSON documents: reading members, sample files, texts and tables; see document.h.
 */
#include "sandbox/sandbox.h"
#include "sandbox/document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 64 /* of a JSON body; the deepest real document has about a dozen levels */

char *sb_document_text(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

json_t *sb_document_at(const json_t *object, const char *path)
{
    const json_t *at = object;
    char name[64];

    while (at && *path) {
        size_t length = strcspn(path, ".");

        if (length >= sizeof(name))
            return NULL;
        memcpy(name, path, length);
        name[length] = '\0';
        at = json_object_get(at, name);
        path += length;
        if (*path == '.')
            path++;
    }
    return (json_t *)(uintptr_t)at;
}

const char *sb_document_string(const json_t *object, const char *path)
{
    const char *text = json_string_value(sb_document_at(object, path));

    return text ? text : "";
}

int64_t sb_document_integer(const json_t *object, const char *path, int64_t fallback)
{
    const json_t *value = sb_document_at(object, path);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

json_t *sb_document_load(const char *folder, const char *name, char *why, size_t why_size)
{
    char path[4096];
    json_error_t error;
    json_t *value;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    value = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        snprintf(why, why_size, "%s: %s (line %d)", path, error.text, error.line);
    return value;
}

json_t *sb_document_parse(const char *text, size_t size, char *why, size_t why_size)
{
    size_t depth = 0;
    bool quoted = false;
    json_error_t error;
    json_t *value;

    for (size_t i = 0; i < size; i++) {
        if (quoted) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = false;
        } else if (text[i] == '"') {
            quoted = true;
        } else if (text[i] == '[' || text[i] == '{') {
            if (++depth > DEEPEST) {
                snprintf(why, why_size, "nested deeper than %d levels", DEEPEST);
                return NULL;
            }
        } else if ((text[i] == ']' || text[i] == '}') && depth > 0) {
            depth--;
        }
    }
    value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        snprintf(why, why_size, "%s at position %d", error.text, error.position);
        sb_document_mend(why);
    }
    return value;
}

/* Length of the UTF-8 sequence at text, 0 when it is none. */
static size_t sequence(const unsigned char *text)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xc2 ? 0
                    : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3
                    : text[0] < 0xf5 ? 4
                                     : 0;

    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

char *sb_document_mend(char *text)
{
    for (char *at = text; *at;) {
        size_t length = sequence((const unsigned char *)at);

        if (length == 0)
            *at = '?';
        at += length ? length : 1;
    }
    return text;
}

json_t *sb_document_normalized(const json_t *value)
{
    json_t *copy, *member;
    const char *name;
    size_t i;

    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach((json_t *)(uintptr_t)value, name, member)
        {
            if (json_is_null(member) || (json_is_string(member) && json_string_length(member) == 0) ||
                (json_is_array(member) && json_array_size(member) == 0))
                continue;
            json_object_set_new(copy, name, sb_document_normalized(member));
        }
        return copy;
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, member)
        {
            json_array_append_new(copy, sb_document_normalized(member));
        }
        return copy;
    }
    return json_deep_copy(value);
}

json_t *sb_table_load(const char *folder, const char *name, char *why, size_t why_size)
{
    char path[4096];
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    json_t *rows;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "re");
    if (!file) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return NULL;
    }
    rows = json_array();
    while ((length = getline(&line, &size, file)) > 0) {
        json_t *row;
        char *rest = line, *cell;

        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        row = json_array();
        while ((cell = strsep(&rest, "\t")) != NULL)
            json_array_append_new(row, json_string(cell));
        json_array_append_new(rows, row);
    }
    free(line);
    fclose(file);
    return rows;
}

const char *sb_table_cell(const json_t *row, size_t column)
{
    const char *text = json_string_value(json_array_get(row, column));

    return text ? text : "";
}

/* splitmix64's finalizer */
uint64_t sb_mix64(uint64_t value)
{
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

void sb_guid_of(uint64_t seed, uint64_t number, char out[37])
{
    uint64_t a = sb_mix64(seed ^ sb_mix64(number)), b = sb_mix64(a + number);

    snprintf(out, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffffU,
             (unsigned)a & 0xfffU, (unsigned)((b >> 48) & 0x3fffU) | 0x8000U,
             (unsigned long long)(b & 0xffffffffffffULL));
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int sb_base64url_encode(const unsigned char *bytes, size_t size, char *out, size_t out_size)
{
    size_t used = 0;

    if (out_size < size / 3 * 4 + 5)
        return -1;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;

        if (i + 1 < size)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < size)
            group |= bytes[i + 2];
        out[used++] = base64url[group >> 18];
        out[used++] = base64url[group >> 12 & 63];
        if (i + 1 < size)
            out[used++] = base64url[group >> 6 & 63];
        if (i + 2 < size)
            out[used++] = base64url[group & 63];
    }
    out[used] = '\0';
    return (int)used;
}

int sb_base64url_decode(const char *text, size_t size, unsigned char *out, size_t out_size)
{
    uint32_t group = 0;
    unsigned bits = 0;
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        const char *at = strchr(base64url, text[i]);

        if (!at || text[i] == '\0')
            return -1;
        group = group << 6 | (uint32_t)(at - base64url);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            if (used + 1 >= out_size)
                return -1;
            out[used++] = (unsigned char)(group >> bits & 0xff);
        }
    }
    out[used] = '\0';
    return (int)used;
}
