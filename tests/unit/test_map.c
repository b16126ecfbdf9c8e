/* The maps that come with spoolgate, from an ERP's documents to what partners get, and back. */
#include "edi/x12/x12.h"
#include "test_map.h"

static void what_must_not_be_sent(void **state)
{
    struct bench *b = *state;
    const char *skipped = NULL;
    const struct map *m = load(b, "visma/purchase-order");
    bench_fresh(b);
    const char *text = read_with(b, m, sample(b, "visma-purchase-order-on-hold.json"), &skipped);
    assert_non_null(skipped);
    has(skipped, "status is Hold, not one of Open, PendingPrint, PendingEmail, Printed");
    has(text, "\"number\":\"500258\""); /* what could be understood is there */
    assert_int_equal(b->findings.errors, 0);
    /* an unfinished draft is no mistake */
    text = read_with(b, m, SLICE("{\"status\":\"Hold\",\"orderNbr\":\"1\",\"lines\":[{\"uom\":\"PALLE2\"}]}"),
                     &skipped);
    assert_non_null(skipped);
    assert_int_equal(b->findings.errors, 0);
    text = read_with(b, m, SLICE("{\"status\":\"Hold\",\"orderNbr\":\"1\",\"owner\":[],\"supplier\":7}"),
                     &skipped);
    assert_non_null(skipped);
    assert_int_equal(b->findings.errors, 0);
    /* without a status it cannot be told, which is no reason to be silent */
    text = read_with(b, m, SLICE("{\"orderNbr\":\"1\"}"), &skipped);
    assert_null(skipped);
    has(text, "There is no status, and by it the map decides what is taken");
    has(text, "visma/purchase-order.map, line ");
    text = read_with(b, m, SLICE("{}"), &skipped);
    assert_null(skipped);
    has(text, "There is no status");
    has(text, "where: orderNbr");
    bench_fresh(b);
    text = read_with(b, load(b, "visma/customer-invoice"), sample(b, "visma-customer-invoice-on-hold.json"),
                     &skipped);
    has(skipped, "status is Hold");
}

static void an_unknown_unit(void **state)
{
    struct bench *b = *state;
    const struct map *m = load(b, "visma/purchase-order");
    bench_fresh(b);
    const char *text = read_with(b, m, sample(b, "visma-purchase-order-unknown-unit.json"), NULL);
    has(text, "The code \"PALLE2\" is not in the table codes/visma-unit.tsv.");
    has(text, "lines[1].uom, line ");
    has(text, "add the line \"PALLE2<tab>our code\" to ");
    /* in the installation's own folder, not among what came with the program */
    has(text, arena_printf(&b->arena, "%s/codes/visma-unit.tsv, a file that begins with", b->folder));
    assert_int_equal(b->findings.errors, 1); /* and not a second time as a missing unit */
    assert_string_equal(b->findings.first->code, "map.code");
}

