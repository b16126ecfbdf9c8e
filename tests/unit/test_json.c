/* The JSON reader: what it takes, what it refuses and where, and that remembering the order and values of
 * earlier documents never changes an answer. jansson is the independent judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "syntax/syntax.h"
#include "syntax/wanted.h"
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static struct findings findings;

static struct node *read_wanted(struct slice text, const struct wanted *wanted)
{
    struct syntax_options o = {.wanted = wanted};
    arena_reset(&arena);
    findings = (struct findings){.arena = &arena};
    return syntax_json.read(&o, text, &findings);
}

static struct node *read_text(const char *text)
{
    return read_wanted(slice_of(text), NULL);
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void assert_slice(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"", "line 1, column 1", "ends where a value is expected"},
        {"  \n ", "line 2, column 2", "ends where a value is expected"},
        {"nul", "line 1, column 1", "a value is expected"},
        {"nulL", "line 1, column 1", "a value is expected"},
        {"True", "line 1, column 1", "a value is expected"},
        {"{", "line 1, column 2", "ends inside an object"},
        {"{]", "line 1, column 2", "a member name in double quotes"},
        {"{a:1}", "line 1, column 2", "a member name in double quotes"},
        {"{\"a\"}", "line 1, column 5", "a colon is expected"},
        {"{\"a\":}", "line 1, column 6", "a value is expected"},
        {"{\"a\":1,}", "line 1, column 8", "a member name in double quotes"},
        {"{\"a\":1 \"b\":2}", "line 1, column 8", "a comma or } is expected"},
        {"{\"a\":1]", "line 1, column 7", "a comma or } is expected"},
        {"[1,]", "line 1, column 4", "a value is expected"},
        {"[1 2]", "line 1, column 4", "a comma or ] is expected"},
        {"[1", "line 1, column 3", "ends inside an array"},
        {"[1}", "line 1, column 3", "a comma or ] is expected"},
        {"1 1", "line 1, column 3", "more text behind the document"},
        {"{}x", "line 1, column 3", "more text behind the document"},
        {"01", "line 1, column 1", "must not begin with 0"},
        {"-", "line 1, column 2", "needs a digit"},
        {"-a", "line 1, column 2", "needs a digit"},
        {"1.", "line 1, column 3", "behind its point"},
        {"1.e5", "line 1, column 3", "behind its point"},
        {"1e", "line 1, column 3", "in its exponent"},
        {"1e+", "line 1, column 4", "in its exponent"},
        {"+1", "line 1, column 1", "a value is expected"},
        {".5", "line 1, column 1", "a value is expected"},
        {"0x10", "line 1, column 2", "more text behind"},
        {"NaN", "line 1, column 1", "a value is expected"},
        {"\"abc", "line 1, column 5", "ends inside a string"},
        {"\"a\nb\"", "line 1, column 3", "a control character"},
        {"\"a\tb\"", "line 1, column 3", "a control character"},
        {"\"\\x\"", "line 1, column 2", "this escape does not exist"},
        {"\"\\u12g4\"", "line 1, column 2", "four hexadecimal digits"},
        {"\"\\u12", "line 1, column 2", "four hexadecimal digits"},
        {"\"\\", "line 1, column 2", "ends inside an escape"},
        {"\"\\ud800\"", "line 1, column 2", "surrogate"},
        {"\"\\udc00\\ud800\"", "line 1, column 2", "surrogate"},
        {"\"\\ud800\\u0041\"", "line 1, column 2", "surrogate"},
        {"\"\x80\"", "line 1, column 2", "no UTF-8"},
        {"\"\xc0\xaf\"", "line 1, column 2", "no UTF-8"},
        {"\"\xed\xa0\x80\"", "line 1, column 2", "no UTF-8"},
        {"\"\xf4\x90\x80\x80\"", "line 1, column 2", "no UTF-8"},
        {"\"\xe2\x82\"", "line 1, column 2", "no UTF-8"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "line 1, column 18", "is there twice"},
        {"[{\n\"x\":{\"a\":1,\n\"a\":2}}]", "line 3, column 5", "is there twice"},
        {"\xef\xbb\xbf\xef\xbb\xbf{}", "line 1, column 4", "a value is expected"},
        {"{\"a\":1}\f", "line 1, column 8", "more text behind"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (read_text(cases[i].text))
            fail_msg("taken: %s", cases[i].text);
        if (strcmp(findings.first->where, cases[i].where) || !strstr(findings.first->what, cases[i].what))
            fail_msg("%s: %s: %s", cases[i].text, findings.first->where, findings.first->what);
        assert_string_equal(findings.first->code, "json.syntax");
        assert_int_equal(findings.errors, 1);
    }
}

static void zero_byte_is_no_end(void **state)
{
    (void)state;
    assert_null(read_wanted(SLICE("{\"a\":\"b\0c\"}"), NULL));
    assert_null(read_wanted(SLICE("{}\0"), NULL));
    assert_null(read_wanted(SLICE("\"\\\0\""), NULL));
    struct node *n = read_wanted(SLICE("\"a\\u0000b\""), NULL);
    assert_int_equal(n->text.len, 3);
}

static void takes(void **state)
{
    (void)state;
    struct node *n = read_text(
        "\xef\xbb\xbf { \"a\" : [ 1.50 , -0 , 1E+5, 123456789012345678901234567890.10 ] ,\r\n"
        "\t\"b\\u0062\" : \"\\u00e6\\ud83d\\ude00\\n\\\"\\/ \xc3\xb8\" , \"c\" : { } , \"d\" : null , "
        "\"e\" : true , \"f\" : false , \"\" : [ ] }  ");
    assert_non_null(n);
    assert_slice(node_text_at(n, "a[0]"), "1.50"); /* a number keeps its text */
    assert_slice(node_text_at(n, "a[1]"), "-0");
    assert_slice(node_text_at(n, "a[2]"), "1E+5");
    assert_slice(node_text_at(n, "a[3]"), "123456789012345678901234567890.10");
    assert_null(node_at(n, "a[4]"));
    assert_slice(node_text_at(n, "bb"), "\xc3\xa6\xf0\x9f\x98\x80\n\"/ \xc3\xb8");
    assert_int_equal(node_at(n, "c")->kind, NODE_OBJECT);
    assert_int_equal(node_at(n, "d")->kind, NODE_NULL);
    assert_slice(node_text_at(n, "e"), "true");
    assert_slice(node_text_at(n, "f"), "false");
    assert_null(node_text_at(n, "c").ptr);
    assert_int_equal(node_at(n, "a[1]")->at, 21);
    assert_int_equal(read_text("\"x\"")->kind, NODE_STRING);
    assert_int_equal(read_text(" 0 ")->kind, NODE_NUMBER);
    assert_null(node_at(n, "a[x]"));
    assert_null(node_at(n, "a[1"));
    assert_null(node_at(n, "c[0]"));
}

