/* dispatch: see dispatch.h. What is written here is in the folder before the effect it speaks of; what came
 * of the effect is on the disk before the folder moves. */
#include "role/dispatch.h"
#include "base/date.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tally.h"
#include "net/backoff.h"
#include "role/whereabouts.h"
#include "state/mark.h"
#include "state/reach.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GIVE_UP_ATTEMPTS 5 /* at least: a program that was stopped over the weekend has not tried */
#define GIVE_UP_HOURS 48   /* of trying again, when the endpoint does not say otherwise */

struct parcel *batch_add(struct batch *b, const struct document *d)
{
    struct parcel *p = arena_zero(b->arena, sizeof *p);
    p->document = *d;
    p->findings = (struct findings){.arena = b->arena};
    p->delivery.document = &p->document;
    p->delivery.findings = &p->findings;
    if (b->last)
        b->last->next = p;
    else
        b->first = p;
    b->last = p;
    b->count++;
    return p;
}

void batch_free(struct batch *b)
{
    for (struct parcel *p = b->first; p; p = p->next) {
        json_decref(p->delivery.receipt);
        json_decref(p->delivery.address);
        json_decref(p->delivery.last_address);
        buffer_free(&p->message);
        document_close(&p->document);
    }
    b->first = b->last = NULL;
    b->count = 0;
}

static void settle_as(struct parcel *p, enum verdict v)
{
    p->delivery.verdict = v;
    p->settled = true;
}

static void refuse(struct parcel *p, const char *code, const char *todo, const char *what)
{
    finding_add(&p->findings, SEVERITY_ERROR, code, "", todo, "%s", what);
    settle_as(p, REJECTED);
}

/* ---- check ---- */

static const struct sending *find_sending(const struct partner *partner, const char *type,
                                          const char *endpoint)
{
    for (const struct sending *s = partner ? partner->sendings : NULL; s; s = s->next)
        if (type && !strcmp(s->type, type) && !strcmp(s->endpoint, endpoint))
            return s;
    return NULL;
}

/* Archived as delivered it would show a message that was never sent. */
static void refuse_earlier(struct parcel *p)
{
    p->in_doubt = p->earlier_arrived = true;
    refuse(p, "send.earlier-arrived",
           "Compare the two: attempt-… and message in document.json have their SHA-256. If the other side is "
           "to get "
           "this one as well, put it back; if not, move this folder away.",
           arena_printf(p->findings.arena,
                        "It was translated anew after attempt %u, which was broken off; what arrived by that "
                        "attempt is the earlier message.",
                        p->last_attempt));
}

static void check(struct desk *d, struct parcel *p)
{
    struct document *doc = &p->document;
    const char *partner = document_text(doc, "partner"), *file = document_text(doc, "message.file");
    const char *outcome = document_text(doc, "outcome");
    p->delivery.partner = partner ? config_partner(d->endpoint.all, partner) : NULL;
    p->delivery.sending =
        find_sending(p->delivery.partner, document_text(doc, "type"), d->endpoint.config->name);
    p->delivery.receipt = json_object();
    int found = attempts_find(p, d->endpoint.config->name);
    p->delivery.attempt = p->next_attempt;
    int64_t tries = json_integer_value(json_object_get(doc->envelope, "attempts"));
    if (tries >= p->delivery.attempt && tries < 1000000)
        p->delivery.attempt = (unsigned)tries + 1;
    if (found < 0 && error_is_the_machines(errno))
        finding_machine(&p->findings, errno, doc->name);
    else if (found < 0)
        refuse(p, "document.folder", "See who may read it.", "The document's folder cannot be listed.");
    else if (found && p->earlier_message && !outcome) {
        p->delivery.attempt = p->last_attempt;
        refuse_earlier(p);
    } else if (found) {
        p->delivery.attempt = p->last_attempt;
        p->was_delivered = p->elsewhere[0] || outcome;
        settle_as(p, DELIVERED);
    } else if (p->elsewhere[0])
        refuse(p, "send.elsewhere",
               arena_printf(
                   p->findings.arena,
                   "Move it back to outbox/%s/, whose courier asks. If it did not arrive there, and is to "
                   "go to %s instead, give attempt-%u.json another name first.",
                   p->elsewhere, d->endpoint.config->name, p->last_attempt),
               arena_printf(p->findings.arena,
                            "Its sending to %s was broken off, and it is not known whether it arrived there.",
                            p->elsewhere));
    else if (!p->delivery.partner)
        refuse(p, "partner.unknown", "Put the partner's file back, or move this folder to translate/.",
               arena_printf(p->findings.arena,
                            "The document is for the partner \"%s\", which is not configured.",
                            partner ? partner : ""));
    else if (!file)
        refuse(p, "message.none", "Move this folder to translate/, so that its message is made.",
               "The document has no message yet: it was not translated.");
    else if (document_read(doc, file, &p->message, &p->findings) < 0)
        settle_as(p, REJECTED);
    else if (outcome && !strcmp(outcome, verdict_word(DELIVERED)) && p->next_attempt > 1 && !p->in_doubt)
        document_note(doc, "operator", "put into outbox/%s/ to be sent once more: it was delivered before",
                      d->endpoint.config->name);
    else if (outcome && !strcmp(outcome, "duplicate"))
        document_note(doc, "operator",
                      "put into outbox/%s/ to be sent, though it was archived as a duplicate",
                      d->endpoint.config->name);
    p->delivery.message = buffer_as_slice(&p->message);
}

