/*
 * server.c - listening, TLS, faults laid over answers; the vendors' files know nothing of it.
 *
 * One libmicrohttpd daemon a vendor host with a thread a connection, so that a body that dribbles
 * delays nobody else; the handlers themselves run one at a time under the sandbox's lock.
 */
#include "sandbox/sandbox.h"
#include "sandbox/certificate.h"
#include "sandbox/clock.h"
#include "sandbox/control.h"
#include "sandbox/document.h"
#include "sandbox/exchange.h"
#include "sandbox/fault.h"
#include "sandbox/traffic.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_LIMIT (16u << 20)
#define MOST_HEADERS 100
#define LISTENERS 16

struct listener {
    struct sandbox *sandbox;
    const struct vendor *vendor;
    struct MHD_Daemon *daemon;
};

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct exchange *ex = cls;
    char name[128];
    size_t i;

    (void)kind;
    for (i = 0; key[i] && i + 1 < sizeof(name); i++)
        name[i] = (char)tolower((unsigned char)key[i]);
    name[i] = '\0';
    if (json_object_size(ex->headers) < MOST_HEADERS)
        json_object_set_new(ex->headers, name, json_string(value ? value : ""));
    return MHD_YES;
}

/* What is no UTF-8 is kept with question marks: a filter by it finds nothing, in place of filtering nothing.
 */
static enum MHD_Result take_query(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct exchange *ex = cls;
    char *name = strdup(key), *text = strdup(value ? value : "");

    (void)kind;
    if (name && text && json_array_size(ex->query) < MOST_HEADERS)
        json_array_append_new(ex->query, json_pack("[s, s]", sb_document_mend(name), sb_document_mend(text)));
    free(name);
    free(text);
    return MHD_YES;
}

static void exchange_free(struct exchange *ex)
{
    if (!ex)
        return;
    free(ex->method);
    free(ex->path);
    free(ex->body);
    free(ex->answer);
    json_decref(ex->query);
    json_decref(ex->headers);
    json_decref(ex->answer_headers);
    json_decref(ex->unknown_query);
    json_decref(ex->unknown_members);
    free(ex);
}

static struct exchange *exchange_new(struct listener *listener, struct MHD_Connection *connection,
                                     const char *url, const char *method)
{
    struct exchange *ex = calloc(1, sizeof(*ex));
    json_t *checked = json_string(url);

    if (!ex || !checked) { /* a path that is no UTF-8 is nobody's */
        free(ex);
        json_decref(checked);
        return NULL;
    }
    json_decref(checked);
    ex->sandbox = listener->sandbox;
    ex->vendor = listener->vendor;
    ex->method = strdup(method);
    ex->path = strdup(url);
    ex->query = json_array();
    ex->headers = json_object();
    ex->answer_headers = json_object();
    ex->unknown_query = json_array();
    ex->unknown_members = json_array();
    MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, ex);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_query, ex);
    return ex;
}

/* A body in pieces: dribbling, or ending before its announced length. */
struct pieces {
    char *bytes;
    size_t size;
    size_t stop;    /* the connection is cut here, when below size */
    size_t piece;   /* at most so much at a time */
    unsigned pause; /* ms before each piece */
    const struct sandbox *sandbox;
};

static ssize_t next_piece(void *cls, uint64_t at, char *out, size_t room)
{
    const struct pieces *pieces = cls;
    size_t size;

    if (at >= pieces->stop || pieces->sandbox->stopping)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    for (unsigned waited = 0; waited < pieces->pause && !pieces->sandbox->stopping; waited += 50)
        usleep(50000);
    size = pieces->stop - (size_t)at;
    if (size > pieces->piece)
        size = pieces->piece;
    if (size > room)
        size = room;
    memcpy(out, pieces->bytes + at, size);
    return (ssize_t)size;
}

static void free_pieces(void *cls)
{
    struct pieces *pieces = cls;

    free(pieces->bytes);
    free(pieces);
}

static struct MHD_Response *in_pieces(struct exchange *ex, enum fault_kind kind)
{
    struct pieces *pieces = calloc(1, sizeof(*pieces));

    if (!pieces)
        return NULL;
    pieces->bytes = ex->answer;
    pieces->size = ex->answer_size;
    pieces->stop = kind == FAULT_CUT ? ex->answer_size / 2 : ex->answer_size;
    pieces->piece = kind == FAULT_SLOW ? ex->answer_size / 40 + 1 : 65536;
    pieces->pause = kind == FAULT_SLOW ? 250 : 0;
    pieces->sandbox = ex->sandbox;
    ex->answer = NULL;
    return MHD_create_response_from_callback(pieces->size, 65536, next_piece, pieces, free_pieces);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct exchange *ex,
                                   enum fault_kind kind)
{
    struct MHD_Response *response;
    const char *name;
    json_t *value;
    enum MHD_Result result;

