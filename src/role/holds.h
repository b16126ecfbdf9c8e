/* holds: the documents of one type for one partner that wait for a person, while the rest of the outbox goes
 * on. Each hold is a mark in the outbox, .held.<partner>.<type>, that says why and what to do; .held alone is
 * the whole endpoint's (courier.c). Removing a mark is how a person says that it is to be tried. */
#ifndef SPOOLGATE_ROLE_HOLDS_H
#define SPOOLGATE_ROLE_HOLDS_H

#include "spool/document.h"

#define HELD_FILE ".held"

struct hold {
    struct hold *next;
    uint64_t kin;  /* of the documents that wait */
    int64_t until; /* process_milliseconds; then one of them is tried */
    bool tried;    /* it was chosen in this look */
    char mark[256];
};

struct holds {
    int outbox;
    const char *endpoint;
    struct hold *first;
};

/* Removes all marks: whatever they meant to the last process, everything is tried once. */
void holds_open(struct holds *h, int outbox, const char *endpoint);
void holds_close(struct holds *h);
/* Partner and type of a document, as a hash. */
uint64_t holds_kin(const struct document *d);
/* At the beginning of a look: those whose mark is gone are held no more. */
void holds_look(struct holds *h);
/* Whether a document of this kin has to wait, and until when at least (process_milliseconds). When the time
 * of a hold is over the first one that is asked about in a look may go, to see. */
bool holds_keep(struct holds *h, uint64_t kin, int64_t *until);
/* From now on, or for longer. */
void holds_add(struct holds *h, const struct document *d, int64_t until, const char *why);
/* A person wants all tried: the time of each is over. */
void holds_release(struct holds *h);
/* One of them got through. */
void holds_lift(struct holds *h, uint64_t kin);
/* The name of the mark of a partner's documents of a type; NULL: without. */
void holds_mark_name(char mark[256], const char *partner, const char *type);
/* Writes a mark; until in seconds since 1970. */
void holds_mark(const struct holds *h, const char *mark, int64_t until, const char *why);

#endif
