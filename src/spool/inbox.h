/* inbox: what is ready to be taken, and putting things in. */
#ifndef SPOOLGATE_SPOOL_INBOX_H
#define SPOOLGATE_SPOOL_INBOX_H

#include "spool/spool.h"

enum readiness {
    READY,
    NOT_READY, /* dot name, .tmp .part .filepart .partial, still growing or open for writing */
    REFUSED    /* a symlink, device, socket, fifo or folder: never opened, never followed; findings say so */
};

/* Whether a name says that the file is not whole yet. */
bool inbox_temporary(const char *name);
/* Judges one entry of inbox/<source> by lstat and, when no close was seen, by a read lease (a file somebody
 * has open for writing gives none) or, where leases do not work, by not having changed for settle_seconds. */
enum readiness inbox_ready(int source_dir, const char *name, bool closed_seen, unsigned settle_seconds,
                           struct findings *f);
/* Moves a refused entry to error/<new id>/refused-<name> without opening it, with an error.txt. */
int inbox_refuse(struct spool *s, const char *source, int source_dir, const char *name,
                 const struct findings *f);

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