/* The state knows of a delivery that the folder knows nothing of: the spool came from a backup. */
static void refuse_delivered(struct parcel *p, unsigned attempt)
{
    refuse(
        p, "send.delivered-before",
        arena_printf(p->findings.arena,
                     "Ask the other side. If it has it, move this folder away. If not, put an empty file "
                     "receipt-%u.json into it and put it back.",
                     attempt),
        arena_printf(p->findings.arena,
                     "It was delivered before, by attempt %u, which its folder does not show: was the spool "
                     "restored from a backup that is older than the state?",
                     attempt));
    p->in_doubt = true;
}

static void refuse_replaced(struct desk *d, struct parcel *p, const struct seen *holder)
{
    const char *source = document_text(&p->document, "source.name");
    bool outranked = config_precedence(d->endpoint.all, source, holder->source) < 0;
    refuse(p, "document.replaced",
           holder->delivered
               ? "The other one was delivered, so this one may be removed."
               : "This one may be removed. To send it nevertheless, remove the other one first.",
           arena_printf(p->findings.arena,
                        "Another document of the same number has taken its place: %s%s%s%s%s.",
                        holder->document, outranked ? ", from the source " : "",
                        outranked ? holder->source : "", outranked ? ", which has precedence over " : "",
                        outranked ? source ? source : "its own" : ""));
}

/* Another source could take its place: from here on, and until it is known that it did not arrive, it may
 * not.
 */
static int mark_sending(struct desk *d, struct parcel *p, const char *key)
{
    p->marked = config_outranked(d->endpoint.all, document_text(&p->document, "source.name"));
    return p->marked ? state_key_sending(d->endpoint.state, key, p->document.name, true) : 0;
}

/* A document that stood in error/ may have been replaced by a later one meanwhile. */
static int check_key(struct desk *d, struct parcel *p)
{
    struct state *s = d->endpoint.state;
    const char *key = document_text(&p->document, "business_key"), *name = p->document.name;
    const char *sha256 = document_text(&p->document, "canonical.sha256");
    struct seen holder;
    if (!key || p->settled)
        return 0;
    int taken = state_look_at_key(s, key, &holder);
    if (taken == 1 && !strcmp(holder.document, name)) {
        if (holder.delivered >= p->next_attempt)
            refuse_delivered(p, holder.delivered);
        return p->settled ? 0 : mark_sending(d, p, key);
    }
    char path[512];
    if (taken == 0 ||
        (taken == 1 && !holder.delivered && !whereabouts_find(&d->spool, holder.document, path)))
        taken =
            state_take_key(s, key, name, sha256 ? sha256 : "", document_text(&p->document, "source.name"));
    if (taken == 1)
        refuse_replaced(d, p, &holder);
    return taken < 0 ? -1 : p->settled ? 0 : mark_sending(d, p, key);
}

