/* hash: SHA-256 as lower-case hex (OpenSSL), and random names. */
#ifndef SPOOLGATE_BASE_HASH_H
#define SPOOLGATE_BASE_HASH_H

#include "base/slice.h"

#define HASH_TEXT 65

void hash_sha256(struct slice bytes, char hex[HASH_TEXT]);
void random_hex(char *out, size_t digits); /* from the system's generator; NUL-terminated */

#endif
