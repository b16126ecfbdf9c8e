/* fingerprint: what files and folders look like without being read: names, inodes, sizes, times. Two that are
 * equal mean that nothing was changed between; so who reads many files looks before and after, and reads
 * again until the two agree. */
#ifndef SPOOLGATE_BASE_FINGERPRINT_H
#define SPOOLGATE_BASE_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

struct fingerprint {
    uint64_t sum;
    int64_t newest; /* change time of what was changed last, nanoseconds since 1970 */
    unsigned long files;
};

/* A file, or a folder with all below it, also through symbolic links; what is not there counts as that. */
void fingerprint_add(struct fingerprint *p, const char *path);
/* As if what was added to more had been added to p. */
void fingerprint_join(struct fingerprint *p, const struct fingerprint *more);
bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b);
/* Nothing of it was changed within the last so many milliseconds, as far as clocks can tell: a change that is
 * to come does not count. */
bool fingerprint_quiet(const struct fingerprint *p, int milliseconds);

#endif
