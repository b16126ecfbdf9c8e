/* known_hosts: which host keys are known for a server, from a file in OpenSSH's format (sshd(8),
 * SSH_KNOWN_HOSTS FILE FORMAT): plain and hashed names, [host]:port, patterns with * ? and !, the marker
 * @revoked. Lines of certificate authorities (@cert-authority) are passed over: host certificates are not
 * supported by libssh2. */
#ifndef SPOOLGATE_NET_KNOWN_HOSTS_H
#define SPOOLGATE_NET_KNOWN_HOSTS_H

#include "base/finding.h"

struct known_host_key {
    const char *type;  /* "ssh-ed25519" */
    struct slice blob; /* the public key as SSH sends it (RFC 4253 6.6) */
    int line;
    bool revoked;
    struct known_host_key *next;
};

/* The keys of that host in the order of the file; *keys NULL when there are none. 0, or -1 with findings when
 * the file cannot be read. Lines that are not understood are passed over, as ssh does. */
int known_hosts_read(const char *file, const char *host, int port, struct arena *a,
                     struct known_host_key **keys, struct findings *f);
/* "host" for port 22, "[host]:port" else; as ssh writes it. */
const char *known_hosts_name(const char *host, int port, struct arena *a);
/* "SHA256:…" as ssh-keygen -l shows it. */
const char *known_hosts_fingerprint(struct slice blob, struct arena *a);
/* The name of the type that a key blob begins with, "" when it is no key. */
const char *known_hosts_type(struct slice blob, struct arena *a);
/* How a key of the host comes into the file, with the commands. */
const char *known_hosts_todo(const char *file, const char *host, int port, struct arena *a);
/* The line that a person would add for that key. */
const char *known_hosts_line(const char *host, int port, struct slice blob, struct arena *a);

#endif