static int check_all(struct desk *d, struct batch *b)
{
    struct state *s = d->endpoint.state;
    for (struct parcel *p = b->first; p; p = p->next) {
        check(d, p);
        if (p->findings.machine) { /* that judges no document: the role ends */
            log_error("%s is not judged by this: %s", p->document.name, first_finding(&p->findings));
            return -1;
        }
    }
    int result = state_begin(s);
    for (struct parcel *p = b->first; p && result == 0; p = p->next)
        result = check_key(d, p);
    if (result == 0 && state_commit(s) == 0)
        return 0;
    log_error("the state cannot be written: %s", state_error(s));
    state_rollback(s);
    return -1;
}

/* ---- confirm, prepare, deliver ---- */

static int confirm(struct desk *d, struct parcel *p)
{
    struct delivery *v = &p->delivery;
    unsigned next = v->attempt;
    v->attempt = p->last_attempt;
    v->verdict = IN_DOUBT;
    p->asked = d->endpoint.adapter->confirm != NULL;
    if (p->asked)
        d->endpoint.adapter->confirm(&d->endpoint, v);
    else
        refuse(p, "send.in-doubt",
               "Ask the other side. If it did not arrive, remove the last attempt-… file and put it back.",
               "The last try was broken off, and this other side cannot be asked whether it arrived.");
    bool earlier = v->verdict == DELIVERED && p->earlier_message;
    if (!earlier && (v->verdict != RETRY || v->not_before > instant_now().seconds)) {
        p->settled = true;
        return 0;
    }
    /* that settles the attempt: it did not arrive, and the next one follows at once; or another message did
     */
    if (attempts_write_receipt(d, p, p->last_attempt) < 0) {
        log_error("a receipt of %s cannot be written: %s", p->document.name, strerror(errno));
        return -1;
    }
    if (earlier) {
        refuse_earlier(p);
        p->asked = false; /* its receipt is written */
        return 0;
    }
    document_note(&p->document, d->role, "attempt %u did not arrive: sent again", p->last_attempt);
    json_decref(v->receipt);
    v->receipt = json_object();
    v->attempt = next;
    v->not_before = 0;
    p->in_doubt = p->asked = false;
    return 0;
}

/* Those that are not settled yet, as the array an adapter takes. */
static size_t pending(const struct batch *b, struct delivery **out)
{
    size_t n = 0;
    for (struct parcel *p = b->first; p; p = p->next)
        if (!p->settled)
            out[n++] = &p->delivery;
    return n;
}

static void prepare(struct desk *d, struct batch *b, struct delivery **deliveries)
{
    size_t n = pending(b, deliveries);
    for (size_t i = 0; i < n; i++)
        deliveries[i]->verdict = DELIVERED;
    if (n && d->endpoint.adapter->prepare)
        d->endpoint.adapter->prepare(&d->endpoint, deliveries, n);
    for (struct parcel *p = b->first; p; p = p->next)
        p->settled = p->settled || p->delivery.verdict != DELIVERED;
}

static int write_attempts(struct desk *d, struct batch *b)
{
    for (struct parcel *p = b->first; p; p = p->next) {
        if (p->settled)
            continue;
        if (attempts_write(d, p) < 0) {
            log_error("an attempt of %s cannot be written: %s", p->document.name, strerror(errno));
            return -1;
        }
        p->attempted = true;
    }
    if (spool_sync(&d->spool) == 0)
        return 0;
    log_error("the disk cannot be synced: %s", strerror(errno));
    return -1;
}

static int deliver(struct desk *d, struct batch *b, struct delivery **deliveries)
{
    size_t n = pending(b, deliveries);
    if (!n)
        return 0;
    if (write_attempts(d, b) < 0)
        return -1;
    int64_t now = instant_now().seconds;
    for (size_t i = 0; i < n; i++) {
        deliveries[i]->verdict = IN_DOUBT; /* until the adapter knows better */
        deliveries[i]->attempted = now;
    }
    d->endpoint.adapter->deliver(&d->endpoint, deliveries, n);
    return 0;
}

