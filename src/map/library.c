/* library: see library.h. */
#include "map/library.h"
#include "base/file.h"
#include "edi/dictionary.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_LIMIT (4u << 20) /* of a map, table or schema */

/* The dictionaries stand in one place: the first directory that has any version, or else the last one, the
 * installation's, which is then told not to have any. */
static const char *dictionaries_in(const char *directory)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/x12", directory);
    DIR *d = n > 0 && (size_t)n < sizeof path ? opendir(path) : NULL;
    bool any = false;
    for (const struct dirent *e; d && !any && (e = readdir(d));)
        any = strlen(e->d_name) == 6 && strspn(e->d_name, "0123456789") == 6;
    if (d)
        closedir(d);
    return any ? directory : NULL;
}

struct map_library *map_library_open(const char *const *directories)
{
    struct map_library *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->directories = directories;
    const char *standard = NULL, *last = ".";
    for (size_t i = 0; directories[i] && !standard; i++)
        standard = dictionaries_in(last = directories[i]);
    l->dictionaries = dictionary_library_open(standard ? standard : last);
    return l;
}

void map_library_settle(struct map_library *l, int milliseconds)
{
    dictionary_library_settle(l->dictionaries, milliseconds);
}

void map_library_close(struct map_library *l)
{
    if (!l)
        return;
    dictionary_library_close(l->dictionaries);
    arena_free(&l->arena);
    free(l);
}

struct dictionary_library *map_library_dictionaries(struct map_library *l)
{
    return l->dictionaries;
}

bool library_name_plain(const char *name)
{
    bool start = true;
    for (const char *p = name; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (start ? !letter : !letter && !strchr("-_./", *p))
            return false;
        start = *p == '/';
    }
    return *name && !start;
}

const char *library_searched(const struct map_library *l, struct arena *a)
{
    const char *list = "";
    for (size_t i = 0; l->directories[i]; i++)
        list = arena_printf(a, "%s%s%s", list, i ? ", " : "", l->directories[i]);
    return list;
}

int library_open_path(struct map_library *l, const char *path, struct library_file *out, struct findings *f)
{
    struct buffer text = {0};
    if (file_read(AT_FDCWD, path, FILE_LIMIT, &text) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0;
        if (error_is_the_machines(errno)) {
            finding_machine(f, errno, path);
            buffer_free(&text);
            return -1;
        }
        finding_add(f, SEVERITY_ERROR, "map.file", path, "Put a readable, regular file there.",
                    "The file cannot be read: %s.",
                    errno == EFBIG   ? "it is larger than 4 MiB"
                    : errno == ELOOP ? "it is a symbolic link"
                                     : strerror(errno));
        return -1;
    }
    out->path = arena_text(&l->arena, slice_of(path));
    out->text = arena_copy(&l->arena, buffer_as_slice(&text));
    buffer_free(&text);
    return 1;
}

int library_find(struct map_library *l, const char *folder, const char *name, const char *suffix,
                 unsigned first, struct library_file *out, struct findings *f)
{
    for (unsigned i = 0; l->directories[i]; i++) {
        if (i < first)
            continue;
        const char *path = arena_printf(&l->arena, "%s/%s%s%s%s", l->directories[i], folder,
                                        *folder ? "/" : "", name, suffix);
        int found = library_open_path(l, path, out, f);
        out->directory = i;
        if (found)
            return found;
    }
    return 0;
}
