/* group: a group of claimed documents on its way from a translator's hands to the next stages. The order of
 * the steps is what makes it safe to be killed anywhere (docs/architecture.md, "If it is killed here"):
 *
 *   understand, address     files in folders that only this translator holds
 *   enter in the state      one transaction; the same entries on every try
 *   write messages          files again
 *   one sync                files and the state's commit are on the disk
 *   move                    one rename a document
 *   settle                  the renames are on the disk
 */
#include "base/file.h"
#include "base/log.h"
#include "base/tally.h"
#include "role/hand.h"
#include "role/translation.h"
#include "spool/own.h"
#include "state/mark.h"
#include "state/reach.h"
#include <errno.h>
#include <string.h>

/* Out of the archive by hand: what the partner has is not made anew, and not sent a second time. */
static bool was_delivered(struct translator *w, struct translation *t)
{
    const char *outcome = document_text(&t->document, "outcome"),
               *endpoint = document_text(&t->document, "endpoint");
    if (!t->again || !outcome || strcmp(outcome, "delivered") != 0)
        return false;
    t->fate = FATE_ARCHIVE;
    t->outcome = "delivered";
    document_note(
        &t->document, w->role,
        "put into translate/, but it was delivered to %s: left as it is, and put back into the archive",
        endpoint ? endpoint : "its partner");
    log_warning(
        "%s was put into translate/, but it was delivered already: it goes back into the archive as it is",
        t->document.name);
    return true;
}

/* A full or failing disk ends the role, too; the document that was in hand then does not count that as a
 * crash. */
static int not_its_fault(struct translator *w)
{
    if (error_is_the_machines(errno))
        hand_free(w);
    return -1;
}

/* What could not be read now judges no document: the next translator takes it up as it is. */
static int machine_failed(struct translator *w, const struct translation *t)
{
    const struct finding *f = t->findings.first;
    while (f && strcmp(f->code, "machine") != 0)
        f = f->next;
    log_error("%s is not judged by this: %s%s%s", t->document.name, f ? f->where : "", f ? ": " : "",
              f ? f->what : strerror(t->findings.machine));
    hand_free(w);
    return -1;
}

static int understand_all(struct translator *w, struct group *g)
{
    for (struct translation *t = g->first; t; t = t->next) {
        if (was_delivered(w, t) || hand_refuses(t))
            continue;
        hand_take(w, t);
        if (translation_understand(w, t) < 0)
            return not_its_fault(w);
        if (t->findings.machine)
            return machine_failed(w, t);
    }
    hand_free(w);
    for (struct translation *t = g->first; t; t = t->next) /* what is added on the way has its destination */
        if (translation_address(w, g, t) < 0)
            return -1;
    return 0;
}

/* Ids ascend within a source, whichever translator and whatever clock they come from; so the newest is
 * remembered. */
static const char *newest_id(const struct group *g)
{
    const char *newest = "";
    for (const struct translation *t = g->first; t; t = t->next)
        if (strcmp(t->document.id, newest) > 0)
            newest = t->document.id;
    return newest;
}

static int enter_all(struct translator *w, struct group *g)
{
    if (state_begin(w->state) < 0) {
        log_error("the state cannot be written: %s", state_error(w->state));
        return -1;
    }
    for (struct translation *t = g->first; t; t = t->next)
        if (ledger_enter(w, g, t) < 0 || t->findings.machine) {
            state_rollback(w->state);
            return t->findings.machine ? machine_failed(w, t) : -1;
        }
    if (state_mark_next(w->state, newest_id(g)) < 0 || state_commit(w->state) < 0) {
        log_error("the state cannot be written: %s", state_error(w->state));
        state_rollback(w->state);
        return -1;
    }
    return 0;
}

/* In a second transaction, which most groups do not need. */
static int enter_failures(struct translator *w, struct group *g)
{
    bool begun = false;
    for (struct translation *t = g->first; t; t = t->next) {
        if (t->fate != FATE_ERROR)
            continue;
        if ((!begun && state_begin(w->state) < 0) || ledger_fail(w, g, t) < 0)
            goto failed;
        begun = true;
    }
    if (!begun || state_commit(w->state) == 0)
        return 0;
failed:
    log_error("the state cannot be written: %s", state_error(w->state));
    state_rollback(w->state);
    return -1;
}

static int write_all(struct translator *w, struct group *g)
{
    for (struct translation *t = g->first; t; t = t->next) {
        hand_take(w, t);
        if (translation_write(w, t) < 0)
            return not_its_fault(w);
        if (t->findings.machine)
            return machine_failed(w, t);
    }
    hand_free(w);
    return enter_failures(w, g);
}

