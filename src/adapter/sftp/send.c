/* send: a document is uploaded under a temporary name that was never used before (prepare), and appears under
 * its final one with one rename that never overwrites (deliver). For each temporary name one rename is asked
 * for in all its life, and only after the whole file was answered for: so "no such file" is an answer, and no
 * session that was given up can do anything to a later upload. */
#include "adapter/sftp/sftp.h"
#include "base/date.h"
#include <stdlib.h>

#define LEFTOVERS_MOST 1000

/* What a result means for a document, other than SFTP_OK. */
static void set_verdict(struct endpoint *e, struct delivery *d, enum sftp_result r)
{
    struct partner_server *s = e->session;
    d->verdict = r == SFTP_EXISTS ? REJECTED : r == SFTP_DENIED || r == SFTP_NOT_FOUND ? HELD : RETRY;
    d->not_before = d->verdict == HELD ? instant_now().seconds + SFTP_HELD_SECONDS : server_later(s);
    if (r == SFTP_LOST)
        server_drop(s);
    if (s->tried && !d->findings->kept)
        finding_add(d->findings, SEVERITY_WARNING, "sftp.unreachable", e->config->name, "", "%s", s->why);
}

static void note_receipt(struct partner_server *s, struct delivery *d, const struct handover *h,
                         const char *outcome)
{
    handover_note(d, h, outcome);
    json_object_set_new(d->receipt, "host_key", json_string(s->c ? sftp_host_key(s->c) : ""));
}

static void taken_name(struct delivery *d, const struct handover *h)
{
    finding_add(d->findings, SEVERITY_ERROR, "sftp.name-taken", h->file,
                "Ask the partner whether it has been processed. If this document is to go as well, have the "
                "old file moved away, or "
                "give file_name a part that differs, e.g. {control}; then put the document back.",
                "On the partner's server there is another file of that name already; it was not touched.");
}

/* ---- temporary files that are of no more use ---- */

static void remember_leftover(struct partner_server *s, const char *name, bool never_recorded)
{
    struct leftover *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    snprintf(l->name, sizeof l->name, "%s", name);
    l->never_recorded = never_recorded;
    l->next = s->leftovers;
    s->leftovers = l;
}

void server_forget_leftovers(struct partner_server *s)
{
    for (struct leftover *l = s->leftovers, *next; l; l = next) {
        next = l->next;
        free(l);
    }
    s->leftovers = NULL;
}

/* Once a process: what an earlier one left when it was killed. A server that lets nobody list is not asked
 * again. */
static void look_for_leftovers(struct partner_server *s)
{
    struct findings quiet = {.arena = &s->arena};
    struct sftp_file *files;
    size_t n, count = 0;
    s->looked_for_leftovers = true;
    if (sftp_list(s->c, *s->directory ? s->directory : ".", &s->arena, &files, &n, &quiet) != SFTP_OK)
        return;
    for (size_t i = 0; i < n && count < LEFTOVERS_MOST; i++) {
        struct slice name = slice_of(files[i].name);
        if (files[i].regular && name.len > sizeof "20260321T091455123456-9f3a1c" &&
            name.len <= SPOOL_NAME_MAX && slice_starts(name, slice_of(s->prefix)) &&
            slice_ends(name, slice_of(s->suffix))) {
            remember_leftover(s, files[i].name, false);
            count++;
        }
    }
}

/* Those of this document; only those that no attempt can be about (now NULL), or all but what has just been
 * handed over. */
static enum sftp_result remove_leftovers(struct partner_server *s, const struct delivery *d,
                                         const struct handover *now)
{
    struct findings quiet = {.arena = &s->arena};
    const char *its_own = arena_printf(&s->arena, ".%s.", d->document->name);
    enum sftp_result r = SFTP_OK;
    for (struct leftover **at = &s->leftovers; *at && r != SFTP_LOST;) {
        struct leftover *l = *at;
        if (!strstr(l->name, its_own) || (!now && !l->never_recorded)) {
            at = &l->next;
            continue;
        }
        if (!now || (strcmp(l->name, now->temporary) != 0 && strcmp(l->name, now->file) != 0))
            r = sftp_remove(s->c, server_path(s, l->name), &quiet);
        if (r == SFTP_LOST)
            break;
        *at = l->next;
        free(l);
    }
    return r;
}

