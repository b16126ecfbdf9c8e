/* inbox: what is ready, what is refused, putting groups in, and watching. */
#include "disturb.h"
#include "tree.h"

#include "base/json.h"
#include "spool/document.h"
#include "spool/inbox.h"
#include "spool/name.h"
#include "spool/watch.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>

static int inbox(struct tree *t, const char *source)
{
    int dir = spool_inbox(&t->spool, source);
    assert_true(dir >= 0);
    return dir;
}

/* ---- ready ---- */

/* As of a file whose close was seen a long time ago, or was not seen. */
static enum readiness judge(int dir, const char *name, bool closed_seen, unsigned settle, struct findings *f)
{
    struct patience p = {.settle = settle, .closed = closed_seen ? 3600000 : -1};
    struct proof proof;
    int64_t again;
    enum readiness r = inbox_ready(dir, name, &p, &proof, &again, f);
    assert_true(r == READY || proof.fd < 0);
    proof_close(&proof);
    return r;
}

static void hidden_and_temporary_names_wait(void **state)
{
    (void)state;
    struct tree t;
    int dir = inbox(tree_open(&t), "erp");
    static const char *const waiting[] = {
        ".order.json", "order.tmp", "order.json.part", "order.filepart", "order.TMP", "order.json.Partial",
        ".",           "..",        "none.json"};
    static const char *const ready[] = {"order.json", "tmp", "order.tmp.json", "-rf", "order.parts",
                                        "\xff\n\x01", "%"};
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        if (i < 6)
            assert_int_equal(file_write(dir, waiting[i], SLICE("x"), 0600, true), 0);
        assert_int_equal(judge(dir, waiting[i], true, 0, &t.findings), NOT_READY);
    }
    for (size_t i = 0; i < sizeof ready / sizeof ready[0]; i++) {
        assert_int_equal(file_write(dir, ready[i], SLICE("x"), 0600, true), 0);
        assert_int_equal(judge(dir, ready[i], true, 0, &t.findings), READY);
        assert_int_equal(judge(dir, ready[i], false, 0, &t.findings), READY);
    }
    assert_int_equal(t.findings.kept, 0);
    tree_close(&t);
}

