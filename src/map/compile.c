/* compile: statements into a program (program.h), checked against the dictionary on the left and the
 * canonical schema on the right. All mistakes of a map are told in one go. */
#include "base/decimal.h"
#include "edi/names.h"
#include "edi/x12/x12.h"
#include "map/compile.h"

#define VERSION "004010"

void compile_fault(struct compiler *c, struct spot spot, const char *code, const char *todo,
                   const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const char *what = arena_vprintf(c->findings->arena, format, ap);
    va_end(ap);
    statement_fault(c->findings, spot, code, todo, "%s", what);
    c->wrong = true;
}

static struct field *place_field(struct compiler *c, struct frame *scope, struct slice text, struct spot spot)
{
    return c->map->x12 ? x12_field(c, scope, text, spot) : json_field(c, scope, text, spot);
}

/* ---- our side ---- */

static bool compile_path(struct compiler *c, const struct schema_type *from, struct slice text,
                         struct spot spot, struct path *out)
{
    const char *why;
    if (path_compile(from, text, c->arena, out, &why) == 0)
        return true;
    compile_fault(c, spot, "map.path", "Compare with canonical/ and the schema's members.",
                  "%.*s is not in the canonical %s: %s.", SLICE_ARG(text), c->map->schema->name.ptr, why);
    return false;
}

static bool scalar(const struct schema_type *t)
{
    return t->kind != SCHEMA_OBJECT && t->kind != SCHEMA_ARRAY;
}

static bool in_enum(const struct schema_type *t, struct slice value)
{
    for (unsigned i = 0; i < t->value_count; i++)
        if (slice_equal(t->values[i], value))
            return true;
    return !t->values;
}

/* A value that the map itself gives to ours: a constant or default. */
static void check_our_value(struct compiler *c, const struct statement *s, const struct schema_type *t,
                            struct slice *value)
{
    const char *why = "is not one of the values that the schema lists";
    struct slice good = schema_value(t, *value, c->arena, &why);
    if (good.ptr && in_enum(t, good))
        *value = good;
    else
        compile_fault(c, s->right_spot, "map.value", "Correct the value.", "\"%.*s\" %s (%.*s is %s).",
                      SLICE_ARG(*value), why, SLICE_ARG(s->right_text), schema_kind_name(t->kind));
}

/* ---- conditions ---- */

static void compile_values(struct compiler *c, struct test *t, const struct values *text)
{
    for (const struct values *v = text; v; v = v->next)
        t->value_count++;
    struct test_value *values = arena_zero(c->arena, (t->value_count + 1) * sizeof *values);
    t->values = values;
    for (const struct values *v = text; v; v = v->next, values++) {
        values->text = v->text;
        values->is_number = decimal_parse(v->text, &values->number);
    }
}

/* decides: on their side a value must be there, unless the map says what a missing one means. */
static const struct test *compile_tests(struct compiler *c, struct block *b,
                                        const struct condition_text *text, bool theirs, bool decides)
{
    struct test *first = NULL, **link = &first;
    for (; text; text = text->next) {
        struct test *t = *link = arena_zero(c->arena, sizeof *t);
        link = &t->next;
        t->kind = text->values    ? (text->negated ? TEST_NOT_IN : TEST_IN)
                  : text->negated ? TEST_ABSENT
                                  : TEST_PRESENT;
        compile_values(c, t, text->values);
        t->text = arena_text(c->arena, text->path);
        t->spot = text->spot;
        t->or_missing = text->or_missing;
        t->decides = theirs && decides && text->values && !text->or_missing;
        if (theirs)
            t->field = b->frame ? place_field(c, b->frame, text->path, text->spot) : NULL;
        else if (b->type && compile_path(c, b->type, text->path, text->spot, &t->path) && text->values &&
                 !scalar(t->path.type))
            compile_fault(c, text->spot, "map.path", "Name a member that is a single value.",
                          "%s is %s and cannot be compared.", t->text, schema_kind_name(t->path.type->kind));
    }
    return first;
}

