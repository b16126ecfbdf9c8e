/*
 * sandbox.h - the vendors' APIs, simulated with their rules: what the parts share.
 *
 * One process, one mutex, one listener a vendor host. A vendor is a struct of functions (below) and
 * a file or two of its own; the table in vendors.c is the only place that lists them. A handler runs
 * with the sandbox locked, reads an exchange and writes its answer into the same exchange; listening,
 * TLS, faults, counters and recording are done around it (server.c).
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;
struct faults;
struct traffic;
struct vendor;

/* A switch of a vendor: --name VALUE on the command line. argument NULL: a flag. */
struct sandbox_switch {
    const char *name;
    const char *argument;
    const char *fallback; /* value when not given; flags: NULL */
    const char *help;
};

struct sandbox {
    pthread_mutex_t lock;
    const char *directory; /* what the sandbox keeps: certificates, journal */
    const char *samples;   /* folder with one folder a vendor */
    const char *record;    /* folder for one file an exchange, or NULL */
    json_t *settings;      /* switch name -> text; see setting_*() */
    json_t *rates;         /* vendor name -> {"count": n, "seconds": n}, from --rate */
    json_t *urls;          /* vendor name -> base URL, once listening */
    struct journal *journal;
    struct faults *faults;
    struct traffic *traffic;
    int64_t clock_offset; /* ms; added to the system's clock, see clock.h */
    uint64_t seed;
    unsigned long generated_orders;
    unsigned long generated_invoices;
    bool undated; /* answers carry no Date header */
    bool quiet;
    volatile bool stopping;
};

/*
 * One request and its answer. Strings and JSON belong to the exchange and live until it ends.
 */
struct exchange {
    struct sandbox *sandbox;
    const struct vendor *vendor;
    char *method;
    char *path;      /* percent-decoded */
    json_t *query;   /* [[name, value], …] in the order of the request, decoded */
    json_t *headers; /* lower-case name -> value */
    char *body;
    size_t body_size;
    bool too_large; /* the body passed the bound and was thrown away */

    int status;
    json_t *answer_headers;
    char *answer;
    size_t answer_size;

    char endpoint[96];       /* method and path template, for the counters */
    char reason[256];        /* why it was refused, for the counters */
    json_t *unknown_query;   /* names of query parameters that mean nothing here */
    json_t *unknown_members; /* paths of body members that mean nothing here */
};

struct vendor {
    const char *name;                      /* in faults, counters, rates, the ready file */
    const char *host;                      /* the real one */
    int port_offset;                       /* from --port */
    const struct sandbox_switch *settings; /* ends with a name of NULL; may be NULL */
    /* Loads samples and what the journal kept. 0, or -1 with the reason and what to do in why. */
    int (*open)(struct sandbox *, char *why, size_t why_size);
    void (*close)(struct sandbox *);
    void (*handle)(struct exchange *);
    /* Fills the answer with the vendor's own way to say this status, for a fault that was asked for. */
    void (*fail)(struct exchange *, int status);
    /* Control port: paths that begin with /<prefix>/; tail is what follows. */
    const char *control_prefix;
    void (*control)(struct exchange *, const char *tail);
    /* What an integrator has to configure; a new object, or NULL. */
    json_t *(*describe)(struct sandbox *);
};

extern const struct vendor *const sandbox_vendors[]; /* ends with NULL */

/* settings: the value given, else the fallback */
const char *sb_setting_text(const struct sandbox *sb, const char *name);
long sb_setting_number(const struct sandbox *sb, const char *name);
bool sb_setting_on(const struct sandbox *sb, const char *name);

/* Starts, serves until SIGTERM or SIGINT, stops. Returns the exit code. */
int sandbox_serve(struct sandbox *sb, int port_base, const char *ready_file);

#endif
