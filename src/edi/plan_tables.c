/* plan_tables: elements, code lists, composites, segments and conditions of one version, from their tables.
 * Everything lives in the dictionary's arena. A wrong row is a finding with file and line; the caller refuses
 * the dictionary when there was any. The tables follow X12.3 (elements) and X12.22 (segments). */
#include "edi/plan.h"
#include "base/file.h"
#include "edi/table.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ELEMENT_LIMIT 100000000 /* characters; binary data (785) is the long one */

static const char *shown(struct dictionary_tables *d, const char *name)
{
    return arena_printf(&d->arena, "%s/%s", d->folder, name);
}

static int by_element_id(const void *a, const void *b)
{
    return strcmp(((const struct element *)a)->id, ((const struct element *)b)->id);
}

static struct composite_plan *find_composite(const struct dictionary_tables *d, struct slice id)
{
    for (size_t i = 0; i < d->composite_count; i++)
        if (slice_is(id, d->composites[i].composite.id))
            return &d->composites[i];
    return NULL;
}

/* ---- code lists ---- */

static int by_code(const void *a, const void *b)
{
    const struct slice x = *(const struct slice *)a, y = *(const struct slice *)b;
    size_t n = x.len < y.len ? x.len : y.len;
    int c = memcmp(x.ptr, y.ptr, n);
    return c ? c : (x.len > y.len) - (x.len < y.len);
}

static void hash_codes(struct dictionary_tables *d, struct code_table *t)
{
    unsigned bits = 3;
    while (((size_t)1 << bits) < t->list.count * 2)
        bits++;
    struct code_slot *slots = arena_zero(&d->arena, sizeof *slots << bits);
    t->slots = slots;
    t->shift = 64 - bits;
    t->mask = (UINT64_C(1) << bits) - 1;
    for (size_t i = 0; i < t->list.count; i++) {
        struct slice c = t->list.codes[i];
        if (c.len > 8)
            continue;
        uint64_t key = code_key(c), at = code_hash(key, c.len, t->shift);
        while (slots[at & t->mask].length)
            at++;
        slots[at & t->mask] = (struct code_slot){key, (uint32_t)c.len};
    }
}

static void sort_codes(struct dictionary_tables *d, struct table *t, struct code_table *out,
                       struct slice *rows, size_t count)
{
    qsort(rows, count, sizeof *rows, by_code);
    struct slice *codes = arena_alloc(&d->arena, (count + 1) * sizeof *codes);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (n && slice_equal(codes[n - 1], rows[i])) {
            table_fault(t, "The code %.*s stands in this file twice.", SLICE_ARG(rows[i]));
            continue;
        }
        codes[n++] = arena_copy(&d->arena, rows[i]);
    }
    out->list = (struct code_list){.codes = codes, .count = n, .open = t->open};
}

const struct code_list *plan_load_codes(struct dictionary_tables *d, const char *element, struct findings *f)
{
    char path[512];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s/codes/%s.tsv", d->directory, d->folder, element);
    if (n < 0 || (size_t)n >= sizeof path)
        return NULL;
    if (stat(path, &st) < 0) {
        if (error_is_the_machines(errno))
            finding_machine(f, errno, path);
        return NULL;
    }
    struct table t;
    if (table_open(&t, d->directory, arena_printf(&d->arena, "%s/codes/%s.tsv", d->folder, element), 1, f))
        return NULL;
    struct slice *rows = malloc(table_lines(&t) * sizeof *rows);
    size_t count = 0;
    if (!rows)
        abort();
    while (table_next(&t)) {
        if (t.fields[0].len == 0)
            table_fault(&t, "The code is empty.");
        else
            rows[count++] = t.fields[0];
    }
    struct code_table *out = arena_zero(&d->arena, sizeof *out);
    sort_codes(d, &t, out, rows, count);
    hash_codes(d, out);
    free(rows);
    table_close(&t);
    return &out->list;
}

