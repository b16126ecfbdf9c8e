/* secrets: see secrets.h. The file is JSON, so that an operator can see what is in it (names and times, never
 * values):
 *
 *   {"spoolgate-secrets": 1, "key": "<id of the key>", "secrets": [{"name", "set_at", "sealed": base64}, …]}
 *
 * A change takes a lock on the file's directory, reads the file again, and replaces it durably: two `secret
 * set` at the same time both take effect. struct secrets owns the key and the plain values, both in locked
 * memory. */
#include "net/secrets.h"
#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include "net/locked.h"
#include "net/seal.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT (16u * 1024u * 1024u)
#define FORMAT 1

struct plain { /* a value that was asked for */
    struct plain *next;
    char *text; /* locked */
    size_t len;
    char name[SECRET_NAME_LIMIT + 1];
};

struct secrets {
    char *file, *key_file;
    char origin[PATH_MAX + 16];
    struct seal_key *key; /* locked */
    json_t *entries;      /* array of {name, set_at, sealed} */
    struct plain *plains;
    bool key_from_file,
        key_is_new; /* the key is <key_file>.new: a rekey was cut short before its last step */
};

static void fail(struct findings *f, const struct secrets *s, const char *todo, const char *what,
                 const char *detail)
{
    finding_add(f, SEVERITY_ERROR, "secrets.file", s->file, todo, "%s%s%s", what, *detail ? ": " : "",
                detail);
}

static bool name_fits(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > SECRET_NAME_LIMIT)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
            return false;
    return true;
}

/* ---- the key ---- */

/* 1: found; 0: not there; -1 with findings. */
static int key_from_credentials(struct secrets *s, struct findings *f)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];
    if (!dir || (size_t)snprintf(path, sizeof path, "%s/spoolgate-key", dir) >= sizeof path ||
        access(path, F_OK))
        return 0;
    snprintf(s->origin, sizeof s->origin, "systemd's credential spoolgate-key");
    /* systemd gives these files to the service alone, by its own means */
    return seal_key_read(path, false, s->key, f) ? -1 : 1;
}

static struct { /* what SPOOLGATE_KEY held: it is taken out of the environment, which core dumps, /proc and
                 * further programs would show */
    char *text; /* locked */
    size_t len;
} hidden;

static int key_from_environment(struct secrets *s, struct findings *f)
{
    secrets_hide_environment();
    const char *text = hidden.text;
    if (!text)
        return 0;
    snprintf(s->origin, sizeof s->origin, "$SPOOLGATE_KEY");
    if (strlen(text) >= 2 * SEAL_KEY && seal_key_parse(slice_of(text), s->key) == 0)
        return 1;
    finding_add(f, SEVERITY_ERROR, "secrets.key", "$SPOOLGATE_KEY", "A key is 64 hexadecimal digits.",
                "The environment variable SPOOLGATE_KEY does not hold a key.");
    return -1;
}

static int find_key(struct secrets *s, struct findings *f)
{
    int found = key_from_credentials(s, f);
    if (found == 0)
        found = key_from_environment(s, f);
    if (found)
        return found < 0 ? -1 : 0;
    if (!s->key_file) {
        finding_add(f, SEVERITY_ERROR, "secrets.key", "",
                    "Make one with `spoolgate secret key FILE` and name it as key_file, or give it as "
                    "systemd credential "
                    "spoolgate-key or in $SPOOLGATE_KEY.",
                    "There is no key for the secrets.");
        return -1;
    }
    s->key_from_file = true;
    snprintf(s->origin, sizeof s->origin, "the file %s", s->key_file);
    return seal_key_read(s->key_file, true, s->key, f);
}

/* A rekey may have been killed between sealing everything anew and putting the new key in the old one's
 * place. */
static bool take_new_key(struct secrets *s, const char *wanted_id)
{
    char path[PATH_MAX];
    struct arena a = {0};
    struct findings ignored = {.arena = &a};
    struct seal_key *k = locked_alloc(sizeof *k);
    bool fits = k && s->key_from_file &&
                (size_t)snprintf(path, sizeof path, "%s.new", s->key_file) < sizeof path &&
                seal_key_read(path, true, k, &ignored) == 0 && strcmp(k->id, wanted_id) == 0;
    if (fits) {
        *s->key = *k;
        s->key_is_new = true;
        snprintf(s->origin, sizeof s->origin, "the file %s", path);
    }
    locked_free(k, sizeof *k);
    arena_free(&a);
    return fits;
}

