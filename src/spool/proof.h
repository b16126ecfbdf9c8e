/* proof: inside spool/ and to who asks it: that nobody has a file open for writing.
 *
 * The kernel gives a read lease only on a file without writers (fcntl(2), "Leases"), and tells when one came
 * while it was held: so as long as a proof holds, the bytes are those of a file that was closed. A lease
 * needs the file to be ours, or CAP_LEASE, and a filesystem that has leases. Without one there is only that
 * size and times stay as they were. */
#ifndef SPOOLGATE_SPOOL_PROOF_H
#define SPOOLGATE_SPOOL_PROOF_H

#include <stdbool.h>
#include <sys/stat.h>

struct proof {
    int fd;      /* of the file, for reading; -1: it was not opened */
    bool leased; /* what follows is certain */
    struct stat st;
};
#define PROOF_NONE ((struct proof){.fd = -1})

/* Opens a regular file of the folder, not following links. 0, or -1 with errno: EAGAIN, somebody has it open
 * for writing; EINVAL, it is no regular file; EACCES, it may not be read. */
int proof_open(int dir, const char *name, struct proof *p);
/* Nobody has begun to write since it was opened, as far as can be known. */
bool proof_holds(const struct proof *p);
/* The same, across a rename of our own, which changes one of the file's times: it is noted. */
bool proof_holds_renamed(struct proof *p);
void proof_close(struct proof *p);

#endif