/* ---- lines ---- */

static bool element_takes(const struct element *e, enum schema_kind kind)
{
    switch (e->type) {
    case TYPE_DT: return kind == SCHEMA_DATE || kind == SCHEMA_INSTANT;
    case TYPE_TM: return kind == SCHEMA_INSTANT || kind == SCHEMA_TEXT;
    case TYPE_N:
    case TYPE_R: return kind == SCHEMA_DECIMAL || kind == SCHEMA_INTEGER;
    case TYPE_ID: return kind == SCHEMA_TEXT || kind == SCHEMA_INTEGER;
    default: return kind != SCHEMA_BOOLEAN;
    }
}

static const char *element_type_name(const struct element *e)
{
    static const char *const names[] = {"text",   "a code", "a number", "a number",
                                        "a date", "a time", "binary"};
    return names[e->type];
}

static void check_codes(struct compiler *c, const struct statement *s, const struct line *l)
{
    const struct element *e = l->field ? l->field->element : NULL;
    for (unsigned i = 0; i < l->codes->count; i++) {
        const struct code_pair *p = &l->codes->pairs[i];
        const char *why = NULL;
        struct spot spot = {p->file, p->line, 1};
        if (!in_enum(l->path.type, p->ours) ||
            !schema_value(l->path.type, p->ours, c->findings->arena, &why).ptr)
            compile_fault(c, spot, "map.codes", "Correct the table.",
                          "The code \"%.*s\" cannot stand in the canonical %s.", SLICE_ARG(p->ours),
                          l->path.text);
        if (e && !x12_format(e, p->theirs, c->findings->arena, &why).ptr)
            compile_fault(c, spot, "map.codes", "Correct the table.",
                          "The code \"%.*s\" cannot stand in %.*s: it %s.", SLICE_ARG(p->theirs),
                          SLICE_ARG(s->left_text), why);
    }
}

static void compile_ours(struct compiler *c, struct block *b, const struct statement *s, struct line *l)
{
    struct slice text = s->right_text;
    if (!b->type)
        return;
    if (l->right == SIDE_SUM) {
        const char *dot = memchr(text.ptr, '.', text.len);
        struct slice list = slice_make(text.ptr, dot ? (size_t)(dot - text.ptr) : text.len);
        if (!compile_path(c, b->type, list, s->right_spot, &l->path))
            return;
        struct path *item = arena_zero(c->arena, sizeof *item);
        l->item_path = item;
        struct slice member = dot ? slice_make(dot + 1, text.len - list.len - 1) : SLICE("");
        if (!dot || l->path.type->kind != SCHEMA_ARRAY || l->path.type->items->kind != SCHEMA_OBJECT)
            compile_fault(c, s->right_spot, "map.path", "Write e.g. sum(lines.amount).",
                          "A sum needs a list and a member.");
        else if (compile_path(c, l->path.type->items, member, s->right_spot, item) &&
                 item->type->kind != SCHEMA_DECIMAL && item->type->kind != SCHEMA_INTEGER)
            compile_fault(c, s->right_spot, "map.path", "Name a number.",
                          "%.*s is %s and cannot be added up.", SLICE_ARG(text),
                          schema_kind_name(item->type->kind));
        return;
    }
    if (!compile_path(c, b->type, text, s->right_spot, &l->path))
        return;
    if (l->right == SIDE_COUNT && l->path.type->kind != SCHEMA_ARRAY)
        compile_fault(c, s->right_spot, "map.path", "Write e.g. count(lines).", "%.*s is no list.",
                      SLICE_ARG(text));
    if (l->right == SIDE_PATH && !scalar(l->path.type))
        compile_fault(c, s->right_spot, "map.path", "Name one of its members, or open a block.",
                      "%.*s is %s, not a single value.", SLICE_ARG(text),
                      schema_kind_name(l->path.type->kind));
}

