/* gather: see gather.h. Folders are listed when something happened in them and then worked off, so a backlog
 * costs linear time; a listing that was cut short is read again when it is used up. */
#include "role/gather.h"
#include "base/log.h"
#include "role/hand.h"
#include "role/listing.h"
#include "role/process.h"
#include "spool/inbox.h"
#include "spool/owner.h"
#include "spool/watch.h"
#include "state/mark.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAG_INBOX, TAG_TRANSLATE, TAG_FIRST_SOURCE };

#define CLOSED_ROOM 8192
#define GROUP_BYTES (4u << 20) /* of sources: what a group holds in memory has a bound */
#define FORGOTTEN 1            /* the place of a hash that was taken out */
#define REST 50                /* ms between two listings of a folder in which files wait for their time */
#define TOLD 64                /* names that are not told again */

struct source {
    char *name;
    int dir; /* -1: it is gone */
    ino_t inode;
    bool locked, dirty;
    unsigned after_close; /* s */
    int64_t due; /* when to look again at what is not ready, ms of process_milliseconds; 0: an event tells */
    int64_t looked; /* when it was listed last */
    struct listing files;
};

struct gatherer {
    struct translator *w;
    struct watch *watch;
    struct source *sources;
    size_t count,
        turn; /* turn: the source that begins next time, so that a backlog of one does not starve others */
    struct listing folders; /* of translate/ */
    bool folders_dirty, sources_dirty, again;
    int64_t folders_due;
    struct {
        uint64_t hash;
        int64_t at;        /* ms of process_milliseconds */
    } closed[CLOSED_ROOM]; /* names whose close, or move into the folder, was seen */
    size_t closed_count;
    struct arena names; /* of what was told already */
    const char *told[TOLD];
    size_t told_count;
};

/* ---- closes that were seen ---- */

static uint64_t hash_name(int tag, const char *name)
{
    uint64_t h = 14695981039346656037u ^ (uint64_t)tag; /* FNV-1a */
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h > FORGOTTEN ? h : FORGOTTEN + 1;
}

static size_t closed_slot(const struct gatherer *s, uint64_t h)
{
    size_t i = (size_t)(h % CLOSED_ROOM);
    while (s->closed[i].hash && s->closed[i].hash != h)
        i = (i + 1) % CLOSED_ROOM;
    return i;
}

static void note_close(struct gatherer *s, uint64_t h)
{
    size_t i = closed_slot(s, h);
    s->closed_count += s->closed[i].hash == 0;
    s->closed[i].hash = h;
    s->closed[i].at = process_milliseconds();
}

static void forget_closes(struct gatherer *s)
{
    memset(s->closed, 0, sizeof s->closed);
    s->closed_count = 0;
}

static void event(void *context, int tag, const char *name, bool closed_or_moved)
{
    struct gatherer *s = context;
    if (tag == TAG_INBOX) {
        s->sources_dirty = true;
    } else if (tag == TAG_TRANSLATE) {
        s->folders_dirty = true;
    } else if ((size_t)(tag - TAG_FIRST_SOURCE) < s->count) {
        s->sources[tag - TAG_FIRST_SOURCE].dirty = true;
        if (!closed_or_moved)
            return;
        if (s->closed_count > CLOSED_ROOM / 2)
            forget_closes(s); /* the time of the last change tells the rest */
        note_close(s, hash_name(tag, name));
    }
}

/* ---- sources ---- */

