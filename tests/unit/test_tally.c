/* tally: what is counted by several processes at once, with any bytes as labels, in a table with a bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/tally.h"
#include "route/listen.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct buffer text;

static int begin(void **state)
{
    struct tally *t = tally_make();
    tally_use(t);
    *state = t;
    return t ? 0 : -1;
}

static int end(void **state)
{
    tally_free(*state);
    buffer_free(&text);
    return 0;
}

static const char *printed(struct tally *t)
{
    buffer_clear(&text);
    tally_print(t, TALLY_SHARED | TALLY_GAUGES, &text);
    return text.ptr;
}

static unsigned lines_with(const char *all, const char *part)
{
    unsigned n = 0;
    for (const char *at = all; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

static void counts_and_histograms_are_printed(void **state)
{
    tally_count(ATTEMPTS, 2, TALLY_LABELS("b", "retry"));
    tally_count(ATTEMPTS, 1, TALLY_LABELS("a", "delivered"));
    tally_count(ATTEMPTS, 3, TALLY_LABELS("b", "retry"));
    tally_observe(REQUEST_SECONDS, 0.05, TALLY_LABELS("a", "2xx"));
    tally_observe(REQUEST_SECONDS, 0.3, TALLY_LABELS("a", "2xx"));
    tally_observe(REQUEST_SECONDS, 1e6, TALLY_LABELS("a", "2xx"));
    tally_observe(REQUEST_SECONDS, -5, TALLY_LABELS("a", "2xx")); /* a clock was set back */
    const char *all = printed(*state);
    assert_non_null(
        strstr(all, "# TYPE spoolgate_delivery_attempts counter\n"
                    "# HELP spoolgate_delivery_attempts Tries to deliver a document, or to learn whether it "
                    "arrived, by verdict.\n"
                    "spoolgate_delivery_attempts_total{endpoint=\"a\",verdict=\"delivered\"} 1\n"
                    "spoolgate_delivery_attempts_total{endpoint=\"b\",verdict=\"retry\"} 5\n#"));
    assert_non_null(
        strstr(all, "spoolgate_request_seconds_bucket{endpoint=\"a\",answer=\"2xx\",le=\"0.05\"} 2\n"));
    assert_non_null(
        strstr(all, "spoolgate_request_seconds_bucket{endpoint=\"a\",answer=\"2xx\",le=\"0.5\"} 3\n"));
    assert_non_null(strstr(all,
                           "spoolgate_request_seconds_bucket{endpoint=\"a\",answer=\"2xx\",le=\"60.0\"} 3\n"
                           "spoolgate_request_seconds_bucket{endpoint=\"a\",answer=\"2xx\",le=\"+Inf\"} 4\n"
                           "spoolgate_request_seconds_sum{endpoint=\"a\",answer=\"2xx\"} 1000000.350000\n"
                           "spoolgate_request_seconds_count{endpoint=\"a\",answer=\"2xx\"} 4\n"));
    assert_int_equal(lines_with(all, "# TYPE "), FIGURES);
}

