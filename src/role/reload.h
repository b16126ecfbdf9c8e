/* reload: notices that the configuration, a partner's file, a map or a table changed, however that was done:
 * written in place, renamed over, or a link on the way to it turned to another folder (inotify). */
#ifndef SPOOLGATE_ROLE_RELOAD_H
#define SPOOLGATE_ROLE_RELOAD_H

#include "route/config.h"

struct reload;

struct reload *
reload_open(void); /* never NULL; without inotify it notices nothing, which is said in the log */
void reload_close(struct reload *r);
/* Watches these from now on, and nothing else; to be called before they are read. */
void reload_watch(struct reload *r, const char *config_file, const struct config *c);
int reload_descriptor(const struct reload *r); /* -1: none */
/* Reads what has happened. True when something did, and nothing for a second since. */
bool reload_due(struct reload *r);
/* To look again in so many milliseconds, though nothing happens. */
void reload_later(struct reload *r, int milliseconds);
/* Milliseconds until reload_due may be true; -1: not before something happens. */
int64_t reload_wait(const struct reload *r);

#endif
