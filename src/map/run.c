/* run: see run.h. */
#include "base/decimal.h"
#include "map/run.h"

void run_open(struct running *r, const struct map *m, const struct map_run *run, bool reading)
{
    *r = (struct running){.map = m,
                          .arena = run->findings->arena,
                          .findings = run->findings,
                          .trace = run->trace,
                          .reading = reading};
    if (!m->variable_count)
        return;
    struct slice *values = arena_zero(r->arena, m->variable_count * sizeof *values);
    for (size_t i = 0; i < run->variable_count; i++)
        for (unsigned v = 0; v < m->variable_count; v++)
            if (strcmp(run->variables[i].name, m->variables[v]) == 0)
                values[v] = slice_of(run->variables[i].value);
    r->values = values;
}

/* The value of a qualifier/value pair, wherever it stands in the segment. */
static struct node *find_pair(const struct scope *s, const struct field *f)
{
    const struct frame *segment = f->frame;
    struct node **slots = s->slots + segment->first_slot;
    for (unsigned i = 0; i < segment->pair_slots; i++) {
        unsigned tag = segment->pair_all[i];
        struct node *qualifier = slots[tag - 1];
        if (qualifier && slice_equal(qualifier->text, f->pair)) {
            qualifier->used = 1;
            return slots[tag];
        }
    }
    return NULL;
}

struct slice run_their_text_slow(struct running *r, const struct scope *s, const struct field *f,
                                 struct node **at)
{
    struct node *n = f->tag ? s->slots[f->slot] : s->frames[f->frame->number] ? find_pair(s, f) : NULL;
    if (n && f->index >= 0) { /* an item of a list */
        struct node *list = n->kind == NODE_ARRAY ? n : NULL;
        n = list ? list->first : NULL;
        for (int i = f->index; n && i > 0; i--)
            n = n->next;
    }
    *at = n;
    if (!n)
        return SLICE_NONE;
    n->used = 1;
    if (n->kind == NODE_OBJECT || n->kind == NODE_ARRAY || n->kind == NODE_COMPOSITE) {
        struct line here = {.place = f->text, .field = (struct field *)(uintptr_t)f, .path.text = ""};
        run_fault(r, s, &here, n, "map.type", "Compare the map with the document.",
                  n->kind == NODE_OBJECT  ? "An object stands where the map expects a single value."
                  : n->kind == NODE_ARRAY ? "A list stands where the map expects a single value."
                                          : "A composite stands where the map expects a single value.");
        return SLICE_NONE;
    }
    return run_scalar(n);
}

static bool is_zero(struct slice s)
{
    for (size_t i = s.ptr[0] == '-'; i < s.len; i++)
        if (s.ptr[i] != '0' && s.ptr[i] != '.')
            return false;
    return true;
}

/* "0.0" is 0: what an ERP writes of a number depends on its mood. */
static bool same_value(const struct test_value *v, struct slice text)
{
    struct decimal number;
    if (slice_equal(v->text, text))
        return true;
    if (!v->is_number || (text.ptr[0] != '-' && (unsigned char)(text.ptr[0] - '0') >= 10))
        return false;
    if (!v->number.coefficient)
        return is_zero(text);
    return decimal_parse(text, &number) && decimal_compare(v->number, number) == 0;
}

static void no_value(struct running *r, const struct scope *s, const struct test *t)
{
    struct line here = {.place = t->text, .path.text = ""};
    run_fault(
        r, s, &here, NULL, "map.condition",
        "Correct the document where it was made. If it may be missing, say so in the map: \"or missing\" "
        "behind the condition's values takes what has none.",
        arena_printf(r->arena, "There is no %s, and by it the map decides what is taken (%s, line %d).",
                     t->text, t->spot.file, t->spot.line));
}

static bool test_holds(struct running *r, const struct scope *s, const struct test *t)
{
    struct node *n = NULL;
    struct slice text = SLICE_NONE;
    if (t->field)
        text = run_their_text(r, s, t->field, &n);
    else if ((n = path_get(s->ours, &t->path)))
        text = n->kind == NODE_OBJECT || n->kind == NODE_ARRAY ? (n->first ? SLICE("present") : SLICE_NONE)
                                                               : run_scalar(n);
    if (t->kind == TEST_PRESENT || t->kind == TEST_ABSENT)
        return (text.ptr != NULL) == (t->kind == TEST_PRESENT);
    if (!text.ptr && t->decides)
        no_value(r, s, t); /* and reading goes on, for what else is wrong */
    if (!text.ptr && (t->decides || t->or_missing))
        return true;
    bool found = false;
    for (unsigned i = 0; i < t->value_count && text.ptr && !found; i++)
        found = same_value(&t->values[i], text);
    return found == (t->kind == TEST_IN);
}

bool run_tests_slow(struct running *r, const struct scope *s, const struct test *tests,
                    const struct test **failed)
{
    for (const struct test *t = tests; t; t = t->next)
        if (!test_holds(r, s, t)) {
            if (failed)
                *failed = t;
            return false;
        }
    return true;
}

/* ---- where ---- */

static const char *without_brackets(struct arena *a, const char *text)
{
    size_t len = strlen(text);
    return len > 2 && strcmp(text + len - 2, "[]") == 0 ? arena_text(a, slice_make(text, len - 2)) : text;
}

