/* site: a spool with a configuration, a partner and a translator of its own, for tests of what a translator
 * does. */
#ifndef SPOOLGATE_TESTS_UNIT_SITE_H
#define SPOOLGATE_TESTS_UNIT_SITE_H

#include "tree.h"

#include "base/date.h"
#include "base/json.h"
#include "role/gather.h"
#include "role/hand.h"

struct site {
    struct tree tree;
    struct config *config;
    struct translator w;
    struct gatherer *gatherer;
};

static const char *const site_configuration =
    "[spoolgate]\nspool = spool\nstate = state.db\ngroup = 16\n"
    "[us]\nname = Us\nisa_id = US\n"
    "[endpoint one]\nadapter = directory\ndirectory = %s/one\n"
    "[endpoint two]\nadapter = directory\ndirectory = %s/two\n"
    "[route orders]\nsource = erp\nfile = order-*\nmap = visma/purchase-order\n"
    "[route interchanges]\nsource = customer\nmap = x12/850\n";
static const char *const site_partner =
    "[partner fjord]\nname = Fjord AS\nerp_id = 50000\nusage = test\nisa_id = FJORD\n"
    "[send order]\nform = x12\nmap = x12/850\nendpoint = one\nfile_name = PO-{number}.x12\n";
static struct sending site_second = {
    .type = "order", .form = "x12", .map = "x12/850", .endpoint = "two", .file_name = "{number}.x12"};

static inline const char *top(void)
{
    const char *dir = getenv("top_srcdir");
    return dir ? dir : ".";
}

static inline void put_below(struct site *s, const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", s->tree.path, name);
    assert_int_equal(file_write(AT_FDCWD, path, slice_of(text), 0640, false), 0);
}

static inline void open_translator(struct site *s, int slot)
{
    struct findings *f = &s->tree.findings;
    s->w = (struct translator){.config = s->config, .work.dir = -1, .hand = -1};
    snprintf(s->w.role, sizeof s->w.role, "translator %d", slot);
    assert_int_equal(spool_open(&s->w.spool, s->config->spool, f), 0);
    s->w.state = state_open(s->config->state, f);
    assert_non_null(s->w.state);
    s->w.maps = map_library_open(s->config->map_directories);
    assert_non_null(s->w.maps);
    assert_int_equal(work_open(&s->w.work, &s->w.spool, slot), 0);
    assert_int_equal(hand_open(&s->w), 0);
    s->gatherer = gatherer_open(&s->w);
    assert_non_null(s->gatherer);
}

static inline void close_translator(struct site *s)
{
    gatherer_close(s->gatherer);
    hand_close(&s->w);
    work_close(&s->w.work);
    map_library_close(s->w.maps);
    state_close(s->w.state);
    spool_close(&s->w.spool);
    arena_free(&s->w.arena);
}

static inline void site_open(struct site *s, bool two_destinations)
{
    char translators[400], path[400], text[1200];
    *s = (struct site){0};
    tree_open(&s->tree);
    snprintf(translators, sizeof translators, "%s/translators", top());
    setenv("SPOOLGATE_TRANSLATORS", translators, 1);
    snprintf(path, sizeof path, "%s/partners.d", s->tree.path);
    assert_int_equal(mkdir(path, 0750), 0);
    snprintf(text, sizeof text, site_configuration, s->tree.path, s->tree.path);
    put_below(s, "spoolgate.conf", text);
    put_below(s, "partners.d/fjord.conf", site_partner);
    snprintf(path, sizeof path, "%s/spoolgate.conf", s->tree.path);
    s->config = config_load(path, &s->tree.findings);
    if (!s->config) {
        struct buffer b = {0};
        findings_print(&s->tree.findings, &b);
        fail_msg("%s", b.ptr);
    }
    if (two_destinations)
        s->config->partners->sendings->next = &site_second;
    open_translator(s, 1);
}

static inline void site_close(struct site *s)
{
    close_translator(s);
    config_free(s->config);
    tree_close(&s->tree);
}

/* The sample order under another number and quantity, as bytes. */
static inline const char *order(struct site *s, const char *number, const char *quantity)
{
    char path[500];
    json_error_t error;
    snprintf(path, sizeof path, "%s/samples/documents/visma-purchase-order.json", top());
    json_t *o = json_load_file(path, 0, &error);
    assert_non_null(o);
    json_object_set_new(o, "orderNbr", json_string(number));
    json_object_set_new(json_array_get(json_object_get(o, "lines"), 0), "orderQty",
                        json_integer(atoi(quantity)));
    char *text = json_dumps(o, JSON_INDENT(1));
    const char *kept = arena_text(&s->tree.arena, slice_of(text));
    free(text);
    json_decref(o);
    return kept;
}

/* One look; the number of folders that were handled. */
static inline size_t look(struct site *s)
{
    struct group g = {0};
    gatherer_notice(s->gatherer, true);
    assert_int_equal(gatherer_claim(s->gatherer, &g), 0);
    if (g.count)
        assert_int_equal(group_process(&s->w, &g), 0);
    size_t n = g.count;
    group_free(&g);
    gatherer_release(s->gatherer);
    arena_reset(&s->w.arena);
    return n;
}

static inline json_t *envelope(struct site *s, const char *folder)
{
    json_error_t error;
    char path[700];
    snprintf(path, sizeof path, "%s/document.json", folder);
    json_t *e = json_loads(tree_text(&s->tree, path), 0, &error);
    assert_non_null(e);
    return e;
}

static inline void only(struct site *s, const char *stage, char path[600])
{
    char name[256];
    assert_int_equal(tree_count(&s->tree, stage, name), 1);
    snprintf(path, 600, "%s/%s", stage, name);
}

/* The one of two that is not called name. */
static inline void only_other(struct site *s, const char *stage, const char *name, char path[600])
{
    int fd = openat(s->tree.spool.root, stage, O_RDONLY | O_DIRECTORY);
    DIR *d = fdopendir(fd);
    struct dirent *e;
    path[0] = '\0';
    while ((e = readdir(d)))
        if (e->d_name[0] != '.' && strcmp(e->d_name, name) != 0)
            snprintf(path, 600, "%s/%s", stage, e->d_name);
    closedir(d);
    assert_true(path[0]);
}

static inline const char *file_text(struct site *s, const char *folder, const char *file)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return tree_text(&s->tree, path);
}

#endif