/* ---- elements ---- */

static bool element_type(struct slice s, struct element *e)
{
    static const struct {
        const char *text;
        enum element_type type;
    } simple[] = {{"AN", TYPE_AN}, {"ID", TYPE_ID}, {"R", TYPE_R},   {"DT", TYPE_DT}, {"TM", TYPE_TM},
                  {"B", TYPE_B},   {"N", TYPE_N},   {"an", TYPE_AN}, {"a", TYPE_A},   {"n", TYPE_NUMBER}};
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (slice_is(s, simple[i].text)) {
            e->type = simple[i].type;
            return true;
        }
    if (s.len != 2 || s.ptr[0] != 'N' || s.ptr[1] < '0' || s.ptr[1] > '9')
        return false;
    e->type = TYPE_N;
    e->decimals = (unsigned char)(s.ptr[1] - '0');
    return true;
}

static void read_element(struct dictionary_tables *d, struct table *t, struct element *e, struct findings *f)
{
    e->id = arena_text(&d->arena, t->fields[0]);
    e->names = d->names;
    if (!element_type(t->fields[1], e))
        table_fault(t, "\"%.*s\" is no element type; there are AN, ID, N0 to N9, R, DT, TM and B.",
                    SLICE_ARG(t->fields[1]));
    e->min = table_number(t, 2, ELEMENT_LIMIT);
    e->max = table_number(t, 3, ELEMENT_LIMIT);
    if (e->min < 1 || e->max < e->min)
        table_fault(t, "Element %s: the lengths %u to %u are no range.", e->id, e->min, e->max);
    if (e->type == TYPE_DT && (e->min < 6 || e->max > 8))
        table_fault(t, "Element %s: a date has six or eight digits.", e->id);
    if (e->type == TYPE_TM && (e->min < 4 || e->max > 8))
        table_fault(t, "Element %s: a time has four to eight digits.", e->id);
    e->codes = plan_load_codes(d, e->id, f);
}

int plan_load_elements(struct dictionary_tables *d, struct findings *f)
{
    unsigned before = f->errors;
    struct table t;
    if (table_open(&t, d->directory, shown(d, "elements.tsv"), 4, f))
        return -1;
    d->elements = arena_zero(&d->arena, table_lines(&t) * sizeof *d->elements);
    while (table_next(&t))
        read_element(d, &t, &d->elements[d->element_count++], f);
    qsort(d->elements, d->element_count, sizeof *d->elements, by_element_id);
    for (size_t i = 1; i < d->element_count; i++)
        if (!strcmp(d->elements[i - 1].id, d->elements[i].id))
            table_fault(&t, "Element %s stands in this file twice.", d->elements[i].id);
    table_close(&t);
    return f->errors > before ? -1 : 0;
}

/* ---- composites and segments: rows of positions ---- */

static const struct element *find_element(const struct dictionary_tables *d, struct slice id)
{
    char text[16];
    if (id.len >= sizeof text)
        return NULL;
    memcpy(text, id.ptr, id.len);
    text[id.len] = '\0';
    return dictionary_element(&d->dictionary, text);
}

static void read_requirement(struct table *t, struct slice s, struct position *p)
{
    if (s.len == 1 && strchr("MOXC", s.ptr[0]))
        p->requirement = s.ptr[0] == 'C' ? 'O' : s.ptr[0]; /* EDIFACT's word for it */
    else
        table_fault(t, "The requirement is M, O or X (in EDIFACT M or C), not \"%.*s\".", SLICE_ARG(s));
}

static void read_composite_row(struct dictionary_tables *d, struct table *t, struct composite_plan *plan,
                               struct position *p)
{
    struct composite *c = &plan->composite;
    p->element = find_element(d, t->fields[2]);
    p->repeat = 1;
    if (!p->element)
        table_fault(t, "Element %.*s of composite %s is not in elements.tsv.", SLICE_ARG(t->fields[2]),
                    c->id);
    read_requirement(t, t->fields[3], p);
    if (table_number(t, 1, PLAN_COMPONENTS) != ++c->count)
        table_fault(t, "Component %zu of composite %s is due here.", c->count, c->id);
    else if (p->requirement == 'M')
        plan->presence.mandatory |= UINT64_C(1) << (c->count - 1);
}

