/* supervisor: starts a process for each role and starts it again when it ends; stops them all; replaces them
 * when a changed configuration is in order. It handles no document itself.
 *
 * Only one supervisor at a time has a spool (a lock on spool/.lock, dropped by the kernel with the process).
 * Its children are killed when it ends in whatever way, so that the next one finds their locks free. */
#include "adapter/adapter.h"
#include "base/log.h"
#include "role/alerts.h"
#include "role/desk.h"
#include "role/idle.h"
#include "role/installation.h"
#include "role/metrics.h"
#include "role/process.h"
#include "role/reload.h"
#include "role/rounds.h"
#include "role/summary.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define RESTART_FIRST 1000 /* ms; doubled at each failure */
#define RESTART_FIRST_UNTIL_IDLE 100
#define RESTART_MOST 60000
#define TRIES_UNTIL_IDLE 5 /* to start, when somebody waits for it to end */
#define HEALTHY 60000      /* ms a role has to live for its failures to be forgotten */
#define STOP_BOUND 30000   /* ms from SIGTERM to SIGKILL */
#define WRITE_EVERY 2000
#define RELOAD_ONCE_MORE 1000 /* ms behind a look, for what changed meanwhile */
#define RELOAD_AGAIN 10000
#define IDLE_EVERY 40

struct supervisor {
    const struct supervisor_options *options;
    const char *config_file;
    struct installation installation;
    struct config *config; /* the installation's */
    struct reload *changes;
    struct fingerprint seen; /* what was judged last, taken or refused */
    struct spool spool;
    struct process process;
    struct board board;
    int lock;
    int64_t begun, written;
    struct idle idle;
    struct rounds rounds;
    struct alerts alerts;
    struct outage refused; /* what is on the disk is not what is in force */
    int run_failed;        /* errno of the last try to write .run.json */
    bool limit_hit, shown;
};

/* ---- configuration ---- */

/* Whole and checked, or -1 with findings in the log; *machine when it cannot be read now. */
static int load(const char *file, struct installation *out, bool *machine)
{
    struct arena a = {0};
    struct findings f = {.arena = &a};
    int result = installation_load(out, file, &f);
    if (result == 0)
        log_format_set(out->config->log_format);
    log_findings(&f);
    *machine = f.machine != 0;
    arena_free(&a);
    return result;
}

/* Translators wait for this before they try again what a person has put back. */
static void tell_looked(struct supervisor *s)
{
    for (size_t i = 0; i < s->board.count; i++)
        s->board.roles[i].entry->looks++;
}

/* ---- roles ---- */

static void become(struct supervisor *s, const struct role *r, int parent)
{
    struct role_context context = {.config = s->config, .maps = s->installation.maps, .board = r->entry};
    int status;
    process_follow_parent(parent);
    process_name(r->entry->role);
    process_close(&s->process);
    reload_close(s->changes);
    close(s->lock);
    r->entry->busy = 1;
    log_keep_error(r->entry->last_words, sizeof r->entry->last_words);
    switch (r->kind) {
    case ROLE_TRANSLATOR: status = role_translator(&context, r->slot); break;
    case ROLE_COURIER: status = role_courier(&context, r->endpoint); break;
    case ROLE_METRICS: status = role_metrics(&context); break;
    default: status = role_poller(&context, r->endpoint); break;
    }
    _exit(status == ROLE_RELOAD ? EX_OK : status);
}

static void start(struct supervisor *s, struct role *r)
{
    int parent = getpid();
    fflush(NULL);
    r->entry->busy = 1; /* until it says otherwise itself */
    r->entry->cycles = 0;
    r->entry->failed = r->entry->put_off = r->entry->left_out = 0;
    r->entry->held = 0;
    r->entry->last_words[0] = '\0';
    r->started = process_milliseconds();
    int pid = fork();
    if (pid == 0)
        become(s, r, parent);
    if (pid < 0) {
        log_error("%s cannot be started: %s", r->entry->role, strerror(errno));
        r->next_start = r->started + RESTART_FIRST;
        return;
    }
    r->pid = r->entry->pid = pid;
    r->next_start = 0;
}

