/* role: the small parts: listings that miss nothing, what differs between two documents, names of messages,
 * what an idle gateway is. */
#include "tree.h"

#include "role/difference.h"
#include "role/idle.h"
#include "role/listing.h"
#include "role/message.h"
#include "role/process.h"
#include "role/summary.h"
#include "role/whereabouts.h"
#include "spool/document.h"
#include "syntax/syntax.h"
#include <signal.h>
#include <sys/socket.h>

#define ID "20260321T091455123456-9f3a1c"

/* ---- listing ---- */

static void a_listing_is_in_order_and_without_dots(void **state)
{
    (void)state;
    struct tree t;
    struct listing l = {0};
    tree_open(&t);
    int dir = spool_inbox(&t.spool, "erp");
    assert_int_equal(listing_read(&l, dir, BY_NAME), 0);
    assert_int_equal(l.count, 0);
    tree_put(&t, "inbox/erp/c", "1");
    usleep(20000); /* a tick of the kernel's coarse clock lies between */
    tree_put(&t, "inbox/erp/a", "2");
    usleep(20000);
    tree_put(&t, "inbox/erp/b", "3");
    tree_put(&t, "inbox/erp/.hidden", "4");
    assert_int_equal(listing_read(&l, dir, BY_NAME), 0);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.items[0].name, "a");
    assert_string_equal(l.items[2].name, "c");
    assert_int_equal(listing_read(&l, dir, BY_ARRIVAL), 0);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.items[0].name, "c");
    assert_string_equal(l.items[1].name, "a");
    assert_string_equal(l.items[2].name, "b");
    assert_int_equal(renameat(dir, "c", dir, "d"), 0); /* moved in later: arrived later */
    assert_int_equal(listing_read(&l, dir, BY_ARRIVAL), 0);
    assert_string_equal(l.items[2].name, "d");
    listing_free(&l);
    assert_int_equal(listing_read(&l, -1, BY_NAME), -1);
    listing_free(&l);
    tree_close(&t);
}

