/* reindex: see reindex.h. A key that several documents carry belongs to the one that came first among those
 * that are on their way or done; one in error/ has it only when nobody else does, as when the translator
 * decides. */
#include "state/reindex.h"
#include "base/date.h"
#include "base/json.h"
#include "spool/document.h"
#include "state/mark.h"
#include "state/reach.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_RANGES 12 /* of missing days that a sentence names */

struct walk {
    struct state *state;
    struct findings *findings;
    struct reindexing *result;
    struct reach reach; /* how far the spool reached before */
    enum stage stage;   /* the one being read */
    char newest[DOCUMENT_NAME_TEXT];
};

static int fail(struct walk *w, const char *where)
{
    finding_add(w->findings, SEVERITY_ERROR, "reindex.state", where, "The state is as it was before.",
                "The state cannot be written: %s.", state_error(w->state));
    return -1;
}

/* A first destination is called by its bare id until it leaves its translator; the state knows it by the name
 * that it goes by then. */
static void name_by_destination(struct document *d)
{
    int64_t n = json_integer_at(d->envelope, "destination", 0);
    if (d->destination == 0 && n > 0 && n <= 999999)
        snprintf(d->name, sizeof d->name, "%.28s.%d", d->id, (int)n);
}

/* Of two undelivered documents on their way, whose key it is. */
static bool comes_before(const struct walk *w, const struct document *d, const struct seen *holder)
{
    int order =
        w->result->precedence && !holder->sending
            ? w->result->precedence(w->result->context, document_text(d, "source.name"), holder->source)
            : 0;
    return order ? order > 0 : strcmp(d->name, holder->document) < 0;
}

static int index_key(struct walk *w, const struct document *d)
{
    const char *key = document_text(d, "business_key"), *outcome = document_text(d, "outcome");
    const char *sha256 = document_text(d, "canonical.sha256"), *source = document_text(d, "source.name");
    struct seen holder;
    if (!key || (outcome && !strcmp(outcome, "duplicate")) || document_text(d, "differs_from"))
        return 0;
    bool delivered = outcome && !strcmp(outcome, "delivered");
    int rc = state_claim_key(w->state, key, d->name, sha256 ? sha256 : "", source, &holder);
    if (rc == 1 && w->stage != STAGE_ERROR &&
        (comes_before(w, d, &holder) || (delivered && !holder.delivered)) && (delivered || !holder.delivered))
        rc = state_take_key(w->state, key, d->name, sha256 ? sha256 : "", source);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    bool in_doubt = w->result->may_have_arrived && !outcome && w->result->may_have_arrived(d->folder);
    if (in_doubt && state_key_sending(w->state, key, d->name, true) < 0)
        return -1;
    int64_t attempt = json_integer_at(d->envelope, "attempts", 1);
    return state_key_delivered(w->state, key, d->name,
                               !delivered                            ? 0
                               : attempt > 0 && attempt < UINT32_MAX ? (unsigned)attempt
                                                                     : 1);
}

static int index_control_number(struct walk *w, const struct document *d)
{
    const char *partner = document_text(d, "partner");
    int64_t number = json_integer_at(d->envelope, "control_number", 0);
    if (!partner || number < 1 || number > 999999999)
        return 0;
    char text[16];
    snprintf(text, sizeof text, "%d", (int)number);
    reach_found_number(&w->reach, partner, (uint32_t)number);
    if (state_control_number_note(w->state, partner, d->name, (uint32_t)number) < 0)
        return -1;
    return state_link(w->state, "control", text, d->name);
}

static int index_links(struct walk *w, const struct document *d)
{
    const char *kind, *number = document_text(d, "number");
    json_t *values, *value;
    size_t i;
    const char *external = document_text(d, "external_id");
    if (number && state_link(w->state, "number", number, d->name) < 0)
        return -1;
    if (external && state_link(w->state, "external", external, d->name) < 0)
        return -1;
    json_object_foreach(json_object_get(d->envelope, "keys"), kind, values)
    {
        if (json_is_string(values) && state_link(w->state, kind, json_string_value(values), d->name) < 0)
            return -1;
        json_array_foreach(values, i, value) if (json_is_string(value) &&
                                                 state_link(w->state, kind, json_string_value(value),
                                                            d->name) < 0) return -1;
    }
    return 0;
}

