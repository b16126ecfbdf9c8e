/* What a receipt shows of an HTTP exchange, and what it never shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "net/http.h"
#include <stdlib.h>

#define KEY "ok-5f0c-super-secret"

static struct http_exchange exchange(const char *url, const char *body, const char *headers,
                                     const char *answer)
{
    struct http_exchange x = {.method = "POST",
                              .url = url,
                              .body = slice_of(body),
                              .status = 201,
                              .failure = HTTP_ANSWERED,
                              .seconds = 0.25};
    x.headers[0] = (struct http_header){"orderful-api-key", KEY, true};
    x.headers[1] = (struct http_header){"Content-Type", "application/json", false};
    x.header_count = 2;
    buffer_printf(&x.answer_headers, "HTTP/1.1 201 Created\r\n%s\r\n", headers);
    buffer_text(&x.answer, answer);
    return x;
}

/* The record as text; free. x's buffers are given back. */
static char *recorded(struct http_exchange *x, size_t limit, json_t **record)
{
    *record = http_record(x, limit);
    assert_non_null(*record);
    http_exchange_free(x);
    char *text = json_dumps(*record, 0);
    assert_non_null(text);
    return text;
}

static void a_receipt_shows_what_matters(void **state)
{
    json_t *r;
    (void)state;
    struct http_exchange x =
        exchange("https://api.example/transactions?limit=1", "{\"type\":\"850\",\"lines\":[1,2]}",
                 "Content-Type: application/json\r\nX-Two: a\r\nX-Two: b\r\n", "{\"id\":\"802210971\"}");
    char *text = recorded(&x, 4096, &r);
    assert_string_equal(json_text_at(r, "request.method"), "POST");
    assert_string_equal(json_text_at(r, "request.url"), "https://api.example/transactions?limit=1");
    assert_string_equal(json_text_at(r, "request.headers.orderful-api-key"), "[redacted]");
    assert_string_equal(json_text_at(r, "request.headers.Content-Type"), "application/json");
    assert_string_equal(json_text_at(r, "request.body.type"), "850");
    assert_int_equal(json_integer_at(r, "answer.status", 0), 201);
    assert_string_equal(json_text_at(r, "answer.headers.X-Two"), "a\nb");
    assert_string_equal(json_text_at(r, "answer.body.id"), "802210971");
    assert_int_equal(json_integer_at(r, "milliseconds", 0), 250);
    assert_null(json_at(r, "failure"));
    assert_null(strstr(text, KEY));
    free(text);
    json_decref(r);
}

static void secrets_are_redacted_wherever_they_come_up(void **state)
{
    static const char *const places[][4] = {
        /* url, body, headers, answer */
        {"https://x/?key=" KEY "&a=b", "", "", ""},
        {"https://x/" KEY, "", "", ""},
        {"https://x/", "{\"a\":\"it is " KEY "!\"}", "", ""},
        {"https://x/", "text " KEY, "", ""},
        {"https://x/", "", "X-Echo: " KEY "\r\n", ""},
        {"https://x/", "", "X-" KEY ": a\r\n", ""},
        {"https://x/", "", "", "{\"" KEY "\":1, \"a\":[{\"" KEY "\":2.5}]}"},
        {"https://x/", "", "Set-Cookie: session=" KEY "\r\n", ""},
        {"https://x/", "", "", "{\"error\":\"bad key " KEY "\"}"},
        {"https://x/", "", "",
         "{\"error\":[{\""
         "deep"
         "\":[\"" KEY "\"]}], \"n\":1.50}"},
        {"https://x/", "", "", "{\"a\":\"\\u006fk-5f0c-super-secret\",\"n\":1.5}"},
        {"https://x/", "", "", "<p>" KEY KEY "</p>"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        json_t *r;
        struct http_exchange x = exchange(places[i][0], places[i][1], places[i][2], places[i][3]);
        char *text = recorded(&x, 4096, &r);
        assert_null(strstr(text, KEY));
        assert_null(strstr(text, "\\u006fk-5f0c")); /* nor in another spelling, where it is JSON */
        free(text);
        json_decref(r);
    }
}

/* What adapters say of an answer goes to the log, to error.txt and to `status`. */
static void what_is_said_of_an_answer_holds_no_secret(void **state)
{
    static const char *const answers[] = {"{\"message\":\"the key " KEY " is unknown\"}",
                                          "{\"message\":[\"\\u006fk-5f0c-super-secret\"]}",
                                          "{\"a\":[[{\"" KEY "\":1}]]}",
                                          "the key " KEY " is unknown",
                                          ("{\"message\":\"" KEY),
                                          "",
                                          "[]"};
    struct arena a = {0};
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct http_exchange x = exchange("https://x/", "", "", answers[i]);
        json_t *j = http_answer_json(&x);
        char *text = j ? json_dumps(j, 0) : NULL;
        assert_true(!text == (i == 3 || i == 4 || i == 5));
        assert_true(!text || !strstr(text, "super-secret"));
        for (size_t limit = 0; limit < 40; limit++)
            assert_null(strstr(http_clean_text(&x, buffer_as_slice(&x.answer), limit, &a), "ok-5"));
        free(text);
        json_decref(j);
        http_exchange_free(&x);
    }
    struct http_exchange x = exchange("https://x/", "", "", "{\"id\":\"7\"}");
    json_t *j = http_answer_json(&x);
    assert_string_equal(json_text_at(j, "id"), "7");
    assert_string_equal(http_clean_text(&x, SLICE("plain"), 4, &a), "plai");
    json_decref(j);
    http_exchange_free(&x);
    arena_free(&a);
}

