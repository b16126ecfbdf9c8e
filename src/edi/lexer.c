/* lexer: see lexer.h. Sixty-four bytes are looked at at once where the machine has SSE2 (every amd64),
 * through a table elsewhere, at the end of the input, and where bytes are released (EDIFACT's "?"). White
 * space between segments is let through: many partners break lines. Fails with findings that name the byte;
 * never reads beyond the input. */
#include "edi/lexer.h"
#include "edi/fault.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SEGMENT_LIMIT (1u << 20)

enum byte_kind { BYTE_PLAIN, BYTE_SPECIAL, BYTE_ELEMENT, BYTE_SEGMENT, BYTE_RELEASE };

/* ---- what the bytes are ---- */

static void set_kinds(struct edi_lexer *l)
{
    const struct delimiters *d = &l->text.delimiters;
    for (unsigned i = 0; i < 256; i++)
        l->kind[i] = i < 0x20 || i >= 0x7f ? BYTE_SPECIAL : BYTE_PLAIN;
    if (d->release)
        l->kind[(unsigned char)d->release] = BYTE_RELEASE;
    if (!l->standard->composed) {
        if (d->repetition)
            l->kind[(unsigned char)d->repetition] = BYTE_SPECIAL;
        l->kind[(unsigned char)d->component] = BYTE_SPECIAL;
    }
    l->kind[(unsigned char)d->element] = BYTE_ELEMENT;
    l->kind[(unsigned char)d->segment] = BYTE_SEGMENT;
}