/* Seconds since 1970, written as a number or as a date with time. */
static int64_t seconds_at(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    struct instant t;
    if (json_is_string(value) && instant_parse(slice_of(json_string_value(value)), &t))
        return t.seconds;
    return json_is_integer(value) ? json_integer_value(value) : 0;
}

static void copy(char *out, size_t room, const char *one, const char *other)
{
    snprintf(out, room, "%s", one ? one : other ? other : "");
}

static int index_awaited(struct walk *w, const struct document *d)
{
    const json_t *awaiting = json_object_get(d->envelope, "awaiting");
    struct awaited a = {0};
    if (!json_is_object(awaiting))
        return 0;
    copy(a.document, sizeof a.document, d->name, NULL);
    copy(a.endpoint, sizeof a.endpoint, json_text_at(awaiting, "endpoint"), document_text(d, "endpoint"));
    copy(a.external, sizeof a.external, json_text_at(awaiting, "external"), document_text(d, "external_id"));
    copy(a.status, sizeof a.status, json_text_at(awaiting, "status"), NULL);
    a.since = seconds_at(awaiting, "since");
    a.next_look = seconds_at(awaiting, "next_look");
    a.due = seconds_at(awaiting, "due");
    a.looks = (int)json_integer_at(awaiting, "looks", 0);
    return state_await(w->state, &a);
}

static int index_not_sent(struct walk *w, const struct document *d)
{
    const char *outcome = document_text(d, "outcome"), *reason = document_text(d, "reason");
    return outcome && !strcmp(outcome, "not-sent") ? state_not_sent(w->state, d->id, reason ? reason : "")
                                                   : 0;
}

/* Kept where the state knows of one already, as what was delivered is. */
static int index_interchanges(struct walk *w, const struct document *d)
{
    const json_t *all = json_object_get(d->envelope, "interchanges"), *one;
    const char *sha256 = document_text(d, "source.sha256");
    struct interchange_seen ignored;
    size_t i;
    json_array_foreach(all, i, one)
    {
        const char *sender = json_text_at(one, "sender"), *control = json_text_at(one, "control");
        if (sender && control &&
            state_interchange_claim(w->state, sender, control, d->id, sha256 ? sha256 : "", &ignored) < 0)
            return -1;
    }
    return 0;
}

static int index_document(struct walk *w, int parent, const char *name)
{
    struct document d;
    if (document_open(&d, parent, name, NULL) < 0) {
        w->result->unreadable++;
        finding_add(w->findings, SEVERITY_WARNING, "reindex.unreadable", name,
                    "Let spoolgate's user read it.", "The document %s cannot be read: %s.", name,
                    strerror(errno));
        return 0;
    }
    w->result->documents++;
    reach_found(&w->reach, d.name, w->stage == STAGE_ARCHIVE);
    name_by_destination(&d);
    if (strcmp(d.id, w->newest) > 0)
        memcpy(w->newest, d.id, sizeof w->newest);
    bool recovered = json_is_true(json_object_get(d.envelope, "recovered"));
    w->result->unreadable += recovered;
    if (recovered)
        finding_add(w->findings, SEVERITY_WARNING, "reindex.envelope", name, "Look at it: spoolgate show.",
                    "The document.json of %s is missing or broken; what it said is not in the index.", name);
    int rc = index_key(w, &d) < 0 || index_control_number(w, &d) < 0 || index_links(w, &d) < 0 ||
                     index_awaited(w, &d) < 0 || index_not_sent(w, &d) < 0 || index_interchanges(w, &d) < 0
                 ? fail(w, name)
                 : 0;
    document_close(&d);
    return rc;
}

