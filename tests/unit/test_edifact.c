/* EDIFACT read: delimiters, released bytes, character sets, numbers, groups, and what is wrong said in words.
 * The same engine as X12's does the rest, and is tested there. The corpus of real files is read where it is
 * present
 * (../shared/corpus beside the sources). */
#include "test_edi.h"
#include "edi/edifact/edifact.h"
#include "base/file.h"
#include <fcntl.h>

#define UNB "UNB+UNOC:3+7080000000001:14+7080000000002:14+260312:0914+IC1'"
#define HEAD "BGM+220+PO-100245+9'DTM+137:20260312:102'NAD+BY+7080000000001::9'NAD+SU+7080000000002::9'"
#define LINES "LIN+1++7080000012345:EN'QTY+21:120:PCE'PRI+AAA:34.5'"
#define ORDERS_TEXT UNB "UNH+1+ORDERS:D:96A:UN:EAN008'" HEAD LINES "UNS+S'CNT+2:1'UNT+11+1'UNZ+1+IC1'"

/* Stays: what was read bears names of its sets. */
static struct dictionary_library *library(void)
{
    static struct dictionary_library *l;
    return l ? l : (l = open_library());
}

struct got {
    struct arena arena;
    struct findings f;
    struct edifact_header header;
    struct node *message;
    int result;
    unsigned good, bad;
    char first[512]; /* the first finding that is an error */
};

static void note(struct got *g)
{
    for (const struct finding *i = g->f.first; i && !*g->first; i = i->next)
        if (i->severity == SEVERITY_ERROR)
            snprintf(g->first, sizeof g->first, "%s | %s | %s", i->code, i->where, i->what);
}

/* Reads all; the last good message stays in g. */
static void read_all(struct got *g, struct slice input)
{
    struct dictionary_library *l = library();
    *g = (struct got){.f = {.arena = &g->arena}};
    struct edifact_reader *r = edifact_reader_open(l, input, &g->f);
    g->result = -1;
    for (struct node *message; r && (g->result = edifact_reader_step(r, &g->header, &message, &g->f)) > 0;) {
        g->good += g->result == 1;
        g->bad += g->result == 2;
        g->message = message ? message : g->message;
    }
    note(g);
    edifact_reader_close(r);
}

static const char *text_below(struct got *g, const char *loop, const char *segment, unsigned element,
                              unsigned component)
{
    const struct node *n = g->message;
    if (n && loop)
        n = node_member(n, slice_of(loop));
    n = node_tagged(node_member(n, slice_of(segment)), element);
    if (n && component)
        n = node_tagged(n, component);
    return n ? arena_text(&g->arena, n->text) : "(none)";
}

static void an_order_is_a_tree(void **state)
{
    (void)state;
    struct got g;
    read_all(&g, SLICE(ORDERS_TEXT));
    assert_string_equal(g.first, "");
    assert_int_equal(g.good, 1);
    assert_true(slice_is(g.header.message, "ORDERS") && slice_is(g.header.release, "96A"));
    assert_true(slice_is(g.header.association, "EAN008") && slice_is(g.header.sender_id, "7080000000001"));
    assert_string_equal(text_below(&g, NULL, "BGM", 2, 0), "PO-100245");
    assert_string_equal(text_below(&g, NULL, "DTM", 1, 2), "20260312");
    assert_string_equal(text_below(&g, "LIN", "QTY", 1, 2), "120");
    assert_string_equal(text_below(&g, "NAD", "NAD", 2, 3), "9");
    arena_free(&g.arena);
}

