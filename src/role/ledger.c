/* ledger: what a document enters in the state before it may leave: its business key, its control number, and
 * the numbers by which `trace` finds it. All of it is the same on every try, so a document whose translator
 * was killed behind the commit finds its own entries again. A key is another document's only as long as that
 * one stands somewhere in the spool. */
#include "base/file.h"
#include "base/log.h"
#include "role/difference.h"
#include "role/dispatch.h"
#include "role/translation.h"
#include "role/whereabouts.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* What stands between bars must not contain one. */
static void add_part(struct buffer *b, struct slice part)
{
    buffer_byte(b, '|');
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '|' || part.ptr[i] == '%')
            buffer_printf(b, "%%%02X", (unsigned)part.ptr[i]);
        else
            buffer_byte(b, part.ptr[i]);
    }
}

static const char *business_key(const struct translation *t)
{
    struct buffer b = {0};
    buffer_text(&b, "out");
    add_part(&b, slice_of(t->partner->id));
    add_part(&b, t->identity.type);
    add_part(&b, t->identity.number);
    add_part(&b, t->identity.version);
    add_part(&b, slice_of(t->sending->endpoint));
    const char *key = arena_text(t->findings.arena, buffer_as_slice(&b));
    buffer_free(&b);
    return key;
}

/* ---- the document that holds the key ---- */

struct rival {
    char path[512]; /* of its folder, relative to the spool */
    const struct translation *in_group;
};

static bool find_rival(const struct translator *w, const struct group *g, const char *name, struct rival *r)
{
    for (const struct translation *t = g->first; t; t = t->next)
        if (!strcmp(t->name ? t->name : t->document.name, name)) {
            r->in_group = t;
            return true;
        }
    return whereabouts_find(&w->spool, name, r->path);
}

static bool has_attempt(int folder)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    bool found = false;
    if (!d)
        return true; /* be careful: as if it had been sent */
    while (!found && (entry = readdir(d)))
        found = !strncmp(entry->d_name, "attempt-", 8);
    closedir(d);
    return found;
}

/* A document in error/ that never left, or of which it is known that the other side does not have it, makes
 * way for a later one. */
static bool makes_way(struct translator *w, const struct rival *r)
{
    char *slash = strrchr(r->path, '/');
    struct findings ignored = {.arena = &w->arena};
    struct document d;
    if (r->in_group || strncmp(r->path, "error/", 6) != 0 || !slash ||
        document_open(&d, w->spool.stage[STAGE_ERROR], slash + 1, &ignored) < 0)
        return false;
    const char *outcome = document_text(&d, "outcome");
    bool result =
        outcome ? !strcmp(outcome, "rejected") || !strcmp(outcome, "given-up") || !strcmp(outcome, "stopped")
                : !has_attempt(d.folder);
    document_close(&d);
    return result;
}

/* The rival's folder, wherever in the spool it is; a fault of the machine is noted in f. */
static bool open_rival(struct translator *w, const struct rival *r, struct document *d, struct findings *f)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s", r->path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return false;
    *slash = '\0';
    int parent = openat(w->spool.root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool opened = parent >= 0 && document_open(d, parent, slash + 1, f) == 0;
    if (!opened && error_is_the_machines(errno))
        f->machine = errno;
    if (parent >= 0)
        close(parent);
    return opened;
}

static struct slice rival_canonical(struct translator *w, struct translation *t, const struct rival *r)
{
    if (r->in_group)
        return r->in_group->canonical_bytes;
    struct buffer bytes = {0};
    struct findings ignored = {.arena = &w->arena};
    struct document d;
    struct slice result = SLICE_NONE;
    if (open_rival(w, r, &d, &ignored)) {
        if (document_read(&d, "canonical.json", &bytes, &ignored) == 0)
            result = arena_copy(&w->arena, buffer_as_slice(&bytes));
        document_close(&d);
    }
    if (ignored.machine)
        t->findings.machine = ignored.machine;
    buffer_free(&bytes);
    return result;
}

/* ---- other sources ---- */

static const char *source_of(const struct translation *t)
{
    return document_text(&t->document, "source.name");
}

/* 1: this document's source has precedence over the holder's; -1: the other way round; 0: neither. */
static int precedence(struct translator *w, const struct translation *t, const struct seen *holder)
{
    return *holder->source ? config_precedence(w->config, source_of(t), holder->source) : 0;
}

/* The holder did not leave, and cannot from now on: its courier looks at the key before it sends, and says in
 * the state, before it does, that it is about to. */
