/* Writing X12: what was read comes out byte for byte, what is wrong does not come out at all. */
#include "base/file.h"
#include "syntax/syntax.h"
#include "test_edi.h"
#include <fcntl.h>

/* A segment of a test's own: "N1*ST*Oslo", elements of "MEA**WT*5*KG>2" composed at '>'. */
static struct node *segment(struct arena *a, const char *text)
{
    struct node *s = NULL;
    unsigned tag = 0;
    for (const char *p = text;; p++) {
        size_t len = strcspn(p, "*");
        if (!s) {
            s = node_new(a, NODE_SEGMENT, arena_copy(a, slice_make(p, len)));
        } else {
            tag++;
            if (len) {
                struct node *e = node_new(a, NODE_STRING, SLICE_NONE);
                e->text = arena_copy(a, slice_make(p, len));
                e->tag = (uint16_t)tag;
                node_append(s, e);
            }
        }
        p += len;
        if (!*p)
            return s;
    }
}

static struct node *add(struct bench *b, struct node *parent, const char *text)
{
    struct node *s = segment(&b->arena, text);
    node_append(parent, s);
    return s;
}

static struct node *add_loop(struct bench *b, struct node *parent, const char *text)
{
    struct node *s = segment(&b->arena, text), *loop = node_new(&b->arena, NODE_LOOP, s->name);
    node_append(loop, s);
    node_append(parent, loop);
    return loop;
}

static struct node *order(struct bench *b)
{
    struct node *set = node_new(&b->arena, NODE_OBJECT, SLICE("850"));
    add(b, set, "BEG*00*SA*X**20260312");
    return set;
}

static int write_order(struct bench *b, const struct node *set, const struct envelope *e)
{
    return x12_write(b->dictionary, dictionary_set(b->dictionary, "850"), set, e, &b->out, &b->f);
}

/* ---- what comes out ---- */

static void writes_what_was_read(void **state)
{
    struct bench *b = *state;
    fresh(b);
    interchange_of(&b->text, "850", ORDER);
    struct syntax_options o = {.dictionaries = b->library, .envelope = &test_envelope};
    struct node *set = syntax_find("x12")->read(&o, buffer_as_slice(&b->text), &b->f);
    assert_non_null(set);
    assert_int_equal(syntax_find("x12")->write(&o, set, &b->out, &b->f), 0);
    expect_none(&b->f);
    assert_int_equal(b->out.len, b->text.len);
    assert_memory_equal(b->out.ptr, b->text.ptr, b->text.len);
}

static void writes_samples_again(void **state)
{
    static const char *const names[] = {"850-order.x12", "810-invoice.x12", "997-acknowledgment.x12"};
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[1024];
        fresh(b);
        buffer_clear(&b->text);
        snprintf(path, sizeof path, "%s/tests/corpus/x12/%s", source_directory(), names[i]);
        assert_int_equal(file_read(AT_FDCWD, path, 1u << 20, &b->text), 0);
        struct syntax_options o = {.dictionaries = b->library, .envelope = &test_envelope};
        struct node *set = syntax_x12.read(&o, buffer_as_slice(&b->text), &b->f);
        assert_non_null(set);
        assert_int_equal(syntax_x12.write(&o, set, &b->out, &b->f), 0);
        const char *written = strstr(b->out.ptr, "~ST*"), *read = strstr(b->text.ptr, "~ST*");
        size_t len = (size_t)(strstr(read, "~GE*") - read);
        assert_memory_equal(written, read, len);
    }
}

static void fills_the_envelope(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct envelope e = test_envelope;
    e.delimiters =
        (struct delimiters){.element = '|', .component = ':', .segment = '\x1c', .repetition = '^'};
    e.acknowledgment = true;
    e.usage = 'P';
    e.sender_id = "A";
    e.control_number = 999999999;
    struct node *set = order(b);
    add_loop(b, set, "PO1*1*1*EA");
    assert_int_equal(write_order(b, set, &e), 0);
    assert_string_equal(
        b->out.ptr,
        "ISA|00|          |00|          |ZZ|A              |ZZ|FJORDSELLT     |260312|0914|U|00401|"
        "999999999|1|P|:\x1cGS|PO|NORDMATBUYT|FJORDSELLT|20260312|0914|999999999|X|004010\x1c"
        "ST|850|0001\x1c"
        "BEG|00|SA|X||20260312\x1cPO1|1|1|EA\x1cSE|4|0001\x1cGE|1|999999999\x1c"
        "IEA|1|999999999\x1c");
}

static void appends_behind_what_is_there(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct envelope e = test_envelope;
    e.newline = true;
    buffer_text(&b->out, "before");
    struct node *set = order(b);
    assert_int_equal(write_order(b, set, &e), -1); /* no PO1 */
    assert_string_equal(finding_of(&b->f, "x12.segment.missing")->code, "x12.segment.missing");
    assert_int_equal(b->out.len, 6);
    add_loop(b, set, "PO1*1*1*EA");
    assert_int_equal(write_order(b, set, &e), 0);
    assert_memory_equal(b->out.ptr, "beforeISA*", 10);
    assert_memory_equal(b->out.ptr + b->out.len - 2, "~\n", 2);
}

