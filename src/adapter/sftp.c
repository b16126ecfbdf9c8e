/* sftp: partners with an SFTP server. A document is uploaded under a temporary name of its own (prepare), and
 * appears under its final name with one rename that never overwrites (deliver): the partner sees whole files
 * or none.
 *
 * In doubt (confirm) the temporary name decides. It was complete before the attempt was recorded, and nothing
 * but our rename takes it away; so while it is there nothing has happened, and when it is gone the partner
 * has the file, whether or not it has fetched and removed it since. `when_gone = ask` leaves the latter to a
 * person.
 *
 * docs/sftp.md describes the settings. One connection is kept open; one that broke is made anew. */
#include "adapter/pickup.h"
#include "base/date.h"
#include "base/hash.h"
#include "net/backoff.h"
#include "net/sftp.h"
#include <stdio.h>
#include <stdlib.h>

#define COMPARE_LIMIT (4u * 1024u * 1024u) /* bytes of a file that is read back to see whether it is ours */
#define HELD_SECONDS 300                   /* until what a person has to mend is looked at again */
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

struct partner_server { /* session */
    struct arena arena;
    struct sftp_settings connect;
    const char *passphrase, *password; /* names of secrets */
    const char *directory, *prefix, *suffix;
    bool ask_when_gone;
    struct pickup *pickup;
    struct sftp *c;    /* NULL: not connected */
    unsigned failures; /* of connections, one after the other */
    bool tried;        /* to connect, in the group at hand, without success */
    enum sftp_result refusal;
    bool remembered; /* that documents go to this address */
};

/* ---- settings ---- */

static const char *or_default(const struct endpoint_config *e, const char *key, const char *otherwise)
{
    const char *value = endpoint_setting(e, key);
    return value ? value : otherwise;
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
    if (strchr(suffix, '/') || strchr(or_default(e, "temporary_prefix", ""), '/'))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "temporary_suffix", f->arena), "",
                    "temporary_prefix and temporary_suffix are parts of a file name, without a slash.");
    if (!endpoint_setting(e, "private_key_file") && !endpoint_setting(e, "password"))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "user", f->arena),
                    "Give private_key_file, or the name of a secret as password.",
                    "[endpoint %s] does not say how to log in.", e->name);
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
    arena_free(&s->arena);
    free(s);
    e->session = NULL;
}

/* ---- the connection ---- */

static enum sftp_result reach(struct endpoint *e, struct findings *f)
{
    struct partner_server *s = e->session;
    if (s->c)
        return SFTP_OK;
    if (s->tried) /* once in a group is enough: the others of it would only wait for the same timeout */
        return s->refusal;
    s->connect.passphrase = s->passphrase ? secrets_get(e->secrets, s->passphrase, f) : SLICE_NONE;
    s->connect.password = s->password ? secrets_get(e->secrets, s->password, f) : SLICE_NONE;
    bool missing = (s->passphrase && !s->connect.passphrase.ptr) || (s->password && !s->connect.password.ptr);
    enum sftp_result r = missing ? SFTP_DENIED : sftp_connect(&s->connect, &s->c, f);
    s->failures = r == SFTP_OK ? 0 : s->failures + 1;
    s->tried = r != SFTP_OK;
    s->refusal = r;
    return r;
}

static void drop(struct partner_server *s)
{
    sftp_close(s->c);
    s->c = NULL;
}

static int64_t later(const struct partner_server *s)
{
    return instant_now().seconds + 1 +
           backoff_milliseconds(s->failures ? s->failures : 1, BACKOFF_BASE, BACKOFF_CAP) / 1000;
}

/* What a result means for a document, other than SFTP_OK. */
static void set_verdict(struct endpoint *e, struct delivery *d, enum sftp_result r)
{
    struct partner_server *s = e->session;
    d->verdict = r == SFTP_EXISTS ? REJECTED : r == SFTP_DENIED || r == SFTP_NOT_FOUND ? HELD : RETRY;
    d->not_before = d->verdict == HELD ? instant_now().seconds + HELD_SECONDS : later(s);
    if (r == SFTP_LOST)
        drop(s);
    if (s->tried && !d->findings->kept)
        finding_add(d->findings, SEVERITY_WARNING, "sftp.unreachable", e->config->name, "",
                    "The partner's server could not be reached; see the findings of the first document of "
                    "this group.");
}

