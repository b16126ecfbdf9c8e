/* fuzz_maptext: any bytes as the text of a map. It is parsed, laid over what it extends, and compiled; then
 * it reads and writes a document. A map that does not load says why; one that loads gives what it is named
 * after. */
#include "fuzz.h"
#include "map/program.h"

#define RUNS 2000 /* with one library, whose arena only grows */

static const char *directories[2];

static void run(const struct map *m, struct slice sample, struct findings *f)
{
    struct map_run r = {.findings = f};
    const char *skipped = NULL;
    struct buffer out = {0};
    struct node *canonical = map_reads(m) ? map_read(m, sample, &r, &skipped) : NULL;
    unsigned before = f->errors;
    if (canonical && map_writes(m) && map_write_tree(m, canonical, &r) == NULL && f->errors == before)
        abort();
    map_explain(m, sample, NULL, 0, &out, f);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct map_library *library;
    static struct buffer samples[2];
    static unsigned runs;
    struct arena a = {0};
    struct findings f = {.arena = &a};
    if (!directories[0]) {
        directories[0] = fuzz_source("translators");
        fuzz_read("samples/documents/visma-purchase-order.json", &samples[0]);
        fuzz_read("tests/corpus/x12/850-order.x12", &samples[1]);
    }
    if (library && ++runs % RUNS == 0) {
        map_library_close(library);
        library = NULL;
    }
    if (!library)
        library = map_library_open(directories);
    struct library_file file = {.path = "fuzz.map",
                                .text = arena_copy(&library->arena, slice_make((const char *)data, size))};
    struct map_text *text = statement_parse(library, &file, &f);
    if (text && text->extends) {
        struct library_file base;
        int found = library_name_plain(text->extends)
                        ? library_find(library, "", text->extends, ".map", 0, &base, &f)
                        : 0;
        struct map_text *below = found == 1 ? statement_parse(library, &base, &f) : NULL;
        text = below && !below->extends ? statement_overlay(&library->arena, below, text, &f) : NULL;
        if (!text)
            f.errors++;
    }
    const struct map *m = text ? map_compile(library, "fuzz", text, &f) : NULL;
    if (!m != (f.errors != 0))
        abort();
    for (int i = 0; m && i < 2; i++)
        run(m, buffer_as_slice(&samples[i]), &f);
    arena_free(&a);
    return 0;
}
