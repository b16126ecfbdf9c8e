/* Reading X12: a good order as a tree, every fault once with its place and sentence, envelopes, and real
 * interchanges where a corpus of them is at hand (../shared/corpus). */
#include "test_edi.h"
#include <dirent.h>
#include "base/file.h"
#include <fcntl.h>

/* Result of the first x12_reader_next that is not 1, or 0; the last tree is given. */
static int read_text(struct bench *b, struct slice text, struct x12_header *h, struct node **set,
                     struct findings *f)
{
    arena_reset(&b->arena);
    *f = (struct findings){.arena = &b->arena};
    struct x12_reader *r = x12_reader_open(b->library, text, f);
    if (!r)
        return -1;
    int got = x12_reader_next(r, h, set, f);
    x12_reader_close(r);
    return got;
}

/* ---- a good order ---- */

static void reads_an_order(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(&b->text, "850", ORDER);
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 1);
    expect_none(&f);
    assert_true(slice_is(h.set, "850"));
    assert_true(slice_is(h.sender_id, "NORDMATBUYT"));
    assert_true(slice_is(h.receiver_qualifier, "ZZ"));
    assert_true(slice_is(h.interchange_control, "000000042"));
    assert_true(slice_is(h.group_control, "42"));
    assert_true(slice_is(h.version, "004010"));
    assert_int_equal(h.usage, 'T');
    assert_int_equal(set->kind, NODE_OBJECT);
    assert_true(slice_is(set->name, "850"));
    assert_true(slice_is(set->first->name, "BEG"));
    assert_true(slice_is(node_tagged(set->first, 3)->text, "PO-100245"));
    assert_null(node_tagged(set->first, 4));
}

static void nests_loops(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(&b->text, "850", ORDER);
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 1);
    unsigned parties = 0, lines = 0;
    for (const struct node *n = set->first; n; n = n->next) {
        if (slice_is(n->name, "N1")) {
            assert_int_equal(n->kind, NODE_LOOP);
            if (parties++ == 1) { /* ship to: N1, N3, N4 */
                assert_true(slice_is(n->first->name, "N1"));
                assert_true(slice_is(n->first->next->name, "N3"));
                assert_true(slice_is(n->last->name, "N4"));
            }
        }
        if (slice_is(n->name, "PO1")) {
            lines++;
            assert_int_equal(n->last->kind, NODE_LOOP);
            assert_true(slice_is(n->last->name, "PID"));
        }
    }
    assert_int_equal(parties, 3);
    assert_int_equal(lines, 2);
    assert_true(slice_is(set->last->name, "CTT"));
    assert_true(slice_is(set->last->last->name, "AMT"));
}

/* Offsets lead from a node back into the file. */
static void nodes_know_their_place(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(&b->text, "850", ORDER);
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 1);
    assert_memory_equal(b->text.ptr + set->first->at, "BEG*00", 6);
    assert_memory_equal(b->text.ptr + set->first->last->at, "20260312~", 9);
}

static void reads_composites(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(&b->text, "850", "BEG*00*SA*X**20260312\nMEA**WT*5*KG>>2\nPO1*1*1*EA\n");
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 1);
    const struct node *unit = node_tagged(set->first->next, 4);
    assert_int_equal(unit->kind, NODE_COMPOSITE);
    assert_true(slice_is(node_tagged(unit, 1)->text, "KG"));
    assert_null(node_tagged(unit, 2));
    assert_true(slice_is(node_tagged(unit, 3)->text, "2"));
}

/* A segment goes to the innermost open loop that has a place for it, a loop's first segment opens it anew. */
static void places_by_the_set(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(
        &b->text, "850",
        "BEG*00*SA*X**20260312\nSAC*C*D240***500\nCUR*BY*NOK\nN9*ZZ*1\nMSG*hello\nN9*ZZ*2\nMSG*you\n"
        "PO1*1*1*EA\nMEA**WT*5*KG\nPID*F****a\nMEA**WT*6*KG\nN1*ST*Oslo\nN3*street\n");
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 1);
    const struct node *sac = node_member(set, SLICE("SAC")), *po1 = node_member(set, SLICE("PO1"));
    assert_true(slice_is(sac->last->name, "CUR"));
    assert_null(node_member(set, SLICE("CUR")));
    assert_true(slice_is(sac->next->name, "N9") && slice_is(sac->next->next->name, "N9"));
    assert_true(slice_is(po1->first->next->name, "MEA"));
    assert_true(slice_is(node_member(po1, SLICE("PID"))->last->name, "MEA"));
    assert_true(slice_is(node_member(po1, SLICE("N1"))->last->name, "N3"));
}

