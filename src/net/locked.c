/* locked: see locked.h. Owns nothing between calls. mmap(2), mlock(2), madvise(2). */
#include "net/locked.h"
#include "base/log.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

void *locked_alloc(size_t size)
{
    static bool told;
    if (size == 0 || size > SIZE_MAX / 2) {
        errno = EINVAL;
        return NULL;
    }
    void *p = mmap(NULL, pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (mlock(p, pages(size)) && !told) {
        told = true;
        log_warning(
            "memory for secrets could not be locked (%s); raise the limit on locked memory (ulimit -l, or "
            "LimitMEMLOCK= in the service) so that they cannot reach the swap",
            strerror(errno));
    }
    if (madvise(p, pages(size), MADV_DONTDUMP) && !told)
        log_warning("memory for secrets could not be left out of core dumps: %s", strerror(errno));
    return p;
}

void locked_free(void *p, size_t size)
{
    if (!p)
        return;
    OPENSSL_cleanse(p, pages(size));
    munmap(p, pages(size));
}
