/* fuzz_x12: any bytes as an interchange, and as X12 in JSON. What is taken must be writable in both forms and
 * be the same tree when it is read back; a difference aborts.
 *
 *   clang -fsanitize=fuzzer,address,undefined … ; top_srcdir=. fuzz_x12 tests/corpus/x12
 * tests/corpus/hostile/x12
 *
 * Without libFuzzer, -DFUZZ_MAIN gives a main that runs the files named on the command line. */
#include "edi/x12/x12.h"
#include "syntax/syntax.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dictionary_library *library;

static const struct envelope profile = {
    .delimiters = {.element = '\x1d', .component = '\x1f', .segment = '\x1c'},
    .sender_qualifier = "ZZ",
    .sender_id = "SENDER",
    .receiver_qualifier = "ZZ",
    .receiver_id = "RECEIVER",
    .application_sender = "SENDER",
    .application_receiver = "RECEIVER",
    .version = "004010",
    .usage = 'T',
    .control_number = 1};

static void open_once(void)
{
    if (library)
        return;
    const char *top = getenv("top_srcdir");
    char path[1024];
    snprintf(path, sizeof path, "%s/translators", top ? top : ".");
    library = dictionary_library_open(path);
}

static bool same(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind || a->tag != b->tag || !slice_equal(a->name, b->name) ||
        !slice_equal(a->text, b->text))
        return false;
    const struct node *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        if (!same(x, y))
            return false;
    return !x && !y;
}

/* Writes a tree that was taken without a warning, reads it again, and wants the same tree. The profile's
 * delimiters are control characters, which no good value has: nothing may stand in the way. */
static void go_round(const struct syntax *syntax, const struct node *tree, struct arena *arena)
{
    struct findings f = {.arena = arena};
    struct syntax_options o = {.dictionaries = library,
                               .version = "004010",
                               .set = arena_text(arena, tree->name),
                               .envelope = &profile};
    struct buffer out = {0};
    if (syntax->write(&o, tree, &out, &f))
        abort();
    struct node *again = syntax->read(&o, buffer_as_slice(&out), &f);
    if (!again || !same(tree, again))
        abort();
    buffer_free(&out);
}

static void try_x12(struct slice input)
{
    struct arena arena = {0}, scratch = {0};
    struct findings f = {.arena = &arena};
    struct x12_header h;
    struct node *set;
    int got;
    struct x12_reader *r = x12_reader_open(library, input, &f);
    while (r && (got = x12_reader_next(r, &h, &set, &f)) > 0) {
        if (got == 1 && f.warnings == 0 && slice_is(h.version, "004010")) {
            go_round(&syntax_x12, set, &scratch);
            go_round(&syntax_x12json, set, &scratch);
        }
        arena_reset(&scratch);
    }
    x12_reader_close(r);
    struct buffer out = {0};
    x12_print_readable(input, library, &out, &f);
    buffer_free(&out);
    arena_free(&arena);
    arena_free(&scratch);
}

static void try_json(struct slice input)
{
    struct arena arena = {0};
    struct findings f = {.arena = &arena};
    struct syntax_options o = {.dictionaries = library};
    struct node *tree = syntax_x12json.read(&o, input, &f);
    if (tree)
        go_round(&syntax_x12, tree, &arena);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make((const char *)data, size);
    open_once();
    try_x12(input);
    if (size && data[0] == '{')
        try_json(input);
    return 0;
}

#ifdef FUZZ_MAIN
#include "base/file.h"
#include <fcntl.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct buffer b = {0};
        if (file_read(AT_FDCWD, argv[i], 64u << 20, &b) == 0)
            LLVMFuzzerTestOneInput((const uint8_t *)(b.ptr ? b.ptr : ""), b.len);
        buffer_free(&b);
    }
    dictionary_library_close(library);
    return 0;
}
#endif