static void accepts_other_delimiters(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(&b->text, "850", ORDER);
    struct buffer other = {0};
    for (size_t i = 0; i < b->text.len; i++) {
        char c = b->text.ptr[i];
        buffer_byte(&other, (char)(c == '*' ? 0x1d : c == '~' ? 0x1c : c == '>' ? 0x1f : c));
    }
    assert_int_equal(read_text(b, buffer_as_slice(&other), &h, &set, &f), 1);
    assert_int_equal(h.delimiters.element, 0x1d);
    buffer_clear(&other);
    buffer_text(&other, "\xef\xbb\xbf\r\n");
    for (size_t i = 0; i < b->text.len; i++) { /* lines: the terminator is CR, LF follows */
        if (b->text.ptr[i] == '~')
            buffer_text(&other, "\r\n");
        else
            buffer_byte(&other, b->text.ptr[i]);
    }
    assert_int_equal(read_text(b, buffer_as_slice(&other), &h, &set, &f), 1);
    assert_int_equal(h.delimiters.segment, '\r');
    buffer_clear(&other);
    for (size_t i = 0; i < b->text.len; i++) { /* a line break behind each terminator */
        buffer_byte(&other, b->text.ptr[i]);
        if (b->text.ptr[i] == '~')
            buffer_text(&other, "\r\n");
    }
    assert_int_equal(read_text(b, buffer_as_slice(&other), &h, &set, &f), 1);
    buffer_free(&other);
}

/* From 00402 on ISA11 is the repetition separator; the dictionary here stays 004010, which repeats nothing.
 */
static void repetition_separator(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(&b->text, "850", "BEG*00*SA*X**20260312\nREF*IA*1^2\nPO1*1*1*EA\n");
    b->text.ptr[82] = '^';
    memcpy(b->text.ptr + 84, "00501", 5);
    read_text(b, buffer_as_slice(&b->text), &h, &set, &f);
    assert_int_equal(f.errors > 0, 1);
    memcpy(b->text.ptr + 84, "00401", 5);
    b->text.ptr[82] = 'U';
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 1);
    assert_true(slice_is(node_tagged(node_member(set, SLICE("REF")), 2)->text, "1^2"));
}

/* ---- every fault once ---- */

#define BEG "BEG*00*SA*X**20260312\n"
#define LINE "PO1*1*1*EA\n"

