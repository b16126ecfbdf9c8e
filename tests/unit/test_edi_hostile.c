/* Any bytes at all: an answer, never a crash, a hang or an endless answer. Run under the sanitizers
 * (--enable-sanitizers) this reads every length and every changed byte of a good interchange from memory that
 * ends where the input ends. */
#include "base/file.h"
#include "syntax/syntax.h"
#include "test_edi.h"
#include <dirent.h>
#include <fcntl.h>

struct result {
    unsigned good, bad;
    int last; /* 0 or -1 */
};

/* Reads all of it; every good tree must be writable again, every -1 must say why. */
static struct result read_all(struct bench *b, struct slice text)
{
    struct result result = {0, 0, 0};
    struct findings f = {.arena = &b->arena};
    struct x12_header h;
    struct node *set;
    arena_reset(&b->arena);
    struct x12_reader *r = x12_reader_open(b->library, text, &f);
    if (!r) {
        assert_true(f.errors > 0);
        result.last = -1;
        return result;
    }
    while ((result.last = x12_reader_next(r, &h, &set, &f)) > 0) {
        result.good += result.last == 1;
        result.bad += result.last == 2;
        assert_true(result.last == 1 ? set && !f.errors : !set && f.errors);
    }
    assert_true(result.last == 0 || f.errors);
    assert_int_equal(x12_reader_next(r, &h, &set, &f), 0); /* an end is an end */
    x12_reader_close(r);
    return result;
}

/* From memory of exactly that size, so that a sanitizer sees each byte read beyond it. */
static struct result read_copy(struct bench *b, const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    struct result result = read_all(b, slice_make(copy, len));
    struct findings f = {.arena = &b->arena};
    struct buffer shown = {0};
    arena_reset(&b->arena);
    x12_print_readable(slice_make(copy, len), b->library, &shown, &f);
    buffer_free(&shown);
    free(copy);
    return result;
}

static void every_length(void **state)
{
    struct bench *b = *state;
    interchange_of(&b->text, "850", ORDER);
    for (size_t n = 0; n + 1 < b->text.len; n++)
        assert_int_equal(read_copy(b, b->text.ptr, n).last, -1);
    /* only the last terminator may be missing */
    assert_int_equal(read_copy(b, b->text.ptr, b->text.len - 1).last, 0);
    struct result whole = read_copy(b, b->text.ptr, b->text.len);
    assert_int_equal(whole.good, 1);
    assert_int_equal(whole.last, 0);
}

static void every_byte_changed(void **state)
{
    static const char bytes[] = {'*', '~', '>', '\0', '\xff', '\xc3', 'A',
                                 '9', ' ', '-', '.',  '\n',   '\r',   '\x1a'};
    struct bench *b = *state;
    interchange_of(&b->text, "850", ORDER);
    for (size_t i = 0; i < b->text.len; i++) {
        char kept = b->text.ptr[i];
        for (size_t j = 0; j < sizeof bytes; j++) {
            b->text.ptr[i] = bytes[j];
            read_copy(b, b->text.ptr, b->text.len);
        }
        b->text.ptr[i] = kept;
    }
}

/* A repetition separator makes other ways through the elements. */
static void every_byte_changed_with_repetitions(void **state)
{
    static const char bytes[] = {'^', '>', '*', '~', '\xe2'};
    struct bench *b = *state;
    interchange_of(&b->text, "850", "BEG*00*SA*X**20260312\nREF*IA*1**IA>1\nMEA**WT*5*KG>1>2\nPO1*1*1*EA\n");
    b->text.ptr[82] = '^';
    memcpy(b->text.ptr + 84, "00501", 5);
    for (size_t i = 106; i < b->text.len; i++) {
        char kept = b->text.ptr[i];
        for (size_t j = 0; j < sizeof bytes; j++) {
            b->text.ptr[i] = bytes[j];
            read_copy(b, b->text.ptr, b->text.len);
        }
        b->text.ptr[i] = kept;
    }
}

/* Reproducible noise inside a good frame. */
static void noise(void **state)
{
    struct bench *b = *state;
    uint64_t seed = 4711;
    for (unsigned round = 0; round < 3000; round++) {
        interchange_of(&b->text, "850", ORDER);
        for (unsigned k = 0; k < 1 + round % 8; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            b->text.ptr[(seed >> 33) % b->text.len] = (char)(seed >> 24);
        }
        read_copy(b, b->text.ptr, b->text.len);
    }
}

