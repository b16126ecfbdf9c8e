/* bench_translate: a Visma purchase order of 20 lines to a validated 850, on one core: the whole way and its
 * parts. The documents differ in numbers, names and lengths, as those of a day do: a loop over one document
 * would let the processor learn it by heart. usage: bench_translate [SECONDS], top_srcdir in the environment.
 */
#include "base/decimal.h"
#include "base/file.h"
#include "edi/x12/envelope.h"
#include "map/program.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DOCUMENTS 256

static struct buffer documents[DOCUMENTS];
static struct map_library *library;
static const struct map *reading, *writing;
static struct arena arena;
static struct findings findings;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void stop(const char *what)
{
    struct buffer text = {0};
    findings_print(&findings, &text);
    fprintf(stderr, "bench_translate: %s\n%s", what, text.ptr ? text.ptr : "");
    exit(1);
}

static unsigned random_number(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33);
}

struct change { /* what stands behind a piece of the sample, up to stop, becomes something else */
    const char *behind, *stop;
    enum { CHANGE_NUMBER, CHANGE_WORD, CHANGE_DAY, CHANGE_CHOICE } kind;
    const char *choices[4];
};

static void put_change(const struct change *c, struct buffer *out)
{
    switch (c->kind) {
    case CHANGE_NUMBER:
        buffer_printf(out, random_number() % 3 ? "%u.%u" : "%u.%02u", random_number() % 1000 + 1,
                      random_number() % 10);
        break;
    case CHANGE_WORD:
        for (unsigned n = random_number() % 30 + 1; n; n--)
            buffer_byte(out, (char)('a' + random_number() % 26));
        break;
    case CHANGE_DAY:
        buffer_printf(out, "2026-0%u-%02uT00:00:00", random_number() % 9 + 1, random_number() % 28 + 1);
        break;
    case CHANGE_CHOICE: buffer_text(out, c->choices[random_number() % 4]); break;
    }
}

/* The sample as another order: other items, texts, quantities, prices, dates, and now and then another
 * account, project or a note. What is the same in all orders of a company stays. */
static void vary(struct slice sample, struct buffer *out)
{
    static const struct change changes[] = {
        {"\"orderNbr\":\"", "\"", CHANGE_CHOICE, {"500255", "PO-2026-10077", "7", "500256"}},
        {"\"orderQty\":", ",", CHANGE_NUMBER, {0}},
        {"\"baseOrderQty\":", ",", CHANGE_NUMBER, {0}},
        {"\"unitCost\":", ",", CHANGE_NUMBER, {0}},
        {"\"unitCostInBaseCurrency\":", ",", CHANGE_NUMBER, {0}},
        {"\"extCost\":", ",", CHANGE_NUMBER, {0}},
        {"\"amount\":", ",", CHANGE_NUMBER, {0}},
        {"\"lineTotal\":", ",", CHANGE_NUMBER, {0}},
        {"\"orderTotal\":", ",", CHANGE_NUMBER, {0}},
        {"\"controlTotal\":", ",", CHANGE_NUMBER, {0}},
        {"\"openBalance\":", ",", CHANGE_NUMBER, {0}},
        {"\"inventory\":{\"number\":\"",
         "}",
         CHANGE_CHOICE,
         {"1298\",\"description\":\"Valve 12 mm\"",
          "77001-A\",\"description\":\"Pump, complete, with seals\"",
          "3310\",\"description\":\"Sealing compound\"", "2\",\"description\":\"Bolt\""}},
        {"\"lineDescription\":\"", "\"", CHANGE_WORD, {0}},
        {"\"alternateId\":\"", "\"", CHANGE_WORD, {0}},
        {"\"promised\":\"", "\"", CHANGE_DAY, {0}},
        {"\"promisedOn\":\"", "\"", CHANGE_DAY, {0}},
        {"\"account\":{",
         "}",
         CHANGE_CHOICE,
         {"\"type\":\"Expense\",\"number\":\"4300\",\"description\":\"Goods\"",
          "\"type\":\"Expense\",\"number\":\"4300\",\"description\":\"Goods\"",
          "\"type\":\"Expense\",\"number\":\"6550\",\"description\":\"Tools and equipment\"",
          "\"type\":\"Asset\",\"number\":\"1460\",\"description\":\"Stock\""}},
        {"\"project\":{",
         "}",
         CHANGE_CHOICE,
         {"\"internalId\":0,\"id\":\"X\",\"description\":\"No project\"",
          "\"internalId\":0,\"id\":\"X\",\"description\":\"No project\"",
          "\"internalId\":0,\"id\":\"X\",\"description\":\"No project\"",
          "\"internalId\":117,\"id\":\"P-2026-04\",\"description\":\"New hall\""}},
        {"\"orderNumber\":null,\"note\":", ",", CHANGE_CHOICE, {"null", "null", "null", "\"see drawing 4\""}},
    };
    for (const char *p = sample.ptr, *end = p + sample.len; p < end; buffer_byte(out, *p++))
        for (size_t i = 0; *p == '"' && i < sizeof changes / sizeof *changes; i++) {
            size_t len = strlen(changes[i].behind);
            if ((size_t)(end - p) <= len || memcmp(p, changes[i].behind, len) != 0)
                continue;
            buffer_add(out, p, len);
            put_change(&changes[i], out);
            for (p += len; *p != *changes[i].stop; p++)
                ;
            break;
        }
}

