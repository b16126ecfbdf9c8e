/* adapters of REST APIs: what is taken out of the vendors' answers, and the words made of their errors. The
 * conversations themselves are played against the sandbox in tests/flow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "adapter/json_rows.h"
#include "adapter/moment.h"
#include "adapter/orderful/orderful.h"
#include "adapter/url.h"
#include "adapter/visma/rows.h"
#include <stdio.h>
#include <time.h>

/* ---- json_rows ---- */

static bool split(const char *text, struct arena *a, struct json_rows *rows, const char **why)
{
    return json_rows_split(slice_of(text), a, rows, why);
}

static void rows_are_the_very_bytes(void **state)
{
    (void)state;
    struct arena a = {0};
    struct json_rows rows;
    const char *why;
    assert_true(split(" [ {\"a\":1.00,\"b\":\"],}\\\"{\"} ,\n[1,2],3.50 ]\n", &a, &rows, &why));
    assert_int_equal(rows.count, 3);
    assert_true(slice_is(rows.rows[0], "{\"a\":1.00,\"b\":\"],}\\\"{\"}"));
    assert_true(slice_is(rows.rows[1], "[1,2]"));
    assert_true(slice_is(rows.rows[2], "3.50"));
    assert_true(split("[]", &a, &rows, &why));
    assert_int_equal(rows.count, 0);
    arena_free(&a);
}

static void broken_arrays_are_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",     " ",    "{}",   "null",        "[",     "[1",       "[1,", "[1,]",         "[,1]",
        "[1]x", "[1]]", "[{]}", "[{\"a\":\"]", "[\"\\", "[\"\\\"]", "[}]", "[{\"a\":[1}]", "]"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct arena a = {0};
        struct json_rows rows;
        const char *why = NULL;
        if (split(broken[i], &a, &rows, &why))
            fail_msg("taken: %s", broken[i]);
        assert_non_null(why);
        arena_free(&a);
    }
}

static void cut_anywhere_it_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "[{\"n\":\"5\",\"l\":[{\"q\":1.5,\"t\":\"a\\\\\"}]},{\"n\":\"6\"}]";
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        struct arena a = {0};
        struct json_rows rows;
        const char *why;
        assert_false(json_rows_split(slice_make(whole, n), &a, &rows, &why));
        arena_free(&a);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char deep[4000];
    struct arena a = {0};
    struct json_rows rows;
    const char *why;
    memset(deep, '[', sizeof deep);
    assert_false(json_rows_split(slice_make(deep, sizeof deep), &a, &rows, &why));
    arena_free(&a);
}

static void the_number_of_items_is_bounded(void **state)
{
    (void)state;
    struct buffer b = {0};
    struct arena a = {0};
    struct json_rows rows;
    const char *why;
    buffer_text(&b, "[0");
    for (int i = 1; i < 200000; i++)
        buffer_text(&b, ",0");
    buffer_byte(&b, ']');
    assert_true(json_rows_split(buffer_as_slice(&b), &a, &rows, &why));
    assert_int_equal(rows.count, 200000);
    b.len--;
    buffer_text(&b, ",0]");
    assert_false(json_rows_split(buffer_as_slice(&b), &a, &rows, &why));
    assert_non_null(strstr(why, "more than 200000"));
    arena_free(&a);
    buffer_free(&b);
}

/* ---- moment ---- */

