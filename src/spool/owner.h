/* owner: whose a file is, as text. */
#ifndef SPOOLGATE_SPOOL_OWNER_H
#define SPOOLGATE_SPOOL_OWNER_H

#include <sys/types.h>

#define OWNER_TEXT 80

/* Reads the accounts of this machine (/etc/passwd); for who cannot later. */
void owners_read(void);
/* "kari (uid 1003)", or "uid 1003" of one that is not known here. */
void owner_text(uid_t uid, char out[OWNER_TEXT]);

#endif
