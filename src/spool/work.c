/* work: claiming. See work.h; what a dead worker left is given back in recover.c.
 *
 * Where a file came from must survive a kill at any system call, and document.json is written only when its
 * translation is done: a claim appends one line to .work-<slot>/claims before the rename. That is one
 * write(2) into a file already open, where a first document.json would be a file created and later replaced.
 * The line is in the kernel before the rename happens, so no kill can lose it. */
#include "spool/work.h"
#include "base/date.h"
#include "base/file.h"
#include "spool/envelope.h"
#include "spool/inbox.h"
#include "spool/name.h"
#include "spool/own.h"
#include "spool/owner.h"
#include "spool/recover.h"
#include "spool/stage.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLAIMS_LIMIT (256 * 1024) /* then only the lines of what is still in hand are kept */

int work_open(struct work *w, struct spool *s, int slot)
{
    *w = (struct work){.spool = s, .dir = -1, .slot = slot, .claims = -1};
    char name[32];
    snprintf(name, sizeof name, ".work-%d", slot);
    int translate = s->stage[STAGE_TRANSLATE];
    if (mkdirat(translate, name, 0750) < 0 && errno != EEXIST)
        return -1;
    w->dir = openat(translate, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (w->dir >= 0 && flock(w->dir, LOCK_EX | LOCK_NB) == 0)
        w->claims = openat(w->dir, "claims", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
    struct stat st;
    if (w->claims >= 0 && fstat(w->claims, &st) == 0) {
        w->claims_size = st.st_size;
        return 0;
    }
    int failed = errno;
    work_close(w);
    errno = failed;
    return -1;
}

void work_close(struct work *w)
{
    if (w->spare[0])
        unlinkat(w->dir, w->spare, AT_REMOVEDIR);
    if (w->claims >= 0)
        close(w->claims);
    if (w->dir >= 0)
        close(w->dir); /* the lock goes with it */
    w->dir = w->claims = -1;
    w->spare[0] = '\0';
}

/* Begins and ends with a line end, so that a line cut off by a full disk does not spoil the next. */
static int note_claim(struct work *w, const char *id, const char *source, const char *name, uid_t owner)
{
    char line[DOCUMENT_NAME_TEXT + 2 * NAME_ENCODED_TEXT + 32];
    if (w->claims_size > CLAIMS_LIMIT && claims_shorten(w) < 0)
        return -1;
    int n = snprintf(line, sizeof line, "\n%s\t%s\t%s\t%lu\n", id, source, name, (unsigned long)owner);
    ssize_t written;
    while ((written = write(w->claims, line, (size_t)n)) < 0 && errno == EINTR)
        ;
    if (written == n) {
        w->claims_size += n;
        return 0;
    }
    if (written >= 0)
        errno = ENOSPC;
    w->claims_size += written > 0 ? written : 0;
    return -1;
}

static const char *media_of(const char *extension)
{
    static const char *const table[][2] = {
        {".json", "application/json"},       {".xml", "application/xml"},     {".csv", "text/csv"},
        {".x12", "application/EDI-X12"},     {".edi", "application/EDI-X12"}, {".850", "application/EDI-X12"},
        {".edifact", "application/EDIFACT"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strcmp(extension, table[i][0]))
            return table[i][1];
    return NULL;
}

void envelope_origin(struct document *d, const char *source, const char *file, const char *stored,
                     int64_t size, uid_t owner)
{
    char whose[OWNER_TEXT];
    char received[INSTANT_TEXT], extension[18];
    json_t *origin = json_object();
    instant_print(instant_now(), 3, received);
    name_extension(stored, extension);
    const char *media = media_of(extension);
    json_object_set_new_nocheck(origin, "name", envelope_text(source));
    json_object_set_new_nocheck(origin, "file", envelope_text(file));
    json_object_set_new_nocheck(origin, "stored", envelope_text(stored));
    json_object_set_new_nocheck(origin, "received", json_string_nocheck(received));
    json_object_set_new_nocheck(origin, "size", json_integer(size));
    owner_text(owner, whose);
    json_object_set_new_nocheck(origin, "owner", envelope_text(whose));
    if (media)
        json_object_set_new_nocheck(origin, "media", json_string_nocheck(media));
    json_object_set_new_nocheck(d->envelope, "source", origin);
}

/* Between looking and taking, something else was put in the file's place: out of the way, unopened. */
static int refuse_taken(struct work *w, const char *id, const char *taken, const char *source)
{
    struct arena arena = {0};
    struct findings f = {.arena = &arena};
    struct patience none = {.closed = -1};
    struct proof proof;
    int64_t again;
    int folder = openat(w->dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* a folder's or a link's own name would be no temporary one, whatever it is called here */
    const char *name = taken[0] == '.' ? taken + strlen(OWN_RECEIVED) : taken;
    if (folder >= 0 && name != taken && stage_rename(folder, taken, folder, name) < 0) {
        close(folder);
        return -1;
    }
    inbox_ready(folder, name, &none, &proof, &again, &f);
    proof_close(&proof);
    int rc = folder < 0 ? -1 : inbox_refuse(w->spool, source, folder, name, &f);
    int failed = errno;
    if (folder >= 0)
        close(folder);
    arena_free(&arena);
    if (rc == 0 && unlinkat(w->dir, id, AT_REMOVEDIR) == 0)
        return 1;
    errno = failed;
    return -1;
}

/* What came with the rename: 0 it is the file that was proved, 1 another one or one that is written to, 2
 * none of our business; st is what it is. */
static int look_at_taken(const struct document *d, const char *taken, struct proof *p, struct stat *st)
{
    if (fstatat(d->folder, taken, st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (!S_ISREG(st->st_mode))
        return 2;
    if (p->fd < 0)
        return own_is(st) ? 0 : 1;
    return st->st_ino == p->st.st_ino && st->st_dev == p->st.st_dev && proof_holds_renamed(p) ? 0 : 1;
}

static int open_taken(struct work *w, const char *id, const char *taken, const char *stored,
                      const char *source, const char *file, struct proof *p, struct document *out)
{
    struct stat st;
    *out = (struct document){.parent = w->dir, .folder = -1};
    memcpy(out->id, id, sizeof out->id);
    memcpy(out->name, id, sizeof out->name);
    out->folder = openat(w->dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = out->folder < 0 ? -1 : look_at_taken(out, taken, p, &st);
    if (rc == 0 && taken != stored)
        rc = own_copy(out->folder, stored, p);
    else if (rc == 0 && !own_is(&st)) /* it was ours alone a moment ago */
        rc = 1;
    if (rc != 0) {
        int failed = errno;
        document_close(out);
        errno = failed;
        return rc == 2 ? refuse_taken(w, id, taken, source) : rc == 1 ? CLAIM_LATER : rc;
    }
    out->received = taken != stored;
    out->envelope = envelope_new(id, 0);
    envelope_origin(out, source, file, stored, st.st_size, st.st_uid);
    document_note(out, "spool", "taken from inbox/%s", source);
    return 0;
}

static int make_folder(struct work *w, char id[DOCUMENT_NAME_TEXT])
{
    if (w->spare[0]) {
        memcpy(id, w->spare, sizeof w->spare);
        w->spare[0] = '\0';
        return 0;
    }
    document_id_new(id);
    return mkdirat(w->dir, id, 0750);
}

static int claim_proved(struct work *w, const char *source, int source_dir, const char *name, struct proof *p,
                        struct document *out)
{
    char id[DOCUMENT_NAME_TEXT], received[48] = OWN_RECEIVED "source", path[DOCUMENT_NAME_TEXT + 56];
    char from[NAME_ENCODED_TEXT], file[NAME_ENCODED_TEXT];
    const char *stored = received + strlen(OWN_RECEIVED);
    bool foreign = p->fd >= 0 && !own_is(&p->st);
    const char *taken = foreign ? received : stored;
    name_encode(source, from);
    name_encode(name, file);
    name_extension(name, received + strlen(received));
    if (make_folder(w, id) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/%s", id, taken);
    w->used = true;
    if (note_claim(w, id, from, file, p->fd < 0 ? geteuid() : p->st.st_uid) == 0 &&
        renameat(source_dir, name, w->dir, path) == 0) {
        stage_changed(w->spool, source_dir);
        int rc = open_taken(w, id, taken, stored, from, file, p, out);
        int failed = errno;
        if ((rc < 0 || rc == CLAIM_LATER) && inbox_put_back(w->spool, source_dir, w->dir, path, name) == 0)
            memcpy(w->spare, id, sizeof w->spare);
        else if (rc == CLAIM_LATER)
            rc = -1; /* in the slot, for recovery; errno says why */
        else
            errno = failed;
        return rc;
    }
    memcpy(w->spare, id, sizeof w->spare);
    return errno == ENOENT ? 1 : -1;
}

int work_claim_file(struct work *w, const char *source, int source_dir, const char *name, struct proof *p,
                    struct document *out)
{
    struct proof own;
    if (p)
        return claim_proved(w, source, source_dir, name, p, out);
    if (proof_open(source_dir, name, &own) < 0 && (errno == EAGAIN || errno == ENOENT))
        return errno == ENOENT ? 1 : CLAIM_LATER;
    int rc = claim_proved(w, source, source_dir, name, &own, out), failed = errno;
    proof_close(&own);
    errno = failed;
    return rc;
}

/* Something in translate/ that is no folder. */
static int refuse_entry(struct work *w, const char *name)
{
    struct arena arena = {0};
    struct findings f = {.arena = &arena};
    char shown[NAME_ENCODED_TEXT];
    name_encode(name, shown);
    finding_add(&f, SEVERITY_ERROR, "spool.translate.kind", shown,
                "Drop a new file into inbox/<source>/; move the folders of documents into translate/.",
                "%s in translate/ is not a document's folder.", shown);
    int rc = inbox_refuse(w->spool, "translate", w->spool->stage[STAGE_TRANSLATE], name, &f);
    arena_free(&arena);
    return rc < 0 ? -1 : 1;
}

/* Whose hand brought it here: retry's, which is noted; that of a translator which was killed, of which the
 * mark of recovery tells; else a person's, by mv. */
static int take_folder(struct document *d)
{
    const char *endpoint = document_text(d, "endpoint"), *outcome = document_text(d, "outcome");
    int rc = own_take(d);
    if (rc != 0)
        return rc;
    bool given_back = unlinkat(d->folder, GIVEN_BACK, 0) == 0;
    rc = document_take(d, "translate");
    d->given_back =
        given_back && rc == 0 && faccessat(d->folder, "error-1.txt", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
    bool delivered = outcome && !strcmp(outcome, "delivered"); /* which the translator tells */
    if (rc == 0 && !given_back && !delivered && (endpoint || outcome) && !document_person_noted(d))
        document_note(d, "operator", "moved by hand to translate/; it was %s%s", outcome ? "" : "for outbox/",
                      outcome ? outcome : endpoint);
    own_note_corrector(d);
    return rc < 0 ? -1 : 0;
}

int work_claim_folder(struct work *w, const char *name, struct document *out)
{
    int translate = w->spool->stage[STAGE_TRANSLATE];
    struct stat st;
    char own[DOCUMENT_NAME_TEXT];
    if (fstatat(translate, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 1 : -1;
    if (!S_ISDIR(st.st_mode))
        return refuse_entry(w, name);
    int folder = openat(translate, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int busy = folder < 0 ? 0 : own_ready(folder, w->settle);
    if (folder >= 0)
        close(folder);
    if (busy)
        return CLAIM_LATER;
    bool foreign = !document_name_parse(name, NULL, NULL);
    if (foreign)
        document_id_new(own);
    else
        snprintf(own, sizeof own, "%s", name);
    w->used = true;
    if (note_claim(w, own, CLAIMED_FOLDER, "", 0) < 0)
        return -1;
    if (stage_rename(translate, name, w->dir, own) < 0)
        return errno == ENOENT ? 1 : -1;
    stage_changed(w->spool, translate);
    int rc = document_open(out, w->dir, own, NULL);
    if (rc == 0)
        rc = take_folder(out);
    if (rc != 0) {
        int failed = errno;
        document_close(out);
        stage_rename(w->dir, own, translate, name);
        errno = failed;
        return rc < 0 ? -1 : CLAIM_LATER;
    }
    if (foreign) {
        char shown[NAME_ENCODED_TEXT];
        name_encode(name, shown);
        document_note(out, "spool", "came into translate/ as a folder named %s", shown);
    }
    return 0;
}

/* Another name for a file that is never altered. A file that is not there is no error. */
static int link_file(const struct document *d, int folder, const char *file)
{
    if (!file || strchr(file, '/'))
        return 0;
    return linkat(d->folder, file, folder, file, 0) < 0 && errno != ENOENT ? -1 : 0;
}

static json_t *common_part(const struct document *d, unsigned n)
{
    static const char *const own[] = {"destination",    "partner",    "endpoint",     "map",      "form",
                                      "control_number", "message",    "outcome",      "attempts", "failed_in",
                                      "external_id",    "not_before", "business_key", "awaiting"};
    json_t *whole = json_deep_copy(d->envelope), *envelope = envelope_new(d->id, n);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        json_object_del(whole, own[i]);
    json_object_update_missing(envelope, whole);
    json_decref(whole);
    return envelope;
}

int work_split(struct work *w, const struct document *d, unsigned n, struct document *out)
{
    *out = (struct document){.parent = w->dir, .folder = -1, .destination = n};
    if (n == 0 || n > 999999) {
        errno = EINVAL;
        return -1;
    }
    memcpy(out->id, d->id, sizeof out->id);
    snprintf(out->name, sizeof out->name, "%.28s.%u", d->id, n);
    if (mkdirat(w->dir, out->name, 0750) < 0) {
        /* left by one that was killed: everything in it is made from d */
        if (errno != EEXIST || file_remove_tree(w->dir, out->name) < 0 ||
            mkdirat(w->dir, out->name, 0750) < 0)
            return -1;
    }
    out->folder = openat(w->dir, out->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out->folder >= 0 && note_claim(w, out->name, CLAIMED_SPLIT, d->name, 0) == 0 &&
        link_file(d, out->folder, document_text(d, "source.stored")) == 0 &&
        link_file(d, out->folder, document_text(d, "corrected.file")) == 0 &&
        link_file(d, out->folder, document_text(d, "canonical.file")) == 0) {
        out->envelope = common_part(d, n);
        document_note(out, "spool", "split from %s for destination %u", d->name, n);
        return 0;
    }
    int failed = errno;
    file_remove_tree(w->dir, out->name);
    document_close(out);
    errno = failed;
    return -1;
}
