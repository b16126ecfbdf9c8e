/* secrets: named secrets, encrypted at rest with AES-256-GCM (OpenSSL), each with its own nonce, the name bound in as
 * additional data. The key is 32 bytes from, in this order: systemd's credentials ($CREDENTIALS_DIRECTORY/spoolgate-key),
 * $SPOOLGATE_KEY (64 hex digits), the key_file of the configuration (mode 0600 asked for). Plain values live in locked
 * memory that core dumps leave out, and are wiped when given back. */
#ifndef SPOOLGATE_NET_SECRETS_H
#define SPOOLGATE_NET_SECRETS_H

#include "base/finding.h"

struct secrets;

struct secrets *secrets_open(const char *secrets_file, const char *key_file, struct findings *f); /* NULL: no key etc. */
void secrets_close(struct secrets *s); /* wipes */
int secrets_set(struct secrets *s, const char *name, struct slice value, struct findings *f); /* durable on return */
int secrets_remove(struct secrets *s, const char *name, struct findings *f);
typedef int secrets_row(void *context, const char *name, const char *set_at);
int secrets_list(struct secrets *s, secrets_row *row, void *context);
/* The plain value, NUL-terminated, valid until secrets_close. SLICE_NONE with findings when absent or not decryptable. */
struct slice secrets_get(struct secrets *s, const char *name, struct findings *f);
/* A new key: everything is sealed anew, the old file stays until the new one is durable. */
int secrets_rekey(struct secrets *s, const char *new_key_file, struct findings *f);
/* For the token cache in state: seal and open short texts under the same key. */
int secrets_seal(struct secrets *s, const char *name, struct slice plain, struct buffer *sealed);
int secrets_unseal(struct secrets *s, const char *name, struct slice sealed, struct buffer *plain);
/* Before anything secret is read: no core dumps, not dumpable, so that /proc/<pid>/mem is closed too. */
void secrets_harden_process(void);

#endif
