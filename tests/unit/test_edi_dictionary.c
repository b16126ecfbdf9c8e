/* The dictionary: the real tables load and answer; every mistake in a table is told with file and line. The
 * mistakes are made in a small dictionary of this test's own. */
#include "test_edi.h"
#include "base/file.h"
#include <fcntl.h>
#include <unistd.h>

/* ---- the real one ---- */

static void real_tables(void **state)
{
    (void)state;
    struct dictionary_library *l = open_library();
    struct arena a = {0};
    struct findings f = {.arena = &a};
    const struct dictionary *d = dictionary_load(l, "004010", &f);
    expect_none(&f);
    assert_non_null(d);
    assert_ptr_equal(dictionary_load(l, "004010VICS", &f), d);
    assert_string_equal(d->version, "004010");
    const struct element *e = dictionary_element(d, "610");
    assert_int_equal(e->type, TYPE_N);
    assert_int_equal(e->decimals, 2);
    assert_null(dictionary_element(d, "99999"));
    assert_null(dictionary_element(d, ""));
    const struct segment *po1 = dictionary_segment(d, SLICE("PO1"));
    assert_int_equal(po1->count, 25);
    assert_string_equal(po1->positions[2].element->id, "355");
    assert_string_equal(po1->conditions[0].text, "C0302");
    assert_null(dictionary_segment(d, SLICE("PO")));
    assert_null(dictionary_segment(d, SLICE("")));
    assert_null(dictionary_segment(d, SLICE("LONGER")));
    const struct set *set = dictionary_set(d, "850");
    assert_string_equal(set->functional_group, "PO");
    assert_string_equal(set->items[0].id, "BEG");
    assert_null(dictionary_set(d, "85"));
    assert_non_null(dictionary_set_at(d, 0));
    assert_null(dictionary_set_at(d, 10000));
    dictionary_library_close(l);
    arena_free(&a);
}

/* What each release has to have, and what tells them apart. */
static void releases(void **state)
{
    (void)state;
    static const char *const both[] = {"850", "810", "855", "856", "860", "865",
                                       "997", "824", "846", "820", "214", "210"};
    struct dictionary_library *l = open_library();
    struct arena a = {0};
    struct findings f = {.arena = &a};
    const struct dictionary *old = dictionary_load(l, "004010", &f);
    const struct dictionary *d = dictionary_load(l, "005010X231A1", &f);
    expect_none(&f);
    assert_non_null(old);
    assert_non_null(d);
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        assert_non_null(dictionary_set(old, both[i]));
        assert_non_null(dictionary_set(d, both[i]));
    }
    assert_non_null(dictionary_set(old, "940"));
    assert_null(dictionary_set(old, "999"));
    assert_non_null(dictionary_set(d, "999"));
    assert_string_equal(dictionary_segment(d, SLICE("ISA"))->positions[10].element->id, "I65");
    assert_string_equal(dictionary_segment(old, SLICE("ISA"))->positions[10].element->id, "I10");
    assert_int_equal(dictionary_segment(d, SLICE("ST"))->count, 3);
    assert_int_equal(dictionary_segment(d, SLICE("CTX"))->positions[0].repeat, 10);
    assert_int_equal(dictionary_element(d, "127")->max, 50);
    assert_int_equal(dictionary_element(old, "785")->max, 100000000);
    dictionary_library_close(l);
    arena_free(&a);
}

static const struct set_item *item(const struct set_item *items, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(items[i].id, id) && items[i].items)
            return &items[i];
    return NULL;
}

static void loops_are_a_tree(void **state)
{
    (void)state;
    struct dictionary_library *l = open_library();
    struct arena a = {0};
    struct findings f = {.arena = &a};
    const struct set *set = dictionary_set(dictionary_load(l, "004010", &f), "850");
    const struct set_item *po1 = item(set->items, set->count, "PO1");
    assert_int_equal(po1->requirement, 'M');
    assert_int_equal(po1->max_use, 100000);
    assert_string_equal(po1->items[0].id, "PO1");
    assert_null(po1->items[0].items);
    const struct set_item *ls = item(po1->items, po1->count, "LS"), *ldt = item(ls->items, ls->count, "LDT");
    assert_non_null(item(ldt->items, ldt->count, "LM"));
    for (size_t i = 0; i < set->count; i++)
        assert_int_equal(set->items[i].order, i);
    dictionary_library_close(l);
    arena_free(&a);
}

/* ---- a small one, with mistakes ---- */

struct file {
    const char *name, *text;
};

