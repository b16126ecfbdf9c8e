/* read: a tree of theirs through a map into a canonical tree. Lines run in map order; the first line that has
 * a value for a member of ours wins; absent, null and empty are the same. */
#include "edi/x12/x12.h"
#include "map/run.h"

/* ---- finding theirs ---- */

static struct node *nth(struct node *list, int n)
{
    struct node *item = list->first;
    while (item && n-- > 0)
        item = item->next;
    return item;
}

static bool qualified(const struct frame *f, const struct node *n)
{
    const struct node *holder = n->kind == NODE_LOOP ? n->first : n;
    for (const struct qualifier *q = f->qualifiers; q; q = q->next) {
        struct node *value = holder ? node_tagged(holder, q->tag) : NULL;
        if (!value || !slice_equal(run_scalar(value), q->value))
            return false;
    }
    for (const struct qualifier *q = f->qualifiers; q; q = q->next)
        node_tagged(holder, q->tag)->used = 1;
    return true;
}

/* The first child from n on that is a loop or segment of this frame. */
static struct node *next_segment(const struct frame *f, struct node *n)
{
    for (; n; n = n->next)
        if (n->kind == f->kind && slice_equal(n->name, f->name) && qualified(f, n))
            return n;
    return NULL;
}

static struct node *find_segment(const struct frame *f, const struct node *parent)
{
    struct node *n = next_segment(f, parent->first);
    for (int i = 1; n && i < f->index; i++)
        n = next_segment(f, n->next);
    return n;
}

static struct node *find_object(struct running *r, const struct scope *s, const struct frame *f)
{
    struct node *n = s->slots[f->self_slot];
    if (n && n->kind == NODE_ARRAY && f->index >= 0) {
        n = nth(n, f->index);
    } else if (n && n->kind == NODE_ARRAY && f->qualifiers) {
        for (n = n->first; n && !(n->kind == NODE_OBJECT && qualified(f, n)); n = n->next)
            ;
    }
    if (!n || n->kind == NODE_NULL || n->kind == NODE_OBJECT)
        return n && n->kind == NODE_OBJECT ? n : NULL;
    struct line here = {.place = f->text, .path.text = ""};
    run_fault(r, s, &here, n, "map.type", "Compare the map with the document.",
              n->kind == NODE_ARRAY ? "A list stands where the map expects an object."
                                    : "A single value stands where the map expects an object.");
    return NULL;
}

static void fill(const struct frame *f, const struct node *n, struct node **slots)
{
    slots += f->first_slot;
    for (struct node *child = n->first; child; child = child->next)
        if (child->tag - 1u < f->slot_count && !slots[child->tag - 1])
            slots[child->tag - 1] = child;
}

/* Finds the nodes of all frames of a block; theirs is that of its own frame. */
static void place_frames(struct running *r, struct scope *s, struct node *theirs)
{
    const struct block *b = s->block;
    memset(s->slots, 0, b->slot_count * sizeof *s->slots);
    for (const struct frame *f = b->frames; f; f = f->next) {
        struct node *n = NULL;
        if (f == b->frame) {
            n = theirs;
        } else if (s->frames[f->parent->number]) {
            struct node *parent = s->frames[f->parent->number];
            if (f->leads)
                n = parent->first;
            else if (f->kind == NODE_LOOP || f->kind == NODE_SEGMENT)
                n = find_segment(f, parent);
            else if (f->kind == NODE_COMPOSITE)
                n = s->slots[f->self_slot];
            else
                n = find_object(r, s, f);
        }
        s->frames[f->number] = n;
        if (n && n->kind == NODE_STRING) /* a composite of which only the first component is there */
            s->slots[f->first_slot] = n;
        else if (n)
            fill(f, n, s->slots);
    }
}

/* ---- values ---- */

