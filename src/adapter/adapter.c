/* adapter: the table, and what several adapters do alike. See adapter.h. */
#include "adapter/adapter.h"
#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "net/skew.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct adapter adapter_visma, adapter_orderful, adapter_sftp, adapter_directory;

const struct adapter *const adapters[] = {&adapter_visma, &adapter_orderful, &adapter_sftp,
                                          &adapter_directory, NULL};

const struct adapter *adapter_find(const char *name)
{
    for (const struct adapter *const *a = adapters; *a; a++)
        if (name && strcmp((*a)->name, name) == 0)
            return *a;
    return NULL;
}

void report_line(struct report *r, bool good, const char *what, const char *format, ...)
{
    va_list ap;
    struct arena *a = r->findings->arena;
    va_start(ap, format);
    const char *said = utf8_shown(a, arena_vprintf(a, format, ap)); /* the other side's names may be in it */
    va_end(ap);
    buffer_printf(r->lines, "%s %s: %s\n", good ? "ok   " : "wrong", what, said);
    r->failed |= !good;
}

#define CLOCK_ALLOWED 60 /* seconds before ping complains */

void report_clock(struct report *r, const struct endpoint *e, const char *url)
{
    struct skew k;
    if (skew_since(e->state, url, instant_now().seconds, &k) < 0 || !k.known)
        return;
    bool good = k.now >= -CLOCK_ALLOWED && k.now <= CLOCK_ALLOWED, moved = k.most - k.least > CLOCK_ALLOWED;
    report_line(r, good, "clock", "theirs is %lld seconds %s ours%s%s",
                (long long)(k.now < 0 ? -k.now : k.now), k.now < 0 ? "behind" : "ahead of",
                moved ? ", and one of the two was set within the last days" : "",
                good ? "" : "; times are compared with that in mind, but set this machine's clock by NTP");
}

/* ---- the name on the other side ---- */

static const char *text_or(const struct delivery *d, const char *path, const char *otherwise)
{
    const char *text = document_text(d->document, path);
    return text ? text : otherwise;
}

static void add_extension(const struct delivery *d, struct buffer *b)
{
    const char *dot = strrchr(text_or(d, "message.file", ".bin"), '.');
    buffer_text(b, dot ? dot + 1 : "bin");
}

static void add_field(const struct delivery *d, struct slice field, struct buffer *b)
{
    static const struct {
        const char *field, *path;
    } members[] = {{"type", "type"}, {"number", "number"}, {"version", "version"}, {"name", "source.file"}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (slice_is(field, members[i].field))
            buffer_text(b, text_or(d, members[i].path, ""));
    if (slice_is(field, "control"))
        buffer_printf(b, "%09lld", (long long)json_integer_at(d->document->envelope, "control_number", 0));
    else if (slice_is(field, "partner"))
        buffer_text(b, d->partner ? d->partner->id : text_or(d, "partner", ""));
    else if (slice_is(field, "document") || slice_is(field, "id"))
        buffer_text(b, d->document->name);
    else if (slice_is(field, "date"))
        buffer_printf(b, "%.8s", d->document->id);
    else if (slice_is(field, "extension"))
        add_extension(d, b);
}

static void expand(const struct delivery *d, const char *pattern, struct buffer *b)
{
    while (*pattern) {
        const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
        if (!end) {
            buffer_byte(b, *pattern++);
            continue;
        }
        add_field(d, slice_make(pattern + 1, (size_t)(end - pattern) - 1), b);
        pattern = end + 1;
    }
}

void adapter_file_name(const struct delivery *d, char out[ADAPTER_FILE_NAME])
{
    char name[SPOOL_NAME_MAX + 1];
    struct buffer b = {0};
    const char *known = document_text(d->document, "message.name");
    if (known && *known)
        buffer_text(&b, known);
    else
        expand(d,
               d->sending && d->sending->file_name ? d->sending->file_name
                                                   : "{type}-{number}-{id}.{extension}",
               &b);
    inbox_name(name, b.len ? b.ptr : d->document->name);
    buffer_free(&b);
    if (name[0] == '.') /* neither hidden nor a folder above */
        name[0] = '_';
    snprintf(out, ADAPTER_FILE_NAME, "%.*s", ADAPTER_FILE_NAME - 1, name);
}

/* ---- what is learnt later ---- */

/* The next number: above every attempt and receipt that is there, so that a later attempt never finds this
 * receipt as its own. 0 when the folder cannot be read. */
static unsigned next_number(const struct document *d)
{
    int fd = openat(d->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    unsigned highest = 0, k;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while ((entry = readdir(dir)))
        if ((sscanf(entry->d_name, "receipt-%6u.json", &k) == 1 ||
             sscanf(entry->d_name, "attempt-%6u.json", &k) == 1) &&
            k > highest)
            highest = k;
    closedir(dir);
    return highest + 1;
}

static int write_receipt(const struct document *d, const char *note, json_t *receipt)
{
    char file[32], now[INSTANT_TEXT];
    struct buffer text = {0};
    unsigned k = next_number(d);
    if (k == 0)
        return -1;
    instant_print(instant_now(), 3, now);
    json_t *whole = json_pack("{s:s, s:s, s:O?}", "at", now, "learnt", note, "receipt", receipt);
    json_print(whole, &text);
    json_decref(whole);
    snprintf(file, sizeof file, "receipt-%u.json", k);
    int result = file_write(d->folder, file, buffer_as_slice(&text), 0640, true);
    int why = errno;
    buffer_free(&text);
    errno = why;
    return result;
}

static int record(struct endpoint *e, struct document *d, const char *note, json_t *receipt, bool failed,
                  const struct findings *f)
{
    if (write_receipt(d, note, receipt))
        return -1;
    document_note(d, e->config->name, "%s", note);
    const char *key = document_text(d, "business_key");
    if (failed)
        document_set(d, "outcome", "rejected");
    /* refused after all: a corrected one may have its key */
    if (failed && key && e->state && state_key_delivered(e->state, key, d->name, 0) < 0)
        return -1;
    if (failed ? document_write_error(d, f, "outbox") : document_save(d))
        return -1;
    if (spool_sync(e->spool))
        return -1;
    if (!failed)
        return 0;
    return spool_move(e->spool, d->parent, d->name, STAGE_ERROR, NULL, d->name) || spool_settle(e->spool) ? -1
                                                                                                          : 0;
}

int adapter_record(struct endpoint *e, const char *document, const char *note, json_t *receipt, bool failed,
                   const struct findings *f)
{
    char path[512];
    struct arena a = {0};
    struct findings opening = {.arena = &a};
    struct document d = {.folder = -1};
    int result = -1;
    if (!spool_find(e->spool, document, path)) {
        log_warning("%s: %s is no longer in the spool, so this was not recorded: %s", e->config->name,
                    document, note);
        return -1;
    }
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int parent = openat(e->spool->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent >= 0 && document_open(&d, parent, document, &opening) == 0) {
        result = record(e, &d, note, receipt, failed, f);
        document_close(&d);
    }
    if (result)
        log_error("%s: \"%s\" could not be recorded in %s/%s: %s", e->config->name, note, path, document,
                  opening.first ? opening.first->what : strerror(errno));
    if (parent >= 0)
        close(parent);
    arena_free(&a);
    return result;
}