static const struct file good[] = {
    {"elements.tsv", "#element\ttype\tmin\tmax\n1\tAN\t1\t5\n2\tID\t2\t3\n3\tN2\t1\t9\n"},
    {"composites.tsv", "#c\nC001\t0\t-\t-\nC001\t1\t1\tM\nC001\t2\t2\tO\n"},
    {"composite-conditions.tsv", "#c\nC001\tP0102\n"},
    {"segments.tsv", "#s\nAA\t0\t-\t-\t-\nAA\t1\t1\tM\t1\nAA\t2\t2\tX\t1\nAA\t3\tC001\tO\t1\n"
                     "BB\t0\t-\t-\t-\nBB\t1\t3\tO\t1\n"},
    {"conditions.tsv", "#c\nAA\tR0102\n"},
    {"envelope.tsv", "#s\nGS\t0\t-\t-\t-\nGS\t1\t1\tM\t1\n"},
    {"sets/index.tsv", "#i\n100\tXX\n"},
    {"sets/100.tsv",
     "#s\nheading\t010\tAA\tM\t1\t-\t-\ndetail\t010\tBB\tO\t1\tBB\t5\ndetail\t020\tAA\tO\t2\tBB\t-\n"},
    {"codes/2.tsv", "#c\nEA\nKG\n"},
};

static char directory[256];

static void put_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/x12/009999/%s", directory, name);
    unlink(path);
    assert_int_equal(file_write(AT_FDCWD, path, slice_of(text), 0600, false), 0);
}

static int make_small(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/test_edi_dictionary.XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    char path[512];
    snprintf(path, sizeof path, "%s/x12/009999/sets", directory);
    if (file_make_directories(AT_FDCWD, path, 0700))
        return -1;
    snprintf(path, sizeof path, "%s/x12/009999/codes", directory);
    return file_make_directories(AT_FDCWD, path, 0700);
}

static int remove_small(void **state)
{
    (void)state;
    return file_remove_tree(AT_FDCWD, directory);
}

static const struct {
    const char *name, *text, *where, *what; /* where NULL: it loads */
} mistakes[] = {
    {"elements.tsv", "1\tAN\t1\t5\n2\tID\t2\t3\n3\tN2\t1\t9\n", NULL, NULL},
    {"elements.tsv", "1\tAN\t1\t5\n2\tID\t2\t3\tCode\n3\tN2\t1\t9\n", "elements.tsv:2",
     "5 columns, 4 are needed"},
    {"elements.tsv", "1\tXX\t1\t5\n2\tID\t2\t3\n3\tN2\t1\t9\n", "elements.tsv:1", "is no element type"},
    {"elements.tsv", "1\tAN\t9\t5\n2\tID\t2\t3\n3\tN2\t1\t9\n", "elements.tsv:1", "are no range"},
    {"elements.tsv", "1\tAN\tx\t5\n2\tID\t2\t3\n3\tN2\t1\t9\n", "elements.tsv:1", "must be a number"},
    {"elements.tsv", "1\tAN\t1\t999999999\n2\tID\t2\t3\n3\tN2\t1\t9\n", "elements.tsv:1",
     "at most 100000000"},
    {"elements.tsv", "1\tAN\t1\t5\n2\tID\t2\t3\n3\tN2\t1\t9\n1\tAN\t1\t5\n", "elements.tsv", "twice"},
    {"codes/2.tsv", "EA\nEA\n", "codes/2.tsv", "The code EA stands in this file twice"},
    {"codes/2.tsv", "EA\tEach\n", "codes/2.tsv:1", "2 columns"},
    {"composites.tsv", "C001\t0\t-\t-\nC001\t1\t9\tM\n", "composites.tsv:2", "Element 9 of composite C001"},
    {"composites.tsv", "C001\t0\t-\t-\nC001\t2\t1\tM\n", "composites.tsv:2", "Component 1"},
    {"composites.tsv", "C001\t1\t1\tM\n", "composites.tsv:1", "must begin with a row for position 0"},
    {"composite-conditions.tsv", "C009\tP0102\n", "composite-conditions.tsv:1", "not in composites.tsv"},
    {"segments.tsv", "AA\t1\t1\tM\t1\n", "segments.tsv:1", "must begin with a row for position 0"},
    {"segments.tsv", "AA\t0\t-\t-\t-\nAA\t2\t1\tM\t1\n", "segments.tsv:2", "Position 1 of segment AA"},
    {"segments.tsv", "AA\t0\t-\t-\t-\nAA\t1\t77\tM\t1\n", "segments.tsv:2", "77, position 1 of segment AA"},
    {"segments.tsv", "AA\t0\t-\t-\t-\nAA\t1\t1\tQ\t1\n", "segments.tsv:2", "M, O or X"},
    {"segments.tsv", "LONG\t0\t-\t-\t-\n", "segments.tsv:1", "one to three characters"},
    {"segments.tsv", "AA\t0\t-\t-\t-\nBB\t0\t-\t-\t-\nAA\t0\t-\t-\t-\n", "segments.tsv:3",
     "must stand together"},
    {"conditions.tsv", "AA\tQ0102\n", "conditions.tsv:1", "is no condition of AA"},
    {"conditions.tsv", "AA\tP0109\n", "conditions.tsv:1", "is no condition of AA, which has 3 positions"},
    {"conditions.tsv", "AA\tP01\n", "conditions.tsv:1", "is no condition"},
    {"conditions.tsv", "ZZ\tP0102\n", "conditions.tsv:1", "ZZ is not in segments.tsv"},
    {"conditions.tsv", "AA\tR0102\nBB\tR0101\nAA\tR0102\n", "conditions.tsv:3", "must stand together"},
    {"sets/index.tsv", "../x\tXX\n", "sets/index.tsv:1", "is no set's id"},
    {"sets/100.tsv", "heading\t010\tZZ\tM\t1\t-\t-\n", "sets/100.tsv:1", "ZZ is not in segments.tsv"},
    {"sets/100.tsv", "heading\t010\tAA\tX\t1\t-\t-\n", "sets/100.tsv:1", "M or O"},
    {"sets/100.tsv", "heading\t010\tAA\tM\t1\tBB\t-\n", "sets/100.tsv:1", "loop BB, which is not open"},
    {"sets/100.tsv", "heading\t010\tAA\tM\t1\tBB/AA\t1\n", "sets/100.tsv:1", "outer loop is not open"},
    {"sets/100.tsv", "", "sets/100.tsv", "has no segments"},
};

