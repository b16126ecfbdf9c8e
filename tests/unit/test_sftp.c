/* SFTP against a real OpenSSH server on loopback. Password logins need accounts: as root they are given to
 * the server alone, in a mount namespace; otherwise those tests say that they are skipped. */
#include "sshd.h"

#include "base/date.h"
#include "net/known_hosts.h"
#include "net/seal.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

/* ---- connections ---- */

static struct sftp *connected(void)
{
    struct sftp_settings s = sshd_settings(&plain);
    struct sftp *c = NULL;
    if (sftp_connect(&s, &c, &findings) != SFTP_OK) {
        struct buffer b = {0};
        findings_print(&findings, &b);
        fail_msg("%s", b.ptr);
    }
    return c;
}

static void what_is_written_can_be_read(void **state)
{
    struct sftp *c = connected();
    struct sftp_file f;
    struct buffer back = {0}, big = {0};
    (void)state;
    assert_int_equal(sftp_write(c, at("a.x12"), SLICE("ISA*00~"), &findings), SFTP_OK);
    assert_int_equal(sftp_stat(c, at("a.x12"), &f, &findings), SFTP_OK);
    assert_int_equal(f.size, 7);
    assert_true(f.regular && !f.directory);
    assert_in_range(f.modified, instant_now().seconds - 5, instant_now().seconds + 5);
    assert_int_equal(sftp_read(c, at("a.x12"), 7, &back, &findings), SFTP_OK);
    assert_string_equal(back.ptr, "ISA*00~");
    buffer_clear(&back);
    assert_int_equal(sftp_read(c, at("a.x12"), 6, &back, &findings), SFTP_TOO_LARGE);
    assert_int_equal(back.len, 0);
    assert_true(said("sftp.too-large"));
    for (uint32_t i = 0; i < 5u << 20; i++)
        buffer_add(&big, &i, 4);
    assert_int_equal(sftp_write(c, at("big"), buffer_as_slice(&big), &findings), SFTP_OK);
    assert_int_equal(sftp_read(c, at("big"), big.len, &back, &findings), SFTP_OK);
    assert_true(slice_equal(buffer_as_slice(&back), buffer_as_slice(&big)));
    assert_int_equal(sftp_write(c, at("big"), SLICE("short"), &findings), SFTP_OK); /* truncates */
    assert_int_equal(sftp_stat(c, at("big"), &f, &findings), SFTP_OK);
    assert_int_equal(f.size, 5);
    assert_int_equal(sftp_write(c, at("empty"), SLICE(""), &findings), SFTP_OK);
    buffer_clear(&back);
    assert_int_equal(sftp_read(c, at("empty"), 10, &back, &findings), SFTP_OK);
    assert_int_equal(back.len, 0);
    buffer_free(&back);
    buffer_free(&big);
    sftp_close(c);
}

static void what_is_not_there_or_not_allowed_is_told_apart(void **state)
{
    struct sftp *c = connected();
    struct buffer b = {0};
    struct sftp_file *files;
    size_t n;
    (void)state;
    assert_int_equal(sftp_stat(c, at("none"), NULL, &findings), SFTP_NOT_FOUND);
    assert_int_equal(findings.kept, 0);
    assert_int_equal(sftp_remove(c, at("none"), &findings), SFTP_NOT_FOUND);
    assert_int_equal(sftp_read(c, at("none"), 10, &b, &findings), SFTP_NOT_FOUND);
    assert_int_equal(sftp_write(c, at("none/a"), SLICE("x"), &findings), SFTP_NOT_FOUND);
    assert_int_equal(sftp_list(c, at("none"), &arena, &files, &n, &findings), SFTP_NOT_FOUND);
    assert_int_equal(sftp_rename(c, at("none"), at("other"), &findings), SFTP_NOT_FOUND);
    if (getuid() != 0) {
        command("mkdir -m 555 %s/locked", plain.root);
        assert_int_equal(sftp_write(c, at("locked/a"), SLICE("x"), &findings), SFTP_DENIED);
    }
    assert_int_equal(sftp_write(c, at("a"), SLICE("x"), &findings),
                     SFTP_OK); /* still of use after all that */
    buffer_free(&b);
    sftp_close(c);
}

