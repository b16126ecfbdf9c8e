/* confirm: did an attempt's file arrive? The connection broke, or the program ended, after the rename was
 * asked for and before its answer was written down; and a session that was given up may still carry the
 * rename out, at any later time.
 *
 * The temporary name decides. It was whole before the attempt was recorded, was never used before, and
 * nothing but the attempt's one rename takes it away. So when it is gone, the partner has the file, whether
 * or not it has fetched and removed it since (`when_gone = ask` leaves that to a person). And when it is
 * there it is renamed to a name that no old session knows: from then on the old rename finds nothing, and the
 * document can be sent anew, under another temporary name.
 *
 * The fenced file stays until the next attempt is on the disk (send.c removes it): whoever asks a second
 * time, after a kill, finds it and knows. A fence whose own answer was lost is found in the same way.
 *
 * A server may rename in two steps: OpenSSH's makes the final name a second link, and then removes the first
 * name; where that one has vanished meanwhile, it removes the second. So a temporary file whose final name
 * shows the same bytes is left as it is, and the document counts as delivered. */
#include "adapter/sftp/sftp.h"
#include "base/date.h"

static void ask_again(struct partner_server *s, struct delivery *d, enum sftp_result r)
{
    d->verdict = IN_DOUBT;
    d->not_before = r == SFTP_LOST ? server_later(s) : instant_now().seconds + SFTP_HELD_SECONDS;
    if (r == SFTP_LOST)
        server_drop(s);
}

static void refuse(struct delivery *d, const char *code, const struct handover *h, const char *todo,
                   const char *what)
{
    finding_add(d->findings, SEVERITY_ERROR, code, h->file, todo, "%s", what);
    d->verdict = REJECTED;
}

static void arrived(struct delivery *d, const struct handover *h, const char *how)
{
    d->verdict = DELIVERED;
    handover_note(d, h, how);
    snprintf(d->external, sizeof d->external, "%s", h->file);
}

static void not_arrived(struct delivery *d, const struct handover *h, const char *how)
{
    d->verdict = RETRY;
    d->not_before = instant_now().seconds;
    handover_note(d, h, how);
}

/* Neither the temporary name nor the fence is there, and under the final one nothing, or another file: our
 * rename took place, provided that the directory itself is there. */
static void judge_gone(struct endpoint *e, struct delivery *d, const struct handover *h, bool recorded)
{
    struct partner_server *s = e->session;
    struct sftp_file dir = {0};
    enum sftp_result r = sftp_stat_followed(s->c, *s->directory ? s->directory : ".", &dir, d->findings);
    if (r != SFTP_OK || !dir.directory) {
        finding_add(d->findings, SEVERITY_WARNING, "sftp.directory", s->directory,
                    "Have the partner restore it, or correct directory.",
                    "The directory that the file was sent to cannot be seen; whether it arrived is asked "
                    "again later.");
        ask_again(s, d, r);
    } else if (!recorded) {
        refuse(
            d, "sftp.gone", h,
            "Ask the partner whether the file arrived. If not, put the document back to be sent again.",
            "The connection broke while an earlier version of this program handed the file over, which did "
            "not write down where to; it is under neither of its names now.");
    } else if (s->ask_when_gone) {
        handover_note(d, h, "gone from its temporary name: renamed, and fetched by the partner");
        refuse(
            d, "sftp.gone", h,
            "Ask the partner whether the file arrived. If it did, this document is done: move its folder "
            "away. If not, put it back to be sent again.",
            "The connection broke while the file was handed over, and it is under neither of its names now: "
            "most likely the partner has fetched it.");
    } else {
        arrived(d, h, "gone from its temporary name: renamed, and fetched by the partner");
    }
}

/* The old rename was half done when we took its first name away: it is given back, so that it ends as it
 * would have. */
static void give_back(struct endpoint *e, struct delivery *d, const struct handover *h)
{
    struct partner_server *s = e->session;
    enum sftp_result r =
        sftp_rename(s->c, server_path(s, h->fenced), server_path(s, h->temporary), d->findings);
    if (r == SFTP_OK)
        r = server_compare(s, server_path(s, h->file), h, d->findings);
    if (r == SFTP_OK)
        arrived(d, h, "found under its final name, and its temporary one");
    else if (r == SFTP_NOT_FOUND || r == SFTP_EXISTS)
        refuse(
            d, "sftp.undecided", h,
            "Ask the partner whether the file arrived. If not, put the document back to be sent again.",
            "The file was under its final name for a moment, while an earlier session was renaming it, and "
            "is not any more: fetched by the partner, or taken back by the server.");
    else
        ask_again(s, d, r);
}

