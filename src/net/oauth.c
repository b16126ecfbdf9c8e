/* oauth: see oauth.h. RFC 6749 4.4 (request), 5.1 and 5.2 (answers). The client's secret goes in the form;
 * the cached token is sealed for exactly this client, URL, scope and further fields: another configuration
 * finds no token. */
#include "net/oauth.h"
#include "base/date.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define TOKEN_LIMIT (16u * 1024u)
#define SHORTEST_LIFE 5  /* seconds; what a server says below that is no life */
#define UNKNOWN_LIFE 300 /* expires_in is only recommended (5.1) */
#define LONGEST_LIFE 86400

void buffer_wipe(struct buffer *b)
{
    if (b->ptr)
        OPENSSL_cleanse(b->ptr, b->room);
    buffer_free(b);
}

/* What the token is sealed for. */
static void purpose_of(const struct oauth_client *c, char hex[HASH_TEXT])
{
    struct buffer b = {0};
    buffer_printf(&b, "%s\n%s\n%s\n%s\n%s", c->name, c->token_url, c->client_id, c->scope ? c->scope : "",
                  c->extra ? c->extra : "");
    hash_sha256(buffer_as_slice(&b), hex);
    buffer_free(&b);
}

static int early(const struct oauth_client *c)
{
    return c->early_seconds > 0 ? c->early_seconds : 60;
}

/* The cached token into out. *life: seconds left. false: none that can be used. */
static bool cached(const struct oauth_client *c, struct secrets *secrets, struct state *st,
                   struct buffer *out, int64_t *life)
{
    char purpose[HASH_TEXT];
    struct buffer sealed = {0};
    int64_t expires = 0;
    bool got = false;
    if (state_token_get(st, c->name, &sealed, &expires) == 0) {
        *life = expires - instant_now().seconds;
        purpose_of(c, purpose);
        got = *life > 0 && *life <= LONGEST_LIFE &&
              secrets_unseal(secrets, purpose, buffer_as_slice(&sealed), out) == 0;
    }
    buffer_free(&sealed);
    return got;
}

static void keep(const struct oauth_client *c, struct secrets *secrets, struct state *st, struct slice token,
                 int64_t life)
{
    char purpose[HASH_TEXT];
    struct buffer sealed = {0};
    purpose_of(c, purpose);
    if (secrets_seal(secrets, purpose, token, &sealed) ||
        state_token_set(st, c->name, buffer_as_slice(&sealed), instant_now().seconds + life))
        log_warning("the token of %s could not be kept; the next process will ask for another one", c->name);
    buffer_free(&sealed);
}

/* ---- the request ---- */

static void field(struct buffer *form, const char *name, struct slice value)
{
    buffer_printf(form, "%s%s=", form->len ? "&" : "", name);
    http_encode(form, value);
}

static void make_form(const struct oauth_client *c, struct slice secret, struct buffer *form)
{
    /* at once: growing would leave copies of the secret behind */
    buffer_reserve(form, 3 * (strlen(c->client_id) + secret.len + (c->scope ? strlen(c->scope) : 0)) +
                             (c->extra ? strlen(c->extra) : 0) + 256);
    buffer_text(form, "grant_type=client_credentials");
    field(form, "client_id", slice_of(c->client_id));
    if (c->scope)
        field(form, "scope", slice_of(c->scope));
    if (c->extra && *c->extra)
        buffer_printf(form, "&%s", c->extra);
    field(form, "client_secret", secret);
}

/* ---- the answer ---- */

