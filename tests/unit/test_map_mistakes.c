/* Every kind of mistake a map, code table or canonical schema can hold: each is told with file, line and
 * column when the map is loaded, before any document moves. */
#include "test_map.h"

struct mistake {
    const char *map;  /* @ marks where the finding must point */
    const char *what; /* part of the sentence */
};

/* The text without its mark, and where the mark was. */
static const char *unmark(struct arena *a, const char *text, int *line, int *column)
{
    const char *mark = strchr(text, '@');
    assert_non_null(mark);
    *line = *column = 1;
    for (const char *p = text; p < mark; p++) {
        *column = *p == '\n' ? 1 : *column + 1;
        *line += *p == '\n';
    }
    return arena_printf(a, "%.*s%s", (int)(mark - text), text, mark + 1);
}

/* Prints what is not as expected; how many there were. */
static unsigned expect(struct bench *b, const char *name, const struct mistake *m, size_t number)
{
    int line, column;
    char file[80];
    snprintf(file, sizeof file, "%s%zu.map", name, number);
    put(b, file, unmark(&b->arena, m->map, &line, &column));
    file[strlen(file) - 4] = '\0';
    if (map_load(b->library, file, &b->findings))
        print_error("loaded: %s\n", m->map);
    const char *where = arena_printf(&b->arena, "%s/%s.map:%d:%d", b->folder, file, line, column);
    for (const struct finding *f = b->findings.first; f; f = f->next)
        if (strcmp(f->where, where) == 0 && strstr(f->what, m->what) && f->todo[0])
            return 0;
    print_error("%s\nwanted at %d:%d: %s\ntold: %s", m->map, line, column, m->what, told(b));
    return 1;
}

#define X12 "x12 850 <- order\n"
#define READ                                                                                                 \
    "json -> order\n\"5\" -> partner\nn : number\nd : date\nlines[] : lines[] {\nq : quantity\nu : unit\nl " \
    ": number\n}\n"

static void in_the_text(void **state)
{
    static const struct mistake cases[] = {
        {"@", "The map is empty"},
        {"@# nothing\n", "The map is empty"},
        {"@BEG03 : number\n", "The first line must say what the map translates"},
        {"@x12 850 order\n", "The first line must say"},
        {"x12 850 <-> @\n", "canonical document type is expected"},
        {"x12 850 <-> order @more\n", "canonical document type is expected"},
        {"@foo <- order\n", "There is no syntax \"foo\""},
        {"@x12 <- order\n", "no transaction set \"\""},
        {"@x12 899 <- order\n", "no transaction set \"899\""},
        {"@x12 850 <- odor\n", "The canonical type \"odor\" cannot be used"},
        {"@x12 850 <- order\nversion 009999\n", "no transaction set"},
        {X12 "version@\n", "A name is expected here"},
        {X12 "extends @\n", "A name is expected here"},
        {X12 "BEG03 : number\n@extends x12/850\n", "\"extends\" must come before all other lines"},
        {X12 "BEG03 @number\n", "One of : = -> <- none { is expected"},
        {X12 "BEG03@\n", "One of : = -> <- none { is expected"},
        {X12 "BEG03 :@\n", "The right side is missing"},
        {X12 "BEG03 : @\"00\"\n", "A constant or variable cannot stand behind"},
        {X12 "BEG03 = @number\n", "A constant in double quotes or a $variable is expected"},
        {X12 "BEG03 = @\"number\n", "The text in quotes has no end"},
        {X12 "@REF[01=IA : number\n", "A bracket or quote in this place has no end"},
        {X12 "BEG03 : number @reqired\n", "\"reqired\" is not understood here"},
        {X12 "BEG03 : number as@\n", "\"as\" needs the name of a code table"},
        {X12 "BEG03 : number as x12-unit if @need\n", "\"known\" is expected"},
        {X12 "BEG03 : number default @x\n", "\"default\" needs a value"},
        {X12 "BEG03 : number when@\n", "A condition needs the name of a value"},
        {X12 "BEG03 : number when kind in@\n", "The condition compares with nothing"},
        {X12 "BEG03 : number when kind in @,\n", "A value is expected here"},
        {X12 "BEG03 : number when kind is rush @or release\n", "\"or\" goes with \"missing\" only"},
        {X12 "BEG03 : number when kind @or missing\n", "\"or\" goes with \"missing\" only"},
        {X12 "BEG03 none @x\n", "Nothing can stand behind none"},
        {X12 "@BEG03 none\n", "\"none\" has a meaning only in a map that extends"},
        {X12 "@}\n", "No block is open here"},
        {X12 "@PO1 : lines[] {\nPO101 : number\n", "This block has no end"},
        {X12 "PO1 : lines[] { @PO101 : number }\n", "A block's lines stand in lines of their own"},
        {X12 "PO1 : lines[] {\n} @x\n", "Nothing can stand behind }"},
        {X12 "@PO1 : lines[]\n", "A list can only be gone through by a block"},
        {X12 "@PO1 : lines[] required {\n}\n", "This line cannot open a block"},
        {X12 "@$x : number\n", "can only be read into ours"},
        {X12 "BEG03 : @summe(lines)\n", "There is no such function"},
        {"json -> order\nn -> @count(lines)\n", "What is counted cannot be read into"},
        {X12 "only when kind @!\n", "This is not understood here"},
        {X12 "@: number\n", "A place is expected here"},
    };
    struct bench *b = *state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++, bench_fresh(b))
        wrong += expect(b, "text/m", &cases[i], i);
    assert_int_equal(wrong, 0);
}

