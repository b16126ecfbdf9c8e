/* sftp_files: listing, reading, writing, renaming over one connection. See sftp.h.
 * SFTP version 3 (draft-ietf-secsh-filexfer-02), as OpenSSH speaks it: its rename refuses a target that
 * exists, and answers that with the general SSH_FX_FAILURE, so the target is looked at to tell why.
 * posix-rename@openssh.com, which would overwrite, is not used. */
#include "net/sftp_session.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define NAME_ROOM 4096
#define READ_PIECE (256u * 1024u)

static bool connection_gone(int error)
{
    switch (error) {
    case LIBSSH2_ERROR_SOCKET_NONE:
    case LIBSSH2_ERROR_SOCKET_SEND:
    case LIBSSH2_ERROR_SOCKET_RECV:
    case LIBSSH2_ERROR_SOCKET_DISCONNECT:
    case LIBSSH2_ERROR_SOCKET_TIMEOUT:
    case LIBSSH2_ERROR_TIMEOUT:
    case LIBSSH2_ERROR_BAD_SOCKET:
    case LIBSSH2_ERROR_CHANNEL_CLOSED:
    case LIBSSH2_ERROR_CHANNEL_EOF_SENT:
    case LIBSSH2_ERROR_CHANNEL_FAILURE:
    case LIBSSH2_ERROR_INVALID_MAC:
    case LIBSSH2_ERROR_DECRYPT:
    case LIBSSH2_ERROR_PROTO:
    case LIBSSH2_ERROR_OUT_OF_BOUNDARY: return true;
    default: return false;
    }
}

static const struct status {
    unsigned long code;
    enum sftp_result result;
    const char *what;
} statuses[] = {
    {LIBSSH2_FX_NO_SUCH_FILE, SFTP_NOT_FOUND, "there is no such file or directory"},
    {LIBSSH2_FX_NO_SUCH_PATH, SFTP_NOT_FOUND, "there is no such directory"},
    {LIBSSH2_FX_PERMISSION_DENIED, SFTP_DENIED, "permission denied"},
    {LIBSSH2_FX_WRITE_PROTECT, SFTP_DENIED, "the filesystem is write protected"},
    {LIBSSH2_FX_FILE_ALREADY_EXISTS, SFTP_EXISTS, "it exists already"},
    {LIBSSH2_FX_NO_CONNECTION, SFTP_LOST, "the server has no connection"},
    {LIBSSH2_FX_CONNECTION_LOST, SFTP_LOST, "the server lost the connection"},
    {LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM, SFTP_FAILED, "no space is left there"},
    {LIBSSH2_FX_QUOTA_EXCEEDED, SFTP_FAILED, "the quota is used up"},
    {LIBSSH2_FX_NOT_A_DIRECTORY, SFTP_FAILED, "it is not a directory"},
    {LIBSSH2_FX_INVALID_FILENAME, SFTP_FAILED, "the name is not allowed there"},
    {LIBSSH2_FX_OP_UNSUPPORTED, SFTP_FAILED, "the server cannot do that"},
    {LIBSSH2_FX_FAILURE, SFTP_FAILED, "the server says no more than that it failed"},
};

enum sftp_result sftp_failed(struct sftp *c, const char *tried, const char *path, bool quiet_missing,
                             struct findings *f)
{
    int error = libssh2_session_last_errno(c->session);
    char *text = NULL;
    libssh2_session_last_error(c->session, &text, NULL, 0);
    enum sftp_result result = connection_gone(error) ? SFTP_LOST : SFTP_FAILED;
    const char *what = text && *text ? text : "no reason given";
    if (error == LIBSSH2_ERROR_SFTP_PROTOCOL && c->files) {
        unsigned long code = libssh2_sftp_last_error(c->files);
        for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
            if (statuses[i].code == code) {
                result = statuses[i].result;
                what = statuses[i].what;
            }
    }
    c->lost = c->lost || result == SFTP_LOST;
    if (c->lost && c->socket >= 0) /* what is still to be closed waits for no answer */
        shutdown(c->socket, SHUT_RDWR);
    if (result != SFTP_NOT_FOUND || !quiet_missing)
        finding_add(f, result == SFTP_LOST ? SEVERITY_WARNING : SEVERITY_ERROR,
                    result == SFTP_LOST ? "sftp.lost" : "sftp.failed", c->peer,
                    result == SFTP_DENIED
                        ? "Ask the partner for the right to do that, or correct the directory."
                        : "",
                    "%s%s%s: %s.", tried, *path ? " " : "", path, what);
    return result;
}

