/* stage: inside spool/ only. The directories a process has open below the stages, and which of them were
 * changed since the last settling. */
#ifndef SPOOLGATE_SPOOL_STAGE_H
#define SPOOLGATE_SPOOL_STAGE_H

#include "spool/spool.h"

struct spool_directories *spool_directories_new(void);
void spool_directories_free(struct spool_directories *d);
/* rename(2) that never replaces. 0, or -1 with errno (EEXIST). */
int stage_rename(int from_dir, const char *from, int to_dir, const char *to);
/* Notes that a directory was changed, for spool_settle. */
void stage_changed(const struct spool *s, int dir);

#endif
