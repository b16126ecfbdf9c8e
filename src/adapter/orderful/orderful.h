/* orderful: what the files of the Orderful adapter share. The API's rules: docs/orderful.md. */
#ifndef SPOOLGATE_ADAPTER_ORDERFUL_H
#define SPOOLGATE_ADAPTER_ORDERFUL_H

#include "adapter/adapter.h"
#include "net/http.h"

struct orderful_type {                     /* a line of translators/orderful/transaction-types.tsv */
    const char *canonical, *set, *v3, *v4; /* "order", "850", …; v4 NULL when there is none */
    struct orderful_type *next;
};

struct orderful_hold { /* a partner and type that Orderful does not let us send: a person has to act */
    char partner[64], type[64];
    const struct delivery *by; /* of this group, that was refused; NULL: of an earlier one */
    struct orderful_hold *next;
};

struct orderful { /* session */
    struct arena arena;
    struct http *http;
    const char *url, *api_key; /* name of the secret */
    const char *path_v3, *path_v4, *path_validations;
    bool test; /* stream */
    struct orderful_type *types;
    struct orderful_hold *holds;
    long in_flight, allowed, confirm_looks, confirm_seconds, status_interval, hold_seconds;
};

/* ---- orderful.c ---- */

const struct orderful_type *orderful_type(const struct orderful *o, const char *canonical);
/* "TEST" and "LIVE" for v3; "test" and "live" for v4. */
const char *orderful_stream(const struct orderful *o, bool v4);
/* The ISA id for the endpoint's stream, theirs or ours; NULL when the partner has none. */
const char *orderful_isa_id(const struct orderful *o, const struct partner *p, bool ours);
/* A request with the key; false with findings when there is no key. Nothing of it is sent yet. */
bool orderful_request(struct endpoint *e, struct http_exchange *x, const char *method, const char *url,
                      bool v4, struct findings *f);
/* Seconds to wait before a call of that kind ("POST v3") may be made, 0: go on, it is taken. Negative: state
 * failed. */
int64_t orderful_take(struct endpoint *e, const char *kind);
void orderful_learn(struct endpoint *e, const char *kind, const struct http_exchange *x);
/* An id, which is a string in some places and a number in others; "" when it is neither, or nothing that
 * could stand in a path. */
void orderful_id(const json_t *value, char out[128]);

enum orderful_got {
    ORDERFUL_OK,
    ORDERFUL_MISSING, /* 404 */
    ORDERFUL_WAIT,    /* budget of ours or theirs */
    ORDERFUL_BROKEN,  /* network, 5xx, no JSON */
    ORDERFUL_REFUSED  /* 400, 401, 403, 422: a person has to act; findings say what */
};

/* GET of target (below url, or an absolute link, which is only followed to the same host). *answer is owned
 * by the caller; x may be NULL, else it keeps the exchange (the caller frees it). *wait: seconds, unless OK.
 */
enum orderful_got orderful_get(struct endpoint *e, const char *kind, const char *target, json_t **answer,
                               struct http_exchange *x, int64_t *wait, struct findings *f);
/* What an answered GET means; the same for several in flight. */
enum orderful_got orderful_judge_get(struct endpoint *e, const struct http_exchange *x, json_t **answer,
                                     int64_t *wait, struct findings *f);

/* ---- orderful_answer.c ---- */

/* What came of a create: sets verdict, not_before, external, awaited, receipt and findings. Returns 429, 401,
 * 403 or 422 (a relationship) when further requests would fare the same, else 0. */
int orderful_judge_create(struct endpoint *e, struct delivery *d, const struct http_exchange *x);
/* Vendor's sentence of an error body, whatever its form. Never NULL. */
const char *orderful_message(const struct http_exchange *x, struct arena *a);
/* "transactionSets.0.PO1_loop.3.baselineItemData.0.unitPrice" → "line 4, unit price". */
const char *orderful_place(const char *path, struct arena *a);
/* One finding for each entry of a list of validation errors, of either dialect. */
void orderful_validation_findings(const json_t *list, struct findings *f);

/* ---- orderful_deliver.c, orderful_confirm.c, orderful_status.c, orderful_ping.c ---- */

void orderful_prepare(struct endpoint *e, struct delivery *const *d, size_t n);
void orderful_deliver(struct endpoint *e, struct delivery *const *d, size_t n);
void orderful_confirm(struct endpoint *e, struct delivery *d);
int orderful_chores(struct endpoint *e, int64_t *next, struct findings *f);
int orderful_ping(struct endpoint *e, struct report *r);
/* When a delivered document's acknowledgment is due; 0 when none is awaited. */
int64_t orderful_acknowledgment_due(const struct delivery *d);

#endif
