/*
 * control.c - the control port: clock, faults, requests, and what each vendor offers under its own name.
 */
#include "sandbox/control.h"
#include "sandbox/clock.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/fault.h"
#include "sandbox/traffic.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MOST_SECONDS 3e9 /* a hundred years at once, either way */

const struct vendor sandbox_control_port = {.name = "control", .host = "localhost", .port_offset = 9};

static void refuse(struct exchange *ex, int status, const char *message)
{
    sb_answer_json(ex, status, json_pack("{s:s}", "message", message));
}

static void answer_clock(struct exchange *ex)
{
    char now[32];

    sb_clock_rfc3339(sb_clock_now(ex->sandbox), now);
    sb_answer_json(ex, 200,
                   json_pack("{s:s, s:f, s:b}", "now", now, "offsetSeconds",
                             (double)ex->sandbox->clock_offset / 1000, "dated", !ex->sandbox->undated));
}

static void clock_route(struct exchange *ex)
{
    char why[200];
    json_t *body, *dated;
    double advance;
    int64_t now;

    if (strcmp(ex->method, "GET") == 0) {
        answer_clock(ex);
        return;
    }
    body = sb_exchange_json(ex, why, sizeof(why));
    dated = json_object_get(body, "dated");
    if (json_is_boolean(dated))
        ex->sandbox->undated = json_is_false(dated);
    advance = json_number_value(json_object_get(body, "advance"));
    if (json_is_number(json_object_get(body, "advance")) && fabs(advance) <= MOST_SECONDS) {
        sb_clock_advance(ex->sandbox, (int64_t)(advance * 1000));
        answer_clock(ex);
    } else if (sb_clock_parse(sb_document_string(body, "set"), &now)) {
        sb_clock_set(ex->sandbox, now);
        answer_clock(ex);
    } else if (json_is_boolean(dated)) {
        answer_clock(ex);
    } else {
        refuse(ex, 400,
               "expected {\"advance\": seconds}, {\"set\": \"2026-11-02T09:30:00Z\"} or {\"dated\": false}");
    }
    json_decref(body);
}

static void fault_route(struct exchange *ex)
{
    struct faults *faults = ex->sandbox->faults;
    char why[512];

    if (strcmp(ex->method, "DELETE") == 0) {
        sb_faults_clear(faults);
    } else if (strcmp(ex->method, "POST") == 0) {
        json_t *body = sb_exchange_json(ex, why, sizeof(why));
        const char *spec = body ? sb_document_string(body, "spec") : "";
        int bad = sb_faults_add(faults, spec, why, sizeof(why));

        json_decref(body);
        if (bad) {
            refuse(ex, 400, why);
            return;
        }
    }
    sb_answer_json(ex, 200, json_pack("{s:o}", "faults", sb_faults_list(faults)));
}

static void requests_route(struct exchange *ex)
{
    if (strcmp(ex->method, "DELETE") == 0)
        sb_traffic_clear(ex->sandbox->traffic);
    sb_answer_json(ex, 200, sb_traffic_report(ex->sandbox->traffic));
}

/*
 * A page in a browser can send simple requests to loopback. It cannot set a Host of ours, and it sends an
 * Origin with every POST: so both are looked at.
 */
static bool from_outside(const struct exchange *ex)
{
    const char *host = sb_exchange_header(ex, "host");

    if (sb_exchange_header(ex, "origin"))
        return true;
    return host && strncmp(host, "127.0.0.1", 9) != 0 && strncmp(host, "localhost", 9) != 0;
}

void sb_control_handle(struct exchange *ex)
{
    if (from_outside(ex)) {
        refuse(ex, 403, "the control port is for local tools, not for browsers");
        return;
    }
    if (ex->too_large) {
        refuse(ex, 413, "the body is too large");
        return;
    }
    if (strcmp(ex->path, "/clock") == 0) {
        clock_route(ex);
        return;
    }
    if (strcmp(ex->path, "/fault") == 0) {
        fault_route(ex);
        return;
    }
    if (strcmp(ex->path, "/requests") == 0) {
        requests_route(ex);
        return;
    }
    for (size_t i = 0; sandbox_vendors[i]; i++) {
        const struct vendor *vendor = sandbox_vendors[i];
        size_t length = vendor->control_prefix ? strlen(vendor->control_prefix) : 0;

        if (length && ex->path[0] == '/' && strncmp(ex->path + 1, vendor->control_prefix, length) == 0 &&
            ex->path[1 + length] == '/') {
            vendor->control(ex, ex->path + length + 2);
            if (ex->status)
                return;
        }
    }
    if (strcmp(ex->path, "/") == 0 && strcmp(ex->method, "GET") == 0) {
        sb_answer_json(ex, 200, json_pack("{s:O}", "urls", ex->sandbox->urls));
        return;
    }
    refuse(ex, 404, "no such thing on the control port; see spoolgate-sandbox(1)");
}
