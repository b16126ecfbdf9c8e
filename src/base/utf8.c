/* utf8: see utf8.h. */
#include "base/utf8.h"
#include "base/arena.h"

size_t utf8_show(struct slice text, char *out, size_t room)
{
    static const char hex[] = "0123456789abcdef";
    size_t len = 0;
    while (text.len) {
        size_t n = utf8_sequence(text);
        bool shown = n > 0 && !utf8_control(text, n);
        n = n ? n : 1;
        if (len + (shown ? n : 4 * n) + 3 > room) {
            memcpy(out + len, "\xe2\x80\xa6", 3);
            return len + 3;
        }
        for (size_t i = 0; i < n; i++) {
            unsigned char c = (unsigned char)text.ptr[i];
            if (shown) {
                out[len++] = (char)c;
            } else {
                out[len++] = '\\';
                out[len++] = 'x';
                out[len++] = hex[c >> 4];
                out[len++] = hex[c & 15];
            }
        }
        text = slice_make(text.ptr + n, text.len - n);
    }
    return len;
}

const char *utf8_shown(struct arena *a, const char *text)
{
    struct slice s = slice_of(text);
    size_t at = 0;
    while (at < s.len) {
        size_t n = utf8_sequence(slice_make(s.ptr + at, s.len - at));
        if (n == 0 || utf8_control(slice_make(s.ptr + at, n), n))
            break;
        at += n;
    }
    if (at == s.len)
        return text;
    char *out = arena_alloc(a, 4 * s.len + 4);
    out[utf8_show(s, out, 4 * s.len + 3)] = '\0';
    return out;
}
