/* element: see element.h. Lengths are in characters; the sign and the decimal point of numbers are not
 * counted. Letters outside ASCII are let through when they are good UTF-8: names of places have them, and
 * partners who use them have agreed on that. */
#include "edi/element.h"
#include "base/date.h"
#include "base/utf8.h"

bool element_characters(struct slice value, size_t *characters)
{
    size_t n = 0;
    while (value.len) {
        size_t step = utf8_sequence(value);
        if (step == 0 || utf8_control(value, step))
            return false;
        value = slice_make(value.ptr + step, value.len - step);
        n++;
    }
    *characters = n;
    return true;
}

static inline enum fault_kind check_length(const struct element *e, size_t n)
{
    if (n > e->max)
        return FAULT_TOO_LONG;
    return n < e->min ? FAULT_TOO_SHORT : FAULT_NONE;
}

static bool only_blanks(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ')
            return false;
    return true;
}

static enum fault_kind check_text(const struct element *e, struct slice v, bool plain)
{
    size_t n = v.len;
    if (!plain && !element_characters(v, &n))
        return FAULT_CHARACTER;
    enum fault_kind length = check_length(e, n);
    if (length)
        return length;
    if (v.ptr[0] == ' ' && only_blanks(v))
        return FAULT_BLANK;
    return FAULT_NONE;
}

static enum fault_kind check_code(const struct element *e, struct slice v, bool plain)
{
    enum fault_kind text = check_text(e, v, plain);
    if (!e->codes || (text && text != FAULT_BLANK) || code_known(e->codes, v))
        return text;
    size_t n = v.len; /* blanks that only fill up to the least length are no part of the code */
    while (n > 1 && v.ptr[n - 1] == ' ')
        n--;
    return n < v.len && code_known(e->codes, slice_make(v.ptr, n)) ? FAULT_NONE : FAULT_CODE;
}

static inline bool digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static enum fault_kind check_number(const struct element *e, struct slice v, bool point)
{
    const char *p = v.ptr, *end = v.ptr + v.len;
    size_t digits = 0;
    if (*p == '-')
        p++;
    for (; p < end; p++) {
        if (digit(*p)) {
            digits++;
        } else if (*p == '.' && point) {
            point = false;
        } else {
            return FAULT_CHARACTER;
        }
    }
    if (digits == 0)
        return FAULT_CHARACTER;
    enum fault_kind length = check_length(e, digits);
    if (!length && e->codes && !code_known(e->codes, v))
        return FAULT_CODE;
    return length;
}

/* EDIFACT (ISO 9735, 10): a digit before and behind the mark, which is a point here whatever the sender's is.
 */
static enum fault_kind check_plain_number(const struct element *e, struct slice v)
{
    const char *p = v.ptr, *end = v.ptr + v.len;
    size_t digits = 0;
    bool point = false;
    if (*p == '-')
        p++;
    for (const char *start = p; p < end; p++) {
        if (digit(*p))
            digits++;
        else if (*p == '.' && !point && p > start && p + 1 < end)
            point = true;
        else
            return FAULT_CHARACTER;
    }
    if (digits == 0)
        return FAULT_CHARACTER;
    enum fault_kind length = check_length(e, digits);
    return !length && e->codes && !code_known(e->codes, v) ? FAULT_CODE : length;
}

static enum fault_kind check_letters(const struct element *e, struct slice v, bool plain)
{
    for (size_t i = 0; i < v.len; i++)
        if (digit(v.ptr[i]))
            return FAULT_CHARACTER;
    return e->codes ? check_code(e, v, plain) : check_text(e, v, plain);
}

static inline int two(const char *p)
{
    return (p[0] - '0') * 10 + (p[1] - '0');
}

static bool all_digits(struct slice v)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < v.len; i++)
        wrong |= (unsigned)!digit(v.ptr[i]);
    return !wrong;
}

static enum fault_kind check_date(const struct element *e, struct slice v)
{
    enum fault_kind length = check_length(e, v.len);
    if (length)
        return length;
    if (!all_digits(v) || (v.len != 8 && v.len != 6))
        return FAULT_DATE;
    const char *p = v.ptr + v.len - 6;
    int year = two(p) + (v.len == 8 ? two(v.ptr) * 100 : 2000);
    int month = two(p + 2), day = two(p + 4);
    if (day <= 28 && day >= 1 && month >= 1 && month <= 12 && year >= 1)
        return FAULT_NONE;
    return date_valid(year, month, day) ? FAULT_NONE : FAULT_DATE;
}

static enum fault_kind check_time(const struct element *e, struct slice v)
{
    enum fault_kind length = check_length(e, v.len);
    if (length)
        return length;
    if (!all_digits(v) || v.len < 4 || v.len == 5 || v.len > 8)
        return FAULT_TIME;
    if (two(v.ptr) > 23 || two(v.ptr + 2) > 59 || (v.len >= 6 && two(v.ptr + 4) > 59))
        return FAULT_TIME;
    return FAULT_NONE;
}

enum fault_kind element_check(const struct element *e, struct slice v, bool plain)
{
    switch (e->type) {
    case TYPE_AN: return e->codes ? check_code(e, v, plain) : check_text(e, v, plain);
    case TYPE_ID: return check_code(e, v, plain);
    case TYPE_N: return check_number(e, v, false);
    case TYPE_R: return check_number(e, v, true);
    case TYPE_DT: return check_date(e, v);
    case TYPE_TM: return check_time(e, v);
    case TYPE_B: return check_length(e, v.len);
    case TYPE_A: return check_letters(e, v, plain);
    case TYPE_NUMBER: return check_plain_number(e, v);
    }
    return FAULT_CHARACTER;
}
