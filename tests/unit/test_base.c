/* base: decimals, dates, text, files, JSON, the log, findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/date.h"
#include "base/decimal.h"
#include "base/file.h"
#include "base/finding.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- decimal ---- */

static struct decimal decimal(const char *text)
{
    struct decimal d;
    if (!decimal_parse(slice_of(text), &d))
        fail_msg("%s is no decimal", text);
    return d;
}

static const char *plain(struct decimal d)
{
    static char text[4][DECIMAL_TEXT];
    static int n;
    char *out = text[n++ % 4];
    size_t len = decimal_print(d, false, out);
    assert_int_equal(len, strlen(out));
    return out;
}

static void decimals_are_read_and_printed_exactly(void **state)
{
    (void)state;
    static const char *const table[][3] = {
        /* text, with its scale, shortest */
        {"12.50", "12.50", "12.5"},
        {"100.00", "100.00", "100"},
        {"1.25e2", "125", "125"},
        {"1.2e-3", "0.0012", "0.0012"},
        {"5E+2", "500", "500"},
        {".5", "0.5", "0.5"},
        {"5.", "5", "5"},
        {"-0.05", "-0.05", "-0.05"},
        {"-0", "0", "0"},
        {"0.00", "0.00", "0"},
        {"+7", "7", "7"},
        {"000012", "12", "12"},
        {"999999999999999999", "999999999999999999", "999999999999999999"},
        {"-999999999999999999", "-999999999999999999", "-999999999999999999"},
        {"0.000000000000000001", "0.000000000000000001", "0.000000000000000001"},
        {"1e17", "100000000000000000", "100000000000000000"},
        {"0e99", "0", "0"},
        {"1.00000000000000000000000", "1.00000000000000000", "1"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[DECIMAL_TEXT];
        decimal_print(decimal(table[i][0]), true, text);
        assert_string_equal(text, table[i][1]);
        assert_string_equal(plain(decimal(table[i][0])), table[i][2]);
    }
}

static void what_is_no_decimal_is_refused(void **state)
{
    (void)state;
    static const char *const table[] = {"",
                                        ".",
                                        "-",
                                        "+",
                                        "e5",
                                        "1e",
                                        "1e+",
                                        "1.2.3",
                                        "--1",
                                        " 1",
                                        "1 ",
                                        "1,5",
                                        "0x10",
                                        "NaN",
                                        "inf",
                                        "1e18",
                                        "1e999999999999",
                                        "1000000000000000000",
                                        "0.1234567890123456789",
                                        "1e-19",
                                        "12345678901234567.89"};
    struct decimal d;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (decimal_parse(slice_of(table[i]), &d))
            fail_msg("%s was read", table[i]);
    assert_false(decimal_parse(SLICE_NONE, &d));
    assert_false(decimal_parse(slice_make("1\0", 2), &d));
}

static void decimals_are_rounded_half_away_from_zero(void **state)
{
    (void)state;
    struct decimal d;
    assert_true(decimal_round(decimal("2.345"), 2, &d));
    assert_string_equal(plain(d), "2.35");
    assert_true(decimal_round(decimal("-2.345"), 2, &d));
    assert_string_equal(plain(d), "-2.35");
    assert_true(decimal_round(decimal("2.3449"), 2, &d));
    assert_string_equal(plain(d), "2.34");
    assert_true(decimal_round(decimal("0.999999999999999999"), 0, &d));
    assert_string_equal(plain(d), "1");
    assert_false(decimal_rescale(decimal("2.345"), 2, &d));
    assert_true(decimal_rescale(decimal("2.340"), 2, &d));
    assert_int_equal(d.coefficient, 234);
    assert_false(decimal_rescale(decimal("999999999999999999"), 1, &d));
    assert_false(decimal_rescale(decimal("1"), 19, &d));
    assert_false(decimal_rescale(decimal("1"), -1, &d));
}

static void sums_and_products_never_wrap(void **state)
{
    (void)state;
    struct decimal d;
    assert_true(decimal_add(decimal("0.1"), decimal("0.2"), &d));
    assert_string_equal(plain(d), "0.3");
    assert_true(decimal_add(decimal("1.005"), decimal("-1.005"), &d));
    assert_string_equal(plain(d), "0");
    assert_false(decimal_add(decimal("999999999999999999"), decimal("1"), &d));
    assert_false(decimal_add(decimal("999999999999999999"), decimal("0.1"), &d));
    assert_true(decimal_multiply(decimal("12.5"), decimal("4.4"), &d));
    assert_string_equal(plain(d), "55");
    assert_false(decimal_multiply(decimal("999999999999999999"), decimal("999999999999999999"), &d));
    assert_true(decimal_multiply(decimal("0.000000001"), decimal("0.000000001"), &d));
    assert_string_equal(plain(d), "0.000000000000000001");
    assert_false(decimal_multiply(decimal("0.0000000001"), decimal("0.000000001"), &d));
    assert_true(decimal_compare(decimal("1.10"), decimal("1.1")) == 0);
    assert_true(decimal_compare(decimal("-2"), decimal("1")) < 0);
    assert_true(decimal_compare(decimal("999999999999999999"), decimal("0.000000000000000001")) > 0);
}

/* ---- date ---- */

static void dates_are_real_days(void **state)
{
    (void)state;
    struct date d;
    assert_true(date_valid(2024, 2, 29));
    assert_true(date_valid(2000, 2, 29));
    assert_false(date_valid(1900, 2, 29));
    assert_false(date_valid(2026, 2, 29));
    assert_false(date_valid(2026, 4, 31));
    assert_false(date_valid(2026, 0, 1));
    assert_false(date_valid(0, 1, 1));
    assert_true(date_parse_iso(SLICE("2026-03-20T09:14:55.42"), &d));
    assert_int_equal(d.year * 10000 + d.month * 100 + d.day, 20260320);
    assert_true(date_parse_basic(SLICE("20260320"), &d));
    static const char *const wrong[] = {"",         "2026-3-20", "2026-03-20x", "2026-02-30",
                                        "20260320", "2026-03-2", "2026/03/20"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(date_parse_iso(slice_of(wrong[i]), &d));
    assert_false(date_parse_basic(SLICE("20261301"), &d));
    assert_false(date_parse_basic(SLICE("2026-3-2"), &d));
}

static void instants_know_their_zone(void **state)
{
    (void)state;
    static const char *const table[][2] = {{"2026-03-20T09:14:55.42+01:00", "2026-03-20T08:14:55.420Z"},
                                           {"2026-03-20T09:14:55-0530", "2026-03-20T14:44:55.000Z"},
                                           {"2026-03-20T09:14", "2026-03-20T09:14:00.000Z"},
                                           {"2026-12-31T23:59:60Z", "2027-01-01T00:00:00.000Z"},
                                           {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
                                           {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
                                           {"2024-02-29 12:00:00z", "2024-02-29T12:00:00.000Z"}};
    struct instant t;
    char text[INSTANT_TEXT];
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_true(instant_parse(slice_of(table[i][0]), &t));
        instant_print(t, 3, text);
        assert_string_equal(text, table[i][1]);
    }
    static const char *const wrong[] = {
        "2026-03-20",           "2026-03-20T24:00:00Z",  "2026-03-20T09:60:00Z",
        "2026-03-20T09:14:5",   "2026-03-20T09:14:55.Z", "2026-03-20T09:14:55+24:00",
        "2026-03-20T09:14:55 Z"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (instant_parse(slice_of(wrong[i]), &t))
            fail_msg("%s was read", wrong[i]);
}

/* ---- text for a screen ---- */

static void what_is_quoted_cannot_forge(void **state)
{
    (void)state;
    char out[64];
    size_t n = utf8_show(slice_of("a\nb\x1b[31m\xc3\xa9\xff\xc2\x9b"), out, sizeof out);
    out[n] = '\0';
    assert_string_equal(out, "a\\x0ab\\x1b[31m\xc3\xa9\\xff\\xc2\\x9b");
    n = utf8_show(slice_of("aaaaaaaaaaaaaaaaaaaa"), out, 10);
    assert_true(n <= 10);
    assert_memory_equal(out + n - 3, "\xe2\x80\xa6", 3);
    assert_int_equal(utf8_sequence(slice_of("\xed\xa0\x80")), 0); /* a surrogate */
    assert_int_equal(utf8_sequence(slice_of("\xc0\xaf")), 0);     /* overlong */
    assert_int_equal(utf8_sequence(slice_of("\xf4\x90\x80\x80")), 0);
    assert_int_equal(utf8_sequence(slice_of("\xe2\x82")), 0); /* cut off */
    struct arena arena = {0};
    struct findings f = {.arena = &arena};
    finding_add(&f, SEVERITY_ERROR, "x", "line 1\nerror: forged", "", "value \"%s\"", "a\rb\xff");
    assert_string_equal(f.first->where, "line 1\\x0aerror: forged");
    assert_string_equal(f.first->what, "value \"a\\x0db\\xff\"");
    arena_free(&arena);
}

static char *logged; /* what say writes to the log, on a pipe */

static void log_through(int ends[2], void (*say)(void))
{
    static char text[16384];
    int kept = dup(STDERR_FILENO), end = dup(ends[0]);
    ssize_t n = 0, more;
    dup2(ends[1], STDERR_FILENO);
    log_role("unit");
    log_threshold(LOG_INFO);
    say();
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[0]);
    close(ends[1]);
    while ((more = read(end, text + n, sizeof text - 1 - (size_t)n)) > 0)
        n += more;
    close(end);
    text[n] = '\0';
    logged = text;
}

static void on_a_pipe(void (*say)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_through(ends, say);
}

static void say_two(void)
{
    static char big[9000];
    memset(big, 'x', sizeof big - 1);
    errno = 42;
    log_debug("not shown");
    log_warning("took %s", "a\nERROR unit: forged");
    log_info("%s", big);
    assert_int_equal(errno, 42);
}

static int line_count(void)
{
    int lines = 0;
    for (const char *c = logged; *c; c++)
        lines += *c == '\n';
    return lines;
}

/* "2026-03-20T09:14:55.420Z " */
static const char *behind_time(const char *line)
{
    struct instant at;
    assert_true(strlen(line) > 25 && line[24] == ' ');
    assert_true(instant_parse(slice_make(line, 24), &at));
    assert_true(llabs(instant_now().seconds - at.seconds) < 3600);
    return line + 25;
}

static void a_log_line_is_one_line(void **state)
{
    (void)state;
    static const char first[] = "WARNING unit: took a\\x0aERROR unit: forged\n";
    on_a_pipe(say_two);
    const char *line = behind_time(logged);
    assert_memory_equal(line, first, sizeof first - 1);
    line = behind_time(line + sizeof first - 1);
    assert_memory_equal(line, "INFO unit: xxx", 14);
    assert_int_equal(line_count(), 2);
    assert_true(strlen(line) + 25 <= 4096);
    assert_string_equal(logged + strlen(logged) - 4, "\xe2\x80\xa6\n");
}

static void say_hostile(void)
{
    static char quotes[9000];
    memset(quotes, '"', sizeof quotes - 1);
    log_error("20260321T091455123456-9f3a1c.12 (a\"b\\c\n\xff\xc3\xa6): it is wrong");
    log_info("%s", quotes);
    log_coded(LOG_WARNING, "x.code", "20260321T091455123456-9f3a1c. is two sentences");
}

static void a_log_of_json_is_json(void **state)
{
    (void)state;
    assert_false(log_format_fix("jsn"));
    assert_true(log_format_fix("json"));
    log_format_set("text"); /* the command line's word stays */
    on_a_pipe(say_hostile);
    assert_true(log_format_fix("text"));
    assert_int_equal(line_count(), 3);
    json_t *line[3];
    char *at = logged;
    for (int i = 0; i < 3; i++) {
        size_t len = strcspn(at, "\n");
        assert_true(len < 4096);
        line[i] = json_parse(slice_make(at, len), NULL);
        assert_non_null(line[i]);
        at += len + 1;
    }
    assert_string_equal(json_text_at(line[0], "level"), "error");
    assert_string_equal(json_text_at(line[0], "role"), "unit");
    assert_string_equal(json_text_at(line[0], "document"), "20260321T091455123456-9f3a1c.12");
    assert_string_equal(json_text_at(line[0], "message"),
                        "20260321T091455123456-9f3a1c.12 (a\"b\\c\\x0a\\xff\xc3\xa6): it is wrong");
    assert_null(json_text_at(line[0], "code"));
    assert_null(json_text_at(line[1], "document"));
    assert_string_equal(json_text_at(line[2], "code"), "x.code");
    assert_string_equal(json_text_at(line[2], "document"), "20260321T091455123456-9f3a1c");
    for (int i = 0; i < 3; i++)
        json_decref(line[i]);
}

/* ---- files ---- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/spoolgate-base-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return chdir("/") < 0 ? -1 : file_remove_tree(AT_FDCWD, folder);
}

static void only_regular_files_are_read(void **state)
{
    (void)state;
    struct buffer b = {0};
    assert_int_equal(file_write(AT_FDCWD, "file", SLICE("12345"), 0600, true), 0);
    assert_int_equal(file_write(AT_FDCWD, "file", SLICE("12345"), 0600, true), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(symlink("file", "link"), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(mkdir("dir", 0700), 0);
    static const struct {
        const char *name;
        int error;
    } wrong[] = {{"link", ELOOP}, {"fifo", EINVAL}, {"dir", EINVAL}, {"none", ENOENT}, {"/dev/null", EINVAL}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(file_read(AT_FDCWD, wrong[i].name, 100, &b), -1);
        assert_int_equal(errno, wrong[i].error);
    }
    buffer_text(&b, "before ");
    assert_int_equal(file_read(AT_FDCWD, "file", 4, &b), -1);
    assert_int_equal(errno, EFBIG);
    assert_string_equal(b.ptr, "before ");
    assert_int_equal(file_read(AT_FDCWD, "file", 5, &b), 0);
    assert_string_equal(b.ptr, "before 12345");
    buffer_free(&b);
}

static void nothing_is_written_through_a_link(void **state)
{
    (void)state;
    struct buffer b = {0};
    assert_int_equal(file_write(AT_FDCWD, "shared", SLICE("archived"), 0600, true), 0);
    assert_int_equal(link("shared", "mine"), 0);
    assert_int_equal(symlink("shared", "soft"), 0);
    assert_int_equal(file_write(AT_FDCWD, "mine", SLICE("new"), 0600, false), 0);
    assert_int_equal(file_write(AT_FDCWD, "soft", SLICE("new"), 0600, false), 0);
    assert_int_equal(file_replace(AT_FDCWD, "mine", SLICE("newer"), 0600, true), 0);
    assert_int_equal(file_read(AT_FDCWD, "shared", 100, &b), 0);
    assert_string_equal(b.ptr, "archived");
    buffer_clear(&b);
    assert_int_equal(file_read(AT_FDCWD, "mine", 100, &b), 0);
    assert_string_equal(b.ptr, "newer");
    buffer_free(&b);
}

static void a_file_half_written_is_removed(void **state)
{
    (void)state;
    struct rlimit before, small = {4096, RLIM_INFINITY};
    static char bytes[10000];
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(file_write(AT_FDCWD, "kept", SLICE("old"), 0600, true), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    int written = file_write(AT_FDCWD, "big", slice_make(bytes, sizeof bytes), 0600, true), error = errno;
    int replaced = file_replace(AT_FDCWD, "kept", slice_make(bytes, sizeof bytes), 0600, true);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(written, -1);
    assert_int_equal(error, EFBIG);
    assert_int_equal(replaced, -1);
    assert_int_equal(access("big", F_OK), -1);
    struct buffer b = {0};
    assert_int_equal(file_read(AT_FDCWD, "kept", 100, &b), 0);
    assert_string_equal(b.ptr, "old");
    buffer_free(&b);
    assert_int_equal(unlink("kept"), 0);
    assert_int_equal(rmdir(folder), 0); /* no half file beside it either */
    assert_int_equal(mkdir(folder, 0700), 0);
}

static void a_tree_of_any_depth_is_removed_and_no_link_followed(void **state)
{
    (void)state;
    assert_int_equal(mkdir("outside", 0700), 0);
    assert_int_equal(file_write(AT_FDCWD, "outside/kept", SLICE("x"), 0600, true), 0);
    assert_int_equal(file_make_directories(AT_FDCWD, "tree/a/b/c", 0700), 0);
    assert_int_equal(symlink("../outside", "tree/link"), 0);
    int here = openat(AT_FDCWD, "tree", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(mkdirat(here, "deep", 0700), 0);
        assert_int_equal(file_write(here, "f", SLICE("x"), 0600, true), 0);
        int below = openat(here, "deep", O_RDONLY | O_DIRECTORY);
        close(here);
        here = below;
    }
    close(here);
    assert_int_equal(file_remove_tree(AT_FDCWD, "tree"), 0);
    assert_int_equal(access("tree", F_OK), -1);
    assert_int_equal(access("outside/kept", F_OK), 0);
    assert_int_equal(file_remove_tree(AT_FDCWD, "none"), -1);
    assert_int_equal(errno, ENOENT);
}

/* ---- hash, JSON ---- */

static void hashes_are_sha256(void **state)
{
    (void)state;
    char hex[HASH_TEXT], again[HASH_TEXT];
    int64_t size;
    hash_sha256(SLICE("abc"), hex); /* FIPS 180-2, appendix B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_sha256(SLICE(""), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(file_write(AT_FDCWD, "file", SLICE("abc"), 0600, true), 0);
    int fd = open("file", O_RDONLY);
    assert_int_equal(hash_sha256_file(fd, again, &size), 0);
    close(fd);
    hash_sha256(SLICE("abc"), hex);
    assert_string_equal(again, hex);
    assert_int_equal(size, 3);
    char one[201], two[201];
    random_hex(one, 199);
    random_hex(two, 199);
    assert_int_equal(strlen(one), 199);
    assert_string_not_equal(one, two);
    assert_int_equal(strspn(one, "0123456789abcdef"), 199);
}

static void json_is_looked_into_by_path(void **state)
{
    (void)state;
    json_error_t error;
    json_t *j = json_parse(SLICE("{\"a\":{\"b\":[{\"c\":\"x\"},7]},\"n\":null,\"z\":1}"), &error);
    assert_non_null(j);
    assert_string_equal(json_text_at(j, "a.b.0.c"), "x");
    assert_int_equal(json_integer_at(j, "a.b.1", -1), 7);
    assert_int_equal(json_integer_at(j, "a.b.2", -1), -1);
    assert_int_equal(json_integer_at(j, "a.b.1x", -1), -1);
    assert_null(json_text_at(j, "a.b"));
    assert_null(json_text_at(j, "a.b.c.d"));
    assert_null(json_text_at(j, "n"));
    assert_null(json_text_at(NULL, "n"));
    struct buffer b = {0};
    json_print(j, &b);
    assert_memory_equal(b.ptr, "{\n  \"a\": {\n", 11);
    assert_int_equal(b.ptr[b.len - 1], '\n');
    json_decref(j);
    /* what a terminal would obey, and what an answer may hold without being unreadable for that */
    j = json_parse(SLICE("{\"a\":\"x\\u0000\\u009b\x7f\xc2\xa0\xc2\x80\"}"), &error);
    assert_string_equal(json_text_at(j, "a"), "x");
    buffer_clear(&b);
    json_print_line(j, &b);
    assert_string_equal(b.ptr, "{\"a\":\"x\\u0000\\u009b\\u007f\xc2\xa0\\u0080\"}\n");
    buffer_free(&b);
    json_decref(j);
    static const char *const wrong[] = {"{\"a\":1,\"a\":2}", "{} x", "", "{\"a\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_null(json_parse(slice_of(wrong[i]), &error));
    struct buffer deep = {0};
    for (int i = 0; i < 100000; i++)
        buffer_byte(&deep, '[');
    assert_null(json_parse(buffer_as_slice(&deep), &error));
    buffer_free(&deep);
}

static void an_arena_keeps_what_it_gave(void **state)
{
    (void)state;
    struct arena a = {0};
    char *first = arena_text(&a, SLICE("first"));
    for (int i = 0; i < 10000; i++)
        memset(arena_alloc(&a, (size_t)i % 300), 0xee, (size_t)i % 300);
    char *big = arena_alloc(&a, 1 << 20);
    memset(big, 0xee, 1 << 20);
    assert_string_equal(first, "first");
    assert_int_equal((uintptr_t)arena_alloc(&a, 100) % 16, 0);
    size_t held = arena_used(&a);
    arena_reset(&a);
    assert_true(arena_used(&a) < held);
    size_t after = arena_used(&a);
    for (int i = 0; i < 100; i++)
        arena_alloc(&a, 500);
    assert_int_equal(arena_used(&a), after);
    arena_free(&a);
    struct buffer b = {0};
    buffer_printf(&b, "%s-%d", "x", 7);
    assert_string_equal(b.ptr, "x-7");
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_read_and_printed_exactly),
        cmocka_unit_test(what_is_no_decimal_is_refused),
        cmocka_unit_test(decimals_are_rounded_half_away_from_zero),
        cmocka_unit_test(sums_and_products_never_wrap),
        cmocka_unit_test(dates_are_real_days),
        cmocka_unit_test(instants_know_their_zone),
        cmocka_unit_test(what_is_quoted_cannot_forge),
        cmocka_unit_test(a_log_line_is_one_line),
        cmocka_unit_test(a_log_of_json_is_json),
        cmocka_unit_test_setup_teardown(only_regular_files_are_read, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(nothing_is_written_through_a_link, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_half_written_is_removed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_tree_of_any_depth_is_removed_and_no_link_followed, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(hashes_are_sha256, make_folder, remove_folder),
        cmocka_unit_test(json_is_looked_into_by_path),
        cmocka_unit_test(an_arena_keeps_what_it_gave),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
