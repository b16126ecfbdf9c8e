/* json_scan: the bytes of JSON tokens, sixteen at a time where SSE2 is (every x86-64), one at a time
 * elsewhere. Private to syntax/json*.c. Nothing here reads at or behind end. */
#ifndef SPOOLGATE_SYNTAX_JSON_SCAN_H
#define SPOOLGATE_SYNTAX_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#define JSON_SCAN_WIDE 1
#endif

#define JSON_KEY 48 /* the longest member name, with quotes and colon, that is compared as a whole */

static inline bool json_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline bool json_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The first byte that is no white space, or end. */
static inline const char *json_skip_space(const char *p, const char *end)
{
    if (p < end && (unsigned char)*p > ' ')
        return p;
#ifdef JSON_SCAN_WIDE
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i space = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\n'))),
            _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'))));
        unsigned other = ~(unsigned)_mm_movemask_epi8(space) & 0xffffu;
        if (other)
            return p + __builtin_ctz(other);
        p += 16;
    }
#endif
    while (p < end && json_space(*p))
        p++;
    return p;
}

/* The first byte of a string's inside that is not plain: a quote, a backslash, a control character or the
 * beginning of a sequence beyond ASCII; or end. */
static inline const char *json_skip_plain(const char *p, const char *end)
{
#ifdef JSON_SCAN_WIDE
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
        __m128i ends =
            _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
        /* the sign bit of x itself marks what is beyond ASCII */
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, ends), x));
        if (mask)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#endif
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Behind the digits that begin at p. */
static inline const char *json_skip_digits(const char *p, const char *end)
{
    while (p < end && json_digit(*p))
        p++;
    return p;
}

/* Whether the text at p begins with the len bytes of key, which lie in at least 32 bytes of memory. */
static inline bool json_begins(const char *p, const char *end, const char *key, uint32_t len)
{
#ifdef JSON_SCAN_WIDE
    if (end - p >= 32 && len <= 32) {
        __m128i a = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p),
                                   _mm_loadu_si128((const __m128i *)(const void *)key));
        __m128i b = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 16)),
                                   _mm_loadu_si128((const __m128i *)(const void *)(key + 16)));
        uint32_t same = (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
        return ((~same) << (32 - len)) == 0;
    }
#endif
    return (size_t)(end - p) >= len && memcmp(p, key, len) == 0;
}

#endif