static void describe(const LIBSSH2_SFTP_ATTRIBUTES *from, struct sftp_file *to)
{
    bool typed = from->flags & LIBSSH2_SFTP_ATTR_PERMISSIONS;
    to->size = from->flags & LIBSSH2_SFTP_ATTR_SIZE ? from->filesize : 0;
    to->modified = from->flags & LIBSSH2_SFTP_ATTR_ACMODTIME ? (int64_t)from->mtime : 0;
    /* a server that tells no type is taken at its word that what can be listed can be read */
    to->regular = !typed || !(from->permissions & S_IFMT) || LIBSSH2_SFTP_S_ISREG(from->permissions);
    to->directory = typed && LIBSSH2_SFTP_S_ISDIR(from->permissions);
}

/* ---- listing ---- */

struct listing {
    struct arena *arena;
    struct sftp_file *files;
    size_t n, room;
};

static void note_entry(struct listing *l, struct slice name, const LIBSSH2_SFTP_ATTRIBUTES *attributes)
{
    if (slice_is(name, ".") || slice_is(name, "..") || name.len == 0 || memchr(name.ptr, '/', name.len) ||
        memchr(name.ptr, '\0', name.len))
        return;
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct sftp_file *more = arena_alloc(l->arena, room * sizeof *more);
        if (l->n)
            memcpy(more, l->files, l->n * sizeof *more);
        l->files = more;
        l->room = room;
    }
    l->files[l->n].name = arena_text(l->arena, name);
    describe(attributes, &l->files[l->n++]);
}

enum sftp_result sftp_list(struct sftp *c, const char *dir, struct arena *a, struct sftp_file **files,
                           size_t *n, struct findings *f)
{
    struct listing l = {.arena = a};
    LIBSSH2_SFTP_ATTRIBUTES attributes;
    char *name = arena_alloc(a, NAME_ROOM);
    int got = 0;
    size_t seen = 0;
    LIBSSH2_SFTP_HANDLE *h =
        libssh2_sftp_open_ex(c->files, dir, (unsigned)strlen(dir), 0, 0, LIBSSH2_SFTP_OPENDIR);
    *files = NULL;
    *n = 0;
    if (!h)
        return sftp_failed(c, "listing", dir, false, f);
    while (seen++ < SFTP_LIST_LIMIT &&
           (got = libssh2_sftp_readdir_ex(h, name, NAME_ROOM, NULL, 0, &attributes)) > 0)
        note_entry(&l, slice_make(name, (size_t)got), &attributes);
    enum sftp_result result = got < 0 ? sftp_failed(c, "listing", dir, false, f) : SFTP_OK;
    libssh2_sftp_close_handle(h);
    if (got > 0)
        finding_add(f, SEVERITY_WARNING, "sftp.large-directory", dir, "Have older files moved away.",
                    "The directory holds more than %d entries; the others wait for the next look.",
                    SFTP_LIST_LIMIT);
    *files = l.files;
    *n = l.n;
    return result;
}

static enum sftp_result look(struct sftp *c, const char *path, int how, struct sftp_file *out,
                             struct findings *f)
{
    LIBSSH2_SFTP_ATTRIBUTES attributes = {0};
    if (libssh2_sftp_stat_ex(c->files, path, (unsigned)strlen(path), how, &attributes))
        return sftp_failed(c, "looking at", path, true, f);
    if (out) {
        out->name = NULL;
        describe(&attributes, out);
    }
    return SFTP_OK;
}

enum sftp_result sftp_stat(struct sftp *c, const char *path, struct sftp_file *out, struct findings *f)
{
    return look(c, path, LIBSSH2_SFTP_LSTAT, out, f);
}

enum sftp_result sftp_stat_followed(struct sftp *c, const char *path, struct sftp_file *out,
                                    struct findings *f)
{
    return look(c, path, LIBSSH2_SFTP_STAT, out, f);
}

/* ---- contents ---- */

/* The last failure of a handle that is still to be closed: told before the closing overwrites it. */
static enum sftp_result close_after(struct sftp *c, LIBSSH2_SFTP_HANDLE *h, const char *tried,
                                    const char *path, bool ok, struct findings *f)
{
    enum sftp_result result = ok ? SFTP_OK : sftp_failed(c, tried, path, false, f);
    int failed = libssh2_sftp_close_handle(h);
    if (result == SFTP_OK && failed)
        result = sftp_failed(c, tried, path, false, f);
    return result;
}

