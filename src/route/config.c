/* config: see config.h. From sections (sections.c) to the structs the program works with: a table of keys for
 * each kind of section, defaults, paths made absolute. What needs maps or adapters to be judged is in
 * check.c. */
#include "route/config.h"
#include "base/file.h"
#include "base/word.h"
#include "route/keys.h"
#include "route/listen.h"
#include "route/sections.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOURCE_AFTER_CLOSE 1 /* s, as in source_keys */
#define NAME_LENGTH 40       /* endpoints, sources, partners: they name folders */

struct erp_entry {
    const char *id;
    const struct partner *partner;
};

const char *config_default_path(void)
{
    const char *named = getenv("SPOOLGATE_CONFIG");
    if (named && *named)
        return named;
    return access("spoolgate.conf", F_OK) == 0 ? "spoolgate.conf"
                                               : SPOOLGATE_SYSCONFDIR "/spoolgate/spoolgate.conf";
}

const char *config_standard_translators(void)
{
    static const char beside[] = "/translators";
    static char path[PATH_MAX];
    const char *named = getenv("SPOOLGATE_TRANSLATORS");
    if (named && *named)
        return named;
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof beside - sizeof "/x12");
    char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;
    if (slash) {
        memcpy(slash, beside, sizeof beside);
        strcat(slash, "/x12");
        if (access(path, R_OK) == 0) {
            slash[sizeof beside - 1] = '\0';
            return path;
        }
    }
    return SPOOLGATE_DATADIR "/translators";
}

/* Letters, digits, . _ - ; not beginning with a dot. */
static bool name_is_legal(const char *name)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return *name && *name != '.' && strlen(name) <= NAME_LENGTH && strspn(name, legal) == strlen(name);
}

static void complain(struct loading *l, const char *file, int line, const char *code, const char *todo,
                     const char *what)
{
    finding_add(l->findings, SEVERITY_ERROR, code, arena_printf(l->arena, "%s:%d", file, line), todo, "%s",
                what);
}

static bool check_name(struct loading *l, const struct section *s)
{
    if (name_is_legal(s->name))
        return true;
    complain(
        l, s->file, s->line, "config.name", "Write for example [endpoint orderful].",
        arena_printf(
            l->arena,
            "[%s %s] needs a name of letters, digits, '.', '_' and '-' (at most %d, not beginning with a "
            "dot).",
            s->kind, s->name, NAME_LENGTH));
    return false;
}

/* The same section twice is a mistake wherever the two stand. */
static void check_twice(struct loading *l, const struct section *s, const char *kind)
{
    for (const struct section *o = l->config->sections; o && o != s; o = o->next)
        if (!strcmp(o->kind, kind) && !strcmp(o->name, s->name))
            complain(l, s->file, s->line, "config.section.twice", "Remove one of the two.",
                     arena_printf(l->arena, "[%s%s%s] is there already, in %s line %d.", kind,
                                  *s->name ? " " : "", s->name, o->file, o->line));
}

/* ---- spoolgate.conf ---- */

static void load_endpoint(struct loading *l, struct section *s)
{
    struct endpoint_config *e = arena_zero(l->arena, sizeof *e);
    struct setting *adapter = section_setting(s, "adapter");
    e->name = s->name;
    e->file = s->file;
    e->line = s->line;
    if (!check_name(l, s))
        return;
    if (!adapter || !*adapter->value) {
        complain(l, s->file, s->line, "config.required", "Add a line such as adapter = orderful.",
                 arena_printf(l->arena, "[endpoint %s] does not say which adapter it has.", s->name));
        return;
    }
    e->adapter = adapter->value;
    struct setting **end = &e->settings;
    for (struct setting *i = s->settings; i; i = i->next) {
        if (i == adapter)
            continue;
        if (key_is_local_path(i->key))
            i->value = path_beside(l, i->value, i->file);
        struct setting *copy = arena_alloc(l->arena, sizeof *copy);
        *copy = *i;
        copy->next = NULL;
        *end = copy;
        end = &copy->next;
    }
    struct endpoint_config **last = &l->config->endpoints;
    while (*last)
        last = &(*last)->next;
    *last = e;
}

static void load_route(struct loading *l, struct section *s)
{
    struct route *r = arena_zero(l->arena, sizeof *r);
    r->name = s->name;
    r->file = s->file;
    r->line = s->line;
    r->section = s;
    if (!check_name(l, s))
        return;
    keys_fill(l, s, route_keys, r);
    if (r->source && !name_is_legal(r->source))
        complain(l, s->file, setting_line(s, "source"), "config.name",
                 "It is the name of a folder in inbox/.",
                 arena_printf(l->arena,
                              "'%s' cannot be a source: letters, digits, '.', '_' and '-' make its name.",
                              r->source));
    struct route **last = &l->config->routes;
    while (*last)
        last = &(*last)->next;
    *last = r;
}