static const struct {
    const char *set, *body, *code, *where, *what;
} faults[] = {
    /* code NULL: it is good */
    /* elements */
    {"850", "BEG*00*SA***20260312\n" LINE, "x12.element.missing", "segment 2, BEG*00, element BEG03",
     "mandatory"},
    {"850", BEG "PO1*1*1*EA****10-2201\n", "x12.element.condition", "element PO106",
     "PO106 and PO107 belong together"},
    {"850", BEG "N1*ST\n" LINE, "x12.element.condition", "segment 3, N1*ST", "At least one of N102 or N103"},
    {"850", BEG "PO1*1**EA\nPID*F****x\n" LINE, "x12.element.condition", "element PO102",
     "When PO103 is there, PO102 must be there too (condition C0302)"},
    {"850", BEG "SAC*C*D240***500************x\n" LINE, "x12.element.too-many", "SAC", "at most 16"},
    {"850", BEG "MEA**WT*5*KG***02*03\n" LINE, "x12.element.exclusive", "MEA08",
     "Only one of MEA08 or MEA03"},
    {"850", BEG "CUR*BY*NO\n" LINE, "x12.element.too-short", "element CUR02",
     "\"NO\" has 2 characters; 3 to 3"},
    {"850", BEG "REF*IA*1234567890123456789012345678901\n" LINE, "x12.element.too-long", "element REF02",
     "31 characters; 1 to 30"},
    {"850", BEG "PO1*1*1234567890123456*EA\n", "x12.element.too-long", "element PO102", "16 digits"},
    {"850", BEG "REF*IA*a\001b\n" LINE, "x12.element.character", "element REF02", "\"a\\x01b\""},
    {"850",
     BEG "REF*IA*a\xff"
         "b\n" LINE,
     "x12.element.character", "element REF02", "no UTF-8"},
    {"850",
     BEG "REF*IA*a\xc2\x85"
         "b\n" LINE,
     "x12.element.character", "element REF02", "control character"},
    {"850", BEG "PO1*1*12,5*EA\n", "x12.element.character", "element PO102", "\"12,5\" is no number"},
    {"850", BEG "PO1*1*1.2.3*EA\n", "x12.element.character", "element PO102", "is no number"},
    {"850", BEG "PO1*1*1E3*EA\n", "x12.element.character", "element PO102", "is no number"},
    {"850", BEG "PO1*1*-*EA\n", "x12.element.character", "element PO102", "is no number"},
    {"850", BEG LINE "CTT*2.0\n", "x12.element.character", "element CTT01", "is no whole number"},
    {"850", BEG "PO1*1*1*PALLE\n", "x12.element.too-long", "element PO103", "\"PALLE\" has 5 characters"},
    {"850", BEG "PO1*1*1*Q?\n", "x12.element.code", "element PO103", "codes of element 355"},
    {"850", "BEG*00*SA*X**20260230\n" LINE, "x12.element.date", "element BEG05", "\"20260230\" is no date"},
    {"850", "BEG*00*SA*X**20250229\n" LINE, "x12.element.date", "element BEG05", "CCYYMMDD"},
    {"850", "BEG*00*SA*X**20240229\n" LINE, NULL, NULL, NULL},
    {"850", "BEG*00*SA*X**2026-3-1\n" LINE, "x12.element.date", "element BEG05", "is no date"},
    {"850", BEG "DTM*002*20260320*2400\n" LINE, "x12.element.time", "element DTM03", "\"2400\" is no time"},
    {"850", BEG "DTM*002*20260320*12345\n" LINE, "x12.element.time", "element DTM03", "is no time"},
    {"850", BEG "DTM*002*20260320*23595999\n" LINE, NULL, NULL, NULL},
    {"850", BEG "REF*IA*a>b\n" LINE, "x12.element.components", "element REF02", "2 components"},
    {"850", BEG "REF*IA*a**ZZ>1>IA>2\n" LINE, NULL, NULL, NULL},
    {"850", BEG "REF*IA*a**IA>1>IA>2>IA>3>x\n" LINE, "x12.element.components", "element REF04",
     "7 components"},
    {"850", BEG "REF*IA*a**>1\n" LINE, "x12.element.missing", "element REF04-1", "REF04-1 is mandatory"},
    {"850", BEG "REF*IA*a**IA>1>IA\n" LINE, "x12.element.condition", "element REF04-4",
     "REF04-3 and REF04-4 belong together"},
    /* segments */
    {"850", BEG "XYZ*1\n" LINE, "x12.segment.unknown", "segment 3, XYZ*1", "There is no segment \"XYZ\""},
    {"850", BEG "\n" LINE, "x12.segment.unknown", "segment 3", "There is no segment \"\""},
    {"850", BEG "PID*F****x\nN3*x\n" LINE, "x12.segment.unexpected", "segment 4, N3*x",
     "belongs into loop N1"},
    {"850", LINE, "x12.segment.missing", "segment 2, PO1*1", "mandatory segment BEG"},
    {"850", BEG, "x12.segment.missing", "segment 3, SE", "mandatory loop PO1"},
    {"997", "AK1*PO*1\nAK2*850*0001\nAK9*A*1*1*1\n", "x12.segment.missing", "segment 4, AK9*A",
     "mandatory segment AK5 (Transaction Set Response Trailer) of loop AK2"},
    {"850", BEG "CUR*BY*NOK\nCUR*BY*NOK\n" LINE, "x12.segment.repeats", "segment 4, CUR*BY",
     "stands here 2 times; at most 1"},
    {"810", "BIG*20260321*1\nN9*ZZ*1\nMSG*x\nN9*ZZ*2\nMSG*x\nTDS*1\n", "x12.loop.repeats", "segment 5, N9*ZZ",
     "Loop N9"},
    {"850", BEG "AK1*PO*1\n" LINE, "x12.segment.not-in-set", "segment 3, AK1*PO", "is not part of set 850"},
    {"850", BEG "N1*ST*x\nCUR*BY*NOK\n" LINE, "x12.segment.order", "segment 4, CUR*BY", "further up"},
};

static void tells_every_fault(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct x12_header h;
        struct node *set;
        struct findings f;
        interchange_of(&b->text, faults[i].set, faults[i].body);
        int got = read_text(b, buffer_as_slice(&b->text), &h, &set, &f);
        if (!faults[i].code) {
            expect_none(&f);
            assert_int_equal(got, 1);
            continue;
        }
        if (got != 2)
            fail_msg("%s was taken (%d)", faults[i].body, got);
        assert_null(set);
        expect_only(&f, faults[i].code, faults[i].where, faults[i].what);
    }
}