/* ---- names ---- */

struct names {
    char file[ADAPTER_FILE_NAME];
    const char *final, *temporary; /* paths */
};

/* The temporary name holds the document's own: two documents of one final name must not share it. */
static struct names names_of(const struct partner_server *s, const struct delivery *d, struct arena *a)
{
    struct names n;
    adapter_file_name(d, n.file);
    n.final = path_below(a, s->directory, n.file);
    n.temporary = path_below(a, s->directory,
                             arena_printf(a, "%s%s.%s%s", s->prefix, n.file, d->document->name, s->suffix));
    return n;
}

static void note_receipt(struct endpoint *e, struct delivery *d, const struct names *n, const char *outcome)
{
    const struct partner_server *s = e->session;
    const char *hash = document_text(d->document, "message.sha256");
    if (!d->receipt)
        d->receipt = json_object();
    json_object_set_new(d->receipt, "server",
                        json_sprintf("sftp://%s@%s:%d", s->connect.user, s->connect.host, s->connect.port));
    json_object_set_new(d->receipt, "host_key", json_string(s->c ? sftp_host_key(s->c) : ""));
    json_object_set_new(d->receipt, "file", json_string(n->final));
    json_object_set_new(d->receipt, "temporary", json_string(n->temporary));
    json_object_set_new(d->receipt, "size", json_integer((json_int_t)d->message.len));
    if (hash)
        json_object_set_new(d->receipt, "sha256", json_string(hash));
    json_object_set_new(d->receipt, "outcome", json_string(outcome));
}

/* Whether the file there is ours. SFTP_OK: it is; SFTP_EXISTS: it is another one; SFTP_NOT_FOUND; or what
 * went wrong. A large one of the same size counts as ours only when whole. */
static enum sftp_result is_ours(struct partner_server *s, const char *path, struct slice message,
                                bool unread_counts, struct findings *f)
{
    struct sftp_file there;
    struct buffer content = {0};
    enum sftp_result r = sftp_stat(s->c, path, &there, f);
    if (r != SFTP_OK)
        return r;
    if (!there.regular || there.size != message.len)
        return SFTP_EXISTS;
    if (message.len > COMPARE_LIMIT)
        return unread_counts ? SFTP_OK : SFTP_EXISTS;
    r = sftp_read(s->c, path, message.len, &content, f);
    if (r == SFTP_OK && !slice_equal(buffer_as_slice(&content), message))
        r = SFTP_EXISTS;
    buffer_free(&content);
    return r == SFTP_DENIED || r == SFTP_FAILED
               ? SFTP_EXISTS
               : r; /* a drop box lets nobody read: then it is not known to be ours */
}

static void taken_name(struct delivery *d, const char *path)
{
    finding_add(d->findings, SEVERITY_ERROR, "sftp.name-taken", path,
                "Ask the partner whether it has been processed. If this document is to go as well, have the "
                "old file moved away, or "
                "give file_name a part that differs, e.g. {control}; then put the document back.",
                "On the partner's server there is another file of that name already; it was not touched.");
}

/* ---- the address ---- */

static const char *address_of(const struct partner_server *s, struct arena *a)
{
    return arena_printf(a, "sftp://%s@%s:%d/%s", s->connect.user, s->connect.host, s->connect.port,
                        s->directory);
}

/* Where documents went last: an answer to "did it arrive?" from another server or directory would be worth
 * nothing. Durable with the courier's sync, before any attempt that depends on it. */
static void remember_address(struct endpoint *e)
{
    struct partner_server *s = e->session;
    if (!s->remembered)
        s->remembered = state_cursor_set(e->state, e->config->name, "address", address_of(s, &s->arena)) == 0;
}

