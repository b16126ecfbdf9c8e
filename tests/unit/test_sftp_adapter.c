/* The SFTP adapter against a real OpenSSH server on loopback. */
#include "sshd.h"
#include "test_adapter.h"

#include "net/seal.h"
#include <signal.h>
#include <time.h>

struct remote {
    struct site site;
    char in[300], out[300];
};

static int make(void **state)
{
    struct remote *r = calloc(1, sizeof *r);
    char port[8];
    sshd_fresh(state);
    site_open(&r->site, "sftp");
    snprintf(r->in, sizeof r->in, "%s/in", plain.root);
    snprintf(r->out, sizeof r->out, "%s/out", plain.root);
    if (mkdir(r->in, 0755) || mkdir(r->out, 0755))
        return -1;
    snprintf(port, sizeof port, "%d", plain.port);
    site_set(&r->site, "host", "127.0.0.1");
    site_set(&r->site, "port", port);
    site_set(&r->site, "user", me);
    site_set(&r->site, "known_hosts", plain.known_hosts);
    site_set(&r->site, "private_key_file", plain.key);
    site_set(&r->site, "directory", r->in);
    site_set(&r->site, "timeout", "5");
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

static void documents_arrive_under_their_names(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    char name[256];
    site_connect(s);
    struct delivery *a = site_add(s, "PO-1.x12", SLICE("ISA*1~")),
                    *b = site_add(s, "PO-2.x12", SLICE("ISA*2~"));
    site_send(s, true);
    assert_int_equal(files_in(r->in, name), 2);
    assert_true(slice_ends(slice_of(name), SLICE(".part")));
    site_send(s, false);
    assert_int_equal(a->verdict, DELIVERED);
    assert_int_equal(b->verdict, DELIVERED);
    assert_int_equal(files_in(r->in, NULL), 2);
    assert_string_equal(text_of_file(s, r->in, "PO-1.x12"), "ISA*1~");
    assert_string_equal(json_text_at(a->receipt, "outcome"), "renamed");
    assert_non_null(strstr(json_text_at(a->receipt, "host_key"), "SHA256:"));
}

static void temporary_names_are_the_partners_choice(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    char name[256];
    site_set(s, "temporary_prefix", ".");
    site_set(s, "temporary_suffix", "");
    site_connect(s);
    site_add(s, "PO-1.x12", SLICE("x"));
    site_send(s, true);
    assert_int_equal(files_in(r->in, name), 1);
    assert_true(name[0] == '.' && !strstr(name, ".part"));
    site_send(s, false);
    assert_string_equal(text_of_file(s, r->in, "PO-1.x12"), "x");
}

static void a_name_that_is_taken_is_rejected(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    put_file(r->in, "a.x12", "theirs");
    put_file(r->in, "b.x12", "same");
    site_connect(s);
    struct delivery *a = site_add(s, "a.x12", SLICE("ours")), *b = site_add(s, "b.x12", SLICE("same"));
    struct delivery *c = site_add(s, "c.x12", SLICE("one")), *d = site_add(s, "c.x12", SLICE("two"));
    site_send(s, false);
    assert_int_equal(a->verdict, REJECTED);
    assert_true(said_of(a, "sftp.name-taken"));
    assert_int_equal(b->verdict, DELIVERED);
    assert_int_equal(c->verdict, DELIVERED);
    assert_int_equal(d->verdict, REJECTED);
    assert_string_equal(text_of_file(s, r->in, "a.x12"), "theirs");
    assert_string_equal(text_of_file(s, r->in, "c.x12"), "one");
    assert_int_equal(files_in(r->in, NULL), 3);
}

static void a_server_that_is_away_costs_one_timeout_and_nothing_else(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    struct delivery *d[8];
    char port[8];
    snprintf(port, sizeof port, "%d", free_port());
    site_set(s, "port", port);
    site_connect(s);
    for (int i = 0; i < 8; i++)
        d[i] = site_add(s, "x", SLICE("x"));
    site_send(s, false);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(d[i]->verdict, RETRY);
        assert_true(d[i]->not_before > instant_now().seconds);
        assert_true(d[i]->findings->kept > 0);
    }
}

