/*
 * connect.c - Visma Connect: client credentials for a tenant, discovery, keys.
 *
 * Rules: Visma Connect's pages on client credentials with a tenant; RFC 6749 section 5, RFC 7517, RFC 7519.
 */
#include "sandbox/sandbox.h"
#include "sandbox/budget.h"
#include "sandbox/certificate.h"
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/journal.h"
#include "sandbox/vendors.h"
#include "sandbox/visma/visma.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define AUDIENCE "https://api.finance.visma.net/erp/service"
#define SCOPES "vismanet_erp_service_api:"

static EVP_PKEY *signing_key;
static json_t *company;

json_t *sb_visma_company(void)
{
    return company;
}

static json_t *entry_of(const char *list, const char *member, const char *value)
{
    size_t i;
    json_t *entry;

    json_array_foreach(json_object_get(company, list), i, entry)
    {
        if (strcmp(sb_document_string(entry, member), value) == 0)
            return entry;
    }
    return NULL;
}

json_t *sb_visma_tenant(const char *tenant_id)
{
    return entry_of("tenants", "tenant_id", tenant_id);
}

static EVP_PKEY *make_key(const char *path)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    int fd = key ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (file) {
        PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
        fclose(file);
    } else if (fd >= 0) {
        close(fd);
    }
    return key;
}

static int connect_open(struct sandbox *sb, char *why, size_t why_size)
{
    char path[4096];
    char *text = sb_certificate_text(sb->directory, "token.key");
    BIO *bio = text ? BIO_new_mem_buf(text, -1) : NULL;

    signing_key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    free(text);
    snprintf(path, sizeof(path), "%s/token.key", sb->directory);
    if (!signing_key)
        signing_key = make_key(path);
    if (!signing_key) {
        snprintf(why, why_size, "cannot make a key for tokens");
        return -1;
    }
    snprintf(path, sizeof(path), "%s/visma", sb->samples);
    company = sb_document_load(path, "company.json", why, why_size);
    return company ? 0 : -1;
}

static void connect_close(struct sandbox *sb)
{
    (void)sb;
    EVP_PKEY_free(signing_key);
    signing_key = NULL;
    json_decref(company);
    company = NULL;
}

static void digest_of(const char *text, char hex[65])
{
    unsigned char digest[32];
    unsigned size = sizeof(digest);

    EVP_Digest(text, strlen(text), digest, &size, EVP_sha256(), NULL);
    for (unsigned i = 0; i < 32; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
}

const json_t *sb_visma_token_grant(struct sandbox *sb, const char *token)
{
    char digest[65];
    const json_t *grant;

    digest_of(token, digest);
    grant = sb_journal_get(sb->journal, "visma.token", digest);
    return grant && sb_document_integer(grant, "expires", 0) > sb_clock_now(sb) ? grant : NULL;
}

void sb_visma_tokens_revoke(struct sandbox *sb)
{
    sb_journal_drop_kind(sb->journal, "visma.token");
}

/* header.claims.signature, base64url; empty when it cannot be signed */
static char *sign_token(const json_t *claims)
{
    static const char header[] = "{\"alg\":\"RS256\",\"kid\":\"sandbox-1\",\"typ\":\"at+jwt\"}";
    char *text = sb_document_text(claims), *token = calloc(1, 4096);
    unsigned char signature[512];
    size_t size = sizeof(signature), used;
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (token && text && context) {
        sb_base64url_encode((const unsigned char *)header, strlen(header), token, 4096);
        used = strlen(token);
        token[used++] = '.';
        sb_base64url_encode((const unsigned char *)text, strlen(text), token + used, 4096 - used);
        used = strlen(token);
        if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, signing_key) == 1 &&
            EVP_DigestSign(context, signature, &size, (const unsigned char *)token, used) == 1) {
            token[used++] = '.';
            sb_base64url_encode(signature, size, token + used, 4096 - used);
        }
    }
    EVP_MD_CTX_free(context);
    free(text);
    return token;
}