/* https, or this machine itself, which net/http.h judges in the end. */
static bool is_webhook(const char *url)
{
    static const char *const begins[] = {"https://", "http://127.", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (!strncmp(url, begins[i], strlen(begins[i])))
            return true;
    return false;
}

static void check_alerts(struct loading *l, const struct section *s)
{
    const struct alerts_config *a = &l->config->alerts;
    if (!a->command && !a->webhook)
        complain(l, s->file, s->line, "config.alerts", "Give a command, a webhook, or both; or remove it.",
                 "[alerts] does not say whom to tell.");
    if (a->command && *a->command) {
        const char *program = arena_text(l->arena, slice_make(a->command, strcspn(a->command, " \t")));
        if (*program != '/')
            complain(l, s->file, setting_line(s, "command"), "config.alerts", "Write its whole path.",
                     arena_printf(l->arena, "The command %s is no path that begins with a slash.", program));
        else if (access(program, X_OK) < 0) /* no reason not to send documents */
            finding_add(l->findings, SEVERITY_WARNING, "config.alerts",
                        arena_printf(l->arena, "%s:%d", s->file, setting_line(s, "command")),
                        "Check the path and who may execute it.", "The command %s cannot be run: %s.",
                        program, strerror(errno));
    }
    if (a->webhook && *a->webhook && !is_webhook(a->webhook))
        complain(l, s->file, setting_line(s, "webhook"), "config.alerts",
                 "Write https://…; http only to this machine itself.",
                 "The webhook's address cannot be used.");
    if (!a->webhook && (a->webhook_secret || a->ca_file))
        complain(l, s->file, s->line, "config.alerts", "Give the webhook, or remove it.",
                 "[alerts] has a webhook_secret or ca_file, and no webhook.");
}

static void load_source(struct loading *l, struct section *s)
{
    struct source_config *n = arena_zero(l->arena, sizeof *n);
    n->name = s->name;
    n->file = s->file;
    n->line = s->line;
    if (!check_name(l, s))
        return;
    keys_fill(l, s, source_keys, n);
    n->next = l->config->sources;
    l->config->sources = n;
}

int config_after_close(const struct config *c, const char *source)
{
    for (const struct source_config *s = c->sources; s; s = s->next)
        if (!strcmp(s->name, source))
            return s->after_close;
    return SOURCE_AFTER_CLOSE;
}

/* A setting that would do nothing is refused, like an address that others could reach. */
static void load_metrics(struct loading *l, struct section *s)
{
    struct metrics_config *m = &l->config->metrics;
    struct sockaddr_storage address;
    keys_fill(l, s, metrics_keys, m);
    if (!m->file && !m->listen)
        complain(l, s->file, s->line, "config.metrics",
                 "Add listen = 127.0.0.1:9464, or file = …, or remove the section.",
                 "[metrics] says neither where to listen nor which file to write.");
    const struct setting *every = section_setting(s, "every");
    if (m->listen && !m->file && every && every->file)
        complain(l, s->file, every->line, "config.metrics", "Remove it, or add file = ….",
                 "every is about the file; whoever asks at the port gets what is there at that moment.");
    if (m->listen && !listen_address(m->listen, &address))
        complain(l, s->file, setting_line(s, "listen"), "config.metrics.listen",
                 "Write 127.0.0.1:PORT, localhost:PORT or [::1]:PORT. For another machine put a proxy with "
                 "authentication in front.",
                 arena_printf(l->arena, "%s is not an address and port of this machine's loopback interface.",
                              m->listen));
}

static void load_main_section(struct loading *l, struct section *s)
{
    static const char *const kinds[] = {"spoolgate", "us",    "alerts", "metrics",
                                        "endpoint",  "route", "source", NULL};
    bool named = *s->name;
    if (!strcmp(s->kind, "endpoint")) {
        check_twice(l, s, "endpoint");
        load_endpoint(l, s);
    } else if (!strcmp(s->kind, "route")) {
        check_twice(l, s, "route");
        load_route(l, s);
    } else if (!strcmp(s->kind, "source")) {
        check_twice(l, s, "source");
        load_source(l, s);
    } else if (!strcmp(s->kind, "spoolgate") && !named) {
        check_twice(l, s, "spoolgate");
        keys_fill(l, s, main_keys, l->config);
    } else if (!strcmp(s->kind, "us") && !named) {
        check_twice(l, s, "us");
        keys_fill(l, s, us_keys, &l->config->us);
    } else if (!strcmp(s->kind, "alerts") && !named) {
        check_twice(l, s, "alerts");
        keys_fill(l, s, alerts_keys, &l->config->alerts);
        check_alerts(l, s);
    } else if (!strcmp(s->kind, "metrics") && !named) {
        check_twice(l, s, "metrics");
        load_metrics(l, s);
    } else if (!strcmp(s->kind, "partner") || !strcmp(s->kind, "send") || !strcmp(s->kind, "variables")) {
        complain(l, s->file, s->line, "config.section",
                 "Put it into partners.d/<partner>.conf, one file a partner.",
                 arena_printf(l->arena, "[%s] does not belong into this file.", s->kind));
    } else {
        const char *near = nearest_word(s->kind, kinds);
        complain(
            l, s->file, s->line, "config.section.unknown",
            near ? arena_printf(l->arena, "Did you mean [%s%s]?", near,
                                !strcmp(near, "endpoint") || !strcmp(near, "route") || !strcmp(near, "source")
                                    ? " NAME"
                                    : "")
                 : "Here go [spoolgate], [us], [alerts], [metrics], [endpoint NAME], [route NAME] and "
                   "[source NAME].",
            arena_printf(l->arena, "[%s%s%s] is not a section of this file.", s->kind, named ? " " : "",
                         s->name));
    }
}

/* ---- partners.d ---- */

static void load_erp_ids(struct loading *l, struct partner *p, const struct section *s)
{
    struct setting *ids = section_setting(s, "erp_id");
    char *at = ids ? arena_text(l->arena, slice_of(ids->value)) : NULL, *next = NULL;
    size_t room = sizeof p->erp_ids / sizeof *p->erp_ids;
    for (char *id = at ? strtok_r(at, " \t", &next) : NULL; id; id = strtok_r(NULL, " \t", &next)) {
        if (p->erp_id_count == room) {
            complain(l, ids->file, ids->line, "config.erp-ids", "Make a second partner for the others.",
                     arena_printf(l->arena, "A partner has at most %zu numbers in the ERP.", room));
            return;
        }
        p->erp_ids[p->erp_id_count++] = id;
    }
}

/* What comes from [us] is shown with the partner, too. */
static void inherited(struct loading *l, struct section *s, const char *key, const char *value)
{
    if (!value || section_setting(s, key))
        return;
    setting_default(l, s, key, value);
    const char *ours = strncmp(key, "our_", 4) ? NULL : key + 4;
    for (struct section *us = l->config->sections; us && ours; us = us->next) {
        const struct setting *from = strcmp(us->kind, "us") ? NULL : section_setting(us, ours);
        if (!from || !from->file || strcmp(from->value, value) != 0)
            continue;
        struct setting *here = section_setting(s, key);
        here->file = from->file;
        here->line = from->line;
    }
}

static void finish_partner(struct loading *l, struct partner *p, struct section *s)
{
    const struct us *us = &l->config->us;
    if (!p->name)
        p->name = p->id;
    if (!p->our_isa_qualifier)
        p->our_isa_qualifier = us->isa_qualifier;
    if (!p->our_live_isa_id) {
        p->our_live_isa_id = us->isa_id;
        if (!p->our_test_isa_id)
            p->our_test_isa_id = us->test_isa_id;
        if (!p->our_gs_id)
            p->our_gs_id = us->gs_id;
    }
    p->isa_id = p->test && p->test_isa_id ? p->test_isa_id : p->live_isa_id;
    p->our_isa_id = p->test && p->our_test_isa_id ? p->our_test_isa_id : p->our_live_isa_id;
    if (!p->gs_id)
        p->gs_id = p->isa_id;
    if (!p->our_gs_id)
        p->our_gs_id = p->our_isa_id;
    inherited(l, s, "name", p->name);
    inherited(l, s, "gs_id", p->gs_id);
    inherited(l, s, "our_isa_qualifier", p->our_isa_qualifier);
    inherited(l, s, "our_isa_id", p->our_live_isa_id);
    inherited(l, s, "our_test_isa_id", p->our_test_isa_id);
    inherited(l, s, "our_gs_id", p->our_gs_id);
}

static struct partner *load_partner(struct loading *l, struct section *s)
{
    check_twice(l, s, "partner");
    struct partner *p = arena_zero(l->arena, sizeof *p);
    p->id = s->name;
    p->file = s->file;
    p->line = s->line;
    p->section = s;
    check_name(l, s);
    keys_fill(l, s, partner_keys, p);
    load_erp_ids(l, p, s);
    finish_partner(l, p, s);
    struct partner **last = &l->config->partners;
    while (*last)
        last = &(*last)->next;
    return *last = p;
}

static void load_sending(struct loading *l, struct section *s, struct partner *p)
{
    struct sending *n = arena_zero(l->arena, sizeof *n);
    n->type = s->name;
    n->section = s;
    n->file = s->file;
    n->line = s->line;
    if (!check_name(l, s))
        return;
    keys_fill(l, s, sending_keys, n);
    struct sending **last = &p->sendings;
    for (; *last; last = &(*last)->next)
        if (!strcmp((*last)->type, n->type))
            complain(
                l, s->file, s->line, "config.section.twice", "Remove one of the two.",
                arena_printf(l->arena, "[send %s] is there already, in line %d.", n->type, (*last)->line));
    *last = n;
}

static void load_variables(struct loading *l, struct section *s, struct partner *p)
{
    size_t n = 0;
    for (struct setting *i = s->settings; i; i = i->next)
        n++;
    if (p->variables)
        complain(l, s->file, s->line, "config.section.twice", "Put all variables into one [variables].",
                 "[variables] is there already.");
    p->variables = arena_zero(l->arena, (n + 1) * sizeof *p->variables);
    p->variable_count = 0;
    for (struct setting *i = s->settings; i; i = i->next)
        p->variables[p->variable_count++] = (struct map_variable){i->key, i->value};
}

static void load_partner_file(struct loading *l, const char *path)
{
    static const char *const kinds[] = {"partner", "variables", "send", NULL};
    struct section *own = NULL, **end = &l->config->sections;
    struct partner *p = NULL;
    if (sections_read(l->arena, path, &own, l->findings) < 0)
        return;
    while (*end)
        end = &(*end)->next;
    *end = own;
    for (struct section *s = own; s; s = s->next) {
        bool known = !strcmp(s->kind, "send") || (!strcmp(s->kind, "variables") && !*s->name);
        if (!strcmp(s->kind, "partner") && !p) {
            p = load_partner(l, s);
        } else if (!strcmp(s->kind, "partner")) {
            complain(l, s->file, s->line, "config.partner.second", "Put each partner into a file of its own.",
                     arena_printf(l->arena, "This file is already about the partner %s.", p->id));
            return;
        } else if (known && !p) {
            complain(l, s->file, s->line, "config.partner.first", "Begin the file with [partner NAME].",
                     arena_printf(l->arena, "[%s] stands before the file says whose it is.", s->kind));
            return;
        } else if (!strcmp(s->kind, "send")) {
            load_sending(l, s, p);
        } else if (known) {
            load_variables(l, s, p);
        } else {
            const char *near = nearest_word(s->kind, kinds);
            complain(l, s->file, s->line, "config.section.unknown",
                     near ? arena_printf(l->arena, "Did you mean [%s%s]?", near,
                                         !strcmp(near, "partner") ? " NAME"
                                         : !strcmp(near, "send")  ? " TYPE"
                                                                  : "")
                          : "Here go [partner NAME], [variables] and [send TYPE].",
                     arena_printf(l->arena, "[%s%s%s] is not a section of a partner's file.", s->kind,
                                  *s->name ? " " : "", s->name));
        }
    }
    if (!own)
        finding_add(l->findings, SEVERITY_ERROR, "config.partner.empty", path,
                    "Begin it with [partner NAME].", "The file is empty.");
}

static int is_partner_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && n > 5 && !strcmp(e->d_name + n - 5, ".conf");
}

