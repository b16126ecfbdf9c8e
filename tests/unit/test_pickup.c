/* Fetching what lies in a directory of this machine; over SFTP: test_sftp_adapter.c and test_stalled.c. */
#include "customer.h"

#include "adapter/directory/directory.h"

static void ripe_files_are_taken_once_and_removed(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char link[400];
    start_pickup(l, "0");
    put_file(l->in, "order-1.x12", "one");
    put_file(l->in, "order-2.x12", "two");
    put_file(l->in, ".hidden", "no");
    put_file(l->in, "a.tmp", "no");
    put_file(l->in, "a.part", "no");
    put_file(l->in, "a.filepart", "no");
    put_file(l->in, "a.partial", "no");
    snprintf(link, sizeof link, "%s/link.x12", l->in);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    snprintf(link, sizeof link, "%s/folder.x12", l->in);
    assert_int_equal(mkdir(link, 0750), 0);
    assert_int_equal(poll_once(s), 2);
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/order-1.x12"), "one");
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/order-2.x12"), "two");
    assert_int_equal(tree_count(&s->tree, "inbox/hansen", NULL), 2);
    assert_int_equal(files_in(l->in, NULL), 7);
    assert_int_equal(poll_once(s), 0);
}

static void a_pattern_chooses(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    site_set(s, "pickup_pattern", "*.edi");
    start_pickup(l, "0");
    put_file(l->in, "a.edi", "1");
    put_file(l->in, "a.txt", "2");
    assert_int_equal(poll_once(s), 1);
    assert_int_equal(files_in(l->in, NULL), 1);
}

static void a_file_that_grows_is_left_alone(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    int64_t next = 0;
    start_pickup(l, "20"); /* longer than one poll waits */
    put_file(l->in, "a.x12", "half");
    assert_int_equal(s->endpoint.adapter->poll(&s->endpoint, &next, &s->tree.findings), 0);
    assert_in_range(next, instant_now().seconds + 18, instant_now().seconds + 20);
    assert_int_equal(files_in(l->in, NULL), 1);
    site_disconnect(s);
    site_set(s, "pickup_after", "1");
    site_connect(s);
    assert_int_equal(poll_once(s), 1); /* both looks in one poll */
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a.x12"), "half");
}

static void files_are_moved_away_and_never_over_others(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char done[300], name[256];
    snprintf(done, sizeof done, "%.250s/done", s->tree.path);
    assert_int_equal(mkdir(done, 0750), 0);
    snprintf(name, sizeof name, "move: %.240s", done);
    site_set(s, "after_pickup", name);
    start_pickup(l, "0");
    put_file(done, "a.x12", "older");
    put_file(l->in, "a.x12", "newer");
    assert_int_equal(poll_once(s), 1);
    assert_int_equal(files_in(l->in, NULL), 0);
    assert_int_equal(files_in(done, NULL), 2);
    assert_string_equal(text_of_file(s, done, "a.x12"), "older");
    put_file(l->in, "a.x12", "newer"); /* again: it is there twice over */
    assert_true(poll_once(s) >= 0);
    assert_int_equal(files_in(l->in, NULL), 0);
    assert_int_equal(files_in(done, NULL), 2);
}

static void what_cannot_be_removed_is_taken_once(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    site_set(s, "after_pickup", "move:/nonexistent/folder");
    start_pickup(l, "0");
    put_file(l->in, "a.x12", "content");
    assert_int_equal(poll_once(s), 1);
    assert_true(tree_said(&s->tree, "pickup.left"));
    assert_int_equal(poll_once(s), 0);
    site_disconnect(s); /* also by the next process */
    site_connect(s);
    assert_int_equal(poll_once(s), 0);
    assert_int_equal(tree_count(&s->tree, "inbox/hansen", NULL), 1);
    /* another file of the same name, size and time is another file */
    struct stat st;
    char path[400];
    snprintf(path, sizeof path, "%s/a.x12", l->in);
    assert_int_equal(stat(path, &st), 0);
    put_file(l->in, "a.x12", "CONTENT");
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){st.st_atim, st.st_mtim}, 0), 0);
    site_disconnect(s);
    site_connect(s);
    assert_int_equal(poll_once(s), 1);
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a-2.x12"), "CONTENT");
}

static void file_names_of_any_bytes_are_taken(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    start_pickup(l, "0");
    put_file(l->in, "a\nb \xff\"'$(x).x12", "1");
    put_file(l->in, "-rf", "2");
    assert_int_equal(poll_once(s), 2);
    assert_int_equal(files_in(l->in, NULL), 0);
    assert_int_equal(tree_count(&s->tree, "inbox/hansen", NULL), 2);
}

static void many_files_take_several_batches(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char name[64];
    start_pickup(l, "0");
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "f-%d.x12", i);
        put_file(l->in, name, name);
    }
    assert_int_equal(poll_once(s), 600);
    assert_int_equal(files_in(l->in, NULL), 0);
    assert_int_equal(tree_count(&s->tree, "inbox/hansen", NULL), 600);
}

/* The side of this machine, with a customer who renames another file over the name before we touch it. */
struct meddling {
    struct local local;
    struct pickup_side real;
    const char *dir, *text;
    int times;
};

static void meddle(struct meddling *m)
{
    if (m->times-- > 0) {
        put_file(m->dir, "new", m->text);
        assert_int_equal(rename_in(m->dir, "new", "a.x12"), 0);
    }
}

static enum sftp_result meddled_list(void *context, const char *dir, struct arena *a,
                                     struct sftp_file **files, size_t *n, struct findings *f)
{
    struct meddling *m = context;
    return m->real.list(&m->local, dir, a, files, n, f);
}