static void moments(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t earlier;
        const char *bound;
    } good[] = {{"2026-03-02T09:14:55.42", 3900, "2026-03-02T08:09:55.42"},
                {"2026-03-02T09:14:55.420", 0, "2026-03-02T09:14:55.42"},
                {"2026-03-02T00:00:00", 1, "2026-03-01T23:59:59"},
                {"2026-03-02", 0, "2026-03-02T00:00:00"},
                {"2026-03-02 09:14:55", 0, "2026-03-02T09:14:55"},
                {"2026-03-02T09:14:55.1239999", 0, "2026-03-02T09:14:55.123"},
                {"2026-03-02T09:14:55.0009", 0, "2026-03-02T09:14:55"},
                {"2026-03-02T09:14:55Z", 0, "2026-03-02T09:14:55"},
                {"2026-03-02T09:14:55.5+01:00", 0, "2026-03-02T09:14:55.5"},
                {"2024-02-29T00:00:00", 86400, "2024-02-28T00:00:00"}};
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-3-2",
                                      "2026-02-30",
                                      "2026-13-01",
                                      "2026-03-02T",
                                      "2026-03-02x",
                                      "yesterday",
                                      "2026-03-02T25:00:00",
                                      "2026-03-02T09:14:55.",
                                      "2026-03-02T09:14:55 x"};
    char bound[MOMENT_TEXT];
    struct moment m;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(moment_parse(good[i].text, &m));
        moment_print_earlier(m, good[i].earlier, bound);
        assert_string_equal(bound, good[i].bound);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (moment_parse(bad[i], &m))
            fail_msg("taken: %s", bad[i]);
    struct moment a, b;
    assert_true(moment_parse("2026-03-02T09:14:55.42", &a));
    assert_true(moment_parse("2026-03-02T09:14:55.5", &b));
    assert_true(moment_compare(a, b) < 0 && moment_compare(b, a) > 0 && moment_compare(a, a) == 0);
}

/* ---- url ---- */

static void urls(void **state)
{
    (void)state;
    static const char *const good[] = {"https://api.example", "https://api.example:8443/x/",
                                       "http://127.0.0.1:8080", "http://localhost", "http://[::1]:9/"};
    static const char *const bad[] = {"",
                                      "api.example/x",
                                      "http://api.example",
                                      "http://127.evil.example",
                                      "http://localhost.evil.example",
                                      "ftp://api.example",
                                      "https://u:p@api.example",
                                      "https://api.example?x=1",
                                      "https://api.example#x",
                                      "https://",
                                      "http://127.0.0.1.evil.example@x"};
    const char *why;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!url_usable(good[i], &why))
            fail_msg("%s: %s", good[i], why);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (url_usable(bad[i], &why))
            fail_msg("taken: %s", bad[i]);
    assert_true(url_same_origin("https://api.example/", "https://API.example:443/v3/x?y=1"));
    assert_false(url_same_origin("https://api.example", "https://api.example.evil.example/"));
    assert_false(url_same_origin("https://api.example", "https://api.example:444/"));
    assert_false(url_same_origin("https://api.example", "http://api.example/"));
    assert_false(url_same_origin("https://api.example", "https://api.example@evil.example/"));
    assert_false(url_same_origin("https://api.example", "https://x@api.example/"));
    assert_false(url_same_origin("https://api.example", "/v3/transactions"));
    struct arena a = {0};
    struct buffer b = {0};
    assert_string_equal(url_below(&a, "https://api.example//", "/v1"), "https://api.example/v1");
    url_query(&b, "lastModifiedDateTimeCondition", ">=");
    url_query(&b, "n", "a b&c");
    assert_string_equal(b.ptr, "?lastModifiedDateTimeCondition=%3E%3D&n=a%20b%26c");
    buffer_free(&b);
    arena_free(&a);
}

/* ---- rows of Visma.net ---- */

static void visma_rows(void **state)
{
    (void)state;
    struct arena a = {0};
    struct visma_rows rows;
    const char *why;
    struct slice answer = SLICE(
        "[{\"orderType\":\"RegularOrder\",\"orderNbr\":\"500254\",\"status\":\"Open\",\"orderTotal\":1562.50,"
        "\"lastModifiedDateTime\":\"2026-03-02T09:14:55.42\",\"timeStamp\":\"AAAAAAB8h1E=\","
        "\"metadata\":{\"totalCount\":227,\"maxPageSize\":500}},{\"orderNbr\":\"../../x "
        "y\",\"status\":null}]");
    assert_true(visma_rows_read(&visma_resources[0], answer, &a, &rows, &why));
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.total, 227);
    assert_int_equal(rows.page_limit, 500);
    assert_string_equal(rows.rows[0].file, "purchaseorder-500254-007c8751.json");
    assert_string_equal(rows.rows[0].key, "purchaseorder/RegularOrder/500254");
    assert_string_equal(rows.rows[0].version, "AAAAAAB8h1E=");
    assert_string_equal(rows.rows[0].status, "Open");
    assert_true(rows.rows[0].dated);
    assert_non_null(memmem(rows.rows[0].bytes.ptr, rows.rows[0].bytes.len, "1562.50", 7));
    assert_null(strchr(rows.rows[1].file, '/'));
    assert_false(rows.rows[1].dated);
    assert_null(rows.rows[1].status);
    assert_int_equal(strlen(rows.rows[1].version), 64); /* no timeStamp: the bytes' own hash */
    assert_true(visma_rows_read(&visma_resources[0], SLICE("[]"), &a, &rows, &why));
    assert_int_equal(rows.count, 0);
    assert_int_equal(rows.total, -1);
    arena_free(&a);
}

