/* alerts: what is told of what is wrong, when and how often; and what a person wants tried at once (urgent),
 * and which documents must not overtake one another (order). */
#include "tree.h"

#include "base/json.h"
#include "role/alerts.h"
#include "role/order.h"
#include "role/urgent.h"

struct bench {
    struct config config;
    struct rounds rounds;
    struct alerts alerts;
    struct trouble now[40];
};

static struct bench *begin(struct bench *b)
{
    *b = (struct bench){
        .config.alerts = {.command = "/bin/true", .after = 60, .repeat = 3600, .most = 20, .timeout = 1}};
    b->config.spool = "/spool";
    b->rounds.now = b->now;
    alerts_open(&b->alerts);
    return b;
}

/* Something that has been wrong for so many seconds. */
static void wrong(struct bench *b, const char *what, const char *where, int64_t seconds, long count)
{
    struct trouble *t = &b->now[b->rounds.count++];
    *t = (struct trouble){.what = what, .count = count};
    snprintf(t->where, sizeof t->where, "%s", where);
    t->state.since = 1700000000;
    t->state.began = process_milliseconds() - seconds * 1000;
}

/* What a look makes of it, and forgets what was wrong. The alerts that it adds. */
static size_t look(struct bench *b)
{
    size_t before = b->alerts.waiting_count;
    alerts_look(&b->alerts, &b->rounds, &b->config);
    b->rounds.count = 0;
    return b->alerts.waiting_count - before;
}

static const struct alert *last(const struct bench *b)
{
    return &b->alerts.waiting[(b->alerts.first + b->alerts.waiting_count - 1) % ALERTS_WAITING];
}

static void an_outage_is_told_when_it_lasts_and_when_it_ends(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    wrong(&b, "send", "orderful", 59, 0);
    assert_int_equal(look(&b), 0);
    b.alerts.notices[0].began -= 2000;
    wrong(&b, "send", "orderful", 61, 0);
    assert_int_equal(look(&b), 1);
    assert_int_equal(last(&b)->event, ALERT_BEGIN);
    assert_string_equal(last(&b)->where, "orderful");
    wrong(&b, "send", "orderful", 63, 0);
    assert_int_equal(look(&b), 0);
    assert_int_equal(look(&b), 1); /* it is over */
    assert_int_equal(last(&b)->event, ALERT_END);
    assert_int_equal(look(&b), 0);
    alerts_close(&b.alerts);
}

static void a_hiccup_is_not_told(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    wrong(&b, "send", "orderful", 30, 0);
    assert_int_equal(look(&b), 0);
    assert_int_equal(look(&b), 0);
    assert_int_equal(b.alerts.suppressed, 0);
    alerts_close(&b.alerts);
}

static void while_it_lasts_it_is_told_again(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    wrong(&b, "disk", "", 100, 0);
    assert_int_equal(look(&b), 1);
    b.alerts.notices[0].told_at -= 3601000;
    wrong(&b, "disk", "", 4000, 0);
    assert_int_equal(look(&b), 1);
    assert_int_equal(last(&b)->event, ALERT_AGAIN);
    b.config.alerts.repeat = 0;
    b.alerts.notices[0].told_at -= 3601000;
    wrong(&b, "disk", "", 8000, 0);
    assert_int_equal(look(&b), 0);
    alerts_close(&b.alerts);
}

static void documents_in_error_are_told_at_once_and_more_of_them_each_minute(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    wrong(&b, "error", "", 0, 1);
    assert_int_equal(look(&b), 1);
    assert_int_equal(last(&b)->count, 1);
    wrong(&b, "error", "", 2, 500);
    assert_int_equal(look(&b), 0);
    b.alerts.notices[0].told_at -= 61000;
    wrong(&b, "error", "", 63, 1000);
    assert_int_equal(look(&b), 1);
    assert_int_equal(last(&b)->event, ALERT_AGAIN);
    assert_int_equal(last(&b)->count, 1000);
    b.alerts.notices[0].told_at -= 61000;
    wrong(&b, "error", "", 130, 3); /* fewer is no news */
    assert_int_equal(look(&b), 0);
    alerts_close(&b.alerts);
}

static void more_than_allowed_wait_and_are_counted(void **state)
{
    (void)state;
    struct bench b;
    char where[32];
    begin(&b);
    b.config.alerts.most = 2;
    for (int i = 0; i < 30; i++) {
        snprintf(where, sizeof where, "endpoint-%d", i);
        wrong(&b, "send", where, 100, 0);
    }
    assert_int_equal(look(&b), 2);
    b.alerts.allowed_at -= 1900000; /* half an hour: one more */
    wrong(&b, "send", "endpoint-0", 2000, 0);
    wrong(&b, "send", "endpoint-1", 2000, 0);
    wrong(&b, "send", "endpoint-2", 2000, 0);
    assert_int_equal(look(&b), 1); /* endpoint-2 lasts still; the others are over, and were not told */
    assert_string_equal(last(&b)->where, "endpoint-2");
    assert_int_equal(b.alerts.suppressed, 27);
    assert_int_equal(look(&b), 3); /* the ends of what was told go in any case */
    assert_int_equal(last(&b)->event, ALERT_END);
    assert_int_equal(b.alerts.suppressed, 0);
    alerts_close(&b.alerts);
}

static void nobody_to_tell_costs_nothing(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    b.config.alerts.command = NULL;
    wrong(&b, "disk", "", 1000, 0);
    assert_int_equal(look(&b), 0);
    alerts_close(&b.alerts);
}