static bool has_not_left(struct translator *w, struct translation *t, const struct seen *holder,
                         const struct rival *r)
{
    struct findings ignored = {.arena = &w->arena};
    struct document d;
    if (holder->delivered || holder->sending || !strncmp(r->path, "archive/", 8))
        return false;
    if (r->in_group)
        return true;
    bool opened = open_rival(w, r, &d, &ignored);
    if (ignored.machine)
        t->findings.machine = ignored.machine;
    if (!opened)
        return false;
    bool left = attempts_may_have_arrived(d.folder);
    document_close(&d);
    return !left;
}

static void archive_as_duplicate(struct translator *w, struct translation *t, const char *of, const char *why)
{
    t->fate = FATE_ARCHIVE;
    t->outcome = "duplicate";
    document_set(&t->document, "duplicate_of", of);
    document_note(&t->document, w->role, "the same as %s, which %s", of, why);
}

/* Where the holder came from, when that is another source; and why this one does not win over it. */
static const char *about_sources(struct translator *w, const struct translation *t, const struct seen *holder)
{
    const char *own = source_of(t);
    if (!*holder->source || !own || !strcmp(holder->source, own))
        return "";
    const char *of = arena_printf(&w->arena, " of the source %s", holder->source);
    if (precedence(w, t, holder) < 0)
        return arena_printf(&w->arena, "%s, which has precedence over %s", of, own);
    if (precedence(w, t, holder) == 0)
        return of;
    return arena_printf(&w->arena, "%s: %s has precedence, but %s", of, own,
                        holder->delivered ? "that one was delivered, and cannot be taken back"
                                          : "that one is being sent, or may have arrived");
}

static const char *what_to_do(struct translator *w, const struct translation *t, const struct seen *holder)
{
    if (precedence(w, t, holder) <= 0)
        return "If the partner is to have the change, tell them, or send it as an order change; if the first "
               "one "
               "never reached them, see its folder. This one may stay here or be removed.";
    return arena_printf(
        &w->arena,
        "Tell the partner which of the two counts, or send this one as an order change. Should "
        "the other one not have arrived, put this one back into translate/. So that %s takes no "
        "such numbers again, say in its [route …] for which partners it is: partners = …",
        holder->source);
}

/* Another content under a key that is taken: what differs, and what to do about it. */
static void refuse_different(struct translator *w, struct translation *t, const struct seen *holder,
                             const struct rival *r)
{
    struct slice theirs = rival_canonical(w, t, r);
    struct syntax_options options = {0};
    struct findings ignored = {.arena = &w->arena};
    const struct node *before = theirs.ptr ? syntax_json.read(&options, theirs, &ignored) : NULL;
    const struct node *now = syntax_json.read(&options, t->canonical_bytes, &ignored);
    struct findings differences = {.arena = &w->arena};
    unsigned n = before && now ? difference_find(before, now, &differences) : 1;
    if (n == 0) {
        archive_as_duplicate(w, t, holder->document, "is known already: not sent again");
        return;
    }
    document_set(&t->document, "differs_from", holder->document);
    translation_fail(
        t, "document.key-taken", what_to_do(w, t, holder),
        "The %.*s %.*s for %s was handled before, as document %s (%s)%s, and this one differs from "
        "it%s",
        SLICE_ARG(t->identity.type), SLICE_ARG(t->identity.number), t->partner->name, holder->document,
        r->in_group  ? "just now"
        : r->path[0] ? r->path
                     : "delivered, and no longer in the spool",
        about_sources(w, t, holder),
        before ? n > DIFFERENCE_LIMIT ? " in many values; the first ones are:" : ":" : ".");
    for (const struct finding *d = differences.first; d; d = d->next)
        finding_add(&t->findings, SEVERITY_ERROR, d->code, d->where, d->todo, "%s", d->what);
}

/* Whether the key goes over to this document; why is what its history says of the other one. */
static bool gives_up(struct translator *w, const struct group *g, struct translation *t,
                     const struct seen *holder, struct rival *rival, const char **why)
{
    int order = precedence(w, t, holder);
    *why = "is nowhere in the spool";
    if (!find_rival(w, g, holder->document, rival))
        return !holder->delivered;
    *why = "stands in error/ and was not sent";
    if (order >= 0 && makes_way(w, rival))
        return true;
    *why = arena_printf(&w->arena, "was not sent, and came from the source %s: %s has precedence",
                        holder->source, source_of(t));
    return order > 0 && strcmp(holder->canonical_sha256, t->canonical_sha256) != 0 &&
           has_not_left(w, t, holder, rival);
}

