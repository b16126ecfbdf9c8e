/* translator: a group from the inbox to its next stages, with the real maps; duplicates and what differs;
 * what is found again after a kill; documents that make a translator fail. */
#include "site.h"

#include <signal.h>

/* ---- the way through ---- */

static void an_order_goes_to_its_partner(void **state)
{
    (void)state;
    struct site s;
    char folder[600];
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 1);
    only(&s, "outbox/one", folder);
    json_t *e = envelope(&s, folder);
    assert_string_equal(json_text_at(e, "number"), "4711");
    assert_string_equal(json_text_at(e, "partner"), "fjord");
    assert_string_equal(json_text_at(e, "endpoint"), "one");
    assert_string_equal(json_text_at(e, "message.name"), "PO-4711.x12");
    assert_int_equal(json_integer_at(e, "control_number", 0), 1);
    assert_non_null(strstr(file_text(&s, folder, "message.x12"), "BEG*00*"));
    assert_int_equal(tree_count(&s.tree, "inbox/erp", NULL), 0);
    assert_int_equal(look(&s), 0);
    json_decref(e);
    site_close(&s);
}

static void each_destination_has_a_folder(void **state)
{
    (void)state;
    struct site s;
    char one[600], two[600];
    site_open(&s, true);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 2);
    only(&s, "outbox/one", one);
    only(&s, "outbox/two", two);
    assert_true(!strcmp(strrchr(one, '.'), ".1") && !strcmp(strrchr(two, '.'), ".2"));
    assert_string_equal(file_text(&s, one, "canonical.json"), file_text(&s, two, "canonical.json"));
    json_t *a = envelope(&s, one), *b = envelope(&s, two);
    assert_string_equal(json_text_at(a, "partner"), "fjord");
    assert_string_equal(json_text_at(b, "partner"), "fjord");
    assert_string_equal(json_text_at(b, "endpoint"), "two");
    assert_string_equal(json_text_at(b, "message.name"), "4711.x12");
    assert_int_not_equal(json_integer_at(a, "control_number", 0), json_integer_at(b, "control_number", 0));
    /* the second one alone, put back: it stays the second one, and the first is not made again */
    char back[600];
    snprintf(back, sizeof back, "translate/%s", strrchr(two, '/') + 1);
    assert_int_equal(renameat(s.tree.spool.root, two, s.tree.spool.root, back), 0);
    assert_int_equal(look(&s), 1);
    only(&s, "outbox/two", two);
    only(&s, "outbox/one", one);
    json_t *again = envelope(&s, two);
    assert_int_equal(json_integer_at(again, "control_number", 0), json_integer_at(b, "control_number", -1));
    json_decref(a);
    json_decref(b);
    json_decref(again);
    site_close(&s);
}

static void the_same_again_is_a_duplicate_and_another_differs(void **state)
{
    (void)state;
    struct site s;
    char folder[600];
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    tree_put(&s.tree, "inbox/erp/order-2.json", order(&s, "4711", "10")); /* in the same group */
    assert_int_equal(look(&s), 2);
    tree_put(&s.tree, "inbox/erp/order-3.json", order(&s, "4711", "10"));
    tree_put(&s.tree, "inbox/erp/order-4.json", order(&s, "4711", "12"));
    assert_int_equal(look(&s), 2);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 1);
    only(&s, "error", folder);
    assert_non_null(strstr(file_text(&s, folder, "error.txt"), "lines[0].quantity"));
    assert_non_null(strstr(file_text(&s, folder, "error.txt"), "\"10\" and is now \"12\""));
    /* the first one is gone from the spool: the number is free for the different one */
    only(&s, "outbox/one", folder);
    assert_int_equal(file_remove_tree(s.tree.spool.root, folder), 0);
    only(&s, "error", folder);
    char back[600];
    snprintf(back, sizeof back, "translate/%s", strrchr(folder, '/') + 1);
    assert_int_equal(renameat(s.tree.spool.root, folder, s.tree.spool.root, back), 0);
    assert_int_equal(look(&s), 1);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 1);
    assert_int_equal(tree_count(&s.tree, "error", NULL), 0);
    site_close(&s);
}

