/* una: where an EDIFACT interchange begins. UNA, when it is there, is nine bytes: "UNA" and component
 * separator, element separator, decimal mark, release character, reserved (from syntax 4 on the repetition
 * separator) and segment terminator (ISO 9735, 8). Without it the defaults of level A hold, or, where the
 * byte behind UNB says so, those of level B. */
#include "edi/edifact/edifact.h"
#include "edi/fault.h"

static const struct delimiters level_a = {.element = '+', .component = ':', .segment = '\'', .release = '?'};
static const struct delimiters level_b = {.element = 0x1d, .component = 0x1f, .segment = 0x1c};

static int refuse(const struct edi_lexer *l, struct findings *f, enum fault_kind kind, const char *todo,
                  const char *what)
{
    struct fault fault = {.kind = kind, .severity = SEVERITY_ERROR, .reference = "", .loop = ""};
    fault_add(NULL, f, &standard_edifact, &fault, arena_printf(f->arena, "byte %zu", l->at + 1), todo, "%s",
              what);
    return -1;
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
    } all[] = {{"component separator", d->component},
               {"element separator", d->element},
               {"segment terminator", d->segment},
               {"release character", d->release}};
    size_t count = d->release ? 4 : 3;
    for (size_t i = 0; i < count; i++) {
        const char *shown = fault_show(f->arena, slice_make(&all[i].byte, 1));
        if (!good_delimiter(all[i].byte))
            return refuse(l, f, FAULT_INTERCHANGE_SEPARATOR, "The sender has to choose another one.",
                          arena_printf(f->arena,
                                       "The %s that UNA gives is %s: letters, digits, blanks and bytes above "
                                       "0x7E cannot be one.",
                                       all[i].name, shown));
        for (size_t j = 0; j < i; j++)
            if (all[i].byte == all[j].byte)
                return refuse(l, f, FAULT_INTERCHANGE_SEPARATOR, "The sender has to choose different ones.",
                              arena_printf(f->arena, "The %s and the %s that UNA gives are both %s.",
                                           all[j].name, all[i].name, shown));
    }
    return 0;
}

/* The version is the last character of UNB's first composite: "UNB+UNOC:3+". */
static char syntax_version(struct slice unb, const struct delimiters *d)
{
    for (size_t i = 4; i + 2 < unb.len && i < 16; i++)
        if (unb.ptr[i] == d->component)
            return unb.ptr[i + 1];
    return '\0';
}

static bool between_segments(char c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == '\x1a';
}

bool edifact_begins(struct slice input)
{
    size_t at = slice_starts(input, SLICE("\xef\xbb\xbf")) ? 3 : 0;
    while (at < input.len && between_segments(input.ptr[at]))
        at++;
    struct slice rest = slice_make(input.ptr + at, input.len - at);
    return slice_starts(rest, SLICE("UNA")) || slice_starts(rest, SLICE("UNB"));
}

int edifact_lexer_interchange(struct edi_lexer *l, struct findings *f)
{
    struct slice rest = slice_make(l->text.input.ptr + l->at, l->text.input.len - l->at);
    struct delimiters d = level_a;
    char reserved = ' ';
    bool given = slice_starts(rest, SLICE("UNA"));
    if (given && rest.len < 9)
        return refuse(l, f, FAULT_INTERCHANGE_END, "The file was cut off; ask the sender for it again.",
                      "The input ends inside the UNA.");
    if (given) {
        const char *una = rest.ptr + 3;
        d = (struct delimiters){.component = una[0],
                                .element = una[1],
                                .decimal = una[2],
                                .release = una[3] == ' ' ? '\0' : una[3],
                                .segment = una[5]};
        reserved = una[4];
        if (check_delimiters(l, &d, f))
            return -1;
        if (d.decimal != '.' && d.decimal != ',')
            return refuse(l, f, FAULT_INTERCHANGE_SEPARATOR, "The sender has to correct its UNA.",
                          arena_printf(f->arena,
                                       "The decimal mark that UNA gives is %s: point or comma can be "
                                       "one.",
                                       fault_show(f->arena, slice_make(&d.decimal, 1))));
        l->at += 9;
        while (l->at < l->text.input.len && between_segments(l->text.input.ptr[l->at]))
            l->at++;
        rest = slice_make(l->text.input.ptr + l->at, l->text.input.len - l->at);
    }
    if (!slice_starts(rest, SLICE("UNB")) || rest.len < 4)
        return refuse(
            l, f, FAULT_INTERCHANGE_STRUCTURE, "Look whether the file is EDIFACT at all, and whole.",
            arena_printf(f->arena, "An EDIFACT interchange begins with UNA or UNB, this with %s.",
                         fault_show(f->arena, slice_make(rest.ptr, rest.len < 12 ? rest.len : 12))));
    if (!given && rest.ptr[3] == level_b.element)
        d = level_b;
    if (rest.ptr[3] != d.element)
        return refuse(l, f, FAULT_INTERCHANGE_SEPARATOR,
                      "The sender has to send a UNA with its own delimiters.",
                      arena_printf(f->arena, "Behind UNB stands %s; the element separator is %s.",
                                   fault_show(f->arena, slice_make(rest.ptr + 3, 1)),
                                   fault_show(f->arena, slice_make(&d.element, 1))));
    if (syntax_version(rest, &d) == '4')
        d.repetition = !given ? '*' : good_delimiter(reserved) ? reserved : '\0';
    edi_lexer_begin(l, &d);
    return 0;
}

int edifact_lexer_open(struct edi_lexer *l, struct slice input, struct findings *f)
{
    edi_lexer_open(l, &standard_edifact, input);
    while (l->at < l->text.input.len && between_segments(l->text.input.ptr[l->at]))
        l->at++;
    return edifact_lexer_interchange(l, f);
}
