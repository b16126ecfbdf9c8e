/* element: one value against its data element: type, length, characters, codes. X12.6, section 3.5. */
#ifndef SPOOLGATE_EDI_ELEMENT_H
#define SPOOLGATE_EDI_ELEMENT_H

#include "edi/fault.h"
#include "edi/plan.h"

/* FAULT_NONE, or what is wrong with a value that is present (len > 0). plain: the caller knows already that
 * there are only bytes 0x20..0x7E in it. FAULT_CODE is also given for open lists; FAULT_BLANK for a text of
 * blanks only. */
enum fault_kind element_check(const struct element *e, struct slice value, bool plain);

/* Characters of a text; false when it has control characters or is no UTF-8. */
bool element_characters(struct slice value, size_t *characters);

#endif