int plan_load_composites(struct dictionary_tables *d, struct findings *f)
{
    unsigned before = f->errors;
    struct table t;
    if (table_open(&t, d->directory, shown(d, "composites.tsv"), 4, f))
        return -1;
    d->composites = arena_zero(&d->arena, table_runs(&t) * sizeof *d->composites);
    struct position *positions = arena_zero(&d->arena, table_lines(&t) * sizeof *positions);
    struct composite_plan *c = NULL;
    while (table_next(&t)) {
        if (!c || !slice_is(t.fields[0], c->composite.id)) {
            if (find_composite(d, t.fields[0]))
                table_fault(&t, "The rows of composite %.*s must stand together.", SLICE_ARG(t.fields[0]));
            c = &d->composites[d->composite_count++];
            c->composite.id = arena_text(&d->arena, t.fields[0]);
            c->composite.names = d->names;
            c->composite.positions = positions;
            if (slice_is(t.fields[1], "0"))
                continue;
            table_fault(&t, "Composite %s must begin with a row for position 0.", c->composite.id);
        }
        read_composite_row(d, &t, c, positions++);
    }
    table_close(&t);
    return f->errors > before ? -1 : 0;
}

static void read_position(struct dictionary_tables *d, struct table *t, struct segment_plan *s,
                          struct position *p)
{
    size_t n = ++s->segment.count;
    if (table_number(t, 1, PLAN_POSITIONS) != n)
        table_fault(t, "Position %zu of segment %s is due here.", n, s->segment.id);
    struct composite_plan *composite = find_composite(d, t->fields[2]);
    p->composite = composite ? &composite->composite : NULL;
    p->element = p->composite ? NULL : find_element(d, t->fields[2]);
    if (!p->element && !p->composite)
        table_fault(t, "%.*s, position %zu of segment %s, is neither in elements.tsv nor in composites.tsv.",
                    SLICE_ARG(t->fields[2]), n, s->segment.id);
    read_requirement(t, t->fields[3], p);
    p->repeat = table_number(t, 4, 65535);
    if (n > PLAN_POSITIONS)
        return;
    uint64_t bit = UINT64_C(1) << (n - 1);
    if (p->requirement == 'M')
        s->presence.mandatory |= bit;
    if (p->element && p->repeat == 1)
        s->simple |= bit;
}

static struct segment_plan *new_segment(struct dictionary_tables *d, struct table *t,
                                        struct position *positions)
{
    struct segment_plan *s = &d->segments[d->segment_count++];
    s->segment.id = arena_text(&d->arena, t->fields[0]);
    s->segment.names = d->names;
    s->segment.positions = positions;
    s->key = segment_key(t->fields[0]);
    s->number = (uint16_t)(d->segment_count - 1);
    if (!s->key)
        table_fault(t, "A segment's id has one to three characters, not \"%s\".", s->segment.id);
    for (size_t i = 0; i + 1 < d->segment_count; i++)
        if (d->segments[i].key == s->key)
            table_fault(t, "The rows of segment %s must stand together.", s->segment.id);
    if (!slice_is(t->fields[1], "0") && !slice_is(t->fields[1], "00"))
        table_fault(t, "Segment %s must begin with a row for position 0.", s->segment.id);
    return s;
}

static void read_segments(struct dictionary_tables *d, struct table *t)
{
    struct position *positions = arena_zero(&d->arena, table_lines(t) * sizeof *positions);
    struct segment_plan *s = NULL;
    while (table_next(t)) {
        if (!s || !slice_is(t->fields[0], s->segment.id))
            s = new_segment(d, t, positions);
        else
            read_position(d, t, s, positions++);
    }
}