static void a_changed_host_key_holds_the_endpoint(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_set(s, "known_hosts", sshd_known("echo \"$host " CLIENT "\""));
    site_connect(s);
    struct delivery *d = site_add(s, "x", SLICE("x"));
    site_send(s, false);
    assert_int_equal(d->verdict, HELD);
    assert_true(said_of(d, "sftp.host-key-changed"));
    assert_int_equal(files_in(r->in, NULL), 0);
}

static void a_missing_directory_holds_the_endpoint(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_set(s, "directory", at("none"));
    site_connect(s);
    struct delivery *d = site_add(s, "x", SLICE("x"));
    site_send(s, false);
    assert_int_equal(d->verdict, HELD);
}

static void a_kept_connection_that_was_closed_is_made_anew(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_connect(s);
    site_add(s, "a.x12", SLICE("x"));
    site_send(s, false);
    sshd_kill_sessions(&plain);
    site_forget_items(s);
    struct delivery *d = site_add(s, "b.x12", SLICE("x"));
    site_send(s, false);
    assert_int_equal(d->verdict, DELIVERED);
    assert_int_equal(files_in(r->in, NULL), 2);
}

static void killed_in_the_middle_it_is_sent_again(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    struct buffer big = {0};
    int status;
    buffer_reserve(&big, 100u << 20);
    memset(big.ptr, 'x', 100u << 20);
    big.len = 100u << 20;
    site_connect(s);
    struct delivery *d = site_add(s, "big.x12", buffer_as_slice(&big));
    pid_t killer = sshd_killer(&plain, r->in, 1 << 20);
    site_send(s, false); /* the second try of prepare goes through */
    waitpid(killer, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(d->verdict, DELIVERED);
    assert_int_equal(files_in(r->in, NULL), 1);
    struct stat st;
    assert_int_equal(stat(arena_printf(&arena, "%s/big.x12", r->in), &st), 0);
    assert_int_equal(st.st_size, 100 << 20);
    buffer_free(&big);
}

static void in_doubt_the_temporary_name_decides(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    site_send(s, true);
    site_disconnect(s);
    site_connect(s);
    assert_int_equal(site_confirm(s, d), RETRY);
    site_send(s, false);
    assert_int_equal(site_confirm(s, d), DELIVERED);
    assert_string_equal(json_text_at(d->receipt, "outcome"), "found under its final name");
    command("rm %s/a.x12", r->in);
    assert_int_equal(site_confirm(s, d), DELIVERED);
    put_file(r->in, "a.x12", "another");
    assert_int_equal(site_confirm(s, d), DELIVERED);
    site_disconnect(s);
    site_set(s, "when_gone", "ask");
    site_connect(s);
    assert_int_equal(site_confirm(s, d), REJECTED);
    assert_true(said_of(d, "sftp.gone"));
}

static void in_doubt_stays_so_when_it_cannot_be_seen(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    char port[8];
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    site_send(s, true);
    site_disconnect(s);
    command("mv %s %s.away", r->in, r->in);
    site_connect(s);
    assert_int_equal(site_confirm(s, d), IN_DOUBT); /* the directory is gone: that proves nothing */
    site_disconnect(s);
    snprintf(port, sizeof port, "%d", free_port());
    site_set(s, "port", port);
    site_connect(s);
    const char *there = json_text_at(d->address, "place");
    json_t *kept = json_deep_copy(d->address);
    char *away = strstr(there, "127.0.0.1:");
    json_object_set_new(d->address, "place",
                        json_sprintf("%.*s%s%s", (int)(away - there) + 10, there, port, strchr(away, '/')));
    assert_int_equal(site_confirm(s, d), IN_DOUBT); /* the server is away */
    assert_true(d->not_before > instant_now().seconds);
    site_disconnect(s);
    json_decref(d->address);
    d->address = kept;
    snprintf(port, sizeof port, "%d", plain.port);
    site_set(s, "port", port);
    site_set(s, "directory", r->out); /* somebody corrected the directory meanwhile */
    site_connect(s);
    assert_int_equal(site_confirm(s, d), REJECTED);
    assert_true(said_of(d, "sftp.moved"));
    command("mv %s.away %s", r->in, r->in);
}

/* Killed before the rename, with another file of that name and size there. */
static void in_doubt_the_bytes_decide_also_of_large_files(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    struct buffer big = {0};
    buffer_reserve(&big, 5u << 20);
    memset(big.ptr, 'x', 5u << 20);
    big.len = 5u << 20;
    site_connect(s);
    struct delivery *d = site_add(s, "big.x12", buffer_as_slice(&big));
    site_send(s, true);
    command("head -c %zu /dev/zero >%s/big.x12", big.len, r->in);
    assert_int_equal(site_confirm(s, d), RETRY);
    site_next_attempt(s, d);
    assert_int_equal(d->verdict, REJECTED);
    assert_true(said_of(d, "sftp.name-taken"));
    command("cmp %s/big.x12 /dev/zero 2>&1 | grep -q EOF", r->in);
    /* and when it is ours after all, it is recognised */
    command("rm %s/*", r->in);
    site_forget_items(s);
    d = site_add(s, "big.x12", buffer_as_slice(&big));
    site_send(s, false);
    assert_int_equal(d->verdict, DELIVERED);
    assert_int_equal(site_confirm(s, d), DELIVERED);
    assert_string_equal(json_text_at(d->receipt, "outcome"), "found under its final name");
    buffer_free(&big);
}

/* The address belongs to the attempt, not to the endpoint: another document goes to the new one first. */
static void in_doubt_at_an_address_that_was_changed(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_connect(s);
    struct delivery *a = site_add(s, "a.x12", SLICE("order a"));
    site_send(s, true);
    site_disconnect(s);
    site_set(s, "directory", r->out);
    site_connect(s);
    struct delivery *b = site_add(s, "b.x12", SLICE("order b"));
    s->endpoint.adapter->prepare(&s->endpoint, &b, 1);
    s->endpoint.adapter->deliver(&s->endpoint, &b, 1);
    assert_int_equal(b->verdict, DELIVERED);
    assert_int_equal(site_confirm(s, a), REJECTED);
    assert_true(said_of(a, "sftp.moved"));
    assert_non_null(strstr(a->findings->first->what, r->in));
    assert_int_equal(files_in(r->out, NULL), 1);
}

/* Whatever settings and message are by now, what is looked for is what was written down. */
static void in_doubt_settings_that_were_changed_change_nothing(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    site_send(s, true);
    site_disconnect(s);
    site_set(s, "temporary_suffix", ".half");
    site_connect(s);
    json_object_set_new(json_object_get(d->document->envelope, "message"), "name", json_string("other.x12"));
    d->message = SLICE("translated anew");
    assert_int_equal(site_confirm(s, d), RETRY);
    command("cd %s && mv *.fenced.part a.x12", r->in);
    assert_int_equal(site_confirm(s, d), DELIVERED);
    assert_string_equal(d->external, "a.x12");
}

/* An attempt of a version that wrote no address. */
static void in_doubt_since_an_earlier_version(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_connect(s);
    struct delivery *d = site_add(s, "a.x12", SLICE("order"));
    put_file(r->in, arena_printf(&arena, "a.x12.%s.part", d->document->name), "order");
    assert_int_equal(site_confirm(s, d), RETRY);
    assert_int_equal(site_confirm(s, d), RETRY);
    command("rm %s/*", r->in);
    assert_int_equal(site_confirm(s, d), REJECTED); /* gone from here, and perhaps it was elsewhere */
    assert_true(said_of(d, "sftp.gone"));
    put_file(r->in, "a.x12", "order");
    assert_int_equal(site_confirm(s, d), DELIVERED);
}

static void files_are_fetched_once_and_removed_after_that(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_set(s, "pickup", r->out);
    site_set(s, "pickup_after", "1");
    site_connect(s);
    put_file(r->out, "answer-1.x12", "ISA*855~");
    put_file(r->out, "answer-2.x12.part", "half");
    put_file(r->out, "b\n\xff.x12", "odd name");
    assert_int_equal(poll_once(s), 2);
    assert_string_equal(tree_text(&s->tree, "inbox/hansen/answer-1.x12"), "ISA*855~");
    assert_int_equal(files_in(r->out, NULL), 1);
    sshd_kill_sessions(&plain);
    put_file(r->out, "answer-3.x12", "ISA*856~");
    assert_int_equal(poll_once(s), 1); /* over a new connection */
    /* killed after it was durable here and before it was removed there: as if the removal had not been */
    put_file(r->out, "answer-3.x12", "ISA*856~");
    site_disconnect(s);
    site_connect(s);
    poll_once(s);
    assert_int_equal(files_in(r->out, NULL), 1);
    assert_int_equal(tree_count(&s->tree, "inbox/hansen", NULL), 3);
}

static void a_poll_without_a_server_says_so(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    char port[8];
    int64_t next = 0;
    snprintf(port, sizeof port, "%d", free_port());
    site_set(s, "port", port);
    site_set(s, "pickup", r->out);
    site_connect(s);
    assert_int_equal(s->endpoint.adapter->poll(&s->endpoint, &next, &s->tree.findings), -1);
    assert_true(tree_said(&s->tree, "sftp.connect"));
    assert_true(next > instant_now().seconds);
}

static void ping_tells_each_step(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    struct buffer lines = {0};
    struct report report = {.findings = &s->tree.findings, .lines = &lines};
    site_set(s, "pickup", r->out);
    site_connect(s);
    assert_int_equal(s->endpoint.adapter->ping(&s->endpoint, &report), 0);
    static const char *const steps[] = {"ok    connection: ", "ok    host key: ssh-ed25519 SHA256:",
                                        "ok    login: ", "ok    upload: ", "ok    pickup: "};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        assert_non_null(strstr(lines.ptr, steps[i]));
    assert_int_equal(files_in(r->in, NULL), 0);
    site_disconnect(s);
    site_set(s, "directory", at("none"));
    site_connect(s);
    buffer_clear(&lines);
    assert_int_equal(s->endpoint.adapter->ping(&s->endpoint, &report), -1);
    assert_non_null(strstr(lines.ptr, "wrong upload: "));
    site_disconnect(s);
    site_set(s, "known_hosts", sshd_known("echo \"$host " CLIENT "\""));
    site_connect(s);
    buffer_clear(&lines);
    assert_int_equal(s->endpoint.adapter->ping(&s->endpoint, &report), -1);
    assert_non_null(strstr(lines.ptr, "wrong host key: "));
    buffer_free(&lines);
}

static void secrets_are_needed_only_where_they_are_named(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    site_set(s, "passphrase", "hansen-passphrase");
    site_connect(s);
    struct delivery *d = site_add(s, "x", SLICE("x"));
    site_send(s, false);
    assert_int_equal(d->verdict, HELD);
    assert_true(said_of(d, "secrets."));
}

static void settings_that_cannot_work_are_named(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    static const char *const wrong[][3] = {{"port", "0", "22"},
                                           {"port", "ssh", "22"},
                                           {"timeout", "0", "5"},
                                           {"when_gone", "x", "ask"},
                                           {"temporary_suffix", "", ".part"},
                                           {"temporary_suffix", "/x", ".part"},
                                           {"after_pickup", "x", "remove"}};
    site_set(s, "pickup", r->out);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct findings f = {.arena = &s->tree.arena};
        site_set(s, wrong[i][0], wrong[i][1]);
        s->endpoint.adapter->check(&s->config, NULL, &f);
        assert_int_equal(f.errors, 1);
        assert_int_equal(s->endpoint.adapter->open(&s->endpoint, &f), -1);
        site_set(s, wrong[i][0], wrong[i][2]);
    }
    struct findings f = {.arena = &s->tree.arena};
    s->endpoint.adapter->check(&s->config, NULL, &f);
    assert_int_equal(f.errors, 0);
}

