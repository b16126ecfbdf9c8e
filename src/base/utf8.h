/* utf8: which bytes are text. RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
#ifndef SPOOLGATE_BASE_UTF8_H
#define SPOOLGATE_BASE_UTF8_H

#include "base/slice.h"

/* Length of the well-formed sequence that s begins with, 1..4; 0 when there is none. */
static inline size_t utf8_sequence(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    if (s.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
               : (p[0] & 0xf0) == 0xe0        ? 3
               : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                              : 0;
    if (n == 0 || s.len < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* Whether the sequence of n bytes at s is a control character: C0, DEL, or C1 (U+0080..U+009F). */
static inline bool utf8_control(struct slice s, size_t n)
{
    unsigned char first = (unsigned char)s.ptr[0];
    return first < 0x20 || first == 0x7f || (n == 2 && first == 0xc2 && (unsigned char)s.ptr[1] < 0xa0);
}

/* Copies text for a person's screen: control characters and bytes that are no UTF-8 become \xNN. Cut with "…"
 * at room bytes (room >= 4); 4 * text.len are always enough. Not NUL-terminated. Returns the length. */
size_t utf8_show(struct slice text, char *out, size_t room);
struct arena;
/* The whole text in that way; text itself when there is nothing to change. */
const char *utf8_shown(struct arena *a, const char *text);

#endif
