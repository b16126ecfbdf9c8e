/* state: facts, migrations, several writers, files that are no state, and reindex. */
#include "tree.h"

#include "base/json.h"
#include "spool/document.h"
#include "state/mark.h"
#include "state/reindex.h"
#include "state/state.h"
#include <signal.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <time.h>

struct desk {
    struct tree tree;
    struct state *state;
    char path[300];
};

static struct desk *desk_open(struct desk *k)
{
    tree_open(&k->tree);
    snprintf(k->path, sizeof k->path, "%s/state.db", k->tree.path);
    k->state = state_open(k->path, &k->tree.findings);
    assert_non_null(k->state);
    return k;
}

static void desk_close(struct desk *k)
{
    state_close(k->state);
    tree_close(&k->tree);
}

/* ---- facts ---- */

static void a_key_has_one_holder(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct seen holder = {0};
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "A.1", "aaa", &holder), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "A.1", "aab", &holder),
                     0); /* its own, corrected */
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "B.1", "bbb", &holder), 1);
    assert_string_equal(holder.document, "A.1");
    assert_string_equal(holder.canonical_sha256, "aab");
    assert_int_equal(state_release_key(s, "out|fjord|order|1", "B.1"), 0); /* not its to release */
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "B.1", "bbb", NULL), 1);
    assert_int_equal(state_take_key(s, "out|fjord|order|1", "B.1", "bbb"), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "A.1", "aaa", &holder), 1);
    assert_string_equal(holder.document, "B.1");
    assert_int_equal(state_release_key(s, "out|fjord|order|1", "B.1"), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "A.1", "aaa", &holder), 0);
    assert_int_equal(state_claim_key(s, "x' OR '1'='1", "A.1", "aaa", &holder), 0);
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

