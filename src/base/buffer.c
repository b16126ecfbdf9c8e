#include "base/buffer.h"
#include <stdio.h>
#include <stdlib.h>

void buffer_reserve(struct buffer *b, size_t more)
{
    if (more > SIZE_MAX / 2 - b->len)
        abort();
    size_t need = b->len + more + 1;
    if (need <= b->room)
        return;
    size_t room = b->room ? b->room : 256;
    while (room < need)
        room *= 2;
    char *p = realloc(b->ptr, room);
    if (!p) {
        fprintf(stderr, "spoolgate: out of memory (%zu bytes wanted)\n", room);
        abort();
    }
    b->ptr = p;
    b->room = room;
}

void buffer_free(struct buffer *b)
{
    free(b->ptr);
    *b = (struct buffer){0};
}

void buffer_vprintf(struct buffer *b, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    if (n > 0) {
        buffer_reserve(b, (size_t)n);
        vsnprintf(b->ptr + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    buffer_vprintf(b, format, ap);
    va_end(ap);
}