static void load_partners(struct loading *l)
{
    const char *folder = path_beside(l, "partners.d", l->config->file);
    struct dirent **files = NULL;
    int n = scandir(folder, &files, is_partner_file, alphasort);
    if (n < 0 && error_is_the_machines(errno))
        finding_machine(l->findings, errno, folder);
    else if (n < 0 && errno != ENOENT)
        finding_add(l->findings, SEVERITY_ERROR, "config.unreadable", folder, "", "%s cannot be read: %s.",
                    folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        load_partner_file(l, arena_printf(l->arena, "%s/%s", folder, files[i]->d_name));
        free(files[i]);
    }
    free(files);
}

/* ---- the whole ---- */

static int erp_order(const void *a, const void *b)
{
    return strcmp(((const struct erp_entry *)a)->id, ((const struct erp_entry *)b)->id);
}

static void index_erp_ids(struct loading *l)
{
    struct config *c = l->config;
    for (const struct partner *p = c->partners; p; p = p->next)
        c->erp_id_count += p->erp_id_count;
    c->erp_ids = arena_zero(l->arena, (c->erp_id_count + 1) * sizeof *c->erp_ids);
    size_t n = 0;
    for (const struct partner *p = c->partners; p; p = p->next)
        for (size_t i = 0; i < p->erp_id_count; i++)
            c->erp_ids[n++] = (struct erp_entry){p->erp_ids[i], p};
    if (n)
        qsort(c->erp_ids, n, sizeof *c->erp_ids, erp_order);
}