static void in_places(void **state)
{
    static const struct mistake cases[] = {
        {X12 "@XYZ01 : number\n", "There is no segment XYZ in the dictionary"},
        {X12 "@IT101 : number\n", "set 850 has no segment IT1"},
        {X12 "@BEG13 : number\n", "BEG (Beginning Segment for Purchase Order) has 12 elements"},
        {X12 "BEG@00 : number\n", "There is no element 00"},
        {X12 "@BEG : number\n", "A line needs an element"},
        {X12 "@beg03 : number\n", "This is no place in X12"},
        {X12 "@B : number\n", "This is no place in X12"},
        {X12 "BEG03@x : number\n", "This is not understood here"},
        {X12 "@N301 : number\n", "N3 stands in several loops of set 850: N1, SPI/N1"},
        {X12 "@REF[31=IA]02 : number\n", "REF has no simple element 31"},
        {X12 "@REF[01=QQQQ]02 : number\n", "The qualifier \"QQQQ\" cannot stand in REF01"},
        {X12 "REF[@x=IA]02 : number\n", "The number of an element is expected"},
        {X12 "REF[01=@]02 : number\n", "The qualifier's value is missing"},
        {X12 "BEG03@[01=X] : number\n", "Brackets cannot stand behind an element"},
        {X12 "@REF[01=IA]04 : number\n", "is a composite of"},
        {X12 "@BEG03(2) : number\n", "is no composite"},
        {X12 "@BEG{VP} : number\n", "BEG has no qualifier/value pairs"},
        {X12 "PO1 : lines[] {\n@PO1{VPX} : seller_item\n}\n", "The qualifier \"VPX\" of a pair in PO1"},
        {X12 "PO1 : lines[] {\nPO1@{ : seller_item\n}\n", "The qualifier of a pair is missing"},
        {X12 "PO1 : lines[] {\n@PO1[01=1]02 : quantity\n}\n", "PO1 is this block's own segment"},
        {X12 "PO1 : lines[] {\n@BEG03 : number\n}\n", "loop or segment PO1 has no segment BEG"},
        {X12 "@BEG/REF01 : number\n", "Only a loop can stand before a slash"},
        {X12 "@BEG03 : lines[] {\n}\n", "A block stands for a segment or loop"},
        {X12 "@REF[01=IA]01 = \"VN\"\n", "is fixed by the brackets"},
        {"json <- order\na.@.b : number\n", "The name of a member is expected"},
        {"json <- order\na.@ : number\n", "The name of a member is expected behind the dot"},
        {"json <- order\n@a[] : number\n", "A line needs a single value"},
        {"json <- order\n@a[].b : number\n", "A list can only stand at the end"},
        {"json <- order\na[@x] : number\n", "The brackets hold no number"},
        {"json <- order\na[@=x].b : number\n", "The brackets need a member and a value"},
        {"json <- order\na[0]@[1] : number\n", "Only one pair of brackets"},
        {"json <- order\na[0]@b : number\n", "A dot is expected here"},
        {"json <- order\n@a : lines[] {\n}\n", "A list on one side needs a list on the other"},
        {"json <- order\n@a[] : buyer {\n}\n", "A list on one side needs a list on the other"},
    };
    struct bench *b = *state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++, bench_fresh(b))
        wrong += expect(b, "place/m", &cases[i], i);
    assert_int_equal(wrong, 0);
}