static const char *warned(struct site *s, const char *code)
{
    struct findings f = {.arena = &s->tree.arena};
    s->endpoint.adapter->check(&s->config, NULL, &f);
    assert_int_equal(f.errors, 0);
    for (const struct finding *x = f.first; x; x = x->next)
        if (!strcmp(x->code, code))
            return arena_printf(&arena, "%s %s", x->what, x->todo);
    return "";
}

static void files_that_are_missing_are_named_beforehand(void **state)
{
    struct remote *r = *state;
    struct site *s = &r->site;
    const char *copy = arena_printf(&arena, "%s/key", plain.root);
    assert_string_equal(warned(s, "sftp.known-hosts"), "");
    assert_string_equal(warned(s, "sftp.private-key"), "");
    site_set(s, "known_hosts", at("none"));
    assert_non_null(strstr(warned(s, "sftp.known-hosts"), "No such file"));
    /* the command that is printed makes it right */
    const char *said = warned(s, "sftp.known-hosts"), *begin = strchr(said, '`') + 1;
    command("%.*s 2>/dev/null", (int)strcspn(begin, "`"), begin);
    assert_string_equal(warned(s, "sftp.known-hosts"), "");
    site_set(s, "known_hosts", sshd_known("echo \"example.org " CLIENT "\""));
    assert_non_null(strstr(warned(s, "sftp.known-hosts"), "has no key of [127.0.0.1]:"));
    site_set(s, "private_key_file", copy);
    assert_non_null(strstr(warned(s, "sftp.private-key"), "ssh-keygen -t ed25519"));
    command("cp %s %s && chmod 644 %s", plain.key, copy, copy);
    said = warned(s, "sftp.private-key");
    assert_non_null(strstr(said, "can be read by others"));
    begin = strchr(said, '`') + 1;
    command("%.*s", (int)strcspn(begin, "`"), begin);
    assert_string_equal(warned(s, "sftp.private-key"), "");
    command("cp %s.pub %s", plain.key, copy);
    assert_non_null(strstr(warned(s, "sftp.private-key"), "no private key"));
    command("rm %s && mkdir -m 700 %s", copy, copy);
    assert_non_null(strstr(warned(s, "sftp.private-key"), "not a regular file"));
}