static void an_alert_is_json_whatever_was_said(void **state)
{
    (void)state;
    struct config c = {.spool = "/var/spool/x\xff"};
    struct alert a = {.event = ALERT_BEGIN, .what = "send", .where = "orderful", .since = 1700000000};
    struct buffer text = {0};
    snprintf(a.about, sizeof a.about, "nothing arrives at orderful");
    snprintf(a.said, sizeof a.said, "they said \"$(reboot)\"\n\x1b[2J\xc3");
    alert_print(&c, &a, &text);
    json_t *j = json_parse(buffer_as_slice(&text), NULL);
    assert_non_null(j);
    assert_string_equal(json_text_at(j, "alert"), "begin");
    assert_string_equal(json_text_at(j, "key"), "send orderful");
    assert_string_equal(json_text_at(j, "since"), "2023-11-14T22:13:20Z");
    assert_null(strchr(json_text_at(j, "said"), '\n'));
    assert_non_null(strstr(json_text_at(j, "text"), "nothing arrives at orderful since 2023"));
    assert_null(memchr(text.ptr, '\x1b', text.len));
    json_decref(j);
    buffer_free(&text);
}

/* ---- urgent ---- */

static void wishes_are_taken_once_as_they_were(void **state)
{
    (void)state;
    struct tree t;
    struct arena a = {0};
    tree_open(&t);
    int outbox = spool_outbox(&t.spool, "orderful");
    assert_null(urgent_take(outbox, &a));
    assert_int_equal(
        urgent_ask(outbox, &(struct urgent){.document = "d.1", .person = "kari", .reason = "a\tb\nc"}), 0);
    assert_int_equal(urgent_ask(outbox, &(struct urgent){.document = "", .person = "ola"}), 0);
    const struct urgent *u = urgent_take(outbox, &a);
    assert_non_null(u);
    assert_string_equal(u->document, "d.1");
    assert_string_equal(u->person, "kari");
    assert_string_equal(u->reason, "a b c");
    assert_string_equal(u->next->document, "");
    assert_string_equal(u->next->person, "ola");
    assert_null(u->next->reason);
    assert_null(u->next->next);
    assert_null(urgent_take(outbox, &a));
    arena_free(&a);
    tree_close(&t);
}

/* Several ask while one takes: none is lost, none is half. */
static void no_wish_is_lost(void **state)
{
    (void)state;
    enum { ASKERS = 4, EACH = 100 };
    struct tree t;
    struct arena a = {0};
    int taken = 0, running = ASKERS;
    tree_open(&t);
    int outbox = spool_outbox(&t.spool, "orderful");
    for (int i = 0; i < ASKERS; i++)
        if (fork() == 0) {
            for (int k = 0; k < EACH; k++)
                if (urgent_ask(outbox, &(struct urgent){.document = "20260321T091455123456-9f3a1c.1",
                                                        .person = "kari"}) < 0)
                    _exit(1);
            _exit(0);
        }
    while (running || faccessat(outbox, URGENT_FILE, F_OK, 0) == 0) {
        int status;
        while (running && waitpid(-1, &status, WNOHANG) > 0) {
            assert_int_equal(status, 0);
            running--;
        }
        for (const struct urgent *u = urgent_take(outbox, &a); u; u = u->next) {
            assert_string_equal(u->document, "20260321T091455123456-9f3a1c.1");
            taken++;
        }
        usleep(500);
    }
    assert_int_equal(taken, ASKERS * EACH);
    arena_free(&a);
    tree_close(&t);
}

/* Anything may lie there. */
static void a_mark_of_anything_is_removed(void **state)
{
    (void)state;
    struct tree t;
    struct arena a = {0};
    tree_open(&t);
    int outbox = spool_outbox(&t.spool, "orderful");
    tree_put(&t, "outbox/orderful/" URGENT_FILE, "no tab\nhalf\tline\n\n\t\t\n\xff\xfe\t\x01\tx");
    const struct urgent *u = urgent_take(outbox, &a);
    assert_non_null(u);
    assert_string_equal(u->document, "");
    assert_non_null(u->next);
    assert_null(u->next->next);
    assert_int_equal(symlinkat("/etc/passwd", outbox, URGENT_FILE), 0);
    assert_null(urgent_take(outbox, &a));
    assert_int_not_equal(faccessat(outbox, URGENT_FILE, F_OK, AT_SYMLINK_NOFOLLOW), 0);
    arena_free(&a);
    tree_close(&t);
}

/* ---- order ---- */

static void what_is_blocked_is_found(void **state)
{
    (void)state;
    struct blocked_set s = {0};
    for (int round = 0; round < 3; round++) {
        blocked_begin(&s, 1000);
        for (uint64_t i = 1; i <= 1000; i++)
            blocked_add(&s, i * s.room + 7, i % 2); /* all in one place */
        blocked_add(&s, s.room + 7, false);
        assert_int_equal(s.count, 1000);
        for (uint64_t i = 1; i <= 1000; i++)
            assert_int_equal(blocked_find(&s, i * s.room + 7)->held, i % 2);
        assert_null(blocked_find(&s, 8));
    }
    blocked_begin(&s, 0);
    assert_null(blocked_find(&s, 7));
    blocked_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_is_told_when_it_lasts_and_when_it_ends),
        cmocka_unit_test(a_hiccup_is_not_told),
        cmocka_unit_test(while_it_lasts_it_is_told_again),
        cmocka_unit_test(documents_in_error_are_told_at_once_and_more_of_them_each_minute),
        cmocka_unit_test(more_than_allowed_wait_and_are_counted),
        cmocka_unit_test(nobody_to_tell_costs_nothing),
        cmocka_unit_test(an_alert_is_json_whatever_was_said),
        cmocka_unit_test(wishes_are_taken_once_as_they_were),
        cmocka_unit_test(no_wish_is_lost),
        cmocka_unit_test(a_mark_of_anything_is_removed),
        cmocka_unit_test(what_is_blocked_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