static int finish_envelope(struct translator *w, struct translation *t)
{
    struct document *d = &t->document;
    document_set(d, "outcome", t->fate == FATE_ARCHIVE ? t->outcome : NULL);
    if (t->fate == FATE_ERROR) {
        const struct finding *first = t->findings.first;
        document_note(d, w->role, "to error/: %s", first ? first->what : "it cannot be translated");
        const char *file = document_text(d, "source.file");
        log_warning("%s%s%s%s goes to error/: %s", d->name, file ? " (" : "", file ? file : "",
                    file ? ")" : "", first ? first->what : "it cannot be translated");
        if (document_write_error_as(d, &t->findings, "translate", t->name ? t->name : d->name) < 0)
            goto failed;
        return 0; /* that has saved the envelope */
    }
    if (document_save(d) == 0)
        return 0;
failed:
    log_error("%s cannot be written: %s", d->name, strerror(errno));
    return -1;
}

/* The name it goes by is taken, by a copy that somebody made: it goes to error/ beside it, under a name of
 * its own. */
static int set_aside(struct translator *w, struct translation *t)
{
    char name[DOCUMENT_NAME_TEXT];
    document_id_new(name);
    log_error("%s: there is a folder of that name in the next stage already; it goes to error/ as %s",
              t->name ? t->name : t->document.name, name);
    translation_fail(t, "spool.name-taken", "Compare the two folders and remove the one that is not wanted.",
                     "A folder of the name %s was in the next stage already.",
                     t->name ? t->name : t->document.name);
    if (document_write_error_as(&t->document, &t->findings, "translate", name) < 0)
        return -1;
    return spool_move(&w->spool, w->work.dir, t->document.name, STAGE_ERROR, NULL, name);
}

/* Where it went, and how long that took since it was received. */
static void count(const struct translation *t)
{
    static const char *const words[] = {[FATE_SEND] = "outbox", [FATE_ERROR] = "error"};
    const struct document *d = &t->document;
    const char *source = document_text(d, "source.name");
    tally_count(HANDLED, 1,
                TALLY_LABELS("translate", source, document_text(d, "type"), document_text(d, "partner"),
                             t->fate == FATE_SEND ? t->sending->endpoint : NULL,
                             t->fate == FATE_ARCHIVE ? t->outcome : words[t->fate]));
    if (t->fate == FATE_SEND)
        tally_observe(TRANSLATION_SECONDS, document_age(d), TALLY_LABELS(source));
}

static int move(struct translator *w, struct translation *t)
{
    static const enum stage stages[] = {
        [FATE_SEND] = STAGE_OUTBOX, [FATE_ARCHIVE] = STAGE_ARCHIVE, [FATE_ERROR] = STAGE_ERROR};
    const char *endpoint = t->fate == FATE_SEND ? t->sending->endpoint : NULL;
    const char *name = t->name ? t->name : t->document.name;
    char called[DOCUMENT_CALLED];
    int result = spool_move(&w->spool, w->work.dir, t->document.name, stages[t->fate], endpoint, name);
    if (result < 0 && (errno == EEXIST || errno == ENOTEMPTY))
        result = set_aside(w, t);
    if (result < 0)
        log_error("%s cannot be moved to its next stage: %s", t->document.name, strerror(errno));
    else if (t->fate == FATE_SEND)
        log_info("%s: %s for %s, to outbox/%s", name, document_called(&t->document, called), t->partner->id,
                 endpoint);
    else if (t->fate == FATE_ARCHIVE)
        log_info("%s: %s archived, %s", name, document_called(&t->document, called), t->outcome);
    return result;
}

/* What a lost state could not tell: before the sync. */
static int note_reach(struct translator *w, const struct group *g)
{
    int result = 0;
    for (const struct translation *t = g->first; t && result == 0; t = t->next) {
        if (t->control_number)
            result = reach_number(w->state, &w->spool, t->partner->id, t->control_number);
        if (result == 0 && t->fate == FATE_ARCHIVE)
            result = reach_archive(w->state, &w->spool, t->document.name);
    }
    if (result < 0)
        log_error("how far the spool reaches cannot be written down: %s", strerror(errno));
    return result;
}

int group_process(struct translator *w, struct group *g)
{
    if (understand_all(w, g) < 0 || enter_all(w, g) < 0 || write_all(w, g) < 0)
        return -1;
    for (struct translation *t = g->first; t; t = t->next)
        if (finish_envelope(w, t) < 0)
            return -1;
    if (note_reach(w, g) < 0)
        return -1;
    if (spool_sync(&w->spool) < 0) {
        log_error("the disk cannot be synced: %s", strerror(errno));
        return -1;
    }
    for (struct translation *t = g->first; t; t = t->next)
        if (own_settle(&w->spool, &t->document) < 0) {
            log_error("what %s was copied from cannot be put away: %s", t->document.name, strerror(errno));
            return -1;
        }
    state_mark_write(w->state, &w->spool);
    for (struct translation *t = g->first; t; t = t->next)
        if (move(w, t) < 0)
            return -1;
        else
            count(t);
    if (spool_settle(&w->spool) < 0) {
        log_error("the disk cannot be synced: %s", strerror(errno));
        return -1;
    }
    return 0;
}