static void any_bytes_can_be_a_label(void **state)
{
    char big[300];
    memset(big, '"', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    tally_count(FETCHED, 1, TALLY_LABELS("a\"b\\c\nd\xff\xc3\xa6"));
    tally_count(HANDLED, 1, TALLY_LABELS(big, big, big, big, big, big));
    tally_count(HANDLED, 1, TALLY_LABELS(NULL, "", NULL, NULL, NULL, NULL));
    const char *all = printed(*state);
    assert_non_null(strstr(all, "{endpoint=\"a\\\"b\\\\c\\\\x0ad\\\\xff\xc3\xa6\"} 1\n"));
    assert_non_null(
        strstr(all, "{stage=\"\",source=\"\",type=\"\",partner=\"\",endpoint=\"\",outcome=\"\"} 1\n"));
    assert_int_equal(lines_with(all, "\nspoolgate_handled_documents_total{"), 2);
}

static void beyond_its_bound_the_table_counts_others(void **state)
{
    char name[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "endpoint-%d", i);
        tally_count(FETCHED, 1, TALLY_LABELS(name));
    }
    tally_count(RESTARTS, 1, TALLY_LABELS("late"));
    long sum = 0;
    for (const char *at = printed(*state); (at = strstr(at, "\nspoolgate_fetched_documents_total{")); at++)
        sum += strtol(strchr(at, '}') + 1, NULL, 10);
    assert_int_equal(sum, 20000);
    assert_non_null(strstr(text.ptr, "spoolgate_fetched_documents_total{endpoint=\"other\"} "));
    assert_non_null(strstr(text.ptr, "spoolgate_role_restarts_total{role=\"other\"} 1\n"));
    assert_true(lines_with(text.ptr, "\nspoolgate_fetched_documents_total{") < 4096);
}

static void processes_count_together(void **state)
{
    enum { PROCESSES = 4, EACH = 5000 };
    for (int p = 0; p < PROCESSES; p++)
        if (fork() == 0) {
            for (int i = 0; i < EACH; i++) {
                char name[32];
                snprintf(name, sizeof name, "e%d", i % 100);
                tally_count(FETCHED, 1, TALLY_LABELS(name));
                tally_observe(DELIVERY_SECONDS, 2, TALLY_LABELS("one"));
            }
            _exit(0);
        }
    for (int p = 0; p < PROCESSES; p++)
        wait(NULL);
    const char *all = printed(*state);
    for (int i = 0; i < 100; i++) {
        char line[100];
        snprintf(line, sizeof line, "\nspoolgate_fetched_documents_total{endpoint=\"e%d\"} %d\n", i,
                 PROCESSES * EACH / 100);
        assert_non_null(strstr(all, line));
    }
    assert_non_null(strstr(all, "spoolgate_delivery_seconds_count{endpoint=\"one\"} 20000\n"));
    assert_non_null(strstr(all, "spoolgate_delivery_seconds_sum{endpoint=\"one\"} 40000.000000\n"));
}

static void who_has_no_table_counts_nothing(void **state)
{
    (void)state;
    tally_use(NULL);
    tally_count(FETCHED, 1, TALLY_LABELS("a"));
    tally_observe(DELIVERY_SECONDS, 1, TALLY_LABELS("a"));
    assert_null(strstr(printed(NULL), "{"));
}

static void only_this_machine_is_listened_on(void **state)
{
    static const char *const good[] = {"127.0.0.1:9464", "127.1.2.3:1", "localhost:65535", "[::1]:9464"};
    static const char *const bad[] = {
        "0.0.0.0:9464",   "192.168.0.1:9464",       "[::]:9464",        "::1:9464", "127.0.0.1",
        "127.0.0.1:0",    "127.0.0.1:70000",        "127.0.0.1:9464x",  ":9464",    "9464",
        "[::1",           "[::ffff:10.0.0.1]:9464", "example.com:9464", "",         "[::1]9464",
        "127.0.0.1: 9464"};
    struct sockaddr_storage address;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(listen_address(good[i], &address));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(listen_address(bad[i], &address));
    assert_true(listen_is_loopback("localhost") && listen_is_loopback("[::1]:1") &&
                listen_is_loopback("127.0.0.1"));
    assert_false(listen_is_loopback("example.com:9464") || listen_is_loopback("127.0.0.1.example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_and_histograms_are_printed, begin, end),
        cmocka_unit_test_setup_teardown(any_bytes_can_be_a_label, begin, end),
        cmocka_unit_test_setup_teardown(beyond_its_bound_the_table_counts_others, begin, end),
        cmocka_unit_test_setup_teardown(processes_count_together, begin, end),
        cmocka_unit_test_setup_teardown(who_has_no_table_counts_nothing, begin, end),
        cmocka_unit_test(only_this_machine_is_listened_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