/* b64token of RFC 6750 and then some: visible ASCII, so that it can stand in a header. */
static bool token_fits(const char *token)
{
    size_t n = token ? strlen(token) : 0;
    if (n == 0 || n > TOKEN_LIMIT)
        return false;
    for (size_t i = 0; i < n; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return false;
    return true;
}

static int64_t life_of(const json_t *answer)
{
    const char *text = json_text_at(answer, "expires_in");
    int64_t life = text ? strtoll(text, NULL, 10) : json_integer_at(answer, "expires_in", UNKNOWN_LIFE);
    return life < SHORTEST_LIFE ? SHORTEST_LIFE : life > LONGEST_LIFE ? LONGEST_LIFE : life;
}

static enum oauth_result take_token(const struct oauth_client *c, const struct http_exchange *x,
                                    struct buffer *out, int64_t *life, struct findings *f)
{
    json_t *answer = json_parse(buffer_as_slice(&x->answer), NULL);
    const char *token = json_text_at(answer, "access_token"), *type = json_text_at(answer, "token_type");
    enum oauth_result result = OAUTH_LATER;
    if (!token_fits(token) || (type && strcasecmp(type, "Bearer") != 0)) {
        finding_add(f, SEVERITY_WARNING, "oauth.answer", c->token_url, "",
                    "The token server answered 200 without a bearer token that could be used.");
    } else {
        buffer_reserve(out, strlen(token));
        buffer_text(out, token);
        *life = life_of(answer);
        result = OAUTH_OK;
    }
    if (token) /* jansson would give the memory back as it is */
        OPENSSL_cleanse((char *)(uintptr_t)token, strlen(token));
    json_decref(answer);
    return result;
}

static const struct refusal {
    const char *error, *what, *todo;
} refusals[] = {
    {"invalid_client", "The token server does not accept this client id and secret.",
     "Compare client_id with the developer portal, and set the secret anew with `spoolgate secret set`; a "
     "secret that was "
     "renewed or has expired there counts no more."},
    {"invalid_tenant", "The tenant is unknown to the token server, or has not approved this application.",
     "Check tenant_id (the company's, not the customer's), and have the tenant's integration administrator "
     "approve the "
     "application; a fresh approval may take 15 minutes to work."},
    {"invalid_scope", "A scope that is asked for is not granted to this client.",
     "Compare the configured scopes with those approved in the developer portal and by the tenant's "
     "administrator."},
    {"unauthorized_client", "This client may not use the client-credentials grant.",
     "Register it as a service (machine to machine) application in the developer portal."},
    {"invalid_grant", "The token server refuses the grant.",
     "Check the application's registration and the tenant's approval."},
    {"unsupported_grant_type", "The token server does not know the client-credentials grant.",
     "Check token_url."},
    {"invalid_request", "The token server says that the request is not complete or not right.",
     "Check token_url, client_id, scope and tenant_id."},
};

/* error_description is the other side's text: bounded, one line, without our secret should it be echoed. */
static void clean_description(const char *text, struct slice secret, char out[200])
{
    snprintf(out, 200, "%.199s", text ? text : "");
    if (text && secret.len && memmem(text, strlen(text), secret.ptr, secret.len))
        out[0] = '\0';
    for (size_t i = 0; out[i]; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 127)
            out[i] = ' ';
}

static enum oauth_result refused(const struct oauth_client *c, const struct http_exchange *x,
                                 struct slice secret, struct findings *f)
{
    char said[200], code[64];
    json_t *answer = json_parse(buffer_as_slice(&x->answer), NULL);
    const char *error = json_text_at(answer, "error");
    const struct refusal *known = NULL;
    for (size_t i = 0; error && i < sizeof refusals / sizeof refusals[0]; i++)
        if (strcmp(refusals[i].error, error) == 0)
            known = &refusals[i];
    clean_description(json_text_at(answer, "error_description"), secret, said);
    json_decref(answer);
    snprintf(code, sizeof code, "oauth.%s", known ? known->error : "refused");
    finding_add(f, SEVERITY_ERROR, code, c->token_url,
                known ? known->todo : "Check token_url and the application's registration.",
                "%s (status %ld%s%s)", known ? known->what : "The token server refuses to give a token.",
                x->status, *said ? ": " : "", said);
    return OAUTH_REFUSED;
}

static enum oauth_result judge(const struct oauth_client *c, const struct http_exchange *x,
                               struct slice secret, struct buffer *out, int64_t *life, struct findings *f)
{
    if (x->failure == HTTP_REFUSED_HERE) {
        finding_add(f, SEVERITY_ERROR, "oauth.url", c->token_url, "Correct token_url.",
                    "The token server cannot be asked: %s.", x->problem);
        return OAUTH_REFUSED;
    }
    if (x->failure != HTTP_ANSWERED) {
        finding_add(f, SEVERITY_WARNING, "oauth.network", c->token_url, "",
                    "The token server did not answer: %s.", x->problem);
        return OAUTH_LATER;
    }
    if (x->status == 200)
        return take_token(c, x, out, life, f);
    if (x->status >= 300 && x->status < 400) {
        finding_add(f, SEVERITY_WARNING, "oauth.redirect", c->token_url,
                    "It is not followed. Compare token_url with the developer portal.",
                    "The token server answers %ld, which points elsewhere; it is asked again later.",
                    x->status);
        return OAUTH_LATER;
    }
    if (x->status >= 400 && x->status < 500 && x->status != 408 && x->status != 425 && x->status != 429)
        return refused(c, x, secret, f);
    finding_add(f, SEVERITY_WARNING, "oauth.later", c->token_url, "",
                "The token server answers %ld; it is asked again later.", x->status);
    return OAUTH_LATER;
}

static enum oauth_result fetch(const struct oauth_client *c, struct http *h, struct secrets *secrets,
                               struct buffer *out, int64_t *life, struct findings *f)
{
    struct slice secret = secrets_get(secrets, c->client_secret_name, f);
    if (!secret.ptr)
        return OAUTH_REFUSED;
    struct buffer form = {0};
    make_form(c, secret, &form);
    struct http_exchange x = {.method = "POST",
                              .url = c->token_url,
                              .headers = {{"Content-Type", "application/x-www-form-urlencoded", false},
                                          {"Accept", "application/json", false}},
                              .header_count = 2,
                              .body = buffer_as_slice(&form),
                              .body_secret_note = "[the client's credentials]"};
    struct http_exchange *one = &x;
    http_perform(h, &one, 1, 1);
    enum oauth_result result = judge(c, &x, secret, out, life, f);
    buffer_wipe(&form);
    buffer_wipe(&x.answer);
    http_exchange_free(&x);
    return result;
}

enum oauth_result oauth_token(const struct oauth_client *c, struct http *h, struct secrets *secrets,
                              struct state *st, struct buffer *out, struct findings *f)
{
    int64_t life = 0;
    struct buffer old = {0};
    bool have = cached(c, secrets, st, &old, &life);
    if (have && life > early(c)) {
        *out = old;
        return OAUTH_OK;
    }
    enum oauth_result result = fetch(c, h, secrets, out, &life, f);
    if (result == OAUTH_OK) {
        keep(c, secrets, st, buffer_as_slice(out), life);
        buffer_wipe(&old);
    } else if (result == OAUTH_LATER && have) {
        *out = old;
        result = OAUTH_OK;
    } else {
        buffer_wipe(&old);
    }
    return result;
}

enum oauth_result oauth_token_anew(const struct oauth_client *c, struct http *h, struct secrets *secrets,
                                   struct state *st, struct buffer *out, int64_t *life, struct findings *f)
{
    enum oauth_result result = fetch(c, h, secrets, out, life, f);
    if (result == OAUTH_OK)
        keep(c, secrets, st, buffer_as_slice(out), *life);
    return result;
}

int64_t oauth_expires_in(const struct oauth_client *c, struct state *st)
{
    struct buffer sealed = {0};
    int64_t expires = 0;
    bool known = state_token_get(st, c->name, &sealed, &expires) == 0;
    buffer_free(&sealed);
    int64_t left = known ? expires - instant_now().seconds : -1;
    return left > 0 ? left : -1;
}

void oauth_forget(const struct oauth_client *c, struct state *st)
{
    state_token_forget(st, c->name);
}