static int claim_key(struct translator *w, struct group *g, struct translation *t)
{
    struct seen holder;
    struct rival rival = {0};
    const char *why;
    t->key = business_key(t);
    document_set(&t->document, "business_key", t->key);
    int taken = state_claim_key(w->state, t->key, t->name, t->canonical_sha256, source_of(t), &holder);
    if (taken == 1 && gives_up(w, g, t, &holder, &rival, &why)) {
        document_note(&t->document, w->role, "takes the place of %s, which %s", holder.document, why);
        taken = state_take_key(w->state, t->key, t->name, t->canonical_sha256, source_of(t));
    }
    if (taken < 0)
        return -1;
    if (taken == 0)
        t->holds_key = true;
    else if (!strcmp(holder.canonical_sha256, t->canonical_sha256))
        archive_as_duplicate(w, t, holder.document, "is known already: not sent again");
    else
        refuse_different(w, t, &holder, &rival);
    return 0;
}

/* ---- numbers ---- */

static int link_numbers(struct translator *w, struct translation *t, const char *name)
{
    const struct identity *i = &t->identity;
    char text[128];
    for (size_t k = 0; k < i->link_count; k++) {
        char *value = arena_text(&w->arena, i->links[k].value);
        if (*value && state_link(w->state, i->links[k].kind, value, name) < 0)
            return -1;
    }
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(i->number));
    return i->number.len && state_link(w->state, "number", text, name) < 0 ? -1 : 0;
}

static int number_control(struct translator *w, struct translation *t)
{
    char text[16];
    if (state_control_number(w->state, t->partner->id, t->name, &t->control_number) < 0)
        return -1;
    snprintf(text, sizeof text, "%u", t->control_number);
    document_set_integer(&t->document, "control_number", t->control_number);
    return state_link(w->state, "control", text, t->name);
}

static int note_not_sent(struct translator *w, const struct translation *t)
{
    if (t->fate == FATE_ARCHIVE && t->outcome && !strcmp(t->outcome, "not-sent")) {
        const char *reason = document_text(&t->document, "reason");
        return state_not_sent(w->state, t->document.id, reason ? reason : "");
    }
    return t->again ? state_not_sent_done(w->state, t->document.id) : 0;
}

int ledger_enter(struct translator *w, struct group *g, struct translation *t)
{
    if (note_not_sent(w, t) < 0)
        goto failed;
    if (t->fate == FATE_SEND && claim_key(w, g, t) < 0)
        goto failed;
    if (link_numbers(w, t, t->name ? t->name : t->document.name) < 0)
        goto failed;
    if (t->fate == FATE_SEND && number_control(w, t) < 0)
        goto failed;
    return 0;
failed:
    log_error("the state cannot be written: %s", state_error(w->state));
    return -1;
}

/* ---- documents that failed ---- */

/* The same bytes once more (an ERP that is asked again, a customer who tries again, a file that was fetched
 * twice by a poller that was killed) need not be in error/ twice. Those that a person put back are judged by
 * themselves. */
static int join_earlier_failure(struct translator *w, struct group *g, struct translation *t)
{
    const char *source = document_text(&t->document, "source.name"),
               *file = document_text(&t->document, "source.file");
    const char *sha256 = document_text(&t->document, "source.sha256");
    const char *name = t->name ? t->name : t->document.name;
    struct seen holder;
    struct rival rival = {0};
    if ((t->again && !t->document.given_back) || !source || !file || !sha256)
        return 0;
    const char *key = arena_printf(&w->arena, "failed|%s|%s|%s|%s", source, file, sha256,
                                   t->sending ? t->sending->endpoint : "");
    int taken = state_claim_key(w->state, key, name, sha256, source, &holder);
    if (taken != 1)
        return taken;
    bool waits = find_rival(w, g, holder.document, &rival) &&
                 (rival.in_group ? rival.in_group->fate == FATE_ERROR : !strncmp(rival.path, "error/", 6));
    if (!waits)
        return state_take_key(w->state, key, name, sha256, source);
    archive_as_duplicate(w, t, holder.document, "waits in error/ already");
    return 0;
}

/* A number that the first of the sources has spoken of is not free for the others while its document waits to
 * be put right. */
static bool keeps_number(const struct translator *w, const struct translation *t)
{
    return w->config->precedence && !config_outranked(w->config, source_of(t));
}

int ledger_fail(struct translator *w, struct group *g, struct translation *t)
{
    if ((t->release_key && t->holds_key && !keeps_number(w, t) &&
         state_release_key(w->state, t->key, t->name) < 0) ||
        join_earlier_failure(w, g, t) < 0) {
        log_error("the state cannot be written: %s", state_error(w->state));
        return -1;
    }
    return 0;
}