static void one_that_never_left_makes_way(void **state)
{
    (void)state;
    struct site s;
    char folder[600], path[700];
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 1);
    only(&s, "outbox/one", folder);
    snprintf(path, sizeof path, "error/%s", strrchr(folder, '/') + 1);
    assert_int_equal(renameat(s.tree.spool.root, folder, s.tree.spool.root, path), 0);
    tree_put(&s.tree, "inbox/erp/order-2.json", order(&s, "4711", "12"));
    assert_int_equal(look(&s), 1);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 1); /* corrected in the ERP: it goes */
    /* one with an attempt does not make way: it may have arrived */
    only(&s, "outbox/one", folder);
    snprintf(path, sizeof path, "%s/attempt-1.json", folder);
    tree_put(&s.tree, path, "{}");
    snprintf(path, sizeof path, "error/%s", strrchr(folder, '/') + 1);
    assert_int_equal(renameat(s.tree.spool.root, folder, s.tree.spool.root, path), 0);
    tree_put(&s.tree, "inbox/erp/order-3.json", order(&s, "4711", "13"));
    assert_int_equal(look(&s), 1);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 0);
    assert_int_equal(tree_count(&s.tree, "error", NULL), 3);
    site_close(&s);
}

/* ---- interchanges with several sets ---- */

static void expect_error(struct site *s, const char *inbox, const char *text, const char *said);

/* An interchange of n sets out of a message of one; each gets another order number. */
static void make_interchange(struct site *s, const char *message, unsigned n, struct buffer *out)
{
    const char *st = strstr(message, "ST*"), *ge = strstr(message, "GE*");
    assert_true(st && ge);
    buffer_add(out, message, (size_t)(st - message));
    char ours[15]; /* from them to us */
    memcpy(ours, out->ptr + 35, 15);
    memcpy(out->ptr + 35, out->ptr + 54, 15);
    memcpy(out->ptr + 54, ours, 15);
    for (unsigned i = 1; i <= n; i++) {
        char *set = arena_text(&s->tree.arena, slice_make(st, (size_t)(ge - st)));
        char *number = strstr(set, "4711"), *control = strstr(set, "*0001"), digits[16];
        snprintf(digits, sizeof digits, "%04u", 8000 + i);
        memcpy(number, digits, 4);
        snprintf(digits, sizeof digits, "%04u", i);
        memcpy(control + 1, digits, 4);
        memcpy(strstr(strstr(set, "~SE*"), "*0001") + 1, digits, 4);
        buffer_text(out, set);
    }
    buffer_printf(out, "GE*%u*1~IEA*1*000000001~\n", n);
}

static void each_set_becomes_a_document(void **state)
{
    (void)state;
    struct site s;
    char folder[600];
    struct buffer interchange = {0};
    const unsigned sets = 300; /* more than are synced at once */
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 1);
    only(&s, "outbox/one", folder);
    make_interchange(&s, file_text(&s, folder, "message.x12"), sets, &interchange);
    tree_put(&s.tree, "inbox/customer/orders.x12", interchange.ptr);
    struct group g = {0};
    gatherer_notice(s.gatherer, true);
    assert_int_equal(gatherer_claim(s.gatherer, &g), 0);
    assert_int_equal(translation_understand(&s.w, g.first), 0);
    assert_int_equal(g.first->fate, FATE_ARCHIVE);
    assert_int_equal(tree_count(&s.tree, "translate", NULL), sets);
    group_free(&g); /* killed here: the parent comes back, its sets are not made twice */
    close_translator(&s);
    open_translator(&s, 1);
    for (int i = 0; i < 200 && look(&s); i++)
        ;
    assert_int_equal(tree_count(&s.tree, "translate", NULL), 0);
    char day[11], path[64];
    assert_true(document_archive_day(strrchr(folder, '/') + 1, day));
    snprintf(path, sizeof path, "archive/%s", day);
    only(&s, path, folder);
    json_t *e = envelope(&s, folder);
    assert_string_equal(json_text_at(e, "outcome"), "split");
    assert_int_equal(json_integer_at(e, "sets", 0), sets);
    json_decref(e);
    int failed = tree_count(&s.tree, "error", NULL), sent = tree_count(&s.tree, "outbox/one", NULL);
    assert_int_equal(failed + sent, sets + 1);
    buffer_free(&interchange);
    site_close(&s);
}

