/* Names: the real ones are told; without them everything is judged the same and said well; and they are read
 * only when a text wants one, so that a fault of the machine in reading them costs nothing but the name. */
#include "test_edi.h"
#include "base/file.h"
#include "edi/edifact/edifact.h"
#include "edi/names.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* A folder of translators that has the structure by links, and names when they are put there. */
static char directory[256];

static void link_of(const char *name, const char *at)
{
    char from[1024], to[1024], absolute[4096];
    snprintf(from, sizeof from, "%s/translators/%s", source_directory(), name);
    snprintf(to, sizeof to, "%s/%s", directory, at);
    assert_non_null(realpath(from, absolute));
    assert_int_equal(symlink(absolute, to), 0);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/test_edi_names.XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    link_of("x12", "x12");
    link_of("edifact", "edifact");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return file_remove_tree(AT_FDCWD, directory);
}

/* Body of an order, read with what l has: the findings of it are in f. */
static int read_order(struct dictionary_library *l, const char *body, struct findings *f)
{
    struct buffer text = {0};
    struct x12_header h;
    struct node *set;
    interchange_of(&text, "850", body);
    struct x12_reader *r = x12_reader_open(l, buffer_as_slice(&text), f);
    assert_non_null(r);
    int got = x12_reader_step(r, &h, &set, f);
    x12_reader_close(r);
    buffer_free(&text);
    return got;
}

static void every_kind_has_its_names(void **state)
{
    (void)state;
    struct dictionary_library *l = open_library();
    struct arena a = {0};
    struct findings f = {.arena = &a};
    const struct dictionary *d = dictionary_load(l, "004010", &f);
    const struct segment *ref = dictionary_segment(d, SLICE("REF"));
    assert_string_equal(name_of_element(dictionary_element(d, "355")), "Unit or Basis for Measurement Code");
    assert_string_equal(name_of_segment(ref), "Reference Identification");
    assert_string_equal(name_of_segment(dictionary_segment(d, SLICE("ISA"))), "Interchange Control Header");
    assert_string_equal(name_of_position(&ref->positions[0]), "Reference Identification Qualifier");
    assert_string_equal(name_of_position(&ref->positions[3]), "Reference Identifier");
    assert_string_equal(name_of_composite(ref->positions[3].composite), "Reference Identifier");
    assert_string_equal(name_of_set(dictionary_set(d, "850")), "Purchase Order");
    assert_string_equal(name_of_code(dictionary_element(d, "98"), SLICE("ST")), "Ship To");
    assert_null(name_of_code(dictionary_element(d, "98"), SLICE("??")));
    assert_null(name_of_code(dictionary_element(d, "352"), SLICE("ST")));
    assert_string_equal(name_in_parentheses(name_of_set(dictionary_set(d, "850"))), " (Purchase Order)");
    assert_string_equal(name_in_parentheses(NULL), "");
    d = dictionary_load_of(l, &standard_edifact, "D96A", &f);
    assert_string_equal(name_of_set(dictionary_set(d, "ORDERS")), "Purchase order message");
    assert_string_equal(name_of_code(dictionary_element(d, "3035"), SLICE("BY")), "Buyer");
    d = dictionary_load_of(l, &standard_edifact, "service/3", &f);
    assert_string_equal(name_of_segment(dictionary_segment(d, SLICE("UNB"))), "Interchange header");
    expect_none(&f);
    dictionary_library_close(l);
    arena_free(&a);
}

/* ---- without them ---- */

/* A text without what stands in parentheses. */
static const char *bare(struct arena *a, const char *text)
{
    char *out = arena_text(a, slice_of(text)), *to = out;
    unsigned depth = 0;
    for (const char *p = text; *p; p++) {
        if (*p == ' ' && p[1] == '(')
            depth += *++p == '(';
        else if (depth)
            depth = depth + (*p == '(') - (*p == ')');
        else
            *to++ = *p;
    }
    *to = '\0';
    return out;
}

static void expect_said_well(const char *text)
{
    if (strstr(text, "()") || strstr(text, "(null)") || strstr(text, "  ") || strstr(text, " ,") ||
        strstr(text, " ."))
        fail_msg("\"%s\" does not read well", text);
}