/* ---- settle ---- */

static void give_up_late(struct desk *d, struct parcel *p)
{
    struct delivery *v = &p->delivery;
    struct findings ignored = {.arena = p->findings.arena};
    int64_t now = instant_now().seconds,
            since = json_integer_value(json_object_get(p->document.envelope, "trying_since"));
    long hours = endpoint_number(d->endpoint.config, "give_up_hours", 1, 8760, GIVE_UP_HOURS, &ignored);
    if (v->verdict != RETRY)
        document_set(&p->document, "trying_since", NULL);
    else if (!since)
        document_set_integer(&p->document, "trying_since", now);
    if (v->verdict != RETRY || !since || now - since < hours * 3600 || v->attempt < GIVE_UP_ATTEMPTS)
        return;
    const char *last = first_finding(&p->findings);
    finding_add(&p->findings, SEVERITY_ERROR, "send.given-up", "",
                "When the other side is well again, move this folder back to its outbox.",
                "It has been tried for %ld hours without success%s%s", hours,
                *last ? "; the last time: " : ".", last);
    v->verdict = REJECTED;
    p->given_up = true;
}

static void set_time(struct document *d, const char *member, int64_t seconds)
{
    char text[INSTANT_TEXT];
    instant_print((struct instant){.seconds = seconds}, 0, text);
    document_set(d, member, text);
}

static void note_retry(struct desk *d, struct parcel *p)
{
    struct document *doc = &p->document;
    const char *problem = first_finding(&p->findings), *before = document_text(doc, "problem");
    if (p->delivery.verdict == RETRY || p->delivery.verdict == IN_DOUBT) {
        if (p->delivery.not_before <= instant_now().seconds)
            p->delivery.not_before =
                instant_now().seconds + 1 + backoff_milliseconds(p->delivery.attempt, 1000, 300000) / 1000;
        set_time(doc, "not_before", p->delivery.not_before);
    }
    if (!before || strcmp(before, problem) != 0) /* the same again and again is not news */
        document_note(doc, d->role, "attempt %u: %s%s%s", p->delivery.attempt,
                      verdict_word(p->delivery.verdict), *problem ? ": " : "", problem);
    document_set(doc, "problem", *problem ? problem : NULL);
}

/* What became of a document that goes to error/, and in words. Refused is only what the other side refused.
 */
static const char *failure(const struct parcel *p, const char **words)
{
    if (p->in_doubt) {
        *words = "it is not known whether it arrived";
        return "undecided";
    }
    if (p->given_up) {
        *words = "given up";
        return "given-up";
    }
    if (p->delivery.unsent || (!p->attempted && !p->asked)) {
        *words = "not sent";
        return "stopped";
    }
    *words = "refused by the other side";
    return "rejected";
}

static void note_other_endpoint(struct desk *d, struct document *doc)
{
    const char *before = document_text(doc, "endpoint"), *now = d->endpoint.config->name;
    if (before && strcmp(before, now) != 0 && !document_person_noted(doc))
        document_note(doc, "operator", "moved by hand to outbox/%s/; it was for %s", now, before);
    document_set(doc, "endpoint", now);
}

static int finish_envelope(struct desk *d, struct parcel *p)
{
    const char *words;
    struct document *doc = &p->document;
    const struct delivery *v = &p->delivery;
    give_up_late(d, p);
    document_set_integer(doc, "attempts", v->attempt);
    if (!p->elsewhere[0])
        note_other_endpoint(d, doc);
    if (v->external[0])
        document_set(doc, "external_id", v->external);
    if (v->verdict != DELIVERED && v->verdict != REJECTED) {
        note_retry(d, p);
        return document_save(doc);
    }
    document_set(doc, "not_before", NULL);
    document_set(doc, "problem", NULL);
    if (v->verdict == DELIVERED && p->was_delivered) {
        document_set(doc, "outcome", "delivered");
        document_note(doc, d->role, "found in outbox/%s, but it was delivered%s%s already: not sent again",
                      d->endpoint.config->name, p->elsewhere[0] ? " to " : "", p->elsewhere);
        return document_save(doc);
    }
    if (v->verdict == DELIVERED) {
        document_set(doc, "outcome", "delivered");
        document_note(doc, d->role, "delivered%s%s%s%s", p->asked ? " (found by asking)" : "",
                      v->external[0] ? " as " : "", v->external, v->awaited ? "; its fate is asked for" : "");
        return document_save(doc);
    }
    document_set(doc, "outcome", failure(p, &words));
    document_note(doc, d->role, "%s, to error/: %s", words, first_finding(&p->findings));
    return document_write_error(doc, &p->findings, "outbox");
}

