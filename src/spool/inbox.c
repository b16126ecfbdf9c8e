/* inbox: what is ready, and refusing what is no file. See inbox.h; putting things in is in batch.c. */
#include "spool/inbox.h"
#include "base/date.h"
#include "base/file.h"
#include "spool/document.h"
#include "spool/envelope.h"
#include "spool/name.h"
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

/* Without leases: a file that nobody changed for a while. ctime, for mtime is the writer's to set. A time in
 * the future (a clock set back) counts as long ago once it is further off than any wait. */
static enum readiness settled(const struct stat *st, unsigned settle_seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = now.tv_sec - st->st_ctim.tv_sec;
    return age >= (int64_t)settle_seconds || -age > (int64_t)settle_seconds + 60 ? READY : NOT_READY;
}

/* The kernel gives a read lease only on a file that nobody has open for writing (fcntl(2), "Leases"). */
static enum readiness leased(int dir, const char *name, const struct stat *st, unsigned settle_seconds)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) /* EWOULDBLOCK: somebody else's write lease; EACCES: the claim will say so */
        return errno == EACCES || errno == EPERM ? settled(st, settle_seconds) : NOT_READY;
    /* a writer that comes just now breaks the lease by a signal, and SIGIO would end the process */
    fcntl(fd, F_SETSIG, SIGURG);
    enum readiness r = READY;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    else
        r = errno == EAGAIN ? NOT_READY : settled(st, settle_seconds);
    close(fd);
    return r;
}

enum readiness inbox_ready(int source_dir, const char *name, bool closed_seen, unsigned settle_seconds,
                           struct findings *f)
{
    struct stat st;
    if (inbox_temporary(name) || fstatat(source_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return NOT_READY;
    if (!S_ISREG(st.st_mode)) {
        char shown[NAME_ENCODED_TEXT];
        name_encode(name, shown);
        if (f)
            finding_add(f, SEVERITY_ERROR, "spool.inbox.kind", shown,
                        "Put plain files into the inbox, each by itself. It was not opened and not followed.",
                        "%s is %s, not a file.", shown, kind(st.st_mode));
        return REFUSED;
    }
    return closed_seen ? READY : leased(source_dir, name, &st, settle_seconds);
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
    return rc;
}