static struct section *section_of_kind(struct loading *l, const char *kind)
{
    struct section **s = &l->config->sections;
    for (; *s; s = &(*s)->next)
        if (!strcmp((*s)->kind, kind) && !*(*s)->name)
            return *s;
    *s = arena_zero(l->arena, sizeof **s);
    (*s)->kind = kind;
    (*s)->name = "";
    (*s)->file = l->config->file;
    return *s;
}

static void finish_main(struct loading *l)
{
    struct config *c = l->config;
    struct section *s = section_of_kind(l, "spoolgate"), *us = section_of_kind(l, "us");
    if (!s->line) /* not in the file: defaults */
        keys_fill(l, s, main_keys, c);
    if (!us->line)
        keys_fill(l, us, us_keys, &c->us);
    if (!c->state) {
        c->state = arena_printf(l->arena, "%s/.state.sqlite", c->spool);
        setting_default(l, s, "state", c->state);
    }
    const char *own = path_beside(l, "maps", c->file);
    size_t n = 0;
    c->map_directories[n++] = own; /* there or not: it is where what is missing belongs */
    if (!c->translators_directory) {
        c->translators_directory = arena_text(l->arena, slice_of(config_standard_translators()));
        setting_default(l, s, "translators", c->translators_directory);
    }
    c->map_directories[n] = c->translators_directory;
}

