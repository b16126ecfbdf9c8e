/* The directory adapter, and what both file adapters share: names, adapter_record. */
#include "customer.h"

#include <sys/stat.h>

/* ---- sending ---- */

static void a_group_arrives_whole_under_its_names(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char name[256];
    struct stat st;
    site_connect(s);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "PO-%d.x12", i);
        site_add(s, name, SLICE("ISA*00~"));
    }
    site_send(s, true);
    assert_int_equal(files_in(l->out, name), 10);
    assert_int_equal(name[0], '.');
    site_send(s, false);
    assert_int_equal(files_in(l->out, NULL), 10);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "PO-%d.x12", i);
        assert_string_equal(text_of_file(s, l->out, name), "ISA*00~");
        assert_int_equal(s->items[i].delivery.verdict, DELIVERED);
        assert_string_equal(s->items[i].delivery.external, name);
    }
    assert_string_equal(json_text_at(s->items[0].delivery.receipt, "file"), "PO-0.x12");
    snprintf(name, sizeof name, "%.200s/PO-0.x12", l->out);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void the_mode_is_what_is_asked_for_whatever_the_umask(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    struct stat st;
    char name[400];
    mode_t before = umask(077);
    site_set(s, "mode", "0664");
    site_connect(s);
    site_add(s, "a.x12", SLICE("x"));
    site_send(s, false);
    umask(before);
    snprintf(name, sizeof name, "%s/a.x12", l->out);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0664);
}

static void nothing_is_ever_overwritten(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    put_file(l->out, "a.x12", "somebody else's");
    put_file(l->out, "b.x12", "the same");
    site_connect(s);
    struct delivery *a = site_add(s, "a.x12", SLICE("ours")), *b = site_add(s, "b.x12", SLICE("the same"));
    struct delivery *c = site_add(s, "c.x12", SLICE("first")), *d = site_add(s, "c.x12", SLICE("second"));
    site_send(s, false);
    assert_int_equal(a->verdict, REJECTED);
    assert_true(said_of(a, "directory.name-taken"));
    assert_int_equal(b->verdict, DELIVERED);
    assert_int_equal(c->verdict, DELIVERED);
    assert_int_equal(d->verdict, REJECTED);
    assert_string_equal(text_of_file(s, l->out, "a.x12"), "somebody else's");
    assert_string_equal(text_of_file(s, l->out, "c.x12"), "first");
    assert_int_equal(files_in(l->out, NULL), 3); /* and no temporary file is left */
}

static void a_symlink_in_the_way_is_not_followed(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char target[400], link[400];
    snprintf(target, sizeof target, "%s/victim", l->in);
    put_file(l->in, "victim", "kept");
    snprintf(link, sizeof link, "%s/a.x12", l->out);
    assert_int_equal(symlink(target, link), 0);
    site_connect(s);
    struct delivery *a = site_add(s, "a.x12", SLICE("kept"));
    site_send(s, false);
    assert_int_equal(a->verdict, REJECTED);
    assert_string_equal(text_of_file(s, l->in, "victim"), "kept");
    /* nor when the directory itself has become one */
    site_forget_items(s);
    assert_int_equal(file_remove_tree(AT_FDCWD, l->out), 0);
    assert_int_equal(symlink(l->in, l->out), 0);
    a = site_add(s, "b.x12", SLICE("x"));
    site_send(s, false);
    assert_int_equal(a->verdict, HELD);
    assert_int_equal(files_in(l->in, NULL), 1);
}

static void a_missing_directory_holds_the_endpoint(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    assert_int_equal(rmdir(l->out), 0);
    site_connect(s);
    struct delivery *a = site_add(s, "a.x12", SLICE("x"));
    site_send(s, false);
    assert_int_equal(a->verdict, HELD);
    assert_true(a->not_before > instant_now().seconds);
    assert_int_equal(mkdir(l->out, 0750), 0);
    site_send(s, false);
    assert_int_equal(a->verdict, DELIVERED);
}

/* ---- in doubt ---- */

