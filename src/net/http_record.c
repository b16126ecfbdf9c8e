/* http_record: an exchange as a receipt keeps it, without secrets. See http.h.
 * Two nets, one behind the other: names that stand for secrets (headers, query parameters, JSON members), and
 * the values of the headers that were marked secret, wherever they come up again, also in what the other side
 * answers. */
#include "base/json.h"
#include "base/utf8.h"
#include "net/http.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define REDACTED "[redacted]"
#define SECRET_MINIMUM 6 /* bytes; shorter values would black out ordinary words */
#define DEPTH_LIMIT 64
#define PARSE_LIMIT (1024u * 1024u) /* bytes of a body that is looked into for members with secrets */

static const char *const secret_words[] = {"authorization", "cookie",        "api-key",    "api_key",
                                           "apikey",        "secret",        "password",   "passwd",
                                           "access_token",  "refresh_token", "id_token",   "client_assertion",
                                           "x-api-token",   "signature",     "auth-token", NULL};

struct values { /* of the headers marked secret: whole, and what stands behind "Bearer " */
    struct slice of[32];
    size_t count;
};

static bool secret_name(struct slice name)
{
    char lower[64];
    if (name.len >= sizeof lower)
        name.len = sizeof lower - 1;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)tolower((unsigned char)name.ptr[i]);
    lower[name.len] = '\0';
    for (size_t i = 0; secret_words[i]; i++)
        if (strstr(lower, secret_words[i]))
            return true;
    return strcmp(lower, "token") == 0;
}

static void note_value(struct values *v, struct slice value)
{
    if (value.len >= SECRET_MINIMUM && v->count < sizeof v->of / sizeof v->of[0])
        v->of[v->count++] = value;
}

static struct values secret_values(const struct http_exchange *x)
{
    struct values v = {.count = 0};
    for (size_t i = 0; i < x->header_count; i++) {
        if (!x->headers[i].secret && !secret_name(slice_of(x->headers[i].name)))
            continue;
        const char *value = x->headers[i].value ? x->headers[i].value : "", *blank = strrchr(value, ' ');
        note_value(&v, slice_of(value));
        if (blank)
            note_value(&v, slice_of(blank + 1));
    }
    return v;
}

/* Appends text with each secret value replaced. */
static void redact(const struct values *v, struct slice text, struct buffer *out)
{
    while (text.len) {
        const char *first = NULL;
        size_t len = 0;
        for (size_t i = 0; i < v->count; i++) {
            const char *at = memmem(text.ptr, text.len, v->of[i].ptr, v->of[i].len);
            if (at && (!first || at < first || (at == first && v->of[i].len > len))) {
                first = at;
                len = v->of[i].len;
            }
        }
        if (!first) {
            buffer_slice(out, text);
            return;
        }
        buffer_add(out, text.ptr, (size_t)(first - text.ptr));
        buffer_text(out, REDACTED);
        text.len -= (size_t)(first - text.ptr) + len;
        text.ptr = first + len;
    }
}

/* A JSON string of any bytes: what is no UTF-8 stands as \xNN, and so does a zero byte, which our own reader
 * of receipts would refuse. */
static json_t *text_of(struct slice bytes)
{
    struct buffer b = {0};
    while (bytes.len) {
        size_t n = *bytes.ptr ? utf8_sequence(bytes) : 0;
        if (n)
            buffer_add(&b, bytes.ptr, n);
        else
            buffer_printf(&b, "\\x%02x", (unsigned char)bytes.ptr[0]);
        n = n ? n : 1;
        bytes = slice_make(bytes.ptr + n, bytes.len - n);
    }
    json_t *t = json_stringn(b.ptr ? b.ptr : "", b.len);
    buffer_free(&b);
    return t;
}

static json_t *redacted_text(const struct values *v, struct slice bytes)
{
    struct buffer b = {0};
    redact(v, bytes, &b);
    json_t *t = text_of(buffer_as_slice(&b));
    buffer_free(&b);
    return t;
}

/* ---- URL ---- */

