/* summary: see summary.h. Documents made since are found by their ids, which begin with the time; older ones
 * that were on their way are looked for by the names they had. */
#include "role/summary.h"
#include "base/json.h"
#include "role/whereabouts.h"
#include "spool/document.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROWS_SHOWN 500 /* of a table; all of them with json */

struct name {
    const char *text;
    bool in_error;
};

struct row {
    const char *document, *type, *number, *from, *to, *stage;
    double seconds;
};

struct summary {
    const struct spool *spool;
    struct arena arena;
    char first_id[DOCUMENT_NAME_TEXT]; /* ids from then on are new */
    struct instant begun;
    struct name *before;
    size_t before_count, before_room;
    struct row *rows;
    size_t count, room;
    unsigned in_error;
};

static void *grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room ? 2 * *room : 64;
    void *more = realloc(items, *room * size);
    if (!more)
        abort();
    return more;
}

typedef void each_name(struct summary *m, int parent, const char *name, const char *stage);

/* Every document's folder that stands in path (relative to the spool). */
static void walk(struct summary *m, const char *path, const char *stage, each_name *each)
{
    int fd = openat(m->spool->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    char id[DOCUMENT_NAME_TEXT];
    unsigned destination;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(d)))
        if (document_name_parse(entry->d_name, id, &destination))
            each(m, fd, entry->d_name, stage);
    closedir(d);
}

/* The folders of a stage that has one an endpoint, or one a translator. */
static void walk_below(struct summary *m, const char *stage, const char *prefix, each_name *each)
{
    int fd = openat(m->spool->root, stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (!d && fd >= 0)
        close(fd);
    while (d && (entry = readdir(d))) {
        bool dot = entry->d_name[0] == '.';
        if (*prefix ? strncmp(entry->d_name, prefix, strlen(prefix)) != 0 : dot)
            continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", stage, entry->d_name);
        walk(m, path, arena_text(&m->arena, slice_of(path)), each);
    }
    if (d)
        closedir(d);
}

/* ---- before ---- */

static void remember(struct summary *m, int parent, const char *name, const char *stage)
{
    (void)parent;
    m->before = grow(m->before, m->before_count, &m->before_room, sizeof *m->before);
    m->before[m->before_count++] =
        (struct name){arena_text(&m->arena, slice_of(name)), !strcmp(stage, "error")};
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

struct summary *summary_begin(const struct spool *s)
{
    struct summary *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    m->spool = s;
    m->begun = instant_now();
    document_id_new(m->first_id);
    walk(m, "translate", "translate", remember);
    walk_below(m, "translate", ".work-", remember);
    walk_below(m, "outbox", "", remember);
    walk(m, "error", "error", remember);
    if (m->before_count)
        qsort(m->before, m->before_count, sizeof *m->before, by_text);
    return m;
}

/* ---- after ---- */

static bool was_in_error(const struct summary *m, const char *name)
{
    const struct name wanted = {.text = name};
    const struct name *found =
        m->before_count ? bsearch(&wanted, m->before, m->before_count, sizeof wanted, by_text) : NULL;
    return found && found->in_error;
}

static const char *copy(struct summary *m, const char *text)
{
    return arena_text(&m->arena, slice_of(text ? text : ""));
}

static bool last_event(const struct document *d, struct instant *when)
{
    const json_t *history = json_object_get(d->envelope, "history");
    const char *at =
        json_string_value(json_object_get(json_array_get(history, json_array_size(history) - 1), "at"));
    return at && instant_parse(slice_of(at), when);
}

static double seconds_between(struct instant a, struct instant b)
{
    return (double)(b.seconds - a.seconds) + (b.nanoseconds - a.nanoseconds) / 1e9;
}

static void add_row(struct summary *m, int parent, const char *name, const char *stage)
{
    struct document d;
    struct findings ignored = {.arena = &m->arena};
    struct instant last = m->begun, received = m->begun;
    if (document_open(&d, parent, name, &ignored) < 0)
        return;
    bool told = last_event(&d, &last);
    if (told ? seconds_between(m->begun, last) >= 0 : strcmp(name, m->first_id) >= 0) {
        const char *outcome = document_text(&d, "outcome"), *to = document_text(&d, "partner");
        const char *endpoint = document_text(&d, "endpoint"), *at = document_text(&d, "source.received");
        if (strcmp(name, m->first_id) >= 0 && at)
            instant_parse(slice_of(at), &received);
        m->rows = grow(m->rows, m->count, &m->room, sizeof *m->rows);
        m->rows[m->count++] = (struct row){
            .document = copy(m, name),
            .type = copy(m, document_text(&d, "type")),
            .number = copy(m, document_text(&d, "number")),
            .from = copy(m, document_text(&d, "source.name")),
            .to = arena_printf(&m->arena, "%s%s%s", to ? to : "", endpoint ? "/" : "",
                               endpoint ? endpoint : ""),
            .stage =
                arena_printf(&m->arena, "%s%s%s", stage, outcome && !strcmp(stage, "archive") ? ", " : "",
                             outcome && !strcmp(stage, "archive") ? outcome : ""),
            .seconds = seconds_between(received, last),
        };
    }
    document_close(&d);
}

static void add_new(struct summary *m, int parent, const char *name, const char *stage)
{
    bool error = !strcmp(stage, "error");
    m->in_error += error && !was_in_error(m, name);
    if (strcmp(name, m->first_id) >= 0)
        add_row(m, parent, name, stage);
}

/* The archive's days from the beginning until now. */
static void walk_archive(struct summary *m)
{
    char today[32], path[64];
    instant_print(instant_now(), 0, today);
    for (int64_t day = m->begun.seconds;; day += 86400) {
        char text[32];
        instant_print((struct instant){.seconds = day}, 0, text);
        snprintf(path, sizeof path, "archive/%.4s/%.2s/%.2s", text, text + 5, text + 8);
        walk(m, path, "archive", add_new);
        if (strncmp(text, today, 10) >= 0)
            return;
    }
}

/* A document that was on its way before: wherever it is now. */
static void add_older(struct summary *m, const char *name)
{
    char path[512];
    if (!whereabouts_find(m->spool, name, path)) {
        char first[DOCUMENT_NAME_TEXT + 2];
        snprintf(first, sizeof first, "%s.1", name); /* it had no destination then */
        if (!spool_find(m->spool, first, path))
            return;
    }
    char *slash = strrchr(path, '/');
    if (!slash)
        return;
    *slash = '\0';
    int parent = openat(m->spool->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return;
    add_row(m, parent, slash + 1, !strncmp(path, "archive", 7) ? "archive" : path);
    close(parent);
}

static int by_document(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->document, ((const struct row *)b)->document);
}

static void print_json(const struct summary *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct row *r = &m->rows[i];
        json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f}", "document", r->document, "type",
                                   r->type, "number", r->number, "from", r->from, "to", r->to, "stage",
                                   r->stage, "seconds", r->seconds);
        if (object) {
            json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
            putchar('\n');
        }
        json_decref(object);
    }
}

