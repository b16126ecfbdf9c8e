/* spoolgate map check [MAP...] | explain MAP FILE: what integrators use while they write a map. */
#include "base/file.h"
#include "command/command.h"
#include "map/map.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static int usage(FILE *out)
{
    fputs("usage: spoolgate map check [-c FILE] MAP...\n"
          "       spoolgate map explain [-c FILE] [--set NAME=VALUE]... MAP FILE\n\n"
          "check    loads each map (\"x12/850\", or a path ending in .map) and checks it against its\n"
          "         dictionary and canonical schema; mistakes are named with file, line and column\n"
          "explain  runs a map over a document and prints, value by value, what came from where, and\n"
          "         what in the document no line has used\n\n"
          "  -c, --config FILE      the configuration whose maps/ folder is searched first\n"
          "  -t, --translators DIR  another folder of translators (may be given before all others)\n"
          "      --set NAME=VALUE   a partner's variable ($NAME in maps)\n"
          "Exit status: 0 in order, 1 mistakes found, 64 usage, 66 no such file.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* Directories to search: -t's, the configuration's own maps, the installed translators. */
static struct map_library *open_library(const char *config_file, const char *translators, struct arena *a)
{
    const char **dirs = arena_zero(a, 16 * sizeof *dirs);
    size_t n = 0;
    if (translators)
        dirs[n++] = translators;
    if (config_file) {
        struct config *c = command_config_load(config_file, a);
        if (!c)
            return NULL;
        for (size_t i = 0; i < 8 && c->map_directories[i] && n < 14; i++)
            dirs[n++] = arena_text(a, slice_of(c->map_directories[i]));
        config_free(c);
    }
    const char *env = getenv("SPOOLGATE_TRANSLATORS");
    dirs[n++] = env && *env ? env : SPOOLGATE_DATADIR "/translators";
    return map_library_open(dirs);
}

static int check(struct map_library *library, int argc, char **argv, struct arena *a)
{
    int status = EXIT_DONE;
    for (int i = 0; i < argc; i++) {
        struct findings found = {.arena = a};
        const struct map *m = map_load(library, argv[i], &found);
        command_print_findings(&found);
        if (!m || found.errors) {
            printf("%s: %u mistakes\n", argv[i], found.errors ? found.errors : 1);
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
    if (file_read(AT_FDCWD, file, 64u << 20, &bytes) < 0) {
        fprintf(stderr, "spoolgate map: %s cannot be read: %s\n", file, strerror(errno));
        status = EXIT_NO_INPUT;
        goto out;
    }
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
    while ((c = getopt_long(argc, argv, "c:t:h", options, NULL)) != -1) {
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
    if (argc < 2 || (strcmp(argv[0], "check") && (strcmp(argv[0], "explain") || argc != 3)))
        return usage(stderr);
    struct arena a = {0};
    int status = EXIT_CONFIG;
    struct map_library *library = open_library(config_file, translators, &a);
    if (library) {
        status = !strcmp(argv[0], "check")
                     ? check(library, argc - 1, argv + 1, &a)
                     : explain(library, argv[1], argv[2], variables, variable_count, &a);
        map_library_close(library);
    }
    arena_free(&a);
    return status;
}
