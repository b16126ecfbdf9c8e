/* bench_x12: how fast the X12 engine reads and writes on one core.
 *
 *   bench_x12 [TRANSLATORS [MEGABYTES [SECONDS]]]
 *
 * Makes an interchange of that many megabytes from purchase orders of twenty lines, then measures: the lexer
 * alone; the reader with validation and tree; x12_write of one order's tree, validated; x12_write as JSON;
 * x12_format of its values. Each is run for at least SECONDS and the best pass is printed, with a plain
 * memchr pass over the same bytes beside it as the machine's own limit. */
#include "edi/x12/x12.h"
#include "syntax/syntax.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LINES 20

static const struct envelope profile = {.delimiters = {.element = '*', .component = '>', .segment = '~'},
                                        .sender_qualifier = "ZZ",
                                        .sender_id = "NORDMATBUYT",
                                        .receiver_qualifier = "ZZ",
                                        .receiver_id = "FJORDSELLT",
                                        .application_sender = "NORDMATBUYT",
                                        .application_receiver = "FJORDSELLT",
                                        .version = "004010",
                                        .usage = 'T',
                                        .control_number = 1,
                                        .prepared = 1773306840};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static unsigned add_order(struct buffer *b, unsigned n)
{
    unsigned segments = 13;
    buffer_printf(b, "ST*850*%04u~BEG*00*SA*PO-%06u**20260312~CUR*BY*NOK~REF*IA*50001~", n % 10000, n);
    buffer_text(b,
                "PER*BD*Kari Lund*TE*+4722000001*EM*kari@nordmat.example~ITD*01*3*****30~DTM*002*20260320~");
    buffer_text(b, "N1*BY*Nordmat AS*92*NM01~N1*ST*Nordmat Lager Oslo*92*WH-OSL~N3*Lagerveien 7*Port 4~");
    buffer_text(b, "N4*Oslo**0581*NO~");
    for (unsigned i = 1; i <= LINES; i++, segments += 2)
        buffer_printf(b, "PO1*%u*%u*EA*%u.%02u**IN*10-%04u*VN*FS-LAKS-%u~PID*F****Smoked salmon %u g~", i,
                      10 * i, 30 + i, 25 + i, 2200 + i, 100 + i, 100 + i);
    buffer_printf(b, "CTT*%u~SE*%u*%04u~", (unsigned)LINES, segments, n % 10000);
    return segments;
}

static void make_interchange(struct buffer *b, size_t bytes)
{
    unsigned sets = 0;
    buffer_text(b, "ISA*00*          *00*          *ZZ*NORDMATBUYT    *ZZ*FJORDSELLT     "
                   "*260312*0914*U*00401*000000001*0"
                   "*T*>~GS*PO*NORDMATBUYT*FJORDSELLT*20260312*0914*1*X*004010~");
    do
        add_order(b, ++sets);
    while (b->len < bytes);
    buffer_printf(b, "GE*%u*1~IEA*1*000000001~", sets);
}

struct task {
    struct slice input;
    struct dictionary_library *library;
    const struct node *tree;
    struct arena *arena, *scratch;
    struct buffer out;
    unsigned rounds;
};

static size_t scan(struct task *t)
{
    size_t n = 0;
    for (const char *p = t->input.ptr, *end = p + t->input.len; (p = memchr(p, '~', (size_t)(end - p))); p++)
        n++;
    return n;
}

static size_t lex(struct task *t)
{
    struct findings f = {.arena = t->scratch};
    struct edi_lexer l;
    struct edi_segment s;
    size_t n = 0;
    if (x12_lexer_open(&l, t->input, &f) == 0)
        while (edi_lexer_next(&l, &s, &f) == 1)
            n++;
    return n;
}

static void complain(const struct findings *f)
{
    struct buffer b = {0};
    findings_print(f, &b);
    fprintf(stderr, "bench_x12: %s\n", b.ptr ? b.ptr : "failed");
    exit(1);
}

static size_t read_sets(struct task *t)
{
    struct findings f = {.arena = t->scratch};
    struct x12_reader *r = x12_reader_open(t->library, t->input, &f);
    struct x12_header h;
    struct node *set;
    size_t n = 0;
    int got = r ? 0 : -1;
    while (r && (got = x12_reader_next(r, &h, &set, &f)) == 1)
        n++;
    if (got != 0)
        complain(&f);
    x12_reader_close(r);
    return n;
}