const char *run_place(struct running *r, const struct scope *s, const char *place)
{
    for (; s && s->block->outer; s = s->outer) {
        const char *text = without_brackets(r->arena, s->block->text);
        if (r->map->x12)
            place = s->block->each ? arena_printf(r->arena, "%s#%zu %s", text, s->index + 1, place)
                                   : arena_printf(r->arena, "%s %s", text, place);
        else
            place = s->block->each ? arena_printf(r->arena, "%s[%zu].%s", text, s->index, place)
                                   : arena_printf(r->arena, "%s.%s", text, place);
    }
    return place;
}

const char *run_here(struct running *r, const struct scope *s)
{
    const char *place = run_place(r, s, "");
    size_t len = strlen(place);
    while (len && (place[len - 1] == '.' || place[len - 1] == ' '))
        len--;
    return arena_text(r->arena, slice_make(place, len));
}

const char *run_path(struct running *r, const struct scope *s, const char *path)
{
    for (; s && s->block->outer; s = s->outer) {
        if (!s->block->path.count)
            continue;
        path = s->block->each ? arena_printf(r->arena, "%s[%zu].%s", s->block->path.text, s->our_index, path)
                              : arena_printf(r->arena, "%s.%s", s->block->path.text, path);
    }
    return path;
}

/* ", line 34, column 17" of a node in the input. */
static const char *position(const struct running *r, const struct node *n)
{
    if (!r->input.ptr || !n || n->at >= r->input.len)
        return "";
    size_t line = 1;
    const char *start = r->input.ptr, *at = start + n->at;
    for (const char *p; (p = memchr(start, '\n', (size_t)(at - start))); start = p + 1)
        line++;
    return arena_printf(r->arena, ", line %zu, column %zu", line, (size_t)(at - start) + 1);
}

bool run_full(struct running *r)
{
    bool full = findings_full(r->findings, SEVERITY_ERROR);
    r->wrong = r->wrong || full;
    return full;
}

void run_fault(struct running *r, const struct scope *s, const struct line *l, const struct node *at,
               const char *code, const char *todo, const char *what)
{
    if (run_full(r))
        return;
    const char *place = run_place(r, s, l->place),
               *path = l->path.text && *l->path.text ? run_path(r, s, l->path.text) : "";
    const char *where = r->reading
                            ? arena_printf(r->arena, "%s%s", place, position(r, at))
                            : arena_printf(r->arena, "%s%s%s", path, *path ? ", written to " : "", place);
    finding_add(r->findings, SEVERITY_ERROR, code, where, todo, "%s", what);
    r->wrong = true;
}

void run_unknown_code(struct running *r, const struct scope *s, const struct line *l, const struct node *at,
                      struct slice code)
{
    if (run_full(r))
        return;
    const char *todo =
        arena_printf(r->arena,
                     r->reading ? "Correct the document, or add the line \"%.*s<tab>our code\" to %s."
                                : "Correct the document, or add the line \"their code<tab>%.*s\" to %s.",
                     SLICE_ARG(code), l->codes->add_to);
    const char *what =
        r->reading ? arena_printf(r->arena, "The code \"%.*s\" is not in the table codes/%s.tsv.",
                                  SLICE_ARG(code), l->codes->name)
                   : arena_printf(r->arena, "The table codes/%s.tsv has no code of theirs for our \"%.*s\".",
                                  l->codes->name, SLICE_ARG(code));
    run_fault(r, s, l, at, "map.code", todo, what);
}

/* In quotes, in one line, as it can be shown on a screen. */
static const char *quote(struct arena *a, struct slice s)
{
    struct buffer b = {0};
    for (size_t i = 0; i < s.len && i < 4096; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '\n' || c == '\t' || c == '\r')
            buffer_printf(&b, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < 0x20 || c == 0x7f)
            buffer_printf(&b, "\\x%02x", c);
        else
            buffer_byte(&b, s.ptr[i]);
    }
    const char *text = arena_printf(a, "\"%s\"", b.len ? b.ptr : "");
    buffer_free(&b);
    return text;
}

void run_trace(struct running *r, const struct scope *s, const struct line *l, struct slice theirs,
               struct slice ours, const struct code_pair *pair)
{
    bool literal = r->reading ? l->left != SIDE_PLACE : l->right < SIDE_PATH;
    const char *place = run_place(r, s, l->place);
    const char *path = l->path.text && l->right >= SIDE_PATH ? run_path(r, s, l->path.text) : "";
    if (l->right == SIDE_COUNT)
        path = arena_printf(r->arena, "count(%s)", path);
    if (l->right == SIDE_SUM)
        path = arena_printf(r->arena, "sum(%s.%s)", path, l->item_path->text);
    if (!r->reading && l->right < SIDE_PATH)
        path = l->right == SIDE_CONSTANT ? "constant"
                                         : arena_printf(r->arena, "$%s", r->map->variables[l->variable]);
    const char *left =
        literal && r->reading ? place : arena_printf(r->arena, "%s = %s", place, quote(r->arena, theirs));
    const char *right =
        literal && !r->reading ? path : arena_printf(r->arena, "%s = %s", path, quote(r->arena, ours));
    buffer_printf(r->trace, "%-44s %s %s", left, r->reading ? "->" : "<-", right);
    if (pair) { /* the file it stands in: a table may extend another */
        const char *file = strstr(pair->file, "/codes/");
        for (const char *next = file; next; next = strstr(next + 1, "/codes/"))
            file = next;
        buffer_printf(r->trace, "   (%s, line %d)", file ? file + 1 : pair->file, pair->line);
    }
    buffer_byte(r->trace, '\n');
}