/* The temporary file is there. */
static void fence(struct endpoint *e, struct delivery *d, const struct handover *h)
{
    struct partner_server *s = e->session;
    const char *temporary = server_path(s, h->temporary), *fenced = server_path(s, h->fenced);
    struct findings said = {.arena = &s->arena};
    enum sftp_result r = sftp_rename(s->c, temporary, fenced, &said);
    if (r ==
        SFTP_EXISTS) { /* of a fence that was broken off: only what stands under our own name now counts */
        r = sftp_remove(s->c, fenced, &said);
        if (r == SFTP_OK || r == SFTP_NOT_FOUND)
            r = sftp_rename(s->c, temporary, fenced, &said);
    }
    if (r == SFTP_OK) {
        r = server_compare(s, server_path(s, h->file), h, d->findings);
        if (r == SFTP_OK)
            give_back(e, d, h);
        else if (r == SFTP_NOT_FOUND || r == SFTP_EXISTS)
            not_arrived(d, h, "found under its temporary name, and taken back: not handed over");
        else
            ask_again(s, d, r);
        return;
    }
    if (r == SFTP_NOT_FOUND) { /* renamed this moment */
        d->verdict = IN_DOUBT;
        d->not_before = instant_now().seconds + 1;
        return;
    }
    if (r != SFTP_LOST)
        finding_add(d->findings, SEVERITY_ERROR, "sftp.fence", h->temporary,
                    "Ask the partner for the right to rename files in that directory.",
                    "The file stands under its temporary name, and the server does not let it be renamed to "
                    "%s: %s Whether an earlier session still hands it over cannot be told, so it is not sent "
                    "again.",
                    h->fenced, said.first ? said.first->what : "");
    ask_again(s, d, r);
}

static void judge(struct endpoint *e, struct delivery *d, const struct handover *h, bool recorded)
{
    struct partner_server *s = e->session;
    enum sftp_result temporary = sftp_stat(s->c, server_path(s, h->temporary), NULL, d->findings);
    if (temporary != SFTP_OK && temporary != SFTP_NOT_FOUND) {
        ask_again(s, d, temporary);
        return;
    }
    enum sftp_result final = server_compare(s, server_path(s, h->file), h, d->findings);
    if (final == SFTP_OK) {
        arrived(d, h, "found under its final name");
    } else if (final != SFTP_NOT_FOUND && final != SFTP_EXISTS) {
        ask_again(s, d, final);
    } else if (temporary == SFTP_OK) {
        fence(e, d, h);
    } else {
        enum sftp_result fenced = sftp_stat(s->c, server_path(s, h->fenced), NULL, d->findings);
        if (fenced == SFTP_OK)
            not_arrived(d, h, "found under the name that it was taken back to: not handed over");
        else if (fenced == SFTP_NOT_FOUND)
            judge_gone(e, d, h, recorded);
        else
            ask_again(s, d, fenced);
    }
}

void server_confirm(struct endpoint *e, struct delivery *d)
{
    struct partner_server *s = e->session;
    struct handover h;
    bool recorded = handover_read(d->last_address, &s->arena, &h);
    s->tried = false;
    if (!recorded)
        handover_old_names(d, s->place, s->prefix, s->suffix, &s->arena, &h);
    if (strcmp(h.place, s->place) != 0) {
        refuse(
            d, "sftp.moved", &h,
            "Look there whether the file arrived, or ask the partner. If it did not, put the document back "
            "to be sent to the new address.",
            arena_printf(&s->arena,
                         "The connection broke while the file was handed over to %s, and the endpoint's "
                         "address has been changed to %s since.",
                         h.place, s->place));
    } else {
        enum sftp_result r = server_reach(e, d->findings);
        if (r == SFTP_OK)
            judge(e, d, &h, recorded);
        else {
            d->verdict = IN_DOUBT;
            d->not_before = r == SFTP_DENIED ? instant_now().seconds + SFTP_HELD_SECONDS : server_later(s);
        }
    }
    arena_reset(&s->arena);
}
