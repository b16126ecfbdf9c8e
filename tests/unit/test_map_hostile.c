/* Documents, maps, tables and canonical documents of any bytes: an answer or a finding, never a crash (the
 * sanitizers watch), never something invalid written, and memory that does not grow. */
#include "test_map.h"

static uint64_t seed = 88172645463325252u;

static unsigned number(size_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 33) % (below ? below : 1));
}

static void mutate(struct buffer *b)
{
    static const char *const pieces[] = {
        "{",           "}",     "[",    "]",   "\"",      ":",        ",",
        "null",        "1e999", "-",    "0.0", "\\ud800", "\xff",     "\xc3\xb8",
        "*",           "~",     ">",    "\n",  "PO1",     "N1*ST",    "lines",
        "\"lines\":[", "[]",    " {\n", "}\n", " : ",     " = \"x\"", " -> ",
        "only when ",  "[01=",  "none", "#",   "$x",      "count(",   "999999999999999999999",
        "\t"};
    for (unsigned n = 1 + number(4); n && b->len > 4; n--) {
        size_t at = number(b->len - 2), len = 1 + number(12);
        if (len > b->len - at)
            len = b->len - at;
        const char *piece = pieces[number(sizeof pieces / sizeof *pieces)];
        switch (number(4)) {
        case 0: b->ptr[at] = (char)number(256); break;
        case 1:
            memmove(b->ptr + at, b->ptr + at + len, b->len - at - len);
            b->len -= len;
            break;
        case 2: {
            size_t from = number(b->len - 1);
            size_t most = b->len - (from > at ? from : at);
            memmove(b->ptr + at, b->ptr + from, len < most ? len : most);
            break;
        }
        default:
            buffer_reserve(b, strlen(piece));
            memmove(b->ptr + at + strlen(piece), b->ptr + at, b->len - at);
            memcpy(b->ptr + at, piece, strlen(piece));
            b->len += strlen(piece);
        }
    }
}

static unsigned rounds(unsigned few)
{
    return getenv("SPOOLGATE_LONG_TESTS") ? few * 50 : few;
}

/* Reads; what is read must be in order, and be written or refused. Returns whether it was taken. */
static bool translate(struct bench *b, const struct map *in, const struct map *out, struct slice bytes)
{
    const char *skipped;
    struct map_variable partner = {"partner", "P"};
    struct map_run run = {.variables = &partner, .variable_count = 1, .findings = &b->findings};
    struct syntax_options o = {.envelope = &test_envelope};
    char *exact = malloc(bytes.len + 1); /* so that a read beyond it is seen */
    memcpy(exact, bytes.ptr, bytes.len);
    bench_fresh(b);
    struct node *n = map_read(in, slice_make(exact, bytes.len), &run, &skipped);
    assert_int_equal(n == NULL, b->findings.errors != 0);
    if (n && !skipped) {
        assert_int_equal(canonical_check(b->library, n, &b->findings), 0);
        int written = map_write(out, NULL, n, &o, &run, &b->out);
        assert_int_equal(written == 0, b->findings.errors == 0);
        if (written < 0)
            assert_int_equal(b->out.len, 0);
    }
    buffer_clear(&b->out);
    if (number(8) == 0)
        map_explain(in, slice_make(exact, bytes.len), &partner, 1, &b->out, &b->findings);
    free(exact);
    return n != NULL;
}

static void documents(void **state)
{
    static const char *const ways[][3] = {
        {"visma/purchase-order", "visma-purchase-order-mixed-lines.json", "x12/850"},
        {"visma/customer-invoice", "visma-customer-invoice.json", "x12/810"},
        {"visma/supplier-invoice", "visma-supplier-invoice.json", "orderful/810"},
        {"visma/purchase-order", "visma-purchase-order.json", "orderful/850"}};
    struct bench *b = *state;
    struct buffer text = {0}, x12 = {0};
    unsigned taken = 0;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        const struct map *in = load(b, ways[w][0]), *out = load(b, ways[w][2]);
        sample(b, ways[w][1]);
        for (unsigned i = 0; i < rounds(1500); i++) {
            buffer_clear(&text);
            buffer_slice(&text, buffer_as_slice(&b->text));
            mutate(&text);
            taken += translate(b, in, out, buffer_as_slice(&text));
        }
        if (w > 1)
            continue;
        bench_fresh(b);
        buffer_clear(&x12);
        buffer_text(&x12, write_with(b, out, read_with(b, in, sample(b, ways[w][1]), NULL)));
        for (unsigned i = 0; i < rounds(1500); i++) {
            buffer_clear(&text);
            buffer_slice(&text, buffer_as_slice(&x12));
            mutate(&text);
            taken += translate(b, out, out, buffer_as_slice(&text));
        }
    }
    assert_true(taken > 100);
    assert_true(arena_used(&b->arena) < 8 << 20);
    buffer_free(&text);
    buffer_free(&x12);
}

static void truncated(void **state)
{
    struct bench *b = *state;
    const struct map *in = load(b, "visma/purchase-order"), *out = load(b, "x12/850");
    struct slice bytes = slice_trim(sample(b, "visma-purchase-order.json"));
    for (size_t i = 0; i < bytes.len; i++)
        assert_false(translate(b, in, out, slice_make(bytes.ptr, i)));
    assert_true(translate(b, in, out, bytes));
    bench_fresh(b);
    struct buffer x12 = {0};
    buffer_text(&x12, write_with(b, out, read_with(b, in, sample(b, "visma-purchase-order.json"), NULL)));
    bytes = slice_trim(buffer_as_slice(&x12));
    for (size_t i = 0; i < bytes.len; i++)
        translate(b, out, out, slice_make(bytes.ptr, i));
    buffer_free(&x12);
}

