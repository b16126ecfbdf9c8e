/* hash: SHA-256 as lower-case hex (OpenSSL), a quick one for tables, and random names. */
#ifndef SPOOLGATE_BASE_HASH_H
#define SPOOLGATE_BASE_HASH_H

#include "base/slice.h"
#include <stdint.h>

#define HASH_TEXT 65

void hash_sha256(struct slice bytes, char hex[HASH_TEXT]);
/* From the descriptor's position to its end, in constant memory. 0, or -1 with errno. size may be NULL. */
int hash_sha256_file(int fd, char hex[HASH_TEXT], int64_t *size);
/* FNV-1a of a text and its end, on top of h; for tables in memory only. NULL is an empty text. */
#define HASH_SEED 14695981039346656037u
uint64_t hash_text(uint64_t h, const char *text);
void random_hex(char *out, size_t digits); /* from the system's generator; NUL-terminated */

#endif