static void an_order(void **state)
{
    struct bench *b = *state;
    const struct map *m = load(b, "visma/purchase-order");
    bench_fresh(b);
    const char *text = read_with(b, m, sample(b, "visma-purchase-order.json"), NULL);
    assert_string_equal(
        text, "{\"type\":\"order\",\"partner\":\"50000\",\"number\":\"500254\",\"kind\":\"standard\","
              "\"purpose\":\"original\","
              "\"date\":\"2026-03-02\",\"currency\":\"NOK\",\"description\":\"Spring "
              "range\",\"buyer\":{\"code\":\"1\",\"name\":"
              "\"Nordmat AS\",\"contact\":{\"name\":\"Kari "
              "Nordmann\"}},\"seller\":{\"code\":\"50000\",\"account\":\"V-77\",\"name\":"
              "\"Fjord Parts AS\",\"street\":[\"Kaien "
              "12\"],\"city\":\"Bergen\",\"postal_code\":\"5003\",\"country\":\"NO\"},"
              "\"ship_to\":{\"code\":\"1\",\"name\":\"Main warehouse\",\"street\":[\"Havnegata 1\",\"Port "
              "4\"],\"city\":\"Oslo\","
              "\"postal_code\":\"0150\",\"country\":\"NO\",\"contact\":{\"phone\":\"+4722000000\",\"email\":"
              "\"dock@nordmat.example\"}},"
              "\"requested_delivery\":\"2026-03-20\",\"terms\":{\"code\":\"30\",\"description\":\"30 "
              "days\",\"net_days\":30},"
              "\"ship_via\":\"UPS\",\"lines\":[{\"number\":\"1\",\"quantity\":\"10\",\"unit\":\"EA\","
              "\"price\":\"125\",\"amount\":"
              "\"1250\",\"buyer_item\":\"1298\",\"seller_item\":\"FP-12\",\"description\":\"Valve 12 "
              "mm\",\"requested_delivery\":"
              "\"2026-03-20\"},{\"number\":\"2\",\"quantity\":\"2.5\",\"unit\":\"KGM\",\"price\":\"214\","
              "\"amount\":\"535\","
              "\"buyer_item\":\"3310\",\"seller_item\":\"FP-S10\",\"description\":\"Sealing "
              "compound\",\"requested_delivery\":"
              "\"2026-03-22\"}],\"totals\":{\"net\":\"1785\",\"tax\":\"446.25\",\"gross\":\"2231.25\"}}");
    assert_string_equal(
        body(b, write_with(b, load(b, "x12/850"), text)),
        "BEG*00*SA*500254**20260302~\nCUR*BY*NOK~\nREF*IA*V-77~\nPER*BD*Kari "
        "Nordmann~\nITD*01*3*****30*****30 days~\n"
        "DTM*002*20260320~\nTD5*****UPS~\nN1*BY*Nordmat AS*92*1 ~\nN1*SE*Fjord Parts AS*92*50000~\nN3*Kaien "
        "12~\n"
        "N4*Bergen**5003*NO~\nN1*ST*Main warehouse*92*1 ~\nN3*Havnegata 1*Port 4~\nN4*Oslo**0150*NO~\n"
        "PER*IC**TE*+4722000000*EM*dock@nordmat.example~\nPO1*1*10*EA*125**IN*1298*VN*FP-12~\nPID*F****Valve "
        "12 mm~\n"
        "DTM*002*20260320~\nPO1*2*2.5*KG*214**IN*3310*VN*FP-S10~\nPID*F****Sealing "
        "compound~\nDTM*002*20260322~\nCTT*2~\n"
        "AMT*TT*1785~\n");
}

/* Cancelled lines are passed over; text lines become notes, freight a charge; a discount stays. */
static void lines_of_other_kinds(void **state)
{
    struct bench *b = *state;
    const struct map *m = load(b, "visma/purchase-order");
    bench_fresh(b);
    const char *text = read_with(b, m, sample(b, "visma-purchase-order-mixed-lines.json"), NULL);
    has(text, "\"notes\":[{\"text\":\"Call the warehouse before delivery.\"},{\"text\":\"Deliver after 10 "
              "o'clock, ring the "
              "bell at port 4.\"}]");
    has(text, "\"charges\":[{\"kind\":\"freight\",\"amount\":\"350\",\"description\":\"Freight\"}]");
    has(text, "\"number\":\"3\",\"quantity\":\"50\",\"unit\":\"EA\",\"price\":\"12.75\",\"discount_percent\":"
              "\"10\","
              "\"discount_amount\":\"63.75\",\"amount\":\"573.75\"");
    has_not(text, "FP-G44");
    has_not(text, "\"discount_percent\":\"0\"");
    text = body(b, write_with(b, load(b, "x12/850"), text));
    has(text, "BEG*00*DS*500256**20260302~\n");
    has(text, "SAC*C*D240***35000**********Freight~\n");
    has(text, "N9*L1*NOTE~\nMSG*Call the warehouse before delivery.~\nN9*L1*NOTE~\nMSG*Deliver after");
    has(text, "PID*F****Pipe clamp 22 mm~\nSAC*A*C310***6375~\nDTM*002*20260320~\n");
    has(text, "MSG*Calibration certificate with each gauge.~\n"); /* its line break is a blank */
    has(text, "CTT*3~\n");
}