static bool address_is_the_same(struct endpoint *e)
{
    struct partner_server *s = e->session;
    struct buffer before = {0};
    bool other = state_cursor_get(e->state, e->config->name, "address", &before) == 0 &&
                 !slice_is(buffer_as_slice(&before), address_of(s, &s->arena));
    buffer_free(&before);
    return !other;
}

/* ---- prepare ---- */

static enum sftp_result upload(struct partner_server *s, struct delivery *d, const struct names *n)
{
    struct sftp_file there;
    enum sftp_result r = is_ours(s, n->final, d->message, false, d->findings);
    if (r == SFTP_EXISTS)
        taken_name(d, n->final);
    if (r != SFTP_OK && r != SFTP_NOT_FOUND)
        return r;
    r = sftp_write(s->c, n->temporary, d->message, d->findings);
    if (r == SFTP_OK)
        r = sftp_stat(s->c, n->temporary, &there, d->findings);
    if (r == SFTP_OK && there.size != d->message.len) {
        finding_add(d->findings, SEVERITY_ERROR, "sftp.size", n->temporary, "Is the partner's disk full?",
                    "Of %zu bytes that were written the server has %llu.", d->message.len,
                    (unsigned long long)there.size);
        r = SFTP_FAILED;
    }
    return r;
}

static void prepare_one(struct endpoint *e, struct delivery *d)
{
    struct partner_server *s = e->session;
    struct names n = names_of(s, d, &s->arena);
    enum sftp_result r = SFTP_LOST;
    /* a kept connection may have been closed meanwhile: that is no failure, uploading twice under a temporary
     * name is harmless */
    for (int i = 0; i < 2 && r == SFTP_LOST; i++) {
        r = reach(e, d->findings);
        if (r == SFTP_OK)
            r = upload(s, d, &n);
        if (r == SFTP_LOST)
            drop(s);
    }
    if (r == SFTP_OK)
        remember_address(e);
    else
        set_verdict(e, d, r);
}

static void prepare(struct endpoint *e, struct delivery *const *d, size_t n)
{
    struct partner_server *s = e->session;
    s->tried = false;
    for (size_t i = 0; i < n; i++) {
        d[i]->verdict = DELIVERED;
        prepare_one(e, d[i]);
        arena_reset(&s->arena);
    }
}

/* ---- deliver ---- */

/* The final name is taken, perhaps by ourselves: a document that was sent before and was put back by hand. */
static void settle_taken(struct endpoint *e, struct delivery *d, const struct names *n)
{
    struct partner_server *s = e->session;
    struct findings quiet = {.arena = &s->arena};
    enum sftp_result r = is_ours(s, n->final, d->message, false, &quiet);
    if (r == SFTP_LOST) {
        d->verdict = IN_DOUBT;
        d->not_before = later(s);
        drop(s);
        return;
    }
    sftp_remove(s->c, n->temporary, &quiet);
    d->verdict = r == SFTP_OK ? DELIVERED : REJECTED;
    if (r != SFTP_OK)
        taken_name(d, n->final);
    note_receipt(e, d, n,
                 r == SFTP_OK ? "the same file was there already"
                              : "another file of that name was there already");
}

static void deliver_one(struct endpoint *e, struct delivery *d)
{
    struct partner_server *s = e->session;
    struct findings said = {.arena = &s->arena};
    struct names n = names_of(s, d, &s->arena);
    enum sftp_result r = reach(e, d->findings);
    if (r != SFTP_OK) { /* nothing was asked of the server */
        set_verdict(e, d, r);
        return;
    }
    r = sftp_rename(s->c, n.temporary, n.final, &said);
    if (r == SFTP_EXISTS) {
        settle_taken(e, d, &n);
        return;
    }
    for (const struct finding *q = said.first; q; q = q->next)
        finding_add(d->findings, q->severity, q->code, q->where, q->todo, "%s", q->what);
    note_receipt(e, d, &n, r == SFTP_OK ? "renamed" : r == SFTP_LOST ? "no answer" : "refused");
    d->verdict = DELIVERED;
    if (r == SFTP_OK) {
        snprintf(d->external, sizeof d->external, "%s", n.file);
    } else if (r == SFTP_LOST) {
        drop(s);
        d->verdict = IN_DOUBT;
        d->not_before = instant_now().seconds;
    } else {
        /* the temporary file was taken away by somebody: it is uploaded again */
        set_verdict(e, d, r == SFTP_NOT_FOUND ? SFTP_FAILED : r);
    }
}

