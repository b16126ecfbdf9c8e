/* Overlays: a partner's peculiarities as a map of a few lines, and an installation's own code tables. */
#include "test_map.h"

#define CANONICAL                                                                                            \
    "{\"type\":\"order\",\"partner\":\"P\",\"number\":\"1\",\"date\":\"2026-03-02\",\"currency\":\"NOK\","   \
    "\"buyer\":{\"name\":\"B\",\"city\":\"Oslo\"},"                                                          \
    "\"seller\":{\"account\":\"7\",\"name\":\"S\"},\"terms\":{\"net_days\":30},"                             \
    "\"lines\":[{\"number\":\"1\",\"quantity\":\"2\",\"unit\":\"EA\",\"seller_item\":\"v\",\"buyer_item\":"  \
    "\"b\",\"description\":\"d\"}]}"

static const char *written(struct bench *b, const char *overlay)
{
    bench_fresh(b);
    return body(b, write_with(b, own(b, overlay), CANONICAL));
}

static void against_nothing(void **state)
{
    static const struct {
        const char *map, *where, *what;
    } cases[] = {
        {"extends x12/850\nBEG09 none\n", ":2:1", "the extended map has no BEG09"},
        {"extends x12/850\nPO1 {\nPO122 none\n}\n", ":3:1", "no PO122 in this block"},
        {"extends x12/850\nN1[01=XX] {\nN102 none\n}\n", ":2:1", "has no block N1[01=XX]"},
        {"extends x12/851\n", ":1:9", "There is no map \"x12/851\""},
        {"x12 810 <-> invoice\nextends x12/850\n", ":1:1", "The extended map is x12 850 and order"},
        {"extends own/self\n", ":1:9", "extend each other more than 8 deep"},
        {"extends x12/850\nBEG03 : nummer\n", ":2:9", "nummer is not in the canonical order"},
    };
    struct bench *b = *state;
    put(b, "own/self.map", "extends own/self\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_fresh(b);
        put(b, arena_printf(&b->arena, "bad/m%zu.map", i), cases[i].map);
        const char *name = arena_printf(&b->arena, "bad/m%zu", i);
        if (map_load(b->library, name, &b->findings))
            fail_msg("loaded: %s", cases[i].map);
        has(told(b), cases[i].what);
        if (i != 5)
            has(told(b), arena_printf(&b->arena, "%s.map%s", name, cases[i].where));
    }
}

static void lines(void **state)
{
    struct bench *b = *state;
    const char *base = strdup(written(b, "extends x12/850\n"));
    assert_string_equal(
        base,
        "BEG*00*SA*1**20260302~\nCUR*BY*NOK~\nREF*IA*7~\nITD*01*3*****30~\nN1*BY*B~\nN4*Oslo~\nN1*SE*S~\n"
        "PO1*1*2*EA***IN*b*VN*v~\nPID*F****d~\nCTT*1~\n");
    free((char *)(uintptr_t)base);
    const char *text = written(b, "# Fjord Parts wants it so\nextends x12/850\n\n"
                                  "BEG02 = \"NE\"                # another constant\n"
                                  "REF[01=DP]02 = \"044\"        # one more reference\n"
                                  "ITD02 none                  # a line less\n"
                                  "CUR[01=BY] none             # a segment less\n"
                                  "PO1 {\n"
                                  "  PO1{VN} none\n"
                                  "  PO1{VP} : seller_item\n"
                                  "  PO105 = \"PE\" when price\n"
                                  "}\n"
                                  "N1[01=BY] {\n"
                                  "  N102 = \"NORDMAT\"\n"
                                  "  N103 = \"91\"\n"
                                  "  N104 = $vendor_number\n"
                                  "}\n"
                                  "N1[01=SE] none              # a block less\n");
    assert_string_equal(
        text,
        "BEG*00*NE*1**20260302~\nREF*IA*7~\nREF*DP*044~\nITD*01******30~\nN1*BY*NORDMAT*91*V-77~\nN4*Oslo~\n"
        "PO1*1*2*EA***IN*b*VP*v~\nPID*F****d~\nCTT*1~\n");
    /* the base is as it was */
    has(written(b, "extends x12/850\n"), "BEG*00*SA*1**");
}

