/* explain: what a map makes of a document, for the person who writes the map. */
#include "map/run.h"

struct place { /* a node's way down from the root */
    const struct place *outer;
    const struct node *node;
    size_t index; /* among nodes of its name or tag, from 0 */
    bool item;    /* of a list */
};

static void print_place(const struct place *p, struct buffer *out)
{
    if (!p->outer) /* the root has no name */
        return;
    const struct node *n = p->node;
    print_place(p->outer, out);
    if (n->kind == NODE_LOOP || n->kind == NODE_SEGMENT) {
        buffer_printf(out, "%s%.*s", out->len && out->ptr[out->len - 1] != ' ' ? " " : "",
                      SLICE_ARG(n->name));
        if (p->index || n->kind == NODE_LOOP)
            buffer_printf(out, "#%zu ", p->index + 1);
    } else if (p->item) {
        buffer_printf(out, "[%zu]", p->index);
    } else if (n->name.ptr) {
        buffer_printf(out, "%s%.*s", out->len ? "." : "", SLICE_ARG(n->name));
    } else if (p->outer && p->outer->node->kind == NODE_COMPOSITE) {
        buffer_printf(out, "(%u)", n->tag);
    } else {
        buffer_printf(out, "%02u", n->tag);
    }
}

static void print_unused(const struct place *at, struct buffer *out)
{
    const struct node *n = at->node;
    if (n->kind == NODE_STRING || n->kind == NODE_NUMBER || n->kind == NODE_TRUE || n->kind == NODE_FALSE) {
        struct buffer text = {0};
        struct slice value = n->kind == NODE_TRUE    ? SLICE("true")
                             : n->kind == NODE_FALSE ? SLICE("false")
                                                     : n->text;
        if (n->used || !value.len)
            return;
        print_place(at, &text);
        buffer_printf(out, "%-44.*s \"%.*s\"\n", (int)text.len, text.ptr ? text.ptr : "", SLICE_ARG(value));
        buffer_free(&text);
        return;
    }
    size_t index = 0;
    for (const struct node *c = n->first, *before = NULL; c; before = c, c = c->next) {
        bool item = n->kind == NODE_ARRAY;
        bool same = before && before->name.ptr && c->name.ptr && slice_equal(before->name, c->name);
        index = before && (item || same) ? index + 1 : 0;
        struct place inside = {at, c, index, item};
        print_unused(&inside, out);
    }
}

void map_unused(const struct node *tree, struct buffer *out)
{
    struct node root = *tree;
    root.name = SLICE_NONE;
    struct place top = {NULL, &root, 0, false};
    print_unused(&top, out);
}

static void print_rest(const struct node *tree, const char *title, struct buffer *out)
{
    struct buffer unused = {0};
    map_unused(tree, &unused);
    if (unused.len)
        buffer_printf(out, "\n%s\n%s", title, unused.ptr);
    buffer_free(&unused);
}

/* Whether bytes are a canonical document of the map's type. */
static struct node *canonical_of(const struct map *m, struct slice bytes, struct findings *f)
{
    struct findings aside = {.arena = f->arena};
    struct slice text = slice_trim(bytes);
    if (!map_writes(m) || !text.len || text.ptr[0] != '{')
        return NULL;
    struct node *tree = syntax_json.read(NULL, bytes, &aside);
    return tree && slice_equal(node_text_at(tree, "type"), m->schema->name) ? tree : NULL;
}

int map_explain(const struct map *m, struct slice bytes, const struct map_variable *variables,
                size_t variable_count, struct buffer *out, struct findings *f)
{
    struct map_run run = {
        .variables = variables, .variable_count = variable_count, .findings = f, .trace = out};
    struct node *canonical = canonical_of(m, bytes, f);
    const char *skipped = NULL;
    if (canonical) {
        const struct node *written = map_write_tree(m, canonical, &run);
        print_rest(canonical, "In the canonical document, written by no line:", out);
        return written ? 0 : -1;
    }
    if (!map_reads(m)) {
        finding_add(f, SEVERITY_ERROR, "map.direction", "", "Give it a canonical.json.",
                    "The map %s only writes: it explains canonical documents of type %s.", m->name,
                    map_canonical(m));
        return -1;
    }
    struct syntax_options o = {.dictionaries = m->library->dictionaries, .set = m->set_id};
    struct node *tree = m->syntax->read(&o, bytes, f);
    if (!tree)
        return -1;
    struct node *read = map_read_tree(m, tree, &run, &skipped);
    print_rest(tree, "In the document, read by no line:", out);
    return read ? 0 : -1;
}