/* Elements may stand in any order in a map's tree, and empty ones are not there. */
static void sorts_elements(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct node *set = order(b), *loop = add_loop(b, set, "PO1*1*1*EA");
    struct node *po1 = loop->first, *one = po1->first, *empty = node_new(&b->arena, NODE_STRING, SLICE_NONE);
    po1->first = one->next;
    one->next = NULL;
    node_append(po1, one);
    empty->tag = 5;
    empty->text = SLICE("");
    node_append(po1, empty);
    assert_int_equal(write_order(b, set, &test_envelope), 0);
    assert_non_null(strstr(b->out.ptr, "~PO1*1*1*EA~"));
}

static void writes_composites(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct node *set = order(b), *mea = add(b, set, "MEA**WT*5"),
                *unit = node_new(&b->arena, NODE_COMPOSITE, SLICE_NONE);
    for (unsigned i = 1; i <= 3; i += 2) {
        struct node *c = node_new(&b->arena, NODE_STRING, SLICE_NONE);
        c->text = i == 1 ? SLICE("KG") : SLICE("2");
        c->tag = (uint16_t)i;
        node_append(unit, c);
    }
    unit->tag = 4;
    node_append(mea, unit);
    add_loop(b, set, "PO1*1*1*EA");
    assert_int_equal(write_order(b, set, &test_envelope), 0);
    assert_non_null(strstr(b->out.ptr, "~MEA**WT*5*KG>>2~"));
}

/* ---- what does not ---- */

static void delimiter_in_data(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct node *set = order(b);
    struct node *n1 = add_loop(b, set, "N1*ST*x")->first;
    n1->last->text = SLICE("Star * Cafe");
    add_loop(b, set, "PO1*1*1*EA");
    assert_int_equal(write_order(b, set, &test_envelope), -1);
    expect_only(&b->f, "x12.element.delimiter", "850, segment 3, N1*ST, element N102 (Name)",
                "N102 of the N1 segment (ST) contains \"*\", which this partner uses as element separator: "
                "\"Star * Cafe\".");
    assert_int_equal(b->out.len, 0);
    struct envelope e = test_envelope;
    e.replacement = ' ';
    fresh(b);
    set = order(b);
    add_loop(b, set, "N1*ST*x")->first->last->text = SLICE("A*B~C>D");
    add_loop(b, set, "PO1*1*1*EA");
    assert_int_equal(write_order(b, set, &e), 0);
    assert_non_null(strstr(b->out.ptr, "~N1*ST*A B C D~"));
}

/* Codes and numbers are never replaced in: they would become others. */
static void delimiter_in_a_number(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct envelope e = test_envelope;
    e.delimiters.component = '.';
    e.replacement = ' ';
    struct node *set = order(b);
    add_loop(b, set, "PO1*1*1.5*EA");
    assert_int_equal(write_order(b, set, &e), -1);
    expect_only(&b->f, "x12.element.delimiter", "PO102", "component separator");
}

static const struct {
    const char *segment, *code, *where, *what;
} faults[] = {
    {"PO1*1*1*EA*8129.93.1", "x12.element.character", "850, segment 3, PO1*1, element PO104", "no number"},
    {"PO1*1*1*EA****X", "x12.element.condition", "PO106", "belong together"},
    {"PO1*1*1*??", "x12.element.code", "PO103", "\"??\" is not one of"},
    {"PO1*1*1*EA**IN", "x12.element.code", "PO105", "element 639"},
    {"PO1*1*1*EA**************************X", "x12.element.too-many", "PO130", "at most 25"},
    {"PO1* *1*EA", "x12.element.blank", "PO101", "nothing but blanks"},
    {"PO1*1*1*EA***IN", "x12.element.condition", "PO107", "belong together"},
};

static void checks_like_reading(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        fresh(b);
        struct node *set = order(b);
        add_loop(b, set, faults[i].segment);
        assert_int_equal(write_order(b, set, &test_envelope), -1);
        if (!finding_of(&b->f, faults[i].code))
            expect_only(&b->f, faults[i].code, faults[i].where, faults[i].what);
        assert_int_equal(b->out.len, 0);
        struct findings again = {.arena = &b->arena};
        assert_int_equal(x12_validate(b->dictionary, dictionary_set(b->dictionary, "850"), set, &again), -1);
        assert_int_equal(again.errors, b->f.errors);
        assert_non_null(strstr(finding_of(&again, faults[i].code)->todo, "nothing was sent"));
    }
}

