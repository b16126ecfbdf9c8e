/* orderful: delivering to trading partners over Orderful's REST API. This file holds the settings, the table
 * of transaction types and what every request has in common.
 *
 * There are two dialects, and a document is of one of them by its message: X12 as JSON
 * ({"transactionSets":[…]}) is created with POST /v3/transactions, Orderful's own JSON with POST
 * /transactions and the header orderful-api-version: v4. */
#include "adapter/orderful/orderful.h"
#include "adapter/url.h"
#include "base/file.h"
#include "base/json.h"
#include "net/budget.h"
#include "net/skew.h"
#include "route/sections.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ANSWER_LIMIT                                                                                         \
    (8u << 20) /* of the answers in flight at once; a parsed one takes many times its size                   \
                */
#define TYPES_FILE "orderful/transaction-types.tsv"
#define PERSON 300 /* seconds until something that a person must set right is tried again */
#define LATER 5

static const char *const settings[] = {
    "url!",         "api_key!", "stream!",       "ca_file",          "in_flight",
    "budget",       "timeout",  "confirm_looks", "confirm_seconds",  "status_interval",
    "hold_seconds", "path_v3",  "path_v4",       "path_validations", NULL};

/* ---- settings ---- */

static void check_path(const struct endpoint_config *e, const char *key, struct findings *f)
{
    const char *path = endpoint_setting(e, key);
    if (path && (path[0] != '/' || strpbrk(path, "?# ")))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, key, f->arena),
                    "Write it like /v3/transactions.", "%s = %s: it is not a path.", key, path);
}

static void check_streams(const struct endpoint_config *e, const struct config *all, struct findings *f)
{
    const char *stream = endpoint_setting(e, "stream");
    if (!stream)
        return;
    bool test = !strcmp(stream, "test");
    if (!test && strcmp(stream, "live") != 0)
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "stream", f->arena), "",
                    "stream = %s: test or live is wanted.", stream);
    for (const struct partner *p = all ? all->partners : NULL; p; p = p->next)
        for (const struct sending *s = p->sendings; s; s = s->next) {
            if (!s->endpoint || strcmp(s->endpoint, e->name) != 0)
                continue;
            const char *where = arena_printf(f->arena, "%s:%d", s->file, s->line);
            if (p->test != test)
                finding_add(f, SEVERITY_WARNING, "config.stream", where,
                            "Let usage of the partner and stream of the endpoint say the same.",
                            "The partner %s is in %s, the endpoint %s in stream %s.", p->id,
                            p->test ? "test" : "production", e->name, stream);
            if (!(test && p->test_isa_id ? p->test_isa_id : p->live_isa_id))
                finding_add(f, SEVERITY_ERROR, "config.isa-id", where,
                            "Add isa_id, and test_isa_id for the test stream.",
                            "Orderful addresses partners by their ISA id; %s has none.", p->id);
            if (!(test && p->our_test_isa_id ? p->our_test_isa_id : p->our_live_isa_id))
                finding_add(f, SEVERITY_ERROR, "config.isa-id", where,
                            "Add isa_id, and test_isa_id, to [us].",
                            "Orderful addresses the sender by its ISA id; we have none.");
            if (test && p->live_isa_id && p->test_isa_id && !strcmp(p->live_isa_id, p->test_isa_id))
                finding_add(
                    f, SEVERITY_WARNING, "config.isa-id.streams", where, "Ask Orderful for a test id.",
                    "Live and test id of %s are the same: the streams cannot be told apart by it.", p->id);
        }
}

static void check(const struct endpoint_config *e, const struct config *all, struct findings *f)
{
    const char *url = endpoint_setting(e, "url"), *why;
    if (url && !url_usable(url, &why))
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, "url", f->arena),
                    "It is https://api.orderful.com, or https://api-eu.orderful.com.", "url = %s: %s.",
                    url_shown(url, f->arena), why);
    check_streams(e, all, f);
    check_path(e, "path_v3", f);
    check_path(e, "path_v4", f);
    check_path(e, "path_validations", f);
    endpoint_number(e, "in_flight", 1, 64, 0, f);
    endpoint_number(e, "budget", 0, 1000000, 0, f);
    endpoint_number(e, "timeout", 1, 600, 0, f);
    endpoint_number(e, "confirm_looks", 1, 20, 0, f);
    endpoint_number(e, "confirm_seconds", 0, 3600, 0, f);
    endpoint_number(e, "status_interval", 1, 86400, 0, f);
    endpoint_number(e, "hold_seconds", 1, 86400, 0, f);
}