static void depth_is_bounded(void **state)
{
    char text[200000];
    (void)state;
    for (int depth = 64; depth <= 65; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        struct node *n = read_wanted(slice_make(text, (size_t)depth * 2), NULL);
        assert_int_equal(n != NULL, depth == 64);
        struct wanted w = {0};
        wanted_add(&arena, &w, "a");
        n = read_wanted(slice_make(text, (size_t)depth * 2), &w);
        assert_int_equal(n != NULL, depth == 64);
    }
    memset(text, '[', sizeof text);
    assert_null(read_wanted(slice_make(text, sizeof text), NULL));
    assert_string_equal(findings.first->where, "line 1, column 65");
    for (size_t i = 0; i + 5 <= sizeof text; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    assert_null(read_wanted(slice_make(text, sizeof text), NULL));
}

/* Twelve megabytes must not become a gigabyte. */
static void the_number_of_values_is_bounded(void **state)
{
    struct buffer b = {0};
    struct wanted w = {0};
    struct arena own = {0};
    (void)state;
    buffer_text(&b, "{\"b\":[");
    for (size_t i = 0; i < 4000000; i++)
        buffer_text(&b, "0,");
    buffer_text(&b, "0]}");
    assert_null(read_wanted(buffer_as_slice(&b), NULL));
    assert_string_equal(findings.first->code, "json.size");
    assert_true(arena_used(&arena) < (300u << 20));
    wanted_add(&own, &w, "a"); /* what nobody wants costs nothing */
    assert_non_null(read_wanted(buffer_as_slice(&b), &w));
    assert_true(arena_used(&arena) < (2u << 20));
    arena_free(&own);
    buffer_free(&b);
}

static void only_what_is_wanted(void **state)
{
    struct arena a = {0};
    struct wanted w = {0};
    (void)state;
    wanted_add(&a, &w, "number");
    wanted_add(&a, &w, "lines[].qty");
    wanted_add(&a, &w, "lines[].item.number");
    wanted_add(&a, &w, "\"odd.name\"");
    for (int round = 0; round < 3; round++) {
        struct node *n = read_wanted(SLICE("{\"x\":{\"number\":1},\"n\\u0075mber\":\"7\",\"lines\":[{\"qty\":"
                                           "1,\"item\":{\"number\":\"a\",\"x\":[1,{}]},"
                                           "\"x\":\"\\u00e6\"},{\"x\":null,\"item\":{},\"qty\":null},5],"
                                           "\"odd.name\":true,\"y\":[[[{\"qty\":[]}]]]}"),
                                     &w);
        assert_non_null(n);
        assert_slice(node_text_at(n, "number"), "7");
        assert_slice(node_text_at(n, "lines[0].qty"), "1");
        assert_slice(node_text_at(n, "lines[0].item.number"), "a");
        assert_null(node_at(n, "x"));
        assert_null(node_at(n, "lines[0].x"));
        assert_null(node_at(n, "lines[1].qty")); /* null and absent are the same */
        assert_slice(node_text_at(n, "lines[2]"), "5");
        assert_slice(node_member(n, SLICE("odd.name"))->name, "odd.name");
        assert_ptr_equal(node_at(n, "number")->name.ptr, w.first->name.ptr);
        assert_int_equal(node_at(n, "lines")->tag, 2);
    }
    /* twice: only what is read matters */
    assert_non_null(read_wanted(SLICE("{\"x\":1,\"x\":2,\"number\":3}"), &w));
    assert_null(read_wanted(SLICE("{\"number\":1,\"number\":2}"), &w));
    assert_string_equal(findings.first->where, "line 1, column 13");
    assert_null(read_wanted(SLICE("{\"number\":1,\"numbe\\u0072\":2}"), &w));
    assert_null(read_wanted(SLICE("{\"number\":null,\"number\":null}"), &w));
    /* what is not wanted is checked all the same */
    assert_null(read_wanted(SLICE("{\"x\":{\"a\":01}}"), &w));
    assert_null(read_wanted(SLICE("{\"x\":\"\xff\"}"), &w));
    assert_null(read_wanted(SLICE("{\"number\":nulx}"), &w));
    arena_free(&a);
}

static void same_tree(const struct node *a, const struct node *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->tag, b->tag);
    assert_true(slice_equal(a->name, b->name));
    assert_true(slice_equal(a->text, b->text));
    const struct node *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        same_tree(x, y);
    assert_true(!x && !y);
}