static struct element_rule rule_of(const struct element *e)
{
    static const uint8_t kinds[] = {
        [TYPE_AN] = RULE_TEXT,   [TYPE_ID] = RULE_TEXT, [TYPE_N] = RULE_DIGITS,
        [TYPE_R] = RULE_DECIMAL, [TYPE_DT] = RULE_DATE, [TYPE_TM] = RULE_NONE,
        [TYPE_B] = RULE_NONE,    [TYPE_A] = RULE_NONE,  [TYPE_NUMBER] = RULE_NUMBER};
    unsigned more = e->max - e->min;
    struct element_rule r = {.kind = kinds[e->type],
                             .min = (uint16_t)e->min,
                             .more =
                                 (uint16_t)(more < UINT16_MAX ? more : UINT16_MAX), /* enough for a glance */
                             .codes = (const struct code_table *)e->codes};
    if (e->codes)
        r.kind = r.kind == RULE_TEXT ? RULE_CODE : RULE_NONE;
    if ((r.kind == RULE_DATE && e->max < 8) || e->min > UINT16_MAX)
        r.kind = RULE_NONE;
    return r;
}

/* What is known of each position for reading a segment at a glance. */
static void plan_rules(struct dictionary_tables *d)
{
    for (size_t i = 0; i < d->segment_count; i++) {
        struct segment_plan *s = &d->segments[i];
        struct element_rule *rules = arena_zero(&d->arena, (s->segment.count + 1) * sizeof *rules);
        s->nodes = 1;
        for (size_t n = 0; n < s->segment.count && n < PLAN_POSITIONS; n++) {
            const struct position *p = &s->segment.positions[n];
            if (s->simple >> n & 1)
                rules[n] = rule_of(p->element);
            s->nodes += 1 + (p->composite ? (unsigned)p->composite->count : 0);
        }
        s->rules = rules;
    }
    for (size_t i = 0; i < d->composite_count; i++) {
        struct composite_plan *c = &d->composites[i];
        struct element_rule *rules = arena_zero(&d->arena, (c->composite.count + 1) * sizeof *rules);
        for (size_t n = 0; n < c->composite.count; n++)
            if (c->composite.positions[n].element)
                rules[n] = rule_of(c->composite.positions[n].element);
        c->rules = rules;
    }
}

static void hash_segments(struct dictionary_tables *d)
{
    size_t size = 64;
    while (size < d->segment_count * 4)
        size *= 2;
    d->slots = arena_zero(&d->arena, size * sizeof *d->slots);
    d->slot_mask = size - 1;
    for (size_t i = 0; i < d->segment_count; i++) {
        size_t at = segment_hash(d->segments[i].key);
        while (d->slots[at & d->slot_mask].key)
            at++;
        d->slots[at & d->slot_mask] = (struct segment_slot){d->segments[i].key, &d->segments[i]};
    }
}

int plan_load_segments(struct dictionary_tables *d, struct findings *f)
{
    unsigned before = f->errors;
    struct table segments, envelope;
    if (table_open(&segments, d->directory, shown(d, "segments.tsv"), 5, f))
        return -1;
    if (table_open(&envelope, d->directory, shown(d, "envelope.tsv"), 5, f)) {
        table_close(&segments);
        return -1;
    }
    d->segments =
        arena_zero(&d->arena, (table_runs(&segments) + table_runs(&envelope)) * sizeof *d->segments);
    read_segments(d, &segments);
    read_segments(d, &envelope);
    hash_segments(d);
    plan_rules(d);
    if (d->segment_count > UINT16_MAX)
        table_fault(&segments, "There are more than %u segments.", UINT16_MAX);
    table_close(&segments);
    table_close(&envelope);
    return f->errors > before ? -1 : 0;
}

/* ---- conditions ---- */