/* Whatever is there of a document beside what attempt `now` laid is left of an earlier one. All of those are
 * settled, and that is on the disk: it was synced before this attempt was made. */
static void sweep(struct partner_server *s, const struct delivery *d, const struct handover *now)
{
    struct handover last;
    struct findings quiet = {.arena = &s->arena};
    enum sftp_result r = SFTP_OK;
    if (!s->looked_for_leftovers)
        look_for_leftovers(s);
    if (handover_read(d->last_address, &s->arena, &last) && strcmp(last.place, s->place) == 0) {
        r = sftp_remove(s->c, server_path(s, last.fenced), &quiet);
        if (r != SFTP_LOST)
            r = sftp_remove(s->c, server_path(s, last.temporary), &quiet);
    }
    if (r != SFTP_LOST)
        r = remove_leftovers(s, d, now);
    if (r == SFTP_LOST)
        server_drop(s);
}

/* ---- prepare ---- */

static enum sftp_result upload(struct partner_server *s, struct delivery *d, const struct handover *h)
{
    struct sftp_file there;
    const char *temporary = server_path(s, h->temporary);
    enum sftp_result r = server_compare(s, server_path(s, h->file), h, d->findings);
    if (r == SFTP_EXISTS)
        taken_name(d, h);
    if (r != SFTP_OK && r != SFTP_NOT_FOUND)
        return r;
    r = remove_leftovers(s, d, NULL);
    if (r == SFTP_LOST)
        return r;
    r = sftp_write(s->c, temporary, d->message, d->findings);
    if (r == SFTP_OK)
        r = sftp_stat(s->c, temporary, &there, d->findings);
    if (r == SFTP_OK && there.size != d->message.len) {
        finding_add(d->findings, SEVERITY_ERROR, "sftp.size", h->temporary, "Is the partner's disk full?",
                    "Of %zu bytes that were written the server has %llu.", d->message.len,
                    (unsigned long long)there.size);
        r = SFTP_FAILED;
    }
    struct findings quiet = {.arena = &s->arena};
    enum sftp_result removed = r == SFTP_OK     ? SFTP_OK
                               : r == SFTP_LOST ? SFTP_LOST
                                                : sftp_remove(s->c, temporary, &quiet);
    if (removed != SFTP_OK && removed != SFTP_NOT_FOUND)
        remember_leftover(s, h->temporary, true);
    return r;
}

static void prepare_one(struct endpoint *e, struct delivery *d)
{
    struct partner_server *s = e->session;
    struct handover h;
    enum sftp_result r = SFTP_LOST;
    /* a kept connection may have been closed meanwhile: that is no failure. Each try has a name of its own:
     * what the lost session still does, it does to another file */
    for (int i = 0; i < 2 && r == SFTP_LOST; i++) {
        char unique[9];
        random_hex(unique, 8);
        handover_names(d, s->place, s->prefix, unique, s->suffix, &s->arena, &h);
        r = server_reach(e, d->findings);
        if (r == SFTP_OK)
            r = upload(s, d, &h);
        if (r == SFTP_LOST)
            server_drop(s);
    }
    if (r != SFTP_OK) {
        set_verdict(e, d, r);
        return;
    }
    json_decref(d->address);
    d->address = handover_write(&h);
}

void server_prepare(struct endpoint *e, struct delivery *const *d, size_t n)
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

static void ask_at_once(struct delivery *d)
{
    d->verdict = IN_DOUBT;
    d->not_before = instant_now().seconds;
}

/* The final name is taken: by another file, by the same one (a document that was sent before and was put back
 * by hand), or by our rename after all, from a server that said that it failed. */
