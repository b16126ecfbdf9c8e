/* The X12 files of the corpus, where it is beside the sources (../shared/corpus): each is read with the
 * verdict its manifest states, or with another for a reason that stands here. Its checker knew all sets of
 * 004010 and 005010; files of releases and sets without tables here are refused for that. */
#include "test_edi.h"
#include "base/file.h"
#include <fcntl.h>

static const char *const differing[][2] = {
    {"210-004010-staedi-01.x12", "lines broken at 80 columns, the ISA among them: not put together here"},
    {"210-004010-x12parser-01.x12", "GS03 has 23 characters; element 124 has at most 15"},
    {"210-004010-x12parser-02.x12", "the same"},
    {"850-004010-botsplugins-02.x12", "GS04 has six digits; element 373 has eight in 004010"},
    {"850-004010-botsplugins-03.x12", "the same"},
    {"997-004010-x12net-01.x12", "the same"},
    {"850-004010-botsplugins-23.x12", "the separator is 7F, a control character beyond those of X12.5"},
    {"940-004010-ediengine-05.x12", "besides the missing terminator, N901 is mandatory and missing"},
    {"997-004010-pyx12-05.x12", "TA103 is 3339, no time of the day"},
};

struct verdict {
    bool good;
    char first[300];
};

static void keep(struct verdict *v, const struct findings *f)
{
    for (const struct finding *i = f->first; i && !*v->first; i = i->next)
        if (i->severity == SEVERITY_ERROR)
            snprintf(v->first, sizeof v->first, "%s: %s: %s", i->code, i->where, i->what);
}

static struct verdict judge(struct dictionary_library *l, struct slice input)
{
    struct arena a = {0};
    struct findings f = {.arena = &a};
    struct verdict v = {true, ""};
    struct x12_header h;
    struct node *set;
    int got = -1;
    struct x12_reader *r = x12_reader_open(l, input, &f);
    while (r && (got = x12_reader_next(r, &h, &set, &f)) > 0) {
        v.good = v.good && got == 1;
        keep(&v, &f);
    }
    v.good = v.good && got == 0;
    keep(&v, &f);
    x12_reader_close(r);
    arena_free(&a);
    return v;
}

static bool is_explained(const char *file, const char *first)
{
    if (strstr(first, "dictionary.version") || strstr(first, "x12.set.unknown"))
        return true;
    for (size_t i = 0; i < sizeof differing / sizeof *differing; i++)
        if (!strcmp(file, differing[i][0]))
            return true;
    return false;
}

/* The terminator behind IEA: "a lenient reader accepts it", says the manifest, and so do we, with a warning.
 */
static bool is_good(const char *verdict)
{
    return !strncmp(verdict, "ok", 2) ||
           !strcmp(verdict, "fault: last segment has no terminator (a lenient reader accepts it)");
}

static void files_are_read_as_the_manifest_says(void **state)
{
    (void)state;
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/../shared/corpus", source_directory());
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct buffer manifest = {0};
    if (at < 0 || file_read(at, "manifest.tsv", 16u << 20, &manifest) < 0) {
        print_message("the corpus is not beside the sources: skipped\n");
        skip();
    }
    struct dictionary_library *l = open_library();
    unsigned same = 0, differ = 0;
    for (char *line = strtok(manifest.ptr, "\n"); line; line = strtok(NULL, "\n")) {
        char *fields[10] = {line};
        unsigned n = 1;
        for (char *tab = line; n < 10 && (tab = strchr(tab, '\t')); n++) {
            *tab++ = '\0';
            fields[n] = tab;
        }
        if (n < 9 || strncmp(line, "x12/", 4) != 0 || !strncmp(fields[8], "unknown", 7))
            continue;
        struct buffer text = {0};
        assert_int_equal(file_read(at, line, 64u << 20, &text), 0);
        struct verdict v = judge(l, buffer_as_slice(&text));
        if (v.good == is_good(fields[8]))
            same++;
        else if (!v.good && is_explained(line + 4, v.first))
            differ++;
        else
            fail_msg("%s: the manifest says %.100s, we say %s", line, fields[8], v.good ? "ok" : v.first);
        buffer_free(&text);
    }
    print_message("%u files as the manifest says, %u otherwise for a reason\n", same, differ);
    assert_true(same > 190);
    dictionary_library_close(l);
    buffer_free(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_are_read_as_the_manifest_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
