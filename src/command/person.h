/* person: who gives a command, for the history of the documents that it moves. */
#ifndef SPOOLGATE_COMMAND_PERSON_H
#define SPOOLGATE_COMMAND_PERSON_H

#include "base/arena.h"

/* The user's name, or "uid 1003" of one without: whose session it is (the login uid, which the kernel keeps
 * through sudo and su), else who called sudo, else whom the process belongs to. */
const char *person_name(struct arena *a);

#endif
