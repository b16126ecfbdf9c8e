/* checking_archive: is the archive what it was when it was written. See checking.h. */
#include "command/checking.h"
#include "command/command.h"
#include "role/whereabouts.h"
#include "spool/document.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
        checking_print(where, &f);
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

int checking_archive(struct checking *k, char **wanted)
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
