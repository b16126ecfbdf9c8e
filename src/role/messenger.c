/* messenger: see messenger.h. The command gets the alert as JSON on its standard input and in its
 * environment, which holds nothing else of ours; it has no descriptor of the gateway's. What it leaves
 * running is ended: as its subreaper this process inherits whatever it starts. */
#include "role/messenger.h"
#include "base/date.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "net/http.h"
#include "net/secrets.h"
#include "role/process.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRIES 3
#define ARGUMENTS 32

static const int pause_seconds[TRIES] = {0, 2, 10}; /* before each try */
static const char *const event_words[] = {"begin", "again", "end", "test"};

/* ---- the alert in words ---- */

static void host_name(char out[256])
{
    if (gethostname(out, 256) < 0)
        out[0] = '\0';
    out[255] = '\0';
}

static const char *sentence(const struct alert *a, struct arena *arena)
{
    char host[256], since[INSTANT_TEXT], age[AGE_TEXT];
    host_name(host);
    instant_print((struct instant){.seconds = a->since}, 0, since);
    const char *colon = *a->said ? ": " : "";
    switch (a->event) {
    case ALERT_END:
        return arena_printf(arena, "spoolgate on %s: over after %s: %s", host,
                            age_print(a->at - a->since, age), a->about);
    case ALERT_TEST: return arena_printf(arena, "spoolgate on %s: %s", host, a->about);
    default:
        return arena_printf(arena, "spoolgate on %s: %s since %s%s%s", host, a->about, since, colon, a->said);
    }
}

static void key_of(const struct alert *a, char out[80])
{
    snprintf(out, 80, "%s%s%s", a->what, *a->where ? " " : "", a->where);
}

struct member {
    const char *name, *text;
    int64_t number; /* when text is NULL */
};

static size_t members(const struct config *c, const struct alert *a, struct arena *arena,
                      struct member out[16])
{
    char host[256], key[80], since[INSTANT_TEXT], at[INSTANT_TEXT];
    host_name(host);
    key_of(a, key);
    instant_print((struct instant){.seconds = a->since}, 0, since);
    instant_print((struct instant){.seconds = a->at}, 0, at);
    size_t n = 0;
    out[n++] = (struct member){"alert", event_words[a->event], 0};
    out[n++] = (struct member){"key", arena_text(arena, slice_of(key)), 0};
    out[n++] = (struct member){"what", a->what, 0};
    out[n++] = (struct member){"where", a->where, 0};
    out[n++] = (struct member){"about", a->about, 0};
    out[n++] = (struct member){"said", a->said, 0};
    out[n++] = (struct member){"since", arena_text(arena, slice_of(since)), 0};
    out[n++] = (struct member){"at", arena_text(arena, slice_of(at)), 0};
    out[n++] = (struct member){"tries", NULL, a->tries};
    out[n++] = (struct member){"documents", NULL, a->count};
    out[n++] = (struct member){"suppressed", NULL, a->suppressed};
    out[n++] = (struct member){"host", arena_text(arena, slice_of(host)), 0};
    out[n++] = (struct member){"spool", c->spool, 0};
    out[n++] = (struct member){"text", sentence(a, arena), 0};
    return n;
}

void alert_print(const struct config *c, const struct alert *a, struct buffer *out)
{
    struct arena arena = {0};
    struct member m[16];
    size_t n = members(c, a, &arena, m);
    json_t *j = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(
            j, m[i].name, m[i].text ? json_string(utf8_shown(&arena, m[i].text)) : json_integer(m[i].number));
    json_print_line(j, out);
    json_decref(j);
    arena_free(&arena);
}

/* ---- the command ---- */

/* What a shell script needs, and the alert as ALERT, ALERT_WHAT, ALERT_WHERE…; nothing else of our
 * environment. */
static char **environment(const struct config *c, const struct alert *a, struct arena *arena)
{
    static const char *const kept[] = {"HOME", "USER", "LOGNAME", "TZ", "LANG", "TMPDIR"};
    char **out = arena_zero(arena, 32 * sizeof *out);
    struct member m[16];
    size_t n = 0, count = members(c, a, arena, m);
    out[n++] = arena_printf(arena, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (getenv(kept[i]))
            out[n++] = arena_printf(arena, "%s=%s", kept[i], getenv(kept[i]));
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s", m[i].name);
        for (char *p = name; *p; p++)
            *p = (char)(*p - 'a' + 'A');
        const char *value =
            m[i].text ? utf8_shown(arena, m[i].text) : arena_printf(arena, "%lld", (long long)m[i].number);
        out[n++] =
            i ? arena_printf(arena, "ALERT_%s=%s", name, value) : arena_printf(arena, "ALERT=%s", value);
    }
    return out;
}