static struct slice to_ours(struct running *r, const struct scope *s, const struct line *l, struct slice text,
                            struct node *at, const struct code_pair **pair)
{
    const char *why = NULL;
    if (l->codes) {
        *pair = codes_by_theirs(l->codes, text);
        if (*pair)
            return (*pair)->ours;
        if (!l->if_known)
            run_unknown_code(r, s, l, at, text);
        return SLICE_NONE;
    }
    struct slice value = text;
    if (l->field && l->field->element)
        value = x12_canonical(l->field->element, text, r->arena, &why);
    if (value.ptr && value.len && l->path.type->kind != SCHEMA_TEXT)
        value = schema_value(l->path.type, value, r->arena, &why);
    if (value.ptr || !why)
        return value;
    if (!run_full(r))
        run_fault(r, s, l, at, "map.value", "Correct the document, or the map.",
                  arena_printf(r->arena, "\"%.*s\" %s.", SLICE_ARG(text), why));
    return SLICE_NONE;
}

static void put(struct running *r, const struct scope *s, const struct line *l, struct slice value)
{
    enum schema_kind kind = l->path.type->kind;
    struct node *n = node_new(r->arena, NODE_STRING, SLICE_NONE);
    n->text = value;
    if (kind == SCHEMA_INTEGER)
        n->kind = NODE_NUMBER;
    else if (kind == SCHEMA_BOOLEAN)
        n->kind = slice_is(value, "true") ? NODE_TRUE : NODE_FALSE;
    path_put(r->arena, s->ours, &l->path, n);
}

static void read_line(struct running *r, const struct scope *s, const struct line *l)
{
    if (!(l->direction & DIRECTION_READ) || l->right != SIDE_PATH)
        return;
    if (l->fallback && path_get(s->ours, &l->path))
        return;
    if (l->direction == DIRECTION_READ && l->when && !run_tests(r, s, l->when, NULL))
        return;
    struct node *at = NULL;
    const struct code_pair *pair = NULL;
    struct slice theirs, value;
    if (l->left == SIDE_PLACE) {
        theirs = run_their_text(r, s, l->field, &at);
        value = theirs.ptr ? to_ours(r, s, l, theirs, at, &pair) : SLICE_NONE;
        if (theirs.ptr && !value.len && !l->if_known)
            return;
    } else if (l->left == SIDE_CONSTANT) {
        theirs = value = l->constant;
    } else {
        theirs = slice_trim(r->values[l->variable]);
        value = theirs.len ? to_ours(r, s, l, theirs, NULL, &pair) : SLICE_NONE;
    }
    if (!value.len)
        value = l->otherwise;
    if (!value.len)
        return;
    put(r, s, l, value);
    if (r->trace)
        run_trace(r, s, l, theirs, value, pair);
}

/* ---- blocks ---- */

static void read_block(struct running *r, struct scope *s, struct node *theirs);

static struct scope scope_open(struct running *r, const struct scope *outer, const struct block *b)
{
    struct scope s = {.outer = outer, .block = b};
    s.slots = arena_alloc(r->arena, (b->slot_count + 1) * sizeof *s.slots);
    s.frames = arena_alloc(r->arena, b->frame_count * sizeof *s.frames);
    return s;
}

/* The list of ours that a block adds to; made with its first item. */
static void append_ours(struct running *r, const struct scope *outer, const struct path *p, struct node *item)
{
    struct node *list = path_get(outer->ours, p);
    if (!list) {
        list = node_new(r->arena, NODE_ARRAY, SLICE_NONE);
        path_put(r->arena, outer->ours, p, list);
    }
    node_append(list, item);
}

static size_t count_ours(const struct scope *outer, const struct path *p)
{
    size_t count = 0;
    const struct node *list = path_get(outer->ours, p);
    for (const struct node *n = list ? list->first : NULL; n; n = n->next)
        count++;
    return count;
}

