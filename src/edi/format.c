/* format: canonical values as an element's type wants them, and back. X12.6 section 3.5. Decimals stay exact:
 * what would have to be rounded is refused. Times are cut to the element's length, since a time within its
 * second is still that time. Texts go through as they are (a slice of the input); the other types are made in
 * the arena. */
#include "edi/element.h"
#include "edi/names.h"
#include "edi/x12/x12.h"
#include "base/date.h"
#include "base/decimal.h"
#include <stdio.h>

static struct slice refuse(const char **why, const char *reason)
{
    *why = reason;
    return SLICE_NONE;
}

static const char *length_reason(const struct element *e, size_t n, const char *unit, struct arena *a)
{
    if (n > e->max)
        return arena_printf(a, "has %zu %s%s, at most %u fit", n, unit, n == 1 ? "" : "s", e->max);
    return arena_printf(a, "has %zu %s%s, at least %u are needed", n, unit, n == 1 ? "" : "s", e->min);
}

static struct slice trim_end(struct slice s)
{
    while (s.len && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

/* ---- text ---- */

static struct slice padded(struct slice s, size_t missing, char with, bool left, struct arena *a)
{
    char *p = arena_alloc(a, s.len + missing);
    memset(left ? p : p + s.len, with, missing);
    memcpy(left ? p + missing : p, s.ptr, s.len);
    return slice_make(p, s.len + missing);
}

static struct slice format_text(const struct element *e, struct slice v, struct arena *a, const char **why)
{
    size_t n;
    v = trim_end(v);
    if (v.len == 0)
        return v;
    if (!element_characters(v, &n))
        return refuse(
            why, "has a control character (a line break or tab, for example) or bytes that are no UTF-8");
    if (n > e->max)
        return refuse(why, length_reason(e, n, "character", a));
    if (n < e->min)
        return padded(v, e->min - n, ' ', false, a);
    return v;
}

static struct slice format_code(const struct element *e, struct slice v, struct arena *a, const char **why)
{
    v = trim_end(v);
    if (v.len == 0)
        return v;
    switch (element_check(e, v, false)) {
    case FAULT_NONE:
    case FAULT_BLANK: return v;
    case FAULT_TOO_LONG:
    case FAULT_TOO_SHORT: return refuse(why, length_reason(e, v.len, "character", a));
    case FAULT_CODE:
        if (e->codes->open)
            return v;
        return refuse(why, arena_printf(a, "is no code of element %s%s", e->id,
                                        name_in_parentheses(name_of_element(e))));
    default: return refuse(why, "has characters that a code cannot have");
    }
}

/* ---- numbers ---- */

static size_t count_digits(const char *p, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += p[i] >= '0' && p[i] <= '9';
    return n;
}

/* Zeros behind the sign up to the least length. */
static struct slice number_text(const struct element *e, const char *text, size_t len, struct arena *a,
                                const char **why)
{
    size_t digits = count_digits(text, len), sign = text[0] == '-';
    if (digits > e->max)
        return refuse(why, length_reason(e, digits, "digit", a));
    size_t zeros = digits < e->min ? e->min - digits : 0;
    char *p = arena_alloc(a, len + zeros);
    memcpy(p, text, sign);
    memset(p + sign, '0', zeros);
    memcpy(p + sign + zeros, text + sign, len - sign);
    return slice_make(p, len + zeros);
}

/* Digits that matter behind the point: 2 for 12.50 → 12.5 gives 1. */
static int needed_scale(struct decimal d)
{
    while (d.scale > 0 && d.coefficient % 10 == 0) {
        d.coefficient /= 10;
        d.scale--;
    }
    return d.scale;
}

static struct slice format_implied(const struct element *e, struct slice v, struct arena *a, const char **why)
{
    struct decimal d, shifted;
    char text[DECIMAL_TEXT];
    if (!decimal_parse(v, &d))
        return refuse(why, "is no number of at most 18 digits");
    if (needed_scale(d) > e->decimals)
        return refuse(why, arena_printf(a, "has %d decimals, at most %u fit", needed_scale(d), e->decimals));
    if (!decimal_rescale(d, e->decimals, &shifted))
        return refuse(why, "is too large");
    shifted.scale = 0;
    size_t len = decimal_print(shifted, false, text);
    return number_text(e, text, len, a, why);
}

static struct slice format_real(const struct element *e, struct slice v, struct arena *a, const char **why)
{
    struct decimal d;
    char text[DECIMAL_TEXT];
    if (!decimal_parse(v, &d))
        return refuse(why, "is no number of at most 18 digits");
    size_t len = decimal_print(d, false, text);
    /* The zero before the point only fills up to a least length. */
    size_t sign = text[0] == '-';
    if (len > sign + 2 && text[sign] == '0' && text[sign + 1] == '.') {
        memmove(text + sign, text + sign + 1, len - sign - 1);
        len--;
    }
    return number_text(e, text, len, a, why);
}

/* EDIFACT: a digit on both sides of the mark. */
static struct slice format_number(const struct element *e, struct slice v, struct arena *a, const char **why)
{
    struct decimal d;
    char text[DECIMAL_TEXT];
    if (!decimal_parse(v, &d))
        return refuse(why, "is no number of at most 18 digits");
    size_t len = decimal_print(d, false, text);
    return number_text(e, text, len, a, why);
}

/* ---- dates and times ---- */

static struct slice format_date(const struct element *e, struct slice v, struct arena *a, const char **why)
{
    struct date d;
    if (!date_parse_iso(v, &d) && !date_parse_basic(v, &d))
        return refuse(why, "is no date; a date is written 2026-03-20");
    char *p = arena_alloc(a, 9);
    unsigned n = (unsigned)d.year * 10000 + (unsigned)d.month * 100 + (unsigned)d.day;
    for (int i = 8; i-- > 0; n /= 10)
        p[i] = (char)('0' + n % 10);
    return e->max >= 8 ? slice_make(p, 8) : slice_make(p + 2, 6);
}

/* "09:14", "09:14:55", "09:14:55.42", "0914", "2026-03-20T09:14:55Z" → digits only. */
static size_t time_digits(struct slice v, char out[8])
{
    const char *t = memchr(v.ptr, 'T', v.len);
    if (t)
        v = slice_make(t + 1, v.len - (size_t)(t + 1 - v.ptr));
    size_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];
        if (c >= '0' && c <= '9') {
            if (n < 8)
                out[n++] = c;
        } else if (c == 'Z' || c == 'z' || c == '+' || c == '-') {
            break;
        } else if (!((c == ':' && (n == 2 || n == 4)) || (c == '.' && n == 6))) {
            return 0;
        }
    }
    return n;
}

