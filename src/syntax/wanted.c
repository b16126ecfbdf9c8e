/* wanted: see wanted.h. Built once when a map is loaded; siblings keep the order in which they were added. */
#include "syntax/wanted.h"
#include "syntax/tree.h"

struct wanted *wanted_find(const struct wanted *parent, struct slice name)
{
    for (struct wanted *w = parent->first; w; w = w->next)
        if (slice_equal(w->name, name))
            return w;
    return NULL;
}

struct wanted *wanted_member(struct arena *a, struct wanted *parent, struct slice name)
{
    struct wanted **link = &parent->first;
    for (; *link; link = &(*link)->next)
        if (slice_equal((*link)->name, name))
            return *link;
    struct wanted *w = arena_zero(a, sizeof *w);
    w->name = arena_copy(a, name);
    w->tag = ++parent->count;
    *link = w;
    return w;
}

struct wanted *wanted_add(struct arena *a, struct wanted *root, const char *path)
{
    struct wanted *at = root;
    root->arena = a;
    while (*path) {
        if (*path == '[') {
            size_t len = strcspn(path, "]");
            path += len + (path[len] == ']');
            continue;
        }
        if (*path == '.') {
            path++;
            continue;
        }
        size_t len, skip;
        if (*path == '"') {
            len = strcspn(++path, "\"");
            skip = len + (path[len] == '"');
        } else {
            skip = len = strcspn(path, ".[");
        }
        at = wanted_member(a, at, slice_make(path, len));
        path += skip;
    }
    at->whole = true;
    return at;
}

void wanted_bind(const struct wanted *entry, struct node *tree)
{
    for (struct node *n = tree->first; n; n = n->next) {
        const struct wanted *inside = entry;
        if (tree->kind == NODE_OBJECT) {
            inside = wanted_find(entry, n->name);
            if (!inside)
                continue;
            n->name = inside->name;
            n->tag = inside->tag;
        }
        if (n->first && inside->first)
            wanted_bind(inside, n);
    }
}