static json_t *url_record(const struct values *v, const char *url)
{
    struct buffer b = {0}, clean = {0};
    const char *query = strchr(url, '?');
    buffer_add(&b, url, query ? (size_t)(query - url) + 1 : strlen(url));
    for (const char *at = query ? query + 1 : ""; *at;) {
        size_t part = strcspn(at, "&#"), name = strcspn(at, "=&#");
        struct slice word = slice_make(at, name);
        bool hide = name < part && (secret_name(word) || slice_is(word, "key") || slice_is(word, "sig"));
        buffer_add(&b, at, hide ? name + 1 : part);
        if (hide)
            buffer_text(&b, REDACTED);
        at += part;
        if (*at)
            buffer_byte(&b, *at++);
    }
    redact(v, buffer_as_slice(&b), &clean);
    json_t *t = text_of(buffer_as_slice(&clean));
    buffer_free(&b);
    buffer_free(&clean);
    return t;
}

/* ---- headers ---- */

static json_t *request_headers(const struct values *v, const struct http_exchange *x)
{
    json_t *all = json_object();
    for (size_t i = 0; i < x->header_count; i++) {
        const struct http_header *h = &x->headers[i];
        bool hide = h->secret || secret_name(slice_of(h->name));
        json_object_set_new(all, h->name,
                            hide ? json_string(REDACTED) : redacted_text(v, slice_of(h->value)));
    }
    return all;
}

/* Sets a member whose name is the other side's text, and may hold a secret like any other text of theirs. */
static void set_member(const struct values *v, json_t *object, struct slice name, json_t *value)
{
    json_t *clean = redacted_text(v, name);
    json_object_set_new(object, json_string_value(clean), value);
    json_decref(clean);
}

/* A header that comes twice stands as one text with a line feed between. */
static void add_header(const struct values *v, json_t *all, struct slice name, struct slice value)
{
    struct buffer text = {0};
    json_t *clean = redacted_text(v, name);
    const char *key = json_string_value(clean), *before = json_string_value(json_object_get(all, key));
    if (before) {
        buffer_text(&text, before);
        buffer_byte(&text, '\n');
    }
    if (secret_name(name))
        buffer_text(&text, REDACTED);
    else
        redact(v, value, &text);
    json_object_set_new(all, key, text_of(buffer_as_slice(&text)));
    json_decref(clean);
    buffer_free(&text);
}

static json_t *answer_headers(const struct values *v, const struct http_exchange *x)
{
    json_t *all = json_object();
    struct slice rest = buffer_as_slice(&x->answer_headers);
    while (rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        struct slice line = slice_make(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);
        rest = end ? slice_make(end + 1, rest.len - line.len - 1) : slice_make("", 0);
        const char *colon = memchr(line.ptr, ':', line.len);
        if (colon && colon > line.ptr && json_object_size(all) < 64) {
            size_t name = (size_t)(colon - line.ptr);
            add_header(v, all, slice_make(line.ptr, name),
                       slice_trim(slice_make(colon + 1, line.len - name - 1)));
        }
    }
    return all;
}

/* ---- bodies ---- */

static bool has_reals(const json_t *j, unsigned depth)
{
    size_t i;
    const char *key;
    json_t *v;
    if (json_is_real(j) || depth > DEPTH_LIMIT)
        return true;
    json_object_foreach((json_t *)(uintptr_t)j, key, v) if (has_reals(v, depth + 1)) return true;
    json_array_foreach(j, i, v) if (has_reals(v, depth + 1)) return true;
    return false;
}

/* A new value: j without what is secret in it. Depth was bounded by has_reals. */
static json_t *redacted_json(const struct values *v, const json_t *j)
{
    size_t i;
    const char *key;
    json_t *value, *made;
    if (json_is_string(j))
        return redacted_text(v, slice_make(json_string_value(j), json_string_length(j)));
    if (json_is_object(j)) {
        made = json_object();
        json_object_foreach((json_t *)(uintptr_t)j, key, value)
        {
            bool hide = secret_name(slice_of(key)) && !json_is_object(value) && !json_is_array(value);
            set_member(v, made, slice_of(key), hide ? json_string(REDACTED) : redacted_json(v, value));
        }
        return made;
    }
    if (json_is_array(j)) {
        made = json_array();
        json_array_foreach(j, i, value) json_array_append_new(made, redacted_json(v, value));
        return made;
    }
    return json_incref((json_t *)(uintptr_t)j);
}

static bool is_secret_text(const struct values *v, struct slice text)
{
    for (size_t i = 0; i < v->count; i++)
        if (memmem(text.ptr, text.len, v->of[i].ptr, v->of[i].len))
            return true;
    return false;
}

