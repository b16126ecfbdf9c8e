/* isa: where an X12 interchange begins. The delimiters are where X12.5 puts them in the ISA, which is the one
 * segment of fixed length. */
#include "edi/fault.h"
#include "edi/x12/x12.h"

#define ISA_LENGTH 106

/* ---- the ISA ---- */

static const unsigned char isa_widths[16] = {2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1};

static int refuse(struct findings *f, enum fault_kind kind, const char *where, const char *todo,
                  const char *what)
{
    struct fault fault = {.kind = kind, .severity = SEVERITY_ERROR, .reference = "", .loop = ""};
    fault_add(NULL, f, &standard_x12, &fault, where, todo, "%s", what);
    return -1;
}

static const char *byte_place(struct findings *f, size_t at)
{
    return arena_printf(f->arena, "byte %zu", at + 1);
}

/* Every element of the ISA must have its fixed length. */
static int check_isa_widths(const struct edi_lexer *l, struct findings *f)
{
    const char *isa = l->text.input.ptr + l->at, *end = l->text.input.ptr + l->text.input.len;
    const char *p = isa + 4;
    for (unsigned i = 0; i < 16; i++) {
        size_t len = 0;
        while (i < 15 && p + len < end && p[len] != isa[3] && len < 64)
            len++;
        if (i == 15)
            len = 1;
        if (len != isa_widths[i] || p + len >= end)
            return refuse(f, FAULT_INTERCHANGE_HEADER,
                          arena_printf(f->arena, "ISA at byte %zu, element ISA%02u", l->at + 1, i + 1),
                          "The sender has to correct the envelope.",
                          arena_printf(f->arena,
                                       "ISA%02u has %zu characters; the ISA has fixed lengths, here %u.",
                                       i + 1, len, isa_widths[i]));
        p += len + 1;
    }
    return 0;
}

static bool good_delimiter(char c)
{
    unsigned char u = (unsigned char)c;
    bool letter = (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z');
    return u != 0 && u != ' ' && u < 0x7f && !letter;
}

static int check_delimiters(const struct edi_lexer *l, const struct delimiters *d, struct findings *f)
{
    const struct {
        const char *name;
        char byte;
    } all[] = {{"element separator", d->element},
               {"component separator (ISA16)", d->component},
               {"segment terminator", d->segment},
               {"repetition separator (ISA11)", d->repetition}};
    size_t count = d->repetition ? 4 : 3;
    for (size_t i = 0; i < count; i++) {
        const char *shown = fault_show(f->arena, slice_make(&all[i].byte, 1));
        if (!good_delimiter(all[i].byte))
            return refuse(f, FAULT_INTERCHANGE_SEPARATOR, byte_place(f, l->at),
                          "The sender has to choose another delimiter.",
                          arena_printf(f->arena,
                                       "The %s is %s: letters, digits, blanks and bytes above 0x7E cannot "
                                       "delimit.",
                                       all[i].name, shown));
        for (size_t j = 0; j < i; j++)
            if (all[i].byte == all[j].byte)
                return refuse(f, FAULT_INTERCHANGE_SEPARATOR, byte_place(f, l->at),
                              "The sender has to choose different delimiters.",
                              arena_printf(f->arena, "The %s and the %s are both %s.", all[j].name,
                                           all[i].name, shown));
    }
    return 0;
}

int x12_lexer_interchange(struct edi_lexer *l, struct findings *f)
{
    const char *isa = l->text.input.ptr + l->at;
    size_t left = l->text.input.len - l->at;
    if (left < 3 || memcmp(isa, "ISA", 3) != 0)
        return refuse(f, FAULT_INTERCHANGE_STRUCTURE, byte_place(f, l->at),
                      "Look whether the file is X12 at all, and whole.",
                      arena_printf(f->arena, "An X12 interchange begins with ISA, this with %s.",
                                   fault_show(f->arena, slice_make(isa, left < 12 ? left : 12))));
    if (left < ISA_LENGTH)
        return refuse(f, FAULT_INTERCHANGE_END, byte_place(f, l->text.input.len),
                      "The file was cut off; ask the sender for it again.",
                      arena_printf(f->arena, "The input ends inside the ISA: %zu of %d bytes are there.",
                                   left, ISA_LENGTH));
    if (check_isa_widths(l, f))
        return -1;
    struct delimiters d = {.element = isa[3], .component = isa[104], .segment = isa[105]};
    /* Up to 00401 ISA11 is a code ('U'); from 00402 on it is the repetition separator. */
    if (memcmp(isa + 84, "00402", 5) >= 0 && good_delimiter(isa[82]))
        d.repetition = isa[82];
    if (check_delimiters(l, &d, f))
        return -1;
    edi_lexer_begin(l, &d);
    return 0;
}

int x12_lexer_open(struct edi_lexer *l, struct slice input, struct findings *f)
{
    edi_lexer_open(l, &standard_x12, input);
    edi_lexer_more(l);
    return x12_lexer_interchange(l, f);
}
