/* interchange: the envelopes of X12 that came in, judged before anything of it is read: is it for us, is it a
 * test, did it come before? What is refused and what is only told, the sender's profile says. */
#ifndef SPOOLGATE_ROLE_INTERCHANGE_H
#define SPOOLGATE_ROLE_INTERCHANGE_H

#include "role/translation.h"

/* 0: go on; *sets is the number of its transaction sets, without looking closely. 1: t has its fate: error/
 * with findings, or the archive as a duplicate. -1: the state failed. Each interchange is entered in the
 * state at once, under the document's id, so that trying again, and the documents it is split into, are not
 * duplicates of itself. */
int interchange_judge(struct translator *w, struct translation *t, unsigned long *sets);

#endif