static void keeps_faults_for_the_acknowledgment(void **state)
{
    struct bench *b = *state;
    struct findings f = {.arena = &b->arena};
    struct x12_header h;
    struct node *set;
    interchange_of(&b->text, "850", BEG LINE "PO1*2*1*Q?\nREF*IA\n");
    struct x12_reader *r = x12_reader_open(b->library, buffer_as_slice(&b->text), &f);
    assert_int_equal(x12_reader_next(r, &h, &set, &f), 2);
    const struct faults *told = x12_reader_faults(r);
    assert_int_equal(told->count, 2);
    const struct fault *code = told->first, *missing = told->last;
    assert_int_equal(code->segment, 4);
    assert_true(slice_is(code->segment_id, "PO1"));
    assert_string_equal(code->loop, "PO1");
    assert_int_equal(code->element, 3);
    assert_string_equal(code->reference, "355");
    assert_true(slice_is(code->value, "Q?"));
    assert_string_equal(fault_word(code->kind)->code, "7");
    assert_int_equal(fault_word(code->kind)->level, FAULT_AT_ELEMENT);
    assert_string_equal(fault_word(missing->kind)->code, "2");
    assert_int_equal(missing->segment, 5);
    x12_reader_close(r);
}

/* Blanks instead of nothing are a partner's sloppiness: told, but the set is taken. */
static void blanks_are_a_warning(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(&b->text, "850", BEG "N1*ST*x\nN3* \n" LINE);
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 1);
    assert_int_equal(f.warnings, 1);
    assert_non_null(finding_of(&f, "x12.element.blank"));
}

/* ---- envelopes ---- */

static const struct {
    const char *text, *code, *what;
    int result;
} envelopes[] = {
    {"", "x12.interchange.structure", "begins with ISA", -1},
    {"{\"a\":1}", "x12.interchange.structure", "begins with ISA", -1},
    {"ISA*00*", "x12.interchange.end", "ends inside the ISA", -1},
    {"ISA*00*          *00*          *ZZ*NORDMATBUYT   *ZZ*FJORDSELLT     "
     "*260312*0914*U*00401*000000042*0*T*>~GS*PO~",
     "x12.interchange.header", "ISA06 has 14 characters", -1},
    {"ISA*00*          *00*          *ZZ*NORDMATBUYT    *ZZ*FJORDSELLT     "
     "*260312*0914*U*00401*000000042*0*T**~",
     "x12.interchange.separator", "are both \"*\"", -1},
    {"ISA*00*          *00*          *ZZ*NORDMATBUYT    *ZZ*FJORDSELLT     "
     "*260312*0914*U*00401*000000042*0*T*>A",
     "x12.interchange.separator", "cannot delimit", -1},
    {ISA_TEXT, "x12.interchange.end", "IEA is missing", -1},
    {ISA_TEXT "IEA*1*000000042~", "x12.interchange.count", "IEA01 counts 1 functional groups; there are 0",
     -1},
    {ISA_TEXT "IEA*0*000000043~", "x12.interchange.control-number",
     "IEA02 is 000000043, but ISA13 is 000000042", -1},
    {ISA_TEXT "ST*850*0001~", "x12.interchange.structure", "GS or IEA is due", -1},
    {ISA_TEXT GS_PO "GE*1*42~", "x12.group.count", "GE01 counts 1", -1},
    {ISA_TEXT GS_PO "GE*0*43~", "x12.group.control-number", "GE02 is 43, but GS06 is 42", -1},
    {ISA_TEXT GS_PO "IEA*1*000000042~", "x12.group.trailer", "ST or GE is due", -1},
    {ISA_TEXT GS_PO "BEG*00~", "x12.interchange.structure", "ST or GE is due", -1},
    {ISA_TEXT GS_PO, "x12.interchange.end", "GE and IEA are missing", -1},
    {ISA_TEXT GS_PO "ST*850*0001~BEG*00*SA*X**20260312~PO1*1*1*EA~", "x12.interchange.end",
     "inside a transaction set", -1},
    {ISA_TEXT GS_PO "ST*850*0001~BEG*00*SA", "x12.interchange.end", "inside a segment", -1},
    {ISA_TEXT "GS*PO*AA*BB*20260312*0961*42*X*004010~GE*0*42~IEA*1*000000042~", "x12.element.time",
     "\"0961\"", -1},
    {ISA_TEXT GS_PO "ST*850*0001~BEG*00*SA*X**20260312~PO1*1*1*EA~SE*5*0001~", "x12.set.count",
     "SE01 counts 5 segments; there are 4", 2},
    {ISA_TEXT GS_PO "ST*850*0001~BEG*00*SA*X**20260312~PO1*1*1*EA~SE*4*0002~", "x12.set.control-number",
     "SE02 is 0002, but ST02 is 0001", 2},
    {ISA_TEXT GS_PO "ST*850*0001~BEG*00*SA*X**20260312~PO1*1*1*EA~GE*1*42~", "x12.set.trailer", "has no SE",
     2},
    {ISA_TEXT GS_PO "ST*999*0001~AK1*PO~SE*3*0001~", "x12.set.unknown", "There is no transaction set 999", 2},
    {ISA_TEXT GS_IN "ST*850*0001~BEG*00*SA*X**20260312~PO1*1*1*EA~SE*4*0001~", "x12.set.header",
     "GS01 says IN", 2},
};