#define FIRST "BEG*00*SA*PO-100245**20260312\n"
static const char *const orders[] = {
    ORDER,                                                    /* in order */
    FIRST "PO1*1*120*PALLE2*34.5**IN*10-2201\nCTT*1\n",       /* too long */
    FIRST "PO1*1*120*QQ*34.5**IN*10-2201\nCTT*1\n",           /* a code of many */
    "BEG*QQ*SA*PO-100245**20260312\nPO1*1*1*EA*3\n",          /* another */
    FIRST "PO1*1*120**34.5**IN\nCTT*x\n",                     /* conditions */
    FIRST "REF*IA*50001**IA>1>2>3>4>5>6>7>8\nPO1*1*1*EA*3\n", /* a composite */
    FIRST "CTT*1\nPO1*1*1*EA*3\n",                            /* order */
    FIRST "CUR*BY*NOK\nCUR*BY*NOK\nPO1*1*1*EA*3\n",           /* too many */
    "CUR*BY*NOK\nPO1*1*1*EA*3\n",                             /* a mandatory segment missing */
    FIRST "N3*Lagerveien 7\nPO1*1*1*EA*3\n",                  /* in a loop that is not open */
    FIRST "IT1*1*1*EA*3\nPO1*1*1*EA*3\n",                     /* of another set */
    FIRST "XYZ*1\nPO1*1*1*EA*3\n",                            /* of none */
};

static void findings_are_the_same(void **state)
{
    (void)state;
    struct dictionary_library *with = open_library(), *without = dictionary_library_open(directory);
    struct arena a = {0};
    unsigned named = 0;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct findings f = {.arena = &a}, g = {.arena = &a};
        assert_int_equal(read_order(with, orders[i], &f), read_order(without, orders[i], &g));
        assert_int_equal(f.kept, g.kept);
        assert_int_equal(f.errors, g.errors);
        assert_int_equal(f.warnings, g.warnings);
        if ((i == 0) != (f.kept == 0))
            fail_msg("order %zu has %u findings", i, f.kept);
        assert_int_equal(g.machine, 0);
        const struct finding *m = g.first;
        for (const struct finding *n = f.first; n; n = n->next, m = m->next) {
            assert_string_equal(n->code, m->code);
            assert_string_equal(bare(&a, n->where), bare(&a, m->where));
            assert_string_equal(bare(&a, n->what), bare(&a, m->what));
            assert_string_equal(n->todo, m->todo);
            expect_said_well(m->where);
            expect_said_well(m->what);
            named += strcmp(n->where, m->where) || strcmp(n->what, m->what);
        }
    }
    assert_true(named >= sizeof orders / sizeof *orders - 2);
    struct findings f = {.arena = &a};
    read_order(without, orders[1], &f);
    expect_only(&f, "x12.element.too-long", "850 0001, segment 3, PO1*1, element PO103",
                "2 to 2 are allowed");
    assert_null(strchr(f.first->where, '('));
    dictionary_library_close(with);
    dictionary_library_close(without);
    arena_free(&a);
}

/* Every code of every list is still one, whatever its name was. */
static void edifact_is_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "UNB+UNOC:3+A:14+B:14+260312:0914+1'UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+PO1+9'DTM+137:20260312:102'"
        "NAD+BY+1::9'LIN+1++5:EN'QTY+21:1'UNS+S'UNT+8+1'UNZ+1+1'",
        "UNB+UNOC:3+A:14+B:14+260312:0914+1'UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+PO1+99'DTM+137:2026:102:1'"
        "NAD+ABCD+1::9'LIN+1234567'QTY+21:x'XYZ+1'UNS+S'UNT+9+1'UNZ+1+1'"};
    struct arena a = {0};
    for (size_t i = 0; i < 2; i++) {
        struct findings found[2] = {{.arena = &a}, {.arena = &a}};
        for (unsigned k = 0; k < 2; k++) {
            struct dictionary_library *l = k ? dictionary_library_open(directory) : open_library();
            struct edifact_header h;
            struct node *message;
            struct edifact_reader *r = edifact_reader_open(l, slice_of(texts[i]), &found[k]);
            assert_non_null(r);
            assert_int_equal(edifact_reader_step(r, &h, &message, &found[k]), i ? 2 : 1);
            edifact_reader_close(r);
            dictionary_library_close(l);
        }
        assert_int_equal(found[0].kept, found[1].kept);
        const struct finding *m = found[1].first;
        for (const struct finding *n = found[0].first; n; n = n->next, m = m->next) {
            assert_string_equal(n->code, m->code);
            expect_said_well(m->where);
            expect_said_well(m->what);
        }
    }
    arena_free(&a);
}

