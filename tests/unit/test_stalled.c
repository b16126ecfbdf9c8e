/* What a session that stalled, was given up, and goes on later does to the documents that were sent since;
 * and what a partner does to its files while they are fetched. A real sshd and sftp-server, with a relay
 * between them (relay.h). In each test the partner fetches and removes whatever stands under a final name, as
 * soon as it stands there; what counts is how often it got the document. */
#include "relay.h"
#include "test_adapter.h"

#include <signal.h>

struct remote {
    struct site site;
    char in[300], out[300], got[300];
    int fetched;
};

static struct sshd stalling, forbidding;

static int make(void **state)
{
    struct remote *r = calloc(1, sizeof *r);
    char port[8];
    sshd_fresh(state);
    relay_reset(&stalling);
    relay_reset(&forbidding);
    site_open(&r->site, "sftp");
    snprintf(r->in, sizeof r->in, "%s/in", plain.root);
    snprintf(r->out, sizeof r->out, "%s/out", plain.root);
    snprintf(r->got, sizeof r->got, "%s/got", plain.root);
    if (mkdir(r->in, 0755) || mkdir(r->out, 0755) || mkdir(r->got, 0755))
        return -1;
    snprintf(port, sizeof port, "%d", stalling.port);
    site_set(&r->site, "host", "127.0.0.1");
    site_set(&r->site, "port", port);
    site_set(&r->site, "user", me);
    site_set(&r->site, "known_hosts", stalling.known_hosts);
    site_set(&r->site, "private_key_file", stalling.key);
    site_set(&r->site, "directory", r->in);
    site_set(&r->site, "timeout", "2");
    *state = r;
    return 0;
}

static int unmake(void **state)
{
    struct remote *r = *state;
    site_close(&r->site);
    free(r);
    return 0;
}

/* Everything that does not look unfinished. */
static void partner_fetches(struct remote *r)
{
    DIR *d = opendir(r->in);
    const struct dirent *e;
    while ((e = readdir(d)))
        if (e->d_name[0] != '.' && !strstr(e->d_name, ".part"))
            assert_int_equal(rename(arena_printf(&arena, "%s/%s", r->in, e->d_name),
                                    arena_printf(&arena, "%s/%d", r->got, ++r->fetched)),
                             0);
    closedir(d);
}

/* The courier's way with a document, until it is settled. */
static void send_until_delivered(struct remote *r, struct delivery *d)
{
    for (int i = 0; i < 5 && d->verdict != DELIVERED; i++) {
        if (d->verdict == IN_DOUBT)
            site_confirm(&r->site, d);
        partner_fetches(r);
        if (d->verdict == RETRY)
            site_next_attempt(&r->site, d);
        partner_fetches(r);
    }
    assert_int_equal(d->verdict, DELIVERED);
}

static void gone(pid_t pid)
{
    for (int i = 0; i < 6000; i++) {
        char text[200] = "", path[40];
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *f = fopen(path, "r");
        const char *state = f && fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
        if (f)
            fclose(f);
        if (!state || state[2] == 'Z')
            return;
        usleep(5000);
    }
    fail_msg("the old session does not end");
}

enum when { BEFORE_ASKING, BEFORE_UPLOAD, BEFORE_RENAME, AT_THE_END };

static void goes_on(struct remote *r, pid_t stopped)
{
    if (stopped) {
        kill(stopped, SIGCONT);
        gone(stopped);
    } else {
        relay_release(&stalling);
        relay_wait_ended(&stalling);
    }
    partner_fetches(r);
}

