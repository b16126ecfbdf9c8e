/* sftp: partners with an SFTP server. A document is uploaded under a temporary name of its own (prepare), and
 * appears under its final name with one rename that never overwrites (deliver): the partner sees whole files
 * or none. In doubt (confirm) the temporary name decides.
 *
 * This file: settings, the connection, and pickup. docs/sftp.md describes the settings. One connection is
 * kept open; one that broke is made anew. */
#include "adapter/sftp/sftp.h"
#include "base/date.h"
#include "base/utf8.h"
#include "net/backoff.h"
#include "net/known_hosts.h"
#include <stdlib.h>

#define BACKOFF_BASE 1000
#define BACKOFF_CAP 300000

static const char *const settings[] = {"host!",
                                       "port",
                                       "user!",
                                       "known_hosts!",
                                       "private_key_file",
                                       "passphrase",
                                       "password",
                                       "timeout",
                                       "directory",
                                       "temporary_prefix",
                                       "temporary_suffix",
                                       "when_gone",
                                       "give_up_hours",
                                       "in_flight",
                                       PICKUP_SETTINGS,
                                       NULL};

/* ---- settings ---- */

static const char *or_default(const struct endpoint_config *e, const char *key, const char *otherwise)
{
    const char *value = endpoint_setting(e, key);
    return value ? value : otherwise;
}

/* What is on this machine, so that it is told before the first document waits for it. Warnings: a file can be
 * put right while the gateway runs, and is no reason to keep it from starting. */
static void check_files(const struct endpoint_config *e, struct findings *f)
{
    const char *hosts = endpoint_setting(e, "known_hosts"), *key = endpoint_setting(e, "private_key_file"),
               *host = endpoint_setting(e, "host");
    struct findings quiet = {.arena = f->arena};
    struct known_host_key *known = NULL;
    int port = (int)endpoint_number(e, "port", 1, 65535, 22, &quiet);
    if (hosts && host && known_hosts_read(hosts, host, port, f->arena, &known, &quiet)) {
        const struct finding *last = quiet.last;
        finding_add(f, SEVERITY_WARNING, last->code, endpoint_where(e, "known_hosts", f->arena), last->todo,
                    "%s: %s", hosts, last->what);
    } else if (hosts && host && !known) {
        finding_add(f, SEVERITY_WARNING, "sftp.known-hosts", endpoint_where(e, "known_hosts", f->arena),
                    known_hosts_todo(hosts, host, port, f->arena), "%s has no key of %s.", hosts,
                    known_hosts_name(host, port, f->arena));
    }
    const char *todo, *wrong = key ? sftp_private_key_fault(key, f->arena, &todo) : NULL;
    if (wrong)
        finding_add(f, SEVERITY_WARNING, "sftp.private-key", endpoint_where(e, "private_key_file", f->arena),
                    todo, "The private key %s cannot be used: %s.", key, wrong);
}

static void check(const struct endpoint_config *e, const struct config *all, struct findings *f)
{
    const char *gone = or_default(e, "when_gone", "delivered"),
               *suffix = or_default(e, "temporary_suffix", ".part");
    (void)all;
    endpoint_number(e, "port", 1, 65535, 22, f);
    endpoint_number(e, "timeout", 1, 3600, 30, f);
    pickup_check(e, f);
    if (strcmp(gone, "delivered") != 0 && strcmp(gone, "ask") != 0)
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "when_gone", f->arena),
                    "Write delivered or ask.", "when_gone = %s is not understood.", gone);
    if (!*suffix && !*or_default(e, "temporary_prefix", ""))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "temporary_suffix", f->arena),
                    "Give one of temporary_prefix and temporary_suffix.",
                    "A file under way must not look like a finished one.");
    for (const char *const *key = (const char *const[]){"temporary_prefix", "temporary_suffix", NULL}; *key;
         key++)
        if (!handover_affix(or_default(e, *key, "")))
            finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, *key, f->arena),
                        "Write at most " HANDOVER_AFFIX_TEXT " letters, digits and ._-~#@+=, of it.",
                        "%s is a part of a file name.", *key);
    if (!endpoint_setting(e, "private_key_file") && !endpoint_setting(e, "password"))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "user", f->arena),
                    "Give private_key_file, or the name of a secret as password.",
                    "[endpoint %s] does not say how to log in.", e->name);
    check_files(e, f);
}

static int open_endpoint(struct endpoint *e, struct findings *f)
{
    const struct endpoint_config *c = e->config;
    unsigned errors = f->errors;
    bool wrong;
    for (const char *const *s = (const char *const[]){"host", "user", "known_hosts", NULL}; *s; s++)
        if (!endpoint_setting(c, *s))
            finding_add(f, SEVERITY_ERROR, "config.required", endpoint_where(c, *s, f->arena), "",
                        "[endpoint %s] does not say its %s.", c->name, *s);
    check(c, e->all, f);
    if (f->errors != errors)
        return -1;
    struct partner_server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->connect =
        (struct sftp_settings){.host = endpoint_setting(c, "host"),
                               .user = endpoint_setting(c, "user"),
                               .known_hosts = endpoint_setting(c, "known_hosts"),
                               .private_key_file = endpoint_setting(c, "private_key_file"),
                               .port = (int)endpoint_number(c, "port", 1, 65535, 22, f),
                               .timeout_seconds = (int)endpoint_number(c, "timeout", 1, 3600, 30, f)};
    s->passphrase = endpoint_setting(c, "passphrase");
    s->password = endpoint_setting(c, "password");
    s->directory = or_default(c, "directory", "");
    s->prefix = or_default(c, "temporary_prefix", "");
    s->suffix = or_default(c, "temporary_suffix", ".part");
    s->place = utf8_shown(&s->settings, arena_printf(&s->settings, "sftp://%s@%s:%d/%s", s->connect.user,
                                                     s->connect.host, s->connect.port, s->directory));
    s->ask_when_gone = strcmp(or_default(c, "when_gone", "delivered"), "ask") == 0;
    s->pickup = pickup_open(c, NULL, &wrong, f);
    e->session = s;
    return 0;
}

