/* confirm: did an attempt's file arrive? As in sftp/confirm.c the temporary name decides: gone, it was
 * renamed; there, it is renamed to the attempt's fence first, so that a rename which a network filesystem
 * still carries out for a machine that has crashed finds nothing. The attempt tells which directory it went
 * to; that one is looked into, whatever the endpoint's is now. */
#include "adapter/directory/directory.h"
#include "base/date.h"
#include "base/json.h"
#include "base/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void ask_again(struct folder *s, struct delivery *d, int why, const char *what)
{
    folder_verdict(s, d, why, what);
    d->verdict = IN_DOUBT;
}

static void refuse(struct delivery *d, const char *code, const struct handover *h, const char *what)
{
    finding_add(d->findings, SEVERITY_ERROR, code, h->file,
                "Ask whether the file arrived. If not, put the document back to be sent again.", "%s", what);
    d->verdict = REJECTED;
}

static void judge_gone(struct folder *s, struct delivery *d, const struct handover *h, bool recorded)
{
    if (!recorded) {
        refuse(
            d, "directory.gone", h,
            "An earlier version of this program was stopped while it handed the file over, and did not write "
            "down where to; it is under neither of its names now.");
    } else if (s->ask_when_gone) {
        handover_note(d, h, "gone from its temporary name: renamed, and fetched since");
        refuse(d, "directory.gone", h,
               "The program was stopped while the file was handed over, and it is under neither of its names "
               "now: most likely it was fetched.");
    } else {
        arrived(d, h, "gone from its temporary name: renamed, and fetched since");
    }
}

/* A fence that was broken off may have left both names: only what stands under our own counts. */
static int fence(const struct folder *s, const struct handover *h)
{
    int why = folder_rename(s->dir, h->temporary, s->dir, h->fenced);
    if (why != EEXIST)
        return why;
    unlinkat(s->dir, h->fenced, 0);
    return folder_rename(s->dir, h->temporary, s->dir, h->fenced);
}

static bool is_there(const struct folder *s, const char *name, int *why)
{
    struct stat st;
    *why = fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) ? errno : 0;
    return *why == 0;
}

static void judge(struct folder *s, struct delivery *d, const struct handover *h, bool recorded)
{
    int why, fenced_why, final;
    bool temporary = is_there(s, h->temporary, &why);
    if (!temporary && why != ENOENT) {
        ask_again(s, d, why, "The temporary file cannot be looked at");
        return;
    }
    final = folder_compare(s, h->file, h);
    if (final == 0) {
        unlinkat(s->dir, h->temporary, 0);
        arrived(d, h, "found under its final name");
    } else if (final != EEXIST && final != ENOENT) {
        ask_again(s, d, final, "The file cannot be read");
    } else if (temporary) {
        why = fence(s, h);
        if (why)
            ask_again(s, d, why == ENOENT ? EAGAIN : why, "The temporary file cannot be renamed");
        else
            not_arrived(d, h, "found under its temporary name, and taken back: not handed over");
    } else if (is_there(s, h->fenced, &fenced_why)) {
        not_arrived(d, h, "found under the name that it was taken back to: not handed over");
    } else if (fenced_why != ENOENT) {
        ask_again(s, d, fenced_why, "The temporary file cannot be looked at");
    } else {
        judge_gone(s, d, h, recorded);
    }
}

/* Not the directory that the file was written to. The one that the endpoint has now may come back (a
 * filesystem that is not mounted); of another one nothing is to be expected. */
static void elsewhere(struct folder *s, struct delivery *d, const struct handover *h, bool moved)
{
    if (moved) {
        finding_add(
            d->findings, SEVERITY_ERROR, "directory.moved", h->file,
            "Look there whether the file arrived, or ask. If it did not, put the document back to be "
            "sent to the new directory.",
            "The program was stopped while the file was handed over in %s, which is not there any more; "
            "the endpoint's directory has been changed to %s since.",
            h->place, s->path);
        d->verdict = REJECTED;
        return;
    }
    d->verdict = IN_DOUBT;
    d->not_before = instant_now().seconds + FOLDER_OTHER_SECONDS;
    finding_add(d->findings, SEVERITY_WARNING, "directory.other", s->path,
                "Is its filesystem mounted? If the directory was made anew on purpose, move the document to "
                "error/ and put it back.",
                "This is not the directory that the file was written to; whether it arrived is asked again "
                "later.");
}

void folder_confirm(struct endpoint *e, struct delivery *d)
{
    struct folder *s = e->session;
    struct handover h;
    bool recorded = handover_read(d->last_address, &s->arena, &h);
    const char *identity = recorded ? json_text_at(d->last_address, "identity") : NULL;
    if (!recorded)
        handover_old_names(d, s->path, s->prefix, ".tmp", &s->arena, &h);
    bool moved = strcmp(h.place, utf8_shown(&s->arena, s->path)) != 0;
    int why = folder_enter(e, moved ? h.place : s->path);
    bool same = why == 0 && (!identity || strcmp(identity, s->identity) == 0);
    if (why && !moved)
        ask_again(s, d, why, "The directory cannot be opened");
    else if (!same)
        elsewhere(s, d, &h, moved);
    else
        judge(s, d, &h, recorded);
    if (moved)
        folder_leave(s);
    arena_reset(&s->arena);
}
