/* check: the faults of a transaction set as sentences; see check.h. All is told through findings and faults;
 * nothing here returns an error. The sentences name the segment by its position, id and first element
 * ("segment 9, N1*ST"), since that is how one finds it in a file. */
#include "edi/check.h"
#include "edi/names.h"
#include <stdio.h>

#define LISTED_CODES 12

void check_open(struct check *c, const struct dictionary *d, const struct set *set, bool leaving,
                struct findings *f, struct faults *faults)
{
    c->dictionary = (const struct dictionary_tables *)d;
    c->set = set;
    c->findings = f;
    c->faults = faults;
    c->label[0] = c->label[1] = SLICE_NONE;
    c->leaving = leaving;
    c->lenient = STRICT;
    c->text = NULL;
    c->position = 1;
    c->id = c->qualifier = c->trailer = SLICE_NONE;
    c->walk.steps = c->dictionary ? c->dictionary->steps : NULL;
    if (set)
        walk_open(&c->walk, set);
}

const char *check_label(const struct check *c)
{
    struct arena *a = c->findings->arena;
    const char *first = fault_plain(a, c->label[0]);
    return c->label[1].len ? arena_printf(a, "%s %s", first, fault_plain(a, c->label[1])) : first;
}

static const char *todo(const struct check *c)
{
    if (!c->set)
        return c->leaving ? "Correct the partner's profile." : "The sender has to correct the envelope.";
    return c->leaving ? "Correct the document it was made from, or the map; nothing was sent."
                      : "The sender has to correct it and send it again.";
}

static const char *element_name(const struct check *c, unsigned element, unsigned component)
{
    struct arena *a = c->findings->arena;
    if (component)
        return arena_printf(a, "%.*s%02u-%u", SLICE_ARG(c->id), element, component);
    return arena_printf(a, "%.*s%02u", SLICE_ARG(c->id), element);
}

static const char *where_segment(const struct check *c)
{
    struct arena *a = c->findings->arena;
    struct slice first = c->qualifier;
    const char *part =
        c->text && first.len ? memchr(first.ptr, c->text->delimiters.component, first.len) : NULL;
    if (part)
        first.len = (size_t)(part - first.ptr);
    bool show = first.len > 0 && first.len <= 20;
    for (size_t i = 0; show && i < first.len; i++)
        show = (unsigned char)first.ptr[i] > 0x20 && (unsigned char)first.ptr[i] < 0x7f;
    char separator[2] = {show ? c->dictionary->dictionary.standard->separator : '\0', '\0'};
    return arena_printf(a, "%s, segment %zu, %s%s%.*s", check_label(c), c->position, fault_plain(a, c->id),
                        separator, show ? (int)first.len : 0, show ? first.ptr : "");
}

static const char *where_element(const struct check *c, const struct check_at *at)
{
    struct arena *a = c->findings->arena;
    return arena_printf(a, "%s, element %s%s", where_segment(c), element_name(c, at->element, at->component),
                        name_in_parentheses(at->position ? name_of_position(at->position) : NULL));
}

static const char *loop_at_hand(const struct check *c)
{
    const struct set_item *loop = c->set ? c->walk.levels[c->walk.depth].loop : NULL;
    return loop ? loop->id : "";
}

static struct fault fault_here(const struct check *c, enum fault_kind kind)
{
    return (struct fault){.kind = kind,
                          .severity = SEVERITY_ERROR,
                          .segment = c->position,
                          .segment_id = c->id,
                          .loop = loop_at_hand(c),
                          .reference = "",
                          .value = SLICE_NONE};
}

/* The segment at hand is where its id stands in the input. */
static void place(const struct check *c, unsigned element, unsigned component)
{
    if (c->text && c->id.ptr >= c->text->input.ptr && c->id.ptr < c->text->input.ptr + c->text->input.len)
        finding_place(c->findings, (size_t)(c->id.ptr - c->text->input.ptr), element, component);
}