static int width(const struct summary *m, size_t offset, const char *heading)
{
    size_t widest = strlen(heading);
    for (size_t i = 0; i < m->count && i < ROWS_SHOWN; i++) {
        const char *text = *(const char *const *)((const char *)&m->rows[i] + offset);
        if (strlen(text) > widest)
            widest = strlen(text);
    }
    return (int)(widest > 60 ? 60 : widest);
}

static void print_table(const struct summary *m)
{
    if (!m->count) {
        puts("nothing new: there was nothing to do");
        return;
    }
    int w[] = {width(m, offsetof(struct row, document), "document"),
               width(m, offsetof(struct row, type), "type"),
               width(m, offsetof(struct row, number), "number"),
               width(m, offsetof(struct row, from), "from"),
               width(m, offsetof(struct row, to), "to"),
               width(m, offsetof(struct row, stage), "stage")};
    printf("%-*s  %-*s  %-*s  %-*s  %-*s  %-*s  %s\n", w[0], "document", w[1], "type", w[2], "number", w[3],
           "from", w[4], "to", w[5], "stage", "seconds");
    for (size_t i = 0; i < m->count && i < ROWS_SHOWN; i++) {
        const struct row *r = &m->rows[i];
        printf("%-*s  %-*s  %-*s  %-*s  %-*s  %-*s  %.3f\n", w[0], r->document, w[1], r->type, w[2],
               r->number, w[3], r->from, w[4], r->to, w[5], r->stage, r->seconds);
    }
    if (m->count > ROWS_SHOWN)
        printf("… and %zu more\n", m->count - ROWS_SHOWN);
    printf("%zu document%s", m->count, m->count == 1 ? "" : "s");
    if (m->in_error)
        printf(", %u of them new in error/: see error.txt in their folders", m->in_error);
    putchar('\n');
}

unsigned summary_end(struct summary *m, bool json)
{
    m->count = m->in_error = 0;
    walk_archive(m);
    walk_below(m, "outbox", "", add_new);
    walk(m, "translate", "translate", add_new);
    walk(m, "error", "error", add_new);
    for (size_t i = 0; i < m->before_count; i++)
        add_older(m, m->before[i].text);
    if (m->count)
        qsort(m->rows, m->count, sizeof *m->rows, by_document);
    if (json)
        print_json(m);
    else
        print_table(m);
    fflush(stdout);
    return m->in_error;
}

void summary_free(struct summary *m)
{
    free(m->before);
    free(m->rows);
    arena_free(&m->arena);
    free(m);
}
