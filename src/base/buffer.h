/* buffer: bytes that grow. A zeroed struct buffer is empty and ready. buffer_free gives the memory back,
 * buffer_clear keeps it for the next document. Always NUL-terminated one past len once anything was added. */
#ifndef SPOOLGATE_BASE_BUFFER_H
#define SPOOLGATE_BASE_BUFFER_H

#include "base/slice.h"
#include <stdarg.h>
#include <stdint.h>

struct buffer {
    char *ptr;
    size_t len, room;
};

void buffer_reserve(struct buffer *b, size_t more); /* room for that many bytes more and the NUL */
void buffer_free(struct buffer *b);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *b, const char *format, va_list ap);

static inline void buffer_clear(struct buffer *b)
{
    b->len = 0;
}

static inline void buffer_add(struct buffer *b, const void *bytes, size_t len)
{
    if (b->room < b->len + len + 1)
        buffer_reserve(b, len);
    if (len)
        memcpy(b->ptr + b->len, bytes, len);
    b->len += len;
    b->ptr[b->len] = '\0';
}

static inline void buffer_slice(struct buffer *b, struct slice s)
{
    buffer_add(b, s.ptr, s.len);
}

static inline void buffer_text(struct buffer *b, const char *text)
{
    buffer_add(b, text, strlen(text));
}

static inline void buffer_byte(struct buffer *b, char c)
{
    buffer_add(b, &c, 1);
}

static inline struct slice buffer_as_slice(const struct buffer *b)
{
    return slice_make(b->ptr ? b->ptr : "", b->len);
}

#endif
