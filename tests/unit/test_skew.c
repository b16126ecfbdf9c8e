/* How the clocks of other sides stand: measured by the Date headers of answers, kept in the state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"

#include "base/log.h"
#include "net/budget.h"
#include "net/skew.h"
#include <stdio.h>
#include <time.h>

#define URL "https://API.example/v3"
#define NOON 1772452800 /* 2026-03-02 12:00:00 UTC */

struct clocks {
    struct tree tree;
    struct state *state;
};

static void open_state(struct clocks *c)
{
    char path[600];
    snprintf(path, sizeof path, "%s/state.db", c->tree.path);
    c->state = state_open(path, &c->tree.findings);
    assert_non_null(c->state);
}

static void begin(struct clocks *c)
{
    memset(c, 0, sizeof *c);
    tree_open(&c->tree);
    open_state(c);
}

static void end(struct clocks *c)
{
    state_close(c->state);
    tree_close(&c->tree);
}

static void headers(struct http_exchange *x, int64_t theirs, const char *more)
{
    char date[64];
    time_t at = (time_t)theirs;
    struct tm t;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &t));
    buffer_clear(&x->answer_headers);
    buffer_printf(&x->answer_headers, "HTTP/1.1 200 OK\r\nDate: %s\r\n%s\r\n", date, more);
}

/* An answer that took so many ms, begun at ours by our clock, while theirs showed theirs. */
static void answered(struct clocks *c, int64_t ours, int64_t theirs, int64_t took, const char *more)
{
    struct http_exchange x = {.method = "GET", .url = URL, .failure = HTTP_ANSWERED, .status = 200};
    x.begun = ours * 1000;
    x.answered = x.begun + took;
    headers(&x, theirs, more);
    skew_learn(c->state, URL, &x);
    http_exchange_free(&x);
}

static struct skew known(struct clocks *c, int64_t since)
{
    struct skew k;
    assert_int_equal(skew_since(c->state, "https://api.example:443/other", since, &k), 0);
    return k;
}

static void what_is_measured_is_kept(void **state)
{
    (void)state;
    struct clocks c;
    begin(&c);
    assert_false(known(&c, NOON).known);
    answered(&c, NOON, NOON - 600, 100, "");
    struct skew k = known(&c, NOON);
    assert_true(k.known);
    assert_in_range(k.least + 1000, 399, 400); /* rounded outwards */
    assert_in_range(k.most + 1000, 400, 401);
    assert_in_range(k.now + 1000, 399, 401);
    assert_int_equal(k.measured, NOON);
    state_close(c.state);
    open_state(&c);
    assert_true(known(&c, NOON).known);
    struct skew other;
    assert_int_equal(skew_since(c.state, "https://api.example:8443", NOON, &other), 0);
    assert_false(other.known);
    end(&c);
}

static void what_measures_nothing(void **state)
{
    (void)state;
    struct clocks c;
    begin(&c);
    answered(&c, NOON, NOON + 50, 40000, "");              /* too slow an answer */
    answered(&c, NOON, NOON - 7200, 100, "Age: 7200\r\n"); /* a cache's */
    answered(&c, NOON, NOON, -1, "");                      /* our clock was set meanwhile */
    struct http_exchange x = {.failure = HTTP_ANSWERED, .begun = 1, .answered = 2};
    buffer_text(&x.answer_headers, "HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n");
    skew_learn(c.state, URL, &x);
    buffer_clear(&x.answer_headers);
    skew_learn(c.state, URL, &x);
    headers(&x, NOON, "");
    x.answered = 0; /* never answered */
    skew_learn(c.state, URL, &x);
    http_exchange_free(&x);
    assert_false(known(&c, NOON).known);
    end(&c);
}

/* Theirs was put right, or ours: a time that was written before is compared by what stood then as well. */
static void a_clock_that_was_set(void **state)
{
    (void)state;
    struct clocks c;
    begin(&c);
    answered(&c, NOON, NOON - 600, 100, "");
    answered(&c, NOON + 7200, NOON + 7200, 100, "");
    struct skew k = known(&c, NOON + 7200);
    assert_true(k.least <= -599 && k.most >= 0 && k.now == 0);
    k = known(&c, NOON + 3 * 86400); /* long after nothing of the first spell counts */
    assert_true(k.least >= -1 && k.most <= 1);
    answered(&c, NOON - 86400, NOON + 7300, 100, ""); /* ours was set back by a day */
    k = known(&c, NOON - 86400);
    assert_true(k.now >= 86400 + 7000 && k.least <= -599 && k.most >= 86400);
    end(&c);
}

/* Servers that take turns, with clocks of their own, do not fill the state. */
static void clocks_that_take_turns(void **state)
{
    (void)state;
    struct clocks c;
    struct skew_row last;
    begin(&c);
    for (int i = 0; i < 500; i++)
        answered(&c, NOON + i, NOON + i + (i % 2 ? 40 : -40), 10, "");
    struct skew k = known(&c, NOON + 500);
    assert_true(k.least <= -39 && k.most >= 40);
    assert_int_equal(state_skew_last(c.state, "api.example:443", &last), 0);
    assert_int_equal(last.spell, 1);
    end(&c);
}

static int count(void *context, const struct skew_row *row)
{
    (void)row;
    ++*(int *)context;
    return 0;
}

static void what_is_kept_is_bounded(void **state)
{
    (void)state;
    struct clocks c;
    int rows = 0;
    begin(&c);
    for (int i = 0; i < 300; i++)
        answered(&c, NOON + i * 3700, NOON + i * 3700 + i * 60, 10, "");
    assert_int_equal(state_skews(c.state, "api.example:443", count, &rows), 0);
    assert_in_range(rows, 2, 64);
    for (int day = 20; day < 200; day++)
        answered(&c, NOON + day * 86401, NOON + day * 86401, 10, "");
    rows = 0;
    assert_int_equal(state_skews(c.state, "api.example:443", count, &rows), 0);
    assert_in_range(rows, 2, 32);
    end(&c);
}

/* A moment in Retry-After or X-RateLimit-Reset is one of their clock. */
static void moments_of_theirs(void **state)
{
    (void)state;
    struct http_exchange x = {.failure = HTTP_ANSWERED, .status = 429};
    headers(&x, NOON - 600, "Retry-After: Mon, 02 Mar 2026 11:51:00 GMT\r\n");
    assert_int_equal(http_answer_retry_after(&x), 60);
    headers(&x, NOON + 86400, "Retry-After: 7\r\n");
    assert_int_equal(http_answer_retry_after(&x), 7);
    headers(&x, NOON, "");
    assert_int_equal(http_answer_retry_after(&x), -1);
    struct clocks c;
    struct budget_row row;
    begin(&c);
    headers(&x, NOON - 600,
            "X-RateLimit-Limit: 10\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1772452230\r\n");
    assert_int_equal(budget_learn(c.state, "b", &x, NOON), 0);
    assert_int_equal(state_budget_get(c.state, "b", &row), 0);
    assert_int_equal(row.blocked_until, NOON + 30);
    http_exchange_free(&x);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_measured_is_kept), cmocka_unit_test(what_measures_nothing),
        cmocka_unit_test(a_clock_that_was_set),     cmocka_unit_test(clocks_that_take_turns),
        cmocka_unit_test(what_is_kept_is_bounded),  cmocka_unit_test(moments_of_theirs),
    };
    log_threshold(LOG_ERROR); /* each jump is told */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