static void tells_wrong_envelopes(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof envelopes / sizeof *envelopes; i++) {
        struct x12_header h;
        struct node *set;
        struct findings f;
        int got = read_text(b, slice_of(envelopes[i].text), &h, &set, &f);
        if (got != envelopes[i].result)
            fail_msg("%s: %d", envelopes[i].text, got);
        expect_only(&f, envelopes[i].code, "", envelopes[i].what);
    }
}

static void names_a_version_it_lacks(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    interchange_of(&b->text, "850", ORDER);
    char *version = strstr(b->text.ptr, "004010");
    memcpy(version, "003040", 6);
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 2);
    assert_non_null(strstr(finding_of(&f, "dictionary.version")->what, "004010"));
    assert_int_equal(f.kept, 1); /* told once, and not as the sender's fault */
    assert_null(strstr(f.first->todo, "sender"));
    memcpy(version, "004010", 6);
}

/* A guide's name behind the version is no other version. */
static void version_by_its_beginning(void **state)
{
    struct bench *b = *state;
    struct x12_header h;
    struct node *set;
    struct findings f;
    buffer_clear(&b->text);
    buffer_text(&b->text, ISA_TEXT "GS*PO*AA*BB*20260312*0914*42*X*004010VICS~");
    add_set(&b->text, "850", "0001", ORDER);
    buffer_text(&b->text, "GE*1*42~IEA*1*000000042~");
    assert_int_equal(read_text(b, buffer_as_slice(&b->text), &h, &set, &f), 1);
    assert_true(slice_is(h.version, "004010VICS"));
}

/* Good sets round a wrong one are given; two interchanges in one file, the second with other delimiters. */
static void goes_on_behind_a_wrong_set(void **state)
{
    struct bench *b = *state;
    struct findings f = {.arena = &b->arena};
    struct x12_header h;
    struct node *set;
    buffer_clear(&b->text);
    buffer_text(&b->text, ISA_TEXT GS_PO);
    add_set(&b->text, "850", "0001", ORDER);
    add_set(&b->text, "850", "0002", BEG "CUR*BY\n" LINE);
    add_set(&b->text, "850", "0003", ORDER);
    buffer_text(&b->text, "GE*3*42~IEA*1*000000042~\n");
    size_t second = b->text.len;
    buffer_text(&b->text, ISA_TEXT GS_PO);
    add_set(&b->text, "850", "0004", ORDER);
    buffer_text(&b->text, "GE*1*42~IEA*1*000000042~\n");
    for (size_t i = second; i < b->text.len; i++)
        if (b->text.ptr[i] == '*')
            b->text.ptr[i] = '|';
    struct x12_reader *r = x12_reader_open(b->library, buffer_as_slice(&b->text), &f);
    static const int due[] = {1, 2, 1, 1, 0, 0};
    for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
        assert_int_equal(x12_reader_next(r, &h, &set, &f), due[i]);
        if (due[i] == 1)
            assert_int_equal(f.errors, 0);
    }
    assert_int_equal(h.delimiters.element, '|');
    x12_reader_close(r);
}

