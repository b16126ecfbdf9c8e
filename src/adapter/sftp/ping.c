/* ping: each step to a partner's server, looked at by itself. */
#include "adapter/sftp/sftp.h"
#include <stdio.h>

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

int server_ping(struct endpoint *e, struct report *r)
{
    struct partner_server *s = e->session;
    struct findings f = {.arena = r->findings->arena};
    s->tried = false;
    if (server_reach(e, &f) != SFTP_OK) {
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
