/* X12 as JSON: the same tree under other names. What is read from X12 and written as JSON is the same tree
 * when it is read back; what does not fit the names or the dictionary is told with its path. */
#include "base/file.h"
#include "syntax/syntax.h"
#include "syntax/x12json_names.h"
#include "test_edi.h"
#include <fcntl.h>

static bool same_tree(const struct node *a, const struct node *b)
{
    if (!a || !b)
        return a == b;
    if (a->kind != b->kind || a->tag != b->tag || !slice_equal(a->name, b->name) ||
        !slice_equal(a->text, b->text))
        return false;
    const struct node *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        if (!same_tree(x, y))
            return false;
    return !x && !y;
}

static struct node *json(struct bench *b, const char *text)
{
    return syntax_x12json.read(&b->o, slice_of(text), &b->f);
}

/* X12 → tree → JSON → tree → JSON and X12: all the same. */
static void round_trip(struct bench *b, struct slice x12)
{
    fresh(b);
    struct node *tree = syntax_x12.read(&b->o, x12, &b->f);
    assert_non_null(tree);
    assert_int_equal(syntax_x12json.write(&b->o, tree, &b->out, &b->f), 0);
    struct node *back = syntax_x12json.read(&b->o, buffer_as_slice(&b->out), &b->f);
    expect_none(&b->f);
    assert_true(same_tree(tree, back));
    assert_int_equal(syntax_x12json.write(&b->o, back, &b->again, &b->f), 0);
    assert_string_equal(b->again.ptr, b->out.ptr);
}

static void samples_go_round(void **state)
{
    static const char *const names[] = {"850-order.x12", "810-invoice.x12", "997-acknowledgment.x12",
                                        "850-lines.x12", "850-separators.x12"};
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[1024];
        buffer_clear(&b->text);
        snprintf(path, sizeof path, "%s/tests/corpus/x12/%s", source_directory(), names[i]);
        assert_int_equal(file_read(AT_FDCWD, path, 1u << 20, &b->text), 0);
        round_trip(b, buffer_as_slice(&b->text));
    }
}

static void every_text_goes_round(void **state)
{
    struct bench *b = *state;
    interchange_of(&b->text, "850",
                   "BEG*00*SA*\"\\/\xc3\xa6{}[]**20260312\nSAC*C*D240***500\nCUR*BY*NOK\nN1*ST*a\nN1*BY*b\n"
                   "PO1*1*1*EA\nMEA**WT*5*KG>>2>EA\nPID*F****x\nMEA**WT*6*KG\nPID*F****y\n");
    round_trip(b, buffer_as_slice(&b->text));
    assert_non_null(strstr(b->out.ptr, "\"purchaseOrderNumber\":\"\\\"\\\\/\xc3\xa6{}[]\""));
    assert_non_null(strstr(b->out.ptr,
                           "\"compositeUnitOfMeasure\":[{\"unitOrBasisForMeasurementCode\":\"KG\","
                           "\"multiplier\":\"2\",\"unitOrBasisForMeasurementCode1\":\"EA\"}]"));
}

static void writes_the_networks_names(void **state)
{
    struct bench *b = *state;
    fresh(b);
    interchange_of(&b->text, "850", "BEG*00*SA*PO-1**20260312\nPO1*1*120*EA*34.5**IN*10-2201*VN*FS\nCTT*1\n");
    struct node *tree = syntax_x12.read(&b->o, buffer_as_slice(&b->text), &b->f);
    assert_int_equal(syntax_x12json.write(&b->o, tree, &b->out, &b->f), 0);
    assert_string_equal(
        b->out.ptr,
        "{\"transactionSets\":[{\"beginningSegmentForPurchaseOrder\":[{\"transactionSetPurposeCode\":\"00\","
        "\"purchaseOrderTypeCode\":\"SA\",\"purchaseOrderNumber\":\"PO-1\",\"date\":\"20260312\"}],"
        "\"PO1_loop\":[{\"baselineItemData\":[{\"assignedIdentification\":\"1\",\"quantity\":\"120\","
        "\"unitOrBasisForMeasurementCode\":\"EA\",\"unitPrice\":\"34.5\",\"productServiceIDQualifier\":"
        "\"IN\","
        "\"productServiceID\":\"10-2201\",\"productServiceIDQualifier1\":\"VN\",\"productServiceID1\":\"FS\"}"
        "]}],"
        "\"CTT_loop\":[{\"transactionTotals\":[{\"numberOfLineItems\":\"1\"}]}]}]}");
}

#define BEG                                                                                                  \
    "\"beginningSegmentForPurchaseOrder\":[{\"transactionSetPurposeCode\":\"00\",\"purchaseOrderTypeCode\":" \
    "\"SA\",\"purchaseOrderNumber\":\"X\",\"date\":\"20260312\"}]"
