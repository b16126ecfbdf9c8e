/* config: what is read, and that every mistake is named with its file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/word.h"

#include "base/file.h"
#include "base/log.h"
#include "route/sections.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct site { /* a configuration in a folder of its own */
    char path[256], file[300];
    int dir;
    struct arena arena;
    struct findings findings;
    struct config *config;
};

#define MAIN                                                                                                 \
    "[spoolgate]\nspool = spool\n[us]\nname = Nordmat AS\nisa_id = NORDMATBUY\ntest_isa_id = NORDMATBUYT\n"  \
    "[endpoint visma]\nadapter = visma\nurl = https://erp.example\ntoken_url = https://id.example/token\n"   \
    "client_id = c\nclient_secret = s\ntenant_id = t\nstart = 2026-11-01T00:00:00\n"                         \
    "[endpoint out]\nadapter = directory\ndirectory = /tmp\n"                                                \
    "[route orders]\nsource = visma\nfile = purchaseorder-*.json\nmap = visma/purchase-order\n"
#define PARTNER                                                                                              \
    "[partner fjord]\nerp_id = 50000 50009\nusage = test\nisa_id = FJORDSELL\ntest_isa_id = FJORDSELLT\n"    \
    "[variables]\nvendor_number = 7\n"                                                                       \
    "[send order]\nform = x12\nmap = x12/850\nendpoint = out\nfile_name = PO-{number}.x12\n"

#define GOOD_PARTNER                                                                                         \
    "[partner fjord]\nerp_id = 50000 50009\nusage = test\nisa_id = FJORDSELL\ntest_isa_id = FJORDSELLT\n"    \
    "[send order]\nform = x12\nmap = x12/850\nendpoint = out\nfile_name = PO-{number}.x12\n"

