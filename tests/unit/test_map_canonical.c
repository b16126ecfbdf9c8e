/* Canonical documents: checked against their schema, put into its order, and what they say of themselves. */
#include "test_map.h"

static const char minimal[] =
    "{\"type\":\"order\",\"partner\":\"P\",\"number\":\"1\",\"date\":\"2026-03-02\","
    "\"lines\":[{\"number\":\"1\",\"quantity\":\"2\",\"unit\":\"EA\"}]}";

static struct node *parse(struct bench *b, const char *text)
{
    struct node *n = syntax_json.read(NULL, slice_of(text), &b->findings);
    assert_non_null(n);
    return n;
}

/* The text with one piece replaced. */
static const char *with(struct bench *b, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    return arena_printf(&b->arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void wrong(void **state)
{
    static const struct {
        const char *from, *to, *where, *what;
    } cases[] = {
        {"\"type\":\"order\",", "", "type", "must be an object whose member \"type\""},
        {"\"type\":\"order\"", "\"type\":\"nothing\"", "", "There is no canonical document type \"nothing\""},
        {"\"type\":\"order\"", "\"type\":\"../x12/850\"", "", "There is no canonical document type"},
        {"\"type\":\"order\"", "\"type\":\"order\",\"nummer\":1", "nummer", "no such member"},
        {"\"number\":\"1\",\"date\"", "\"date\"", "number", "The document has no number"},
        {"\"number\":\"1\",\"date\"", "\"number\":null,\"date\"", "number", "The document has no number"},
        {"\"number\":\"1\",\"date\"", "\"number\":\"1\",\"number\":\"2\",\"date\"", "", "is there twice"},
        {"\"number\":\"1\",\"date\"", "\"number\":1,\"date\"", "number",
         "This must be text, written as a string"},
        {"\"number\":\"1\",\"date\"", "\"number\":\"\",\"date\"", "number",
         "The text has 0 characters; 1 to 60"},
        {"2026-03-02", "2026-02-30", "date", "is no calendar date"},
        {"\"quantity\":\"2\"", "\"quantity\":2", "lines[0].quantity",
         "This must be a decimal number, written as a string"},
        {"\"quantity\":\"2\"", "\"quantity\":\"two\"", "lines[0].quantity", "\"two\" is no number"},
        {"\"quantity\":\"2\",", "", "lines[0].quantity", "has no quantity"},
        {"[{\"number\":\"1\",\"quantity\":\"2\",\"unit\":\"EA\"}]", "[]", "lines",
         "The list has 0 items; at least 1"},
        {"[{\"number\":\"1\",\"quantity\":\"2\",\"unit\":\"EA\"}]", "{}", "lines", "This must be a list"},
        {"[{\"number\":\"1\",\"quantity\":\"2\",\"unit\":\"EA\"}]", "[1]", "lines[0]",
         "This must be an object"},
        {"\"lines\"", "\"line_count\":\"2\",\"lines\"", "line_count", "This must be a whole number"},
        {"\"lines\"", "\"line_count\":2.5,\"lines\"", "line_count", "\"2.5\" is no whole number"},
        {"\"lines\"", "\"kind\":\"odd\",\"lines\"", "kind", "\"odd\" is not one of: standard, drop-ship"},
        {"\"lines\"", "\"buyer\":{\"street\":\"a\"},\"lines\"", "buyer.street", "This must be a list"},
        {"\"lines\"", "\"buyer\":{\"street\":[\"a\",{}]},\"lines\"", "buyer.street[1]", "This must be text"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_fresh(b);
        const char *text = with(b, minimal, cases[i].from, cases[i].to);
        struct node *n = syntax_json.read(NULL, slice_of(text), &b->findings);
        if (n)
            assert_int_equal(canonical_check(b->library, n, &b->findings), -1);
        has(told(b), cases[i].what);
        if (cases[i].where[0])
            has(told(b), arena_printf(&b->arena, "where: %s\n", cases[i].where));
    }
    bench_fresh(b);
    assert_int_equal(canonical_check(b->library, parse(b, "[]"), &b->findings), -1);
}

static void right(void **state)
{
    struct bench *b = *state;
    bench_fresh(b);
    /* in any order, with zeros and nulls: written in the schema's order and form */
    struct node *n =
        parse(b, "{\"lines\":[{\"unit\":\"EA\",\"quantity\":\"2.00\",\"price\":null,\"number\":\"1\"}],"
                 "\"date\":\"2026-03-02\",\"number\":\"1\","
                 "\"terms\":{\"net_days\":30,\"code\":\"a\"},\"type\":\"order\",\"partner\":\"P\"}");
    assert_int_equal(canonical_check(b->library, n, &b->findings), 0);
    assert_int_equal(canonical_write(n, &b->out), 0);
    assert_string_equal(b->out.ptr, "{\"type\":\"order\",\"partner\":\"P\",\"number\":\"1\",\"date\":\"2026-"
                                    "03-02\",\"terms\":{\"code\":\"a\",\"net_days\":30},"
                                    "\"lines\":[{\"number\":\"1\",\"quantity\":\"2\",\"unit\":\"EA\"}]}");
    assert_int_equal(canonical_check(b->library, n, &b->findings), 0); /* and once more */
}

static void says_of_itself(void **state)
{
    struct bench *b = *state;
    struct identity id;
    bench_fresh(b);
    struct node *n = parse(b, with(b, minimal, "\"date\"", "\"purpose\":\"original\",\"date\""));
    for (int bound = 0; bound < 2; bound++) {
        assert_int_equal(canonical_identity(b->library, n, &id), 0);
        assert_true(slice_is(id.type, "order") && slice_is(id.partner, "P") && slice_is(id.number, "1") &&
                    slice_is(id.version, "original"));
        assert_int_equal(id.link_count, 1);
        assert_string_equal(id.links[0].kind, "order");
        assert_true(slice_is(id.links[0].value, "1"));
        assert_int_equal(canonical_check(b->library, n, &b->findings), 0);
    }
    const struct map *m = load(b, "visma/customer-invoice");
    const char *skipped;
    struct map_run run = {.findings = &b->findings};
    n = map_read(m, sample(b, "visma-customer-invoice.json"), &run, &skipped);
    assert_int_equal(canonical_identity(b->library, n, &id), 0);
    assert_true(slice_is(id.type, "invoice") && slice_is(id.partner, "10021") &&
                slice_is(id.number, "88012") && slice_is(id.version, "invoice"));
    assert_int_equal(id.link_count, 2);
    assert_true(slice_is(id.links[1].value, "PO-100245"));
    assert_int_equal(canonical_identity(b->library, parse(b, "{\"type\":\"order\"}"), &id), -1);
    assert_int_equal(canonical_identity(b->library, parse(b, "{\"type\":\"odd\"}"), &id), -1);
    assert_int_equal(canonical_identity(b->library, parse(b, "{}"), &id), -1);
    assert_int_equal(canonical_identity(b->library, parse(b, "[]"), &id), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(right, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(says_of_itself, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
