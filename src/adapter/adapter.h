/* adapter: the seam to the other sides. One folder a vendor or transport: visma, orderful, sftp, directory;
 * the table in adapter.c names them. Nothing outside an adapter, its sandbox and its translators knows a
 * vendor's name.
 *
 * The courier's order for a group of documents, each step for the whole group:
 *   prepare    what has no effect the other side could act on (upload under a temporary name) [optional]
 *   attempt-<k>.json into each folder, one sync                                                    [courier]
 *   deliver    the effect: POST, rename
 *   receipt-<k>.json, document.json, one sync, rename to archive/ or error/                        [courier]
 * A document found with an attempt and no receipt is in doubt: confirm is asked before anything is sent
 * again. */
#ifndef SPOOLGATE_ADAPTER_ADAPTER_H
#define SPOOLGATE_ADAPTER_ADAPTER_H

#include "net/secrets.h"
#include "route/config.h"
#include "spool/document.h"
#include "spool/inbox.h"
#include "state/state.h"

enum verdict {
    DELIVERED, /* the effect took place */
    RETRY,     /* later: not_before says when; the document stays in the outbox */
    REJECTED,  /* permanent: to error/ with findings in plain words */
    IN_DOUBT,  /* it may have taken place: confirm first; not_before says when to ask */
    HELD /* the whole endpoint (a key is refused), or with only_partner one partner's documents of a type (a
            relationship is missing), must wait for a person or a time: nothing is lost, nothing of it is
            tried until not_before; findings go to the log and `status` */
};

struct endpoint { /* a configured endpoint at work, in one process */
    const struct endpoint_config *config;
    const struct config *all;
    struct spool *spool;
    struct state *state;
    struct secrets *secrets;
    const struct adapter *adapter;
    void *session; /* the adapter's: connections, caches */
    /* what poll says beside its count; the poller clears both before each poll */
    bool put_off;  /* something is refused until a person acts, or for longer than minutes */
    bool left_out; /* something was not asked for, because it was read to its end a moment ago */
};

struct delivery { /* one document on its way */
    struct document *document;
    const struct partner *partner;
    const struct sending *sending; /* NULL when the partner's profile no longer has one */
    struct slice message;          /* bytes of message.<ext> */
    unsigned attempt;              /* k */
    int64_t
        attempted; /* when attempt k (or, in doubt, the one asked about) was written, seconds since 1970 */
    /* Where an attempt went, in the adapter's own words: prepare says it, attempt-<k>.json keeps it. The last
     * attempt's is what confirm asks about; in prepare and deliver that one is settled. NULL: nothing was
     * kept (the adapter needs nothing, or an older version wrote the attempt). */
    json_t *address, *last_address;
    json_t *receipt; /* the adapter fills: request, status, headers and body that matter, redacted */
    /* what came of it */
    enum verdict verdict;
    int64_t not_before; /* seconds since 1970 for RETRY, IN_DOUBT, HELD */
    bool only_partner;  /* HELD: what waits is this partner's documents of this type, nothing else */
    char external[128]; /* the other side's id of it, "" when none */
    bool unsent;        /* REJECTED by the adapter itself in deliver: nothing went out, nobody refused */
    bool awaited;       /* its further fate is asked for by chores */
    int64_t acknowledgment_due; /* 0: none awaited */
    struct findings *findings;
};

struct report { /* ping: one line a thing looked at */
    struct findings *findings;
    struct buffer *lines; /* "ok   token: fetched, expires in 3600 s" */
    bool failed;
};

struct adapter {
    const char *name;
    const char *const *settings; /* keys it knows, NULL-terminated; one that must be there ends in '!' */
    int (*open)(struct endpoint *e, struct findings *f); /* 0 or -1; no network yet */
    void (*close)(struct endpoint *e);
    void (*prepare)(struct endpoint *e, struct delivery *const *d,
                    size_t n); /* may be NULL; sets verdict RETRY/REJECTED or leaves DELIVERED = go on */
    void (*deliver)(struct endpoint *e, struct delivery *const *d,
                    size_t n); /* NULL: nothing can be sent there */
    /* In doubt: DELIVERED (it arrived), RETRY (it did not: send again), IN_DOUBT (ask again at not_before),
     * REJECTED (a person must decide). */
    void (*confirm)(struct endpoint *e, struct delivery *d);
    /* Fetches what is new into inbox/<endpoint>, then moves the cursor. Number of documents, -1 with
     * findings. *next: seconds since 1970 of the next poll. NULL: nothing to poll. */
    int (*poll)(struct endpoint *e, int64_t *next, struct findings *f);
    /* Looks after awaited documents and the like. *next as above. NULL: none. */
    int (*chores)(struct endpoint *e, int64_t *next, struct findings *f);
    /* Fetches named existing documents ("order 500254", a date range) into the inbox, whatever was polled
     * before. */
    int (*backfill)(struct endpoint *e, const char *type, const char *from, const char *to,
                    struct findings *f);
    int (*ping)(struct endpoint *e, struct report *r);
    /* Judges the values of its settings, without any effect: for `config check`. NULL: only their names are
     * checked. */
    void (*check)(const struct endpoint_config *e, const struct config *all, struct findings *f);
};

const struct adapter *adapter_find(const char *name);
extern const struct adapter *const adapters[]; /* NULL-terminated */

/* A fact learnt about an archived document: appends receipt-<k>.json to its folder, a history note, and moves
 * it to error/ when findings holds errors (error.txt says why). For chores. */
int adapter_record(struct endpoint *e, const char *document, const char *note, json_t *receipt, bool failed,
                   const struct findings *f);

/* The name of a document's message on the other side: what the translator wrote as "message.name", else the
 * sending's pattern with {type} {number} {version} {control} {partner} {document} {id} {date} {extension}
 * {name} filled in from the envelope. Letters, digits and ._- only, never a dot first, at most 120 long. */
#define ADAPTER_FILE_NAME 121
void adapter_file_name(const struct delivery *d, char out[ADAPTER_FILE_NAME]);
/* A line of ping: "ok    what: …" or "wrong what: …". What is looked at is called as its setting is. */
void report_line(struct report *r, bool good, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* How the clock of url's host stands, as its answers have shown (net/skew.h); no line when none has. */
void report_clock(struct report *r, const struct endpoint *e, const char *url);

#endif
