/* SFTP against a real OpenSSH server on loopback, with keys of its own. Password logins need accounts: as
 * root they are given to the server alone, in a mount namespace; otherwise those tests say that they are
 * skipped. */
#include "test_adapter.h"

#include "net/known_hosts.h"
#include "net/seal.h"
#include "net/sftp.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static char base[64]; /* of all servers */
static const char *me;

struct sshd {
    char dir[128], known_hosts[160], key[160], root[160];
    int port;
    pid_t pid;
};

/* ---- the server ---- */

static void command(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void command(const char *format, ...)
{
    struct buffer b = {0};
    va_list ap;
    va_start(ap, format);
    buffer_vprintf(&b, format, ap);
    va_end(ap);
    int status = system(b.ptr);
    if (status != 0)
        fprintf(stderr, "# failed: %s\n", b.ptr);
    assert_int_equal(status, 0);
    buffer_free(&b);
}

static int free_port(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    close(fd);
    return ntohs(here.sin_port);
}

static bool answers(int port)
{
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool yes = connect(fd, (struct sockaddr *)&there, sizeof there) == 0;
    close(fd);
    return yes;
}

static void sshd_start(struct sshd *s, const char *wrapper)
{
    char line[1024];
    snprintf(line, sizeof line, "%s/usr/sbin/sshd -D -f %s/config -E %s/log", wrapper, s->dir, s->dir);
    s->pid = fork();
    if (s->pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when this test is killed */
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        execl("/bin/sh", "sh", "-c", line, NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !answers(s->port); i++)
        usleep(20000);
    assert_true(answers(s->port));
}

static void sshd_stop(struct sshd *s)
{
    if (s->pid > 0) {
        kill(-s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}

static void sshd_make(struct sshd *s, const char *name, const char *further)
{
    char path[200];
    struct buffer b = {0};
    memset(s, 0, sizeof *s);
    snprintf(s->dir, sizeof s->dir, "%s/%s", base, name);
    snprintf(s->known_hosts, sizeof s->known_hosts, "%s/known_hosts", s->dir);
    snprintf(s->key, sizeof s->key, "%s/client", s->dir);
    snprintf(s->root, sizeof s->root, "%s/root", s->dir);
    assert_int_equal(mkdir(s->dir, 0755) | mkdir(s->root, 0777), 0);
    s->port = free_port();
    command("cd %s && ssh-keygen -q -t ed25519 -N '' -f host_ed25519 && ssh-keygen -q -t ecdsa -N '' -f "
            "host_ecdsa && "
            "ssh-keygen -q -t ed25519 -N '' -f client && cp client.pub authorized_keys && chmod 600 "
            "authorized_keys",
            s->dir);
    buffer_printf(
        &b,
        "Port %d\nListenAddress 127.0.0.1\nHostKey %s/host_ed25519\nHostKey %s/host_ecdsa\nPidFile %s/pid\n"
        "AuthorizedKeysFile %s/authorized_keys\nStrictModes no\nPermitRootLogin yes\nMaxStartups 200\n"
        "Subsystem sftp internal-sftp\n%s",
        s->port, s->dir, s->dir, s->dir, s->dir, further);
    snprintf(path, sizeof path, "%s/config", s->dir);
    assert_int_equal(file_write(AT_FDCWD, path, buffer_as_slice(&b), 0644, false), 0);
    buffer_free(&b);
    command("cd %s && printf '[127.0.0.1]:%d %%s\\n' \"$(cut -d' ' -f1,2 host_ed25519.pub)\" >known_hosts",
            s->dir, s->port);
}

#define NO_PASSWORDS "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"

static struct sshd plain; /* one for most tests */

static int start_plain(void)
{
    snprintf(base, sizeof base, "/tmp/spoolgate-sftp-XXXXXX");
    if (!mkdtemp(base) || chmod(base, 0755))
        return -1;
    me = getpwuid(getuid())->pw_name;
    if (getuid() == 0)
        mkdir("/run/sshd", 0755);
    sshd_make(&plain, "plain", NO_PASSWORDS);
    sshd_start(&plain, "exec ");
    return 0;
}

static int stop_plain(void **state)
{
    (void)state;
    sshd_stop(&plain);
    return file_remove_tree(AT_FDCWD, base);
}

static struct arena arena;
static struct findings findings;

static int fresh(void **state)
{
    (void)state;
    arena_reset(&arena);
    findings = (struct findings){.arena = &arena};
    command("rm -rf %s && mkdir -m 777 %s", plain.root, plain.root);
    return 0;
}

static struct sftp_settings settings_of(const struct sshd *s)
{
    return (struct sftp_settings){.host = "127.0.0.1",
                                  .port = s->port,
                                  .user = me,
                                  .known_hosts = s->known_hosts,
                                  .private_key_file = s->key,
                                  .timeout_seconds = 10};
}

/* sshd lets nobody in whose account is locked. */
static bool logins_work(void)
{
    struct sftp_settings s = settings_of(&plain);
    struct sftp *c = NULL;
    findings = (struct findings){.arena = &arena};
    enum sftp_result r = sftp_connect(&s, &c, &findings);
    sftp_close(c);
    return r != SFTP_DENIED || strcmp(findings.first->code, "sftp.login") != 0;
}

/* ---- connections ---- */

static struct sftp *connected(void)
{
    struct sftp_settings s = settings_of(&plain);
    struct sftp *c = NULL;
    if (sftp_connect(&s, &c, &findings) != SFTP_OK) {
        struct buffer b = {0};
        findings_print(&findings, &b);
        fail_msg("%s", b.ptr);
    }
    return c;
}

static bool said(const char *code)
{
    for (const struct finding *f = findings.first; f; f = f->next)
        if (!strcmp(f->code, code))
            return true;
    return false;
}

static const char *said_text(void)
{
    struct buffer b = {0};
    findings_print(&findings, &b);
    const char *text = arena_text(&arena, buffer_as_slice(&b));
    buffer_free(&b);
    return text;
}

static const char *at(const char *name)
{
    return arena_printf(&arena, "%s/%s", plain.root, name);
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
    assert_int_equal(sftp_read(c, at("a.x12"), 6, &back, &findings), SFTP_FAILED);
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
    struct sftp_settings s = settings_of(&plain);
    struct sftp *c = NULL;
    s.known_hosts = known_hosts;
    enum sftp_result r = sftp_connect(&s, &c, &findings);
    sftp_close(c);
    return r;
}

/* A known_hosts file made by a shell command in the server's folder. */
static const char *known(const char *script)
{
    command("cd %s && { %s; } >known_test", plain.dir,
            arena_printf(&arena, "port=%d; host='[127.0.0.1]:%d'; %s", plain.port, plain.port, script));
    return arena_printf(&arena, "%s/known_test", plain.dir);
}

#define ED "$(cut -d' ' -f1,2 host_ed25519.pub)"
#define EC "$(cut -d' ' -f1,2 host_ecdsa.pub)"
#define CLIENT "$(cut -d' ' -f1,2 client.pub)" /* a good key, but not the server's */

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
        if (connect_with(known(good[i])) != SFTP_OK)
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
        if (connect_with(known(unknown[i])) != SFTP_DENIED)
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
    assert_int_equal(connect_with(known("echo \"$host " CLIENT "\"")), SFTP_DENIED);
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
    assert_int_equal(connect_with(known("echo \"@revoked * " ED "\"; echo \"$host " ED "\"")), SFTP_DENIED);
    assert_true(said("sftp.host-key-revoked"));
}

/* ---- login ---- */

static void a_login_that_is_refused_is_for_a_person(void **state)
{
    struct sftp_settings s = settings_of(&plain);
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
    struct sftp_settings s = settings_of(&plain);
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
        struct sftp_settings s = settings_of(&plain);
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
    struct sftp_settings with = settings_of(&s);
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

/* ---- connections that break ---- */

static void nobody_there(void **state)
{
    struct sftp_settings s = settings_of(&plain);
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
        struct sftp_settings s = settings_of(&plain);
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

/* Kills the server's processes for connections, not the one that listens. */
static void kill_sessions(const struct sshd *s)
{
    command("for p in $(cat /proc/%d/task/%d/children); do for q in $(cat /proc/$p/task/$p/children); do "
            "kill -9 $q; done; kill -9 $p; done 2>/dev/null; true",
            (int)s->pid, (int)s->pid);
}

/* A child that waits for the file to grow and then kills the connection. */
static pid_t killer_of(const struct sshd *s, const char *dir, off_t size)
{
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 20000; i++) {
            DIR *d = opendir(dir);
            struct dirent *e;
            struct stat st;
            while ((e = readdir(d)))
                if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0 && st.st_size > size) {
                    kill_sessions(s);
                    _exit(0);
                }
            closedir(d);
            usleep(500);
        }
        _exit(1);
    }
    return child;
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
    pid_t killer = killer_of(&plain, plain.root, 1 << 20);
    assert_int_equal(sftp_write(c, at("big"), buffer_as_slice(&big), &findings), SFTP_LOST);
    waitpid(killer, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(sftp_stat(c, at("big"), NULL, &findings), SFTP_LOST);
    time_t began = time(NULL);
    sftp_close(c);
    assert_true(time(NULL) - began <= 3);
    buffer_free(&big);
}

/* ---- the adapter ---- */

struct remote {
    struct site site;
    char in[300], out[300];
};

static int make(void **state)
{
    struct remote *r = calloc(1, sizeof *r);
    char port[8];
    fresh(state);
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
    site_set(s, "known_hosts", known("echo \"$host " CLIENT "\""));
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
    kill_sessions(&plain);
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
    pid_t killer = killer_of(&plain, r->in, 1 << 20);
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

static enum verdict confirm(struct site *s, struct delivery *d)
{
    d->verdict = DELIVERED;
    s->endpoint.adapter->confirm(&s->endpoint, d);
    return d->verdict;
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
    assert_int_equal(confirm(s, d), RETRY);
    site_send(s, false);
    assert_int_equal(confirm(s, d), DELIVERED);
    assert_string_equal(json_text_at(d->receipt, "outcome"), "found under its final name");
    command("rm %s/a.x12", r->in);
    assert_int_equal(confirm(s, d), DELIVERED);
    put_file(r->in, "a.x12", "another");
    assert_int_equal(confirm(s, d), DELIVERED);
    site_disconnect(s);
    site_set(s, "when_gone", "ask");
    site_connect(s);
    assert_int_equal(confirm(s, d), REJECTED);
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
    assert_int_equal(confirm(s, d), IN_DOUBT); /* the directory is gone: that proves nothing */
    site_disconnect(s);
    snprintf(port, sizeof port, "%d", free_port());
    site_set(s, "port", port);
    site_connect(s);
    assert_int_equal(confirm(s, d), IN_DOUBT); /* the server is away */
    assert_true(d->not_before > instant_now().seconds);
    site_disconnect(s);
    snprintf(port, sizeof port, "%d", plain.port);
    site_set(s, "port", port);
    site_set(s, "directory", r->out); /* somebody corrected the directory meanwhile */
    site_connect(s);
    assert_int_equal(confirm(s, d), REJECTED);
    assert_true(said_of(d, "sftp.moved"));
    command("mv %s.away %s", r->in, r->in);
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
    kill_sessions(&plain);
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
    site_set(s, "known_hosts", known("echo \"$host " CLIENT "\""));
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

int main(void)
{
    if (access("/usr/sbin/sshd", X_OK) || system("command -v ssh-keygen >/dev/null")) {
        printf("1..0 # SKIP there is no OpenSSH server on this machine\n");
        return 0;
    }
#define FRESH(test) cmocka_unit_test_setup(test, fresh)
#define SITE(test) cmocka_unit_test_setup_teardown(test, make, unmake)
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
        FRESH(nobody_there),
        FRESH(a_peer_that_is_no_ssh_server),
        FRESH(a_connection_killed_in_the_middle_is_lost),
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
        SITE(files_are_fetched_once_and_removed_after_that),
        SITE(a_poll_without_a_server_says_so),
        SITE(ping_tells_each_step),
        SITE(secrets_are_needed_only_where_they_are_named),
        SITE(settings_that_cannot_work_are_named),
    };
    if (start_plain() || !logins_work()) {
        stop_plain(NULL);
        printf("1..0 # SKIP sshd does not let this user in, whatever the key\n");
        return 0;
    }
    int failed = cmocka_run_group_tests_name("sftp", tests, NULL, stop_plain);
    arena_free(&arena);
    return failed;
}
