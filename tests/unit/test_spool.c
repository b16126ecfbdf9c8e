/* spool: names, the tree, moving, finding, the envelope, tampering. */
#include "tree.h"

#include "base/json.h"
#include "spool/document.h"
#include "spool/name.h"
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#define ID "20260321T091455123456-9f3a1c"

/* ---- names ---- */

static void ids_ascend_and_differ(void **state)
{
    (void)state;
    char before[DOCUMENT_NAME_TEXT] = "", id[DOCUMENT_NAME_TEXT], same[DOCUMENT_NAME_TEXT], day[11];
    unsigned destination = 9;
    for (int i = 0; i < 20000; i++) {
        document_id_new(id);
        assert_true(strncmp(before, id, 21) < 0);
        memcpy(before, id, sizeof id);
    }
    assert_true(document_name_parse(id, same, &destination));
    assert_string_equal(id, same);
    assert_int_equal(destination, 0);
    assert_true(document_archive_day(ID ".12", day));
    assert_string_equal(day, "2026/03/21");
    assert_true(document_name_parse(ID ".12", same, &destination));
    assert_string_equal(same, ID);
    assert_int_equal(destination, 12);
}

static void only_ids_are_documents_names(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        ".",
                                        "..",
                                        "claims",
                                        "." ID,
                                        ID ".",
                                        ID ".0",
                                        ID ".01",
                                        ID ".1x",
                                        ID ".-1",
                                        ID ".1000000",
                                        ID "/",
                                        ID "x",
                                        "20260321T091455123456-9F3A1C",
                                        "20260321T091455123456-9f3a1",
                                        "20261321T091455123456-9f3a1c",
                                        "20260230T091455123456-9f3a1c",
                                        "../../../../../../etc/passwd",
                                        "20260321 091455123456-9f3a1c",
                                        ID ".123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (document_name_parse(wrong[i], NULL, NULL))
            fail_msg("%s was taken for a document's name", wrong[i]);
}

