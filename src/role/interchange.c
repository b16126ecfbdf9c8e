/* interchange: see interchange.h. Who sent it is told by ISA05 and ISA06; a sender that no partner has is
 * judged as strictly as a partner whose file says nothing. */
#include "role/interchange.h"
#include "base/log.h"
#include "edi/x12/x12.h"
#include "role/whereabouts.h"
#include <stdio.h>

struct interchange {
    struct interchange *next;
    struct slice sender_qualifier, sender, receiver_qualifier, receiver, control;
    char usage;
    const struct partner *partner; /* the sender; NULL: nobody's */
    const char *key;               /* "ZZ/FJORD/P": whose numbers ISA13 is one of */
};

struct judging {
    struct translator *w;
    struct translation *t;
    struct interchange *first, *last;
};

static struct slice element(const struct edi_segment *s, unsigned n)
{
    return n <= s->count ? slice_trim(s->elements[n - 1]) : SLICE_NONE;
}

static bool has_id(const char *qualifier, const char *id, struct slice their_qualifier, struct slice their_id)
{
    return id && *id && slice_is(their_id, id) && slice_is(their_qualifier, qualifier ? qualifier : "ZZ");
}

static const struct partner *sender_of(const struct config *c, const struct interchange *i)
{
    for (const struct partner *p = c->partners; p; p = p->next)
        if (has_id(p->isa_qualifier, p->live_isa_id, i->sender_qualifier, i->sender) ||
            has_id(p->isa_qualifier, p->test_isa_id, i->sender_qualifier, i->sender))
            return p;
    return NULL;
}

static void add(struct judging *j, const struct edi_segment *isa)
{
    struct interchange *i = arena_zero(&j->w->arena, sizeof *i);
    struct slice usage = element(isa, 15);
    i->sender_qualifier = element(isa, 5);
    i->sender = element(isa, 6);
    i->receiver_qualifier = element(isa, 7);
    i->receiver = element(isa, 8);
    i->control = element(isa, 13);
    i->usage = usage.len ? usage.ptr[0] : '?';
    i->partner = sender_of(j->w->config, i);
    i->key = arena_printf(&j->w->arena, "%.*s/%.*s/%c", SLICE_ARG(i->sender_qualifier), SLICE_ARG(i->sender),
                          i->usage);
    if (j->last)
        j->last->next = i;
    else
        j->first = i;
    j->last = i;
}

/* As the profile says: an error, or a warning in log and history. */
static void tell(struct judging *j, const struct interchange *i, const char *policy, const char *code,
                 const char *where, const char *todo, const char *what)
{
    bool warn = i->partner && policy && !strcmp(policy, "warn");
    if (!warn) {
        finding_add(&j->t->findings, SEVERITY_ERROR, code, where, todo, "%s", what);
        return;
    }
    document_note(&j->t->document, j->w->role, "%s", what);
    const char *file = document_text(&j->t->document, "source.file");
    log_warning("%s%s%s%s: %s", j->t->document.name, file ? " (" : "", file ? file : "", file ? ")" : "",
                what);
}

/* What the person has to write, and where, who wants it otherwise. */
static const char *or_warn(struct judging *j, const struct interchange *i, const char *key)
{
    return i->partner
               ? arena_printf(&j->w->arena,
                              "To take it all the same, write %s = warn into [partner %s] of %s.", key,
                              i->partner->id, i->partner->file)
               : arena_printf(&j->w->arena, "No partner has the sender's id %.*s.", SLICE_ARG(i->sender));
}

/* ---- the receiver ---- */

struct own_ids {
    struct buffer text; /* for people */
    bool found, any;
};

static void own(struct own_ids *o, const struct interchange *i, const char *qualifier, const char *id)
{
    char shown[64];
    if (!id || !*id)
        return;
    o->any = true;
    o->found = o->found || has_id(qualifier, id, i->receiver_qualifier, i->receiver);
    snprintf(shown, sizeof shown, "%s/%s", qualifier ? qualifier : "ZZ", id);
    if (!o->text.len || !strstr(o->text.ptr, shown))
        buffer_printf(&o->text, "%s%s", o->text.len ? ", " : "", shown);
}

