/* waiting: why a document that has not arrived yet waits, how often it was tried, and when it is tried next.
 */
#ifndef SPOOLGATE_COMMAND_WAITING_H
#define SPOOLGATE_COMMAND_WAITING_H

#include "command/view.h"
#include <sys/stat.h>

struct waits {
    const char *why;  /* for scripts: "held", "behind", "later", "away", "stopped", "unserved", "due" */
    const char *said; /* for people: all of it */
    const char *next; /* when it is tried next; NULL: not known, or at once */
    int64_t tries;
    const char *problem; /* of the last try, or why it is held; NULL: none */
};

/* Of a document in an outbox. What is behind another one of its order is known when those before it were
 * asked about, too, in the order of their names. In the view's arena. */
struct waits waiting_document(struct view *v, const char *endpoint, const struct document *d);
/* Of a file in the inbox: a sentence, "" when nothing keeps it. */
const char *waiting_file(struct view *v, const char *name, const struct stat *st);
/* A member "waits" for scripts. */
json_t *waiting_json(const struct waits *w);
void waiting_free(struct view *v);

#endif
