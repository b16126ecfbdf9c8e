/* lexer: X12 bytes as segments, in place. Sixty-four bytes are looked at at once where the machine has SSE2
 * (every amd64), through a table elsewhere and at the end of the input. The delimiters are where X12.5 puts
 * them in the ISA, which is the one segment of fixed length. White space between segments and a byte order
 * mark are let through: many partners break lines. Fails with findings that name the byte; never reads beyond
 * the input. */
#include "edi/fault.h"
#include "edi/x12/x12.h"
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ISA_LENGTH 106
#define SEGMENT_LIMIT (1u << 20)

enum byte_kind { BYTE_PLAIN, BYTE_SPECIAL, BYTE_ELEMENT, BYTE_SEGMENT };

/* ---- the ISA ---- */

static const unsigned char isa_widths[16] = {2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1};

static int refuse(struct findings *f, enum fault_kind kind, const char *where, const char *todo,
                  const char *what)
{
    struct fault fault = {.kind = kind, .severity = SEVERITY_ERROR, .reference = "", .loop = ""};
    fault_add(NULL, f, &fault, where, todo, "%s", what);
    return -1;
}

static const char *byte_place(struct findings *f, size_t at)
{
    return arena_printf(f->arena, "byte %zu", at + 1);
}

/* Every element of the ISA must have its fixed length. */
static int check_isa_widths(const struct x12_lexer *l, struct findings *f)
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

static int check_delimiters(const struct x12_lexer *l, struct findings *f)
{
    const struct delimiters *d = &l->text.delimiters;
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

static void set_kinds(struct x12_lexer *l)
{
    for (unsigned i = 0; i < 256; i++)
        l->kind[i] = i < 0x20 || i >= 0x7f ? BYTE_SPECIAL : BYTE_PLAIN;
    l->kind[(unsigned char)l->text.delimiters.component] = BYTE_SPECIAL;
    if (l->text.delimiters.repetition)
        l->kind[(unsigned char)l->text.delimiters.repetition] = BYTE_SPECIAL;
    l->kind[(unsigned char)l->text.delimiters.element] = BYTE_ELEMENT;
    l->kind[(unsigned char)l->text.delimiters.segment] = BYTE_SEGMENT;
}

static inline bool between_segments(char c)
{
    return (unsigned char)c <= ' ' && (c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == '\x1a');
}

static inline bool more(struct x12_lexer *l)
{
    while (l->at < l->text.input.len && between_segments(l->text.input.ptr[l->at]))
        l->at++;
    return l->at < l->text.input.len;
}

bool x12_lexer_more(struct x12_lexer *l)
{
    return more(l);
}

/* ---- segments ---- */

static void look_table(struct x12_lexer *l, const char *p, size_t n)
{
    uint64_t elements = 0, segments = 0, special = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned kind = l->kind[(unsigned char)p[i]];
        elements |= (uint64_t)(kind == BYTE_ELEMENT) << i;
        segments |= (uint64_t)(kind == BYTE_SEGMENT) << i;
        special |= (uint64_t)(kind == BYTE_SPECIAL) << i;
    }
    l->elements = elements;
    l->segments = segments;
    l->special = special;
}

#ifdef __SSE2__
struct block {
    __m128i a, b, c, d;
};

static inline uint64_t mask_of(struct block v)
{
    uint64_t low = (unsigned)_mm_movemask_epi8(v.a) | (unsigned)_mm_movemask_epi8(v.b) << 16,
             high = (unsigned)_mm_movemask_epi8(v.c) | (unsigned)_mm_movemask_epi8(v.d) << 16;
    return low | high << 32;
}

static inline struct block is_byte(struct block v, char wanted)
{
    __m128i w = _mm_set1_epi8(wanted);
    return (struct block){_mm_cmpeq_epi8(v.a, w), _mm_cmpeq_epi8(v.b, w), _mm_cmpeq_epi8(v.c, w),
                          _mm_cmpeq_epi8(v.d, w)};
}

static inline struct block either(struct block x, struct block y)
{
    return (struct block){_mm_or_si128(x.a, y.a), _mm_or_si128(x.b, y.b), _mm_or_si128(x.c, y.c),
                          _mm_or_si128(x.d, y.d)};
}

/* Signed: below 0x20 are the control characters and all bytes from 0x80 on. */
static inline struct block is_unusual(struct block v)
{
    __m128i blank = _mm_set1_epi8(0x20);
    struct block low = {_mm_cmplt_epi8(v.a, blank), _mm_cmplt_epi8(v.b, blank), _mm_cmplt_epi8(v.c, blank),
                        _mm_cmplt_epi8(v.d, blank)};
    return either(low, is_byte(v, 0x7f));
}

