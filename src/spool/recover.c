/* recover: giving back what a killed translator held. See work.h.
 *
 * A folder in .work-<slot> holds, after a kill, one of: nothing (killed between mkdir and rename: removed); a
 * source without document.json (its line in claims says where it came from: the envelope is made anew); a
 * source with a document.json; or a copy split off from another folder of the slot (removed: it is made
 * again). */
#include "spool/recover.h"
#include "base/file.h"
#include "base/log.h"
#include "spool/envelope.h"
#include "spool/name.h"
#include "spool/own.h"
#include "spool/stage.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLAIMS_READ_LIMIT (64u * 1024u * 1024u)

struct leftover {
    char name[DOCUMENT_NAME_TEXT];
    bool lost; /* nobody knows where it came from: to error/ */
    bool gone; /* removed, or cannot be helped */
};

struct claim {
    char *part[4]; /* folder, source, file, owner; into the slot's claims */
};

struct slot {
    struct spool *spool;
    int dir;
    struct buffer claims;
    struct claim *claim;
    size_t claim_count, claim_room;
    struct leftover *leftovers;
    size_t count, room;
    bool written; /* something must be synced before the folders move */
};

/* The next whole line "<id>\t<source>\t<file>\t<owner>"; the parts point into claims, which is cut up. */
static bool next_claim(char **at, char *part[4])
{
    while (**at) {
        char *line = *at;
        size_t len = strcspn(line, "\n");
        bool whole = line[len] == '\n';
        *at += len + (line[len] == '\n');
        line[len] = '\0';
        char *source = strchr(line, '\t'), *file = source ? strchr(source + 1, '\t') : NULL;
        if (!whole || !file)
            continue;
        *source = *file = '\0';
        if (!document_name_parse(line, NULL, NULL))
            continue;
        part[0] = line;
        part[1] = source + 1;
        part[2] = file + 1;
        part[3] = strchr(part[2], '\t');
        if (part[3])
            *part[3]++ = '\0';
        return true;
    }
    return false;
}

int claims_shorten(struct work *w)
{
    struct buffer old = {0}, kept = {0};
    char *part[4];
    int rc = file_read(w->dir, "claims", CLAIMS_READ_LIMIT, &old);
    buffer_byte(&old, '\0');
    for (char *at = old.ptr; rc == 0 && next_claim(&at, part);)
        if (faccessat(w->dir, part[0], F_OK, 0) == 0)
            buffer_printf(&kept, "\n%s\t%s\t%s\t%s\n", part[0], part[1], part[2], part[3] ? part[3] : "");
    if (rc == 0)
        rc = file_replace(w->dir, "claims", buffer_as_slice(&kept), 0640, false);
    int fd = rc < 0 ? -1 : openat(w->dir, "claims", O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    int failed = errno;
    if (fd >= 0) {
        close(w->claims);
        w->claims = fd;
        w->claims_size = (off_t)kept.len;
    }
    buffer_free(&old);
    buffer_free(&kept);
    errno = failed;
    return fd < 0 ? -1 : 0;
}

static int read_claims(struct slot *s)
{
    if (file_read(s->dir, "claims", CLAIMS_READ_LIMIT, &s->claims) < 0 && errno != ENOENT)
        return -1;
    buffer_byte(&s->claims, '\0');
    struct claim c;
    for (char *at = s->claims.ptr; next_claim(&at, c.part);) {
        if (s->claim_count == s->claim_room) {
            s->claim_room = s->claim_room ? 2 * s->claim_room : 256;
            s->claim = realloc(s->claim, s->claim_room * sizeof *s->claim);
            if (!s->claim)
                abort();
        }
        s->claim[s->claim_count++] = c;
    }
    return 0;
}

static int list(struct slot *s)
{
    int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    struct dirent *e;
    while ((e = readdir(d))) {
        if (!document_name_parse(e->d_name, NULL, NULL))
            continue;
        if (s->count == s->room) {
            s->room = s->room ? 2 * s->room : 64;
            s->leftovers = realloc(s->leftovers, s->room * sizeof *s->leftovers);
            if (!s->leftovers)
                abort();
        }
        struct leftover *l = &s->leftovers[s->count++];
        *l = (struct leftover){0};
        memcpy(l->name, e->d_name, strlen(e->d_name) + 1); /* parsed: it fits */
    }
    closedir(d);
    return 0;
}

/* The last line of claims about that folder. The texts stay until the slot is done. */
static bool find_claim(struct slot *s, const char *name, const char *part[4])
{
    bool any = false;
    for (size_t i = 0; i < s->claim_count; i++)
        if (!strcmp(s->claim[i].part[0], name)) {
            memcpy(part, s->claim[i].part, sizeof s->claim[i].part);
            any = true;
        }
    return any;
}

static bool in_slot(const struct slot *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->leftovers[i].gone && !strcmp(s->leftovers[i].name, name))
            return true;
    return false;
}

static int say_lost(struct document *d)
{
    struct arena arena = {0};
    struct findings f = {.arena = &arena};
    finding_add(&f, SEVERITY_ERROR, "spool.origin.lost", d->name,
                "The bytes in source.* are as they were received. Find out by them who sent it, then copy "
                "that file to "
                "inbox/<source>/ under a proper name, and move this folder away.",
                "The machine lost its power while this file was being taken, before the note of where it "
                "came from was "
                "on the disk.");
    int rc = document_write_error(d, &f, "translate");
    arena_free(&arena);
    return rc;
}

