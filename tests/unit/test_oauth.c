/* What lets a caller in and what holds it back: tokens, budgets, backoff, across restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "net/backoff.h"
#include "net/budget.h"
#include "net/oauth.h"
#include "net/seal.h"
#include "test_net.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- backoff ---- */

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
        {302, "", OAUTH_LATER, "oauth.redirect"},
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
    return cmocka_run_group_tests_name("oauth", tests, NULL, NULL);
}