static void oauth_error(struct exchange *ex, int status, const char *error, const char *description)
{
    sb_exchange_reason(ex, "%s: %s", error, description);
    sb_answer_header(ex, "Cache-Control", "no-store");
    sb_answer_json(ex, status, json_pack("{s:s}", "error", error));
}

static void unescape(char *text)
{
    char *out = text;

    for (; *text; text++) {
        unsigned byte;

        if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1 && text[1] && text[2]) {
            *out++ = (char)byte;
            text += 2;
        } else {
            *out++ = *text == '+' ? ' ' : *text;
        }
    }
    *out = '\0';
}

/* name -> value of an application/x-www-form-urlencoded body */
static json_t *form_of(const struct exchange *ex)
{
    json_t *form = json_object();
    char *copy = strndup(ex->body ? ex->body : "", ex->body_size), *rest = copy, *field;

    while (copy && (field = strsep(&rest, "&")) != NULL) {
        char *value = strchr(field, '=');

        if (value)
            *value++ = '\0';
        unescape(field);
        if (value)
            unescape(value);
        json_object_set_new(form, field, json_string(value ? value : ""));
    }
    free(copy);
    return form;
}

/* client_secret_basic: fills the form's two members from the header */
static void basic_credentials(const struct exchange *ex, json_t *form)
{
    const char *header = sb_exchange_header(ex, "authorization");
    unsigned char decoded[512];
    char text[512];
    char *colon;
    int size;

    if (!header || strncasecmp(header, "Basic ", 6) != 0)
        return;
    snprintf(text, sizeof(text), "%s", header + 6);
    text[strcspn(text, "=")] = '\0';
    for (char *c = text; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    size = sb_base64url_decode(text, strlen(text), decoded, sizeof(decoded));
    if (size < 0)
        return;
    colon = strchr((char *)decoded, ':');
    if (!colon)
        return;
    *colon++ = '\0';
    unescape((char *)decoded);
    unescape(colon);
    json_object_set_new(form, "client_id", json_string((char *)decoded));
    json_object_set_new(form, "client_secret", json_string(colon));
}

static bool contains(const json_t *list, const char *text)
{
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry)
    {
        const char *value = json_string_value(entry);

        if (value && strcmp(value, text) == 0)
            return true;
    }
    return false;
}

/* The scopes asked for, all granted to the client; without any, all it has. False: one is not granted. */
static bool grant_scope(const json_t *client, const char *asked, char granted[512])
{
    char copy[512], *rest = copy, *scope;
    size_t i;
    json_t *entry;

    granted[0] = '\0';
    if (!*asked) {
        json_array_foreach(json_object_get(client, "scopes"), i, entry)
        {
            size_t used = strlen(granted);

            snprintf(granted + used, 512 - used, "%s%s", used ? " " : "", json_string_value(entry));
        }
        return true;
    }
    snprintf(copy, sizeof(copy), "%s", asked);
    while ((scope = strsep(&rest, " ")) != NULL) {
        size_t used = strlen(granted);

        if (!*scope)
            continue;
        if (!contains(json_object_get(client, "scopes"), scope))
            return false;
        snprintf(granted + used, 512 - used, "%s%s", used ? " " : "", scope);
    }
    return true;
}

