/* url: see url.h. RFC 3986. */
#include "adapter/url.h"
#include "net/http.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

struct parts {
    char *scheme, *host, *port;
};

static void parts_free(struct parts *p)
{
    curl_free(p->scheme);
    curl_free(p->host);
    curl_free(p->port);
}

static bool parts_read(CURLU *u, const char *url, struct parts *p)
{
    return !curl_url_set(u, CURLUPART_URL, url, 0) && !curl_url_get(u, CURLUPART_SCHEME, &p->scheme, 0) &&
           !curl_url_get(u, CURLUPART_HOST, &p->host, 0) &&
           !curl_url_get(u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT);
}

/* An address of the loopback interface, or the name that by RFC 6761 is always one. */
static bool is_here(const char *host)
{
    unsigned char address[4];
    return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") ||
           (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

static bool has(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    bool there = !curl_url_get(u, part, &text, 0) && text;
    curl_free(text);
    return there;
}

bool url_usable(const char *url, const char **why)
{
    CURLU *u = curl_url();
    struct parts p = {0};
    *why = NULL;
    if (!u || !parts_read(u, url, &p))
        *why = "it is not a URL such as https://api.example.com";
    else if (strcasecmp(p.scheme, "https") != 0 && !(strcasecmp(p.scheme, "http") == 0 && is_here(p.host)))
        *why = "it must begin with https:// (http:// only goes to this machine itself)";
    else if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD))
        *why = "a user or password in a URL would end up in logs";
    else if (has(u, CURLUPART_QUERY) || has(u, CURLUPART_FRAGMENT))
        *why = "it may not have ? or #: requests are made below it";
    parts_free(&p);
    curl_url_cleanup(u);
    return !*why;
}

bool url_same_origin(const char *a, const char *b)
{
    CURLU *u = curl_url(), *w = curl_url();
    struct parts p = {0}, q = {0};
    bool same = u && w && parts_read(u, a, &p) && parts_read(w, b, &q) && !strcasecmp(p.scheme, q.scheme) &&
                !strcasecmp(p.host, q.host) && !strcmp(p.port, q.port) && !has(w, CURLUPART_USER);
    parts_free(&p);
    parts_free(&q);
    curl_url_cleanup(u);
    curl_url_cleanup(w);
    return same;
}

char *url_below(struct arena *a, const char *base, const char *path)
{
    size_t len = strlen(base);
    while (len && base[len - 1] == '/')
        len--;
    return arena_printf(a, "%.*s%s", (int)len, base, path);
}

void url_query(struct buffer *url, const char *name, const char *value)
{
    buffer_byte(url, url->len && memchr(url->ptr, '?', url->len) ? '&' : '?');
    buffer_text(url, name);
    buffer_byte(url, '=');
    http_encode(url, slice_of(value));
}

const char *url_shown(const char *url, struct arena *a)
{
    const char *slashes = strstr(url, "://"), *begin = slashes ? slashes + 3 : url, *at = strrchr(begin, '@');
    return at ? arena_printf(a, "%.*s…%s", (int)(begin - url), url, at) : url;
}