static void want_order(struct arena *a, struct wanted *w)
{
    static const char *const paths[] = {"orderNbr",
                                        "supplier.number",
                                        "shippingAddress.city",
                                        "lines[].uom",
                                        "lines[].orderQty",
                                        "lines[].inventory.number",
                                        "taxDetails[].taxId",
                                        "lines[].sub.segments[].segmentValue",
                                        "note"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        wanted_add(a, w, paths[i]);
}

static uint64_t state = 88172645463325252u;

static unsigned number(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % below;
}

static void mutate(struct buffer *b)
{
    static const char *const pieces[] = {"\"",   "\\", "{",      "}",    "[",  "]",     ",",    ":",
                                         "null", "0",  "-",      ".",    "e9", "\\u00", "\xc3", "\xff",
                                         "\n",   " ",  "\"a\":", "true", "{}", "[]",    "\x01"};
    for (unsigned n = 1 + number(3); n && b->len > 2; n--) {
        size_t at = number((unsigned)b->len - 1), len = 1 + number(8);
        if (len > b->len - at)
            len = b->len - at;
        switch (number(4)) {
        case 0: b->ptr[at] = (char)number(256); break;
        case 1: /* take something away */
            memmove(b->ptr + at, b->ptr + at + len, b->len - at - len);
            b->len -= len;
            break;
        case 2: { /* copy from elsewhere */
            size_t from = number((unsigned)b->len - 1);
            if (len > b->len - from)
                len = b->len - from;
            memmove(b->ptr + at, b->ptr + from, len < b->len - at ? len : b->len - at);
            break;
        }
        default: {
            const char *piece = pieces[number(sizeof pieces / sizeof *pieces)];
            buffer_reserve(b, strlen(piece));
            memmove(b->ptr + at + strlen(piece), b->ptr + at, b->len - at);
            memcpy(b->ptr + at, piece, strlen(piece));
            b->len += strlen(piece);
        }
        }
    }
}

static void load_sample(struct buffer *out)
{
    char path[1024];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/samples/documents/visma-purchase-order-mixed-lines.json",
             top ? top : ".");
    assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, out), 0);
}

