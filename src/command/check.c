/* spoolgate check: are files in order, before anybody sends them; is the archive what it was when it was
 * written. */
#include "adapter/adapter.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "command/command.h"
#include "command/offline.h"
#include "edi/x12/x12.h"
#include "role/whereabouts.h"
#include "spool/document.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct checking {
    const char *config_file, *map;
    struct offline offline;
    struct arena arena; /* of one document */
    unsigned long documents, wrong;
    unsigned long shown;
};

static int usage(FILE *out)
{
    fputs(
        "usage: spoolgate check [-c FILE] [--map MAP] FILE...\n"
        "       spoolgate check [-c FILE] --archive [DAY | DOCUMENT]...\n\n"
        "Checks X12 interchanges against the dictionary of their version, and other documents with the map "
        "that\n"
        "reads them; what is wrong is told with its place. With --archive, the files of archived documents\n"
        "are compared with the checksums that were written when they came or were made.\n\n"
        "  -c, --config FILE  the configuration\n"
        "  -m, --map MAP      the map that reads the files; else the route that fits a file's name\n"
        "      --archive      look at the archive: all of it, a day (2026-03-21, 2026-03, 2026), or a "
        "document\n\n"
        "Exit status: 0 in order, 1 something is not, 64 usage, 66 no such file, 78 configuration.\n",
        out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* ---- files ---- */

static void print(const char *file, const char *set, const struct findings *f)
{
    file = utf8_shown(f->arena, file);
    for (const struct finding *i = f->first; i; i = i->next) {
        printf("%s: %s%s%s%s%s\n", file, set, *set ? ": " : "", i->where, *i->where ? ": " : "", i->what);
        if (*i->todo)
            printf("    %s\n", i->todo);
    }
    if (f->dropped)
        printf("%s: and %u more\n", file, f->dropped);
}

static bool looks_like_x12(struct slice bytes)
{
    if (slice_starts(bytes, SLICE("\xef\xbb\xbf")))
        bytes = slice_make(bytes.ptr + 3, bytes.len - 3);
    bytes = slice_trim(bytes);
    return bytes.len > 3 && !memcmp(bytes.ptr, "ISA", 3) && !isalnum((unsigned char)bytes.ptr[3]);
}

static int check_x12(struct checking *k, const char *file, struct slice bytes)
{
    struct findings f = {.arena = &k->arena};
    struct x12_header header = {0};
    struct node *set;
    unsigned long sets = 0, wrong = 0;
    int result = -1;
    struct x12_reader *reader = x12_reader_open(map_library_dictionaries(k->offline.maps), bytes, &f);
    while (reader && (result = x12_reader_next(reader, &header, &set, &f)) > 0) {
        char name[96];
        sets++;
        wrong += result == 2;
        snprintf(name, sizeof name, "%.*s set %lu (control %.*s)", SLICE_ARG(header.set), sets,
                 SLICE_ARG(header.set_control));
        print(file, name, &f);
        f = (struct findings){.arena = &k->arena};
    }
    if (result < 0)
        print(file, "", &f);
    if (reader)
        x12_reader_close(reader);
    if (result < 0 || wrong || f.errors) {
        printf("%s: not in order: %lu of %lu sets%s\n", file, wrong, sets,
               result < 0 ? ", and the interchange itself" : "");
        return EXIT_FOUND_PROBLEMS;
    }
    printf("%s: in order: %lu set%s, %.*s\n", file, sets, sets == 1 ? "" : "s", SLICE_ARG(header.version));
    return EXIT_DONE;
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
    print(file, "", &f);
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
            one = !k->map && looks_like_x12(input) ? check_x12(k, *files, input)
                                                   : check_with_map(k, *files, input);
        }
        if (one > status)
            status = one;
        buffer_free(&bytes);
        arena_reset(&k->arena);
    }
    return status;
}

/* ---- the archive ---- */

