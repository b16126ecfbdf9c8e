/* HTTP against a server that misbehaves on purpose. What counts is what the failure
 * says about the other side: whether it may have acted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/date.h"
#include "base/file.h"
#include "net/http.h"
#include "test_net.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* One request; the caller frees the exchange. */
static struct http_exchange ask(struct http *h, const struct server *s, const char *method, const char *path,
                                const char *body)
{
    char url[256];
    struct http_exchange x = {
        .method = method, .url = url_of(s, path, url), .body = body ? slice_of(body) : SLICE_NONE};
    struct http_exchange *one = &x;
    http_perform(h, &one, 1, 1);
    x.url = NULL;
    return x;
}

static enum http_failure ask_failure(struct http *h, const struct server *s, const char *method,
                                     const char *path, const char *body)
{
    struct http_exchange x = ask(h, s, method, path, body);
    http_exchange_free(&x);
    return x.failure;
}

static bool by_path(struct server *s, struct request *r)
{
    static char zeros[1 << 16];
    if (strcmp(r->path, "/hello") == 0) {
        server_answer(r, 200, "X-Word: first\r\nx-word-two:  second \r\n", "hello");
    } else if (strcmp(r->path, "/echo") == 0) {
        server_answer(r, 201, "", r->body.len ? r->body.ptr : "nothing");
    } else if (strcmp(r->path, "/drop") == 0) {
        return false;
    } else if (strcmp(r->path, "/half") == 0) {
        server_write(r, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 43);
        return false;
    } else if (strcmp(r->path, "/half-head") == 0) {
        server_write(r, "HTTP/1.1 200 OK\r\nContent-Le", 27);
        return false;
    } else if (strcmp(r->path, "/nonsense") == 0) {
        server_write(r, "220 mail.example ESMTP\r\n", 24);
        return false;
    } else if (strcmp(r->path, "/never") == 0) {
        for (int i = 0; i < 500 && !atomic_load(&s->stopping); i++)
            usleep(10000);
        return false;
    } else if (strcmp(r->path, "/huge") == 0) {
        server_write(r, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", 47);
        for (int i = 0; i < 16000 && !atomic_load(&s->stopping); i++) {
            if (SSL_get_shutdown(r->ssl))
                return false;
            server_write(r, zeros, sizeof zeros);
            if (i > 200)
                return false;
        }
    } else if (strcmp(r->path, "/long-head") == 0) {
        server_write(r, "HTTP/1.1 200 OK\r\n", 17);
        for (int i = 0; i < 5000; i++)
            server_write(
                r, "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
                83);
        server_write(r, "Content-Length: 0\r\n\r\n", 21);
        return false;
    } else if (strcmp(r->path, "/elsewhere") == 0) {
        server_answer(r, 302, "Location: /hello\r\n", "");
    } else if (strcmp(r->path, "/interim") == 0) {
        server_write(r, "HTTP/1.1 103 Early Hints\r\nX-Word: early\r\n\r\n", 44);
        server_answer(r, 200, "X-Word: late\r\n", "x");
    } else if (strncmp(r->path, "/slow", 5) == 0) {
        usleep(60000);
        server_answer(r, 200, "", "slow");
    } else {
        server_answer(r, 404, "", "{\"error\":\"no such path\"}");
    }
    return true;
}

static bool gzipped(struct server *s, struct request *r)
{
    char head[128];
    struct buffer b = {0};
    (void)s;
    FILE *f = popen(strcmp(r->path, "/bomb") == 0 ? "head -c 60000000 /dev/zero | gzip -9"
                                                  : "printf 'plain text' | gzip",
                    "r");
    buffer_reserve(&b, 1 << 20);
    b.len = fread(b.ptr, 1, 1 << 20, f);
    pclose(f);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
             b.len);
    server_write(r, head, strlen(head));
    server_write(r, b.ptr, b.len);
    buffer_free(&b);
    return true;
}