/* The rename is asked for and not carried out until `when`. */
static void rename_carried_out(struct remote *r, enum when when, bool by_stopping)
{
    struct site *s = &r->site;
    pid_t stopped = 0;
    relay_reset(&stalling);
    site_connect(s);
    struct delivery *d = site_add(s, "order.x12", SLICE("ISA*order~"));
    site_send(s, true);
    assert_int_equal(d->verdict, DELIVERED);
    if (by_stopping) {
        stopped = relay_server(&stalling);
        assert_int_equal(kill(stopped, SIGSTOP), 0);
    } else {
        relay_control(&stalling, "hold", RELAY_RENAME);
    }
    s->endpoint.adapter->deliver(&s->endpoint, &d, 1);
    assert_int_equal(d->verdict, IN_DOUBT);
    if (when == BEFORE_ASKING)
        goes_on(r, stopped);
    site_confirm(s, d);
    partner_fetches(r);
    assert_int_equal(d->verdict, when == BEFORE_ASKING ? DELIVERED : RETRY);
    if (d->verdict == RETRY) {
        if (when == BEFORE_UPLOAD)
            goes_on(r, stopped);
        d->attempt++;
        json_decref(d->last_address);
        d->last_address = d->address;
        d->address = NULL;
        s->endpoint.adapter->prepare(&s->endpoint, &d, 1);
        if (when == BEFORE_RENAME)
            goes_on(r, stopped);
        s->endpoint.adapter->deliver(&s->endpoint, &d, 1);
        partner_fetches(r);
        send_until_delivered(r, d);
    }
    if (when == AT_THE_END)
        goes_on(r, stopped);
    assert_int_equal(r->fetched, 1);
    assert_string_equal(text_of_file(s, r->got, "1"), "ISA*order~");
    assert_int_equal(files_in(r->in, NULL), 0); /* and nothing is left over */
    r->fetched = 0;
    site_forget_items(s);
    site_disconnect(s);
}

static void a_rename_that_is_carried_out_late_happens_once(void **state)
{
    struct remote *r = *state;
    for (enum when when = BEFORE_ASKING; when <= AT_THE_END; when++)
        rename_carried_out(r, when, false);
}

static void also_when_the_server_was_stopped(void **state)
{
    struct remote *r = *state;
    for (enum when when = BEFORE_ASKING; when <= AT_THE_END; when++)
        rename_carried_out(r, when, true);
}

/* In doubt, with the rename not carried out and not under way. */
static struct delivery *interrupted(struct remote *r, struct slice message)
{
    site_connect(&r->site);
    struct delivery *d = site_add(&r->site, "order.x12", message);
    site_send(&r->site, true);
    assert_int_equal(d->verdict, DELIVERED);
    d->verdict = IN_DOUBT;
    return d;
}

static void a_fence_whose_answer_is_lost_is_found(void **state)
{
    struct remote *r = *state;
    struct delivery *d = interrupted(r, SLICE("ISA*order~"));
    relay_control(&stalling, "mute", RELAY_RENAME);
    assert_int_equal(site_confirm(&r->site, d), IN_DOUBT);
    assert_int_equal(site_confirm(&r->site, d), RETRY);
    /* killed before that was written down, it is asked once more */
    assert_int_equal(site_confirm(&r->site, d), RETRY);
    send_until_delivered(r, d);
    assert_int_equal(r->fetched, 1);
    assert_int_equal(files_in(r->in, NULL), 0);
}

static void a_fence_that_is_carried_out_late_does_nothing(void **state)
{
    struct remote *r = *state;
    for (int late = 0; late < 2; late++) {
        struct delivery *d = interrupted(r, SLICE("ISA*order~"));
        relay_control(&stalling, "hold", RELAY_RENAME);
        assert_int_equal(site_confirm(&r->site, d), IN_DOUBT);
        relay_wait_holding(&stalling);
        if (!late)
            goes_on(r, 0);
        assert_int_equal(site_confirm(&r->site, d), RETRY);
        send_until_delivered(r, d);
        if (late)
            goes_on(r, 0);
        assert_int_equal(r->fetched, 1);
        assert_int_equal(files_in(r->in, NULL), 0);
        r->fetched = 0;
        site_forget_items(&r->site);
        site_disconnect(&r->site);
        relay_reset(&stalling);
    }
}

/* OpenSSH's server renames by a link and a removal; it may end, or stall, between the two. */
static void a_rename_that_is_half_done_is_left_to_end(void **state)
{
    struct remote *r = *state;
    struct delivery *d = interrupted(r, SLICE("ISA*order~"));
    command("cd %s && ln *.part order.x12", r->in);
    assert_int_equal(site_confirm(&r->site, d), DELIVERED);
    assert_int_equal(files_in(r->in, NULL), 2);
}

static void a_fence_that_is_half_done_is_done_again(void **state)
{
    struct remote *r = *state;
    struct delivery *d = interrupted(r, SLICE("ISA*order~"));
    command("cd %s && ln %s %s", r->in, json_text_at(d->address, "temporary"),
            json_text_at(d->address, "fenced"));
    assert_int_equal(site_confirm(&r->site, d), RETRY);
    assert_int_equal(
        access(arena_printf(&arena, "%s/%s", r->in, json_text_at(d->address, "temporary")), F_OK), -1);
    send_until_delivered(r, d);
    assert_int_equal(r->fetched, 1);
    assert_int_equal(files_in(r->in, NULL), 0);
}

