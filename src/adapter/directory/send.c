/* send: written under a temporary name of the attempt's own (prepare), renamed to the final one without ever
 * overwriting (deliver). A group costs one sync: the spool's, which the courier does after prepare and again
 * after deliver, covers this directory when it is on the spool's filesystem; otherwise syncfs(2) here and
 * fsync(2) of the directory there. */
#include "adapter/directory/directory.h"
#include "base/date.h"
#include "base/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- prepare ---- */

int folder_write(const struct folder *s, const char *name, struct slice bytes)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
        fd = openat(s->dir, name, flags, s->mode);
    if (fd < 0 && errno == EEXIST) { /* of a try that was broken off */
        unlinkat(s->dir, name, 0);
        fd = openat(s->dir, name, flags, s->mode);
    }
    if (fd < 0)
        return errno;
    int why = 0;
    while (!why && bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0)
            why = errno == EINTR ? 0 : errno;
        else
            bytes = slice_make(bytes.ptr + n, bytes.len - (size_t)n);
    }
    if (!why && s->set_group && fchown(fd, (uid_t)-1, s->group))
        why = errno;
    if (!why && (s->set_mode || s->set_group) && fchmod(fd, s->mode))
        why = errno;
    if (close(fd) && !why)
        why = errno;
    if (why)
        unlinkat(s->dir, name, 0);
    return why;
}

static json_t *address_of(const struct folder *s, const struct handover *h)
{
    json_t *address = handover_write(h);
    json_object_set_new(address, "identity", json_string(s->identity));
    return address;
}

static void prepare_one(struct folder *s, struct delivery *d)
{
    struct handover h;
    handover_names(d, s->path, s->prefix, "", ".tmp", &s->arena, &h);
    int why = folder_write(s, h.temporary, d->message);
    json_decref(d->address);
    d->address = why ? NULL : address_of(s, &h);
    if (why)
        folder_verdict(s, d, why, "The file cannot be written");
}

void folder_prepare(struct endpoint *e, struct delivery *const *d, size_t n)
{
    struct folder *s = e->session;
    int why = folder_enter(e, s->path);
    for (size_t i = 0; i < n; i++) {
        d[i]->verdict = DELIVERED;
        if (why)
            folder_verdict(s, d[i], why, "The directory cannot be opened");
        else
            prepare_one(s, d[i]);
        arena_reset(&s->arena);
    }
    /* on another filesystem the courier's sync does not reach it */
    if (why || s->on_spool || syncfs(s->dir) == 0)
        return;
    why = errno;
    for (size_t i = 0; i < n; i++)
        if (d[i]->verdict == DELIVERED)
            folder_verdict(s, d[i], why, "What was written could not be made durable");
}

/* ---- deliver ---- */

int folder_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* filesystems without that flag (NFS): a link refuses a name that is taken just as well. It is what
     * counts: a first name that cannot be removed then is only left over */
    if (linkat(from_dir, from, to_dir, to, 0))
        return errno;
    unlinkat(from_dir, from, 0);
    return 0;
}

/* Failures after which nothing was renamed. Others (EIO, ETIMEDOUT, ESTALE of a network filesystem) say
 * nothing. */
static bool is_an_answer(int why)
{
    switch (why) {
    case ENOENT:
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOSPC:
    case EDQUOT:
    case ENOTDIR:
    case ELOOP:
    case EMLINK:
    case ENAMETOOLONG:
    case EXDEV:
    case EINVAL:
    case ENOMEM: return true;
    default: return false;
    }
}

/* What earlier attempts left; all of them are settled, and that is on the disk. */
static void sweep(const struct folder *s, const struct delivery *d)
{
    struct arena scratch = {0};
    struct handover last;
    if (d->last_address && handover_read(d->last_address, &scratch, &last) &&
        strcmp(last.place, utf8_shown(&scratch, s->path)) == 0) {
        unlinkat(s->dir, last.fenced, 0);
        unlinkat(s->dir, last.temporary, 0);
    }
    arena_free(&scratch);
}

static void in_doubt(struct folder *s, struct delivery *d, const struct handover *h, int why)
{
    handover_note(d, h, strerror(why));
    d->verdict = IN_DOUBT;
    d->not_before = instant_now().seconds + FOLDER_OTHER_SECONDS;
    finding_add(d->findings, SEVERITY_WARNING, "directory.failed", s->path, "Look after that disk.",
                "Whether the file has its final name cannot be told: %s.", strerror(why));
}

static void settle_taken(struct folder *s, struct delivery *d, const struct handover *h)
{
    int final = folder_compare(s, h->file, h);
    if (final != 0 && final != EEXIST) { /* fetched this moment, or not to be read */
        in_doubt(s, d, h, final);
        return;
    }
    unlinkat(s->dir, h->temporary, 0);
    if (final == 0) {
        d->verdict = DELIVERED;
        handover_note(d, h, "the same file was there already");
        return;
    }
    d->verdict = REJECTED;
    handover_note(d, h, "another file of that name was there already");
    finding_add(d->findings, SEVERITY_ERROR, "directory.name-taken", h->file,
                "Find out whether it has been processed. If this document is to go as well, have the old "
                "file moved away, or give "
                "file_name a part that differs, e.g. {control}; then put the document back.",
                "In %s there is another file of that name already; it was not touched.", s->path);
}

static void deliver_one(struct folder *s, struct delivery *d)
{
    struct handover h;
    if (!handover_read(d->address, &s->arena, &h)) { /* not prepared */
        folder_verdict(s, d, EAGAIN, "The file was not written");
        return;
    }
    int why = folder_rename(s->dir, h.temporary, s->dir, h.file);
    if (why == 0) {
        s->failures = 0;
        d->verdict = DELIVERED;
        handover_note(d, &h, "renamed");
        snprintf(d->external, sizeof d->external, "%s", h.file);
    } else if (why == EEXIST) {
        settle_taken(s, d, &h);
    } else if (is_an_answer(why)) {
        handover_note(d, &h, strerror(why));
        folder_verdict(s, d, why == ENOENT ? EAGAIN : why, "The file cannot be renamed to its final name");
    } else {
        in_doubt(s, d, &h, why);
    }
    sweep(s, d);
}

void folder_deliver(struct endpoint *e, struct delivery *const *d, size_t n)
{
    struct folder *s = e->session;
    int why = s->dir < 0 ? folder_enter(e, s->path) : 0;
    for (size_t i = 0; i < n; i++) {
        if (why)
            folder_verdict(s, d[i], why, "The directory cannot be opened");
        else
            deliver_one(s, d[i]);
        arena_reset(&s->arena);
    }
    /* on the spool's filesystem the courier's sync before the move to the archive makes the renames durable
     */
    if (why || s->on_spool || fsync(s->dir) == 0)
        return;
    why = errno;
    for (size_t i = 0; i < n; i++) {
        if (d[i]->verdict != DELIVERED)
            continue;
        d[i]->verdict = IN_DOUBT;
        d[i]->not_before = instant_now().seconds + FOLDER_OTHER_SECONDS;
        finding_add(d[i]->findings, SEVERITY_WARNING, "directory.sync", s->path, "Look after that disk.",
                    "The renamed file could not be made durable: %s.", strerror(why));
    }
}
