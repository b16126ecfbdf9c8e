/* spoolgate show NAME [FILE]: one document: what its envelope says, its files and whether they are what they
 * were. */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "command/renamed.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct showing {
    struct view view;
    bool as_json, altered;
    const char *file; /* this one's bytes only */
    int shown;
};

static int usage(FILE *out)
{
    fputs("usage: spoolgate show [-c FILE] [--json] DOCUMENT [FILE]\n\n"
          "Shows a document: where it is, what is known of it, its files and whether they still have the "
          "SHA-256 of\n"
          "their envelope, its history. DOCUMENT is a folder's name; without .<n>, all its destinations are "
          "shown.\n"
          "With FILE (message.x12, receipt-1.json, ...) that file is printed.\n\n"
          "  -c, --config FILE  this configuration\n"
          "      --json         one JSON object a document, for scripts\n\n"
          "Exit status: 0 done, 1 a file was altered, 64 usage, 66 no such document, 78 the configuration is "
          "not in\n"
          "order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* "ok", "altered" or "" when the envelope holds no hash of that file. */
static const char *verdict(struct showing *s, const struct document *d, const char *file)
{
    static const char *const member[][2] = {
        {"source", "stored"}, {"corrected", "file"}, {"canonical", "file"}, {"message", "file"}};
    char hex[HASH_TEXT];
    for (size_t i = 0; i < 4; i++) {
        const json_t *m = json_object_get(d->envelope, member[i][0]);
        const char *its = json_string_value(json_object_get(m, member[i][1]));
        const char *noted = json_string_value(json_object_get(m, "sha256"));
        if (!its || !noted || strcmp(its, file) != 0)
            continue;
        int fd = openat(d->folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        bool same = fd >= 0 && hash_sha256_file(fd, hex, NULL) == 0 && !strcmp(hex, noted);
        if (fd >= 0)
            close(fd);
        s->altered |= !same;
        return same ? "ok" : "altered";
    }
    return "";
}

static json_t *files_of(struct showing *s, const char *path, const struct document *d)
{
    const char **names;
    long n = view_names(&s->view, path, &names);
    json_t *files = json_array();
    for (long i = 0; i < n; i++) {
        struct stat st;
        if (fstatat(d->folder, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        json_t *f = json_object(), *name = json_string(names[i]);
        json_object_set_new(f, "file", name ? name : json_string("(a name that is no text)"));
        json_object_set_new(f, "size", json_integer(st.st_size));
        json_object_set_new(f, "sha256", json_string(verdict(s, d, names[i])));
        json_array_append_new(files, f);
    }
    return files;
}

static void line(const char *label, const char *text)
{
    if (!text || !*text)
        return;
    printf("  %-15s", label);
    view_text(stdout, text, 0);
    putchar('\n');
}

static void print_envelope(struct showing *s, const char *path, const struct document *d)
{
    char number[32];
    view_text(stdout, d->name, 0);
    printf("\n  %-15s%s/", "folder", s->view.spool.path);
    view_text(stdout, path, 0);
    putchar('\n');
    line("former name", renamed_from(&s->view, d));
    line("type", document_text(d, "type"));
    line("number", document_text(d, "number"));
    line("version", document_text(d, "version"));
    line("partner", document_text(d, "partner"));
    line("from", document_text(d, "source.name"));
    line("file", document_text(d, "source.file"));
    line("owner", document_text(d, "source.owner"));
    line("received", document_text(d, "source.received"));
    line("endpoint", document_text(d, "endpoint"));
    snprintf(number, sizeof number, "%lld", (long long)json_integer_at(d->envelope, "control_number", 0));
    line("control number", strcmp(number, "0") ? number : NULL);
    line("their id", document_text(d, "external_id"));
    snprintf(number, sizeof number, "%lld", (long long)json_integer_at(d->envelope, "attempts", 0));
    line("attempts", strcmp(number, "0") ? number : NULL);
    line("outcome", document_text(d, "outcome"));
    line("failed in", document_text(d, "failed_in"));
    line("remark", view_remark(&s->view, path, d));
}

static void print_document(struct showing *s, const char *path, const struct document *d, const json_t *files)
{
    const json_t *entry;
    size_t i;
    print_envelope(s, path, d);
    puts("\n  files");
    json_array_foreach(files, i, entry)
    {
        const char *sha256 = json_text_at(entry, "sha256");
        fputs("    ", stdout);
        view_text(stdout, json_text_at(entry, "file"), 24);
        printf("%10lld", (long long)json_integer_at(entry, "size", 0));
        puts(!strcmp(sha256, "ok") ? "  as it was"
             : *sha256             ? "  ALTERED: its SHA-256 is not the envelope's"
                                   : "");
    }
    puts("\n  history");
    json_array_foreach(json_object_get(d->envelope, "history"), i, entry)
    {
        fputs("    ", stdout);
        view_text(stdout, json_text_at(entry, "at"), 24);
        view_text(stdout, json_text_at(entry, "by"), 16);
        view_text(stdout, json_text_at(entry, "what"), 0);
        if (json_text_at(entry, "reason")) {
            fputs(": ", stdout);
            view_text(stdout, json_text_at(entry, "reason"), 0);
        }
        putchar('\n');
    }
}

/* To a terminal so that no document can play tricks on it; else byte by byte. The first destination that has
 * it counts. */
static int print_file(struct showing *s, struct document *d)
{
    struct buffer b = {0};
    if (s->shown || strchr(s->file, '/') || file_read(d->folder, s->file, DOCUMENT_SIZE_LIMIT, &b) < 0) {
        buffer_free(&b);
        return 0;
    }
    s->shown++;
    struct slice rest = buffer_as_slice(&b);
    while (isatty(STDOUT_FILENO) && rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t n = end ? (size_t)(end - rest.ptr) : rest.len;
        char *shown = arena_alloc(&s->view.arena, 4 * n + 4);
        fwrite(shown, 1, utf8_show(slice_make(rest.ptr, n), shown, 4 * n + 3), stdout);
        putchar('\n');
        rest = slice_make(rest.ptr + n + (end != NULL), rest.len - n - (end != NULL));
    }
    fwrite(rest.ptr, 1, rest.len, stdout);
    buffer_free(&b);
    return 0;
}

static int show(void *context, const char *path, struct document *d)
{
    struct showing *s = context;
    if (s->file)
        return print_file(s, d);
    json_t *files = files_of(s, path, d);
    if (s->as_json) {
        json_t *j = view_summary(&s->view, path, d), *history = json_object_get(d->envelope, "history");
        json_object_set(j, "files", files);
        if (history)
            json_object_set(j, "history", history);
        view_print_json(j);
        json_decref(j);
    } else {
        if (s->shown++)
            putchar('\n');
        print_document(s, path, d, files);
    }
    json_decref(files);
    return 0;
}

int command_show(int argc, char **argv)
{
    struct showing s = {.as_json = false};
    const char *file = NULL;
    int status;
    if (!command_options(argc, argv, usage, &file, &s.as_json, &status))
        return status;
    if (argc - optind < 1 || argc - optind > 2)
        return usage(stderr);
    const char *slash = strrchr(argv[optind], '/'), *name = slash && slash[1] ? slash + 1 : argv[optind];
    s.file = argc - optind == 2 ? argv[optind + 1] : NULL;
    status = view_open(&s.view, file);
    int found = status == 0 ? view_find(&s.view, name, show, &s) : 0;
    const char *renamed = status == 0 && !found ? renamed_find(&s.view, name) : NULL;
    if (status == 0)
        renamed_state_is_lost(&s.view, "show");
    if (renamed) {
        fputs("spoolgate show: ", stderr);
        renamed_tell(&s.view, stderr, name, renamed);
        status = view_one(&s.view, renamed, show, &s) == 0 && (!s.file || s.shown) ? status : EXIT_NO_INPUT;
    } else if (status == 0 && (found == 0 || (s.file && !s.shown))) {
        fputs("spoolgate show: there is no ", stderr);
        if (s.file) {
            view_text(stderr, s.file, 0);
            fputs(" in a document ", stderr);
        } else {
            fputs("document ", stderr);
        }
        view_text(stderr, name, 0);
        fputs(" of the spool\n", stderr);
        status = EXIT_NO_INPUT;
    }
    view_close(&s.view);
    return status ? status : s.altered ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
}
