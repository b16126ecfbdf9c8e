/* pickup: see pickup.h. What is looked for, and what is taken; how it leaves the other side is in
 * pickup_away.c. The order that loses nothing: read, inbox_commit (durable), note in state, and only then
 * away there. Killed between any two of these, the next look finds the file again; its bytes are read anew
 * and compared by SHA-256 with what was noted, so that another file that happens to have name, size and time
 * in common is not taken for the old one. */
#include "adapter/pickup_away.h"
#include "base/date.h"
#include "base/hash.h"
#include "base/log.h"
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define BATCH_FILES 256
#define BATCH_BYTES (64u * 1024u * 1024u)
#define AGAIN_MOST 3600 /* seconds until a file that could not be read is read again, at the most */
#define PATIENCE 15     /* seconds that one poll waits for files to become ripe */

const char *path_below(struct arena *a, const char *directory, const char *name)
{
    size_t n = strlen(directory);
    return arena_printf(a, "%s%s%s", directory, n && directory[n - 1] != '/' ? "/" : "", name);
}

/* ---- settings ---- */

#define IN_PLACE "remove-in-place"

/* The directory of "move:<directory>", "" for "remove" and "remove-in-place", NULL when it is none of them.
 */
static const char *move_target(const char *text)
{
    if (!text || strcmp(text, "remove") == 0 || strcmp(text, IN_PLACE) == 0)
        return "";
    if (strncmp(text, "move:", 5) != 0)
        return NULL;
    text += 5;
    text += strspn(text, " ");
    return *text ? text : NULL;
}

void pickup_check(const struct endpoint_config *e, struct findings *f)
{
    static const char *const keys[] = {"pickup_pattern", "pickup_after", "after_pickup", NULL};
    endpoint_number(e, "pickup_after", 0, 86400, 10, f);
    endpoint_number(e, "interval", 1, 86400, 60, f);
    if (!move_target(endpoint_setting(e, "after_pickup")))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "after_pickup", f->arena),
                    "Write remove, remove-in-place, or move:DIRECTORY.",
                    "after_pickup = %s is not understood.", endpoint_setting(e, "after_pickup"));
    for (const char *const *k = keys; *k && !endpoint_setting(e, "pickup"); k++)
        if (endpoint_setting(e, *k))
            finding_add(f, SEVERITY_WARNING, "config.value", endpoint_where(e, *k, f->arena),
                        "Add pickup = DIRECTORY, or remove it.",
                        "%s has no effect: there is no pickup directory.", *k);
}

struct pickup *pickup_open(const struct endpoint_config *e, const char *beside, bool *wrong,
                           struct findings *f)
{
    unsigned errors = f->errors;
    const char *directory = endpoint_setting(e, "pickup"), *pattern = endpoint_setting(e, "pickup_pattern");
    pickup_check(e, f);
    *wrong = f->errors != errors;
    if (!directory || *wrong)
        return NULL;
    struct pickup *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    const char *target = move_target(endpoint_setting(e, "after_pickup"));
    bool local = beside && *directory != '/';
    p->directory =
        local ? path_below(&p->settings, beside, directory) : arena_text(&p->settings, slice_of(directory));
    if (*target)
        p->move_to = beside && *target != '/' ? path_below(&p->settings, beside, target)
                                              : arena_text(&p->settings, slice_of(target));
    p->pattern = arena_text(&p->settings, slice_of(pattern && *pattern ? pattern : "*"));
    const char *away = endpoint_setting(e, "after_pickup");
    p->in_place = away && strcmp(away, IN_PLACE) == 0;
    p->after = endpoint_number(e, "pickup_after", 0, 86400, 10, f);
    p->interval = endpoint_number(e, "interval", 1, 86400, 60, f);
    return p;
}

void pickup_close(struct pickup *p)
{
    if (!p)
        return;
    arena_free(&p->settings);
    arena_free(&p->looks[0]);
    arena_free(&p->looks[1]);
    free(p);
}

const char *pickup_directory(const struct pickup *p)
{
    return p->directory;
}

/* ---- looking ---- */

