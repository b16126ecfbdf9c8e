/* locked: memory for plain secrets. Whole pages that are never swapped (mlock), that core dumps leave out
 * (MADV_DONTDUMP) and that are wiped before they are given back. A page a secret: there are few of them, and
 * a lock taken here belongs to this process, which a lock inherited over fork(2) would not. */
#ifndef SPOOLGATE_NET_LOCKED_H
#define SPOOLGATE_NET_LOCKED_H

#include <stddef.h>

/* size bytes, zeroed. NULL with errno when there is no memory. Where the limit on locked memory is too low
 * the pages are given all the same, and the log says so once. */
void *locked_alloc(size_t size);
void locked_free(void *p, size_t size); /* wiped; NULL is harmless */

#endif
