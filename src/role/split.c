/* split: see split.h. What is made stands in .work-<slot>/split until it is synced; a kill leaves it there,
 * where nobody takes it for a document, and the next splitting of that slot removes it. */
#include "role/split.h"
#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "edi/x12/x12.h"
#include "role/whereabouts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SPLIT_FOLDER "split"
#define SPLIT_GROUP 256 /* documents a sync */

struct splitting {
    struct translator *w;
    struct translation *t;
    struct slice input;
    int folder;                       /* .work-<slot>/split */
    char (*made)[DOCUMENT_NAME_TEXT]; /* those that wait for the sync */
    size_t count;                     /* of made */
    unsigned long sets;               /* so far */
    struct slice isa, gs;             /* with their terminators */
    struct slice interchange_control, group_control;
    struct delimiters delimiters;
    struct buffer bytes;
};

/* The n-th id after id: its time and n microseconds. Documents of one process have different times, and the
 * six digits behind tell processes apart. */
static void child_id(const char *id, unsigned long n, char out[DOCUMENT_NAME_TEXT])
{
    struct tm t = {0};
    long microseconds = 0;
    char tail[8] = "";
    sscanf(id, "%4d%2d%2dT%2d%2d%2d%6ld-%6[0-9a-f]", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min,
           &t.tm_sec, &microseconds, tail);
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    microseconds += (long)n;
    time_t seconds = timegm(&t) + microseconds / 1000000;
    gmtime_r(&seconds, &t);
    snprintf(out, DOCUMENT_NAME_TEXT, "%04u%02u%02uT%02u%02u%02u%06lu-%.6s",
             (unsigned)(t.tm_year + 1900) % 10000u, (unsigned)(t.tm_mon + 1) % 100u,
             (unsigned)t.tm_mday % 100u, (unsigned)t.tm_hour % 100u, (unsigned)t.tm_min % 100u,
             (unsigned)t.tm_sec % 100u, (unsigned long)microseconds % 1000000ul, tail);
}

static bool exists_already(const struct splitting *s, const char *id)
{
    char path[512], first[DOCUMENT_NAME_TEXT + 2];
    snprintf(first, sizeof first, "%s.1", id);
    return whereabouts_find(&s->w->spool, first, path);
}

/* ---- one set ---- */

static void make_bytes(struct splitting *s, struct slice set)
{
    struct buffer *b = &s->bytes;
    char e = s->delimiters.element, end = s->delimiters.segment;
    buffer_clear(b);
    buffer_slice(b, s->isa);
    buffer_slice(b, s->gs);
    buffer_slice(b, set);
    buffer_printf(b, "GE%c1%c%.*s%c", e, e, SLICE_ARG(s->group_control), end);
    if (s->isa.len && s->isa.ptr[s->isa.len - 1] == '\n')
        buffer_byte(b, '\n');
    buffer_printf(b, "IEA%c1%c%.*s%c", e, e, SLICE_ARG(s->interchange_control), end);
}

static void make_envelope(const struct splitting *s, const char *id, const char *stored, struct buffer *out)
{
    const struct document *parent = &s->t->document;
    char now[INSTANT_TEXT];
    json_t *envelope = json_object(), *history = json_array(), *entry = json_object();
    json_t *source = json_deep_copy(json_object_get(parent->envelope, "source"));
    instant_print(instant_now(), 3, now);
    json_object_del(source, "sha256");
    json_object_set_new(source, "stored", json_string(stored));
    json_object_set_new(source, "size", json_integer((json_int_t)s->bytes.len));
    json_object_set_new(envelope, "id", json_string(id));
    json_object_set_new(envelope, "parent", json_string(parent->id));
    json_object_set_new(envelope, "set", json_integer((json_int_t)s->sets));
    json_object_set_new(envelope, "source", source);
    json_object_set_new(entry, "at", json_string(now));
    json_object_set_new(entry, "by", json_string(s->w->role));
    json_object_set_new(entry, "what", json_sprintf("transaction set %lu of %s", s->sets, parent->id));
    json_array_append_new(history, entry);
    json_object_set_new(envelope, "history", history);
    json_print(envelope, out);
    json_decref(envelope);
}