/* A version that nobody installed is told once, of the whole, and not as its sender's fault. */
static void an_interchange_of_a_missing_version_waits_whole(void **state)
{
    (void)state;
    struct site s;
    char folder[600];
    struct buffer interchange = {0};
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 1);
    only(&s, "outbox/one", folder);
    make_interchange(&s, file_text(&s, folder, "message.x12"), 40, &interchange);
    memcpy(strstr(interchange.ptr, "004010"), "003060", 6);
    tree_put(&s.tree, "inbox/customer/orders.x12", interchange.ptr);
    while (look(&s))
        ;
    only(&s, "error", folder);
    const char *told = file_text(&s, folder, "error.txt");
    assert_non_null(strstr(told, "no dictionary for X12 version \"003060\""));
    assert_null(strstr(told, "sender"));
    assert_int_equal(tree_count(&s.tree, "translate", NULL), 0);
    buffer_free(&interchange);
    site_close(&s);
}

static void an_interchange_that_is_not_whole_is_not_split(void **state)
{
    (void)state;
    struct site s;
    char folder[600];
    struct buffer interchange = {0};
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    assert_int_equal(look(&s), 1);
    only(&s, "outbox/one", folder);
    make_interchange(&s, file_text(&s, folder, "message.x12"), 3, &interchange);
    expect_error(&s, "inbox/customer/a.x12",
                 arena_text(&s.tree.arena, slice_make(interchange.ptr, interchange.len / 2)), "");
    *strstr(interchange.ptr, "GE*3") = 'X';
    expect_error(&s, "inbox/customer/b.x12", interchange.ptr, "");
    assert_int_equal(tree_count(&s.tree, "translate", NULL), 0);
    buffer_free(&interchange);
    site_close(&s);
}

/* ---- what a clerk is told ---- */

static void expect_error(struct site *s, const char *inbox, const char *text, const char *said)
{
    char folder[600];
    tree_put(&s->tree, inbox, text);
    assert_int_equal(look(s), 1);
    only(s, "error", folder);
    const char *error = file_text(s, folder, "error.txt");
    if (!strstr(error, said))
        fail_msg("\"%s\" is not said:\n%s", said, error);
    assert_int_equal(file_remove_tree(s->tree.spool.root, folder), 0);
}

static void errors_say_what_to_do(void **state)
{
    (void)state;
    struct site s;
    site_open(&s, false);
    expect_error(&s, "inbox/erp/something.json", "{}", "file = a pattern of such names");
    expect_error(&s, "inbox/nobody/order-1.json", "{}", "source = nobody");
    expect_error(&s, "inbox/erp/order-1.json", "", "");
    expect_error(&s, "inbox/erp/order-1.json", "{\"orderNbr\": ", "line 1");
    expect_error(&s, "inbox/erp/order-1.json", "[[[[[[[[[[[[[[[[[[", "");
    expect_error(&s, "inbox/erp/order-1.json", "\xff\xfe\x00garbage", "");
    json_error_t e;
    json_t *o = json_loads(order(&s, "4711", "10"), 0, &e);
    json_object_set_new(json_object_get(o, "supplier"), "number", json_string("99999"));
    char *text = json_dumps(o, 0);
    expect_error(&s, "inbox/erp/order-1.json", text, "erp_id = 99999");
    free(text);
    json_decref(o);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), -1); /* never made */
    site_close(&s);
}

