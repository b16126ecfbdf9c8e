/* view: see view.h. */
#include "command/view.h"
#include "command/waiting.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int view_open(struct view *v, const char *config_file)
{
    struct findings f = {.arena = &v->arena};
    v->config = command_config_load(config_file, &v->arena);
    if (!v->config)
        return EXIT_CONFIG;
    if (access(v->config->spool, F_OK) < 0) {
        fprintf(stderr, "spoolgate: there is no spool %s: %s\n", v->config->spool, strerror(errno));
        return EXIT_NO_INPUT;
    }
    v->spool_is_open = spool_open(&v->spool, v->config->spool, &f) == 0;
    if (v->spool_is_open)
        return 0;
    command_print_findings(&f);
    return EXIT_NO_INPUT;
}

int view_state(struct view *v)
{
    struct findings f = {.arena = &v->arena};
    if (v->state)
        return 0;
    if (access(v->config->state, F_OK) < 0 && errno == ENOENT)
        return 1;
    v->state = state_open(v->config->state, &f);
    if (v->state)
        return 0;
    command_print_findings(&f);
    return -1;
}

void view_close(struct view *v)
{
    state_close(v->state);
    json_decref(v->run);
    waiting_free(v);
    if (v->spool_is_open)
        spool_close(&v->spool);
    config_free(v->config);
    arena_free(&v->arena);
}

/* Whoever runs holds the lock; its number stands in the file. */
static long find_gateway(const struct view *v)
{
    int fd = openat(v->spool.root, ".lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char pid[32] = "";
    if (fd < 0)
        return 0;
    bool held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    ssize_t n = held ? pread(fd, pid, sizeof pid - 1, 0) : 0;
    close(fd);
    long number = n > 0 ? strtol(pid, NULL, 10) : 0;
    return held ? (number > 0 ? number : 1) : 0;
}

long view_gateway(struct view *v)
{
    if (!v->gateway_known)
        v->gateway = find_gateway(v);
    v->gateway_known = true;
    return v->gateway;
}

const json_t *view_run(struct view *v)
{
    struct buffer text = {0};
    if (!v->run && file_read(v->spool.root, ".run.json", 1 << 20, &text) == 0)
        v->run = json_parse(buffer_as_slice(&text), NULL);
    buffer_free(&text);
    return v->run;
}

/* ---- walking ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

long view_names(struct view *v, const char *place, const char ***names)
{
    int fd = openat(v->spool.root, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    size_t count = 0, room = 0;
    const char **list = NULL;
    struct dirent *e;
    *names = NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        if (count == room) {
            room = room ? 2 * room : 256;
            list = realloc(list, room * sizeof *list);
            if (!list)
                abort();
        }
        list[count++] = arena_text(&v->arena, slice_of(e->d_name));
    }
    closedir(d);
    if (count) {
        qsort(list, count, sizeof *list, by_name);
        *names = memcpy(arena_alloc(&v->arena, count * sizeof *list), list, count * sizeof *list);
    }
    free(list);
    return (long)count;
}

int view_one(struct view *v, const char *path, view_document *each, void *context)
{
    struct document d;
    char parent[512];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash)
        return 1;
    *slash = '\0';
    int fd = openat(v->spool.root, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || document_open(&d, fd, slash + 1, NULL) < 0) {
        if (fd >= 0)
            close(fd);
        return 1;
    }
    int rc = each(context, path, &d);
    document_close(&d);
    close(fd);
    return rc ? -1 : 0;
}

int view_walk(struct view *v, const char *place, view_document *each, void *context)
{
    const char **names;
    long n = view_names(v, place, &names);
    if (n < 0)
        return -1;
    for (long i = 0; i < n; i++) {
        char path[600];
        if (!document_name_parse(names[i], NULL, NULL))
            continue;
        snprintf(path, sizeof path, "%s/%s", place, names[i]);
        if (view_one(v, path, each, context) < 0)
            return 1;
    }
    return 0;
}

int view_find(struct view *v, const char *name, view_document *each, void *context)
{
    char path[512], id[DOCUMENT_NAME_TEXT], further[DOCUMENT_NAME_TEXT];
    unsigned destination;
    if (!document_name_parse(name, id, &destination))
        return 0;
    int found = spool_find(&v->spool, name, path) && view_one(v, path, each, context) == 0;
    if (destination == 1 &&
        !found) /* a first destination is called by its id until it leaves its translator */
        found = spool_find(&v->spool, id, path) && view_one(v, path, each, context) == 0;
    for (unsigned n = 1, missing = 0; destination == 0 && missing < 2 && n < 1000; n++) {
        snprintf(further, sizeof further, "%.28s.%u", id, n);
        bool there = spool_find(&v->spool, further, path) && view_one(v, path, each, context) == 0;
        found += there;
        missing = there ? 0 : missing + 1;
    }
    return found;
}

