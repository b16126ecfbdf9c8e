/* listing: see listing.h. */
#include "role/listing.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct listed *)a)->name, ((const struct listed *)b)->name);
}

static int by_arrival(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    return x->arrived != y->arrived ? (x->arrived < y->arrived ? -1 : 1) : strcmp(x->name, y->name);
}

/* Only the first LISTING_LIMIT stay; their names move to a fresh arena, so that the dropped ones cost
 * nothing. */
static void keep_first(struct listing *l, int (*compare)(const void *, const void *))
{
    qsort(l->items, l->count, sizeof *l->items, compare);
    if (l->count <= LISTING_LIMIT)
        return;
    l->count = LISTING_LIMIT;
    l->more = true;
    arena_reset(&l->spare);
    for (size_t i = 0; i < l->count; i++)
        l->items[i].name = arena_text(&l->spare, slice_of(l->items[i].name));
    struct arena emptied = l->names;
    l->names = l->spare;
    l->spare = emptied;
    arena_reset(&l->spare);
}

static int add(struct listing *l, const char *name, int64_t arrived)
{
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct listed *items = realloc(l->items, room * sizeof *items);
        if (!items)
            return -1;
        l->items = items;
        l->room = room;
    }
    l->items[l->count++] = (struct listed){arena_text(&l->names, slice_of(name)), arrived};
    return 0;
}

typedef int visit(void *context, const char *name, int64_t arrived);

static int walk(int dir, visit *each, void *context)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    const struct dirent *entry;
    struct stat st;
    int result = 0;
    while (result == 0 && (errno = 0, entry = readdir(d))) {
        if (entry->d_name[0] == '.' || fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        result = each(context, entry->d_name, (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec);
    }
    if (result == 0 && errno)
        result = -1;
    int saved = errno;
    closedir(d);
    errno = saved;
    return result;
}

static int see_newest(void *context, const char *name, int64_t arrived)
{
    int64_t *newest = context;
    (void)name;
    if (arrived > *newest)
        *newest = arrived;
    return 0;
}

struct reading {
    struct listing *listing;
    int (*compare)(const void *, const void *);
    int64_t newest;
};

static int take(void *context, const char *name, int64_t arrived)
{
    struct reading *r = context;
    if (arrived > r->newest) {
        r->listing->more = r->listing->late = true;
        return 0;
    }
    if (r->listing->count >= 2 * (size_t)LISTING_LIMIT)
        keep_first(r->listing, r->compare);
    return add(r->listing, name, arrived);
}

int listing_read(struct listing *l, int dir, enum listing_order order)
{
    struct reading r = {
        .listing = l, .compare = order == BY_NAME ? by_name : by_arrival, .newest = INT64_MIN};
    l->count = l->at = 0;
    l->more = l->late = false;
    arena_reset(&l->names);
    if (walk(dir, see_newest, &r.newest) < 0 || (r.newest != INT64_MIN && walk(dir, take, &r) < 0)) {
        l->count = 0;
        return -1;
    }
    if (l->count)
        keep_first(l, r.compare);
    return 0;
}

void listing_free(struct listing *l)
{
    free(l->items);
    arena_free(&l->names);
    arena_free(&l->spare);
    *l = (struct listing){0};
}