/* The first session opens the file for writing, and truncates it, after the second one has filled it. */
static void an_upload_that_stalls_alters_no_later_one(void **state)
{
    static const int held[] = {RELAY_OPEN, RELAY_WRITE};
    struct remote *r = *state;
    struct site *s = &r->site;
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        site_connect(s);
        struct delivery *d = site_add(s, "order.x12", SLICE("ISA*order~"));
        relay_control(&stalling, "hold", held[i]);
        site_send(s, true);
        assert_int_equal(d->verdict, DELIVERED); /* over a second connection */
        relay_wait_holding(&stalling);
        goes_on(r, 0);
        assert_int_equal(r->fetched, 0);
        s->endpoint.adapter->deliver(&s->endpoint, &d, 1);
        partner_fetches(r);
        send_until_delivered(r, d);
        assert_int_equal(r->fetched, 1);
        assert_string_equal(text_of_file(s, r->got, "1"), "ISA*order~");
        assert_int_equal(files_in(r->in, NULL), 0); /* what the first one made is removed */
        r->fetched = 0;
        site_forget_items(s);
        site_disconnect(s);
        relay_reset(&stalling);
    }
}

static void what_a_killed_process_uploaded_is_removed(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_connect(s);
    struct delivery *d = site_add(s, "order.x12", SLICE("ISA*order~"));
    site_send(s, true);
    site_disconnect(s); /* killed before the attempt was written */
    site_connect(s);
    site_send(s, false);
    assert_int_equal(d->verdict, DELIVERED);
    partner_fetches(r);
    assert_int_equal(r->fetched, 1);
    assert_int_equal(files_in(r->in, NULL), 0);
}

static void refused_again_and_again_one_file_is_left(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_set(s, "port", arena_printf(&arena, "%d", forbidding.port));
    site_set(s, "known_hosts", forbidding.known_hosts);
    site_set(s, "private_key_file", forbidding.key);
    site_connect(s);
    struct delivery *d = site_add(s, "order.x12", SLICE("ISA*order~"));
    site_send(s, false);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(d->verdict, HELD);
        assert_int_equal(files_in(r->in, NULL), 1); /* of the last attempt: it is what its fate is told by */
        site_next_attempt(s, d);
    }
    partner_fetches(r);
    assert_int_equal(r->fetched, 0);
}

/* ---- fetching ---- */

static pid_t child_when_held(const char *script)
{
    pid_t child = fork();
    if (child == 0) {
        relay_wait_holding(&stalling);
        int failed = system(script);
        relay_reset(&stalling);
        _exit(failed != 0);
    }
    return child;
}

static void replaced_while_it_is_fetched(struct remote *r, const char *away, const char *script)
{
    struct site *s = &r->site;
    int status;
    site_set(s, "pickup", r->out);
    site_set(s, "pickup_after", "0");
    site_set(s, "timeout", "10");
    site_set(s, "after_pickup", away);
    site_connect(s);
    put_file(r->out, "a.x12", "version one");
    relay_control(&stalling, "hold", RELAY_REMOVE); /* whichever comes first */
    relay_control(&stalling, "hold", RELAY_RENAME);
    pid_t child = child_when_held(script);
    poll_once(s);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < 3; i++)
        poll_once(s);
}

static void a_name_that_is_used_again_is_fetched_again(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    replaced_while_it_is_fetched(
        r, "remove", arena_printf(&arena, "cd %s && echo 'version number two' >new && mv new a.x12", r->out));
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a.x12"), "version one");
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a-2.x12"), "version number two\n");
    assert_int_equal(files_in(r->out, NULL), 0);
    assert_int_equal(tree_count(&s->tree, "inbox/hansen", NULL), 2);
}

static void also_when_size_and_time_are_the_same(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    replaced_while_it_is_fetched(
        r, "remove",
        arena_printf(&arena, "cd %s && printf 'version two' >new && touch -r a.x12 new && mv new a.x12",
                     r->out));
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a-2.x12"), "version two");
    assert_int_equal(files_in(r->out, NULL), 0);
}

static void also_when_files_are_moved_away(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    command("mkdir -m 777 %s/done", plain.root);
    replaced_while_it_is_fetched(
        r, arena_printf(&arena, "move:%s/done", plain.root),
        arena_printf(&arena, "cd %s && echo 'version number two' >new && mv new a.x12", r->out));
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/a-2.x12"), "version number two\n");
    assert_int_equal(files_in(r->out, NULL), 0);
    assert_int_equal(files_in(at("done"), NULL), 1); /* the first is the one that was replaced */
}