static void what_una_says_holds(void **state)
{
    (void)state;
    struct got g;
    read_all(
        &g,
        SLICE("UNA|^,! "
              "~\r\nUNB^UNOC|3^A^B^260312|0914^IC1~\r\nUNH^1^ORDERS|D|96A|UN~\nBGM^220^7~DTM^137|20260312|"
              "102~LIN^1~QTY^21|12,5~FTX^AAI^^^100!^C und !!~UNS^S~UNT^8^1~\nUNZ^1^IC1~"));
    assert_string_equal(g.first, "");
    assert_int_equal(g.good, 1);
    assert_string_equal(text_below(&g, "LIN", "QTY", 1, 2), "12.5");
    assert_string_equal(text_below(&g, "LIN", "FTX", 4, 1), "100^C und !");
    arena_free(&g.arena);
}

static void texts_become_utf8(void **state)
{
    (void)state;
    struct got g;
    read_all(&g,
             SLICE(UNB
                   "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'FTX+AAI+++R\xf8kelaks, 5?'3'LIN+1'"
                   "UNS+S'UNT+7+1'UNZ+1+IC1'"));
    assert_string_equal(g.first, "");
    assert_string_equal(text_below(&g, NULL, "FTX", 4, 1), "R\xc3\xb8kelaks, 5'3");
    arena_free(&g.arena);
}

static void a_group_behind_uns_is_the_summary_s(void **state)
{
    (void)state;
    struct got g;
    read_all(
        &g,
        SLICE(UNB
              "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'ALC+C'MOA+8:5'LIN+1'ALC+A'MOA+8:2'UNS+S'"
              "ALC+C'MOA+8:100'UNT+12+1'UNZ+1+IC1'"));
    assert_string_equal(g.first, "");
    unsigned outer = 0;
    for (const struct node *n = g.message->first; n; n = n->next)
        outer += slice_is(n->name, "ALC");
    assert_int_equal(outer, 2);
    arena_free(&g.arena);
}

static void repetitions_are_those_of_syntax_4(void **state)
{
    (void)state;
    struct got g;
    read_all(&g, SLICE("UNB+UNOC:4+A+B+20260312:0914+IC1'UNH+1+ORDERS:D:01B:UN'BGM+220+7'DTM+137:20260312:"
                       "102'NAD+BY+1::9'"
                       "CTA+OC'COM+a@b.example:EM*4722:TE'LIN+1'UNS+S'UNT+9+1'UNZ+1+IC1'"));
    assert_string_equal(g.first, "");
    assert_int_equal(g.good, 1);
    arena_free(&g.arena);
}

