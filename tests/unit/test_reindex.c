/* reindex, and whether state and spool belong together. */
#include "desk.h"

#include "base/json.h"
#include "spool/document.h"
#include "state/mark.h"
#include "state/reindex.h"
#include <signal.h>
#include <sqlite3.h>
#include <time.h>

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
    struct reindexing r = {0};
    uint32_t n;
    put_documents(&k.tree);
    /* what the state knew and the spool does not */
    assert_int_equal(state_claim_key(s, "out|fjord|order|9", "gone.1", "x", "erp", &holder), 0);
    assert_int_equal(state_control_number_note(s, "fjord", "gone.1", 77), 0);
    assert_int_equal(state_link(s, "order", "stale", "gone.1"), 0);
    assert_int_equal(state_cursor_set(s, "visma", "orders", "here"), 0);
    assert_int_equal(reindex(&k.tree.spool, s, &r, &k.tree.findings), 0);
    assert_int_equal(r.documents, 9);
    assert_int_equal(k.tree.findings.errors, 0);
    assert_int_equal(k.tree.findings.warnings, 1); /* the broken one */
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", "new.1", "x", "erp", &holder), 1);
    assert_string_equal(holder.document, DAY_ONE "1.1"); /* not the older one, which stands in error/ */
    assert_string_equal(holder.canonical_sha256, "aaa");
    assert_int_equal(state_claim_key(s, "out|fjord|order|2", "new.1", "x", "erp", &holder), 1);
    assert_int_equal(state_claim_key(s, "out|fjord|order|3", "new.1", "x", "erp", &holder), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|9", "new.1", "x", "erp", &holder), 0);
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
    struct reindexing r = {0};
    put_documents(&k.tree);
    struct spool role; /* a translator, courier or poller */
    assert_int_equal(spool_open(&role, k.tree.spool.path, &k.tree.findings), 0);
    assert_int_equal(spool_share(&role), 0);
    assert_int_equal(reindex(&k.tree.spool, s, &r, &k.tree.findings), -1);
    assert_true(tree_said(&k.tree, "reindex.running"));
    spool_close(&role);
    assert_int_equal(reindex(&k.tree.spool, s, &r, &k.tree.findings), 0);
    assert_int_equal(r.documents, 9);
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
    struct reindexing r = {0};
    uint32_t n;
    put_document(&k.tree, "translate/.work-1", DAY_ONE "1",
                 "\"destination\":1,\"business_key\":\"out|fjord|order|1\",\"partner\":\"fjord\","
                 "\"control_number\":7,\"canonical\":{\"sha256\":\"aaa\"}");
    assert_int_equal(reindex(&k.tree.spool, s, &r, &k.tree.findings), 0);
    assert_int_equal(state_claim_key(s, "out|fjord|order|1", DAY_ONE "1.1", "aaa", "erp", &holder), 0);
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
    struct reindexing r = {0};
    put_documents(&k.tree);
    assert_int_equal(state_claim_key(s, "out|fjord|order|8", "old.1", "x", "erp", NULL), 0);
    assert_int_equal(state_key_delivered(s, "out|fjord|order|8", "other.1", 4), 0); /* not its key */
    assert_int_equal(state_look_at_key(s, "out|fjord|order|8", &holder), 1);
    assert_int_equal(holder.delivered, 0);
    assert_int_equal(state_key_delivered(s, "out|fjord|order|8", "old.1", 2), 0);
    /* its folder was moved to other storage: the key stays, also through a reindex */
    assert_int_equal(reindex(&k.tree.spool, s, &r, &k.tree.findings), 0);
    assert_int_equal(state_look_at_key(s, "out|fjord|order|8", &holder), 1);
    assert_string_equal(holder.document, "old.1");
    assert_int_equal(holder.delivered, 2);
    /* and what the archive says was delivered is known from there */
    assert_int_equal(state_look_at_key(s, "out|fjord|order|1", &holder), 1);
    assert_int_equal(holder.delivered, 1);
    assert_int_equal(state_look_at_key(s, "out|fjord|order|2", &holder), 1);
    assert_int_equal(holder.delivered, 0);
    assert_int_equal(state_take_key(s, "out|fjord|order|8", "new.1", "y", "erp"), 0);
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
    struct reindexing r = {0};
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
    assert_int_equal(reindex(&k.tree.spool, k.state, &r, f), 0);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), 0);
    state_close(k.state);
    assert_int_equal(unlink(k.path), 0); /* lost */
    reopen(&k);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), -1);
    assert_int_equal(unlinkat(k.tree.spool.root, ".state", 0), 0);
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f),
                     0); /* the mark as well, and nothing in the spool */
    put_document(&k.tree, "archive/2026/03/21", DAY_ONE "1.1", "\"outcome\":\"delivered\"");
    assert_int_equal(state_belongs(k.state, &k.tree.spool, f), -1); /* or something */
    assert_int_equal(reindex(&k.tree.spool, k.state, &r, f), 0);
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
    assert_int_equal(state_claim_key(k.state, "k", "A.1", "x", "erp", NULL), 0);
    state_close(k.state);
    assert_int_equal(sqlite3_open(k.path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "DROP TABLE interchange; DROP TABLE skew; DROP TABLE not_sent; DROP TABLE mark; ALTER TABLE "
            "business_key DROP COLUMN "
            "delivered;"
            "ALTER TABLE business_key DROP COLUMN source; ALTER TABLE business_key DROP COLUMN sending;"
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
    struct reindexing r = {0};
    assert_int_equal(state_claim_key(k.state, "known", "A.1", "x", "erp", &holder), 0);
    for (int i = 0; i < 400; i++) {
        char name[DOCUMENT_NAME_TEXT];
        snprintf(name, sizeof name, "20260321T091455123456-%06x.1", i);
        put_document(&k.tree, "archive/2026/03/21", name, "\"number\":\"PO\"");
    }
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct state *s = state_open(k.path, &k.tree.findings);
            _exit(s && reindex(&k.tree.spool, s, &r, &k.tree.findings) == 0 ? 0 : 1);
        }
        struct timespec pause = {.tv_nsec = 500000 + i * 200000};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct buffer b = {0};
        int walked = state_links(k.state, "PO", note_row, &b); /* 7: ended by note_row */
        assert_true(walked == 0 || walked == 7);
        int known = state_claim_key(k.state, "known", "B.1", "x", "erp", &holder);
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
        cmocka_unit_test(reindex_says_what_the_folders_say),
        cmocka_unit_test(reindex_waits_for_a_stopped_gateway),
        cmocka_unit_test(a_reindex_knows_what_a_killed_translator_had_in_hand),
        cmocka_unit_test(what_was_delivered_keeps_its_key),
        cmocka_unit_test(a_lost_or_older_state_is_noticed),
        cmocka_unit_test(an_older_schema_is_taken_up),
        cmocka_unit_test(a_reindex_cut_short_changes_nothing),
    };
    return cmocka_run_group_tests_name("reindex", tests, NULL, NULL);
}