struct config *config_load(const char *path, struct findings *f)
{
    struct config *c = calloc(1, sizeof *c);
    char absolute[PATH_MAX];
    if (!c)
        abort();
    struct loading l = {.config = c, .arena = &c->arena, .findings = f};
    unsigned errors = f->errors;
    c->file = arena_text(&c->arena, slice_of(realpath(path, absolute) ? absolute : path));
    if (sections_read(&c->arena, c->file, &c->sections, f) == 0) {
        for (struct section *s = c->sections; s; s = s->next)
            load_main_section(&l, s);
        finish_main(&l);
        load_partners(&l);
        index_erp_ids(&l);
    }
    if (f->errors != errors) {
        config_free(c);
        return NULL;
    }
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    struct arena a = c->arena;
    arena_free(&a);
    free(c);
}

/* ---- looking up ---- */

const struct endpoint_config *config_endpoint(const struct config *c, const char *name)
{
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next)
        if (!strcmp(e->name, name))
            return e;
    return NULL;
}

const struct partner *config_partner(const struct config *c, const char *id)
{
    for (const struct partner *p = c->partners; p; p = p->next)
        if (!strcmp(p->id, id))
            return p;
    return NULL;
}

const struct partner *config_partner_by_erp(const struct config *c, struct slice erp_id)
{
    size_t low = 0, high = c->erp_id_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct slice at = slice_of(c->erp_ids[middle].id);
        int order = memcmp(at.ptr, erp_id.ptr ? erp_id.ptr : "", at.len < erp_id.len ? at.len : erp_id.len);
        if (!order && at.len == erp_id.len)
            return c->erp_ids[middle].partner;
        if (order < 0 || (!order && at.len < erp_id.len))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct route *config_route(const struct config *c, const char *source, const char *file_name)
{
    for (const struct route *r = c->routes; r; r = r->next)
        if (!strcmp(r->source, source) && fnmatch(r->pattern, file_name, 0) == 0)
            return r;
    return NULL;
}

/* The place in the order of sources; those that are not named share the last one. */
static size_t rank(const struct config *c, const char *source)
{
    size_t n = 0;
    while (c->precedence && c->precedence[n] && strcmp(c->precedence[n], source ? source : "") != 0)
        n++;
    return n;
}

int config_precedence(const struct config *c, const char *source, const char *other)
{
    size_t one = rank(c, source), two = rank(c, other);
    return one < two ? 1 : one > two ? -1 : 0;
}

bool config_outranked(const struct config *c, const char *source)
{
    return rank(c, source) > 0;
}

bool config_allows(const char *const *words, struct slice word)
{
    for (size_t i = 0; words && words[i]; i++)
        if (slice_is(word, words[i]))
            return true;
    return !words;
}