static const struct envelope envelope = {.delimiters = {.element = '*', .component = '>', .segment = '~'},
                                         .sender_qualifier = "ZZ",
                                         .sender_id = "NORDMAT",
                                         .receiver_qualifier = "ZZ",
                                         .receiver_id = "FJORD",
                                         .application_sender = "NORDMAT",
                                         .application_receiver = "FJORD",
                                         .version = "004010",
                                         .usage = 'T',
                                         .control_number = 1,
                                         .prepared = 1772445600};

enum stretch { PART_PARSE, PART_WANTED, PART_READ, PART_CANONICAL, PART_TREE, PART_WHOLE, PART_FILE };

static size_t run(enum stretch part, struct slice bytes)
{
    static struct buffer out;
    const char *skipped;
    struct map_run how = {.findings = &findings};
    struct syntax_options o = {.envelope = &envelope};
    arena_reset(&arena);
    findings = (struct findings){.arena = &arena};
    buffer_clear(&out);
    if (part == PART_PARSE)
        return syntax_json.read(&o, bytes, &findings) ? bytes.len : 0;
    if (part == PART_WANTED) {
        o.wanted = &reading->wanted;
        return syntax_json.read(&o, bytes, &findings) ? bytes.len : 0;
    }
    struct node *canonical = map_read(reading, bytes, &how, &skipped);
    if (!canonical || skipped)
        return 0;
    switch (part) {
    case PART_READ: return bytes.len;
    case PART_CANONICAL: return canonical_write(canonical, &out) == 0 ? bytes.len : 0;
    case PART_TREE: return map_write_tree(writing, canonical, &how) ? bytes.len : 0;
    case PART_FILE:
        if (canonical_write(canonical, &out) < 0)
            return 0;
        /* fall through */
    default: return map_write(writing, NULL, canonical, &o, &how, &out) == 0 ? bytes.len : 0;
    }
}

static double measure(enum stretch part, double limit, const char *name)
{
    for (unsigned i = 0; i < DOCUMENTS; i++)
        if (!run(part, buffer_as_slice(&documents[i])))
            stop(name);
    double best = 1e9, begin = seconds();
    size_t bytes = 0;
    do {
        double t = seconds();
        bytes = 0;
        for (unsigned i = 0; i < DOCUMENTS; i++)
            bytes += run(part, buffer_as_slice(&documents[i]));
        t = seconds() - t;
        best = t < best ? t : best;
    } while (seconds() - begin < limit);
    printf("%-52s %8.2f us %10.0f /s %8.2f GB/s\n", name, best / DOCUMENTS * 1e6, DOCUMENTS / best,
           (double)bytes / best / 1e9);
    return best / DOCUMENTS;
}

int main(int argc, char **argv)
{
    const char *top = getenv("top_srcdir") ? getenv("top_srcdir") : ".";
    double limit = argc > 1 ? atof(argv[1]) : 0.5;
    const char *translators = arena_printf(&arena, "%s/translators", top);
    const char *directories[] = {strdup(translators), NULL};
    struct arena loading = {0};
    struct buffer sample = {0};
    findings = (struct findings){.arena = &loading};
    if (file_read(AT_FDCWD,
                  arena_printf(&arena, "%s/samples/documents/visma-purchase-order-20-lines.json", top),
                  1 << 20, &sample) < 0)
        stop("the sample cannot be read");
    for (unsigned i = 0; i < DOCUMENTS; i++)
        vary(buffer_as_slice(&sample), &documents[i]);
    library = map_library_open(directories);
    reading = map_load(library, "visma/purchase-order", &findings);
    writing = map_load(library, "x12/850", &findings);
    if (!reading || !writing)
        stop("a map cannot be loaded");
    printf("Visma purchase order, 20 lines, %u documents of %zu bytes or so, one core, best of %.1f s each\n",
           DOCUMENTS, documents[0].len, limit);
    if (argc > 2) { /* one part alone, for a profiler */
        measure((enum stretch)atoi(argv[2]), limit, "one part");
        return 0;
    }
    measure(PART_PARSE, limit, "JSON, everything into nodes");
    double json = measure(PART_WANTED, limit, "JSON, what the map reads into nodes, all checked");
    double read = measure(PART_READ, limit, "JSON to canonical, checked");
    measure(PART_TREE, limit, "JSON to canonical to a tree of the 850, kept");
    double whole = measure(PART_WHOLE, limit, "JSON to canonical to validated 850 bytes");
    measure(PART_FILE, limit, "the same, and canonical.json");
    printf("split: JSON %.2f us, map to canonical %.2f us, map to 850, validating and writing %.2f us\n",
           json * 1e6, (read - json) * 1e6, (whole - read) * 1e6);
    printf("%s\n", whole <= 1.0 / 30000 ? "held: 30,000 documents a second or better"
                                        : "NOT held: 30,000 documents a second");
    map_library_close(library);
    arena_free(&arena);
    arena_free(&loading);
    return 0;
}