/* ---- the file ---- */

static bool entry_fits(const json_t *e)
{
    const char *name = json_text_at(e, "name");
    return name && name_fits(name) && json_text_at(e, "set_at") && json_text_at(e, "sealed");
}

static json_t *checked_entries(const struct secrets *s, const json_t *root, struct findings *f)
{
    json_t *entries = json_object_get(root, "secrets");
    if (json_integer_at(root, "spoolgate-secrets", 0) != FORMAT || !json_text_at(root, "key") ||
        !json_is_array(entries)) {
        fail(f, s, "It may come from a newer spoolgate; otherwise restore it from a backup.",
             "This is not a file of secrets that this version can read", "");
        return NULL;
    }
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e) if (!entry_fits(e))
    {
        char which[32];
        snprintf(which, sizeof which, "entry %zu", i + 1);
        fail(f, s, "Restore the file from a backup.", "An entry lacks its name, time or sealed value", which);
        return NULL;
    }
    return entries;
}

/* Reads the file into s->entries; a missing file is an empty one. *key_id: the id of the key it is sealed
 * under. */
static int load(struct secrets *s, char key_id[SEAL_ID_TEXT], struct findings *f)
{
    struct buffer text = {0};
    json_error_t error;
    *key_id = '\0';
    json_decref(s->entries);
    s->entries = NULL;
    if (file_read(AT_FDCWD, s->file, FILE_LIMIT, &text)) {
        if (errno == ENOENT) {
            s->entries = json_array();
            return 0;
        }
        int why = errno;
        fail(f, s, "", "The file of secrets cannot be read", strerror(why));
        findings_blame(f, why);
        return -1;
    }
    json_t *root = json_parse(buffer_as_slice(&text), &error);
    buffer_free(&text);
    if (!root)
        fail(f, s, "Restore the file from a backup.", "The file of secrets is damaged", error.text);
    s->entries = json_incref(root ? checked_entries(s, root, f) : NULL);
    if (s->entries)
        snprintf(key_id, SEAL_ID_TEXT, "%s", json_text_at(root, "key"));
    json_decref(root);
    return s->entries ? 0 : -1;
}

static int load_checked(struct secrets *s, struct findings *f)
{
    char id[SEAL_ID_TEXT];
    if (load(s, id, f))
        return -1;
    if (!*id || strcmp(id, s->key->id) == 0 || take_new_key(s, id))
        return 0;
    finding_add(f, SEVERITY_ERROR, "secrets.wrong-key", s->file,
                "Give the key they were sealed under; without it they cannot be read again, by nobody, and "
                "must be set anew.",
                "The secrets were sealed under another key (id %s) than the one from %s (id %s).", id,
                s->origin, s->key->id);
    return -1;
}

static int save(const struct secrets *s, const struct seal_key *k, json_t *entries, struct findings *f)
{
    json_t *root =
        json_pack("{s:i, s:s, s:O}", "spoolgate-secrets", FORMAT, "key", k->id, "secrets", entries);
    struct buffer text = {0};
    json_print(root, &text);
    json_decref(root);
    int result = file_replace(AT_FDCWD, s->file, buffer_as_slice(&text), 0600, true);
    int why = errno;
    buffer_free(&text);
    if (result)
        fail(f, s, "", "The file of secrets cannot be written", strerror(why));
    return result;
}