static struct slice format_time(const struct element *e, struct slice v, struct arena *a, const char **why)
{
    char digits[8];
    size_t n = time_digits(v, digits);
    if (n == 5)
        n = 0;
    while (n > e->max && n > 4)
        n -= n > 6 ? 1 : 2;
    struct slice text = arena_copy(a, slice_make(digits, n));
    if (n < 4 || element_check(e, text, true) != FAULT_NONE)
        return refuse(why, "is no time; a time is written 09:14 or 09:14:55");
    return text;
}

struct slice x12_format(const struct element *e, struct slice canonical, struct arena *a, const char **why)
{
    *why = NULL;
    if (!canonical.ptr || canonical.len == 0)
        return slice_make("", 0);
    switch (e->type) {
    case TYPE_AN: return e->codes ? format_code(e, canonical, a, why) : format_text(e, canonical, a, why);
    case TYPE_ID: return format_code(e, canonical, a, why);
    case TYPE_A: return e->codes ? format_code(e, canonical, a, why) : format_text(e, canonical, a, why);
    case TYPE_NUMBER: return format_number(e, canonical, a, why);
    case TYPE_N: return format_implied(e, canonical, a, why);
    case TYPE_R: return format_real(e, canonical, a, why);
    case TYPE_DT: return format_date(e, canonical, a, why);
    case TYPE_TM: return format_time(e, canonical, a, why);
    case TYPE_B: break;
    }
    if (canonical.len < e->min || canonical.len > e->max)
        return refuse(why, length_reason(e, canonical.len, "byte", a));
    return canonical;
}

/* ---- the way back ---- */

static struct slice canonical_number(const struct element *e, struct slice v, struct arena *a,
                                     const char **why)
{
    struct decimal d;
    if (!decimal_parse(v, &d))
        return refuse(why, "is no number of at most 18 digits");
    if (e->type == TYPE_N) {
        if (d.scale != 0)
            return refuse(why, "has a decimal point where the decimals are implied");
        d.scale = e->decimals;
    }
    char *p = arena_alloc(a, DECIMAL_TEXT);
    return slice_make(p, decimal_print(d, false, p));
}

static struct slice canonical_date(struct slice v, struct arena *a, const char **why)
{
    char digits[8];
    struct date d;
    if (v.len == 6) { /* a year of two digits: 1950 to 2049 */
        memcpy(digits, v.ptr[0] < '5' ? "20" : "19", 2);
        memcpy(digits + 2, v.ptr, 6);
        v = slice_make(digits, 8);
    }
    if (!date_parse_basic(v, &d))
        return refuse(why, "is no date of the calendar");
    char *p = arena_alloc(a, 11);
    memcpy(p, v.ptr, 4);
    p[4] = '-';
    memcpy(p + 5, v.ptr + 4, 2);
    p[7] = '-';
    memcpy(p + 8, v.ptr + 6, 2);
    return slice_make(p, 10);
}

static struct slice canonical_time(const struct element *e, struct slice v, struct arena *a, const char **why)
{
    if (element_check(e, v, true) != FAULT_NONE)
        return refuse(why, "is no time of the day");
    char *p = arena_alloc(a, 12);
    size_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (i == 2 || i == 4)
            p[n++] = ':';
        if (i == 6)
            p[n++] = '.';
        p[n++] = v.ptr[i];
    }
    return slice_make(p, n);
}

struct slice x12_canonical(const struct element *e, struct slice text, struct arena *a, const char **why)
{
    *why = NULL;
    if (!text.ptr || text.len == 0)
        return slice_make("", 0);
    switch (e->type) {
    case TYPE_N:
    case TYPE_R:
    case TYPE_NUMBER: return canonical_number(e, text, a, why);
    case TYPE_DT: return canonical_date(text, a, why);
    case TYPE_TM: return canonical_time(e, text, a, why);
    case TYPE_AN:
    case TYPE_A:
    case TYPE_ID: return trim_end(text);
    case TYPE_B: break;
    }
    return text;
}
