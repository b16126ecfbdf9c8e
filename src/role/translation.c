/* translation: see translation.h. Findings of maps and syntaxes are passed on as they are; those made here
 * are the ones of routing: no route, no partner, nothing to be sent. */
#include "role/translation.h"
#include "base/log.h"
#include "base/utf8.h"
#include "role/interchange.h"
#include "role/message.h"
#include "role/split.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct translation *translation_new(struct group *g, struct translator *w)
{
    struct translation *t = arena_zero(&w->arena, sizeof *t);
    t->findings = (struct findings){.arena = &w->arena};
    t->document.folder = -1;
    g->count++;
    return t;
}

struct translation *group_add(struct group *g, struct translator *w)
{
    struct translation *t = translation_new(g, w);
    if (g->last)
        g->last->next = t;
    else
        g->first = t;
    g->last = t;
    return t;
}

/* A copy leaves before what it was split from, so that a kill between the two leaves the original in hand. */
static struct translation *group_add_before(struct group *g, struct translator *w,
                                            const struct translation *original)
{
    struct translation *t = translation_new(g, w), **link = &g->first;
    while (*link != original)
        link = &(*link)->next;
    t->next = *link;
    *link = t;
    return t;
}

void group_free(struct group *g)
{
    for (struct translation *t = g->first; t; t = t->next) {
        document_close(&t->document);
        buffer_free(&t->source);
        buffer_free(&t->message);
    }
    *g = (struct group){0};
}

void translation_fail(struct translation *t, const char *code, const char *todo, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    finding_add(&t->findings, SEVERITY_ERROR, code, "", todo, "%s",
                arena_vprintf(t->findings.arena, format, ap));
    va_end(ap);
    t->fate = FATE_ERROR;
}

/* ---- understanding ---- */

static json_t *member(json_t *envelope, const char *name)
{
    json_t *object = json_object_get(envelope, name);
    if (!json_is_object(object)) {
        object = json_object();
        json_object_set_new(envelope, name, object);
    }
    return object;
}

/* Control characters stand as \xNN: the envelope is read by people, and a zero byte in it by no program. */
static void set_text(struct arena *a, json_t *object, const char *name, struct slice text)
{
    char *shown = arena_alloc(a, 4 * text.len + 4);
    json_object_set_new(object, name, json_stringn(shown, utf8_show(text, shown, 4 * text.len + 3)));
}

static bool is_plain(struct slice text)
{
    while (text.len) {
        size_t n = utf8_sequence(text);
        if (n == 0 || utf8_control(text, n))
            return false;
        text = slice_make(text.ptr + n, text.len - n);
    }
    return true;
}

/* Whether what a document is called by can stand in a key, a file name and a line of a list. */
static bool identity_plain(const struct identity *i)
{
    bool plain = is_plain(i->partner) && is_plain(i->number) && is_plain(i->version);
    for (size_t k = 0; k < i->link_count; k++)
        plain = plain && is_plain(i->links[k].value);
    return plain;
}

/* One that could not be made ours when it was taken, since it could not be read (spool/own.h), may be
 * readable now: it is still somebody else's to alter. */