/* The folders of parent/name: documents are indexed; others are gone into, down to depth. */
static int walk(struct walk *w, int parent, const char *name, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP || errno == ENOENT))
        return 0;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        finding_add(w->findings, SEVERITY_ERROR, "reindex.folder", name, "Let spoolgate's user read it.",
                    "The folder %s cannot be listed: %s. The state is as it was before.", name,
                    strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int rc = 0;
    struct dirent *e;
    while (rc == 0 && (e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        if (document_name_parse(e->d_name, NULL, NULL))
            rc = index_document(w, fd, e->d_name);
        else if (depth > 0)
            rc = walk(w, fd, e->d_name, depth - 1);
    }
    closedir(d);
    return rc;
}

/* ---- what the spool held before ---- */

/* "2026/03/01 to 2026/03/31 (31 days, at least 1200 documents), 2026/04/02 (1 day)"; the days whose test
 * holds. */
static const char *name_days(struct walk *w, bool (*test)(const struct reach_day *d), unsigned long *count)
{
    const struct reach *r = &w->reach;
    struct buffer text = {0};
    unsigned ranges = 0;
    *count = 0;
    for (size_t i = 0, last; i < r->day_count; i = last) {
        long documents = 0;
        for (last = i; last < r->day_count && test(&r->days[last]); last++)
            documents += r->days[last].counted > 0 ? r->days[last].counted - r->days[last].found : 0;
        unsigned long days = (unsigned long)(last - i);
        *count += days;
        if (!days)
            last++;
        else if (ranges++ < DAY_RANGES) {
            buffer_printf(&text, "%s%s", text.len ? ", " : "", r->days[i].day);
            if (days > 1)
                buffer_printf(&text, " to %s", r->days[last - 1].day);
            buffer_printf(&text, " (%lu day%s", days, days == 1 ? "" : "s");
            if (documents > 0)
                buffer_printf(&text, ", at least %ld documents", documents);
            buffer_byte(&text, ')');
        }
    }
    if (ranges > DAY_RANGES)
        buffer_text(&text, " and others");
    const char *days = arena_text(w->findings->arena, buffer_as_slice(&text));
    buffer_free(&text);
    return days;
}

static bool missing_and_unknown(const struct reach_day *d)
{
    return d->unknown && reach_day_missing(d);
}

/* The state at hand did not enter what these folders would show. */
static int compare_with_reach(struct walk *w, bool force)
{
    static const char todo[] =
        "Bring the folders back (a storage that is not mounted?), or put the state's file back that knew "
        "them, and say `spoolgate reindex` again. `spoolgate reindex --force` goes on without them: what was "
        "delivered with them is not known then, and is sent a second time when it comes again, from the ERP, "
        "a "
        "customer or by hand.";
    enum severity severity = force ? SEVERITY_WARNING : SEVERITY_ERROR;
    const char *days = name_days(w, reach_day_missing, &w->result->missing_days);
    bool missing = w->result->missing_days > 0;
    w->result->unknown_days = w->result->missing_days;
    if (missing)
        finding_add(w->findings, severity, "reindex.missing", "archive",
                    force ? "Do not let orders of these days in again without asking the partner." : todo,
                    "The archive held documents that are not in the spool now, of %s.", days);
    for (size_t i = 0; i < w->reach.number_count; i++) {
        const struct reach_numbers *n = &w->reach.numbers[i];
        if (!reach_numbers_missing(n))
            continue;
        missing = w->result->missing_numbers = true;
        finding_add(w->findings, severity, "reindex.missing", n->partner,
                    force ? arena_printf(w->findings->arena, "Its next number is %u.", n->reserved + 1)
                          : todo,
                    "Control numbers up to %u at least were given for the partner %s, and the highest in the "
                    "spool is %u: documents for it are not in the spool.",
                    n->reserved - REACH_BLOCK + 1, n->partner, n->found);
    }
    if (missing && !force)
        return -1;
    for (size_t i = 0; i < w->reach.number_count; i++)
        if (w->reach.numbers[i].reserved && state_control_counter_raise(w->state, w->reach.numbers[i].partner,
                                                                        w->reach.numbers[i].reserved) < 0)
            return fail(w, w->reach.numbers[i].partner);
    return 0;
}

/* A state that entered all of it; but for what a reindex --force gave up once. */
static void count_missing(struct walk *w)
{
    const char *days = name_days(w, missing_and_unknown, &w->result->unknown_days);
    if (w->result->unknown_days)
        finding_add(w->findings, SEVERITY_WARNING, "reindex.unknown", "archive",
                    "Bring the folders back and say `spoolgate reindex` again, when there is doubt.",
                    "What was delivered on days that a reindex --force gave up is still not known: %s.",
                    days);
    name_days(w, reach_day_missing, &w->result->missing_days);
}

/* ---- the whole ---- */

static int rebuild(const struct spool *s, struct walk *w, bool force)
{
    struct findings ignored = {.arena = w->findings->arena};
    bool belongs = state_belongs(w->state, s, &ignored) == 0;
    if (reach_read(&w->reach, s) < 0) {
        finding_add(w->findings, SEVERITY_ERROR, "reindex.reach", ".reach", "Let spoolgate's user read it.",
                    "What the spool says of how far it reached cannot be read: %s.", strerror(errno));
        return -1;
    }
    if (state_begin(w->state) < 0 || state_forget_derived(w->state) < 0)
        return fail(w, "");
    static const enum stage order[] = {STAGE_ARCHIVE, STAGE_OUTBOX, STAGE_TRANSLATE, STAGE_ERROR};
    static const int depth[] = {3, 1, 1, 0};
    for (size_t i = 0; i < 4; i++) {
        w->stage = order[i];
        if (walk(w, s->stage[order[i]], ".", depth[i]) < 0)
            return -1;
    }
    if (belongs)
        count_missing(w);
    else if (compare_with_reach(w, force) < 0)
        return -1;
    if (state_mark_adopt(w->state, s, w->newest) < 0 || state_commit(w->state) < 0)
        return fail(w, "");
    if (reach_settle(w->state, s, &w->reach, !belongs) == 0)
        return 0;
    finding_add(w->findings, SEVERITY_ERROR, "reindex.reach", ".reach",
                "Look at the disk, then say it again.",
                "How far the spool reaches cannot be written down: %s.", strerror(errno));
    return -1;
}

static int refuse(struct findings *f)
{
    if (errno == EWOULDBLOCK)
        finding_add(f, SEVERITY_ERROR, "reindex.running", "", "Stop spoolgate first, then say it again.",
                    "The gateway, or one of its roles, is at work on this spool.");
    else
        finding_add(f, SEVERITY_ERROR, "reindex.lock", "", "Look at the disk, then say it again.",
                    "The spool cannot be locked: %s.", strerror(errno));
    return -1;
}

int reindex(const struct spool *s, struct state *st, struct reindexing *r, struct findings *f)
{
    struct walk w = {.state = st, .result = r, .findings = f};
    *r = (struct reindexing){.precedence = r->precedence,
                             .context = r->context,
                             .may_have_arrived = r->may_have_arrived,
                             .force = r->force};
    if (spool_alone(s) < 0)
        return refuse(f);
    int rc = -1;
    if (state_stands_with(st, s->root) < 0) /* its commit is synced below, or by itself */
        finding_add(f, SEVERITY_ERROR, "reindex.sync", s->path, "Look at the disk, then say it again.",
                    "It cannot be told on which filesystem the state is: %s.", strerror(errno));
    else
        rc = rebuild(s, &w, r->force);
    if (rc < 0)
        state_rollback(st);
    else if (spool_sync(s) < 0) {
        finding_add(f, SEVERITY_ERROR, "reindex.sync", s->path, "Look at the disk, then say it again.",
                    "What was written is not surely on the disk: %s.", strerror(errno));
        rc = -1;
    } else
        state_mark_write(st, s);
    spool_let_go(s);
    reach_free(&w.reach);
    return rc;
}
