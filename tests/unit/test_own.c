/* own: what somebody else keeps a hand in becomes a copy of our own; what is still written to is left alone,
 * and what was written to nevertheless is not lost. */
#include "tree.h"

#include "base/json.h"
#include "spool/inbox.h"
#include "spool/own.h"
#include "spool/work.h"
#include <signal.h>

#define OTHER 65534 /* nobody */

struct desk {
    struct tree tree;
    struct work work;
    int inbox;
};

static void desk_open(struct desk *k)
{
    tree_open(&k->tree);
    assert_int_equal(work_open(&k->work, &k->tree.spool, 1), 0);
    k->inbox = spool_inbox(&k->tree.spool, "erp");
    assert_true(k->inbox >= 0);
}

static void desk_close(struct desk *k)
{
    work_close(&k->work);
    tree_close(&k->tree);
}

static void drop(struct desk *k, const char *name, const char *text)
{
    assert_int_equal(file_write(k->inbox, name, slice_of(text), 0640, true), 0);
}

static enum readiness ready(struct desk *k, const char *name, struct proof *proof)
{
    struct patience none = {.closed = -1};
    int64_t again;
    return inbox_ready(k->inbox, name, &none, proof, &again, &k->tree.findings);
}

static int claim(struct desk *k, const char *name, struct document *d)
{
    return work_claim_file(&k->work, "erp", k->inbox, name, NULL, d);
}

static const char *text_of(struct desk *k, const struct document *d, const char *file)
{
    char path[300];
    snprintf(path, sizeof path, "translate/.work-1/%s/%s", d->name, file);
    return tree_text(&k->tree, path);
}

/* ---- hands kept in it ---- */

static void a_hard_link_that_is_kept_alters_nothing(void **state)
{
    (void)state;
    struct desk k;
    struct document d;
    struct stat st;
    char kept[300];
    desk_open(&k);
    snprintf(kept, sizeof kept, "%s/kept", k.tree.path);
    drop(&k, "order.json", "as received");
    assert_int_equal(linkat(k.inbox, "order.json", AT_FDCWD, kept, 0), 0);
    assert_int_equal(claim(&k, "order.json", &d), 0);
    int hand = open(kept, O_WRONLY | O_TRUNC);
    assert_true(hand >= 0 && write(hand, "altered", 7) == 7);
    close(hand);
    assert_string_equal(text_of(&k, &d, "source.json"), "as received");
    assert_int_equal(fstatat(d.folder, "source.json", &st, 0), 0);
    assert_true(own_is(&st));
    assert_int_equal(json_integer_at(d.envelope, "source.size", 0), 11);
    document_close(&d);
    desk_close(&k);
}

