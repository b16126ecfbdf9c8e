/* state: facts, migrations, several writers, files that are no state. */
#include "desk.h"

#include "base/json.h"
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <time.h>

/* ---- facts ---- */

static void a_key_has_one_holder(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct seen holder = {0};
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "A.1", "aaa", "erp", &holder), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "A.1", "aab", "erp", &holder),
                     0); /* its own, corrected */
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "B.1", "bbb", "erp", &holder), 1);
    assert_string_equal(holder.document, "A.1");
    assert_string_equal(holder.canonical_sha256, "aab");
    assert_int_equal(state_release_key(s, "out|fjord|order|1", "B.1"), 0); /* not its to release */
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "B.1", "bbb", "erp", NULL), 1);
    assert_int_equal(state_take_key(s, "out|fjord|order|1", "B.1", "bbb", "erp"), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "A.1", "aaa", "erp", &holder), 1);
    assert_string_equal(holder.document, "B.1");
    assert_int_equal(state_release_key(s, "out|fjord|order|1", "B.1"), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "A.1", "aaa", "erp", &holder), 0);
    assert_int_equal(state_claim_key(s, "x' OR '1'='1", "A.1", "aaa", "erp", &holder), 0);
    desk_close(&k);
}

static void control_numbers_are_never_used_twice(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    uint32_t n, again;
    for (uint32_t i = 1; i <= 20; i++) {
        char document[16];
        snprintf(document, sizeof document, "D%u.1", i);
        assert_int_equal(state_control_number(s, "fjord", document, &n), 0);
        assert_int_equal(n, i);
        assert_int_equal(state_control_number(s, "fjord", document, &again), 0);
        assert_int_equal(again, i);
    }
    assert_int_equal(state_control_number(s, "other", "D1.1", &n), 0);
    assert_int_equal(n, 1);
    /* a transaction that is given up gives its number up as well */
    assert_int_equal(state_begin(s), 0);
    assert_int_equal(state_control_number(s, "fjord", "E.1", &n), 0);
    assert_int_equal(n, 21);
    state_rollback(s);
    state_rollback(s);
    assert_int_equal(state_control_number(s, "fjord", "F.1", &n), 0);
    assert_int_equal(n, 21);
    assert_int_equal(state_control_number_note(s, "fjord", "G.1", 999999998), 0);
    assert_int_equal(state_control_number_note(s, "fjord", "G.1", 0), -1);
    assert_int_equal(state_control_number_note(s, "fjord", "G.1", 1000000000), -1);
    assert_int_equal(state_control_number(s, "fjord", "H.1", &n), 0);
    assert_int_equal(n, 999999999);
    assert_int_equal(state_control_number(s, "fjord", "I.1", &n), -1);
    assert_non_null(strstr(state_error(s), "used up"));
    assert_int_equal(state_control_number(s, "fjord", "H.1", &n), 0);
    assert_int_equal(n, 999999999);
    desk_close(&k);
}

static void facts_of_polls_and_vendors_stay(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct buffer b = {0};
    int64_t expires = 0;
    struct budget_row row = {1, 2, 3, 4, 5}, got = {0};
    assert_int_equal(state_cursor_get(s, "visma", "orders", &b), 1);
    assert_int_equal(state_cursor_set(s, "visma", "orders", "2026-03-21T00:00:00Z"), 0);
    assert_int_equal(state_cursor_set(s, "visma", "orders", "2026-03-22T00:00:00Z"), 0);
    assert_int_equal(state_cursor_get(s, "visma", "orders", &b), 0);
    assert_string_equal(b.ptr, "2026-03-22T00:00:00Z");
    assert_int_equal(state_polled(s, "visma", "order 1", "v1"), 0);
    assert_int_equal(state_polled_note(s, "visma", "order 1", "v1"), 0);
    assert_int_equal(state_polled(s, "visma", "order 1", "v1"), 1);
    assert_int_equal(state_polled(s, "visma", "order 1", "v2"), 0);
    buffer_clear(&b);
    assert_int_equal(state_token_get(s, "visma", &b, &expires), 1);
    assert_int_equal(state_token_set(s, "visma", slice_make("a\0b\xff", 4), 99), 0);
    assert_int_equal(state_token_get(s, "visma", &b, &expires), 0);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.ptr, "a\0b\xff", 4);
    assert_int_equal(expires, 99);
    assert_int_equal(state_token_forget(s, "visma"), 0);
    assert_int_equal(state_token_get(s, "visma", &b, &expires), 1);
    assert_int_equal(state_budget_get(s, "visma", &got), 1);
    assert_int_equal(state_budget_set(s, "visma", &row), 0);
    assert_int_equal(state_budget_get(s, "visma", &got), 0);
    assert_memory_equal(&row, &got, sizeof row);
    buffer_free(&b);
    desk_close(&k);
}