static struct site *site_open(struct site *s, const char *main_text, const char *partner_text)
{
    const char *base = getenv("TMPDIR");
    *s = (struct site){0};
    s->findings = (struct findings){.arena = &s->arena, .limit = 1000};
    snprintf(s->path, sizeof s->path, "%s/spoolgate-unit-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(s->path));
    snprintf(s->file, sizeof s->file, "%s/spoolgate.conf", s->path);
    s->dir = open(s->path, O_RDONLY | O_DIRECTORY);
    assert_true(s->dir >= 0);
    assert_int_equal(file_make_directories(s->dir, "partners.d", 0700), 0);
    assert_int_equal(file_write(s->dir, "spoolgate.conf", slice_of(main_text), 0600, false), 0);
    if (partner_text)
        assert_int_equal(file_write(s->dir, "partners.d/fjord.conf", slice_of(partner_text), 0600, false), 0);
    return s;
}

static void site_close(struct site *s)
{
    config_free(s->config);
    close(s->dir);
    assert_int_equal(file_remove_tree(AT_FDCWD, s->path), 0);
    arena_free(&s->arena);
}

static bool said(const struct site *s, const char *place, const char *word)
{
    for (const struct finding *f = s->findings.first; f; f = f->next)
        if (strstr(f->where, place) && (strstr(f->what, word) || strstr(f->todo, word)))
            return true;
    return false;
}

static void show_findings(const struct site *s)
{
    struct buffer b = {0};
    findings_print(&s->findings, &b);
    print_message("%s\n", b.ptr ? b.ptr : "(no findings)");
    buffer_free(&b);
}

static void expect(const struct site *s, const char *place, const char *word)
{
    if (said(s, place, word))
        return;
    show_findings(s);
    fail_msg("nothing at %s about '%s'", place, word);
}

/* main_text with one partner is refused when it is read, and this is said there. */
static void refused(const char *main_text, const char *partner_text, const char *place, const char *word)
{
    struct site s;
    site_open(&s, main_text, partner_text);
    s.config = config_load(s.file, &s.findings);
    if (s.config)
        fail_msg("it was taken: %s", main_text);
    expect(&s, place, word);
    site_close(&s);
}

/* The same when it is checked against maps and adapters. */
static void mistaken(const char *main_text, const char *partner_text, const char *place, const char *word)
{
    struct site s;
    site_open(&s, main_text, partner_text);
    s.config = config_load(s.file, &s.findings);
    if (!s.config) {
        show_findings(&s);
        fail_msg("it cannot be read");
    }
    struct map_library *maps = map_library_open(s.config->map_directories);
    assert_non_null(maps);
    config_check(s.config, maps, &s.findings);
    expect(&s, place, word);
    map_library_close(maps);
    site_close(&s);
}

/* ---- what is read ---- */

static void values_and_defaults(void **state)
{
    (void)state;
    struct site s;
    site_open(
        &s, "\xef\xbb\xbf# c\r\n[spoolgate]\r\nspool = spool ; here\r\ngroup = 8\r\n[us]\r\nisa_id = US\r\n",
        PARTNER);
    s.config = config_load(s.file, &s.findings);
    assert_non_null(s.config);
    const struct config *c = s.config;
    char expected[400];
    snprintf(expected, sizeof expected, "%s/spool", s.path);
    assert_string_equal(c->spool, expected);
    assert_int_equal(c->group, 8);
    assert_int_equal(c->rescan_seconds, 30);
    assert_int_equal(c->translators, 2);
    assert_true(strncmp(c->state, expected, strlen(expected)) == 0);
    const struct partner *p = config_partner(c, "fjord");
    assert_non_null(p);
    assert_true(p->test);
    assert_string_equal(p->isa_id, "FJORDSELLT");
    assert_string_equal(p->live_isa_id, "FJORDSELL");
    assert_string_equal(p->gs_id, "FJORDSELLT");
    assert_string_equal(p->our_isa_id, "US");
    assert_int_equal(p->element_separator, '*');
    assert_int_equal(p->segment_terminator, '~');
    assert_int_equal(p->replacement, 0);
    assert_int_equal(p->variable_count, 1);
    assert_string_equal(p->sendings->endpoint, "out");
    assert_string_equal(p->sendings->acknowledgment, "none");
    assert_int_equal(p->line, 1);
    site_close(&s);
}

static void looking_up(void **state)
{
    (void)state;
    struct site s;
    site_open(&s, MAIN, PARTNER);
    s.config = config_load(s.file, &s.findings);
    assert_non_null(s.config);
    assert_non_null(config_partner_by_erp(s.config, SLICE("50000")));
    assert_non_null(config_partner_by_erp(s.config, SLICE("50009")));
    assert_null(config_partner_by_erp(s.config, SLICE("5000")));
    assert_null(config_partner_by_erp(s.config, SLICE("500000")));
    assert_null(config_partner_by_erp(s.config, SLICE_NONE));
    assert_non_null(config_route(s.config, "visma", "purchaseorder-1-ab.json"));
    assert_null(config_route(s.config, "visma", "invoice-1.json"));
    assert_null(config_route(s.config, "nobody", "purchaseorder-1-ab.json"));
    const struct endpoint_config *e = config_endpoint(s.config, "visma");
    assert_string_equal(endpoint_setting(e, "tenant_id"), "t");
    assert_null(endpoint_setting(e, "adapter"));
    assert_int_equal(endpoint_number(e, "interval", 1, 10, 7, &s.findings), 7);
    assert_int_equal(s.findings.errors, 0);
    assert_int_equal(endpoint_number(e, "tenant_id", 1, 10, 7, &s.findings), 7);
    expect(&s, "spoolgate.conf:13", "whole number");
    site_close(&s);
}

static void a_value_goes_on_in_the_next_line(void **state)
{
    (void)state;
    struct site s;
    site_open(&s, MAIN, "[partner fjord]\nusage = test\nerp_id = 1\n  2\n\t3\nname = Fjord\n");
    s.config = config_load(s.file, &s.findings);
    assert_non_null(s.config);
    assert_int_equal(s.config->partners->erp_id_count, 3);
    assert_string_equal(s.config->partners->erp_ids[2], "3");
    assert_string_equal(s.config->partners->name, "Fjord");
    site_close(&s);
}

static void paths_are_beside_their_file(void **state)
{
    (void)state;
    struct site s;
    char expected[400];
    site_open(&s, MAIN "[endpoint e]\nadapter = sftp\nca_file = ca.pem\nknown_hosts = /etc/kh\n", NULL);
    s.config = config_load(s.file, &s.findings);
    assert_non_null(s.config);
    const struct endpoint_config *e = config_endpoint(s.config, "e");
    snprintf(expected, sizeof expected, "%s/ca.pem", s.path);
    assert_string_equal(endpoint_setting(e, "ca_file"), expected);
    assert_string_equal(endpoint_setting(e, "known_hosts"), "/etc/kh");
    site_close(&s);
}

/* ---- broken files ---- */

static void mistakes_of_writing(void **state)
{
    (void)state;
    refused("nonsense\n", NULL, "spoolgate.conf:1", "neither");
    refused("[spoolgate]\nspool = a\nnonsense\nmore nonsense\n", NULL, "spoolgate.conf:4", "neither");
    refused("spool = a\n", NULL, "spoolgate.conf:1", "no section");
    refused("[spoolgate\nspool = a\n", NULL, "spoolgate.conf:1", "ends with ]");
    refused("[spoolgate] spool = a\n", NULL, "spoolgate.conf:1", "behind the ]");
    refused("[spoolgate]\nspool = a\nspool = b\n", NULL, "spoolgate.conf:3", "twice");
    refused("[spoolgate]\n[spoolgate]\nspool = b\n", NULL, "spoolgate.conf:2", "already");
    refused("[spoolgate]\nspool = a\n[broken\n [endpoint visma]\n", NULL, "spoolgate.conf:3", "ends with ]");
    refused("[spoolgate]\n  spool = a\n", NULL, "spoolgate.conf:2", "blank");
    refused("[spoolgate]\nspool =\n", NULL, "spoolgate.conf:2", "no value");
    refused("[spoolgate]\nspool = a\x01z\n", NULL, "spoolgate.conf:2", "control");
    refused("[spoolgate]\nspool = a\xff\n", NULL, "spoolgate.conf:2", "UTF-8");
    refused(MAIN "[endpoint visma]\nadapter = visma\n", NULL, "spoolgate.conf:22", "already");
}

static void what_inih_would_cut_is_refused(void **state)
{
    (void)state;
    char text[1200];
    snprintf(text, sizeof text, "[spoolgate]\nspool = %0400d\n", 0);
    refused(text, NULL, "spoolgate.conf:2", "characters");
    snprintf(text, sizeof text, "[endpoint %060d]\nadapter = visma\n", 0);
    refused(text, NULL, "spoolgate.conf:1", "characters");
    snprintf(text, sizeof text, "[spoolgate]\n%060d = 1\n", 0);
    refused(text, NULL, "spoolgate.conf:2", "too long");
}

static void unknown_words_and_what_was_meant(void **state)
{
    (void)state;
    refused("[spoolgate]\nspol = a\n", NULL, "spoolgate.conf:2", "Did you mean spool?");
    refused("[endpoitn e]\nadapter = visma\n", NULL, "spoolgate.conf:1", "Did you mean [endpoint NAME]?");
    refused("[partner x]\nname = y\n", NULL, "spoolgate.conf:1", "partners.d");
    refused("[endpoint e]\nurl = y\n", NULL, "spoolgate.conf:1", "adapter");
    refused("[endpoint ../e]\nadapter = visma\n", NULL, "spoolgate.conf:1", "letters");
    refused("[endpoint .e]\nadapter = visma\n", NULL, "spoolgate.conf:1", "letters");
    refused("[route r]\nsource = a/b\nmap = m\n", NULL, "spoolgate.conf:2", "cannot be a source");
    refused(MAIN, "[partner f]\nusage = test\nerp_id = 1\nisaid = 3\n", "fjord.conf:4",
            "Did you mean isa_id?");
    refused(MAIN, "[partner f]\nusage = tset\nerp_id = 1\n", "fjord.conf:2", "test or production");
    refused(MAIN, "[partner f]\nerp_id = 1\n", "fjord.conf:1", "usage");
    refused(MAIN, "[send order]\nform = x12\n", "fjord.conf:1", "[partner NAME]");
    refused(MAIN, "[partner f]\nusage = test\nerp_id = 1\n[partner g]\nusage = test\nerp_id = 2\n",
            "fjord.conf:4", "file of its own");
    refused(MAIN, PARTNER "[send order]\nform = x12\nmap = x12/850\nendpoint = out\n", "fjord.conf:13",
            "already");
    refused(MAIN,
            "[partner f]\nusage = test\nerp_id = 1\n[send order]\nform = x21\nmap = x\nendpoint = out\n",
            "fjord.conf:5", "Did you mean x12?");
    refused(MAIN, "", "fjord.conf", "empty");
    refused("[spoolgate]\ngroup = 12x\n", NULL, "spoolgate.conf:2", "whole number");
    refused("[spoolgate]\ngroup = 99999999999999999999\n", NULL, "spoolgate.conf:2", "whole number");
    refused("[spoolgate]\ngroup = 0\n", NULL, "spoolgate.conf:2", "from 1");
    refused(MAIN, "[partner f]\nusage = test\nerp_id = 1\nnewline = maybe\n", "fjord.conf:4", "yes or no");
    refused(MAIN, "[partner f]\nusage = test\nerp_id = 1\nelement_separator = ab\n", "fjord.conf:4",
            "one ASCII");
    refused(MAIN, "[partner f]\nusage = test\nerp_id = 1\nsegment_terminator = 0x00\n", "fjord.conf:4",
            "one ASCII");
}

static void every_mistake_is_told_at_once(void **state)
{
    (void)state;
    struct site s;
    site_open(&s, "[spoolgate]\nspol = a\ngruop = 3\nnonsense\n[sue]\n", "[partner f]\nusge = test\n");
    assert_null(config_load(s.file, &s.findings));
    expect(&s, "spoolgate.conf:2", "spol");
    expect(&s, "spoolgate.conf:3", "gruop");
    expect(&s, "spoolgate.conf:4", "neither");
    expect(&s, "spoolgate.conf:5", "[us]");
    expect(&s, "fjord.conf:2", "usge");
    site_close(&s);
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    struct site s;
    site_open(&s, MAIN, NULL);
    assert_null(config_load("/nowhere/spoolgate.conf", &s.findings));
    expect(&s, "/nowhere/spoolgate.conf", "cannot be read");
    assert_null(config_load(s.path, &s.findings)); /* a folder */
    site_close(&s);
}

/* Any bytes: a sentence or a configuration, never a crash. The sanitizers watch. */
static void hostile_files(void **state)
{
    (void)state;
    static const char seed[] = MAIN PARTNER;
    static const char noise[] = "[]=:;#\n\r\t \"\\\x00\x01\x7f\xff{}%$*~aZ09";
    char text[sizeof seed];
    unsigned random = 1;
    for (int round = 0; round < 400; round++) {
        struct site s;
        memcpy(text, seed, sizeof seed);
        for (int i = 0; i < 1 + round % 9; i++) {
            random = random * 1103515245u + 12345u;
            size_t at = (random >> 8) % (sizeof seed - 1);
            random = random * 1103515245u + 12345u;
            text[at] = noise[(random >> 8) % (sizeof noise - 1)];
        }
        site_open(&s, "", NULL);
        assert_int_equal(file_write(s.dir, "spoolgate.conf", slice_make(text, sizeof seed - 1), 0600, false),
                         0);
        assert_int_equal(
            file_write(s.dir, "partners.d/a.conf", slice_make(text, sizeof seed - 1), 0600, false), 0);
        s.config = config_load(s.file, &s.findings);
        assert_true(s.config || s.findings.errors);
        site_close(&s);
    }
}

/* ---- against maps and adapters ---- */

/* Written into maps/own/850.map, which the partner then sends by. */
#define OWN_MAP "extends x12/850\nREF[01=VR]02 = $vendor_number\n"

static void put(const struct site *s, const char *folder, const char *file, const char *text)
{
    char path[300];
    assert_int_equal(file_make_directories(s->dir, folder, 0700), 0);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    assert_int_equal(file_write(s->dir, path, slice_of(text), 0600, false), 0);
}

/* Everything that is said, a finding a line, "place severity code"; the caller frees it. */
static void check_with(const char *main_text, const char *partner_text, const char *map,
                       const char *extra_file, struct buffer *out)
{
    struct site s;
    site_open(&s, main_text, partner_text);
    put(&s, "maps/own", "850.map", map);
    if (extra_file)
        put(&s, "partners.d", extra_file, "x");
    s.config = config_load(s.file, &s.findings);
    assert_non_null(s.config);
    struct map_library *maps = map_library_open(s.config->map_directories);
    assert_non_null(maps);
    config_check(s.config, maps, &s.findings);
    for (const struct finding *f = s.findings.first; f; f = f->next)
        buffer_printf(out, "%s %d %s %s\n", strrchr(f->where, '/') ? strrchr(f->where, '/') + 1 : f->where,
                      f->severity, f->code, f->todo);
    map_library_close(maps);
    site_close(&s);
}

static void told(const char *main_text, const char *partner_text, const char *map, const char *extra_file,
                 const char *wanted)
{
    struct buffer b = {0};
    check_with(main_text, partner_text, map, extra_file, &b);
    if (wanted ? !b.ptr || !strstr(b.ptr, wanted) : b.len != 0)
        fail_msg("not told: %s, but:\n%s", wanted ? wanted : "nothing", b.ptr ? b.ptr : "");
    buffer_free(&b);
}

#define SENDS(variables, map, name)                                                                          \
    "[partner fjord]\nerp_id = 50000\nusage = test\nisa_id = FJORDSELL\n" variables                          \
    "[send order]\nform = x12\nmap = " map "\nendpoint = out\nfile_name = " name "\n"
#define FETCHED "[endpoint in]\nadapter = directory\ndirectory = /tmp\npickup = /tmp\n"

static void what_has_no_effect_and_what_is_missing(void **state)
{
    (void)state;
    static const char good[] = SENDS("[variables]\nvendor_number = 7\n", "own/850", "{number}.x12");
    told(MAIN, good, OWN_MAP, NULL, NULL);
    told(MAIN, SENDS("[variables]\nvendor_numbr = 7\n", "own/850", "{number}.x12"), OWN_MAP, NULL,
         "fjord.conf:6 1 config.variable.unused Did you mean vendor_number?");
    told(MAIN, SENDS("[variables]\nvendor_number = 7\n", "x12/850", "{number}.x12"), OWN_MAP, NULL,
         "fjord.conf:6 1 config.variable.unused Remove it");
    told(MAIN, SENDS("", "own/850", "{number}.x12"), OWN_MAP, NULL, "fjord.conf:7 1 config.variable.missing");
    told(MAIN, SENDS("", "own/850", "{number}.x12"),
         "extends x12/850\nREF[01=VR]02 = $vendor_number required\n", NULL,
         "fjord.conf:7 2 config.variable.missing");
    told(MAIN, SENDS("", "own/850", "{number}.x12"),
         "extends x12/850\nREF[01=VR]02 = $vendor_number default \"1\"\n", NULL, NULL);
    told(MAIN, good, OWN_MAP, "kystmat.cfg", "kystmat.cfg 1 config.partner.ignored");
    told(MAIN, good, OWN_MAP, "kystmat.conf.bak", "kystmat.conf.bak 1 config.partner.ignored");
    told(MAIN, good, OWN_MAP, "README.md", NULL);
    told(MAIN, good, OWN_MAP, ".kystmat.conf.swp", NULL);
    told(MAIN, SENDS("", "x12/850", "orders.x12"), OWN_MAP, NULL, "fjord.conf:9 1 config.file-name.constant");
    told(MAIN, SENDS("", "x12/850", "{type}-{partner}-{date}.{extension}"), OWN_MAP, NULL,
         "fjord.conf:9 1 config.file-name.constant");
    told(MAIN, SENDS("", "x12/850", "{document}"), OWN_MAP, NULL, NULL);
    told(MAIN FETCHED, SENDS("", "x12/850", "{number}"), OWN_MAP, NULL, "1 config.route.missing");
    struct buffer b = {0};
    check_with(MAIN FETCHED "[route in]\nsource = in\nmap = x12/850\n", SENDS("", "x12/850", "{number}"),
               OWN_MAP, NULL, &b);
    assert_null(strstr(b.ptr ? b.ptr : "", "config.route.missing"));
    buffer_free(&b);
}

static void a_good_one_is_in_order(void **state)
{
    (void)state;
    struct site s;
    site_open(&s, MAIN, GOOD_PARTNER);
    s.config = config_load(s.file, &s.findings);
    assert_non_null(s.config);
    struct map_library *maps = map_library_open(s.config->map_directories);
    if (config_check(s.config, maps, &s.findings) != 0)
        show_findings(&s);
    assert_int_equal(s.findings.errors, 0);
    map_library_close(maps);
    site_close(&s);
}

static void mistakes_of_endpoints(void **state)
{
    (void)state;
    mistaken(MAIN "[endpoint e]\nadapter = vizma\n", PARTNER, "spoolgate.conf:22", "Did you mean visma?");
}

static void mistakes_of_settings(void **state)
{
    (void)state;
    mistaken(MAIN "[endpoint e]\nadapter = directory\ndirectroy = /x\n", PARTNER, "spoolgate.conf:24",
             "Did you mean directory?");
    mistaken(MAIN "[endpoint e]\nadapter = directory\n", PARTNER, "spoolgate.conf:22",
             "does not say its directory");
    mistaken(MAIN "[endpoint e]\nadapter = directory\ndirectory = /x\n", PARTNER, "spoolgate.conf:22",
             "Nobody uses");
    mistaken("[us]\nisa_id = A\n[endpoint v]\nadapter = visma\nurl = http://erp.example\ntoken_url = "
             "https://i.example/t\n"
             "client_id = c\nclient_secret = s\ntenant_id = t\nstart = yesterday\npoll = purchaseorders\n",
             NULL, "spoolgate.conf:5", "https://");
    mistaken("[us]\nisa_id = A\n[endpoint v]\nadapter = visma\nurl = https://u:p@erp.example\ntoken_url = x\n"
             "client_id = c\nclient_secret = s\ntenant_id = t\nstart = yesterday\npoll = purchaseorders\n",
             NULL, "spoolgate.conf:10", "no date");
    mistaken("[us]\nisa_id = A\n[endpoint v]\nadapter = visma\nurl = https://erp.example\ntoken_url = "
             "https://i.example/t\n"
             "client_id = c\nclient_secret = s\ntenant_id = t\nstart = 2026-11-01\npoll = purchaseorders\n",
             NULL, "spoolgate.conf:11", "Did you mean purchaseorder?");
    mistaken(MAIN
             "[endpoint o]\nadapter = orderful\nurl = https://o.example\napi_key = k\nstream = production\n",
             PARTNER, "spoolgate.conf:26", "test or live");
}

static void mistakes_of_partners(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *word;
    } cases[] = {
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = F\n", "fjord.conf:1", "No endpoint serves"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = ABCDEFGHIJKLMNOP\n[send order]\nform = x12\nmap = "
         "x12/850\n"
         "endpoint = out\n",
         "fjord.conf:4", "16 characters"},
        {"[partner f]\nerp_id = 1\nusage = test\n[send order]\nform = x12\nmap = x12/850\nendpoint = out\n",
         "fjord.conf:1", "ISA id is missing"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = F\nisa_qualifier = zz\n[send order]\nform = "
         "x12\nmap = x12/850\n"
         "endpoint = out\n",
         "fjord.conf:5", "qualifier"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = NORDMATBUYT\n[send order]\nform = x12\nmap = "
         "x12/850\n"
         "endpoint = out\n",
         "fjord.conf:4", "our own"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = F\nelement_separator = ~\n[send order]\nform = "
         "x12\n"
         "map = x12/850\nendpoint = out\n",
         "fjord.conf:1", "both ~"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = F\nelement_separator = A\n[send order]\nform = "
         "x12\n"
         "map = x12/850\nendpoint = out\n",
         "fjord.conf:5", "letter"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = FF\nversion = 009999\n[send order]\nform = "
         "x12\nmap = x12/850\n"
         "endpoint = out\n",
         "fjord.conf:5", "no dictionary"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = FF\n[send order]\nform = x12\nmap = "
         "x12/851\nendpoint = out\n",
         "fjord.conf:7", "cannot be used"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = FF\n[send order]\nform = x12\nmap = "
         "x12/810\nendpoint = out\n",
         "fjord.conf:7", "is about invoice"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = FF\n[send order]\nform = json\nmap = "
         "x12/850\nendpoint = out\n",
         "fjord.conf:7", "cannot become json"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = FF\n[send order]\nform = json\nmap = "
         "visma/purchase-order\n"
         "endpoint = out\n",
         "fjord.conf:7", "only reads"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = FF\n[send order]\nform = x12\nmap = "
         "x12/850\nendpoint = otu\n",
         "fjord.conf:8", "Did you mean out?"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = FF\n[send order]\nform = x12\nmap = "
         "x12/850\nendpoint = visma\n",
         "fjord.conf:8", "only fetches"},
        {"[partner f]\nerp_id = 1\nusage = test\nisa_id = FF\n[send order]\nform = x12\nmap = "
         "x12/850\nendpoint = out\n"
         "file_name = {nubmer}.x12\n",
         "fjord.conf:9", "Did you mean {number}?"},
        {"[partner f]\nerp_id = 1 1\nusage = test\nisa_id = FF\n[send order]\nform = x12\nmap = "
         "x12/850\nendpoint = out\n",
         "fjord.conf:2", "belongs already"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        mistaken(MAIN, cases[i].text, cases[i].place, cases[i].word);
}

static void partners_that_contradict_each_other(void **state)
{
    (void)state;
    struct site s;
    site_open(&s, MAIN, PARTNER);
    assert_int_equal(
        file_write(s.dir, "partners.d/twin.conf",
                   SLICE("[partner twin]\nerp_id = 7 50009\nusage = test\nisa_id = FJORDSELLT\n[send order]\n"
                         "form = x12\nmap = x12/850\nendpoint = out\n"),
                   0600, false),
        0);
    s.config = config_load(s.file, &s.findings);
    assert_non_null(s.config);
    struct map_library *maps = map_library_open(s.config->map_directories);
    config_check(s.config, maps, &s.findings);
    expect(&s, "twin.conf:2", "50009 belongs already to fjord");
    expect(&s, "twin.conf:4", "same ISA id");
    map_library_close(maps);
    site_close(&s);
}

static void nearest_words(void **state)
{
    (void)state;
    static const char *const words[] = {"spool", "group", "usage", "endpoint", NULL};
    assert_string_equal(nearest_word("usge", words), "usage");
    assert_string_equal(nearest_word("Spool", words), "spool");
    assert_string_equal(nearest_word("endpiont", words), "endpoint");
    assert_null(nearest_word("zzzzzz", words));
    assert_null(nearest_word("x", NULL));
    char long_word[500];
    memset(long_word, 'a', sizeof long_word);
    long_word[sizeof long_word - 1] = '\0';
    nearest_word(long_word, words);
}

int main(void)
{
    const char *top = getenv("top_srcdir");
    char translators[1024];
    snprintf(translators, sizeof translators, "%s/translators", top ? top : ".");
    setenv("SPOOLGATE_TRANSLATORS", translators, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_defaults),
        cmocka_unit_test(looking_up),
        cmocka_unit_test(a_value_goes_on_in_the_next_line),
        cmocka_unit_test(paths_are_beside_their_file),
        cmocka_unit_test(mistakes_of_writing),
        cmocka_unit_test(what_inih_would_cut_is_refused),
        cmocka_unit_test(unknown_words_and_what_was_meant),
        cmocka_unit_test(every_mistake_is_told_at_once),
        cmocka_unit_test(a_file_that_is_not_there),
        cmocka_unit_test(hostile_files),
        cmocka_unit_test(a_good_one_is_in_order),
        cmocka_unit_test(what_has_no_effect_and_what_is_missing),
        cmocka_unit_test(mistakes_of_endpoints),
        cmocka_unit_test(mistakes_of_settings),
        cmocka_unit_test(mistakes_of_partners),
        cmocka_unit_test(partners_that_contradict_each_other),
        cmocka_unit_test(nearest_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