static void what_is_no_list_of_orders(void **state)
{
    (void)state;
    static const char *const broken[] = {"{\"message\":\"no\"}",
                                         "[1]",
                                         "[{}]",
                                         "[{\"orderNbr\":\"\"}]",
                                         "[{\"orderNbr\":{}}]",
                                         "[{\"orderNbr\":\"1\"",
                                         "<html>",
                                         "[{\"orderNbr\":\"1\" \"x\"}]"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct arena a = {0};
        struct visma_rows rows;
        const char *why = NULL;
        if (visma_rows_read(&visma_resources[0], slice_of(broken[i]), &a, &rows, &why))
            fail_msg("taken: %s", broken[i]);
        assert_non_null(why);
        arena_free(&a);
    }
}

/* ---- words of Orderful ---- */

static void places_in_words(void **state)
{
    (void)state;
    struct arena a = {0};
    assert_string_equal(orderful_place("transactionSets.0.PO1_loop.3.baselineItemData.0.unitPrice", &a),
                        "line 4, unit price");
    assert_string_equal(orderful_place("message.lineItems[1].productIds", &a), "line 2, product ids");
    assert_string_equal(orderful_place("transactionSets.0.currency.0.entityIdentifierCode", &a),
                        "entity identifier code");
    assert_string_equal(orderful_place("FOBRelatedInstructions", &a), "FOB related instructions");
    assert_string_equal(orderful_place("N1_loop[0].partyLocation[0].addressInformation1", &a),
                        "address information");
    assert_string_equal(orderful_place("", &a), "");
    assert_string_equal(orderful_place("...[[", &a), "");
    assert_string_equal(orderful_place("lineItems[99999999999999999999].x", &a), "x");
    arena_free(&a);
}

/* ---- verdicts of Orderful ---- */

struct answered { /* one create with its answer */
    enum http_failure failure;
    long status;
    const char *body, *headers;
    enum verdict verdict;
    const char *external, *word; /* in a finding */
};

static void judge(const struct answered *c)
{
    struct arena a = {0};
    struct findings f = {.arena = &a};
    struct orderful o = {.api_key = "orderful-key", .test = true, .hold_seconds = 300};
    struct endpoint_config config = {.name = "orderful", .adapter = "orderful", .file = "spoolgate.conf"};
    struct endpoint e = {.config = &config, .session = &o};
    struct document document = {.name = "20260321T091455123456-9f3a1c.1"};
    struct delivery d = {.document = &document, .attempt = 1, .findings = &f};
    struct http_exchange x = {.method = "POST",
                              .url = "https://api.example/transactions",
                              .failure = c->failure,
                              .status = c->status};
    snprintf(x.problem, sizeof x.problem, "connection reset");
    buffer_text(&x.answer, c->body ? c->body : "");
    buffer_text(&x.answer_headers, c->headers ? c->headers : "");
    int64_t before = time(NULL);
    orderful_judge_create(&e, &d, &x);
    struct buffer words = {0};
    findings_print(&f, &words);
    if (d.verdict != c->verdict || strcmp(d.external, c->external ? c->external : "") != 0 ||
        (c->word && !strstr(words.ptr ? words.ptr : "", c->word)))
        fail_msg("%ld %s: verdict %d, external '%s', said: %s", c->status, c->body, d.verdict, d.external,
                 words.ptr ? words.ptr : "");
    assert_non_null(d.receipt);
    if (d.verdict == RETRY && c->headers)
        assert_true(d.not_before >= before + 7);
    if (d.verdict == DELIVERED)
        assert_true(d.awaited);
    if (d.verdict == HELD || d.verdict == IN_DOUBT)
        assert_true(d.not_before > before);
    if (d.verdict == HELD) /* one partner's documents, or the endpoint */
        assert_int_equal(d.only_partner, c->status == 422);
    json_decref(d.receipt);
    buffer_free(&words);
    http_exchange_free(&x);
    arena_free(&a);
}

