/* visma_rows: one answer of a Visma.net list, taken apart: the bytes of each document, and the few members a
 * poll needs. */
#ifndef SPOOLGATE_ADAPTER_VISMA_ROWS_H
#define SPOOLGATE_ADAPTER_VISMA_ROWS_H

#include "adapter/visma/visma.h"

struct visma_row {
    struct slice bytes; /* of the answer, exactly as they came */
    const char *key;    /* "purchaseorder/RegularOrder/500254" */
    const char *number, *kind, *status, *date;
    const char *version; /* its timeStamp; the SHA-256 of its bytes when it has none */
    const char *file;    /* name for the inbox: "purchaseorder-500254-007c8751.json" */
    struct moment modified;
    bool dated; /* modified is known */
    const char *modified_text;
};

struct visma_rows {
    struct visma_row *rows;
    size_t count;
    int64_t total, page_limit; /* metadata of the first row, -1 when absent */
};

/* Allocates from a; slices point into answer. False with a sentence when it is not a list of that resource's
 * documents. */
bool visma_rows_read(const struct visma_resource *r, struct slice answer, struct arena *a,
                     struct visma_rows *out, const char **why);
/* The same for one document (a single GET). */
bool visma_row_read(const struct visma_resource *r, struct slice bytes, struct arena *a,
                    struct visma_row *out, const char **why);

#endif
