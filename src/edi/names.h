/* names: what elements, segments, composites, sets and codes are called, from
 * translators/names/<standard>/<version>/ (translators/names/README.md). They stand apart from the structure,
 * and an installation may be without them: a name that is not there is NULL, and nothing else changes. A file
 * of names is read when the first name of it is asked for, which only texts do; so checking a document reads
 * none. One thread a library, as with the dictionary. */
#ifndef SPOOLGATE_EDI_NAMES_H
#define SPOOLGATE_EDI_NAMES_H

#include "edi/dictionary.h"

/* directory: of the translators; folder: "x12/004010". Both are kept by the caller. Reads nothing yet. */
struct names *names_open(const char *directory, const char *folder);
void names_close(struct names *n); /* NULL is allowed */

/* Each NULL when there is no such name here, or it cannot be read now; errno stays. */
const char *name_of_element(const struct element *e);
const char *name_of_composite(const struct composite *c);
const char *name_of_position(const struct position *p); /* its element's or composite's */
const char *name_of_segment(const struct segment *s);
const char *name_of_set(const struct set *s);
const char *name_of_code(const struct element *e, struct slice code);

/* Of what one of these gave: " (Quantity)", as it stands behind an id in a sentence; "" of NULL. */
const char *name_in_parentheses(const char *name);

#endif
