/* work: a translator's own folder translate/.work-<slot>, held by a lock that the kernel drops with the
 * process, and the claiming of documents into it by rename: two workers never hold the same file. */
#ifndef SPOOLGATE_SPOOL_WORK_H
#define SPOOLGATE_SPOOL_WORK_H

#include "spool/document.h"
#include "spool/proof.h"

struct work {
    struct spool *spool;
    int dir; /* translate/.work-<slot> */
    int slot;
    int claims;                     /* .work-<slot>/claims: where each file in hand came from (work.c) */
    off_t claims_size;              /* bytes in it */
    unsigned settle;                /* s, as of struct patience: for folders out of translate/ */
    bool used;                      /* something was claimed: this slot holds what is in hand */
    char spare[DOCUMENT_NAME_TEXT]; /* a folder made for a file that somebody else took first, "" when none */
};

/* -1 with errno EWOULDBLOCK when another process holds the slot. */
int work_open(struct work *w, struct spool *s, int slot);
void work_close(struct work *w);
/* What a dead worker left: in this slot (as long as nothing was claimed through w), and in slots nobody
 * holds. Each folder with a source goes back to translate/ under its name (its id stays, so its control
 * number and keys stay); an empty one is removed. Number of folders, or -1. */
int work_recover(struct work *w);
#define CLAIM_LATER 2 /* somebody is writing to it: it stays where it is, or is there again */

/* rename(inbox/<source>/<name>, .work-<slot>/<id>/source.<ext>), and a copy of our own of what is not ours
 * alone (own.h). p: what inbox_ready found out, or NULL: it is proved here. Where it came from stands in
 * out->envelope (written by the caller's document_save) and, for a crash before that, in .work-<slot>/claims.
 * 0; 1 when somebody else was faster, it is gone, or it was no regular file and stands in error/;
 * CLAIM_LATER; -1 with errno (the file is in the inbox, or, when not even that can be, in the slot for
 * recovery). */
int work_claim_file(struct work *w, const char *source, int source_dir, const char *name, struct proof *p,
                    struct document *out);
/* rename(translate/<name>, .work-<slot>/<name>); an error.txt in it becomes error-<k>.txt. A folder whose
 * name is no document's gets a new id. Same results. */
int work_claim_folder(struct work *w, const char *name, struct document *out);
/* One more folder for destination n beside the document's own: hard links to source and canonical (never
 * altered), an envelope without what belongs to one destination. 0, or -1 with errno and nothing made. */
int work_split(struct work *w, const struct document *d, unsigned n, struct document *out);

#endif