/* "It was ended by signal 9 (Killed)." */
static void describe_end(const struct role *r, int status, char out[OUTAGE_WHY])
{
    char words[LAST_WORDS];
    memcpy(words, r->entry->last_words, sizeof words);
    words[sizeof words - 1] = '\0';
    if (WIFSIGNALED(status))
        snprintf(out, OUTAGE_WHY, "It was ended by signal %d (%s).", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(out, OUTAGE_WHY, "It ended with status %d%s%s", WEXITSTATUS(status),
                 *words ? "; its last error: " : ".", words);
}

/* Once may be chance; from the second time on it is an outage, and told at growing intervals. */
static void note_end(struct role *r, int status, int64_t pause)
{
    char why[OUTAGE_WHY], about[OUTAGE_ABOUT];
    describe_end(r, status, why);
    if (r->failures == 1) {
        log_error("%s is started again in %lld ms: %s", r->entry->role, (long long)pause, why);
        return;
    }
    snprintf(about, sizeof about, "%s ends again and again", r->entry->role);
    outage_note(&r->down, about, why);
}

static void note_health(struct role *r, int64_t now)
{
    char how[OUTAGE_ABOUT];
    if (!r->pid || !r->failures || now - r->started < HEALTHY)
        return;
    r->failures = 0;
    snprintf(how, sizeof how, "%s runs again", r->entry->role);
    outage_over(&r->down, how);
}

static void ended(struct supervisor *s, struct role *r, int status, bool stopping)
{
    int64_t now = process_milliseconds(),
            pause = s->options->until_idle ? RESTART_FIRST_UNTIL_IDLE : RESTART_FIRST;
    note_health(r, now);
    r->pid = r->entry->pid = 0;
    if (stopping)
        return;
    for (unsigned i = 0; i < r->failures && pause < RESTART_MOST; i++)
        pause *= 2;
    if (pause > RESTART_MOST)
        pause = RESTART_MOST;
    r->failures++;
    r->restarts++;
    tally_count(RESTARTS, 1, TALLY_LABELS(r->entry->role));
    r->next_start = now + pause;
    note_end(r, status, pause);
}

static void reap(struct supervisor *s, bool stopping)
{
    int status, pid;
    s->process.child = false;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct role *r = alerts_reaped(&s->alerts, pid, status) ? NULL : board_find(&s->board, pid);
        if (r)
            ended(s, r, status, stopping);
    }
    if (!stopping)
        s->written = 0;
}

static void start_due(struct supervisor *s)
{
    int64_t now = process_milliseconds();
    for (size_t i = 0; i < s->board.count; i++) {
        struct role *r = &s->board.roles[i];
        if (r->pid || r->next_start > now)
            continue;
        start(s, r);
        s->written = 0;
    }
}

static unsigned signal_all(struct supervisor *s, int number)
{
    unsigned running = 0;
    for (size_t i = 0; i < s->board.count; i++)
        if (s->board.roles[i].pid) {
            kill(s->board.roles[i].pid, number);
            running++;
        }
    return running;
}

/* They finish the group in hand; who takes too long is killed, which loses nothing either. */
static void stop_all(struct supervisor *s)
{
    int64_t end = process_milliseconds() + STOP_BOUND;
    bool killed = false;
    bool stop = false, again = false;
    signal_all(s, SIGTERM);
    for (;;) {
        reap(s, true);
        unsigned running = signal_all(s, 0);
        if (!running)
            break;
        if (process_milliseconds() >= end && !killed) {
            log_warning("%u roles did not stop within %d s and are killed", running, STOP_BOUND / 1000);
            signal_all(s, SIGKILL);
            killed = true;
        }
        struct process quiet = {.signals = s->process.signals}; /* a SIGTERM does not make us leave them */
        process_wait(&quiet, -1, 20);
        stop |= quiet.stop;
        again |= quiet.reload;
    }
    s->process.stop |= stop; /* nor is it forgotten, when they are only replaced */
    s->process.reload |= again;
}