static bool is_ours(struct translation *t, const char *file)
{
    struct stat st;
    if (fstatat(t->document.folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        st.st_uid == geteuid())
        return true;
    finding_add(&t->findings, SEVERITY_ERROR, "spool.file.foreign", file,
                "Let the user that spoolgate runs as read it, and put the folder back.",
                "It belongs to another user, and could not be copied when the document was taken.");
    return false;
}

/* The bytes to translate: the source as it was received, or the correction a person put beside it. */
static bool read_source(struct translation *t, char file[SPOOL_NAME_MAX + 1])
{
    bool corrected = false;
    return document_source(&t->document, file, &corrected, &t->findings) == 0 &&
           document_read(&t->document, file, &t->source, &t->findings) == 0 && is_ours(t, file);
}

static const struct map *find_map(struct translator *w, struct translation *t, const char *file)
{
    const char *source = document_text(&t->document, "source.name");
    const char *original = document_text(&t->document, "source.file");
    if (!source) {
        translation_fail(
            t, "document.source.unknown",
            "Copy the file itself into the folder of inbox/ from which it came.",
            "The document's folder does not say from which source it came (document.json is missing or "
            "broken), so no map can be chosen.");
        return NULL;
    }
    const struct route *r = config_route(w->config, source, original ? original : file);
    if (!r) {
        translation_fail(
            t, "route.none",
            arena_printf(&w->arena,
                         "Add a [route …] with source = %s and file = a pattern of such names to %s.", source,
                         w->config->file),
            "There is no route for a file named \"%s\" from the source %s.", original ? original : file,
            source);
        return NULL;
    }
    t->route = r;
    document_set(&t->document, "route", r->name);
    document_set(&t->document, "read_map", r->map);
    const struct map *m = map_load(w->maps, r->map, &t->findings);
    if (!m)
        t->fate = FATE_ERROR;
    else
        document_set(&t->document, "type", map_canonical(m));
    return m;
}

static int write_canonical(struct translation *t)
{
    struct buffer bytes = {0};
    if (canonical_write(t->canonical, &bytes) < 0) {
        translation_fail(t, "canonical.write",
                         "Tell the people who look after the program, with source and map.",
                         "The document was read, but canonical.json could not be made of it.");
        buffer_free(&bytes);
        return 0;
    }
    t->canonical_bytes = arena_copy(t->findings.arena, buffer_as_slice(&bytes));
    buffer_free(&bytes);
    if (document_write(&t->document, "canonical", "canonical.json", t->canonical_bytes) < 0) {
        log_error("canonical.json of %s cannot be written: %s", t->document.name, strerror(errno));
        return -1;
    }
    snprintf(t->canonical_sha256, sizeof t->canonical_sha256, "%s",
             document_text(&t->document, "canonical.sha256"));
    return 0;
}

/* What the document says of itself, into document.json, where `list` and `trace` and people look for it: also
 * of one that was understood only in part. */
static void note_identity(struct translator *w, struct translation *t, const struct node *canonical)
{
    struct document *d = &t->document;
    if (canonical_identity(w->maps, canonical, &t->identity) < 0 || !t->identity.number.len) {
        t->identity = (struct identity){0};
        if (t->fate == FATE_SEND)
            translation_fail(t, "document.number", "Correct the map: it has to fill the document's number.",
                             "The document has no number, so it cannot be told from others.");
        return;
    }
    struct arena *a = t->findings.arena;
    set_text(a, d->envelope, "type", t->identity.type);
    set_text(a, d->envelope, "number", t->identity.number);
    if (t->identity.version.len)
        set_text(a, d->envelope, "version", t->identity.version);
    json_t *keys = member(d->envelope, "keys");
    for (size_t i = 0; i < t->identity.link_count; i++)
        if (t->identity.links[i].value.len)
            set_text(a, keys, t->identity.links[i].kind, t->identity.links[i].value);
    if (identity_plain(&t->identity))
        return;
    t->identity = (struct identity){0};
    if (t->fate == FATE_SEND)
        translation_fail(
            t, "document.control-character", "Correct the number where the document was made.",
            "A number that the document is known by, or its partner's, holds a control character.");
}

int translation_understand(struct translator *w, struct translation *t)
{
    char file[SPOOL_NAME_MAX + 1];
    const char *skipped = NULL;
    if (!read_source(t, file)) {
        t->fate = FATE_ERROR;
        return 0;
    }
    const struct map *m = find_map(w, t, file);
    if (!m)
        return 0;
    unsigned long sets = 0;
    int done = map_syntax(m) == &syntax_x12 ? interchange_judge(w, t, &sets) : 0;
    if (!done && sets > 1)
        done = split_interchange(w, t);
    if (done)
        return done < 0 ? -1 : 0;
    struct node *partial = NULL;
    struct map_run run = {.findings = &t->findings, .partial = &partial};
    t->canonical = map_read(m, buffer_as_slice(&t->source), &run, &skipped);
    if (!t->canonical) {
        t->fate = FATE_ERROR;
        if (partial)
            note_identity(w, t, partial);
        return 0;
    }
    if (skipped) {
        t->fate = FATE_ARCHIVE;
        t->outcome = "not-sent";
        document_note(&t->document, w->role, "not for sending: %s", skipped);
        document_set(&t->document, "reason", skipped);
    }
    note_identity(w, t, t->canonical);
    return write_canonical(t);
}

/* ---- addressing ---- */

static void no_partner(struct translator *w, struct translation *t)
{
    struct slice number = t->identity.partner;
    if (number.len)
        translation_fail(t, "partner.unknown",
                         arena_printf(&w->arena, "Add erp_id = %.*s to a partner's file in partners.d.",
                                      SLICE_ARG(number)),
                         "No partner has the number \"%.*s\", which this %.*s is for.", SLICE_ARG(number),
                         SLICE_ARG(t->identity.type));
    else
        translation_fail(t, "partner.none", "Correct the document, or the map that should read its partner.",
                         "The document does not say which partner it is for.");
}

static void set_destination(struct translation *t, const struct sending *s, unsigned n)
{
    t->sending = s;
    t->destination = n;
    t->name = arena_printf(t->findings.arena, "%s.%u", t->document.id, n);
    document_set_integer(&t->document, "destination", n);
    document_set(&t->document, "partner", t->partner->id);
    document_set(&t->document, "endpoint", s->endpoint);
    document_set(&t->document, "map", s->map);
    document_set(&t->document, "form", s->form);
}

/* A further destination: a folder of its own that shares source and canonical.json. */
static int add_destination(struct translator *w, struct group *g, const struct translation *t,
                           const struct sending *s, unsigned n)
{
    char path[512];
    if (spool_find(&w->spool, arena_printf(&w->arena, "%s.%u", t->document.id, n), path))
        return 0; /* made by a try that was broken off: it goes its own way */
    struct translation *further = group_add_before(g, w, t);
    if (work_split(&w->work, &t->document, n, &further->document) < 0) {
        further->document.folder = -1;
        log_error("%s cannot be copied for its destination %u: %s", t->document.name, n, strerror(errno));
        return -1;
    }
    further->canonical = t->canonical;
    further->canonical_bytes = t->canonical_bytes;
    memcpy(further->canonical_sha256, t->canonical_sha256, sizeof t->canonical_sha256);
    further->identity = t->identity;
    further->partner = t->partner;
    set_destination(further, s, n);
    return 0;
}

/* Who may write to a folder of inbox/ may hand in documents in that source's name: for those partners, and of
 * those types, that its route allows. */
static bool may_hand_in(struct translator *w, struct translation *t)
{
    const struct route *r = t->route;
    bool type = !r || config_allows(r->types, t->identity.type),
         partner = !r || config_allows(r->partners, slice_of(t->partner->id));
    if (type && partner)
        return true;
    const char *key = type ? "partners" : "types",
               *word = type ? t->partner->id : arena_text(&w->arena, t->identity.type);
    translation_fail(
        t, type ? "route.partner" : "route.type",
        arena_printf(&w->arena,
                     "If it may, add %s to %s of [route %s] in %s, and reload; if not, ask who laid "
                     "it there.",
                     word, key, r->name, r->file),
        "The source %s may not hand in this %.*s for %s: its route %s is limited to other %s.", r->source,
        SLICE_ARG(t->identity.type), t->partner->name, r->name, key);
    return false;
}

int translation_address(struct translator *w, struct group *g, struct translation *t)
{
    if (t->fate != FATE_SEND || t->destination)
        return 0;
    t->partner = config_partner_by_erp(w->config, t->identity.partner);
    if (!t->partner) {
        no_partner(w, t);
        return 0;
    }
    document_set(&t->document, "partner", t->partner->id);
    if (!may_hand_in(w, t))
        return 0;
    unsigned n = 0, only = t->document.destination;
    for (const struct sending *s = t->partner->sendings; s; s = s->next) {
        if (!slice_is(t->identity.type, s->type))
            continue;
        n++;
        if (only ? n != only : n > 1)
            continue;
        set_destination(t, s, n);
    }
    if (!t->sending) {
        translation_fail(t, only ? "partner.destination" : "partner.sends-not",
                         arena_printf(&w->arena, "Add a [send %.*s] to %s.", SLICE_ARG(t->identity.type),
                                      t->partner->file),
                         only
                             ? "%s has %u destinations for a document of type %.*s; this was for another one."
                             : "%s has %u destinations for a document of type %.*s.",
                         t->partner->name, n, SLICE_ARG(t->identity.type));
        return 0;
    }
    unsigned k = 0;
    for (const struct sending *s = t->partner->sendings; s && !only; s = s->next)
        if (slice_is(t->identity.type, s->type) && ++k > 1 && add_destination(w, g, t, s, k) < 0)
            return -1;
    return 0;
}

/* ---- writing ---- */

int translation_write(struct translator *w, struct translation *t)
{
    if (t->fate != FATE_SEND)
        return 0;
    struct document *d = &t->document;
    struct message_facts facts = {.document = t->name,
                                  .control_number = t->control_number,
                                  .prepared = message_prepared(d->id),
                                  .identity = &t->identity};
    const struct syntax *written =
        message_write(w->maps, t->partner, t->sending, NULL, t->canonical, &facts, &t->message, &t->findings);
    if (!written) {
        if (!t->findings.errors)
            translation_fail(t, "message.write",
                             "Tell the people who look after the program, with source and map.",
                             "The message could not be written.");
        t->fate = FATE_ERROR;
        t->release_key = true;
        return 0;
    }
    const char *file = arena_printf(&w->arena, "message.%s", written->extension);
    struct slice bytes = buffer_as_slice(&t->message);
    const char *stale = document_text(d, "message.file");
    if (stale && strcmp(stale, file) != 0)
        unlinkat(d->folder, stale, 0);
    json_object_del(d->envelope, "message");
    document_note(d, w->role, "translated to %s for %s, control number %u", written->name, t->partner->id,
                  t->control_number);
    if (document_write(d, "message", file, bytes) < 0) {
        log_error("%s of %s cannot be written: %s", file, d->name, strerror(errno));
        return -1;
    }
    const char *name = message_name(t->partner, t->sending, written, &facts, &t->findings);
    json_t *message = member(d->envelope, "message");
    json_object_set_new(message, "name", json_string(name));
    return 0;
}
