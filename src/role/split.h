/* split: an interchange with several transaction sets becomes a document a set, each in an interchange of its
 * own with the delimiters, ids and control numbers of the one it came in. They wait in translate/ as if
 * somebody had put them there. */
#ifndef SPOOLGATE_ROLE_SPLIT_H
#define SPOOLGATE_ROLE_SPLIT_H

#include "role/translation.h"

/* For one with more than one set. 1: it was split, and t goes to the archive (or to error/, when its
 * envelopes are not in order); -1: the machine failed. The documents made are durable and in translate/ on
 * return; their ids follow from t's, so that doing it again after a kill makes none twice. */
int split_interchange(struct translator *w, struct translation *t);

#endif