#define LINE                                                                                                 \
    "\"PO1_loop\":[{\"baselineItemData\":[{\"quantity\":\"1\",\"unitOrBasisForMeasurementCode\":\"EA\"}]}]"
#define SET(inside) "{\"transactionSets\":[{" inside "}]}"

/* Members have no order; the dictionary has. Header and trailer, "" and null are let through. */
static void order_comes_from_the_dictionary(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct node *tree =
        json(b, SET("\"transactionSetTrailer\":[{\"numberOfIncludedSegments\":\"9\"}]," LINE
                    ",\"currency\":[{\"currencyCode\":\"NOK\",\"exchangeRate\":\"\",\"entityIdentifierCode\":"
                    "\"BY\"}]," BEG ",\"referenceInformation\":[{\"referenceIdentificationQualifier\":\"IA\","
                    "\"referenceIdentification\":"
                    "\"1\",\"description\":null}],\"transactionSetHeader\":[{"
                    "\"transactionSetIdentifierCode\":\"850\"}],"
                    "\"interchangeControlHeader\":[{\"anything\":5}]"));
    expect_none(&b->f);
    assert_int_equal(syntax_x12.write(&b->o, tree, &b->out, &b->f), 0);
    assert_non_null(strstr(b->out.ptr, "BEG*00*SA*X**20260312~CUR*BY*NOK~REF*IA*1~PO1**1*EA~SE*6*0001~"));
}

static const struct {
    const char *text, *code, *where, *what;
} wrong[] = {
    {"", "json.syntax", "", ""},
    {"[]", "x12json.shape", "", "{\"transactionSets\""},
    {"{}", "x12json.shape", "", "{\"transactionSets\""},
    {"{\"transactionSets\":[]}", "x12json.shape", "transactionSets", "exactly one"},
    {"{\"transactionSets\":[{},{}]}", "x12json.shape", "transactionSets", "exactly one"},
    {"{\"transactionSets\":[5]}", "x12json.shape", "transactionSets", "exactly one"},
    {SET(""), "x12json.set", "transactionSets[0]", "cannot be told"},
    {SET(BEG ",\"surprise\":[{}]," LINE), "x12json.unknown", "transactionSets[0].surprise",
     "no segment or loop"},
    {SET(BEG ",\"PID_loop\":[{}]," LINE), "x12json.unknown", "transactionSets[0].PID_loop",
     "no segment or loop"},
    {SET(BEG ",\"currency\":{}," LINE), "x12json.shape", "transactionSets[0].currency", "An array is due"},
    {SET(BEG ",\"currency\":[]," LINE), "x12json.shape", "transactionSets[0].currency", "array is empty"},
    {SET(BEG ",\"currency\":[5]," LINE), "x12json.shape", "transactionSets[0].currency[0]",
     "An object is due"},
    {SET(BEG ",\"PO1_loop\":[{\"baselineItemData\":[{\"quantity\":1}]}]"), "x12json.shape",
     "transactionSets[0].PO1_loop[0].baselineItemData[0].quantity", "strings"},
    {SET(BEG ",\"PO1_loop\":[{\"baselineItemData\":[{\"colour\":\"red\"}]}]"), "x12json.unknown",
     "transactionSets[0].PO1_loop[0].baselineItemData[0].colour", "no member of this name"},
    {SET(BEG ",\"measurements\":[{\"compositeUnitOfMeasure\":\"KG\"}]," LINE), "x12json.shape",
     "measurements[0].compositeUnitOfMeasure", "array of one object"},
    {SET(BEG ",\"PO1_loop\":[{\"baselineItemData\":[{\"unitOrBasisForMeasurementCode\":\"??\",\"quantity\":"
             "\"1\"}]}]"),
     "x12.element.code", "850, segment 3, PO1, element PO103", "is not one of"},
    {SET("\"transactionSetHeader\":[{\"transactionSetIdentifierCode\":\"850\"}]," LINE),
     "x12.segment.missing", "850", "BEG"},
    {SET(BEG), "x12.segment.missing", "850", "mandatory loop PO1"},
    {SET("\"transactionSetHeader\":[{\"transactionSetIdentifierCode\":\"875\"}]," BEG), "x12.set.unknown", "",
     "875"},
};

static void tells_what_does_not_fit(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fresh(b);
        if (json(b, wrong[i].text))
            fail_msg("taken: %s", wrong[i].text);
        expect_only(&b->f, wrong[i].code, wrong[i].where, wrong[i].what);
    }
}

