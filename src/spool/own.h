/* own: inside spool/ and to the translator: what somebody else owns, or has another name for, becomes a copy
 * of our own before it is trusted, so that no hand kept in it (an open descriptor, a hard link) can alter it
 * afterwards.
 *
 * Until the copy is on the disk the original stays in the document's folder as .received-<file>. What is done
 * with it then depends on whether it is still what was copied: somebody may have been writing where no lease
 * could tell (proof.h). */
#ifndef SPOOLGATE_SPOOL_OWN_H
#define SPOOLGATE_SPOOL_OWN_H

#include "spool/document.h"
#include "spool/proof.h"

#define OWN_RECEIVED ".received-"

/* Ours, with one name, and writable by nobody else. */
bool own_is(const struct stat *st);
/* The bytes of p as <file> in the folder. 0; 1: they changed meanwhile, and nothing is made; -1 with errno.
 */
int own_copy(int folder, const char *file, struct proof *p);

/* A folder out of translate/ in which somebody put sources or corrections. Before it is claimed: 0 when it
 * may be, 1 while one of them is written or has not been left alone for so many seconds. */
int own_ready(int folder, unsigned settle_seconds);
/* After: its sources and corrections are ours. 0; 1: one is being written, and all is as it was; -1 with
 * errno. d->received says whether originals wait in it. */
int own_take(struct document *d);
/* Behind that: history says whose correction it is, once for each that is new. */
void own_note_corrector(struct document *d);
/* After the sync of what was taken: an original that still is what was copied is removed; one that was
 * written to since becomes a new document in its inbox (a correction: later-<file>), which history and log
 * say. -1 with errno. */
int own_settle(struct spool *s, struct document *d);
/* What a killed translator left: a copy that was not finished, or is not what it was when it was made, gives
 * its place to the original. -1 with errno. */
int own_recover(struct document *d);

#endif
