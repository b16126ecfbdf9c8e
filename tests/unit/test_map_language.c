/* What the lines of a map do, one thing a test, with small maps of the test's own. */
#include "test_map.h"

/* What every order needs, read from a few short members. */
#define HEAD "json -> order\npartner : partner\nn : number\nd : date\n"
#define LINES "lines[] : lines[] {\nl : number\nq : quantity\nu : unit\n}\n"
#define ORDER(members)                                                                                       \
    "{\"partner\":\"P\",\"n\":1,\"d\":\"2026-03-02\",\"lines\":[{\"l\":1,\"q\":1,\"u\":\"EA\"}]," members "}"
#define CANONICAL(members)                                                                                   \
    "{\"type\":\"order\",\"partner\":\"P\",\"number\":\"1\",\"date\":\"2026-03-02\"," members                \
    "\"lines\":[{\"number\":\"1\",\"quantity\":\"2\",\"unit\":\"EA\"},{\"number\":\"2\",\"quantity\":\"3."   \
    "5\",\"unit\":\"KGM\"}]}"

static const char *reads(struct bench *b, const char *lines, const char *document)
{
    bench_fresh(b);
    const struct map *m = own(b, arena_printf(&b->arena, HEAD "%s" LINES, lines));
    return read_with(b, m, slice_of(document), NULL);
}

static const char *writes(struct bench *b, const char *map, const char *canonical)
{
    bench_fresh(b);
    return write_with(b, own(b, map), canonical);
}

static void the_first_value_wins(void **state)
{
    struct bench *b = *state;
    static const char lines[] = "a : description\nb.c : description\n\"none\" -> description\n";
    has(reads(b, lines, ORDER("\"a\":\"x\",\"b\":{\"c\":\"y\"}")), "\"description\":\"x\"");
    has(reads(b, lines, ORDER("\"a\":\"  \",\"b\":{\"c\":\"y\"}")), "\"description\":\"y\"");
    has(reads(b, lines, ORDER("\"a\":null,\"b\":{}")), "\"description\":\"none\"");
    has(reads(b, lines, ORDER("\"b\":null")), "\"description\":\"none\"");
    has(writes(b, "json <- order\nx : description\nx : buyer.name\nx = \"none\"\n",
               CANONICAL("\"buyer\":{\"name\":\"B\"},")),
        "{\"x\":\"B\"}");
    has(writes(b, "json <- order\nx : description\nx : buyer.name\nx = \"none\"\n", CANONICAL("")),
        "{\"x\":\"none\"}");
}