static void take(struct supervisor *s, struct installation *anew)
{
    stop_all(s);
    if (board_replace(&s->board, anew->config) < 0) {
        log_error("no memory for the roles: %s", strerror(errno));
        s->process.stop = true;
        installation_free(anew);
        return;
    }
    installation_free(&s->installation);
    s->installation = *anew;
    s->config = anew->config;
    s->written = 0;
    alerts_reload(&s->alerts);
    log_info("the configuration was read again");
}

/* Until it is put right: the next start would fail. */
static void note_refused(struct supervisor *s, int result, bool machine)
{
    if (result == 0)
        outage_over(&s->refused, "the configuration is in order again");
    else
        outage_see(&s->refused, "the configuration on the disk is not in force",
                   machine
                       ? "It cannot be read now; it is tried again."
                       : "It is not in order, and the one before stays: spoolgate config check names each "
                         "mistake.");
}

static void reload(struct supervisor *s)
{
    struct installation anew = {0};
    bool machine;
    s->process.reload = false;
    s->seen = installation_look(s->config_file, s->config);
    int result = load(s->config_file, &anew, &machine);
    if (result == 0 && strcmp(anew.config->spool, s->config->spool) != 0) {
        log_error("the spool cannot be changed to %s while the gateway runs: stop it and start it again",
                  anew.config->spool);
        installation_free(&anew);
        result = -1;
    }
    if (result == 0) {
        s->seen = anew.seen;
        take(s, &anew);
    } else if (machine) {
        log_error("the configuration cannot be read now: the one in force stays, and it is tried again");
        s->seen = (struct fingerprint){0};
    } else
        log_error("the configuration is not in order: the one in force stays");
    note_refused(s, result, machine);
    tell_looked(s);
    if (s->options->until_idle)
        return;
    reload_watch(s->changes, s->config_file, s->config);
    reload_later(s->changes, machine ? RELOAD_AGAIN : RELOAD_ONCE_MORE);
}

/* What was changed and put back again, or only touched by its reader, is no change. */
static void look_for_changes(struct supervisor *s)
{
    if (s->process.reload || !reload_due(s->changes))
        return;
    struct fingerprint now = installation_look(s->config_file, s->config);
    if (fingerprint_equal(&now, &s->seen)) {
        tell_looked(s);
        return;
    }
    log_info("the configuration, a map or a table changed");
    s->process.reload = true;
}

static void begin_watching(struct supervisor *s)
{
    s->seen = s->installation.seen;
    if (s->options->until_idle)
        return;
    tell_looked(s);
    reload_watch(s->changes, s->config_file, s->config);
    reload_later(s->changes, RELOAD_ONCE_MORE); /* what changed before it was watched */
}

/* ---- the loop ---- */

static void show_progress(struct supervisor *s)
{
    long translated = 0, sent = 0, fetched = 0;
    if (!s->options->until_idle || s->options->quiet || !isatty(STDERR_FILENO))
        return;
    for (size_t i = 0; i < s->board.count; i++) {
        long n = s->board.roles[i].entry->documents;
        *(s->board.roles[i].kind == ROLE_TRANSLATOR ? &translated
          : s->board.roles[i].kind == ROLE_COURIER  ? &sent
                                                    : &fetched) += n;
    }
    fprintf(stderr, "\r%ld fetched, %ld translated, %ld sent, %lld s \033[K", fetched, translated, sent,
            (long long)(process_milliseconds() - s->begun) / 1000);
    s->shown = true;
}

static int64_t next_timer(const struct supervisor *s)
{
    int64_t now = process_milliseconds(), wait = s->options->until_idle ? IDLE_EVERY : WRITE_EVERY;
    for (size_t i = 0; i < s->board.count; i++) {
        const struct role *r = &s->board.roles[i];
        if (!r->pid && r->next_start - now < wait)
            wait = r->next_start - now;
    }
    int64_t look = reload_wait(s->changes);
    if (look >= 0 && look < wait)
        wait = look;
    return wait < 1 ? 1 : wait;
}