int main(void)
{
#define SITE(test) cmocka_unit_test_setup_teardown(test, make, unmake)
    const struct CMUnitTest tests[] = {
        SITE(documents_arrive_under_their_names),
        SITE(temporary_names_are_the_partners_choice),
        SITE(a_name_that_is_taken_is_rejected),
        SITE(a_server_that_is_away_costs_one_timeout_and_nothing_else),
        SITE(a_changed_host_key_holds_the_endpoint),
        SITE(a_missing_directory_holds_the_endpoint),
        SITE(a_kept_connection_that_was_closed_is_made_anew),
        SITE(killed_in_the_middle_it_is_sent_again),
        SITE(in_doubt_the_temporary_name_decides),
        SITE(in_doubt_stays_so_when_it_cannot_be_seen),
        SITE(in_doubt_the_bytes_decide_also_of_large_files),
        SITE(in_doubt_at_an_address_that_was_changed),
        SITE(in_doubt_settings_that_were_changed_change_nothing),
        SITE(in_doubt_since_an_earlier_version),
        SITE(files_are_fetched_once_and_removed_after_that),
        SITE(a_poll_without_a_server_says_so),
        SITE(ping_tells_each_step),
        SITE(secrets_are_needed_only_where_they_are_named),
        SITE(settings_that_cannot_work_are_named),
        SITE(files_that_are_missing_are_named_beforehand),
    };
    if (!sshd_begin())
        return 0;
    int failed = cmocka_run_group_tests_name("sftp adapter", tests, NULL, sshd_end);
    arena_free(&arena);
    return failed;
}