static void check_document(struct checking *k, int parent, const char *path, const char *name)
{
    struct findings f = {.arena = &k->arena};
    struct document d;
    char where[512];
    snprintf(where, sizeof where, "%s/%s", path, name);
    k->documents++;
    if (document_open(&d, parent, name, &f) == 0) {
        if (json_is_true(json_object_get(d.envelope, "recovered")))
            finding_add(&f, SEVERITY_ERROR, "archive.envelope", "document.json", "",
                        "document.json is missing or broken, so nothing says what the files were.");
        else
            document_verify(&d, &f);
        document_close(&d);
    }
    if (f.errors) {
        k->wrong++;
        print(where, "", &f);
    }
    arena_reset(&k->arena);
    if (isatty(STDERR_FILENO) && k->documents - k->shown >= 1000) {
        fprintf(stderr, "\r%lu documents \033[K", k->documents);
        k->shown = k->documents;
    }
}

/* Day folders below, and documents in them. */
static int walk(struct checking *k, int parent, const char *name, const char *path, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while ((entry = readdir(d))) {
        char below[512];
        if (entry->d_name[0] == '.')
            continue;
        if (document_name_parse(entry->d_name, NULL, NULL)) {
            check_document(k, fd, path, entry->d_name);
        } else if (depth < 3) {
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
            walk(k, fd, entry->d_name, below, depth + 1);
        }
    }
    closedir(d);
    return 0;
}

/* "2026-03-21", "2026-03", "2026", also with slashes, as a path below the archive. */
static bool day_path(const char *text, char path[16])
{
    size_t n = strlen(text);
    if (n != 4 && n != 7 && n != 10)
        return false;
    for (size_t i = 0; i <= n; i++) {
        bool separator = i == 4 || i == 7;
        if (i < n && (separator ? text[i] != '-' && text[i] != '/' : !isdigit((unsigned char)text[i])))
            return false;
        path[i] = separator && i < n ? '/' : text[i];
    }
    return true;
}

static int check_wanted(struct checking *k, const struct spool *s, const char *wanted)
{
    char path[512], day[16];
    if (day_path(wanted, day)) {
        snprintf(path, sizeof path, "archive/%s", day);
        if (walk(k, s->stage[STAGE_ARCHIVE], day, path, 0) == 0)
            return EXIT_DONE;
        fprintf(stderr, "spoolgate check: there is no %s\n", path);
        return EXIT_NO_INPUT;
    }
    if (!whereabouts_find(s, wanted, path)) {
        fprintf(stderr, "spoolgate check: there is no document %s\n", wanted);
        return EXIT_NO_INPUT;
    }
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int parent = openat(s->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return EXIT_NO_INPUT;
    check_document(k, parent, path, slash + 1);
    close(parent);
    return EXIT_DONE;
}

static int check_archive(struct checking *k, char **wanted)
{
    struct findings f = {.arena = &k->arena};
    struct spool s;
    int status = EXIT_DONE;
    if (!k->offline.config) {
        fputs("spoolgate check: the configuration says where the archive is, and there is none: name it with "
              "-c\n",
              stderr);
        return EXIT_CONFIG;
    }
    if (spool_open(&s, k->offline.config->spool, &f) < 0) {
        command_print_findings(&f);
        return EXIT_CONFIG;
    }
    if (!*wanted && walk(k, s.root, "archive", "archive", 0) < 0)
        status = EXIT_NO_INPUT;
    for (; *wanted; wanted++) {
        int one = check_wanted(k, &s, *wanted);
        status = one > status ? one : status;
    }
    if (k->shown)
        fputs("\r\033[K", stderr);
    printf("%lu document%s, %s", k->documents, k->documents == 1 ? "" : "s",
           k->wrong ? "" : "all as they were written\n");
    if (k->wrong)
        printf("%lu of them altered or damaged\n", k->wrong);
    spool_close(&s);
    return status ? status : k->wrong ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
}

int command_check(int argc, char **argv)
{
    enum { OPTION_ARCHIVE = 256 };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"map", required_argument, NULL, 'm'},
                                            {"archive", no_argument, NULL, OPTION_ARCHIVE},
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
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    if (!archive && optind == argc)
        return usage(stderr);
    if (offline_open(&k.offline, k.config_file, NULL, &k.arena) == 0)
        status = archive ? check_archive(&k, argv + optind) : check_files(&k, argv + optind);
    offline_close(&k.offline);
    arena_free(&k.arena);
    return status;
}
