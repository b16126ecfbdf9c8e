/* place_json: places of JSON maps: supplier.number, lines[], street[0], attributes[id=GLN].value, "odd
 * name".x. Nobody publishes a schema of what all ERPs send, so any name is taken; what is not in the trie is
 * not read. */
#include "map/compile.h"

struct step {
    struct slice name;
    int index; /* -1: none */
    bool each;
    struct slice member, value; /* [member=value] */
};

struct scanner {
    struct compiler *c;
    struct slice text;
    const char *p, *end;
    struct spot spot;
};

static bool fault(const struct scanner *s, const char *at, const char *todo, const char *what)
{
    struct spot spot = s->spot;
    spot.column += (int)(at - s->text.ptr);
    compile_fault(s->c, spot, "map.place", todo, "%s", what);
    return false;
}

static bool read_brackets(struct scanner *s, struct step *step)
{
    const char *begin = ++s->p, *close = memchr(begin, ']', (size_t)(s->end - begin));
    const char *equals = close ? memchr(begin, '=', (size_t)(close - begin)) : NULL;
    static const char *const todo = "Write list[] for a block, list[0] for an item, or list[member=value].";
    if (!close)
        return fault(s, begin, todo, "The bracket has no end.");
    s->p = close + 1;
    if (close == begin) {
        step->each = true;
    } else if (equals) {
        step->member = slice_make(begin, (size_t)(equals - begin));
        step->value = slice_make(equals + 1, (size_t)(close - equals - 1));
        if (step->value.len >= 2 && step->value.ptr[0] == '"')
            step->value = slice_make(step->value.ptr + 1, step->value.len - 2);
        if (!step->member.len || !step->value.len)
            return fault(s, begin, todo, "The brackets need a member and a value.");
    } else {
        step->index = 0;
        for (const char *p = begin; p < close; p++) {
            if (*p < '0' || *p > '9' || step->index > 1000)
                return fault(s, begin, todo, "The brackets hold no number.");
            step->index = step->index * 10 + (*p - '0');
        }
    }
    if (s->p < s->end && *s->p == '[')
        return fault(s, s->p, "Open a block for the outer list.",
                     "Only one pair of brackets can stand behind a name.");
    return true;
}

static bool read_step(struct scanner *s, struct step *step)
{
    *step = (struct step){.index = -1};
    const char *begin = s->p;
    if (s->p < s->end && *s->p == '"') {
        const char *close = memchr(s->p + 1, '"', (size_t)(s->end - s->p - 1));
        if (!close)
            return fault(s, s->p, "Close it with a double quote.", "The quoted name has no end.");
        step->name = slice_make(begin + 1, (size_t)(close - begin - 1));
        s->p = close + 1;
    } else {
        while (s->p < s->end && *s->p != '.' && *s->p != '[')
            s->p++;
        step->name = slice_make(begin, (size_t)(s->p - begin));
    }
    if (!step->name.len)
        return fault(s, begin, "Write e.g. supplier.number.", "The name of a member is expected here.");
    if (s->p < s->end && *s->p == '[' && !read_brackets(s, step))
        return false;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (s->p == s->end)
            return fault(s, s->p, "Write e.g. supplier.number.",
                         "The name of a member is expected behind the dot.");
    } else if (s->p < s->end) {
        return fault(s, s->p, "Write e.g. supplier.number or lines[].", "A dot is expected here.");
    }
    return true;
}

static struct frame *object_frame(struct compiler *c, struct block *block, struct frame *parent,
                                  const struct step *step, bool fresh)
{
    struct wanted *w = wanted_member(c->arena, parent->wanted, step->name);
    struct qualifier *q = NULL;
    if (step->member.ptr) {
        q = arena_zero(c->arena, sizeof *q);
        q->tag = wanted_member(c->arena, w, step->member)->tag;
        q->value = arena_copy(c->arena, step->value);
    }
    struct frame *f = fresh ? frame_new(c, parent, block, NODE_OBJECT, w->name, w->tag, step->index, q)
                            : frame_below(c, parent, block, NODE_OBJECT, w->name, w->tag, step->index, q);
    if (f->wanted)
        return f;
    f->wanted = w;
    f->text = arena_text(c->arena, step->name);
    f->list = step->each || step->index >= 0 || q;
    if (q) {
        struct wanted *member = wanted_member(c->arena, w, step->member);
        struct field *field = field_of(c, f, member->name, member->tag, -1, SLICE_NONE);
        member->whole = true;
        field->qualifier = true;
        field->constant = q->value;
    }
    return f;
}

/* All steps but the last, as objects; the last one in *last. */
static struct frame *walk(struct scanner *s, struct frame *scope, struct step *last)
{
    for (;;) {
        if (!read_step(s, last))
            return NULL;
        if (s->p == s->end)
            return scope;
        if (last->each) {
            fault(s, last->name.ptr, "Open a block: list[] : list[] {.",
                  "A list can only stand at the end, in a block.");
            return NULL;
        }
        scope = object_frame(s->c, scope->block, scope, last, false);
    }
}

struct field *json_field(struct compiler *c, struct frame *scope, struct slice text, struct spot spot)
{
    struct scanner s = {c, text, text.ptr, text.ptr + text.len, spot};
    struct step step;
    if (!(scope = walk(&s, scope, &step)))
        return NULL;
    if (step.each || step.member.ptr) {
        fault(&s, step.name.ptr, "Open a block: lines[] : lines[] {, or name a member: list[id=X].value.",
              "A line needs a single value.");
        return NULL;
    }
    struct wanted *w = wanted_member(c->arena, scope->wanted, step.name);
    w->whole = true;
    return field_of(c, scope, w->name, w->tag, step.index, SLICE_NONE);
}

struct frame *json_block_frame(struct compiler *c, struct block *block, struct frame *scope,
                               struct slice text, struct spot spot, bool *each)
{
    struct scanner s = {c, text, text.ptr, text.ptr + text.len, spot};
    struct step step;
    if (!(scope = walk(&s, scope, &step)))
        return NULL;
    *each = step.each;
    return object_frame(c, block, scope, &step, true);
}