/* A descriptor that holds the lock, or -1 with findings. */
static int lock(const struct secrets *s, struct findings *f)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(s->file, '/');
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - s->file) : 1, slash ? s->file : ".");
    int fd = open(*dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX)) {
        fail(f, s, "Make the directory first.", "The directory of the secrets cannot be locked",
             strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

struct secrets *secrets_open(const char *secrets_file, const char *key_file, struct findings *f)
{
    struct secrets *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->file = strdup(secrets_file ? secrets_file : "");
    s->key_file = key_file ? strdup(key_file) : NULL;
    s->key = locked_alloc(sizeof *s->key);
    if (!s->file || !s->key)
        abort();
    if (!*s->file)
        fail(f, s, "Name one as secrets_file in the configuration.", "There is no file for the secrets", "");
    else if (find_key(s, f) == 0 && load_checked(s, f) == 0)
        return s;
    secrets_close(s);
    return NULL;
}

void secrets_close(struct secrets *s)
{
    if (!s)
        return;
    for (struct plain *p = s->plains, *next; p; p = next) {
        next = p->next;
        locked_free(p->text, p->len + 1);
        free(p);
    }
    locked_free(s->key, sizeof *s->key);
    json_decref(s->entries);
    free(s->file);
    free(s->key_file);
    free(s);
}

const char *secrets_key_origin(const struct secrets *s)
{
    return s->origin;
}

/* ---- sealing ---- */

static struct slice purpose_of(const char *domain, const char *name, char room[256])
{
    int n = snprintf(room, 256, "%s %s", domain, name);
    return slice_make(room, n < 0 ? 0 : n < 256 ? (size_t)n : 255);
}

static json_t *entry_seal(const struct seal_key *k, const char *name, const char *set_at, struct slice value)
{
    char room[256];
    struct buffer sealed = {0}, text = {0};
    json_t *e = NULL;
    if (seal(k, purpose_of("spoolgate-secret", name, room), value, &sealed) == 0) {
        buffer_reserve(&text, sealed.len / 3 * 4 + 4);
        EVP_EncodeBlock((unsigned char *)text.ptr, (const unsigned char *)sealed.ptr, (int)sealed.len);
        e = json_pack("{s:s, s:s, s:s}", "name", name, "set_at", set_at, "sealed", text.ptr);
    }
    buffer_free(&sealed);
    buffer_free(&text);
    return e;
}

/* The plain value in locked memory (free with *len + 1), or NULL. */
static char *entry_unseal(const struct seal_key *k, const json_t *e, size_t *len)
{
    char room[256];
    const char *text = json_text_at(e, "sealed");
    size_t n = strlen(text),
           padding = n >= 2 ? (size_t)(text[n - 1] == '=') + (size_t)(text[n - 2] == '=') : 0;
    if (n % 4 || n > 4 * (SECRET_LIMIT + SEAL_NONCE + SEAL_TAG) ||
        n / 4 * 3 < SEAL_NONCE + SEAL_TAG + padding)
        return NULL;
    struct buffer sealed = {0};
    buffer_reserve(&sealed, n);
    int got = EVP_DecodeBlock((unsigned char *)sealed.ptr, (const unsigned char *)text, (int)n);
    sealed.len = got > (int)padding ? (size_t)got - padding : 0;
    *len = sealed.len - SEAL_NONCE - SEAL_TAG;
    char *plain = got < 0 || sealed.len < SEAL_NONCE + SEAL_TAG ? NULL : locked_alloc(*len + 1);
    if (plain && unseal(k, purpose_of("spoolgate-secret", json_text_at(e, "name"), room),
                        buffer_as_slice(&sealed), plain)) {
        locked_free(plain, *len + 1);
        plain = NULL;
    }
    buffer_free(&sealed);
    return plain;
}

static size_t entry_index(const struct secrets *s, const char *name)
{
    size_t i;
    json_t *e;
    json_array_foreach(s->entries, i, e) if (strcmp(json_text_at(e, "name"), name) == 0) return i;
    return SIZE_MAX;
}

static int change(struct secrets *s, const char *name, json_t *entry, struct findings *f)
{
    int held = lock(s, f), result = -1;
    if (held >= 0 && load_checked(s, f) == 0) {
        size_t at = entry_index(s, name);
        if (!entry && at == SIZE_MAX) {
            result = 1;
        } else {
            if (!entry)
                json_array_remove(s->entries, at);
            else if (at == SIZE_MAX)
                json_array_append(s->entries, entry);
            else
                json_array_set(s->entries, at, entry);
            result = save(s, s->key, s->entries, f);
        }
    }
    if (held >= 0)
        close(held);
    return result;
}

int secrets_set(struct secrets *s, const char *name, struct slice value, struct findings *f)
{
    char now[INSTANT_TEXT];
    const char *wrong = !name_fits(name)
                            ? "This is not a name for a secret (letters, digits, dots, dashes and "
                              "underscores, at most 64)"
                        : value.len == 0           ? "The value is empty"
                        : value.len > SECRET_LIMIT ? "The value is longer than 16 KiB"
                                                   : NULL;
    if (wrong) {
        finding_add(f, SEVERITY_ERROR, "secrets.value", "", "", "%s.", wrong);
        return -1;
    }
    instant_print(instant_now(), 0, now);
    json_t *entry = entry_seal(s->key, name, now, value);
    if (!entry) {
        fail(f, s, "", "The value could not be sealed", name);
        return -1;
    }
    int result = change(s, name, entry, f);
    json_decref(entry);
    /* what was handed out stays valid until the end, but it is no longer what the name stands for */
    for (struct plain *p = s->plains; p; p = p->next)
        if (result == 0 && strcmp(p->name, name) == 0)
            p->name[0] = '\0';
    return result;
}

int secrets_remove(struct secrets *s, const char *name, struct findings *f)
{
    int result = change(s, name, NULL, f);
    for (struct plain *p = s->plains; p; p = p->next)
        if (result == 0 && strcmp(p->name, name) == 0)
            p->name[0] = '\0';
    return result;
}

int secrets_list(struct secrets *s, secrets_row *row, void *context)
{
    size_t i;
    json_t *e;
    int result = 0;
    json_array_foreach(s->entries, i, e)
    {
        result = row(context, json_text_at(e, "name"), json_text_at(e, "set_at"));
        if (result)
            break;
    }
    return result;
}

bool secrets_name_is_set(const char *secrets_file, const char *name)
{
    struct buffer text = {0};
    json_t *root = file_read(AT_FDCWD, secrets_file, FILE_LIMIT, &text) == 0
                       ? json_parse(buffer_as_slice(&text), NULL)
                       : NULL;
    json_t *entries = json_object_get(root, "secrets"), *e;
    bool found = false;
    size_t i;
    json_array_foreach(entries, i, e)
    {
        const char *known = json_text_at(e, "name");
        found = found || (known && strcmp(known, name) == 0);
    }
    json_decref(root);
    buffer_free(&text);
    return found;
}

bool secrets_has(const struct secrets *s, const char *name)
{
    return s && entry_index(s, name) != SIZE_MAX;
}

struct slice secrets_get(struct secrets *s, const char *name, struct findings *f)
{
    if (!s) {
        finding_add(f, SEVERITY_ERROR, "secrets.key", "",
                    "Make a key with `spoolgate secret key FILE` and name it as key_file.",
                    "A secret is asked for, and there is no key for the secrets.");
        return SLICE_NONE;
    }
    for (struct plain *p = s->plains; p; p = p->next)
        if (strcmp(p->name, name) == 0)
            return slice_make(p->text, p->len);
    size_t at = entry_index(s, name), len = 0;
    if (at == SIZE_MAX) {
        finding_add(
            f, SEVERITY_ERROR, "secrets.missing", s->file,
            "The configuration gives its name, never its value: `spoolgate config check` says where. Set it: "
            "`spoolgate secret set NAME`, the value on standard input.",
            "The secret that is asked for is not set.");
        return SLICE_NONE;
    }
    char *text = entry_unseal(s->key, json_array_get(s->entries, at), &len);
    if (!text) {
        finding_add(f, SEVERITY_ERROR, "secrets.damaged", s->file,
                    "It was altered, or moved to another name. Set it anew: `spoolgate secret set NAME`.",
                    "The secret %s cannot be opened with the key from %s.", name, s->origin);
        return SLICE_NONE;
    }
    struct plain *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    *p = (struct plain){.next = s->plains, .text = text, .len = len};
    snprintf(p->name, sizeof p->name, "%s", name);
    s->plains = p;
    return slice_make(text, len);
}

/* ---- a new key ---- */

static json_t *entries_resealed(const struct secrets *s, const struct seal_key *to, struct findings *f)
{
    json_t *all = json_array(), *e;
    size_t i;
    json_array_foreach(s->entries, i, e)
    {
        size_t len = 0;
        const char *name = json_text_at(e, "name");
        char *plain = entry_unseal(s->key, e, &len);
        json_t *anew = plain ? entry_seal(to, name, json_text_at(e, "set_at"), slice_make(plain, len)) : NULL;
        locked_free(plain, len + 1);
        if (!anew) {
            fail(f, s, "Remove it or set it anew, then try again; nothing was changed.",
                 "This secret cannot be opened", name);
            json_decref(all);
            return NULL;
        }
        json_array_append_new(all, anew);
    }
    return all;
}

/* <key_file>.new becomes <key_file>, durably. */
static int put_new_key_in_place(struct secrets *s, struct findings *f)
{
    char path[PATH_MAX], dir[PATH_MAX];
    snprintf(path, sizeof path, "%s.new", s->key_file);
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 || rename(path, s->key_file) || fsync(fd) ? -1 : 0;
    if (result)
        fail(f, s,
             "The secrets are sealed under the new key already, in the file that ends in .new: rename it by "
             "hand.",
             "The new key could not take the old one's place", strerror(errno));
    if (fd >= 0)
        close(fd);
    if (result == 0) {
        s->key_is_new = false;
        snprintf(s->origin, sizeof s->origin, "the file %s", s->key_file);
    }
    return result;
}

static int reseal_under(struct secrets *s, const char *file, struct findings *f)
{
    struct seal_key *k = locked_alloc(sizeof *k);
    if (!k)
        abort();
    if (access(file, F_OK) && seal_key_create(file, f)) {
        locked_free(k, sizeof *k);
        return -1;
    }
    int result = seal_key_read(file, true, k, f);
    json_t *anew = result ? NULL : entries_resealed(s, k, f);
    if (!anew || save(s, k, anew, f)) {
        result = -1;
    } else {
        *s->key = *k;
        json_decref(s->entries);
        s->entries = json_incref(anew);
        snprintf(s->origin, sizeof s->origin, "the file %s", file);
    }
    json_decref(anew);
    locked_free(k, sizeof *k);
    return result;
}

/* A rekey that was killed while it wrote its new key leaves a part of one, which nothing is sealed under. */
static void remove_broken_key(const char *path)
{
    struct arena a = {0};
    struct findings ignored = {.arena = &a};
    struct seal_key *k = locked_alloc(sizeof *k);
    if (k && access(path, F_OK) == 0 && seal_key_read(path, true, k, &ignored))
        unlink(path);
    locked_free(k, sizeof *k);
    arena_free(&a);
}

int secrets_rekey(struct secrets *s, const char *new_key_file, struct findings *f)
{
    char path[PATH_MAX];
    int held = lock(s, f), result = -1;
    if (held < 0)
        return -1;
    if (load_checked(s, f)) {
        close(held);
        return -1;
    }
    if (new_key_file) {
        result = reseal_under(s, new_key_file, f);
    } else if (!s->key_from_file) {
        fail(f, s,
             "Make the new key in a file, `spoolgate secret rekey FILE`, then give it where the old one came "
             "from.",
             "The key does not come from a file that could be replaced but from", s->origin);
    } else if (s->key_is_new) {
        /* the last rekey was cut short before its last step: that step is all that is left to do */
        result = put_new_key_in_place(s, f);
    } else {
        snprintf(path, sizeof path, "%s.new", s->key_file);
        remove_broken_key(path);
        result = reseal_under(s, path, f);
        if (result == 0)
            result = put_new_key_in_place(s, f);
    }
    close(held);
    return result;
}

/* ---- tokens ---- */

int secrets_seal(struct secrets *s, const char *name, struct slice plain, struct buffer *sealed)
{
    char room[256];
    return s ? seal(s->key, purpose_of("spoolgate-token", name, room), plain, sealed) : -1;
}

int secrets_unseal(struct secrets *s, const char *name, struct slice sealed, struct buffer *plain)
{
    char room[256];
    if (!s || sealed.len < SEAL_NONCE + SEAL_TAG)
        return -1;
    size_t len = sealed.len - SEAL_NONCE - SEAL_TAG;
    buffer_reserve(plain, len);
    if (unseal(s->key, purpose_of("spoolgate-token", name, room), sealed, plain->ptr + plain->len))
        return -1;
    plain->len += len;
    plain->ptr[plain->len] = '\0';
    return 0;
}

/* ---- the process ---- */

void secrets_harden_process(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void secrets_hide_environment(void)
{
    char *key = getenv("SPOOLGATE_KEY");
    if (!key)
        return;
    secrets_harden_process();
    locked_free(hidden.text, hidden.len + 1);
    hidden.len = strlen(key);
    hidden.text = hidden.len ? locked_alloc(hidden.len + 1) : NULL;
    if (hidden.len && !hidden.text)
        abort();
    if (hidden.text)
        memcpy(hidden.text, key, hidden.len);
    OPENSSL_cleanse(key, hidden.len);
    unsetenv("SPOOLGATE_KEY");
}

bool secrets_environment_has_key(void)
{
    secrets_hide_environment();
    return hidden.text || getenv("CREDENTIALS_DIRECTORY");
}

void secrets_forget_environment(void)
{
    secrets_hide_environment();
    locked_free(hidden.text, hidden.len + 1);
    hidden.text = NULL;
    hidden.len = 0;
}