static void another_set_is_wanted(void **state)
{
    struct bench *b = *state;
    fresh(b);
    b->o.set = "810";
    assert_null(
        json(b, SET("\"transactionSetHeader\":[{\"transactionSetIdentifierCode\":\"850\"}]," BEG "," LINE)));
    expect_only(&b->f, "x12.set.other", "transactionSets[0]", "holds set 850 where 810 is wanted");
}

static void nothing_wrong_is_written(void **state)
{
    struct bench *b = *state;
    fresh(b);
    struct node *tree = json(b, SET(BEG "," LINE));
    tree->first->first->text = SLICE("??");
    buffer_text(&b->out, "before");
    assert_int_equal(syntax_x12json.write(&b->o, tree, &b->out, &b->f), -1);
    assert_string_equal(b->out.ptr, "before");
    assert_non_null(finding_of(&b->f, "x12.element.code"));
}

/* Every prefix and every changed byte: an answer, and never a tree that does not validate. */
static void hostile_json(void **state)
{
    struct bench *b = *state;
    const char *text = SET(BEG ",\"measurements\":[{\"measurementValue\":\"1\",\"compositeUnitOfMeasure\":[{"
                               "\"unitOrBasisForMeasurementCode\":\"KG\"}]}]," LINE);
    size_t len = strlen(text);
    for (size_t i = 0; i <= len; i++) {
        fresh(b);
        char *copy = malloc(i + 1);
        memcpy(copy, text, i);
        struct node *tree = syntax_x12json.read(&b->o, slice_make(copy, i), &b->f);
        assert_true((tree != NULL) == (i == len));
        free(copy);
    }
    static const char bytes[] = {'"', '{', ']', '0', ',', '\\', '\0', '\xff'};
    for (size_t i = 0; i < len; i++)
        for (size_t j = 0; j < sizeof bytes; j++) {
            fresh(b);
            char *copy = malloc(len);
            memcpy(copy, text, len);
            copy[i] = bytes[j];
            struct node *tree = syntax_x12json.read(&b->o, slice_make(copy, len), &b->f);
            assert_true(tree || b->f.errors);
            if (tree)
                assert_int_equal(syntax_x12json.write(&b->o, tree, &b->out, &b->f), 0);
            free(copy);
        }
}

static void names_from_elsewhere(void **state)
{
    (void)state;
    struct arena a = {0};
    struct findings f = {.arena = &a};
    struct dictionary_library *l = open_library();
    assert_int_equal(x12json_names_use(l, "no/such/folder", &f), -1);
    assert_int_equal(x12json_names_use(l, "orderful/x12json", &f), 0);
    const struct segment_name *n1 = x12json_segment(x12json_names(l, &f), SLICE("N1"));
    assert_true(slice_is(n1->key, "partyIdentification"));
    assert_int_equal(x12json_position(n1->elements, n1->count, SLICE("identificationCode")), 4);
    dictionary_library_close(l);
    arena_free(&a);
}

/* Each segment of each dictionary has its names: whatever can be written as X12 can be written as JSON. */
static void every_element_has_a_name(void **state)
{
    struct bench *b = *state;
    fresh(b);
    const struct dictionary *d = dictionary_load(b->library, "004010", &b->f);
    const struct x12json_names *names = x12json_names(b->library, &b->f);
    struct buffer missing = {0};
    for (size_t i = 0; dictionary_set_at(d, i); i++) {
        const struct set_item *stack[16] = {dictionary_set_at(d, i)->items};
        size_t counts[16] = {dictionary_set_at(d, i)->count}, at[16] = {0};
        for (int depth = 0; depth >= 0;) {
            if (at[depth] == counts[depth]) {
                depth--;
                continue;
            }
            const struct set_item *item = &stack[depth][at[depth]++];
            const struct segment_name *n = x12json_segment(names, slice_of(item->segment->id));
            for (size_t e = 0; e < item->segment->count; e++)
                if (!n || e >= n->count || !n->elements[e].key.ptr)
                    buffer_printf(&missing, " %s%02zu", item->segment->id, e + 1);
            if (item->items) {
                depth++;
                stack[depth] = item->items;
                counts[depth] = item->count;
                at[depth] = 0;
            }
        }
    }
    if (missing.len)
        fail_msg("without a name:%s", missing.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_go_round),          cmocka_unit_test(every_text_goes_round),
        cmocka_unit_test(writes_the_networks_names), cmocka_unit_test(order_comes_from_the_dictionary),
        cmocka_unit_test(tells_what_does_not_fit),   cmocka_unit_test(another_set_is_wanted),
        cmocka_unit_test(nothing_wrong_is_written),  cmocka_unit_test(hostile_json),
        cmocka_unit_test(names_from_elsewhere),      cmocka_unit_test(every_element_has_a_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
