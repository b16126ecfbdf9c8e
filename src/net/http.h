/* http: every request of the program (libcurl). TLS is always verified; only https, or http to loopback when
 * the endpoint says so; no redirects; timeouts; size limits; several requests in flight. What is recorded is
 * redacted here.
 *
 * A request that may have an effect is never sent twice by this module, also not silently on a fresh
 * connection when a kept one breaks. Proxies of the environment are not used: a stray variable must not
 * decide where documents go. */
#ifndef SPOOLGATE_NET_HTTP_H
#define SPOOLGATE_NET_HTTP_H

#include "base/finding.h"
#include <jansson.h>

struct http; /* a connection pool with its TLS settings */

struct http_settings {
    const char *ca_file;                 /* NULL: the system's; else only this one's authorities count */
    long connect_seconds, total_seconds; /* 0: 10 and 60 */
    size_t answer_limit;                 /* 0: 64 MiB; after decompression */
    const char *user_agent;              /* NULL: "spoolgate/<version>" */
    bool plain_loopback;                 /* http:// to 127.0.0.0/8, ::1 and localhost is allowed */
    const char *proxy;                   /* NULL: none, whatever the environment says */
    long stalled_seconds;                /* 0: 60; broken off when not a byte a second moves for so long */
};

struct http_header {
    const char *name, *value;
    bool secret; /* shown as "[redacted]" in records */
};

enum http_failure {
    HTTP_ANSWERED,    /* status and body are there */
    HTTP_NOT_SENT,    /* resolve, connect or TLS failed: the other side has not seen the request */
    HTTP_IN_DOUBT,    /* broke off after the request went out, or timed out: it may have taken effect */
    HTTP_REFUSED_HERE /* a limit of ours or a bad URL: nothing was sent */
};

struct http_exchange {        /* one request and what came of it */
    const char *method, *url; /* url complete, already encoded */
    struct http_header headers[16];
    size_t header_count;
    struct slice body;            /* must stay until done */
    const char *body_secret_note; /* not NULL: the body holds secrets; records show this text instead */
    /* answer */
    enum http_failure failure;
    char problem[256]; /* libcurl's sentence, without secrets */
    long status;
    struct buffer answer, answer_headers; /* headers: raw lines; http_header_value reads them */
    double seconds;
    int64_t begun, answered; /* our clock before it was sent and when the answer began, ms since 1970; 0: no
                                answer, or our clock was set meanwhile */
    void *context;           /* the caller's */
};

struct http *http_open(const struct http_settings *s); /* NULL: ca_file cannot be read (errno) */
/* The finding of that; errno is still http_open's. */
void http_not_opened(const struct http_settings *s, const char *where, struct findings *f);
void http_close(struct http *h); /* NULL is harmless */
/* Performs all of them, at most in_flight at a time; returns when every one is answered or failed. */
void http_perform(struct http *h, struct http_exchange *const *exchanges, size_t n, size_t in_flight);
void http_exchange_free(struct http_exchange *x); /* the answer's buffers */
/* Value of an answer header (case-insensitive) as text in out; false when absent. */
bool http_answer_header(const struct http_exchange *x, const char *name, char *out, size_t room);
/* The Date header: the other side's clock when it answered, seconds since 1970; -1 when there is none. */
int64_t http_answer_date(const struct http_exchange *x);
/* Retry-After in seconds from now, a date in it taken by the answer's own Date; -1 when there is none. */
int64_t http_answer_retry_after(const struct http_exchange *x);
/* Percent-encoding of one query or path part, into b. */
void http_encode(struct buffer *b, struct slice part);

/* An exchange for a receipt: {"request": {method, url, headers, body}, "answer": {status, headers, body},
 * "failure", "problem", "milliseconds"}. Headers marked secret or known to be (Authorization, cookies, api
 * keys), query parameters and JSON members of such names, and every place where a secret header's value comes
 * up again are "[redacted]". A JSON body of at most body_limit bytes stands as JSON (as text when it has
 * numbers that a double would alter), anything else as its first body_limit bytes with "cut" saying how many
 * there were. The caller owns what is returned. */
json_t *http_record(const struct http_exchange *x, size_t body_limit);
/* The answer's body for what is read and said of it, without secrets, should the other side repeat them: as
 * JSON (NULL when it is none; the caller owns it), and the first limit bytes of a text of it. The request's
 * headers must still be there. */
json_t *http_answer_json(const struct http_exchange *x);
const char *http_clean_text(const struct http_exchange *x, struct slice text, size_t limit, struct arena *a);

#endif
