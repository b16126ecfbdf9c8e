/* hash: see hash.h. One digest context a process, fetched once: an implicit fetch costs more than hashing an
 * order. */
#include "base/hash.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static void print_hex(const unsigned char *bytes, size_t digits, char *out)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < digits; i++)
        out[i] = digit[(bytes[i / 2] >> (i % 2 ? 0 : 4)) & 15];
    out[digits] = '\0';
}

static EVP_MD_CTX *context;

static void must(int ok)
{
    if (ok)
        return;
    fputs("spoolgate: OpenSSL gives no SHA-256\n", stderr);
    abort();
}

static void begin(void)
{
    static EVP_MD *sha256;
    if (!sha256) {
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        context = EVP_MD_CTX_new();
    }
    must(sha256 && context && EVP_DigestInit_ex2(context, sha256, NULL));
}

static void finish(char hex[HASH_TEXT])
{
    unsigned char digest[32];
    must(EVP_DigestFinal_ex(context, digest, NULL));
    print_hex(digest, 64, hex);
}

void hash_sha256(struct slice bytes, char hex[HASH_TEXT])
{
    begin();
    must(EVP_DigestUpdate(context, bytes.ptr, bytes.len));
    finish(hex);
}

int hash_sha256_file(int fd, char hex[HASH_TEXT], int64_t *size)
{
    char bytes[65536];
    int64_t sum = 0;
    begin();
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        must(EVP_DigestUpdate(context, bytes, (size_t)n));
        sum += n;
    }
    finish(hex);
    if (size)
        *size = sum;
    return 0;
}

uint64_t hash_text(uint64_t h, const char *text)
{
    for (; text && *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return (h ^ 0xff) * 1099511628211u;
}

void random_hex(char *out, size_t digits)
{
    unsigned char bytes[32];
    while (digits) {
        size_t now = digits > 64 ? 64 : digits, have = 0, want = (now + 1) / 2;
        while (have < want) {
            ssize_t n = getrandom(bytes + have, want - have, 0);
            if (n < 0 && errno != EINTR) {
                perror("spoolgate: the system gives no random bytes");
                abort();
            }
            have += n > 0 ? (size_t)n : 0;
        }
        print_hex(bytes, now, out);
        out += now;
        digits -= now;
    }
}
