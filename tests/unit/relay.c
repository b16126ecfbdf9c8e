/* relay: see relay.h. */
#include "relay.h"

#include <poll.h>
#include <signal.h>

#define ROOM (1u << 20)

/* ---- the subsystem ---- */

static const char *folder;
static bool muted, has_held;

static bool there(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static bool taken(const char *verb, int type, const char *as)
{
    char from[300], to[300];
    snprintf(from, sizeof from, "%s/%s-%d", folder, verb, type);
    snprintf(to, sizeof to, "%s/%s", folder, as);
    return rename(from, to) == 0;
}

static void write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t w = write(fd, bytes, n);
        if (w <= 0)
            return; /* who is gone does not keep the other from being served */
        bytes += w;
        n -= (size_t)w;
    }
}

static bool read_all(int fd, char *bytes, size_t n)
{
    while (n) {
        ssize_t r = read(fd, bytes, n);
        if (r <= 0)
            return false;
        bytes += r;
        n -= (size_t)r;
    }
    return true;
}

static uint32_t number(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static bool pass_request(int to, char *packet)
{
    char line[8], path[300];
    if (!read_all(0, packet, 5) || number(packet) > ROOM - 8 || number(packet) < 1 ||
        !read_all(0, packet + 5, number(packet) - 1))
        return false;
    int type = (unsigned char)packet[4];
    snprintf(path, sizeof path, "%s/log", folder);
    int log = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    snprintf(line, sizeof line, "%d\n", type);
    write_all(log, line, strlen(line));
    close(log);
    bool held = taken("hold", type, "holding");
    has_held |= held;
    while (held && there("holding"))
        usleep(5000);
    muted |= taken("mute", type, "muted");
    write_all(to, packet, number(packet) + 4);
    return true;
}

/* In a list of names: len "name" len "long name" flags size… */
static void falsify(char *packet, size_t n)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    while ((e = readdir(d))) {
        if (strncmp(e->d_name, "size-", 5) != 0)
            continue;
        char path[300], wanted[100] = {0};
        size_t len = strlen(e->d_name + 5);
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *f = fopen(path, "r");
        unsigned long size = 0;
        if (!f || fscanf(f, "%lu", &size) != 1)
            _exit(1);
        fclose(f);
        wanted[3] = (char)len;
        memcpy(wanted + 4, e->d_name + 5, len);
        char *at = memmem(packet, n, wanted, len + 4);
        if (!at)
            continue;
        at += len + 4;
        at += 4 + number(at) + 4; /* the long name and the flags */
        for (int i = 0; i < 8; i++)
            at[i] = (char)((uint64_t)size >> (56 - 8 * i));
    }
    closedir(d);
}

static bool pass_answer(int from, char *packet)
{
    if (!read_all(from, packet, 5) || number(packet) > ROOM - 8 || number(packet) < 1 ||
        !read_all(from, packet + 5, number(packet) - 1))
        return false;
    if (packet[4] == 104)
        falsify(packet, number(packet) + 4);
    if (!muted)
        write_all(1, packet, number(packet) + 4);
    return true;
}

static void note_server(pid_t pid)
{
    char path[300];
    snprintf(path, sizeof path, "%s/server", folder);
    FILE *f = fopen(path, "w");
    if (!f || fprintf(f, "%d\n", (int)pid) < 0 || fclose(f))
        _exit(1);
}

bool relay_main(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], "relay") != 0)
        return false;
    int down[2], up[2];
    char *packet = malloc(ROOM);
    folder = argv[2];
    signal(SIGPIPE, SIG_IGN);
    if (!packet || pipe(down) || pipe(up))
        return true;
    pid_t server = fork();
    if (server == 0) {
        dup2(down[0], 0);
        dup2(up[1], 1);
        close(down[1]);
        close(up[0]);
        if (argc > 3)
            execl(RELAY_SERVER, RELAY_SERVER, "-P", argv[3], (char *)NULL);
        execl(RELAY_SERVER, RELAY_SERVER, (char *)NULL);
        _exit(127);
    }
    close(down[0]);
    close(up[1]);
    note_server(server);
    for (bool open_down = true;;) {
        struct pollfd p[] = {{.fd = open_down ? 0 : -1, .events = POLLIN}, {.fd = up[0], .events = POLLIN}};
        poll(p, 2, -1);
        if (p[0].revents && !pass_request(down[1], packet)) {
            open_down = false; /* the server ends when it has done what was asked of it */
            close(down[1]);
        }
        if (p[1].revents && !pass_answer(up[0], packet))
            break;
    }
    if (has_held) {
        char path[300];
        snprintf(path, sizeof path, "%s/ended", folder);
        close(open(path, O_WRONLY | O_CREAT, 0666));
    }
    free(packet);
    return true;
}

/* ---- the test's side ---- */

void relay_start(struct sshd *s, const char *name, const char *program, const char *denied)
{
    char *self = realpath(program, NULL);
    sshd_make(s, name,
              arena_printf(&arena, NO_PASSWORDS "Subsystem sftp %s relay %s/relay-%s %s\n", self, plain.dir,
                           name, denied));
    command("mkdir -m 777 %s/relay-%s", plain.dir, name);
    free(self);
    sshd_start(s, "exec ");
}

static const char *in_folder(const struct sshd *s, const char *name)
{
    return arena_printf(&arena, "%s/relay-%s/%s", plain.dir, strrchr(s->dir, '/') + 1, name);
}

static void put(const struct sshd *s, const char *name, const char *text)
{
    assert_int_equal(file_write(AT_FDCWD, in_folder(s, name), slice_of(text), 0666, false), 0);
}

void relay_control(const struct sshd *s, const char *verb, int type)
{
    put(s, arena_printf(&arena, "%s-%d", verb, type), "");
}

void relay_lie(const struct sshd *s, const char *name, unsigned long size)
{
    put(s, arena_printf(&arena, "size-%s", name), arena_printf(&arena, "%lu", size));
}

bool relay_is_holding(const struct sshd *s)
{
    return access(in_folder(s, "holding"), F_OK) == 0;
}

void relay_wait_holding(const struct sshd *s)
{
    for (int i = 0; i < 6000 && !relay_is_holding(s); i++)
        usleep(5000);
    assert_true(relay_is_holding(s));
}

void relay_release(const struct sshd *s)
{
    unlink(in_folder(s, "ended"));
    unlink(in_folder(s, "holding"));
}

pid_t relay_server(const struct sshd *s)
{
    int pid = 0;
    FILE *f = fopen(in_folder(s, "server"), "r");
    assert_true(f && fscanf(f, "%d", &pid) == 1 && pid > 1);
    fclose(f);
    return pid;
}

void relay_wait_ended(const struct sshd *s)
{
    const char *ended = in_folder(s, "ended");
    for (int i = 0; i < 6000 && access(ended, F_OK); i++)
        usleep(5000);
    assert_int_equal(access(ended, F_OK), 0);
}

int relay_requests(const struct sshd *s, int type)
{
    int n = 0, t;
    FILE *f = fopen(in_folder(s, "log"), "r");
    while (f && fscanf(f, "%d", &t) == 1)
        n += t == type;
    if (f)
        fclose(f);
    return n;
}

void relay_reset(const struct sshd *s)
{
    command("rm -f %s/*", in_folder(s, ""));
}
