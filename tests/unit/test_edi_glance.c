/* What the reader settles quickly is what it would settle slowly: a value that is right at a glance is right,
 * most right values are seen to be at a glance, a walk that remembers its steps goes where one without memory
 * goes, and the lexer cuts alike whether it looks at 64 bytes at once or through its table. Random inputs,
 * the same in each run. */
#include "test_edi.h"
#include "edi/element.h"
#include "edi/glance.h"
#include "edi/walk.h"

static uint64_t seed = 1;

static unsigned below(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % n;
}

/* ---- values ---- */

static const char *const values[] = {
    "0",         "1",         "-1",
    "34.5",      ".5",        "5.",
    ".",         "-",         "1.2.3",
    "12345678",  "99999999",  "20260312",
    "20260230",  "20260231",  "00000101",
    "20261301",  "20260100",  "00010101",
    "EA",        "ea",        " EA",
    "EA ",       "  ",        " ",
    "ZZ",        "0a",        "1:2",
    "1/2",       "1;2",       "PO-1",
    "00",        "000",       "0000",
    "SA",        "92",        "1234567",
    "123456789", "1234567.9", "Smoked salmon 200 g",
    "+1",        "1e5",       "0x1",
    "12 4",      "2026 312",  "24:0",
};

static struct slice random_value(char text[32])
{
    static const char digits[] = "0123456789", odd[] = "0123456789.-+ :/;AaZz~*_";
    const char *from = below(2) ? digits : odd;
    size_t choices = from == digits ? sizeof digits - 1 : sizeof odd - 1, n = 1 + below(12);
    for (size_t i = 0; i < n; i++)
        text[i] = from[below((unsigned)choices)];
    return slice_make(text, n);
}

/* Whether the value is right, having looked that a glance says nothing else. */
static unsigned compare(const struct element_rule *r, const struct element *e, struct slice v,
                        unsigned *glanced)
{
    bool right = element_check(e, v, true) == FAULT_NONE, seen = glance(r, v, 0);
    if (seen && !right)
        fail_msg("\"%.*s\" is right at a glance for element %s, and is not", SLICE_ARG(v), e->id);
    *glanced += seen;
    return right;
}

static void glance_approves_only_what_is_right(void **state)
{
    (void)state;
    struct dictionary_library *l = open_library();
    struct arena a = {0};
    struct findings f = {.arena = &a};
    const struct dictionary_tables *d = (const struct dictionary_tables *)dictionary_load(l, "004010", &f);
    unsigned right = 0, glanced = 0;
    assert_non_null(d);
    for (size_t i = 0; i < d->segment_count; i++) {
        const struct segment_plan *s = &d->segments[i];
        for (size_t n = 0; n < s->segment.count; n++) {
            const struct element *e = s->segment.positions[n].element;
            char text[64] = "";
            if (!e || !(s->simple >> n & 1))
                continue;
            for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
                memcpy(text, values[k], strlen(values[k]) + 1); /* room for eight bytes behind each byte */
                right += compare(&s->rules[n], e, slice_of(text), &glanced);
            }
            for (unsigned k = 0; k < 200; k++)
                right += compare(&s->rules[n], e, random_value(text), &glanced);
            for (size_t k = 0; e->codes && k < e->codes->count && k < 50; k++) {
                struct slice code = e->codes->codes[k];
                memcpy(text, code.ptr, code.len);
                right += compare(&s->rules[n], e, slice_make(text, code.len), &glanced);
            }
        }
    }
    /* or the reader would be slow again without anybody noticing */
    if (glanced < right / 10 * 7)
        fail_msg("only %u of %u right values were seen to be right at a glance", glanced, right);
    dictionary_library_close(l);
    arena_free(&a);
}

/* ---- steps ---- */

struct told {
    unsigned count;
    const struct set_item *items[64];
};

static void tell(void *context, const struct walk_level *level, const struct set_item *item)
{
    struct told *t = context;
    (void)level;
    if (t->count < 64)
        t->items[t->count] = item;
    t->count++;
}

static void same_place(const struct walk *a, const struct walk *b)
{
    assert_int_equal(a->depth, b->depth);
    for (unsigned i = 0; i <= a->depth; i++) {
        assert_ptr_equal(a->levels[i].items, b->levels[i].items);
        assert_ptr_equal(a->levels[i].loop, b->levels[i].loop);
        assert_int_equal(a->levels[i].index, b->levels[i].index);
        assert_int_equal(a->levels[i].uses, b->levels[i].uses);
    }
}