static const struct {
    const char *input, *code, *where, *what;
    unsigned good;
} wrong[] = {
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'LIN+1'UNS+S'UNT+7+1'UNZ+1+IC1'",
     "edifact.set.count", "ORDERS 1, segment 6, UNT", "UNT counts 7 segments; there are 6", 0},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'LIN+1'UNS+S'UNT+6+2'UNZ+1+IC1'",
     "edifact.set.control-number", "UNT", "reference in UNT is 2, in UNH 1", 0},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'LIN+1'UNS+S'UNT+5+1'UNZ+1+IC1'", "edifact.segment.missing",
     "segment 3, LIN+1", "mandatory segment DTM", 0},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'LIN+1'QTY+21:viele'UNS+S'UNT+7+1'UNZ+1+IC1'",
     "edifact.element.character", "QTY", "is no number", 0},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'LIN+1'QTY+21:.5'UNS+S'UNT+7+1'UNZ+1+IC1'",
     "edifact.element.character", "QTY", "is no number", 0},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102:1:2'LIN+1'UNS+S'UNT+6+1'UNZ+1+IC1'",
     "edifact.element.components", "DTM", "There are 5 components", 0},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'LIN+1'UNS+S'UNZ+1+IC1'", "edifact.set.trailer",
     "UNZ", "has no UNT", 0},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'LIN+1'UNS+S'UNT+6+1'UNZ+2+IC1'",
     "edifact.interchange.count", "UNZ", "UNZ counts 2 messages; there are 1", 1},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'LIN+1'UNS+S'UNT+6+1'UNZ+1+IC2'",
     "edifact.interchange.control-number", "UNZ", "in UNZ is IC2, in UNB IC1", 1},
    {UNB "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'LIN+1'UNS+S'UNT+6+1'",
     "edifact.interchange.end", "", "UNZ is missing", 1},
    {UNB "UNH+1+ORDERS:D:97A:UN'BGM+220+7'UNT+3+1'UNZ+1+IC1'", "dictionary.version", "edifact/D97A",
     "present: ", 0},
    {UNB "UNH+1+PRICAT:D:96A:UN'BGM+220+7'UNT+3+1'UNZ+1+IC1'", "edifact.set.unknown", "PRICAT",
     "no message PRICAT", 0},
    {"UNB+UNOX:3+A+B+260312:0914+IC1'UNZ+0+IC1'", "edifact.interchange.header", "UNB", "UNOX", 0},
    {"UNB+UNOC:9+A+B+260312:0914+IC1'UNZ+0+IC1'", "edifact.interchange.header", "UNB", "there are 1 to 4", 0},
    {"UNA:+.?:'UNB+UNOC:3'", "edifact.segment", "", "", 0},
    {"UNA::.? 'UNB:UNOC", "edifact.interchange.separator", "byte 1", "are both \":\"", 0},
    {"UNA", "edifact.interchange.end", "byte 1", "inside the UNA", 0},
    {"UNB*UNOC:3*", "edifact.interchange.separator", "byte 1", "Behind UNB stands", 0},
    {"", "edifact.interchange.structure", "byte 1", "begins with UNA or UNB", 0},
};

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct got g;
        if (!*wrong[i].where && !*wrong[i].what) { /* it must not crash; what is said does not matter */
            read_all(&g, slice_of(wrong[i].input));
            arena_free(&g.arena);
            continue;
        }
        read_all(&g, slice_of(wrong[i].input));
        if (strncmp(g.first, wrong[i].code, strlen(wrong[i].code)) != 0 || !strstr(g.first, wrong[i].where) ||
            !strstr(g.first, wrong[i].what) || g.good != wrong[i].good)
            fail_msg("row %zu: %u good, %s", i, g.good, *g.first ? g.first : "nothing wrong");
        arena_free(&g.arena);
    }
}

/* Every cut of a good interchange ends with a word, and none of them is good. */
static void a_file_cut_anywhere_is_told(void **state)
{
    (void)state;
    struct slice whole = SLICE(ORDERS_TEXT);
    for (size_t n = 0; n + 1 < whole.len; n++) {
        char *copy = malloc(n ? n : 1); /* so that reading beyond the end is seen */
        struct got g;
        memcpy(copy, whole.ptr, n);
        read_all(&g, slice_make(copy, n));
        if (!*g.first || g.result != -1)
            fail_msg("cut behind %zu bytes: nothing wrong", n);
        arena_free(&g.arena);
        free(copy);
    }
}

/* ---- writing ---- */

static const struct edifact_envelope profile = {
    .delimiters = {.element = '+', .component = ':', .segment = '\'', .release = '?', .decimal = '.'},
    .syntax = "UNOC",
    .syntax_version = '3',
    .sender_id = "7080000000001",
    .sender_qualifier = "14",
    .recipient_id = "7080000000002",
    .recipient_qualifier = "14",
    .application_reference = "",
    .version = "D",
    .release = "96A",
    .agency = "UN",
    .association = "EAN008",
    .control_number = 42,
    .prepared = 1773306840};

/* The message in g, as e says; what was written is in out, and what was wrong in g->first. */
static int write_again(struct got *g, const struct edifact_envelope *e, struct buffer *out)
{
    struct dictionary_library *l = library();
    struct findings f = {.arena = &g->arena};
    bool service = slice_is(g->header.message, "CONTRL");
    const char *directory = service ? arena_printf(&g->arena, "service/%c", e->syntax_version)
                                    : arena_printf(&g->arena, "%.*s%.*s", SLICE_ARG(g->header.version),
                                                   SLICE_ARG(g->header.release));
    const struct dictionary *d = dictionary_load_of(l, &standard_edifact, directory, &f);
    int result = edifact_write(l, d, dictionary_set(d, arena_text(&g->arena, g->message->name)), g->message,
                               e, out, &f);
    g->f = f;
    *g->first = '\0';
    note(g);
    return result;
}

