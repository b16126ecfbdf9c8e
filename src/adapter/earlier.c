/* earlier: see earlier.h. */
#include "adapter/earlier.h"
#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_LIMIT (16u << 20)

/* k of "<kind><k>.json"; 0 when it is something else. */
static unsigned number_of(const char *name, const char *kind)
{
    char *end;
    size_t n = strlen(kind);
    if (strncmp(name, kind, n) != 0 || name[n] < '1' || name[n] > '9')
        return 0;
    unsigned long k = strtoul(name + n, &end, 10);
    return strcmp(end, ".json") != 0 || k > 1000000 ? 0 : (unsigned)k;
}

/* NULL with errno: it cannot be read. What is no JSON tells nothing. */
static json_t *read_json(int folder, const char *name)
{
    struct buffer text = {0};
    if (file_read(folder, name, FILE_LIMIT, &text) < 0) {
        int failed = errno;
        buffer_free(&text);
        errno = failed;
        return failed == EFBIG ? json_null() : NULL;
    }
    json_t *value = json_parse(buffer_as_slice(&text), NULL);
    buffer_free(&text);
    return value ? value : json_null();
}

static bool same(const json_t *a, const json_t *b, const char *member)
{
    const char *x = json_text_at(a, member), *y = json_text_at(b, member);
    return x && y && !strcmp(x, y);
}

static void look_at_attempt(const json_t *asked, const json_t *attempt, struct earlier *out)
{
    const char *at = json_text_at(attempt, "at");
    struct instant when;
    if (at && instant_parse(slice_of(at), &when) && when.seconds < out->first &&
        same(asked, attempt, "message_sha256") && same(asked, attempt, "endpoint"))
        out->first = when.seconds;
}

static int look_at(int folder, const struct delivery *d, const json_t *asked, const char *name,
                   struct earlier *out)
{
    unsigned attempt = number_of(name, "attempt-"), receipt = number_of(name, "receipt-");
    if ((!attempt || attempt >= d->attempt) && (!receipt || receipt == d->attempt))
        return 0;
    json_t *value = read_json(folder, name);
    if (!value)
        return -1;
    if (attempt)
        look_at_attempt(asked, value, out);
    const char *id = receipt ? json_text_at(value, "external_id") : NULL;
    if (id)
        json_object_set_new(out->ids, id, json_true());
    json_decref(value);
    return 0;
}

int earlier_read(const struct delivery *d, struct earlier *out)
{
    char name[32];
    const struct dirent *entry;
    int result = 0, copy = openat(d->document->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    *out = (struct earlier){.first = d->attempted};
    if (!folder) {
        if (copy >= 0)
            close(copy);
        return -1;
    }
    out->ids = json_object();
    snprintf(name, sizeof name, "attempt-%u.json", d->attempt);
    json_t *asked = read_json(d->document->folder, name);
    while (result == 0 && (entry = readdir(folder)))
        result = look_at(d->document->folder, d, asked, entry->d_name, out);
    closedir(folder);
    json_decref(asked);
    return result;
}
