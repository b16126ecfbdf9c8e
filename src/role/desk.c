/* desk: see desk.h. */
#include "role/desk.h"
#include "base/log.h"
#include "base/tally.h"
#include "state/mark.h"
#include "state/reach.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

void log_findings(const struct findings *f)
{
    for (const struct finding *i = f->first; i; i = i->next)
        log_coded(i->severity == SEVERITY_ERROR     ? LOG_ERROR
                  : i->severity == SEVERITY_WARNING ? LOG_WARNING
                                                    : LOG_INFO,
                  i->code, "%s%s%s%s%s", i->where, *i->where ? ": " : "", i->what, *i->todo ? " " : "",
                  i->todo);
}

const char *first_finding(const struct findings *f)
{
    return f->first ? f->first->what : "";
}

/* Settings that name a secret; an endpoint without any does not need the key. */
static bool needs_secrets(const struct endpoint_config *e)
{
    for (const struct setting *s = e->settings; s; s = s->next)
        if (endpoint_key_names_secret(s->key))
            return true;
    return false;
}

int desk_share(const struct spool *s)
{
    if (spool_share(s) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        log_error("spoolgate reindex is at work on the spool: what comes is done when it has finished");
    else
        log_error("the spool cannot be locked: %s", strerror(errno));
    return -1;
}

struct state *desk_state(const struct spool *s, const char *path, struct findings *f)
{
    struct state *state = state_open(path, f);
    int elsewhere = state ? state_stands_with(state, s->root) : 0;
    if (elsewhere == 1)
        log_info(
            "the state is on another filesystem than the spool: each of its commits is synced by itself");
    else if (elsewhere < 0)
        finding_add(f, SEVERITY_ERROR, "state.open", path, "Check its path and its permissions.",
                    "It cannot be told on which filesystem the state is: %s.", strerror(errno));
    if (!state)
        return NULL;
    if (elsewhere >= 0 && state_belongs(state, s, f) == 0) {
        state_mark_write(state, s); /* when it has none yet */
        if (reach_begin(state, s) < 0)
            log_debug("how far the spool reaches cannot be written down: %s", strerror(errno));
        return state;
    }
    state_close(state);
    return NULL;
}

int desk_open(struct desk *d, const struct config *c, const char *role, const char *endpoint)
{
    struct arena a = {0};
    struct findings f = {.arena = &a};
    *d = (struct desk){.lock = -1};
    snprintf(d->role, sizeof d->role, "%s %s", role, endpoint);
    log_role(d->role);
    tally_endpoint(endpoint);
    struct endpoint *e = &d->endpoint;
    e->all = c;
    e->config = config_endpoint(c, endpoint);
    e->adapter = e->config ? adapter_find(e->config->adapter) : NULL;
    if (!e->adapter)
        log_error("there is no endpoint %s in %s", endpoint, c->file);
    else if (spool_open(&d->spool, c->spool, &f) == 0) {
        e->spool = &d->spool;
        if (desk_share(&d->spool) == 0)
            e->state = desk_state(&d->spool, c->state, &f);
    }
    log_findings(&f);
    d->machine = f.machine != 0;
    arena_free(&a);
    return e->state ? 0 : -1;
}

int desk_status(const struct desk *d)
{
    return d->machine ? EX_CANTCREAT : EX_CONFIG;
}

int desk_ready(struct desk *d, struct findings *f)
{
    struct endpoint *e = &d->endpoint;
    if (d->ready)
        return 0;
    if (needs_secrets(e->config) && !e->secrets) {
        secrets_harden_process();
        e->secrets = secrets_open(e->all->secrets_file, e->all->key_file, f);
        if (!e->secrets)
            return -1;
    }
    if (e->adapter->open && e->adapter->open(e, f) < 0)
        return -1;
    d->ready = true;
    return 0;
}

void desk_close(struct desk *d)
{
    struct endpoint *e = &d->endpoint;
    if (d->ready && e->adapter->close)
        e->adapter->close(e);
    if (e->secrets)
        secrets_close(e->secrets);
    if (e->state)
        state_close(e->state);
    if (e->spool)
        spool_close(&d->spool);
    if (d->lock >= 0)
        close(d->lock);
    d->ready = false;
}

int desk_lock(struct desk *d, struct process *p, int fd, const char *what)
{
    d->lock = fd;
    for (int tries = 0; fd >= 0 && tries < 200 && !process_stopping(p); tries++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK)
            break;
        process_wait(p, -1, 50);
    }
    if (fd >= 0 && errno == EWOULDBLOCK)
        log_error("%s is in the hands of another process", what);
    else
        log_error("%s cannot be locked: %s", what, strerror(errno));
    return -1;
}

int desk_locks_folder(const struct spool *s)
{
    if (mkdirat(s->root, ".locks", 0750) < 0 && errno != EEXIST)
        return -1;
    return openat(s->root, ".locks", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void desk_poller_file(const char *endpoint, char name[256])
{
    snprintf(name, 256, "poller-%.200s", endpoint);
}

void desk_wake_poller(const struct desk *d)
{
    char name[256];
    int folder = desk_locks_folder(&d->spool);
    if (folder < 0)
        return; /* it looks by itself after a while */
    desk_poller_file(d->endpoint.config->name, name);
    int fd = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        close(fd); /* inotify tells of it: closed after being open for writing */
    close(folder);
}
