/* checking_edi: an interchange and what is wrong in it, for a person: file and line, the sentence, the
 * segment with the place marked, what to do. See checking.h. */
#include "base/json.h"
#include "base/utf8.h"
#include "command/checking.h"
#include "command/command.h"
#include "edi/edifact/edifact.h"
#include "edi/x12/x12.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_MOST 160 /* characters of a segment */

/* ---- where in the file ---- */

struct lines { /* counts on from where it was: findings come in the order of the file */
    struct slice input;
    size_t at, line, start;
};

static void go_to(struct lines *l, size_t at)
{
    if (at > l->input.len)
        at = l->input.len;
    if (at < l->at)
        *l = (struct lines){.input = l->input, .line = 1};
    for (const char *p; (p = memchr(l->input.ptr + l->at, '\n', at - l->at));) {
        l->at = (size_t)(p - l->input.ptr) + 1;
        l->start = l->at;
        l->line++;
    }
    l->at = at;
}

static bool is_escaped(struct slice s, size_t i, char release)
{
    size_t n = 0;
    while (release && i > n && s.ptr[i - n - 1] == release)
        n++;
    return n % 2;
}

static struct slice piece(struct slice s, unsigned n, char separator, char release)
{
    size_t start = 0;
    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && (s.ptr[i] != separator || is_escaped(s, i, release)))
            continue;
        if (n-- == 0)
            return slice_make(s.ptr + start, i - start);
        start = i + 1;
    }
    return slice_make(s.ptr + s.len, 0);
}

struct shown {
    struct slice segment; /* without its terminator */
    size_t from, length;  /* of the place to mark; length 0: a missing element, marked at its place */
};

static struct shown find_place(struct slice input, const struct delimiters *d, const struct finding *i)
{
    struct slice rest = slice_make(input.ptr + i->at - 1, input.len - (i->at - 1));
    struct shown s = {.segment = piece(rest, 0, d->segment, d->release)};
    struct slice place = piece(s.segment, i->element, d->element, d->release);
    if (i->component)
        place = piece(place, i->component - 1, d->component, d->release);
    s.from = (size_t)(place.ptr - s.segment.ptr);
    s.length = place.len;
    return s;
}

/* ---- text ---- */

static const char *color(const char *code)
{
    return isatty(STDOUT_FILENO) ? code : "";
}

static void print_segment(struct arena *a, struct slice input, const struct delimiters *d,
                          const struct finding *i)
{
    struct shown s = find_place(input, d, i);
    size_t skip = s.from > SHOWN_MOST / 2 ? s.from - SHOWN_MOST / 2 : 0, length = s.segment.len - skip;
    if (length > SHOWN_MOST)
        length = SHOWN_MOST;
    const char *before = utf8_shown(a, arena_text(a, slice_make(s.segment.ptr + skip, s.from - skip)));
    const char *text = utf8_shown(a, arena_text(a, slice_make(s.segment.ptr + skip, length)));
    size_t marked = s.length ? s.length : 1, most = length > s.from - skip ? length - (s.from - skip) : 1;
    printf("    %s%s%s\n    %*s%s", skip ? "..." : "", text, s.segment.len > skip + length ? "..." : "",
           (int)(strlen(before) + (skip ? 3 : 0)), "", color("\033[1;31m"));
    for (size_t n = 0; n < marked && n < most; n++)
        putchar('^');
    printf("%s\n", color("\033[0m"));
}

static void print_finding(const char *file, struct slice input, const struct delimiters *d, struct lines *l,
                          struct arena *a, const struct finding *i)
{
    bool error = i->severity == SEVERITY_ERROR;
    if (i->at) {
        go_to(l, i->at - 1);
        printf("%s%s:%zu:%s ", color("\033[1m"), file, l->line, color("\033[0m"));
    } else
        printf("%s%s:%s ", color("\033[1m"), file, color("\033[0m"));
    printf("%s%s%s%s%s%s\n", i->where, *i->where ? ": " : "", error ? "" : color("\033[33m"),
           error ? "" : "warning: ", error ? "" : color("\033[0m"), i->what);
    if (i->at && d && d->segment)
        print_segment(a, input, d, i);
    if (*i->todo)
        printf("    %s\n", i->todo);
}

/* ---- for programs ---- */

static const char *const severities[] = {"note", "warning", "error"};