/* ---- answered ---- */

static void an_answer_is_taken_whole(void **state)
{
    struct server s;
    char text[64];
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    struct http_exchange x = ask(h, &s, "GET", "/hello", NULL);
    assert_int_equal(x.failure, HTTP_ANSWERED);
    assert_int_equal(x.status, 200);
    assert_string_equal(x.answer.ptr, "hello");
    int64_t now = instant_now().seconds * 1000 + 1000; /* between the two the other side wrote its Date */
    assert_true(x.begun > now - 60000 && x.answered >= x.begun && x.answered <= now);
    assert_int_equal(http_answer_date(&x), -1);
    assert_true(http_answer_header(&x, "X-WORD", text, sizeof text));
    assert_string_equal(text, "first");
    assert_true(http_answer_header(&x, "X-Word-Two", text, sizeof text));
    assert_string_equal(text, "second");
    assert_false(http_answer_header(&x, "X-Wor", text, sizeof text));
    assert_false(http_answer_header(&x, "X-Other", text, sizeof text));
    http_exchange_free(&x);
    x = ask(h, &s, "GET", "/missing", NULL);
    assert_int_equal(x.failure, HTTP_ANSWERED);
    assert_int_equal(x.status, 404);
    http_exchange_free(&x);
    x = ask(h, &s, "GET", "/interim", NULL);
    assert_true(http_answer_header(&x, "X-Word", text, sizeof text));
    assert_string_equal(text, "late");
    http_exchange_free(&x);
    assert_int_equal(atomic_load(&s.connections), 1); /* kept */
    http_close(h);
    server_stop(&s);
}

static void bodies_go_out_with_every_method(void **state)
{
    struct server s;
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", NULL};
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    for (const char *const *m = methods; *m; m++) {
        struct http_exchange x = ask(h, &s, *m, "/echo", "{\"a\":1}");
        assert_string_equal(x.answer.ptr, "{\"a\":1}");
        assert_true(strncmp(s.last_head.ptr, *m, strlen(*m)) == 0);
        assert_null(strstr(s.last_head.ptr, "form-urlencoded"));
        assert_null(strstr(s.last_head.ptr, "Expect:"));
        assert_non_null(strstr(s.last_head.ptr, "User-Agent: spoolgate/"));
        http_exchange_free(&x);
    }
    struct http_exchange x = ask(h, &s, "POST", "/echo", NULL);
    assert_string_equal(x.answer.ptr, "nothing");
    assert_non_null(strstr(s.last_head.ptr, "Content-Length: 0"));
    http_exchange_free(&x);
    http_close(h);
    server_stop(&s);
}

static void gzip_is_read_and_bounded_by_what_comes_out(void **state)
{
    struct server s;
    (void)state;
    server_start(&s, GOOD, gzipped);
    struct http *h = client(&s, 1 << 20);
    struct http_exchange x = ask(h, &s, "GET", "/text", NULL);
    assert_int_equal(x.failure, HTTP_ANSWERED);
    assert_string_equal(x.answer.ptr, "plain text");
    http_exchange_free(&x);
    x = ask(h, &s, "GET", "/bomb", NULL);
    assert_int_equal(x.failure, HTTP_IN_DOUBT);
    assert_true(x.answer.len <= 1 << 20);
    assert_non_null(strstr(x.problem, "longer than allowed"));
    http_exchange_free(&x);
    http_close(h);
    server_stop(&s);
}

static void too_long_answers_are_broken_off(void **state)
{
    struct server s;
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 100000);
    struct http_exchange x = ask(h, &s, "GET", "/huge", NULL);
    assert_int_equal(x.failure, HTTP_IN_DOUBT);
    assert_int_equal(x.status, 200);
    assert_true(x.answer.len <= 100000);
    http_exchange_free(&x);
    x = ask(h, &s, "GET", "/long-head", NULL);
    assert_int_equal(x.failure, HTTP_IN_DOUBT);
    assert_true(x.answer_headers.len <= 256 * 1024);
    http_exchange_free(&x);
    http_close(h);
    server_stop(&s);
}