static void rename_never_overwrites(void **state)
{
    struct sftp *c = connected();
    struct buffer b = {0};
    (void)state;
    assert_int_equal(sftp_write(c, at("a"), SLICE("new"), &findings), SFTP_OK);
    assert_int_equal(sftp_write(c, at("b"), SLICE("old"), &findings), SFTP_OK);
    assert_int_equal(sftp_rename(c, at("a"), at("b"), &findings), SFTP_EXISTS);
    assert_int_equal(sftp_read(c, at("b"), 10, &b, &findings), SFTP_OK);
    assert_string_equal(b.ptr, "old");
    assert_int_equal(sftp_remove(c, at("b"), &findings), SFTP_OK);
    assert_int_equal(sftp_rename(c, at("a"), at("b"), &findings), SFTP_OK);
    command("ln -s /nowhere %s/dangling", plain.root);
    assert_int_equal(sftp_rename(c, at("b"), at("dangling"), &findings), SFTP_EXISTS);
    buffer_free(&b);
    sftp_close(c);
}

static void names_of_any_bytes(void **state)
{
    static const char *const names[] = {"blank in it",         "-rf",      "new\nline", "\xff\xfe",
                                        "\"quoted\" $(x) `y`", "\xc3\xa5", "*?[",       NULL};
    struct sftp *c = connected();
    struct sftp_file *files;
    size_t n = 0, count = 0;
    (void)state;
    for (const char *const *name = names; *name; name++, count++)
        assert_int_equal(sftp_write(c, at(*name), SLICE("x"), &findings), SFTP_OK);
    command("mkdir %s/folder && ln -s folder %s/link", plain.root, plain.root);
    assert_int_equal(sftp_list(c, plain.root, &arena, &files, &n, &findings), SFTP_OK);
    assert_int_equal(n, count + 2);
    for (size_t i = 0; i < n; i++) {
        assert_true(files[i].regular || !strcmp(files[i].name, "folder") || !strcmp(files[i].name, "link"));
        assert_int_equal(files[i].directory, !strcmp(files[i].name, "folder"));
        if (files[i].regular)
            assert_int_equal(sftp_remove(c, at(files[i].name), &findings), SFTP_OK);
    }
    struct sftp_file f;
    assert_int_equal(sftp_stat(c, at("link"), &f, &findings), SFTP_OK);
    assert_false(f.directory);
    assert_int_equal(sftp_stat_followed(c, at("link"), &f, &findings), SFTP_OK);
    assert_true(f.directory);
    sftp_close(c);
}

static void large_directories_are_listed(void **state)
{
    struct sftp *c = connected();
    struct sftp_file *files;
    size_t n = 0;
    (void)state;
    command("cd %s && seq 1 5000 | xargs touch", plain.root);
    assert_int_equal(sftp_list(c, plain.root, &arena, &files, &n, &findings), SFTP_OK);
    assert_int_equal(n, 5000);
    sftp_close(c);
}

/* ---- host keys ---- */

static enum sftp_result connect_with(const char *known_hosts)
{
    struct sftp_settings s = sshd_settings(&plain);
    struct sftp *c = NULL;
    s.known_hosts = known_hosts;
    enum sftp_result r = sftp_connect(&s, &c, &findings);
    sftp_close(c);
    return r;
}

#define ED "$(cut -d' ' -f1,2 host_ed25519.pub)"
#define EC "$(cut -d' ' -f1,2 host_ecdsa.pub)"

