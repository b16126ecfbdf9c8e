/* rows: see rows.h. */
#include "adapter/visma/rows.h"
#include "adapter/json_rows.h"
#include "base/hash.h"
#include "base/json.h"
#include <openssl/evp.h>
#include <stdio.h>

/* A member as text; also of a number that would have been one. NULL when absent or something else. */
static const char *member(struct arena *a, const json_t *j, const char *name)
{
    const json_t *m = json_object_get(j, name);
    if (json_is_string(m))
        return arena_text(a, slice_make(json_string_value(m), json_string_length(m)));
    double value = json_number_value(m);
    bool whole = json_is_number(m) && value >= 0 && value < 9e15 && value == (double)(int64_t)value;
    return whole ? arena_printf(a, "%lld", (long long)value) : NULL;
}

/* The last four bytes of a row version (base64 of eight) as hex; of anything else, the beginning of its hash.
 */
static void short_version(const char *stamp, char out[9])
{
    unsigned char bytes[16];
    char hex[HASH_TEXT];
    size_t len = strlen(stamp);
    if (len == 12 && stamp[11] == '=' && stamp[10] != '=' &&
        EVP_DecodeBlock(bytes, (const unsigned char *)stamp, 12) == 9) {
        snprintf(out, 9, "%02x%02x%02x%02x", bytes[4], bytes[5], bytes[6], bytes[7]);
        return;
    }
    hash_sha256(slice_of(stamp), hex);
    memcpy(out, hex, 8);
    out[8] = '\0';
}

static bool row_fill(const struct visma_resource *r, const json_t *j, struct arena *a, struct visma_row *row)
{
    char version[9], name[SPOOL_NAME_MAX + 1], hex[HASH_TEXT];
    row->number = member(a, j, r->number);
    row->kind = member(a, j, r->kind);
    if (!row->number || !*row->number)
        return false;
    row->status = member(a, j, "status");
    row->date = member(a, j, r->date);
    row->version = member(a, j, "timeStamp");
    if (!row->version || !*row->version) {
        hash_sha256(row->bytes, hex);
        row->version = arena_text(a, slice_of(hex));
    }
    row->modified_text = member(a, j, "lastModifiedDateTime");
    row->dated = row->modified_text && moment_parse(row->modified_text, &row->modified);
    row->key = arena_printf(a, "%s/%s/%s", r->name, row->kind ? row->kind : "", row->number);
    short_version(row->version, version);
    inbox_name(name, arena_printf(a, "%s-%s-%s.json", r->name, row->number, version));
    row->file = arena_text(a, slice_of(name));
    return true;
}

/* Only for the members above: documents go on by their bytes. So numbers beyond a 64 bit integer are no
 * obstacle here. */
static json_t *parse(struct slice bytes)
{
    return json_loadb(bytes.ptr, bytes.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
}

static int64_t metadata(const json_t *j, const char *name)
{
    const json_t *m = json_object_get(json_object_get(j, "metadata"), name);
    double value = json_is_number(m) ? json_number_value(m) : -1;
    return value >= 0 && value < 1e9 ? (int64_t)value : -1;
}

bool visma_row_read(const struct visma_resource *r, struct slice bytes, struct arena *a,
                    struct visma_row *out, const char **why)
{
    json_t *j = parse(bytes);
    *out = (struct visma_row){.bytes = slice_trim(bytes)};
    bool good = json_is_object(j) && row_fill(r, j, a, out);
    if (!good)
        *why = arena_printf(a, "%s",
                            json_is_object(j) ? arena_printf(a, "a document has no %s", r->number)
                                              : "a document in it is not a JSON object");
    json_decref(j);
    return good;
}

bool visma_rows_read(const struct visma_resource *r, struct slice answer, struct arena *a,
                     struct visma_rows *out, const char **why)
{
    struct json_rows cut;
    *out = (struct visma_rows){.total = -1, .page_limit = -1};
    if (!json_rows_split(answer, a, &cut, why))
        return false;
    out->rows = arena_zero(a, (cut.count + 1) * sizeof *out->rows);
    for (size_t i = 0; i < cut.count; i++) {
        json_t *j = parse(cut.rows[i]);
        struct visma_row *row = &out->rows[out->count++];
        row->bytes = cut.rows[i];
        bool good = json_is_object(j) && row_fill(r, j, a, row);
        if (i == 0) {
            out->total = metadata(j, "totalCount");
            out->page_limit = metadata(j, "maxPageSize");
        }
        bool object = json_is_object(j);
        json_decref(j);
        if (!good) {
            *why = object ? arena_printf(a, "document %zu of the list has no %s", i + 1, r->number)
                          : arena_printf(a, "item %zu of the list is not a JSON object", i + 1);
            return false;
        }
    }
    return true;
}