static void in_doubt_the_temporary_name_decides(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char path[400];
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    site_send(s, true); /* killed before the rename */
    site_disconnect(s);
    site_connect(s);
    assert_int_equal(site_confirm(s, d), RETRY);
    site_send(s, false); /* killed after it */
    site_disconnect(s);
    site_connect(s);
    assert_int_equal(site_confirm(s, d), DELIVERED);
    snprintf(path, sizeof path, "%s/a.x12", l->out);
    assert_int_equal(unlink(path), 0); /* and the customer has fetched it */
    assert_int_equal(site_confirm(s, d), DELIVERED);
    put_file(l->out, "a.x12", "another day's file");
    assert_int_equal(site_confirm(s, d), DELIVERED);
    assert_string_equal(text_of_file(s, l->out, "a.x12"), "another day's file");
}

/* A rename that was on its way to a network filesystem when its machine crashed is carried out later. */
static void a_rename_that_is_carried_out_late_finds_nothing(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    site_send(s, true);
    char temporary[256];
    assert_int_equal(files_in(l->out, temporary), 1);
    assert_int_equal(site_confirm(s, d), RETRY);
    assert_int_equal(site_confirm(s, d), RETRY); /* killed before that was written down */
    assert_int_equal(rename_in(l->out, temporary, "a.x12"), -1);
    site_next_attempt(s, d);
    assert_int_equal(d->verdict, DELIVERED);
    assert_int_equal(rename_in(l->out, temporary, "twice.x12"), -1);
    assert_int_equal(files_in(l->out, NULL), 1); /* the fence was removed */
}

static void in_doubt_where_the_directory_was_changed(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    site_connect(s);
    struct delivery *a = site_add(s, "a.x12", SLICE("order a")), *b = site_add(s, "b.x12", SLICE("order b"));
    site_send(s, true);
    s->endpoint.adapter->deliver(&s->endpoint, &b, 1); /* a was not renamed, b was */
    site_disconnect(s);
    site_set(s, "directory", l->in);
    site_connect(s);
    struct delivery *c = site_add(s, "c.x12", SLICE("order c"));
    s->endpoint.adapter->prepare(&s->endpoint, &c, 1);
    s->endpoint.adapter->deliver(&s->endpoint, &c, 1);
    assert_int_equal(site_confirm(s, a), RETRY); /* looked for where it went */
    assert_int_equal(site_confirm(s, b), DELIVERED);
    s->count = 1;
    site_next_attempt(s, a);
    s->count = 3;
    assert_int_equal(a->verdict, DELIVERED);
    assert_string_equal(text_of_file(s, l->in, "a.x12"), "order a");
    assert_null(text_of_file(s, l->out, "a.x12"));
    /* the old directory is no more: nothing is known of what was in it */
    assert_int_equal(file_remove_tree(AT_FDCWD, l->out), 0);
    assert_int_equal(site_confirm(s, b), REJECTED);
    assert_true(said_of(b, "directory.moved"));
}

static void another_file_of_that_name_and_size(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    site_send(s, true);
    put_file(l->out, "a.x12", "REDRO");
    assert_int_equal(site_confirm(s, d), RETRY);
    site_next_attempt(s, d);
    assert_int_equal(d->verdict, REJECTED);
    assert_string_equal(text_of_file(s, l->out, "a.x12"), "REDRO");
}

static void when_gone_a_person_can_be_asked(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char path[400];
    site_set(s, "when_gone", "ask");
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    site_send(s, false);
    assert_int_equal(site_confirm(s, d), DELIVERED); /* it is there: nobody needs to be asked */
    snprintf(path, sizeof path, "%s/a.x12", l->out);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(site_confirm(s, d), REJECTED);
    assert_true(said_of(d, "directory.gone"));
}

static void an_unmounted_directory_proves_nothing(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char moved[400];
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    site_send(s, true);
    site_disconnect(s);
    snprintf(moved, sizeof moved, "%s/elsewhere", s->tree.path);
    assert_int_equal(rename(l->out, moved), 0);
    site_connect(s);
    assert_int_equal(site_confirm(s, d), IN_DOUBT); /* missing */
    assert_int_equal(mkdir(l->out, 0750), 0);
    assert_int_equal(site_confirm(s, d), IN_DOUBT); /* an empty one in its place */
    assert_true(said_of(d, "directory.other"));
    assert_int_equal(rmdir(l->out), 0);
    assert_int_equal(rename(moved, l->out), 0);
    assert_int_equal(site_confirm(s, d), RETRY);
}

