/* codes: see codes.h. Both directions are hash tables over one array of pairs, own lines first. */
#include "map/codes.h"

#define EXTENDS_DEPTH 8

static unsigned hash(struct slice s)
{
    unsigned h = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
    return h ^ h >> 15;
}

const struct code_pair *codes_by_theirs(const struct codes *c, struct slice code)
{
    for (unsigned i = hash(code) & c->mask; c->theirs[i]; i = (i + 1) & c->mask)
        if (slice_equal(c->pairs[c->theirs[i] - 1].theirs, code))
            return &c->pairs[c->theirs[i] - 1];
    return NULL;
}

const struct code_pair *codes_by_ours(const struct codes *c, struct slice code)
{
    for (unsigned i = hash(code) & c->mask; c->ours[i]; i = (i + 1) & c->mask)
        if (slice_equal(c->pairs[c->ours[i] - 1].ours, code))
            return &c->pairs[c->ours[i] - 1];
    return NULL;
}

struct reading {
    struct map_library *library;
    struct findings *findings;
    struct code_pair *pairs;
    unsigned count, room;
    bool wrong;
};

static void fault(struct reading *r, const char *file, int line, const char *todo, const char *what)
{
    char *where = arena_printf(r->findings->arena, "%s:%d", file, line);
    finding_add(r->findings, SEVERITY_ERROR, "map.codes", where, todo, "%s", what);
    r->wrong = true;
}

static void add(struct reading *r, struct code_pair pair, unsigned own)
{
    for (unsigned i = 0; i < r->count; i++) {
        if (!slice_equal(r->pairs[i].theirs, pair.theirs))
            continue;
        if (i >= own)
            fault(r, pair.file, pair.line, "Keep one of the lines.",
                  arena_printf(r->findings->arena, "The code %.*s is there twice, first in line %d.",
                               SLICE_ARG(pair.theirs), r->pairs[i].line));
        return; /* a table that extends another overrides it */
    }
    if (r->count == r->room) {
        struct code_pair *more = arena_alloc(&r->library->arena, 2 * r->room * sizeof *more);
        memcpy(more, r->pairs, r->count * sizeof *more);
        r->pairs = more;
        r->room *= 2;
    }
    r->pairs[r->count++] = pair;
}

static struct slice column(struct slice *rest)
{
    const char *tab = memchr(rest->ptr, '\t', rest->len);
    size_t len = tab ? (size_t)(tab - rest->ptr) : rest->len;
    struct slice s = slice_trim(slice_make(rest->ptr, len));
    size_t skip = tab ? len + 1 : len;
    *rest = slice_make(rest->ptr + skip, rest->len - skip);
    return s;
}

/* Reads one file; *extends is the name behind "extends", "" without one, NULL when the line is not there. */
static void read_file(struct reading *r, const struct library_file *file, const char **extends)
{
    struct slice rest = file->text;
    unsigned own = r->count;
    bool first = true;
    *extends = NULL;
    for (int number = 1; rest.len; number++) {
        const char *newline = memchr(rest.ptr, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.ptr) : rest.len;
        struct slice line = slice_make(rest.ptr, len);
        rest = slice_make(rest.ptr + len + (newline != NULL), rest.len - len - (newline != NULL));
        struct slice text = slice_trim(line);
        if (!text.len || text.ptr[0] == '#')
            continue;
        if (first && slice_starts(text, SLICE("extends")) && !memchr(text.ptr, '\t', text.len)) {
            *extends = arena_text(&r->library->arena, slice_trim(slice_make(text.ptr + 7, text.len - 7)));
            first = false;
            continue;
        }
        first = false;
        struct code_pair pair = {.file = file->path, .line = number};
        pair.theirs = column(&text);
        pair.ours = column(&text);
        if (!pair.theirs.len || !pair.ours.len)
            fault(r, file->path, number, "Write their code, a tab, and our code.",
                  "This line has not two columns.");
        else
            add(r, pair, own);
    }
}

/* A bucket for each pair; of several pairs with the same code of ours the first is found first. */
static void index_pairs(struct codes *c, struct arena *a)
{
    unsigned size = 8;
    while (size < 2 * c->count)
        size *= 2;
    c->mask = size - 1;
    c->theirs = arena_zero(a, size * sizeof *c->theirs);
    c->ours = arena_zero(a, size * sizeof *c->ours);
    for (unsigned i = 0; i < c->count; i++) {
        unsigned at = hash(c->pairs[i].theirs) & c->mask;
        while (c->theirs[at])
            at = (at + 1) & c->mask;
        c->theirs[at] = i + 1;
        at = hash(c->pairs[i].ours) & c->mask;
        while (c->ours[at])
            at = (at + 1) & c->mask;
        c->ours[at] = i + 1;
    }
}

const struct codes *codes_load(struct map_library *l, const char *name, struct findings *f)
{
    for (struct codes *c = l->codes; c; c = c->next)
        if (strcmp(c->name, name) == 0)
            return c;
    struct reading r = {.library = l, .findings = f, .room = 64};
    r.pairs = arena_alloc(&l->arena, r.room * sizeof *r.pairs);
    const char *wanted = name, *own = NULL, *add_to = NULL;
    unsigned from = 0;
    for (unsigned depth = 0; wanted; depth++) {
        struct library_file file;
        int found = library_name_plain(wanted) ? library_find(l, "codes", wanted, ".tsv", from, &file, f) : 0;
        if (found <= 0 || depth == EXTENDS_DEPTH) {
            if (found >= 0)
                finding_add(f, SEVERITY_ERROR, "map.codes", own ? own : "",
                            depth == EXTENDS_DEPTH ? "Shorten the chain of tables."
                                                   : "Make the file, or correct the name.",
                            depth == EXTENDS_DEPTH ? "The table codes/%s.tsv extends too many others."
                                                   : "There is no code table codes/%s.tsv.",
                            wanted);
            return NULL;
        }
        /* what came with spoolgate is not for editing: the next version would take the line away */
        if (!own)
            add_to = file.directory ? arena_printf(&l->arena,
                                                   "%s/codes/%s.tsv, a file that begins with the line "
                                                   "\"extends\"",
                                                   l->directories[0], name)
                                    : file.path;
        own = own ? own : file.path;
        const char *extends;
        read_file(&r, &file, &extends);
        from = extends && (!*extends || strcmp(extends, wanted) == 0) ? file.directory + 1 : 0;
        wanted = extends && *extends ? extends : extends ? wanted : NULL;
    }
    if (r.wrong)
        return NULL;
    struct codes *c = arena_zero(&l->arena, sizeof *c);
    *c = (struct codes){.next = l->codes,
                        .name = arena_text(&l->arena, slice_of(name)),
                        .file = own,
                        .add_to = add_to,
                        .pairs = r.pairs,
                        .count = r.count};
    index_pairs(c, &l->arena);
    l->codes = c;
    return c;
}
