/* decimal: see decimal.h. Sums and products are made in 128 bits and only then held to 18 digits, so nothing
 * wraps. */
#include "base/decimal.h"

__extension__ typedef __int128 wide;

#define DIGITS 18
#define LIMIT INT64_C(1000000000000000000) /* 10^18: the first coefficient that is too long */

static const int64_t power[DIGITS + 1] = {1,
                                          10,
                                          100,
                                          1000,
                                          10000,
                                          100000,
                                          1000000,
                                          10000000,
                                          100000000,
                                          1000000000,
                                          10000000000,
                                          100000000000,
                                          1000000000000,
                                          10000000000000,
                                          100000000000000,
                                          1000000000000000,
                                          10000000000000000,
                                          100000000000000000,
                                          LIMIT};

/* Drops zeros at the end of the fraction until scale fits, then checks the length. */
static bool fit(wide coefficient, int scale, struct decimal *out)
{
    while (scale > 0 && (scale > DIGITS || coefficient >= LIMIT || coefficient <= -LIMIT) &&
           coefficient % 10 == 0) {
        coefficient /= 10;
        scale--;
    }
    if (scale > DIGITS || coefficient >= LIMIT || coefficient <= -LIMIT)
        return false;
    *out = (struct decimal){(int64_t)coefficient, scale};
    return true;
}

/* The exponent behind e or E; false when it is none. Clipped far outside what can fit. */
static bool parse_exponent(const char *p, const char *end, int *exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    int e = 0;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        if (e < 100000)
            e = e * 10 + (*p - '0');
    }
    *exponent = negative ? -e : e;
    return true;
}

bool decimal_parse(struct slice text, struct decimal *out)
{
    if (!text.len)
        return false;
    const char *p = text.ptr, *end = text.ptr + text.len;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    int64_t coefficient = 0;
    int scale = 0, zeros = 0, exponent = 0; /* zeros: read but not yet taken into the coefficient */
    bool point = false, digits = false;
    for (; p < end; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9')
            break;
        digits = true;
        int digit = *p - '0';
        if (zeros > 100000)
            return false;
        if (point)
            scale++;
        if (digit == 0) {
            zeros += coefficient != 0;
            continue;
        }
        if (zeros >= DIGITS && coefficient)
            return false;
        for (; zeros >= 0; zeros--) {
            if (coefficient >= LIMIT / 10)
                return false;
            coefficient *= 10;
        }
        zeros = 0;
        coefficient += digit;
    }
    if (!digits)
        return false;
    if (p < end && ((*p != 'e' && *p != 'E') || !parse_exponent(p + 1, end, &exponent)))
        return false;
    if (coefficient == 0) {
        scale -= exponent;
        *out = (struct decimal){0, scale < 0 ? 0 : scale > DIGITS ? DIGITS : scale};
        return true;
    }
    int written = scale - exponent > DIGITS ? DIGITS : scale - exponent; /* "100.00" keeps its two digits */
    scale -= exponent + zeros;
    for (; scale < 0 || scale < written; scale++) {
        if (coefficient >= LIMIT / 10) {
            if (scale < 0)
                return false;
            break;
        }
        coefficient *= 10;
    }
    return fit(negative ? -coefficient : coefficient, scale, out);
}

size_t decimal_print(struct decimal d, bool keep_scale, char out[DECIMAL_TEXT])
{
    uint64_t left = d.coefficient < 0 ? 0 - (uint64_t)d.coefficient : (uint64_t)d.coefficient;
    int scale = d.scale < 0 ? 0 : d.scale > DIGITS ? DIGITS : d.scale;
    while (!keep_scale && scale > 0 && left % 10 == 0) {
        left /= 10;
        scale--;
    }
    char turned[DECIMAL_TEXT];
    size_t n = 0, len = 0;
    for (int i = 0; left || i <= scale; i++) {
        if (i == scale && scale > 0)
            turned[n++] = '.';
        turned[n++] = (char)('0' + left % 10);
        left /= 10;
    }
    if (d.coefficient < 0)
        out[len++] = '-';
    while (n)
        out[len++] = turned[--n];
    out[len] = '\0';
    return len;
}

bool decimal_rescale(struct decimal d, int scale, struct decimal *out)
{
    if (scale < 0 || scale > DIGITS || d.scale < 0 || d.scale > DIGITS)
        return false;
    if (scale < d.scale) {
        int64_t by = power[d.scale - scale];
        if (d.coefficient % by)
            return false;
        *out = (struct decimal){d.coefficient / by, scale};
        return true;
    }
    wide coefficient = (wide)d.coefficient * power[scale - d.scale];
    if (coefficient >= LIMIT || coefficient <= -LIMIT)
        return false;
    *out = (struct decimal){(int64_t)coefficient, scale};
    return true;
}

bool decimal_round(struct decimal d, int scale, struct decimal *out)
{
    if (scale < 0 || scale > DIGITS || d.scale < 0 || d.scale > DIGITS)
        return false;
    if (scale >= d.scale)
        return decimal_rescale(d, scale, out);
    int64_t by = power[d.scale - scale];
    int64_t quotient = d.coefficient / by, rest = d.coefficient % by;
    if ((rest < 0 ? -rest : rest) >= by - (rest < 0 ? -rest : rest))
        quotient += d.coefficient < 0 ? -1 : 1;
    *out = (struct decimal){quotient, scale};
    return true;
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *out)
{
    int scale = a.scale > b.scale ? a.scale : b.scale;
    if (a.scale < 0 || b.scale < 0 || scale > DIGITS)
        return false;
    return fit((wide)a.coefficient * power[scale - a.scale] + (wide)b.coefficient * power[scale - b.scale],
               scale, out);
}

bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out)
{
    if (a.scale < 0 || b.scale < 0 || a.scale > DIGITS || b.scale > DIGITS)
        return false;
    return fit((wide)a.coefficient * b.coefficient, a.scale + b.scale, out);
}

int decimal_compare(struct decimal a, struct decimal b)
{
    int scale = a.scale > b.scale ? a.scale : b.scale;
    wide left = (wide)a.coefficient * power[scale - a.scale],
         right = (wide)b.coefficient * power[scale - b.scale];
    return (left > right) - (left < right);
}