/* Any number of sets in the memory of one. */
static void memory_stays_flat(void **state)
{
    struct bench *b = *state;
    struct findings f = {.arena = &b->arena};
    struct x12_header h;
    struct node *set;
    buffer_clear(&b->text);
    buffer_text(&b->text, ISA_TEXT GS_PO);
    for (unsigned i = 0; i < 5000; i++)
        add_set(&b->text, "850", "0001", ORDER);
    buffer_text(&b->text, "GE*5000*42~IEA*1*000000042~");
    struct x12_reader *r = x12_reader_open(b->library, buffer_as_slice(&b->text), &f);
    size_t used = 0;
    for (unsigned n = 0; n < 5000; n++) {
        assert_int_equal(x12_reader_next(r, &h, &set, &f), 1);
        if (n == 10)
            used = arena_used(&b->arena);
    }
    assert_int_equal(x12_reader_next(r, &h, &set, &f), 0);
    assert_int_equal(arena_used(&b->arena), used);
    x12_reader_close(r);
}

static void prints_for_people(void **state)
{
    struct bench *b = *state;
    struct findings f = {.arena = &b->arena};
    struct buffer out = {0};
    interchange_of(&b->text, "850", BEG LINE "PID*F****a\033[2Jb\n");
    assert_int_equal(x12_print_readable(buffer_as_slice(&b->text), b->library, &out, &f), 0);
    assert_non_null(strstr(
        out.ptr, "\n  ST*850*0001\n    BEG*00*SA*X**20260312\n    PO1*1*1*EA\n      PID*F****a\\x1B[2Jb\n"));
    assert_non_null(strstr(out.ptr, "\n  SE*5*0001\nGE*1*42\nIEA*1*000000042\n"));
    buffer_free(&out);
}

/* ---- real interchanges, where there are any ---- */

static bool ends(const char *name, const char *end)
{
    return slice_ends(slice_of(name), slice_of(end));
}

static unsigned read_corpus(struct bench *b, const char *path)
{
    struct buffer text = {0};
    struct findings f = {.arena = &b->arena};
    struct x12_header h;
    struct node *set;
    unsigned sets = 0;
    int got = 0;
    if (file_read(AT_FDCWD, path, 64u << 20, &text) == 0) {
        struct x12_reader *r = x12_reader_open(b->library, buffer_as_slice(&text), &f);
        while (r && (got = x12_reader_next(r, &h, &set, &f)) > 0)
            sets += got == 1;
        x12_reader_close(r);
        print_message("# %s: %u good sets%s%s\n", path, sets, got < 0 ? ", then: " : "",
                      got < 0 && f.first ? f.first->what : "");
    }
    buffer_free(&text);
    return sets;
}

/* Real files may be wrong or of sets that have no tables here; reading them must not crash, and is told. */
static void reads_the_shared_corpus(void **state)
{
    struct bench *b = *state;
    char directory[1024], path[2048];
    snprintf(directory, sizeof directory, "%s/../shared/corpus", source_directory());
    DIR *d = opendir(directory);
    if (!d) {
        print_message("# no ../shared/corpus here: real interchanges are not read\n");
        skip();
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (!ends(e->d_name, ".edi") && !ends(e->d_name, ".x12"))
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        read_corpus(b, path);
    }
    closedir(d);
}

/* Our own samples are good to the last set. */
static void reads_our_samples(void **state)
{
    struct bench *b = *state;
    char directory[1024], path[2048];
    unsigned files = 0;
    snprintf(directory, sizeof directory, "%s/tests/corpus/x12", source_directory());
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (!ends(e->d_name, ".x12"))
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        assert_true(read_corpus(b, path) > 0);
        files++;
    }
    closedir(d);
    assert_true(files >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_an_order),
        cmocka_unit_test(nests_loops),
        cmocka_unit_test(nodes_know_their_place),
        cmocka_unit_test(reads_composites),
        cmocka_unit_test(places_by_the_set),
        cmocka_unit_test(accepts_other_delimiters),
        cmocka_unit_test(repetition_separator),
        cmocka_unit_test(tells_every_fault),
        cmocka_unit_test(keeps_faults_for_the_acknowledgment),
        cmocka_unit_test(blanks_are_a_warning),
        cmocka_unit_test(tells_wrong_envelopes),
        cmocka_unit_test(names_a_version_it_lacks),
        cmocka_unit_test(version_by_its_beginning),
        cmocka_unit_test(goes_on_behind_a_wrong_set),
        cmocka_unit_test(memory_stays_flat),
        cmocka_unit_test(prints_for_people),
        cmocka_unit_test(reads_our_samples),
        cmocka_unit_test(reads_the_shared_corpus),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