static int note_row(void *context, const char *kind, const char *value, const char *document)
{
    struct buffer *b = context;
    buffer_printf(b, "%s %s %s;", kind, value, document);
    return b->len > 10000 ? 7 : 0;
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
            for (int i = 0; s; i++) {
                char document[32];
                uint32_t n;
                snprintf(document, sizeof document, "%d-%d", round, i);
                state_begin(s);
                state_control_number(s, "fjord", document, &n);
                snprintf(document, sizeof document, "%u", n);
                state_link(s, "control", document, "x");
                state_commit(s);
            }
            _exit(1);
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

/* ---- reindex ---- */

#define DAY_ONE "20260321T091455123456-00000"
#define DAY_TWO "20260322T091455123456-00000"

static void put_document(struct tree *t, const char *place, const char *name, const char *members)
{
    char path[400], text[2000];
    snprintf(path, sizeof path, "%s/%s/document.json", place, name);
    snprintf(text, sizeof text, "{\"id\":\"%.28s\"%s%s}", name, *members ? "," : "", members);
    tree_put(t, path, text);
}

static void put_documents(struct tree *t)
{
    put_document(
        t, "archive/2026/03/21", DAY_ONE "1.1",
        "\"business_key\":\"out|fjord|order|1\",\"partner\":\"fjord\",\"number\":\"PO1\",\"control_number\":"
        "40,"
        "\"canonical\":{\"sha256\":\"aaa\"},\"outcome\":\"delivered\",\"endpoint\":\"orderful\","
        "\"keys\":{\"order\":[\"PO1\",\"SO1\"],\"invoice\":\"I1\",\"bad\":[7,{}]},\"external_id\":\"x9\","
        "\"awaiting\":{\"status\":\"sent\",\"since\":\"2026-03-21T00:00:00Z\",\"next_look\":5,\"due\":6,"
        "\"looks\":2}");
    put_document(t, "archive/2026/03/22", DAY_TWO "2.1",
                 "\"business_key\":\"out|fjord|order|1\",\"outcome\":\"duplicate\",\"number\":\"PO1\"");
    put_document(t, "outbox/orderful", DAY_TWO "3.1",
                 "\"business_key\":\"out|fjord|order|1\",\"partner\":\"fjord\",\"control_number\":41");
    put_document(
        t, "error", DAY_ONE "0.1",
        "\"business_key\":\"out|fjord|order|1\",\"partner\":\"fjord\",\"control_number\":1000000000");
    put_document(t, "error", DAY_ONE "4.1",
                 "\"business_key\":\"out|fjord|order|2\",\"canonical\":{\"sha256\":\"bbb\"}");
    put_document(t, "error", DAY_ONE "5.1",
                 "\"business_key\":\"out|fjord|order|3\",\"differs_from\":\"somebody\"");
    put_document(t, "translate", DAY_ONE "6", "");
    put_document(t, "translate/.work-1", DAY_ONE "7", "\"number\":\"PO7\"");
    tree_put(t, "archive/2026/03/22/" DAY_TWO "8.1/document.json", "{broken");
    tree_put(t, "archive/2026/03/22/notes.txt", "a stray file");
}

static int one_awaited(void *context, const struct awaited *a)
{
    *(struct awaited *)context = *a;
    return 0;
}

static void reindex_says_what_the_folders_say(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct seen holder;
    struct buffer b = {0};
    unsigned long documents;
    uint32_t n;
    put_documents(&k.tree);
    /* what the state knew and the spool does not */
    assert_int_equal(state_claim_key(s, "out|fjord|order|9", "gone.1", "x", &holder), 0);
    assert_int_equal(state_control_number_note(s, "fjord", "gone.1", 77), 0);
    assert_int_equal(state_link(s, "order", "stale", "gone.1"), 0);
    assert_int_equal(state_cursor_set(s, "visma", "orders", "here"), 0);
    assert_int_equal(reindex(&k.tree.spool, s, &documents, &k.tree.findings), 0);
    assert_int_equal(documents, 9);
    assert_int_equal(k.tree.findings.errors, 0);
    assert_int_equal(k.tree.findings.warnings, 1); /* the broken one */
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "new.1", "x", &holder), 1);
    assert_string_equal(holder.document, DAY_ONE "1.1"); /* not the older one, which stands in error/ */
    assert_string_equal(holder.canonical_sha256, "aaa");
    assert_int_equal(state_claim_key(s, "out|fjord|order|2", "new.1", "x", &holder), 1);
    assert_int_equal(state_claim_key(s, "out|fjord|order|3", "new.1", "x", &holder), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|9", "new.1", "x", &holder), 0);
    assert_int_equal(state_control_number(s, "fjord", DAY_ONE "1.1", &n), 0);
    assert_int_equal(n, 40);
    assert_int_equal(state_control_number(s, "fjord", "new.1", &n), 0);
    assert_int_equal(n, 78); /* above what was ever given, also to documents that are gone */
    assert_int_equal(state_links(s, "PO1", note_row, &b), 0);
    assert_string_equal(b.ptr,
                        "number PO1 " DAY_ONE "1.1;order PO1 " DAY_ONE "1.1;number PO1 " DAY_TWO "2.1;");
    buffer_clear(&b);
    assert_int_equal(state_links(s, "stale", note_row, &b), 0);
    assert_int_equal(b.len, 0);
    assert_int_equal(state_cursor_get(s, "visma", "orders", &b), 0);
    struct awaited a = {0};
    assert_int_equal(state_awaited(s, "orderful", 0, 0, one_awaited, &a), 0);
    assert_string_equal(a.document, DAY_ONE "1.1");
    assert_string_equal(a.external, "x9");
    assert_int_equal(a.since, 1774051200);
    assert_int_equal(a.looks, 2);
    buffer_free(&b);
    desk_close(&k);
}

static void reindex_waits_for_a_stopped_gateway(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    unsigned long documents;
    put_documents(&k.tree);
    struct spool role; /* a translator, courier or poller */
    assert_int_equal(spool_open(&role, k.tree.spool.path, &k.tree.findings), 0);
    assert_int_equal(spool_share(&role), 0);
    assert_int_equal(reindex(&k.tree.spool, s, &documents, &k.tree.findings), -1);
    assert_true(tree_said(&k.tree, "reindex.running"));
    spool_close(&role);
    assert_int_equal(reindex(&k.tree.spool, s, &documents, &k.tree.findings), 0);
    assert_int_equal(documents, 9);
    desk_close(&k);
}

