/* sftp: one connection to a partner's SFTP server (libssh2). The host key must be in the known_hosts file; an
 * unknown or changed one is refused with the fingerprint that was seen.
 *
 * Paths and names are any bytes but NUL. After SFTP_LOST the connection is of no more use: close it and
 * connect anew. */
#ifndef SPOOLGATE_NET_SFTP_H
#define SPOOLGATE_NET_SFTP_H

#include "base/finding.h"

struct sftp;

struct sftp_settings {
    const char *host, *user, *known_hosts;
    int port;                          /* 0: 22 */
    const char *private_key_file;      /* with passphrase, may be NULL */
    struct slice passphrase, password; /* SLICE_NONE when not used; needed only until sftp_connect returns */
    int timeout_seconds;               /* 0: 30; of each step, not of a whole transfer */
};

enum sftp_result {
    SFTP_OK,
    SFTP_NOT_FOUND,
    SFTP_EXISTS,
    SFTP_DENIED /* permanent */,
    SFTP_LOST /* connection: try again */,
    SFTP_FAILED,
    SFTP_TOO_LARGE /* sftp_read: more bytes than the limit */
};

/* SFTP_DENIED: the host key or the login is refused, or a setting cannot be right; SFTP_LOST: no connection
 * for now. */
enum sftp_result sftp_connect(const struct sftp_settings *s, struct sftp **out, struct findings *f);
/* Why a private key cannot be used (as ssh, one that others can read is not), in words, with what to do; NULL
 * when it can, as far as its file shows. */
const char *sftp_private_key_fault(const char *file, struct arena *a, const char **todo);
void sftp_close(struct sftp *c);                 /* NULL is harmless */
const char *sftp_host_key(const struct sftp *c); /* "ssh-ed25519 SHA256:…" */
const char *sftp_login(const struct sftp *c);    /* "public key", "password", "keyboard-interactive" */

struct sftp_file {
    char *name;
    uint64_t size;
    int64_t modified; /* seconds since 1970 by the server's clock */
    bool regular, directory;
};

#define SFTP_LIST_LIMIT 100000 /* entries; more are left for the next look, with a warning */

/* Without "." and ".."; names that hold a slash are left out. */
enum sftp_result sftp_list(struct sftp *c, const char *dir, struct arena *a, struct sftp_file **files,
                           size_t *n, struct findings *f);
/* Links are not followed. The name is not set; out may be NULL. SFTP_NOT_FOUND makes no finding. */
enum sftp_result sftp_stat(struct sftp *c, const char *path, struct sftp_file *out, struct findings *f);
/* The same for what a link leads to. */
enum sftp_result sftp_stat_followed(struct sftp *c, const char *path, struct sftp_file *out,
                                    struct findings *f);
enum sftp_result sftp_write(struct sftp *c, const char *path, struct slice bytes,
                            struct findings *f); /* truncates; fsync@openssh.com when offered */
enum sftp_result sftp_read(struct sftp *c, const char *path, size_t limit, struct buffer *out,
                           struct findings *f);
enum sftp_result sftp_rename(struct sftp *c, const char *from, const char *to,
                             struct findings *f); /* never over an existing file */
enum sftp_result sftp_remove(struct sftp *c, const char *path, struct findings *f);

#endif
