/* json_rows: a JSON array cut into the source text of its items, so that a document goes into the spool with
 * the very bytes the other side sent: numbers keep their digits, members their order. */
#ifndef SPOOLGATE_ADAPTER_JSON_ROWS_H
#define SPOOLGATE_ADAPTER_JSON_ROWS_H

#include "base/arena.h"

struct json_rows {
    struct slice *rows; /* slices of the text */
    size_t count;
};

/* False with a sentence in *why when text is not one whole JSON array (cut off, something behind it). What
 * stands inside the items is only followed as far as strings and brackets go; whoever reads an item checks
 * it. */
bool json_rows_split(struct slice text, struct arena *a, struct json_rows *out, const char **why);

#endif
