#include "base/arena.h"
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_SIZE (64u * 1024u)
#define KEEP_BLOCKS 16u

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(16) char bytes[];
};

static void use(struct arena *a, struct arena_block *b)
{
    a->current = b;
    a->at = b->bytes;
    a->end = b->bytes + b->size;
}

void *arena_grow(struct arena *a, size_t size)
{
    if (a->current && a->current->next && a->current->next->size >= size) {
        use(a, a->current->next);
    } else {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        if (room > SIZE_MAX - sizeof(struct arena_block))
            abort();
        struct arena_block *b = malloc(sizeof *b + room);
        if (!b) {
            fprintf(stderr, "spoolgate: out of memory (%zu bytes wanted)\n", room);
            abort();
        }
        b->size = room;
        if (a->current) {
            b->next = a->current->next;
            a->current->next = b;
        } else {
            b->next = NULL;
            a->first = b;
        }
        use(a, b);
    }
    void *p = a->at;
    a->at += size;
    return p;
}

void arena_reset(struct arena *a)
{
    unsigned kept = 0;
    struct arena_block **link = &a->first;
    while (*link) {
        struct arena_block *b = *link;
        if (b->size > BLOCK_SIZE || kept >= KEEP_BLOCKS) {
            *link = b->next;
            free(b);
        } else {
            kept++;
            link = &b->next;
        }
    }
    a->current = NULL;
    a->at = a->end = NULL;
    if (a->first)
        use(a, a->first);
}

void arena_free(struct arena *a)
{
    for (struct arena_block *b = a->first, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (struct arena){0};
}

void *arena_zero(struct arena *a, size_t size)
{
    return memset(arena_alloc(a, size ? size : 1), 0, size ? size : 1);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    if (!s.ptr)
        return s;
    char *p = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return slice_make(p, s.len);
}

char *arena_text(struct arena *a, struct slice s)
{
    char *p = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return p;
}

char *arena_vprintf(struct arena *a, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    if (n < 0)
        n = 0;
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *p = arena_vprintf(a, format, ap);
    va_end(ap);
    return p;
}

size_t arena_used(const struct arena *a)
{
    size_t sum = 0;
    for (const struct arena_block *b = a->first; b; b = b->next)
        sum += sizeof *b + b->size;
    return sum;
}
