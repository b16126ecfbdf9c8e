/* directory: customers whom this machine's own OpenSSH server serves, and any other program that looks into a
 * folder. The protocol is that of sftp.c: written under a temporary name (prepare), renamed to the final one
 * without ever overwriting (deliver); in doubt, the temporary name decides (confirm).
 *
 * A group costs one sync: the spool's, which the courier does after prepare and again after deliver, covers
 * this directory when it is on the spool's filesystem; otherwise syncfs(2) here and fsync(2) of the directory
 * there.
 *
 * A customer may own the folder's parent: so the directory itself must not be a symlink, and everything below
 * goes by its descriptor. docs/sftp.md describes the settings. */
#include "adapter/pickup.h"
#include "base/date.h"
#include "base/file.h"
#include "base/hash.h"
#include "net/backoff.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HELD_SECONDS 300
#define OTHER_SECONDS 60 /* until a directory that is not the one of before is looked at again */
#define BACKOFF_BASE 1000
#define BACKOFF_CAP 300000
#define IDENTITY_TEXT 64

static const char *const settings[] = {"directory!", "temporary_prefix", "mode",          "group",
                                       "when_gone",  "give_up_hours",    PICKUP_SETTINGS, NULL};

struct folder {                   /* session */
    struct arena settings, arena; /* arena: of the document at hand */
    const char *path, *prefix;
    mode_t mode;
    bool set_mode; /* this process's umask would take bits away */
    gid_t group;
    bool set_group, ask_when_gone;
    struct pickup *pickup;
    int dir; /* -1: not open */
    bool on_spool;
    char identity[IDENTITY_TEXT]; /* of the filesystem and folder, as state knows it */
    unsigned failures;
};

/* ---- settings ---- */

static const char *or_default(const struct endpoint_config *e, const char *key, const char *otherwise)
{
    const char *value = endpoint_setting(e, key);
    return value ? value : otherwise;
}

/* An octal mode, without set-id and execute bits. */
static bool mode_of(const char *text, mode_t *mode)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);
    *mode = (mode_t)value;
    return *text >= '0' && *text <= '7' && !*end && value <= 0666 && (value & 0600) == 0600 &&
           (value & 0111) == 0;
}

static bool group_of(const char *name, gid_t *group)
{
    const struct group *g = getgrnam(name);
    if (g)
        *group = g->gr_gid;
    return g != NULL;
}

static void check(const struct endpoint_config *e, const struct config *all, struct findings *f)
{
    const char *gone = or_default(e, "when_gone", "delivered"),
               *prefix = or_default(e, "temporary_prefix", ".");
    mode_t mode;
    gid_t group;
    (void)all;
    pickup_check(e, f);
    if (!mode_of(or_default(e, "mode", "0640"), &mode))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "mode", f->arena),
                    "Write an octal mode like 0640 or 0660.",
                    "mode = %s is not one for a file that its owner can read and write.",
                    endpoint_setting(e, "mode"));
    if (endpoint_setting(e, "group") && !group_of(endpoint_setting(e, "group"), &group))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "group", f->arena),
                    "Make it with groupadd, or correct the name.", "There is no group %s on this machine.",
                    endpoint_setting(e, "group"));
    if (strcmp(gone, "delivered") != 0 && strcmp(gone, "ask") != 0)
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "when_gone", f->arena),
                    "Write delivered or ask.", "when_gone = %s is not understood.", gone);
    if (!*prefix || strchr(prefix, '/'))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "temporary_prefix", f->arena), "",
                    "temporary_prefix is the beginning of a file name, without a slash, and not empty.");
}