static void links_lead_from_numbers_to_documents(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct buffer b = {0};
    assert_int_equal(state_link(s, "order", "4711", "B.1"), 0);
    assert_int_equal(state_link(s, "order", "4711", "A.1"), 0);
    assert_int_equal(state_link(s, "order", "4711", "A.1"), 0);
    assert_int_equal(state_link(s, "invoice", "9", "A.1"), 0);
    assert_int_equal(state_links(s, "4711", note_row, &b), 0);
    assert_string_equal(b.ptr, "order 4711 A.1;order 4711 B.1;");
    buffer_clear(&b);
    assert_int_equal(state_links_of(s, "A.1", note_row, &b), 0);
    assert_string_equal(b.ptr, "invoice 9 A.1;order 4711 A.1;");
    b.len = 0;
    buffer_reserve(&b, 20001);
    memset(b.ptr, 'x', 20000);
    b.len = 20000;
    assert_int_equal(state_links(s, "4711", note_row, &b), 7); /* ends at the first */
    buffer_free(&b);
    desk_close(&k);
}

struct looked {
    struct state *state;
    int rows;
    char order[200];
};

static int look_row(void *context, const struct awaited *a)
{
    struct looked *l = context;
    struct awaited later = *a;
    later.next_look += 100; /* a chore writes while it walks */
    later.looks++;
    l->rows++;
    strcat(l->order, a->document);
    return state_await(l->state, &later);
}

static void awaited_documents_are_looked_at_when_due(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct looked l = {.state = s};
    for (int i = 0; i < 5; i++) {
        struct awaited a = {.endpoint = "orderful", .since = 1, .next_look = 50 - i * 10};
        snprintf(a.document, sizeof a.document, "%d", i);
        if (i == 4)
            strcpy(a.endpoint, "sps");
        assert_int_equal(state_await(s, &a), 0);
    }
    assert_int_equal(state_awaited(s, "orderful", 40, 2, look_row, &l), 0);
    assert_string_equal(l.order, "32");
    l.order[0] = '\0';
    assert_int_equal(state_awaited(s, "orderful", 40, 0, look_row, &l), 0);
    assert_string_equal(l.order, "1");
    l = (struct looked){.state = s};
    assert_int_equal(state_await_done(s, "0"), 0);
    assert_int_equal(state_awaited(s, NULL, 0, 0, look_row, &l), 0);
    assert_int_equal(l.rows, 4);
    desk_close(&k);
}

/* ---- files ---- */