/* The hash of a canonical document says whether a changed ERP row is another document. */
static void what_an_erp_changes_by_itself(void **state)
{
    static const struct {
        const char *from, *to;
        bool same;
    } changes[] = {
        {"\"lastModifiedDateTime\": \"2026-03-02T09:14:55.42\"",
         "\"lastModifiedDateTime\": \"2026-07-01T00:00:00\"", true},
        {"\"qtyOnReceipts\": 0.0", "\"qtyOnReceipts\": 4.0", true},
        {"\"timeStamp\": \"AAAAAAB8h1E=\"", "\"timeStamp\": \"AAAAAAB9h1E=\"", true},
        {"\"printed\": false", "\"printed\": true", true},
        {"\"status\": \"Open\"", "\"status\": \"PendingPrint\"", true},
        {"\"orderQty\": 10.0", "\"orderQty\": 10", true},
        {"\"orderQty\": 10.0", "\"orderQty\": 1.00e1", true},
        {"\"orderQty\": 10.0", "\"orderQty\": \"10.000\"", true},
        {"\"date\": \"2026-03-02T00:00:00\"", "\"date\": \"2026-03-02\"", true},
        {"\"shipVia\": \"UPS\"", "\"shipVia\": \" UPS \"", true},
        {"\"note\": null", "\"note\": \"\"", true},
        {"\"orderQty\": 10.0", "\"orderQty\": 10.5", false},
        {"\"orderNbr\": \"500254\"", "\"orderNbr\": \"500299\"", false},
        {"\"promisedOn\": \"2026-03-20T00:00:00\"", "\"promisedOn\": \"2026-03-21T00:00:00\"", false},
    };
    struct bench *b = *state;
    const struct map *m = load(b, "visma/purchase-order");
    const char *document = strdup(sample(b, "visma-purchase-order.json").ptr);
    const char *before = strdup(read_with(b, m, slice_of(document), NULL));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        bench_fresh(b);
        const char *at = strstr(document, changes[i].from);
        assert_non_null(at);
        const char *changed = arena_printf(&b->arena, "%.*s%s%s", (int)(at - document), document,
                                           changes[i].to, at + strlen(changes[i].from));
        const char *after = read_with(b, m, slice_of(changed), NULL);
        if ((strcmp(before, after) == 0) != changes[i].same)
            fail_msg("%s: %s", changes[i].to, after);
    }
    free((char *)(uintptr_t)before);
    free((char *)(uintptr_t)document);
}

static void invoices(void **state)
{
    struct bench *b = *state;
    const struct map *m = load(b, "visma/customer-invoice"), *x12 = load(b, "x12/810");
    bench_fresh(b);
    const char *text =
        body(b, write_with(b, x12, read_with(b, m, sample(b, "visma-customer-invoice.json"), NULL)));
    assert_string_equal(
        text,
        "BIG*20260321*88012**PO-100245***DI~\nCUR*SE*NOK~\nREF*4N*0088012~\nN1*SE*Fjord Sjomat AS*92*1 ~\n"
        "N1*BY*Nordmat AS~\nN1*BT*Nordmat AS*91*10021~\nN3*Lagerveien 7~\nN4*Oslo**0581*NO~\n"
        "ITD*01*3****20260420*30*****30 days~\nIT1*1*120*EA*34.5**VN*FS-LAKS-200~\n"
        "PID*F****Smoked salmon 200 g~\nIT1*2*15.5*KG*189**VN*FS-TORSK-KG~\nPID*F****Cod fillet, skinless~\n"
        "TDS*883688~\nTXI*VA*1767.38*25*****7069.5~\nCTT*2~\n");
    text = read_with(b, load(b, "visma/supplier-invoice"), sample(b, "visma-supplier-invoice.json"), NULL);
    has(text, "\"number\":\"INV-88121\",\"internal_number\":\"000357\"");
    has(text, "\"order_number\":\"500254\",\"order_line\":\"2\"");
    text = body(b, write_with(b, x12, text));
    has(text, "BIG*20260321*INV-88121**500254***DI~\n");
    has(text, "REF*PO*500254~\nREF*LI*2~\nTDS*223125~\n");
}

