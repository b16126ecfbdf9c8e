/* desk: what a courier or poller works with: the spool, the state, the secrets, and its endpoint's adapter,
 * opened. Each process has its own; nothing of it is shared across a fork. */
#ifndef SPOOLGATE_ROLE_DESK_H
#define SPOOLGATE_ROLE_DESK_H

#include "adapter/adapter.h"
#include "role/process.h"

struct desk {
    struct spool spool;
    struct endpoint endpoint; /* its adapter's session is open when ready */
    bool ready;
    bool machine; /* desk_open failed for what may pass by itself */
    int lock;
    char role[80];
};

/* What every role does before it looks at a document. The log says why not. */
int desk_share(const struct spool *s);
/* The state, which knows all that the spool holds and whose commits the spool's sync makes durable; NULL with
 * findings. */
struct state *desk_state(const struct spool *s, const char *path, struct findings *f);

/* Opens all but the adapter. 0, or -1 (the log says why). */
int desk_open(struct desk *d, const struct config *c, const char *role, const char *endpoint);
/* What a role ends with that could not open: 78 when a person has to act, 73 when it may pass. */
int desk_status(const struct desk *d);
/* Opens the adapter. -1 with findings: a setting or a secret is wrong, which only a person can put right; or
 * f->machine, which may pass. */
int desk_ready(struct desk *d, struct findings *f);
void desk_close(struct desk *d);
/* The lock that keeps two processes from the same work; waits up to ten seconds for a predecessor to be quite
 * gone. fd is the folder or file to lock, owned by the desk from then on. */
int desk_lock(struct desk *d, struct process *p, int fd, const char *what);
/* spool/.locks, made when missing; -1 with errno. The caller closes it. */
int desk_locks_folder(const struct spool *s);

/* "poller-<endpoint>" in there: held by the poller, and closed after writing when there is news for it. */
void desk_poller_file(const char *endpoint, char name[256]);
void desk_wake_poller(const struct desk *d);

/* Every finding as a line of the log. */
void log_findings(const struct findings *f);
/* What the first finding says, for a history or a sentence; "" when there is none. */
const char *first_finding(const struct findings *f);

#endif
