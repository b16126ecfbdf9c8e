/* plan: what the engine makes of a dictionary when it loads one, so that checking a document is table
 * look-ups and masks. Private to src/edi. Every struct here begins with its public half of dictionary.h, and
 * every element.codes, set_item.segment and dictionary handed out by the loader points to such a first
 * member: the casts below rest on it. */
#ifndef SPOOLGATE_EDI_PLAN_H
#define SPOOLGATE_EDI_PLAN_H

#include "edi/dictionary.h"
#include <stdint.h>

#define PLAN_POSITIONS 64 /* elements a segment may have: one bit each in a mask */
#define PLAN_COMPONENTS 32
#define PLAN_DEPTH 12 /* loops inside loops, and the set itself */

struct code_slot {
    uint64_t key;
    uint32_t length; /* 0: free */
};

struct code_table {
    struct code_list list;
    const struct code_slot *slots; /* open addressing; codes of up to 8 bytes */
    unsigned shift;                /* 64 - log2(slots) */
    uint64_t mask;
};

struct condition_plan {
    uint64_t first, rest; /* rest includes first for P, R and E */
};

/* What must be present together, of a segment's elements or a composite's components; bit i: position i + 1.
 */
struct presence {
    uint64_t mandatory;
    const struct condition *conditions;
    const struct condition_plan *masks; /* parallel to conditions */
    size_t condition_count;
};

/* What most values of a simple element look like, so that a glance settles them; a value that fits no rule is
 * not wrong, but looked at whole (element.h). */
enum rule_kind { RULE_NONE, RULE_TEXT, RULE_CODE, RULE_DIGITS, RULE_DECIMAL, RULE_NUMBER, RULE_DATE };

struct element_rule {
    uint8_t kind;
    uint16_t min, more; /* min to min + more characters or digits */
    const struct code_table *codes;
};

struct composite_plan {
    struct composite composite;
    const struct element_rule *rules; /* one a component */
    struct presence presence;
};

struct segment_plan {
    struct segment segment;
    const struct element_rule *rules; /* one a position; RULE_NONE where it is not simple */
    unsigned nodes;                   /* at most, of a segment in which nothing repeats, and itself */
    struct presence presence;
    uint64_t simple; /* elements that are neither composite nor repeated */
    uint32_t key;
    uint16_t number; /* in the dictionary */
};

/* In front of every array of set items, so that a walk need not touch the items to find its way. */
struct level_plan {
    const uint16_t *segments; /* number of each item's segment */
    const uint16_t
        *mandatory; /* index of the first mandatory item at or behind each; count when there is none */
};

struct walk_steps;

struct segment_slot {
    uint32_t key; /* 0: free */
    const struct segment_plan *plan;
};

struct dictionary_tables {
    struct dictionary dictionary;
    struct dictionary_tables *next;
    struct arena arena;
    const char *directory; /* ".../translators" */
    const char *folder;    /* "x12/004010" */
    struct names *names;
    struct element *elements; /* sorted by id */
    struct composite_plan *composites;
    struct segment_plan *segments;
    struct segment_slot *slots;
    struct set *sets;
    size_t element_count, composite_count, segment_count, set_count, slot_mask;
    struct walk_steps
        *steps; /* what walks remember (walk.h): with the names, what changes, so one thread a library */
};

/* Steps of loading, each 0 or -1 with findings. */
int plan_load_elements(struct dictionary_tables *d, struct findings *f);
int plan_load_composites(struct dictionary_tables *d, struct findings *f);
int plan_load_segments(struct dictionary_tables *d, struct findings *f);
int plan_load_conditions(struct dictionary_tables *d, struct findings *f);
int plan_load_sets(struct dictionary_tables *d, struct findings *f);
/* The codes of codes/<element>.tsv; NULL when there is no such file. */
const struct code_list *plan_load_codes(struct dictionary_tables *d, const char *element, struct findings *f);

static inline const struct segment_plan *plan_of(const struct segment *s)
{
    return (const struct segment_plan *)s;
}

static inline const struct level_plan *plan_of_level(const struct set_item *items)
{
    return (const struct level_plan *)(const void *)items - 1;
}

static inline const struct composite_plan *plan_of_composite(const struct composite *c)
{
    return (const struct composite_plan *)c;
}

/* Identifies a segment id of one to three bytes; 0 for anything else. */
static inline uint32_t segment_key(struct slice id)
{
    const unsigned char *p = (const unsigned char *)id.ptr;
    if (id.len == 3)
        return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    if (id.len == 2)
        return p[0] | (uint32_t)p[1] << 8;
    return id.len == 1 ? p[0] : 0;
}

static inline size_t segment_hash(uint32_t key)
{
    return (size_t)((key * UINT32_C(2654435761)) >> 16);
}

static inline const struct segment_plan *plan_segment(const struct dictionary_tables *d, struct slice id)
{
    uint32_t key = segment_key(id);
    for (size_t i = segment_hash(key); key; i++) {
        const struct segment_slot *slot = &d->slots[i & d->slot_mask];
        if (slot->key == key)
            return slot->plan;
        if (!slot->key)
            break;
    }
    return NULL;
}

/* One to eight bytes as one number; together with the length it is the code. */
static inline uint64_t code_key(struct slice s)
{
    uint32_t a, b;
    uint16_t c, d;
    if (s.len >= 4) {
        memcpy(&a, s.ptr, 4);
        memcpy(&b, s.ptr + s.len - 4, 4);
        return a | (uint64_t)b << 32;
    }
    if (s.len >= 2) {
        memcpy(&c, s.ptr, 2);
        memcpy(&d, s.ptr + s.len - 2, 2);
        return c | (uint64_t)d << 16;
    }
    return (unsigned char)s.ptr[0];
}

static inline uint64_t code_hash(uint64_t key, size_t length, unsigned shift)
{
    return ((key + length) * UINT64_C(0x9E3779B97F4A7C15)) >> shift;
}

bool code_known_long(const struct code_list *l, struct slice code);

/* Whether the list has the code; s.len > 0. */
static inline bool code_known(const struct code_list *l, struct slice s)
{
    const struct code_table *t = (const struct code_table *)l;
    if (s.len > 8)
        return code_known_long(l, s);
    uint64_t key = code_key(s);
    for (uint64_t i = code_hash(key, s.len, t->shift);; i++) {
        const struct code_slot *slot = &t->slots[i & t->mask];
        if (slot->key == key && slot->length == s.len)
            return true;
        if (!slot->length)
            return false;
    }
}

#endif
