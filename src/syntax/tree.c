/* tree: see tree.h. Nodes are appended in document order and never moved; a lookup is a walk over siblings,
 * which are few (the widest object of an ERP document has some seventy members). */
#include "syntax/tree.h"

struct node *node_member(const struct node *object, struct slice name)
{
    for (struct node *n = object ? object->first : NULL; n; n = n->next)
        if (slice_equal(n->name, name))
            return n;
    return NULL;
}

struct node *node_tagged(const struct node *parent, unsigned tag)
{
    for (struct node *n = parent ? parent->first : NULL; n; n = n->next)
        if (n->tag == tag)
            return n;
    return NULL;
}

/* "[12]" at p: the item, and *p behind the bracket; NULL when there is none or the text is no index. */
static struct node *item_at(const struct node *array, const char **p)
{
    const char *q = *p + 1;
    size_t index = 0;
    if (*q < '0' || *q > '9')
        return NULL;
    for (; *q >= '0' && *q <= '9'; q++)
        if ((index = index * 10 + (size_t)(*q - '0')) > UINT32_MAX)
            return NULL;
    if (*q != ']' || array->kind != NODE_ARRAY)
        return NULL;
    *p = q + 1;
    struct node *n = array->first;
    while (n && index--)
        n = n->next;
    return n;
}

struct node *node_at(const struct node *root, const char *path)
{
    struct node *at = (struct node *)(uintptr_t)root;
    while (at && *path) {
        if (*path == '[') {
            at = item_at(at, &path);
            continue;
        }
        if (*path == '.')
            path++;
        size_t len = strcspn(path, ".[");
        at = node_member(at, slice_make(path, len));
        path += len;
    }
    return at;
}

struct slice node_text_at(const struct node *root, const char *path)
{
    const struct node *n = node_at(root, path);
    if (!n)
        return SLICE_NONE;
    switch (n->kind) {
    case NODE_STRING:
    case NODE_NUMBER: return n->text;
    case NODE_TRUE: return SLICE("true");
    case NODE_FALSE: return SLICE("false");
    default: return SLICE_NONE;
    }
}