static void source_open(struct gatherer *s, struct source *i)
{
    struct stat st;
    int inbox = s->w->spool.stage[STAGE_INBOX];
    if (fstatat(inbox, i->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
        st.st_ino = 0;
    if (i->dir >= 0 && st.st_ino == i->inode)
        return;
    if (i->dir >= 0)
        close(i->dir);
    i->locked = false;
    i->dir = st.st_ino ? openat(inbox, i->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    i->inode = i->dir < 0 || fstat(i->dir, &st) < 0 ? 0 : st.st_ino;
    if (i->dir >= 0 && watch_add(s->watch, i->dir, TAG_FIRST_SOURCE + (int)(i - s->sources)) < 0)
        log_warning("inbox/%s cannot be watched (%s); it is looked through every %d s", i->name,
                    strerror(errno), s->w->config->rescan_seconds);
}

static void source_add(struct gatherer *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->sources[i].name, name))
            return;
    struct source *sources = realloc(s->sources, (s->count + 1) * sizeof *sources);
    char *copy = strdup(name);
    if (!sources || !copy)
        abort();
    s->sources = sources;
    s->sources[s->count++] = (struct source){
        .name = copy, .dir = -1, .after_close = (unsigned)config_after_close(s->w->config, name)};
}

/* True the first time: what lies somewhere for days is no news at each look. */
static bool is_news(struct gatherer *s, const char *source, const char *name)
{
    struct arena scratch = {0};
    const char *what = arena_printf(&scratch, "%s/%s", source, name);
    bool known = false;
    for (size_t i = 0; i < s->told_count && !known; i++)
        known = !strcmp(s->told[i], what);
    if (!known && s->told_count == TOLD) {
        arena_reset(&s->names);
        s->told_count = 0;
    }
    if (!known)
        s->told[s->told_count++] = arena_text(&s->names, slice_of(what));
    arena_free(&scratch);
    return !known;
}

/* By one translator; `status` has it for as long as it lies there. */
static void tell_stray(struct gatherer *s, const char *name)
{
    if (s->w->work.slot == 1 && is_news(s, "", name))
        log_warning(
            "%s lies in inbox/ itself: it is taken only from a folder below it, which says the source", name);
}

static void find_sources(struct gatherer *s)
{
    int copy = openat(s->w->spool.stage[STAGE_INBOX], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    struct stat st;
    s->sources_dirty = false;
    if (!d) {
        log_error("inbox/ cannot be listed: %s", strerror(errno));
        if (copy >= 0)
            close(copy);
        return;
    }
    while ((entry = readdir(d))) {
        if (entry->d_name[0] == '.' || fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            source_add(s, entry->d_name);
        else
            tell_stray(s, entry->d_name);
    }
    closedir(d);
    for (size_t i = 0; i < s->count; i++) {
        source_open(s, &s->sources[i]);
        s->sources[i].dirty = true;
    }
}

static struct source *source_named(struct gatherer *s, const char *name)
{
    for (size_t i = 0; name && i < s->count; i++)
        if (s->sources[i].dir >= 0 && !strcmp(s->sources[i].name, name))
            return &s->sources[i];
    return NULL;
}

static bool lock(struct source *i)
{
    if (!i->locked && flock(i->dir, LOCK_EX | LOCK_NB) == 0)
        i->locked = true;
    return i->locked;
}

void gatherer_release(struct gatherer *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->sources[i].locked) {
            flock(s->sources[i].dir, LOCK_UN);
            s->sources[i].locked = false;
        }
}

/* ---- what waits ---- */

struct gatherer *gatherer_open(struct translator *w)
{
    struct gatherer *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->w = w;
    s->watch = watch_open();
    if (!s->watch || watch_add(s->watch, w->spool.stage[STAGE_INBOX], TAG_INBOX) < 0 ||
        watch_add(s->watch, w->spool.stage[STAGE_TRANSLATE], TAG_TRANSLATE) < 0) {
        log_error("the spool cannot be watched: %s", strerror(errno));
        gatherer_close(s);
        return NULL;
    }
    s->sources_dirty = s->folders_dirty = true;
    w->work.settle = (unsigned)w->config->settle_seconds;
    owners_read(); /* before the translator gives up reading that */
    return s;
}

void gatherer_close(struct gatherer *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sources[i].dir >= 0)
            close(s->sources[i].dir);
        listing_free(&s->sources[i].files);
        free(s->sources[i].name);
    }
    free(s->sources);
    listing_free(&s->folders);
    arena_free(&s->names);
    if (s->watch)
        watch_close(s->watch);
    free(s);
}

int gatherer_descriptor(const struct gatherer *s)
{
    return watch_descriptor(s->watch);
}

static void sooner(int64_t *due, int64_t milliseconds)
{
    int64_t at = process_milliseconds() + milliseconds;
    if (!*due || at < *due)
        *due = at;
}

/* What comes in one by one while others wait is looked at together: each look goes through all of them. */
static bool rests(const struct source *i)
{
    return i->due && process_milliseconds() < i->looked + REST;
}