static void close_endpoint(struct endpoint *e)
{
    struct partner_server *s = e->session;
    if (!s)
        return;
    sftp_close(s->c);
    pickup_close(s->pickup);
    server_forget_leftovers(s);
    arena_free(&s->settings);
    arena_free(&s->arena);
    free(s);
    e->session = NULL;
}

/* ---- the connection ---- */

enum sftp_result server_reach(struct endpoint *e, struct findings *f)
{
    struct partner_server *s = e->session;
    if (s->c)
        return SFTP_OK;
    if (s->tried)
        return s->refusal;
    s->connect.passphrase = s->passphrase ? secrets_get(e->secrets, s->passphrase, f) : SLICE_NONE;
    s->connect.password = s->password ? secrets_get(e->secrets, s->password, f) : SLICE_NONE;
    bool missing = (s->passphrase && !s->connect.passphrase.ptr) || (s->password && !s->connect.password.ptr);
    enum sftp_result r = missing ? SFTP_DENIED : sftp_connect(&s->connect, &s->c, f);
    s->failures = r == SFTP_OK ? 0 : s->failures + 1;
    s->tried = r != SFTP_OK;
    s->refusal = r;
    snprintf(s->why, sizeof s->why, "%s",
             r != SFTP_OK && f->last ? f->last->what : "The partner's server could not be reached.");
    return r;
}

void server_drop(struct partner_server *s)
{
    sftp_close(s->c);
    s->c = NULL;
}

int64_t server_later(const struct partner_server *s)
{
    return instant_now().seconds + 1 +
           backoff_milliseconds(s->failures ? s->failures : 1, BACKOFF_BASE, BACKOFF_CAP) / 1000;
}

const char *server_path(struct partner_server *s, const char *name)
{
    return path_below(&s->arena, s->directory, name);
}

enum sftp_result server_compare(struct partner_server *s, const char *path, const struct handover *h,
                                struct findings *f)
{
    struct sftp_file there;
    struct buffer content = {0};
    enum sftp_result r = sftp_stat(s->c, path, &there, f);
    if (r != SFTP_OK)
        return r;
    if (!there.regular || there.size != h->size)
        return SFTP_EXISTS;
    struct findings quiet = {.arena = &s->arena};
    r = sftp_read(s->c, path, (size_t)h->size, &content, &quiet);
    if (r == SFTP_OK && !handover_fits(h, buffer_as_slice(&content)))
        r = SFTP_EXISTS;
    buffer_free(&content);
    if (r == SFTP_DENIED || r == SFTP_TOO_LARGE) /* a drop box lets nobody read: not known to be ours */
        return SFTP_EXISTS;
    if (r == SFTP_FAILED || r == SFTP_LOST)
        finding_add(f, SEVERITY_WARNING, "sftp.compare", path, "",
                    "Whether that file is ours cannot be told: %s",
                    quiet.first ? quiet.first->what : "it cannot be read.");
    return r;
}

/* ---- poll ---- */

static enum sftp_result side_list(void *context, const char *dir, struct arena *a, struct sftp_file **files,
                                  size_t *n, struct findings *f)
{
    return sftp_list(context, *dir ? dir : ".", a, files, n, f);
}

static enum sftp_result side_read(void *context, const char *path, size_t limit, struct buffer *out,
                                  struct findings *f)
{
    return sftp_read(context, path, limit, out, f);
}

static enum sftp_result side_rename(void *context, const char *from, const char *to, struct findings *f)
{
    return sftp_rename(context, from, to, f);
}

static enum sftp_result side_remove(void *context, const char *path, struct findings *f)
{
    return sftp_remove(context, path, f);
}

static int poll_endpoint(struct endpoint *e, int64_t *next, struct findings *f)
{
    struct partner_server *s = e->session;
    int got = -1;
    if (!s->pickup) {
        *next = instant_now().seconds + 86400;
        return 0;
    }
    bool lost = true;
    /* once more when a kept connection had been closed meanwhile */
    for (int i = 0; i < 2 && got < 0 && lost; i++) {
        bool kept = s->c != NULL;
        s->tried = false;
        enum sftp_result r = server_reach(e, f);
        if (r != SFTP_OK) {
            *next = r == SFTP_DENIED ? instant_now().seconds + SFTP_HELD_SECONDS : server_later(s);
            return -1;
        }
        struct pickup_side side = {side_list, side_read, side_rename, side_remove, s->c};
        got = pickup_poll(s->pickup, e, &side, next, &lost, f);
        if (lost)
            server_drop(s);
        lost = lost && kept;
    }
    return got;
}

const struct adapter adapter_sftp = {.name = "sftp",
                                     .settings = settings,
                                     .open = open_endpoint,
                                     .close = close_endpoint,
                                     .prepare = server_prepare,
                                     .deliver = server_deliver,
                                     .confirm = server_confirm,
                                     .poll = poll_endpoint,
                                     .ping = server_ping,
                                     .check = check};