static int enter(struct desk *d, struct parcel *p)
{
    const struct delivery *v = &p->delivery;
    const char *key = document_text(&p->document, "business_key");
    struct state *s = d->endpoint.state;
    if (v->external[0] && state_link(s, "external", v->external, p->document.name) < 0)
        return -1;
    if ((v->verdict == DELIVERED || p->earlier_arrived) && key &&
        state_key_delivered(s, key, p->document.name, v->attempt) < 0)
        return -1;
    bool not_there = v->verdict == RETRY || v->verdict == HELD || (v->verdict == REJECTED && !p->in_doubt);
    if (p->marked && not_there && state_key_sending(s, key, p->document.name, false) < 0)
        return -1;
    if (v->verdict != DELIVERED || p->elsewhere[0] || (!v->awaited && !v->acknowledgment_due))
        return 0;
    int64_t now = instant_now().seconds;
    struct awaited a = {.since = now, .next_look = now, .due = v->acknowledgment_due};
    snprintf(a.document, sizeof a.document, "%s", p->document.name);
    snprintf(a.endpoint, sizeof a.endpoint, "%s", d->endpoint.config->name);
    snprintf(a.external, sizeof a.external, "%s", v->external);
    return state_await(s, &a);
}

static int write_down(struct desk *d, struct batch *b)
{
    for (struct parcel *p = b->first; p; p = p->next) {
        if (((p->attempted || p->asked) && attempts_write_receipt(d, p, p->delivery.attempt) < 0) ||
            finish_envelope(d, p) < 0) {
            log_error("what came of %s cannot be written: %s", p->document.name, strerror(errno));
            return -1;
        }
    }
    int result = state_begin(d->endpoint.state);
    for (struct parcel *p = b->first; p && result == 0; p = p->next)
        result = enter(d, p);
    if (result < 0 || state_mark_next(d->endpoint.state, NULL) < 0 || state_commit(d->endpoint.state) < 0) {
        log_error("the state cannot be written: %s", state_error(d->endpoint.state));
        state_rollback(d->endpoint.state);
        return -1;
    }
    for (const struct parcel *p = b->first; p; p = p->next)
        if (p->delivery.verdict == DELIVERED &&
            reach_archive(d->endpoint.state, &d->spool, p->document.name) < 0) {
            log_error("how far the spool reaches cannot be written down: %s", strerror(errno));
            return -1;
        }
    if (spool_sync(&d->spool) == 0) {
        state_mark_write(d->endpoint.state, &d->spool);
        return 0;
    }
    log_error("the disk cannot be synced: %s", strerror(errno));
    return -1;
}

static int move(struct desk *d, struct parcel *p)
{
    char name[DOCUMENT_NAME_TEXT];
    struct document *doc = &p->document;
    enum stage to = p->delivery.verdict == DELIVERED ? STAGE_ARCHIVE : STAGE_ERROR;
    int result = spool_move(&d->spool, doc->parent, doc->name, to, NULL, doc->name);
    if (result < 0 && (errno == EEXIST || errno == ENOTEMPTY)) {
        document_id_new(name);
        log_error("%s: there is a folder of that name in the next stage already; it goes to error/ as %s",
                  doc->name, name);
        if (p->delivery.verdict != DELIVERED &&
            document_write_error_as(doc, &p->findings, "outbox", name) < 0)
            log_warning("error.txt of %s names it as it was called before: %s", name, strerror(errno));
        result = spool_move(&d->spool, doc->parent, doc->name, STAGE_ERROR, NULL, name);
    }
    if (result < 0 && errno == ENOENT) {
        log_warning("%s was moved away by somebody while it was being sent", doc->name);
        result = 0;
    }
    if (result < 0)
        log_error("%s cannot be moved to its next stage: %s", doc->name, strerror(errno));
    return result;
}

