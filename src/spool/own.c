/* own: see own.h. The steps, each a rename, so that a kill between two of them leaves one of:
 *
 *   .received-source.json                       nothing copied yet
 *   .received-source.json .copy-source.json     half copied
 *   .received-source.json source.json           copied, perhaps not on the disk
 *   source.json                                 ours alone */
#include "spool/own.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "spool/inbox.h"
#include "spool/name.h"
#include "spool/owner.h"
#include "spool/stage.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define COPY ".copy-"
#define LATER "later-"
#define PIECE 65536
#define FILES 16 /* sources and corrections of one folder; more are no document's */

struct files {
    char name[FILES][SPOOL_NAME_MAX + 1];
    size_t count;
};

bool own_is(const struct stat *st)
{
    return st->st_uid == geteuid() && st->st_nlink == 1 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* ---- copying ---- */

static int write_piece(int to, const char *bytes, size_t n)
{
    while (n) {
        ssize_t w = write(to, bytes, n);
        if (w < 0 && errno != EINTR)
            return -1;
        if (w > 0) {
            bytes += w;
            n -= (size_t)w;
        }
    }
    return 0;
}

static int copy_bytes(int from, int to)
{
    if (ioctl(to, FICLONE, from) == 0) /* the filesystem shares the blocks until one of them is written */
        return 0;
    char piece[PIECE];
    for (off_t at = 0; at <= (off_t)DOCUMENT_SIZE_LIMIT;) {
        ssize_t n = pread(from, piece, sizeof piece, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -1 : 0;
        if (write_piece(to, piece, (size_t)n) < 0)
            return -1;
        at += n;
    }
    errno = EFBIG;
    return -1;
}

static void beside(char out[SPOOL_NAME_MAX + 1], const char *prefix, const char *file)
{
    snprintf(out, SPOOL_NAME_MAX + 1, "%s%.200s", prefix, file);
}

int own_copy(int folder, const char *file, struct proof *p)
{
    char copy[SPOOL_NAME_MAX + 1];
    struct stat st;
    beside(copy, COPY, file);
    int fd = openat(folder, copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0 && errno == EEXIST && unlinkat(folder, copy, 0) == 0) /* half made by one that was killed */
        fd = openat(folder, copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return -1;
    int rc = copy_bytes(p->fd, fd) < 0 || fstat(fd, &st) < 0 ? -1 : 0;
    int failed = errno;
    if (close(fd) < 0 && rc == 0) {
        rc = -1;
        failed = errno;
    }
    if (rc == 0 && (st.st_size != p->st.st_size || !proof_holds(p)))
        rc = 1;
    if (rc == 0 && stage_rename(folder, copy, folder, file) < 0) {
        rc = -1;
        failed = errno;
    }
    if (rc != 0)
        unlinkat(folder, copy, 0);
    errno = failed;
    return rc;
}

/* ---- folders out of translate/ ---- */

/* Names that begin with one of the two prefixes. -1 with errno. */
static int list(int folder, const char *one, const char *other, struct files *f)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int failed = errno;
        if (fd >= 0)
            close(fd);
        errno = failed;
        return -1;
    }
    const struct dirent *e;
    f->count = 0;
    while (f->count < FILES && (e = readdir(d)))
        if (!strncmp(e->d_name, one, strlen(one)) || (other && !strncmp(e->d_name, other, strlen(other))))
            snprintf(f->name[f->count++], SPOOL_NAME_MAX + 1, "%s", e->d_name);
    closedir(d);
    return 0;
}

/* What has its original beside it is the copy: it may have other names, which splitting gives it. */
static bool is_foreign_file(int folder, const char *file)
{
    char received[SPOOL_NAME_MAX + 1];
    struct stat st;
    beside(received, OWN_RECEIVED, file);
    return faccessat(folder, received, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
           fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && !own_is(&st);
}

int own_ready(int folder, unsigned settle_seconds)
{
    struct files f;
    if (list(folder, "source.", "corrected.", &f) < 0)
        return 0; /* the claim will say so */
    for (size_t i = 0; i < f.count; i++) {
        struct proof p;
        if (!is_foreign_file(folder, f.name[i]))
            continue;
        if (proof_open(folder, f.name[i], &p) < 0) {
            if (errno == EAGAIN)
                return 1;
            continue;
        }
        bool young = !p.leased && time(NULL) - p.st.st_ctim.tv_sec < (time_t)settle_seconds &&
                     time(NULL) >= p.st.st_ctim.tv_sec;
        proof_close(&p);
        if (young)
            return 1;
    }
    return 0;
}

/* One file of the folder: 0 it is ours now, 1 somebody writes, -1 with errno and all as it was. */
static int take_one(struct document *d, const char *file)
{
    char received[SPOOL_NAME_MAX + 1];
    struct proof p;
    beside(received, OWN_RECEIVED, file);
    if (proof_open(d->folder, file, &p) < 0)
        return errno == EAGAIN ? 1
               : errno == EINVAL || errno == ELOOP || errno == ENOENT || errno == EACCES
                   ? 0 /* whoever reads it says why it cannot be */
                   : -1;
    if (p.st.st_size > (off_t)DOCUMENT_SIZE_LIMIT) { /* is not read either */
        proof_close(&p);
        return 0;
    }
    int rc = stage_rename(d->folder, file, d->folder, received);
    if (rc == 0)
        rc = proof_holds_renamed(&p) ? own_copy(d->folder, file, &p) : 1;
    int failed = errno;
    if (rc != 0)
        stage_rename(d->folder, received, d->folder, file);
    else
        d->received = true;
    proof_close(&p);
    errno = failed;
    return rc;
}

/* ---- after the sync ---- */

/* 1 the same; 0 not, or its owner does not let us see; -1 with errno: the machine's fault. */
static int same_bytes(int folder, const char *one, const char *other)
{
    char a[HASH_TEXT], b[HASH_TEXT];
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int x = openat(folder, one, flags), y = openat(folder, other, flags);
    bool withheld =
        x < 0 && (errno == EACCES || errno == EPERM || errno == EAGAIN || errno == ELOOP || errno == ENOENT);
    int rc = withheld ? 0
             : x < 0 || y < 0 || hash_sha256_file(x, a, NULL) < 0 || hash_sha256_file(y, b, NULL) < 0
                 ? -1
                 : !strcmp(a, b);
    int failed = errno;
    if (x >= 0)
        close(x);
    if (y >= 0)
        close(y);
    errno = failed;
    return rc;
}

/* Back into the inbox it came from, as a file of its own. */
static int hand_in_again(struct spool *s, struct document *d, const char *received)
{
    char source[SPOOL_NAME_MAX + 1], name[SPOOL_NAME_MAX + 1];
    const char *from = document_text(d, "source.name"), *file = document_text(d, "source.file");
    if (!from || !file || !name_decode(from, source) || !name_decode(file, name)) {
        errno = ENOENT;
        return -1;
    }
    int dir = openat(s->stage[STAGE_INBOX], source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = dir < 0 ? -1 : inbox_put_back(s, dir, d->folder, received, name);
    int failed = errno;
    if (dir >= 0)
        close(dir);
    errno = failed;
    return rc;
}

static int tell_late(struct spool *s, struct document *d, const char *received, const char *file)
{
    char later[SPOOL_NAME_MAX + 1];
    beside(later, LATER, file);
    const char *source = document_text(d, "source.name");
    if (!strncmp(file, "source.", 7) && hand_in_again(s, d, received) == 0) {
        document_note(
            d, "spool",
            "what was received was written to after it was taken: handed in again to inbox/%s as it "
            "is now",
            source);
        log_warning("%s: what was received was written to after it was taken; it was handed in again to "
                    "inbox/%s as it is now. It should have been written under another name and renamed, or "
                    "spoolgate be given CAP_LEASE",
                    d->name, source);
        return 0;
    }
    if (stage_rename(d->folder, received, d->folder, later) < 0 && errno != EEXIST)
        return -1;
    document_note(d, "spool", "%s was written to after it was taken: as it is now it stands in %s", file,
                  later);
    log_warning("%s: %s was written to after it was taken; as it is now it stands in %s, and was not "
                "translated",
                d->name, file, later);
    return 0;
}

int own_settle(struct spool *s, struct document *d)
{
    struct files f;
    if (!d->received)
        return 0;
    int rc = list(d->folder, OWN_RECEIVED, NULL, &f);
    bool told = false;
    for (size_t i = 0; rc == 0 && i < f.count; i++) {
        const char *file = f.name[i] + strlen(OWN_RECEIVED);
        int same = same_bytes(d->folder, f.name[i], file);
        if (same < 0)
            return -1;
        if (same == 1)
            rc = unlinkat(d->folder, f.name[i], 0);
        else {
            rc = tell_late(s, d, f.name[i], file);
            told = true;
        }
    }
    d->received = false;
    if (rc == 0 && told)
        rc = document_save(d) < 0 || spool_sync(s) < 0 ? -1 : 0;
    return rc;
}

/* ---- after a kill ---- */

/* The envelope says what the copy was when it was read. */
static bool is_as_noted(const struct document *d, const char *file)
{
    char hex[HASH_TEXT];
    bool source = !strncmp(file, "source.", 7);
    const char *noted = document_text(d, source ? "source.sha256" : "corrected.sha256");
    int fd = openat(d->folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool same = fd >= 0 && noted && hash_sha256_file(fd, hex, NULL) == 0 && !strcmp(hex, noted);
    if (fd >= 0)
        close(fd);
    return same;
}

/* What was copied stays beside its original, which goes after the next sync. */
static int recover_one(struct document *d, const char *received)
{
    const char *file = received + strlen(OWN_RECEIVED);
    if (faccessat(d->folder, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        int same = same_bytes(d->folder, received, file);
        if (same < 0)
            return -1;
        if (same == 1 || is_as_noted(d, file)) {
            d->received = true;
            return 0;
        }
    }
    return renameat(d->folder, received, d->folder, file);
}

int own_recover(struct document *d)
{
    struct files f;
    int rc = list(d->folder, COPY, OWN_RECEIVED, &f);
    for (size_t i = 0; rc == 0 && i < f.count; i++)
        rc = strncmp(f.name[i], COPY, strlen(COPY)) ? recover_one(d, f.name[i])
                                                    : unlinkat(d->folder, f.name[i], 0);
    return rc;
}

int own_take(struct document *d)
{
    struct files f;
    int rc = own_recover(d);
    if (rc == 0)
        rc = list(d->folder, "source.", "corrected.", &f);
    for (size_t i = 0; rc == 0 && i < f.count; i++)
        if (is_foreign_file(d->folder, f.name[i]))
            rc = take_one(d, f.name[i]);
    return rc;
}

static void note_corrector(struct document *d, const char *file)
{
    char owner[OWNER_TEXT], received[SPOOL_NAME_MAX + 1];
    struct stat st;
    beside(received, OWN_RECEIVED, file);
    if (is_as_noted(d, file) || (fstatat(d->folder, received, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
                                 fstatat(d->folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0))
        return;
    json_t *corrected = json_object_get(d->envelope, "corrected");
    if (!json_is_object(corrected)) {
        corrected = json_object();
        json_object_set_new(d->envelope, "corrected", corrected);
    }
    owner_text(st.st_uid, owner);
    json_object_set_new(corrected, "owner", json_string(owner));
    document_note(d, "spool", "%s is translated in place of the source; its owner is %s", file, owner);
}

void own_note_corrector(struct document *d)
{
    struct files f;
    if (list(d->folder, "corrected.", NULL, &f) == 0)
        for (size_t i = 0; i < f.count; i++)
            note_corrector(d, f.name[i]);
}