/* Killed behind the commit a first destination still goes by its bare id; its entries are those of "<id>.1".
 */
static void a_reindex_knows_what_a_killed_translator_had_in_hand(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct seen holder;
    unsigned long documents;
    uint32_t n;
    put_document(&k.tree, "translate/.work-1", DAY_ONE "1",
                 "\"destination\":1,\"business_key\":\"out|fjord|order|1\",\"partner\":\"fjord\","
                 "\"control_number\":7,\"canonical\":{\"sha256\":\"aaa\"}");
    assert_int_equal(reindex(&k.tree.spool, s, &documents, &k.tree.findings), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", DAY_ONE "1.1", "aaa", &holder), 0);
    assert_int_equal(state_control_number(s, "fjord", DAY_ONE "1.1", &n), 0);
    assert_int_equal(n, 7);
    desk_close(&k);
}

static void what_was_delivered_keeps_its_key(void **state)
{
    (void)state;
    struct desk k;
    struct state *s = desk_open(&k)->state;
    struct seen holder = {0};
    unsigned long documents;
    put_documents(&k.tree);
    assert_int_equal(state_claim_key(s, "out|fjord|order|8", "old.1", "x", NULL), 0);
    assert_int_equal(state_key_delivered(s, "out|fjord|order|8", "other.1", 4), 0); /* not its key */
    assert_int_equal(state_look_at_key(s, "out|fjord|order|8", &holder), 1);
    assert_int_equal(holder.delivered, 0);
    assert_int_equal(state_key_delivered(s, "out|fjord|order|8", "old.1", 2), 0);
    /* its folder was moved to other storage: the key stays, also through a reindex */
    assert_int_equal(reindex(&k.tree.spool, s, &documents, &k.tree.findings), 0);
    assert_int_equal(state_look_at_key(s, "out|fjord|order|8", &holder), 1);
    assert_string_equal(holder.document, "old.1");
    assert_int_equal(holder.delivered, 2);
    /* and what the archive says was delivered is known from there */
    assert_int_equal(state_look_at_key(s, "out|fjord|order|1", &holder), 1);
    assert_int_equal(holder.delivered, 1);
    assert_int_equal(state_look_at_key(s, "out|fjord|order|2", &holder), 1);
    assert_int_equal(holder.delivered, 0);
    assert_int_equal(state_take_key(s, "out|fjord|order|8", "new.1", "y"), 0);
    assert_int_equal(state_look_at_key(s, "out|fjord|order|8", &holder), 1);
    assert_int_equal(holder.delivered, 0);
    desk_close(&k);
}

static void enter_one(struct desk *k, const char *id)
{
    assert_int_equal(state_begin(k->state), 0);
    assert_int_equal(state_mark_next(k->state, id), 0);
    assert_int_equal(state_commit(k->state), 0);
    state_mark_write(k->state, &k->tree.spool);
}

static void copy_file(const char *from, const char *to)
{
    struct buffer b = {0};
    assert_int_equal(file_read(AT_FDCWD, from, 1 << 24, &b), 0);
    assert_int_equal(file_write(AT_FDCWD, to, buffer_as_slice(&b), 0600, false), 0);
    buffer_free(&b);
}

static void reopen(struct desk *k)
{
    k->state = state_open(k->path, &k->tree.findings);
    assert_non_null(k->state);
}

static void a_lost_or_older_state_is_noticed(void **state)
{
    (void)state;
    struct desk k;
    struct findings *f = &desk_open(&k)->tree.findings;
    char backup[320], id[DOCUMENT_NAME_TEXT];
    unsigned long documents;
    snprintf(backup, sizeof backup, "%s/backup.db", k.tree.path);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), 0); /* both new */
    enter_one(&k, DAY_ONE "1");
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), 0);
    state_close(k.state); /* which empties the WAL into the file */
    copy_file(k.path, backup);
    reopen(&k);
    enter_one(&k, DAY_ONE "3");
    enter_one(&k, DAY_ONE "2");
    assert_int_equal(state_newest(k.state, id), 0);
    assert_string_equal(id, DAY_ONE "3");
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), 0);
    /* a group that was entered and never synced leaves the file behind, and nothing is wrong */
    assert_int_equal(state_mark_next(k.state, NULL), 0);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), 0);
    state_close(k.state);
    copy_file(backup, k.path);
    reopen(&k);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), -1);
    assert_true(tree_said(&k.tree, "state.older"));
    assert_int_equal(reindex(&k.tree.spool, k.state, &documents, f), 0);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), 0);
    state_close(k.state);
    assert_int_equal(unlink(k.path), 0); /* lost */
    reopen(&k);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), -1);
    assert_int_equal(unlinkat(k.tree.spool.root, ".state", 0), 0);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f),
                     0); /* the mark as well, and nothing in the spool */
    assert_int_equal(unlinkat(k.tree.spool.root, ".state", 0), 0);
    put_document(&k.tree, "archive/2026/03/21", DAY_ONE "1.1", "\"outcome\":\"delivered\"");
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), -1); /* or something */
    assert_int_equal(reindex(&k.tree.spool, k.state, &documents, f), 0);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), 0);
    assert_int_equal(state_newest(k.state, id), 0);
    assert_string_equal(id, DAY_ONE "1");
    /* a loss of power behind its making */
    assert_int_equal(file_write(k.tree.spool.root, ".state", SLICE_NONE, 0640, false), 0);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), 0);
    desk_close(&k);
}