/* The kind of number or text that our side of a line is. */
static enum schema_kind line_kind(const struct line *l)
{
    return l->right == SIDE_COUNT ? SCHEMA_INTEGER
           : l->right == SIDE_SUM ? SCHEMA_DECIMAL
                                  : l->path.type->kind;
}

static void check_fit(struct compiler *c, const struct statement *s, struct line *l)
{
    const struct element *e = l->field ? l->field->element : NULL;
    if (l->right < SIDE_PATH)
        return;
    enum schema_kind kind = line_kind(l);
    if (e && !l->codes && !element_takes(e, kind))
        compile_fault(c, s->spot, "map.type", "Use a code table (as …), or another member.",
                      "%s%s is %s, %.*s is %s.", l->place, name_in_parentheses(name_of_element(e)),
                      element_type_name(e), SLICE_ARG(s->right_text), schema_kind_name(kind));
    bool number = kind == SCHEMA_INTEGER || kind == SCHEMA_DECIMAL;
    if (s->form == 'n' && (!number || l->codes))
        compile_fault(c, s->spot, "map.type", "Leave \"number\" out.", "%.*s is no number.",
                      SLICE_ARG(s->right_text));
    if (c->map->x12) /* an element is a text, whatever it says */
        return;
    l->form = s->form == 'n' || (!s->form && kind == SCHEMA_INTEGER && !l->codes) ? NODE_NUMBER
              : !s->form && kind == SCHEMA_BOOLEAN && !l->codes                   ? NODE_TRUE
                                                                                  : NODE_STRING;
}

static unsigned variable_number(struct compiler *c, struct slice name)
{
    struct map *m = c->map;
    for (unsigned i = 0; i < m->variable_count; i++)
        if (slice_is(name, m->variables[i]))
            return i;
    const char **more = arena_alloc(c->arena, (m->variable_count + 1) * sizeof *more);
    if (m->variable_count)
        memcpy(more, m->variables, m->variable_count * sizeof *more);
    more[m->variable_count] = arena_text(c->arena, name);
    unsigned char *use = arena_zero(c->arena, m->variable_count + 1);
    if (m->variable_count)
        memcpy(use, m->variable_use, m->variable_count);
    m->variables = more;
    m->variable_use = use;
    return m->variable_count++;
}

static void note_use(struct compiler *c, const struct line *l)
{
    unsigned char *use = &c->map->variable_use[l->variable];
    unsigned char now = l->required ? VARIABLE_REQUIRED : VARIABLE_WRITTEN;
    if ((l->direction & DIRECTION_WRITE) && !l->otherwise.ptr && *use < now)
        *use = now;
}

static void compile_constant(struct compiler *c, const struct statement *s, struct line *l)
{
    const struct element *e = l->field ? l->field->element : NULL;
    const char *why = NULL;
    l->constant = arena_copy(c->arena, s->right_text);
    struct decimal number;
    if (s->form == 'n' && !decimal_parse(l->constant, &number))
        compile_fault(c, s->right_spot, "map.value", "Leave \"number\" out.", "\"%.*s\" is no number.",
                      SLICE_ARG(l->constant));
    if (!e)
        return;
    struct slice formed = x12_format(e, l->constant, c->arena, &why);
    if (formed.ptr)
        l->constant = formed;
    else
        compile_fault(c, s->right_spot, "map.value", "Look at the element in the dictionary.",
                      "\"%.*s\" cannot stand in %s: it %s.", SLICE_ARG(l->constant), l->place, why);
}