static bool temporary_name(const char *name)
{
    static const char *const endings[] = {".tmp", ".part", ".filepart", ".partial", NULL};
    if (name[0] == '.')
        return true;
    for (const char *const *end = endings; *end; end++)
        if (slice_ends(slice_of(name), slice_of(*end)))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct seen_file *)a)->name, ((const struct seen_file *)b)->name);
}

/* Those that were put aside come first: they were taken before, and may have been followed by another of
 * their name. */
static int oldest_first(const void *a, const void *b)
{
    const struct seen_file *x = *(struct seen_file *const *)a, *y = *(struct seen_file *const *)b;
    if (!x->aside != !y->aside)
        return x->aside ? -1 : 1;
    return x->modified < y->modified ? -1 : x->modified > y->modified ? 1 : strcmp(x->name, y->name);
}

static bool is_candidate(const struct pickup *p, const struct sftp_file *file, struct arena *a,
                         struct seen_file *out)
{
    *out = (struct seen_file){.name = file->name, .size = file->size, .modified = file->modified};
    out->origin = pickup_origin(file->name, a, &out->aside);
    return file->regular && !temporary_name(out->origin) && fnmatch(p->pattern, out->origin, 0) == 0;
}

/* The new look, with what the last one knew of files that have not changed. */
static void remember(struct pickup *p, const struct sftp_file *files, size_t n, int64_t now)
{
    struct arena *a = &p->looks[p->which];
    struct seen_file *fresh = arena_alloc(a, (n ? n : 1) * sizeof *fresh);
    size_t count = 0, old = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_candidate(p, &files[i], a, &fresh[count]))
            continue;
        fresh[count++].since = now;
    }
    qsort(fresh, count, sizeof *fresh, by_name);
    for (size_t i = 0; i < count; i++) {
        while (old < p->count && strcmp(p->files[old].name, fresh[i].name) < 0)
            old++;
        const struct seen_file *before = old < p->count ? &p->files[old] : NULL;
        if (before && strcmp(before->name, fresh[i].name) == 0 && before->size == fresh[i].size &&
            before->modified == fresh[i].modified) {
            fresh[i].since = before->since > now ? now : before->since;
            fresh[i].settled = before->settled;
            fresh[i].odd = before->odd;
            fresh[i].failures = before->failures;
            fresh[i].again = before->again;
        }
    }
    p->files = fresh;
    p->count = count;
}

static enum sftp_result look(struct looking *l)
{
    struct pickup *p = l->p;
    struct sftp_file *files;
    size_t n;
    int next = !p->which;
    arena_reset(&p->looks[next]);
    enum sftp_result r = l->side->list(l->side->context, p->directory, &p->looks[next], &files, &n, l->f);
    if (r != SFTP_OK)
        return r;
    p->which = next;
    remember(p, files, n, l->now);
    return r;
}

static size_t ripe_files(struct looking *l, struct seen_file ***out)
{
    struct pickup *p = l->p;
    size_t n = 0;
    *out = arena_alloc(&p->looks[p->which], (p->count ? p->count : 1) * sizeof **out);
    for (size_t i = 0; i < p->count; i++)
        if (!p->files[i].settled && l->now - p->files[i].since >= p->after && l->now >= p->files[i].again)
            (*out)[n++] = &p->files[i];
    qsort(*out, n, sizeof **out, oldest_first);
    return n;
}

/* ---- taking ---- */

static const char *refused_version(struct looking *l, const struct seen_file *file)
{
    return arena_printf(&l->arena, "refused-%llu-%lld", (unsigned long long)file->size,
                        (long long)file->modified);
}

/* Told once, also by the next process: until it changes it is not read again. */
static void refuse(struct looking *l, struct seen_file *file, const char *code, const char *what)
{
    file->settled = true;
    finding_add(l->f, SEVERITY_ERROR, code, file->name, "Have the partner put it right and send it anew.",
                "%s It is left where it is.", what);
    if (state_polled_note(l->e->state, l->e->config->name, file->name, refused_version(l, file)))
        log_warning("%s: what was refused could not be noted: %s", l->e->config->name,
                    state_error(l->e->state));
}

/* The server sends more bytes than it announces, or fewer. A file that is being written does that as well,
 * once: at the next look it has changed. */
