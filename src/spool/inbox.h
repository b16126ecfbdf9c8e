/* inbox: what is ready to be taken, and putting things in. */
#ifndef SPOOLGATE_SPOOL_INBOX_H
#define SPOOLGATE_SPOOL_INBOX_H

#include "spool/proof.h"
#include "spool/spool.h"

enum readiness {
    READY,
    NOT_READY, /* dot name, .tmp .part .filepart .partial, still growing or open for writing */
    REFUSED /* a symlink, device, socket, fifo or folder: never opened, never followed; or a foreign file that
               may not be read, or is too large. findings say so */
};

/* Whether a name says that the file is not whole yet. */
bool inbox_temporary(const char *name);
struct patience {         /* for how long a file is left alone */
    unsigned settle;      /* s without a change, where no lease is to be had */
    unsigned after_close; /* s behind the close of another user's file (root's do not wait) */
    int64_t closed;       /* ms since its close was seen; -1: it was not */
};

/* Judges one entry of inbox/<source>. READY: proof holds it open, and a lease where there is one
 * (proof_close). NOT_READY: *again says in how many ms to look again, -1 when an event will tell. */
enum readiness inbox_ready(int source_dir, const char *name, const struct patience *p, struct proof *proof,
                           int64_t *again, struct findings *f);
/* Moves a refused entry to error/<new id>/refused-<name> without opening it, with an error.txt. 0, 1 when it
 * is gone, -1 with errno. */
int inbox_refuse(struct spool *s, const char *source, int source_dir, const char *name,
                 const struct findings *f);
/* Renames something taken into the inbox, as name or, when there is one of that name again, "name-2"… */
int inbox_put_back(struct spool *s, int source_dir, int from_dir, const char *from, const char *name);

/* A group of files that is put into inbox/<source>: written under dot names, one sync, then renamed. A
 * poller's cursor moves only after inbox_commit returned 0. An existing file of that name is replaced only
 * when identical; else the new one gets "-2", "-3"… */
struct inbox_batch;
struct inbox_batch *inbox_batch_open(struct spool *s, const char *source);
int inbox_add(struct inbox_batch *b, const char *name, struct slice bytes);
int inbox_commit(struct inbox_batch *b); /* 0, or -1 with errno and nothing put in; frees the batch */
void inbox_abandon(struct inbox_batch *b);
/* A file name out of untrusted text: letters, digits and ._- stay, everything else becomes _, at most 120
 * long. */
void inbox_name(char out[SPOOL_NAME_MAX + 1], const char *text);

#endif