/* A site that has no ids at all cannot tell. */
static void judge_receiver(struct judging *j, const struct interchange *i)
{
    const struct config *c = j->w->config;
    struct own_ids o = {.found = false};
    if (!i->partner) {
        own(&o, i, c->us.isa_qualifier, c->us.isa_id);
        own(&o, i, c->us.isa_qualifier, c->us.test_isa_id);
    }
    for (const struct partner *p = c->partners; p; p = p->next)
        if (!i->partner || p == i->partner) {
            own(&o, i, p->our_isa_qualifier, p->our_live_isa_id);
            own(&o, i, p->our_isa_qualifier, p->our_test_isa_id);
        }
    if (o.any && !o.found)
        tell(
            j, i, i->partner ? i->partner->unknown_receiver : NULL, "interchange.receiver", "ISA08",
            arena_printf(
                &j->w->arena,
                "If it came to the wrong place, tell the sender. If it is our id, add it to [us], or as "
                "our_isa_id to the partner, and reload. %s",
                or_warn(j, i, "unknown_receiver")),
            arena_printf(&j->w->arena,
                         "The interchange %.*s of %.*s/%.*s is for %.*s/%.*s, which is none of our ids (%s).",
                         SLICE_ARG(i->control), SLICE_ARG(i->sender_qualifier), SLICE_ARG(i->sender),
                         SLICE_ARG(i->receiver_qualifier), SLICE_ARG(i->receiver), o.text.ptr));
    buffer_free(&o.text);
}

/* ---- the sender ---- */

/* Who may hand in nothing for a partner uses up none of its numbers. */
static void judge_sender(struct judging *j, const struct interchange *i)
{
    const struct route *r = j->t->route;
    if (!i->partner || !r || config_allows(r->partners, slice_of(i->partner->id)))
        return;
    finding_add(
        &j->t->findings, SEVERITY_ERROR, "route.partner", "ISA06",
        arena_printf(&j->w->arena,
                     "If it may, add %s to partners of [route %s] in %s, and reload; if not, ask who laid "
                     "it there.",
                     i->partner->id, r->name, r->file),
        "The source %s may not hand in an interchange of %s: its route %s is limited to other partners.",
        r->source, i->partner->name, r->name);
}

/* ---- tests ---- */

static void judge_usage(struct judging *j, const struct interchange *i)
{
    if (!i->partner || i->partner->test || i->usage != 'T')
        return;
    tell(j, i, i->partner->test_interchange, "interchange.test", "ISA15",
         arena_printf(&j->w->arena, "Ask the sender for a production interchange, ISA15 P. %s",
                      or_warn(j, i, "test_interchange")),
         arena_printf(&j->w->arena,
                      "The interchange %.*s of %s is a test (ISA15 is T), and the partner is in production.",
                      SLICE_ARG(i->control), i->partner->name));
}

/* ---- numbers ---- */

static void judge_duplicate(struct judging *j, const struct interchange *i,
                            const struct interchange_seen *holder)
{
    struct translation *t = j->t;
    const char *policy = i->partner ? i->partner->duplicate_interchange : "refuse";
    const char *sha256 = document_text(&t->document, "source.sha256");
    char path[512], name[DOCUMENT_NAME_TEXT + 4];
    snprintf(name, sizeof name, "%s.1", holder->document);
    bool same = sha256 && !strcmp(sha256, holder->sha256);
    if (same || !strcmp(policy, "archive")) {
        t->fate = FATE_ARCHIVE;
        t->outcome = "duplicate";
        document_set(&t->document, "duplicate_of", holder->document);
        document_note(&t->document, j->w->role, "the interchange %.*s of %s came before, as %s%s",
                      SLICE_ARG(i->control), i->key, holder->document, same ? ": the same bytes" : "");
        return;
    }
    tell(j, i, policy, "interchange.duplicate", "ISA13",
         arena_printf(&j->w->arena, "Ask the sender: a new interchange has a new number in ISA13. %s",
                      or_warn(j, i, "duplicate_interchange")),
         arena_printf(
             &j->w->arena,
             "The interchange %.*s of %s came before, as document %s (%s), and this one has other bytes.",
             SLICE_ARG(i->control), i->key, holder->document,
             whereabouts_find(&j->w->spool, name, path) ? path : "no longer in the spool"));
}

