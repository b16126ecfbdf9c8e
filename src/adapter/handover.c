/* handover: see handover.h. */
#include "adapter/handover.h"
#include "base/json.h"
#include "base/utf8.h"
#include <stdio.h>

bool handover_affix(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-~#@+=,");
    return n <= HANDOVER_AFFIX && !text[n];
}

static void what_is_sent(const struct delivery *d, struct handover *h)
{
    const char *known = document_text(d->document, "message.sha256");
    h->size = d->message.len;
    if (known && strlen(known) == HASH_TEXT - 1)
        snprintf(h->sha256, sizeof h->sha256, "%s", known);
    else
        hash_sha256(d->message, h->sha256);
}

void handover_names(const struct delivery *d, const char *place, const char *prefix, const char *unique,
                    const char *suffix, struct arena *a, struct handover *h)
{
    char file[ADAPTER_FILE_NAME];
    adapter_file_name(d, file);
    const char *stem = arena_printf(a, "%s%s.%s.%u%s%s", prefix, file, d->document->name, d->attempt,
                                    *unique ? "-" : "", unique);
    *h = (struct handover){.place = utf8_shown(a, place),
                           .file = arena_text(a, slice_of(file)),
                           .temporary = arena_printf(a, "%s%s", stem, suffix),
                           .fenced = arena_printf(a, "%s.fenced%s", stem, suffix)};
    what_is_sent(d, h);
}

void handover_old_names(const struct delivery *d, const char *place, const char *prefix, const char *suffix,
                        struct arena *a, struct handover *h)
{
    char file[ADAPTER_FILE_NAME];
    adapter_file_name(d, file);
    *h = (struct handover){.place = utf8_shown(a, place),
                           .file = arena_text(a, slice_of(file)),
                           .temporary = arena_printf(a, "%s%s.%s%s", prefix, file, d->document->name, suffix),
                           .fenced = arena_printf(a, "%s%s.%s.%u.fenced%s", prefix, file, d->document->name,
                                                  d->attempt, suffix)};
    what_is_sent(d, h);
}

json_t *handover_write(const struct handover *h)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "place", h->place, "file", h->file, "temporary",
                     h->temporary, "fenced", h->fenced, "size", (json_int_t)h->size, "sha256", h->sha256);
}

/* A name in a directory, and nothing that leads out of it. */
static const char *name_at(const json_t *address, const char *member, struct arena *a)
{
    const char *name = json_text_at(address, member);
    return name && *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0
               ? arena_text(a, slice_of(name))
               : NULL;
}

bool handover_read(const json_t *address, struct arena *a, struct handover *h)
{
    const char *place = address ? json_text_at(address, "place") : NULL,
               *sha256 = address ? json_text_at(address, "sha256") : NULL;
    int64_t size = address ? json_integer_at(address, "size", -1) : -1;
    if (!place || !sha256 || strlen(sha256) != HASH_TEXT - 1 || size < 0)
        return false;
    *h = (struct handover){.place = arena_text(a, slice_of(place)),
                           .file = name_at(address, "file", a),
                           .temporary = name_at(address, "temporary", a),
                           .fenced = name_at(address, "fenced", a),
                           .size = (uint64_t)size};
    snprintf(h->sha256, sizeof h->sha256, "%s", sha256);
    return h->file && h->temporary && h->fenced;
}

bool handover_fits(const struct handover *h, struct slice bytes)
{
    char sha256[HASH_TEXT];
    if (bytes.len != h->size)
        return false;
    hash_sha256(bytes, sha256);
    return strcmp(sha256, h->sha256) == 0;
}

void handover_note(struct delivery *d, const struct handover *h, const char *outcome)
{
    if (!d->receipt)
        d->receipt = json_object();
    json_object_set_new(d->receipt, "place", json_string(h->place));
    json_object_set_new(d->receipt, "file", json_string(h->file));
    json_object_set_new(d->receipt, "temporary", json_string(h->temporary));
    json_object_set_new(d->receipt, "size", json_integer((json_int_t)h->size));
    json_object_set_new(d->receipt, "sha256", json_string(h->sha256));
    json_object_set_new(d->receipt, "outcome", json_string(outcome));
}