static void become_command(const struct config *c, char **arguments, char **env, int input, int complaints)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nowhere = open("/dev/null", O_WRONLY);
    rlim_t seconds = (rlim_t)c->alerts.timeout + 5;
    struct rlimit processor = {seconds, seconds}, core = {0, 0};
    setrlimit(RLIMIT_CPU, &processor);
    setrlimit(RLIMIT_CORE, &core);
    if (setsid() < 0 || nowhere < 0 || dup2(input, 0) < 0 || dup2(nowhere, 1) < 0 ||
        dup2(complaints, 2) < 0 || close_range(3, ~0U, 0) < 0 || chdir("/") < 0)
        _exit(126);
    execve(arguments[0], arguments, env);
    dprintf(2, "%s cannot be started: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

/* All that the command left, and what that left. Bounded: who forks faster than it is killed stays until its
 * processor time is used up. */
static void end_adopted(void)
{
    char path[64], list[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    for (int round = 0; round < 200; round++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, list, sizeof list - 1);
        if (fd >= 0)
            close(fd);
        if (n <= 0)
            return;
        list[n] = '\0';
        char *next = list;
        for (long pid; (pid = strtol(next, &next, 10)) > 0;)
            kill((pid_t)pid, SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

/* The first line of what it complains of; the rest is read and thrown away. */
static void listen_to(int fd, char *heard, size_t room, int64_t wait)
{
    char bytes[4096];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, (int)wait) <= 0)
        return;
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n <= 0) { /* closed, while it may run on */
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        return;
    }
    size_t len = strlen(heard);
    if (len || room < 8)
        return;
    struct slice first = slice_make(bytes, (size_t)n);
    const char *end = memchr(bytes, '\n', (size_t)n);
    first.len = end ? (size_t)(end - bytes) : first.len;
    heard[utf8_show(first, heard, room - 1)] = '\0';
}

/* 0, or -1 with what was wrong in why. */
static int wait_for(int pid, int complaints, int seconds, char *why, size_t room)
{
    int64_t end = process_milliseconds() + (int64_t)seconds * 1000;
    char heard[160] = "";
    int status = 0, ended = 0;
    while (!ended && process_milliseconds() < end) {
        listen_to(complaints, heard, sizeof heard, 50);
        ended = waitpid(pid, &status, WNOHANG);
    }
    kill(-pid, SIGKILL);
    if (!ended) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
    listen_to(complaints, heard, sizeof heard, 0);
    end_adopted();
    const char *colon = *heard ? ": " : "";
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (!ended)
        snprintf(why, room, "it did not end within %d s, and was ended%s%s", seconds, colon, heard);
    else if (WIFEXITED(status))
        snprintf(why, room, "it ended with status %d%s%s", WEXITSTATUS(status), colon, heard);
    else
        snprintf(why, room, "it was ended by signal %d%s%s", WTERMSIG(status), colon, heard);
    return -1;
}

static int run_command(const struct config *c, const struct alert *a, struct slice json, char *why,
                       size_t room)
{
    struct arena arena = {0};
    char **arguments = arena_zero(&arena, (ARGUMENTS + 1) * sizeof *arguments), *next = NULL;
    char *words = arena_text(&arena, slice_of(c->alerts.command));
    size_t n = 0;
    for (char *w = strtok_r(words, " \t", &next); w && n < ARGUMENTS; w = strtok_r(NULL, " \t", &next))
        arguments[n++] = w;
    char **env = environment(c, a, &arena);
    int input[2] = {-1, -1}, complaints[2] = {-1, -1}, result = -1;
    snprintf(why, room, "it cannot be started: %s", "no memory or no descriptor");
    if (pipe2(input, O_CLOEXEC) == 0 && pipe2(complaints, O_CLOEXEC) == 0) {
        fcntl(input[1], F_SETFL, O_NONBLOCK); /* it is shorter than a pipe holds */
        ssize_t written = write(input[1], json.ptr, json.len);
        fflush(NULL);
        int pid = written < 0 ? -1 : fork();
        if (pid == 0)
            become_command(c, arguments, env, input[0], complaints[1]);
        close(input[1]);
        close(complaints[1]);
        input[1] = complaints[1] = -1;
        if (pid > 0)
            result = wait_for(pid, complaints[0], c->alerts.timeout, why, room);
    }
    for (int i = 0; i < 2; i++) {
        if (input[i] >= 0)
            close(input[i]);
        if (complaints[i] >= 0)
            close(complaints[i]);
    }
    arena_free(&arena);
    return result;
}

/* ---- the webhook ---- */

/* 0; 1: it makes no sense to try again; -1. */
static int judge_answer(const struct http_exchange *x, char *why, size_t room)
{
    if (x->failure == HTTP_ANSWERED && x->status >= 200 && x->status < 300)
        return 0;
    if (x->failure == HTTP_ANSWERED)
        snprintf(why, room, "it answered %ld", x->status);
    else
        snprintf(why, room, "%s", x->problem);
    bool passes = x->failure != HTTP_ANSWERED || x->status >= 500 || x->status == 429 || x->status == 408;
    return passes && x->failure != HTTP_REFUSED_HERE ? -1 : 1;
}

static int post(const struct config *c, struct slice json, char *why, size_t room)
{
    struct arena arena = {0};
    struct findings f = {.arena = &arena};
    const struct alerts_config *to = &c->alerts;
    struct http_settings settings = {.ca_file = to->ca_file,
                                     .total_seconds = to->timeout,
                                     .answer_limit = 1 << 20,
                                     .plain_loopback = true};
    struct http *h = http_open(&settings);
    struct secrets *secrets = to->webhook_secret ? secrets_open(c->secrets_file, c->key_file, &f) : NULL;
    struct slice secret = to->webhook_secret ? secrets_get(secrets, to->webhook_secret, &f) : SLICE_NONE;
    struct buffer bearer = {0};
    int result = 1;
    if (!h) {
        snprintf(why, room, "HTTP cannot be set up; is ca_file readable?");
    } else if (to->webhook_secret && !secret.ptr) {
        snprintf(why, room, "%s", f.first ? f.first->what : "its secret cannot be read");
    } else {
        struct http_exchange x = {.method = "POST", .url = to->webhook, .body = json, .header_count = 1};
        struct http_exchange *all[] = {&x};
        x.headers[0] = (struct http_header){"Content-Type", "application/json", false};
        buffer_reserve(&bearer, secret.len + 16);
        if (secret.ptr) {
            buffer_printf(&bearer, "Bearer %.*s", (int)secret.len, secret.ptr);
            x.headers[x.header_count++] = (struct http_header){"Authorization", bearer.ptr, true};
        }
        http_perform(h, all, 1, 1);
        result = judge_answer(&x, why, room);
        http_exchange_free(&x);
    }
    if (bearer.ptr)
        explicit_bzero(bearer.ptr, bearer.len);
    buffer_free(&bearer);
    secrets_close(secrets);
    http_close(h);
    arena_free(&arena);
    return result;
}

/* ---- both ---- */

static int try_again(const struct config *c, const struct alert *a, struct slice json, bool webhook,
                     char said[300])
{
    char why[256] = "";
    int result = -1, tries = 0;
    while (result < 0 && tries < TRIES) {
        nanosleep(&(struct timespec){.tv_sec = pause_seconds[tries]}, NULL);
        result = webhook ? post(c, json, why, sizeof why) : run_command(c, a, json, why, sizeof why);
        tries++;
        if (a->event == ALERT_TEST)
            break; /* a person waits for it */
    }
    if (result)
        snprintf(said, 300, "%s%s", why, tries > 1 ? " (tried several times)" : "");
    else
        snprintf(said, 300, "done");
    return result ? -1 : 0;
}

int messenger_carry(const struct config *c, const struct alert *a, struct messenger_report *r)
{
    struct buffer json = {0};
    *r = (struct messenger_report){.failed = false};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    alert_print(c, a, &json);
    if (c->alerts.command)
        r->failed |= try_again(c, a, buffer_as_slice(&json), false, r->command) < 0;
    if (c->alerts.webhook)
        r->failed |= try_again(c, a, buffer_as_slice(&json), true, r->webhook) < 0;
    buffer_free(&json);
    return r->failed ? -1 : 0;
}

int64_t messenger_bound(const struct config *c)
{
    return ((int64_t)c->alerts.timeout + 10) * TRIES * 2 * 1000 + 30000;
}
