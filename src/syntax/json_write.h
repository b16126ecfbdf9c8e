/* json_write: a tree as JSON text. RFC 8259. */
#ifndef SPOOLGATE_SYNTAX_JSON_WRITE_H
#define SPOOLGATE_SYNTAX_JSON_WRITE_H

#include "syntax/syntax.h"

/* One line without white space, appended to out; members in the tree's order. 0, or -1 with a finding for a
 * tree of segments. o may be NULL. */
int json_write(const struct syntax_options *o, const struct node *tree, struct buffer *out,
               struct findings *f);

#endif
