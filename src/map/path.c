/* path: places in canonical documents (schema.h): compiled against the schema, then found and filled in by
 * tags. */
#include "map/schema.h"

static const char *members_of(const struct schema_type *t, struct arena *a)
{
    const char *list = "";
    for (unsigned i = 0; i < t->count; i++)
        list = arena_printf(a, "%s%s%.*s", list, i ? ", " : "", SLICE_ARG(t->members[i].name));
    return list;
}

/* "[3]", "[]" at *p; 0 with *index (-1 for "[]" and nothing), -1 when malformed. */
static int read_index(const char **p, const char *end, int *index)
{
    *index = -1;
    if (*p == end || **p != '[')
        return 0;
    const char *q = *p + 1;
    int n = 0;
    bool digits = false;
    for (; q < end && *q >= '0' && *q <= '9' && n < 1000; q++, digits = true)
        n = n * 10 + (*q - '0');
    if (q == end || *q != ']' || n >= 1000)
        return -1;
    *p = q + 1;
    *index = digits ? n : -1;
    return digits ? 1 : 2;
}

int path_compile(const struct schema_type *from, struct slice text, struct arena *a, struct path *out,
                 const char **why)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    const struct schema_type *at = from;
    struct path_step steps[PATH_STEPS];
    unsigned count = 0;
    *out = (struct path){.text = arena_text(a, text)};
    while (p < end) {
        const char *begin = p;
        while (p < end && *p != '.' && *p != '[')
            p++;
        struct slice name = slice_make(begin, (size_t)(p - begin));
        if (count == PATH_STEPS || at->kind != SCHEMA_OBJECT) {
            *why = arena_printf(a, "%.*s has no members", (int)(begin > text.ptr ? begin - 1 - text.ptr : 0),
                                text.ptr);
            return -1;
        }
        unsigned i = 0;
        while (i < at->count && !slice_equal(at->members[i].name, name))
            i++;
        if (i == at->count) {
            *why = arena_printf(a, "there is no member \"%.*s\" here; there are: %s", SLICE_ARG(name),
                                members_of(at, a));
            return -1;
        }
        const struct schema_member *member = &at->members[i];
        int index, brackets = read_index(&p, end, &index);
        at = member->type;
        if (brackets < 0 || (brackets && at->kind != SCHEMA_ARRAY)) {
            *why = brackets < 0 ? "the brackets hold no number"
                                : arena_printf(a, "%.*s is no list", SLICE_ARG(name));
            return -1;
        }
        if (brackets == 1)
            at = at->items;
        steps[count++] = (struct path_step){
            .tag = (uint16_t)(i + 1), .index = (int16_t)index, .type = at, .name = member->name};
        if (p < end && *p == '.' && p + 1 < end && brackets != 2)
            p++;
        else if (p < end) {
            *why = brackets == 2 ? "a list can only stand at the end; open a block for its items"
                                 : "a name is expected behind the dot";
            return -1;
        }
    }
    if (!count) {
        *why = "a name is expected";
        return -1;
    }
    struct path_step *kept = arena_alloc(a, count * sizeof *kept);
    memcpy(kept, steps, count * sizeof *kept);
    out->steps = kept;
    out->type = at;
    out->count = (uint16_t)count;
    out->only = count == 1 && steps[0].index < 0 ? steps[0].tag : 0;
    return 0;
}

static struct node *item(const struct node *array, int index)
{
    struct node *n = array->first;
    while (n && index--)
        n = n->next;
    return n;
}

struct node *path_walk(const struct node *base, const struct path *p)
{
    struct node *n = (struct node *)(uintptr_t)base;
    for (unsigned i = 0; n && i < p->count; i++) {
        if (n->kind != NODE_OBJECT)
            return NULL;
        n = schema_child(n, p->steps[i].tag);
        if (n && p->steps[i].index >= 0)
            n = n->kind == NODE_ARRAY ? item(n, p->steps[i].index) : NULL;
    }
    return n;
}

void schema_insert(struct node *object, struct node *child)
{
    if (!object->last || object->last->tag < child->tag) {
        node_append(object, child);
        return;
    }
    struct node **link = &object->first;
    while ((*link)->tag < child->tag)
        link = &(*link)->next;
    child->next = *link;
    *link = child;
}

bool path_put(struct arena *a, struct node *base, const struct path *p, struct node *n)
{
    struct node *at = base;
    if (p->only) {
        if ((!at->last || at->last->tag >= p->only) && schema_child(at, p->only))
            return false;
        n->name = p->steps[0].name;
        n->tag = p->only;
        schema_insert(at, n);
        return true;
    }
    for (unsigned i = 0; i < p->count; i++) {
        const struct path_step *s = &p->steps[i];
        bool end = i + 1 == p->count;
        struct node *child = at->last && at->last->tag < s->tag ? NULL : schema_child(at, s->tag);
        if (s->index < 0) {
            if (child && end)
                return false;
            if (!child) {
                child = end ? n : node_new(a, NODE_OBJECT, s->name);
                child->name = s->name;
                child->tag = s->tag;
                schema_insert(at, child);
            }
            at = child;
            continue;
        }
        if (!child) {
            child = node_new(a, NODE_ARRAY, s->name);
            child->tag = s->tag;
            schema_insert(at, child);
        }
        /* an item remembers by its tag which index it was put at: a list has no gaps, so an index can move
         * down */
        struct node *found = node_tagged(child, (unsigned)s->index + 1);
        if (found && end)
            return false;
        if (!found) {
            found =
                end ? n : node_new(a, s->type->kind == SCHEMA_OBJECT ? NODE_OBJECT : NODE_ARRAY, SLICE_NONE);
            found->tag = (uint16_t)(s->index + 1);
            schema_insert(child, found);
        }
        at = found;
    }
    return true;
}
