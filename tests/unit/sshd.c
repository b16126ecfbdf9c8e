/* sshd: see sshd.h. */
#include "sshd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* libssh2 1.10 does not free the numbers of an ECDSA key it logs in with, nor a list of ways to log in when
 * it asks for another; the sanitizer sees no further than the library that made them. What we do not close is
 * seen by what is ours of it. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libcrypto.so\nleak:libssh2.so\n";
}

static char base[64]; /* of all servers */
struct sshd plain;
const char *me;
struct arena arena;
struct findings findings;

void command(const char *format, ...)
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

int free_port(void)
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

void sshd_start(struct sshd *s, const char *wrapper)
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

void sshd_stop(struct sshd *s)
{
    if (s->pid > 0) {
        kill(-s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}

void sshd_make(struct sshd *s, const char *name, const char *further)
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
        "AuthorizedKeysFile %s/authorized_keys\nStrictModes no\nPermitRootLogin yes\nMaxStartups 200\n%s%s",
        s->port, s->dir, s->dir, s->dir, s->dir,
        strstr(further, "Subsystem") ? "" : "Subsystem sftp internal-sftp\n", further);
    snprintf(path, sizeof path, "%s/config", s->dir);
    assert_int_equal(file_write(AT_FDCWD, path, buffer_as_slice(&b), 0644, false), 0);
    buffer_free(&b);
    command("cd %s && printf '[127.0.0.1]:%d %%s\\n' \"$(cut -d' ' -f1,2 host_ed25519.pub)\" >known_hosts",
            s->dir, s->port);
}

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

int sshd_end(void **state)
{
    (void)state;
    sshd_stop(&plain);
    return file_remove_tree(AT_FDCWD, base);
}

int sshd_fresh(void **state)
{
    (void)state;
    arena_reset(&arena);
    findings = (struct findings){.arena = &arena};
    command("rm -rf %s && mkdir -m 777 %s", plain.root, plain.root);
    return 0;
}

struct sftp_settings sshd_settings(const struct sshd *s)
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
    struct sftp_settings s = sshd_settings(&plain);
    struct sftp *c = NULL;
    findings = (struct findings){.arena = &arena};
    enum sftp_result r = sftp_connect(&s, &c, &findings);
    sftp_close(c);
    return r != SFTP_DENIED || strcmp(findings.first->code, "sftp.login") != 0;
}

bool said(const char *code)
{
    for (const struct finding *f = findings.first; f; f = f->next)
        if (!strcmp(f->code, code))
            return true;
    return false;
}

const char *said_text(void)
{
    struct buffer b = {0};
    findings_print(&findings, &b);
    const char *text = arena_text(&arena, buffer_as_slice(&b));
    buffer_free(&b);
    return text;
}

const char *at(const char *name)
{
    return arena_printf(&arena, "%s/%s", plain.root, name);
}

void sshd_kill_sessions(const struct sshd *s)
{
    command("for p in $(cat /proc/%d/task/%d/children); do for q in $(cat /proc/$p/task/$p/children); do "
            "kill -9 $q; done; kill -9 $p; done 2>/dev/null; true",
            (int)s->pid, (int)s->pid);
}

pid_t sshd_killer(const struct sshd *s, const char *dir, off_t size)
{
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 20000; i++) {
            DIR *d = opendir(dir);
            struct dirent *e;
            struct stat st;
            while ((e = readdir(d)))
                if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0 && st.st_size > size) {
                    sshd_kill_sessions(s);
                    _exit(0);
                }
            closedir(d);
            usleep(500);
        }
        _exit(1);
    }
    return child;
}

const char *sshd_known(const char *script)
{
    command("cd %s && { %s; } >known_test", plain.dir,
            arena_printf(&arena, "port=%d; host='[127.0.0.1]:%d'; %s", plain.port, plain.port, script));
    return arena_printf(&arena, "%s/known_test", plain.dir);
}

bool sshd_begin(void)
{
    if (access("/usr/sbin/sshd", X_OK) || system("command -v ssh-keygen >/dev/null")) {
        printf("1..0 # SKIP there is no OpenSSH server on this machine\n");
        return false;
    }
    if (start_plain() || !logins_work()) {
        sshd_end(NULL);
        printf("1..0 # SKIP sshd does not let this user in, whatever the key\n");
        return false;
    }
    return true;
}