static void an_altered_source_is_refused(void **state)
{
    (void)state;
    struct site s;
    char folder[600], path[700], name[256];
    site_open(&s, false);
    json_error_t e;
    json_t *o = json_loads(order(&s, "4711", "10"), 0, &e);
    json_object_set_new(json_array_get(json_object_get(o, "lines"), 0), "uom", json_string("PALLE2"));
    char *bad = json_dumps(o, 0);
    tree_put(&s.tree, "inbox/erp/order-1.json", bad);
    assert_int_equal(look(&s), 1);
    only(&s, "error", folder);
    assert_non_null(strstr(file_text(&s, folder, "error.txt"), "PALLE2"));
    snprintf(name, sizeof name, "%s", strrchr(folder, '/') + 1);
    snprintf(path, sizeof path, "%s/source.json", folder);
    tree_put(&s.tree, path, order(&s, "4711", "10"));
    snprintf(path, sizeof path, "translate/%s", name);
    assert_int_equal(renameat(s.tree.spool.root, folder, s.tree.spool.root, path), 0);
    assert_int_equal(look(&s), 1);
    only(&s, "error", folder);
    assert_non_null(strstr(file_text(&s, folder, "error.txt"), "corrected."));
    /* fetched once more, the same bytes are not a second error; other bytes are */
    char error_name[256];
    tree_put(&s.tree, "inbox/erp/order-1.json", bad);
    assert_int_equal(look(&s), 1);
    assert_int_equal(tree_count(&s.tree, "error", error_name), 1);
    assert_string_equal(error_name, name);
    tree_put(&s.tree, "inbox/erp/order-1.json", "[");
    assert_int_equal(look(&s), 1);
    assert_int_equal(tree_count(&s.tree, "error", NULL), 2);
    for (int i = 0; i < 2; i++) { /* and it may be the first */
        only_other(&s, "error", name, folder);
        assert_int_equal(file_remove_tree(s.tree.spool.root, folder), 0);
        if (i == 0) {
            tree_put(&s.tree, "inbox/erp/order-1.json", "[");
            assert_int_equal(look(&s), 1);
        }
    }
    only(&s, "error", folder);
    /* the right way */
    snprintf(path, sizeof path, "%s/source.json", folder);
    tree_put(&s.tree, path, bad);
    snprintf(path, sizeof path, "%s/corrected.json", folder);
    tree_put(&s.tree, path, order(&s, "4711", "10"));
    snprintf(path, sizeof path, "translate/%s", name);
    assert_int_equal(renameat(s.tree.spool.root, folder, s.tree.spool.root, path), 0);
    assert_int_equal(look(&s), 1);
    assert_int_equal(tree_count(&s.tree, "error", NULL), 0);
    only(&s, "outbox/one", folder);
    assert_string_equal(file_text(&s, folder, "source.json"), bad);
    free(bad);
    json_decref(o);
    site_close(&s);
}

/* ---- kills ---- */

/* A translator that is killed after the state's commit and before the moves: what it had in hand comes back
 * as the same document, with the same control number, and is nobody's duplicate. */
static void a_kill_behind_the_commit_changes_nothing(void **state)
{
    (void)state;
    struct site s;
    char folder[600];
    site_open(&s, true);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    struct group g = {0};
    gatherer_notice(s.gatherer, true);
    assert_int_equal(gatherer_claim(s.gatherer, &g), 0);
    assert_int_equal(g.count, 1);
    assert_int_equal(translation_understand(&s.w, g.first), 0);
    assert_int_equal(translation_address(&s.w, &g, g.first), 0);
    assert_int_equal(g.count, 2);
    assert_int_equal(state_begin(s.w.state), 0);
    for (struct translation *t = g.first; t; t = t->next)
        assert_int_equal(ledger_enter(&s.w, &g, t), 0);
    assert_int_equal(state_commit(s.w.state), 0);
    assert_string_equal(g.last->name + strlen(g.last->name) - 2,
                        ".1"); /* copies leave before their original */
    uint32_t control = g.last->control_number;
    group_free(&g);
    close_translator(&s);
    open_translator(&s, 2); /* another one finds it */
    assert_int_equal(look(&s), 2);
    only(&s, "outbox/two", folder);
    only(&s, "outbox/one", folder);
    json_t *e = envelope(&s, folder);
    assert_int_equal(json_integer_at(e, "control_number", 0), control);
    assert_int_equal(tree_count(&s.tree, "error", NULL), 0);
    assert_int_equal(tree_count(&s.tree, "archive", NULL), 0);
    json_decref(e);
    site_close(&s);
}