static void what_is_ours_alone_is_taken_by_one_rename(void **state)
{
    (void)state;
    struct desk k;
    struct document d;
    struct stat before, after;
    desk_open(&k);
    drop(&k, "order.json", "bytes");
    assert_int_equal(fstatat(k.inbox, "order.json", &before, 0), 0);
    assert_int_equal(claim(&k, "order.json", &d), 0);
    assert_int_equal(fstatat(d.folder, "source.json", &after, 0), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_false(d.received);
    document_close(&d);
    /* one that others may write to is not */
    drop(&k, "second.json", "bytes");
    assert_int_equal(fchmodat(k.inbox, "second.json", 0664, 0), 0);
    assert_int_equal(fstatat(k.inbox, "second.json", &before, 0), 0);
    assert_int_equal(claim(&k, "second.json", &d), 0);
    assert_int_equal(fstatat(d.folder, "source.json", &after, 0), 0);
    assert_true(before.st_ino != after.st_ino);
    document_close(&d);
    desk_close(&k);
}

static void another_users_file_becomes_ours_and_its_owner_is_noted(void **state)
{
    (void)state;
    struct desk k;
    struct document d;
    struct stat st;
    if (geteuid() != 0) {
        print_message("# only root can leave files of another user\n");
        skip();
    }
    desk_open(&k);
    drop(&k, "order.json", "as received");
    assert_int_equal(fchownat(k.inbox, "order.json", OTHER, OTHER, 0), 0);
    int hand = openat(k.inbox, "order.json", O_RDONLY); /* may be opened anew for writing by its owner */
    assert_int_equal(claim(&k, "order.json", &d), 0);
    char again[64];
    snprintf(again, sizeof again, "/proc/self/fd/%d", hand);
    int writing = open(again, O_WRONLY);
    assert_true(writing >= 0 && write(writing, "AS", 2) == 2);
    close(writing);
    close(hand);
    assert_string_equal(text_of(&k, &d, "source.json"), "as received");
    assert_int_equal(fstatat(d.folder, "source.json", &st, 0), 0);
    assert_true(own_is(&st));
    assert_non_null(strstr(document_text(&d, "source.owner"), "uid 65534"));
    document_close(&d);
    desk_close(&k);
}

/* ---- who comes in between ---- */

static void what_takes_the_files_place_is_judged_by_itself(void **state)
{
    (void)state;
    struct desk k;
    struct document d;
    struct proof proof;
    desk_open(&k);
    drop(&k, "order.json", "one");
    assert_int_equal(ready(&k, "order.json", &proof), READY);
    drop(&k, "other.json", "two");
    assert_int_equal(renameat(k.inbox, "other.json", k.inbox, "order.json"), 0);
    assert_int_equal(work_claim_file(&k.work, "erp", k.inbox, "order.json", &proof, &d), CLAIM_LATER);
    proof_close(&proof);
    assert_string_equal(tree_text(&k.tree, "inbox/erp/order.json"), "two");
    /* a link, a pipe, a folder: never opened */
    for (int i = 0; i < 3; i++) {
        drop(&k, "good.json", "good");
        assert_int_equal(ready(&k, "good.json", &proof), READY);
        assert_int_equal(unlinkat(k.inbox, "good.json", 0), 0);
        assert_int_equal(i == 0   ? symlinkat("/etc/passwd", k.inbox, "good.json")
                         : i == 1 ? mkfifoat(k.inbox, "good.json", 0600)
                                  : mkdirat(k.inbox, "good.json", 0700),
                         0);
        assert_int_equal(work_claim_file(&k.work, "erp", k.inbox, "good.json", &proof, &d), 1);
        proof_close(&proof);
        assert_int_equal(tree_count(&k.tree, "error", NULL), i + 1);
    }
    /* gone */
    drop(&k, "good.json", "good");
    assert_int_equal(ready(&k, "good.json", &proof), READY);
    assert_int_equal(unlinkat(k.inbox, "good.json", 0), 0);
    assert_int_equal(work_claim_file(&k.work, "erp", k.inbox, "good.json", &proof, &d), 1);
    proof_close(&proof);
    desk_close(&k);
}

static void a_writer_that_comes_in_between_is_noticed(void **state)
{
    (void)state;
    for (int links = 0; links < 2; links++) {
        struct desk k;
        struct document d;
        struct proof proof;
        char kept[300];
        desk_open(&k);
        snprintf(kept, sizeof kept, "%s/kept", k.tree.path);
        drop(&k, "order.json", "one");
        if (links)
            assert_int_equal(linkat(k.inbox, "order.json", AT_FDCWD, kept, 0), 0);
        assert_int_equal(ready(&k, "order.json", &proof), READY);
        if (!proof.leased) {
            proof_close(&proof);
            desk_close(&k);
            print_message("# this filesystem has no leases\n");
            skip();
        }
        /* it would wait for us; this one only says that it wants to */
        assert_int_equal(openat(k.inbox, "order.json", O_WRONLY | O_NONBLOCK), -1);
        assert_int_equal(work_claim_file(&k.work, "erp", k.inbox, "order.json", &proof, &d), CLAIM_LATER);
        proof_close(&proof);
        assert_string_equal(tree_text(&k.tree, "inbox/erp/order.json"), "one");
        assert_int_equal(claim(&k, "order.json", &d), 0);
        document_close(&d);
        desk_close(&k);
    }
}

/* As it is without CAP_LEASE: the descriptor that nobody could know of writes after the copy was made. */
static void what_is_written_late_is_handed_in_again(void **state)
{
    (void)state;
    struct desk k;
    struct document d;
    char kept[300], name[256];
    desk_open(&k);
    snprintf(kept, sizeof kept, "%s/kept", k.tree.path);
    drop(&k, "order.json", "first half");
    assert_int_equal(linkat(k.inbox, "order.json", AT_FDCWD, kept, 0), 0);
    assert_int_equal(claim(&k, "order.json", &d), 0);
    assert_true(d.received);
    int hand = open(kept, O_WRONLY | O_APPEND);
    assert_true(hand >= 0 && write(hand, ", second half", 13) == 13);
    close(hand);
    assert_int_equal(document_save(&d), 0);
    assert_int_equal(spool_sync(&k.tree.spool), 0);
    assert_int_equal(own_settle(&k.tree.spool, &d), 0);
    assert_string_equal(tree_text(&k.tree, "inbox/erp/order.json"), "first half, second half");
    assert_string_equal(text_of(&k, &d, "source.json"), "first half");
    assert_non_null(strstr(text_of(&k, &d, "document.json"), "handed in again"));
    /* and beside one of that name that came meanwhile */
    document_close(&d);
    assert_int_equal(claim(&k, "order.json", &d), 0);
    drop(&k, "order.json", "another");
    hand = open(kept, O_WRONLY | O_APPEND);
    assert_true(hand >= 0 && write(hand, ", third", 7) == 7);
    close(hand);
    assert_int_equal(own_settle(&k.tree.spool, &d), 0);
    assert_string_equal(tree_text(&k.tree, "inbox/erp/order.json"), "another");
    assert_string_equal(tree_text(&k.tree, "inbox/erp/order-2.json"), "first half, second half, third");
    assert_int_equal(tree_count(&k.tree, "inbox/erp", name), 2);
    document_close(&d);
    desk_close(&k);
}

static void what_stayed_as_it_was_is_put_away(void **state)
{
    (void)state;
    struct desk k;
    struct document d;
    desk_open(&k);
    drop(&k, "order.json", "bytes");
    assert_int_equal(fchmodat(k.inbox, "order.json", 0666, 0), 0);
    assert_int_equal(claim(&k, "order.json", &d), 0);
    assert_int_equal(faccessat(d.folder, OWN_RECEIVED "source.json", F_OK, 0), 0);
    assert_int_equal(own_settle(&k.tree.spool, &d), 0);
    assert_int_equal(faccessat(d.folder, OWN_RECEIVED "source.json", F_OK, 0), -1);
    assert_int_equal(tree_count(&k.tree, "inbox/erp", NULL), 0);
    document_close(&d);
    desk_close(&k);
}

/* Who keeps a hand in the original may also take care that it cannot be looked at any more. */
static void an_original_that_is_withheld_ends_nothing(void **state)
{
    (void)state;
    struct desk k;
    struct document d;
    char kept[300];
    int status;
    desk_open(&k);
    snprintf(kept, sizeof kept, "%s/kept", k.tree.path);
    drop(&k, "order.json", "bytes");
    assert_int_equal(linkat(k.inbox, "order.json", AT_FDCWD, kept, 0), 0);
    assert_int_equal(claim(&k, "order.json", &d), 0);
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    if (child == 0) { /* a write lease: whoever opens it has to wait */
        signal(SIGIO, SIG_IGN);
        int hand = open(kept, O_RDWR);
        if (write(tell[1], fcntl(hand, F_SETLEASE, F_WRLCK) == 0 ? "y" : "n", 1) == 1)
            pause();
        _exit(0);
    }
    char leased = 'n';
    assert_int_equal(read(tell[0], &leased, 1), 1);
    assert_int_equal(document_save(&d), 0);
    assert_int_equal(own_settle(&k.tree.spool, &d), 0);
    if (leased == 'y') {
        assert_true(tree_has(&k.tree, "inbox/erp/order.json"));
        struct proof proof; /* nor does it hold up who looks for it there */
        assert_int_equal(ready(&k, "order.json", &proof), NOT_READY);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(tell[0]);
    close(tell[1]);
    document_close(&d);
    desk_close(&k);
}

/* ---- folders out of translate/ ---- */

#define ID "20260321T091455123456-9f3a1c"

static void a_correction_becomes_ours_too(void **state)
{
    (void)state;
    struct desk k;
    struct document d;
    struct stat st;
    desk_open(&k);
    tree_put(&k.tree, "translate/" ID "/source.json", "wrong");
    tree_put(&k.tree, "translate/" ID "/corrected.json", "right");
    assert_int_equal(fchmodat(k.tree.spool.root, "translate/" ID "/corrected.json", 0664, 0), 0);
    int hand = openat(k.tree.spool.root, "translate/" ID "/corrected.json", O_WRONLY | O_APPEND);
    assert_int_equal(work_claim_folder(&k.work, ID, &d), CLAIM_LATER);
    assert_true(tree_has(&k.tree, "translate/" ID "/corrected.json"));
    close(hand);
    assert_int_equal(work_claim_folder(&k.work, ID, &d), 0);
    assert_true(d.received);
    assert_int_equal(fstatat(d.folder, "corrected.json", &st, 0), 0);
    assert_true(own_is(&st));
    assert_non_null(strstr(document_text(&d, "corrected.owner"), "uid "));
    /* taken once more with the same correction, which is ours now: nothing new of its owner */
    json_object_set_new(json_object_get(d.envelope, "corrected"), "owner", json_string("kari (uid 1003)"));
    struct buffer b = {0};
    assert_int_equal(document_read(&d, "corrected.json", &b, NULL), 0);
    buffer_free(&b);
    own_note_corrector(&d);
    assert_string_equal(document_text(&d, "corrected.owner"), "kari (uid 1003)");
    document_close(&d);
    desk_close(&k);
}

/* What a kill may leave, and what a loss of power. */
static void what_a_kill_leaves_is_made_whole(void **state)
{
    (void)state;
    static const struct {
        const char *source, *received, *copy, *noted, *then;
    } left[] = {
        {NULL, "bytes", NULL, NULL, "bytes"},
        {NULL, "bytes", "by", NULL, "bytes"},
        {"bytes", "bytes", NULL, NULL, "bytes"},
        {"", "bytes", NULL, NULL, "bytes"}, /* power: the copy was not on the disk */
        {"byt\1s", "bytes", NULL, NULL, "bytes"},
        {"half", "half and more", NULL, "0000", "half and more"},
        /* translated before the kill, and written to since: SHA-256 of "half" */
        {"half", "half and more", NULL, "a11ae06469c63740d7b0ecf802f282a0d46e94f31a654dfcd3c0dc6dc277f904",
         "half"},
    };
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        struct desk k;
        struct document d;
        char text[400];
        desk_open(&k);
        snprintf(text, sizeof text,
                 "{\"id\":\"" ID
                 "\",\"source\":{\"name\":\"erp\",\"file\":\"o.json\",\"stored\":\"source.json\"%s%s%s}}",
                 left[i].noted ? ",\"sha256\":\"" : "", left[i].noted ? left[i].noted : "",
                 left[i].noted ? "\"" : "");
        tree_put(&k.tree, "translate/.work-2/" ID "/document.json", text);
        if (left[i].source)
            tree_put(&k.tree, "translate/.work-2/" ID "/source.json", left[i].source);
        tree_put(&k.tree, "translate/.work-2/" ID "/.received-source.json", left[i].received);
        if (left[i].copy)
            tree_put(&k.tree, "translate/.work-2/" ID "/.copy-source.json", left[i].copy);
        assert_int_equal(work_recover(&k.work), 1);
        assert_int_equal(work_claim_folder(&k.work, ID, &d), 0);
        assert_string_equal(text_of(&k, &d, "source.json"), left[i].then);
        assert_int_equal(own_settle(&k.tree.spool, &d), 0);
        assert_int_equal(faccessat(d.folder, ".received-source.json", F_OK, 0), -1);
        assert_int_equal(faccessat(d.folder, ".copy-source.json", F_OK, 0), -1);
        assert_int_equal(faccessat(d.folder, ".given-back", F_OK, 0), -1);
        bool late = strcmp(left[i].then, left[i].received) != 0;
        assert_int_equal(tree_count(&k.tree, "inbox/erp", NULL), late);
        assert_string_equal(tree_text(&k.tree, "inbox/erp/o.json"), late ? left[i].received : "");
        assert_null(strstr(text_of(&k, &d, "document.json"), "by hand"));
        document_close(&d);
        desk_close(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hard_link_that_is_kept_alters_nothing),
        cmocka_unit_test(what_is_ours_alone_is_taken_by_one_rename),
        cmocka_unit_test(another_users_file_becomes_ours_and_its_owner_is_noted),
        cmocka_unit_test(what_takes_the_files_place_is_judged_by_itself),
        cmocka_unit_test(a_writer_that_comes_in_between_is_noticed),
        cmocka_unit_test(what_is_written_late_is_handed_in_again),
        cmocka_unit_test(what_stayed_as_it_was_is_put_away),
        cmocka_unit_test(an_original_that_is_withheld_ends_nothing),
        cmocka_unit_test(a_correction_becomes_ours_too),
        cmocka_unit_test(what_a_kill_leaves_is_made_whole),
    };
    return cmocka_run_group_tests_name("own", tests, NULL, NULL);
}