static int open_endpoint(struct endpoint *e, struct findings *f)
{
    const struct endpoint_config *c = e->config;
    unsigned errors = f->errors;
    const char *path = endpoint_setting(c, "directory"), *slash = c->file ? strrchr(c->file, '/') : NULL;
    bool wrong;
    if (!path || !*path)
        finding_add(f, SEVERITY_ERROR, "config.required", endpoint_where(c, "directory", f->arena), "",
                    "[endpoint %s] does not say its directory.", c->name);
    check(c, e->all, f);
    if (f->errors != errors)
        return -1;
    struct folder *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    const char *beside =
        slash ? arena_text(&s->settings, slice_make(c->file, (size_t)(slash - c->file))) : ".";
    s->path = *path == '/' ? path : path_below(&s->settings, beside, path);
    s->pickup = pickup_open(c, beside, &wrong, f);
    s->prefix = or_default(c, "temporary_prefix", ".");
    s->ask_when_gone = strcmp(or_default(c, "when_gone", "delivered"), "ask") == 0;
    s->set_group = endpoint_setting(c, "group") && group_of(endpoint_setting(c, "group"), &s->group);
    mode_of(or_default(c, "mode", "0640"), &s->mode);
    mode_t mask = umask(077);
    umask(mask);
    s->set_mode = (s->mode & mask) != 0;
    s->dir = -1;
    e->session = s;
    return 0;
}

static void leave(struct folder *s)
{
    if (s->dir >= 0)
        close(s->dir);
    s->dir = -1;
}

static void close_endpoint(struct endpoint *e)
{
    struct folder *s = e->session;
    if (!s)
        return;
    leave(s);
    pickup_close(s->pickup);
    arena_free(&s->settings);
    arena_free(&s->arena);
    free(s);
    e->session = NULL;
}

/* ---- the folder ---- */

static void set_verdict(struct folder *s, struct delivery *d, int why, const char *what)
{
    bool person =
        why == EACCES || why == EPERM || why == EROFS || why == ENOENT || why == ENOTDIR || why == ELOOP;
    s->failures++;
    d->verdict = person ? HELD : RETRY;
    d->not_before =
        instant_now().seconds +
        (person ? HELD_SECONDS : 1 + backoff_milliseconds(s->failures, BACKOFF_BASE, BACKOFF_CAP) / 1000);
    finding_add(d->findings, person ? SEVERITY_ERROR : SEVERITY_WARNING, "directory.failed", s->path,
                why == ENOENT
                    ? "Make the directory (is its filesystem mounted?), or correct the endpoint's directory."
                : why == ELOOP || why == ENOTDIR
                    ? "The directory must be a directory itself, not a symlink to one."
                : person                         ? "Give the program's user the right to write there."
                : why == ENOSPC || why == EDQUOT ? "Make room there."
                                                 : "",
                "%s: %s.", what, strerror(why));
}

/* Opens the folder anew for each group: it may have been mounted, or made anew, since. errno when it fails.
 */
static int enter(struct endpoint *e)
{
    struct folder *s = e->session;
    struct stat here, spool;
    leave(s);
    s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->dir < 0 || fstat(s->dir, &here) || fstat(e->spool->root, &spool)) {
        int why = errno;
        leave(s);
        return why;
    }
    s->on_spool = here.st_dev == spool.st_dev;
    return 0;
}

/* Tells this folder from one that only has its path, such as an empty mount point. */
static void identity_of(const struct folder *s, char out[IDENTITY_TEXT])
{
    struct stat st = {0};
    struct statfs fs = {0};
    uint64_t id = 0;
    fstat(s->dir, &st);
    fstatfs(s->dir, &fs);
    memcpy(&id, &fs.f_fsid, sizeof fs.f_fsid < sizeof id ? sizeof fs.f_fsid : sizeof id);
    snprintf(out, IDENTITY_TEXT, "%llx:%llx:%llu", (unsigned long long)fs.f_type, (unsigned long long)id,
             (unsigned long long)st.st_ino);
}

/* Durable with the courier's sync, before any attempt that depends on it. */
static void remember_identity(struct endpoint *e)
{
    struct folder *s = e->session;
    char now[IDENTITY_TEXT];
    struct buffer before = {0};
    identity_of(s, now);
    if (strcmp(now, s->identity) == 0)
        return;
    if (state_cursor_get(e->state, e->config->name, "directory", &before) != 0 || !before.ptr ||
        strcmp(before.ptr, now) != 0)
        state_cursor_set(e->state, e->config->name, "directory", now);
    buffer_free(&before);
    snprintf(s->identity, sizeof s->identity, "%s", now);
}

static bool is_the_same(struct endpoint *e)
{
    char now[IDENTITY_TEXT];
    struct buffer before = {0};
    identity_of(e->session, now);
    bool same = state_cursor_get(e->state, e->config->name, "directory", &before) == 0 && before.ptr &&
                strcmp(before.ptr, now) == 0;
    buffer_free(&before);
    return same;
}

