/* name: ids of documents, and file names of any bytes as text. */
#ifndef SPOOLGATE_SPOOL_NAME_H
#define SPOOLGATE_SPOOL_NAME_H

#include "spool/spool.h"

#define NAME_ENCODED_TEXT (3 * SPOOL_NAME_MAX + 1)

/* The name as UTF-8 text: bytes that are no UTF-8, control characters and '%' become %XX. */
void name_encode(const char *name, char out[NAME_ENCODED_TEXT]);
/* The exact bytes back. false when text is no encoded name (a bad %XX, a NUL, a slash, too long, "", "." or
 * ".."). */
bool name_decode(const char *text, char name[SPOOL_NAME_MAX + 1]);
/* ".json" of "order.json", with letters and digits only, 16 at most; ".bin" when the name has no such
 * extension. */
void name_extension(const char *name, char out[18]);
/* "order-2.json" of "order.json"; false when that is too long. */
bool name_numbered(const char *name, unsigned k, char out[SPOOL_NAME_MAX + 1]);
/* Whether an endpoint or source made by the program may have this name: letters, digits, . _ -, no dot
 * first, 1..120. */
bool name_plain(const char *name);

#endif
