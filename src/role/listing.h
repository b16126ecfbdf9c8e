/* listing: the names in a folder, in the order in which they are to be taken. A folder is read once and then
 * worked off, so that a backlog costs linear time; at most LISTING_LIMIT names are held, the oldest ones, and
 * the rest is found when the folder is read again.
 *
 * Reading a folder that others rename into is not a snapshot: a name may be seen and one that came before it
 * missed. So it is read twice, and what arrived later than everything of the first reading is left for the
 * next time: whatever is in a listing, all that came before it is in it too. */
#ifndef SPOOLGATE_ROLE_LISTING_H
#define SPOOLGATE_ROLE_LISTING_H

#include "base/arena.h"

#define LISTING_LIMIT 65536

struct listed {
    const char *name;
    int64_t arrived; /* the inode's change time in ns, which a rename sets */
};

struct listing {
    struct arena names, spare;
    struct listed *items;   /* NULL when never read */
    size_t count, room, at; /* items[at..count) are still to be taken */
    bool more;              /* not all that is there is listed */
    bool late;              /* …because some of it arrived while the folder was read */
};

enum listing_order { BY_ARRIVAL, BY_NAME };

/* Reads the folder anew (names that begin with a dot are not listed). 0, or -1 with errno and an empty
 * listing. */
int listing_read(struct listing *l, int dir, enum listing_order order);
void listing_free(struct listing *l);

#endif