    if (kind == FAULT_DROP || kind == FAULT_LOST)
        return MHD_NO;
    if ((kind == FAULT_SLOW || kind == FAULT_CUT) && ex->answer_size > 0) {
        response = in_pieces(ex, kind);
    } else {
        response = MHD_create_response_from_buffer(ex->answer_size, ex->answer, MHD_RESPMEM_MUST_FREE);
        if (response)
            ex->answer = NULL;
    }
    if (!response)
        return MHD_NO;
    json_object_foreach(ex->answer_headers, name, value)
    {
        MHD_add_response_header(response, name, json_string_value(value));
    }
    if (ex->too_large)
        MHD_add_response_header(response, "Connection", "close");
    result = MHD_queue_response(connection, (unsigned)ex->status, response);
    MHD_destroy_response(response);
    return result;
}

static const char *fault_name(const struct fault_choice *choice, char text[16])
{
    static const char *const names[] = {
        [FAULT_HTML] = "html",       [FAULT_DROP] = "drop",         [FAULT_LOST] = "lost",
        [FAULT_LOST500] = "lost500", [FAULT_TRUNCATE] = "truncate", [FAULT_CUT] = "cut",
        [FAULT_SLOW] = "slow"};

    if (choice->kind == FAULT_NONE)
        return NULL;
    if (choice->kind != FAULT_STATUS && choice->kind != FAULT_REDIRECT)
        return names[choice->kind];
    snprintf(text, 16, "%d", choice->status);
    return text;
}

/* Called locked. Runs the vendor's handler with a fault laid over it; returns what becomes of the connection.
 */
static enum fault_kind serve(struct exchange *ex)
{
    struct fault_choice choice =
        sb_faults_choose(ex->sandbox->faults, ex->vendor->name, ex->method, ex->path);
    char text[16];
    const char *fault;

    if (ex->too_large) {
        choice.kind = FAULT_NONE;
        sb_exchange_reason(ex, "body over %u bytes", BODY_LIMIT);
        ex->vendor->fail(ex, 413);
    } else if (choice.kind == FAULT_STATUS) {
        ex->vendor->fail(ex, choice.status);
    } else if (choice.kind == FAULT_HTML) {
        sb_answer_html(ex, 500);
    } else if (choice.kind != FAULT_DROP) {
        ex->vendor->handle(ex);
        if (ex->status == 0)
            sb_answer_unsimulated(ex, ex->path);
    }
    if (choice.kind == FAULT_LOST500)
        ex->vendor->fail(ex, 500);
    if (choice.kind == FAULT_REDIRECT) {
        sb_answer_empty(ex, choice.status);
        sb_answer_header(ex, "Location", "%s%s", sb_exchange_base(ex), ex->path);
    }
    if (choice.kind == FAULT_TRUNCATE && ex->answer_size > 1)
        ex->answer_size /= 2;
    if (choice.kind == FAULT_LOST || choice.kind == FAULT_DROP)
        ex->status = 0;
    fault = fault_name(&choice, text);
    sb_traffic_count(ex, fault);
    sb_traffic_record(ex, fault);
    return choice.kind;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **con_cls)
{
    struct listener *listener = cls;
    struct exchange *ex = *con_cls;
    enum fault_kind fault = FAULT_NONE;

    (void)version;
    if (!ex) {
        ex = exchange_new(listener, connection, url, method);
        if (!ex)
            return MHD_NO;
        *con_cls = ex;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        if (ex->body_size + *upload_size > BODY_LIMIT) {
            ex->too_large = true;
            if (ex->body_size + *upload_size > 16u * BODY_LIMIT)
                return MHD_NO;
            ex->body_size += *upload_size;
            free(ex->body);
            ex->body = NULL;
        } else if (!ex->too_large) {
            char *body = realloc(ex->body, ex->body_size + *upload_size);

            if (!body)
                return MHD_NO;
            memcpy(body + ex->body_size, upload, *upload_size);
            ex->body = body;
            ex->body_size += *upload_size;
        }
        *upload_size = 0;
        return MHD_YES;
    }
    if (ex->too_large)
        ex->body_size = 0;
    pthread_mutex_lock(&ex->sandbox->lock);
    if (ex->vendor == &sandbox_control_port) {
        sb_control_handle(ex);
    } else {
        fault = serve(ex);
    }
    if (!ex->sandbox->undated) {
        char date[40];

        sb_clock_http(sb_clock_now(ex->sandbox), date);
        sb_answer_header(ex, "Date", "%s", date);
    }
    pthread_mutex_unlock(&ex->sandbox->lock);
    return send_answer(connection, ex, fault);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)connection;
    (void)code;
    exchange_free(*con_cls);
    *con_cls = NULL;
}

