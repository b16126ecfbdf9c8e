/* envelope: inside spool/ only. Making document.json's first members, and replacing it. */
#ifndef SPOOLGATE_SPOOL_ENVELOPE_H
#define SPOOLGATE_SPOOL_ENVELOPE_H

#include <jansson.h>

json_t *envelope_new(const char *id, unsigned destination); /* destination 0: none yet */
json_t *envelope_text(const char *text);                    /* of any bytes */

/* After a sync: envelopes written since the last one take the place of the old ones. 0, or -1 with errno. */
int envelopes_settle(void);

#endif
