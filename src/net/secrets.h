/* secrets: named secrets, encrypted at rest with AES-256-GCM (OpenSSL), each with its own nonce, the name
 * bound in as additional data. The key is 32 bytes from, in this order: systemd's credentials
 * ($CREDENTIALS_DIRECTORY/spoolgate-key), $SPOOLGATE_KEY (64 hex digits), the key_file of the configuration
 * (mode 0600 asked for). Plain values live in locked memory that core dumps leave out, and are wiped when
 * given back. docs/secrets.md describes the file. */
#ifndef SPOOLGATE_NET_SECRETS_H
#define SPOOLGATE_NET_SECRETS_H

#include "base/finding.h"

#define SECRET_LIMIT (16u * 1024u) /* bytes of a value */
#define SECRET_NAME_LIMIT 64       /* letters, digits, . _ - */

struct secrets;

struct secrets *secrets_open(const char *secrets_file, const char *key_file,
                             struct findings *f); /* NULL: no key etc. */
void secrets_close(struct secrets *s);            /* wipes; NULL is harmless */
int secrets_set(struct secrets *s, const char *name, struct slice value,
                struct findings *f);                                         /* durable on return */
int secrets_remove(struct secrets *s, const char *name, struct findings *f); /* 1: there was none */
typedef int secrets_row(void *context, const char *name, const char *set_at);
int secrets_list(struct secrets *s, secrets_row *row,
                 void *context); /* stops at what is not 0 and returns it */
/* Whether the file has a secret of that name; asks for no key. What is none is not repeated to anybody: it
 * may be a value that was pasted where its name belongs. */
bool secrets_name_is_set(const char *secrets_file, const char *name);
bool secrets_has(const struct secrets *s, const char *name); /* the same of an open file; s may be NULL */
/* The plain value, NUL-terminated, valid until secrets_close. SLICE_NONE with findings when absent or not
 * decryptable, also when s is NULL (no key). */
struct slice secrets_get(struct secrets *s, const char *name, struct findings *f);
/* A new key: everything is sealed anew, the old file stays until the new one is durable. With a name, the key
 * is read from that file, or made there when it is missing. With NULL, the key file of secrets_open gets a
 * new key: it is made as <key_file>.new and takes its place at the end; secrets_open finds it there if that
 * was cut short. */
int secrets_rekey(struct secrets *s, const char *new_key_file, struct findings *f);
/* "the file /etc/spoolgate/key", "the environment": where the key in use came from. */
const char *secrets_key_origin(const struct secrets *s);
/* For the token cache in state: seal and open short texts under the same key. 0 or -1. unseal puts the text
 * into a buffer that grew once, so that buffer_wipe (oauth.h) leaves no copy. */
int secrets_seal(struct secrets *s, const char *name, struct slice plain, struct buffer *sealed);
int secrets_unseal(struct secrets *s, const char *name, struct slice sealed, struct buffer *plain);
/* Before anything secret is read: no core dumps, not dumpable, so that /proc/<pid>/mem is closed too. */
void secrets_harden_process(void);
/* Takes the key out of this process's environment, when there is one, and hardens the process: into locked
 * memory that is not dumped, where secrets_open of this process and of its children finds it. Done by
 * secrets_open itself, and by a supervisor at once. */
void secrets_hide_environment(void);
/* For processes that must not have secrets (translators): as if there had been no key in the environment. */
void secrets_forget_environment(void);
/* Whether a key is given otherwise than as a file: in the environment or by systemd. */
bool secrets_environment_has_key(void);

#endif