struct names {
    char file[ADAPTER_FILE_NAME];
    char temporary[SPOOL_NAME_MAX + 1];
};

static void names_of(const struct folder *s, const struct delivery *d, struct names *n)
{
    adapter_file_name(d, n->file);
    snprintf(n->temporary, sizeof n->temporary, "%.64s%s.%s.tmp", s->prefix, n->file, d->document->name);
}

static void note_receipt(const struct folder *s, struct delivery *d, const struct names *n,
                         const char *outcome)
{
    const char *hash = document_text(d->document, "message.sha256");
    if (!d->receipt)
        d->receipt = json_object();
    json_object_set_new(d->receipt, "directory", json_string(s->path));
    json_object_set_new(d->receipt, "file", json_string(n->file));
    json_object_set_new(d->receipt, "size", json_integer((json_int_t)d->message.len));
    if (hash)
        json_object_set_new(d->receipt, "sha256", json_string(hash));
    json_object_set_new(d->receipt, "outcome", json_string(outcome));
}

static bool is_ours(const struct folder *s, const char *name, struct slice message)
{
    struct stat st;
    struct buffer content = {0};
    bool same = fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                (uintmax_t)st.st_size == message.len && file_read(s->dir, name, message.len, &content) == 0 &&
                slice_equal(buffer_as_slice(&content), message);
    buffer_free(&content);
    return same;
}

/* ---- prepare ---- */

/* 0 or an errno. */
static int write_file(const struct folder *s, const char *name, struct slice bytes)
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

static void prepare(struct endpoint *e, struct delivery *const *d, size_t n)
{
    struct folder *s = e->session;
    struct names names;
    int why = enter(e);
    for (size_t i = 0; i < n; i++) {
        d[i]->verdict = DELIVERED;
        names_of(s, d[i], &names);
        int failed = why ? why : write_file(s, names.temporary, d[i]->message);
        if (failed)
            set_verdict(s, d[i], failed,
                        why ? "The directory cannot be opened" : "The file cannot be written");
    }
    if (why)
        return;
    remember_identity(e);
    /* on another filesystem the courier's sync does not reach it */
    if (!s->on_spool && syncfs(s->dir)) {
        why = errno;
        for (size_t i = 0; i < n; i++)
            if (d[i]->verdict == DELIVERED)
                set_verdict(s, d[i], why, "What was written could not be made durable");
    }
}

/* ---- deliver ---- */

/* 0 or an errno; EEXIST: never over what is there. */
static int rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* filesystems without that flag (NFS): a link refuses a name that is taken just as well */
    if (linkat(from_dir, from, to_dir, to, 0) || unlinkat(from_dir, from, 0))
        return errno;
    return 0;
}

static void deliver_one(struct folder *s, struct delivery *d)
{
    struct names n;
    names_of(s, d, &n);
    int why = rename_new(s->dir, n.temporary, s->dir, n.file);
    d->verdict = DELIVERED;
    if (why == 0) {
        s->failures = 0;
        note_receipt(s, d, &n, "renamed");
        snprintf(d->external, sizeof d->external, "%s", n.file);
    } else if (why == EEXIST && is_ours(s, n.file, d->message)) {
        unlinkat(s->dir, n.temporary, 0);
        note_receipt(s, d, &n, "the same file was there already");
    } else if (why == EEXIST) {
        unlinkat(s->dir, n.temporary, 0);
        d->verdict = REJECTED;
        note_receipt(s, d, &n, "another file of that name was there already");
        finding_add(d->findings, SEVERITY_ERROR, "directory.name-taken", n.file,
                    "Find out whether it has been processed. If this document is to go as well, have the old "
                    "file moved away, or give "
                    "file_name a part that differs, e.g. {control}; then put the document back.",
                    "In %s there is another file of that name already; it was not touched.", s->path);
    } else {
        note_receipt(s, d, &n, strerror(why));
        set_verdict(s, d, why == ENOENT ? EAGAIN : why, "The file cannot be renamed to its final name");
    }
}

