/* seal: authenticated encryption of short texts with AES-256-GCM (NIST SP 800-38D), and the keys for it. A
 * sealed text is nonce (12 random bytes), ciphertext, tag (16 bytes); what it is for is bound in as
 * additional data, so that one sealed text cannot be put in another's place. */
#ifndef SPOOLGATE_NET_SEAL_H
#define SPOOLGATE_NET_SEAL_H

#include "base/finding.h"

#define SEAL_KEY 32
#define SEAL_NONCE 12
#define SEAL_TAG 16
#define SEAL_ID_TEXT 17 /* 16 hex digits that tell keys apart without telling anything about them */

struct seal_key {
    unsigned char bytes[SEAL_KEY];
    char id[SEAL_ID_TEXT];
};

/* Appends the sealed text to out. 0 or -1 (the system's random generator or OpenSSL failed). */
int seal(const struct seal_key *k, struct slice purpose, struct slice plain, struct buffer *out);
/* Writes sealed.len - 28 bytes to plain, which has that much room. 0, or -1 when the key, the purpose or any
 * byte is not the one it was sealed with; plain is wiped then. */
int unseal(const struct seal_key *k, struct slice purpose, struct slice sealed, void *plain);

/* 32 bytes as they are, or 64 hexadecimal digits with white space round them. 0, -1 when it is neither. */
int seal_key_parse(struct slice text, struct seal_key *k);
/* From a file that only its owner can read (private: checked, as ssh does for its keys). 0 or -1 with
 * findings. */
int seal_key_read(const char *file, bool private, struct seal_key *k, struct findings *f);
/* A new random key as 64 hex digits in a new file of mode 0600, durable on return. -1 with findings, also
 * when the file exists. */
int seal_key_create(const char *file, struct findings *f);

#endif
