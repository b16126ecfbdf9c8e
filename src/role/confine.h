/* confine: what a process that reads untrusted bytes gives up before the first of them: everything but a list
 * of system calls (seccomp), and every path but those it works with (Landlock, where the kernel has it). */
#ifndef SPOOLGATE_ROLE_CONFINE_H
#define SPOOLGATE_ROLE_CONFINE_H

#include <stdbool.h>

enum { CONFINED_CALLS = 1, CONFINED_PATHS = 2 };

/* Lists of paths, ended by NULL; what is not there is passed over. A path stands for what it leads to now,
 * and a folder for all that is below it. */
struct confinement {
    const char *const *readable;
    const char *const *writable;
    bool listens; /* it may bind a port, and there is no list of system calls for it */
};

/* For ever, for this process. What could be given up: CONFINED_CALLS, CONFINED_PATHS, both or 0; it is for
 * the caller to say what could not. */
unsigned confine(const struct confinement *c);
/* "seccomp and Landlock", "seccomp alone": what confine returned, for people. */
const char *confine_words(unsigned confined);

#endif
