/* inbox: what is ready, and refusing what is no file. See inbox.h; putting things in is in batch.c. */
#include "spool/inbox.h"
#include "base/date.h"
#include "base/file.h"
#include "spool/document.h"
#include "spool/envelope.h"
#include "spool/name.h"
#include "spool/own.h"
#include "spool/stage.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool inbox_temporary(const char *name)
{
    static const char *const ending[] = {".tmp", ".part", ".filepart", ".partial"};
    size_t len = strlen(name);
    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
        size_t n = strlen(ending[i]);
        if (len >= n && !strcasecmp(name + len - n, ending[i]))
            return true;
    }
    return false;
}

static const char *kind(mode_t mode)
{
    return S_ISLNK(mode)    ? "a symbolic link"
           : S_ISDIR(mode)  ? "a folder"
           : S_ISFIFO(mode) ? "a named pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static enum readiness refuse(struct findings *f, const char *code, const char *name, const char *todo,
                             const char *what)
{
    char shown[NAME_ENCODED_TEXT];
    name_encode(name, shown);
    if (f)
        finding_add(f, SEVERITY_ERROR, code, shown, todo, what, shown);
    return REFUSED;
}

static enum readiness refuse_kind(struct findings *f, const char *name, mode_t mode)
{
    char shown[NAME_ENCODED_TEXT];
    name_encode(name, shown);
    if (f)
        finding_add(f, SEVERITY_ERROR, "spool.inbox.kind", shown,
                    "Put plain files into the inbox, each by itself. It was not opened and not followed.",
                    "%s is %s, not a file.", shown, kind(mode));
    return REFUSED;
}

/* Milliseconds for which nothing of the file has changed. ctime, for mtime is the writer's to set. A time in
 * the future (a clock set back) counts as long ago once it is further off than any wait. */
static int64_t unchanged_for(const struct stat *st, unsigned wait_seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age =
        ((int64_t)now.tv_sec - st->st_ctim.tv_sec) * 1000 + (now.tv_nsec - st->st_ctim.tv_nsec) / 1000000;
    return -age > ((int64_t)wait_seconds + 60) * 1000 ? INT64_MAX : age;
}

/* Not ready before it was left alone for so long: since its last change, and since its close. */
static enum readiness alone_for(const struct stat *st, const struct patience *p, unsigned seconds,
                                int64_t *again)
{
    int64_t age = unchanged_for(st, seconds), wanted = (int64_t)seconds * 1000;
    if (p->closed >= 0 && p->closed < age)
        age = p->closed;
    if (age >= wanted)
        return READY;
    *again = wanted - age;
    return NOT_READY;
}

/* Somebody has it open for writing: its close will be seen, or else it is looked at again. */
static enum readiness busy(const struct patience *p, int64_t *again)
{
    *again = p->settle ? (int64_t)p->settle * 500 : 100;
    return NOT_READY;
}

/* Whether nobody writes: for certain, or, where no lease is to be had, as far as can be known. */
static enum readiness proved(int dir, const char *name, const struct stat *seen, const struct patience *p,
                             struct proof *proof, int64_t *again)
{
    if (proof_open(dir, name, proof) < 0)
        return errno == EACCES ? alone_for(seen, p, p->settle, again) : busy(p, again);
    if (proof->st.st_ino != seen->st_ino || proof->st.st_dev != seen->st_dev)
        return busy(p, again); /* put in its place just now */
    if (proof->leased || (proof->st.st_uid == geteuid() && p->closed >= 0))
        return READY;
    return alone_for(&proof->st, p, p->settle, again);
}

enum readiness inbox_ready(int source_dir, const char *name, const struct patience *p, struct proof *proof,
                           int64_t *again, struct findings *f)
{
    struct stat st;
    *proof = PROOF_NONE;
    *again = -1;
    if (inbox_temporary(name) || fstatat(source_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return NOT_READY;
    if (!S_ISREG(st.st_mode))
        return refuse_kind(f, name, st.st_mode);
    bool other = st.st_uid != geteuid() && st.st_uid != 0;
    enum readiness r = other ? alone_for(&st, p, p->after_close, again) : READY;
    if (r == READY)
        r = proved(source_dir, name, &st, p, proof, again);
    if (r == READY && st.st_uid != geteuid() && proof->fd < 0)
        return refuse(f, "spool.inbox.unreadable", name,
                      "Give it a mode that lets the user that spoolgate runs as read it, and put it into the "
                      "inbox again; on the account that left it, set a umask that does so (sftp.md).",
                      "%s belongs to another user, and may not be read.");
    if (r == READY && !own_is(&proof->st) && proof->fd >= 0 && proof->st.st_size > (off_t)DOCUMENT_SIZE_LIMIT)
        r = refuse(f, "spool.inbox.size", name, "Have it sent in parts.", "%s is larger than 256 MiB.");
    if (r != READY)
        proof_close(proof);
    return r;
}

int inbox_put_back(struct spool *s, int source_dir, int from_dir, const char *from, const char *name)
{
    char given[SPOOL_NAME_MAX + 1];
    snprintf(given, sizeof given, "%s", name);
    for (unsigned k = 2; stage_rename(from_dir, from, source_dir, given) < 0; k++)
        if (errno != EEXIST || k > 1000000 || !name_numbered(name, k, given))
            return -1;
    stage_changed(s, source_dir);
    return 0;
}

void inbox_name(char out[SPOOL_NAME_MAX + 1], const char *text)
{
    size_t len = 0;
    for (; *text && len < 120; text++) {
        char c = *text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || (c == '.' && len > 0);
        out[len++] = plain ? c : '_';
    }
    if (len == 0)
        out[len++] = '_';
    out[len] = '\0';
}

/* The entry is moved last: after a crash before that it is still where it was and will be refused once more.
 */
int inbox_refuse(struct spool *s, const char *source, int source_dir, const char *name,
                 const struct findings *f)
{
    struct document d = {.parent = s->stage[STAGE_ERROR], .folder = -1};
    char refused[SPOOL_NAME_MAX + 16] = "refused-", shown[NAME_ENCODED_TEXT], received[INSTANT_TEXT];
    document_id_new(d.id);
    memcpy(d.name, d.id, sizeof d.name);
    if (mkdirat(d.parent, d.name, 0750) < 0)
        return -1;
    int rc = -1;
    d.folder = openat(d.parent, d.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    d.envelope = envelope_new(d.id, 0);
    json_t *origin = json_object();
    json_object_set_new(d.envelope, "source", origin);
    name_encode(source, shown);
    json_object_set_new(origin, "name", json_string(shown));
    name_encode(name, shown);
    json_object_set_new(origin, "file", json_string(shown));
    instant_print(instant_now(), 3, received);
    json_object_set_new(origin, "received", json_string(received));
    document_set(&d, "outcome", "refused");
    document_note(&d, "spool", "refused");
    inbox_name(refused + 8, name);
    if (d.folder >= 0 && document_write_error(&d, f, "inbox") == 0 && spool_sync(s) == 0)
        rc = stage_rename(source_dir, name, d.folder, refused);
    int failed = errno;
    if (rc < 0) {
        file_remove_tree(d.parent, d.name);
    } else {
        stage_changed(s, d.folder);
        stage_changed(s, d.parent);
        stage_changed(s, source_dir);
    }
    document_close(&d);
    errno = failed;
    return rc < 0 && failed == ENOENT ? 1 : rc;
}