static json_t *as_json(const struct finding *i, struct lines *l, struct slice input,
                       const struct delimiters *d)
{
    json_t *one = json_object();
    json_object_set_new(one, "severity", json_string(severities[i->severity]));
    json_object_set_new(one, "code", json_string(i->code));
    json_object_set_new(one, "where", json_string(i->where));
    json_object_set_new(one, "what", json_string(i->what));
    json_object_set_new(one, "todo", json_string(i->todo));
    if (i->at) {
        go_to(l, i->at - 1);
        json_object_set_new(one, "line", json_integer((json_int_t)l->line));
        json_object_set_new(one, "byte", json_integer((json_int_t)i->at));
        if (i->element)
            json_object_set_new(one, "element", json_integer(i->element));
        if (i->component)
            json_object_set_new(one, "component", json_integer(i->component));
        if (d && d->segment) {
            struct shown s = find_place(input, d, i);
            struct arena a = {0};
            json_object_set_new(
                one, "segment",
                json_string(utf8_shown(
                    &a,
                    arena_text(&a, slice_make(s.segment.ptr, s.segment.len < 4000 ? s.segment.len : 4000)))));
            arena_free(&a);
        }
    }
    return one;
}

/* SARIF 2.1.0, 3.27: a result. */
static json_t *as_sarif(const char *file, const struct finding *i, struct lines *l)
{
    json_t *region = json_object(), *place = json_object(), *result = json_object();
    go_to(l, i->at ? i->at - 1 : 0);
    json_object_set_new(region, "startLine", json_integer((json_int_t)l->line));
    if (i->at) {
        json_object_set_new(region, "startColumn", json_integer((json_int_t)(i->at - l->start)));
        json_object_set_new(region, "byteOffset", json_integer((json_int_t)i->at - 1));
    }
    json_object_set_new(place, "physicalLocation",
                        json_pack("{s:{s:s}, s:o}", "artifactLocation", "uri", file, "region", region));
    json_object_set_new(result, "ruleId", json_string(i->code));
    json_object_set_new(result, "level", json_string(severities[i->severity]));
    struct arena a = {0};
    json_object_set_new(
        result, "message",
        json_pack("{s:s}", "text", arena_printf(&a, "%s: %s %s", i->where, i->what, i->todo)));
    arena_free(&a);
    json_object_set_new(result, "locations", json_pack("[o]", place));
    return result;
}

/* ---- one file ---- */

struct told {
    struct checking *k;
    const char *file;
    struct slice input;
    struct lines lines;
    json_t *findings;
};

static void tell(struct told *t, const struct delimiters *d, const struct findings *f)
{
    for (const struct finding *i = f->first; i; i = i->next) {
        if (t->k->form == CHECKING_TEXT)
            print_finding(t->file, t->input, d, &t->lines, f->arena, i);
        else if (t->k->form == CHECKING_JSON)
            json_array_append_new(t->findings, as_json(i, &t->lines, t->input, d));
        else
            json_array_append_new(t->k->results, as_sarif(t->file, i, &t->lines));
    }
    if (f->dropped && t->k->form == CHECKING_TEXT)
        printf("%s: and %u more\n", t->file, f->dropped);
}

static struct told begin(struct checking *k, const char *file, struct slice bytes)
{
    if (k->form == CHECKING_SARIF && !k->results)
        k->results = json_array();
    return (struct told){.k = k,
                         .file = utf8_shown(&k->arena, file),
                         .input = bytes,
                         .lines = {.input = bytes, .line = 1},
                         .findings = k->form == CHECKING_JSON ? json_array() : NULL};
}

