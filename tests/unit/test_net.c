/* HTTP, tokens, budgets, backoff against a server that misbehaves on purpose. What counts is what the failure
 * says about the other side: whether it may have acted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/date.h"
#include "base/file.h"
#include "net/backoff.h"
#include "net/budget.h"
#include "net/http.h"
#include "net/oauth.h"
#include "net/seal.h"
#include "test_net.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct http *client(const struct server *s, size_t limit)
{
    struct http_settings settings = {.ca_file = s->ca_file,
                                     .connect_seconds = 2,
                                     .total_seconds = 3,
                                     .answer_limit = limit,
                                     .plain_loopback = true};
    struct http *h = http_open(&settings);
    assert_non_null(h);
    return h;
}

static char *url_of(const struct server *s, const char *path, char out[256])
{
    snprintf(out, 256, "%s%s", s->url, path);
    return out;
}

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

/* ---- encoding, backoff ---- */

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

static void backoff_is_spread_and_bounded(void **state)
{
    (void)state;
    int64_t most = 0, least = INT64_MAX;
    for (int i = 0; i < 1000; i++) {
        int64_t one = backoff_milliseconds(1, 1000, 60000),
                far = backoff_milliseconds(4000000000u, 1000, 60000);
        assert_in_range(one, 0, 1999);
        assert_in_range(far, 0, 59999);
        most = far > most ? far : most;
        least = far < least ? far : least;
    }
    assert_true(most > 50000 && least < 10000);
    assert_int_equal(backoff_milliseconds(3, 0, 1000), 0);
    assert_in_range(backoff_milliseconds(63, INT64_MAX, INT64_MAX), 0, INT64_MAX);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    int64_t now = 1773000000; /* 2026-03-08T20:00:00Z */
    assert_int_equal(retry_after_seconds("120", now), 120);
    assert_int_equal(retry_after_seconds(" 0 ", now), 0);
    assert_int_equal(retry_after_seconds("99999999999999999999", now), 86400);
    assert_int_equal(retry_after_seconds("Sun, 08 Mar 2026 20:01:00 GMT", now), 60);
    assert_int_equal(retry_after_seconds("Sun, 08 Mar 2020 20:01:00 GMT", now), 0);
    assert_int_equal(retry_after_seconds("Sun, 08 Mar 2036 20:01:00 GMT", now), 86400);
    static const char *const bad[] = {"", "-5", "soon", "12 apples", "1.5", NULL};
    for (const char *const *t = bad; *t; t++)
        assert_int_equal(retry_after_seconds(*t, now), -1);
    assert_int_equal(retry_after_seconds(NULL, now), -1);
}

/* ---- budgets and tokens ---- */