static void verdicts(void **state)
{
    (void)state;
    static const struct answered cases[] = {
        {HTTP_ANSWERED, 201, "{\"id\":\"802210971\"}", NULL, DELIVERED, "802210971", NULL},
        {HTTP_ANSWERED, 202, "{\"id\":902210971,\"status\":\"ACCEPTED\",\"detail\":\"\",\"new\":{}}", NULL,
         DELIVERED, "902210971", NULL},
        {HTTP_ANSWERED, 202,
         "{\"id\":\"9\",\"status\":\"FAILED\",\"detail\":\"Validation "
         "failed\",\"validationErrors\":[{\"payloadPaths\":["
         "\"message.lineItems[1].productIds\"],\"errorMessage\":\"At least one is "
         "required\",\"outputPath\":\"PO1\"},"
         "{\"payloadPaths\":null,\"errorMessage\":\"Too long\",\"outputPath\":\"N1.N102\"}]}",
         NULL, REJECTED, "9", "line 2, product ids"},
        {HTTP_ANSWERED, 202, "{\"id\":\"9\",\"status\":\"FAILED\",\"validationErrors\":null}", NULL, REJECTED,
         "9", "refuses"},
        {HTTP_ANSWERED, 201, "{\"id\":\"8022", NULL, IN_DOUBT, NULL, "cut off"},
        {HTTP_ANSWERED, 201, "{}", NULL, IN_DOUBT, NULL, "names no transaction"},
        {HTTP_ANSWERED, 200, "<html>", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 400, "{\"message\":[\"property x should not exist\",\"and y\"]}", NULL, REJECTED,
         NULL, "property x should not exist; and y"},
        {HTTP_ANSWERED, 400, "<html>no</html>", NULL, REJECTED, NULL, "a page of a proxy"},
        {HTTP_ANSWERED, 401, "", NULL, HELD, NULL, "spoolgate secret set orderful-key"},
        {HTTP_ANSWERED, 403, "{}", NULL, HELD, NULL, "may not"},
        {HTTP_ANSWERED, 404, "{}", NULL, HELD, NULL, "path_v3"},
        {HTTP_ANSWERED, 301, "", NULL, IN_DOUBT, NULL, "not followed"},
        {HTTP_ANSWERED, 302, "", "HTTP/1.1 302\r\nLocation: https://elsewhere.example/x\r\n", IN_DOUBT, NULL,
         "points to https://elsewhere.example/x"},
        {HTTP_ANSWERED, 303, "", NULL, IN_DOUBT, NULL, "path_v3"},
        {HTTP_ANSWERED, 307, "", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 308, "<html>", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 304, "", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 425, "", NULL, RETRY, NULL, "does not take the request now"},
        {HTTP_ANSWERED, 421, "", NULL, RETRY, NULL, NULL},
        {HTTP_ANSWERED, 407, "", NULL, HELD, NULL, NULL},
        {HTTP_ANSWERED, 413, "", NULL, REJECTED, NULL, NULL},
        {HTTP_ANSWERED, 409, "{\"message\":\"already there\"}", NULL, REJECTED, NULL, "already there"},
        {HTTP_ANSWERED, 460, "", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 499, "", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 204, "", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 206, "{\"id\":\"80", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 201, "{\"id\":\"../x\"}", NULL, IN_DOUBT, NULL, "names no transaction"},
        {HTTP_ANSWERED, 422,
         "{\"type\":\"unprocessableEntity\",\"ref\":\"relationship\",\"message\":\"Cannot post transaction "
         "because it "
         "doesn't exist.\"}",
         NULL, HELD, NULL, "Cannot post"},
        {HTTP_ANSWERED, 422,
         "{\"message\":\"Cannot post a LIVE transaction because the relationship is in testing\"}", NULL,
         HELD, NULL, "in testing"},
        {HTTP_ANSWERED, 422, "{\"message\":\"businessNumber is too long\"}", NULL, REJECTED, NULL,
         "too long"},
        {HTTP_ANSWERED, 429, "<html>", "HTTP/1.1 429\r\nRetry-After: 7\r\n", RETRY, NULL, "more slowly"},
        {HTTP_ANSWERED, 408, "", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 500, "{\"message\":\"An unexpected error occurred\"}", NULL, IN_DOUBT, NULL,
         "unexpected"},
        {HTTP_ANSWERED, 502, "<html>", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 503, "", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_ANSWERED, 504, "", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_NOT_SENT, 0, NULL, NULL, RETRY, NULL, "connection reset"},
        {HTTP_IN_DOUBT, 0, NULL, NULL, IN_DOUBT, NULL, "connection reset"},
        {HTTP_IN_DOUBT, 201, "{\"id\":\"8022\"}", NULL, IN_DOUBT, NULL, NULL},
        {HTTP_REFUSED_HERE, 0, NULL, NULL, REJECTED, NULL, "not made"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        judge(&cases[i]);
}

static void validation_lists(void **state)
{
    (void)state;
    struct arena a = {0};
    struct findings f = {.arena = &a};
    struct buffer words = {0};
    json_t *list = json_loads("[{\"dataPath\":\"transactionSets.0.currency.0.entityIdentifierCode\","
                              "\"message\":\"\\\"SE\\\" is not a "
                              "valid input\",\"allowedValues\":[{\"value\":\"BY\",\"description\":\"Buying "
                              "Party\"},\"ST\",7]},7,{}]",
                              0, NULL);
    assert_non_null(list);
    orderful_validation_findings(list, &f);
    orderful_validation_findings(NULL, &f);
    findings_print(&f, &words);
    assert_non_null(strstr(words.ptr, "\"SE\" is not a valid input"));
    assert_non_null(strstr(words.ptr, "entity identifier code"));
    assert_non_null(strstr(words.ptr, "Allowed: BY (Buying Party), ST"));
    assert_int_equal(f.errors, 3);
    json_decref(list);
    buffer_free(&words);
    arena_free(&a);
}

static void ids_of_both_kinds(void **state)
{
    (void)state;
    char id[128];
    json_t *text = json_string("802210971"), *number = json_integer(802210971), *other = json_true();
    orderful_id(text, id);
    assert_string_equal(id, "802210971");
    orderful_id(number, id);
    assert_string_equal(id, "802210971");
    orderful_id(other, id);
    assert_string_equal(id, "");
    static const char *const unusable[] = {"", ".", "..", "a/b", "a b", "\xc3\xa6", "?x", "a#b", "%2e", NULL};
    for (const char *const *u = unusable; *u; u++) {
        json_t *bad = json_string(*u);
        orderful_id(bad, id);
        assert_string_equal(id, "");
        json_decref(bad);
    }
    char huge[200];
    memset(huge, '9', sizeof huge); /* cut, it would be another one's */
    json_t *long_one = json_stringn(huge, sizeof huge);
    orderful_id(long_one, id);
    assert_string_equal(id, "");
    json_decref(long_one);
    orderful_id(NULL, id);
    assert_string_equal(id, "");
    json_decref(text);
    json_decref(number);
    json_decref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_very_bytes),
        cmocka_unit_test(broken_arrays_are_refused),
        cmocka_unit_test(cut_anywhere_it_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_items_is_bounded),
        cmocka_unit_test(moments),
        cmocka_unit_test(urls),
        cmocka_unit_test(visma_rows),
        cmocka_unit_test(what_is_no_list_of_orders),
        cmocka_unit_test(places_in_words),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(validation_lists),
        cmocka_unit_test(ids_of_both_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