static void in_our_side(void **state)
{
    static const struct mistake cases[] = {
        {X12 "BEG03 : @nummer\n", "nummer is not in the canonical order: there is no member \"nummer\" here; "
                                  "there are: type, partner"},
        {X12 "BEG03 : @buyer.nam\n", "there is no member \"nam\" here"},
        {X12 "BEG03 : @buyer\n", "buyer is an object, not a single value"},
        {X12 "BEG03 : @number.x\n", "number has no members"},
        {X12 "BEG03 : @number[0]\n", "number is no list"},
        {X12 "BEG03 : @buyer.street\n", "buyer.street is a list"},
        {X12 "BEG03 : @lines[].number\n", "a list can only stand at the end"},
        {X12 "BEG03 : @buyer.street[x]\n", "the brackets hold no number"},
        {X12 "BEG03 : @buyer.\n", "a name is expected behind the dot"},
        {X12 "BEG03 : @count(number)\n", "number is no list"},
        {X12 "BEG03 : @sum(lines)\n", "A sum needs a list and a member"},
        {X12 "BEG03 : @sum(lines.unit)\n", "lines.unit is text and cannot be added up"},
        {X12 "N1[01=ST] : @number {\n}\n", "number has no members for the lines of a block"},
        {X12 "N1[01=ST] : @lines {\n}\n", "lines is a list"},
        {X12 "PO1 : @buyer[] {\n}\n", "buyer is no list"},
        {X12 "BEG03 : number when @knd\n", "knd is not in the canonical order"},
        {X12 "BEG03 : number when @buyer in x\n", "buyer is an object and cannot be compared"},
        {X12 "only when @knd in standard\n", "knd is not in the canonical order"},
        {X12 "@BEG05 : number\n", "BEG05 (Date) is a date, number is text"},
        {X12 "@BEG02 : date\n", "is a code, date is a date"},
        {X12 "PO1 : lines[] {\n@PO102 : unit\n}\n", "is a number, unit is text"},
        {X12 "PO1 : lines[] {\n@PO101 : number number\n}\n", "number is no number"},
        {X12 "BEG01 = @\"0\"\n", "\"0\" cannot stand in BEG01: it has 1 character, at least 2 are needed"},
        {X12 "BEG01 = @\"QQ\"\n", "\"QQ\" cannot stand in BEG01: it is no code of element 353"},
        {X12 "BEG05 = @\"2026-02-30\"\n", "\"2026-02-30\" cannot stand in BEG05"},
        {X12 "BEG02 : @kind default \"odd\"\n", "\"odd\" is not one of the values"},
        {X12 "BEG05 : @date default \"today\"\n", "\"today\" is no calendar date"},
        {X12 "BEG02 : kind as @no-such-table\n", "cannot be used"},
        {X12 "BEG03 = \"x\" as @x12-unit\n", "Only values of ours and theirs go through code tables"},
        {X12 "@BEG03 -> number\n", "This map or block only writes"},
        {"json <- order\n@a : number cut\n", "\"cut\" needs a length here"},
        {"json <- order\na = @\"x\" number\n", "\"x\" is no number"},
        {READ "@a = \"x\"\n", "This map or block only reads"},
        {READ "@\"odd\" -> kind\n", "\"odd\" is not one of"},
        {"@json -> order\n\"5\" -> partner\nn : number\nd : date\n",
         "No line of this map reads the member lines"},
    };
    struct bench *b = *state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++, bench_fresh(b)) {
        if (strstr(cases[i].map, "@\"odd\" -> kind")) {
            /* a constant's finding points at ours */
            struct mistake m = {READ "\"odd\" -> @kind\n", cases[i].what};
            wrong += expect(b, "ours/m", &m, i);
        } else {
            wrong += expect(b, "ours/m", &cases[i], i);
        }
    }
    assert_int_equal(wrong, 0);
}

static void all_at_once(void **state)
{
    struct bench *b = *state;
    put(b, "several.map",
        X12 "BEG03 : nummer\nBEG99 : number\nXYZ01 = \"a\"\nBEG05 : number\nBEG03 : number as nothing\n");
    assert_null(map_load(b->library, "several", &b->findings));
    for (int line = 2; line <= 6; line++)
        has(told(b), arena_printf(&b->arena, "several.map:%d:", line));
}