static void compile_left(struct compiler *c, struct block *b, const struct statement *s, struct line *l)
{
    l->place = arena_text(c->arena, s->left_text);
    if (s->left == SIDE_VARIABLE) {
        l->variable = variable_number(c, s->left_text);
        l->place = arena_printf(c->arena, "$%s", l->place);
    } else if (s->left == SIDE_CONSTANT) {
        l->constant = arena_copy(c->arena, s->left_text);
        l->place = arena_printf(c->arena, "\"%s\"", l->place);
    } else {
        l->field = b->frame ? place_field(c, b->frame, s->left_text, s->spot) : NULL;
        if (!l->field)
            return;
        if (!l->field->text[0])
            l->field->text = l->place;
        if (l->field->qualifier && (l->direction & DIRECTION_WRITE) &&
            !slice_equal(l->field->constant, s->right_text))
            compile_fault(c, s->spot, "map.place", "Leave the line out, or change the brackets.",
                          "%s is fixed by the brackets.", l->place);
    }
}

static void attach(struct block *b, struct line *l)
{
    if (b->last_line)
        b->last_line->next = l;
    else
        b->lines = l;
    b->last_line = l;
    b->line_count++;
    if (!l->field || !(l->direction & DIRECTION_WRITE) || l->field->qualifier)
        return;
    struct line **link = &l->field->lines;
    while (*link)
        link = &(*link)->next_of_field;
    *link = l;
}

static void compile_line_alone(struct compiler *c, struct block *b, const struct statement *s)
{
    struct line *l = arena_zero(c->arena, sizeof *l);
    *l = (struct line){.spot = s->spot,
                       .left = (unsigned char)s->left,
                       .right = (unsigned char)s->right,
                       .required = s->required,
                       .if_known = s->if_known,
                       .place = ""};
    l->form = s->form == 'n' ? NODE_NUMBER : NODE_STRING;
    l->direction = (unsigned char)(s->direction & b->direction);
    l->otherwise = s->has_default ? arena_copy(c->arena, s->otherwise) : SLICE_NONE;
    if (!l->direction) {
        compile_fault(c, s->spot, "map.direction",
                      b->direction == DIRECTION_READ ? "Use PLACE : path, or \"value\" -> path."
                                                     : "Use PLACE : path, or PLACE = \"value\".",
                      b->direction == DIRECTION_READ ? "This map or block only reads; the line would write."
                                                     : "This map or block only writes; the line would read.");
        return;
    }
    compile_left(c, b, s, l);
    if (s->right == SIDE_CONSTANT)
        compile_constant(c, s, l);
    else if (s->right == SIDE_VARIABLE) {
        l->variable = variable_number(c, s->right_text);
        note_use(c, l);
    } else
        compile_ours(c, b, s, l);
    if (s->table.ptr && l->right == SIDE_PATH &&
        !(l->codes = codes_load(c->library, arena_text(c->arena, s->table), c->findings)))
        compile_fault(c, s->table_spot, "map.codes", "See the message about the table.",
                      "The code table %.*s cannot be used.", SLICE_ARG(s->table));
    if (c->wrong || !b->frame || !b->type)
        return;
    if (l->codes) {
        check_codes(c, s, l);
    } else if (s->table.ptr) {
        compile_fault(c, s->table_spot, "map.codes", "Leave \"as\" out.",
                      "Only values of ours and theirs go through code tables.");
    }
    if (l->right == SIDE_PATH && s->has_default)
        check_our_value(c, s, l->path.type, &l->otherwise);
    if (l->right == SIDE_PATH && l->left == SIDE_CONSTANT)
        check_our_value(c, s, l->path.type, &l->constant);
    check_fit(c, s, l);
    l->cut = !s->cut                         ? 0
             : s->cut_length                 ? s->cut_length
             : l->field && l->field->element ? l->field->element->max
                                             : 0;
    if (s->cut && !l->cut)
        compile_fault(c, s->spot, "map.syntax", "Write e.g. cut 80.", "\"cut\" needs a length here.");
    l->when = compile_tests(c, b, s->when, l->direction == DIRECTION_READ, false);
    for (const struct line *before = b->lines; before && l->right == SIDE_PATH; before = before->next)
        l->fallback |= before->right == SIDE_PATH && strcmp(before->path.text, l->path.text) == 0;
    attach(b, l);
}