void check_segment_fault(struct check *c, enum fault_kind kind, const char *format, ...)
{
    struct fault fault = fault_here(c, kind);
    if (fault_keep(c->faults, c->findings, &fault))
        return;
    va_list ap;
    va_start(ap, format);
    const char *what = arena_vprintf(c->findings->arena, format, ap);
    va_end(ap);
    finding_add(c->findings, fault.severity,
                fault_code(c->findings->arena, c->dictionary->dictionary.standard, kind), where_segment(c),
                todo(c), "%s", what);
    place(c, 0, 0);
}

static struct fault element_fault(const struct check *c, const struct check_at *at, enum fault_kind kind)
{
    struct fault fault = fault_here(c, kind);
    fault.element = at->element;
    fault.component = at->component;
    fault.repetition = at->repetition;
    if (at->position && at->position->element)
        fault.reference = at->position->element->id;
    return fault;
}

/* Says what fault_keep wants to have said. */
static void say(struct check *c, const struct check_at *at, const struct fault *fault, const char *what)
{
    finding_add(c->findings, fault->severity,
                fault_code(c->findings->arena, c->dictionary->dictionary.standard, fault->kind),
                where_element(c, at), fault->severity == SEVERITY_ERROR ? todo(c) : "", "%s", what);
    place(c, at->element, at->component);
}

/* ---- values ---- */

static const char *code_sentence(struct check *c, const struct element *e, const char *shown)
{
    struct arena *a = c->findings->arena;
    const struct code_list *l = e->codes;
    const char *name = name_in_parentheses(name_of_element(e));
    if (l->count > LISTED_CODES)
        return arena_printf(a,
                            "%s is not one of the %zu codes of element %s%s, which stand in %s/codes/%s.tsv.",
                            shown, l->count, e->id, name, c->dictionary->folder, e->id);
    const char *list = "";
    for (size_t i = 0; i < l->count; i++)
        list = arena_printf(a, "%s%s%.*s", list, i ? ", " : "", SLICE_ARG(l->codes[i]));
    return arena_printf(a, "%s is no code of element %s%s; there are: %s.", shown, e->id, name, list);
}

static const char *length_sentence(struct check *c, const struct element *e, struct slice value,
                                   const char *shown)
{
    size_t n = value.len;
    bool digits = e->type == TYPE_N || e->type == TYPE_R;
    if (digits) {
        n = 0;
        for (size_t i = 0; i < value.len; i++)
            n += value.ptr[i] >= '0' && value.ptr[i] <= '9';
    } else {
        element_characters(value, &n);
    }
    const char *unit = digits ? "digit" : "character";
    return arena_printf(c->findings->arena, "%s has %zu %s%s; %u to %u are allowed (%s %s).", shown, n, unit,
                        n == 1 ? "" : "s", e->min, e->max, digits ? "number" : "element", e->id);
}

static const char *character_sentence(struct check *c, const struct element *e, struct slice value,
                                      const char *shown)
{
    struct arena *a = c->findings->arena;
    size_t n;
    if (e->type == TYPE_N)
        return arena_printf(
            a,
            "%s is no whole number: digits, with a minus before them if need be, and no point "
            "(the last %u are decimals).",
            shown, e->decimals);
    if (e->type == TYPE_R)
        return arena_printf(
            a,
            "%s is no number: digits with at most one decimal point, and a minus before them if "
            "need be.",
            shown);
    if (e->type == TYPE_NUMBER)
        return arena_printf(a,
                            "%s is no number: digits, a minus before them and a decimal mark between them if "
                            "need be.",
                            shown);
    if (e->type == TYPE_A && element_characters(value, &n))
        return arena_printf(a, "%s has digits in it; only letters may stand here.", shown);
    return arena_printf(a, "%s has a control character in it, or bytes that are no UTF-8.", shown);
}