/* A segment that the walk could well meet next, or any of the dictionary. */
static const struct segment_plan *likely(const struct dictionary_tables *d, const struct walk *w)
{
    const struct walk_level *l = &w->levels[below(w->depth + 1)];
    if (below(12) == 0)
        return &d->segments[below((unsigned)d->segment_count)];
    size_t from = below(4) ? l->index : 0, left = l->count - from;
    return plan_of(l->items[from + below((unsigned)(left < 3 ? left : 3))].segment);
}

static unsigned walk_both(const struct dictionary_tables *d, const struct set *set, struct walk_steps *steps)
{
    struct walk plain = {.steps = NULL}, quick = {.steps = steps};
    unsigned again = 0;
    walk_open(&plain, set);
    walk_open(&quick, set);
    for (unsigned i = 0; i < 50; i++) {
        const struct segment_plan *s = likely(d, &plain);
        struct told a = {0}, b = {0};
        enum walk_result ra = walk_segment(&plain, set, &s->segment, tell, &a), rb;
        const struct walk_step *step = walk_again(&quick, s->key);
        if (step) {
            assert_ptr_equal(step->segment, s);
            rb = step->loop ? WALK_LOOP : WALK_HERE;
            again++;
        } else {
            rb = walk_segment(&quick, set, &s->segment, tell, &b);
        }
        assert_int_equal(ra, rb);
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.items, b.items, sizeof a.items);
        same_place(&plain, &quick);
    }
    return again;
}

static void a_remembered_step_leads_to_the_same_place(void **state)
{
    (void)state;
    struct dictionary_library *l = open_library();
    struct arena a = {0};
    struct findings f = {.arena = &a};
    const struct dictionary *d = dictionary_load(l, "004010", &f);
    struct walk_steps steps = {0};
    unsigned again = 0;
    assert_non_null(d);
    for (unsigned round = 0; round < 600; round++) {
        const struct set *set;
        for (size_t n = 0; (set = dictionary_set_at(d, n)); n++)
            again += walk_both((const struct dictionary_tables *)d, set, &steps);
    }
    if (again < 1000)
        fail_msg("only %u steps were gone again: that shows nothing", again);
    dictionary_library_close(l);
    arena_free(&a);
}

/* ---- lexer ---- */

/* The segments of the input as "id|element|…", one a line, cut by hand. */
static void cut_by_hand(struct slice body, struct buffer *out)
{
    bool between = true;
    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        if (between && strchr(" \r\n\t\x1a", c) && c)
            continue;
        between = c == '~';
        if (c == '~') { /* empty elements at the end do not count */
            while (out->len && out->ptr[out->len - 1] == '|')
                out->len--;
            buffer_byte(out, '\n');
        } else
            buffer_byte(out, c == '*' ? '|' : c);
    }
}

static void the_lexer_cuts_alike_wherever_it_begins(void **state)
{
    (void)state;
    static const char bytes[] = "AB1 *~>**~~\n\r\xc3\xb8\x7f";
    for (unsigned round = 0; round < 3000; round++) {
        struct buffer in = {0}, wanted = {0}, got = {0};
        struct arena a = {0};
        struct findings f = {.arena = &a};
        struct edi_lexer l;
        struct edi_segment s;
        buffer_text(&in, ISA_TEXT);
        size_t start = in.len;
        for (unsigned n = below(300); n; n--)
            buffer_byte(&in, bytes[below(sizeof bytes - 1)]);
        buffer_byte(&in, 'X');
        buffer_byte(&in, '~');
        cut_by_hand(slice_make(in.ptr + start, in.len - start), &wanted);
        assert_int_equal(x12_lexer_open(&l, buffer_as_slice(&in), &f), 0);
        assert_int_equal(edi_lexer_next(&l, &s, &f), 1);
        while (edi_lexer_next(&l, &s, &f) == 1) {
            buffer_add(&got, s.id.ptr, s.id.len);
            for (unsigned i = 0; i < s.count; i++) {
                buffer_byte(&got, '|');
                buffer_add(&got, s.elements[i].ptr, s.elements[i].len);
            }
            buffer_byte(&got, '\n');
        }
        assert_null(f.first);
        assert_int_equal(wanted.len, got.len);
        assert_memory_equal(wanted.ptr, got.ptr, got.len);
        buffer_free(&in);
        buffer_free(&wanted);
        buffer_free(&got);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glance_approves_only_what_is_right),
        cmocka_unit_test(a_remembered_step_leads_to_the_same_place),
        cmocka_unit_test(the_lexer_cuts_alike_wherever_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