/* A released byte is data, and makes its value special, as the release character does. */
static void look_table(struct edi_lexer *l, const char *p, size_t n)
{
    uint64_t elements = 0, segments = 0, special = 0;
    bool released = l->released;
    for (size_t i = 0; i < n; i++) {
        unsigned kind = released ? BYTE_SPECIAL : l->kind[(unsigned char)p[i]];
        released = kind == BYTE_RELEASE;
        elements |= (uint64_t)(kind == BYTE_ELEMENT) << i;
        segments |= (uint64_t)(kind == BYTE_SEGMENT) << i;
        special |= (uint64_t)(kind == BYTE_SPECIAL || kind == BYTE_RELEASE) << i;
    }
    l->released = released;
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

static inline void look_vector(struct edi_lexer *l, const char *p)
{
    const struct delimiters *d = &l->text.delimiters;
    const __m128i *at = (const __m128i *)(const void *)p;
    struct block v = {_mm_loadu_si128(at), _mm_loadu_si128(at + 1), _mm_loadu_si128(at + 2),
                      _mm_loadu_si128(at + 3)};
    struct block special = is_unusual(v);
    if (!l->standard->composed) {
        special = either(special, is_byte(v, d->component));
        if (d->repetition)
            special = either(special, is_byte(v, d->repetition));
    }
    l->elements = mask_of(is_byte(v, d->element));
    l->segments = mask_of(is_byte(v, d->segment));
    l->special = mask_of(special) & ~(l->elements | l->segments);
}

static inline bool has_release(const struct edi_lexer *l, const char *p)
{
    const __m128i *at = (const __m128i *)(const void *)p;
    struct block v = {_mm_loadu_si128(at), _mm_loadu_si128(at + 1), _mm_loadu_si128(at + 2),
                      _mm_loadu_si128(at + 3)};
    return mask_of(is_byte(v, l->text.delimiters.release)) != 0;
}
#endif

/* Looks at the block that begins at l->block. */
static inline void look(struct edi_lexer *l)
{
    const char *p = l->text.input.ptr + l->block;
    size_t left = l->text.input.len - l->block;
#ifdef __SSE2__
    if (__builtin_expect(left >= 64, 1) &&
        (!l->text.delimiters.release || (!l->released && !has_release(l, p)))) {
        look_vector(l, p);
        return;
    }
#endif
    look_table(l, p, left < 64 ? left : 64);
}

/* ---- interchanges ---- */

void edi_lexer_open(struct edi_lexer *l, const struct edi_standard *standard, struct slice input)
{
    *l = (struct edi_lexer){.standard = standard, .text.input = slice_make("", 0)};
    if (input.ptr)
        l->text.input = input;
    if (slice_starts(l->text.input, SLICE("\xef\xbb\xbf")))
        l->at = 3;
}

void edi_lexer_begin(struct edi_lexer *l, const struct delimiters *d)
{
    l->text.delimiters = *d;
    set_kinds(l);
    l->block = l->at;
    l->released = false;
    look(l);
}

static inline bool between_segments(char c)
{
    return (unsigned char)c <= ' ' && (c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == '\x1a');
}

static inline bool more(struct edi_lexer *l)
{
    while (l->at < l->text.input.len && between_segments(l->text.input.ptr[l->at]))
        l->at++;
    return l->at < l->text.input.len;
}

bool edi_lexer_more(struct edi_lexer *l)
{
    return more(l);
}

/* ---- segments ---- */

static int lexer_fault(const struct edi_lexer *l, const struct edi_segment *s, struct findings *f,
                       enum fault_kind kind, const char *what)
{
    struct fault fault = {.kind = kind, .severity = SEVERITY_ERROR, .reference = "", .loop = ""};
    fault_add(NULL, f, l->standard, &fault,
              arena_printf(f->arena, "segment %zu of the file, at byte %zu", l->number, s->at + 1),
              arena_printf(f->arena,
                           "Look whether the file is whole and its delimiters are what its %s says.",
                           l->standard->opening),
              "%s", what);
    return -1;
}

static inline void finish(const struct edi_lexer *l, struct edi_segment *s, unsigned tokens)
{
    struct slice *last = &s->tokens[tokens - 1];
    if (l->text.delimiters.segment == '\n' && last->len && last->ptr[last->len - 1] == '\r')
        last->len--;
    while (tokens > 1 && s->tokens[tokens - 1].len == 0)
        tokens--;
    s->count = tokens - 1;
}

/* Makes the block the one that l->at is in, and forgets what is before it. */
static inline void begin(struct edi_lexer *l)
{
    if (l->at - l->block >= 64) {
        l->block = l->at;
        l->released = false;
        look(l);
    }
    uint64_t from = ~UINT64_C(0) << (l->at - l->block);
    l->elements &= from;
    l->segments &= from;
    l->special &= from;
}

/* The input ends behind token: a last segment without its terminator is common, and nothing of it is in
 * doubt. */
static bool ends_unterminated(struct edi_lexer *l, struct edi_segment *s, const char *token, unsigned tokens,
                              struct findings *f)
{
    const char *end = l->text.input.ptr + l->text.input.len;
    while (end > token && between_segments(end[-1]))
        end--;
    if (!tokens || tokens > SEGMENT_ELEMENTS || !slice_is(s->id, l->standard->closing))
        return false;
    s->tokens[tokens++] = (struct slice){token, (size_t)(end - token)};
    finish(l, s, tokens);
    s->special = true; /* so that nothing is read beyond the end */
    s->composed = l->standard->composed;
    l->at = l->text.input.len;
    struct fault fault = {.kind = FAULT_INTERCHANGE_END,
                          .severity = SEVERITY_WARNING,
                          .segment_id = s->id,
                          .reference = "",
                          .loop = ""};
    fault_add(NULL, f, l->standard, &fault, arena_printf(f->arena, "segment %zu of the file", l->number), "",
              "The terminator behind the last segment, %s, is missing; it is read all the same.",
              l->standard->closing);
    finding_place(f, s->at, 0, 0);
    return true;
}

int edi_lexer_next(struct edi_lexer *l, struct edi_segment *s, struct findings *f)
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
            s->composed = l->standard->composed;
            l->at = (size_t)(at + 1 - l->text.input.ptr);
            return 1;
        }
        if (l->text.input.len - l->block <= 64 && ends_unterminated(l, s, token, tokens, f))
            return 1;
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