static void several_lines_for_one_place(void **state)
{
    struct bench *b = *state;
    put(b, "base.map",
        "json <- order\na : description\na : ship_via\na = \"base\"\nb : number\nc : currency\n");
    bench_fresh(b);
    /* the first replaces all of the base, further ones are added; each where the base had it */
    assert_string_equal(
        write_with(b, own(b, "extends base\na : release_number\na = \"over\"\nc = \"C\"\nd = \"new\"\n"),
                   CANONICAL),
        "{\"a\":\"over\",\"b\":\"1\",\"c\":\"C\",\"d\":\"new\"}");
    assert_string_equal(write_with(b, own(b, "extends base\n"), CANONICAL),
                        "{\"a\":\"base\",\"b\":\"1\",\"c\":\"NOK\"}");
    assert_string_equal(write_with(b, own(b, "extends base\na none\nb none\n"), CANONICAL),
                        "{\"c\":\"NOK\"}");
}

static void chains(void **state)
{
    struct bench *b = *state;
    put(b, "group.map", "extends x12/850\nBEG02 = \"RL\"\nREF[01=DP]02 = \"1\"\n");
    put(b, "group/member.map", "extends group\nREF[01=DP]02 = \"2\"\nPO1 {\nPID[01=F]05 none\n}\n");
    bench_fresh(b);
    const char *text = body(b, write_with(b, load(b, "group/member"), CANONICAL));
    has(text, "BEG*00*RL*1**");
    has(text, "REF*DP*2~");
    has_not(text, "PID");
    /* an installation's map of the same name comes before ours */
    put(b, "visma/purchase-order.map",
        "json -> order\nx : number\n\"P\" -> partner\nd : date\nlines[] : lines[] {\nn : number\nq : "
        "quantity\n\"EA\" -> unit\n}\n");
    has(read_with(b, load(b, "visma/purchase-order"),
                  SLICE("{\"x\":5,\"d\":\"2026-01-01\",\"lines\":[{\"n\":1,\"q\":1}]}"), NULL),
        "\"number\":\"5\"");
}

static void conditions_of_an_overlay(void **state)
{
    struct bench *b = *state;
    const char *skipped;
    bench_fresh(b);
    const struct map *m = own(b, "extends visma/purchase-order\nonly when status in Hold\nonly when hold is "
                                 "true\nonly when currency is NOK\n"
                                 "lines[] : lines[] {\nonly when lineType is "
                                 "GoodsForInventory\ninventory.number : seller_item\nalternateId none\n}\n");
    has(read_with(b, m, sample(b, "visma-purchase-order-on-hold.json"), &skipped),
        "\"seller_item\":\"3312\"");
    assert_null(skipped);
    has_not(read_with(b, m, sample(b, "visma-purchase-order.json"), &skipped), "FP-");
    has(skipped, "status is Open, not Hold");
}

static void own_code_tables(void **state)
{
    struct bench *b = *state;
    /* the installation's visma-unit is found first and takes over the rest */
    put(b, "codes/visma-unit.tsv", "extends\n# our units\nPALLE2\tXPX\thalf pallets\nSTK\tH87\n");
    bench_fresh(b);
    const struct map *m = load(b, "visma/purchase-order");
    has(read_with(b, m, sample(b, "visma-purchase-order-unknown-unit.json"), NULL), "\"unit\":\"XPX\"");
    has(read_with(b, m, sample(b, "visma-purchase-order.json"), NULL), "\"unit\":\"H87\"");
    has(read_with(b, m, sample(b, "visma-purchase-order.json"), NULL), "\"unit\":\"KGM\"");
    /* a partner's table under a name of its own; what it gives another meaning is not written any more */
    put(b, "codes/fjord-unit.tsv", "extends x12-unit\nEA\tH87\nPK\tEA\n");
    const char *text =
        body(b, write_with(b, own(b, "extends x12/850\nPO1 {\nPO103 : unit as fjord-unit\n}\n"), CANONICAL));
    has(text, "PO1*1*2*PK***");
    put(b, "codes/none.tsv", "extends\nA\tB\n");
    put(b, "none.map", "json <- order\na : number as none\n");
    bench_fresh(b);
    assert_null(map_load(b->library, "none", &b->findings));
    has(told(b), "There is no code table codes/none.tsv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(against_nothing, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(lines, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(several_lines_for_one_place, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(chains, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(conditions_of_an_overlay, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(own_code_tables, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
