/* What the tests of src/map share: a library over a folder of the test's own and the translators that come
 * with spoolgate, runs of a map over a text, and a look at findings. */
#ifndef SPOOLGATE_TESTS_TEST_MAP_H
#define SPOOLGATE_TESTS_TEST_MAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "edi/x12/envelope.h"
#include "map/map.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct bench {
    char folder[256], translators[1024];
    const char *directories[3];
    struct map_library *library;
    struct arena arena;
    struct findings findings;
    struct buffer text, out;
};

static const struct envelope test_envelope = {
    .delimiters = {.element = '*', .component = '>', .segment = '~'},
    .newline = true,
    .sender_qualifier = "ZZ",
    .sender_id = "NORDMAT",
    .receiver_qualifier = "ZZ",
    .receiver_id = "FJORD",
    .application_sender = "NORDMAT",
    .application_receiver = "FJORD",
    .version = "004010",
    .usage = 'T',
    .control_number = 42,
    .prepared = 1772445600};

static inline void bench_fresh(struct bench *b)
{
    arena_reset(&b->arena);
    b->findings = (struct findings){.arena = &b->arena};
    buffer_clear(&b->out);
}

static inline int bench_open(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    const char *base = getenv("TMPDIR"), *top = getenv("top_srcdir");
    snprintf(b->folder, sizeof b->folder, "%s/spoolgate-map-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(b->folder))
        return -1;
    snprintf(b->translators, sizeof b->translators, "%s/translators", top ? top : ".");
    b->directories[0] = b->folder;
    b->directories[1] = b->translators;
    b->library = map_library_open(b->directories);
    bench_fresh(b);
    *state = b;
    return 0;
}

static inline int bench_close(void **state)
{
    struct bench *b = *state;
    map_library_close(b->library);
    arena_free(&b->arena);
    buffer_free(&b->text);
    buffer_free(&b->out);
    file_remove_tree(AT_FDCWD, b->folder);
    free(b);
    return 0;
}

/* A file in the test's own folder, which is searched before the translators. */
static inline void put(struct bench *b, const char *name, const char *text)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    *strrchr(path, '/') = '\0';
    assert_int_equal(file_make_directories(AT_FDCWD, path, 0755), 0);
    path[strlen(path)] = '/';
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    assert_int_equal(file_write(AT_FDCWD, path, slice_of(text), 0644, false), 0);
}

static inline struct slice sample(struct bench *b, const char *name)
{
    char path[1024];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/samples/documents/%s", top ? top : ".", name);
    buffer_clear(&b->text);
    assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &b->text), 0);
    return buffer_as_slice(&b->text);
}

static inline const char *told(struct bench *b)
{
    struct buffer text = {0};
    findings_print(&b->findings, &text);
    const char *copy = arena_text(&b->arena, buffer_as_slice(&text));
    buffer_free(&text);
    return copy;
}

static inline const struct map *load(struct bench *b, const char *name)
{
    unsigned before = b->findings.errors;
    const struct map *m = map_load(b->library, name, &b->findings);
    if (!m || b->findings.errors != before)
        fail_msg("%s: %s", name, told(b));
    return m;
}

/* A map of the test's own, under a new name each time. */
static inline const struct map *own(struct bench *b, const char *text)
{
    static unsigned number;
    char name[64], file[80];
    snprintf(name, sizeof name, "own/map%u", ++number);
    snprintf(file, sizeof file, "%s.map", name);
    put(b, file, text);
    return load(b, name);
}

/* The canonical document as JSON text, or what was found wrong. */
static inline const char *read_with(struct bench *b, const struct map *m, struct slice bytes,
                                    const char **skipped)
{
    static const struct map_variable variables[] = {
        {"vendor_number", "V-77"}, {"partner", "FJORD"}, {"empty", " "}};
    struct map_run run = {.variables = variables, .variable_count = 3, .findings = &b->findings};
    const char *ignored;
    struct node *n = map_read(m, bytes, &run, skipped ? skipped : &ignored);
    if (!n)
        return told(b);
    struct buffer text = {0};
    canonical_write(n, &text);
    const char *copy = arena_text(&b->arena, buffer_as_slice(&text));
    buffer_free(&text);
    return copy;
}

/* A canonical document, given as JSON text, written by a map: the bytes, or what was found wrong. */
static inline const char *write_with(struct bench *b, const struct map *m, const char *canonical)
{
    static const struct map_variable variables[] = {{"vendor_number", "V-77"}, {"empty", " "}};
    struct map_run run = {.variables = variables, .variable_count = 2, .findings = &b->findings};
    struct syntax_options o = {.envelope = &test_envelope};
    struct node *n = syntax_json.read(NULL, slice_of(canonical), &b->findings);
    buffer_clear(&b->out);
    if (!n || map_write(m, NULL, n, &o, &run, &b->out) < 0)
        return told(b);
    return b->out.ptr;
}

/* The segments between ST and SE of what write_with gave, one a line. */
static inline const char *body(struct bench *b, const char *x12)
{
    const char *begin = strstr(x12, "ST*"), *end = begin ? strstr(begin, "\nSE*") : NULL;
    if (!end)
        return x12;
    begin = strchr(begin, '\n') + 1;
    return arena_text(&b->arena, slice_make(begin, (size_t)(end + 1 - begin)));
}

static inline void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("not there: %s\nin: %s", part, text);
}

static inline void has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("there: %s\nin: %s", part, text);
}

#endif
