/* See test_net.h. */
#include "test_net.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MUST(x)                                                                                              \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "test server: %s failed\n", #x);                                                 \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* ---- certificates ---- */

static void extend(X509 *c, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, c, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    MUST(e && X509_add_ext(c, e, -1));
    X509_EXTENSION_free(e);
}

static X509 *certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, bool expired)
{
    X509 *c = X509_new();
    static long serial = 1;
    MUST(c);
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c), -86400 * 10);
    X509_gmtime_adj(X509_getm_notAfter(c), expired ? -86400 : 86400);
    X509_set_pubkey(c, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                               -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c));
    extend(c, issuer ? issuer : c, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (issuer) {
        char names[128];
        bool address = name[0] >= '0' && name[0] <= '9';
        snprintf(names, sizeof names, "%s:%s%s", address ? "IP" : "DNS", name,
                 address ? ",DNS:localhost" : "");
        extend(c, issuer, NID_subject_alt_name, names);
    }
    MUST(X509_sign(c, issuer_key ? issuer_key : key, EVP_sha256()));
    return c;
}

static void make_tls(struct server *s)
{
    static EVP_PKEY *ca_key, *other_key;
    static X509 *ca, *other;
    if (!ca) {
        MUST((ca_key = EVP_EC_gen("P-256")) && (other_key = EVP_EC_gen("P-256")));
        ca = certificate(ca_key, "spoolgate test authority", NULL, NULL, false);
        other = certificate(other_key, "another authority", NULL, NULL, false);
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    bool strange = s->certificate == OTHER_AUTHORITY, self = s->certificate == SELF_SIGNED;
    X509 *c = certificate(key, s->certificate == OTHER_NAME ? "other.example" : "127.0.0.1",
                          self      ? NULL
                          : strange ? other
                                    : ca,
                          self      ? NULL
                          : strange ? other_key
                                    : ca_key,
                          s->certificate == EXPIRED);
    s->tls = SSL_CTX_new(TLS_server_method());
    MUST(s->tls && SSL_CTX_use_certificate(s->tls, c) == 1 && SSL_CTX_use_PrivateKey(s->tls, key) == 1);
    if (s->certificate == OLD_TLS) {
        SSL_CTX_set_security_level(s->tls, 0);
        MUST(SSL_CTX_set_min_proto_version(s->tls, TLS1_VERSION) &&
             SSL_CTX_set_max_proto_version(s->tls, TLS1_1_VERSION));
    }
    snprintf(s->ca_file, sizeof s->ca_file, "/tmp/spoolgate-test-ca-%d.pem", (int)getpid());
    FILE *f = fopen(s->ca_file, "w");
    MUST(f && PEM_write_X509(f, ca));
    fclose(f);
    X509_free(c);
    EVP_PKEY_free(key);
}

/* ---- bytes ---- */

static ssize_t get(struct request *r, void *bytes, size_t room)
{
    if (!r->ssl)
        return recv(r->fd, bytes, room, 0);
    int n = SSL_read(r->ssl, bytes, (int)room);
    return n;
}

void server_write(struct request *r, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len) {
        ssize_t n = r->ssl ? SSL_write(r->ssl, p, (int)(len > 16384 ? 16384 : len))
                           : send(r->fd, p, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

void server_answer(struct request *r, int status, const char *headers, const char *body)
{
    struct buffer b = {0};
    buffer_printf(&b, "HTTP/1.1 %d Said\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body), headers,
                  body);
    server_write(r, b.ptr, b.len);
    buffer_free(&b);
}

static bool read_request(struct request *r)
{
    char piece[16384];
    buffer_clear(&r->head);
    buffer_clear(&r->body);
    char *end = NULL;
    while (!end) {
        ssize_t n = get(r, piece, sizeof piece);
        if (n <= 0)
            return false;
        buffer_add(&r->head, piece, (size_t)n);
        end = strstr(r->head.ptr, "\r\n\r\n");
    }
    size_t head = (size_t)(end - r->head.ptr) + 4;
    buffer_add(&r->body, r->head.ptr + head, r->head.len - head);
    r->head.len = head;
    r->head.ptr[head] = '\0';
    MUST(sscanf(r->head.ptr, "%15s %511s", r->method, r->path) == 2);
    const char *length = strcasestr(r->head.ptr, "\r\nContent-Length:");
    size_t wanted = length ? strtoul(length + 17, NULL, 10) : 0;
    while (r->body.len < wanted) {
        ssize_t n = get(r, piece, sizeof piece);
        if (n <= 0)
            return false;
        buffer_add(&r->body, piece, (size_t)n);
    }
    return true;
}

/* ---- connections ---- */

struct connection {
    struct server *s;
    int fd;
};

static pthread_mutex_t last = PTHREAD_MUTEX_INITIALIZER;

static void serve(struct server *s, struct request *r)
{
    bool on = true;
    while (on && read_request(r)) {
        int now = atomic_fetch_add(&s->at_once, 1) + 1, most = atomic_load(&s->most_at_once);
        while (now > most && !atomic_compare_exchange_weak(&s->most_at_once, &most, now))
            ;
        atomic_fetch_add(&s->requests, 1);
        pthread_mutex_lock(&last); /* the one before may have been answered, and not be done with yet */
        buffer_clear(&s->last_body);
        buffer_slice(&s->last_body, buffer_as_slice(&r->body));
        buffer_clear(&s->last_head);
        buffer_slice(&s->last_head, buffer_as_slice(&r->head));
        pthread_mutex_unlock(&last);
        on = s->answer(s, r);
        atomic_fetch_sub(&s->at_once, 1);
    }
}

static void *connection_run(void *context)
{
    struct connection *c = context;
    struct request r = {.fd = c->fd};
    struct timeval patience = {.tv_sec = 20};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (c->s->certificate == NEVER_SHAKES_HANDS)
        while (!atomic_load(&c->s->stopping))
            usleep(20000);
    else if (c->s->certificate == NO_TLS)
        serve(c->s, &r);
    else if (c->s->certificate != CLOSES_AT_ONCE) {
        r.ssl = SSL_new(c->s->tls);
        SSL_set_fd(r.ssl, c->fd);
        if (SSL_accept(r.ssl) == 1)
            serve(c->s, &r);
        SSL_free(r.ssl);
    }
    close(c->fd);
    buffer_free(&r.head);
    buffer_free(&r.body);
    ERR_clear_error();
    atomic_fetch_sub(&c->s->running, 1);
    free(c);
    return NULL;
}

static void *accept_run(void *context)
{
    struct server *s = context;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0 || atomic_load(&s->stopping)) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        struct connection *c = calloc(1, sizeof *c);
        pthread_t t;
        *c = (struct connection){s, fd};
        atomic_fetch_add(&s->connections, 1);
        atomic_fetch_add(&s->running, 1);
        MUST(pthread_create(&t, NULL, connection_run, c) == 0);
        pthread_detach(t);
    }
}

void server_start(struct server *s, enum certificate c, answer *a)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    memset(s, 0, sizeof *s);
    signal(SIGPIPE, SIG_IGN);
    s->certificate = c;
    s->answer = a;
    make_tls(s);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    MUST(bind(s->listener, (struct sockaddr *)&here, sizeof here) == 0 && listen(s->listener, 64) == 0 &&
         getsockname(s->listener, (struct sockaddr *)&here, &size) == 0);
    snprintf(s->url, sizeof s->url, "%s://127.0.0.1:%d", c == NO_TLS ? "http" : "https",
             ntohs(here.sin_port));
    MUST(pthread_create(&s->thread, NULL, accept_run, s) == 0);
}

/* Connections end when the client closes them: http_close first. */
void server_stop(struct server *s)
{
    atomic_store(&s->stopping, true);
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
    for (int i = 0; i < 1000 && atomic_load(&s->running); i++)
        usleep(10000);
    MUST(!atomic_load(&s->running));
    SSL_CTX_free(s->tls);
    buffer_free(&s->last_body);
    buffer_free(&s->last_head);
    unlink(s->ca_file);
}
