/* document: opening a folder, and its envelope. See document.h; the files beside the envelope are in
 * content.c. */
#include "spool/document.h"
#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "spool/envelope.h"
#include "spool/name.h"
#include "spool/stage.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NEW_ENVELOPE ".document.json"
#define ENVELOPE_LIMIT (8u * 1024u * 1024u)

/* A JSON string of any bytes: what is no UTF-8 is shown as \xNN. */
json_t *envelope_text(const char *text)
{
    json_t *value = json_string(text);
    if (value)
        return value;
    struct buffer shown = {0};
    size_t len = strlen(text);
    buffer_reserve(&shown, 4 * len + 4);
    shown.len = utf8_show(slice_make(text, len), shown.ptr, 4 * len + 3);
    value = json_stringn(shown.ptr, shown.len);
    buffer_free(&shown);
    return value;
}

json_t *envelope_new(const char *id, unsigned destination)
{
    json_t *envelope = json_object();
    json_object_set_new_nocheck(envelope, "id", json_string_nocheck(id));
    if (destination)
        json_object_set_new_nocheck(envelope, "destination", json_integer(destination));
    return envelope;
}

/* What is known without document.json: the folder's name. The source is found by document_source. */
static void make_anew(struct document *d)
{
    d->envelope = envelope_new(d->id, d->destination);
    json_object_set_new(d->envelope, "recovered", json_true());
    document_note(d, "spool",
                  "document.json was missing or broken; this envelope was made from what is in the folder");
}