static void on_log(void *cls, const char *format, va_list args)
{
    /* Handshakes that clients give up, and the cuts we were asked for, are no news. */
    (void)cls;
    (void)format;
    (void)args;
}

static int start(struct listener *listener, int port, const char *key, const char *certificate, bool tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG |
                     MHD_USE_SUPPRESS_DATE_NO_CLOCK | /* answers are dated by the sandbox's own clock */
                     (tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem keys[] = {{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
                                    {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
                                    {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener->daemon =
        MHD_start_daemon(flags, (uint16_t)port, NULL, NULL, on_request, listener, MHD_OPTION_EXTERNAL_LOGGER,
                         on_log, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, 512u, MHD_OPTION_CONNECTION_TIMEOUT,
                         120u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_ARRAY,
                         tls ? keys : none, MHD_OPTION_END);
    return listener->daemon ? 0 : -1;
}

static int port_of(struct listener *listener)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info ? info->port : 0;
}

static int write_ready(struct sandbox *sb, const char *path)
{
    char temporary[4200], ca[4200];
    json_t *ready = json_object(), *credentials = json_object();
    int result = 0;

    snprintf(ca, sizeof(ca), "%s/ca.pem", sb->directory);
    json_object_set_new(ready, "pid", json_integer(getpid()));
    json_object_set_new(ready, "ca", json_string(ca));
    json_object_set_new(ready, "directory", json_string(sb->directory));
    json_object_set(ready, "urls", sb->urls);
    for (size_t i = 0; sandbox_vendors[i]; i++) {
        json_t *described = sandbox_vendors[i]->describe ? sandbox_vendors[i]->describe(sb) : NULL;

        if (described)
            json_object_set_new(credentials, sandbox_vendors[i]->name, described);
    }
    json_object_set_new(ready, "credentials", credentials);
    if (!sb->quiet) {
        char *text = json_dumps(ready, JSON_INDENT(2));

        printf("%s\n", text ? text : "");
        fflush(stdout);
        free(text);
    }
    if (path) {
        snprintf(temporary, sizeof(temporary), "%s.tmp", path);
        result =
            json_dump_file(ready, temporary, JSON_INDENT(2)) == 0 && rename(temporary, path) == 0 ? 0 : -1;
    }
    json_decref(ready);
    return result;
}

static int listen_all(struct sandbox *sb, struct listener *listeners, size_t *count, int base)
{
    char *key = sb_certificate_text(sb->directory, "server.key");
    char *certificate = sb_certificate_text(sb->directory, "server.pem");
    int result = -1;

    for (size_t i = 0; i < LISTENERS; i++) {
        struct listener *listener = &listeners[i];
        bool control = sandbox_vendors[i] == NULL;
        const struct vendor *vendor = control ? &sandbox_control_port : sandbox_vendors[i];
        int port = base ? base + vendor->port_offset : 0;
        char url[64];

        *listener = (struct listener){.sandbox = sb, .vendor = vendor};
        if (start(listener, port, key, certificate, !control) != 0) {
            fprintf(
                stderr,
                "spoolgate sandbox: cannot listen on 127.0.0.1:%d for %s: %s. Give another --port, or 0 for "
                "free ones.\n",
                port, vendor->name, strerror(errno));
            break;
        }
        ++*count;
        snprintf(url, sizeof(url), "%s://127.0.0.1:%d", control ? "http" : "https", port_of(listener));
        json_object_set_new(sb->urls, vendor->name, json_string(url));
        if (control) {
            result = 0;
            break;
        }
    }
    free(key);
    free(certificate);
    return result;
}

int sandbox_serve(struct sandbox *sb, int port_base, const char *ready_file)
{
    struct listener listeners[LISTENERS];
    size_t count = 0;
    sigset_t stop;
    int caught = 0, code = 70;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    if (listen_all(sb, listeners, &count, port_base) != 0) {
        code = 70;
    } else if (write_ready(sb, ready_file) != 0) {
        fprintf(stderr, "spoolgate sandbox: cannot write %s: %s\n", ready_file, strerror(errno));
    } else {
        sigwait(&stop, &caught);
        code = 0;
    }
    sb->stopping = true;
    for (size_t i = 0; i < count; i++)
        MHD_stop_daemon(listeners[i].daemon);
    return code;
}