static void issue(struct exchange *ex, const json_t *client, const char *tenant, const char *scope)
{
    struct sandbox *sb = ex->sandbox;
    long lifetime = sb_setting_number(sb, "token-seconds");
    int64_t now = sb_clock_now(sb);
    unsigned char random[16];
    char id[33], digest[65];
    const char *client_id = sb_document_string(client, "client_id");
    json_t *claims;
    char *token;

    RAND_bytes(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    claims = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "iss", "https://connect.visma.com", "aud",
                       AUDIENCE, "client_id", client_id, "tenant_id", tenant, "scope", scope, "jti", id,
                       "iat", (json_int_t)(now / 1000), "exp", (json_int_t)(now / 1000 + lifetime));
    token = sign_token(claims);
    json_decref(claims);
    digest_of(token ? token : "", digest);
    sb_journal_put(sb->journal, "visma.token", digest,
                   json_pack("{s:s, s:s, s:s, s:I}", "client", client_id, "tenant", tenant, "scope", scope,
                             "expires", (json_int_t)(now + lifetime * 1000)));
    sb_answer_header(ex, "Cache-Control", "no-store");
    sb_answer_header(ex, "Pragma", "no-cache");
    sb_answer_json(ex, 200,
                   json_pack("{s:s, s:I, s:s, s:s}", "access_token", token ? token : "", "expires_in",
                             (json_int_t)lifetime, "token_type", "Bearer", "scope", scope));
    free(token);
}

/* Order of the checks: client, grant, scope, tenant; a client that is not known learns nothing else. */
static void token(struct exchange *ex, json_t *form)
{
    static const char *const other_grants = " authorization_code refresh_token password implicit ";
    const char *grant = json_string_value(json_object_get(form, "grant_type"));
    const json_t *client = entry_of("clients", "client_id", sb_document_string(form, "client_id"));
    const json_t *tenant = sb_visma_tenant(sb_document_string(form, "tenant_id"));
    char scope[512], quoted[64];

    if (!client ||
        strcmp(sb_document_string(client, "client_secret"), sb_document_string(form, "client_secret")) != 0) {
        oauth_error(ex, 400, "invalid_client", "unknown client_id or wrong client_secret");
        return;
    }
    if (!grant || !*grant) {
        oauth_error(ex, 400, "invalid_request", "no grant_type");
        return;
    }
    if (strcmp(grant, "client_credentials") != 0) {
        snprintf(quoted, sizeof(quoted), " %s ", grant);
        oauth_error(ex, 400, strstr(other_grants, quoted) ? "unauthorized_client" : "unsupported_grant_type",
                    "only client_credentials");
        return;
    }
    if (!grant_scope(client, sb_document_string(form, "scope"), scope)) {
        oauth_error(ex, 400, "invalid_scope", "a scope that the client is not approved for");
        return;
    }
    if (!tenant || !contains(json_object_get(tenant, "approved"), sb_document_string(client, "client_id"))) {
        oauth_error(ex, 400, "invalid_tenant", "no such tenant, or it has not approved the client");
        return;
    }
    issue(ex, client, sb_document_string(tenant, "tenant_id"), scope);
}

/* No budget is published; one given by --rate connect=… counts. False after a 429. */
static bool within_budget(struct exchange *ex)
{
    long limit = 0, seconds = 3600;
    struct budget budget;

    sb_budget_rate(ex->sandbox, ex->vendor->name, &limit, &seconds);
    if (limit == 0)
        return true;
    budget = sb_budget_take(ex->sandbox, "connect", limit, seconds);
    if (!budget.spent)
        return true;
    sb_answer_header(ex, "Retry-After", "%ld", budget.reset);
    oauth_error(ex, 429, "temporarily_unavailable", "over the budget for tokens");
    return false;
}

static void token_route(struct exchange *ex)
{
    const char *type = sb_exchange_header(ex, "content-type");
    json_t *form;

    sb_exchange_endpoint(ex, "%s /connect/token", ex->method);
    if (strcmp(ex->method, "POST") != 0) {
        sb_exchange_reason(ex, "only POST");
        sb_answer_header(ex, "Allow", "POST");
        sb_answer_empty(ex, 405);
        return;
    }
    if (!type || strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0) {
        oauth_error(ex, 400, "invalid_request", "the Content-Type is not application/x-www-form-urlencoded");
        return;
    }
    if (!within_budget(ex))
        return;
    form = form_of(ex);
    basic_credentials(ex, form);
    token(ex, form);
    json_decref(form);
}