static int write_child(struct splitting *s, const char *id)
{
    const char *stored = document_text(&s->t->document, "source.stored"),
               *dot = stored ? strrchr(stored, '.') : NULL;
    const char *file = arena_printf(&s->w->arena, "source%s", dot ? dot : ".x12");
    struct buffer envelope = {0};
    if (mkdirat(s->folder, id, 0750) < 0)
        return -1;
    int folder = openat(s->folder, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    make_envelope(s, id, file, &envelope);
    int result = folder < 0 || file_write(folder, file, buffer_as_slice(&s->bytes), 0640, true) < 0 ||
                         file_write(folder, "document.json", buffer_as_slice(&envelope), 0640, true) < 0
                     ? -1
                     : 0;
    int failed = errno;
    if (folder >= 0)
        close(folder);
    buffer_free(&envelope);
    errno = failed;
    return result;
}

/* ---- the whole ---- */

static int let_go(struct splitting *s)
{
    if (!s->count)
        return 0;
    if (spool_sync(&s->w->spool) < 0)
        return -1;
    for (size_t i = 0; i < s->count; i++)
        if (spool_move(&s->w->spool, s->folder, s->made[i], STAGE_TRANSLATE, NULL, s->made[i]) < 0 &&
            errno != EEXIST)
            return -1;
    s->count = 0;
    return spool_settle(&s->w->spool);
}

static int take_set(struct splitting *s, struct slice set)
{
    char id[DOCUMENT_NAME_TEXT];
    s->sets++;
    child_id(s->t->document.id, s->sets, id);
    if (exists_already(s, id))
        return 0;
    make_bytes(s, set);
    if (write_child(s, id) < 0)
        return -1;
    memcpy(s->made[s->count++], id, sizeof id);
    return s->count == SPLIT_GROUP ? let_go(s) : 0;
}

/* Segments up to where the next one begins, so that line ends stay with the segment they follow. */
static int cut(struct splitting *s, struct findings *f)
{
    struct edi_lexer lexer;
    struct edi_segment segment;
    size_t begun = 0;
    const struct slice in = s->input;
    enum { NOWHERE, IN_ISA, IN_GS, IN_SET, BEHIND_SET } at = NOWHERE;
    int result = x12_lexer_open(&lexer, in, f) < 0 ? -1 : 1;
    while (result > 0 && (result = edi_lexer_next(&lexer, &segment, f)) > 0) {
        struct slice before = slice_make(in.ptr + begun, segment.at - begun);
        if (at == IN_ISA)
            s->isa = before;
        else if (at == IN_GS)
            s->gs = before;
        else if (at == BEHIND_SET && take_set(s, before) < 0)
            return -1;
        if (at != IN_SET)
            at = NOWHERE;
        if (slice_is(segment.id, "ISA")) {
            s->delimiters = lexer.text.delimiters;
            s->interchange_control = segment.elements[12];
            at = IN_ISA;
            begun = segment.at;
        } else if (slice_is(segment.id, "GS")) {
            s->group_control = segment.elements[5];
            at = IN_GS;
            begun = segment.at;
        } else if (slice_is(segment.id, "ST")) {
            at = IN_SET;
            begun = segment.at;
        } else if (slice_is(segment.id, "SE"))
            at = BEHIND_SET;
        else if (slice_is(segment.id, "IEA") && edi_lexer_more(&lexer))
            result = x12_lexer_interchange(&lexer, f) < 0 ? -1 : 1;
    }
    return let_go(s);
}

/* A version that nobody installed is no matter of each of its sets: the whole waits for its tables. */
static bool without_dictionary(const struct findings *f)
{
    for (const struct finding *i = f->first; i; i = i->next)
        if (!strncmp(i->code, "dictionary.", 11))
            return true;
    return false;
}

/* Envelopes, counts and pairs of the whole; what is wrong inside a set is that set's own matter. */
static bool is_sound(struct translator *w, struct translation *t, struct slice input)
{
    struct arena sets = {0};
    struct findings f = {.arena = &sets};
    struct x12_header header;
    struct node *set;
    int result = -1;
    struct x12_reader *reader = x12_reader_open(map_library_dictionaries(w->maps), input, &f);
    while (reader && (result = x12_reader_next(reader, &header, &set, &f)) > 0 && !without_dictionary(&f))
        f = (struct findings){.arena = &sets};
    if (result != 0)
        findings_append(&t->findings, &f);
    if (reader)
        x12_reader_close(reader);
    arena_free(&sets);
    return result == 0;
}

static int split(struct splitting *s)
{
    struct findings f = {.arena = &s->w->arena};
    file_remove_tree(s->w->work.dir, SPLIT_FOLDER);
    if (mkdirat(s->w->work.dir, SPLIT_FOLDER, 0750) < 0)
        return -1;
    s->folder = openat(s->w->work.dir, SPLIT_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    s->made = calloc(SPLIT_GROUP, sizeof *s->made);
    if (!s->made)
        abort();
    int result = s->folder < 0 ? -1 : cut(s, &f);
    int failed = errno;
    free(s->made);
    buffer_free(&s->bytes);
    if (s->folder >= 0)
        close(s->folder);
    unlinkat(s->w->work.dir, SPLIT_FOLDER, AT_REMOVEDIR);
    errno = failed;
    return result;
}

int split_interchange(struct translator *w, struct translation *t)
{
    struct splitting s = {.w = w, .t = t, .input = buffer_as_slice(&t->source), .folder = -1};
    if (!is_sound(w, t, s.input)) {
        t->fate = FATE_ERROR;
        return 1;
    }
    if (split(&s) < 0) {
        log_error("%s cannot be split into its transaction sets: %s", t->document.name, strerror(errno));
        return -1;
    }
    t->fate = FATE_ARCHIVE;
    t->outcome = "split";
    document_set_integer(&t->document, "sets", (int64_t)s.sets);
    document_note(&t->document, w->role, "%lu transaction sets, each a document of its own from here on",
                  s.sets);
    return 1;
}