/* ---- transaction types ---- */

static struct orderful_type *read_type(struct arena *a, struct slice line)
{
    struct slice cell[4] = {SLICE_NONE, SLICE_NONE, SLICE_NONE, SLICE_NONE};
    for (size_t i = 0; i < 4 && line.ptr; i++) {
        const char *tab = memchr(line.ptr, '\t', line.len);
        cell[i] = slice_trim(slice_make(line.ptr, tab ? (size_t)(tab - line.ptr) : line.len));
        line = tab ? slice_make(tab + 1, line.len - (size_t)(tab + 1 - line.ptr)) : SLICE_NONE;
    }
    if (!cell[0].len || !cell[1].len || !cell[2].len || !cell[3].len)
        return NULL;
    struct orderful_type *t = arena_zero(a, sizeof *t);
    t->canonical = arena_text(a, cell[0]);
    t->set = arena_text(a, cell[1]);
    t->v3 = arena_text(a, cell[2]);
    t->v4 = slice_is(cell[3], "-") ? NULL : arena_text(a, cell[3]);
    return t;
}

static int read_types(struct orderful *o, const char *path, struct slice text, struct findings *f)
{
    struct orderful_type **end = &o->types;
    for (int number = 1; text.len; number++) {
        const char *newline = memchr(text.ptr, '\n', text.len);
        struct slice line = slice_make(text.ptr, newline ? (size_t)(newline - text.ptr) : text.len);
        text = newline ? slice_make(newline + 1, text.len - line.len - 1) : slice_make("", 0);
        if (!slice_trim(line).len || line.ptr[0] == '#')
            continue;
        *end = read_type(&o->arena, line);
        if (!*end) {
            finding_add(
                f, SEVERITY_ERROR, "orderful.types", arena_printf(f->arena, "%s:%d", path, number),
                "Its columns are: canonical type, X12 set, v3 name, v4 name (or -), with tabs between.",
                "The line does not have four columns.");
            return -1;
        }
        end = &(*end)->next;
    }
    return 0;
}

static int load_types(struct orderful *o, const struct config *all, struct findings *f)
{
    for (const char *const *d = all->map_directories; *d; d++) {
        struct buffer text = {0};
        const char *path = arena_printf(&o->arena, "%s/" TYPES_FILE, *d);
        if (file_read(AT_FDCWD, path, 1 << 20, &text) == 0) {
            int status = read_types(o, path, buffer_as_slice(&text), f);
            buffer_free(&text);
            return status;
        }
        buffer_free(&text);
        if (errno != ENOENT && errno != ENOTDIR) {
            int why = errno;
            finding_add(f, SEVERITY_ERROR, "orderful.types", path, "", "%s cannot be read: %s.", path,
                        strerror(why));
            findings_blame(f, why);
            return -1;
        }
    }
    finding_add(f, SEVERITY_ERROR, "orderful.types", all->file,
                "Set translators in [spoolgate] to the folder that has it.",
                TYPES_FILE " is in none of the folders of maps.");
    return -1;
}

const struct orderful_type *orderful_type(const struct orderful *o, const char *canonical)
{
    for (const struct orderful_type *t = o->types; t && canonical; t = t->next)
        if (!strcmp(t->canonical, canonical))
            return t;
    return NULL;
}

/* ---- session ---- */

static const char *or_default(const struct endpoint_config *e, const char *key, const char *otherwise)
{
    const char *value = endpoint_setting(e, key);
    return value ? value : otherwise;
}

static void close_endpoint(struct endpoint *e)
{
    struct orderful *o = e->session;
    if (!o)
        return;
    http_close(o->http);
    arena_free(&o->arena);
    free(o);
    e->session = NULL;
}

