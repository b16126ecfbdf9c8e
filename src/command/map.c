/* spoolgate map check [MAP...] | explain MAP FILE: what integrators use while they write a map. */
#include "command/command.h"
#include "command/offline.h"
#include <stdio.h>
#include <stdlib.h>

static int usage(FILE *out)
{
    fputs("usage: spoolgate map check [-c FILE] [-t DIR] MAP...\n"
          "       spoolgate map explain [-c FILE] [-t DIR] [--set NAME=VALUE]... MAP FILE\n\n"
          "check    loads each map (\"x12/850\", or a path ending in .map) and checks it against its\n"
          "         dictionary and canonical schema; mistakes are named with file, line and column\n"
          "explain  runs a map over a document and prints, value by value, what came from where, and\n"
          "         what in the document no line has used\n\n"
          "  -c, --config FILE      the configuration whose maps/ folder is searched first\n"
          "  -t, --translators DIR  a folder of maps that is searched before all others\n"
          "      --set NAME=VALUE   a partner's variable ($NAME in maps)\n\n"
          "Exit status: 0 in order, 1 mistakes found, 64 usage, 66 no such file, 78 the configuration is\n"
          "not in order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static int check(struct map_library *library, int argc, char **argv, struct arena *a)
{
    int status = EXIT_DONE;
    for (int i = 0; i < argc; i++) {
        struct findings found = {.arena = a};
        const struct map *m = map_load(library, argv[i], &found);
        command_print_findings(&found);
        if (!m || found.errors) {
            printf("%s: %u mistake%s\n", argv[i], found.errors ? found.errors : 1,
                   found.errors > 1 ? "s" : "");
            status = EXIT_FOUND_PROBLEMS;
        } else {
            printf("%s: in order (%s%s%s %s %s)\n", argv[i], map_syntax(m)->name, map_set(m)[0] ? " " : "",
                   map_set(m),
                   map_reads(m) && map_writes(m) ? "<->"
                   : map_reads(m)                ? "->"
                                                 : "<-",
                   map_canonical(m));
        }
    }
    return status;
}

static int explain(struct map_library *library, const char *name, const char *file,
                   struct map_variable *variables, size_t variable_count, struct arena *a)
{
    struct findings found = {.arena = a};
    struct buffer bytes = {0}, text = {0};
    int status = EXIT_DONE;
    const struct map *m = map_load(library, name, &found);
    if (!m) {
        status = EXIT_FOUND_PROBLEMS;
        goto out;
    }
    status = offline_read("map", file, &bytes);
    if (status != EXIT_DONE)
        goto out;
    if (map_explain(m, buffer_as_slice(&bytes), variables, variable_count, &text, &found) < 0 || found.errors)
        status = EXIT_FOUND_PROBLEMS;
    fwrite(text.ptr ? text.ptr : "", 1, text.len, stdout);
out:
    command_print_findings(&found);
    buffer_free(&bytes);
    buffer_free(&text);
    return status;
}

int command_map(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"translators", required_argument, NULL, 't'},
                                            {"set", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *config_file = NULL, *translators = NULL;
    struct map_variable variables[32];
    size_t variable_count = 0;
    int c;
    optind = 1;
    while ((c = command_getopt(argc, argv, "c:t:h", options, NULL)) != -1) {
        char *equals;
        switch (c) {
        case 'c': config_file = optarg; break;
        case 't': translators = optarg; break;
        case 's':
            equals = strchr(optarg, '=');
            if (!equals || variable_count == 32)
                return usage(stderr);
            *equals = '\0';
            variables[variable_count++] = (struct map_variable){optarg, equals + 1};
            break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    argc -= optind;
    argv += optind;
    static const char *const words[] = {"check", "explain", NULL};
    if (argc && strcmp(argv[0], words[0]) && strcmp(argv[0], words[1]))
        command_no_such("map", "word", argv[0], words);
    if (argc < 2 || (strcmp(argv[0], words[0]) && (strcmp(argv[0], words[1]) || argc != 3)))
        return usage(stderr);
    struct arena a = {0};
    struct offline offline;
    int status = EXIT_CONFIG;
    if (offline_open(&offline, config_file, translators, &a) == 0)
        status = !strcmp(argv[0], "check")
                     ? check(offline.maps, argc - 1, argv + 1, &a)
                     : explain(offline.maps, argv[1], argv[2], variables, variable_count, &a);
    offline_close(&offline);
    arena_free(&a);
    return status;
}