static void end(struct told *t, bool good, json_t *more)
{
    if (t->k->form != CHECKING_JSON) {
        json_decref(more);
        return;
    }
    json_t *line = json_pack("{s:s, s:b, s:o}", "file", t->file, "in_order", good, "findings", t->findings);
    json_object_update(line, more);
    json_decref(more);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

void checking_tell(struct checking *k, const char *file, struct slice bytes, const struct findings *f)
{
    struct told t = begin(k, file, bytes);
    tell(&t, NULL, f);
    end(&t, f->errors == 0, json_object());
}

void checking_end(struct checking *k)
{
    if (k->form != CHECKING_SARIF)
        return;
    json_t *driver = json_pack("{s:s, s:s}", "name", "spoolgate", "version", SPOOLGATE_VERSION);
    json_t *run = json_pack("{s:{s:o}, s:o}", "tool", "driver", driver, "results",
                            k->results ? k->results : json_array());
    json_t *log = json_pack("{s:s, s:s, s:[o]}", "version", "2.1.0", "$schema",
                            "https://json.schemastore.org/sarif-2.1.0.json", "runs", run);
    json_dumpf(log, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(log);
    k->results = NULL;
}

struct counted {
    unsigned long sets, wrong;
    unsigned errors;
    int result;
    const char *version;
};

static void read_x12(struct told *t, struct counted *n)
{
    struct checking *k = t->k;
    struct findings f = {.arena = &k->arena};
    struct x12_header header = {0};
    struct node *set;
    struct arena names = {0};
    struct x12_reader *reader = x12_reader_open(map_library_dictionaries(k->offline.maps), t->input, &f);
    while (reader && (n->result = x12_reader_next(reader, &header, &set, &f)) > 0) {
        n->sets++;
        n->wrong += n->result == 2;
        tell(t, &header.delimiters, &f);
        f = (struct findings){.arena = &k->arena};
        arena_reset(&names);
        n->version = arena_text(&names, header.version);
    }
    if (n->result <= 0)
        tell(t, header.delimiters.segment ? &header.delimiters : NULL, &f);
    n->errors = f.errors;
    n->version = n->version ? arena_text(&k->arena, slice_of(n->version)) : "";
    arena_free(&names);
    if (reader)
        x12_reader_close(reader);
}

static void read_edifact(struct told *t, struct counted *n)
{
    struct checking *k = t->k;
    struct findings f = {.arena = &k->arena};
    struct edifact_header header = {0};
    struct node *message;
    struct edifact_reader *reader =
        edifact_reader_open(map_library_dictionaries(k->offline.maps), t->input, &f);
    while (reader && (n->result = edifact_reader_next(reader, &header, &message, &f)) > 0) {
        n->sets++;
        n->wrong += n->result == 2;
        tell(t, &header.delimiters, &f);
        f = (struct findings){.arena = &k->arena};
    }
    if (n->result <= 0)
        tell(t, header.delimiters.segment ? &header.delimiters : NULL, &f);
    n->errors = f.errors;
    n->version = arena_printf(&k->arena, "%.*s.%.*s", SLICE_ARG(header.version), SLICE_ARG(header.release));
    if (reader)
        edifact_reader_close(reader);
}

bool checking_is_edi(struct slice bytes)
{
    if (edifact_begins(bytes))
        return true;
    if (slice_starts(bytes, SLICE("\xef\xbb\xbf")))
        bytes = slice_make(bytes.ptr + 3, bytes.len - 3);
    bytes = slice_trim(bytes);
    return bytes.len > 3 && !memcmp(bytes.ptr, "ISA", 3) && !isalnum((unsigned char)bytes.ptr[3]);
}

int checking_edi(struct checking *k, const char *file, struct slice bytes)
{
    bool edifact = edifact_begins(bytes);
    struct arena name = {0}; /* the readers give k->arena back */
    struct told t = begin(k, file, bytes);
    t.file = arena_text(&name, slice_of(t.file));
    struct counted n = {.result = -1};
    if (edifact)
        read_edifact(&t, &n);
    else
        read_x12(&t, &n);
    bool good = n.result == 0 && !n.wrong && !n.errors;
    const char *what = edifact ? "message" : "set";
    if (k->form == CHECKING_TEXT && good)
        printf("%s: in order: %lu %s%s, %s\n", t.file, n.sets, what, n.sets == 1 ? "" : "s",
               utf8_shown(&k->arena, n.version));
    else if (k->form == CHECKING_TEXT)
        printf("%s: not in order: %lu of %lu %ss%s\n", t.file, n.wrong, n.sets, what,
               n.result < 0 ? ", and the interchange itself" : "");
    end(&t, good,
        json_pack("{s:s, s:I, s:I}", "standard", edifact ? "edifact" : "x12", "documents", (json_int_t)n.sets,
                  "wrong", (json_int_t)n.wrong));
    arena_free(&name);
    return good ? EXIT_DONE : EXIT_FOUND_PROBLEMS;
}