static void metadata(struct exchange *ex)
{
    const char *base = sb_exchange_base(ex);

    sb_exchange_endpoint(ex, "GET /.well-known/openid-configuration");
    sb_answer_json(ex, 200,
                   json_pack("{s:s, s:s+, s:s+, s:[s], s:[s,s], s:[s]}", "issuer",
                             "https://connect.visma.com", "token_endpoint", base, "/connect/token",
                             "jwks_uri", base, "/.well-known/openid-configuration/jwks",
                             "grant_types_supported", "client_credentials",
                             "token_endpoint_auth_methods_supported", "client_secret_basic",
                             "client_secret_post", "id_token_signing_alg_values_supported", "RS256"));
}

static void key_member(json_t *key, const char *member, const char *parameter)
{
    BIGNUM *number = NULL;
    unsigned char bytes[512];
    char text[700];

    if (EVP_PKEY_get_bn_param(signing_key, parameter, &number) != 1)
        return;
    sb_base64url_encode(bytes, (size_t)BN_bn2bin(number, bytes), text, sizeof(text));
    json_object_set_new(key, member, json_string(text));
    BN_free(number);
}

static void keys(struct exchange *ex)
{
    json_t *key =
        json_pack("{s:s, s:s, s:s, s:s}", "kty", "RSA", "use", "sig", "alg", "RS256", "kid", "sandbox-1");

    sb_exchange_endpoint(ex, "GET /.well-known/openid-configuration/jwks");
    key_member(key, "n", OSSL_PKEY_PARAM_RSA_N);
    key_member(key, "e", OSSL_PKEY_PARAM_RSA_E);
    sb_answer_json(ex, 200, json_pack("{s:[o]}", "keys", key));
}

static void connect_handle(struct exchange *ex)
{
    bool get = strcmp(ex->method, "GET") == 0;

    if (strcasecmp(ex->path, "/connect/token") == 0) {
        token_route(ex);
    } else if (get && strcasecmp(ex->path, "/.well-known/openid-configuration") == 0) {
        metadata(ex);
    } else if (get && strcasecmp(ex->path, "/.well-known/openid-configuration/jwks") == 0) {
        keys(ex);
    } else if (strncasecmp(ex->path, "/connect/", 9) == 0) {
        sb_answer_unsimulated(ex, "Visma Connect beyond the token endpoint");
    } else {
        sb_exchange_reason(ex, "unknown path");
        sb_answer_empty(ex, 404);
    }
}

static void connect_fail(struct exchange *ex, int status)
{
    if (status == 429)
        sb_answer_header(ex, "Retry-After", "5");
    if (status >= 500)
        sb_answer_html(ex, status);
    else
        sb_answer_json(ex, status, json_pack("{s:s}", "error", "temporarily_unavailable"));
}

static json_t *connect_describe(struct sandbox *sb)
{
    json_t *client = json_array_get(json_object_get(company, "clients"), 0);
    json_t *tenant = json_array_get(json_object_get(company, "tenants"), 0);

    return json_pack(
        "{s:s+, s:O, s:O, s:O, s:s}", "token_url", json_string_value(json_object_get(sb->urls, "connect")),
        "/connect/token", "client_id", json_object_get(client, "client_id"), "client_secret",
        json_object_get(client, "client_secret"), "tenant_id", json_object_get(tenant, "tenant_id"), "scope",
        SCOPES "read " SCOPES "create " SCOPES "update " SCOPES "delete");
}

static const struct sandbox_switch connect_settings[] = {
    {"token-seconds", "N", "3600", "how long a Visma token lives"},
    {NULL, NULL, NULL, NULL},
};

const struct vendor sb_visma_connect_vendor = {
    .name = "connect",
    .host = "connect.visma.com",
    .port_offset = 0,
    .settings = connect_settings,
    .open = connect_open,
    .close = connect_close,
    .handle = connect_handle,
    .fail = connect_fail,
    .describe = connect_describe,
};