/* Maps are written by people who are trusted, but not to make no mistakes. */
static void maps(void **state)
{
    static const char *const names[] = {"x12/850", "visma/purchase-order", "orderful/850"};
    struct bench *b = *state;
    struct buffer original = {0}, text = {0};
    unsigned loaded = 0;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        buffer_clear(&original);
        assert_int_equal(file_read(AT_FDCWD, arena_printf(&b->arena, "%s/%s.map", b->translators, names[n]),
                                   1 << 20, &original),
                         0);
        for (unsigned i = 0; i < rounds(200); i++) {
            struct map_library *l = map_library_open(b->directories);
            buffer_clear(&text);
            if (i % 4 == 0)
                buffer_printf(&text, "extends %s\n", names[n]);
            buffer_slice(&text, buffer_as_slice(&original));
            for (unsigned k = number(3); k; k--)
                mutate(&text);
            char path[400];
            snprintf(path, sizeof path, "%s/m.map", b->folder);
            assert_int_equal(file_write(AT_FDCWD, path, buffer_as_slice(&text), 0644, false), 0);
            bench_fresh(b);
            const struct map *m = map_load(l, path, &b->findings);
            if (!m)
                assert_true(b->findings.errors > 0);
            else if (map_reads(m) && map_syntax(m) == &syntax_json)
                translate(b, m, load(b, "x12/850"), sample(b, "visma-purchase-order.json"));
            loaded += m != NULL;
            map_library_close(l);
            assert_int_equal(unlink(path), 0);
        }
    }
    assert_true(loaded > 5);
    buffer_free(&original);
    buffer_free(&text);
}

static void canonical_documents(void **state)
{
    struct bench *b = *state;
    const struct map *in = load(b, "visma/purchase-order"), *x12 = load(b, "x12/850"),
                     *json = load(b, "orderful/850");
    struct buffer original = {0}, text = {0};
    bench_fresh(b);
    buffer_text(&original, read_with(b, in, sample(b, "visma-purchase-order-mixed-lines.json"), NULL));
    for (unsigned i = 0; i < rounds(3000); i++) {
        buffer_clear(&text);
        buffer_slice(&text, buffer_as_slice(&original));
        mutate(&text);
        bench_fresh(b);
        struct node *n = syntax_json.read(NULL, buffer_as_slice(&text), &b->findings);
        struct identity id;
        if (!n)
            continue;
        canonical_identity(b->library, n, &id);
        struct map_run run = {.findings = &b->findings};
        struct syntax_options o = {.envelope = &test_envelope};
        int written = map_write(i % 2 ? x12 : json, NULL, n, &o, &run, &b->out);
        assert_int_equal(written == 0, b->findings.errors == 0);
    }
    buffer_free(&original);
    buffer_free(&text);
}

/* A document of many lines costs what its lines cost. */
static void many_lines(void **state)
{
    struct bench *b = *state;
    const struct map *in = load(b, "visma/purchase-order"), *out = load(b, "x12/850");
    struct buffer text = {0};
    buffer_text(&text, "{\"status\":\"Open\",\"supplier\":{\"number\":\"1\"},\"orderNbr\":\"1\",\"date\":"
                       "\"2026-01-01\",\"lines\":[");
    for (int i = 1; i <= 70000; i++) /* more than a tag of sixteen bits could count */
        buffer_printf(&text,
                      "%s{\"lineNbr\":%d,\"orderQty\":1,\"uom\":\"STK\",\"inventory\":{\"number\":\"%d\"}}",
                      i > 1 ? "," : "", i, i);
    buffer_text(&text, "]}");
    assert_true(translate(b, in, out, buffer_as_slice(&text)));
    assert_int_equal(b->findings.errors, 0);
    buffer_free(&text);
}

/* Every line is wrong: a hundred are told, the others counted, and none costs more than its node. */
static void many_mistakes(void **state)
{
    static const char *const lines[] = {"{}", "7", "{\"uom\":\"X\"}", "{\"lineNbr\":[]}",
                                        "{\"orderQty\":\"x\"}"};
    struct bench *b = *state;
    const struct map *in = load(b, "visma/purchase-order");
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        struct buffer text = {0};
        struct map_run run = {.findings = &b->findings};
        const char *skipped;
        bench_fresh(b);
        buffer_text(&text, "{\"status\":\"Open\",\"lines\":[");
        for (int i = 0; i < 200000; i++)
            buffer_printf(&text, "%s,", lines[k]);
        buffer_text(&text, "{}]}");
        assert_null(map_read(in, buffer_as_slice(&text), &run, &skipped));
        assert_true(b->findings.errors >= 200000);
        assert_int_equal(b->findings.errors, b->findings.kept + b->findings.dropped);
        assert_true(arena_used(&b->arena) < 200000 * 8 * sizeof(struct node));
        buffer_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(documents, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(truncated, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(maps, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(canonical_documents, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(many_lines, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(many_mistakes, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