static void read_items(struct running *r, struct scope *outer, const struct block *b)
{
    const struct frame *f = b->frame;
    struct scope s = scope_open(r, outer, b);
    struct node *item;
    if (r->map->x12) {
        struct node *parent = outer->frames[f->parent->number];
        item = parent ? next_segment(f, parent->first) : NULL;
    } else {
        struct node *list = outer->slots[f->self_slot];
        if (list && list->kind != NODE_ARRAY && list->kind != NODE_NULL) {
            struct line here = {.place = b->text, .path.text = ""};
            run_fault(r, outer, &here, list, "map.type", "Compare the map with the document.",
                      "The map expects a list here.");
            return;
        }
        item = list ? list->first : NULL;
    }
    s.our_index = item ? count_ours(outer, &b->path) : 0;
    for (; item; item = r->map->x12 ? next_segment(f, item->next) : item->next, s.index++) {
        if (item->kind == NODE_NULL)
            continue;
        if (!r->map->x12 && item->kind != NODE_OBJECT) {
            if (run_full(r))
                continue;
            struct line here = {.place = arena_printf(r->arena, "%s, item %zu", b->text, s.index + 1),
                                .path.text = ""};
            run_fault(r, outer, &here, item, "map.type", "Compare the map with the document.",
                      "The map expects an object here.");
            continue;
        }
        s.ours = node_new(r->arena, NODE_OBJECT, SLICE_NONE);
        read_block(r, &s, item);
        if (!s.ours->first)
            continue;
        append_ours(r, outer, &b->path, s.ours);
        s.our_index++;
    }
}

static void read_inner(struct running *r, struct scope *outer, const struct block *b)
{
    const struct frame *f = b->frame;
    if (!(b->direction & DIRECTION_READ))
        return;
    if (b->direction == DIRECTION_READ && !run_tests(r, outer, b->when, NULL))
        return;
    if (b->each) {
        read_items(r, outer, b);
        return;
    }
    struct node *theirs = NULL;
    if (!r->map->x12)
        theirs = find_object(r, outer, f);
    else if (outer->frames[f->parent->number])
        theirs = find_segment(f, outer->frames[f->parent->number]);
    if (!theirs)
        return;
    struct scope s = scope_open(r, outer, b);
    struct node *before = b->path.count ? path_get(outer->ours, &b->path) : outer->ours;
    s.ours = before ? before : node_new(r->arena, NODE_OBJECT, SLICE_NONE);
    read_block(r, &s, theirs);
    if (!before && s.ours->first)
        path_put(r->arena, outer->ours, &b->path, s.ours);
}

/* Whether a line for the same member of ours had something to read: then what was wrong with it has been
 * told. */
static bool was_told(struct running *r, const struct scope *s, const struct line *missing)
{
    struct node *at;
    for (const struct line *l = s->block->lines; l; l = l->next)
        if (l->left == SIDE_PLACE && l->right == SIDE_PATH && strcmp(l->path.text, missing->path.text) == 0 &&
            s->slots && run_their_text(r, s, l->field, &at).ptr)
            return true;
    return false;
}

static void check_required(struct running *r, const struct scope *s)
{
    for (const struct line *l = s->block->lines; l; l = l->next) {
        if (!l->required || !(l->direction & DIRECTION_READ) || l->right != SIDE_PATH ||
            path_get(s->ours, &l->path))
            continue;
        if (run_full(r) || (r->wrong && was_told(r, s, l)))
            continue;
        run_fault(r, s, l, NULL, "map.required",
                  "Fill it in where the document was made, and send the document again.",
                  arena_printf(r->arena, "The document has no value here, and %s is required.",
                               run_path(r, s, l->path.text)));
    }
}

/* "status is Hold, not one of Open, PendingPrint". */
static const char *why_not(struct running *r, const struct scope *s, const struct test *t)
{
    struct node *n;
    struct slice text = t->field ? run_their_text(r, s, t->field, &n) : SLICE_NONE;
    const char *list = "";
    for (unsigned i = 0; i < t->value_count; i++)
        list = arena_printf(r->arena, "%s%s%.*s", list, i ? ", " : "", SLICE_ARG(t->values[i].text));
    const char *is = text.ptr ? arena_printf(r->arena, "%s is %.*s", t->text, SLICE_ARG(text))
                              : arena_printf(r->arena, "%s is not there", t->text);
    bool several = t->value_count > 1;
    return t->kind == TEST_IN ? arena_printf(r->arena, several ? "%s, not one of %s" : "%s, not %s", is, list)
                              : is;
}