static void settle_taken(struct endpoint *e, struct delivery *d, const struct handover *h)
{
    struct partner_server *s = e->session;
    struct findings quiet = {.arena = &s->arena};
    enum sftp_result r = server_compare(s, server_path(s, h->file), h, &quiet), removed = SFTP_OK;
    if (r == SFTP_OK || r == SFTP_EXISTS)
        removed = sftp_remove(s->c, server_path(s, h->temporary), &quiet);
    if (r == SFTP_OK) {
        d->verdict = DELIVERED;
        note_receipt(s, d, h, "the same file was there already");
    } else if (r == SFTP_EXISTS && removed != SFTP_NOT_FOUND) {
        d->verdict = REJECTED;
        taken_name(d, h);
        note_receipt(s, d, h, "another file of that name was there already");
    } else {
        note_receipt(s, d, h, "refused, with a file of that name there");
        ask_at_once(d);
    }
    if (r == SFTP_LOST || removed == SFTP_LOST)
        server_drop(s);
}

/* Taken away by somebody before the rename came, and therefore uploaded anew; unless it stands under its
 * final name all the same. */
static enum sftp_result settle_vanished(struct endpoint *e, struct delivery *d, const struct handover *h)
{
    struct partner_server *s = e->session;
    struct findings quiet = {.arena = &s->arena};
    enum sftp_result r = server_compare(s, server_path(s, h->file), h, &quiet);
    if (r == SFTP_NOT_FOUND || r == SFTP_EXISTS)
        set_verdict(e, d, SFTP_FAILED);
    else
        ask_at_once(d);
    return r;
}

/* Refused, says the server. When the temporary file is there it is as it says. */
static void settle_refused(struct endpoint *e, struct delivery *d, const struct handover *h,
                           enum sftp_result answer)
{
    struct partner_server *s = e->session;
    struct findings quiet = {.arena = &s->arena};
    enum sftp_result r = sftp_stat(s->c, server_path(s, h->temporary), NULL, &quiet);
    note_receipt(s, d, h, "refused");
    if (r == SFTP_OK)
        set_verdict(e, d, answer == SFTP_NOT_FOUND ? SFTP_FAILED : answer);
    else if (r == SFTP_NOT_FOUND && answer == SFTP_NOT_FOUND)
        r = settle_vanished(e, d, h);
    else
        ask_at_once(d);
    if (r == SFTP_LOST)
        server_drop(s);
}

static void hand_over(struct endpoint *e, struct delivery *d, const struct handover *h)
{
    struct partner_server *s = e->session;
    struct findings said = {.arena = &s->arena};
    enum sftp_result r = sftp_rename(s->c, server_path(s, h->temporary), server_path(s, h->file), &said);
    if (r == SFTP_EXISTS) {
        settle_taken(e, d, h);
        return;
    }
    for (const struct finding *q = said.first; q; q = q->next)
        finding_add(d->findings, q->severity, q->code, q->where, q->todo, "%s", q->what);
    if (r == SFTP_OK) {
        d->verdict = DELIVERED;
        note_receipt(s, d, h, "renamed");
        snprintf(d->external, sizeof d->external, "%s", h->file);
    } else if (r == SFTP_LOST) {
        note_receipt(s, d, h, "no answer");
        server_drop(s);
        ask_at_once(d);
    } else {
        settle_refused(e, d, h, r);
    }
}

static void deliver_one(struct endpoint *e, struct delivery *d)
{
    struct partner_server *s = e->session;
    struct handover h;
    if (!handover_read(d->address, &s->arena, &h)) { /* not prepared */
        set_verdict(e, d, SFTP_FAILED);
        return;
    }
    enum sftp_result r = server_reach(e, d->findings);
    if (r != SFTP_OK) { /* nothing was asked of the server */
        set_verdict(e, d, r);
        return;
    }
    hand_over(e, d, &h);
    if (s->c)
        sweep(s, d, &h);
}

void server_deliver(struct endpoint *e, struct delivery *const *d, size_t n)
{
    struct partner_server *s = e->session;
    s->tried = false;
    for (size_t i = 0; i < n; i++) {
        deliver_one(e, d[i]);
        arena_reset(&s->arena);
    }
}
