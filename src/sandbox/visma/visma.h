/*
 * visma.h - what the files of the simulated Visma share.
 */
#ifndef SANDBOX_VISMA_H
#define SANDBOX_VISMA_H

#include "sandbox/sandbox.h"

/* The company's file: clients, tenants (samples/sandbox/visma/company.json); borrowed. */
json_t *sb_visma_company(void);
json_t *sb_visma_tenant(const char *tenant_id);

/* connect.c: what a token grants: {client, tenant, scope, expires}; borrowed, NULL when unknown or
 * lapsed. */
const json_t *sb_visma_token_grant(struct sandbox *sb, const char *token);
void sb_visma_tokens_revoke(struct sandbox *sb);

/* How a resource's list is filtered. */
enum visma_filter_kind {
    VISMA_FILTER_END,
    VISMA_FILTER_TEXT,   /* equal to the member at path */
    VISMA_FILTER_ENUM,   /* the same, an unknown value is refused */
    VISMA_FILTER_DATE,   /* with a name of its own plus Condition */
    VISMA_FILTER_EXPAND, /* the member at path is left out unless it is true */
    VISMA_FILTER_KNOWN,  /* read elsewhere */
    VISMA_FILTER_ABSENT, /* exists at the vendor and is not simulated: 501 in place of unfiltered rows */
};

struct visma_filter {
    const char *name;
    enum visma_filter_kind kind;
    const char *path;
    const char *values; /* ENUM: blank-separated */
};

struct visma_resource {
    const char *segment; /* lower case path segment after /v1/ */
    const char *file;    /* under samples/sandbox/visma */
    const char *key;     /* member that is the number */
    long page_limit;     /* 0: the list has no paging */
    bool etag;
    bool custom_fields;                        /* customStr1 and the like only with includeCustomFreeFields */
    const char *note;                          /* what a note is called in generated GUID texts */
    const struct visma_filter *filters;        /* of the list */
    const struct visma_filter *single_filters; /* of the single GET */
};

extern const struct visma_resource sb_visma_resources[]; /* ends with a NULL segment */

/* store.c */
int sb_visma_store_open(struct sandbox *sb, char *why, size_t why_size);
void sb_visma_store_close(void);
/* Rows of a tenant, sorted by number; borrowed, NULL when the tenant has none. */
json_t *sb_visma_rows(const char *tenant_id, const struct visma_resource *resource);
json_t *sb_visma_row(const char *tenant_id, const struct visma_resource *resource, const char *number);
/*
 * Merges members into the row of that number, or makes it; the row version and lastModifiedDateTime move on.
 * Borrowed, NULL when the tenant has no documents.
 */
json_t *sb_visma_upsert(struct sandbox *sb, const char *tenant_id, const struct visma_resource *resource,
                        const char *number, const json_t *members);

/* generate.c: a short row for the store, after a template; a new reference. */
json_t *sb_visma_generated(const struct visma_resource *resource, json_t *template, unsigned long number);
/* The document of a row, made now if it is a generated one; a new reference. */
json_t *sb_visma_full(const struct visma_resource *resource, json_t *row);

/* list.c: GET of a list; grant's tenant. */
void sb_visma_list(struct exchange *ex, const char *tenant_id, const struct visma_resource *resource);
/* A copy of a row as a GET shows it, by the expand and custom field switches of the request. */
json_t *sb_visma_view(struct exchange *ex, json_t *row, const struct visma_resource *resource,
                      const struct visma_filter *filters);

/* visma.c: errors as the ERP writes them: {"message": "VismaId: <guid>. …"} */
void sb_visma_refuse(struct exchange *ex, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