/* ---- when they are read ---- */

/* A file that is not there stays so for a library: the name that is told afterwards shows that nobody had
 * asked before. */
static void checking_reads_none(void **state)
{
    (void)state;
    struct arena a = {0};
    struct dictionary_library *l = dictionary_library_open(directory);
    struct findings f = {.arena = &a}, g = {.arena = &a}, h = {.arena = &a};
    assert_int_equal(read_order(l, orders[0], &f), 1);
    expect_none(&f);
    link_of("names", "names");
    read_order(l, orders[1], &g);
    expect_only(&g, "x12.element.too-long", "element PO103 (Unit or Basis for Measurement Code)", "allowed");
    dictionary_library_close(l);
    char path[512];
    snprintf(path, sizeof path, "%s/names", directory);
    unlink(path);
    l = dictionary_library_open(directory);
    read_order(l, orders[1], &h);
    link_of("names", "names");
    read_order(l, orders[1], &h);
    assert_int_equal(h.kept, 2);
    assert_null(strchr(h.last->where, '('));
    dictionary_library_close(l);
    arena_free(&a);
}

static void machine_faults_cost_the_name_alone(void **state)
{
    (void)state;
    struct arena a = {0};
    struct dictionary_library *l = open_library();
    struct findings f = {.arena = &a}, g = {.arena = &a};
    const struct dictionary *d = dictionary_load(l, "004010", &f);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    errno = ENOTTY;
    const char *name = name_of_element(dictionary_element(d, "355"));
    int error = errno;
    int got = read_order(l, orders[1], &f);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(name);
    assert_int_equal(error, ENOTTY);
    assert_int_equal(got, 2);
    assert_int_equal(f.machine, 0);
    expect_only(&f, "x12.element.too-long", "element PO103", "2 to 2 are allowed");
    assert_null(strchr(f.first->where, '('));
    read_order(l, orders[1], &g);
    expect_only(&g, "x12.element.too-long", "element PO103 (Unit or Basis", "2 to 2 are allowed");
    dictionary_library_close(l);
    arena_free(&a);
}

/* What is no name is passed over: the others of the file are told. */
static void bad_rows_are_passed_over(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s/names/x12/004010/codes", directory);
    assert_int_equal(file_make_directories(AT_FDCWD, path, 0700), 0);
    snprintf(path, sizeof path, "%s/names/x12/004010/elements.tsv", directory);
    assert_int_equal(file_write(AT_FDCWD, path,
                                SLICE("#element\tname\n355\tUnit\n380\n\tx\n353\t\n92\tA\tB\n2\tTwo"), 0600,
                                true),
                     0);
    struct arena a = {0};
    struct findings f = {.arena = &a};
    struct dictionary_library *l = dictionary_library_open(directory);
    const struct dictionary *d = dictionary_load(l, "004010", &f);
    assert_string_equal(name_of_element(dictionary_element(d, "355")), "Unit");
    assert_string_equal(name_in_parentheses(name_of_element(dictionary_element(d, "2"))), " (Two)");
    assert_null(name_of_element(dictionary_element(d, "380")));
    assert_null(name_of_element(dictionary_element(d, "353")));
    assert_null(name_of_element(dictionary_element(d, "92")));
    assert_null(name_of_segment(dictionary_segment(d, SLICE("PO1"))));
    assert_null(name_of_code(dictionary_element(d, "98"), SLICE("ST")));
    expect_none(&f);
    dictionary_library_close(l);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_names),
        cmocka_unit_test_setup_teardown(findings_are_the_same, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(edifact_is_the_same, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(checking_reads_none, make_folder, remove_folder),
        cmocka_unit_test(machine_faults_cost_the_name_alone),
        cmocka_unit_test_setup_teardown(bad_rows_are_passed_over, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
