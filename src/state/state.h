/* state: facts that must be unique or must survive. An index and a ledger; the spool is the truth (reindex.c
 * rebuilds). SQLite in WAL mode with synchronous=NORMAL: a commit is durable with the next spool_sync, which
 * every caller does before the rename or effect that depends on it (state stands on the spool's filesystem;
 * state_open refuses another one unless told to sync itself). One process one handle; writers wait for one
 * another up to 30 s. */
#ifndef SPOOLGATE_STATE_STATE_H
#define SPOOLGATE_STATE_STATE_H

#include "base/finding.h"

struct state;

struct state *state_open(const char *path,
                         struct findings *f); /* makes it and runs migrations; NULL with findings */
void state_close(struct state *s);
/* Asks whether the state stands on the filesystem of that descriptor (the spool's root). 0: it does; 1: it
 * does not, and from now on each commit syncs by itself (slower, and as safe); -1 with errno. */
int state_stands_with(struct state *s, int spool_root);
int state_begin(struct state *s);
int state_commit(struct state *s);
void state_rollback(struct state *s);
const char *state_error(const struct state *s); /* what the last failed call said */

/* --- business keys: (direction, partner, type, number, version, endpoint) is unique --- */
struct seen {
    char document[48];         /* "<id>.<n>" that holds the key */
    char canonical_sha256[65]; /* of what was understood */
    unsigned delivered;        /* number of the attempt that arrived; 0: none is known */
    char source[64];           /* the source of its document; "" when it is not known */
    bool sending;              /* a courier has it in hand, or does not know whether it arrived */
};
/* All return 0 unless said otherwise, and -1 when the database failed: state_error says how. */
/* 0: the key is now this document's (or was already); 1: another one holds it, told in *holder; -1 error. */
int state_claim_key(struct state *s, const char *key, const char *document, const char *canonical_sha256,
                    const char *source, struct seen *holder);
int state_take_key(struct state *s, const char *key, const char *document, const char *canonical_sha256,
                   const char *source); /* over */
/* Before a courier sends what another document might take the place of, and when it did not arrive. */
int state_key_sending(struct state *s, const char *key, const char *document, bool sending);
int state_release_key(struct state *s, const char *key, const char *document);
int state_look_at_key(struct state *s, const char *key, struct seen *holder); /* 1: held, 0: not, -1 */
/* The holder's document was delivered by that attempt; 0: it was not, after all. What was delivered keeps its
 * key also when its folder has left the spool, and through a reindex. */
int state_key_delivered(struct state *s, const char *key, const char *document, unsigned attempt);

/* --- control numbers: per partner and direction, never reused; the same one for a document on every try ---
 */
/* 1..999999999; -1 with state_error when they are used up. */
int state_control_number(struct state *s, const char *partner, const char *document, uint32_t *number);
int state_control_number_note(struct state *s, const char *partner, const char *document,
                              uint32_t number);                                       /* reindex */
int state_control_counter_raise(struct state *s, const char *partner, uint32_t last); /* never lowers it */

/* --- cursors and remembered rows of polls --- */
int state_cursor_get(struct state *s, const char *endpoint, const char *name,
                     struct buffer *value); /* 1: none */
int state_cursor_set(struct state *s, const char *endpoint, const char *name, const char *value);
int state_cursor_any(struct state *s, const char *endpoint); /* 1: it has one, 0: none */
/* 1: this version of the row was polled before; 0: new (remembered with the next call of _note). */
int state_polled(struct state *s, const char *endpoint, const char *key, const char *version);
int state_polled_note(struct state *s, const char *endpoint, const char *key, const char *version);

/* --- tokens: ciphertext only (net/secrets.h encrypts) --- */
int state_token_get(struct state *s, const char *name, struct buffer *sealed, int64_t *expires); /* 1: none */
int state_token_set(struct state *s, const char *name, struct slice sealed, int64_t expires);
int state_token_forget(struct state *s, const char *name);

/* --- budgets: calls in a window, and "not before" --- */
struct budget_row {
    int64_t window_start, window_seconds, used, allowed, blocked_until;
};
int state_budget_get(struct state *s, const char *name, struct budget_row *row); /* 1: none */
int state_budget_set(struct state *s, const char *name, const struct budget_row *row);

/* --- skews: how far the clocks of other sides stand from ours (net/skew.h), one row a steady spell --- */
struct skew_row {
    int64_t spell;             /* 1, 2, … in the order in which they were */
    int64_t since, until;      /* by our clock, seconds since 1970 */
    int64_t least, most, last; /* theirs minus ours, ms */
};
int state_skew_last(struct state *s, const char *host, struct skew_row *row); /* 1: none */
/* Inserts or updates by spell; those that ended before that time, and all but the last kept, are removed. */
int state_skew_note(struct state *s, const char *host, const struct skew_row *row, int64_t before, int kept);
typedef int state_skew_each(void *context, const struct skew_row *row);
int state_skews(struct state *s, const char *host, state_skew_each *each, void *context); /* newest first */

/* --- links: which documents speak of a number --- */
/* A row function that does not return 0 ends the walk with that value. It may call any function of the state.
 */
int state_link(struct state *s, const char *kind, const char *value, const char *document);
typedef int state_link_row(void *context, const char *kind, const char *value, const char *document);
int state_links(struct state *s, const char *value, state_link_row *row, void *context); /* trace NUMBER */
int state_links_of(struct state *s, const char *document, state_link_row *row, void *context);

/* --- awaited: sent documents whose fate is still to be learnt (network status, acknowledgment) --- */
struct awaited {
    char document[48], endpoint[64], external[128], status[256];
    int64_t since, next_look, due; /* seconds since 1970; due 0: no deadline */
    int looks;
};
int state_await(struct state *s, const struct awaited *a); /* inserts or updates by document */
int state_await_done(struct state *s, const char *document);
/* Those of an endpoint (NULL: all) whose next_look <= now (0: all), oldest first, at most limit. */
typedef int state_await_row(void *context, const struct awaited *a);
int state_awaited(struct state *s, const char *endpoint, int64_t now, int limit, state_await_row *row,
                  void *context);

/* --- interchanges that came in: a sender's number (ISA13) is one document's --- */
struct interchange_seen {
    char document[48]; /* its id */
    char sha256[65];   /* of the file */
};
/* 0: it is this document's (or was already); 1: another one's, told in *holder; -1 error. */
int state_interchange_claim(struct state *s, const char *sender, const char *control, const char *document,
                            const char *sha256, struct interchange_seen *holder);
int state_interchange_take(struct state *s, const char *sender, const char *control, const char *document,
                           const char *sha256); /* over */

/* --- not sent: documents archived without being sent, since a map said so, by their ids --- */
int state_not_sent(struct state *s, const char *document, const char *reason);
int state_not_sent_done(struct state *s, const char *document); /* it was put back, and is judged anew */
/* Those whose name is not before that one (NULL: all), oldest first. */
typedef int state_not_sent_row(void *context, const char *document, const char *reason);
int state_not_sent_each(struct state *s, const char *from, state_not_sent_row *row, void *context);
int state_not_sent_count(struct state *s, const char *from, int64_t *count);

/* --- reindex: everything that can be rebuilt is emptied in one transaction, then filled by the caller.
 * Counters of control numbers stay: a number whose document is gone must not come again. --- */
int state_forget_derived(struct state *s);

#endif