struct place {
    char dir[64], path[128];
    struct arena arena;
    struct findings findings;
    struct state *state;
    struct secrets *secrets;
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    char key[128], file[128];
    snprintf(p->dir, sizeof p->dir, "/tmp/spoolgate-net-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof p->path, "%s/state.db", p->dir);
    snprintf(key, sizeof key, "%s/key", p->dir);
    snprintf(file, sizeof file, "%s/secrets", p->dir);
    p->findings.arena = &p->arena;
    p->state = state_open(p->path, &p->findings);
    if (seal_key_create(key, &p->findings))
        return -1;
    p->secrets = secrets_open(file, key, &p->findings);
    *state = p;
    return p->state && p->secrets &&
                   secrets_set(p->secrets, "visma", SLICE("client & secret=1"), &p->findings) == 0
               ? 0
               : -1;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    state_close(p->state);
    secrets_close(p->secrets);
    int result = file_remove_tree(AT_FDCWD, p->dir);
    arena_free(&p->arena);
    free(p);
    return result;
}

static struct http_exchange answer_of(long status, const char *headers)
{
    struct http_exchange x = {
        .method = "GET", .url = "https://x/", .failure = HTTP_ANSWERED, .status = status};
    buffer_text(&x.answer_headers, "HTTP/1.1 200 OK\r\n");
    buffer_text(&x.answer_headers, headers);
    return x;
}

static void learn(struct place *p, const char *name, long status, const char *headers, int64_t now)
{
    struct http_exchange x = answer_of(status, headers);
    assert_int_equal(budget_learn(p->state, name, &x, now), 0);
    http_exchange_free(&x);
}

static void a_budget_lasts_a_window_and_survives_a_restart(void **state)
{
    struct place *p = *state;
    int64_t now = 1773000000;
    for (int i = 0; i < 5; i++)
        assert_int_equal(budget_take(p->state, "b", 5, 3600, 1, now + i), 0);
    assert_int_equal(budget_take(p->state, "b", 5, 3600, 1, now + 10), 3590);
    state_close(p->state);
    p->state = state_open(p->path, &p->findings);
    assert_int_equal(budget_take(p->state, "b", 5, 3600, 1, now + 20), 3580);
    assert_int_equal(budget_take(p->state, "other", 5, 3600, 1, now + 20), 0);
    assert_int_equal(budget_take(p->state, "b", 5, 3600, 5, now + 3600), 0);
    assert_true(budget_take(p->state, "b", 5, 3600, 1, now + 3601) > 0);
    assert_int_equal(budget_take(p->state, "b", 5, 3600, 1, now - 86400 * 365),
                     0); /* the clock was set back */
    assert_int_equal(budget_take(p->state, "none", 0, 3600, 1, now), 0);
    assert_int_equal(budget_take(p->state, "small", 5, 60, 9, now), 0); /* more than a window, alone */
}

static void headers_say_more_than_the_configuration(void **state)
{
    struct place *p = *state;
    int64_t now = 1773000000;
    assert_int_equal(budget_take(p->state, "v", 500, 3600, 1, now), 0);
    learn(p, "v", 200, "X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 2\r\nX-RateLimit-Reset: 120\r\n\r\n",
          now);
    assert_int_equal(budget_take(p->state, "v", 500, 3600, 2, now + 1), 0);
    assert_int_equal(budget_take(p->state, "v", 500, 3600, 1, now + 2), 118);
    /* an answer that was on its way longer does not give back what was taken since */
    learn(p, "v", 200, "X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 1\r\nX-RateLimit-Reset: 118\r\n\r\n",
          now + 2);
    assert_true(budget_take(p->state, "v", 500, 3600, 1, now + 3) > 0);
    assert_int_equal(budget_take(p->state, "v", 500, 3600, 1, now + 121), 0);
    /* the older form: an epoch second */
    char text[200];
    snprintf(text, sizeof text,
             "x-ratelimit-limit: 10\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: %lld\r\n\r\n",
             (long long)now + 200);
    learn(p, "e", 200, text, now);
    assert_int_equal(budget_take(p->state, "e", 500, 3600, 1, now), 200);
    learn(p, "n", 200,
          "X-RateLimit-Limit: x\r\nX-RateLimit-Remaining: -1\r\nX-RateLimit-Reset: "
          "99999999999999999999\r\n\r\n",
          now);
    assert_int_equal(budget_take(p->state, "n", 1, 3600, 1, now), 0);
}

static void a_429_blocks_until_retry_after(void **state)
{
    struct place *p = *state;
    int64_t now = 1773000000;
    learn(p, "a", 429, "Retry-After: 411\r\n\r\n", now);
    assert_int_equal(budget_take(p->state, "a", 500, 3600, 1, now + 1), 410);
    learn(p, "a", 429, "Retry-After: 5\r\n\r\n", now + 2); /* never shorter */
    assert_int_equal(budget_take(p->state, "a", 500, 3600, 1, now + 2), 409);
    assert_int_equal(budget_take(p->state, "a", 500, 3600, 1, now + 411), 0);
    learn(p, "b", 429, "\r\n", now);
    assert_int_equal(budget_take(p->state, "b", 500, 3600, 1, now), 60);
    learn(p, "c", 200, "\r\n", now);
    assert_int_equal(budget_take(p->state, "c", 500, 3600, 1, now), 0);
}

static const char *token_answer =
    "{\"access_token\":\"eyJ.token-1\",\"expires_in\":3600,\"token_type\":\"Bearer\"}";
static int token_status = 200;

static bool connect_token(struct server *s, struct request *r)
{
    (void)s;
    server_answer(r, token_status, "Content-Type: application/json\r\n", token_answer);
    return true;
}

static struct oauth_client visma(const struct server *s, char url[256])
{
    return (struct oauth_client){.name = "visma",
                                 .token_url = url_of(s, "/connect/token", url),
                                 .client_id = "isv_test",
                                 .client_secret_name = "visma",
                                 .scope = "a:read a:create",
                                 .extra = "tenant_id=7d9c"};
}

static enum oauth_result fetch(struct place *p, struct server *s, struct http *h, char token[128])
{
    char url[256];
    struct oauth_client c = visma(s, url);
    struct buffer out = {0};
    enum oauth_result r = oauth_token(&c, h, p->secrets, p->state, &out, &p->findings);
    snprintf(token, 128, "%s", out.len ? out.ptr : "");
    buffer_wipe(&out);
    return r;
}

static void a_token_is_fetched_once_and_kept_sealed(void **state)
{
    struct place *p = *state;
    struct server s;
    char token[128], url[256];
    token_status = 200;
    token_answer = "{\"access_token\":\"eyJ.token-1\",\"expires_in\":3600,\"token_type\":\"Bearer\"}";
    server_start(&s, GOOD, connect_token);
    struct http *h = client(&s, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fetch(p, &s, h, token), OAUTH_OK);
        assert_string_equal(token, "eyJ.token-1");
    }
    assert_int_equal(atomic_load(&s.requests), 1);
    assert_string_equal(s.last_body.ptr,
                        "grant_type=client_credentials&client_id=isv_test&scope=a%3Aread%20a%3Acreate&"
                        "tenant_id=7d9c&client_secret=client%20%26%20secret%3D1");
    assert_non_null(strstr(s.last_head.ptr, "application/x-www-form-urlencoded"));
    struct oauth_client c = visma(&s, url);
    assert_in_range(oauth_expires_in(&c, p->state), 3500, 3600);
    /* sealed in the state's file */
    state_close(p->state);
    struct buffer file = {0};
    assert_int_equal(file_read(AT_FDCWD, p->path, 1 << 24, &file), 0);
    assert_null(memmem(file.ptr, file.len, "eyJ.token-1", 11));
    buffer_free(&file);
    p->state = state_open(p->path, &p->findings);
    assert_int_equal(fetch(p, &s, h, token), OAUTH_OK);
    assert_int_equal(atomic_load(&s.requests), 1);
    oauth_forget(&c, p->state);
    assert_int_equal(oauth_expires_in(&c, p->state), -1);
    assert_int_equal(fetch(p, &s, h, token), OAUTH_OK);
    assert_int_equal(atomic_load(&s.requests), 2);
    /* another scope is another token */
    c.scope = "a:read";
    struct buffer out = {0};
    assert_int_equal(oauth_token(&c, h, p->secrets, p->state, &out, &p->findings), OAUTH_OK);
    assert_int_equal(atomic_load(&s.requests), 3);
    buffer_wipe(&out);
    http_close(h);
    server_stop(&s);
}