static void names_of_any_bytes_come_back_exactly(void **state)
{
    (void)state;
    char encoded[NAME_ENCODED_TEXT], back[SPOOL_NAME_MAX + 1], name[SPOOL_NAME_MAX + 1];
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        size_t len = 1 + (size_t)rand_r(&seed) % SPOOL_NAME_MAX;
        for (size_t k = 0; k < len; k++) {
            int c = rand_r(&seed) % 256;
            name[k] = (char)(c == 0 || c == '/' ? '%' : c);
        }
        name[len] = '\0';
        if (!strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        name_encode(name, encoded);
        json_t *text = json_string(encoded); /* valid UTF-8 */
        assert_non_null(text);
        json_decref(text);
        for (const char *p = encoded; *p; p++)
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
        assert_true(name_decode(encoded, back));
        assert_string_equal(back, name);
    }
    name_encode("Bestellung \xc3\x84 100%.json", encoded);
    assert_string_equal(encoded, "Bestellung \xc3\x84 100%25.json");
    static const char *const wrong[] = {"", ".", "..", "%2F", "a/b", "%00", "%", "%4", "%4x", "%2e%2e"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(name_decode(wrong[i], back));
}

static void extensions_are_tame(void **state)
{
    (void)state;
    static const char *const table[][2] = {{"order.json", ".json"},
                                           {"a.b.X12", ".X12"},
                                           {"order", ".bin"},
                                           {".json", ".bin"},
                                           {"order.", ".bin"},
                                           {"order.js on", ".bin"},
                                           {"order.\xff", ".bin"},
                                           {"order.abcdefghijklmnop", ".abcdefghijklmnop"},
                                           {"order.abcdefghijklmnopq", ".bin"}};
    char extension[18];
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        name_extension(table[i][0], extension);
        assert_string_equal(extension, table[i][1]);
    }
    assert_true(name_plain("orderful-test_2.eu"));
    static const char *const wrong[] = {"", ".x", "..", "a/b", "a b", "\xc3\x84", "a\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(name_plain(wrong[i]));
}

/* ---- the tree ---- */

static void a_spool_that_cannot_be_is_an_error_that_says_why(void **state)
{
    (void)state;
    struct tree t;
    tree_open(&t);
    struct spool s;
    char path[300];
    snprintf(path, sizeof path, "%s/none/spool", t.path);
    assert_int_equal(spool_open(&s, path, &t.findings), -1);
    assert_int_equal(errno, ENOENT);
    snprintf(path, sizeof path, "%s/file", t.path);
    assert_int_equal(file_write(AT_FDCWD, path, SLICE("x"), 0600, true), 0);
    assert_int_equal(spool_open(&s, path, &t.findings), -1);
    snprintf(path, sizeof path, "%s/other", t.path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/other/outbox", t.path);
    assert_int_equal(symlink("/tmp", path), 0);
    snprintf(path, sizeof path, "%s/other", t.path);
    assert_int_equal(spool_open(&s, path, &t.findings), -1);
    assert_int_equal(t.findings.errors, 3);
    assert_true(tree_said(&t, "spool.open"));
    tree_close(&t);
}

static void a_move_never_replaces_and_makes_its_day(void **state)
{
    (void)state;
    struct tree t;
    struct spool *s = &tree_open(&t)->spool;
    tree_put(&t, "translate/" ID "/source.json", "{}");
    assert_int_equal(spool_move(s, s->stage[STAGE_TRANSLATE], ID, STAGE_OUTBOX, "../x", ID ".1"), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(spool_move(s, s->stage[STAGE_TRANSLATE], ID, STAGE_OUTBOX, "fjord", "../x"), -1);
    assert_int_equal(spool_move(s, s->stage[STAGE_TRANSLATE], ID, STAGE_INBOX, NULL, ID), -1);
    assert_int_equal(spool_move(s, s->stage[STAGE_TRANSLATE], ID ".9", STAGE_ERROR, NULL, ID ".9"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(spool_move(s, s->stage[STAGE_TRANSLATE], ID, STAGE_OUTBOX, "fjord", ID ".1"), 0);
    assert_true(tree_has(&t, "outbox/fjord/" ID ".1/source.json"));
    int outbox = spool_outbox(s, "fjord");
    assert_int_equal(spool_move(s, outbox, ID ".1", STAGE_ARCHIVE, NULL, ID ".1"), 0);
    assert_true(tree_has(&t, "archive/2026/03/21/" ID ".1/source.json"));
    tree_put(&t, "error/" ID "/source.json", "another");
    assert_int_equal(spool_move(s, s->stage[STAGE_ERROR], ID, STAGE_ARCHIVE, NULL, ID ".1"), -1);
    assert_int_equal(errno, EEXIST);
    assert_string_equal(tree_text(&t, "archive/2026/03/21/" ID ".1/source.json"), "{}");
    assert_int_equal(spool_sync(s), 0);
    assert_int_equal(spool_settle(s), 0);
    assert_int_equal(spool_settle(s), 0);
    tree_close(&t);
}

static void an_outbox_made_anew_under_us_is_found(void **state)
{
    (void)state;
    struct tree t;
    struct spool *s = &tree_open(&t)->spool;
    int first = spool_outbox(s, "fjord");
    assert_true(first >= 0);
    assert_int_equal(spool_outbox(s, "fjord"), first);
    assert_int_equal(renameat(s->stage[STAGE_OUTBOX], "fjord", s->stage[STAGE_OUTBOX], "old"), 0);
    tree_put(&t, "translate/" ID "/source.json", "{}");
    assert_int_equal(spool_move(s, s->stage[STAGE_TRANSLATE], ID, STAGE_OUTBOX, "fjord", ID ".1"), 0);
    assert_true(tree_has(&t, "outbox/fjord/" ID ".1"));
    assert_int_equal(symlinkat("/tmp", s->stage[STAGE_OUTBOX], "link"), 0);
    assert_int_equal(spool_outbox(s, "link"), -1);
    tree_close(&t);
}

static void many_days_and_endpoints_stay_within_bounds(void **state)
{
    (void)state;
    struct tree t;
    struct spool *s = &tree_open(&t)->spool;
    char name[DOCUMENT_NAME_TEXT], path[100], found[512];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "2026%02d%02dT091455123456-%06x", i % 12 + 1, i % 28 + 1, i);
        snprintf(path, sizeof path, "translate/%s/source.json", name);
        tree_put(&t, path, "{}");
        assert_int_equal(spool_move(s, s->stage[STAGE_TRANSLATE], name, STAGE_ARCHIVE, NULL, name), 0);
        snprintf(path, sizeof path, "e%d", i % 60);
        assert_true(spool_outbox(s, path) >= 0);
        assert_true(spool_find(s, name, found));
    }
    assert_int_equal(tree_count(&t, "/proc/self/fd", NULL) < 190, true);
    assert_int_equal(spool_settle(s), 0);
    assert_int_equal(tree_count(&t, "outbox", NULL), 60);
    tree_close(&t);
}

static void a_document_is_found_in_every_stage(void **state)
{
    (void)state;
    struct tree t;
    struct spool *s = &tree_open(&t)->spool;
    static const char *const place[] = {"translate/" ID, "translate/.work-3/" ID, "outbox/fjord/" ID,
                                        "archive/2026/03/21/" ID, "error/" ID};
    char path[512];
    assert_false(spool_find(s, ID, path));
    assert_false(spool_find(s, "../../etc", path));
    for (size_t i = 0; i < 5; i++) {
        char file[600];
        snprintf(file, sizeof file, "%s/source.json", place[i]);
        tree_put(&t, file, "{}");
        assert_true(spool_find(s, ID, path));
        assert_string_equal(path, place[i]);
        assert_false(spool_find(s, ID ".1", path));
        assert_int_equal(file_remove_tree(s->root, place[i]), 0);
    }
    tree_close(&t);
}

/* ---- the envelope ---- */

static void open_put(struct tree *t, struct document *d, const char *name)
{
    assert_int_equal(document_open(d, t->spool.stage[STAGE_TRANSLATE], name, &t->findings), 0);
}

static void an_envelope_is_kept_and_read_again(void **state)
{
    (void)state;
    struct tree t;
    struct document d;
    tree_open(&t);
    tree_put(&t, "translate/" ID "/source.json", "{}");
    open_put(&t, &d, ID);
    assert_true(json_is_true(json_object_get(d.envelope, "recovered")));
    document_set(&d, "partner", "fjord");
    document_set(&d, "number", "a\xff\x01");
    document_set_integer(&d, "control_number", 17);
    document_note(&d, "unit", "noted %d \xff", 1);
    assert_int_equal(document_save(&d), 0);
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    open_put(&t, &d, ID);
    assert_string_equal(document_text(&d, "id"), ID);
    assert_string_equal(document_text(&d, "number"), "a\\xff\\x01");
    assert_string_equal(document_text(&d, "history.1.what"), "noted 1 \\xff");
    assert_int_equal(json_integer_at(d.envelope, "control_number", 0), 17);
    document_set(&d, "partner", NULL);
    assert_null(document_text(&d, "partner"));
    document_close(&d);
    assert_int_equal(tree_count(&t, "translate/" ID, NULL), 2);
    tree_close(&t);
}

static void a_broken_envelope_is_made_anew(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "", "{", "[]", "\"x\"", "{\"id\":\"" ID "\",\"id\":1}", "{\"id\":\"\xff\"}"};
    struct tree t;
    struct document d;
    tree_open(&t);
    tree_put(&t, "translate/" ID ".2/source.json", "{}");
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        tree_put(&t, "translate/" ID ".2/document.json", broken[i]);
        open_put(&t, &d, ID ".2");
        assert_true(json_is_true(json_object_get(d.envelope, "recovered")));
        assert_int_equal(json_integer_at(d.envelope, "destination", 0), 2);
        assert_int_equal(document_save(&d), 0);
        document_close(&d);
    }
    /* a folder somebody gave another name keeps what it says */
    tree_put(&t, "translate/" ID ".2/document.json",
             "{\"id\":\"20250321T091455123456-9f3a1c\",\"partner\":\"p\"}");
    open_put(&t, &d, ID ".2");
    assert_string_equal(document_text(&d, "partner"), "p");
    assert_string_equal(document_text(&d, "id"), ID);
    document_close(&d);
    assert_int_equal(unlinkat(t.spool.root, "translate/" ID ".2/document.json", 0), 0);
    assert_int_equal(symlinkat("/etc/passwd", t.spool.root, "translate/" ID ".2/document.json"), 0);
    open_put(&t, &d, ID ".2");
    assert_true(json_is_true(json_object_get(d.envelope, "recovered")));
    document_close(&d);
    tree_put(&t, "translate/20260321T091455123457-9f3a1c", "a file");
    assert_int_equal(
        document_open(&d, t.spool.stage[STAGE_TRANSLATE], "20260321T091455123457-9f3a1c", &t.findings), -1);
    assert_int_equal(document_open(&d, t.spool.stage[STAGE_TRANSLATE], "..", &t.findings), -1);
    tree_close(&t);
}

/* Until the sync the old envelope stays whole beside the new one, which is the one that counts when it is
 * whole. */
static void an_envelope_is_replaced_after_the_sync(void **state)
{
    (void)state;
    struct tree t;
    struct document d, other;
    tree_open(&t);
    tree_put(&t, "translate/" ID "/document.json", "{\"id\":\"" ID "\",\"partner\":\"old\"}");
    open_put(&t, &d, ID);
    document_set(&d, "partner", "new");
    assert_int_equal(document_save(&d), 0);
    assert_non_null(strstr(tree_text(&t, "translate/" ID "/document.json"), "old"));
    open_put(&t, &other, ID); /* as after a kill */
    assert_string_equal(document_text(&other, "partner"), "new");
    document_close(&other);
    assert_true(tree_has(&t, "translate/" ID "/.document.json"));
    document_set(&d, "partner", "newer");
    assert_int_equal(document_save(&d), 0);
    assert_int_equal(spool_sync(&t.spool), 0);
    assert_non_null(strstr(tree_text(&t, "translate/" ID "/document.json"), "newer"));
    assert_false(tree_has(&t, "translate/" ID "/.document.json"));
    document_set(&d, "partner", "newest");
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    assert_non_null(strstr(tree_text(&t, "translate/" ID "/document.json"), "newest"));
    assert_false(tree_has(&t, "translate/" ID "/.document.json"));
    static const char *const cut[] = {"", "{\"id\":\"" ID "\",\"partner\":\"cu", "[]"};
    for (size_t i = 0; i < 3; i++) { /* as after a loss of power */
        tree_put(&t, "translate/" ID "/.document.json", cut[i]);
        open_put(&t, &d, ID);
        assert_string_equal(document_text(&d, "partner"), "newest");
        document_close(&d);
    }
    tree_close(&t);
}

static void the_source_is_never_another(void **state)
{
    (void)state;
    struct tree t;
    struct document d;
    struct buffer b = {0};
    char file[SPOOL_NAME_MAX + 1];
    bool corrected;
    tree_open(&t);
    tree_put(&t, "translate/" ID "/source.json", "received");
    open_put(&t, &d, ID);
    assert_int_equal(document_source(&d, file, &corrected, &t.findings), 0);
    assert_string_equal(file, "source.json");
    assert_int_equal(document_read(&d, file, &b, &t.findings), 0); /* notes the hash */
    assert_int_equal(json_integer_at(d.envelope, "source.size", 0), 8);
    assert_int_equal(document_write(&d, "canonical", "canonical.json", SLICE("{}")), 0);
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    /* an operator edits the source instead of writing corrected.json */
    tree_put(&t, "translate/" ID "/source.json", "altered");
    open_put(&t, &d, ID);
    buffer_clear(&b);
    assert_int_equal(document_read(&d, "source.json", &b, &t.findings), -1);
    assert_int_equal(errno, EBADMSG);
    assert_int_equal(b.len, 0);
    assert_true(tree_said(&t, "spool.source.altered"));
    assert_non_null(strstr(t.findings.first->todo, "corrected."));
    assert_int_equal(document_verify(&d, &t.findings), 1);
    tree_put(&t, "translate/" ID "/corrected.json", "right");
    assert_int_equal(document_source(&d, file, &corrected, &t.findings), 0);
    assert_string_equal(file, "corrected.json");
    assert_true(corrected);
    assert_int_equal(document_read(&d, file, &b, &t.findings), 0);
    assert_string_equal(document_text(&d, "corrected.file"), "corrected.json");
    tree_put(&t, "translate/" ID "/corrected.json", "right again"); /* a correction may be corrected */
    assert_int_equal(document_read(&d, file, &b, &t.findings), 0);
    assert_int_equal(json_integer_at(d.envelope, "corrected.size", 0), 11);
    tree_put(&t, "translate/" ID "/corrected.csv", "second");
    assert_int_equal(document_source(&d, file, &corrected, &t.findings), -1);
    assert_true(tree_said(&t, "spool.corrected.several"));
    document_close(&d);
    buffer_free(&b);
    tree_close(&t);
}

static void tampering_is_seen(void **state)
{
    (void)state;
    struct tree t;
    struct document d;
    struct buffer b = {0};
    tree_open(&t);
    tree_put(&t, "translate/" ID "/source.json", "received");
    open_put(&t, &d, ID);
    assert_int_equal(document_read(&d, "source.json", &b, &t.findings), 0);
    assert_int_equal(document_write(&d, "canonical", "canonical.json", SLICE("{}")), 0);
    assert_int_equal(document_write(&d, "message", "message.x12", SLICE("ISA")), 0);
    assert_int_equal(document_save(&d), 0);
    assert_int_equal(document_verify(&d, &t.findings), 0);
    tree_put(&t, "translate/" ID "/message.x12", "ISB");
    assert_int_equal(document_read(&d, "message.x12", &b, &t.findings), -1);
    assert_true(tree_said(&t, "spool.content.altered"));
    assert_int_equal(document_verify(&d, &t.findings), 1);
    assert_int_equal(unlinkat(d.folder, "canonical.json", 0), 0);
    assert_int_equal(document_verify(&d, &t.findings), 2);
    assert_int_equal(unlinkat(d.folder, "source.json", 0), 0);
    assert_int_equal(symlinkat("/etc/passwd", d.folder, "source.json"), 0);
    assert_int_equal(document_verify(&d, &t.findings), 3);
    assert_int_equal(document_read(&d, "source.json", &b, &t.findings), -1);
    assert_int_equal(document_read(&d, "../" ID "/message.x12", &b, &t.findings), -1);
    document_close(&d);
    buffer_free(&b);
    tree_close(&t);
}

static void error_txt_says_what_where_and_the_way_back(void **state)
{
    (void)state;
    struct tree t;
    struct document d;
    tree_open(&t);
    tree_put(&t, "translate/" ID "/source.json", "received");
    open_put(&t, &d, ID);
    document_set(&d, "type", "order");
    document_set(&d, "number", "PO-1");
    document_set(&d, "endpoint", "fjord");
    assert_int_equal(document_write_error(&d, &t.findings, "translate"), 0);
    assert_null(
        strstr(tree_text(&t, "translate/" ID "/error.txt"), "retry")); /* nobody knows where it came from */
    assert_int_equal(unlinkat(t.spool.root, "translate/" ID "/error.txt", 0), 0);
    json_object_set_new(d.envelope, "source", json_pack("{s:s,s:s}", "name", "erp", "stored", "source.json"));
    finding_add(&t.findings, SEVERITY_ERROR, "map.code", "lines[2].uom", "Add it to the table.",
                "PALLE2 is no unit.");
    assert_int_equal(document_take(&d, "translate"), 0);
    for (int k = 1; k <= 3; k++) {
        assert_int_equal(document_write_error(&d, &t.findings, k == 3 ? "outbox" : "translate"), 0);
        const char *text = tree_text(&t, "translate/" ID "/error.txt");
        assert_non_null(strstr(text, "order PO-1 could not be "));
        assert_non_null(
            strstr(text, "PALLE2 is no unit.\n  where: lines[2].uom\n  what to do: Add it to the table."));
        assert_non_null(strstr(text, "say: spoolgate retry " ID "\n"));
        assert_non_null(strstr(text, "mv error/" ID " translate/"));
        assert_non_null(strstr(text, "cp error/" ID "/source.json error/" ID "/corrected.json\n"));
        assert_true((strstr(text, "mv error/" ID " outbox/fjord/") != NULL) == (k == 3));
        assert_string_equal(document_text(&d, "failed_in"), k == 3 ? "outbox" : "translate");
        assert_int_equal(document_take(&d, "translate"), 1);
        assert_null(document_text(&d, "failed_in"));
    }
    assert_true(tree_has(&t, "translate/" ID "/error-3.txt"));
    assert_false(tree_has(&t, "translate/" ID "/error.txt"));
    document_close(&d);
    tree_close(&t);
}

/* ---- a full disk ---- */

static void a_full_disk_leaves_nothing_half(void **state)
{
    (void)state;
    struct tree t;
    struct document d;
    struct spool small;
    char path[300];
    static char bytes[300 * 1024];
    tree_open(&t);
    snprintf(path, sizeof path, "%s/small", t.path);
    assert_int_equal(mkdir(path, 0700), 0);
    if (mount("none", path, "tmpfs", 0, "size=256k") < 0) {
        print_message("# no small filesystem can be mounted here (%s)\n", strerror(errno));
        tree_close(&t);
        skip();
    }
    assert_int_equal(spool_open(&small, path, &t.findings), 0);
    assert_int_equal(mkdirat(small.stage[STAGE_TRANSLATE], ID, 0700), 0);
    assert_int_equal(document_open(&d, small.stage[STAGE_TRANSLATE], ID, &t.findings), 0);
    assert_int_equal(document_save(&d), 0);
    assert_int_equal(document_write(&d, "message", "message.x12", slice_make(bytes, sizeof bytes)), -1);
    int error = errno;
    int rest = file_write(d.folder, "rest", slice_make(bytes, 200 * 1024), 0600, true);
    for (int i = 0; i < 100; i++) { /* fill it to the last page */
        char name[16];
        snprintf(name, sizeof name, "f%d", i);
        if (file_write(d.folder, name, slice_make(bytes, 4096), 0600, true) < 0)
            break;
    }
    document_note(&d, "unit", "cannot be saved");
    int saved = document_save(&d), why = errno;
    document_close(&d);
    struct buffer b = {0};
    int read = file_read(small.stage[STAGE_TRANSLATE], ID "/document.json", 10000, &b);
    bool half = faccessat(small.stage[STAGE_TRANSLATE], ID "/message.x12", F_OK, 0) == 0 ||
                faccessat(small.stage[STAGE_TRANSLATE], ID "/.document.json", F_OK, 0) == 0;
    spool_close(&small);
    assert_int_equal(umount(path), 0);
    assert_int_equal(error, ENOSPC);
    assert_int_equal(rest, 0);
    assert_int_equal(saved, -1);
    assert_int_equal(why, ENOSPC);
    assert_int_equal(read, 0);
    assert_non_null(strstr(b.ptr, "\"id\": \"" ID "\""));
    assert_null(strstr(b.ptr, "cannot be saved"));
    assert_false(half);
    buffer_free(&b);
    tree_close(&t);
}

static void saving_is_cheap(void **state)
{
    (void)state;
    struct tree t;
    struct document d;
    struct timespec a, b;
    tree_open(&t);
    tree_put(&t, "translate/" ID "/source.json", "received");
    open_put(&t, &d, ID);
    for (int i = 0; i < 30; i++) {
        char member[32];
        snprintf(member, sizeof member, "member%d", i);
        document_set(&d, member, "a value of usual length");
    }
    for (int i = 0; i < 3; i++)
        document_note(&d, "translator 1", "translated by map x12/850");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (int i = 0; i < 2000; i++) {
        struct buffer text = {0};
        json_print(d.envelope, &text);
        buffer_free(&text);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    double micro = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 2000 / 1000;
    print_message("# printing an envelope of 30 members: %.1f microseconds\n", micro);
    document_close(&d);
    tree_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_ascend_and_differ),
        cmocka_unit_test(only_ids_are_documents_names),
        cmocka_unit_test(names_of_any_bytes_come_back_exactly),
        cmocka_unit_test(extensions_are_tame),
        cmocka_unit_test(a_spool_that_cannot_be_is_an_error_that_says_why),
        cmocka_unit_test(a_move_never_replaces_and_makes_its_day),
        cmocka_unit_test(an_outbox_made_anew_under_us_is_found),
        cmocka_unit_test(many_days_and_endpoints_stay_within_bounds),
        cmocka_unit_test(a_document_is_found_in_every_stage),
        cmocka_unit_test(an_envelope_is_kept_and_read_again),
        cmocka_unit_test(a_broken_envelope_is_made_anew),
        cmocka_unit_test(an_envelope_is_replaced_after_the_sync),
        cmocka_unit_test(the_source_is_never_another),
        cmocka_unit_test(tampering_is_seen),
        cmocka_unit_test(error_txt_says_what_where_and_the_way_back),
        cmocka_unit_test(a_full_disk_leaves_nothing_half),
        cmocka_unit_test(saving_is_cheap),
    };
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