static void not_as_announced(struct looking *l, struct seen_file *file, bool more)
{
    if (!file->odd) {
        file->odd = true;
        file->since = l->now;
        return;
    }
    refuse(l, file, "pickup.size",
           arena_printf(&l->arena,
                        "The server says that the file has %llu bytes, and sends %s: twice, and unchanged in "
                        "between.",
                        (unsigned long long)file->size, more ? "more" : "fewer"));
}

static void tell(struct looking *l, const struct findings *why)
{
    for (const struct finding *q = why->first; q; q = q->next)
        finding_add(l->f, q->severity, q->code, q->where, q->todo, "%s", q->what);
}

/* It is tried again later and later, and told once. */
static void could_not_read(struct looking *l, struct seen_file *file, const struct findings *why)
{
    int64_t pause = (int64_t)60 << (file->failures < 6 ? file->failures : 6);
    file->again = l->now + (pause < AGAIN_MOST ? pause : AGAIN_MOST);
    if (!file->failures++)
        tell(l, why);
}

/* Puts what was read into the batch, unless it was before. 1, or -1. */
static int take_bytes(struct looking *l, struct inbox_batch *b, struct seen_file *file, struct slice content,
                      struct taken *t)
{
    char name[SPOOL_NAME_MAX + 1];
    *t = (struct taken){.file = file};
    hash_sha256(content, t->hash);
    t->version = arena_printf(&l->arena, "%llu-%lld-%s", (unsigned long long)file->size,
                              (long long)file->modified, t->hash);
    t->known = (file->aside && strncmp(file->aside, t->hash, strlen(file->aside)) == 0) ||
               state_polled(l->e->state, l->e->config->name, file->origin, t->version) == 1;
    inbox_name(name, file->origin);
    if (t->known || inbox_add(b, name, content) == 0)
        return 1;
    finding_add(l->f, SEVERITY_ERROR, "pickup.inbox", file->name, "",
                "The file cannot be put into the inbox: %s.", strerror(errno));
    return -1;
}

/* Reads one file into the batch. 1: part of it; 0: not now; -1: the poll must stop. */
static int take(struct looking *l, struct inbox_batch *b, struct seen_file *file, size_t *bytes,
                struct taken *t)
{
    struct buffer content = {0};
    struct findings said = {.arena = &l->arena};
    int result = 0;
    if (state_polled(l->e->state, l->e->config->name, file->name, refused_version(l, file)) == 1) {
        file->settled = true;
        return 0;
    }
    if (file->size > DOCUMENT_SIZE_LIMIT) {
        refuse(l, file, "pickup.too-large",
               arena_printf(&l->arena, "The file has %llu bytes, more than the %u that a document may have.",
                            (unsigned long long)file->size, DOCUMENT_SIZE_LIMIT));
        return 0;
    }
    enum sftp_result r = l->side->read(l->side->context, path_below(&l->arena, l->p->directory, file->name),
                                       (size_t)file->size, &content, &said);
    l->lost |= r == SFTP_LOST;
    *bytes += content.len;
    if (r == SFTP_LOST) {
        tell(l, &said);
        result = -1;
    } else if (r == SFTP_TOO_LARGE || (r == SFTP_OK && content.len != file->size)) {
        not_as_announced(l, file, r == SFTP_TOO_LARGE);
    } else if (r == SFTP_OK) {
        result = take_bytes(l, b, file, buffer_as_slice(&content), t);
    } else if (r != SFTP_NOT_FOUND) {
        could_not_read(l, file, &said);
    }
    buffer_free(&content);
    return result;
}

static int note_all(struct looking *l, const struct taken *all, size_t n)
{
    struct state *s = l->e->state;
    bool ok = state_begin(s) == 0;
    for (size_t i = 0; ok && i < n; i++)
        if (!all[i].known)
            ok = state_polled_note(s, l->e->config->name, all[i].file->origin, all[i].version) == 0;
    if (ok && state_commit(s) == 0)
        return 0;
    finding_add(l->f, SEVERITY_ERROR, "pickup.state", l->e->config->name, "",
                "What was fetched could not be noted in the state: %s. It is fetched again.", state_error(s));
    state_rollback(s);
    return -1;
}