static void an_older_schema_is_taken_up(void **state)
{
    (void)state;
    struct desk k;
    sqlite3 *db;
    desk_open(&k);
    uint32_t n;
    assert_int_equal(state_control_number(k.state, "fjord", "A.1", &n), 0);
    assert_int_equal(state_claim_key(k.state, "k", "A.1", "x", NULL), 0);
    state_close(k.state);
    assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE mark; ALTER TABLE business_key DROP COLUMN delivered;"
                                  "PRAGMA user_version=1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    reopen(&k);
    struct seen holder = {.delivered = 9};
    assert_int_equal(state_look_at_key(k.state, "k", &holder), 1);
    assert_int_equal(holder.delivered, 0);
    put_document(&k.tree, "outbox/net", DAY_ONE "1.1", "");
    assert_int_equal(state_belongs(k.state, &k.tree.spool, &k.tree.findings),
                     0); /* it was there before the mark */
    desk_close(&k);
}

static void a_reindex_cut_short_changes_nothing(void **state)
{
    (void)state;
    struct desk k;
    desk_open(&k);
    struct seen holder;
    unsigned long documents;
    assert_int_equal(state_claim_key(k.state, "known", "A.1", "x", &holder), 0);
    for (int i = 0; i < 400; i++) {
        char name[DOCUMENT_NAME_TEXT];
        snprintf(name, sizeof name, "20260321T091455123456-%06x.1", i);
        put_document(&k.tree, "archive/2026/03/21", name, "\"number\":\"PO\"");
    }
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct state *s = state_open(k.path, &k.tree.findings);
            _exit(s && reindex(&k.tree.spool, s, &documents, &k.tree.findings) == 0 ? 0 : 1);
        }
        struct timespec pause = {.tv_nsec = 500000 + i * 200000};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct buffer b = {0};
        int walked = state_links(k.state, "PO", note_row, &b); /* 7: ended by note_row */
        assert_true(walked == 0 || walked == 7);
        int known = state_claim_key(k.state, "known", "B.1", "x", &holder);
        bool done = b.len > 0;
        assert_int_equal(known, done ? 0 : 1); /* as before or as after, never between */
        buffer_free(&b);
        if (done)
            break;
    }
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
        cmocka_unit_test(reindex_says_what_the_folders_say),
        cmocka_unit_test(reindex_waits_for_a_stopped_gateway),
        cmocka_unit_test(a_reindex_knows_what_a_killed_translator_had_in_hand),
        cmocka_unit_test(what_was_delivered_keeps_its_key),
        cmocka_unit_test(a_lost_or_older_state_is_noticed),
        cmocka_unit_test(an_older_schema_is_taken_up),
        cmocka_unit_test(a_reindex_cut_short_changes_nothing),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