/* A source whose envelope is missing or broken: made anew from its line in claims, else to error/. */
static int restore_envelope(struct slot *s, struct leftover *l, struct document *d)
{
    char file[SPOOL_NAME_MAX + 1];
    const char *part[4];
    struct stat st;
    d->saved = true;
    if (document_source(d, file, NULL, NULL) < 0 || fstatat(d->folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !find_claim(s, l->name, part) || !part[1][0] || !strcmp(part[1], CLAIMED_FOLDER)) {
        l->lost = true;
        return say_lost(d);
    }
    unlinkat(d->folder, "document.json", 0);
    unlinkat(d->folder, ".document.json", 0);
    unlinkat(d->folder, "canonical.json", 0); /* half made, and made again */
    d->saved = false;
    json_decref(d->envelope);
    d->envelope = envelope_new(d->id, d->destination);
    envelope_origin(d, part[1], part[2], file, st.st_size,
                    part[3] && *part[3] ? (uid_t)strtoul(part[3], NULL, 10) : st.st_uid);
    document_note(d, "spool", "taken from inbox/%s by a translator that was killed; given back", part[1]);
    return document_save(d);
}

static int restore(struct slot *s, struct leftover *l)
{
    struct document d;
    const char *part[4];
    if (unlinkat(s->dir, l->name, AT_REMOVEDIR) == 0) { /* it was empty */
        l->gone = true;
        return 0;
    }
    if (find_claim(s, l->name, part) && !part[1][0] &&
        in_slot(s, part[2])) { /* split off, and will be again */
        l->gone = true;
        return file_remove_tree(s->dir, l->name);
    }
    if (document_open(&d, s->dir, l->name, NULL) < 0) {
        log_error("translate/.work: %s cannot be opened (%s) and stays where it is", l->name,
                  strerror(errno));
        l->gone = true;
        return 0;
    }
    int rc = own_recover(&d);
    if (rc == 0 && json_is_true(json_object_get(d.envelope, "recovered"))) {
        rc = restore_envelope(s, l, &d);
        s->written = true;
    } else if (rc == 0 && file_write(d.folder, GIVEN_BACK, slice_of(""), 0640, true) < 0 && errno != EEXIST)
        rc = -1;
    document_close(&d);
    return rc;
}

static int give_back(struct slot *s, const struct leftover *l)
{
    enum stage to = l->lost ? STAGE_ERROR : STAGE_TRANSLATE;
    int rc = spool_move(s->spool, s->dir, l->name, to, NULL, l->name);
    if (rc < 0 && errno == EEXIST && to == STAGE_TRANSLATE)
        rc = spool_move(s->spool, s->dir, l->name, STAGE_ERROR, NULL, l->name);
    if (rc < 0 && errno == EEXIST) {
        log_error("translate/.work: there is another folder %s; both stay where they are", l->name);
        return 0;
    }
    return rc < 0 ? -1 : 1;
}

/* Everything of one slot, whose lock is held. Number of folders given back, or -1. */
static int recover_slot(struct spool *spool, int dir)
{
    struct slot s = {.spool = spool, .dir = dir};
    int given = 0, rc = list(&s);
    if (rc == 0)
        rc = read_claims(&s);
    /* copies before what they were split from */
    for (int copies = 1; rc == 0 && copies >= 0; copies--)
        for (size_t i = 0; rc == 0 && i < s.count; i++)
            if ((strchr(s.leftovers[i].name, '.') != NULL) == (copies == 1))
                rc = restore(&s, &s.leftovers[i]);
    if (rc == 0 && s.written)
        rc = spool_sync(spool);
    for (size_t i = 0; rc >= 0 && i < s.count; i++)
        if (!s.leftovers[i].gone) {
            rc = give_back(&s, &s.leftovers[i]);
            given += rc > 0;
        }
    int failed = errno;
    buffer_free(&s.claims);
    free(s.claim);
    free(s.leftovers);
    errno = failed;
    return rc < 0 ? -1 : given;
}

static int forget_claims(int dir)
{
    int fd = openat(dir, "claims", O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    close(fd);
    return 0;
}

static int recover_other(struct work *w, const char *name)
{
    int dir = openat(w->spool->stage[STAGE_TRANSLATE], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return 0;
    int given = 0;
    if (flock(dir, LOCK_EX | LOCK_NB) == 0) {
        given = recover_slot(w->spool, dir);
        if (given >= 0 && spool_settle(w->spool) < 0)
            given = -1;
        if (given >= 0 && forget_claims(dir) < 0)
            given = -1;
    }
    int failed = errno;
    close(dir);
    errno = failed;
    return given;
}

int work_recover(struct work *w)
{
    int sum = 0;
    char own[32];
    snprintf(own, sizeof own, ".work-%d", w->slot);
    if (!w->used) {
        sum = recover_slot(w->spool, w->dir);
        if (sum < 0 || spool_settle(w->spool) < 0 || ftruncate(w->claims, 0) < 0)
            return -1;
        w->claims_size = 0;
    }
    int fd = openat(w->spool->stage[STAGE_TRANSLATE], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    struct dirent *e;
    int given = 0;
    while (given >= 0 && (e = readdir(d)))
        if (!strncmp(e->d_name, ".work-", 6) && strcmp(e->d_name, own) != 0) {
            given = recover_other(w, e->d_name);
            sum += given > 0 ? given : 0;
        }
    int failed = errno;
    closedir(d);
    errno = failed;
    return given < 0 ? -1 : sum;
}
