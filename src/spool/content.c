/* content: the files of a document's folder: source, corrected, canonical, message, error.txt. See
 * document.h. The source is evidence: it is read and hashed, never written. */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "spool/document.h"
#include "spool/envelope.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The one file of the folder whose name begins with prefix: 1, none: 0, several: 2, not readable: -1. */
static int only_file(const struct document *d, const char *prefix, char file[SPOOL_NAME_MAX + 1])
{
    int fd = openat(d->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    struct dirent *e;
    while ((errno = 0, e = readdir(dir)) && found < 2)
        if (!strncmp(e->d_name, prefix, strlen(prefix)) && ++found == 1)
            snprintf(file, SPOOL_NAME_MAX + 1, "%s", e->d_name);
    int failed = e ? 0 : errno;
    closedir(dir);
    errno = failed;
    return failed ? -1 : found;
}

static int fail(struct findings *f, const char *code, const char *where, const char *todo, const char *what,
                int error)
{
    if (f && error_is_the_machines(error))
        finding_machine(f, error, where);
    else if (f)
        finding_add(f, SEVERITY_ERROR, code, where, todo, "%s", what);
    errno = error;
    return -1;
}

int document_source(struct document *d, char file[SPOOL_NAME_MAX + 1], bool *corrected, struct findings *f)
{
    if (corrected)
        *corrected = false;
    const char *stored = document_text(d, "source.stored");
    if (stored && !d->saved) { /* just claimed: nobody could put anything beside it */
        snprintf(file, SPOOL_NAME_MAX + 1, "%s", stored);
        return 0;
    }
    int found = only_file(d, "corrected.", file);
    if (found == 1) {
        if (corrected)
            *corrected = true;
        return 0;
    }
    if (found > 1)
        return fail(f, "spool.corrected.several", "corrected.*", "Leave one corrected file in the folder.",
                    "There is more than one corrected file beside the source.", EINVAL);
    if (found == 0 && stored && faccessat(d->folder, stored, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        snprintf(file, SPOOL_NAME_MAX + 1, "%s", stored);
        return 0;
    }
    if (found == 0 && stored && error_is_the_machines(errno))
        found = -1;
    if (found == 0)
        found = only_file(d, "source.", file);
    if (found == 1)
        return 0;
    if (found < 0)
        return fail(f, "spool.folder", d->name, "Check who may read the folder.",
                    "The folder cannot be listed.", errno);
    return fail(f, "spool.source.missing", "source.*",
                "Put the original back as source.<extension>, or drop the file into inbox/<source> as a new "
                "document.",
                found ? "There is more than one source file in the folder."
                      : "There is no source file in the folder.",
                ENOENT);
}

/* The member of the envelope that describes a file, made for source and corrected when missing; NULL for
 * others. */
static json_t *member_of(struct document *d, const char *file, const char **name)
{
    static const char *const named[] = {"canonical", "message"};
    for (size_t i = 0; i < 2; i++) {
        json_t *member = json_object_get(d->envelope, named[i]);
        const char *its = json_string_value(json_object_get(member, "file"));
        *name = named[i];
        if (its && !strcmp(its, file))
            return member;
    }
    *name = !strncmp(file, "source.", 7) ? "source" : !strncmp(file, "corrected.", 10) ? "corrected" : NULL;
    if (!*name)
        return NULL;
    json_t *member = json_object_get(d->envelope, *name);
    if (!json_is_object(member)) {
        member = json_object();
        json_object_set_new(d->envelope, *name, member);
    }
    const char *key = **name == 's' ? "stored" : "file";
    if (!json_object_get(member, key))
        json_object_set_new(member, key, envelope_text(file));
    return member;
}

static void note_hash(json_t *member, size_t size, const char *hex)
{
    json_object_set_new_nocheck(member, "size", json_integer((json_int_t)size));
    json_object_set_new_nocheck(member, "sha256", json_string_nocheck(hex));
}

/* Holds bytes just read against the envelope. A correction may be written more than once; the rest never
 * changes. */
static int check(struct document *d, const char *file, struct slice bytes, struct findings *f)
{
    const char *name;
    json_t *member = member_of(d, file, &name);
    if (!member)
        return 0;
    char hex[HASH_TEXT];
    hash_sha256(bytes, hex);
    const char *noted = json_string_value(json_object_get(member, "sha256"));
    bool source = !strcmp(name, "source");
    if (!noted || !strcmp(name, "corrected")) {
        json_object_set_new(member, source ? "stored" : "file", envelope_text(file));
        note_hash(member, bytes.len, hex);
        return 0;
    }
    if (!strcmp(noted, hex))
        return 0;
    if (source)
        return fail(f, "spool.source.altered", file,
                    "Put the original bytes back, and write what is to be translated instead beside it, as "
                    "corrected.<extension>; then move the folder to translate/ again.",
                    "The source is not what was received: its SHA-256 differs from the envelope's.", EBADMSG);
    return fail(f, "spool.content.altered", file,
                "Move the folder to translate/: it will be made anew from the source.",
                "The file is not what was made: its SHA-256 differs from the envelope's.", EBADMSG);
}

int document_read(struct document *d, const char *file, struct buffer *out, struct findings *f)
{
    size_t start = out->len;
    if (!*file || strchr(file, '/'))
        return fail(f, "spool.file.name", file, "", "That is not the name of a file in a document's folder.",
                    EINVAL);
    if (file_read(d->folder, file, DOCUMENT_SIZE_LIMIT, out) < 0) {
        int failed = errno;
        const char *why = failed == ELOOP    ? "it is a symbolic link"
                          : failed == EINVAL ? "it is not a regular file"
                          : failed == EFBIG  ? "it is larger than 256 MiB"
                                             : strerror(failed);
        if (f && error_is_the_machines(failed))
            finding_machine(f, failed, file);
        else if (f)
            finding_add(f, SEVERITY_ERROR, "spool.file.read", file,
                        failed == EACCES ? "Let the user that spoolgate runs as read the file." : "",
                        "The file %s of document %s cannot be read: %s.", file, d->name, why);
        errno = failed;
        return -1;
    }
    if (check(d, file, slice_make(out->ptr + start, out->len - start), f) == 0)
        return 0;
    out->len = start;
    return -1;
}

int document_write(struct document *d, const char *member, const char *file, struct slice bytes)
{
    if (file_write(d->folder, file, bytes, 0640, false) < 0)
        return -1;
    json_t *its = json_object_get(d->envelope, member);
    if (!json_is_object(its)) {
        its = json_object();
        json_object_set_new(d->envelope, member, its);
    }
    char hex[HASH_TEXT];
    hash_sha256(bytes, hex);
    json_object_set_new(its, "file", envelope_text(file));
    note_hash(its, bytes.len, hex);
    return 0;
}

static bool differs(const struct document *d, const char *file, const char *sha256)
{
    char hex[HASH_TEXT];
    if (strchr(file, '/'))
        return true;
    int fd = openat(d->folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool same = fd >= 0 && hash_sha256_file(fd, hex, NULL) == 0 && !strcmp(hex, sha256);
    if (fd >= 0)
        close(fd);
    return !same;
}

int document_verify(struct document *d, struct findings *f)
{
    static const char *const member[][2] = {
        {"source", "stored"}, {"corrected", "file"}, {"canonical", "file"}, {"message", "file"}};
    int differing = 0;
    for (size_t i = 0; i < sizeof member / sizeof member[0]; i++) {
        const json_t *m = json_object_get(d->envelope, member[i][0]);
        const char *file = json_string_value(json_object_get(m, member[i][1]));
        const char *sha256 = json_string_value(json_object_get(m, "sha256"));
        if (!file || !sha256 || !differs(d, file, sha256))
            continue;
        differing++;
        if (f)
            finding_add(
                f, SEVERITY_ERROR, "spool.altered", file,
                "Find out who changed it; a backup of the spool holds the original.",
                "%s of document %s is missing or not what it was: its SHA-256 differs from the envelope's.",
                file, d->name);
    }
    return differing;
}

/* error.txt is looked at with cat: what the envelope holds of foreign texts must not speak to the terminal.
 */
static void add_shown(struct buffer *out, const char *before, const char *text)
{
    struct slice s = slice_of(text);
    buffer_text(out, before);
    buffer_reserve(out, 4 * s.len + 4);
    out->len += utf8_show(s, out->ptr + out->len, 4 * s.len + 3);
    out->ptr[out->len] = '\0';
}

static void heading(const struct document *d, const char *name, struct buffer *out, const char *what,
                    bool sending)
{
    const char *type = document_text(d, "type"), *number = document_text(d, "number");
    const char *partner = document_text(d, "partner"), *file = document_text(d, "source.file");
    const char *source = document_text(d, "source.name"), *at = document_text(d, "source.received");
    add_shown(out, "The ", type ? type : "document");
    if (number)
        add_shown(out, " ", number);
    if (partner)
        add_shown(out, " for ", partner);
    buffer_printf(out, " could not be %s.\n\n", what);
    buffer_printf(out, "document: %s\n", name);
    if (file) {
        add_shown(out, "received: ", file);
        add_shown(out, ", from inbox/", source ? source : "?");
        add_shown(out, ", at ", at ? at : "?");
        buffer_byte(out, '\n');
    }
    if (sending && document_text(d, "endpoint")) {
        add_shown(out, "endpoint: ", document_text(d, "endpoint"));
        buffer_byte(out, '\n');
    }
    buffer_byte(out, '\n');
}

static void corrected_way(const struct document *d, const char *name, struct buffer *out)
{
    const char *stored = document_text(d, "source.stored"), *corrected = document_text(d, "corrected.file");
    const char *dot = stored ? strrchr(stored, '.') : NULL;
    buffer_text(out, "  with the document corrected:   ");
    if (corrected) {
        add_shown(out, "correct ", corrected);
        buffer_text(out, " in this folder");
    } else if (dot && strspn(dot + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
                          strlen(dot + 1))
        buffer_printf(out, "cp error/%s/%s error/%s/corrected%s\n%33sand correct that", name, stored, name,
                      dot, "");
    else
        buffer_text(out, "write it beside the source as corrected.<extension>");
    buffer_printf(out, ", then translate it again;\n%33sthe source itself stays as it was received\n", "");
}

/* Commands that work as they are printed, the paths from the spool's own folder. */
static void way_back(const struct document *d, const char *name, struct buffer *out, bool sending)
{
    const char *endpoint = document_text(d, "endpoint"), *source = document_text(d, "source.name");
    if (!source && !(sending && endpoint)) {
        buffer_text(out,
                    "\nIt cannot be put back, for it is not known where it came from: copy its source into "
                    "inbox/<source>/ under its\nproper name, and move this folder away.\n");
        return;
    }
    buffer_printf(out, "\nTo put it back when the cause is removed, say: spoolgate retry %s\n", name);
    buffer_text(out, "or move it yourself, in the spool's folder:\n");
    if (sending && endpoint) {
        buffer_printf(out, "  send it again as it is:        mv error/%s", name);
        add_shown(out, " outbox/", endpoint);
        buffer_text(out, "/\n");
    }
    if (!source)
        return;
    buffer_printf(out, "  translate it again:            mv error/%s translate/\n", name);
    corrected_way(d, name, out);
}

int document_write_error(struct document *d, const struct findings *f, const char *stage)
{
    return document_write_error_as(d, f, stage, d->name);
}

int document_write_error_as(struct document *d, const struct findings *f, const char *stage, const char *name)
{
    bool sending = !strcmp(stage, "outbox");
    struct buffer text = {0};
    bool taken = strcmp(stage, "inbox") !=
                 0; /* what was refused is no document yet, and there is no way back for it */
    heading(d, name, &text, sending ? "sent" : taken ? "translated" : "taken", sending);
    findings_print(f, &text);
    if (taken)
        way_back(d, name, &text, sending);
    int rc = file_write(d->folder, "error.txt", buffer_as_slice(&text), 0640, false);
    int failed = errno;
    buffer_free(&text);
    errno = failed;
    if (rc < 0)
        return -1;
    document_set(d, "failed_in", stage);
    return document_save(d);
}
