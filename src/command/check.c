/* spoolgate check: are files in order, before anybody sends them; is the archive what it was when it was
 * written. */
#include "base/utf8.h"
#include "command/command.h"
#include "command/checking.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int usage(FILE *out)
{
    fputs("usage: spoolgate check [-c FILE] [--map MAP] FILE...\n"
          "       spoolgate check [-c FILE] --archive [DAY | DOCUMENT]...\n\n"
          "Checks X12 and EDIFACT interchanges against the dictionary of their version, and other documents "
          "with\n"
          "the map that reads them; what is wrong is told with its line and place, the segment shown. FILE "
          "-: standard\n"
          "input. With --archive, the files of archived documents are compared with the checksums that were "
          "written\n"
          "when they came or were made.\n\n"
          "  -c, --config FILE  the configuration\n"
          "  -m, --map MAP      the map that reads the files; else the route that fits a file's name\n"
          "      --json         what was found as JSON, a line a file\n"
          "      --sarif        the same as SARIF 2.1.0, for editors and review tools\n"
          "      --archive      look at the archive: all of it, a day (2026-03-21, 2026-03, 2026), or a "
          "document\n\n"
          "Exit status: 0 in order, 1 something is not, 64 usage, 66 no such file, 78 configuration.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* ---- files ---- */

void checking_print(const char *file, const struct findings *f)
{
    file = utf8_shown(f->arena, file);
    for (const struct finding *i = f->first; i; i = i->next) {
        printf("%s: %s%s%s\n", file, i->where, *i->where ? ": " : "", i->what);
        if (*i->todo)
            printf("    %s\n", i->todo);
    }
    if (f->dropped)
        printf("%s: and %u more\n", file, f->dropped);
}

static int check_with_map(struct checking *k, const char *file, struct slice bytes)
{
    struct findings f = {.arena = &k->arena};
    struct syntax_options options = {0};
    const char *skipped = NULL, *as = "canonical";
    bool good = false;
    if (k->map && !strcmp(k->map, "canonical")) {
        struct node *tree = syntax_json.read(&options, bytes, &f);
        good = tree && canonical_check(k->offline.maps, tree, &f) == 0;
    } else {
        const struct map *m = offline_map(&k->offline, k->map, NULL, file, &f);
        struct map_run run = {.findings = &f};
        good = m && map_read(m, bytes, &run, &skipped) && !f.errors;
        as = m ? map_name(m) : "";
    }
    if (k->form != CHECKING_TEXT) {
        checking_tell(k, file, bytes, &f);
        return good ? EXIT_DONE : EXIT_FOUND_PROBLEMS;
    }
    checking_print(file, &f);
    printf("%s: %s%s%s%s%s\n", utf8_shown(f.arena, file), good ? "in order: " : "not in order",
           good ? as : "", skipped ? "; not for sending: " : "", skipped ? utf8_shown(f.arena, skipped) : "",
           "");
    return good ? EXIT_DONE : EXIT_FOUND_PROBLEMS;
}

static int check_files(struct checking *k, char **files)
{
    int status = EXIT_DONE;
    for (; *files; files++) {
        struct buffer bytes = {0};
        int one = offline_read("check", *files, &bytes);
        if (one == EXIT_DONE) {
            struct slice input = buffer_as_slice(&bytes);
            one = !k->map && checking_is_edi(input) ? checking_edi(k, *files, input)
                                                    : check_with_map(k, *files, input);
        }
        if (one > status)
            status = one;
        buffer_free(&bytes);
        arena_reset(&k->arena);
    }
    checking_end(k);
    return status;
}

int command_check(int argc, char **argv)
{
    enum { OPTION_ARCHIVE = 256, OPTION_JSON, OPTION_SARIF };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"map", required_argument, NULL, 'm'},
                                            {"archive", no_argument, NULL, OPTION_ARCHIVE},
                                            {"json", no_argument, NULL, OPTION_JSON},
                                            {"sarif", no_argument, NULL, OPTION_SARIF},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct checking k = {0};
    bool archive = false;
    int c, status = EXIT_CONFIG;
    optind = 1;
    while ((c = command_getopt(argc, argv, "c:m:h", options, NULL)) != -1) {
        switch (c) {
        case 'c': k.config_file = optarg; break;
        case 'm': k.map = optarg; break;
        case OPTION_ARCHIVE: archive = true; break;
        case OPTION_JSON: k.form = CHECKING_JSON; break;
        case OPTION_SARIF: k.form = CHECKING_SARIF; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    if (!archive && optind == argc)
        return usage(stderr);
    if (archive && k.form != CHECKING_TEXT) {
        fputs("spoolgate check: --json and --sarif are for files, not for --archive\n", stderr);
        return EXIT_USAGE;
    }
    if (offline_open(&k.offline, k.config_file, NULL, &k.arena) == 0)
        status = archive ? checking_archive(&k, argv + optind) : check_files(&k, argv + optind);
    offline_close(&k.offline);
    arena_free(&k.arena);
    return status;
}