static void names_of_secrets_are_redacted_without_knowing_the_value(void **state)
{
    static const char *const places[][4] = {
        {"https://x/?access_token=sesame&a=b", "", "", ""},
        {"https://x/?sig=sesame", "", "", ""},
        {"https://x/?a=b&api_key=sesame#f", "", "", ""},
        {"https://x/", "{\"client_secret\":\"sesame\",\"amount\":1.50}", "", ""},
        {"https://x/", "", "Set-Cookie: sesame\r\n", ""},
        {"https://x/", "", "X-Api-Key: sesame\r\n", ""},
        {"https://x/", "", "",
         "{\"a\":[{\"Refresh_Token\":\"sesame\"}],\"password\":\"sesame\",\"token\":\"sesame\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (size_t limit = 8; limit < 5000; limit *= 8) { /* whole and cut */
            json_t *r;
            struct http_exchange x = exchange(places[i][0], places[i][1], places[i][2], places[i][3]);
            char *text = recorded(&x, limit, &r);
            assert_null(strstr(text, "sesame"));
            free(text);
            json_decref(r);
        }
    }
}

static void a_secret_at_the_edge_of_a_cut_is_not_shown_in_part(void **state)
{
    struct buffer body = {0};
    (void)state;
    for (size_t i = 0; i < 90; i++)
        buffer_byte(&body, '.');
    buffer_text(&body, KEY);
    for (size_t limit = 85; limit < 120; limit++) {
        json_t *r;
        struct http_exchange x = exchange("https://x/", body.ptr, "", "");
        char *text = recorded(&x, limit, &r);
        assert_null(strstr(text, "5f0c"));
        assert_true(limit >= body.len || json_integer_at(r, "request.cut", 0) == (int64_t)body.len);
        free(text);
        json_decref(r);
    }
    buffer_free(&body);
}

static void amounts_are_never_turned_into_doubles(void **state)
{
    json_t *r;
    (void)state;
    struct http_exchange x =
        exchange("https://x/", "{\"price\":12.50,\"big\":12345678901234567.89}", "", "{\"total\":0.1}");
    char *text = recorded(&x, 4096, &r);
    assert_string_equal(json_text_at(r, "request.body"), "{\"price\":12.50,\"big\":12345678901234567.89}");
    assert_string_equal(json_text_at(r, "answer.body"), "{\"total\":0.1}");
    free(text);
    json_decref(r);
}

static void any_bytes_make_a_record(void **state)
{
    json_t *r;
    char bytes[512];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    struct http_exchange x = exchange("https://x/\xff\xfe", "", "", "");
    x.body = slice_make(bytes, sizeof bytes);
    buffer_add(&x.answer, bytes, sizeof bytes);
    buffer_text(&x.answer_headers, "X-\xff: \xc3\x28\r\n: nameless\r\nno colon\r\n");
    char *text = recorded(&x, 400, &r);
    assert_non_null(strstr(text, "\\\\xff"));
    free(text);
    json_decref(r);
    /* a document deeper than anybody means */
    struct buffer deep = {0};
    for (int i = 0; i < 100000; i++)
        buffer_byte(&deep, '[');
    x = exchange("https://x/", deep.ptr, "", deep.ptr);
    text = recorded(&x, 100, &r);
    free(text);
    json_decref(r);
    buffer_clear(&deep);
    for (int i = 0; i < 1000; i++)
        buffer_byte(&deep, '[');
    for (int i = 0; i < 1000; i++)
        buffer_byte(&deep, ']');
    x = exchange("https://x/", deep.ptr, "", deep.ptr);
    text = recorded(&x, 10000, &r);
    free(text);
    json_decref(r);
    buffer_free(&deep);
}

/* A receipt that cannot be read leaves its document in doubt. */
static void a_zero_byte_makes_no_receipt_unreadable(void **state)
{
    static const char *const answers[] = {"{\"id\":\"7\\u0000\"}", "<\\u0000>"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct http_exchange x = exchange("https://x/", "", "X-A: b\r\n", answers[i]);
        buffer_add(&x.answer, "", 1);
        buffer_add(&x.answer_headers, "X-B: \0\r\n", 8);
        if (i == 0)
            x.answer.len--;
        json_t *r;
        char *text = recorded(&x, 4096, &r);
        json_t *again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(again);
        json_decref(again);
        free(text);
        json_decref(r);
    }
}

static void failures_say_what_they_are(void **state)
{
    json_t *r;
    (void)state;
    struct http_exchange x = exchange("https://x/", "", "", "");
    x.failure = HTTP_IN_DOUBT;
    x.status = 0;
    strcpy(x.problem, "broke off with " KEY);
    x.body_secret_note = "[the client's credentials]";
    x.body = SLICE("client_secret=hidden-value");
    char *text = recorded(&x, 4096, &r);
    assert_string_equal(json_text_at(r, "failure"), "in doubt");
    assert_string_equal(json_text_at(r, "problem"), "broke off with [redacted]");
    assert_string_equal(json_text_at(r, "request.body"), "[the client's credentials]");
    assert_null(json_at(r, "answer"));
    assert_null(strstr(text, "hidden-value"));
    free(text);
    json_decref(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_shows_what_matters),
        cmocka_unit_test(secrets_are_redacted_wherever_they_come_up),
        cmocka_unit_test(what_is_said_of_an_answer_holds_no_secret),
        cmocka_unit_test(names_of_secrets_are_redacted_without_knowing_the_value),
        cmocka_unit_test(a_secret_at_the_edge_of_a_cut_is_not_shown_in_part),
        cmocka_unit_test(amounts_are_never_turned_into_doubles),
        cmocka_unit_test(any_bytes_make_a_record),
        cmocka_unit_test(a_zero_byte_makes_no_receipt_unreadable),
        cmocka_unit_test(failures_say_what_they_are),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