static bool sync_there(struct sftp *c, LIBSSH2_SFTP_HANDLE *h)
{
    if (c->no_fsync || libssh2_sftp_fsync(h) == 0)
        return true;
    /* an extension: a server without it cannot be made to, and says so once */
    c->no_fsync = libssh2_session_last_errno(c->session) == LIBSSH2_ERROR_SFTP_PROTOCOL &&
                  libssh2_sftp_last_error(c->files) == LIBSSH2_FX_OP_UNSUPPORTED;
    return c->no_fsync;
}

enum sftp_result sftp_write(struct sftp *c, const char *path, struct slice bytes, struct findings *f)
{
    LIBSSH2_SFTP_HANDLE *h = libssh2_sftp_open_ex(c->files, path, (unsigned)strlen(path),
                                                  LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_TRUNC,
                                                  0644, LIBSSH2_SFTP_OPENFILE);
    if (!h)
        return sftp_failed(c, "making", path, false, f);
    bool ok = true;
    /* all that is left at once: libssh2 cuts it into packets and keeps many of them under way */
    while (ok && bytes.len) {
        ssize_t n = libssh2_sftp_write(h, bytes.ptr, bytes.len);
        ok = n > 0;
        if (ok)
            bytes = slice_make(bytes.ptr + n, bytes.len - (size_t)n);
    }
    ok = ok && sync_there(c, h);
    return close_after(c, h, "writing", path, ok, f);
}

enum sftp_result sftp_read(struct sftp *c, const char *path, size_t limit, struct buffer *out,
                           struct findings *f)
{
    size_t start = out->len;
    ssize_t n = 1;
    LIBSSH2_SFTP_HANDLE *h = libssh2_sftp_open_ex(c->files, path, (unsigned)strlen(path), LIBSSH2_FXF_READ, 0,
                                                  LIBSSH2_SFTP_OPENFILE);
    if (!h)
        return sftp_failed(c, "opening", path, false, f);
    while (n > 0 && out->len - start <= limit) {
        size_t left = limit + 1 - (out->len - start); /* one more than the limit tells that there is more */
        size_t piece = left < READ_PIECE ? left : READ_PIECE;
        buffer_reserve(out, piece);
        n = libssh2_sftp_read(h, out->ptr + out->len, piece);
        out->len += n > 0 ? (size_t)n : 0;
        out->ptr[out->len] = '\0';
    }
    enum sftp_result result = close_after(c, h, "reading", path, n >= 0, f);
    if (result == SFTP_OK && n > 0) {
        finding_add(f, SEVERITY_ERROR, "sftp.too-large", path, "Have the partner send smaller files.",
                    "The file is larger than the %zu bytes that are taken.", limit);
        result = SFTP_TOO_LARGE;
    }
    if (result != SFTP_OK)
        out->len = start;
    return result;
}

/* ---- names ---- */

enum sftp_result sftp_rename(struct sftp *c, const char *from, const char *to, struct findings *f)
{
    struct arena scratch = {0};
    struct findings quiet = {.arena = &scratch};
    if (libssh2_sftp_rename_ex(c->files, from, (unsigned)strlen(from), to, (unsigned)strlen(to), 0) == 0)
        return SFTP_OK;
    enum sftp_result result = sftp_failed(c, "renaming", from, true, &quiet);
    if (result == SFTP_FAILED || result == SFTP_EXISTS) {
        enum sftp_result there = sftp_stat(c, to, NULL, &quiet);
        result = there == SFTP_OK ? SFTP_EXISTS : there == SFTP_LOST ? SFTP_LOST : result;
    }
    if (result == SFTP_EXISTS)
        finding_add(f, SEVERITY_ERROR, "sftp.exists", c->peer, "",
                    "%s cannot be renamed to %s: a file of that name is there.", from, to);
    else
        finding_add(f, result == SFTP_LOST ? SEVERITY_WARNING : SEVERITY_ERROR, "sftp.rename", c->peer, "",
                    "%s cannot be renamed to %s: %s", from, to,
                    quiet.first ? quiet.first->what : "it is not there.");
    arena_free(&scratch);
    return result;
}

enum sftp_result sftp_remove(struct sftp *c, const char *path, struct findings *f)
{
    if (libssh2_sftp_unlink_ex(c->files, path, (unsigned)strlen(path)))
        return sftp_failed(c, "removing", path, true, f);
    return SFTP_OK;
}
