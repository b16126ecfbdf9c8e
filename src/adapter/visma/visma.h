/* visma: what the files of the Visma.net adapter share; what it does and why is in docs/visma.md. */
#ifndef SPOOLGATE_ADAPTER_VISMA_H
#define SPOOLGATE_ADAPTER_VISMA_H

#include "adapter/adapter.h"
#include "adapter/moment.h"
#include "net/http.h"
#include "net/oauth.h"

struct visma_resource {     /* one kind of document of the ERP: a row of the table in visma.c */
    const char *name;       /* as in `poll`, and the first word of files in the inbox */
    const char *type;       /* canonical type, as a word for `backfill` */
    const char *path;       /* "/v1/purchaseorder" */
    const char *list_query; /* always sent with the list */
    const char *single_query;
    const char *number, *kind;      /* members that are the key: "orderNbr", "orderType" */
    bool kind_in_path;              /* the single GET is path/kind/number */
    const char *date, *date_filter; /* member with the business date, and its filter */
    const char *status_setting;     /* which statuses are taken */
};

#define VISMA_RESOURCES 4
extern const struct visma_resource visma_resources[VISMA_RESOURCES];

struct visma { /* session */
    struct arena arena;
    struct http *http;
    struct oauth_client oauth;
    const char *url, *company, *application;
    const char *statuses[2]; /* order_status, invoice_status */
    char budget[256];        /* name of the budget, per client and company */
    long allowed, window, interval, overlap, page_size;
    bool detail;
    struct moment start;
    int64_t token_refused;            /* until then no token is asked for: it needs a person */
    bool polled[VISMA_RESOURCES];     /* named in `poll` */
    bool complete[VISMA_RESOURCES];   /* read to the end at least once by this process */
    bool left_out[VISMA_RESOURCES];   /* it was too soon to ask again */
    bool pending[VISMA_RESOURCES];    /* the last reading did not come to the end */
    int64_t due[VISMA_RESOURCES];     /* next reading, seconds since 1970 */
    long page_limit[VISMA_RESOURCES]; /* metadata.maxPageSize, 0 until learnt */
};

enum visma_answer {
    VISMA_OK,
    VISMA_WAIT,    /* a budget of ours or theirs: not asked, or 429; *wait says how long */
    VISMA_BROKEN,  /* network, 5xx, a broken answer: may be different next time */
    VISMA_MISSING, /* 404 */
    VISMA_REFUSED  /* a person has to do something; findings say what */
};

/* GET below the endpoint's url, with budget, token and headers; one more try with a new token after a 401.
 * x is cleared first; the caller frees it with http_exchange_free. *wait: seconds, for everything but OK and
 * MISSING. */
enum visma_answer visma_get(struct endpoint *e, const char *target, struct http_exchange *x, int64_t *wait,
                            struct findings *f);

/* Whether a status stands in order_status or invoice_status. */
bool visma_status_wanted(const struct visma *v, const struct visma_resource *r, const char *status);

int visma_poll(struct endpoint *e, int64_t *next, struct findings *f);
int visma_backfill(struct endpoint *e, const char *type, const char *from, const char *to,
                   struct findings *f);

#endif