/* Also what is written with escapes, which a search in the text would pass over. */
static bool holds_secret(const struct values *v, const json_t *j)
{
    size_t i;
    const char *key;
    json_t *value;
    if (json_is_string(j))
        return is_secret_text(v, slice_make(json_string_value(j), json_string_length(j)));
    json_object_foreach(
        (json_t *)(uintptr_t)j, key,
        value) if ((secret_name(slice_of(key)) && !json_is_object(value) && !json_is_array(value)) ||
                   holds_secret(v, value)) return true;
    json_array_foreach(j, i, value) if (holds_secret(v, value)) return true;
    return false;
}

json_t *http_answer_json(const struct http_exchange *x)
{
    struct values v = secret_values(x);
    json_t *j = json_parse(buffer_as_slice(&x->answer), NULL);
    if (!holds_secret(&v, j))
        return j;
    json_t *clean = redacted_json(&v, j);
    json_decref(j);
    return clean;
}

const char *http_clean_text(const struct http_exchange *x, struct slice text, size_t limit, struct arena *a)
{
    struct values v = secret_values(x);
    struct buffer b = {0};
    /* redacted before it is cut, as in body_record */
    redact(&v, slice_make(text.ptr, text.len > limit + 4096 ? limit + 4096 : text.len), &b);
    const char *clean = arena_text(a, slice_make(b.ptr ? b.ptr : "", b.len > limit ? limit : b.len));
    buffer_free(&b);
    return clean;
}

/* The body as JSON, redacted; NULL when it is none, or says no more as JSON than as text. */
static json_t *body_as_json(const struct values *v, struct slice body, size_t limit)
{
    if (body.len > PARSE_LIMIT || (body.ptr[0] != '{' && body.ptr[0] != '['))
        return NULL;
    json_t *j = json_parse(body, NULL), *made = NULL;
    if (j && (holds_secret(v, j) || (body.len <= limit && !has_reals(j, 0))))
        made = redacted_json(v, j);
    json_decref(j);
    return made;
}

static void body_record(const struct values *v, json_t *to, struct slice body, size_t limit)
{
    if (body.len == 0)
        return;
    json_t *j = body_as_json(v, body, limit);
    if (j && body.len <= limit) {
        json_object_set_new(to, "body", j);
        return;
    }
    struct buffer b = {0};
    if (j)
        json_print(j, &b);
    else /* redacted before it is cut: half a secret at the edge would not be known for one */
        redact(v, slice_make(body.ptr, body.len > limit + 4096 ? limit + 4096 : body.len), &b);
    json_decref(j);
    if (body.len > limit)
        json_object_set_new(to, "cut", json_integer((json_int_t)body.len));
    json_object_set_new(to, "body", text_of(slice_make(b.ptr, b.len > limit ? limit : b.len)));
    buffer_free(&b);
}

json_t *http_record(const struct http_exchange *x, size_t body_limit)
{
    static const char *const failures[] = {"none", "not sent", "in doubt", "refused here"};
    struct values v = secret_values(x);
    json_t *request = json_object(), *answer = json_object(), *record = json_object();
    json_object_set_new(request, "method", json_string(x->method));
    json_object_set_new(request, "url", url_record(&v, x->url ? x->url : ""));
    json_object_set_new(request, "headers", request_headers(&v, x));
    if (x->body_secret_note)
        json_object_set_new(request, "body", json_string(x->body_secret_note));
    else
        body_record(&v, request, x->body, body_limit);
    json_object_set_new(record, "request", request);
    if (x->status) {
        json_object_set_new(answer, "status", json_integer(x->status));
        json_object_set_new(answer, "headers", answer_headers(&v, x));
        body_record(&v, answer, buffer_as_slice(&x->answer), body_limit);
        json_object_set_new(record, "answer", json_incref(answer));
    }
    json_decref(answer);
    if (x->failure != HTTP_ANSWERED) {
        json_object_set_new(record, "failure", json_string(failures[x->failure]));
        json_object_set_new(record, "problem", redacted_text(&v, slice_of(x->problem)));
    }
    json_object_set_new(record, "milliseconds", json_integer((json_int_t)(x->seconds * 1000)));
    return record;
}