static void deliver(struct endpoint *e, struct delivery *const *d, size_t n)
{
    struct folder *s = e->session;
    int why = s->dir < 0 ? enter(e) : 0;
    for (size_t i = 0; i < n; i++) {
        if (why)
            set_verdict(s, d[i], why, "The directory cannot be opened");
        else
            deliver_one(s, d[i]);
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
        d[i]->not_before = instant_now().seconds + OTHER_SECONDS;
        finding_add(d[i]->findings, SEVERITY_WARNING, "directory.sync", s->path, "Look after that disk.",
                    "The renamed file could not be made durable: %s.", strerror(why));
    }
}

/* ---- confirm ---- */

static void judge_gone(struct endpoint *e, struct delivery *d, const struct names *n)
{
    struct folder *s = e->session;
    if (!is_the_same(e)) {
        d->verdict = IN_DOUBT;
        d->not_before = instant_now().seconds + OTHER_SECONDS;
        finding_add(d->findings, SEVERITY_WARNING, "directory.other", s->path,
                    "Is its filesystem mounted? If the directory was made anew on purpose, move the document "
                    "to error/ and put it back.",
                    "This is not the directory that the file was written to; whether it arrived is asked "
                    "again later.");
        return;
    }
    d->verdict = s->ask_when_gone ? REJECTED : DELIVERED;
    note_receipt(s, d, n, "gone from its temporary name: renamed, and fetched since");
    if (s->ask_when_gone)
        finding_add(d->findings, SEVERITY_ERROR, "directory.gone", n->file,
                    "Ask whether the file arrived. If not, put the document back to be sent again.",
                    "The program was stopped while the file was handed over, and it is under neither of its "
                    "names now: most likely it "
                    "was fetched.");
}

