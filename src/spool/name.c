/* name: see name.h, and the ids of spool.h: "20260321T091455123456-9f3a1c", UTC with microseconds and 24
 * random bits. */
#include "base/date.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "spool/name.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ID_LENGTH 28 /* 8 T 12 - 6 */

/* 24 random bits at a time out of a pool, so that an id costs no system call but the pid's. A forked child
 * has its own. */
static void random_part(char out[7])
{
    static char pool[6 * 128 + 1];
    static size_t left;
    static pid_t owner;
    if (left == 0 || owner != getpid()) {
        random_hex(pool, sizeof pool - 1);
        left = sizeof pool - 1;
        owner = getpid();
    }
    left -= 6;
    memcpy(out, pool + left, 6);
    out[6] = '\0';
}

/* A clock that is set back by less than this (daylight saving time, a wrong zone, a slow server of time) does
 * not put what comes later in front. A clock that was years ahead is no reason to go on in its years. */
#define SET_BACK_LIMIT (24 * 3600 * (int64_t)1000000)

static int64_t last_id; /* microseconds */

void document_id_after(const char *name)
{
    char id[DOCUMENT_NAME_TEXT], text[INSTANT_TEXT];
    struct instant t;
    if (!document_name_parse(name, id, NULL))
        return;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%.6sZ", id, id + 4, id + 6, id + 9, id + 11,
             id + 13, id + 15);
    if (instant_parse(slice_of(text), &t) && t.seconds * 1000000 + t.nanoseconds / 1000 > last_id)
        last_id = t.seconds * 1000000 + t.nanoseconds / 1000;
}

void document_id_new(char id[DOCUMENT_NAME_TEXT])
{
    struct instant now = instant_now();
    int64_t micro = now.seconds * 1000000 + now.nanoseconds / 1000;
    if (micro <= last_id && last_id - micro < SET_BACK_LIMIT)
        micro = last_id + 1;
    last_id = micro;
    char text[INSTANT_TEXT]; /* 2026-03-21T09:14:55.123456Z */
    instant_print((struct instant){micro / 1000000, (int32_t)(micro % 1000000) * 1000}, 6, text);
    static const unsigned char from[] = {0,  1,  2,  3,  5,  6,  8,  9,  10, 11, 12,
                                         14, 15, 17, 18, 20, 21, 22, 23, 24, 25};
    for (size_t i = 0; i < sizeof from; i++)
        id[i] = text[from[i]];
    id[sizeof from] = '-';
    random_part(id + sizeof from + 1);
}

static bool is_digits(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    return true;
}

bool document_name_parse(const char *name, char id[DOCUMENT_NAME_TEXT], unsigned *destination)
{
    size_t len = strnlen(name, DOCUMENT_NAME_TEXT);
    if (len < ID_LENGTH || len >= DOCUMENT_NAME_TEXT || !is_digits(name, 8) || name[8] != 'T' ||
        !is_digits(name + 9, 12) || name[21] != '-' || strspn(name + 22, "0123456789abcdef") != 6)
        return false;
    unsigned n = 0;
    if (name[ID_LENGTH]) {
        size_t digits = len - ID_LENGTH - 1;
        const char *p = name + ID_LENGTH + 1;
        if (name[ID_LENGTH] != '.' || digits < 1 || digits > 6 || !is_digits(p, digits) || *p == '0')
            return false;
        n = (unsigned)strtoul(p, NULL, 10);
    }
    struct date day;
    if (!date_parse_basic(slice_make(name, 8), &day))
        return false;
    if (id) {
        memmove(id, name, ID_LENGTH);
        id[ID_LENGTH] = '\0';
    }
    if (destination)
        *destination = n;
    return true;
}

bool document_archive_day(const char *name, char day[11])
{
    if (!document_name_parse(name, NULL, NULL))
        return false;
    snprintf(day, 11, "%.4s/%.2s/%.2s", name, name + 4, name + 6);
    return true;
}

void name_encode(const char *name, char out[NAME_ENCODED_TEXT])
{
    static const char hex[] = "0123456789ABCDEF";
    struct slice s = slice_make(name, strnlen(name, SPOOL_NAME_MAX));
    while (s.len) {
        size_t n = utf8_sequence(s);
        bool shown = n > 0 && s.ptr[0] != '%' && !utf8_control(s, n);
        n = n ? n : 1;
        for (size_t i = 0; i < n; i++) {
            unsigned char c = (unsigned char)s.ptr[i];
            if (shown) {
                *out++ = (char)c;
            } else {
                *out++ = '%';
                *out++ = hex[c >> 4];
                *out++ = hex[c & 15];
            }
        }
        s = slice_make(s.ptr + n, s.len - n);
    }
    *out = '\0';
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

bool name_decode(const char *text, char name[SPOOL_NAME_MAX + 1])
{
    size_t len = 0;
    for (; *text; text++) {
        int c = (unsigned char)*text;
        if (c == '%') {
            int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
            if (low < 0)
                return false;
            c = high * 16 + low;
            text += 2;
        }
        if (len == SPOOL_NAME_MAX || c == '\0' || c == '/')
            return false;
        name[len++] = (char)c;
    }
    name[len] = '\0';
    return len > 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

void name_extension(const char *name, char out[18])
{
    const char *dot = strrchr(name, '.');
    size_t len = dot && dot != name ? strlen(dot + 1) : 0;
    bool fits = len >= 1 && len <= 16;
    for (size_t i = 1; fits && i <= len; i++)
        fits = (dot[i] >= '0' && dot[i] <= '9') || (dot[i] >= 'a' && dot[i] <= 'z') ||
               (dot[i] >= 'A' && dot[i] <= 'Z');
    memcpy(out, fits ? dot : ".bin", fits ? len + 2 : 5);
}

bool name_plain(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= 120 && name[0] != '.' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

bool name_numbered(const char *name, unsigned k, char out[SPOOL_NAME_MAX + 1])
{
    const char *dot = strrchr(name, '.');
    size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    int n = snprintf(out, SPOOL_NAME_MAX + 1, "%.*s-%u%s", (int)stem, name, k, name + stem);
    return n > 0 && n <= SPOOL_NAME_MAX;
}