static void a_long_listing_keeps_the_first(void **state)
{
    (void)state;
    struct tree t;
    struct listing l = {0};
    char name[32];
    const unsigned more = LISTING_LIMIT + 50;
    tree_open(&t);
    int dir = spool_inbox(&t.spool, "erp");
    int one = openat(dir, "n0", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(one >= 0);
    close(one);
    for (unsigned i = 0; i < more; i++) { /* symlinks: cheaper than files, and listed all the same */
        snprintf(name, sizeof name, "f%06u", (i * 7919u) % more);
        if (symlinkat("n0", dir, name) < 0)
            assert_int_equal(errno, EEXIST);
    }
    assert_int_equal(listing_read(&l, dir, BY_NAME), 0);
    assert_int_equal(l.count, LISTING_LIMIT);
    assert_true(l.more);
    assert_string_equal(l.items[0].name, "f000000");
    snprintf(name, sizeof name, "f%06u", LISTING_LIMIT - 1);
    assert_string_equal(l.items[LISTING_LIMIT - 1].name, name);
    listing_free(&l);
    tree_close(&t);
}

/* ---- difference ---- */

static struct node *parse(struct findings *f, const char *json)
{
    struct syntax_options none = {0};
    struct node *n = syntax_json.read(&none, slice_of(json), f);
    assert_non_null(n);
    return n;
}

static unsigned differ(struct arena *a, const char *before, const char *now, struct findings *out)
{
    struct findings reading = {.arena = a};
    *out = (struct findings){.arena = a};
    return difference_find(parse(&reading, before), parse(&reading, now), out);
}

static void differences_are_named(void **state)
{
    (void)state;
    struct arena a = {0};
    struct findings f;
    assert_int_equal(differ(&a, "{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1.00}", &f), 0);
    assert_int_equal(differ(&a, "{\"a\":1}", "{\"a\":\"1\"}", &f), 1);
    assert_int_equal(
        differ(&a, "{\"lines\":[{\"quantity\":10}]}", "{\"lines\":[{\"quantity\":12},{\"quantity\":1}]}", &f),
        2);
    assert_string_equal(f.first->where, "lines[0].quantity");
    assert_non_null(strstr(f.first->what, "\"10\" and is now \"12\""));
    assert_string_equal(f.first->next->where, "lines[1]");
    assert_int_equal(differ(&a, "{\"a\":null,\"gone\":1}", "{\"a\":true,\"new\":{}}", &f), 3);
    assert_int_equal(differ(&a, "[1,2,3,4,5,6,7,8,9,10,11,12]", "[0,0,0,0,0,0,0,0,0,0,0,0]", &f), 12);
    assert_int_equal(f.kept, DIFFERENCE_LIMIT);
    arena_free(&a);
}

/* ---- messages ---- */

static void names_of_messages(void **state)
{
    (void)state;
    struct arena a = {0};
    struct findings f = {.arena = &a};
    struct identity i = {.type = SLICE("order"), .number = SLICE("../5/00\n2"), .version = SLICE("1")};
    struct partner p = {.id = "hansen"};
    struct sending s = {.type = "order"};
    struct message_facts facts = {
        .document = ID ".1", .control_number = 17, .prepared = message_prepared(ID ".1"), .identity = &i};
    assert_int_equal(facts.prepared, 1774084495); /* 2026-03-21 09:14:55 UTC */
    const char *name = message_name(&p, &s, &syntax_x12, &facts, &f);
    assert_null(strchr(name, '/'));
    assert_null(strchr(name, '\n'));
    assert_true(name[0] != '.');
    assert_non_null(strstr(name, "000000017.x12"));
    s.file_name = "{partner}_{type}_{date}_{version}_{unknown}_{document}.{extension";
    i.number = SLICE("5");
    name = message_name(&p, &s, &syntax_json, &facts, &f);
    assert_int_equal(strncmp(name, "hansen_order_20260321_1_", 24), 0);
    assert_non_null(strstr(name, ID));
    arena_free(&a);
}

/* ---- whereabouts ---- */

static void a_first_destination_is_found_under_its_bare_id(void **state)
{
    (void)state;
    struct tree t;
    char path[512];
    tree_open(&t);
    assert_false(whereabouts_find(&t.spool, ID ".1", path));
    tree_put(&t, "translate/.work-1/" ID "/source.json", "x");
    assert_true(whereabouts_find(&t.spool, ID ".1", path));
    assert_string_equal(path, "translate/.work-1/" ID);
    assert_false(whereabouts_find(&t.spool, ID ".2", path));
    tree_put(&t, "archive/2026/03/21/" ID ".2/source.json", "x");
    assert_true(whereabouts_find(&t.spool, ID ".2", path));
    tree_close(&t);
}

/* ---- idle ---- */

static void idle_means_nothing_to_do(void **state)
{
    (void)state;
    struct tree t;
    char text[400];
    tree_open(&t);
    snprintf(text, sizeof text, "%s/state.db", t.path);
    struct config c = {.state = text};
    struct board_entry entries[3] = {{.cycles = 1}, {.cycles = 1}, {.cycles = 1}};
    struct role roles[3] = {{.kind = ROLE_TRANSLATOR, .pid = 1, .entry = &entries[0]},
                            {.kind = ROLE_POLLER, .pid = 1, .entry = &entries[1]},
                            {.kind = ROLE_COURIER, .pid = 1, .entry = &entries[2], .endpoint = "erp"}};
    struct board b = {.roles = roles, .count = 3};
    struct idle i = {0};
    assert_false(idle_look(&i, &b, &t.spool, &c)); /* once is not enough */
    assert_true(idle_look(&i, &b, &t.spool, &c));
    entries[0].cycles++; /* somebody has looked meanwhile */
    assert_false(idle_look(&i, &b, &t.spool, &c));
    assert_true(idle_look(&i, &b, &t.spool, &c));
    entries[0].busy = 1;
    assert_false(idle_look(&i, &b, &t.spool, &c));
    entries[0].busy = 0;
    roles[1].pid = 0; /* it crashed and is to be started again */
    assert_false(idle_look(&i, &b, &t.spool, &c));
    roles[1].pid = 1;
    entries[1].failed = 1; /* a poll that failed is waited for, but not for ever */
    assert_false(idle_look(&i, &b, &t.spool, &c));
    entries[1].cycles = 100;
    assert_false(idle_look(&i, &b, &t.spool, &c));
    assert_true(idle_look(&i, &b, &t.spool, &c));
    assert_int_equal(i.failing, 1);
    tree_put(&t, "inbox/erp/order.json.part", "half");
    tree_put(&t, "inbox/erp/.hidden", "half");
    assert_true(idle_look(&i, &b, &t.spool, &c));
    tree_put(&t, "inbox/erp/order.json", "whole");
    assert_false(idle_look(&i, &b, &t.spool, &c));
    unlinkat(t.spool.root, "inbox/erp/order.json", 0);
    tree_put(&t, "outbox/erp/" ID ".1/document.json", "{}");
    assert_false(idle_look(&i, &b, &t.spool, &c));
    assert_false(idle_look(&i, &b, &t.spool, &c));
    tree_put(&t, "outbox/erp/.held", "relationship missing\n");
    assert_false(idle_look(&i, &b, &t.spool, &c));
    assert_true(idle_look(&i, &b, &t.spool, &c));
    assert_int_equal(i.held, 1);
    assert_int_equal(i.unserved, 0);
    /* an endpoint that was given another name: nothing that waiting would help */
    tree_put(&t, "outbox/renamed/" ID ".1/document.json", "{}");
    assert_true(idle_look(&i, &b, &t.spool, &c));
    assert_int_equal(i.unserved, 1);
    tree_close(&t);
}

/* ---- summary ---- */

static void a_summary_counts_what_is_new_in_error(void **state)
{
    (void)state;
    struct tree t;
    char id[DOCUMENT_NAME_TEXT], path[200];
    tree_open(&t);
    tree_put(&t, "error/" ID "/document.json", "{\"id\":\"" ID "\"}");
    struct summary *m = summary_begin(&t.spool);
    assert_int_equal(summary_end(m, true), 0);
    document_id_new(id);
    snprintf(path, sizeof path, "error/%s/document.json", id);
    tree_put(&t, path, "not JSON at all");
    assert_int_equal(summary_end(m, true), 1);
    summary_free(m);
    tree_close(&t);
}

/* ---- process ---- */

static void signals_are_seen_between_groups(void **state)
{
    (void)state;
    struct process p;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (process_open(&p) < 0 || process_stopping(&p))
            _exit(1);
        kill(getpid(), SIGHUP);
        if (!process_stopping(&p) || !p.reload || p.stop)
            _exit(2);
        kill(getpid(), SIGTERM);
        process_wait(&p, -1, 60000); /* returns at once */
        _exit(p.stop ? 0 : 3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_is_in_order_and_without_dots),
        cmocka_unit_test(a_long_listing_keeps_the_first),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(names_of_messages),
        cmocka_unit_test(a_first_destination_is_found_under_its_bare_id),
        cmocka_unit_test(idle_means_nothing_to_do),
        cmocka_unit_test(a_summary_counts_what_is_new_in_error),
        cmocka_unit_test(signals_are_seen_between_groups),
    };
    return cmocka_run_group_tests_name("role", tests, NULL, NULL);
}