static inline void look_vector(struct x12_lexer *l, const char *p)
{
    const struct delimiters *d = &l->text.delimiters;
    const __m128i *at = (const __m128i *)(const void *)p;
    struct block v = {_mm_loadu_si128(at), _mm_loadu_si128(at + 1), _mm_loadu_si128(at + 2),
                      _mm_loadu_si128(at + 3)};
    struct block special = either(is_unusual(v), is_byte(v, d->component));
    if (d->repetition)
        special = either(special, is_byte(v, d->repetition));
    l->elements = mask_of(is_byte(v, d->element));
    l->segments = mask_of(is_byte(v, d->segment));
    l->special = mask_of(special) & ~(l->elements | l->segments);
}
#endif

/* Looks at the block that begins at l->block. */
static inline void look(struct x12_lexer *l)
{
    const char *p = l->text.input.ptr + l->block;
    size_t left = l->text.input.len - l->block;
#ifdef __SSE2__
    if (__builtin_expect(left >= 64, 1)) {
        look_vector(l, p);
        return;
    }
#endif
    look_table(l, p, left < 64 ? left : 64);
}

/* ---- interchanges ---- */

int x12_lexer_interchange(struct x12_lexer *l, struct findings *f)
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
    l->text.delimiters = (struct delimiters){.element = isa[3], .component = isa[104], .segment = isa[105]};
    /* Up to 00401 ISA11 is a code ('U'); from 00402 on it is the repetition separator. */
    if (memcmp(isa + 84, "00402", 5) >= 0 && good_delimiter(isa[82]))
        l->text.delimiters.repetition = isa[82];
    if (check_delimiters(l, f))
        return -1;
    set_kinds(l);
    l->block = l->at;
    look(l);
    return 0;
}

int x12_lexer_open(struct x12_lexer *l, struct slice input, struct findings *f)
{
    *l = (struct x12_lexer){.text.input = slice_make("", 0)};
    if (input.ptr)
        l->text.input = input;
    if (slice_starts(l->text.input, SLICE("\xef\xbb\xbf")))
        l->at = 3;
    x12_lexer_more(l);
    return x12_lexer_interchange(l, f);
}

static int lexer_fault(const struct x12_lexer *l, const struct edi_segment *s, struct findings *f,
                       enum fault_kind kind, const char *what)
{
    return refuse(f, kind,
                  arena_printf(f->arena, "segment %zu of the file, at byte %zu", l->number, s->at + 1),
                  "Look whether the file is whole and its delimiters are what its ISA says.", what);
}

static inline void finish(const struct x12_lexer *l, struct edi_segment *s, unsigned tokens)
{
    struct slice *last = &s->tokens[tokens - 1];
    if (l->text.delimiters.segment == '\n' && last->len && last->ptr[last->len - 1] == '\r')
        last->len--;
    while (tokens > 1 && s->tokens[tokens - 1].len == 0)
        tokens--;
    s->count = tokens - 1;
}

/* Makes the block the one that l->at is in, and forgets what is before it. */
static inline void begin(struct x12_lexer *l)
{
    if (l->at - l->block >= 64) {
        l->block = l->at;
        look(l);
    }
    uint64_t from = ~UINT64_C(0) << (l->at - l->block);
    l->elements &= from;
    l->segments &= from;
    l->special &= from;
}

int x12_lexer_next(struct x12_lexer *l, struct edi_segment *s, struct findings *f)
{
    if (!more(l))
        return 0;
    begin(l);
    s->at = l->at;
    s->number = ++l->number;
    uint64_t special = 0;
    const char *token = l->text.input.ptr + l->at;
    for (unsigned tokens = 0;;) {
        const char *block = l->text.input.ptr + l->block;
        uint64_t segments = l->segments, before = segments ? (segments & -segments) - 1 : ~UINT64_C(0);
        special |= l->special & before;
        for (uint64_t bits = l->elements & before; bits; bits &= bits - 1) {
            const char *at = block + __builtin_ctzll(bits);
            if (__builtin_expect(tokens >= SEGMENT_ELEMENTS, 0))
                return lexer_fault(l, s, f, FAULT_INTERCHANGE_STRUCTURE,
                                   "The segment has more than 128 elements.");
            s->tokens[tokens++] = (struct slice){token, (size_t)(at - token)};
            token = at + 1;
        }
        if (segments) {
            const char *at = block + __builtin_ctzll(segments);
            s->tokens[tokens++] = (struct slice){token, (size_t)(at - token)};
            finish(l, s, tokens);
            s->special = special != 0;
            l->at = (size_t)(at + 1 - l->text.input.ptr);
            return 1;
        }
        if (l->text.input.len - l->block <= 64)
            return lexer_fault(l, s, f, FAULT_INTERCHANGE_END,
                               "The input ends inside a segment: its terminator is missing.");
        l->block += 64;
        if (l->block - s->at > SEGMENT_LIMIT)
            return lexer_fault(l, s, f, FAULT_INTERCHANGE_STRUCTURE,
                               "The segment has more than a megabyte and no terminator.");
        look(l);
    }
}
