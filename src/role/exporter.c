/* exporter: the process that gives metrics away, when [metrics] says so: to a file that is replaced every so
 * many seconds (for node_exporter's textfile collector), or to Prometheus on a loopback port, or both.
 *
 * It has no secrets, reads the spool, and writes nothing but that file; Landlock says so where the kernel has
 * it. Whoever connects cannot hold it up: a connection has CONNECTION_MOST milliseconds from its beginning to
 * its end, the oldest gives way to a new one beyond CONNECTIONS, and the text is made at most once a second.
 * A browser that was lured here by another name is refused by its Host header. */
#include "base/date.h"
#include "base/file.h"
#include "base/log.h"
#include "net/secrets.h"
#include "role/confine.h"
#include "role/desk.h"
#include "role/metrics.h"
#include "route/listen.h"
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define CONNECTIONS 32
#define CONNECTION_MOST 10000 /* ms */
#define FRESH 1000            /* ms for which a text serves */
#define LISTEN_AGAIN 10000    /* ms between two tries to have the port */

struct connection {
    int fd; /* -1: none */
    int64_t since;
};

struct exporter {
    const struct config *config;
    struct process process;
    struct spool spool;
    struct state *state;
    struct gauges gauges;
    struct buffer text;
    int64_t made, written, tried; /* process_milliseconds; 0: never */
    bool told, write_told;
    int folder; /* of the file */
    const char *file;
    struct MHD_Daemon *daemon;
    struct connection connections[CONNECTIONS + 1];
};

static void make_text(struct exporter *e)
{
    if (e->made && process_milliseconds() - e->made < FRESH)
        return;
    buffer_clear(&e->text);
    metrics_print(&e->gauges, &e->spool, e->state, &e->text);
    e->made = process_milliseconds();
}

/* ---- the file ---- */

static int open_folder(struct exporter *e)
{
    const char *path = e->config->metrics.file, *slash = path ? strrchr(path, '/') : NULL;
    if (!slash)
        return 0;
    char *folder = arena_text(&((struct config *)(uintptr_t)e->config)->arena,
                              slice_make(path, slash == path ? 1 : (size_t)(slash - path)));
    e->file = slash + 1;
    e->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (e->folder < 0)
        log_error("%s, where the metrics are to be written, cannot be opened: %s", folder, strerror(errno));
    return e->folder < 0 ? -1 : 0;
}

static void write_file(struct exporter *e)
{
    int64_t now = process_milliseconds();
    if (!e->file || (e->written && now - e->written < (int64_t)e->config->metrics.every * 1000))
        return;
    e->written = now;
    make_text(e);
    if (file_replace(e->folder, e->file, buffer_as_slice(&e->text), 0644, false) == 0) {
        e->write_told = false;
        return;
    }
    if (!e->write_told)
        log_warning("%s cannot be written: %s", e->config->metrics.file, strerror(errno));
    e->write_told = true;
}

/* ---- the port ---- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type, struct slice body)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Connection", "close");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, "Allow", "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result request(void *context, struct MHD_Connection *c, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **own)
{
    static const char text[] = "text/plain; charset=utf-8";
    struct exporter *e = context;
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
    (void)version;
    (void)upload;
    if (!*own) { /* called again when all of the request is there */
        *own = e;
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (host && !listen_is_loopback(host))
        return answer(c, MHD_HTTP_FORBIDDEN, text,
                      SLICE("This is only for this machine, by its own name.\n"));
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, text, SLICE("GET /metrics\n"));
    if (strcmp(url, "/metrics") != 0)
        return answer(c, MHD_HTTP_NOT_FOUND, text, SLICE("The metrics are at /metrics\n"));
    make_text(e);
    return answer(c, MHD_HTTP_OK, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                  buffer_as_slice(&e->text));
}

/* Its end comes through the daemon, which sees that nothing can be read or written any more. */
static void cut(const struct connection *c)
{
    shutdown(c->fd, SHUT_RDWR);
}

static void connection_changed(void *context, struct MHD_Connection *c, void **own,
                               enum MHD_ConnectionNotificationCode what)
{
    struct exporter *e = context;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *place = NULL, *oldest = NULL;
    unsigned count = 0;
    (void)own;
    for (size_t i = 0; i <= CONNECTIONS; i++) {
        struct connection *k = &e->connections[i];
        bool used = k->fd >= 0;
        count += used;
        if (what == MHD_CONNECTION_NOTIFY_CLOSED ? info && k->fd == info->connect_fd : !used)
            place = k;
        if (used && (!oldest || k->since < oldest->since))
            oldest = k;
    }
    if (place)
        *place = (struct connection){what == MHD_CONNECTION_NOTIFY_CLOSED || !info ? -1 : info->connect_fd,
                                     process_milliseconds()};
    if (what == MHD_CONNECTION_NOTIFY_STARTED && count >= CONNECTIONS && oldest)
        cut(oldest);
}

