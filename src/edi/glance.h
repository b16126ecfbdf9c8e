/* glance: whether a value is right as most values are, told without looking at it twice. Private to src/edi.
 * Only for values of plain bytes (0x20..0x7E). What is not right at a glance may be right all the same, or
 * wrong: element_check tells. A value of up to eight bytes is handled as one number, its word: the first byte
 * the lowest, filled up with '0'. */
#ifndef SPOOLGATE_EDI_GLANCE_H
#define SPOOLGATE_EDI_GLANCE_H

#include "edi/plan.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* The word of n bytes, 1 to 8, that stand lowest in v; what is above them does not matter. */
static inline uint64_t glance_filled(uint64_t v, size_t n)
{
    uint64_t mask = ~UINT64_C(0) >> (64 - 8 * n);
    return (v & mask) | (EACH_BYTE * '0' & ~mask);
}

/* The same from memory, of which eight bytes can be read. */
static inline uint64_t glance_word(struct slice value)
{
    uint64_t v;
    memcpy(&v, value.ptr, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return glance_filled(v, value.len);
}

/* The high bit of each byte that is no digit; all bytes below 0x80. */
static inline uint64_t glance_no_digits(uint64_t v)
{
    v ^= EACH_BYTE * '0';
    return (v + EACH_BYTE * 0x76) & (EACH_BYTE * 0x80);
}

static inline bool glance_digits(const struct element_rule *r, size_t n, uint64_t word)
{
    return n - r->min <= r->more && !glance_no_digits(word);
}

/* Digits with at most one point. */
static inline bool glance_decimal(const struct element_rule *r, size_t n, uint64_t word)
{
    uint64_t other = glance_no_digits(word);
    if (other) {
        if (other & (other - 1) || (word >> (__builtin_ctzll(other) - 7) & 0xff) != '.')
            return false;
        n--;
    }
    return n && n - r->min <= r->more;
}

/* The same with a digit on both sides of it. */
static inline bool glance_number(const struct element_rule *r, struct slice v, uint64_t word)
{
    return v.ptr[0] != '.' && v.ptr[v.len - 1] != '.' && glance_decimal(r, v.len, word);
}

/* CCYYMMDD, a day that every month has. */
static inline bool glance_date(size_t n, uint64_t word)
{
    if (n != 8 || glance_no_digits(word))
        return false;
    unsigned month = (unsigned)((word >> 32 & 15) * 10 + (word >> 40 & 15)),
             day = (unsigned)((word >> 48 & 15) * 10 + (word >> 56 & 15));
    return month - 1 < 12 && day - 1 < 28 && (word & 0xffffffff) != 0x30303030;
}

/* word: the value's where that was made already, and where its length is 1 to 8; 0: made here, from the eight
 * bytes that can be read. */
static inline bool glance(const struct element_rule *r, struct slice v, uint64_t word)
{
    if (r->kind == RULE_TEXT)
        return v.len - r->min <= r->more && v.ptr[0] != ' ';
    if (r->kind == RULE_CODE)
        return v.len - r->min <= r->more && v.ptr[0] != ' ' && code_known(&r->codes->list, v);
    if (v.len > 8 || r->kind == RULE_NONE)
        return false;
    if (!word)
        word = glance_word(v);
    if (r->kind == RULE_DIGITS)
        return glance_digits(r, v.len, word);
    if (r->kind == RULE_NUMBER)
        return glance_number(r, v, word);
    return r->kind == RULE_DECIMAL ? glance_decimal(r, v.len, word) : glance_date(v.len, word);
}

#endif