static void deliver(struct endpoint *e, struct delivery *const *d, size_t n)
{
    struct partner_server *s = e->session;
    s->tried = false;
    for (size_t i = 0; i < n; i++) {
        deliver_one(e, d[i]);
        arena_reset(&s->arena);
    }
}

/* ---- confirm ---- */

/* Neither name is there, or only one that is not ours: our rename took place, provided that the directory
 * itself is there. */
static void judge_gone(struct endpoint *e, struct delivery *d, const struct names *n)
{
    struct partner_server *s = e->session;
    struct sftp_file dir = {0};
    enum sftp_result r = sftp_stat_followed(s->c, *s->directory ? s->directory : ".", &dir, d->findings);
    if (r != SFTP_OK || !dir.directory) {
        finding_add(d->findings, SEVERITY_WARNING, "sftp.directory", s->directory,
                    "Have the partner restore it, or correct directory.",
                    "The directory that the file was sent to cannot be seen; whether it arrived is asked "
                    "again later.");
        d->verdict = IN_DOUBT;
        d->not_before = r == SFTP_LOST ? later(s) : instant_now().seconds + HELD_SECONDS;
        if (r == SFTP_LOST)
            drop(s);
        return;
    }
    if (!address_is_the_same(e)) {
        finding_add(d->findings, SEVERITY_ERROR, "sftp.moved", n->final,
                    "Look at the old address whether the file is there, or ask the partner. If it did not "
                    "arrive, put the document "
                    "back to be sent to the new one.",
                    "The connection broke while the file was handed over, and the endpoint's address has "
                    "been changed since.");
        d->verdict = REJECTED;
        return;
    }
    d->verdict = s->ask_when_gone ? REJECTED : DELIVERED;
    note_receipt(e, d, n, "gone from its temporary name: renamed, and fetched by the partner");
    if (s->ask_when_gone)
        finding_add(d->findings, SEVERITY_ERROR, "sftp.gone", n->final,
                    "Ask the partner whether the file arrived. If it did, this document is done (`spoolgate "
                    "retry` is not needed: move "
                    "its folder away); if not, put it back to be sent again.",
                    "The connection broke while the file was handed over, and it is under neither of its "
                    "names now: most likely "
                    "the partner has fetched it.");
}

static void confirm(struct endpoint *e, struct delivery *d)
{
    struct partner_server *s = e->session;
    struct names n = names_of(s, d, &s->arena);
    s->tried = false;
    enum sftp_result r = reach(e, d->findings), temporary = SFTP_LOST;
    if (r == SFTP_OK)
        r = is_ours(s, n.final, d->message, true, d->findings);
    if (r == SFTP_EXISTS || r == SFTP_NOT_FOUND)
        temporary = sftp_stat(s->c, n.temporary, NULL, d->findings);
    if (r == SFTP_OK) {
        d->verdict = DELIVERED;
        note_receipt(e, d, &n, "found under its final name");
    } else if (temporary == SFTP_OK) {
        d->verdict = RETRY;
        d->not_before = instant_now().seconds;
        note_receipt(e, d, &n, "found under its temporary name: not handed over yet");
    } else if (temporary == SFTP_NOT_FOUND) {
        judge_gone(e, d, &n);
    } else {
        if (r == SFTP_LOST || temporary == SFTP_LOST)
            drop(s);
        d->verdict = IN_DOUBT;
        d->not_before = r == SFTP_DENIED ? instant_now().seconds + HELD_SECONDS : later(s);
    }
    if (d->verdict == DELIVERED)
        snprintf(d->external, sizeof d->external, "%s", n.file);
    arena_reset(&s->arena);
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
        enum sftp_result r = reach(e, f);
        if (r != SFTP_OK) {
            *next = r == SFTP_DENIED ? instant_now().seconds + HELD_SECONDS : later(s);
            return -1;
        }
        struct pickup_side side = {side_list, side_read, side_rename, side_remove, s->c};
        got = pickup_poll(s->pickup, e, &side, next, &lost, f);
        if (lost)
            drop(s);
        lost = lost && kept;
    }
    return got;
}