/* A JSON object out of that file; NULL when there is none. -1 in *failed when the folder cannot be read. */
static json_t *read_object(const struct document *d, const char *file, bool *there, int *failed)
{
    struct buffer text = {0};
    json_t *object = NULL;
    *there = file_read(d->folder, file, ENVELOPE_LIMIT, &text) == 0;
    if (*there)
        object = json_parse(buffer_as_slice(&text), NULL);
    else if (errno != ENOENT && errno != ELOOP && errno != EINVAL && errno != EFBIG)
        *failed = -1;
    buffer_free(&text);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

/* A whole .document.json is the newer one: its maker was killed, or the machine was, before it took the
 * other's place. */
static int read_envelope(struct document *d)
{
    bool there;
    int failed = 0;
    d->envelope = read_object(d, NEW_ENVELOPE, &there, &failed);
    if (!d->envelope && failed == 0)
        d->envelope = read_object(d, "document.json", &d->saved, &failed);
    else
        d->saved = true;
    if (failed < 0)
        return -1;
    if (!d->envelope) {
        make_anew(d);
        return 0;
    }
    const char *id = json_text_at(d->envelope, "id");
    if (!id || strcmp(id, d->id) != 0) { /* somebody gave the folder another name: the name leads */
        json_object_set(d->envelope, "former_id", json_object_get(d->envelope, "id"));
        json_object_set_new(d->envelope, "id", json_string(d->id));
    }
    return 0;
}

int document_open(struct document *d, int parent, const char *name, struct findings *f)
{
    *d = (struct document){.parent = parent, .folder = -1};
    const char *why;
    if (!document_name_parse(name, d->id, &d->destination)) {
        errno = EINVAL;
        why = "its name is not a document's";
    } else {
        snprintf(d->name, sizeof d->name, "%s", name);
        d->folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (d->folder >= 0 && read_envelope(d) == 0)
            return 0;
        why = strerror(errno);
    }
    int failed = errno;
    if (f && error_is_the_machines(failed))
        finding_machine(f, failed, name);
    else if (f)
        finding_add(f, SEVERITY_ERROR, "spool.document.open", name,
                    "Check that it is a folder and who may read it.", "The document %s cannot be opened: %s.",
                    name, why);
    document_close(d);
    errno = failed;
    return -1;
}

const char *document_text(const struct document *d, const char *path)
{
    return json_text_at(d->envelope, path);
}

double document_age(const struct document *d)
{
    const char *text = document_text(d, "source.received");
    struct instant then, now = instant_now();
    if (!text || !instant_parse(slice_of(text), &then))
        return 0;
    return (double)(now.seconds - then.seconds) + (now.nanoseconds - then.nanoseconds) / 1e9;
}

const char *document_called(const struct document *d, char out[DOCUMENT_CALLED])
{
    const char *type = document_text(d, "type"), *number = document_text(d, "number");
    bool numbered = number && *number;
    snprintf(out, DOCUMENT_CALLED, "%.60s%s%.90s", type && *type ? type : "document", numbered ? " " : "",
             numbered ? number : "");
    return out;
}

void document_set(struct document *d, const char *member, const char *text)
{
    if (text)
        json_object_set_new(d->envelope, member, envelope_text(text));
    else
        json_object_del(d->envelope, member);
}

void document_set_integer(struct document *d, const char *member, int64_t value)
{
    json_object_set_new(d->envelope, member, json_integer(value));
}

static json_t *add_note(struct document *d, const char *by, const char *format, va_list ap)
{
    char what[2048], at[INSTANT_TEXT];
    vsnprintf(what, sizeof what, format, ap);
    instant_print(instant_now(), 3, at);
    json_t *history = json_object_get(d->envelope, "history");
    if (!json_is_array(history)) {
        history = json_array();
        json_object_set_new_nocheck(d->envelope, "history", history);
    }
    json_t *entry = json_object();
    json_object_set_new_nocheck(entry, "at", json_string_nocheck(at));
    json_object_set_new_nocheck(entry, "by", envelope_text(by));
    json_object_set_new_nocheck(entry, "what", envelope_text(what));
    json_array_append_new(history, entry);
    return entry;
}

void document_note(struct document *d, const char *by, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    add_note(d, by, format, ap);
    va_end(ap);
}

#define PERSON "operator "

void document_note_person(struct document *d, const char *person, const char *reason, const char *format, ...)
{
    char by[256];
    va_list ap;
    va_start(ap, format);
    snprintf(by, sizeof by, PERSON "%s", person);
    json_t *entry = add_note(d, by, format, ap);
    if (reason)
        json_object_set_new_nocheck(entry, "reason", envelope_text(reason));
    va_end(ap);
}

bool document_person_noted(const struct document *d)
{
    const json_t *history = json_object_get(d->envelope, "history");
    size_t n = json_array_size(history);
    const char *by = n ? json_string_value(json_object_get(json_array_get(history, n - 1), "by")) : NULL;
    return by && !strncmp(by, PERSON, strlen(PERSON));
}

int document_take(struct document *d, const char *place)
{
    char kept[32];
    for (int k = 1; k < 10000; k++) {
        snprintf(kept, sizeof kept, "error-%d.txt", k);
        if (stage_rename(d->folder, "error.txt", d->folder, kept) == 0) {
            json_object_del(d->envelope, "failed_in");
            json_object_del(d->envelope, "not_before");
            if (document_person_noted(d))
                document_note(d, "spool", "found in %s/; what was wrong stands in %s", place, kept);
            else
                document_note(d, "operator", "moved by hand from error/ to %s/; what was wrong stands in %s",
                              place, kept);
            return 1;
        }
        if (errno == ENOENT)
            return 0;
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

/* ---- saving ----
 *
 * An envelope that replaces another is written beside it and takes its place only after the group's sync. So
 * the old one stays whole until the new one is durable; and ext4 would otherwise start writing out each file
 * at its rename over another (mount option auto_da_alloc), one by one, which costs more than all the rest of
 * a document's way. */

static int
    *unsettled; /* folders whose new envelope waits for the sync; descriptors owned by their documents */
static size_t unsettled_count, unsettled_room;

/* Where it fails the new one stays beside the old, and is what document_open reads; but people read the
 * other, so the folder does not go on like that. */
static int settle(int folder)
{
    return renameat(folder, NEW_ENVELOPE, folder, "document.json") < 0 && errno != ENOENT ? -1 : 0;
}

int envelopes_settle(void)
{
    int failed = 0;
    for (size_t i = 0; i < unsettled_count; i++)
        if (settle(unsettled[i]) < 0)
            failed = errno;
    unsettled_count = 0;
    errno = failed;
    return failed ? -1 : 0;
}

static void settle_at_once(int folder)
{
    for (size_t i = 0; i < unsettled_count; i++)
        if (unsettled[i] == folder) {
            unsettled[i] = unsettled[--unsettled_count];
            settle(folder);
            return;
        }
}

static void settle_later(int folder)
{
    for (size_t i = unsettled_count; i-- > 0;)
        if (unsettled[i] == folder)
            return;
    if (unsettled_count == unsettled_room) {
        unsettled_room = unsettled_room ? 2 * unsettled_room : 256;
        unsettled = realloc(unsettled, unsettled_room * sizeof *unsettled);
        if (!unsettled)
            abort();
    }
    unsettled[unsettled_count++] = folder;
}

void document_close(struct document *d)
{
    if (d->folder >= 0) {
        int kept = errno;
        settle_at_once(d->folder);
        close(d->folder);
        errno = kept;
    }
    json_decref(d->envelope);
    *d = (struct document){.parent = -1, .folder = -1};
}

int document_save(struct document *d)
{
    static struct buffer text; /* kept for the next one: this is the hot path */
    buffer_clear(&text);
    json_print(d->envelope, &text);
    if (!d->saved) {
        if (file_write(d->folder, "document.json", buffer_as_slice(&text), 0640, true) == 0) {
            d->saved = true;
            return 0;
        }
        if (errno != EEXIST)
            return -1;
    }
    if (file_write(d->folder, NEW_ENVELOPE, buffer_as_slice(&text), 0640, false) < 0)
        return -1;
    d->saved = true;
    settle_later(d->folder);
    return 0;
}