/* Files from *at on, as many as make a batch. Number put into the inbox; -1: stop. */
static int take_batch(struct looking *l, struct seen_file **ripe, size_t n, size_t *at)
{
    struct taken all[BATCH_FILES];
    size_t count = 0, bytes = 0;
    int fresh = 0, got = 0;
    struct inbox_batch *b = inbox_batch_open(l->e->spool, l->e->config->name);
    if (!b) {
        finding_add(l->f, SEVERITY_ERROR, "pickup.inbox", l->e->config->name, "",
                    "inbox/%s cannot be written: %s.", l->e->config->name, strerror(errno));
        return -1;
    }
    while (*at < n && count < BATCH_FILES && bytes < BATCH_BYTES && got >= 0) {
        got = take(l, b, ripe[(*at)++], &bytes, &all[count]);
        if (got == 1)
            fresh += !all[count++].known;
    }
    if (got < 0 && !l->lost) {
        inbox_abandon(b);
        return -1;
    }
    if (fresh == 0) {
        inbox_abandon(b);
    } else if (inbox_commit(b)) {
        finding_add(l->f, SEVERITY_ERROR, "pickup.inbox", l->e->config->name, "",
                    "What was fetched could not be put into the inbox: %s. It is fetched again.",
                    strerror(errno));
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        log_line(all[i].known ? LOG_INFO : LOG_DEBUG, "%s: %s %s (%llu bytes)", l->e->config->name,
                 all[i].file->name, all[i].known ? "was fetched before" : "fetched",
                 (unsigned long long)all[i].file->size);
    if (count && note_all(l, all, count))
        return -1;
    for (size_t i = 0; i < count && !l->lost; i++)
        pickup_away(l, &all[i]);
    return fresh;
}

/* When the first of those that are not ripe yet will be; INT64_MAX when there are none. */
static int64_t next_ripe(const struct looking *l)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < l->p->count; i++) {
        const struct seen_file *file = &l->p->files[i];
        int64_t ripe = file->since + l->p->after;
        ripe = ripe > file->again ? ripe : file->again;
        if (!file->settled && ripe > l->now && ripe < next)
            next = ripe;
    }
    return next;
}

static int64_t next_look(const struct looking *l)
{
    int64_t ripe = next_ripe(l), regular = l->now + l->p->interval;
    return ripe < regular ? ripe : regular;
}

/* Roles take their signals by descriptor: one that waits to be read shows as pending. */
static bool asked_to_stop(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT) || sigismember(&pending, SIGHUP));
}

/* False when there is nothing to wait for, or it takes too long. */
static bool wait_until_ripe(struct looking *l)
{
    int64_t next = next_ripe(l);
    const struct timespec slice = {.tv_nsec = 100000000};
    if (next > l->now + PATIENCE)
        return false;
    while (instant_now().seconds < next && !asked_to_stop())
        nanosleep(&slice, NULL);
    l->now = instant_now().seconds;
    return !asked_to_stop();
}

/* Takes all that is ripe. -1: stop. */
static int take_all(struct looking *l)
{
    struct seen_file **ripe;
    size_t at = 0, n = ripe_files(l, &ripe);
    int total = 0, got = 0;
    while (at < n && got >= 0 && !l->lost) {
        got = take_batch(l, ripe, n, &at);
        total += got > 0 ? got : 0;
        arena_reset(&l->arena);
    }
    return got < 0 ? -1 : total;
}

int pickup_poll(struct pickup *p, struct endpoint *e, const struct pickup_side *side, int64_t *next,
                bool *lost, struct findings *f)
{
    struct looking l = {.p = p, .e = e, .side = side, .f = f, .now = instant_now().seconds};
    enum sftp_result r = look(&l);
    int total = r == SFTP_OK ? take_all(&l) : -1;
    /* both looks in one poll where the time between them is short: what was there at its begin is in at its
     * end */
    if (total >= 0 && !l.lost && wait_until_ripe(&l)) {
        r = look(&l);
        int more = r == SFTP_OK ? take_all(&l) : -1;
        total = more < 0 ? -1 : total + more;
    }
    *next = next_look(&l);
    *lost = l.lost || r == SFTP_LOST;
    arena_free(&l.arena);
    return total;
}
