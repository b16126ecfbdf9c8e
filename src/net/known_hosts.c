/* known_hosts: see known_hosts.h. Reads the file anew for each connection: it is small, and a key that was
 * taken out counts no more from then on. All texts are the arena's. HMAC, base64 and SHA-256 are OpenSSL's.
 */
#include "net/known_hosts.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#define FILE_LIMIT (16u * 1024u * 1024u)
#define KEY_LIMIT (16u * 1024u)

const char *known_hosts_name(const char *host, int port, struct arena *a)
{
    return port == 22 ? arena_text(a, slice_of(host)) : arena_printf(a, "[%s]:%d", host, port);
}

static const char *base64(struct slice bytes, struct arena *a)
{
    char *text = arena_alloc(a, (bytes.len + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.ptr, (int)bytes.len);
    return text;
}

/* SLICE_NONE when it is not base64. */
static struct slice unbase64(struct slice text, struct arena *a)
{
    if (text.len == 0 || text.len % 4 || text.len > KEY_LIMIT)
        return SLICE_NONE;
    size_t padding = (size_t)(text.ptr[text.len - 1] == '=') + (size_t)(text.ptr[text.len - 2] == '=');
    char *bytes = arena_alloc(a, text.len / 4 * 3 + 1);
    int n = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)text.ptr, (int)text.len);
    return n < (int)padding ? SLICE_NONE : slice_make(bytes, (size_t)n - padding);
}

const char *known_hosts_fingerprint(struct slice blob, struct arena *a)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_Digest(blob.ptr, blob.len, hash, &n, EVP_sha256(), NULL) != 1)
        return "SHA256:?";
    const char *text = base64(slice_make((const char *)hash, n), a);
    return arena_printf(a, "SHA256:%.*s", (int)strcspn(text, "="), text);
}

const char *known_hosts_type(struct slice blob, struct arena *a)
{
    const unsigned char *p = (const unsigned char *)blob.ptr;
    if (blob.len < 4 || p[0] || p[1] || p[2] || p[3] > 64 || blob.len < 4u + p[3])
        return "";
    for (unsigned i = 0; i < p[3]; i++)
        if (!isgraph(p[4 + i]))
            return "";
    return arena_text(a, slice_make(blob.ptr + 4, p[3]));
}

const char *known_hosts_line(const char *host, int port, struct slice blob, struct arena *a)
{
    return arena_printf(a, "%s %s %s", known_hosts_name(host, port, a), known_hosts_type(blob, a),
                        base64(blob, a));
}

const char *known_hosts_todo(const char *file, const char *host, int port, struct arena *a)
{
    return arena_printf(
        a,
        "`ssh-keyscan -p %d %s >>%s`, then `ssh-keygen -lf %s`: compare the fingerprint with what "
        "the partner says by telephone.",
        port, host, file, file);
}

/* ---- names ---- */

/* * and ?, case aside. Goes back only to the last *, so its time is bounded by the product of the lengths. */
static bool pattern_fits(struct slice pattern, const char *text)
{
    size_t p = 0, star = SIZE_MAX, t = 0, star_text = 0;
    while (text[t]) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || tolower((unsigned char)pattern.ptr[p]) ==
                                                                    tolower((unsigned char)text[t]))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* "|1|salt|hash": HMAC-SHA1 of the name under the salt. */
static bool hash_fits(struct slice field, const char *name, struct arena *a)
{
    const char *bar = memchr(field.ptr + 3, '|', field.len - 3);
    if (!bar)
        return false;
    struct slice salt = unbase64(slice_make(field.ptr + 3, (size_t)(bar - field.ptr) - 3), a);
    struct slice hash = unbase64(slice_make(bar + 1, field.len - (size_t)(bar - field.ptr) - 1), a);
    unsigned char lower[256], mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    size_t len = strlen(name);
    if (!salt.ptr || !hash.ptr || len > sizeof lower)
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = (unsigned char)tolower((unsigned char)name[i]);
    return HMAC(EVP_sha1(), salt.ptr, (int)salt.len, lower, len, mac, &n) && hash.len == n &&
           CRYPTO_memcmp(mac, hash.ptr, n) == 0;
}

static bool hosts_fit(struct slice field, const char *name, struct arena *a)
{
    bool fits = false;
    if (slice_starts(field, SLICE("|1|")))
        return hash_fits(field, name, a);
    while (field.len) {
        const char *comma = memchr(field.ptr, ',', field.len);
        size_t n = comma ? (size_t)(comma - field.ptr) : field.len;
        struct slice one = slice_make(field.ptr, n);
        bool not = one.len && one.ptr[0] == '!';
        if (not )
            one = slice_make(one.ptr + 1, one.len - 1);
        if (one.len && pattern_fits(one, name)) {
            if (not )
                return false;
            fits = true;
        }
        field = comma ? slice_make(comma + 1, field.len - n - 1) : slice_make("", 0);
    }
    return fits;
}

/* ---- lines ---- */

static struct slice next_field(struct slice *line)
{
    struct slice rest = slice_trim(*line);
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != ' ' && rest.ptr[n] != '\t' && rest.ptr[n] != '\r')
        n++;
    *line = slice_make(rest.ptr + n, rest.len - n);
    return slice_make(rest.ptr, n);
}

static struct known_host_key *line_key(struct slice line, int number, const char *name, struct arena *a)
{
    struct slice field = next_field(&line);
    bool revoked = slice_is(field, "@revoked");
    if (field.len == 0 || field.ptr[0] == '#' || (field.ptr[0] == '@' && !revoked))
        return NULL;
    if (revoked)
        field = next_field(&line);
    if (!hosts_fit(field, name, a))
        return NULL;
    struct slice type = next_field(&line), blob = unbase64(next_field(&line), a);
    if (!blob.ptr || !slice_is(type, known_hosts_type(blob, a)))
        return NULL;
    struct known_host_key *k = arena_zero(a, sizeof *k);
    *k = (struct known_host_key){
        .type = arena_text(a, type), .blob = blob, .line = number, .revoked = revoked};
    return k;
}

/* Unlike files of the spool it may be a symlink: where it lies is the administrator's business. */
static int read_file(const char *file, struct buffer *text)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && text->len < FILE_LIMIT) {
        buffer_reserve(text, 64 * 1024);
        n = read(fd, text->ptr + text->len, 64 * 1024);
        text->len += n > 0 ? (size_t)n : 0;
    }
    int why = n > 0 ? EFBIG : errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return n == 0 ? 0 : -1;
}

int known_hosts_read(const char *file, const char *host, int port, struct arena *a,
                     struct known_host_key **keys, struct findings *f)
{
    struct buffer text = {0};
    const char *name = known_hosts_name(host, port, a);
    struct known_host_key **last = keys;
    int number = 0, result = read_file(file, &text);
    const char *why = result ? strerror(errno) : "";
    *keys = NULL;
    if (result)
        finding_add(f, SEVERITY_ERROR, "sftp.known-hosts", file, known_hosts_todo(file, host, port, a),
                    "The known_hosts file cannot be read: %s.", why);
    for (size_t at = 0; result == 0 && at < text.len;) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - text.ptr) - at : text.len - at;
        struct known_host_key *k = line_key(slice_make(text.ptr + at, len), ++number, name, a);
        if (k) {
            *last = k;
            last = &k->next;
        }
        at += len + 1;
    }
    buffer_free(&text);
    return result;
}