/* The tree says one thing, and who reads the segments would understand another. */
static void wrong_nesting(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct node *set = order(b);
    add_loop(b, set, "PO1*1*1*EA");
    struct node *n9 = add_loop(b, set->last, "N9*ZZ*1");
    (void)n9;
    add(b, set->last, "MSG*read as the N9 loop's");
    assert_int_equal(write_order(b, set, &test_envelope), -1);
    expect_only(&b->f, "x12.segment.nesting", "850, segment 5, MSG", "would be read as part of loop N9");
    fresh(b);
    set = order(b);
    add(b, set, "PO1*1*1*EA"); /* a loop's first segment without its loop */
    assert_int_equal(write_order(b, set, &test_envelope), -1);
    assert_non_null(finding_of(&b->f, "x12.segment.nesting"));
    fresh(b);
    set = order(b);
    node_append(set, node_new(&b->arena, NODE_LOOP, SLICE("PO1"))); /* an empty loop */
    assert_int_equal(write_order(b, set, &test_envelope), -1);
    assert_non_null(finding_of(&b->f, "x12.segment.nesting"));
}

static void endless_nesting(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct node *set = order(b), *parent = set;
    for (unsigned i = 0; i < 100000; i++)
        parent = add_loop(b, parent, "PO1*1*1*EA");
    assert_int_equal(write_order(b, set, &test_envelope), -1);
}

static void single_value_for_composite(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct node *set = order(b);
    add(b, set, "MEA**WT*5*KG");
    add_loop(b, set, "PO1*1*1*EA");
    assert_int_equal(write_order(b, set, &test_envelope), -1);
    expect_only(&b->f, "x12.element.character", "MEA04", "A composite of components belongs here");
}

/* ---- profiles ---- */

static void refuses_profiles(void **state)
{
    struct bench *b = *state;
    struct envelope e[12];
    static const char *const where[12] = {"ISA06", "ISA05",      "ISA08",       "GS02",
                                          "ISA15", "ISA13",      "ISA13",       "GS08",
                                          "ISA05", "delimiters", "replacement", "delimiters"};
    for (size_t i = 0; i < 12; i++)
        e[i] = test_envelope;
    e[0].sender_id = "SIXTEENCHARACTER";
    e[1].sender_qualifier = "Z";
    e[2].receiver_id = "A*B";
    e[3].application_sender = NULL;
    e[4].usage = 'X';
    e[5].control_number = 0;
    e[6].control_number = 1000000000;
    e[7].version = "4010";
    e[8].sender_qualifier = "??";
    e[9].delimiters.segment = '*';
    e[10].replacement = '~';
    e[11].delimiters.element = 'A';
    for (size_t i = 0; i < 12; i++) {
        fresh(b);
        struct node *set = order(b);
        add_loop(b, set, "PO1*1*1*EA");
        assert_int_equal(write_order(b, set, &e[i]), -1);
        assert_int_equal(b->f.kept, 1);
        if (!strstr(b->f.first->where, where[i]))
            fail_msg("%zu: %s: %s", i, b->f.first->where, b->f.first->what);
        assert_string_equal(b->f.first->todo, "Correct the partner's profile.");
        assert_int_equal(b->out.len, 0);
    }
}

static void several_sets_are_told(void **state)
{
    struct bench *b = *state;
    fresh(b);
    buffer_clear(&b->text);
    buffer_text(&b->text, ISA_TEXT GS_PO);
    add_set(&b->text, "850", "0001", ORDER);
    add_set(&b->text, "850", "0002", ORDER);
    buffer_text(&b->text, "GE*2*42~IEA*1*000000042~");
    struct syntax_options o = {.dictionaries = b->library};
    assert_non_null(syntax_x12.read(&o, buffer_as_slice(&b->text), &b->f));
    expect_only(&b->f, "x12.interchange.several", "", "1 more transaction sets");
    fresh(b);
    o.set = "810";
    assert_null(syntax_x12.read(&o, buffer_as_slice(&b->text), &b->f));
    assert_non_null(finding_of(&b->f, "x12.set.other"));
    fresh(b);
    b->text.ptr[b->text.len - 2] = '3'; /* IEA02 */
    o.set = NULL;
    assert_null(syntax_x12.read(&o, buffer_as_slice(&b->text), &b->f));
    assert_non_null(finding_of(&b->f, "x12.interchange.control-number"));
}

static void finds_syntaxes(void **state)
{
    (void)state;
    assert_ptr_equal(syntax_find("x12"), &syntax_x12);
    assert_ptr_equal(syntax_find("x12json"), &syntax_x12json);
    assert_ptr_equal(syntax_find("json"), &syntax_json);
    assert_null(syntax_find("x13"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_was_read), cmocka_unit_test(writes_samples_again),
        cmocka_unit_test(fills_the_envelope),   cmocka_unit_test(appends_behind_what_is_there),
        cmocka_unit_test(sorts_elements),       cmocka_unit_test(writes_composites),
        cmocka_unit_test(delimiter_in_data),    cmocka_unit_test(delimiter_in_a_number),
        cmocka_unit_test(checks_like_reading),  cmocka_unit_test(wrong_nesting),
        cmocka_unit_test(endless_nesting),      cmocka_unit_test(single_value_for_composite),
        cmocka_unit_test(refuses_profiles),     cmocka_unit_test(several_sets_are_told),
        cmocka_unit_test(finds_syntaxes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
