/* arena: memory of one document or one batch, given back all at once.
 * Allocation never returns NULL: a program that cannot get memory says so and ends (its supervisor starts it
 * again, and no document is lost by that). A reset keeps the blocks, so a worker in a steady state allocates
 * nothing. */
#ifndef SPOOLGATE_BASE_ARENA_H
#define SPOOLGATE_BASE_ARENA_H

#include "base/slice.h"
#include <stdarg.h>
#include <stdint.h>

struct arena_block;

struct arena {
    struct arena_block *first; /* all blocks, oldest first */
    struct arena_block *current;
    char *at, *end; /* free room in the current block */
};

/* A zeroed struct arena is ready for use. */
void arena_reset(
    struct arena *a); /* everything allocated is gone, big blocks are freed, the first ones kept */
void arena_free(struct arena *a);
void *arena_grow(struct arena *a, size_t size); /* slow path of arena_alloc */

/* size bytes, aligned to 16 (8 when size <= 8), not cleared. */
static inline void *arena_alloc(struct arena *a, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if ((size_t)(a->end - a->at) >= size && a->at) {
        void *p = a->at;
        a->at += size;
        return p;
    }
    return arena_grow(a, size);
}

/* Room for size bytes, of which arena_take then takes what was needed: until then it is nobody's. */
static inline void *arena_room(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    a->at = (char *)p;
    return p;
}

/* size: a multiple of 16. */
static inline void arena_take(struct arena *a, size_t size)
{
    a->at += size;
}

void *arena_zero(struct arena *a, size_t size);
struct slice arena_copy(struct arena *a, struct slice s); /* NUL-terminated as well */
char *arena_text(struct arena *a, struct slice s);        /* the same as a C string */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list ap);
size_t arena_used(const struct arena *a); /* bytes held from the system */

#endif
