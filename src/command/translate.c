/* spoolgate translate: a document from file to file, as a translator would do it, without spool and state.
 * What the state would give (the control number) is given by an option. */
#include "base/date.h"
#include "base/file.h"
#include "command/command.h"
#include "command/offline.h"
#include "edi/x12/x12.h"
#include "role/message.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct translating {
    const char *config_file, *map, *source, *partner, *to, *in, *out;
    struct map_variable variables[32];
    size_t variable_count;
    uint32_t control_number;
    bool readable;
    struct offline offline;
    struct arena arena;
    struct findings findings;
};

static int usage(FILE *out)
{
    fputs(
        "usage: spoolgate translate [-c FILE] [--map MAP | --source SOURCE] [--partner PARTNER]\n"
        "                           [--to x12|x12json|json|canonical] [--readable] IN [OUT]\n"
        "       spoolgate translate --readable IN [OUT]\n\n"
        "Translates one document without touching the spool. IN and OUT may be - for standard input and\n"
        "output. Without --map the route is used that fits the name of IN; \"--map canonical\" reads a\n"
        "canonical.json. Without --partner it is the one that the document names.\n\n"
        "  -c, --config FILE     the configuration\n"
        "  -m, --map MAP         the map that reads IN, such as visma/purchase-order\n"
        "      --source SOURCE   the folder of inbox/ it would have come from\n"
        "  -p, --partner PARTNER for whom: its file in partners.d\n"
        "  -t, --to FORM         what to write; without it what the partner gets, or canonical\n"
        "      --set NAME=VALUE  a variable of the map that reads ($NAME)\n"
        "      --control NUMBER  the interchange control number (1)\n"
        "  -r, --readable        X12 for people: one segment a line; without --map IN itself is printed "
        "so\n\n"
        "Exit status: 0 done, 64 usage, 65 the document is not in order, 66 no such file, 73 OUT cannot be\n"
        "written, 78 configuration, map or partner are not in order.\n",
        out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static int write_out(const struct translating *t, struct slice bytes)
{
    bool newline = bytes.len && bytes.ptr[bytes.len - 1] != '\n';
    if (t->out && strcmp(t->out, "-") != 0) {
        if (file_replace(AT_FDCWD, t->out, bytes, 0640, false) == 0)
            return EXIT_DONE;
        fprintf(stderr, "spoolgate translate: %s cannot be written: %s\n", t->out, strerror(errno));
        return EXIT_CANT_WRITE;
    }
    if (fwrite(bytes.ptr, 1, bytes.len, stdout) != bytes.len || (newline && putchar('\n') == EOF) ||
        fflush(stdout) != 0) {
        fprintf(stderr, "spoolgate translate: what was made cannot be written: %s\n", strerror(errno));
        return EXIT_CANT_WRITE;
    }
    return EXIT_DONE;
}

static int write_readable(struct translating *t, struct slice x12)
{
    struct buffer text = {0};
    int status =
        x12_print_readable(x12, map_library_dictionaries(t->offline.maps), &text, &t->findings) < 0 ||
                t->findings.errors
            ? EXIT_BAD_DATA
            : EXIT_DONE;
    int written = text.len ? write_out(t, buffer_as_slice(&text)) : EXIT_DONE;
    buffer_free(&text);
    return status ? status : written;
}

/* The canonical tree of IN; NULL with findings. */
static struct node *read_document(struct translating *t, struct slice bytes, int *status)
{
    struct findings *f = &t->findings;
    struct syntax_options options = {0};
    const char *skipped = NULL;
    *status = EXIT_BAD_DATA;
    if (t->map && !strcmp(t->map, "canonical")) {
        struct node *tree = syntax_json.read(&options, bytes, f);
        return tree && canonical_check(t->offline.maps, tree, f) == 0 ? tree : NULL;
    }
    const struct map *m = offline_map(&t->offline, t->map, t->source, t->in, f);
    if (!m) {
        *status = EXIT_CONFIG;
        return NULL;
    }
    struct map_run run = {.variables = t->variables, .variable_count = t->variable_count, .findings = f};
    struct node *tree = map_read(m, bytes, &run, &skipped);
    if (skipped)
        fprintf(stderr, "spoolgate translate: it would not be sent: %s\n", skipped);
    return tree;
}

static int write_canonical(const struct translating *t, const struct node *canonical)
{
    struct buffer text = {0};
    int status = canonical_write(canonical, &text) < 0 ? EXIT_SOFTWARE : write_out(t, buffer_as_slice(&text));
    buffer_free(&text);
    return status;
}

static const struct partner *find_partner(struct translating *t, const struct identity *i)
{
    const struct config *c = t->offline.config;
    const struct partner *p = !c           ? NULL
                              : t->partner ? config_partner(c, t->partner)
                                           : config_partner_by_erp(c, i->partner);
    if (!p)
        fprintf(stderr,
                !c ? "spoolgate translate: partners are in the configuration, and there is none: name it "
                     "with -c\n"
                : t->partner ? "spoolgate translate: there is no partner %s\n"
                             : "spoolgate translate: no partner has the number %s; name one with --partner\n",
                t->partner ? t->partner : arena_text(&t->arena, i->partner));
    return p;
}

static const struct sending *find_sending(const struct translating *t, const struct partner *p,
                                          const struct identity *i)
{
    const struct sending *first = NULL;
    for (const struct sending *s = p->sendings; s; s = s->next) {
        if (!slice_is(i->type, s->type))
            continue;
        if (!t->to || !strcmp(s->form, t->to))
            return s;
        first = first ? first : s;
    }
    if (!first)
        fprintf(stderr, "spoolgate translate: %s has no [send %.*s]\n", p->file, SLICE_ARG(i->type));
    return first;
}

static int write_message(struct translating *t, const struct node *canonical)
{
    struct identity identity;
    struct buffer message = {0};
    if (canonical_identity(t->offline.maps, canonical, &identity) < 0) {
        fputs("spoolgate translate: the document has no number, or is of a type without a schema\n", stderr);
        return EXIT_BAD_DATA;
    }
    const struct partner *p = find_partner(t, &identity);
    const struct sending *s = p ? find_sending(t, p, &identity) : NULL;
    if (!s)
        return EXIT_CONFIG;
    struct message_facts facts = {.document = "offline",
                                  .control_number = t->control_number,
                                  .prepared = instant_now().seconds,
                                  .identity = &identity};
    int status = EXIT_BAD_DATA;
    const struct syntax *written =
        message_write(t->offline.maps, p, s, t->to, canonical, &facts, &message, &t->findings);
    if (written)
        status = t->readable && written == &syntax_x12 ? write_readable(t, buffer_as_slice(&message))
                                                       : write_out(t, buffer_as_slice(&message));
    buffer_free(&message);
    return status;
}

static int translate(struct translating *t)
{
    struct buffer bytes = {0};
    int status = offline_read("translate", t->in, &bytes);
    if (status == EXIT_DONE && offline_open(&t->offline, t->config_file, NULL, &t->arena) < 0)
        status = EXIT_CONFIG;
    else if (status == EXIT_DONE && t->readable && !t->map && !t->source && !t->partner && !t->to)
        status = write_readable(t, buffer_as_slice(&bytes));
    else if (status == EXIT_DONE) {
        struct node *canonical = read_document(t, buffer_as_slice(&bytes), &status);
        if (canonical)
            status = t->to                       ? !strcmp(t->to, "canonical") ? write_canonical(t, canonical)
                                                                               : write_message(t, canonical)
                                           : t->partner || t->readable ? write_message(t, canonical)
                                                 : write_canonical(t, canonical);
    }
    command_print_findings(&t->findings);
    offline_close(&t->offline);
    buffer_free(&bytes);
    arena_free(&t->arena);
    return status;
}

static bool add_variable(struct translating *t, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text || t->variable_count == sizeof t->variables / sizeof *t->variables)
        return false;
    *equals = '\0';
    t->variables[t->variable_count++] = (struct map_variable){text, equals + 1};
    return true;
}

static bool is_form(const char *text)
{
    return !strcmp(text, "canonical") || !strcmp(text, "x12") || !strcmp(text, "x12json") ||
           !strcmp(text, "json");
}

int command_translate(int argc, char **argv)
{
    enum { OPTION_SOURCE = 256, OPTION_SET, OPTION_CONTROL };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"map", required_argument, NULL, 'm'},
                                            {"source", required_argument, NULL, OPTION_SOURCE},
                                            {"partner", required_argument, NULL, 'p'},
                                            {"to", required_argument, NULL, 't'},
                                            {"set", required_argument, NULL, OPTION_SET},
                                            {"control", required_argument, NULL, OPTION_CONTROL},
                                            {"readable", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct translating t = {.control_number = 1};
    char *end;
    int c;
    optind = 1;
    t.findings.arena = &t.arena;
    while ((c = command_getopt(argc, argv, "c:m:p:t:rh", options, NULL)) != -1) {
        switch (c) {
        case 'c': t.config_file = optarg; break;
        case 'm': t.map = optarg; break;
        case OPTION_SOURCE: t.source = optarg; break;
        case 'p': t.partner = optarg; break;
        case 't':
            t.to = optarg;
            if (!is_form(t.to))
                return usage(stderr);
            break;
        case OPTION_SET:
            if (!add_variable(&t, optarg))
                return usage(stderr);
            break;
        case OPTION_CONTROL:
            t.control_number = (uint32_t)strtoul(optarg, &end, 10);
            if (end == optarg || *end || t.control_number < 1 || t.control_number > 999999999)
                return usage(stderr);
            break;
        case 'r': t.readable = true; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    if (argc - optind < 1 || argc - optind > 2)
        return usage(stderr);
    t.in = argv[optind];
    t.out = argc - optind == 2 ? argv[optind + 1] : NULL;
    return translate(&t);
}