static bool parse_condition(struct dictionary_tables *d, struct slice text, size_t positions,
                            struct condition *c)
{
    if (text.len < 5 || text.len > 21 || text.len % 2 == 0 || !strchr("PRECL", text.ptr[0]))
        return false;
    c->kind = (enum condition_kind)text.ptr[0];
    c->text = arena_text(&d->arena, text);
    for (size_t i = 1; i < text.len; i += 2) {
        char tens = text.ptr[i], ones = text.ptr[i + 1];
        if (tens < '0' || tens > '9' || ones < '0' || ones > '9')
            return false;
        unsigned n = (unsigned)(tens - '0') * 10 + (unsigned)(ones - '0');
        if (n < 1 || n > positions)
            return false;
        c->positions[c->count++] = (unsigned char)n;
    }
    return true;
}

static struct condition_plan condition_masks(const struct condition *c)
{
    struct condition_plan p = {UINT64_C(1) << (c->positions[0] - 1), 0};
    bool whole = c->kind != CONDITION_CONDITIONAL && c->kind != CONDITION_LIST;
    for (unsigned i = whole ? 0 : 1; i < c->count; i++)
        p.rest |= UINT64_C(1) << (c->positions[i] - 1);
    return p;
}

/* Adds a row's condition to its owner; c and p are the next free places of the arrays. */
static bool read_condition(struct dictionary_tables *d, struct table *t, size_t positions,
                           struct presence *owner, struct condition *c, struct condition_plan *p)
{
    if (!parse_condition(d, t->fields[1], positions, c)) {
        table_fault(
            t,
            "\"%.*s\" is no condition of %.*s, which has %zu positions; write P0304, R0203, E0203, C0302 or "
            "L030405.",
            SLICE_ARG(t->fields[1]), SLICE_ARG(t->fields[0]), positions);
        return false;
    }
    *p = condition_masks(c);
    if (!owner->condition_count) {
        owner->conditions = c;
        owner->masks = p;
    } else if (owner->conditions + owner->condition_count != c) {
        table_fault(t, "The conditions of %.*s must stand together.", SLICE_ARG(t->fields[0]));
        return false;
    }
    owner->condition_count++;
    return true;
}

static void read_conditions(struct dictionary_tables *d, struct table *t, bool composites)
{
    size_t lines = table_lines(t), n = 0;
    struct condition *c = arena_zero(&d->arena, lines * sizeof *c);
    struct condition_plan *p = arena_zero(&d->arena, lines * sizeof *p);
    while (table_next(t)) {
        struct segment_plan *s = composites ? NULL : (struct segment_plan *)plan_segment(d, t->fields[0]);
        struct composite_plan *group = composites ? find_composite(d, t->fields[0]) : NULL;
        if (!s && !group)
            table_fault(t, "%.*s is not in %s.", SLICE_ARG(t->fields[0]),
                        composites ? "composites.tsv" : "segments.tsv");
        else if (read_condition(d, t, s ? s->segment.count : group->composite.count,
                                s ? &s->presence : &group->presence, &c[n], &p[n]))
            n++;
    }
}

int plan_load_conditions(struct dictionary_tables *d, struct findings *f)
{
    unsigned before = f->errors;
    struct table segments, composites;
    if (table_open(&segments, d->directory, shown(d, "conditions.tsv"), 2, f))
        return -1;
    if (table_open(&composites, d->directory, shown(d, "composite-conditions.tsv"), 2, f)) {
        table_close(&segments);
        return -1;
    }
    read_conditions(d, &segments, false);
    read_conditions(d, &composites, true);
    for (size_t i = 0; i < d->segment_count; i++) {
        d->segments[i].segment.conditions = d->segments[i].presence.conditions;
        d->segments[i].segment.condition_count = d->segments[i].presence.condition_count;
    }
    table_close(&segments);
    table_close(&composites);
    return f->errors > before ? -1 : 0;
}