/* What is written as 850 or 810 says the same when it is read; and writes the same bytes. */
static void there_and_back(void **state)
{
    static const char *const ways[][3] = {
        {"visma/purchase-order", "visma-purchase-order.json", "x12/850"},
        {"visma/purchase-order", "visma-purchase-order-mixed-lines.json", "x12/850"},
        {"visma/purchase-order", "visma-purchase-order-20-lines.json", "x12/850"},
        {"visma/customer-invoice", "visma-customer-invoice.json", "x12/810"},
        {"visma/supplier-invoice", "visma-supplier-invoice.json", "x12/810"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        bench_fresh(b);
        const struct map *x12 = load(b, ways[i][2]);
        const char *first = arena_text(
            &b->arena,
            slice_of(write_with(b, x12, read_with(b, load(b, ways[i][0]), sample(b, ways[i][1]), NULL))));
        assert_int_equal(b->findings.errors, 0);
        const char *read = read_with(b, x12, slice_of(first), NULL);
        has(read, i < 3 ? "\"partner\":\"FJORD\"" : "\"partner\":\"FJORD\"");
        has(read, "\"line_count\":");
        assert_string_equal(write_with(b, x12, read), first);
        /* X12 in JSON holds the same tree */
        struct map_run run = {.findings = &b->findings};
        struct node *canonical = syntax_json.read(NULL, slice_of(read), &b->findings);
        struct buffer json = {0};
        assert_int_equal(map_write(x12, &syntax_x12json, canonical, NULL, &run, &json), 0);
        struct syntax_options o = {
            .dictionaries = map_library_dictionaries(b->library), .version = "004010", .set = map_set(x12)};
        struct node *tree = syntax_x12json.read(&o, buffer_as_slice(&json), &b->findings);
        assert_non_null(tree);
        const char *skipped;
        struct map_variable partner = {"partner", "FJORD"};
        run = (struct map_run){.variables = &partner, .variable_count = 1, .findings = &b->findings};
        struct node *again = map_read_tree(x12, tree, &run, &skipped);
        assert_non_null(again);
        buffer_clear(&b->out);
        canonical_write(again, &b->out);
        assert_string_equal(b->out.ptr, read);
        buffer_free(&json);
    }
}

static void mosaic(void **state)
{
    struct bench *b = *state;
    const struct map *m = load(b, "orderful/850");
    bench_fresh(b);
    const char *text = write_with(b, m,
                                  read_with(b, load(b, "visma/purchase-order"),
                                            sample(b, "visma-purchase-order-mixed-lines.json"), NULL));
    has(text,
        "{\"purpose\":\"original\",\"purchaseOrderType\":\"dropship\",\"purchaseOrderNumber\":\"500256\","
        "\"purchaseOrderDate\":\"2026-03-02\",\"parties\":{\"buyer\":{\"name\":\"Nordmat "
        "AS\",\"identificationCode\":\"1\","
        "\"identificationCodeType\":\"sendersId\",\"contacts\":[{\"type\":\"primary\",\"name\":\"Kari "
        "Nordmann\"}]}");
    has(text, "\"termsOfSale\":{\"type\":\"basic\",\"basisDate\":\"invoiceDate\",\"netDaysDue\":30,"
              "\"description\":\"30 days\"}");
    has(text, "\"notes\":{\"general\":{\"text\":[\"Call the warehouse before delivery.\",\"Deliver after");
    has(text, "{\"purchaseOrderLineId\":\"3\",\"quantity\":{\"value\":\"50\",\"unitOfMeasure\":\"each\"},"
              "\"unitCostPrice\":\"12.75\","
              "\"productIds\":{\"buyerItemNumber\":\"2101\",\"vendorItemNumber\":\"FP-C22\"}");
    has(text, "\"allowances\":[{\"type\":\"discount\",\"amount\":\"63.75\",\"percent\":\"10\"}]");
    /* no kilogram there: said, not guessed */
    bench_fresh(b);
    text = write_with(
        b, m, read_with(b, load(b, "visma/purchase-order"), sample(b, "visma-purchase-order.json"), NULL));
    has(text, "has no code of theirs for our \"KGM\"");
    has(text, "lines[1].unit, written to lineItems[1].quantity.unitOfMeasure");
}

static void explained(void **state)
{
    struct bench *b = *state;
    const struct map *m = load(b, "visma/purchase-order");
    bench_fresh(b);
    assert_int_equal(
        map_explain(m, sample(b, "visma-purchase-order-mixed-lines.json"), NULL, 0, &b->out, &b->findings),
        0);
    has(b->out.ptr, "lines[0].uom = \"STK\"                         -> lines[0].unit = \"EA\"   "
                    "(codes/visma-unit.tsv, line ");
    has(b->out.ptr, "not taken into lines: canceled is true");
    has(b->out.ptr, "-> lines[2].note = \"Calibration certificate\\nwith each gauge.\"");
    const char *rest = strstr(b->out.ptr, "In the document, read by no line:");
    assert_non_null(rest);
    has(rest, "lines[0].qtyOnReceipts                       \"0.0\"\n");
    has_not(rest, "orderNbr");
    /* from a canonical document */
    struct map_run run = {.findings = &b->findings};
    const char *skipped;
    struct node *n = map_read(m, sample(b, "visma-purchase-order.json"), &run, &skipped);
    struct buffer canonical = {0};
    canonical_write(n, &canonical);
    buffer_clear(&b->out);
    assert_int_equal(
        map_explain(load(b, "x12/850"), buffer_as_slice(&canonical), NULL, 0, &b->out, &b->findings), 0);
    has(b->out.ptr, "PO1#2 PO103 = \"KG\"                           <- lines[1].unit = \"KGM\"   "
                    "(codes/x12-unit.tsv, line ");
    has(b->out.ptr, "ITD01 = \"01\"                                 <- constant");
    has(b->out.ptr, "written by no line:\n");
    buffer_free(&canonical);
    assert_int_equal(map_explain(load(b, "orderful/850"), SLICE("{}"), NULL, 0, &b->out, &b->findings), -1);
}

static void the_wrong_document(void **state)
{
    struct bench *b = *state;
    bench_fresh(b);
    has(read_with(b, load(b, "visma/purchase-order"), SLICE("[]"), NULL), "reads an object");
    bench_fresh(b);
    has(read_with(b, load(b, "orderful/850"), SLICE("{}"), NULL), "only writes");
    bench_fresh(b);
    has(read_with(b, load(b, "visma/purchase-order"), SLICE("{\"a\":"), NULL), "This is no JSON text");
    bench_fresh(b);
    has(read_with(
            b, load(b, "visma/purchase-order"),
            SLICE("{\"status\":\"Open\",\"supplier\":\"50000\",\"orderNbr\":{},\"lines\":{\"lineNbr\":1}}"),
            NULL),
        "A single value stands where the map expects an object.");
    has(told(b), "An object stands where the map expects a single value.");
    has(told(b), "The map expects a list here.");
    bench_fresh(b);
    has(write_with(b, load(b, "x12/850"), "{\"type\":\"invoice\"}"),
        "writes the canonical type order; this document's type is \"invoice\"");
    bench_fresh(b);
    has(write_with(b, load(b, "visma/purchase-order"), "{\"type\":\"order\"}"), "only reads");
    bench_fresh(b);
    const char *text = read_with(
        b, load(b, "visma/purchase-order"),
        SLICE("{\"status\":\"Open\",\"supplier\":{\"number\":\"5\"},\"lines\":[{\"lineNbr\":1}]}"), NULL);
    has(text, "The document has no value here, and number is required.");
    has(text, "where: orderNbr");
    has(text, "where: lines[0].orderQty");
    bench_fresh(b);
    text = read_with(b, load(b, "visma/purchase-order"),
                     SLICE("{\"status\":\"Open\",\"supplier\":{\"number\":\"5\"},\"orderNbr\":\"1\",\n"
                           "\"date\":\"2026-02-30T00:00:00\",\"lines\":[{\"lineNbr\":1,\"uom\":\"STK\","
                           "\"orderQty\":\"many\"}]}"),
                     NULL);
    has(text, "\"2026-02-30T00:00:00\" is no calendar date");
    has(text, "where: date, line 2, column 8");
    has(text, "\"many\" is no number");
    bench_fresh(b);
    text = read_with(b, load(b, "visma/purchase-order"),
                     SLICE("{\"status\":\"Open\",\"supplier\":{\"number\":\"5\"},\"orderNbr\":\"1\",\n"
                           "\"date\":\"2026-02-28T00:00:00\",\"lines\":[{\"lineNbr\":1,\"canceled\":true}]}"),
                     NULL);
    has(text, "The document has no lines (it is read from"); /* all were passed over */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_wrong_document, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(what_must_not_be_sent, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(an_unknown_unit, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(an_order, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(lines_of_other_kinds, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(what_an_erp_changes_by_itself, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(invoices, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(there_and_back, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(mosaic, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(explained, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
