/* renamed: documents whose folder was given another name. The state knows a document by its name: its
 * business key, its control number, what is awaited of it. So who asks for one by its former name is told
 * where it stands, and how it gets its name back. And whether there is a state at all that could know it. */
#ifndef SPOOLGATE_COMMAND_RENAMED_H
#define SPOOLGATE_COMMAND_RENAMED_H

#include "command/view.h"

/* Where the folder stands of the document that had this name: "error/held-back". NULL: nowhere. In the view's
 * arena. */
const char *renamed_find(struct view *v, const char *name);
/* The name that a document had, by its own envelope; NULL when it is the one it has. */
const char *renamed_from(struct view *v, const struct document *d);
/* "… is called … now: it stands in …" and how it is put right, for a person. */
void renamed_tell(struct view *v, FILE *out, const char *name, const char *path);

/* Says on standard error, once, when the state is lost or older than the spool. True when it is so. */
bool renamed_state_is_lost(struct view *v, const char *command);

#endif