/* ---- names ---- */

static void file_names_are_harmless(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    static const char *const names[][2] = {
        {"../../etc/passwd", ""}, {"/etc/passwd", ""}, {"..", ""}, {".", ""},
        {".hidden", ""},          {"a b\n\xff/c", ""}, {"", ""},   {"order.x12", "order.x12"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char out[ADAPTER_FILE_NAME];
        struct delivery *d = site_add(s, "x", SLICE(""));
        json_t *name = json_string(names[i][0]);
        json_object_set_new(json_object_get(d->document->envelope, "message"), "name",
                            name ? name : json_string("a\nb/c"));
        adapter_file_name(d, out);
        assert_null(strchr(out, '/'));
        assert_int_not_equal(out[0], '.');
        assert_int_not_equal(out[0], '\0');
        assert_true(!*names[i][1] || !strcmp(out, names[i][1]));
        site_forget_items(s);
    }
    char longest[600], out[ADAPTER_FILE_NAME];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    adapter_file_name(site_add(s, longest, SLICE("")), out);
    assert_true(strlen(out) < ADAPTER_FILE_NAME);
}

static void a_pattern_is_filled_in_when_the_translator_has_not(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char out[ADAPTER_FILE_NAME], wanted[200];
    struct sending sending = {
        .file_name = "{type}_{number}_{control}_{partner}_{extension}_{id}_{date}{nonsense}{unclosed"};
    struct partner partner = {.id = "fjord"};
    struct delivery *d = site_add(s, "x", SLICE(""));
    json_object_del(json_object_get(d->document->envelope, "message"), "name");
    document_set(d->document, "type", "order");
    document_set(d->document, "number", "5002/54");
    document_set_integer(d->document, "control_number", 17);
    d->sending = &sending;
    d->partner = &partner;
    adapter_file_name(d, out);
    snprintf(wanted, sizeof wanted, "order_5002_54_000000017_fjord_x12_%s_%.8s_unclosed", d->document->name,
             d->document->id);
    assert_string_equal(out, wanted);
}

/* ---- settings, ping, records ---- */

static void settings_that_cannot_work_are_named(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    static const char *const wrong[][2] = {
        {"mode", "rw-r-----"},           {"mode", "0777"},          {"mode", "0040"},
        {"group", "no-such-group-here"}, {"when_gone", "perhaps"},  {"temporary_prefix", ""},
        {"temporary_prefix", "a/b"},     {"pickup_after", "-1"},    {"pickup_after", "soon"},
        {"after_pickup", "burn"},        {"after_pickup", "move:"}, {"interval", "0"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *kept = endpoint_setting(&s->config, wrong[i][0]);
        struct findings f = {.arena = &s->tree.arena};
        site_set(s, wrong[i][0], wrong[i][1]);
        s->endpoint.adapter->check(&s->config, NULL, &f);
        assert_int_equal(f.errors, 1);
        assert_string_equal(f.first->where, "spoolgate.conf:2");
        assert_int_equal(s->endpoint.adapter->open(&s->endpoint, &f), -1);
        static const char *const good[][2] = {{"mode", "0640"},           {"when_gone", "ask"},
                                              {"temporary_prefix", "."},  {"pickup_after", "10"},
                                              {"after_pickup", "remove"}, {"interval", "60"}};
        for (size_t g = 0; g < sizeof good / sizeof *good; g++)
            if (!strcmp(good[g][0], wrong[i][0]))
                site_set(s, wrong[i][0], kept && strcmp(kept, wrong[i][1]) ? kept : good[g][1]);
        if (!strcmp(wrong[i][0], "group")) {
            s->config.settings = s->config.settings->next;
            s->setting_count--;
        }
    }
}

static void ping_looks_at_what_sending_needs(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    struct buffer lines = {0};
    struct report r = {.findings = &s->tree.findings, .lines = &lines};
    start_pickup(l, "0");
    assert_int_equal(s->endpoint.adapter->ping(&s->endpoint, &r), 0);
    assert_false(r.failed);
    assert_non_null(strstr(lines.ptr, "ok    write: "));
    assert_non_null(strstr(lines.ptr, "ok    pickup: "));
    assert_int_equal(files_in(l->out, NULL), 0);
    assert_int_equal(rmdir(l->out), 0);
    buffer_clear(&lines);
    assert_int_equal(s->endpoint.adapter->ping(&s->endpoint, &r), -1);
    assert_non_null(strstr(lines.ptr, "wrong directory: "));
    buffer_free(&lines);
}

static void what_is_learnt_later_goes_into_the_folder(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char path[600], name[DOCUMENT_NAME_TEXT];
    struct delivery *d = site_add(s, "a.x12", SLICE("x"));
    snprintf(name, sizeof name, "%s", d->document->name);
    assert_int_equal(document_save(d->document), 0);
    assert_int_equal(file_write(d->document->folder, "attempt-2.json", SLICE("{}"), 0640, true), 0);
    assert_int_equal(file_write(d->document->folder, "receipt-1.json", SLICE("{}"), 0640, true), 0);
    assert_int_equal(spool_move(&s->tree.spool, s->outbox, name, STAGE_ARCHIVE, NULL, name), 0);
    site_forget_items(s);
    json_t *receipt = json_pack("{s:s}", "status", "VALID");
    assert_int_equal(adapter_record(&s->endpoint, name, "acknowledged by the partner", receipt, false, NULL),
                     0);
    assert_true(spool_find(&s->tree.spool, name, path));
    assert_true(strncmp(path, "archive/", 8) == 0);
    strcat(path, "/receipt-3.json");
    assert_non_null(strstr(tree_text(&s->tree, path), "\"VALID\""));
    struct findings f = {.arena = &s->tree.arena};
    finding_add(&f, SEVERITY_ERROR, "network.invalid", "", "Correct it.",
                "The network refused the document.");
    assert_int_equal(adapter_record(&s->endpoint, name, "refused by the network", receipt, true, &f), 0);
    json_decref(receipt);
    assert_true(spool_find(&s->tree.spool, name, path));
    assert_true(strncmp(path, "error/", 6) == 0);
    assert_true(tree_has(&s->tree, arena_printf(&s->tree.arena, "%s/receipt-4.json", path)));
    assert_non_null(strstr(tree_text(&s->tree, arena_printf(&s->tree.arena, "%s/error.txt", path)),
                           "The network refused"));
    assert_non_null(strstr(tree_text(&s->tree, arena_printf(&s->tree.arena, "%s/document.json", path)),
                           "refused by the network"));
    assert_int_equal(adapter_record(&s->endpoint, "20260101T000000000000-abcdef.1", "?", NULL, false, NULL),
                     -1);
}

int main(void)
{
#define HERE(test) cmocka_unit_test_setup_teardown(test, customer_make, customer_unmake)
    const struct CMUnitTest tests[] = {
        HERE(a_group_arrives_whole_under_its_names),
        HERE(the_mode_is_what_is_asked_for_whatever_the_umask),
        HERE(nothing_is_ever_overwritten),
        HERE(a_symlink_in_the_way_is_not_followed),
        HERE(a_missing_directory_holds_the_endpoint),
        HERE(in_doubt_the_temporary_name_decides),
        HERE(a_rename_that_is_carried_out_late_finds_nothing),
        HERE(in_doubt_where_the_directory_was_changed),
        HERE(another_file_of_that_name_and_size),
        HERE(when_gone_a_person_can_be_asked),
        HERE(an_unmounted_directory_proves_nothing),
        HERE(file_names_are_harmless),
        HERE(a_pattern_is_filled_in_when_the_translator_has_not),
        HERE(settings_that_cannot_work_are_named),
        HERE(ping_looks_at_what_sending_needs),
        HERE(what_is_learnt_later_goes_into_the_folder),
    };
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
