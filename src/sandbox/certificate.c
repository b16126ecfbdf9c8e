/*
 * certificate.c - the sandbox's own certificate authority; see certificate.h.
 */
#include "sandbox/sandbox.h"
#include "sandbox/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400L
#define VALID_DAYS 730

char *sb_certificate_text(const char *directory, const char *name)
{
    char path[4096];
    FILE *file;
    char *text;
    size_t size;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "re");
    text = file ? calloc(1, 65536) : NULL;
    if (text) {
        size = fread(text, 1, 65535, file);
        text[size] = '\0';
    }
    if (file)
        fclose(file);
    return text;
}

static X509 *read_certificate(const char *directory, const char *name)
{
    char *text = sb_certificate_text(directory, name);
    BIO *bio = text ? BIO_new_mem_buf(text, -1) : NULL;
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    free(text);
    return certificate;
}

static EVP_PKEY *read_key(const char *directory, const char *name)
{
    char *text = sb_certificate_text(directory, name);
    BIO *bio = text ? BIO_new_mem_buf(text, -1) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    free(text);
    return key;
}

static int write_file(const char *directory, const char *name, X509 *certificate, EVP_PKEY *key)
{
    char path[4096];
    int fd, done;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, key ? 0600 : 0644);
    file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    done =
        key ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) : PEM_write_X509(file, certificate);
    return fclose(file) == 0 && done == 1 ? 0 : -1;
}

static bool good(X509 *certificate, EVP_PKEY *key)
{
    time_t week = time(NULL) + 7 * DAY;

    return certificate && key && X509_check_private_key(certificate, key) == 1 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &week) > 0 &&
           X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0;
}

static bool extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool done;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    done = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* Signs a new certificate for key; issuer NULL makes an authority that signs itself. */
static X509 *issue(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_NAME_new();
    unsigned char serial[8];
    BIGNUM *number = NULL;
    bool done = false;

    if (!certificate || !subject || RAND_bytes(serial, sizeof(serial)) != 1)
        goto out;
    serial[0] = (serial[0] & 0x7f) | 1;
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    if (!number || !BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) != 1)
        goto out;
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_DAYS * DAY);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(certificate, key);
    if (!extend(certificate, issuer ? issuer : certificate, NID_subject_key_identifier, "hash"))
        goto out;
    if (issuer)
        done = extend(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
               extend(certificate, issuer, NID_authority_key_identifier, "keyid") &&
               extend(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
               extend(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
               extend(certificate, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    else
        done = extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
               extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    done = done && X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
out:
    BN_free(number);
    X509_NAME_free(subject);
    if (done)
        return certificate;
    X509_free(certificate);
    return NULL;
}

int sb_certificate_ready(const char *directory, char *why, size_t why_size)
{
    X509 *ca = read_certificate(directory, "ca.pem"), *server = read_certificate(directory, "server.pem");
    EVP_PKEY *ca_key = read_key(directory, "ca.key"), *server_key = read_key(directory, "server.key");
    int result = 0;

    if (good(ca, ca_key) && good(server, server_key) && X509_verify(server, ca_key) == 1)
        goto out;
    result = -1;
    if (!good(ca, ca_key)) {
        X509_free(ca);
        EVP_PKEY_free(ca_key);
        ca_key = EVP_EC_gen("P-256");
        ca = ca_key ? issue("spoolgate sandbox authority", ca_key, NULL, ca_key) : NULL;
        if (!ca || write_file(directory, "ca.key", NULL, ca_key) != 0 ||
            write_file(directory, "ca.pem", ca, NULL) != 0)
            goto out;
    }
    X509_free(server);
    EVP_PKEY_free(server_key);
    server_key = EVP_EC_gen("P-256");
    server = server_key ? issue("localhost", server_key, ca, ca_key) : NULL;
    if (server && write_file(directory, "server.key", NULL, server_key) == 0 &&
        write_file(directory, "server.pem", server, NULL) == 0)
        result = 0;
out:
    if (result != 0)
        snprintf(why, why_size,
                 "cannot make certificates in %s: %s; give --directory a folder that can be written",
                 directory, strerror(errno));
    X509_free(ca);
    X509_free(server);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(server_key);
    return result;
}