int64_t gatherer_wait(const struct gatherer *s)
{
    int64_t due = s->folders_due, now = process_milliseconds();
    for (size_t i = 0; i < s->count; i++) {
        const struct source *o = &s->sources[i];
        int64_t at = o->dirty && rests(o) ? o->looked + REST : o->due;
        if (at && (!due || at < due))
            due = at;
    }
    return !due ? -1 : due > now ? due - now : 0;
}

/* Those whose time has come are looked through again. */
static void look_again(struct gatherer *s)
{
    int64_t now = process_milliseconds();
    if (s->folders_due && s->folders_due <= now) {
        s->folders_due = 0;
        s->folders_dirty = true;
    }
    for (size_t i = 0; i < s->count; i++)
        if (s->sources[i].due && s->sources[i].due <= now) {
            s->sources[i].due = 0;
            s->sources[i].dirty = true;
        }
}

bool gatherer_again(const struct gatherer *s)
{
    return s->again;
}

void gatherer_notice(struct gatherer *s, bool everything)
{
    bool rescan = false;
    watch_read(s->watch, event, s, &rescan);
    if (everything || rescan)
        s->sources_dirty = s->folders_dirty = true;
    look_again(s);
}

static int relist(struct listing *l, int dir, bool *dirty, enum listing_order order, const char *what)
{
    if (l->at < l->count || (!*dirty && !l->more))
        return 0;
    *dirty = false;
    if (listing_read(l, dir, order) == 0)
        return 0;
    log_error("%s cannot be listed: %s", what, strerror(errno));
    return -1;
}

/* The source that a folder in translate/ came from, which decides who may take it. */
static struct source *origin(struct gatherer *s, const char *name)
{
    struct document d;
    struct findings ignored = {.arena = &s->w->arena};
    struct source *found = NULL;
    if (document_open(&d, s->w->spool.stage[STAGE_TRANSLATE], name, &ignored) == 0) {
        found = source_named(s, document_text(&d, "source.name"));
        document_close(&d);
    }
    return found;
}

static int64_t writer_pause(const struct translator *w)
{
    return w->config->settle_seconds ? (int64_t)w->config->settle_seconds * 500 : 100;
}

static int claim_folders(struct gatherer *s, struct group *g)
{
    struct translator *w = s->w;
    size_t skipped = 0, limit = (size_t)w->config->group;
    if (relist(&s->folders, w->spool.stage[STAGE_TRANSLATE], &s->folders_dirty, BY_NAME, "translate/") < 0)
        return -1;
    while (g->count < limit && g->bytes < GROUP_BYTES && s->folders.at < s->folders.count &&
           skipped < limit) {
        const char *name = s->folders.items[s->folders.at++].name;
        struct source *from = origin(s, name);
        struct document claimed;
        if (from && !lock(from)) {
            skipped++; /* who holds the source looks here again before letting go */
            continue;
        }
        int result = work_claim_folder(&w->work, name, &claimed);
        if (result == 0) {
            struct translation *t = group_add(g, w);
            t->document = claimed;
            t->again = true;
            g->bytes += (size_t)json_integer_value(
                json_object_get(json_object_get(claimed.envelope, "source"), "size"));
        } else if (result == CLAIM_LATER)
            sooner(&s->folders_due, writer_pause(w));
        else if (result < 0 && is_news(s, "translate", name))
            log_error("translate/%s cannot be taken: %s", name, strerror(errno));
    }
    return 0;
}

