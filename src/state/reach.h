/* reach: how far the spool ever reached, kept in its file .reach outside the state: which days the archive
 * held, and up to where control numbers may have been given. A state that is lost together with folders of
 * the archive would take what was sent for new and give its numbers again; reindex compares with this.
 *
 * Lines of text, only ever appended: "day 2026/03/21", "day 2026/03/21 57" (so many documents when the next
 * day began), "unknown 2026/03/21" (given up by reindex --force), "numbers fjord 2000" (up to there they may
 * have been given: written ahead in blocks, so that most groups write nothing). What is not understood is
 * passed over, also a line that a loss of power left half. */
#ifndef SPOOLGATE_STATE_REACH_H
#define SPOOLGATE_STATE_REACH_H

#include "spool/spool.h"
#include "state/state.h"

#define REACH_BLOCK 1000u

struct reach_numbers { /* of a partner */
    char partner[64];
    uint32_t reserved; /* up to there numbers may have been given; down to reserved - REACH_BLOCK they were */
    uint32_t found;    /* reindex: the highest in the spool */
};

struct reach_day {
    char day[11];   /* "2026/03/21" */
    bool unknown;   /* what was delivered on it is not in the state */
    long counted;   /* documents in its folder, at least; -1: never counted */
    long found;     /* reindex: that are in the archive */
    long elsewhere; /* reindex: that a person has moved out of it, say */
};

struct reach {
    struct reach_numbers *numbers; /* sorted by partner */
    struct reach_day *days;        /* sorted */
    size_t number_count, number_room, day_count, day_room;
    long long read; /* so much of the file is known */
    bool open_line; /* and that does not end with a line */
};

/* Notes, before the sync that precedes the moves: that this number is given, that this document (its name)
 * goes into the archive. 0, or -1 with errno: nothing may be moved then. */
int reach_number(struct state *s, const struct spool *sp, const char *partner, uint32_t number);
int reach_archive(struct state *s, const struct spool *sp, const char *document);
/* A spool that has no such file yet, or one from a backup, gets one from what state and archive say. Not
 * synced. */
int reach_begin(struct state *s, const struct spool *sp);

/* For reindex. */
int reach_read(struct reach *r, const struct spool *sp); /* 0, or -1 with errno; without a file it is empty */
void reach_found(struct reach *r, const char *document, bool archived);
void reach_found_number(struct reach *r, const char *partner, uint32_t number);
/* When it is done: the next one knows as much. given_up: what is missing is not in the state either. */
int reach_settle(struct state *s, const struct spool *sp, const struct reach *r, bool given_up);
bool reach_day_missing(const struct reach_day *d);
bool reach_numbers_missing(const struct reach_numbers *n);
void reach_free(struct reach *r);

#endif