static void the_third_crash_on_a_document_is_the_last(void **state)
{
    (void)state;
    struct site s;
    char folder[600];
    site_open(&s, false);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    tree_put(&s.tree, "inbox/erp/order-2.json", order(&s, "4712", "10"));
    for (int i = 0; i < HAND_CRASHES; i++) {
        struct group g = {0};
        gatherer_notice(s.gatherer, true);
        assert_int_equal(gatherer_claim(s.gatherer, &g), 0);
        assert_int_equal(g.count, 2);
        hand_take(&s.w, g.first); /* and here it dies */
        group_free(&g);
        close_translator(&s);
        open_translator(&s, i % 2 + 1);
    }
    assert_int_equal(look(&s), 2);
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 1); /* the neighbour */
    only(&s, "error", folder);
    assert_non_null(strstr(file_text(&s, folder, "error.txt"), "ended 3 times"));
    char back[600];
    snprintf(back, sizeof back, "translate/%s", strrchr(folder, '/') + 1);
    assert_int_equal(renameat(s.tree.spool.root, folder, s.tree.spool.root, back), 0);
    assert_int_equal(look(&s), 1); /* a person wants it tried again */
    assert_int_equal(tree_count(&s.tree, "outbox/one", NULL), 2);
    site_close(&s);
}

static void a_source_belongs_to_one_translator_at_a_time(void **state)
{
    (void)state;
    struct site s, other;
    struct group g = {0}, none = {0};
    site_open(&s, false);
    other = (struct site){.tree = s.tree, .config = s.config};
    open_translator(&other, 2);
    tree_put(&s.tree, "inbox/erp/order-1.json", order(&s, "4711", "10"));
    gatherer_notice(s.gatherer, true);
    assert_int_equal(gatherer_claim(s.gatherer, &g), 0);
    assert_int_equal(g.count, 1);
    tree_put(&s.tree, "inbox/erp/order-2.json", order(&s, "4712", "10"));
    gatherer_notice(other.gatherer, true);
    assert_int_equal(gatherer_claim(other.gatherer, &none), 0);
    assert_int_equal(none.count, 0);
    gatherer_release(other.gatherer);
    assert_int_equal(group_process(&s.w, &g), 0);
    group_free(&g);
    gatherer_release(s.gatherer);
    assert_int_equal(look(&other), 1);
    close_translator(&other);
    site_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_goes_to_its_partner),
        cmocka_unit_test(each_destination_has_a_folder),
        cmocka_unit_test(the_same_again_is_a_duplicate_and_another_differs),
        cmocka_unit_test(one_that_never_left_makes_way),
        cmocka_unit_test(each_set_becomes_a_document),
        cmocka_unit_test(an_interchange_that_is_not_whole_is_not_split),
        cmocka_unit_test(an_interchange_of_a_missing_version_waits_whole),
        cmocka_unit_test(errors_say_what_to_do),
        cmocka_unit_test(an_altered_source_is_refused),
        cmocka_unit_test(a_kill_behind_the_commit_changes_nothing),
        cmocka_unit_test(the_third_crash_on_a_document_is_the_last),
        cmocka_unit_test(a_source_belongs_to_one_translator_at_a_time),
    };
    return cmocka_run_group_tests_name("translator", tests, NULL, NULL);
}