/* A reader that has seen thousands of documents answers as one that sees its first. */
static void memory_changes_nothing(void **unused)
{
    struct arena warm_arena = {0}, cold_arena = {0}, kept = {0};
    struct wanted warm = {0};
    struct buffer sample = {0}, text = {0};
    unsigned taken = 0, rounds = getenv("SPOOLGATE_LONG_TESTS") ? 400000 : 8000;
    (void)unused;
    want_order(&warm_arena, &warm);
    load_sample(&sample);
    for (unsigned i = 0; i < rounds; i++) {
        buffer_clear(&text);
        buffer_slice(&text, buffer_as_slice(&sample));
        if (i % 4)
            mutate(&text);
        /* in memory of exactly its size, so that a read beyond it is seen */
        char *exact = malloc(text.len);
        memcpy(exact, text.ptr, text.len);
        struct wanted cold = {0};
        arena_reset(&cold_arena);
        want_order(&cold_arena, &cold);
        arena_reset(&kept);
        struct findings f = {.arena = &kept};
        struct syntax_options o = {.wanted = &cold};
        struct node *expected = syntax_json.read(&o, slice_make(exact, text.len), &f);
        struct node *n = read_wanted(slice_make(exact, text.len), &warm);
        if ((n != NULL) != (expected != NULL))
            fail_msg("round %u: warm %d, cold %d", i, n != NULL, expected != NULL);
        if (n)
            same_tree(n, expected);
        else
            assert_string_equal(f.first->where, findings.first->where);
        taken += n != NULL;

        json_error_t error;
        json_t *judge = json_loadb(exact, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        bool theirs = judge != NULL,
             too_big = !judge && (strstr(error.text, "too ") || strstr(error.text, "overflow"));
        json_decref(judge);
        bool twice = !n && strstr(findings.first->what, "is there twice");
        bool deep = !n && strstr(findings.first->what, "deeper");
        bool zero = memchr(exact, '\0', text.len) != NULL; /* which ends a text for jansson */
        if (theirs != (n != NULL) && !twice && !deep && !too_big && !zero)
            fail_msg("round %u: jansson %s, we %s", i, theirs ? "takes it" : error.text,
                     n ? "take it" : findings.first->what);
        free(exact);
    }
    assert_true(taken > rounds / 4);
    assert_true(arena_used(&warm_arena) < 3 << 20);
    arena_free(&warm_arena);
    arena_free(&cold_arena);
    arena_free(&kept);
    buffer_free(&sample);
    buffer_free(&text);
}

static void truncated_at_every_byte(void **unused)
{
    struct arena a = {0};
    struct wanted w = {0};
    struct buffer sample = {0};
    (void)unused;
    want_order(&a, &w);
    load_sample(&sample);
    size_t len = slice_trim(buffer_as_slice(&sample)).len;
    assert_non_null(read_wanted(buffer_as_slice(&sample), &w));
    for (size_t i = 0; i < len; i++) {
        char *exact = malloc(i ? i : 1);
        memcpy(exact, sample.ptr, i);
        assert_null(read_wanted(slice_make(exact, i), &w));
        assert_null(read_wanted(slice_make(exact, i), NULL));
        free(exact);
    }
    buffer_free(&sample);
    arena_free(&a);
}

/* A document of nothing but new names neither fills the memory nor takes for ever. */
static void remembering_is_bounded(void **unused)
{
    struct arena a = {0};
    struct wanted w = {0};
    struct buffer text = {0};
    (void)unused;
    wanted_add(&a, &w, "z");
    for (int round = 0; round < 20; round++) {
        buffer_clear(&text);
        buffer_byte(&text, '{');
        for (int i = 0; i < 20000; i++)
            buffer_printf(&text, "\"m%d-%d\":{\"k%d\":\"%0400d\"},", round, i, i, i);
        buffer_text(&text, "\"z\":1}");
        assert_non_null(read_wanted(buffer_as_slice(&text), &w));
    }
    assert_true(arena_used(&a) < 3 << 20);
    buffer_clear(&text);
    buffer_byte(&text, '{');
    for (int i = 0; i < 100000; i++)
        buffer_printf(&text, "\"m%d\":1,", i);
    buffer_text(&text, "\"m0\":1}");
    assert_null(read_wanted(buffer_as_slice(&text), NULL));
    assert_non_null(strstr(findings.first->what, "twice"));
    buffer_free(&text);
    arena_free(&a);
}

static void writes(void **unused)
{
    struct buffer out = {0};
    (void)unused;
    struct node *n = read_text("{\"a\":[1.50,null,true,false,\"\\u0001\\u001f\\n\\t\\r\\\"\\\\/"
                               "\\u00e6\\ud83d\\ude00\",{}],\"b\":[]}");
    assert_int_equal(syntax_json.write(NULL, n, &out, &findings), 0);
    assert_string_equal(out.ptr, "{\"a\":[1.50,null,true,false,\"\\u0001\\u001f\\n\\t\\u000d\\\"\\\\/"
                                 "\xc3\xa6\xf0\x9f\x98\x80\",{}],\"b\":[]}");
    n = read_text("\"\\u0000\\u0080\xc2\x9b[\xc2\xa0\xc3\x9b\\u009f\"");
    buffer_clear(&out);
    assert_int_equal(syntax_json.write(NULL, n, &out, &findings), 0);
    assert_string_equal(out.ptr, "\"\\u0000\\u0080\\u009b[\xc2\xa0\xc3\x9b\\u009f\"");
    struct node *segment = node_new(&arena, NODE_SEGMENT, SLICE("BEG"));
    buffer_clear(&out);
    assert_int_equal(syntax_json.write(NULL, segment, &out, &findings), -1);
    assert_int_equal(out.len, 0);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(zero_byte_is_no_end),
        cmocka_unit_test(takes),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_values_is_bounded),
        cmocka_unit_test(only_what_is_wanted),
        cmocka_unit_test(memory_changes_nothing),
        cmocka_unit_test(truncated_at_every_byte),
        cmocka_unit_test(remembering_is_bounded),
        cmocka_unit_test(writes),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