static void known_hosts_are_recognised_in_every_form(void **state)
{
    static const char *const good[] = {
        "echo \"$host " ED "\"",
        "echo \"$host " ED " a comment\"; echo; echo '# remark'; echo nonsense",
        "echo \"example.org,$host,10.0.0.1 " ED "\"",
        "echo \"$host " EC "\"", /* only the other kind of key is known */
        "echo \"$host ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7\"; echo \"$host " ED
        "\"",                                               /* an old kind beside */
        "echo \"$host " CLIENT "\"; echo \"$host " ED "\"", /* two keys of a kind, one of them fits */
        "echo \"[127.0.0.*]:$port " ED "\"",
        "echo \"[127.0.0.?]:$port,!example.org " ED "\"",
        "echo \"@cert-authority * " CLIENT "\"; echo \"$host " ED "\"",
        "printf '%s\\r\\n' \"$host " ED "\"",
        "printf '%s' \"$host " ED "\"",
        "echo \"$host " ED "\" >h; ssh-keygen -q -H -f h >/dev/null 2>&1; cat h; rm -f h h.old",
        "echo \"@revoked * " CLIENT "\"; echo \"$host " ED "\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (connect_with(sshd_known(good[i])) != SFTP_OK)
            fail_msg("%s\n%s", good[i], said_text());
    }
}

static void an_unknown_host_is_refused_with_the_line_to_add(void **state)
{
    static const char *const unknown[] = {
        "true",
        "echo \"127.0.0.1 " ED "\"", /* that is port 22 */
        "echo \"[127.0.0.1]:1 " ED "\"",
        "echo \"$host ssh-ed25519\"",
        "echo \"$host ssh-ed25519 !!!notbase64\"",
        "echo \"$host ssh-rsa $(cut -d' ' -f2 host_ed25519.pub)\"", /* the type does not fit the key */
        "echo \"[127.0.0.*]:$port,!$host " ED "\"",
        "echo '|1|AAAA|BBBB ssh-ed25519 AAAA'",
        "echo '|1|'",
        "head -c 100000 /dev/zero",
        "echo \"@cert-authority $host " ED "\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        findings = (struct findings){.arena = &arena};
        if (connect_with(sshd_known(unknown[i])) != SFTP_DENIED)
            fail_msg("%s", unknown[i]);
        assert_true(said("sftp.host-key-unknown"));
        assert_non_null(strstr(findings.first->what, "SHA256:"));
        /* the line that is offered is the one that works */
        const char *line = strstr(findings.first->todo, ": [127.0.0.1]");
        assert_non_null(line);
        char path[200];
        snprintf(path, sizeof path, "%s/known_test", plain.dir);
        assert_int_equal(file_write(AT_FDCWD, path, slice_of(line + 2), 0600, false), 0);
        assert_int_equal(connect_with(path), SFTP_OK);
    }
    assert_int_equal(connect_with("/nonexistent/known_hosts"), SFTP_DENIED);
    assert_true(said("sftp.known-hosts"));
}

static void a_changed_host_key_is_refused_with_both_fingerprints(void **state)
{
    (void)state;
    char seen[128], path[200];
    assert_int_equal(connect_with(sshd_known("echo \"$host " CLIENT "\"")), SFTP_DENIED);
    assert_true(said("sftp.host-key-changed"));
    command("cd %s && ssh-keygen -lf host_ed25519.pub | cut -d' ' -f2 >seen && ssh-keygen -lf client.pub | "
            "cut -d' ' -f2 >>seen",
            plain.dir);
    snprintf(path, sizeof path, "%s/seen", plain.dir);
    FILE *f = fopen(path, "r");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fscanf(f, "%127s", seen), 1);
        assert_non_null(strstr(findings.first->what, seen));
    }
    fclose(f);
    assert_string_equal(findings.first->where, arena_printf(&arena, "%s/known_test:1", plain.dir));
    findings = (struct findings){.arena = &arena};
    assert_int_equal(connect_with(sshd_known("echo \"@revoked * " ED "\"; echo \"$host " ED "\"")),
                     SFTP_DENIED);
    assert_true(said("sftp.host-key-revoked"));
}