static void mistakes_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct arena a = {0};
        struct findings f = {.arena = &a};
        for (size_t j = 0; j < sizeof good / sizeof *good; j++)
            put_file(good[j].name, good[j].text);
        put_file(mistakes[i].name, mistakes[i].text);
        struct dictionary_library *l = dictionary_library_open(directory);
        const struct dictionary *d = dictionary_load(l, "009999", &f);
        if (!mistakes[i].where) {
            expect_none(&f);
            assert_non_null(d);
        } else {
            assert_null(d);
            bool told = false;
            for (const struct finding *n = f.first; n; n = n->next)
                told |= strstr(n->where, mistakes[i].where) && strstr(n->what, mistakes[i].what);
            if (!told)
                fail_msg("row %zu: %s: %s", i, f.first ? f.first->where : "",
                         f.first ? f.first->what : "nothing");
        }
        dictionary_library_close(l);
        arena_free(&a);
    }
}

/* A table corrected while the program runs is taken at the next try. */
static void corrected_tables_are_taken(void **state)
{
    (void)state;
    struct arena a = {0};
    struct findings f = {.arena = &a};
    for (size_t j = 0; j < sizeof good / sizeof *good; j++)
        put_file(good[j].name, good[j].text);
    put_file("conditions.tsv", "AA\tnonsense\n");
    struct dictionary_library *l = dictionary_library_open(directory);
    assert_null(dictionary_load(l, "009999", &f));
    put_file("conditions.tsv", "AA\tR0102\n");
    assert_non_null(dictionary_load(l, "009999", &f));
    dictionary_library_close(l);
    arena_free(&a);
}

static void open_lists_only_warn(void **state)
{
    (void)state;
    struct arena a = {0};
    struct findings f = {.arena = &a};
    for (size_t j = 0; j < sizeof good / sizeof *good; j++)
        put_file(good[j].name, good[j].text);
    put_file("codes/2.tsv", "#c\n#open\nEA\n");
    struct dictionary_library *l = dictionary_library_open(directory);
    const struct dictionary *d = dictionary_load(l, "009999", &f);
    assert_true(dictionary_element(d, "2")->codes->open);
    const char *why;
    assert_true(slice_is(x12_format(dictionary_element(d, "2"), SLICE("QQ"), &a, &why), "QQ"));
    dictionary_library_close(l);
    arena_free(&a);
}

static void missing_versions(void **state)
{
    (void)state;
    static const char *const versions[] = {"", "4010", "../../etc", "004010/..", "999999", "004\n01"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct arena a = {0};
        struct findings f = {.arena = &a};
        struct dictionary_library *l = open_library();
        if (strncmp(versions[i], "004010", 6) != 0) {
            assert_null(dictionary_load(l, versions[i], &f));
            assert_non_null(strstr(finding_of(&f, "dictionary.version")->what, "004010"));
        }
        dictionary_library_close(l);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_tables),
        cmocka_unit_test(releases),
        cmocka_unit_test(loops_are_a_tree),
        cmocka_unit_test(missing_versions),
        cmocka_unit_test_setup_teardown(mistakes_are_told, make_small, remove_small),
        cmocka_unit_test_setup_teardown(corrected_tables_are_taken, make_small, remove_small),
        cmocka_unit_test_setup_teardown(open_lists_only_warn, make_small, remove_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