static void hostile_files(void **state)
{
    struct bench *b = *state;
    char directory[1024], path[2048];
    unsigned files = 0;
    snprintf(directory, sizeof directory, "%s/tests/corpus/hostile/x12", source_directory());
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (!slice_ends(slice_of(e->d_name), SLICE(".x12")))
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        buffer_clear(&b->text);
        assert_int_equal(file_read(AT_FDCWD, path, 1u << 20, &b->text), 0);
        struct result r = read_copy(b, b->text.ptr ? b->text.ptr : "", b->text.len);
        if (r.last == 0 && r.bad == 0)
            fail_msg("%s was taken", e->d_name);
        files++;
    }
    closedir(d);
    assert_true(files >= 15);
}

static void a_million_elements(void **state)
{
    struct bench *b = *state;
    buffer_clear(&b->text);
    buffer_text(&b->text, ISA_TEXT GS_PO "ST*850*0001~BEG");
    for (unsigned i = 0; i < 1000000; i++)
        buffer_byte(&b->text, '*');
    buffer_text(&b->text, "~SE*3*0001~GE*1*42~IEA*1*000000042~");
    struct result r = read_copy(b, b->text.ptr, b->text.len);
    assert_int_equal(r.last, -1);
    assert_int_equal(r.good, 0);
}

static void a_segment_without_end(void **state)
{
    struct bench *b = *state;
    buffer_clear(&b->text);
    buffer_text(&b->text, ISA_TEXT GS_PO "ST*850*0001~MSG*");
    for (unsigned i = 0; i < 3000000; i++)
        buffer_byte(&b->text, 'x');
    buffer_text(&b->text, "~SE*3*0001~GE*1*42~IEA*1*000000042~");
    assert_int_equal(read_copy(b, b->text.ptr, b->text.len).last, -1);
}

/* A set that is wrong in every segment is told in bounded memory. */
static void a_million_faults(void **state)
{
    struct bench *b = *state;
    buffer_clear(&b->text);
    buffer_text(&b->text, ISA_TEXT GS_PO "ST*850*0001~");
    for (unsigned i = 0; i < 200000; i++)
        buffer_text(&b->text, "QQQ~");
    buffer_text(&b->text, "SE*200002*0001~GE*1*42~IEA*1*000000042~");
    struct findings f = {.arena = &b->arena};
    struct x12_header h;
    struct node *set;
    struct x12_reader *r = x12_reader_open(b->library, buffer_as_slice(&b->text), &f);
    assert_int_equal(x12_reader_next(r, &h, &set, &f), 2);
    assert_int_equal(f.errors, 200002); /* and BEG and PO1 are missing */
    assert_int_equal(f.kept, 100);
    assert_int_equal(f.dropped, 199902);
    assert_true(arena_used(&b->arena) < 2u << 20);
    assert_int_equal(x12_reader_next(r, &h, &set, &f), 0);
    x12_reader_close(r);
}

/* Whatever is taken is written again and read again as the same. */
static void what_is_taken_can_be_written(void **state)
{
    struct bench *b = *state;
    struct buffer out = {0};
    struct arena arena = {0};
    uint64_t seed = 99;
    unsigned taken = 0;
    for (unsigned round = 0; round < 4000; round++) {
        struct findings f = {.arena = &arena};
        interchange_of(&b->text, "850", ORDER);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        b->text.ptr[120 + (seed >> 33) % (b->text.len - 160)] = (char)(0x20 + (seed >> 20) % 0x5f);
        struct syntax_options o = {.dictionaries = b->library, .envelope = &test_envelope};
        struct node *set = syntax_x12.read(&o, buffer_as_slice(&b->text), &f);
        buffer_clear(&out);
        if (set && !f.warnings) {
            taken++;
            assert_int_equal(syntax_x12.write(&o, set, &out, &f), 0);
            assert_int_equal(read_all(b, buffer_as_slice(&out)).good, 1);
        }
        arena_reset(&arena);
    }
    assert_true(taken > 500);
    buffer_free(&out);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_byte_changed),
        cmocka_unit_test(every_byte_changed_with_repetitions),
        cmocka_unit_test(noise),
        cmocka_unit_test(hostile_files),
        cmocka_unit_test(a_million_elements),
        cmocka_unit_test(a_segment_without_end),
        cmocka_unit_test(a_million_faults),
        cmocka_unit_test(what_is_taken_can_be_written),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
