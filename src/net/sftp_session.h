/* sftp_session: what sftp.c (connection, host key, login) and sftp_files.c (files) share. */
#ifndef SPOOLGATE_NET_SFTP_SESSION_H
#define SPOOLGATE_NET_SFTP_SESSION_H

#include "net/sftp.h"
#include <libssh2.h>
#include <libssh2_sftp.h>

struct sftp {
    LIBSSH2_SESSION *session;
    LIBSSH2_SFTP *files;
    int socket;
    bool lost;     /* nothing more is sent, also not a goodbye */
    bool no_fsync; /* the server said that it cannot */
    const char *login;
    char host_key[160];
    char peer[300]; /* "sftp://user@host:port" */
};

/* What the last failed call of libssh2 means; a finding says it, with what was tried. quiet_missing: none for
 * SFTP_NOT_FOUND. */
enum sftp_result sftp_failed(struct sftp *c, const char *tried, const char *path, bool quiet_missing,
                             struct findings *f);

#endif