static void confirm(struct endpoint *e, struct delivery *d)
{
    struct folder *s = e->session;
    struct names n;
    int why = enter(e);
    names_of(s, d, &n);
    if (why) {
        set_verdict(s, d, why, "The directory cannot be opened");
        d->verdict = IN_DOUBT;
    } else if (is_ours(s, n.file, d->message)) {
        d->verdict = DELIVERED;
        unlinkat(s->dir, n.temporary, 0);
        note_receipt(s, d, &n, "found under its final name");
    } else if (faccessat(s->dir, n.temporary, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        d->verdict = RETRY;
        d->not_before = instant_now().seconds;
        note_receipt(s, d, &n, "found under its temporary name: not handed over yet");
    } else {
        judge_gone(e, d, &n);
    }
    if (d->verdict == DELIVERED)
        snprintf(d->external, sizeof d->external, "%s", n.file);
}

/* ---- poll ---- */

struct local { /* the pickup side on this machine */
    int dir;
};

static enum sftp_result local_failed(const char *what, const char *path, struct findings *f)
{
    int why = errno;
    if (why != ENOENT)
        finding_add(f, SEVERITY_ERROR, "directory.failed", path, "", "%s: %s.", what, strerror(why));
    return why == ENOENT                                   ? SFTP_NOT_FOUND
           : why == EEXIST                                 ? SFTP_EXISTS
           : why == EACCES || why == EPERM || why == EROFS ? SFTP_DENIED
                                                           : SFTP_FAILED;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void describe(const struct stat *st, const char *name, struct arena *a, struct sftp_file *out)
{
    *out = (struct sftp_file){.name = arena_text(a, slice_of(name)),
                              .size = (uint64_t)st->st_size,
                              .modified = (int64_t)st->st_mtim.tv_sec,
                              .regular = S_ISREG(st->st_mode),
                              .directory = S_ISDIR(st->st_mode)};
}

static enum sftp_result local_list(void *context, const char *dir, struct arena *a, struct sftp_file **files,
                                   size_t *n, struct findings *f)
{
    struct local *l = context;
    size_t room = 0;
    struct dirent *entry;
    struct stat st;
    *files = NULL;
    *n = 0;
    l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int copy = l->dir < 0 ? -1 : openat(l->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d) {
        enum sftp_result r = local_failed("The pickup directory cannot be read", dir, f);
        if (r == SFTP_NOT_FOUND)
            finding_add(f, SEVERITY_ERROR, "directory.failed", dir, "Make it, or correct pickup.",
                        "The pickup directory is not there.");
        if (copy >= 0)
            close(copy);
        return r;
    }
    while (*n < SFTP_LIST_LIMIT && (entry = readdir(d))) {
        if (entry->d_name[0] == '.' || fstatat(l->dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        if (*n == room) {
            room = room ? room * 2 : 64;
            struct sftp_file *more = arena_alloc(a, room * sizeof *more);
            if (*n)
                memcpy(more, *files, *n * sizeof *more);
            *files = more;
        }
        describe(&st, entry->d_name, a, &(*files)[(*n)++]);
    }
    closedir(d);
    return SFTP_OK;
}

static enum sftp_result local_read(void *context, const char *path, size_t limit, struct buffer *out,
                                   struct findings *f)
{
    const struct local *l = context;
    return file_read(l->dir, last_part(path), limit, out) ? local_failed("The file cannot be read", path, f)
                                                          : SFTP_OK;
}

static enum sftp_result local_rename(void *context, const char *from, const char *to, struct findings *f)
{
    const struct local *l = context;
    char parent[SPOOL_NAME_MAX * 16];
    snprintf(parent, sizeof parent, "%.*s", (int)(last_part(to) - to), to);
    int dir = open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    errno = dir < 0 ? errno : rename_new(l->dir, last_part(from), dir, last_part(to));
    bool ok = dir >= 0 && errno == 0;
    enum sftp_result r = SFTP_OK;
    if (!ok)
        r = errno == ENOENT ? SFTP_FAILED : local_failed("The file cannot be moved away", to, f);
    if (dir >= 0)
        close(dir);
    return r;
}

static enum sftp_result local_remove(void *context, const char *path, struct findings *f)
{
    const struct local *l = context;
    return unlinkat(l->dir, last_part(path), 0) ? local_failed("The file cannot be removed", path, f)
                                                : SFTP_OK;
}

static int poll_endpoint(struct endpoint *e, int64_t *next, struct findings *f)
{
    struct folder *s = e->session;
    bool lost;
    struct local l = {.dir = -1};
    struct pickup_side side = {local_list, local_read, local_rename, local_remove, &l};
    if (!s->pickup) {
        *next = instant_now().seconds + 86400;
        return 0;
    }
    int got = pickup_poll(s->pickup, e, &side, next, &lost, f);
    if (l.dir >= 0)
        close(l.dir);
    return got;
}

/* ---- ping ---- */

static void ping_write(struct folder *s, struct report *r)
{
    char random[13], one[64], two[64];
    random_hex(random, 12);
    snprintf(one, sizeof one, ".spoolgate-ping-%s.tmp", random);
    snprintf(two, sizeof two, ".spoolgate-ping-%s.renamed.tmp", random);
    int why = write_file(s, one, SLICE("spoolgate ping\n"));
    if (why) {
        report_line(r, false, "write", "%s: %s", s->path, strerror(why));
        return;
    }
    why = rename_new(s->dir, one, s->dir, two);
    unlinkat(s->dir, why ? one : two, 0);
    report_line(r, why == 0, "write", "%s: %s", s->path,
                why ? strerror(why) : "a temporary file was made, renamed and removed");
}

static int ping(struct endpoint *e, struct report *r)
{
    struct folder *s = e->session;
    struct local l = {.dir = -1};
    struct sftp_file *files = NULL;
    size_t n = 0;
    int why = enter(e);
    if (why)
        report_line(r, false, "directory", "%s: %s", s->path,
                    why == ELOOP || why == ENOTDIR ? "it is a symlink, or no directory" : strerror(why));
    else
        report_line(r, true, "directory", "%s, %s filesystem as the spool", s->path,
                    s->on_spool ? "on the same" : "not on the same");
    if (!why)
        ping_write(s, r);
    if (s->pickup) {
        const char *dir = pickup_directory(s->pickup);
        bool ok = local_list(&l, dir, &s->arena, &files, &n, r->findings) == SFTP_OK;
        report_line(r, ok, "pickup", ok ? "%s can be read, %zu entries" : "%s cannot be read", dir, n);
    }
    if (l.dir >= 0)
        close(l.dir);
    arena_reset(&s->arena);
    return r->failed ? -1 : 0;
}

const struct adapter adapter_directory = {.name = "directory",
                                          .settings = settings,
                                          .open = open_endpoint,
                                          .close = close_endpoint,
                                          .prepare = prepare,
                                          .deliver = deliver,
                                          .confirm = confirm,
                                          .poll = poll_endpoint,
                                          .ping = ping,
                                          .check = check};