static void what_is_written_is_what_was_read(void **state)
{
    (void)state;
    struct got g;
    struct buffer out = {0};
    read_all(&g, SLICE(ORDERS_TEXT));
    assert_int_equal(write_again(&g, &profile, &out), 0);
    assert_string_equal(out.ptr,
                        "UNB+UNOC:3+7080000000001:14+7080000000002:14+260312:0914+42'"
                        "UNH+1+ORDERS:D:96A:UN:EAN008'" HEAD LINES "UNS+S'CNT+2:1'UNT+11+1'UNZ+1+42'");
    buffer_free(&out);
    arena_free(&g.arena);
}

static void texts_are_written_in_the_partner_s_form(void **state)
{
    (void)state;
    struct got g;
    struct buffer out = {0};
    struct edifact_envelope e = profile;
    read_all(
        &g,
        SLICE(UNB
              "UNH+1+ORDERS:D:96A:UN'BGM+220+7'DTM+137:20260312:102'FTX+AAI+++R\xf8kelaks?: 5?'3?\?'LIN+1'"
              "QTY+21:12.5'UNS+S'UNT+8+1'UNZ+1+IC1'"));
    assert_int_equal(write_again(&g, &e, &out), 0);
    assert_non_null(strstr(out.ptr, "FTX+AAI+++R\xf8kelaks?: 5?'3?\?'"));
    buffer_clear(&out);
    e.delimiters =
        (struct delimiters){.element = '^', .component = '|', .segment = '~', .release = '!', .decimal = ','};
    e.syntax = "UNOY";
    e.syntax_version = '4';
    assert_int_equal(write_again(&g, &e, &out), 0);
    assert_non_null(strstr(out.ptr, "UNA|^,! ~UNB^UNOY|4^"));
    assert_non_null(strstr(out.ptr, "FTX^AAI^^^R\xc3\xb8kelaks: 5'3?~"));
    assert_non_null(strstr(out.ptr, "QTY^21|12,5~"));
    buffer_clear(&out);
    e = profile;
    e.syntax = "UNOE";
    assert_int_equal(write_again(&g, &e, &out), -1);
    assert_int_equal(out.len, 0);
    assert_non_null(strstr(g.first, "element FTX04-1"));
    assert_non_null(strstr(g.first, "a character that UNOE, this partner's character set, does not have"));
    e.syntax = "UNOA"; /* which has no small letters */
    assert_int_equal(write_again(&g, &e, &out), -1);
    assert_non_null(strstr(g.first, "a character that UNOA"));
    e = profile;
    e.syntax_version = '5';
    assert_int_equal(write_again(&g, &e, &out), -1);
    e = profile;
    e.sender_id = "";
    assert_int_equal(write_again(&g, &e, &out), -1);
    assert_non_null(strstr(g.first, "envelope, segment"));
    assert_int_equal(out.len, 0);
    buffer_free(&out);
    arena_free(&g.arena);
}

static void same_tree(const struct node *a, const struct node *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->tag, b->tag);
    assert_true(slice_equal(a->name, b->name));
    if (a->kind == NODE_STRING)
        assert_true(slice_equal(a->text, b->text));
    const struct node *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        same_tree(x, y);
    assert_true(!x && !y);
}

/* ---- the corpus ---- */

