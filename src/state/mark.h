/* mark: do state and spool belong together? A state that was lost, or restored from a backup older than the
 * spool, would give control numbers a second time and take what was sent for new. So the state counts the
 * groups that were entered in it, and the spool's file .state says, behind the sync, how far it had come:
 * whose state says less than that does not know what the folders hold. */
#ifndef SPOOLGATE_STATE_MARK_H
#define SPOOLGATE_STATE_MARK_H

#include "spool/spool.h"
#include "state/state.h"

/* Inside a transaction that enters something which must not be forgotten. newest: an id of a document in it,
 * or NULL. */
int state_mark_next(struct state *s, const char *newest);
/* The newest id that was ever given so; "" when none. Who makes ids begins behind it (document_id_after). */
int state_newest(struct state *s, char id[DOCUMENT_NAME_TEXT]);
/* Behind the sync that made it durable. The file may lag behind, it never runs ahead; so a failure only
 * weakens the check, and is none of the caller's. */
void state_mark_write(struct state *s, const struct spool *sp);
/* 0: they belong together. -1 with a finding that says to reindex. */
int state_belongs(struct state *s, const struct spool *sp, struct findings *f);
/* Inside reindex's transaction: whatever the spool's mark said, this state goes on from there. */
int state_mark_adopt(struct state *s, const struct spool *sp, const char *newest);

#endif