static void values_have_one_form(void **state)
{
    static const struct {
        const char *theirs, *ours;
    } cases[] = {
        {"125.00", "\"125\""},
        {"0.50", "\"0.5\""},
        {"-0", "\"0\""},
        {"-0.0", "\"0\""},
        {"0", "\"0\""},
        {"-12.340", "\"-12.34\""},
        {"1e3", "\"1000\""},
        {"12e-1", "\"1.2\""},
        {"\"  7.10 \"", "\"7.1\""},
        {"\"007\"", "\"7\""},
        {"100", "\"100\""},
        {"1000.0", "\"1000\""},
        {"999999999999999999", "\"999999999999999999\""},
        {"0.000000000000000001", "\"0.000000000000000001\""},
        {"1.00000000000000000000000", "\"1\""},
        {"1234567890123456789", "is no number of at most 18 digits"},
        {"\"1,5\"", "is no number"},
        {"true", "is no number"},
        {"1e99999999999", "is no number"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *document = arena_printf(&b->arena, ORDER("\"t\":%s"), cases[i].theirs);
        char *copy = strdup(document);
        has(reads(b, "t : totals.net\n", copy), cases[i].ours);
        free(copy);
    }
    has(reads(b, "t : requested_delivery\n", ORDER("\"t\":\"2024-02-29T23:59:59.999\"")),
        "\"requested_delivery\":\"2024-02-29\"");
    has(reads(b, "t : requested_delivery\n", ORDER("\"t\":\"2023-02-29\"")), "is no calendar date");
    has(reads(b, "t : terms.net_days\n", ORDER("\"t\":\"30\"")), "\"net_days\":30");
    has(reads(b, "t : terms.net_days\n", ORDER("\"t\":30.5")), "is no whole number");
    has(reads(b, "t : description\n", ORDER("\"t\":30.50")), "\"description\":\"30.50\"");
    has(reads(b, "t : description\n", ORDER("\"t\":false")), "\"description\":\"false\"");
    has(reads(b, "t : buyer.country\n", ORDER("\"t\":\"Norway\"")),
        "The text has 6 characters; 2 to 2 are allowed");
}

static void lists(void **state)
{
    struct bench *b = *state;
    has(reads(b, "s[0] : buyer.street[0]\ns[1] : buyer.street[1]\ns[2] : buyer.street[2]\n",
              ORDER("\"s\":[\"a\",null,\"c\"]")),
        "\"street\":[\"a\",\"c\"]");
    has(reads(b, "s[1].x : description\n", ORDER("\"s\":[{\"x\":\"a\"},{\"x\":\"b\"}]")),
        "\"description\":\"b\"");
    has(reads(b, "s[id=GLN].v : buyer.gln\ns[id=\"A B\"].v : buyer.name\n",
              ORDER("\"s\":[{\"id\":\"X\",\"v\":\"1\"},{\"v\":\"9501101530003\",\"id\":\"GLN\"},{\"id\":\"A "
                    "B\",\"v\":\"n\"}]")),
        "\"buyer\":{\"gln\":\"9501101530003\",\"name\":\"n\"}");
    has(reads(b, "x : notes[0].text\nn2[] : notes[] {\nt : text\n}\n",
              ORDER("\"x\":\"a\",\"n2\":[{\"t\":\"b\"},{},null,{\"t\":\"c\"}]")),
        "\"notes\":[{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":\"c\"}]");
    has(reads(b, "n2[] : notes[] {\nt : text\n}\n", ORDER("\"n2\":[5]")), "The map expects an object here");
    has(reads(b, "n2[] : notes[] {\nt : text\n}\n", ORDER("\"n2\":{}")), "The map expects a list here");
    has(reads(b, "n2 : description\n", ORDER("\"n2\":[1]")),
        "A list stands where the map expects a single value");
    has(writes(b,
               "json <- order\ns[0] : buyer.street[1]\ns[1] : buyer.street[0]\nt[0].a : number\nt[0].b = "
               "\"x\"\nt[1].a = \"y\"\n"
               "u[id=Q].v : number\nu[id=R].v : currency\n",
               CANONICAL("\"buyer\":{\"street\":[\"a\",\"b\"]},")),
        "{\"s\":[\"b\",\"a\"],\"t\":[{\"a\":\"1\",\"b\":\"x\"},{\"a\":\"y\"}],\"u\":[{\"id\":\"Q\",\"v\":"
        "\"1\"}]}");
}

static void blocks(void **state)
{
    struct bench *b = *state;
    /* two blocks fill one object; a block without ours only shortens places */
    has(reads(b, "a : ship_to {\nname : name\n}\nb : ship_to {\ncity : city\n}\nc {\nd.e : description\n}\n",
              ORDER("\"a\":{\"name\":\"N\"},\"b\":{\"city\":\"C\"},\"c\":{\"d\":{\"e\":\"D\"}}")),
        "\"description\":\"D\",\"ship_to\":{\"name\":\"N\",\"city\":\"C\"}");
    has_not(reads(b, "a : ship_to {\nname : name\n}\n", ORDER("\"a\":{}")), "ship_to");
    has_not(reads(b, "a : ship_to {\nname : name\n}\n", ORDER("\"a\":null")), "ship_to");
    has(writes(b,
               "json <- order\nx : buyer {\nn : name\nc = \"k\"\n}\ny {\nz : number\n}\nl[] : lines[] {\nq : "
               "quantity number\ni.u : unit\n}\n",
               CANONICAL("\"buyer\":{\"name\":\"B\"},")),
        "{\"x\":{\"n\":\"B\",\"c\":\"k\"},\"y\":{\"z\":\"1\"},\"l\":[{\"q\":2,\"i\":{\"u\":\"EA\"}},{\"q\":3."
        "5,\"i\":{\"u\":\"KGM\"}}]}");
    /* a condition behind a block's line looks outside: at ours when it writes, at theirs when it only reads
     */
    has(writes(b,
               "json <- order\nx : buyer when currency {\nn : name\n}\ny : buyer when not currency {\nn : "
               "name\n}\nl[] : lines[] when kind not rush {\nn : number\n}\n",
               CANONICAL("\"currency\":\"NOK\",\"buyer\":{\"name\":\"B\"},")),
        "{\"x\":{\"n\":\"B\"},\"l\":[{\"n\":\"1\"},{\"n\":\"2\"}]}");
    has(reads(b, "a : buyer when k is 1 {\nname : name\n}\na : ship_to when k is 2 {\nname : name\n}\n",
              ORDER("\"a\":{\"name\":\"N\"},\"k\":2")),
        "\"ship_to\":{\"name\":\"N\"}");
    has_not(reads(b, "a : buyer when k is 1 {\nname : name\n}\n", ORDER("\"a\":{\"name\":\"N\"},\"k\":2")),
            "buyer");
    /* ours is not there: the block, its constants and what it requires are not either */
    has(writes(b, "json <- order\nx : buyer {\nn : name required\nc = \"k\"\n}\ny : number\n", CANONICAL("")),
        "{\"y\":\"1\"}");
    has(writes(b, "json <- order\nx : buyer {\nn : name required\n}\n",
               CANONICAL("\"buyer\":{\"city\":\"C\"},")),
        "n needs a value, and the document has none");
    has(told(b), "where: buyer.name, written to x.n");
}

static void only_when(void **state)
{
    struct bench *b = *state;
    const char *skipped;
    bench_fresh(b);
    const struct map *m =
        own(b, HEAD "only when status in Open \"Pending Print\" and hold not true or missing\nonly "
                    "when not revoked\nonly when kind\n" LINES);
    static const struct {
        const char *members, *skipped;
    } cases[] = {
        {"\"status\":\"Open\",\"kind\":1", NULL},
        {"\"status\":\"Pending Print\",\"hold\":false,\"kind\":1", NULL},
        {"\"status\":\"Open\",\"hold\":true,\"kind\":1", "hold is true"},
        {"\"status\":\"Hold\",\"kind\":1", "status is Hold, not one of Open, Pending Print"},
        {"\"status\":\"Open\",\"kind\":1,\"revoked\":false", "revoked is false"},
        {"\"status\":\"Open\"", "kind is not there"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_fresh(b);
        const char *document = arena_printf(&b->arena, ORDER("%s"), cases[i].members);
        has(read_with(b, m, slice_of(document), &skipped), "\"number\":\"1\"");
        if (!cases[i].skipped)
            assert_null(skipped);
        else
            has(skipped, cases[i].skipped);
    }
    /* numbers are compared as numbers */
    has_not(reads(b, "a -> description when a not 0\n", ORDER("\"a\":0.00")), "description");
    has(reads(b, "a -> description when a not 0\n", ORDER("\"a\":0.01")), "description");
    has(reads(b, "a -> description when b is 5 6\n", ORDER("\"a\":1,\"b\":6.0")), "description");
    has_not(reads(b, "a -> description when b is 5 6\n", ORDER("\"a\":1,\"b\":\"6x\"")), "description");
    /* written lines and blocks look at ours */
    has(writes(b,
               "json <- order\na = \"1\" when buyer\nb = \"2\" when not buyer\nc = \"3\" when currency in "
               "NOK SEK\n"
               "l[] : lines[] {\nonly when unit not EA\nn : number\n}\n",
               CANONICAL("\"currency\":\"NOK\",\"buyer\":{\"name\":\"B\"},")),
        "{\"a\":\"1\",\"c\":\"3\",\"l\":[{\"n\":\"2\"}]}");
    has(writes(b, "json <- order\nonly when currency\na : number\n", CANONICAL("")),
        "does not take this document");
}

/* Silence is no answer: what decides whether a document, a block or an item is taken has to be there. */
static void a_condition_on_a_missing_value(void **state)
{
    struct bench *b = *state;
    const char *skipped;
    static const char *const without[] = {"\"x\":1", "\"status\":null", "\"status\":\"\"",
                                          "\"status\":\" \""};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        bench_fresh(b);
        const struct map *m = own(b, HEAD "only when status in Open\n" LINES);
        has(read_with(b, m, slice_of(arena_printf(&b->arena, ORDER("%s"), without[i])), &skipped),
            "There is no status, and by it the map decides what is taken");
        has(told(b), ".map, line 5)");
        has(told(b), "where: status");
        has(told(b), "code: map.condition");
    }
    /* {} says all that it lacks */
    bench_fresh(b);
    const struct map *m = own(b, HEAD "only when status not Hold\n" LINES);
    has(read_with(b, m, SLICE("{}"), &skipped), "There is no status");
    has(told(b), "code: map.condition");
    /* the map may say otherwise, in either direction */
    bench_fresh(b);
    m = own(b, HEAD "only when status in Open or missing and hold not true or missing\n" LINES);
    has(read_with(b, m, SLICE(ORDER("\"x\":1")), &skipped), "\"number\":\"1\"");
    assert_null(skipped);
    has(read_with(b, m, SLICE(ORDER("\"status\":\"Hold\"")), &skipped), "\"number\":\"1\"");
    has(skipped, "status is Hold, not Open");
    m = own(b, HEAD "only when status and status in Open\n" LINES);
    has(read_with(b, m, SLICE(ORDER("\"x\":1")), &skipped), "\"number\":\"1\"");
    has(skipped, "status is not there");
    /* what decides about an item or a block, the same; what decides about a value only, not */
    has(reads(b, "extra[] -> notes[] {\nonly when kind is a\ntext -> text\n}\n",
              ORDER("\"extra\":[{\"kind\":\"a\",\"text\":\"t\"},{\"text\":\"u\"}]")),
        "There is no kind");
    has(told(b), "where: extra[1].kind");
    has(reads(b, "extra[] -> notes[] {\nonly when kind is a or missing\ntext -> text\n}\n",
              ORDER("\"extra\":[{\"kind\":\"b\",\"text\":\"t\"},{\"text\":\"u\"}]")),
        "\"notes\":[{\"text\":\"u\"}]");
    has(reads(b, "extra[] -> notes[] when mode is a {\ntext -> text\n}\n",
              ORDER("\"extra\":[{\"text\":\"t\"}]")),
        "There is no mode");
    has_not(reads(b, "x -> description when mode is a\n", ORDER("\"x\":1")), "description");
    has(reads(b, "x -> description when mode is a or missing\n", ORDER("\"x\":1")), "\"description\":\"1\"");
    /* of ours, a canonical document need not have what its schema does not require */
    has(writes(b,
               "json <- order\na = \"1\" when currency is NOK or missing\nb = \"2\" when currency is NOK\n",
               CANONICAL("")),
        "{\"a\":\"1\"}");
}

static void constants_and_variables(void **state)
{
    struct bench *b = *state;
    has(reads(b, "$vendor_number -> seller.account\n$empty -> seller.name\n$unset -> seller.code\n",
              ORDER("\"x\":1")),
        "\"seller\":{\"account\":\"V-77\"}");
    has(reads(b, "$unset -> seller.code required\n", ORDER("\"x\":1")), "seller.code is required");
    has(writes(b,
               "json <- order\na = $vendor_number\nb = $unset\nc.d = $unset\nc.e = \"x\"\nf.g = \"y\"\nh.i : "
               "currency\nh.j = \"z\"\n",
               CANONICAL("")),
        "{\"a\":\"V-77\",\"f\":{\"g\":\"y\"}}"); /* c and h hold a value of the document, which is not there;
                                                    f is all constant */
    has(writes(b, "json <- order\na = $unset required\n", CANONICAL("")), "a needs a value");
    has(writes(b,
               "json <- order\na = $unset default \"d\"\nb : currency default \"NOK\"\nc : description "
               "required\n",
               CANONICAL("\"description\":\"D\",")),
        "{\"a\":\"d\",\"b\":\"NOK\",\"c\":\"D\"}");
    has(writes(b,
               "json <- order\na : line_count\nb : line_count text\nc = \"5\" number\nd <- count(lines)\ne "
               "<- sum(lines.quantity)\nf <- sum(charges.amount)\n",
               CANONICAL("\"line_count\":2,")),
        "{\"a\":2,\"b\":\"2\",\"c\":5,\"d\":2,\"e\":\"5.5\"}");
}

static void code_tables(void **state)
{
    struct bench *b = *state;
    put(b, "codes/u.tsv", "# theirs, ours\nSTK\tEA\tpieces\nPCS\tEA\n\nKG \t KGM \r\n");
    has(reads(b, "u : description as u\n", ORDER("\"u\":\"PCS\"")), "\"description\":\"EA\"");
    has(reads(b, "u : description as u\n", ORDER("\"u\":\" KG \"")), "\"description\":\"KGM\"");
    has(reads(b, "u : description as u\n", ORDER("\"u\":\"kg\"")),
        "The code \"kg\" is not in the table codes/u.tsv");
    has_not(reads(b, "u : description as u if known\n", ORDER("\"u\":\"kg\"")), "description");
    has(reads(b, "u : description as u if known default \"none\"\n", ORDER("\"u\":\"kg\"")),
        "\"description\":\"none\"");
    has(writes(b, "json <- order\nl[] : lines[] {\nu : unit as u\n}\n", CANONICAL("")),
        "{\"l\":[{\"u\":\"STK\"},{\"u\":\"KG\"}]}");
    has(writes(b, "json <- order\nd : description as u\n", CANONICAL("\"description\":\"LTR\",")),
        "codes/u.tsv has no code of theirs for our \"LTR\"");
    has(writes(b, "json <- order\nd : description as u if known\ne : number\n",
               CANONICAL("\"description\":\"LTR\",")),
        "{\"e\":\"1\"}");
}

#define X12 "x12 850 <- order\nBEG01 = \"00\"\nBEG02 = \"SA\"\nBEG03 : number\nBEG05 : date\n"
#define PO1 "PO1 : lines[] {\nPO102 : quantity\nPO103 : unit as x12-unit\n%s}\n"

static const char *segments(struct bench *b, const char *head, const char *inside, const char *canonical)
{
    bench_fresh(b);
    const struct map *m = own(b, arena_printf(&b->arena, X12 "%s" PO1, head, inside));
    return body(b, write_with(b, m, canonical));
}

/* An instance of a segment is made when a line gives it a value of the document, when all its lines are
 * constants, or when the dictionary makes it mandatory. */
static void instances(void **state)
{
    struct bench *b = *state;
    const char *plain = CANONICAL("");
    const char *text = segments(
        b, "REF[01=DP]02 = \"044\"\nCUR[01=BY]02 : currency\nITD01 = \"01\"\nITD07 : terms.net_days\n", "",
        plain);
    has(text, "REF*DP*044~");
    has_not(text, "CUR");
    has_not(text, "ITD");
    text = segments(b, "CUR[01=BY]02 : currency\nITD01 = \"01\"\nITD07 : terms.net_days\n", "",
                    CANONICAL("\"currency\":\"NOK\",\"terms\":{\"net_days\":30},"));
    has(text, "CUR*BY*NOK~\nITD*01******30~");
    text = segments(
        b, "ITD01 = \"01\"\nITD07 : terms.net_days default \"30\"\nREF[01=DP]02 = \"044\" when currency\n",
        "", plain);
    has_not(text, "ITD"); /* a default is no value of the document */
    has_not(text, "REF");
    /* the same segment and qualifiers: one instance; others: another; the standard's order, then the map's */
    text = segments(b,
                    "DTM[01=010]02 : date\nREF[01=VN]03 = \"x\"\nREF[01=IA]02 : number\nREF[01=VN]02 : "
                    "partner\nCUR[01=SE]02 = \"NOK\"\n",
                    "", plain);
    has(text, "CUR*SE*NOK~\nREF*VN*P*x~\nREF*IA*1~\nDTM*010*20260302~\n");
    text = segments(b, "",
                    "PO101 : number\nPO1{VN} : seller_item\nPO1{IN} : number\nPO107 = \"fixed\"\nPO106 = "
                    "\"BP\"\nPO1{EN} = \"4012345678901\"\n",
                    plain);
    has(text, "PO1*1*2*EA***BP*fixed*IN*1*EN*4012345678901~");
    /* a loop by its own, by a slash, by a block; its first segment comes along */
    text = segments(
        b,
        "N1[01=ST] : ship_to {\nN102 : name\nN103 = \"92\" when code\nN104 : code\nN401 : city\nN301 : "
        "street[0]\nN3[2]01 : street[2]\nN302 : street[1]\n}\n"
        "N1[01=BY] : buyer {\nN102 : name\n}\nCTT/AMT[01=TT]02 : totals.net\nCTT01 <- count(lines)\n",
        "PID[01=F]05 : description\n",
        CANONICAL("\"ship_to\":{\"code\":\"W1\",\"name\":\"N\",\"street\":[\"a\",\"b\",\"c\"],\"city\":"
                  "\"Oslo\"},\"totals\":{\"net\":\"5\"},"));
    has(text, "N1*ST*N*92*W1~\nN3*a*b~\nN3*c~\nN4*Oslo~\nPO1**2*EA~\nPO1**3.5*KG~\nCTT*2~\nAMT*TT*5~\n");
    /* what is wrong with the result is told, and nothing is written */
    text = segments(b, "N1[01=ST] : ship_to {\nN401 : city\n}\n", "",
                    CANONICAL("\"ship_to\":{\"city\":\"Oslo\"},"));
    has(text, "N1");
    has(text, "error:");
    assert_int_equal(b->out.len, 0);
}

static void texts_that_do_not_fit(void **state)
{
    struct bench *b = *state;
    static const char canonical[] =
        CANONICAL("\"description\":\"Gr\\u00f8nnsaker, sm\\u00e5 og store, til kj\\u00f8kkenet i tredje "
                  "etasje\\nog til kantinen   i kjelleren, sammen\","
                  "\"ship_via\":\"A\\tB\\r\\n C\",");
    const char *text = segments(b, "TD505 : ship_via\nREF[01=IA]02 : description cut\n", "", canonical);
    has(text,
        "REF*IA*Gr\xc3\xb8nnsaker, sm\xc3\xa5 og store, til~"); /* 30 characters, and no blank at the end */
    has(text, "TD5*****A B C~");
    text = segments(b, "REF[01=IA]02 : description\n", "", canonical);
    has(text, "does not fit into REF[01=IA]02 (Reference Identification): it has ");
    has(text, "at most 30 fit");
    has(text, "\"cut\" shortens");
    text = segments(b, "CUR[01=BY]02 : currency\n", "", CANONICAL("\"currency\":\"kr.\","));
    has(text, "does not fit into CUR[01=BY]02");
    text = segments(b, "", "PO104 : price\n",
                    "{\"type\":\"order\",\"partner\":\"P\",\"number\":\"1\",\"date\":\"2026-03-02\","
                    "\"lines\":[{\"number\":\"1\","
                    "\"quantity\":\"0.5\",\"unit\":\"EA\",\"price\":\"-0.25\"}]}");
    has(text, "PO1**.5*EA*-.25~");
    has(writes(b, "json <- order\nd : description cut 10\n", canonical), "{\"d\":\"Gr\xc3\xb8nnsaker\"}");
}

static void reading_x12(void **state)
{
    struct bench *b = *state;
    bench_fresh(b);
    const struct map *m = own(
        b, "x12 850 -> order\n$partner -> partner\nBEG03 : number\nBEG05 : date\nBEG02 : kind as order-kind\n"
           "REF[01=IA]02 : seller.account\nREF[01=VN]03 : description\nN1[01=ST] : ship_to {\nN102 : "
           "name\nN1{UL} : gln\nN1{92} : code\n"
           "N301 : street[0]\nN302 : street[1]\nN3[2]01 : street[2]\n}\nN1[01=BY]02 : buyer.name\n"
           "N9 : notes[] {\nMSG01 : text\n}\n"
           "PO1 : lines[] {\nonly when PO103 in EA KG\nPO101 : number\nPO102 : quantity\nPO103 : unit as "
           "x12-unit\nPO104 : price\nPO1{VP} : seller_item\n"
           "PO1{VN} : seller_item\nPO1{IN} : buyer_item\nPID[01=F]05 : description\n}\nCTT/AMT[01=TT]02 : "
           "totals.net\n");
    static const char x12[] =
        "ISA*00*          *00*          *ZZ*NORDMAT        *ZZ*FJORD          "
        "*260302*1000*U*00401*000000042*0*T*>~"
        "GS*PO*NORDMAT*FJORD*20260302*1000*42*X*004010~ST*850*0001~BEG*00*NE*77**20260302~REF*VN**free "
        "text~REF*IA*50001~REF*IA*other~"
        "N9*L1*A~MSG*one~N9*L1*B~MSG*two~N1*BY*Buyer~N1*ST*Dock*UL*9501101530003~N3*a*b~N3*c~N1*ST*Second*92*"
        "X1~"
        "PO1*1*10*EA*.5**VN*v*IN*i~PID*S**VI*AA~PID*F****text~PO1*2*1*CA*1**IN*j~PO1*3*2.50*KG*0100.10**IN*k*"
        "VP*p*VN*q~CTT*3~AMT*TT*12.30~SE*22*0001~GE*1*42~IEA*1*000000042~";
    assert_string_equal(read_with(b, m, slice_of(x12), NULL),
                        "{\"type\":\"order\",\"partner\":\"FJORD\",\"number\":\"77\",\"kind\":\"standard\","
                        "\"date\":\"2026-03-02\",\"description\":\"free text\","
                        "\"buyer\":{\"name\":\"Buyer\"},\"seller\":{\"account\":\"50001\"},\"ship_to\":{"
                        "\"gln\":\"9501101530003\",\"name\":\"Dock\",\"street\":[\"a\",\"b\",\"c\"]},"
                        "\"notes\":[{\"text\":\"one\"},{\"text\":\"two\"}],"
                        "\"lines\":[{\"number\":\"1\",\"quantity\":\"10\",\"unit\":\"EA\",\"price\":\"0.5\","
                        "\"buyer_item\":\"i\",\"seller_item\":\"v\",\"description\":\"text\"},"
                        "{\"number\":\"3\",\"quantity\":\"2.5\",\"unit\":\"KGM\",\"price\":\"100.1\",\"buyer_"
                        "item\":\"k\",\"seller_item\":\"p\"}],\"totals\":{\"net\":\"12.3\"}}");
    buffer_clear(&b->out);
    assert_int_equal(map_explain(m, slice_of(x12), NULL, 0, &b->out, &b->findings),
                     -1); /* nobody said who the partner is */
    has(told(b), "The document has no partner (it is read from $partner).");
    has(b->out.ptr, "REF#3 02                                     \"other\"\n");
    bench_fresh(b);
    has(read_with(b, load(b, "x12/810"), slice_of(x12), NULL),
        "The interchange holds set 850 where 810 is wanted.");
}

/* The map of the design's page 5. */
static void the_example_of_the_design(void **state)
{
    struct bench *b = *state;
    bench_fresh(b);
    const struct map *m =
        own(b, "# translators/x12/850.map\nx12 850 <-> order\n\n$partner           -> partner\n"
               "BEG01               = \"00\"\nBEG02               : kind               as order-kind       # "
               "a code table: translators/codes/order-kind.tsv\n"
               "BEG03               : number             required\nBEG05               : date\nCUR[01=BY]02  "
               "      : currency\nREF[01=IA]02        : seller.account\n"
               "N1[01=ST]           : ship_to {\n  N102              : name\n  N103              = \"92\"    "
               "           when code\n  N104              : code\n"
               "  N301              : street[0]\n  N401              : city\n}\nPO1                 : "
               "lines[] {\n  PO101             : number\n"
               "  PO102             : quantity           required\n  PO103             : unit               "
               "as x12-unit\n  PO104             : price\n"
               "  PO1{VP}           : seller_item                            # a qualifier/value pair, "
               "wherever it stands\n"
               "  PID[01=F]05       : description\n}\nCTT01               : line_count\n");
    const char *text = write_with(
        b, m, CANONICAL("\"kind\":\"rush\",\"ship_to\":{\"code\":\"W1\",\"name\":\"N\"},\"line_count\":2,"));
    assert_string_equal(body(b, text),
                        "BEG*00*RO*1**20260302~\nN1*ST*N*92*W1~\nPO1*1*2*EA~\nPO1*2*3.5*KG~\nCTT*2~\n");
    text = read_with(b, m, slice_of(arena_text(&b->arena, slice_of(text))), NULL);
    has(text, "\"kind\":\"rush\"");
    has(text, "\"line_count\":2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_value_wins, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(values_have_one_form, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(lists, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(blocks, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_condition_on_a_missing_value, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(only_when, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(constants_and_variables, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(code_tables, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(instances, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(texts_that_do_not_fit, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(reading_x12, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_example_of_the_design, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