/* ---- login ---- */

static void a_login_that_is_refused_is_for_a_person(void **state)
{
    struct sftp_settings s = sshd_settings(&plain);
    struct sftp *c;
    (void)state;
    command("cd %s && rm -f wrong* && ssh-keygen -q -t ed25519 -N '' -f wrong && ssh-keygen -q -t ed25519 -N "
            "'pass phrase' -f wrong_p",
            plain.dir);
    s.private_key_file = arena_printf(&arena, "%s/wrong", plain.dir);
    assert_int_equal(sftp_connect(&s, &c, &findings), SFTP_DENIED);
    assert_null(c);
    assert_true(said("sftp.login"));
    s.private_key_file = arena_printf(&arena, "%s/none", plain.dir);
    assert_int_equal(sftp_connect(&s, &c, &findings), SFTP_DENIED);
    assert_true(said("sftp.private-key"));
    s.private_key_file = NULL;
    s.password = SLICE("nobody-takes-passwords-here");
    assert_int_equal(sftp_connect(&s, &c, &findings), SFTP_DENIED);
    assert_null(strstr(said_text(), "nobody-takes"));
    s.password = SLICE_NONE;
    assert_int_equal(sftp_connect(&s, &c, &findings), SFTP_DENIED);
}

static void keys_that_others_can_read_are_not_used(void **state)
{
    struct sftp_settings s = sshd_settings(&plain);
    struct sftp *c;
    (void)state;
    assert_int_equal(chmod(plain.key, 0640), 0);
    assert_int_equal(sftp_connect(&s, &c, &findings), SFTP_DENIED);
    assert_int_equal(chmod(plain.key, 0600), 0);
    assert_non_null(strstr(said_text(), "read by others"));
}

static void keys_of_several_kinds_log_in(void **state)
{
    static const char *const kinds[] = {"-t ed25519 -N ''", "-t ed25519 -N 'pass phrase'",
                                        "-t ecdsa -b 256 -N ''", "-t ecdsa -b 521 -m PEM -N ''",
                                        "-t ecdsa -b 384 -N 'pass phrase'"};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct sftp_settings s = sshd_settings(&plain);
        struct sftp *c = NULL;
        command("cd %s && rm -f kind kind.pub && ssh-keygen -q %s -f kind && cat client.pub kind.pub "
                ">authorized_keys",
                plain.dir, kinds[i]);
        s.private_key_file = arena_printf(&arena, "%s/kind", plain.dir);
        s.passphrase = strstr(kinds[i], "pass") ? SLICE("pass phrase") : SLICE_NONE;
        if (sftp_connect(&s, &c, &findings) != SFTP_OK)
            fail_msg("%s: %s", kinds[i], said_text());
        assert_string_equal(sftp_login(c), "public key");
        sftp_close(c);
        if (s.passphrase.ptr) {
            s.passphrase = SLICE("wrong");
            assert_int_equal(sftp_connect(&s, &c, &findings), SFTP_DENIED);
            assert_true(said("sftp.private-key"));
        }
    }
    command("cd %s && cp client.pub authorized_keys", plain.dir);
}

/* An account that only this server sees: root's mount namespace with files of its own in place of /etc/passwd
 * and shadow. */
static bool start_with_accounts(struct sshd *s, const char *name, const char *further)
{
    if (getuid() != 0 || system("unshare --mount true 2>/dev/null") != 0)
        return false;
    sshd_make(s, name, further);
    command("cd %s && cp /etc/passwd passwd && cp /etc/shadow shadow && cp -r /etc/pam.d pam.d && "
            "echo 'spoolgatetest:x:64990:65534::%s:/bin/sh' >>passwd && "
            "echo \"spoolgatetest:$(openssl passwd -6 'right & pass'):19000:0:99999:7:::\" >>shadow && "
            "printf 'auth required pam_unix.so\\naccount required pam_permit.so\\nsession required "
            "pam_permit.so\\n' >pam.d/sshd",
            s->dir, s->dir);
    char wrapper[900];
    snprintf(wrapper, sizeof wrapper,
             "exec unshare --mount sh -c 'mount --bind %s/passwd /etc/passwd && mount --bind %s/shadow "
             "/etc/shadow && "
             "mount --bind %s/pam.d /etc/pam.d && exec \"$0\" \"$@\"' ",
             s->dir, s->dir, s->dir);
    sshd_start(s, wrapper);
    return true;
}