static const char *value_sentence(struct check *c, const struct element *e, enum fault_kind kind,
                                  struct slice value)
{
    struct arena *a = c->findings->arena;
    const char *shown = fault_show(a, value);
    switch (kind) {
    case FAULT_CODE: return code_sentence(c, e, shown);
    case FAULT_TOO_SHORT:
    case FAULT_TOO_LONG: return length_sentence(c, e, value, shown);
    case FAULT_DATE:
        return arena_printf(a, "%s is no date of the calendar, written %s.", shown,
                            e->max == 6 ? "YYMMDD" : "CCYYMMDD");
    case FAULT_TIME:
        return arena_printf(a, "%s is no time of the day, written HHMM, HHMMSS or HHMMSSDD.", shown);
    case FAULT_BLANK: return "The value is nothing but blanks; an element without a value is left empty.";
    default: return character_sentence(c, e, value, shown);
    }
}

void check_value_fault(struct check *c, const struct check_at *at, enum fault_kind kind, struct slice value)
{
    const struct element *e = at->position->element;
    enum severity severity = SEVERITY_ERROR;
    if (kind == FAULT_BLANK && !c->set)
        return; /* ISA02, ISA04 */
    if (kind == FAULT_BLANK && !c->leaving)
        severity = SEVERITY_WARNING;
    if (c->lenient == LENIENT_VALUES || (kind == FAULT_CODE && (e->codes->open || c->lenient)))
        severity = SEVERITY_WARNING;
    struct fault fault = element_fault(c, at, kind);
    fault.severity = severity;
    fault.value = value;
    if (!fault_keep(c->faults, c->findings, &fault))
        say(c, at, &fault, value_sentence(c, e, kind, value));
}

void check_too_many(struct check *c, const struct check_at *at, enum fault_kind kind, size_t found,
                    size_t allowed)
{
    const char *what = kind == FAULT_TOO_MANY_ELEMENTS     ? "elements; the segment has"
                       : kind == FAULT_TOO_MANY_COMPONENTS ? "components; the element has"
                                                           : "repetitions; the element may have";
    struct fault fault = element_fault(c, at, kind);
    if (!fault_keep(c->faults, c->findings, &fault))
        say(c, at, &fault,
            arena_printf(c->findings->arena, "There are %zu %s at most %zu in version %s.", found, what,
                         allowed, c->dictionary->dictionary.version));
}

void check_delimiter_fault(struct check *c, const struct check_at *at, struct slice value, char delimiter,
                           const char *name)
{
    struct arena *a = c->findings->arena;
    bool show = c->qualifier.len && at->element != 1;
    struct fault fault = element_fault(c, at, FAULT_DELIMITER);
    fault.value = value;
    if (!fault_keep(c->faults, c->findings, &fault))
        say(c, at, &fault,
            arena_printf(a, "%s of the %s segment%s%s%s contains %s, which this partner uses as %s: %s.",
                         element_name(c, at->element, at->component), fault_plain(a, c->id), show ? " (" : "",
                         show ? fault_plain(a, c->qualifier) : "", show ? ")" : "",
                         fault_show(a, slice_make(&delimiter, 1)), name, fault_show(a, value)));
}

void check_characters_fault(struct check *c, const struct check_at *at, struct slice value, const char *set)
{
    struct arena *a = c->findings->arena;
    struct fault fault = element_fault(c, at, FAULT_CHARACTER);
    fault.value = value;
    if (!fault_keep(c->faults, c->findings, &fault))
        say(c, at, &fault,
            arena_printf(a, "%s has a character that %s, this partner's character set, does not have.",
                         fault_show(a, value), set));
}

void check_shape_fault(struct check *c, const struct check_at *at)
{
    struct fault fault = element_fault(c, at, FAULT_CHARACTER);
    if (!fault_keep(c->faults, c->findings, &fault))
        say(c, at, &fault,
            at->position->composite ? "A composite of components belongs here, not a single value."
                                    : "A single value belongs here, not a composite.");
}

void check_twice(struct check *c, const struct check_at *at, unsigned component)
{
    struct check_at here = *at;
    here.component = component;
    struct fault fault = element_fault(c, &here, FAULT_TOO_MANY_REPEATS);
    if (!fault_keep(c->faults, c->findings, &fault))
        say(c, &here, &fault, "The component is there twice.");
}

/* ---- presence ---- */

static const char *position_name(const struct check *c, unsigned element, unsigned n)
{
    return element ? element_name(c, element, n) : element_name(c, n, 0);
}