static enum sftp_result meddled_read(void *context, const char *path, size_t limit, struct buffer *out,
                                     struct findings *f)
{
    struct meddling *m = context;
    return m->real.read(&m->local, path, limit, out, f);
}

static enum sftp_result meddled_rename(void *context, const char *from, const char *to, struct findings *f)
{
    struct meddling *m = context;
    meddle(m);
    return m->real.rename(&m->local, from, to, f);
}

static enum sftp_result meddled_remove(void *context, const char *path, struct findings *f)
{
    struct meddling *m = context;
    meddle(m);
    return m->real.remove(&m->local, path, f);
}

static int poll_meddled(struct customer *l, const char *text, int times)
{
    struct site *s = &l->site;
    struct meddling m = {.dir = l->in, .text = text, .times = times};
    struct pickup_side side = {meddled_list, meddled_read, meddled_rename, meddled_remove, &m};
    int64_t next;
    bool lost;
    local_side(&m.local, l->in, &m.real);
    int got = pickup_poll(((struct folder *)s->endpoint.session)->pickup, &s->endpoint, &side, &next, &lost,
                          &s->tree.findings);
    local_close(&m.local);
    return got;
}

static void a_name_that_is_used_again_is_fetched_again(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    start_pickup(l, "0");
    put_file(l->in, "a.x12", "one");
    assert_int_equal(poll_meddled(l, "two", 1), 1);
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a.x12"), "one");
    assert_string_equal(text_of_file(s, l->in, "a.x12"), "two"); /* it got its name back */
    assert_int_equal(poll_once(s), 1);
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a-2.x12"), "two");
    assert_int_equal(files_in(l->in, NULL), 0);
    /* and when the name is used a third time before it could be given back */
    put_file(l->in, "a.x12", "three");
    assert_int_equal(poll_meddled(l, "four", 2), 1);
    assert_int_equal(files_in(l->in, NULL), 2);
    poll_once(s);
    poll_once(s);
    assert_int_equal(files_in(l->in, NULL), 0);
    assert_int_equal(tree_count(&s->tree, "inbox/hansen", NULL), 4); /* "four" twice is the same file */
}

static void what_was_put_aside_by_a_killed_process(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char hash[HASH_TEXT], name[200];
    start_pickup(l, "0");
    hash_sha256(SLICE("taken"), hash);
    snprintf(name, sizeof name, "a.x12.%.16s.spoolgate", hash);
    put_file(l->in, name, "taken");
    assert_int_equal(poll_once(s), 0); /* its name says that it was taken */
    assert_int_equal(files_in(l->in, NULL), 0);
    put_file(l->in, name, "another"); /* not that one: it was renamed over it, and could not be put back */
    assert_int_equal(poll_once(s), 1);
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a.x12"), "another");
    assert_int_equal(files_in(l->in, NULL), 0);
    /* the pattern and the temporary names are about what the partner called it */
    snprintf(name, sizeof name, "a.tmp.%.16s.spoolgate", hash);
    put_file(l->in, name, "taken");
    put_file(l->in, "b.x12.short.spoolgate", "theirs");
    assert_int_equal(poll_once(s), 1);
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/b.x12.short.spoolgate"), "theirs");
    assert_int_equal(files_in(l->in, NULL), 1);
}

/* A name that leaves no room for ours: the file is taken, and left. */
static void a_name_of_full_length(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    char name[SPOOL_NAME_MAX + 1];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    start_pickup(l, "0");
    put_file(l->in, name, "long");
    assert_int_equal(poll_once(s), 1);
    assert_true(tree_said(&s->tree, "pickup.left"));
    assert_int_equal(poll_once(s), 0);
    assert_int_equal(files_in(l->in, NULL), 1);
}

static void a_pickup_leaves_no_descriptor_open(void **state)
{
    struct customer *l = *state;
    start_pickup(l, "0");
    put_file(l->in, "a.x12", "first");
    poll_once(&l->site); /* the state opens its own */
    int before = files_in("/proc/self/fd", NULL);
    site_set(&l->site, "pickup_after", "1");
    site_disconnect(&l->site);
    site_connect(&l->site);
    put_file(l->in, "a.x12", "one"); /* two looks in one poll */
    assert_int_equal(poll_once(&l->site), 1);
    assert_int_equal(files_in("/proc/self/fd", NULL), before);
}

static void a_pickup_directory_that_became_a_link_is_refused(void **state)
{
    struct customer *l = *state;
    struct site *s = &l->site;
    start_pickup(l, "0");
    put_file(l->out, "precious", "not for them");
    assert_int_equal(rmdir(l->in), 0);
    assert_int_equal(symlink(l->out, l->in), 0);
    assert_int_equal(poll_once(s), -1);
    assert_int_equal(files_in(l->out, NULL), 1);
}

int main(void)
{
#define HERE(test) cmocka_unit_test_setup_teardown(test, customer_make, customer_unmake)
    const struct CMUnitTest tests[] = {
        HERE(ripe_files_are_taken_once_and_removed),  HERE(a_pattern_chooses),
        HERE(a_file_that_grows_is_left_alone),        HERE(files_are_moved_away_and_never_over_others),
        HERE(what_cannot_be_removed_is_taken_once),   HERE(file_names_of_any_bytes_are_taken),
        HERE(many_files_take_several_batches),        HERE(a_name_that_is_used_again_is_fetched_again),
        HERE(what_was_put_aside_by_a_killed_process), HERE(a_name_of_full_length),
        HERE(a_pickup_leaves_no_descriptor_open),     HERE(a_pickup_directory_that_became_a_link_is_refused),
    };
    return cmocka_run_group_tests_name("pickup", tests, NULL, NULL);
}
