/* visma_list: one list of Visma.net read page by page into the inbox.
 *
 *   page        rows that are new (key and version) go into the inbox, durable; then they are noted in state
 *   last page   the cursor moves in the same transaction as the last notes
 *
 * Pages are queries, not a snapshot: a list that changed while it was read (another total, a document seen
 * twice) is read once more before the cursor moves, since a document may have slipped from one page to the
 * one before. */
#ifndef SPOOLGATE_ADAPTER_VISMA_LIST_H
#define SPOOLGATE_ADAPTER_VISMA_LIST_H

#include "adapter/visma/rows.h"
#include "net/skew.h"

enum visma_outcome {
    VISMA_LIST_DONE,
    VISMA_LIST_CHANGED, /* it would not stand still; wait says when to try anew */
    VISMA_LIST_STOPPED, /* wait says when to go on */
    VISMA_LIST_SOON     /* it was read to its end a moment ago, and it is too soon to ask the same again */
};

struct visma_listing {
    struct endpoint *endpoint;
    struct visma *visma;
    const struct visma_resource *resource;
    const char *filter; /* "lastModifiedDateTime=…&lastModifiedDateTimeCondition=…", encoded */
    bool backfill;      /* whatever was polled before; the cursor stays */
    const char *to;     /* backfill: last business date taken, or NULL */
    struct skew clocks; /* a poll: how the clocks stood when the filter was made */
    struct findings *findings;
    /* while it is read */
    struct arena page;    /* rows of the page in hand */
    json_t *seen;         /* keys, of all readings */
    int64_t total, read;  /* as the last page said, -1 unknown; rows of this reading */
    bool shrunk;          /* total went down while it was read */
    unsigned missed;      /* documents of this reading that could not be fetched by themselves */
    bool answered;        /* …and the other side has seen the request for one */
    struct moment newest; /* lastModifiedDateTime, and as it came ("" none yet) */
    char newest_text[64];
    int64_t date;  /* their clock, as the last answer's Date had it, seconds since 1970; -1 unknown */
    bool set_back; /* their clock was set back, or ours forward, since the filter was made */
    /* what came of it */
    int added;
    int64_t wait; /* seconds */
};

/* The name under which state keeps how the clocks stood when a resource's cursor was set. */
#define VISMA_CLOCK "clock "
#define VISMA_CLOCK_SET 5 /* seconds by which a clock is not off by itself */

/* Frees what reading needed; added and wait are set. */
enum visma_outcome visma_list_read(struct visma_listing *l);
/* One document by its number, whatever its status. */
enum visma_outcome visma_list_single(struct visma_listing *l, const char *number);

#endif