static size_t write_syntax(struct task *t, const struct syntax *syntax)
{
    struct findings f = {.arena = t->scratch};
    struct syntax_options o = {
        .dictionaries = t->library, .version = "004010", .set = "850", .envelope = &profile};
    for (unsigned i = 0; i < t->rounds; i++) {
        buffer_clear(&t->out);
        if (syntax->write(&o, t->tree, &t->out, &f))
            complain(&f);
    }
    arena_reset(t->scratch);
    return t->rounds;
}

static size_t write_x12(struct task *t)
{
    return write_syntax(t, &syntax_x12);
}

static size_t write_json(struct task *t)
{
    return write_syntax(t, &syntax_x12json);
}

/* What a map does for the values of one order: texts, codes, quantities, prices, dates. */
static size_t format_values(struct task *t)
{
    struct findings f = {.arena = t->scratch};
    const struct dictionary *d = dictionary_load(t->library, "004010", &f);
    const struct element *text = dictionary_element(d, "352"), *unit = dictionary_element(d, "355");
    const struct element *quantity = dictionary_element(d, "330"), *date = dictionary_element(d, "373");
    const char *why;
    for (unsigned i = 0; i < t->rounds; i++) {
        for (unsigned line = 0; line < LINES; line++) {
            x12_format(text, SLICE("Smoked salmon 200 g"), t->scratch, &why);
            x12_format(text, SLICE("FS-LAKS-200"), t->scratch, &why);
            x12_format(text, SLICE("10-2201"), t->scratch, &why);
            x12_format(unit, SLICE("EA"), t->scratch, &why);
            x12_format(quantity, SLICE("120.000"), t->scratch, &why);
            x12_format(quantity, SLICE("34.50"), t->scratch, &why);
            x12_format(quantity, SLICE("1"), t->scratch, &why);
        }
        x12_format(date, SLICE("2026-03-12"), t->scratch, &why);
        arena_reset(t->scratch);
    }
    return t->rounds;
}

static void measure(const char *what, size_t (*run)(struct task *), struct task *t, size_t bytes,
                    double seconds)
{
    double best = 1e9, start = now();
    size_t n = 0;
    do {
        double at = now();
        n = run(t);
        double took = now() - at;
        if (took < best)
            best = took;
    } while (now() - start < seconds);
    if (bytes)
        printf("%-28s %10.0f MB/s  %12.0f a second\n", what, (double)bytes / best / 1e6, (double)n / best);
    else
        printf("%-28s %10.2f us each %9.0f a second\n", what, best * 1e6 / (double)n, (double)n / best);
}

int main(int argc, char **argv)
{
    double seconds = argc > 3 ? atof(argv[3]) : 0.5;
    size_t megabytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 16;
    struct arena arena = {0}, scratch = {0};
    struct buffer text = {0};
    struct task t = {.library = dictionary_library_open(argc > 1 ? argv[1] : "translators"),
                     .arena = &arena,
                     .scratch = &scratch,
                     .rounds = 2000};
    struct findings f = {.arena = &arena};
    struct syntax_options o = {.dictionaries = t.library};
    make_interchange(&text, 1);
    struct buffer one = text;
    text = (struct buffer){0};
    t.tree = syntax_x12.read(&o, buffer_as_slice(&one), &f);
    if (!t.tree)
        complain(&f);
    make_interchange(&text, megabytes << 20);
    t.input = buffer_as_slice(&text);
    measure("memchr over the same bytes", scan, &t, text.len, seconds);
    measure("lexer (segments)", lex, &t, text.len, seconds);
    measure("read and validated (sets)", read_sets, &t, text.len, seconds);
    measure("x12_write, validated", write_x12, &t, 0, seconds);
    measure("x12json, validated", write_json, &t, 0, seconds);
    measure("x12_format of its values", format_values, &t, 0, seconds);
    printf("%-28s %10zu KB\n", "memory besides the input", (arena_used(&scratch) + 1023) / 1024);
    buffer_free(&text);
    buffer_free(&one);
    buffer_free(&t.out);
    dictionary_library_close(t.library);
    arena_free(&arena);
    arena_free(&scratch);
    return 0;
}
