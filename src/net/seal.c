/* seal: see seal.h. Nothing here keeps a key: callers own the struct and wipe it. OpenSSL's EVP interface. */
#include "net/seal.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_LIMIT 256

int seal(const struct seal_key *k, struct slice purpose, struct slice plain, struct buffer *out)
{
    size_t start = out->len;
    if (plain.len > INT_MAX / 2 || purpose.len > INT_MAX / 2)
        return -1;
    buffer_reserve(out, SEAL_NONCE + plain.len + SEAL_TAG);
    unsigned char *nonce = (unsigned char *)out->ptr + start, *text = nonce + SEAL_NONCE;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0,
        ok = c && RAND_bytes(nonce, SEAL_NONCE) == 1 &&
             EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->bytes, nonce) == 1 &&
             EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)purpose.ptr, (int)purpose.len) == 1 &&
             EVP_EncryptUpdate(c, text, &n, (const unsigned char *)plain.ptr, (int)plain.len) == 1 &&
             EVP_EncryptFinal_ex(c, text + n, &n) == 1 &&
             EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, SEAL_TAG, text + plain.len) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!ok)
        return -1;
    out->len = start + SEAL_NONCE + plain.len + SEAL_TAG;
    out->ptr[out->len] = '\0';
    return 0;
}

int unseal(const struct seal_key *k, struct slice purpose, struct slice sealed, void *plain)
{
    if (sealed.len < SEAL_NONCE + SEAL_TAG || sealed.len > INT_MAX / 2 || purpose.len > INT_MAX / 2)
        return -1;
    const unsigned char *nonce = (const unsigned char *)sealed.ptr, *text = nonce + SEAL_NONCE;
    size_t len = sealed.len - SEAL_NONCE - SEAL_TAG;
    unsigned char tag[SEAL_TAG];
    memcpy(tag, text + len, SEAL_TAG);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0,
        ok = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->bytes, nonce) == 1 &&
             EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)purpose.ptr, (int)purpose.len) == 1 &&
             EVP_DecryptUpdate(c, plain, &n, text, (int)len) == 1 &&
             EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, SEAL_TAG, tag) == 1 &&
             EVP_DecryptFinal_ex(c, (unsigned char *)plain + n, &n) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!ok)
        OPENSSL_cleanse(plain, len);
    return ok ? 0 : -1;
}

static int key_id(struct seal_key *k)
{
    static const unsigned char label[] = "spoolgate key id";
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!HMAC(EVP_sha256(), k->bytes, SEAL_KEY, label, sizeof label - 1, mac, &n))
        return -1;
    for (unsigned i = 0; i < 8; i++)
        snprintf(k->id + i * 2, 3, "%02x", mac[i]);
    return 0;
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

int seal_key_parse(struct slice text, struct seal_key *k)
{
    struct slice hex = slice_trim(text);
    if (hex.len == 2 * SEAL_KEY) {
        for (size_t i = 0; i < SEAL_KEY; i++) {
            int high = hex_digit(hex.ptr[2 * i]), low = hex_digit(hex.ptr[2 * i + 1]);
            if (high < 0 || low < 0)
                return -1;
            k->bytes[i] = (unsigned char)(high << 4 | low);
        }
        return key_id(k);
    }
    if (text.len != SEAL_KEY)
        return -1;
    memcpy(k->bytes, text.ptr, SEAL_KEY);
    return key_id(k);
}

/* What is wrong with the key file itself, or NULL. */
static const char *unfit(const struct stat *st, bool private)
{
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (private && (st->st_mode & 077))
        return "can be read by others than its owner";
    if (private && st->st_uid != geteuid() && st->st_uid != 0)
        return "belongs to another user";
    return NULL;
}

int seal_key_read(const char *file, bool private, struct seal_key *k, struct findings *f)
{
    char text[KEY_FILE_LIMIT];
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), result = -1;
    if (fd < 0 || fstat(fd, &st)) {
        int why = errno;
        finding_add(f, SEVERITY_ERROR, "secrets.key", file,
                    "Make a key with `spoolgate secret key FILE`, or name the right file as key_file.",
                    "The key file cannot be opened: %s.", strerror(why));
        findings_blame(f, why);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    const char *wrong = unfit(&st, private);
    ssize_t n = wrong ? 0 : read(fd, text, sizeof text);
    int why = errno;
    close(fd);
    if (wrong)
        finding_add(f, SEVERITY_ERROR, "secrets.key", file,
                    "The key must be a file of its own user with mode 0600: chmod 600, chown.",
                    "The key file %s.", wrong);
    else if (n < 0) {
        finding_add(f, SEVERITY_ERROR, "secrets.key", file, "", "The key file cannot be read: %s.",
                    strerror(why));
        findings_blame(f, why);
    } else if (seal_key_parse(slice_make(text, (size_t)n), k))
        finding_add(
            f, SEVERITY_ERROR, "secrets.key", file,
            "A key is 64 hexadecimal digits (or 32 bytes). Restore the file from where it is kept safe.",
            "The key file does not hold a key.");
    else
        result = 0;
    OPENSSL_cleanse(text, sizeof text);
    return result;
}

/* The file's own bytes are synced by the caller; this makes its name durable. */
static int sync_directory_of(const char *file)
{
    char copy[PATH_MAX];
    if ((size_t)snprintf(copy, sizeof copy, "%s", file) >= sizeof copy) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -1;
    int result = fsync(dir);
    close(dir);
    return result;
}

int seal_key_create(const char *file, struct findings *f)
{
    unsigned char bytes[SEAL_KEY];
    char text[2 * SEAL_KEY + 2];
    if (RAND_priv_bytes(bytes, SEAL_KEY) != 1) {
        finding_add(f, SEVERITY_ERROR, "secrets.random", "", "",
                    "The system's random generator gave no key.");
        return -1;
    }
    for (size_t i = 0; i < SEAL_KEY; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    memcpy(text + 2 * SEAL_KEY, "\n", 2);
    OPENSSL_cleanse(bytes, sizeof bytes);

    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool made = fd >= 0;
    bool ok = made && write(fd, text, 2 * SEAL_KEY + 1) == 2 * SEAL_KEY + 1 && fsync(fd) == 0;
    int why = errno;
    OPENSSL_cleanse(text, sizeof text);
    if (made)
        close(fd);
    if (ok && sync_directory_of(file)) {
        why = errno;
        ok = false;
    }
    if (ok)
        return 0;
    if (made)
        unlink(file);
    finding_add(f, SEVERITY_ERROR, "secrets.key", file,
                why == EEXIST ? "An existing key is never overwritten: what is sealed under it would be lost."
                              : "",
                "The key file cannot be made: %s.", strerror(why));
    return -1;
}