static void redirects_are_not_followed(void **state)
{
    struct server s;
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    struct http_exchange x = ask(h, &s, "GET", "/elsewhere", NULL);
    assert_int_equal(x.status, 302);
    assert_int_equal(atomic_load(&s.requests), 1);
    http_exchange_free(&x);
    http_close(h);
    server_stop(&s);
}

static void several_are_in_flight_and_no_more_than_told(void **state)
{
    struct server s;
    enum { N = 40 };
    struct http_exchange x[N] = {0}, *all[N];
    char url[256];
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    url_of(&s, "/slow", url);
    for (int i = 0; i < N; i++) {
        x[i] = (struct http_exchange){.method = "POST", .url = url, .body = SLICE("x")};
        all[i] = &x[i];
    }
    http_perform(h, all, N, 8);
    for (int i = 0; i < N; i++) {
        assert_int_equal(x[i].failure, HTTP_ANSWERED);
        assert_string_equal(x[i].answer.ptr, "slow");
        http_exchange_free(&x[i]);
    }
    assert_int_equal(atomic_load(&s.requests), N);
    assert_true(atomic_load(&s.most_at_once) > 1);
    assert_true(atomic_load(&s.most_at_once) <= 8);
    assert_true(atomic_load(&s.connections) <= 8);
    http_close(h);
    server_stop(&s);
}

static void the_environment_decides_no_proxy(void **state)
{
    struct server s;
    (void)state;
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    assert_int_equal(ask_failure(h, &s, "GET", "/hello", NULL), HTTP_ANSWERED);
    http_close(h);
    server_stop(&s);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
}

/* libcurl would write the keys of each connection there. */
static void the_environment_opens_no_connection_to_others(void **state)
{
    struct server s;
    char file[64] = "/tmp/spoolgate-keylog-XXXXXX";
    struct stat st;
    (void)state;
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    setenv("SSLKEYLOGFILE", file, 1);
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    assert_int_equal(ask_failure(h, &s, "GET", "/hello", NULL), HTTP_ANSWERED);
    http_close(h);
    server_stop(&s);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    unsetenv("SSLKEYLOGFILE");
    unlink(file);
    close(fd);
}

/* ---- not sent ---- */

static void a_certificate_that_is_not_right_stops_everything(void **state)
{
    static const enum certificate wrong[] = {EXPIRED, OTHER_NAME,     OTHER_AUTHORITY,    SELF_SIGNED,
                                             OLD_TLS, CLOSES_AT_ONCE, NEVER_SHAKES_HANDS, NO_TLS};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct server s;
        server_start(&s, wrong[i], by_path);
        if (wrong[i] == NO_TLS)
            memmove(s.url + 5, s.url + 4, strlen(s.url) - 3), memcpy(s.url, "https", 5);
        struct http *h = client(&s, 0);
        struct http_exchange x = ask(h, &s, "POST", "/hello", "order");
        assert_int_equal(x.failure, HTTP_NOT_SENT);
        assert_true(x.problem[0] != '\0');
        assert_int_equal(atomic_load(&s.requests), 0);
        http_exchange_free(&x);
        http_close(h);
        server_stop(&s);
    }
}

static void the_system_authorities_do_not_know_the_test_server(void **state)
{
    struct server s;
    char url[256];
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http_settings settings = {.total_seconds = 3};
    struct http *h = http_open(&settings);
    struct http_exchange x = {.method = "GET", .url = url_of(&s, "/hello", url)}, *one = &x;
    http_perform(h, &one, 1, 1);
    assert_int_equal(x.failure, HTTP_NOT_SENT);
    http_exchange_free(&x);
    http_close(h);
    server_stop(&s);
    settings.ca_file = "/nonexistent/ca.pem";
    assert_null(http_open(&settings));
}

