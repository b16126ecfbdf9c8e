/* difference: see difference.h. Members are compared by name and items of arrays by position; a path names
 * each. */
#include "role/difference.h"
#include "base/decimal.h"

static unsigned compare(const struct node *before, const struct node *now, const char *path, unsigned found,
                        struct findings *f);

static bool is_scalar(const struct node *n)
{
    return n->kind != NODE_OBJECT && n->kind != NODE_ARRAY;
}

static const char *shown(const struct node *n, struct arena *a)
{
    if (!n)
        return "not there";
    switch (n->kind) {
    case NODE_TRUE: return "true";
    case NODE_FALSE: return "false";
    case NODE_NULL: return "null";
    case NODE_OBJECT: return "a group of values";
    case NODE_ARRAY: return "a list";
    default:
        return arena_printf(a, "\"%.*s%s\"", (int)(n->text.len > 60 ? 60 : n->text.len),
                            n->text.ptr ? n->text.ptr : "", n->text.len > 60 ? "…" : "");
    }
}

static bool same_scalar(const struct node *a, const struct node *b)
{
    struct decimal x, y;
    if (a->kind == NODE_NUMBER && b->kind == NODE_NUMBER && decimal_parse(a->text, &x) &&
        decimal_parse(b->text, &y))
        return decimal_compare(x, y) == 0;
    return a->kind == b->kind && slice_equal(a->text, b->text);
}

static unsigned report(const struct node *before, const struct node *now, const char *path, unsigned found,
                       struct findings *f)
{
    if (found < DIFFERENCE_LIMIT)
        finding_add(f, SEVERITY_ERROR, "document.differs", path, "", "It was %s and is now %s.",
                    shown(before, f->arena), shown(now, f->arena));
    return found + 1;
}

static unsigned compare_objects(const struct node *before, const struct node *now, const char *path,
                                unsigned found, struct findings *f)
{
    for (const struct node *n = before->first; n; n = n->next)
        found =
            compare(n, node_member(now, n->name),
                    arena_printf(f->arena, "%s%s%.*s", path, *path ? "." : "", SLICE_ARG(n->name)), found, f);
    for (const struct node *n = now->first; n; n = n->next)
        if (!node_member(before, n->name))
            found = report(NULL, n,
                           arena_printf(f->arena, "%s%s%.*s", path, *path ? "." : "", SLICE_ARG(n->name)),
                           found, f);
    return found;
}

static unsigned compare_arrays(const struct node *before, const struct node *now, const char *path,
                               unsigned found, struct findings *f)
{
    const struct node *b = before->first, *n = now->first;
    for (unsigned i = 0; b || n; i++) {
        found = compare(b, n, arena_printf(f->arena, "%s[%u]", path, i), found, f);
        b = b ? b->next : NULL;
        n = n ? n->next : NULL;
    }
    return found;
}

static unsigned compare(const struct node *before, const struct node *now, const char *path, unsigned found,
                        struct findings *f)
{
    if (!before || !now)
        return report(before, now, path, found, f);
    if (before->kind == NODE_OBJECT && now->kind == NODE_OBJECT)
        return compare_objects(before, now, path, found, f);
    if (before->kind == NODE_ARRAY && now->kind == NODE_ARRAY)
        return compare_arrays(before, now, path, found, f);
    return is_scalar(before) && is_scalar(now) && same_scalar(before, now)
               ? found
               : report(before, now, path, found, f);
}

unsigned difference_find(const struct node *before, const struct node *now, struct findings *f)
{
    return compare(before, now, "", 0, f);
}
