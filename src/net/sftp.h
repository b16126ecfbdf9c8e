/* sftp: one connection to a partner's SFTP server (libssh2). The host key must be in the known_hosts file; an unknown or
 * changed one is refused with the fingerprint that was seen. */
#ifndef SPOOLGATE_NET_SFTP_H
#define SPOOLGATE_NET_SFTP_H

#include "base/finding.h"

struct sftp;

struct sftp_settings {
    const char *host, *user, *known_hosts;
    int port;
    const char *private_key_file; /* with passphrase, may be NULL */
    struct slice passphrase, password; /* SLICE_NONE when not used */
    int timeout_seconds;          /* 30 */
};

enum sftp_result { SFTP_OK, SFTP_NOT_FOUND, SFTP_EXISTS, SFTP_DENIED /* permanent */, SFTP_LOST /* connection: try again */,
                   SFTP_FAILED };

enum sftp_result sftp_connect(const struct sftp_settings *s, struct sftp **out, struct findings *f);
void sftp_close(struct sftp *c);
struct sftp_file {
    char *name;
    uint64_t size;
    int64_t modified;
    bool regular;
};
enum sftp_result sftp_list(struct sftp *c, const char *dir, struct arena *a, struct sftp_file **files, size_t *n,
                           struct findings *f);
enum sftp_result sftp_stat(struct sftp *c, const char *path, struct sftp_file *out, struct findings *f);
enum sftp_result sftp_write(struct sftp *c, const char *path, struct slice bytes, struct findings *f); /* truncates; fsync@openssh.com when offered */
enum sftp_result sftp_read(struct sftp *c, const char *path, size_t limit, struct buffer *out, struct findings *f);
enum sftp_result sftp_rename(struct sftp *c, const char *from, const char *to, struct findings *f); /* never over an existing file */
enum sftp_result sftp_remove(struct sftp *c, const char *path, struct findings *f);

#endif