static int open_endpoint(struct endpoint *e, struct findings *f)
{
    static const char *const needed[] = {"url", "api_key", "stream", NULL};
    const struct endpoint_config *c = e->config;
    unsigned errors = f->errors;
    for (const char *const *n = needed; *n; n++)
        if (!endpoint_setting(c, *n))
            finding_add(f, SEVERITY_ERROR, "config.required", endpoint_where(c, *n, f->arena), "",
                        "[endpoint %s] does not say its %s.", c->name, *n);
    check(c, e->all, f);
    if (f->errors != errors)
        return -1;
    struct orderful *o = calloc(1, sizeof *o);
    if (!o)
        abort();
    e->session = o;
    o->url = endpoint_setting(c, "url");
    o->api_key = endpoint_setting(c, "api_key");
    o->test = !strcmp(endpoint_setting(c, "stream"), "test");
    o->path_v3 = or_default(c, "path_v3", "/v3/transactions");
    o->path_v4 = or_default(c, "path_v4", "/transactions");
    o->path_validations = or_default(c, "path_validations", "/v2/transactions");
    o->in_flight = endpoint_number(c, "in_flight", 1, 64, 8, f);
    o->allowed = endpoint_number(c, "budget", 0, 1000000, 100, f);
    o->confirm_looks = endpoint_number(c, "confirm_looks", 1, 20, 3, f);
    o->hold_seconds = endpoint_number(c, "hold_seconds", 1, 86400, 300, f);
    o->confirm_seconds = endpoint_number(c, "confirm_seconds", 0, 3600, 60, f);
    o->status_interval = endpoint_number(c, "status_interval", 1, 86400, 300, f);
    struct http_settings s = {.ca_file = endpoint_setting(c, "ca_file"),
                              .answer_limit = ANSWER_LIMIT,
                              .total_seconds = endpoint_number(c, "timeout", 1, 600, 60, f),
                              .plain_loopback = !strncmp(o->url, "http:", 5)};
    o->http = http_open(&s);
    if (!o->http)
        http_not_opened(&s, endpoint_where(c, "ca_file", f->arena), f);
    if (o->http && load_types(o, e->all, f) == 0)
        return 0;
    close_endpoint(e);
    return -1;
}

const char *orderful_stream(const struct orderful *o, bool v4)
{
    return o->test ? (v4 ? "test" : "TEST") : (v4 ? "live" : "LIVE");
}

const char *orderful_isa_id(const struct orderful *o, const struct partner *p, bool ours)
{
    const char *test = ours ? p->our_test_isa_id : p->test_isa_id;
    return o->test && test ? test : ours ? p->our_live_isa_id : p->live_isa_id;
}

/* ---- requests ---- */

static void add_header(struct http_exchange *x, const char *name, const char *value, bool secret)
{
    x->headers[x->header_count++] = (struct http_header){name, value, secret};
}

bool orderful_request(struct endpoint *e, struct http_exchange *x, const char *method, const char *url,
                      bool v4, struct findings *f)
{
    const struct orderful *o = e->session;
    struct slice key = e->secrets ? secrets_get(e->secrets, o->api_key, f) : SLICE_NONE;
    *x = (struct http_exchange){.method = method, .url = url};
    if (!key.ptr) {
        finding_add(f, SEVERITY_ERROR, "orderful.key", e->config->name,
                    "Set it: spoolgate secret set NAME, with the name that api_key gives.",
                    "There is no API key for Orderful.");
        return false;
    }
    add_header(x, "orderful-api-key", key.ptr, true);
    add_header(x, "Accept", "application/json", false);
    if (!strcmp(method, "POST"))
        add_header(x, "Content-Type", "application/json", false);
    if (v4)
        add_header(x, "orderful-api-version", "v4", false);
    return true;
}

/* Each kind of call has a limit of its own, a minute, per key. */
static void budget_name(const struct endpoint *e, const char *kind, char out[128])
{
    const struct orderful *o = e->session;
    /* a row of the state, which others see: what is the name of no secret may be one */
    snprintf(out, 128, "orderful %s %s", secrets_has(e->secrets, o->api_key) ? o->api_key : "(no key)", kind);
}

int64_t orderful_take(struct endpoint *e, const char *kind)
{
    const struct orderful *o = e->session;
    char name[128];
    budget_name(e, kind, name);
    return budget_take(e->state, name, o->allowed, 60, 1, time(NULL));
}