static void cut_late(struct exporter *e)
{
    for (size_t i = 0; i <= CONNECTIONS; i++)
        if (e->connections[i].fd >= 0 && process_milliseconds() - e->connections[i].since > CONNECTION_MOST)
            cut(&e->connections[i]);
}

static void no_log(void *context, const char *format, va_list ap)
{
    (void)context;
    (void)format;
    (void)ap;
}

/* A port that somebody else has is tried again; the rest goes on meanwhile. */
static void listen_on(struct exporter *e)
{
    struct sockaddr_storage address;
    int64_t now = process_milliseconds();
    if (e->daemon || !e->config->metrics.listen || (e->tried && now - e->tried < LISTEN_AGAIN))
        return;
    e->tried = now;
    if (!listen_address(e->config->metrics.listen, &address))
        return; /* config_check has refused it */
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    e->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, request, e, MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, e,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS + 1, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)CONNECTION_MOST / 1000, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
    if (e->daemon) {
        log_info("metrics are at http://%s/metrics", e->config->metrics.listen);
        e->told = false;
        return;
    }
    if (!e->told)
        log_warning("%s cannot be listened on for metrics (%s); it is tried again", e->config->metrics.listen,
                    strerror(errno));
    e->told = true;
}

/* ---- the process ---- */

static int descriptor(const struct exporter *e)
{
    const union MHD_DaemonInfo *info =
        e->daemon ? MHD_get_daemon_info(e->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    return info ? info->epoll_fd : -1;
}

static int64_t until_next(const struct exporter *e)
{
    int64_t wait =
        e->file ? e->written + (int64_t)e->config->metrics.every * 1000 - process_milliseconds() : 60000;
    MHD_UNSIGNED_LONG_LONG own;
    if (e->daemon && MHD_get_timeout(e->daemon, &own) == MHD_YES && (int64_t)own < wait)
        wait = (int64_t)own;
    for (size_t i = 0; i <= CONNECTIONS; i++)
        if (e->connections[i].fd >= 0 && wait > 1000)
            wait = 1000;
    if (e->config->metrics.listen && !e->daemon && wait > LISTEN_AGAIN)
        wait = LISTEN_AGAIN;
    return wait < 0 ? 0 : wait;
}

/* Before the first connection. The port may still have to be bound. */
static void give_up_rights(struct exporter *e)
{
    struct arena a = {0};
    const char *state = e->config->state;
    char *folder =
        e->file ? arena_printf(&a, "%.*s", (int)(e->file - e->config->metrics.file), e->config->metrics.file)
                : NULL;
    const char *const readable[] = {e->spool.path, NULL};
    const char *const writable[] = {state, arena_printf(&a, "%s-wal", state),
                                    arena_printf(&a, "%s-shm", state), folder, NULL};
    unsigned confined =
        confine(&(struct confinement){.readable = readable, .writable = writable, .listens = true});
    if (!(confined & CONFINED_PATHS))
        log_debug("this kernel does not offer Landlock: the process for metrics runs without it");
    arena_free(&a);
}

static int exporter_open(struct exporter *e)
{
    struct findings f = {.arena = &((struct config *)(uintptr_t)e->config)->arena};
    if (spool_open(&e->spool, e->config->spool, &f) == 0 && desk_share(&e->spool) == 0)
        e->state = desk_state(&e->spool, e->config->state, &f);
    log_findings(&f);
    if (!e->state || open_folder(e) < 0)
        return -1;
    give_up_rights(e);
    return 0;
}

static int work_until_stopped(struct exporter *e, struct board_entry *board)
{
    while (!process_stopping(&e->process)) {
        listen_on(e);
        if (e->daemon)
            MHD_run(e->daemon);
        cut_late(e);
        write_file(e);
        board->cycles = 1; /* it has no documents, and nobody waits for it */
        board->busy = 0;
        process_wait(&e->process, descriptor(e), until_next(e));
    }
    return e->process.reload ? ROLE_RELOAD : EX_OK;
}

/* The file stays when nobody writes it any more. */
static void write_last(struct exporter *e)
{
    e->gauges.stopping = true;
    e->made = e->written = 0;
    write_file(e);
}

int role_metrics(struct role_context *c)
{
    struct exporter *e = calloc(1, sizeof *e);
    int status = EX_CANTCREAT;
    if (!e)
        abort();
    e->config = c->config;
    e->folder = -1;
    for (size_t i = 0; i <= CONNECTIONS; i++)
        e->connections[i].fd = -1;
    log_role("metrics");
    secrets_forget_environment();
    if (process_open(&e->process) < 0)
        return EX_SOFTWARE;
    if (exporter_open(e) == 0)
        status = work_until_stopped(e, c->board);
    else if (process_stopping(&e->process))
        status = EX_OK;
    if (status == EX_OK && e->state)
        write_last(e);
    if (e->daemon)
        MHD_stop_daemon(e->daemon);
    if (e->folder >= 0)
        close(e->folder);
    state_close(e->state);
    if (e->spool.path)
        spool_close(&e->spool);
    buffer_free(&e->text);
    process_close(&e->process);
    free(e);
    return status;
}
