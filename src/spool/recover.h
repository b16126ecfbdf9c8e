/* recover: inside spool/ only. The notes of claims, and where a document came from. */
#ifndef SPOOLGATE_SPOOL_RECOVER_H
#define SPOOLGATE_SPOOL_RECOVER_H

#include "spool/work.h"

/* A line of claims: "<folder> TAB <source> TAB <file> TAB <uid of its
 * owner>", names encoded. What is no file out of the inbox has
 * as source: */
#define CLAIMED_FOLDER "." /* a folder out of translate/ */
#define CLAIMED_SPLIT                                                                                        \
    "" /* a copy that work_split made; its file is the name of the folder it was split off */

/* Writes claims anew with the lines of what is still in the folder. 0, or -1 with errno. */
int claims_shorten(struct work *w);
/* Member "source": source and file are encoded names, stored the name in the folder. */
void envelope_origin(struct document *d, const char *source, const char *file, const char *stored,
                     int64_t size, uid_t owner);
/* In a folder that is given back: nobody moved it by hand. */
#define GIVEN_BACK ".given-back"

#endif