/* What is wrong in how a line is written hides nothing of what is wrong in what other lines say, nor does a
 * wrong beginning of a block what is inside: one look shows all there is to correct, and nothing else. */
static void of_both_kinds_at_once(void **state)
{
    static const char text[] = "x12 850 <-> order\n"          /* 1 */
                               "BEG03 number\n"               /* 2: syntax */
                               "BEG99 : number\n"             /* 3: place */
                               "BEG05 : nummer\n"             /* 4: path */
                               "BEG02 : kind as nothing\n"    /* 5: table */
                               "PO1 : lines[] requierd {\n"   /* 6: syntax, and opens a block */
                               "  PO101 : : line\n"           /* 7: syntax */
                               "}\n"                          /* 8 */
                               "PO1 : linse[] {\n"            /* 9: path of a block */
                               "  PO199 : number\n"           /* 10: place inside */
                               "}\n"                          /* 11 */
                               "XX1 : lines[] {\n"            /* 12: place of a block */
                               "  PO102 : quantities\n"       /* 13: path inside */
                               "  PO103 : unit as no-table\n" /* 14: table inside */
                               "  SLN : parts[] {\n"          /* 15: path, two deep */
                               "  }\n"
                               "} and\n"                  /* 17: syntax */
                               "CUR01 = \"BY\" defualt\n" /* 18: syntax */
                               "AMT01 : totals.amount\n"; /* 19: path */
    static const int wrong[] = {2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 14, 15, 17, 18, 19};
    struct bench *b = *state;
    put(b, "both.map", text);
    assert_null(map_load(b->library, "both", &b->findings));
    size_t lines = 0;
    for (int line = 1; line <= 19; line++) {
        bool expected = false;
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
            expected |= wrong[i] == line;
        bool is = strstr(told(b), arena_printf(&b->arena, "both.map:%d:", line)) != NULL;
        if (is != expected)
            fail_msg("line %d: %s", line, told(b));
        lines += is;
    }
    assert_int_equal(lines, sizeof wrong / sizeof *wrong);
    bench_fresh(b);
    put(b, "over.map", "extends x12/850\nBEG03 number\nBEG98 none\nBEG97 : number\nREF[01=IA]02 : nowhere\n");
    assert_null(map_load(b->library, "over", &b->findings));
    for (int line = 2; line <= 5; line++)
        has(told(b), arena_printf(&b->arena, "over.map:%d:", line));
    assert_int_equal(b->findings.errors, 4);
}

static void of_names(void **state)
{
    static const char *const names[] = {
        "",         "../x12/850", "x12/../x12/850", "/etc/passwd", "x12/850.map.",
        "x12//850", ".hidden",    "x12/",           "x12/850\n",   "no/such"};
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bench_fresh(b);
        assert_null(map_load(b->library, names[i], &b->findings));
        assert_int_equal(b->findings.errors, 1);
        assert_string_equal(b->findings.first->code, "map.file");
    }
    has(told(b), b->translators);
    bench_fresh(b);
    assert_null(map_load(b->library, "/no/such.map", &b->findings));
    has(told(b), "There is no map /no/such.map");
    const char *path = arena_printf(&b->arena, "%s/x12/850.map", b->translators);
    assert_non_null(map_load(b->library, path, &b->findings));
    /* a link is not followed, a folder is no map */
    char link[400];
    snprintf(link, sizeof link, "%s/link.map", b->folder);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_null(map_load(b->library, "link", &b->findings));
    has(told(b), "symbolic link");
    put(b, "folder.map/x", "");
    assert_null(map_load(b->library, "folder", &b->findings));
}

static void in_code_tables(void **state)
{
    static const struct {
        const char *name, *text, *at, *what;
    } cases[] = {
        {"one", "STK\tEA\nKG\n", "codes/one.tsv:2", "This line has not two columns"},
        {"two", "STK\tEA\n\n# x\nSTK\tPCE\n", "codes/two.tsv:4",
         "The code STK is there twice, first in line 1"},
        {"three", "extends nothing\nA\tB\n", "codes/three.tsv", "There is no code table codes/nothing.tsv"},
        {"four", "extends four\nA\tB\n", "codes/four.tsv", "There is no code table codes/four.tsv"},
        {"five", "extends six\nA\tB\n", "", "extends too many others"},
        {"seven", "standard\tSA\n", "codes/seven.tsv:1",
         "The code \"SA\" cannot stand in the canonical kind"},
        {"eight", "??\tstandard\n", "codes/eight.tsv:1", "The code \"??\" cannot stand in BEG02"},
    };
    struct bench *b = *state;
    put(b, "codes/six.tsv", "extends five\nA\tB\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_fresh(b);
        put(b, arena_printf(&b->arena, "codes/%s.tsv", cases[i].name), cases[i].text);
        put(b, arena_printf(&b->arena, "table%zu.map", i),
            arena_printf(&b->arena, X12 "BEG02 : kind as %s\n", cases[i].name));
        if (map_load(b->library, arena_printf(&b->arena, "table%zu", i), &b->findings))
            fail_msg("loaded: %s", cases[i].name);
        has(told(b), cases[i].what);
        has(told(b), cases[i].at);
    }
}

