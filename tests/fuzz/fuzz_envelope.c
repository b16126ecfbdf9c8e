/* fuzz_envelope: any bytes as a document's document.json (and, behind a line "----", as the newer one beside
 * it). The folder always opens; what is noted and written into it is JSON again, and error.txt has no byte
 * that a terminal would obey. */
#include "base/json.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "spool/document.h"

#define NAME "20260321T091455123456-9f3a1c.1"

static void is_shown(struct slice s)
{
    while (s.len) {
        size_t n = utf8_sequence(s);
        if (n == 0 || (utf8_control(s, n) && s.ptr[0] != '\n'))
            abort();
        s = slice_make(s.ptr + n, s.len - n);
    }
}

static void check_file(int folder, const char *name, bool json)
{
    struct buffer b = {0};
    json_t *j = NULL;
    if (file_read(folder, name, 64 << 20, &b) || (json && !(j = json_parse(buffer_as_slice(&b), NULL))))
        abort();
    if (!json)
        is_shown(buffer_as_slice(&b));
    json_decref(j);
    buffer_free(&b);
}

static void work(struct document *d, struct arena *a)
{
    char file[SPOOL_NAME_MAX + 1];
    bool corrected;
    struct buffer b = {0};
    struct findings f = {.arena = a};
    if (document_source(d, file, &corrected, &f) == 0)
        document_read(d, file, &b, &f);
    document_verify(d, &f);
    document_note(d, "fuzz", "looked at");
    finding_add(&f, SEVERITY_ERROR, "fuzz", "", "", "%s", document_text(d, "number"));
    if (document_write_error(d, &f, "translate"))
        abort();
    buffer_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int parent = -1, folder;
    struct arena a = {0};
    struct document d;
    if (parent < 0) {
        parent = open(fuzz_folder(), O_RDONLY | O_DIRECTORY);
        if (file_make_directories(parent, NAME, 0700))
            abort();
        folder = openat(parent, NAME, O_RDONLY | O_DIRECTORY);
    }
    struct slice rest = slice_make((const char *)data, size), first = fuzz_part(&rest);
    unlinkat(folder, ".document.json", 0);
    if (file_write(folder, "source.json", SLICE("{}"), 0600, false) ||
        file_write(folder, "document.json", first, 0600, false) ||
        (rest.len && file_write(folder, ".document.json", rest, 0600, false)) ||
        document_open(&d, parent, NAME, NULL))
        abort();
    work(&d, &a);
    document_close(&d);
    check_file(folder, "document.json", true);
    check_file(folder, "error.txt", false);
    arena_free(&a);
    return 0;
}