static bool finished(struct supervisor *s)
{
    if (s->options->limit_seconds > 0 &&
        process_milliseconds() - s->begun >= (int64_t)s->options->limit_seconds * 1000) {
        log_warning("not everything was done within %d s", s->options->limit_seconds);
        s->limit_hit = true;
        return true;
    }
    return s->options->until_idle && idle_look(&s->idle, &s->board, &s->spool, s->config);
}

static void go_round(struct supervisor *s)
{
    int64_t now = process_milliseconds();
    for (size_t i = 0; i < s->board.count; i++)
        note_health(&s->board.roles[i], now);
    rounds_look(&s->rounds, &s->board, &s->spool, s->config, s->run_failed);
    rounds_add(&s->rounds, &s->alerts.failing, "alerts", "");
    rounds_add(&s->rounds, &s->refused, "config", "");
    if (!s->options->until_idle) { /* who runs it until idle reads what it says at its end */
        alerts_look(&s->alerts, &s->rounds, s->config);
        alerts_step(&s->alerts, s->config, s->lock, &s->process);
    }
    s->run_failed = board_write(&s->board, &s->spool, s->config->file, rounds_json(&s->rounds));
    metrics_keep(&s->spool);
}

static void supervise(struct supervisor *s)
{
    for (;;) {
        process_stopping(&s->process);
        reap(s, false);
        if (s->process.stop)
            return;
        look_for_changes(s);
        if (s->process.reload)
            reload(s);
        start_due(s);
        if (process_milliseconds() - s->written >= WRITE_EVERY) {
            go_round(s);
            show_progress(s);
            s->written = process_milliseconds();
        }
        if (finished(s))
            return;
        process_wait(&s->process, reload_descriptor(s->changes), next_timer(s));
    }
}

/* `status` holds it for a moment, to see whether anybody does. */
static bool lock_at_last(int fd)
{
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
        if (errno != EWOULDBLOCK || tries == 10)
            return false;
        usleep(20000);
    }
    return true;
}