/* 1: claimed, 0: not, -1: it cannot be moved. */
static int claim_file(struct gatherer *s, struct source *i, const char *name, struct group *g)
{
    struct translator *w = s->w;
    struct findings f = {.arena = &w->arena};
    struct document claimed;
    struct proof proof;
    int64_t again;
    size_t slot = closed_slot(s, hash_name(TAG_FIRST_SOURCE + (int)(i - s->sources), name));
    bool seen = s->closed[slot].hash != 0;
    struct patience patience = {.settle = (unsigned)w->config->settle_seconds,
                                .after_close = i->after_close,
                                .closed = seen ? process_milliseconds() - s->closed[slot].at : -1};
    switch (inbox_ready(i->dir, name, &patience, &proof, &again, &f)) {
    case READY: break;
    case NOT_READY:
        if (again >= 0)
            sooner(&i->due, again < REST ? REST : again);
        return 0;
    case REFUSED: return inbox_refuse(&w->spool, i->name, i->dir, name, &f) < 0 ? -1 : 0;
    }
    off_t size = proof.st.st_size;
    if (proof.fd >= 0 && !proof.leased && is_news(s, i->name, ""))
        log_warning(
            "whether anybody still writes to a file in inbox/%s cannot be asked: without CAP_LEASE, or on a "
            "filesystem without leases, what was not changed for %d s is taken for whole",
            i->name, w->config->settle_seconds);
    int result = work_claim_file(&w->work, i->name, i->dir, name, &proof, &claimed);
    int failed = errno;
    proof_close(&proof);
    errno = failed;
    if (result == CLAIM_LATER)
        sooner(&i->due, writer_pause(w));
    else if (seen && result >= 0)
        s->closed[slot].hash = FORGOTTEN; /* a later file of that name is closed itself */
    if (result != 0)
        return result < 0 ? -1 : 0;
    group_add(g, w)->document = claimed;
    g->bytes += (size_t)size;
    return 1;
}

static int claim_files(struct gatherer *s, struct source *i, struct group *g, size_t share)
{
    size_t taken = 0, limit = (size_t)s->w->config->group;
    if (i->files.at == i->files.count)
        i->looked = process_milliseconds();
    if (relist(&i->files, i->dir, &i->dirty, BY_ARRIVAL, i->name) < 0)
        return 0; /* removed under us: the next rescan says */
    while (i->files.at < i->files.count && taken < share && g->count < limit && g->bytes < GROUP_BYTES) {
        const char *name = i->files.items[i->files.at++].name;
        int result = claim_file(s, i, name, g);
        if (result < 0) {
            int failed = errno;
            if (is_news(s, i->name, name))
                log_error("inbox/%s/%s cannot be taken: %s", i->name, name, strerror(failed));
            if (failed == ENOSPC || failed == EDQUOT || failed == EIO || failed == EROFS)
                return -1;
        }
        taken += result == 1;
    }
    return 0;
}

static bool has_work(const struct source *i)
{
    return i->dir >= 0 && ((i->dirty && !rests(i)) || i->files.more || i->files.at < i->files.count);
}

static bool folders_wait(const struct gatherer *s)
{
    return s->folders_dirty || s->folders.more || s->folders.at < s->folders.count;
}

/* What dead translators had in hand comes before anything newer, and is in translate/ then. */
static int fetch_back(struct gatherer *s)
{
    hand_look_round(s->w);
    int found = work_recover(&s->w->work);
    if (found > 0) {
        log_info("%d documents that a translator had in hand when it ended are taken up again", found);
        s->folders_dirty = true;
    } else if (found < 0)
        log_error("what another translator had in hand cannot be fetched back: %s", strerror(errno));
    return found;
}

int gatherer_claim(struct gatherer *s, struct group *g)
{
    size_t busy = 0;
    if (s->sources_dirty)
        find_sources(s);
    for (size_t i = 0; i < s->count; i++)
        busy += has_work(&s->sources[i]) && lock(&s->sources[i]);
    char newest[DOCUMENT_NAME_TEXT];
    if (state_newest(s->w->state, newest) < 0) {
        log_error("the state cannot be read: %s", state_error(s->w->state));
        return -1;
    }
    document_id_after(newest);
    if (fetch_back(s) < 0 || claim_folders(s, g) < 0)
        return -1;
    size_t share = busy ? (size_t)s->w->config->group / busy + 1 : 0;
    for (size_t k = 0; k < s->count && !folders_wait(s); k++) {
        struct source *i = &s->sources[(s->turn + k) % s->count];
        if (has_work(i) && i->locked && claim_files(s, i, g, share) < 0)
            return -1;
    }
    s->turn++;
    s->again = folders_wait(s);
    for (size_t i = 0; i < s->count; i++)
        s->again = s->again || (s->sources[i].locked && has_work(&s->sources[i]));
    return 0;
}
