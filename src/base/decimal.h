/* decimal: exact numbers, coefficient × 10^-scale, up to 18 digits. Money and quantities never pass through a
 * double. */
#ifndef SPOOLGATE_BASE_DECIMAL_H
#define SPOOLGATE_BASE_DECIMAL_H

#include "base/slice.h"
#include <stdint.h>

struct decimal {
    int64_t coefficient;
    int scale; /* digits after the point, 0..18 */
};

#define DECIMAL_TEXT 24 /* room for any decimal as text, with NUL */

/* "-12.50", "1.25e2", ".5", "5.": the whole slice must be a number of at most 18 significant digits. */
bool decimal_parse(struct slice text, struct decimal *out);
/* Shortest plain text: "12.5", "-0.05", "0"; returns the length. keep_scale: "12.50" stays "12.50". */
size_t decimal_print(struct decimal d, bool keep_scale, char out[DECIMAL_TEXT]);
/* Exactly scale digits after the point; false when digits would be lost or it does not fit. */
bool decimal_rescale(struct decimal d, int scale, struct decimal *out);
/* The same, rounding half away from zero; false only on overflow. */
bool decimal_round(struct decimal d, int scale, struct decimal *out);
bool decimal_add(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out);
int decimal_compare(struct decimal a, struct decimal b); /* <0, 0, >0 */

#endif
