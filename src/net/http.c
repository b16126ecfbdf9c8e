/* http: see http.h. libcurl's multi interface; one easy handle a request, connections are kept by the multi
 * handle.
 *
 * What a failure means for the other side is read from how many bytes of the request went out
 * (CURLINFO_REQUEST_SIZE), not from libcurl's error code alone: a reset after the last byte and one before
 * the first have the same code. HTTP/1.1 only: over HTTP/2 that number and libcurl's own retries would have
 * to be judged anew. */
#include "net/http.h"
#include "net/backoff.h"
#include "net/http_tally.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#ifndef SPOOLGATE_VERSION
#define SPOOLGATE_VERSION "0"
#endif

#define HEADER_LIMIT (256u * 1024u)
#define CLOCK_SET 1000 /* ms by which our clock may slip while a request is under way */

struct http {
    CURLM *multi;
    char *ca_file, *user_agent, *proxy;
    long connect_seconds, total_seconds, stalled_seconds;
    size_t answer_limit;
    bool plain_loopback;
};

struct transfer { /* one exchange while it is under way */
    struct http_exchange *x;
    const struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    size_t sent;       /* of the body */
    const char *limit; /* the limit of ours that was hit, or NULL */
    int64_t steady;    /* by a clock that nobody sets: when it was begun, ms */
    char error[CURL_ERROR_SIZE];
};

static char *copy_or_null(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        abort();
    return copy;
}

struct http *http_open(const struct http_settings *s)
{
    if (s->ca_file && access(s->ca_file, R_OK))
        return NULL;
    struct http *h = calloc(1, sizeof *h);
    unsetenv("SSLKEYLOGFILE"); /* libcurl would write there what opens the recorded connections */
    if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(h->multi = curl_multi_init()))
        abort();
    h->ca_file = copy_or_null(s->ca_file);
    h->user_agent = copy_or_null(s->user_agent ? s->user_agent : "spoolgate/" SPOOLGATE_VERSION);
    h->proxy = copy_or_null(s->proxy ? s->proxy : "");
    h->connect_seconds = s->connect_seconds > 0 ? s->connect_seconds : 10;
    h->total_seconds = s->total_seconds > 0 ? s->total_seconds : 60;
    h->stalled_seconds = s->stalled_seconds > 0 ? s->stalled_seconds : 60;
    h->answer_limit = s->answer_limit ? s->answer_limit : 64u * 1024 * 1024;
    h->plain_loopback = s->plain_loopback;
    return h;
}

void http_not_opened(const struct http_settings *s, const char *where, struct findings *f)
{
    int why = errno;
    finding_add(f, SEVERITY_ERROR, "http.ca-file", where,
                "Name a file of certificates that may be read, or none.", "ca_file = %s cannot be read: %s.",
                s->ca_file ? s->ca_file : "", strerror(why));
    findings_blame(f, why);
}

void http_close(struct http *h)
{
    if (!h)
        return;
    curl_multi_cleanup(h->multi);
    curl_global_cleanup();
    free(h->ca_file);
    free(h->user_agent);
    free(h->proxy);
    free(h);
}

void http_exchange_free(struct http_exchange *x)
{
    buffer_free(&x->answer);
    buffer_free(&x->answer_headers);
}

/* ---- what is refused before anything is sent ---- */