static int take_spool(struct supervisor *s)
{
    char pid[32] = "";
    s->lock = openat(s->spool.root, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (s->lock < 0) {
        log_error("%s/.lock cannot be opened: %s", s->spool.path, strerror(errno));
        return -1;
    }
    if (!lock_at_last(s->lock)) {
        ssize_t n = pread(s->lock, pid, sizeof pid - 1, 0);
        pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
        log_error("another spoolgate run%s%s has the spool %s already", *pid ? ", process " : "", pid,
                  s->spool.path);
        return -1;
    }
    int n = snprintf(pid, sizeof pid, "%d\n", getpid());
    if (ftruncate(s->lock, 0) < 0 || pwrite(s->lock, pid, (size_t)n, 0) < 0)
        log_debug(".lock cannot be written: %s", strerror(errno));
    return 0;
}

static void tell_of_poller(const struct role *r, bool json)
{
    if (r->entry->failed)
        log_error("%s was not asked for all that is new: %s", r->endpoint,
                  r->entry->put_off
                      ? "a person has to act first, or a limit to pass; what is above says which"
                      : "it failed again and again; what is above says why");
    else if (r->entry->left_out && json)
        log_info("%s was asked a moment ago: what is new there comes with the next poll", r->endpoint);
    else if (r->entry->left_out)
        printf("%s was asked a moment ago and does not like the same question so soon: what is new there "
               "comes with the next poll\n",
               r->endpoint);
}

/* What until-idle found, as an exit status and in words. */
static int judge(struct supervisor *s, struct summary *m)
{
    unsigned in_error = summary_end(m, s->options->json);
    if (s->idle.held)
        log_error("documents for %u endpoints wait for a person: spoolgate status says why", s->idle.held);
    if (s->idle.unserved)
        log_warning("documents wait in %u outboxes that nothing is sent from: spoolgate status says which",
                    s->idle.unserved);
    for (size_t i = 0; i < s->board.count; i++)
        if (s->board.roles[i].kind == ROLE_POLLER)
            tell_of_poller(&s->board.roles[i], s->options->json);
    return in_error || s->limit_hit || s->idle.held || s->idle.unserved || s->idle.failing
               ? ROLE_FOUND_PROBLEMS
               : EX_OK;
}

/* Each role looks for itself as well; but one sentence is better than all of them ending again and again.
 * What may pass by itself, like a full disk, is theirs to wait for. */
static int look_at_state(struct supervisor *s)
{
    struct arena a = {0};
    struct findings f = {.arena = &a};
    struct state *state = desk_state(&s->spool, s->config->state, &f);
    bool older = f.first && !strcmp(f.first->code, "state.older");
    log_findings(&f);
    arena_free(&a);
    state_close(state); /* nobody's across a fork */
    return older ? -1 : 0;
}

static int run(struct supervisor *s)
{
    if (take_spool(s) < 0 || desk_share(&s->spool) < 0)
        return EX_UNAVAILABLE;
    if (look_at_state(s) < 0)
        return EX_CONFIG;
    if (process_open(&s->process) < 0 || board_open(&s->board, s->config) < 0) {
        log_error("the roles cannot be started: %s", strerror(errno));
        return EX_SOFTWARE;
    }
    struct summary *m = s->options->until_idle ? summary_begin(&s->spool) : NULL;
    log_info("%zu roles on %s", s->board.count, s->spool.path);
    begin_watching(s);
    supervise(s);
    if (s->shown)
        fputs("\r\033[K", stderr);
    log_info("stopping");
    stop_all(s);
    board_erase(&s->spool);
    metrics_erase(&s->spool);
    int status = EX_OK;
    if (m) {
        status = judge(s, m);
        summary_free(m);
    }
    return status;
}

/* The configuration loaded and the spool open, or -1 with findings in the log. */
static int open_once(struct supervisor *s, bool *machine)
{
    struct arena a = {0};
    struct findings f = {.arena = &a};
    int result = load(s->config_file, &s->installation, machine);
    s->config = s->installation.config;
    if (result == 0 && (result = spool_open(&s->spool, s->config->spool, &f)) < 0) {
        log_findings(&f);
        *machine = f.machine != 0;
        installation_free(&s->installation);
        s->config = NULL;
    }
    arena_free(&a);
    return result;
}

/* A disk that stumbles, memory or descriptors that are short for a moment are no mistake of the
 * configuration: they are waited for, with a word. EX_OK when all is open. */
static int open_patiently(struct supervisor *s)
{
    int64_t pause = RESTART_FIRST;
    bool machine = false;
    for (int tries = 1; open_once(s, &machine) < 0; tries++) {
        if (!machine)
            return EX_CONFIG;
        if (s->options->until_idle && tries == TRIES_UNTIL_IDLE)
            return EX_CANTCREAT;
        log_warning(
            "the gateway cannot start now, and not because of its configuration; it is tried again in "
            "%lld s",
            (long long)pause / 1000);
        struct timespec wait = {.tv_sec = (time_t)(pause / 1000)};
        nanosleep(&wait, NULL);
        pause = pause * 2 > RESTART_MOST ? RESTART_MOST : pause * 2;
    }
    return EX_OK;
}

int role_supervisor(const char *config_file, const struct supervisor_options *o)
{
    struct supervisor s = {.options = o, .config_file = config_file, .lock = -1, .process.signals = -1};
    log_role("supervisor");
    tally_use(tally_make()); /* NULL: nothing is counted */
    s.begun = process_milliseconds();
    alerts_open(&s.alerts);
    s.changes = reload_open();
    int status = open_patiently(&s);
    if (status == EX_OK) {
        status = run(&s);
        spool_close(&s.spool);
    }
    if (s.lock >= 0)
        close(s.lock);
    process_close(&s.process);
    board_close(&s.board);
    rounds_free(&s.rounds);
    alerts_close(&s.alerts);
    reload_close(s.changes);
    installation_free(&s.installation);
    return status;
}
