/* order: see order.h. */
#include "role/order.h"
#include "base/hash.h"
#include <stdlib.h>

uint64_t order_of(const struct document *d)
{
    const char *partner = document_text(d, "partner"), *order = document_text(d, "keys.order");
    if (!order)
        order = document_text(d, "number");
    if (!order)
        order = d->name;
    uint64_t h = hash_text(hash_text(HASH_SEED, partner), order);
    return h ? h : 1;
}

const struct blocked *blocked_find(const struct blocked_set *s, uint64_t order)
{
    for (size_t i = order % s->room; s->slots[i].order; i = (i + 1) % s->room)
        if (s->slots[i].order == order)
            return &s->slots[i];
    return NULL;
}

void blocked_add(struct blocked_set *s, uint64_t order, bool held)
{
    size_t i = order % s->room;
    while (s->slots[i].order && s->slots[i].order != order)
        i = (i + 1) % s->room;
    if (s->slots[i].order)
        return;
    s->count++;
    s->slots[i] = (struct blocked){order, held};
}

void blocked_begin(struct blocked_set *s, size_t documents)
{
    size_t wanted = 2 * documents + 16;
    if (s->room < wanted || s->room > 8 * wanted) {
        free(s->slots);
        s->room = wanted * 2;
        s->slots = calloc(s->room, sizeof *s->slots);
        if (!s->slots)
            abort();
    } else if (s->count)
        memset(s->slots, 0, s->room * sizeof *s->slots);
    s->count = 0;
}

void blocked_free(struct blocked_set *s)
{
    free(s->slots);
    *s = (struct blocked_set){0};
}