static bool is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    char bare[64];
    size_t n = strlen(host);
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (n < 4 || n >= sizeof bare || host[0] != '[')
        return false;
    snprintf(bare, sizeof bare, "%.*s", (int)n - 2, host + 1);
    return inet_pton(AF_INET6, bare, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* A sentence, or NULL when the URL may be asked. */
static const char *url_unfit(const struct http *h, const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *user = NULL;
    const char *problem = NULL;
    if (!u || curl_url_set(u, CURLUPART_URL, url, 0) || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(u, CURLUPART_HOST, &host, 0))
        problem = "the URL is not a complete https URL";
    else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
        problem = "a URL must not carry a user name or password";
    else if (strcmp(scheme, "https") != 0 &&
             (strcmp(scheme, "http") != 0 || !h->plain_loopback || !is_loopback(host)))
        problem =
            "only https is spoken (http only to this machine itself, where the endpoint's settings allow it)";
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_url_cleanup(u);
    return problem;
}

static const char *request_unfit(const struct http *h, const struct http_exchange *x)
{
    if (!x->method || !*x->method || strspn(x->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(x->method))
        return "this is not a request method";
    if (x->header_count > sizeof x->headers / sizeof x->headers[0])
        return "too many headers";
    for (size_t i = 0; i < x->header_count; i++) {
        const char *name = x->headers[i].name, *value = x->headers[i].value;
        if (!name || !*name || strpbrk(name, " \t\r\n:;") || !value || strpbrk(value, "\r\n"))
            return "a header holds a line break or is not complete (is a secret or setting missing, or ends "
                   "in a line feed?)";
    }
    return url_unfit(h, x->url ? x->url : "");
}

/* ---- one transfer ---- */

static int64_t milliseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Between begun and answered lies the moment at which the other side wrote its Date. */
static void note_answered(struct transfer *t)
{
    struct http_exchange *x = t->x;
    int64_t took = milliseconds(CLOCK_BOOTTIME) - t->steady, now = milliseconds(CLOCK_REALTIME);
    int64_t apart = now - x->begun - took;
    x->answered = apart > CLOCK_SET || apart < -CLOCK_SET ? 0 : now;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t n = size * count;
    if (n > t->http->answer_limit - t->x->answer.len) {
        t->limit = "the answer is longer than allowed";
        return 0;
    }
    buffer_add(&t->x->answer, bytes, n);
    return n;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t n = size * count;
    if (n >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        buffer_clear(&t->x->answer_headers); /* what came before was an interim answer */
    if (t->x->answer_headers.len == 0)
        note_answered(t);
    if (n > HEADER_LIMIT - t->x->answer_headers.len) {
        t->limit = "the answer's headers are longer than allowed";
        return 0;
    }
    buffer_add(&t->x->answer_headers, bytes, n);
    return n;
}

static size_t give_body(char *room, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t n = t->x->body.len - t->sent;
    n = n > size * count ? size * count : n;
    if (n)
        memcpy(room, t->x->body.ptr + t->sent, n);
    t->sent += n;
    return n;
}

/* libcurl sends a request again by itself when a kept connection broke before the first byte of an answer.
 * The other side may have acted on the first one by then; a body that cannot be rewound stops that. */
static int never_again(void *context, curl_off_t offset, int origin)
{
    (void)context;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static bool has_header(const struct http_exchange *x, const char *name)
{
    for (size_t i = 0; i < x->header_count; i++)
        if (strcasecmp(x->headers[i].name, name) == 0)
            return true;
    return false;
}

static struct curl_slist *header_list(const struct http_exchange *x)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    if (!has_header(x, "Content-Type"))
        list = curl_slist_append(list, "Content-Type:");
    for (size_t i = 0; i < x->header_count; i++) {
        struct buffer line = {0};
        size_t n = strlen(x->headers[i].name) + strlen(x->headers[i].value) + 3;
        buffer_reserve(&line, n);
        buffer_text(&line, x->headers[i].name);
        /* libcurl's way to say "present and empty" */
        buffer_text(&line, x->headers[i].value[0] ? ": " : ";");
        buffer_text(&line, x->headers[i].value);
        list = curl_slist_append(list, line.ptr);
        OPENSSL_cleanse(line.ptr, line.len);
        buffer_free(&line);
    }
    return list;
}

static void set_method(struct transfer *t)
{
    const struct http_exchange *x = t->x;
    bool harmless = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0;
    if (strcmp(x->method, "HEAD") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (x->body.len || strcmp(x->method, "POST") == 0 || strcmp(x->method, "PUT") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
        curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, never_again);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.len);
    }
    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, x->method);
    /* without a body there is nothing to rewind: only a fresh connection is not retried */
    if (!harmless && x->body.len == 0)
        curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
}

static void set_safety(struct transfer *t)
{
    const struct http *h = t->http;
    CURL *e = t->easy;
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, h->plain_loopback ? "https,http" : "https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, h->proxy);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (h->ca_file) {
        curl_easy_setopt(e, CURLOPT_CAINFO, h->ca_file);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, h->connect_seconds);
    curl_easy_setopt(e, CURLOPT_TIMEOUT, h->total_seconds);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, h->stalled_seconds);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(e, CURLOPT_USERAGENT, h->user_agent);
}

static struct transfer *transfer_start(struct http *h, struct http_exchange *x)
{
    x->status = 0;
    x->seconds = 0;
    x->begun = x->answered = 0;
    x->problem[0] = '\0';
    buffer_clear(&x->answer);
    buffer_clear(&x->answer_headers);
    const char *unfit = request_unfit(h, x);
    if (unfit) {
        x->failure = HTTP_REFUSED_HERE;
        snprintf(x->problem, sizeof x->problem, "%s", unfit);
        return NULL;
    }
    struct transfer *t = calloc(1, sizeof *t);
    if (!t || !(t->easy = curl_easy_init()))
        abort();
    t->x = x;
    t->http = h;
    t->steady = milliseconds(CLOCK_BOOTTIME);
    x->begun = milliseconds(CLOCK_REALTIME);
    t->headers = header_list(x);
    curl_easy_setopt(t->easy, CURLOPT_URL, x->url);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    set_safety(t);
    http_tally_certificates(t->easy);
    set_method(t);
    curl_multi_add_handle(h->multi, t->easy);
    return t;
}