void orderful_learn(struct endpoint *e, const char *kind, const struct http_exchange *x)
{
    const struct orderful *o = e->session;
    char name[128];
    budget_name(e, kind, name);
    budget_learn(e->state, name, x, time(NULL));
    skew_learn(e->state, o->url, x);
}

void orderful_id(const json_t *value, char out[128])
{
    static const char usable[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:~";
    out[0] = '\0';
    if (json_is_integer(value))
        snprintf(out, 128, "%lld", (long long)json_integer_value(value));
    if (!json_is_string(value))
        return;
    const char *text = json_string_value(value);
    size_t n = strlen(text);
    if (n < 128 && n == json_string_length(value) && strspn(text, usable) == n && strspn(text, ".") < n)
        snprintf(out, 128, "%s", text);
}

enum orderful_got orderful_judge_get(struct endpoint *e, const struct http_exchange *x, json_t **answer,
                                     int64_t *wait, struct findings *f)
{
    *answer = NULL;
    *wait = LATER;
    if (x->failure != HTTP_ANSWERED) {
        finding_add(f, SEVERITY_WARNING, "orderful.unreachable", e->config->name,
                    "It is tried again by itself.", "Orderful could not be reached: %s", x->problem);
        return ORDERFUL_BROKEN;
    }
    if (x->status == 200) {
        *answer = http_answer_json(x);
        if (*answer)
            return ORDERFUL_OK;
    }
    if (x->status == 404)
        return ORDERFUL_MISSING;
    if (x->status == 429) {
        *wait = http_answer_retry_after(x);
        *wait = *wait < 0 ? 60 : *wait < 1 ? 1 : *wait;
        return ORDERFUL_WAIT;
    }
    bool broken = x->status < 400 || x->status == 408 || x->status >= 500;
    if (!broken)
        *wait = PERSON;
    finding_add(f, broken ? SEVERITY_WARNING : SEVERITY_ERROR,
                broken ? "orderful.broken" : "orderful.refused", e->config->name,
                x->status == 401 || x->status == 403
                    ? "Compare the API key with Organization Settings, API Credentials, in Orderful."
                : broken ? "It is tried again by itself."
                         : "",
                "Orderful answered %ld: %s", x->status,
                x->status == 200 ? "(no JSON, or cut off)" : orderful_message(x, f->arena));
    return broken ? ORDERFUL_BROKEN : ORDERFUL_REFUSED;
}

enum orderful_got orderful_get(struct endpoint *e, const char *kind, const char *target, json_t **answer,
                               struct http_exchange *x, int64_t *wait, struct findings *f)
{
    const struct orderful *o = e->session;
    struct http_exchange own = {0}, *used = x ? x : &own;
    const char *url = *target == '/' ? url_below(f->arena, o->url, target) : target;
    *used = (struct http_exchange){.method = "GET", .url = url};
    *answer = NULL;
    *wait = PERSON;
    if (!url_same_origin(o->url, url)) {
        finding_add(f, SEVERITY_ERROR, "orderful.link", e->config->name, "Tell Orderful's support.",
                    "A link in an answer leads to another host and was not followed: %.200s", url);
        return ORDERFUL_REFUSED;
    }
    int64_t taken = orderful_take(e, kind);
    if (taken) {
        *wait = taken > 0 ? taken : LATER;
        return ORDERFUL_WAIT;
    }
    if (!orderful_request(e, used, "GET", url, false, f))
        return ORDERFUL_REFUSED;
    struct http_exchange *all[] = {used};
    http_perform(o->http, all, 1, 1);
    orderful_learn(e, kind, used);
    enum orderful_got got = orderful_judge_get(e, used, answer, wait, f);
    if (!x)
        http_exchange_free(&own);
    return got;
}

const struct adapter adapter_orderful = {.name = "orderful",
                                         .settings = settings,
                                         .open = open_endpoint,
                                         .close = close_endpoint,
                                         .prepare = orderful_prepare,
                                         .deliver = orderful_deliver,
                                         .confirm = orderful_confirm,
                                         .chores = orderful_chores,
                                         .ping = orderful_ping,
                                         .check = check};