/* What was understood is written, and reads equal. */
static void write_and_read(struct got *g)
{
    struct edifact_envelope e = profile;
    struct buffer out = {0};
    struct got again;
    e.syntax_version = g->header.syntax_version;
    if (e.syntax_version == '4')
        e.delimiters.repetition = '*';
    e.syntax = slice_is(g->header.syntax, "UNOA") || slice_is(g->header.syntax, "UNOB")
                   ? "UNOC"
                   : arena_text(&g->arena, g->header.syntax);
    e.version = arena_text(&g->arena, g->header.version);
    e.release = arena_text(&g->arena, g->header.release);
    e.association = "";
    if (write_again(g, &e, &out))
        fail_msg("it cannot be written again: %s", g->first);
    read_all(&again, buffer_as_slice(&out));
    if (again.good != 1)
        fail_msg("it cannot be read again: %s", again.first);
    same_tree(g->message, again.message);
    arena_free(&again.arena);
    buffer_free(&out);
}

/* Read otherwise than its manifest says: no directory or message of ours (its checker had them all), or as
 * noted. */
static const char *const differing[][2] = {
    {"contrl-41-edifactnet-01.edi",
     "UNB S001 0002, the syntax version, is mandatory (ISO 9735, annex B) and missing"},
    {"contrl-d3-edifactmappe-01.edi",
     "0098 is n..3 and \"X\"; the manifest's checker judged CONTRL by structure only"},
    {"invoic-d97b-staedi-04.edi",
     "lines broken inside segments, the UNB's among them: not put together here"},
    {"invoic-d97b-staedi-05.edi", "the same"},
    {"partin-d01b-edifactconve-01.edi",
     "UNOX is code extension, which is not read (edifact.md, character sets)"},
};

static bool is_explained(const char *file, const char *first)
{
    if (strstr(first, "dictionary.version") || strstr(first, "edifact.set.unknown") ||
        strstr(first, "edifact.group.version"))
        return true;
    for (size_t i = 0; i < sizeof differing / sizeof *differing; i++)
        if (!strcmp(file, differing[i][0]))
            return true;
    return false;
}

static void the_corpus_is_read_as_its_manifest_says(void **state)
{
    (void)state;
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/../shared/corpus", source_directory());
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct buffer manifest = {0};
    if (at < 0 || file_read(at, "manifest.tsv", 16u << 20, &manifest) < 0) {
        print_message("the corpus is not beside the sources: skipped\n");
        skip();
    }
    unsigned good = 0, differ = 0;
    for (char *line = strtok(manifest.ptr, "\n"); line; line = strtok(NULL, "\n")) {
        char *fields[10] = {line};
        unsigned n = 1;
        for (char *tab = line; n < 10 && (tab = strchr(tab, '\t')); n++) {
            *tab++ = '\0';
            fields[n] = tab;
        }
        if (n < 9 || strncmp(line, "edifact/", 8) != 0 || strncmp(fields[8], "unknown", 7) == 0)
            continue;
        struct buffer text = {0};
        struct got g;
        assert_int_equal(file_read(at, line, 64u << 20, &text), 0);
        read_all(&g, buffer_as_slice(&text));
        bool ok = g.result == 0 && !g.bad;
        if (ok && g.message)
            write_and_read(&g);
        if (ok == !strncmp(fields[8], "ok", 2))
            good++;
        else if (!ok && is_explained(line + 8, g.first))
            differ++;
        else
            fail_msg("%s: the manifest says %.80s, we say %s", line, fields[8], *g.first ? g.first : "ok");
        arena_free(&g.arena);
        buffer_free(&text);
    }
    print_message("%u files as the manifest says, %u otherwise for a reason\n", good, differ);
    assert_true(good > 150);
    buffer_free(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_a_tree),
        cmocka_unit_test(what_una_says_holds),
        cmocka_unit_test(texts_become_utf8),
        cmocka_unit_test(a_group_behind_uns_is_the_summary_s),
        cmocka_unit_test(repetitions_are_those_of_syntax_4),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_file_cut_anywhere_is_told),
        cmocka_unit_test(what_is_written_is_what_was_read),
        cmocka_unit_test(texts_are_written_in_the_partner_s_form),
        cmocka_unit_test(the_corpus_is_read_as_its_manifest_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
