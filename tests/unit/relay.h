/* relay: a real sftp-server behind a relay, in which requests can be held up and answers be lost, as on a
 * network or in a server that stalls. The test program itself is the subsystem of its sshd: main calls
 * relay_main first.
 *
 * In the relay's folder a file "hold-<type>" (type: of a request, draft-ietf-secsh-filexfer-02 3) makes the
 * first session that comes to such a request rename it to "holding" and wait before passing it on until that
 * is removed; "mute-<type>" lets the request through and none of the answers after it; "size-<name>" has
 * announced for the file <name> as many bytes as it says. "log" has the type of each request. */
#ifndef SPOOLGATE_TESTS_UNIT_RELAY_H
#define SPOOLGATE_TESTS_UNIT_RELAY_H

#include "sshd.h"

enum { RELAY_OPEN = 3, RELAY_READ = 5, RELAY_WRITE = 6, RELAY_REMOVE = 13, RELAY_RENAME = 18 };

#define RELAY_SERVER "/usr/lib/openssh/sftp-server"

bool relay_main(int argc, char **argv); /* true: this process was the relay, and ends */
/* An sshd with it; denied: request names that the server refuses (sftp-server -P), "" for none. */
void relay_start(struct sshd *s, const char *name, const char *program, const char *denied);
void relay_control(const struct sshd *s, const char *verb, int type); /* "hold", "mute" */
void relay_lie(const struct sshd *s, const char *name, unsigned long size);
bool relay_is_holding(const struct sshd *s);
void relay_wait_holding(const struct sshd *s);
void relay_release(const struct sshd *s);
void relay_wait_ended(const struct sshd *s); /* until the session that was held has done all it was asked */
pid_t relay_server(const struct sshd *s);    /* the sftp-server of the newest session */
int relay_requests(const struct sshd *s, int type); /* so many came */
void relay_reset(const struct sshd *s);

#endif
