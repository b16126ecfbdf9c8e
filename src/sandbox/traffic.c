/*
 * traffic.c - counters, recent requests, recorded exchanges; see traffic.h.
 */
#include "sandbox/traffic.h"
#include "sandbox/clock.h"
#include "sandbox/document.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECENT 300

struct traffic {
    json_t *vendors; /* name -> {requests, endpoints, refusals, unknownQuery, unknownMembers, faults} */
    json_t *recent;
    unsigned long number; /* of the last recorded exchange */
};

struct traffic *sb_traffic_new(void)
{
    struct traffic *traffic = calloc(1, sizeof(*traffic));

    if (traffic) {
        traffic->vendors = json_object();
        traffic->recent = json_array();
    }
    return traffic;
}

void sb_traffic_free(struct traffic *traffic)
{
    if (!traffic)
        return;
    json_decref(traffic->vendors);
    json_decref(traffic->recent);
    free(traffic);
}

void sb_traffic_clear(struct traffic *traffic)
{
    json_object_clear(traffic->vendors);
    json_array_clear(traffic->recent);
}

static json_t *child(json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);

    if (!member) {
        member = json_object();
        json_object_set_new(object, name, member);
    }
    return member;
}

static void bump(json_t *object, const char *name)
{
    json_int_t count = json_integer_value(json_object_get(object, name));

    json_object_set_new(object, name, json_integer(count + 1));
}

static void bump_each(json_t *object, const json_t *names)
{
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name)
    {
        bump(object, json_string_value(name));
    }
}

void sb_traffic_count(struct exchange *ex, const char *fault)
{
    struct traffic *traffic = ex->sandbox->traffic;
    json_t *vendor = child(traffic->vendors, ex->vendor->name), *endpoint, *entry;
    char status[16], when[32];

    if (!ex->endpoint[0])
        snprintf(ex->endpoint, sizeof(ex->endpoint), "%s (unknown path)", ex->method);
    snprintf(status, sizeof(status), "%d", ex->status);
    endpoint = child(child(vendor, "endpoints"), ex->endpoint);
    bump(vendor, "requests");
    bump(endpoint, "requests");
    bump(child(endpoint, "statuses"), status);
    bump_each(child(vendor, "unknownQuery"), ex->unknown_query);
    bump_each(child(vendor, "unknownMembers"), ex->unknown_members);
    if (ex->reason[0])
        bump(child(vendor, "refusals"), ex->reason);
    if (fault)
        bump(child(vendor, "faults"), fault);

    sb_clock_rfc3339(sb_clock_now(ex->sandbox), when);
    entry =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:i, s:s*, s:s*}", "at", when, "vendor", ex->vendor->name,
                  "endpoint", ex->endpoint, "method", ex->method, "path", ex->path, "query", ex->query,
                  "status", ex->status, "reason", ex->reason[0] ? ex->reason : NULL, "fault", fault);
    if (entry)
        json_array_append_new(traffic->recent, entry);
    if (json_array_size(traffic->recent) > RECENT)
        json_array_remove(traffic->recent, 0);
    if (!ex->sandbox->quiet)
        fprintf(stderr, "%s %s %s %s %d%s%s%s%s\n", when, ex->vendor->name, ex->method, ex->path, ex->status,
                ex->reason[0] ? " " : "", ex->reason, fault ? " fault " : "", fault ? fault : "");
}

json_t *sb_traffic_report(const struct traffic *traffic)
{
    json_t *report = json_object(), *totals = json_object(), *vendor;
    const char *name;
    json_int_t requests = 0, queries = 0, members = 0;

    json_object_foreach(traffic->vendors, name, vendor)
    {
        const char *key;
        json_t *count;

        requests += json_integer_value(json_object_get(vendor, "requests"));
        json_object_foreach(json_object_get(vendor, "unknownQuery"), key, count)
        {
            queries += json_integer_value(count);
        }
        json_object_foreach(json_object_get(vendor, "unknownMembers"), key, count)
        {
            members += json_integer_value(count);
        }
    }
    json_object_set_new(totals, "requests", json_integer(requests));
    json_object_set_new(totals, "unknownQuery", json_integer(queries));
    json_object_set_new(totals, "unknownMembers", json_integer(members));
    json_object_set_new(report, "totals", totals);
    json_object_set_new(report, "vendors", json_deep_copy(traffic->vendors));
    json_object_set(report, "recent", traffic->recent);
    return report;
}

/* Replaces the value of name=value in a form, or of "name":"value" in JSON, by stars. */
static void redact(char *text, const char *name)
{
    size_t length = strlen(name);

    for (char *at = strstr(text, name); at; at = strstr(at + 1, name)) {
        char *value = at + length;

        if (*value == '=') {
            for (value++; *value && *value != '&'; value++)
                *value = '*';
        } else if (strncmp(value, "\":\"", 3) == 0) {
            for (value += 3; *value && *value != '"'; value++)
                *value = '*';
        }
    }
}

static json_t *body_of(const char *bytes, size_t size)
{
    char *text = malloc(size + 1);
    json_t *body;

    if (!text)
        return json_null();
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    redact(text, "client_secret");
    redact(text, "access_token");
    body = json_stringn(text, size);
    if (!body)
        body = json_string("(no UTF-8)");
    free(text);
    return body;
}

static unsigned long last_number(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned long last = 0, number;
    int used;

    if (!dir)
        return 0;
    while ((entry = readdir(dir)) != NULL) {
        used = 0;
        if (sscanf(entry->d_name, "%lu.json%n", &number, &used) == 1 && used > 0 && number > last)
            last = number;
    }
    closedir(dir);
    return last;
}

void sb_traffic_record(struct exchange *ex, const char *fault)
{
    static const char *const secret[] = {"authorization", "orderful-api-key", "cookie"};
    struct sandbox *sb = ex->sandbox;
    json_t *headers, *entry;
    char path[4096], temporary[4200], when[32];

    if (!sb->record)
        return;
    if (sb->traffic->number == 0)
        sb->traffic->number = last_number(sb->record);
    sb->traffic->number++;
    headers = json_copy(ex->headers);
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        if (json_object_get(headers, secret[i]))
            json_object_set_new(headers, secret[i], json_string("***"));
    }
    sb_clock_rfc3339(sb_clock_now(sb), when);
    entry =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:o, s:o, s:i, s:O, s:o, s:s*}", "at", when, "vendor",
                  ex->vendor->name, "host", ex->vendor->host, "method", ex->method, "path", ex->path, "query",
                  ex->query, "request_headers", headers, "request_body", body_of(ex->body, ex->body_size),
                  "status", ex->status, "response_headers", ex->answer_headers, "response_body",
                  body_of(ex->answer, ex->answer_size), "fault", fault);
    snprintf(path, sizeof(path), "%s/%06lu.json", sb->record, sb->traffic->number);
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    if (!entry || json_dump_file(entry, temporary, JSON_INDENT(1)) != 0 || rename(temporary, path) != 0)
        fprintf(stderr, "spoolgate sandbox: cannot record to %s\n", path);
    json_decref(entry);
}