/* ---- what there is to say ---- */

/* The sentence behind the first "error: " of error.txt. */
static const char *first_error(struct view *v, const struct document *d)
{
    struct buffer text = {0};
    const char *said = "";
    if (file_read(d->folder, "error.txt", 1 << 20, &text) == 0 && text.len) {
        const char *at = !strncmp(text.ptr, "error: ", 7) ? text.ptr : strstr(text.ptr, "\nerror: ");
        at = at ? strchr(at, ':') + 2 : text.ptr;
        said = arena_text(&v->arena, slice_make(at, strcspn(at, "\n")));
    }
    buffer_free(&text);
    return said;
}

/* The outbox that a path leads into; NULL: none. */
static const char *outbox_of(struct view *v, const char *path)
{
    const char *slash = strncmp(path, "outbox/", 7) ? NULL : strchr(path + 7, '/');
    return slash ? arena_text(&v->arena, slice_make(path + 7, (size_t)(slash - path - 7))) : NULL;
}

const char *view_remark(struct view *v, const char *path, const struct document *d)
{
    const char *outcome = document_text(d, "outcome"), *reason = document_text(d, "reason");
    const char *endpoint = outbox_of(v, path);
    if (!strncmp(path, "error/", 6))
        return first_error(v, d);
    if (endpoint)
        return waiting_document(v, endpoint, d).said;
    if (!strncmp(path, "translate/.", 11))
        return "in the hands of a translator";
    if (!strncmp(path, "translate/", 10))
        return view_gateway(v) ? "waits for a translator" : "the gateway is not running";
    if (outcome && reason && !strcmp(outcome, "not-sent"))
        return arena_printf(&v->arena, "not sent: %s", reason);
    return outcome ? outcome : "";
}

json_t *view_summary(struct view *v, const char *path, const struct document *d)
{
    static const char *const member[] = {
        "type",           "number",      "version",    "partner",   "endpoint", "outcome",   "attempts",
        "control_number", "external_id", "not_before", "failed_in", "keys",     "recovered", "former_id"};
    json_t *j = json_object(), *value;
    json_object_set_new(j, "document", json_string(d->name));
    json_object_set_new(j, "path", json_string(path));
    for (size_t i = 0; i < sizeof member / sizeof member[0]; i++)
        if ((value = json_object_get(d->envelope, member[i])))
            json_object_set(j, member[i], value);
    if ((value = json_object_get(d->envelope, "source")))
        json_object_set(j, "source", value);
    const char *remark = view_remark(v, path, d), *endpoint = outbox_of(v, path);
    value = *remark ? json_string(remark) : NULL;
    if (value)
        json_object_set_new(j, "remark", value);
    if (endpoint) {
        const struct waits w = waiting_document(v, endpoint, d);
        json_object_set_new(j, "waits", waiting_json(&w));
    }
    return j;
}

void view_print_json(const json_t *j)
{
    struct buffer text = {0};
    json_print_line(j, &text);
    fwrite(text.ptr, 1, text.len, stdout);
    buffer_free(&text);
}

/* ---- printing ---- */

void view_text(FILE *out, const char *text, int width)
{
    char shown[4096];
    size_t n = utf8_show(slice_of(text && *text ? text : "-"), shown, sizeof shown);
    int columns = 0;
    size_t at = 0;
    while (at < n) {
        size_t len = utf8_sequence(slice_make(shown + at, n - at));
        len = len ? len : 1;
        if (width && columns == width - 1 && at + len < n) {
            fputs("\xe2\x80\xa6", out);
            columns++;
            break;
        }
        fwrite(shown + at, 1, len, out);
        at += len;
        columns++;
    }
    for (; columns < width; columns++)
        putc(' ', out);
    if (width)
        putc(' ', out);
}

const char *view_age(int64_t seconds, char out[AGE_TEXT])
{
    return seconds < 0 ? "-" : age_print(seconds, out);
}

int64_t view_since(const char *text)
{
    struct instant t;
    if (!text || !instant_parse(slice_of(text), &t))
        return -1;
    int64_t age = instant_now().seconds - t.seconds;
    return age < 0 ? 0 : age;
}
