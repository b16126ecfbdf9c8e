/*
 * exchange.c - reading a request, writing its answer; see exchange.h.
 */
#include "sandbox/exchange.h"
#include "sandbox/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *sb_exchange_header(const struct exchange *ex, const char *name)
{
    return json_string_value(json_object_get(ex->headers, name));
}

static const char *query_value(const struct exchange *ex, const char *name,
                               int (*compare)(const char *, const char *))
{
    size_t i;
    json_t *pair;

    json_array_foreach(ex->query, i, pair)
    {
        if (compare(json_string_value(json_array_get(pair, 0)), name) == 0)
            return json_string_value(json_array_get(pair, 1));
    }
    return NULL;
}

const char *sb_exchange_query(const struct exchange *ex, const char *name)
{
    return query_value(ex, name, strcmp);
}

const char *sb_exchange_query_nocase(const struct exchange *ex, const char *name)
{
    return query_value(ex, name, strcasecmp);
}

size_t sb_exchange_query_count(const struct exchange *ex, const char *name)
{
    size_t i, count = 0;
    json_t *pair;

    json_array_foreach(ex->query, i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0)
            count++;
    }
    return count;
}

void sb_exchange_endpoint(struct exchange *ex, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(ex->endpoint, sizeof(ex->endpoint), format, args);
    va_end(args);
}

void sb_exchange_reason(struct exchange *ex, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(ex->reason, sizeof(ex->reason), format, args);
    va_end(args);
    sb_document_mend(ex->reason);
}

void sb_exchange_unknown_query(struct exchange *ex, const char *name)
{
    json_array_append_new(ex->unknown_query, json_string(name));
}

/* lineItems[3].x counts as lineItems[].x */
void sb_exchange_unknown_member(struct exchange *ex, const char *path)
{
    char *name = strdup(path), *out = name;
    bool index = false;

    if (!name)
        return;
    for (const char *c = path; *c; c++) {
        if (*c == ']')
            index = false;
        if (!index)
            *out++ = *c;
        if (*c == '[')
            index = true;
    }
    *out = '\0';
    json_array_append_new(ex->unknown_members, json_string(name));
    free(name);
}

json_t *sb_exchange_json(const struct exchange *ex, char *why, size_t why_size)
{
    return sb_document_parse(ex->body ? ex->body : "", ex->body_size, why, why_size);
}

const char *sb_exchange_base(const struct exchange *ex)
{
    static _Thread_local char base[300];
    const char *host = sb_exchange_header(ex, "host");

    snprintf(base, sizeof(base), "https://%s", host ? host : ex->vendor->host);
    return base;
}

void sb_answer_bytes(struct exchange *ex, int status, const char *type, const char *bytes, size_t size)
{
    free(ex->answer);
    ex->answer = malloc(size + 1);
    if (ex->answer && size > 0)
        memcpy(ex->answer, bytes, size);
    ex->answer_size = ex->answer ? size : 0;
    if (ex->answer)
        ex->answer[size] = '\0';
    ex->status = status;
    if (type)
        sb_answer_header(ex, "Content-Type", "%s", type);
    else
        json_object_del(ex->answer_headers, "Content-Type");
}

void sb_answer_json(struct exchange *ex, int status, json_t *body)
{
    char *text = sb_document_text(body);

    sb_answer_bytes(ex, status, "application/json; charset=utf-8", text ? text : "null",
                    text ? strlen(text) : 4);
    free(text);
    json_decref(body);
}

void sb_answer_text(struct exchange *ex, int status, const char *type, const char *text)
{
    sb_answer_bytes(ex, status, type, text, strlen(text));
}

void sb_answer_empty(struct exchange *ex, int status)
{
    sb_answer_bytes(ex, status, NULL, "", 0);
}

void sb_answer_header(struct exchange *ex, const char *name, const char *format, ...)
{
    char value[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    for (char *c = value; *c; c++) {
        if (*c == '\r' || *c == '\n')
            *c = ' ';
    }
    json_object_set_new(ex->answer_headers, name, json_string(value));
}

void sb_answer_unsimulated(struct exchange *ex, const char *what)
{
    sb_exchange_reason(ex, "not simulated: %s", what);
    sb_answer_json(ex, 501,
                   json_pack("{s:s, s:s}", "message", "the sandbox does not simulate this", "what", what));
}

void sb_answer_html(struct exchange *ex, int status)
{
    char page[256];

    snprintf(page, sizeof(page),
             "<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n"
             "<hr><center>gateway</center>\r\n</body>\r\n</html>\r\n",
             status, status);
    sb_answer_text(ex, status, "text/html", page);
}
