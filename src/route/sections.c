/* sections: see sections.h. The rules of the files are in spoolgate.conf(5). */
#include "route/sections.h"
#include "base/file.h"
#include "base/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>

#define SECTION_LENGTH 48 /* inih keeps 49 characters of a section */
#define KEY_LENGTH 48     /* and of a key whose value goes on in the next line */

struct reading {
    struct arena *arena;
    const char *path;
    struct slice rest; /* of the file */
    int line;          /* the one inih has in hand */
    enum { NOTHING, SECTION, PAIR } expected, seen;
    bool continues; /* it begins with a blank: the value of the key before goes on */
    struct section **end, *section;
    struct setting *last;    /* of the section */
    struct setting *current; /* whose value may go on; NULL when no key has come yet */
    struct findings *findings;
};

static void mistake(struct reading *r, const char *code, const char *what, const char *todo)
{
    finding_add(r->findings, SEVERITY_ERROR, code, arena_printf(r->arena, "%s:%d", r->path, r->line), todo,
                "%s", what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "[kind name]". */
static void section_begin(struct reading *r, struct slice line)
{
    const char *close = memchr(line.ptr, ']', line.len);
    struct section *s = arena_zero(r->arena, sizeof *s);
    r->section = s; /* a broken one takes its keys and is not in the list: one mistake, not ten */
    r->last = r->current = NULL;
    if (!close) {
        mistake(r, "config.section", "A section begins with [ and ends with ] in the same line.",
                "Add the ].");
        return;
    }
    struct slice behind = slice_trim(slice_make(close + 1, line.len - (size_t)(close + 1 - line.ptr)));
    if (behind.len && behind.ptr[0] != ';' && behind.ptr[0] != '#') {
        mistake(r, "config.section", "There is something behind the ] of the section.",
                "Put it into a line of its own.");
        return;
    }
    struct slice text = slice_trim(slice_make(line.ptr + 1, (size_t)(close - line.ptr) - 1));
    if (text.len > SECTION_LENGTH) {
        mistake(r, "config.section.too-long",
                arena_printf(r->arena, "The section's name has %zu characters, at most %d are taken.",
                             text.len, SECTION_LENGTH),
                "Choose a shorter name.");
        return;
    }
    size_t kind = 0;
    while (kind < text.len && !is_blank(text.ptr[kind]))
        kind++;
    s->kind = arena_text(r->arena, slice_make(text.ptr, kind));
    s->name = arena_text(r->arena, slice_trim(slice_make(text.ptr + kind, text.len - kind)));
    s->file = r->path;
    s->line = r->line;
    *r->end = s;
    r->end = &s->next;
}

/* inih has passed the line before without calling us although it should have held a key and its value. */
static void judge_line_before(struct reading *r)
{
    if (r->expected == PAIR && r->seen == NOTHING)
        mistake(r, "config.syntax", "This line is neither a [section] nor key = value.",
                "Write key = value, or begin a comment with #.");
    r->expected = r->seen = NOTHING;
}

/* What kind of line this is; false: inih gets an empty line in its place. */
static bool look_at_line(struct reading *r, struct slice line, size_t room)
{
    for (size_t i = 0, n; i < line.len; i += n) {
        struct slice rest = slice_make(line.ptr + i, line.len - i);
        n = utf8_sequence(rest);
        if (n && (!utf8_control(rest, n) || line.ptr[i] == '\t'))
            continue;
        mistake(r, n ? "config.control" : "config.utf8",
                n ? "There is a control character in this line." : "This line is not UTF-8.",
                n ? "Remove it." : "Save the file as UTF-8.");
        return false;
    }
    struct slice text = slice_trim(line);
    if (!text.len || text.ptr[0] == '#' || text.ptr[0] == ';')
        return false;
    if (line.len + 2 > room) {
        mistake(
            r, "config.line.too-long",
            arena_printf(r->arena, "The line has %zu characters, at most %zu are taken.", line.len, room - 2),
            "Go on in the next line: a line that begins with a blank continues the value.");
        return false;
    }
    r->continues = is_blank(line.ptr[0]);
    if (text.ptr[0] == '[' && !(r->continues && r->current)) {
        section_begin(r, text);
        r->expected = SECTION;
        return true;
    }
    if (r->continues && !r->current) {
        mistake(r, "config.syntax", "This line begins with a blank, but there is no value it could continue.",
                "Remove the blank.");
        return false;
    }
    if (r->continues && strstr(arena_text(r->arena, text), " ;")) {
        mistake(r, "config.syntax", "A line that continues a value cannot have a comment behind it.",
                "Put the comment into a line of its own, above the key.");
        return false;
    }
    r->expected = PAIR;
    return true;
}

/* inih's reader: one line at a time. */
static char *next_line(char *into, int room, void *context)
{
    struct reading *r = context;
    judge_line_before(r);
    if (!r->rest.len)
        return NULL;
    const char *newline = memchr(r->rest.ptr, '\n', r->rest.len);
    size_t len = newline ? (size_t)(newline - r->rest.ptr) : r->rest.len;
    struct slice line = slice_make(r->rest.ptr, len);
    r->rest = slice_make(r->rest.ptr + len + (newline ? 1 : 0), r->rest.len - len - (newline ? 1 : 0));
    r->line++;
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (!look_at_line(r, line, (size_t)room))
        line.len = 0;
    memcpy(into, line.ptr, line.len);
    memcpy(into + line.len, "\n", 2);
    return into;
}

static void pair_add(struct reading *r, const char *key, const char *value)
{
    struct setting *known = section_setting(r->section, key), *s = arena_zero(r->arena, sizeof *s);
    s->key = arena_text(r->arena, slice_of(key));
    s->value = arena_text(r->arena, slice_of(value));
    s->file = r->path;
    s->line = r->line;
    r->current = s;
    if (known) {
        mistake(r, "config.key.twice",
                arena_printf(r->arena, "%s is given twice; it stands already in line %d.", key, known->line),
                "Remove one of the two.");
        return;
    }
    if (strlen(key) > KEY_LENGTH) {
        mistake(r, "config.key.too-long", "The key is too long.", "Keys have at most 48 characters.");
        return;
    }
    if (r->last)
        r->last->next = s;
    else
        r->section->settings = s;
    r->last = s;
}

static int pair(void *context, const char *section, const char *key, const char *value)
{
    struct reading *r = context;
    (void)section; /* next_line knows it, whole */
    r->seen = PAIR;
    if (r->expected == SECTION)
        return 1; /* indented behind a broken section, which inih has passed over: it goes on with a value
                     there */
    if (!r->section) {
        if (!r->continues)
            mistake(r, "config.section", arena_printf(r->arena, "%s stands in no section.", key),
                    "Put it below a line such as [spoolgate].");
    } else if (r->continues) {
        r->current->value = arena_printf(r->arena, "%s %s", r->current->value, value);
    } else {
        pair_add(r, key, value ? value : "");
    }
    return 1;
}

int sections_read(struct arena *a, const char *path, struct section **list, struct findings *f)
{
    struct buffer bytes = {0};
    const char *kept = arena_text(a, slice_of(path));
    if (file_read(AT_FDCWD, path, CONFIG_FILE_LIMIT, &bytes) < 0) {
        if (error_is_the_machines(errno)) {
            finding_machine(f, errno, kept);
            return -1;
        }
        finding_add(f, SEVERITY_ERROR, "config.unreadable", kept,
                    errno == ENOENT ? "Name another file with -c or $SPOOLGATE_CONFIG." : "",
                    "%s cannot be read: %s.", kept,
                    errno == EFBIG ? "it has more than 1 MiB" : strerror(errno));
        return -1;
    }
    struct reading r = {
        .arena = a, .path = kept, .rest = buffer_as_slice(&bytes), .findings = f, .end = list};
    if (slice_starts(r.rest, SLICE("\xef\xbb\xbf")))
        r.rest = slice_make(r.rest.ptr + 3, r.rest.len - 3);
    while (*r.end)
        r.end = &(*r.end)->next;
    int status = ini_parse_stream(next_line, &r, pair, &r);
    if (status == -2)
        finding_add(f, SEVERITY_ERROR, "config.memory", kept, "", "There was no memory to read %s.", kept);
    buffer_free(&bytes);
    return 0;
}

struct setting *section_setting(const struct section *s, const char *key)
{
    for (struct setting *i = s->settings; i; i = i->next)
        if (!strcmp(i->key, key))
            return i;
    return NULL;
}