static void read_block(struct running *r, struct scope *s, struct node *theirs)
{
    const struct block *b = s->block;
    const struct block *inner = b->first;
    unsigned n = 0;
    if (b->outer) /* the outermost block's are placed already, for its conditions */
        place_frames(r, s, theirs);
    const struct test *failed = NULL;
    if (b->outer && !run_tests(r, s, b->only, &failed)) {
        if (r->trace)
            buffer_printf(r->trace, "%-44s not taken into %s: %s\n", run_here(r, s),
                          b->path.text ? b->path.text : "ours", why_not(r, s, failed));
        return;
    }
    for (const struct line *l = b->lines; l || inner;) {
        if (inner && inner->order <= n) {
            read_inner(r, s, inner);
            inner = inner->next;
        } else {
            read_line(r, s, l);
            l = l->next;
            n++;
        }
    }
    check_required(r, s);
}

/* ---- documents ---- */

/* Where the map reads a member of ours from, for a finding that says it is missing. */
static const char *source_in(const struct block *b, const struct schema_type *object, unsigned tag,
                             struct arena *a)
{
    const struct line *found_line = NULL; /* a place of theirs rather than a variable that nobody gave */
    for (const struct line *l = b->type == object ? b->lines : NULL; l; l = l->next)
        if ((l->direction & DIRECTION_READ) && l->right == SIDE_PATH && l->path.count == 1 &&
            l->path.steps[0].tag == tag && (!found_line || found_line->left != SIDE_PLACE))
            found_line = l;
    if (found_line)
        return b->outer ? arena_printf(a, "%s, %s", b->text, found_line->place) : found_line->place;
    for (const struct block *in = b->first; in; in = in->next) {
        bool here = b->type == object && in->path.count == 1 && in->path.steps[0].tag == tag;
        const char *found = !(in->direction & DIRECTION_READ) ? NULL
                            : here                            ? in->text
                                                              : source_in(in, object, tag, a);
        if (found)
            return found;
    }
    return NULL;
}

static const char *source(void *context, const struct schema_type *object, unsigned tag)
{
    const struct running *r = context;
    return source_in(&r->map->top, object, tag, r->arena);
}

struct node *run_read(const struct map *m, struct node *tree, struct slice input, const struct map_run *run,
                      const char **skipped)
{
    struct running r;
    run_open(&r, m, run, true);
    r.input = input;
    *skipped = NULL;
    if (!(m->direction & DIRECTION_READ) || tree->kind != NODE_OBJECT) {
        finding_add(r.findings, SEVERITY_ERROR, "map.direction", "", "Use the right map for this document.",
                    m->direction & DIRECTION_READ ? "The map %s reads an object; this document is none."
                                                  : "The map %s only writes.",
                    m->name);
        return NULL;
    }
    struct scope s = scope_open(&r, NULL, &m->top);
    s.ours = node_new(r.arena, NODE_OBJECT, m->schema->name);
    struct node *type = node_new(r.arena, NODE_STRING, SLICE_NONE);
    type->text = m->schema->name;
    path_put(r.arena, s.ours, &m->type_path, type);

    const struct test *failed = NULL;
    struct findings *told = r.findings, aside = {.arena = r.arena}, before = *told;
    unsigned errors = told->errors;
    place_frames(&r, &s, tree);
    if (!run_tests(&r, &s, m->top.only, &failed)) {
        *skipped = arena_printf(r.arena, "%s (only such documents pass the map %s)", why_not(&r, &s, failed),
                                m->name);
        if (r.trace)
            buffer_printf(r.trace, "not for sending: %s\n", *skipped);
        *told = before; /* a document that is not for sending may be unfinished */
        if (told->last)
            told->last->next = NULL;
        r.findings = &aside;
    }
    read_block(&r, &s, tree);
    if (*skipped)
        return s.ours;
    if (!r.wrong && told->errors == errors && schema_check(m->schema, s.ours, told, source, &r) == 0)
        return s.ours;
    if (run->partial)
        *run->partial = s.ours;
    return NULL;
}
