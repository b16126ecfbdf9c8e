/* outages: what is remembered of one, what the log says of it and when, and what can be seen of a disk, a
 * spool and a state that cannot be written. */
#include "tree.h"

#include "base/log.h"
#include "role/outage.h"
#include "role/process.h"
#include "role/storage.h"
#include <sys/mman.h>

/* ---- the log ---- */

struct captured {
    int kept, file;
    char text[16384];
};

static void capture(struct captured *c)
{
    c->kept = dup(STDERR_FILENO);
    c->file = memfd_create("log", MFD_CLOEXEC);
    assert_true(c->kept >= 0 && c->file >= 0);
    dup2(c->file, STDERR_FILENO);
}

/* Number of lines said since. */
static int captured(struct captured *c)
{
    dup2(c->kept, STDERR_FILENO);
    ssize_t n = pread(c->file, c->text, sizeof c->text - 1, 0);
    c->text[n > 0 ? n : 0] = '\0';
    close(c->kept);
    close(c->file);
    int lines = 0;
    for (const char *p = c->text; (p = strchr(p, '\n')); p++)
        lines++;
    return lines;
}

static void the_log_has_it_at_once_and_at_growing_intervals(void **state)
{
    (void)state;
    struct outage o = {0};
    struct captured c;
    int64_t began = 0;
    capture(&c);
    for (int second = 0; second < 3 * 3600; second += 10) { /* ten seconds a try, for three hours */
        outage_note(&o, "nothing arrives at orderful", "no answer");
        began = began ? began : o.began;
        o.tell -= 10000; /* as if they had passed */
    }
    /* at once; after 1, 5, 15, 60 minutes; after 2 hours; and not yet after 3 */
    assert_int_equal(captured(&c), 6);
    assert_non_null(strstr(c.text, "WARNING"));
    assert_non_null(strstr(c.text, ": nothing arrives at orderful: no answer\n"));
    assert_non_null(strstr(c.text, "nothing arrives at orderful since 20"));
    assert_non_null(strstr(c.text, ", tried 7 times): no answer"));
    assert_int_equal(o.tries, 3 * 360);
    capture(&c);
    outage_over(&o, "orderful is reached again");
    outage_over(&o, "orderful is reached again");
    assert_int_equal(captured(&c), 1);
    assert_non_null(strstr(c.text, "orderful is reached again, after 0 s and 1080 tries\n"));
    assert_int_equal(o.since, 0);
}

static void another_reason_is_news_but_not_every_second(void **state)
{
    (void)state;
    struct outage o = {0};
    struct captured c;
    char why[32];
    capture(&c);
    for (int i = 0; i < 100; i++) {
        snprintf(why, sizeof why, "reason %d", i);
        outage_note(&o, "it", why);
    }
    assert_int_equal(captured(&c), 1);
    capture(&c);
    for (int i = 0; i < 3; i++) {
        o.tell -= 61000; /* a minute later */
        outage_note(&o, "it", "another");
    }
    assert_int_equal(captured(&c), 1); /* the second line was due; the next in four minutes, and no news */
    capture(&c);
    outage_note(&o, "it", "yet another");
    assert_int_equal(captured(&c), 1);
}

static void what_is_only_looked_at_has_no_tries(void **state)
{
    (void)state;
    struct outage o = {0}, copy;
    struct captured c;
    capture(&c);
    outage_see(&o, "the disk is full", "0 MiB");
    outage_see(&o, "the disk is full", "0 MiB");
    assert_true(outage_read(&o, &copy));
    assert_int_equal(copy.tries, 0);
    outage_over(&o, "there is room");
    assert_int_equal(captured(&c), 2);
    assert_non_null(strstr(c.text, "there is room, after 0 s\n"));
    assert_false(outage_read(&o, &copy));
}

/* What others say may hold anything, and be of any length. */
static void it_is_fit_for_a_screen_and_bounded(void **state)
{
    (void)state;
    struct outage o = {0}, copy;
    struct captured c;
    char why[2000];
    memset(why, 'x', sizeof why);
    why[3] = '\n';
    why[4] = '\xff';
    why[sizeof why - 1] = '\0';
    capture(&c);
    outage_note(&o, why, why);
    assert_int_equal(captured(&c), 1);
    assert_true(outage_read(&o, &copy));
    assert_null(strchr(copy.why, '\n'));
    assert_true(strlen(copy.why) < OUTAGE_WHY);
    assert_true(strlen(copy.about) < OUTAGE_ABOUT);
    o.turn |= 1; /* its writer died in the midst: what is there is read all the same */
    memset(o.why, 'y', sizeof o.why);
    assert_true(outage_read(&o, &copy));
    assert_int_equal(strlen(copy.why), OUTAGE_WHY - 1);
    capture(&c);
    outage_note(&o, "again", "whole");
    captured(&c);
    assert_int_equal(o.turn & 1, 0);
}