static void passwords_log_in(const char *name, const char *further, const char *way)
{
    struct sshd s;
    struct sftp *c = NULL;
    if (!start_with_accounts(&s, name, further)) {
        printf("# skipped: an account for the server alone needs root and mount namespaces\n");
        skip();
    }
    struct sftp_settings with = sshd_settings(&s);
    with.user = "spoolgatetest";
    with.private_key_file = NULL;
    with.password = SLICE("wrong-password");
    enum sftp_result wrong = sftp_connect(&with, &c, &findings);
    bool leaked = strstr(said_text(), "wrong-password") != NULL;
    with.password = SLICE("right & pass");
    enum sftp_result right = sftp_connect(&with, &c, &findings);
    enum sftp_result written =
        right == SFTP_OK ? sftp_write(c, arena_printf(&arena, "%s/x", s.root), SLICE("x"), &findings) : right;
    char login[64];
    snprintf(login, sizeof login, "%s", right == SFTP_OK ? sftp_login(c) : "");
    sftp_close(c);
    sshd_stop(&s);
    assert_int_equal(wrong, SFTP_DENIED);
    assert_false(leaked);
    if (right != SFTP_OK)
        fail_msg("%s", said_text());
    assert_string_equal(login, way);
    (void)written;
}

static void a_password_logs_in(void **state)
{
    (void)state;
    passwords_log_in("password", "UsePAM no\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n",
                     "password");
}

static void a_password_logs_in_where_it_is_asked_for(void **state)
{
    (void)state;
    passwords_log_in("interactive",
                     "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n",
                     "keyboard-interactive");
}

/* A server that wants both: the list of what is left is another one after the first. */
static void logs_in_with_both(const char *name, const char *order)
{
    struct sshd s;
    struct sftp *c = NULL;
    if (!start_with_accounts(
            &s, name,
            arena_printf(&arena,
                         "UsePAM no\nPasswordAuthentication yes\nKbdInteractiveAuthentication "
                         "no\nAuthenticationMethods %s\n",
                         order))) {
        printf("# skipped: an account for the server alone needs root and mount namespaces\n");
        skip();
    }
    command("chmod 644 %s/authorized_keys", s.dir); /* read as the user who logs in */
    struct sftp_settings with = sshd_settings(&s);
    with.user = "spoolgatetest";
    with.password = SLICE("right & pass");
    enum sftp_result both = sftp_connect(&with, &c, &findings);
    char login[64];
    snprintf(login, sizeof login, "%s", both == SFTP_OK ? sftp_login(c) : said_text());
    sftp_close(c);
    with.password = SLICE("wrong-password");
    enum sftp_result wrong = sftp_connect(&with, &c, &findings);
    findings = (struct findings){.arena = &arena};
    with.password = SLICE_NONE;
    enum sftp_result only_key = sftp_connect(&with, &c, &findings);
    const char *why = said_text();
    with.password = SLICE("right & pass");
    with.private_key_file = NULL;
    enum sftp_result only_password = sftp_connect(&with, &c, &findings);
    sshd_stop(&s);
    assert_string_equal(login, "public key and password");
    assert_int_equal(wrong, SFTP_DENIED);
    assert_int_equal(only_key, SFTP_DENIED);
    assert_int_equal(only_password, SFTP_DENIED);
    if (!strncmp(order, "publickey", 9))
        assert_non_null(strstr(why, "takes our public key, wants password beside it"));
}

