/* fuzz_map: any bytes as a document of an ERP, as X12 and as a canonical document, through the maps that come
 * with spoolgate. What a map gives must be in order by the schema; what is written must be read back, and
 * then write the same bytes; a reader that remembers must answer as one that does not. A difference aborts.
 *
 *   clang -fsanitize=fuzzer,address,undefined … ; top_srcdir=. fuzz_map samples/documents
 *
 * Without libFuzzer, -DFUZZ_MAIN gives a main that runs the files named on the command line, and with -n
 * ROUNDS before them mutations of those files. */
#include "edi/x12/envelope.h"
#include "map/program.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *directories[2];
static struct map_library *library;
static const struct map *order, *customer, *supplier, *x850, *x810, *mosaic850, *mosaic810;

static const struct envelope profile = {
    .delimiters = {.element = '\x1d', .component = '\x1f', .segment = '\x1c'},
    .sender_qualifier = "ZZ",
    .sender_id = "SENDER",
    .receiver_qualifier = "ZZ",
    .receiver_id = "RECEIVER",
    .application_sender = "SENDER",
    .application_receiver = "RECEIVER",
    .version = "004010",
    .usage = 'T',
    .control_number = 1,
    .prepared = 1772445600};

static void open_once(void)
{
    static char path[1024];
    static struct arena arena;
    struct findings f = {.arena = &arena};
    const char *top = getenv("top_srcdir");
    if (library)
        return;
    snprintf(path, sizeof path, "%s/translators", top ? top : ".");
    directories[0] = path;
    library = map_library_open(directories);
    order = map_load(library, "visma/purchase-order", &f);
    customer = map_load(library, "visma/customer-invoice", &f);
    supplier = map_load(library, "visma/supplier-invoice", &f);
    x850 = map_load(library, "x12/850", &f);
    x810 = map_load(library, "x12/810", &f);
    mosaic850 = map_load(library, "orderful/850", &f);
    mosaic810 = map_load(library, "orderful/810", &f);
    if (f.errors) {
        fputs("fuzz_map: the maps do not load\n", stderr);
        exit(1);
    }
}

static void same(const struct node *a, const struct node *b)
{
    if (!a != !b)
        abort();
    if (!a)
        return;
    if (a->kind != b->kind || a->tag != b->tag || !slice_equal(a->name, b->name) ||
        !slice_equal(a->text, b->text))
        abort();
    const struct node *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        same(x, y);
    if (x || y)
        abort();
}

/* The trie of a map, without what its reader remembers. */
static void copy_wanted(struct arena *a, const struct wanted *from, struct wanted *to)
{
    for (const struct wanted *w = from->first; w; w = w->next) {
        struct wanted *copy = wanted_member(a, to, w->name);
        copy->whole = w->whole;
        copy_wanted(a, w, copy);
    }
}

static void memory_changes_nothing(struct slice bytes, struct arena *a)
{
    struct wanted cold = {0};
    struct findings f = {.arena = a}, g = {.arena = a};
    struct syntax_options o = {.wanted = &order->wanted};
    copy_wanted(a, &order->wanted, &cold);
    struct node *warm = syntax_json.read(&o, bytes, &f);
    o.wanted = &cold;
    same(warm, syntax_json.read(&o, bytes, &g));
}

/* Writes, reads what was written, writes that: the same bytes. */
static void go_round(const struct map *m, const struct node *canonical, struct arena *a)
{
    struct findings f = {.arena = a};
    struct map_variable partner = {"partner", "P"};
    struct map_run run = {.variables = &partner, .variable_count = 1, .findings = &f};
    struct syntax_options o = {.envelope = &profile};
    struct buffer first = {0}, second = {0};
    const char *skipped;
    if (map_write(m, NULL, canonical, &o, &run, &first) < 0) {
        if (!f.errors || first.len)
            abort();
    } else if (map_reads(m)) {
        struct node *again = map_read(m, buffer_as_slice(&first), &run, &skipped);
        if (!again || map_write(m, NULL, again, &o, &run, &second) < 0 || first.len != second.len ||
            memcmp(first.ptr, second.ptr, first.len) != 0)
            abort();
    }
    buffer_free(&first);
    buffer_free(&second);
}

static void read_and_write(const struct map *in, struct slice bytes, const struct map *const out[2],
                           struct arena *a)
{
    struct findings f = {.arena = a};
    struct map_variable partner = {"partner", "P"};
    struct map_run run = {.variables = &partner, .variable_count = 1, .findings = &f};
    const char *skipped;
    struct node *n = map_read(in, bytes, &run, &skipped);
    if (!n != (f.errors != 0))
        abort();
    if (!n || skipped)
        return;
    if (canonical_check(library, n, &f) < 0)
        abort();
    for (int i = 0; i < 2; i++)
        go_round(out[i], n, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena a;
    open_once();
    struct slice bytes = slice_make((const char *)data, size);
    const struct map *const orders[] = {x850, mosaic850}, *const invoices[] = {x810, mosaic810};
    arena_reset(&a);
    read_and_write(order, bytes, orders, &a);
    read_and_write(customer, bytes, invoices, &a);
    read_and_write(supplier, bytes, invoices, &a);
    read_and_write(x850, bytes, orders, &a);
    read_and_write(x810, bytes, invoices, &a);
    memory_changes_nothing(bytes, &a);
    struct findings f = {.arena = &a};
    struct node *n = syntax_json.read(NULL, bytes, &f);
    if (n && canonical_check(library, n, &f) == 0)
        for (int i = 0; i < 2; i++)
            go_round(slice_is(node_text_at(n, "type"), "order") ? orders[i] : invoices[i], n, &a);
    struct buffer out = {0};
    map_explain(x850, bytes, NULL, 0, &out, &f);
    buffer_free(&out);
    return 0;
}

#ifdef FUZZ_MAIN
#include "base/file.h"
#include <fcntl.h>

static unsigned number(size_t below)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 33) % (below ? below : 1));
}

static void mutate(struct buffer *b)
{
    for (unsigned n = 1 + number(3); n && b->len > 8; n--) {
        size_t at = number(b->len - 4), from = number(b->len - 4), len = 1 + number(16);
        size_t most = b->len - (from > at ? from : at);
        if (number(2))
            b->ptr[at] = (char)number(256);
        else
            memmove(b->ptr + at, b->ptr + from, len < most ? len : most);
    }
}

int main(int argc, char **argv)
{
    unsigned rounds = 0;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        rounds = (unsigned)strtoul(argv[2], NULL, 10);
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        struct buffer original = {0}, text = {0};
        if (file_read(AT_FDCWD, argv[i], 64u << 20, &original) < 0)
            continue;
        for (unsigned k = 0; k <= rounds; k++) {
            buffer_clear(&text);
            buffer_slice(&text, buffer_as_slice(&original));
            if (k)
                mutate(&text);
            LLVMFuzzerTestOneInput((const uint8_t *)text.ptr, text.len);
        }
        buffer_free(&original);
        buffer_free(&text);
    }
    return 0;
}
#endif