/* ---- ping ---- */

static const char *first_error(const struct findings *f)
{
    for (const struct finding *x = f->first; x; x = x->next)
        if (x->severity == SEVERITY_ERROR)
            return x->what;
    return f->first ? f->first->what : "failed";
}

static void ping_upload(struct partner_server *s, struct report *r)
{
    char random[13];
    struct findings f = {.arena = r->findings->arena};
    struct sftp_file there = {0};
    const char *where = *s->directory ? s->directory : "the login directory";
    random_hex(random, 12);
    const char *probe =
        path_below(&s->arena, s->directory,
                   arena_printf(&s->arena, "%s.spoolgate-ping-%s%s", s->prefix, random, s->suffix));
    enum sftp_result got = sftp_write(s->c, probe, SLICE("spoolgate ping\n"), &f);
    if (got == SFTP_OK)
        got = sftp_stat(s->c, probe, &there, &f);
    enum sftp_result removed = got == SFTP_OK ? sftp_remove(s->c, probe, &f) : got;
    if (got == SFTP_OK && removed == SFTP_OK && there.size == 15)
        report_line(r, true, "upload", "%s can be written; a temporary file was made and removed", where);
    else if (got == SFTP_NOT_FOUND)
        report_line(r, false, "upload", "%s is not there", where);
    else
        report_line(r, false, "upload", "%s: %s", where, first_error(&f));
}

static void ping_pickup(struct partner_server *s, struct report *r)
{
    struct findings f = {.arena = r->findings->arena};
    struct sftp_file *files;
    size_t n;
    const char *dir = pickup_directory(s->pickup);
    if (sftp_list(s->c, *dir ? dir : ".", &s->arena, &files, &n, &f) == SFTP_OK)
        report_line(r, true, "pickup", "%s can be read, %zu entries", dir, n);
    else
        report_line(r, false, "pickup", "%s: %s", dir, first_error(&f));
}

/* At which step it failed is told by the findings' codes. */
static void ping_refused(struct report *r, const struct findings *f)
{
    static const struct {
        const char *code, *step;
    } steps[] = {{"sftp.known-hosts", "host key"},
                 {"sftp.host-key", "host key"},
                 {"sftp.handshake", "handshake"},
                 {"sftp.login", "login"},
                 {"sftp.private-key", "login"},
                 {"sftp.password", "login"},
                 {"secrets.", "secret"}};
    for (const struct finding *x = f->first; x; x = x->next) {
        const char *step = "connection";
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
            if (strncmp(x->code, steps[i].code, strlen(steps[i].code)) == 0)
                step = steps[i].step;
        report_line(r, false, step, "%s%s%s", x->what, *x->todo ? " " : "", x->todo);
    }
}

static int ping(struct endpoint *e, struct report *r)
{
    struct partner_server *s = e->session;
    struct findings f = {.arena = r->findings->arena};
    s->tried = false;
    if (reach(e, &f) != SFTP_OK) {
        ping_refused(r, &f);
        return -1;
    }
    report_line(r, true, "connection", "%s port %d", s->connect.host, s->connect.port);
    report_line(r, true, "host key", "%s is the one in %s", sftp_host_key(s->c), s->connect.known_hosts);
    report_line(r, true, "login", "as %s by %s", s->connect.user, sftp_login(s->c));
    ping_upload(s, r);
    if (s->pickup)
        ping_pickup(s, r);
    arena_reset(&s->arena);
    return r->failed ? -1 : 0;
}

const struct adapter adapter_sftp = {.name = "sftp",
                                     .settings = settings,
                                     .open = open_endpoint,
                                     .close = close_endpoint,
                                     .prepare = prepare,
                                     .deliver = deliver,
                                     .confirm = confirm,
                                     .poll = poll_endpoint,
                                     .ping = ping,
                                     .check = check};