/* "PO106 and PO107", of those in the condition that are (not) present. */
static const char *list_positions(struct check *c, const struct condition *k, unsigned from, unsigned element,
                                  const char *between)
{
    const char *list = "";
    for (unsigned i = from; i < k->count; i++)
        list = arena_printf(c->findings->arena, "%s%s%s", list,
                            i == from           ? ""
                            : i + 1 == k->count ? between
                                                : ", ",
                            position_name(c, element, k->positions[i]));
    return list;
}

static const char *condition_sentence(struct check *c, const struct condition *k, unsigned element)
{
    struct arena *a = c->findings->arena;
    const char *first = position_name(c, element, k->positions[0]);
    switch (k->kind) {
    case CONDITION_PAIRED:
        return arena_printf(a, "%s belong together: all or none of them (condition %s).",
                            list_positions(c, k, 0, element, " and "), k->text);
    case CONDITION_REQUIRED:
        return arena_printf(a, "At least one of %s must be there (condition %s).",
                            list_positions(c, k, 0, element, " or "), k->text);
    case CONDITION_EXCLUSIVE:
        return arena_printf(a, "Only one of %s may be there (condition %s).",
                            list_positions(c, k, 0, element, " or "), k->text);
    case CONDITION_CONDITIONAL:
        return arena_printf(a, "When %s is there, %s must be there too (condition %s).", first,
                            list_positions(c, k, 1, element, " and "), k->text);
    case CONDITION_LIST: break;
    }
    return arena_printf(a, "When %s is there, at least one of %s must be there too (condition %s).", first,
                        list_positions(c, k, 1, element, " or "), k->text);
}

/* The position to blame: of an exclusion the last one present, otherwise the first one absent. */
static unsigned blamed(const struct condition *k, uint64_t present)
{
    unsigned first_absent = 0, last_present = 0;
    for (unsigned i = 0; i < k->count; i++) {
        unsigned n = k->positions[i];
        if (present >> (n - 1) & 1)
            last_present = n > last_present ? n : last_present;
        else if (!first_absent || n < first_absent)
            first_absent = n;
    }
    return k->kind == CONDITION_EXCLUSIVE ? last_present : first_absent;
}

static struct check_at at_position(const struct position *positions, unsigned element, unsigned n)
{
    return (struct check_at){.position = &positions[n - 1],
                             .element = element ? element : n,
                             .component = element ? n : 0,
                             .repetition = 1};
}

void check_presence_slow(struct check *c, const struct presence *p, const struct position *positions,
                         uint64_t present, unsigned element)
{
    uint64_t missing = p->mandatory & ~present;
    for (unsigned n = 1; missing; n++, missing >>= 1) {
        if (!(missing & 1))
            continue;
        struct check_at at = at_position(positions, element, n);
        struct fault fault = element_fault(c, &at, FAULT_ELEMENT_MISSING);
        if (!fault_keep(c->faults, c->findings, &fault))
            say(c, &at, &fault,
                arena_printf(c->findings->arena, "%s is mandatory and is missing.",
                             position_name(c, element, n)));
    }
    for (size_t i = 0; i < p->condition_count; i++) {
        const struct condition *k = &p->conditions[i];
        if (condition_holds(k->kind, p->masks[i], present))
            continue;
        struct check_at at = at_position(positions, element, blamed(k, present));
        struct fault fault =
            element_fault(c, &at, k->kind == CONDITION_EXCLUSIVE ? FAULT_EXCLUSIVE : FAULT_CONDITION_MISSING);
        if (!fault_keep(c->faults, c->findings, &fault))
            say(c, &at, &fault, condition_sentence(c, k, element));
    }
}

/* ---- structure ---- */

