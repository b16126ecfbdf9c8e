/* readable: an interchange for people, one segment a line, indented by group, set and loop. Shows also what
 * is wrong: segments without a place stand at the depth of their predecessor. Control characters are shown as
 * \xNN, so that a document cannot play tricks on a terminal. Fails only where no segments can be told apart.
 */
#include "base/utf8.h"
#include "edi/walk.h"
#include "edi/x12/x12.h"

struct printing {
    struct dictionary_library *library;
    const struct dictionary *dictionary;
    const struct set *set;
    struct walk walk;
    unsigned depth; /* of the line to be printed */
};

static void put_shown(struct buffer *out, struct slice s)
{
    while (s.len) {
        size_t n = utf8_sequence(s);
        if (n == 0 || utf8_control(s, n)) {
            buffer_printf(out, "\\x%02X", (unsigned)(unsigned char)s.ptr[0]);
            n = 1;
        } else {
            buffer_add(out, s.ptr, n);
        }
        s = slice_make(s.ptr + n, s.len - n);
    }
}

static void put_line(const struct printing *p, const struct edi_segment *s, char separator,
                     struct buffer *out)
{
    for (unsigned i = 0; i < p->depth; i++)
        buffer_text(out, "  ");
    put_shown(out, s->id);
    for (unsigned i = 0; i < s->count; i++) {
        put_shown(out, slice_make(&separator, 1));
        put_shown(out, s->elements[i]);
    }
    buffer_byte(out, '\n');
}

static const char *text_of(struct arena *a, const struct edi_segment *s, unsigned n)
{
    return n <= s->count ? arena_text(a, s->elements[n - 1]) : "";
}

static void place(struct printing *p, const struct edi_segment *s, struct arena *a)
{
    struct findings quiet = {.arena = a};
    if (slice_is(s->id, "GS")) {
        p->dictionary = dictionary_load(p->library, text_of(a, s, 8), &quiet);
        p->set = NULL;
        p->depth = 0;
    } else if (slice_is(s->id, "ST")) {
        p->set = p->dictionary ? dictionary_set(p->dictionary, text_of(a, s, 1)) : NULL;
        if (p->set)
            walk_open(&p->walk, p->set);
        p->depth = 1;
    } else if (slice_is(s->id, "SE")) {
        p->set = NULL;
        p->depth = 1;
    } else if (slice_is(s->id, "GE") || slice_is(s->id, "IEA") || slice_is(s->id, "ISA")) {
        p->depth = 0;
    } else if (p->set) {
        const struct segment *known = dictionary_segment(p->dictionary, s->id);
        enum walk_result r = known ? walk_segment(&p->walk, p->set, known, NULL, NULL) : WALK_NOT_IN_SET;
        /* A loop's first segment stands one less deep than what it holds. */
        bool opens = r == WALK_LOOP || r == WALK_LOOP_TOO_MANY;
        p->depth = 2 + p->walk.depth - (opens ? 1 : 0);
    }
}

int x12_print_readable(struct slice interchange, struct dictionary_library *l, struct buffer *out,
                       struct findings *f)
{
    struct printing p = {.library = l};
    struct edi_lexer lexer;
    struct edi_segment s;
    struct arena a = {0};
    int got = x12_lexer_open(&lexer, interchange, f) ? -1 : 1;
    while (got == 1 && (got = edi_lexer_next(&lexer, &s, f)) == 1) {
        place(&p, &s, &a);
        put_line(&p, &s, lexer.text.delimiters.element, out);
        arena_reset(&a);
        /* A further interchange has delimiters of its own. */
        if (slice_is(s.id, "IEA") && edi_lexer_more(&lexer) && x12_lexer_interchange(&lexer, f))
            got = -1;
    }
    arena_free(&a);
    return got;
}
