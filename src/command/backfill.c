/* spoolgate backfill: fetches existing documents of an ERP into the inbox, whatever was polled before. */
#include "adapter/adapter.h"
#include "base/date.h"
#include "base/log.h"
#include "command/command.h"
#include <stdio.h>
#include <unistd.h>

struct backfilling {
    struct spool spool;
    bool spool_is_open;
    struct endpoint endpoint;
    bool adapter_is_open;
    struct findings findings;
    struct arena arena;
    int fetched, failed;
};

static int usage(FILE *out)
{
    fputs("usage: spoolgate backfill [-c FILE] ENDPOINT TYPE NUMBER...\n"
          "       spoolgate backfill [-c FILE] ENDPOINT TYPE --from DATE [--to DATE]\n\n"
          "Fetches existing documents into inbox/ENDPOINT, whatever was polled before; the gateway, when it\n"
          "runs, or `spoolgate run --until-idle` then treats them like any others. What was sent already is\n"
          "recognised and not sent again. TYPE is a word of the endpoint, for Visma.net: purchaseorder (or\n"
          "order), customerinvoice (or invoice), customercreditnote, supplierinvoice.\n\n"
          "      --from DATE    documents of this business date and later, 2026-11-01\n"
          "      --to DATE      and of this date and earlier\n"
          "  -c, --config FILE  this configuration\n"
          "      --json         what came of it as JSON\n"
          "Exit status: 0 all of it is in the inbox, 1 not all of it, 64 usage, 66 no such endpoint, 69 the\n"
          "other side cannot be asked, 78 the configuration is not in order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static int open_all(struct backfilling *b, const struct config *c, const struct endpoint_config *e)
{
    struct findings *f = &b->findings;
    b->endpoint =
        (struct endpoint){.config = e, .all = c, .spool = &b->spool, .adapter = adapter_find(e->adapter)};
    if (!b->endpoint.adapter || !b->endpoint.adapter->backfill) {
        finding_add(f, SEVERITY_ERROR, "backfill.adapter", e->name,
                    "Name an endpoint that documents are fetched from.",
                    "The adapter %s of %s has nothing to fetch by number or date.", e->adapter, e->name);
        return EXIT_USAGE;
    }
    b->spool_is_open = spool_open(&b->spool, c->spool, f) == 0;
    if (!b->spool_is_open || !(b->endpoint.state = state_open(c->state, f)))
        return EXIT_CONFIG;
    if (state_stands_with(b->endpoint.state, b->spool.root) < 0)
        return EXIT_CONFIG;
    b->endpoint.secrets = secrets_open(c->secrets_file, c->key_file, f);
    if (!b->endpoint.secrets)
        return EXIT_CONFIG;
    b->adapter_is_open = b->endpoint.adapter->open(&b->endpoint, f) == 0;
    return b->adapter_is_open ? EXIT_DONE : EXIT_CONFIG;
}

static void close_all(struct backfilling *b)
{
    if (b->adapter_is_open)
        b->endpoint.adapter->close(&b->endpoint);
    secrets_close(b->endpoint.secrets);
    if (b->endpoint.state)
        state_close(b->endpoint.state);
    if (b->spool_is_open)
        spool_close(&b->spool);
    arena_free(&b->arena);
}

static void fetch(struct backfilling *b, const char *type, const char *from, const char *to)
{
    int n = b->endpoint.adapter->backfill(&b->endpoint, type, from, to, &b->findings);
    if (n < 0)
        b->failed++;
    else
        b->fetched += n;
}

static void fetch_numbers(struct backfilling *b, const char *type, int count, char **numbers)
{
    bool shown = isatty(STDERR_FILENO) && count > 1;
    for (int i = 0; i < count; i++) {
        if (shown)
            fprintf(stderr, "\r%s %s: %d of %d ", b->endpoint.config->name, type, i + 1, count);
        fetch(b, type, numbers[i], NULL);
    }
    if (shown)
        fputs("\r\033[K", stderr);
}

static bool is_date(const char *text)
{
    struct date d;
    return strlen(text) == 10 && date_parse_iso(slice_of(text), &d);
}

static void say(const struct backfilling *b, bool as_json)
{
    const char *name = b->endpoint.config->name;
    command_print_findings(&b->findings);
    if (as_json)
        printf("{\"endpoint\": \"%s\", \"fetched\": %d, \"failed\": %d}\n", name, b->fetched, b->failed);
    else
        printf("%s: %d document%s put into inbox/%s%s\n", name, b->fetched, b->fetched == 1 ? "" : "s", name,
               b->failed ? "; not all of it, see above" : "");
}

static int backfill(const char *file, bool as_json, char **argv, int numbers, const char *from,
                    const char *to)
{
    struct backfilling b = {.spool_is_open = false};
    b.findings.arena = &b.arena;
    struct config *c = command_config_load(file, &b.arena);
    const struct endpoint_config *e = c ? config_endpoint(c, argv[0]) : NULL;
    int status = !c ? EXIT_CONFIG : !e ? EXIT_NO_INPUT : EXIT_DONE;
    if (c && !e)
        command_no_endpoint("backfill", c, argv[0]);
    if (e) {
        secrets_harden_process();
        log_role("backfill");
        status = open_all(&b, c, e);
        if (status == EXIT_DONE) {
            if (from)
                fetch(&b, argv[1], from, to ? to : "9999-12-31");
            else
                fetch_numbers(&b, argv[1], numbers, argv + 2);
            status = !b.failed ? EXIT_DONE : b.fetched ? EXIT_FOUND_PROBLEMS : EXIT_UNAVAILABLE;
            say(&b, as_json);
        } else {
            command_print_findings(&b.findings);
        }
    }
    close_all(&b);
    config_free(c);
    return status;
}

int command_backfill(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},     {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    const char *file = NULL, *from = NULL, *to = NULL;
    bool as_json = false;
    int o;
    optind = 1;
    while ((o = command_getopt(argc, argv, "c:h", options, NULL)) != -1) {
        switch (o) {
        case 'c': file = optarg; break;
        case 'f': from = optarg; break;
        case 't': to = optarg; break;
        case 'j': as_json = true; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    argc -= optind;
    argv += optind;
    if ((from && !is_date(from)) || (to && !is_date(to))) {
        fputs("spoolgate backfill: a date is written like 2026-11-01\n", stderr);
        return EXIT_USAGE;
    }
    if (argc < 2 || (to && !from) || (from ? argc != 2 : argc < 3))
        return usage(stderr);
    return backfill(file, as_json, argv, argc - 2, from, to);
}