static void what_is_no_state_is_refused_with_a_way_out(void **state)
{
    (void)state;
    struct desk k;
    desk_open(&k);
    char path[300];
    static char noise[20000];
    memset(noise, 'n', sizeof noise);
    snprintf(path, sizeof path, "%s/noise.db", k.tree.path);
    assert_int_equal(file_write(AT_FDCWD, path, slice_make(noise, sizeof noise), 0600, true), 0);
    assert_null(state_open(path, &k.tree.findings));
    assert_true(tree_said(&k.tree, "state.damaged"));
    assert_non_null(strstr(k.tree.findings.last->todo, "spoolgate reindex"));
    struct buffer b = {0};
    assert_int_equal(file_read(AT_FDCWD, path, 100000, &b), 0);
    assert_int_equal(b.len, sizeof noise); /* not touched */
    buffer_free(&b);
    snprintf(path, sizeof path, "%s/foreign.db", k.tree.path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE bookmarks (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_null(state_open(path, &k.tree.findings));
    assert_true(tree_said(&k.tree, "state.foreign"));
    snprintf(path, sizeof path, "%s/none/state.db", k.tree.path);
    assert_null(state_open(path, &k.tree.findings));
    assert_true(tree_said(&k.tree, "state.open"));
    assert_null(state_open(k.tree.path, &k.tree.findings)); /* a folder */
    snprintf(path, sizeof path, "%s/link.db", k.tree.path);
    assert_int_equal(symlink(k.path, path), 0);
    assert_null(state_open(path, &k.tree.findings));
    desk_close(&k);
}

static void a_damaged_page_is_an_error_not_an_answer(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    assert_int_equal(state_begin(s), 0);
    for (int i = 0; i < 3000; i++) {
        char value[100];
        snprintf(value, sizeof value, "%080d", i);
        assert_int_equal(state_link(s, "order", value, "A.1"), 0);
    }
    assert_int_equal(state_commit(s), 0);
    state_close(s);
    int fd = open(k.path, O_RDWR);
    off_t size = lseek(fd, 0, SEEK_END);
    static char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    for (off_t at = 2 * 4096; at < size; at += 4096)
        assert_true(pwrite(fd, noise, sizeof noise, at) == sizeof noise);
    close(fd);
    k.state = state_open(k.path, &k.tree.findings);
    if (k.state) {
        struct buffer b = {0};
        char value[100];
        snprintf(value, sizeof value, "%080d", 7);
        assert_int_equal(state_links(k.state, value, note_row, &b), -1);
        assert_true(strlen(state_error(k.state)) > 0);
        buffer_free(&b);
    } else {
        assert_true(tree_said(&k.tree, "state.damaged"));
    }
    desk_close(&k);
}

static void versions_go_up_and_never_down(void **state)
{
    (void)state;
    struct desk k;
    desk_open(&k);
    uint32_t n;
    assert_int_equal(state_control_number(k.state, "fjord", "A.1", &n), 0);
    state_close(k.state);
    k.state = state_open(k.path, &k.tree.findings); /* at its version: opened as it is */
    assert_non_null(k.state);
    assert_int_equal(state_control_number(k.state, "fjord", "A.1", &n), 0);
    assert_int_equal(n, 1);
    state_close(k.state);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=9999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    k.state = state_open(k.path, &k.tree.findings);
    assert_null(k.state);
    assert_true(tree_said(&k.tree, "state.newer"));
    assert_non_null(strstr(k.tree.findings.last->what, "9999"));
    desk_close(&k);
}

static void another_filesystem_is_noticed(void **state)
{
    (void)state;
    struct desk k;
    desk_open(&k);
    assert_int_equal(state_stands_with(k.state, k.tree.spool.root), 0);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY);
    assert_int_equal(state_stands_with(k.state, proc), 1);
    close(proc);
    assert_int_equal(state_stands_with(k.state, -1), -1);
    desk_close(&k);
}

/* ---- several processes ---- */

static void writers_wait_for_one_another(void **state)
{
    (void)state;
    enum { WRITERS = 4, EACH = 150 };
    struct desk k;
    desk_open(&k);
    state_close(k.state);
    assert_int_equal(unlink(k.path), 0); /* they make it themselves, all at once */
    pid_t child[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        child[w] = fork();
        if (child[w] != 0)
            continue;
        struct state *s = state_open(k.path, &k.tree.findings);
        for (int i = 0; s && i < EACH; i++) {
            char document[32];
            uint32_t n;
            snprintf(document, sizeof document, "%d-%d", w, i);
            if (i % 2 == 0) {
                if (state_control_number(s, "fjord", document, &n) < 0)
                    _exit(2);
                continue;
            }
            if (state_begin(s) < 0 || state_control_number(s, "fjord", document, &n) < 0 ||
                state_link(s, "order", document, document) < 0 || state_commit(s) < 0)
                _exit(3);
        }
        _exit(s ? 0 : 1);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        waitpid(child[w], &status, 0);
        assert_int_equal(status, 0);
    }
    k.state = state_open(k.path, &k.tree.findings);
    uint32_t n;
    assert_int_equal(state_control_number(k.state, "fjord", "one more", &n), 0);
    assert_int_equal(n, WRITERS * EACH + 1); /* the unique index holds that none came twice */
    desk_close(&k);
}

static void a_killed_writer_leaves_whole_transactions(void **state)
{
    (void)state;
    struct desk k;
    desk_open(&k);
    unsigned seed = (unsigned)time(NULL);
    for (int round = 0; round < 60; round++) {
        pid_t child = fork();
        if (child == 0) {
            struct state *s = state_open(k.path, &k.tree.findings);
            if (!s)
                _exit(1);
            for (int i = 0;; i++) {
                char document[32];
                uint32_t n;
                snprintf(document, sizeof document, "%d-%d", round, i);
                state_begin(s);
                state_control_number(s, "fjord", document, &n);
                snprintf(document, sizeof document, "%u", n);
                state_link(s, "control", document, "x");
                state_commit(s);
            }
        }
        struct timespec pause = {.tv_nsec = rand_r(&seed) % 8000000};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    uint32_t last;
    assert_int_equal(state_control_number(k.state, "fjord", "last", &last), 0);
    for (uint32_t n = 1; n < last; n++) {
        char value[16];
        struct buffer b = {0};
        snprintf(value, sizeof value, "%u", n);
        assert_int_equal(state_links(k.state, value, note_row, &b), 0);
        assert_true(b.len > 0);
        buffer_free(&b);
    }
    assert_true(last > 1);
    desk_close(&k);
}

static void a_full_disk_is_said(void **state)
{
    (void)state;
    struct desk k;
    desk_open(&k);
    char path[300], file[320];
    snprintf(path, sizeof path, "%s/small", k.tree.path);
    assert_int_equal(mkdir(path, 0700), 0);
    if (mount("none", path, "tmpfs", 0, "size=400k") < 0) {
        print_message("# no small filesystem can be mounted here (%s)\n", strerror(errno));
        desk_close(&k);
        skip();
    }
    snprintf(file, sizeof file, "%s/state.db", path);
    struct state *s = state_open(file, &k.tree.findings);
    int rc = 0, i = 0;
    uint32_t n = 0, before = 0;
    char document[120];
    for (; s && rc == 0 && i < 100000; i++) {
        snprintf(document, sizeof document, "%0100d", i);
        before = n;
        rc = state_control_number(s, "fjord", document, &n);
    }
    bool said = s && strstr(state_error(s), "full") != NULL;
    state_close(s);
    s = state_open(file, &k.tree.findings);
    snprintf(document, sizeof document, "%0100d", 0);
    int again = s ? state_control_number(s, "fjord", document, &n) : -1;
    state_close(s);
    assert_int_equal(umount(path), 0);
    assert_int_equal(rc, -1);
    assert_true(said);
    assert_true(before > 0);
    assert_int_equal(again, 0);
    assert_int_equal(n, 1);
    desk_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_one_holder),
        cmocka_unit_test(control_numbers_are_never_used_twice),
        cmocka_unit_test(facts_of_polls_and_vendors_stay),
        cmocka_unit_test(links_lead_from_numbers_to_documents),
        cmocka_unit_test(awaited_documents_are_looked_at_when_due),
        cmocka_unit_test(what_is_no_state_is_refused_with_a_way_out),
        cmocka_unit_test(a_damaged_page_is_an_error_not_an_answer),
        cmocka_unit_test(versions_go_up_and_never_down),
        cmocka_unit_test(another_filesystem_is_noticed),
        cmocka_unit_test(writers_wait_for_one_another),
        cmocka_unit_test(a_killed_writer_leaves_whole_transactions),
        cmocka_unit_test(a_full_disk_is_said),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