static void nobody_there(void **state)
{
    struct server s;
    char url[256];
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    snprintf(url, sizeof url, "%s/hello", s.url);
    server_stop(&s);
    FILE *f = fopen(s.ca_file, "w"); /* settings name it still */
    assert_non_null(f);
    fclose(f);
    struct http_exchange x = {.method = "POST", .url = url, .body = SLICE("x")}, *one = &x;
    http_perform(h, &one, 1, 1);
    assert_int_equal(x.failure, HTTP_NOT_SENT);
    http_exchange_free(&x);
    x = (struct http_exchange){.method = "POST", .url = "https://nothing.invalid/", .body = SLICE("x")};
    http_perform(h, &one, 1, 1);
    assert_int_equal(x.failure, HTTP_NOT_SENT);
    http_exchange_free(&x);
    http_close(h);
    unlink(s.ca_file);
}

static void what_must_not_be_asked_is_refused_here(void **state)
{
    static const char *const urls[] = {"http://192.0.2.1/x",
                                       "http://example.com/",
                                       "http://127.0.0.1.example.com/",
                                       "http://localhost.example.com/",
                                       "file:///etc/passwd",
                                       "ftp://127.0.0.1/x",
                                       "https://user:pw@example.com/",
                                       "https://user@example.com/",
                                       "",
                                       "nonsense",
                                       "https://",
                                       "gopher://127.0.0.1/",
                                       NULL};
    (void)state;
    struct http_settings settings = {.plain_loopback = true, .total_seconds = 3},
                         strict = {.total_seconds = 3};
    struct http *h = http_open(&settings), *strictly = http_open(&strict);
    struct http_exchange x, *one = &x;
    for (const char *const *u = urls; *u; u++) {
        x = (struct http_exchange){.method = "GET", .url = *u};
        http_perform(h, &one, 1, 1);
        assert_int_equal(x.failure, HTTP_REFUSED_HERE);
        http_exchange_free(&x);
    }
    x = (struct http_exchange){.method = "GET", .url = "http://127.0.0.1:1/"};
    http_perform(strictly, &one, 1, 1);
    assert_int_equal(x.failure, HTTP_REFUSED_HERE);
    x = (struct http_exchange){.method = "GET", .url = "http://[::1]:1/"};
    http_perform(h, &one, 1, 1);
    assert_int_equal(x.failure, HTTP_NOT_SENT);
    static const struct http_header bad[] = {{"X", "a\r\nEvil: 1", false}, {"X", "a\n", false},
                                             {"X\r\n", "a", false},        {"", "a", false},
                                             {"X: y", "a", false},         {"X", NULL, false}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        x = (struct http_exchange){
            .method = "GET", .url = "https://127.0.0.1:1/", .headers = {bad[i]}, .header_count = 1};
        http_perform(h, &one, 1, 1);
        assert_int_equal(x.failure, HTTP_REFUSED_HERE);
    }
    x = (struct http_exchange){.method = "GET / HTTP/1.1\r\nX: ", .url = "https://127.0.0.1:1/"};
    http_perform(h, &one, 1, 1);
    assert_int_equal(x.failure, HTTP_REFUSED_HERE);
    http_close(h);
    http_close(strictly);
}

static void plain_http_goes_to_this_machine_when_allowed(void **state)
{
    struct server s;
    (void)state;
    server_start(&s, NO_TLS, by_path);
    struct http *h = client(&s, 0);
    assert_int_equal(ask_failure(h, &s, "GET", "/hello", NULL), HTTP_ANSWERED);
    http_close(h);
    server_stop(&s);
}

/* ---- in doubt ---- */