/* libcurl takes a connection that ends inside the headers for an answer without a body. */
static bool headers_are_whole(const struct http_exchange *x)
{
    struct slice all = buffer_as_slice(&x->answer_headers);
    return slice_ends(all, SLICE("\n\r\n")) || slice_ends(all, SLICE("\n\n"));
}

static void judge(struct transfer *t, CURLcode code)
{
    struct http_exchange *x = t->x;
    long sent = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &x->status);
    curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME, &x->seconds);
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (code == CURLE_OK && x->status >= 200 && headers_are_whole(x)) {
        x->failure = HTTP_ANSWERED;
        return;
    }
    x->failure = sent > 0 ? HTTP_IN_DOUBT : HTTP_NOT_SENT;
    snprintf(x->problem, sizeof x->problem, "%s",
             t->limit           ? t->limit
             : *t->error        ? t->error
             : code == CURLE_OK ? "the connection ended inside the answer's headers"
                                : curl_easy_strerror(code));
}

static void transfer_end(struct transfer *t, CURLM *multi)
{
    curl_multi_remove_handle(multi, t->easy);
    curl_easy_cleanup(t->easy);
    for (struct curl_slist *l = t->headers; l; l = l->next)
        OPENSSL_cleanse(l->data, strlen(l->data));
    curl_slist_free_all(t->headers);
    free(t);
}

/* ---- several transfers ---- */

static size_t collect(struct http *h)
{
    size_t ended = 0;
    int left;
    CURLMsg *m;
    while ((m = curl_multi_info_read(h->multi, &left))) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct transfer *t = NULL;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        judge(t, code);
        http_tally_request(t->x);
        transfer_end(t, h->multi);
        ended++;
    }
    return ended;
}

void http_perform(struct http *h, struct http_exchange *const *exchanges, size_t n, size_t in_flight)
{
    size_t next = 0, running = 0;
    int active = 0;
    if (in_flight == 0)
        in_flight = 1;
    curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)in_flight);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)(in_flight > 4 ? in_flight : 4));
    while (next < n || running) {
        while (next < n && running < in_flight)
            if (transfer_start(h, exchanges[next++]))
                running++;
        if (!running)
            continue;
        curl_multi_perform(h->multi, &active);
        running -= collect(h);
        if (active)
            curl_multi_poll(h->multi, NULL, 0, 1000, NULL);
    }
}

/* ---- texts ---- */

bool http_answer_header(const struct http_exchange *x, const char *name, char *out, size_t room)
{
    struct slice rest = buffer_as_slice(&x->answer_headers);
    size_t n = strlen(name);
    while (rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        struct slice line = slice_make(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);
        rest = end ? slice_make(end + 1, rest.len - line.len - 1) : slice_make("", 0);
        if (line.len <= n || line.ptr[n] != ':' || strncasecmp(line.ptr, name, n) != 0)
            continue;
        struct slice value = slice_trim(slice_make(line.ptr + n + 1, line.len - n - 1));
        snprintf(out, room, "%.*s", SLICE_ARG(value));
        return true;
    }
    return false;
}

int64_t http_answer_date(const struct http_exchange *x)
{
    char text[64];
    time_t date = http_answer_header(x, "Date", text, sizeof text) ? curl_getdate(text, NULL) : -1;
    return date > 0 ? (int64_t)date : -1;
}

int64_t http_answer_retry_after(const struct http_exchange *x)
{
    char text[64];
    int64_t theirs = http_answer_date(x);
    if (!http_answer_header(x, "Retry-After", text, sizeof text))
        return -1;
    return retry_after_seconds(text, theirs > 0 ? theirs : (int64_t)time(NULL));
}

void http_encode(struct buffer *b, struct slice part)
{
    if (part.len == 0) /* curl_easy_escape would take 0 for strlen */
        return;
    char *text = curl_easy_escape(NULL, part.ptr, (int)part.len);
    if (!text)
        abort();
    buffer_text(b, text);
    OPENSSL_cleanse(text, strlen(text));
    curl_free(text);
}