/* A mistake in one line must not hide those of the next. */
static void compile_line(struct compiler *c, struct block *b, const struct statement *s)
{
    bool before = c->wrong;
    c->wrong = false;
    compile_line_alone(c, b, s);
    c->wrong |= before;
}

/* ---- blocks ---- */

static void compile_statements(struct compiler *c, struct block *b, const struct statement *s);

static void add_test(struct block *b, const struct test *t)
{
    const struct test **link = &b->only;
    while (*link)
        link = (const struct test **)(uintptr_t) & (*link)->next;
    *link = t;
}

/* What our side of a block is; NULL after a fault, of it or of what it is in. */
static const struct schema_type *block_type(struct compiler *c, const struct block *outer, struct block *b,
                                            const struct statement *s)
{
    if (!outer->type || !compile_path(c, outer->type, s->right_text, s->right_spot, &b->path))
        return NULL;
    const struct schema_type *t = b->path.type;
    if (b->each && t->kind == SCHEMA_ARRAY)
        t = t->items;
    else if (b->each || t->kind == SCHEMA_ARRAY)
        compile_fault(c, s->right_spot, "map.path", b->each ? "Leave the brackets out." : "Write lines[] {.",
                      b->each ? "%.*s is no list." : "%.*s is a list.", SLICE_ARG(s->right_text));
    if (t->kind == SCHEMA_OBJECT)
        return t;
    compile_fault(c, s->right_spot, "map.path", "Name an object or a list of objects.",
                  "%.*s has no members for the lines of a block.", SLICE_ARG(s->right_text));
    return NULL;
}

/* A mistake in the line that opens a block hides none of those inside: there, the other side is still judged.
 */
static void compile_block(struct compiler *c, struct block *outer, const struct statement *s)
{
    struct block *b = arena_zero(c->arena, sizeof *b);
    *b = (struct block){
        .outer = outer, .type = outer->type, .spot = s->spot, .text = arena_text(c->arena, s->left_text)};
    b->direction = s->direction & outer->direction;
    b->order = outer->line_count;
    bool their_list = s->each;
    struct frame *frame = !outer->frame ? NULL
                          : c->map->x12
                              ? x12_block_frame(c, b, outer->frame, s->left_text, s->spot)
                              : json_block_frame(c, b, outer->frame, s->left_text, s->spot, &their_list);
    if (frame)
        frame->opens = b;
    b->frame = frame;
    if (!b->direction)
        compile_fault(c, s->spot, "map.direction", "Use : between the sides.",
                      "This block could neither read nor write.");
    if (frame && their_list != s->each)
        compile_fault(c, s->spot, "map.place", "Write list[] : list[] {, or none of the brackets.",
                      "A list on one side needs a list on the other.");
    b->each = s->each;
    if (s->right) {
        b->type = block_type(c, outer, b, s);
    } else if (b->each) {
        return;
    }
    if (b->frame && b->type) { /* else what is inside is only looked at */
        if (outer->last)
            outer->last->next = b;
        else
            outer->first = b;
        outer->last = b;
    }
    b->when = compile_tests(c, outer, s->when, b->direction == DIRECTION_READ, true);
    compile_statements(c, b, s->first);
}

static void compile_statements(struct compiler *c, struct block *b, const struct statement *s)
{
    for (; s; s = s->next) {
        switch (s->kind) {
        case STATEMENT_LINE: compile_line(c, b, s); break;
        case STATEMENT_BLOCK: compile_block(c, b, s); break;
        case STATEMENT_ONLY:
            add_test(b, compile_tests(c, b, s->when, (b->direction & DIRECTION_READ) != 0, true));
            break;
        case STATEMENT_REMOVE:
            compile_fault(c, s->spot, "map.overlay", "Say at the top which map is extended: extends x12/850.",
                          "\"none\" has a meaning only in a map that extends another.");
            break;
        }
    }
}

/* ---- the map ---- */