static void what_breaks_off_after_the_request_is_in_doubt(void **state)
{
    static const char *const paths[] = {"/drop", "/half", "/half-head", "/nonsense", "/never", NULL};
    struct server s;
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    int requests = 0;
    for (const char *const *p = paths; *p; p++) {
        struct http_exchange x = ask(h, &s, "POST", *p, "{\"order\":1}");
        assert_int_equal(x.failure, HTTP_IN_DOUBT);
        assert_true(x.problem[0] != '\0');
        assert_int_equal(atomic_load(&s.requests), ++requests); /* exactly once */
        http_exchange_free(&x);
    }
    http_close(h);
    server_stop(&s);
}

/* libcurl by itself would send these a second time on a fresh connection. */
static void an_effect_is_never_sent_twice_on_a_kept_connection(void **state)
{
    static const struct {
        const char *method, *body;
    } effects[] = {{"POST", "{\"order\":1}"}, {"POST", NULL}, {"PUT", "x"}, {"PUT", NULL},
                   {"DELETE", NULL},          {"PATCH", "x"}};
    struct server s;
    (void)state;
    server_start(&s, GOOD, by_path);
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++) {
        struct http *h = client(&s, 0);
        assert_int_equal(ask_failure(h, &s, "GET", "/hello", NULL), HTTP_ANSWERED);
        int before = atomic_load(&s.requests);
        assert_int_equal(ask_failure(h, &s, effects[i].method, "/drop", effects[i].body), HTTP_IN_DOUBT);
        assert_int_equal(atomic_load(&s.requests), before + 1);
        http_close(h);
    }
    server_stop(&s);
}

/* ---- records ---- */

static void what_is_recorded_and_said_holds_no_secret(void **state)
{
    struct server s;
    char url[256];
    (void)state;
    server_start(&s, GOOD, by_path);
    struct http *h = client(&s, 0);
    static const char *const paths[] = {"/echo", "/drop", "/half", "/missing"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_exchange x = {.method = "POST",
                                  .url = url_of(&s, paths[i], url),
                                  .headers = {{"Authorization", "Bearer sesame-open-4711", true},
                                              {"X-Other", "shown", false}},
                                  .header_count = 2,
                                  .body = SLICE("an echo of sesame-open-4711")},
                             *one = &x;
        http_perform(h, &one, 1, 1);
        json_t *record = http_record(&x, 4096);
        char *text = json_dumps(record, 0);
        assert_null(strstr(text, "sesame-open-4711"));
        assert_null(strstr(x.problem, "sesame-open-4711"));
        assert_non_null(strstr(text, "shown"));
        free(text);
        json_decref(record);
        http_exchange_free(&x);
    }
    http_close(h);
    server_stop(&s);
}

/* ---- encoding ---- */

static void parts_are_percent_encoded(void **state)
{
    struct buffer b = {0};
    (void)state;
    http_encode(&b, SLICE(""));
    assert_int_equal(b.len, 0);
    http_encode(&b, SLICE("a b/c?d&e=\xc3\xa9~-_."));
    assert_string_equal(b.ptr, "a%20b%2Fc%3Fd%26e%3D%C3%A9~-_.");
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_taken_whole),
        cmocka_unit_test(bodies_go_out_with_every_method),
        cmocka_unit_test(gzip_is_read_and_bounded_by_what_comes_out),
        cmocka_unit_test(too_long_answers_are_broken_off),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(several_are_in_flight_and_no_more_than_told),
        cmocka_unit_test(the_environment_decides_no_proxy),
        cmocka_unit_test(the_environment_opens_no_connection_to_others),
        cmocka_unit_test(a_certificate_that_is_not_right_stops_everything),
        cmocka_unit_test(the_system_authorities_do_not_know_the_test_server),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(what_must_not_be_asked_is_refused_here),
        cmocka_unit_test(plain_http_goes_to_this_machine_when_allowed),
        cmocka_unit_test(what_breaks_off_after_the_request_is_in_doubt),
        cmocka_unit_test(an_effect_is_never_sent_twice_on_a_kept_connection),
        cmocka_unit_test(what_is_recorded_and_said_holds_no_secret),
        cmocka_unit_test(parts_are_percent_encoded),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