const char *dispatch_why_held(const struct parcel *p)
{
    const struct finding *f = p->findings.first;
    if (!f || !*f->what)
        return "It has to wait.";
    return *f->todo ? arena_printf(p->findings.arena, "%s %s", f->what, f->todo) : f->what;
}

static void count(struct desk *d, const struct parcel *p)
{
    const struct document *doc = &p->document;
    const char *endpoint = d->endpoint.config->name;
    enum verdict v = p->delivery.verdict;
    if (p->attempted || p->asked)
        tally_count(ATTEMPTS, 1, TALLY_LABELS(endpoint, verdict_word(v)));
    if (p->was_delivered || (v != DELIVERED && v != REJECTED))
        return;
    tally_count(HANDLED, 1,
                TALLY_LABELS("outbox", document_text(doc, "source.name"), document_text(doc, "type"),
                             document_text(doc, "partner"), endpoint, document_text(doc, "outcome")));
    if (v == DELIVERED)
        tally_observe(DELIVERY_SECONDS, document_age(doc), TALLY_LABELS(endpoint));
}

static void report(struct desk *d, struct batch *b, const struct parcel *p)
{
    const struct delivery *v = &p->delivery;
    const char *why = first_finding(&p->findings);
    char when[INSTANT_TEXT] = "", called[DOCUMENT_CALLED];
    (void)d;
    if (v->not_before)
        instant_print((struct instant){.seconds = v->not_before}, 0, when);
    switch (v->verdict) {
    case DELIVERED:
        b->delivered++;
        log_info("%s: %s %s%s%s", p->document.name, document_called(&p->document, called),
                 p->was_delivered ? "was delivered already, and goes back into the archive" : "delivered",
                 v->external[0] ? " as " : "", v->external);
        break;
    case REJECTED:
        b->failed++;
        log_warning("%s: %s goes to error/: %s", p->document.name, document_called(&p->document, called),
                    *why ? why : "it cannot be sent");
        break;
    case HELD:
        if (v->only_partner) {
            b->held++;
            break;
        }
        if (!b->held_until)
            b->held_why = dispatch_why_held(p);
        if (v->not_before > b->held_until)
            b->held_until = v->not_before;
        if (!b->held_until)
            b->held_until = instant_now().seconds + 60;
        break;
    default:
        b->retried++;
        log_info("%s: %s; again at %s%s%s", p->document.name,
                 v->verdict == RETRY ? "not delivered" : "in doubt, the other side will be asked", when,
                 *why ? ": " : "", why);
    }
}

static int settle(struct desk *d, struct batch *b)
{
    if (write_down(d, b) < 0)
        return -1;
    for (struct parcel *p = b->first; p; p = p->next) {
        report(d, b, p);
        count(d, p);
        if ((p->delivery.verdict == DELIVERED || p->delivery.verdict == REJECTED) && move(d, p) < 0)
            return -1;
    }
    if (spool_settle(&d->spool) < 0) {
        log_error("the disk cannot be synced: %s", strerror(errno));
        return -1;
    }
    for (const struct parcel *p = b->first; p; p = p->next)
        if (p->delivery.verdict == DELIVERED && (p->delivery.awaited || p->delivery.acknowledgment_due)) {
            desk_wake_poller(d);
            break;
        }
    return 0;
}

int dispatch(struct desk *d, struct batch *b)
{
    struct delivery **deliveries = arena_zero(b->arena, b->count * sizeof *deliveries);
    if (check_all(d, b) < 0)
        return -1;
    for (struct parcel *p = b->first; p; p = p->next)
        if (!p->settled && p->in_doubt && confirm(d, p) < 0)
            return -1;
    prepare(d, b, deliveries);
    if (deliver(d, b, deliveries) < 0)
        return -1;
    return settle(d, b);
}