static void in_schemas(void **state)
{
    static const struct {
        const char *text, *what;
    } cases[] = {
        {"{", "This is no JSON"},
        {"[]", "This is no schema"},
        {"{\"type\":\"string\"}", "A document is an object"},
        {"{\"type\":\"object\"}", "must say that it has no other members"},
        {"{\"type\":\"object\",\"additionalProperties\":false}", "no or too many properties"},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"number\"}}}",
         "type number with format (none) is not known"},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"string\","
         "\"pattern\":\"x\"}}}",
         "The keyword pattern is not understood"},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"string\","
         "\"format\":\"email\"}}}",
         "string with format email"},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"$ref\":\"#/"
         "definitions/x\"}}}",
         "#/definitions/x is not there"},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"$ref\":\"#/"
         "definitions/x\"}},\"definitions\":{\"x\":{\"$ref\":\"#/definitions/x\"}}}",
         "lie too deep"},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"array\"}}}",
         "This is no schema"},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"b\"],\"properties\":{\"a\":{"
         "\"type\":\"string\"}}}",
         "b is required but not among the properties"},
        {"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"string\"}}}",
         "\"number\" is missing"},
        {"{\"type\":\"object\",\"x-spoolgate\":{\"number\":\"b\"},\"additionalProperties\":false,"
         "\"properties\":{\"a\":{\"type\":\"string\"}}}",
         "there is no member \"b\""},
        {"{\"type\":\"object\",\"x-spoolgate\":{\"number\":\"a\"},\"additionalProperties\":false,"
         "\"properties\":{\"a\":{\"type\":\"string\"}}}",
         "there is no member \"type\""},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_fresh(b);
        put(b, arena_printf(&b->arena, "canonical/s%zu.json", i), cases[i].text);
        put(b, arena_printf(&b->arena, "schema%zu.map", i),
            arena_printf(&b->arena, "json <- s%zu\na : a\n", i));
        if (map_load(b->library, arena_printf(&b->arena, "schema%zu", i), &b->findings))
            fail_msg("loaded: %s", cases[i].text);
        has(told(b), cases[i].what);
        has(told(b), arena_printf(&b->arena, "canonical/s%zu.json", i));
    }
}

/* What was wrong is tried again: a corrected file works without a restart. */
static void corrected(void **state)
{
    struct bench *b = *state;
    put(b, "c.map", X12 "BEG02 : kind as mine\n");
    put(b, "codes/mine.tsv", "SA\tstandrad\n");
    assert_null(map_load(b->library, "c", &b->findings));
    char path[400];
    snprintf(path, sizeof path, "%s/codes/mine.tsv", b->folder);
    assert_int_equal(unlink(path), 0);
    put(b, "codes/mine.tsv", "SA\tstandard\n");
    /* the table itself was in order; maps keep what they loaded */
    struct map_library *fresh = map_library_open(b->directories);
    bench_fresh(b);
    assert_non_null(map_load(fresh, "c", &b->findings));
    map_library_close(fresh);
    put(b, "later.map", "x12 850 <- order\nBEG03 : nummer\n");
    assert_null(map_load(b->library, "later", &b->findings));
    snprintf(path, sizeof path, "%s/later.map", b->folder);
    assert_int_equal(unlink(path), 0);
    put(b, "later.map", "x12 850 <- order\nBEG03 : number\n");
    bench_fresh(b);
    assert_non_null(map_load(b->library, "later", &b->findings));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_the_text, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(in_places, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(in_our_side, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(of_both_kinds_at_once, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(all_at_once, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(of_names, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(in_code_tables, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(in_schemas, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(corrected, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
