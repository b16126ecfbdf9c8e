/* translator, again: what comes back out of the archive, after a reindex, or under another clock. */
#include "site.h"

#include "state/mark.h"
#include "state/reindex.h"

/* As its courier leaves it. */
static void deliver(struct site *s, char folder[600])
{
    char parent[600], day[11], path[700];
    struct document d;
    only(s, "outbox/one", folder);
    const char *name = strrchr(folder, '/') + 1;
    snprintf(parent, sizeof parent, "outbox/one");
    int fd = openat(s->tree.spool.root, parent, O_RDONLY | O_DIRECTORY);
    assert_int_equal(document_open(&d, fd, name, &s->tree.findings), 0);
    document_set(&d, "outcome", "delivered");
    document_set_integer(&d, "attempts", 1);
    assert_int_equal(document_save(&d), 0);
    assert_int_equal(state_key_delivered(s->w.state, document_text(&d, "business_key"), name, 1), 0);
    assert_true(document_archive_day(name, day));
    assert_int_equal(spool_move(&s->tree.spool, fd, name, STAGE_ARCHIVE, NULL, name), 0);
    snprintf(path, sizeof path, "archive/%s/%s", day, name);
    memcpy(folder, path, 600);
    document_close(&d);
    close(fd);
}

static void what_was_delivered_is_not_made_anew(void **state)
{
    (void)state;
    struct site s;
    char folder[600], path[700], day[600];
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 1);
    deliver(&s, folder);
    const char *sent = file_text(&s, folder, "message.x12");
    snprintf(path, sizeof path, "%s/corrected.json", folder);
    tree_put(&s.tree, path, order(&s, "4711", "99"));
    snprintf(path, sizeof path, "translate/%s", strrchr(folder, '/') + 1);
    assert_int_equal(renameat(s.tree.spool.root, folder, s.tree.spool.root, path), 0);
    assert_int_equal(look(&s), 1);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 0);
    assert_string_equal(file_text(&s, folder, "message.x12"), sent);
    json_t *e = envelope(&s, folder);
    assert_string_equal(json_text_at(e, "outcome"), "delivered");
    json_decref(e);
    assert_non_null(strstr(file_text(&s, folder, "document.json"), "put back into the archive"));
    /* the day is moved to other storage: the ERP's old orders are known nevertheless */
    snprintf(day, sizeof day, "%s", folder);
    *strrchr(day, '/') = '\0';
    assert_int_equal(file_remove_tree(s.tree.spool.root, day), 0);
    tree_put(&s.tree, "inbox/erp/order-2.json", order(&s, "4711", "10"));
    tree_put(&s.tree, "inbox/erp/order-3.json", order(&s, "4711", "11"));
    assert_int_equal(look(&s), 2);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 0);
    only(&s, "error", folder);
    assert_non_null(strstr(file_text(&s, folder, "error.txt"), "no longer in the spool"));
    site_close(&s);
}

/* Newer documents come behind older ones, whatever the clock says. */
static void a_clock_set_back_changes_no_order(void **state)
{
    (void)state;
    struct site s;
    char folder[600], ahead[DOCUMENT_NAME_TEXT], text[INSTANT_TEXT];
    site_open(&s, false);
    struct instant later = instant_now();
    later.seconds += 3600;
    instant_print(later, 6, text);
    snprintf(ahead, sizeof ahead, "%.4s%.2s%.2sT%.2s%.2s%.2s%.6s-ffffff", text, text + 5, text + 8, text + 11,
             text + 14, text + 17, text + 20);
    assert_true(document_name_parse(ahead, NULL, NULL));
    assert_int_equal(state_begin(s.w.state), 0);
    assert_int_equal(state_mark_next(s.w.state, ahead), 0); /* by a translator that has ended since */
    assert_int_equal(state_commit(s.w.state), 0);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 1);
    only(&s, "outbox/one", folder);
    assert_true(strcmp(strrchr(folder, '/') + 1, ahead) > 0);
    /* a clock that was years ahead is not followed */
    document_id_after("20990101T000000000000-ffffff");
    document_id_new(ahead);
    assert_true(strcmp(ahead, "2099") < 0);
    site_close(&s);
}

/* Killed before the moves, the state lost, reindexed: it is nobody's duplicate, and goes out with its number.
 */
static void a_reindex_between_kill_and_restart(void **state)
{
    (void)state;
    struct site s;
    char folder[600];
    struct reindexing r = {0};
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-0.json", order(&s, "4710", "10"));
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 2);
    int one = openat(s.tree.spool.root, "outbox/one", O_RDONLY | O_DIRECTORY);
    char name[256], bare[40];
    assert_int_equal(tree_count(&s.tree, "outbox/one", name), 2);
    snprintf(bare, sizeof bare, "%.28s", name);
    close_translator(&s);
    /* as it was in hand, all written and not moved */
    assert_int_equal(renameat(one, name, s.tree.spool.root, "translate/.work-1/x"), 0);
    char path[300];
    snprintf(path, sizeof path, "translate/.work-1/%s", bare);
    assert_int_equal(renameat(s.tree.spool.root, "translate/.work-1/x", s.tree.spool.root, path), 0);
    json_t *e = envelope(&s, path);
    int64_t control = json_integer_at(e, "control_number", 0);
    json_decref(e);
    close(one);
    assert_int_equal(unlink(s.config->state), 0);
    struct state *fresh = state_open(s.config->state, &s.tree.findings);
    assert_int_equal(reindex(&s.tree.spool, fresh, &r, &s.tree.findings), 0);
    state_close(fresh);
    open_translator(&s, 1);
    assert_int_equal(look(&s), 1);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 2);
    assert_int_equal(tree_count(&s.tree, "archive", NULL), 0);
    snprintf(folder, sizeof folder, "outbox/one/%s", name);
    e = envelope(&s, folder);
    assert_int_equal(json_integer_at(e, "control_number", 0), control);
    json_decref(e);
    site_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_delivered_is_not_made_anew),
        cmocka_unit_test(a_clock_set_back_changes_no_order),
        cmocka_unit_test(a_reindex_between_kill_and_restart),
    };
    return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