static bool reads_member(const struct block *b, unsigned tag)
{
    for (const struct line *l = b->lines; l; l = l->next)
        if ((l->direction & DIRECTION_READ) && l->right == SIDE_PATH && l->path.count &&
            l->path.steps[0].tag == tag)
            return true;
    for (const struct block *in = b->first; in; in = in->next)
        if ((in->direction & DIRECTION_READ) &&
            (in->path.count ? in->path.steps[0].tag == tag : reads_member(in, tag)))
            return true;
    return false;
}

/* What the schema requires at the top must come from somewhere: else every document would fail. */
static void check_complete(struct compiler *c, const struct map_text *text)
{
    const struct schema_type *t = c->map->schema->root;
    for (unsigned i = 0; i < t->count; i++)
        if ((t->required >> i & 1) && !slice_is(t->members[i].name, "type") &&
            !reads_member(&c->map->top, i + 1))
            compile_fault(c, text->spot, "map.incomplete", "Add a line that reads it.",
                          "No line of this map reads the member %.*s, which every canonical %s must have.",
                          SLICE_ARG(t->members[i].name), c->map->schema->name.ptr);
}

static bool open_sides(struct compiler *c, const struct map_text *text)
{
    struct map *m = c->map;
    m->syntax = syntax_find(text->syntax);
    if (!m->syntax) {
        compile_fault(c, text->spot, "map.header", "Known are json, x12 and x12json.",
                      "There is no syntax \"%s\".", text->syntax);
        return false;
    }
    m->x12 = m->syntax == &syntax_x12 || m->syntax == &syntax_x12json;
    m->schema = schema_load(c->library, slice_of(text->canonical), c->findings);
    if (!m->schema) {
        compile_fault(c, text->spot, "map.header", "See the message about the type.",
                      "The canonical type \"%s\" cannot be used.", text->canonical);
        return false;
    }
    m->top.type = m->schema->root;
    const char *why;
    if (path_compile(m->schema->root, SLICE("type"), c->arena, &m->type_path, &why) < 0) {
        compile_fault(c, text->spot, "map.schema", "Give it a member \"type\".", "The schema %s: %s.",
                      m->schema->file, why);
        return false;
    }
    m->wanted.arena = c->arena;
    struct frame *top = frame_new(c, NULL, &m->top, NODE_OBJECT, SLICE_NONE, 0, -1, NULL);
    m->top.frame = top;
    if (!m->x12) {
        top->wanted = &m->wanted;
        return true;
    }
    m->set_id = text->set;
    m->dictionary = dictionary_load(c->library->dictionaries, m->version, c->findings);
    m->set = m->dictionary ? dictionary_set(m->dictionary, m->set_id) : NULL;
    if (!m->set) {
        compile_fault(c, text->spot, "map.header",
                      m->dictionary ? "Write e.g. x12 850." : "See the message about the dictionary.",
                      "The dictionary of version %s has no transaction set \"%s\".", m->version, m->set_id);
        return false;
    }
    top->name = slice_of(m->set->id);
    top->contents = m->set->items;
    top->contents_count = m->set->count;
    return true;
}

const struct map *map_compile(struct map_library *l, const char *name, const struct map_text *text,
                              struct findings *f)
{
    struct map *m = arena_zero(&l->arena, sizeof *m);
    struct compiler c = {m, l, &l->arena, f, text->wrong};
    m->library = l;
    m->name = arena_text(&l->arena, slice_of(name));
    m->file = text->file;
    m->version = text->version ? text->version : VERSION;
    m->direction = m->top.direction = text->direction;
    m->top.spot = text->spot;
    m->top.text = "";
    m->set_id = "";
    if (!open_sides(&c, text))
        return NULL;
    compile_statements(&c, &m->top, text->first);
    if (!c.wrong && (m->direction & DIRECTION_READ))
        check_complete(&c, text);
    if (c.wrong)
        return NULL;
    frames_finish(&c);
    return m;
}
