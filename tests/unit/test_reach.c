/* reach: what the spool says, outside the state, of how far it came. */
#include "desk.h"

#include "state/reach.h"

#define TODAY "20260322T091455123456-"
#define YESTERDAY "20260321T091455123456-"

static const char *reach_text(struct desk *k)
{
    return tree_text(&k->tree, ".reach");
}

static void numbers_are_written_ahead(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    for (uint32_t n = 1; n <= 1000; n++)
        assert_int_equal(reach_number(s, &k.tree.spool, "fjord", n), 0);
    assert_string_equal(reach_text(&k), "numbers fjord 1000\n");
    assert_int_equal(reach_number(s, &k.tree.spool, "fjord", 1001), 0);
    assert_int_equal(reach_number(s, &k.tree.spool, "hansen", 999999999), 0);
    assert_int_equal(reach_number(s, &k.tree.spool, "fjord", 5), 0); /* a document that comes again */
    assert_string_equal(reach_text(&k), "numbers fjord 1000\nnumbers fjord 2000\nnumbers hansen 999999999\n");
    desk_close(&k);
}

/* Each knows what the others wrote, and none writes into another's line. */
static void several_processes(void **state)
{
    (void)state;
    struct desk k;
    desk_open(&k);
    state_close(k.state);
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            struct findings f = {.arena = &k.tree.arena};
            struct state *s = state_open(k.path, &f);
            char partner[16];
            int wrong = !s;
            for (uint32_t n = 1; s && n <= 20000; n += 7) {
                snprintf(partner, sizeof partner, "p%u", n % 5);
                wrong |= reach_number(s, &k.tree.spool, partner, n) < 0;
            }
            state_close(s);
            _exit(wrong);
        }
    for (int i = 0, status; i < 4; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct reach r = {0};
    assert_int_equal(reach_read(&r, &k.tree.spool), 0);
    assert_int_equal(r.number_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(r.numbers[i].reserved >= 19970 && r.numbers[i].reserved < 21000);
    for (const char *line = reach_text(&k); *line; line = strchr(line, '\n') + 1)
        assert_int_equal(strncmp(line, "numbers p", 9), 0);
    reach_free(&r);
    k.state = state_open(k.path, &k.tree.findings);
    desk_close(&k);
}

static void a_day_is_counted_when_the_next_begins(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct reach r = {0};
    for (int i = 0; i < 3; i++) {
        char path[100];
        snprintf(path, sizeof path, "archive/2026/03/21/" YESTERDAY "00000%d.1/document.json", i);
        tree_put(&k.tree, path, "{}");
        assert_int_equal(reach_archive(s, &k.tree.spool, YESTERDAY "000001.1"), 0);
    }
    assert_string_equal(reach_text(&k), "day 2026/03/21\n");
    assert_int_equal(reach_archive(s, &k.tree.spool, TODAY "000001"), 0);
    assert_int_equal(reach_archive(s, &k.tree.spool, "no-document"), 0);
    assert_string_equal(reach_text(&k), "day 2026/03/21\nday 2026/03/21 3\nday 2026/03/22\n");
    /* what is missing of it: all, part, nothing */
    assert_int_equal(reach_read(&r, &k.tree.spool), 0);
    assert_int_equal(r.day_count, 2);
    assert_true(reach_day_missing(&r.days[0]) && reach_day_missing(&r.days[1]));
    reach_found(&r, YESTERDAY "000000.1", true);
    reach_found(&r, TODAY "000001", true);
    assert_true(reach_day_missing(&r.days[0]));
    assert_false(reach_day_missing(&r.days[1]));
    reach_found(&r, YESTERDAY "000001.1", true);
    reach_found(&r, YESTERDAY "000002.1", false); /* a person has put it somewhere else in the spool */
    assert_false(reach_day_missing(&r.days[0]));
    reach_free(&r);
    desk_close(&k);
}

/* A loss of power, somebody's editor, a later program. */
static void lines_that_are_none(void **state)
{
    (void)state;
    struct desk k;
    struct reach r = {0};
    struct state *s = desk_open(&k)->state;
    char junk[70000];
    memset(junk, 'x', sizeof junk - 1);
    junk[sizeof junk - 1] = '\0';
    tree_put(&k.tree, "./.reach",
             arena_printf(&k.tree.arena,
                          "numbers fjord 40\nnumbers\nnumbers fjord\nnumbers fjord -5\nnumbers fjord "
                          "99999999999\nday\nday 2026\nday ../../../etc\nday 2026/03/211\n%s\nlater fjord 7\n"
                          "day 2026/03/21 4\nday 2026/03/21 x\n\nnumbers hansen 20",
                          junk));
    assert_int_equal(reach_read(&r, &k.tree.spool), 0);
    assert_int_equal(r.number_count, 1);
    assert_int_equal(r.numbers[0].reserved, 40);
    assert_int_equal(r.day_count, 1);
    assert_int_equal(r.days[0].counted, 4);
    assert_int_equal(reach_number(s, &k.tree.spool, "hansen", 21), 0);
    assert_int_equal(reach_read(&r, &k.tree.spool), 0);
    assert_int_equal(r.number_count, 2);
    assert_int_equal(r.numbers[1].reserved, 1020);
    reach_free(&r);
    desk_close(&k);
}

static void a_file_that_is_gone_is_made_again(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    assert_int_equal(reach_number(s, &k.tree.spool, "fjord", 1), 0);
    assert_int_equal(reach_archive(s, &k.tree.spool, YESTERDAY "000001"), 0);
    assert_int_equal(unlinkat(k.tree.spool.root, ".reach", 0), 0);
    assert_int_equal(reach_archive(s, &k.tree.spool, TODAY "000001"), 0);
    assert_non_null(strstr(reach_text(&k), "numbers fjord 1000\n"));
    assert_non_null(strstr(reach_text(&k), "day 2026/03/21\n"));
    assert_non_null(strstr(reach_text(&k), "day 2026/03/22\n"));
    /* and at the start from state and archive, where there never was one: an older spoolgate's spool */
    assert_int_equal(unlinkat(k.tree.spool.root, ".reach", 0), 0);
    assert_int_equal(state_control_number_note(s, "berg", "A.1", 17), 0);
    tree_put(&k.tree, "archive/2025/12/31/" YESTERDAY "000001.1/document.json", "{}");
    tree_put(&k.tree, "archive/lost+found/x/y/z", "");
    assert_int_equal(state_claim_key(s, "k", "20251112T091455123456-000001.1", "x", "erp", NULL), 0);
    assert_int_equal(state_key_delivered(s, "k", "20251112T091455123456-000001.1", 1), 0);
    assert_int_equal(state_claim_key(s, "l", "short", "x", "erp", NULL), 0);
    assert_int_equal(state_key_delivered(s, "l", "short", 1), 0);
    state_close(s);
    k.state = s = state_open(k.path, &k.tree.findings);
    assert_int_equal(reach_begin(s, &k.tree.spool), 0);
    assert_string_equal(reach_text(&k), "day 2025/12/31\nnumbers berg 1016\nday 2025/11/12\n");
    /* a note that cannot be written is the machine's failure, and nobody's to pass over */
    assert_int_equal(unlinkat(k.tree.spool.root, ".reach", 0), 0);
    assert_int_equal(symlinkat("elsewhere", k.tree.spool.root, ".reach"), 0);
    assert_int_equal(reach_number(s, &k.tree.spool, "berg", 5000), -1);
    assert_int_equal(unlinkat(k.tree.spool.root, ".reach", 0), 0);
    assert_int_equal(reach_number(s, &k.tree.spool, "berg", 5000), 0);
    desk_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_ahead),
        cmocka_unit_test(several_processes),
        cmocka_unit_test(a_day_is_counted_when_the_next_begins),
        cmocka_unit_test(lines_that_are_none),
        cmocka_unit_test(a_file_that_is_gone_is_made_again),
    };
    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