static void a_token_about_to_expire_is_renewed_or_serves_on(void **state)
{
    struct place *p = *state;
    struct server s;
    char token[128];
    token_status = 200;
    token_answer = "{\"access_token\":\"short\",\"expires_in\":\"30\"}";
    server_start(&s, GOOD, connect_token);
    struct http *h = client(&s, 0);
    assert_int_equal(fetch(p, &s, h, token), OAUTH_OK);
    assert_int_equal(fetch(p, &s, h, token), OAUTH_OK); /* 30 s are less than 60 */
    assert_int_equal(atomic_load(&s.requests), 2);
    token_status = 503;
    assert_int_equal(fetch(p, &s, h, token), OAUTH_OK);
    assert_string_equal(token, "short");
    assert_int_equal(atomic_load(&s.requests), 3);
    http_close(h);
    server_stop(&s);
}

static bool said(const struct place *p, const char *code)
{
    for (const struct finding *f = p->findings.first; f; f = f->next)
        if (strcmp(f->code, code) == 0 && *f->todo)
            return true;
    return false;
}

static void refusals_are_told_from_what_passes(void **state)
{
    struct place *p = *state;
    static const struct {
        int status;
        const char *answer;
        enum oauth_result result;
        const char *code;
    } cases[] = {
        {400, "{\"error\":\"invalid_client\"}", OAUTH_REFUSED, "oauth.invalid_client"},
        {401, "{\"error\":\"invalid_client\",\"error_description\":\"no: client & secret=1\"}", OAUTH_REFUSED,
         "oauth.invalid_client"},
        {400, "{\"error\":\"invalid_tenant\"}", OAUTH_REFUSED, "oauth.invalid_tenant"},
        {400, "{\"error\":\"invalid_scope\"}", OAUTH_REFUSED, "oauth.invalid_scope"},
        {403, "<html>no</html>", OAUTH_REFUSED, "oauth.refused"},
        {404, "", OAUTH_REFUSED, "oauth.refused"},
        {429, "", OAUTH_LATER, NULL},
        {500, "{\"error\":\"invalid_client\"}", OAUTH_LATER, NULL},
        {503, "", OAUTH_LATER, NULL},
        {302, "", OAUTH_LATER, NULL},
        {200, "", OAUTH_LATER, NULL},
        {200, "{\"access_token\":\"\"}", OAUTH_LATER, NULL},
        {200, "{\"access_token\":\"a\\r\\nX: y\"}", OAUTH_LATER, NULL},
        {200, "{\"access_token\":\"abc\",\"token_type\":\"mac\"}", OAUTH_LATER, NULL},
        {200, "{\"access_token\":5}", OAUTH_LATER, NULL},
    };
    struct server s;
    char token[128];
    server_start(&s, GOOD, connect_token);
    struct http *h = client(&s, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        token_status = cases[i].status;
        token_answer = cases[i].answer;
        assert_int_equal(fetch(p, &s, h, token), cases[i].result);
        assert_string_equal(token, "");
        assert_true(!cases[i].code || said(p, cases[i].code));
    }
    for (const struct finding *f = p->findings.first; f; f = f->next)
        assert_null(strstr(f->what, "secret=1"));
    http_close(h);
    server_stop(&s);
}

static void without_the_secret_nothing_is_asked(void **state)
{
    struct place *p = *state;
    struct server s;
    char url[256];
    struct buffer out = {0};
    server_start(&s, GOOD, connect_token);
    struct http *h = client(&s, 0);
    struct oauth_client c = visma(&s, url);
    c.client_secret_name = "not-set";
    assert_int_equal(oauth_token(&c, h, p->secrets, p->state, &out, &p->findings), OAUTH_REFUSED);
    assert_true(said(p, "secrets.missing"));
    assert_int_equal(atomic_load(&s.requests), 0);
    http_close(h);
    server_stop(&s);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
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
        cmocka_unit_test(backoff_is_spread_and_bounded),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        IN_PLACE(a_budget_lasts_a_window_and_survives_a_restart),
        IN_PLACE(headers_say_more_than_the_configuration),
        IN_PLACE(a_429_blocks_until_retry_after),
        IN_PLACE(a_token_is_fetched_once_and_kept_sealed),
        IN_PLACE(a_token_about_to_expire_is_renewed_or_serves_on),
        IN_PLACE(refusals_are_told_from_what_passes),
        IN_PLACE(without_the_secret_nothing_is_asked),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