/* One that waits in error/ was not handled: it makes way for what the sender put right. */
static int claim(struct judging *j, const struct interchange *i)
{
    struct state *s = j->w->state;
    const char *id = j->t->document.id, *sha256 = document_text(&j->t->document, "source.sha256");
    const char *control = arena_text(&j->w->arena, i->control);
    char path[512], name[DOCUMENT_NAME_TEXT + 4];
    struct interchange_seen holder;
    for (const struct interchange *o = j->first; o != i; o = o->next)
        if (!strcmp(o->key, i->key) && slice_equal(o->control, i->control)) {
            snprintf(holder.document, sizeof holder.document, "%s", id);
            holder.sha256[0] = '\0';
            judge_duplicate(j, i, &holder);
            return 0;
        }
    int taken = state_interchange_claim(s, i->key, control, id, sha256 ? sha256 : "", &holder);
    if (taken != 1)
        return taken;
    snprintf(name, sizeof name, "%s.1", holder.document);
    if (whereabouts_find(&j->w->spool, name, path) && !strncmp(path, "error/", 6))
        return state_interchange_take(s, i->key, control, id, sha256 ? sha256 : "");
    judge_duplicate(j, i, &holder);
    return 0;
}

static int claim_all(struct judging *j)
{
    struct state *s = j->w->state;
    int result = state_begin(s);
    for (const struct interchange *i = j->first; i && result == 0 && j->t->fate == FATE_SEND; i = i->next)
        result = claim(j, i);
    /* what is not let in has claimed nothing */
    if (result == 0 && (j->t->findings.errors || j->t->fate != FATE_SEND)) {
        state_rollback(s);
        return 0;
    }
    if (result == 0 && state_commit(s) == 0)
        return 0;
    log_error("the state cannot be written: %s", state_error(s));
    state_rollback(s);
    return -1;
}

/* For reindex. */
static void note_numbers(struct judging *j)
{
    json_t *all = json_array();
    for (const struct interchange *i = j->first; i; i = i->next)
        json_array_append_new(all, json_pack("{s:s, s:s%}", "sender", i->key, "control",
                                             i->control.ptr ? i->control.ptr : "", i->control.len));
    json_object_set_new(j->t->document.envelope, "interchanges", all);
}

/* ---- the whole ---- */

static bool is_plain(const struct interchange *i)
{
    for (const char *c = i->key; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            return false;
    for (size_t k = 0; k < i->control.len; k++)
        if ((unsigned char)i->control.ptr[k] < ' ' || (unsigned char)i->control.ptr[k] > '~')
            return false;
    return i->sender.len && i->control.len;
}

/* What cannot be read is left to the reader, which says so. */
static void look(struct judging *j, unsigned long *sets)
{
    struct findings ignored = {.arena = &j->w->arena};
    struct edi_lexer lexer;
    struct edi_segment segment;
    *sets = 0;
    if (x12_lexer_open(&lexer, buffer_as_slice(&j->t->source), &ignored) < 0)
        return;
    while (edi_lexer_next(&lexer, &segment, &ignored) > 0) {
        *sets += slice_is(segment.id, "ST");
        if (slice_is(segment.id, "ISA"))
            add(j, &segment);
        if (slice_is(segment.id, "IEA") && edi_lexer_more(&lexer) &&
            x12_lexer_interchange(&lexer, &ignored) < 0)
            break;
    }
}

int interchange_judge(struct translator *w, struct translation *t, unsigned long *sets)
{
    struct judging j = {.w = w, .t = t};
    look(&j, sets);
    if (json_is_integer(json_object_get(t->document.envelope, "set")))
        return 0; /* of one that was let in */
    for (const struct interchange *i = j.first; i; i = i->next) {
        if (!is_plain(i))
            return 0; /* the reader refuses it */
        judge_sender(&j, i);
        judge_receiver(&j, i);
        judge_usage(&j, i);
    }
    if (!t->findings.errors && j.first && claim_all(&j) < 0)
        return -1;
    if (t->findings.errors)
        t->fate = FATE_ERROR;
    else if (t->fate == FATE_SEND && j.first)
        note_numbers(&j);
    return t->fate != FATE_SEND;
}
