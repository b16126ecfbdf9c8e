/* A TLS server in a thread, with a certificate of the test's choice, that does exactly what a test tells it,
 * also what no proper server would. */
#ifndef SPOOLGATE_TESTS_UNIT_TEST_NET_H
#define SPOOLGATE_TESTS_UNIT_TEST_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "net/http.h"
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

enum certificate {
    GOOD,
    EXPIRED,
    OTHER_NAME,
    OTHER_AUTHORITY,
    SELF_SIGNED,
    OLD_TLS,
    NO_TLS,
    CLOSES_AT_ONCE,
    NEVER_SHAKES_HANDS
};

struct request {
    char method[16], path[512];
    struct buffer head, body;
    SSL *ssl;
    int fd;
};

struct server;
/* Answers a request; false: the connection is closed. */
typedef bool answer(struct server *s, struct request *r);

struct server {
    enum certificate certificate;
    answer *answer;
    char ca_file[128], url[64];
    int listener;
    SSL_CTX *tls;
    pthread_t thread;
    atomic_int requests, at_once, most_at_once, connections, running;
    atomic_bool stopping;
    struct buffer last_body, last_head; /* read only while nothing runs */
};

void server_start(struct server *s, enum certificate c, answer *a); /* one certificate authority for all */
void server_stop(struct server *s);
void server_write(struct request *r, const void *bytes, size_t len);
void server_answer(struct request *r, int status, const char *headers,
                   const char *body); /* with Content-Length */

/* A client of that server, which waits for seconds. */
static inline struct http *client(const struct server *s, size_t limit)
{
    struct http_settings settings = {.ca_file = s->ca_file,
                                     .connect_seconds = 2,
                                     .total_seconds = 3,
                                     .answer_limit = limit,
                                     .plain_loopback = true};
    struct http *h = http_open(&settings);
    assert_non_null(h);
    return h;
}

static inline char *url_of(const struct server *s, const char *path, char out[256])
{
    snprintf(out, 256, "%s%s", s->url, path);
    return out;
}

#endif