static void a_growing_file_is_left_alone(void **state)
{
    (void)state;
    struct tree t;
    int dir = inbox(tree_open(&t), "erp");
    int fd = openat(dir, "order.json", O_WRONLY | O_CREAT, 0600);
    assert_true(write(fd, "half", 4) == 4);
    assert_int_equal(judge(dir, "order.json", false, 0, &t.findings), NOT_READY);
    assert_int_equal(renameat(dir, "order.json", dir, "renamed.json"), 0);
    assert_int_equal(judge(dir, "renamed.json", false, 0, &t.findings), NOT_READY);
    close(fd);
    assert_int_equal(judge(dir, "renamed.json", false, 0, &t.findings), READY);
    /* a reader does no harm, and asking leaves no lease behind that would hold up a writer */
    fd = openat(dir, "renamed.json", O_RDONLY);
    assert_int_equal(judge(dir, "renamed.json", false, 0, &t.findings), READY);
    close(fd);
    fd = openat(dir, "renamed.json", O_WRONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    close(fd);
    tree_close(&t);
}

/* The first of two closes says nothing: the other writer is in the middle of it. */
static void of_two_writers_the_last_close_counts(void **state)
{
    (void)state;
    struct tree t;
    int dir = inbox(tree_open(&t), "erp");
    int one = openat(dir, "order.json", O_WRONLY | O_CREAT, 0600);
    int other = openat(dir, "order.json", O_WRONLY | O_APPEND);
    assert_true(write(other, "half", 4) == 4);
    close(one);
    assert_int_equal(judge(dir, "order.json", true, 0, &t.findings), NOT_READY);
    assert_true(write(other, " and whole", 10) == 10);
    close(other);
    assert_int_equal(judge(dir, "order.json", true, 0, &t.findings), READY);
    tree_close(&t);
}

/* Clients set times and modes by path behind the close. */
static void another_users_file_is_left_alone_for_a_moment(void **state)
{
    (void)state;
    struct tree t;
    struct patience p = {.after_close = 3600, .closed = -1};
    struct proof proof;
    int64_t again;
    int dir = inbox(tree_open(&t), "erp");
    if (geteuid() != 0) {
        print_message("# only root can leave files of another user\n");
        tree_close(&t);
        skip();
    }
    assert_int_equal(file_write(dir, "order.json", SLICE("x"), 0644, true), 0);
    assert_int_equal(inbox_ready(dir, "order.json", &p, &proof, &again, &t.findings), READY);
    proof_close(&proof);
    assert_int_equal(fchownat(dir, "order.json", 65534, 65534, 0), 0);
    assert_int_equal(inbox_ready(dir, "order.json", &p, &proof, &again, &t.findings), NOT_READY);
    assert_true(again > 3590000 && again <= 3600000);
    p.closed = 3600000; /* closed long ago, but somebody has changed its owner since */
    assert_int_equal(inbox_ready(dir, "order.json", &p, &proof, &again, &t.findings), NOT_READY);
    p.after_close = 1;
    p.closed = 0; /* written to long ago, but closed just now */
    struct timespec pause = {.tv_sec = 1, .tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    assert_int_equal(inbox_ready(dir, "order.json", &p, &proof, &again, &t.findings), NOT_READY);
    assert_int_equal(again, 1000);
    p.closed = 1000;
    assert_int_equal(inbox_ready(dir, "order.json", &p, &proof, &again, &t.findings), READY);
    proof_close(&proof);
    p.after_close = 0;
    p.closed = 0;
    assert_int_equal(inbox_ready(dir, "order.json", &p, &proof, &again, &t.findings), READY);
    proof_close(&proof);
    tree_close(&t);
}

static void what_cannot_be_copied_is_refused(void **state)
{
    (void)state;
    struct tree t;
    int dir = inbox(tree_open(&t), "erp");
    char kept[300];
    snprintf(kept, sizeof kept, "%s/kept", t.path);
    int fd = openat(dir, "large.json", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, (off_t)300 << 20), 0);
    close(fd);
    assert_int_equal(linkat(dir, "large.json", AT_FDCWD, kept, 0), 0);
    assert_int_equal(judge(dir, "large.json", true, 0, &t.findings), REFUSED);
    assert_true(tree_said(&t, "spool.inbox.size"));
    tree_close(&t);
}

/* Another user's file gives us no lease; then it must have been left alone for a while. */
static void without_leases_a_file_has_to_settle(void **state)
{
    (void)state;
    struct tree t;
    int dir = inbox(tree_open(&t), "erp");
    if (geteuid() != 0) {
        print_message("# only root can leave files of another user\n");
        tree_close(&t);
        skip();
    }
    assert_int_equal(file_write(dir, "order.json", SLICE("x"), 0644, true), 0);
    assert_int_equal(fchmod(dir, 0755), 0);
    assert_int_equal(fchmodat(dir, "order.json", 0644, 0), 0);
    pid_t child = fork();
    if (child == 0) {
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(9);
        enum readiness young = judge(dir, "order.json", false, 3600, &t.findings);
        enum readiness old = judge(dir, "order.json", false, 0, &t.findings);
        _exit(young == NOT_READY && old == READY ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(fchmodat(dir, "order.json", 0600, 0), 0); /* not even readable */
    child = fork();
    if (child == 0) {
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(9);
        enum readiness young = judge(dir, "order.json", false, 3600, &t.findings);
        enum readiness refused = judge(dir, "order.json", false, 0, &t.findings);
        _exit(young == NOT_READY && refused == REFUSED ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    tree_close(&t);
}

static void what_is_no_file_is_refused_and_not_followed(void **state)
{
    (void)state;
    struct tree t;
    int dir = inbox(tree_open(&t), "erp");
    char outside[300], name[256], path[600];
    snprintf(outside, sizeof outside, "%s/outside", t.path);
    assert_int_equal(file_write(AT_FDCWD, outside, SLICE("secret"), 0600, true), 0);
    assert_int_equal(symlinkat(outside, dir, "link.json"), 0);
    assert_int_equal(symlinkat("nowhere", dir, "dangling.json"), 0);
    assert_int_equal(mkfifoat(dir, "pipe.json", 0600), 0);
    assert_int_equal(mkdirat(dir, "folder.json", 0700), 0);
    assert_int_equal(file_write(dir, "folder.json/inside", SLICE("x"), 0600, true), 0);
    int count = 4;
    snprintf(path, sizeof path, "%s/spool/inbox/erp/socket.json", t.path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path));
        int s = socket(AF_UNIX, SOCK_STREAM, 0);
        count += bind(s, (struct sockaddr *)&address, sizeof address) == 0;
        close(s);
    }
    count += mknodat(dir, "device.json", S_IFCHR | 0600, makedev(1, 5)) ==
             0; /* /dev/zero: reading would never end */
    static const char *const all[] = {"link.json",   "dangling.json", "pipe.json",
                                      "folder.json", "socket.json",   "device.json"};
    for (int i = 0; i < 6; i++) {
        struct findings f = {.arena = &t.arena};
        struct stat st;
        if (fstatat(dir, all[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        assert_int_equal(judge(dir, all[i], i % 2, 0, &f), REFUSED);
        assert_int_equal(f.errors, 1);
        assert_int_equal(inbox_refuse(&t.spool, "erp", dir, all[i], &f), 0);
        assert_int_equal(fstatat(dir, all[i], &st, AT_SYMLINK_NOFOLLOW), -1);
    }
    assert_int_equal(tree_count(&t, "inbox/erp", NULL), 0);
    assert_int_equal(tree_count(&t, "error", name), count);
    snprintf(path, sizeof path, "error/%s/error.txt", name);
    assert_non_null(strstr(tree_text(&t, path), "Put plain files into the inbox"));
    snprintf(path, sizeof path, "error/%s", name);
    assert_int_equal(tree_count(&t, path, NULL), 3);
    struct buffer b = {0};
    assert_int_equal(file_read(AT_FDCWD, outside, 100, &b), 0);
    buffer_free(&b);
    tree_close(&t);
}

static void a_refusal_that_cannot_be_leaves_things_as_they_were(void **state)
{
    (void)state;
    struct tree t;
    int dir = inbox(tree_open(&t), "erp");
    finding_add(&t.findings, SEVERITY_ERROR, "x", "", "", "x");
    assert_int_equal(inbox_refuse(&t.spool, "erp", dir, "gone", &t.findings), 1);
    assert_int_equal(tree_count(&t, "error", NULL), 0);
    char longest[256];
    memset(longest, '\xff', 255);
    longest[255] = '\0';
    assert_int_equal(symlinkat("x", dir, longest), 0);
    assert_int_equal(inbox_refuse(&t.spool, "erp", dir, longest, &t.findings), 0);
    char name[256], path[400];
    assert_int_equal(tree_count(&t, "error", name), 1);
    snprintf(path, sizeof path, "error/%s/document.json", name);
    json_t *j = json_parse(slice_of(tree_text(&t, path)), NULL);
    char back[SPOOL_NAME_MAX + 1];
    assert_true(name_decode(json_text_at(j, "source.file"), back));
    assert_string_equal(back, longest);
    json_decref(j);
    tree_close(&t);
}

/* ---- batches ---- */

static void a_batch_is_put_in_whole(void **state)
{
    (void)state;
    struct tree t;
    struct inbox_batch *b = inbox_batch_open(&tree_open(&t)->spool, "visma");
    assert_non_null(b);
    assert_int_equal(inbox_add(b, "order-1.json", SLICE("one")), 0);
    assert_int_equal(inbox_add(b, "order-2.json", SLICE("two")), 0);
    assert_int_equal(inbox_add(b, "../x", SLICE("")), -1);
    assert_int_equal(inbox_add(b, ".x", SLICE("")), -1);
    assert_int_equal(inbox_add(b, "", SLICE("")), -1);
    assert_int_equal(tree_count(&t, "inbox/visma", NULL), 0);
    assert_int_equal(inbox_commit(b), 0);
    assert_int_equal(tree_count(&t, "inbox/visma", NULL), 2);
    /* the same once more, one with other content, one name twice */
    b = inbox_batch_open(&t.spool, "visma");
    assert_int_equal(inbox_add(b, "order-1.json", SLICE("one")), 0);
    assert_int_equal(inbox_add(b, "order-2.json", SLICE("changed")), 0);
    assert_int_equal(inbox_add(b, "order-2.json", SLICE("changed again")), 0);
    assert_int_equal(inbox_add(b, "noextension", SLICE("1")), 0);
    assert_int_equal(inbox_add(b, "noextension", SLICE("2")), 0);
    assert_int_equal(inbox_commit(b), 0);
    assert_string_equal(tree_text(&t, "inbox/visma/order-1.json"), "one");
    assert_string_equal(tree_text(&t, "inbox/visma/order-2.json"), "two");
    assert_string_equal(tree_text(&t, "inbox/visma/order-2-2.json"), "changed");
    assert_string_equal(tree_text(&t, "inbox/visma/order-2-3.json"), "changed again");
    assert_string_equal(tree_text(&t, "inbox/visma/noextension-2"), "2");
    assert_int_equal(tree_count(&t, "inbox/visma", NULL), 6);
    b = inbox_batch_open(&t.spool, "visma");
    assert_int_equal(inbox_add(b, "order-9.json", SLICE("nine")), 0);
    inbox_abandon(b);
    assert_int_equal(tree_count(&t, "inbox/visma", NULL), 6);
    assert_null(inbox_batch_open(&t.spool, "../x"));
    tree_close(&t);
}

static void a_batch_that_fails_puts_nothing_in(void **state)
{
    (void)state;
    struct tree t;
    struct inbox_batch *b = inbox_batch_open(&tree_open(&t)->spool, "visma");
    char longest[256];
    memset(longest, 'x', 255);
    longest[255] = '\0';
    assert_int_equal(inbox_add(b, "order-1.json", SLICE("one")), 0);
    assert_int_equal(inbox_add(b, longest, SLICE("1")), 0);
    assert_int_equal(inbox_add(b, longest, SLICE("2")),
                     0); /* would need "-2", and no name can be that long */
    assert_int_equal(inbox_commit(b), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    assert_int_equal(tree_count(&t, "inbox/visma", NULL), 0);
    tree_close(&t);
}

static void put_batch(struct tree *t, int dir)
{
    (void)dir;
    struct inbox_batch *b = inbox_batch_open(&t->spool, "visma");
    if (!b)
        _exit(1);
    if (inbox_add(b, "1.json", SLICE("one")) < 0 || inbox_add(b, "2.json", SLICE("two")) < 0) {
        inbox_abandon(b);
        _exit(1);
    }
    _exit(inbox_commit(b) == 0 ? 0 : 1);
}

/* All or nothing, and what was cut short is put in once when it is fetched again. */
static void a_batch_is_whole_whatever_fails(void **state)
{
    (void)state;
    static const int errors[] = {0, ENOSPC, EIO};
    for (size_t i = 0; i < 3; i++)
        for (long n = 1, came = 1; came; n++) {
            struct tree t;
            int status, dir;
            tree_open_fast(&t);
            dir = inbox(&t, "visma");
            came = disturb(&t, dir, put_batch, n, errors[i], &status);
            if (came < 0) {
                tree_close(&t);
                print_message("# processes cannot be traced here\n");
                skip();
            }
            int put_in = tree_count(&t, "inbox/visma", NULL);
            if (errors[i] && came && put_in != (status == 0 ? 2 : 0))
                fail_msg("%d files after system call %ld failed, exit status %x", put_in, n, status);
            pid_t child = fork();
            if (child == 0)
                put_batch(&t, dir);
            waitpid(child, &status, 0);
            assert_int_equal(status, 0);
            assert_int_equal(tree_count(&t, "inbox/visma", NULL), 2);
            assert_string_equal(tree_text(&t, "inbox/visma/2.json"), "two");
            tree_close(&t);
        }
}

static void what_a_killed_poller_left_is_swept(void **state)
{
    (void)state;
    struct tree t;
    tree_open(&t);
    pid_t child = fork();
    if (child == 0) {
        struct inbox_batch *b = inbox_batch_open(&t.spool, "visma");
        inbox_add(b, "order.json", SLICE("x"));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    struct inbox_batch *live = inbox_batch_open(&t.spool, "visma");
    assert_int_equal(inbox_add(live, "order.json", SLICE("live")), 0);
    DIR *d = fdopendir(openat(t.spool.root, "inbox/visma", O_RDONLY | O_DIRECTORY));
    struct dirent *e;
    int left = 0;
    while ((e = readdir(d)))
        left += !strncmp(e->d_name, ".in-", 4);
    closedir(d);
    assert_int_equal(left, 2); /* it is swept when it is a minute old: one just made may not be locked yet */
    assert_int_equal(inbox_commit(live), 0);
    assert_string_equal(tree_text(&t, "inbox/visma/order.json"), "live");
    tree_close(&t);
}

static void names_from_untrusted_text_are_tame(void **state)
{
    (void)state;
    char out[SPOOL_NAME_MAX + 1], big[1000];
    static const char *const table[][2] = {{"order-500254.json", "order-500254.json"},
                                           {"../../etc/passwd", "_._.._etc_passwd"},
                                           {"", "_"},
                                           {".hidden", "_hidden"},
                                           {"a b\n\xff", "a_b__"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        inbox_name(out, table[i][0]);
        if (i == 1)
            assert_true(out[0] != '.' && !strchr(out, '/'));
        else
            assert_string_equal(out, table[i][1]);
    }
    memset(big, 'y', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    inbox_name(out, big);
    assert_int_equal(strlen(out), 120);
}

/* ---- watching ---- */

struct heard {
    int closed, created, tag;
    char last[256];
};

static void hear(void *context, int tag, const char *name, bool closed_or_moved)
{
    struct heard *h = context;
    h->closed += closed_or_moved;
    h->created += !closed_or_moved;
    h->tag = tag;
    snprintf(h->last, sizeof h->last, "%s", name);
}

static void closing_and_moving_in_are_heard(void **state)
{
    (void)state;
    struct tree t;
    struct heard h = {0};
    bool rescan = false;
    int dir = inbox(tree_open(&t), "erp");
    struct watch *w = watch_open();
    assert_int_equal(watch_add(w, dir, 5), 0);
    assert_int_equal(watch_add(w, dir, 7), 0);
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_int_equal(h.closed + h.created, 0);
    tree_put(&t, "inbox/erp/order.json", "x");
    struct pollfd p = {.fd = watch_descriptor(w), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 1000), 1);
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_int_equal(h.closed, 1);
    assert_int_equal(h.created, 1);
    assert_int_equal(h.tag, 7);
    tree_put(&t, "inbox/erp/.order-2.json", "x");
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_int_equal(h.closed, 1);
    assert_int_equal(renameat(dir, ".order-2.json", dir, "order-2.json"), 0);
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_int_equal(h.closed, 2);
    assert_string_equal(h.last, "order-2.json");
    assert_false(rescan);
    watch_close(w);
    tree_close(&t);
}

static void folders_and_losses_ask_for_a_rescan(void **state)
{
    (void)state;
    struct tree t;
    struct heard h = {0};
    bool rescan = false;
    tree_open(&t);
    struct watch *w = watch_open();
    int inbox_root = t.spool.stage[STAGE_INBOX], translate = t.spool.stage[STAGE_TRANSLATE];
    assert_int_equal(watch_add(w, inbox_root, 1), 0);
    assert_int_equal(watch_add(w, translate, 2), 0);
    assert_int_equal(mkdirat(translate, ".work-1", 0700), 0);
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_false(rescan);
    assert_int_equal(mkdirat(inbox_root, "newcomer", 0700), 0);
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_true(rescan);
    /* a document's folder moved in is an event, and no reason to look at all the others */
    rescan = false;
    tree_put(&t, "error/20260321T091455123456-9f3a1c/source.json", "x");
    assert_int_equal(renameat(t.spool.root, "error/20260321T091455123456-9f3a1c", t.spool.root,
                              "translate/20260321T091455123456-9f3a1c"),
                     0);
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_false(rescan);
    assert_int_equal(h.tag, 2);
    assert_string_equal(h.last, "20260321T091455123456-9f3a1c");
    int dir = inbox(&t, "newcomer");
    assert_int_equal(watch_add(w, dir, 3), 0);
    assert_int_equal(renameat(inbox_root, "newcomer", inbox_root, "other"), 0);
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_true(rescan);
    rescan = false;
    int closed = h.closed;
    tree_put(&t, "inbox/other/x.json", "x"); /* renamed away: watched no more */
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_int_equal(h.closed, closed);
    watch_close(w);
    tree_close(&t);
}

static void an_overflow_of_the_queue_is_confessed(void **state)
{
    (void)state;
    struct tree t;
    struct heard h = {0};
    bool rescan = false;
    int dir = inbox(tree_open(&t), "erp");
    char limit[32] = "";
    int fd = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY);
    if (fd < 0 || read(fd, limit, sizeof limit - 1) <= 0)
        skip();
    close(fd);
    long events = atol(limit);
    if (events > 200000) {
        print_message("# the queue is too long here to make it overflow (%ld)\n", events);
        tree_close(&t);
        skip();
    }
    struct watch *w = watch_open();
    assert_int_equal(watch_add(w, dir, 1), 0);
    for (long i = 0; i < events / 2 + 10;
         i++) { /* two names in turn, so that no two events in a row are the same */
        fd = openat(dir, i % 2 ? "a" : "b", O_WRONLY | O_CREAT, 0600);
        close(fd);
        fd = openat(dir, i % 2 ? "c" : "d", O_WRONLY | O_CREAT, 0600);
        close(fd);
    }
    for (int i = 0; i < 100 && !rescan; i++)
        assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_true(rescan);
    rescan = false;
    assert_int_equal(watch_read(w, hear, &h, &rescan), 0);
    assert_false(rescan);
    watch_close(w);
    tree_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hidden_and_temporary_names_wait),
        cmocka_unit_test(a_growing_file_is_left_alone),
        cmocka_unit_test(of_two_writers_the_last_close_counts),
        cmocka_unit_test(another_users_file_is_left_alone_for_a_moment),
        cmocka_unit_test(what_cannot_be_copied_is_refused),
        cmocka_unit_test(without_leases_a_file_has_to_settle),
        cmocka_unit_test(what_is_no_file_is_refused_and_not_followed),
        cmocka_unit_test(a_refusal_that_cannot_be_leaves_things_as_they_were),
        cmocka_unit_test(a_batch_is_put_in_whole),
        cmocka_unit_test(a_batch_that_fails_puts_nothing_in),
        cmocka_unit_test(a_batch_is_whole_whatever_fails),
        cmocka_unit_test(what_a_killed_poller_left_is_swept),
        cmocka_unit_test(names_from_untrusted_text_are_tame),
        cmocka_unit_test(closing_and_moving_in_are_heard),
        cmocka_unit_test(folders_and_losses_ask_for_a_rescan),
        cmocka_unit_test(an_overflow_of_the_queue_is_confessed),
    };
    return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
