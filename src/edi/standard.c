#include "edi/standard.h"
#include <string.h>

static bool six_digits(const char *version)
{
    size_t n = strlen(version);
    return n == 6 && strspn(version, "0123456789") == n;
}

/* "D96A", and "service/3" for the segments of the envelope. */
static bool directory(const char *version)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t n = strlen(version);
    if (!strncmp(version, "service/", 8))
        return n == 9 && version[8] >= '1' && version[8] <= '4';
    return n >= 3 && n <= 8 && strspn(version, letters) == n;
}

const struct edi_standard standard_x12 = {.name = "x12",
                                          .title = "X12",
                                          .set = "set",
                                          .loop = "loop",
                                          .opening = "ISA",
                                          .closing = "IEA",
                                          .header = "ST",
                                          .trailer = "SE",
                                          .separator = '*',
                                          .version_is_plain = six_digits};
const struct edi_standard standard_edifact = {.name = "edifact",
                                              .title = "EDIFACT",
                                              .set = "message",
                                              .loop = "segment group",
                                              .opening = "UNA",
                                              .closing = "UNZ",
                                              .header = "UNH",
                                              .trailer = "UNT",
                                              .separator = '+',
                                              .composed = true,
                                              .names_by_number = true,
                                              .version_is_plain = directory};
