/* directory: customers whom this machine's own OpenSSH server serves, and any other program that looks into a
 * folder. The protocol is that of sftp/: written under a temporary name (prepare), renamed to the final one
 * without ever overwriting (deliver); in doubt, the temporary name decides (confirm).
 *
 * A customer may own the folder's parent: so the directory itself must not be a symlink, and everything below
 * goes by its descriptor. This file: settings, the folder, ping. docs/sftp.md describes the settings. */
#include "adapter/directory/directory.h"
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

#define BACKOFF_BASE 1000
#define BACKOFF_CAP 300000

static const char *const settings[] = {"directory!", "temporary_prefix", "mode",          "group",
                                       "when_gone",  "give_up_hours",    PICKUP_SETTINGS, NULL};

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
    if (!*prefix || !handover_affix(prefix))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "temporary_prefix", f->arena),
                    "Write at most " HANDOVER_AFFIX_TEXT " letters, digits and ._-~#@+=, of it.",
                    "temporary_prefix is the beginning of a file name, and not empty.");
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

void folder_leave(struct folder *s)
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
    folder_leave(s);
    pickup_close(s->pickup);
    arena_free(&s->settings);
    arena_free(&s->arena);
    free(s);
    e->session = NULL;
}

/* ---- the folder ---- */

void folder_verdict(struct folder *s, struct delivery *d, int why, const char *what)
{
    bool person =
        why == EACCES || why == EPERM || why == EROFS || why == ENOENT || why == ENOTDIR || why == ELOOP;
    s->failures++;
    d->verdict = person ? HELD : RETRY;
    d->not_before = instant_now().seconds +
                    (person ? FOLDER_HELD_SECONDS
                            : 1 + backoff_milliseconds(s->failures, BACKOFF_BASE, BACKOFF_CAP) / 1000);
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

/* Tells a folder from one that only has its path, such as an empty mount point. */
static void identity_of(int dir, const struct stat *st, char out[FOLDER_IDENTITY])
{
    struct statfs fs = {0};
    uint64_t id = 0;
    fstatfs(dir, &fs);
    memcpy(&id, &fs.f_fsid, sizeof fs.f_fsid < sizeof id ? sizeof fs.f_fsid : sizeof id);
    snprintf(out, FOLDER_IDENTITY, "%llx:%llx:%llu", (unsigned long long)fs.f_type, (unsigned long long)id,
             (unsigned long long)st->st_ino);
}

int folder_enter(struct endpoint *e, const char *path)
{
    struct folder *s = e->session;
    struct stat here, spool;
    folder_leave(s);
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->dir < 0 || fstat(s->dir, &here) || fstat(e->spool->root, &spool)) {
        int why = errno;
        folder_leave(s);
        return why;
    }
    s->on_spool = here.st_dev == spool.st_dev;
    identity_of(s->dir, &here, s->identity);
    return 0;
}

int folder_compare(const struct folder *s, const char *name, const struct handover *h)
{
    struct stat st;
    struct buffer content = {0};
    int why = fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) ? errno : 0;
    if (!why && (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != h->size))
        why = EEXIST;
    if (!why && file_read(s->dir, name, (size_t)h->size, &content))
        why = errno;
    if (!why && !handover_fits(h, buffer_as_slice(&content)))
        why = EEXIST;
    buffer_free(&content);
    return why == EFBIG || why == ELOOP || why == EINVAL || why == EACCES || why == EPERM ? EEXIST : why;
}

/* ---- poll ---- */

static int poll_endpoint(struct endpoint *e, int64_t *next, struct findings *f)
{
    struct folder *s = e->session;
    bool lost;
    struct local l;
    struct pickup_side side;
    if (!s->pickup) {
        *next = instant_now().seconds + 86400;
        return 0;
    }
    local_side(&l, pickup_directory(s->pickup), &side);
    int got = pickup_poll(s->pickup, e, &side, next, &lost, f);
    local_close(&l);
    return got;
}

/* ---- ping ---- */

static void ping_write(struct folder *s, struct report *r)
{
    char random[13], one[64], two[64];
    random_hex(random, 12);
    snprintf(one, sizeof one, ".spoolgate-ping-%s.tmp", random);
    snprintf(two, sizeof two, ".spoolgate-ping-%s.renamed.tmp", random);
    int why = folder_write(s, one, SLICE("spoolgate ping\n"));
    if (why) {
        report_line(r, false, "write", "%s: %s", s->path, strerror(why));
        return;
    }
    why = folder_rename(s->dir, one, s->dir, two);
    unlinkat(s->dir, why ? one : two, 0);
    report_line(r, why == 0, "write", "%s: %s", s->path,
                why ? strerror(why) : "a temporary file was made, renamed and removed");
}

static int ping(struct endpoint *e, struct report *r)
{
    struct folder *s = e->session;
    struct local l;
    struct pickup_side side;
    struct sftp_file *files = NULL;
    size_t n = 0;
    int why = folder_enter(e, s->path);
    local_side(&l, s->pickup ? pickup_directory(s->pickup) : "", &side);
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
        bool ok = side.list(&l, dir, &s->arena, &files, &n, r->findings) == SFTP_OK;
        report_line(r, ok, "pickup", ok ? "%s can be read, %zu entries" : "%s cannot be read", dir, n);
    }
    local_close(&l);
    arena_reset(&s->arena);
    return r->failed ? -1 : 0;
}

const struct adapter adapter_directory = {.name = "directory",
                                          .settings = settings,
                                          .open = open_endpoint,
                                          .close = close_endpoint,
                                          .prepare = folder_prepare,
                                          .deliver = folder_deliver,
                                          .confirm = folder_confirm,
                                          .poll = poll_endpoint,
                                          .ping = ping,
                                          .check = check};