static void missing_item(void *context, const struct walk_level *level, const struct set_item *item)
{
    struct check *c = context;
    struct fault fault = fault_here(c, FAULT_SEGMENT_MISSING);
    fault.segment_id = slice_of(item->segment->id);
    fault.loop = item->items ? item->id : level->loop ? level->loop->id : "";
    const char *in = level->loop ? level->loop->id : "", *word = c->dictionary->dictionary.standard->loop;
    if (fault_keep(c->faults, c->findings, &fault))
        return;
    finding_add(c->findings, fault.severity,
                fault_code(c->findings->arena, c->dictionary->dictionary.standard, fault.kind),
                where_segment(c), todo(c),
                "The mandatory %s %s%s%s%s%s%s is missing; it should stand before this place.",
                item->items ? word : "segment", item->id, name_in_parentheses(name_of_segment(item->segment)),
                *in ? " of " : "", *in ? word : "", *in ? " " : "", in);
    place(c, 0, 0);
}

/* "loop PO1/PID" that would take the segment; for the sentence about one that stands elsewhere. */
static const char *find_loop(const struct set_item *items, size_t count, const struct segment *s)
{
    for (size_t i = 0; i < count; i++) {
        if (!items[i].items)
            continue;
        for (size_t j = 0; j < items[i].count; j++)
            if (items[i].items[j].segment == s)
                return items[i].id;
        const char *inner = find_loop(items[i].items, items[i].count, s);
        if (inner)
            return inner;
    }
    return NULL;
}

static bool tell_result(struct check *c, enum walk_result r, const struct segment *s)
{
    const struct walk_level *l = &c->walk.levels[c->walk.depth];
    if (r == WALK_HERE || r == WALK_LOOP)
        return true;
    const char *loop, *name = name_in_parentheses(name_of_segment(s));
    switch (r) {
    case WALK_TOO_MANY:
        check_segment_fault(c, FAULT_SEGMENT_REPEATS,
                            "Segment %s%s stands here %zu times; at most %u allowed.", s->id, name, l->uses,
                            l->items[l->index].max_use);
        return true;
    case WALK_LOOP_TOO_MANY:
        check_segment_fault(c, FAULT_LOOP_REPEATS, "Loop %s%s stands here %zu times; at most %u allowed.",
                            l->loop->id, name, l[-1].uses, l->loop->max_use);
        return true;
    case WALK_BEFORE:
        check_segment_fault(c, FAULT_SEGMENT_ORDER, "Segment %s%s comes too late: its place is further up.",
                            s->id, name);
        return false;
    case WALK_ELSEWHERE:
        loop = find_loop(c->set->items, c->set->count, s);
        check_segment_fault(c, FAULT_SEGMENT_UNEXPECTED,
                            "Segment %s%s cannot stand here; it belongs into loop %s, which is not open.",
                            s->id, name, loop ? loop : "?");
        return false;
    case WALK_HERE:
    case WALK_LOOP:
    case WALK_NOT_IN_SET: break;
    }
    check_segment_fault(c, FAULT_SEGMENT_NOT_IN_SET, "Segment %s%s is not part of set %s%s.", s->id, name,
                        c->set->id, name_in_parentheses(name_of_set(c->set)));
    return false;
}

const struct segment_plan *check_segment(struct check *c, struct slice id, struct slice qualifier,
                                         bool *opened)
{
    c->position++;
    c->id = id;
    c->qualifier = qualifier;
    const struct segment_plan *plan = plan_segment(c->dictionary, id);
    if (!plan) {
        check_segment_fault(c, FAULT_SEGMENT_UNKNOWN, "There is no segment \"%.*s\" in version %s.",
                            (int)(id.len > 20 ? 20 : id.len), id.ptr, c->dictionary->dictionary.version);
        return NULL;
    }
    enum walk_result r = walk_segment(&c->walk, c->set, &plan->segment, missing_item, c);
    *opened = r == WALK_LOOP || r == WALK_LOOP_TOO_MANY;
    if (__builtin_expect(r > WALK_LOOP, 0) && !tell_result(c, r, &plan->segment))
        return NULL;
    return plan;
}

void check_close(struct check *c)
{
    c->position++;
    c->id = c->trailer.ptr ? c->trailer : slice_of(c->dictionary->dictionary.standard->trailer);
    c->qualifier = SLICE_NONE;
    walk_close(&c->walk, missing_item, c);
}