static void key_and_password_log_in_where_both_are_wanted(void **state)
{
    (void)state;
    logs_in_with_both("both", "publickey,password");
    logs_in_with_both("reverse", "password,publickey");
}

/* ---- connections that break ---- */

static void nobody_there(void **state)
{
    struct sftp_settings s = sshd_settings(&plain);
    struct sftp *c;
    (void)state;
    s.port = free_port();
    assert_int_equal(sftp_connect(&s, &c, &findings), SFTP_LOST);
    s.host = "nothing.invalid";
    assert_int_equal(sftp_connect(&s, &c, &findings), SFTP_LOST);
    assert_true(said("sftp.connect"));
    assert_true(said("sftp.resolve"));
}

/* A server that accepts and says nothing, or nonsense. */
static void a_peer_that_is_no_ssh_server(void **state)
{
    static const char *const greetings[] = {NULL, "", "HTTP/1.1 400 Bad Request\r\n\r\n",
                                            "SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof here;
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&here, sizeof here) | listen(listener, 1), 0);
        getsockname(listener, (struct sockaddr *)&here, &size);
        pid_t child = fork();
        if (child == 0) {
            int fd = accept(listener, NULL, NULL);
            if (greetings[i] && write(fd, greetings[i], strlen(greetings[i])) < 0)
                _exit(1);
            if (!greetings[i] || i == 3)
                sleep(20);
            _exit(0);
        }
        close(listener);
        struct sftp_settings s = sshd_settings(&plain);
        struct sftp *c;
        s.port = ntohs(here.sin_port);
        s.timeout_seconds = 1;
        time_t began = time(NULL);
        assert_int_not_equal(sftp_connect(&s, &c, &findings), SFTP_OK);
        assert_null(c);
        assert_true(time(NULL) - began <= 6);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
}

static void a_connection_killed_in_the_middle_is_lost(void **state)
{
    struct sftp *c = connected();
    struct buffer big = {0};
    int status;
    (void)state;
    buffer_reserve(&big, 200u << 20);
    memset(big.ptr, 'x', 200u << 20);
    big.len = 200u << 20;
    pid_t killer = sshd_killer(&plain, plain.root, 1 << 20);
    assert_int_equal(sftp_write(c, at("big"), buffer_as_slice(&big), &findings), SFTP_LOST);
    waitpid(killer, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(sftp_stat(c, at("big"), NULL, &findings), SFTP_LOST);
    time_t began = time(NULL);
    sftp_close(c);
    assert_true(time(NULL) - began <= 3);
    buffer_free(&big);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup(test, sshd_fresh)
    const struct CMUnitTest tests[] = {
        FRESH(what_is_written_can_be_read),
        FRESH(what_is_not_there_or_not_allowed_is_told_apart),
        FRESH(rename_never_overwrites),
        FRESH(names_of_any_bytes),
        FRESH(large_directories_are_listed),
        FRESH(known_hosts_are_recognised_in_every_form),
        FRESH(an_unknown_host_is_refused_with_the_line_to_add),
        FRESH(a_changed_host_key_is_refused_with_both_fingerprints),
        FRESH(a_login_that_is_refused_is_for_a_person),
        FRESH(keys_that_others_can_read_are_not_used),
        FRESH(keys_of_several_kinds_log_in),
        FRESH(a_password_logs_in),
        FRESH(a_password_logs_in_where_it_is_asked_for),
        FRESH(key_and_password_log_in_where_both_are_wanted),
        FRESH(nobody_there),
        FRESH(a_peer_that_is_no_ssh_server),
        FRESH(a_connection_killed_in_the_middle_is_lost),
    };
    if (!sshd_begin())
        return 0;
    int failed = cmocka_run_group_tests_name("sftp", tests, NULL, sshd_end);
    arena_free(&arena);
    return failed;
}
