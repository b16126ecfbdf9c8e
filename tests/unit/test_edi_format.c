/* Canonical values into elements and back: every type, lengths, and what must be refused rather than bent. */
#include "test_edi.h"
#include "base/decimal.h"

static const struct row {
    struct element e;
    const char *canonical, *text, *why; /* text NULL: refused, with why in it */
    const char *back;                   /* NULL: the canonical value itself */
} rows[] = {
    /* N: implied decimals, exactly */
    {{.type = TYPE_N, .decimals = 2, .min = 1, .max = 10}, "8129.93", "812993", NULL, NULL},
    {{.type = TYPE_N, .decimals = 2, .min = 1, .max = 10}, "8129.930", "812993", NULL, "8129.93"},
    {{.type = TYPE_N, .decimals = 2, .min = 1, .max = 10},
     "8129.935",
     NULL,
     "has 3 decimals, at most 2 fit",
     NULL},
    {{.type = TYPE_N, .decimals = 2, .min = 1, .max = 10}, "-0.05", "-5", NULL, NULL},
    {{.type = TYPE_N, .decimals = 2, .min = 3, .max = 10}, "-0.05", "-005", NULL, NULL},
    {{.type = TYPE_N, .decimals = 2, .min = 1, .max = 10}, "7", "700", NULL, NULL},
    {{.type = TYPE_N, .decimals = 0, .min = 4, .max = 9}, "12", "0012", NULL, NULL},
    {{.type = TYPE_N, .decimals = 0, .min = 1, .max = 6},
     "1234567",
     NULL,
     "has 7 digits, at most 6 fit",
     NULL},
    {{.type = TYPE_N, .decimals = 0, .min = 1, .max = 6}, "-123456", "-123456", NULL, NULL},
    {{.type = TYPE_N, .decimals = 2, .min = 1, .max = 30}, "999999999999999999", NULL, "too large", NULL},
    {{.type = TYPE_N, .decimals = 0, .min = 1, .max = 6}, "1e3", "1000", NULL, "1000"},
    {{.type = TYPE_N, .decimals = 0, .min = 1, .max = 6}, "many", NULL, "is no number", NULL},
    {{.type = TYPE_N, .decimals = 0, .min = 1, .max = 6}, "1,5", NULL, "is no number", NULL},
    /* R: a point only where it is needed */
    {{.type = TYPE_R, .min = 1, .max = 15}, "34.50", "34.5", NULL, "34.5"},
    {{.type = TYPE_R, .min = 1, .max = 15}, "120.000", "120", NULL, "120"},
    {{.type = TYPE_R, .min = 1, .max = 15}, "0.5", ".5", NULL, NULL},
    {{.type = TYPE_R, .min = 1, .max = 15}, "-0.25", "-.25", NULL, NULL},
    {{.type = TYPE_R, .min = 2, .max = 15}, "0.5", "0.5", NULL, NULL},
    {{.type = TYPE_R, .min = 1, .max = 15}, "0", "0", NULL, NULL},
    {{.type = TYPE_R, .min = 1, .max = 15}, "0.00", "0", NULL, "0"},
    {{.type = TYPE_R, .min = 3, .max = 15}, "7", "007", NULL, NULL},
    {{.type = TYPE_R, .min = 1, .max = 5}, "1234.56", NULL, "has 6 digits, at most 5 fit", NULL},
    {{.type = TYPE_R, .min = 1, .max = 5}, "-123.45", "-123.45", NULL, NULL},
    {{.type = TYPE_R, .min = 1, .max = 15}, "1.2.3", NULL, "is no number", NULL},
    {{.type = TYPE_R, .min = 1, .max = 15}, "12345678901234567890", NULL, "18 digits", NULL},
    /* AN */
    {{.type = TYPE_AN, .min = 1, .max = 6}, "Troms\xc3\xb8", "Troms\xc3\xb8", NULL, NULL},
    {{.type = TYPE_AN, .min = 1, .max = 5}, "Troms\xc3\xb8", NULL, "has 6 characters, at most 5 fit", NULL},
    {{.type = TYPE_AN, .min = 1, .max = 5}, "ab   ", "ab", NULL, "ab"},
    {{.type = TYPE_AN, .min = 1, .max = 5}, " ab", " ab", NULL, NULL},
    {{.type = TYPE_AN, .min = 2, .max = 5}, "a", "a ", NULL, "a"},
    {{.type = TYPE_AN, .min = 1, .max = 50}, "line\nbreak", NULL, "control character", NULL},
    {{.type = TYPE_AN, .min = 1, .max = 50}, "\xff", NULL, "no UTF-8", NULL},
    {{.type = TYPE_AN, .min = 1, .max = 5}, "   ", "", NULL, ""},
    {{.type = TYPE_AN, .min = 1, .max = 5}, "", "", NULL, NULL},
    /* ID without a list */
    {{.type = TYPE_ID, .min = 2, .max = 3}, "EA", "EA", NULL, NULL},
    {{.type = TYPE_ID, .min = 2, .max = 3}, "E", NULL, "has 1 character, at least 2 are needed", NULL},
    {{.type = TYPE_ID, .min = 2, .max = 3}, "EACH", NULL, "has 4 characters, at most 3 fit", NULL},
    /* dates and times */
    {{.type = TYPE_DT, .min = 8, .max = 8}, "2026-03-20", "20260320", NULL, NULL},
    {{.type = TYPE_DT, .min = 8, .max = 8}, "2026-03-20T09:14:55Z", "20260320", NULL, "2026-03-20"},
    {{.type = TYPE_DT, .min = 8, .max = 8}, "20260320", "20260320", NULL, "2026-03-20"},
    {{.type = TYPE_DT, .min = 8, .max = 8}, "2026-02-30", NULL, "is no date", NULL},
    {{.type = TYPE_DT, .min = 8, .max = 8}, "20.03.2026", NULL, "is no date", NULL},
    {{.type = TYPE_DT, .min = 6, .max = 6}, "2026-03-20", "260320", NULL, NULL},
    {{.type = TYPE_DT, .min = 6, .max = 6}, "1999-12-31", "991231", NULL, NULL},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "09:14", "0914", NULL, NULL},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "09:14:55", "091455", NULL, NULL},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "09:14:55.42", "09145542", NULL, NULL},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "09:14:55.4", "0914554", NULL, NULL},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "2026-03-20T09:14:55.427+01:00", "09145542", NULL, "09:14:55.42"},
    {{.type = TYPE_TM, .min = 4, .max = 4}, "09:14:55", "0914", NULL, "09:14"},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "24:00", NULL, "is no time", NULL},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "9:14", NULL, "is no time", NULL},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "noon", NULL, "is no time", NULL},
    {{.type = TYPE_B, .min = 1, .max = 4}, "bytes", NULL, "has 5 bytes, at most 4 fit", NULL},
};

