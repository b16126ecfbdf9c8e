/* sshd: a real OpenSSH server on loopback for the tests of SFTP, with keys of its own. Functions named sshd_
 * are of any server; the others of the one most tests share, made by sshd_begin. */
#ifndef SPOOLGATE_TESTS_UNIT_SSHD_H
#define SPOOLGATE_TESTS_UNIT_SSHD_H

#include "tree.h"

#include "net/sftp.h"

struct sshd {
    char dir[128], known_hosts[160], key[160], root[160];
    int port;
    pid_t pid;
};

#define NO_PASSWORDS "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"

extern struct sshd plain; /* one for most tests */
extern const char *me;    /* who runs the tests, and logs in */

extern struct arena arena; /* emptied before each test */
extern struct findings findings;

/* A server of its own, not running yet; `further` are lines of its sshd_config, a Subsystem of its own among
 * them if need be. */
void sshd_make(struct sshd *s, const char *name, const char *further);
/* `wrapper` stands before sshd on a shell's command line, such as "exec ". */
void sshd_start(struct sshd *s, const char *wrapper);
void sshd_stop(struct sshd *s);
struct sftp_settings sshd_settings(const struct sshd *s);
/* Kills the server's processes for connections, not the one that listens. */
void sshd_kill_sessions(const struct sshd *s);
/* A child that waits until a file in dir has more bytes than size, and then kills the connections. */
pid_t sshd_killer(const struct sshd *s, const char *dir, off_t size);

/* The shared server is there and lets us in; otherwise the reason is printed as a plan that skips all. */
bool sshd_begin(void);
int sshd_end(void **state);
int sshd_fresh(void **state); /* setup: its folder is empty */

void command(const char *format, ...) __attribute__((format(printf, 1, 2)));
int free_port(void);
bool said(const char *code);
const char *said_text(void);
const char *at(const char *name); /* in the shared server's folder */
/* A known_hosts file made by a shell command in the shared server's folder; it has $host and $port. */
const char *sshd_known(const char *script);
#define CLIENT "$(cut -d' ' -f1,2 client.pub)" /* a good key, but not the server's */

#endif