static void a_server_that_forbids_renaming(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_set(s, "port", arena_printf(&arena, "%d", forbidding.port));
    site_set(s, "known_hosts", forbidding.known_hosts);
    site_set(s, "private_key_file", forbidding.key);
    site_set(s, "pickup", r->out);
    site_set(s, "pickup_after", "0");
    site_connect(s);
    put_file(r->out, "a.x12", "one");
    assert_int_equal(poll_once(s), 1);
    assert_true(tree_said(&s->tree, "pickup.left"));
    int read = relay_requests(&forbidding, RELAY_READ);
    assert_int_equal(poll_once(s), 0);
    assert_int_equal(relay_requests(&forbidding, RELAY_READ), read);
    assert_int_equal(files_in(r->out, NULL), 1);
    site_disconnect(s);
    site_set(s, "after_pickup", "remove-in-place");
    site_connect(s);
    assert_int_equal(poll_once(s), 0); /* recognised, and removed */
    assert_int_equal(files_in(r->out, NULL), 0);
    assert_int_equal(tree_count(&s->tree, "inbox/hansen", NULL), 1);
}

static int errors_of(struct site *s)
{
    int n = 0;
    for (const struct finding *f = s->tree.findings.first; f; f = f->next)
        n += f->severity == SEVERITY_ERROR;
    return n;
}

static void a_size_that_is_a_lie_is_told_once(void **state)
{
    static const unsigned long sizes[] = {3, 4000000, 1000000000000};
    struct remote *r = *state;
    struct site *s = &r->site;
    site_set(s, "pickup", r->out);
    site_set(s, "pickup_after", "0");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int before = errors_of(s);
        put_file(r->out, "liar.x12", "more than that, and less");
        command("touch -d @%zu %s/liar.x12", 1000000 + i, r->out);
        relay_lie(&stalling, "liar.x12", sizes[i]);
        site_connect(s);
        for (int k = 0; k < 4; k++)
            assert_int_equal(poll_once(s), 0);
        assert_int_equal(errors_of(s), before + 1);
        int read = relay_requests(&stalling, RELAY_READ);
        poll_once(s);
        site_disconnect(s);
        site_connect(s); /* the next process */
        poll_once(s);
        poll_once(s);
        assert_int_equal(relay_requests(&stalling, RELAY_READ), read);
        assert_int_equal(errors_of(s), before + 1);
        site_disconnect(s);
    }
    relay_reset(&stalling);
    site_connect(s); /* an honest server after all */
    assert_int_equal(poll_once(s), 1);
    assert_int_equal(files_in(r->out, NULL), 0);
}

static int begin(void **state)
{
    (void)state;
    relay_start(&stalling, "stalling", "/proc/self/exe", "");
    relay_start(&forbidding, "forbidding", "/proc/self/exe", "rename");
    return 0;
}

static int end(void **state)
{
    sshd_stop(&stalling);
    sshd_stop(&forbidding);
    return sshd_end(state);
}

int main(int argc, char **argv)
{
#define SITE(test) cmocka_unit_test_setup_teardown(test, make, unmake)
    const struct CMUnitTest tests[] = {
        SITE(a_rename_that_is_carried_out_late_happens_once),
        SITE(also_when_the_server_was_stopped),
        SITE(a_fence_whose_answer_is_lost_is_found),
        SITE(a_fence_that_is_carried_out_late_does_nothing),
        SITE(a_rename_that_is_half_done_is_left_to_end),
        SITE(a_fence_that_is_half_done_is_done_again),
        SITE(an_upload_that_stalls_alters_no_later_one),
        SITE(what_a_killed_process_uploaded_is_removed),
        SITE(refused_again_and_again_one_file_is_left),
        SITE(a_name_that_is_used_again_is_fetched_again),
        SITE(also_when_size_and_time_are_the_same),
        SITE(also_when_files_are_moved_away),
        SITE(a_server_that_forbids_renaming),
        SITE(a_size_that_is_a_lie_is_told_once),
    };
    if (relay_main(argc, argv))
        return 0;
    if (access(RELAY_SERVER, X_OK)) {
        printf("1..0 # SKIP there is no " RELAY_SERVER "\n");
        return 0;
    }
    if (!sshd_begin())
        return 0;
    int failed = cmocka_run_group_tests_name("stalled", tests, begin, end);
    arena_free(&arena);
    return failed;
}