static void formats_every_type(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        const char *why = "unset";
        struct slice text = x12_format(&r->e, slice_of(r->canonical), &b->arena, &why);
        if (!r->text) {
            if (text.ptr || !why || !strstr(why, r->why))
                fail_msg("row %zu, %s: %.*s, %s", i, r->canonical, SLICE_ARG(text), why ? why : "no reason");
            continue;
        }
        if (!text.ptr || !slice_is(text, r->text) || why)
            fail_msg("row %zu, %s: \"%.*s\", %s", i, r->canonical, SLICE_ARG(text), why ? why : "");
        struct slice back = x12_canonical(&r->e, text, &b->arena, &why);
        if (why || !slice_is(back, r->back ? r->back : r->canonical))
            fail_msg("row %zu back, %s: \"%.*s\", %s", i, r->text, SLICE_ARG(back), why ? why : "");
    }
}

static const struct {
    struct element e;
    const char *text, *why;
} wrong[] = {
    {{.type = TYPE_N, .decimals = 2, .min = 1, .max = 10}, "12.5", "decimal point"},
    {{.type = TYPE_N, .decimals = 2, .min = 1, .max = 10}, "abc", "is no number"},
    {{.type = TYPE_R, .min = 1, .max = 10}, "--1", "is no number"},
    {{.type = TYPE_DT, .min = 8, .max = 8}, "20260230", "is no date"},
    {{.type = TYPE_DT, .min = 8, .max = 8}, "2026", "is no date"},
    {{.type = TYPE_TM, .min = 4, .max = 8}, "2561", "is no time"},
};

static void refuses_the_way_back(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *why = NULL;
        struct slice got = x12_canonical(&wrong[i].e, slice_of(wrong[i].text), &b->arena, &why);
        assert_null(got.ptr);
        assert_non_null(strstr(why, wrong[i].why));
    }
}

static void knows_the_dictionary(void **state)
{
    struct bench *b = *state;
    const char *why;
    const struct element *unit = dictionary_element(b->dictionary, "355");
    const struct element *tds = dictionary_element(b->dictionary, "610");
    assert_true(slice_is(x12_format(unit, SLICE("KG"), &b->arena, &why), "KG"));
    assert_null(x12_format(unit, SLICE("Q?"), &b->arena, &why).ptr);
    assert_non_null(strstr(why, "is no code of element 355"));
    assert_true(slice_is(x12_format(tds, SLICE("8129.93"), &b->arena, &why), "812993"));
    x12_format(tds, SLICE("8129.935"), &b->arena, &why);
    assert_string_equal(why, "has 3 decimals, at most 2 fit");
}

/* Any amount of two decimals goes there and back unchanged. */
static void money_goes_round(void **state)
{
    struct bench *b = *state;
    const struct element *tds = dictionary_element(b->dictionary, "610");
    uint64_t seed = 42;
    for (unsigned i = 0; i < 20000; i++) {
        char canonical[DECIMAL_TEXT];
        const char *why;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        struct decimal d = {(int64_t)(seed >> 20) % 10000000000, 2};
        if (seed & 1)
            d.coefficient = -d.coefficient;
        size_t n = decimal_print(d, false, canonical);
        struct slice text = x12_format(tds, slice_make(canonical, n), &b->arena, &why);
        struct slice back = x12_canonical(tds, text, &b->arena, &why);
        assert_true(slice_equal(back, slice_make(canonical, n)));
        if (i % 100 == 0)
            arena_reset(&b->arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_every_type),
        cmocka_unit_test(refuses_the_way_back),
        cmocka_unit_test(knows_the_dictionary),
        cmocka_unit_test(money_goes_round),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
