/* hand: which document a translator has in hand, in a file of its work folder that outlives it. When the
 * translator dies, the next one of that slot puts crash-<k>.txt into the folder of the document it died on;
 * the third time the document goes to error/ instead of being tried for ever, and its neighbours in the group
 * are not blamed. The file is not synced: it has to survive the process, not the machine. */
#ifndef SPOOLGATE_ROLE_HAND_H
#define SPOOLGATE_ROLE_HAND_H

#include "role/translation.h"

#define HAND_CRASHES 3

/* After work_open and before work_recover. 0, or -1 with errno. */
int hand_open(struct translator *w);
/* The same for slots that nobody holds, before work_recover fetches from them. */
void hand_look_round(struct translator *w);
void hand_close(struct translator *w);
void hand_take(struct translator *w, const struct translation *t);
void hand_free(struct translator *w);
/* True, with a finding, when translators have died on it too often; the count begins anew then. */
bool hand_refuses(struct translation *t);

#endif
