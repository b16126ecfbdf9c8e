/* characters: texts between an interchange's character set and UTF-8, by iconv of the C library. Delimiters
 * are ASCII in every set that is handled here, so an interchange is cut first and its values are converted.
 */
#ifndef SPOOLGATE_EDI_CHARACTERS_H
#define SPOOLGATE_EDI_CHARACTERS_H

#include "base/arena.h"
#include <iconv.h>

struct characters {
    const char *identifier; /* "UNOC" */
    const char *name;       /* iconv's: "ISO-8859-1"; NULL: nothing is converted */
    iconv_t in, out;        /* (iconv_t)-1: not open */
};

/* The set that UNB 0001 names (ISO 9735 part 1, annex A): "UNOC" is ISO-8859-1. false: it is not known, or
 * needs code extension (UNOX). NULL name: ASCII or UTF-8, which need no conversion. */
bool characters_open(struct characters *c, struct slice identifier);
void characters_close(struct characters *c);
/* Into the arena; what goes out is held to the repertoire of UNOA and UNOB as well. SLICE_NONE: bytes that
 * are no text of the set, or a character that it has not. */
struct slice characters_in(struct characters *c, struct slice bytes, struct arena *a);
struct slice characters_out(struct characters *c, struct slice utf8, struct arena *a);

#endif
