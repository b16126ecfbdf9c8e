/* watch: inotify on the folders a role waits for, with the honesty that events get lost: overflow and new
 * folders make rescan come back true, and the caller reads the directories anew. A slow rescan is the
 * caller's timer. */
#ifndef SPOOLGATE_SPOOL_WATCH_H
#define SPOOLGATE_SPOOL_WATCH_H

#include "spool/spool.h"

struct watch;

/* What happened: name was closed after writing or moved in, in the folder added with that tag. */
typedef void watch_event(void *context, int tag, const char *name, bool closed_or_moved);

struct watch *watch_open(void);
void watch_close(struct watch *w);
int watch_descriptor(const struct watch *w); /* for poll(2) */
/* Watches dir (descriptor). Returns 0; adding the same folder again is harmless. */
int watch_add(struct watch *w, int dir, int tag);
/* Reads what is there without blocking. *rescan: something may have been missed or a folder appeared. */
int watch_read(struct watch *w, watch_event *event, void *context, bool *rescan);

#endif