/* Who starts a role again says why it ended. */
static void the_last_error_is_kept(void **state)
{
    (void)state;
    char words[32] = "";
    struct captured c;
    capture(&c);
    log_keep_error(words, sizeof words);
    log_error("the disk cannot be %s, and so on and on and on", "synced");
    log_warning("a warning");
    log_keep_error(NULL, 0);
    log_error("nobody keeps this");
    assert_int_equal(captured(&c), 3);
    assert_string_equal(words, "the disk cannot be synced, and ");
}

/* ---- storage ---- */

static void a_sound_spool_has_nothing_wrong(void **state)
{
    (void)state;
    struct tree t;
    struct config c = {0};
    char why[OUTAGE_WHY], path[400];
    tree_open(&t);
    assert_int_equal(file_write(t.spool.root, ".state.sqlite", SLICE("x"), 0640, true), 0);
    snprintf(path, sizeof path, "%s/.state.sqlite", t.spool.path);
    assert_false(storage_spool(&t.spool, &c, why));
    assert_false(storage_state(path, why));
    strcat(path, ".gone");
    assert_true(storage_state(path, why));
    assert_non_null(strstr(why, "spoolgate reindex"));
    tree_close(&t);
}

static void a_folder_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct tree t;
    struct route r = {.name = "orders", .source = "erp"};
    struct endpoint_config e = {.name = "orderful"};
    struct config c = {.routes = &r, .endpoints = &e};
    char why[OUTAGE_WHY], path[400];
    tree_open(&t);
    assert_int_equal(chmod(t.path, 0755), 0);
    assert_int_equal(chmod(t.spool.path, 0777), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fchmod(t.spool.stage[i], 0777), 0);
    assert_int_equal(fchmod(spool_inbox(&t.spool, "erp"), 0777), 0);
    assert_int_equal(fchmod(spool_outbox(&t.spool, "orderful"), 0777), 0);
    snprintf(path, sizeof path, "%s/.state.sqlite", t.spool.path);
    assert_int_equal(file_write(t.spool.root, ".state.sqlite", SLICE("x"), 0640, true), 0);
    assert_int_equal(chmod(path, 0444), 0);
    uid_t self = geteuid();
    if (self == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_false(storage_spool(&t.spool, &c, why));
    assert_true(storage_state(path, why));
    assert_non_null(strstr(why, ".state.sqlite cannot be written: Permission denied"));
    assert_int_equal(seteuid(self), 0);
    static const struct {
        const char *path;
    } folders[] = {{"inbox/erp"}, {"outbox/orderful"}, {"error"}};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        assert_int_equal(fchmodat(t.spool.root, folders[i].path, 0555, 0), 0);
        if (self == 0)
            assert_int_equal(seteuid(65534), 0);
        assert_true(storage_spool(&t.spool, &c, why));
        assert_int_equal(seteuid(self), 0);
        assert_int_equal(strncmp(why, folders[i].path, strlen(folders[i].path)), 0);
        assert_non_null(strstr(why, "Permission denied"));
        assert_int_equal(fchmodat(t.spool.root, folders[i].path, 0777, 0), 0);
    }
    tree_close(&t);
}

static void a_spool_that_was_moved_away_is_told(void **state)
{
    (void)state;
    struct tree t;
    struct config c = {0};
    char why[OUTAGE_WHY], away[400];
    tree_open(&t);
    snprintf(away, sizeof away, "%s/away", t.path);
    assert_int_equal(rename(t.spool.path, away), 0);
    assert_true(storage_spool(&t.spool, &c, why));
    assert_int_equal(mkdir(t.spool.path, 0755), 0);
    assert_true(storage_spool(&t.spool, &c, why));
    assert_non_null(strstr(why, "moved away"));
    tree_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_has_it_at_once_and_at_growing_intervals),
        cmocka_unit_test(another_reason_is_news_but_not_every_second),
        cmocka_unit_test(what_is_only_looked_at_has_no_tries),
        cmocka_unit_test(it_is_fit_for_a_screen_and_bounded),
        cmocka_unit_test(the_last_error_is_kept),
        cmocka_unit_test(a_sound_spool_has_nothing_wrong),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_named),
        cmocka_unit_test(a_spool_that_was_moved_away_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
