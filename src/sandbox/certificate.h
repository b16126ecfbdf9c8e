/*
 * certificate.h - the sandbox's own certificate authority and the listeners' certificate.
 */
#ifndef SANDBOX_CERTIFICATE_H
#define SANDBOX_CERTIFICATE_H

#include <stddef.h>

/*
 * Makes ca.pem, ca.key, server.pem and server.key in the directory, for localhost and 127.0.0.1, unless they
 * are there and good for another week. 0, or -1 with the reason in why.
 */
int sb_certificate_ready(const char *directory, char *why, size_t why_size);
/* A file's text, to be freed; NULL when it cannot be read. */
char *sb_certificate_text(const char *directory, const char *name);

#endif
