/* dispatch: a group of documents on its way from the outbox to the other side. The steps, each for the whole
 * group:
 *
 *   check      the message's bytes are the ones that were translated, the business key is still this
 * document's confirm    those whose last attempt has no settled receipt: did it arrive? prepare    what has
 * no effect yet attempt    attempt-<k>.json into each folder, one sync deliver    the effect settle
 * receipt-<k>.json and document.json, the state, one sync, then the moves
 *
 * A receipt whose verdict is "in-doubt" settles nothing: the next look asks the other side. */
#ifndef SPOOLGATE_ROLE_DISPATCH_H
#define SPOOLGATE_ROLE_DISPATCH_H

#include "role/desk.h"

struct parcel { /* one document of the group */
    struct parcel *next;
    struct document document;
    struct delivery delivery;
    struct findings findings;
    struct buffer message;
    unsigned last_attempt; /* highest k with an attempt-<k>.json; 0: none */
    unsigned next_attempt; /* higher than any attempt or receipt that is there */
    bool in_doubt;         /* the last attempt is not settled */
    bool was_delivered;    /* and its envelope said so: only moved, by a kill or by hand */
    char elsewhere[64];    /* the last attempt counts, and was made at this other endpoint; "" when not */
    bool asked;            /* the other side was asked about it */
    bool given_up;         /* tried for as long as the endpoint's settings say */
    bool earlier_message;  /* the last attempt was to send another one: translated anew since */
    bool earlier_arrived;  /* and that one is at the other side */
    bool attempted;        /* attempt-<k>.json of this try is written */
    bool marked;  /* the state says that it is being sent: a source of precedence keeps off its key */
    bool settled; /* nothing more happens to it in this group */
    size_t place; /* the caller's */
};

struct batch {
    struct parcel *first, *last;
    size_t count;
    struct arena *arena;
    int64_t held_until; /* not 0: the endpoint has to wait */
    const char *held_why;
    size_t delivered, retried, failed;
    size_t held; /* with only_partner */
};

struct parcel *batch_add(struct batch *b, const struct document *d);
void batch_free(struct batch *b);

/* 0, or -1 when disk or state failed and the role has to end. What came of each stands in delivery.verdict
 * and delivery.not_before; DELIVERED and REJECTED have left the outbox. */
int dispatch(struct desk *d, struct batch *b);
/* Why it is held, and what to do, in one line. */
const char *dispatch_why_held(const struct parcel *p);

/* attempts.c: the attempt and receipt files of a folder. */
/* Fills last_attempt, next_attempt, in_doubt, elsewhere, delivery.attempted; here is the endpoint's name.
 * When the last attempt is known to have been delivered and only the move is missing, delivery is filled from
 * its receipt and 1 returned; else 0, or -1 with errno. */
int attempts_find(struct parcel *p, const char *here);
int attempts_write(struct desk *d, struct parcel *p); /* attempt-<k>.json of delivery.attempt */
int attempts_write_receipt(struct desk *d, struct parcel *p, unsigned k); /* receipt-<k>.json from delivery */
/* Whether a document in this folder arrived, or may have: its last attempt is not settled as one that did
 * not.
 */
bool attempts_may_have_arrived(int folder);
const char *verdict_word(enum verdict v);

#endif
