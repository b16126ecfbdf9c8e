/* offline: see offline.h. */
#include "command/offline.h"
#include "command/view.h"
#include "base/file.h"
#include "command/command.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_LIMIT (256u << 20)

int offline_open(struct offline *o, const char *file, const char *first, struct arena *a)
{
    const char *usual = config_default_path(), *standard = config_standard_translators();
    *o = (struct offline){0};
    if (file || (usual && access(usual, R_OK) == 0)) {
        o->config = command_config_load(file, a);
        if (!o->config)
            return -1;
    }
    size_t n = 0;
    if (first)
        o->directories[n++] = first;
    for (size_t i = 0; o->config && i < 8 && o->config->map_directories[i]; i++)
        o->directories[n++] = o->config->map_directories[i];
    if (!n || strcmp(o->directories[n - 1], standard) != 0)
        o->directories[n] = standard;
    o->maps = map_library_open(o->directories);
    if (o->maps)
        return 0;
    fprintf(stderr, "spoolgate: the maps in %s cannot be opened\n", o->directories[0]);
    offline_close(o);
    return -1;
}

void offline_close(struct offline *o)
{
    if (o->maps)
        map_library_close(o->maps);
    config_free(o->config);
    *o = (struct offline){0};
}

static int read_all(int fd, struct buffer *out)
{
    for (;;) {
        buffer_reserve(out, 65536);
        ssize_t n = read(fd, out->ptr + out->len, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -1 : 0;
        out->len += (size_t)n;
        out->ptr[out->len] = '\0';
        if (out->len > INPUT_LIMIT) {
            errno = EFBIG;
            return -1;
        }
    }
}

int offline_read(const char *command, const char *file, struct buffer *out)
{
    int fd = !strcmp(file, "-") ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    int result = fd < 0 ? -1 : read_all(fd, out);
    int failed = errno;
    if (fd > STDERR_FILENO)
        close(fd);
    if (result == 0)
        return EXIT_DONE;
    fprintf(stderr, "spoolgate %s: ", command);
    view_text(stderr, file, 0);
    fprintf(stderr, " cannot be read: %s\n", strerror(failed));
    return EXIT_NO_INPUT;
}

static const struct route *find_route(const struct config *c, const char *source, const char *name)
{
    if (source)
        return config_route(c, source, name);
    const struct route *found = NULL;
    for (const struct route *r = c->routes; r; r = r->next) {
        const struct route *fits = config_route(c, r->source, name);
        if (fits && found && strcmp(fits->map, found->map) != 0)
            return NULL; /* not clear which */
        if (fits)
            found = fits;
    }
    return found;
}

const struct map *offline_map(struct offline *o, const char *map, const char *source, const char *file,
                              struct findings *f)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    const struct route *r = map || !o->config ? NULL : find_route(o->config, source, name);
    if (map || r)
        return map_load(o->maps, map ? map : r->map, f);
    finding_add(f, SEVERITY_ERROR, "map.none", "", "Name one: --map MAP.",
                o->config ? "No route says which map reads a file named %s."
                          : "It is not said which map reads %s.",
                name);
    return NULL;
}
