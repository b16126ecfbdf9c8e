/* check: what a configuration says about maps, adapters and partners, judged as a whole before anything
 * moves. Every mistake names the file and line where it stands. */
#include "adapter/adapter.h"
#include "base/word.h"
#include "edi/dictionary.h"
#include "route/authority.h"
#include "route/sections.h"
#include "route/use.h"
#include <stdio.h>
#include <stdlib.h>

#define ISA_ID_LENGTH 15 /* ISA06, ISA08: 15 characters; GS02, GS03: 2 to 15 */

struct failed_map { /* its mistakes have been told */
    const char *name;
    struct failed_map *next;
};

struct checking {
    const struct config *config;
    struct map_library *maps;
    struct arena *arena;
    struct findings *findings;
    struct failed_map *failed;
};

static void say(struct checking *k, enum severity severity, const char *code, const char *where,
                const char *todo, const char *format, ...) __attribute__((format(printf, 6, 7)));

static void say(struct checking *k, enum severity severity, const char *code, const char *where,
                const char *todo, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const char *what = arena_vprintf(k->arena, format, ap);
    va_end(ap);
    finding_add(k->findings, severity, code, where, todo, "%s", what);
}

static const char *at(struct checking *k, const char *file, int line)
{
    return arena_printf(k->arena, "%s:%d", file, line);
}

/* Where a partner's key stands, or the partner when it is not given. */
static const char *partner_at(struct checking *k, const struct partner *p, const char *key)
{
    const struct setting *s = section_setting(p->section, key);
    return s && s->file ? at(k, s->file, s->line) : at(k, p->file, p->line);
}

static const char *sending_at(struct checking *k, const struct sending *s, const char *key)
{
    const struct setting *i = section_setting(s->section, key);
    return i && i->file ? at(k, i->file, i->line) : at(k, s->file, s->line);
}

/* Where a value of ours stands: with the partner, or in [us]. */
static const char *our_at(struct checking *k, const struct partner *p, const char *key, const char *us_key)
{
    const struct setting *own = section_setting(p->section, key);
    if (own && own->file)
        return at(k, own->file, own->line);
    for (const struct section *s = k->config->sections; s; s = s->next)
        if (!strcmp(s->kind, "us")) {
            const struct setting *i = section_setting(s, us_key);
            if (i && i->file)
                return at(k, i->file, i->line);
        }
    return at(k, p->file, p->line);
}

/* ---- endpoints ---- */

/* Settings that the roles read, whatever the adapter is. */
static const char *const common_settings[] = {"give_up_hours", NULL};

static void check_setting_names(struct checking *k, const struct endpoint_config *e, const struct adapter *a)
{
    const char *names[64] = {NULL};
    size_t n = 0;
    for (; a->settings && a->settings[n] && n < 50; n++) {
        size_t len = strlen(a->settings[n]);
        bool required = len && a->settings[n][len - 1] == '!';
        names[n] = arena_text(k->arena, slice_make(a->settings[n], len - required));
        if (required && !endpoint_setting(e, names[n]))
            say(k, SEVERITY_ERROR, "config.required", at(k, e->file, e->line),
                arena_printf(k->arena, "Add it: %s = …", names[n]), "[endpoint %s] does not say its %s.",
                e->name, names[n]);
    }
    for (const char *const *common = common_settings; *common && n < 63; common++)
        names[n++] = *common;
    for (const struct setting *s = e->settings; s; s = s->next) {
        bool known = false;
        for (size_t i = 0; names[i] && !known; i++)
            known = !strcmp(names[i], s->key);
        if (known)
            continue;
        const char *near = nearest_word(s->key, names);
        say(k, SEVERITY_ERROR, "config.key.unknown", at(k, s->file, s->line),
            near ? arena_printf(k->arena, "Did you mean %s?", near) : "spoolgate.conf(5) lists the settings.",
            "The adapter %s has no setting %s.", e->adapter, s->key);
    }
}

static bool endpoint_is_used(const struct config *c, const struct endpoint_config *e)
{
    for (const struct route *r = c->routes; r; r = r->next)
        if (!strcmp(r->source, e->name))
            return true;
    for (const struct partner *p = c->partners; p; p = p->next)
        for (const struct sending *s = p->sendings; s; s = s->next)
            if (s->endpoint && !strcmp(s->endpoint, e->name))
                return true;
    return false;
}

static void check_endpoint(struct checking *k, const struct endpoint_config *e)
{
    const struct adapter *a = adapter_find(e->adapter);
    if (!a) {
        const char *names[32] = {NULL};
        struct buffer all = {0};
        for (size_t n = 0; n < 31 && adapters[n]; n++) {
            names[n] = adapters[n]->name;
            buffer_printf(&all, "%s%s", n ? ", " : "", names[n]);
        }
        const char *near = nearest_word(e->adapter, names);
        say(k, SEVERITY_ERROR, "config.adapter", at(k, e->file, e->line),
            near ? arena_printf(k->arena, "Did you mean %s?", near)
                 : arena_printf(k->arena, "There are %s.", all.ptr ? all.ptr : "none"),
            "There is no adapter %s.", e->adapter);
        buffer_free(&all);
        return;
    }
    check_setting_names(k, e, a);
    if (a->check)
        a->check(e, k->config, k->findings);
    if (!endpoint_is_used(k->config, e))
        say(k, SEVERITY_WARNING, "config.endpoint.unused", at(k, e->file, e->line),
            "Name it in a [send …] of a partner or as the source of a [route …], or remove it.",
            "Nobody uses the endpoint %s.", e->name);
}

/* map_load, which tells a map's mistakes once, however many partners use it. */
static const struct map *load_map(struct checking *k, const char *name)
{
    for (const struct failed_map *i = k->failed; i; i = i->next)
        if (!strcmp(i->name, name))
            return NULL;
    const struct map *m = map_load(k->maps, name, k->findings);
    if (m)
        return m;
    struct failed_map *failed = arena_zero(k->arena, sizeof *failed);
    *failed = (struct failed_map){name, k->failed};
    k->failed = failed;
    return NULL;
}

/* ---- routes ---- */

static void check_route(struct checking *k, const struct route *r)
{
    if (!r->map)
        return;
    const struct map *m = load_map(k, r->map);
    if (!m)
        say(k, SEVERITY_ERROR, "config.map", at(k, r->file, r->line),
            "Correct the map: its mistakes stand above.", "The map %s of the route %s cannot be used.",
            r->map, r->name);
    else if (!map_reads(m))
        say(k, SEVERITY_ERROR, "config.map.direction", at(k, r->file, r->line),
            "A route needs a map that says -> or <-> in its first line.",
            "The map %s only writes; the route %s needs one that reads.", r->map, r->name);
}

/* ---- partners: ids and delimiters ---- */

static void check_isa_id(struct checking *k, const char *where, const char *whose, const char *id)
{
    if (!id || !*id) {
        say(k, SEVERITY_ERROR, "config.isa-id", where, "Interchanges name both sides: add isa_id = …",
            "%s ISA id is missing.", whose);
        return;
    }
    if (strlen(id) > ISA_ID_LENGTH)
        say(k, SEVERITY_ERROR, "config.isa-id.too-long", where,
            "Ask the partner or the network for the right one.",
            "%s ISA id %s has %zu characters; an interchange takes %d.", whose, id, strlen(id),
            ISA_ID_LENGTH);
    for (const char *c = id; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') {
            say(k, SEVERITY_ERROR, "config.isa-id", where, "",
                "%s ISA id %s holds a character that X12 does not know.", whose, id);
            return;
        }
}

static void check_qualifier(struct checking *k, const char *where, const char *whose, const char *qualifier)
{
    if (!qualifier || strlen(qualifier) != 2 ||
        strspn(qualifier, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(qualifier))
        say(k, SEVERITY_ERROR, "config.isa-qualifier", where,
            "ZZ means mutually agreed, 01 DUNS, 12 a phone number.",
            "%s ISA qualifier %s is not two capital letters or digits.", whose, qualifier ? qualifier : "");
}

static void check_gs_id(struct checking *k, const char *where, const char *whose, const char *id)
{
    if (id && (strlen(id) < 2 || strlen(id) > ISA_ID_LENGTH))
        say(k, SEVERITY_ERROR, "config.gs-id", where, "",
            "%s GS id %s has %zu characters; 2 to %d are allowed.", whose, id, strlen(id), ISA_ID_LENGTH);
}

static void check_ids(struct checking *k, const struct partner *p)
{
    check_qualifier(k, partner_at(k, p, "isa_qualifier"), "The partner's", p->isa_qualifier);
    check_qualifier(k, our_at(k, p, "our_isa_qualifier", "isa_qualifier"), "Our", p->our_isa_qualifier);
    check_isa_id(k, partner_at(k, p, "isa_id"), "The partner's", p->live_isa_id ? p->live_isa_id : p->isa_id);
    check_isa_id(k, our_at(k, p, "our_isa_id", "isa_id"), "Our", p->our_live_isa_id);
    if (p->test_isa_id)
        check_isa_id(k, partner_at(k, p, "test_isa_id"), "The partner's test", p->test_isa_id);
    if (p->our_test_isa_id)
        check_isa_id(k, our_at(k, p, "our_test_isa_id", "test_isa_id"), "Our test", p->our_test_isa_id);
    check_gs_id(k, partner_at(k, p, "gs_id"), "The partner's", p->gs_id);
    check_gs_id(k, our_at(k, p, "our_gs_id", "gs_id"), "Our", p->our_gs_id);
    if (p->isa_id && p->our_isa_id && !strcmp(p->isa_id, p->our_isa_id) &&
        !strcmp(p->isa_qualifier, p->our_isa_qualifier ? p->our_isa_qualifier : ""))
        say(k, SEVERITY_ERROR, "config.isa-id.ours", partner_at(k, p, "isa_id"), "",
            "The partner %s has our own ISA id %s.", p->id, p->isa_id);
}

struct delimiter {
    const char *key;
    char c;
};

static const char *shown(struct checking *k, char c)
{
    return (unsigned char)c > ' ' && c != 0x7f ? arena_printf(k->arena, "%c", c)
                                               : arena_printf(k->arena, "0x%02x", (unsigned char)c);
}

static void check_delimiters(struct checking *k, const struct partner *p)
{
    const struct delimiter d[] = {{"element_separator", p->element_separator},
                                  {"component_separator", p->component_separator},
                                  {"segment_terminator", p->segment_terminator},
                                  {"replace_delimiters", p->replacement}};
    for (size_t i = 0; i < 4; i++) {
        char c = d[i].c;
        bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (i < 3 && (letter || c == ' '))
            say(k, SEVERITY_ERROR, "config.delimiter", partner_at(k, p, d[i].key),
                "Choose a character that does not occur in data, such as * > ~.",
                "%s cannot be a letter, a digit or a blank.", d[i].key);
        for (size_t j = 0; j < i; j++)
            if (c && c == d[j].c)
                say(k, SEVERITY_ERROR, "config.delimiter.equal", partner_at(k, p, d[i].key),
                    "Each delimiter is a character of its own.", "%s and %s are both %s.", d[j].key, d[i].key,
                    shown(k, c));
    }
    if (p->newline && p->segment_terminator == '\n')
        say(k, SEVERITY_ERROR, "config.delimiter.newline", partner_at(k, p, "newline"), "Write newline = no.",
            "The segment terminator is a line feed already.");
}

/* ---- partners: what is sent ---- */

static void check_form(struct checking *k, const struct partner *p, const struct sending *s)
{
    const char *where = sending_at(k, s, "map");
    const struct map *m = s->map ? load_map(k, s->map) : NULL;
    if (!m || !s->form) {
        if (s->map && !m)
            say(k, SEVERITY_ERROR, "config.map", where, "Its mistakes stand above.",
                "The map %s of [send %s] cannot be used.", s->map, s->type);
        return;
    }
    const char *syntax = map_syntax(m)->name, *wanted = !strcmp(s->form, "x12json") ? "x12" : s->form;
    if (!map_writes(m))
        say(k, SEVERITY_ERROR, "config.map.direction", where, "It needs <- or <-> in its first line.",
            "The map %s only reads; [send %s] needs one that writes.", s->map, s->type);
    if (strcmp(map_canonical(m), s->type) != 0)
        say(k, SEVERITY_ERROR, "config.map.type", where,
            arena_printf(k->arena, "Name a map of %s, or change the section to [send %s].", s->type,
                         map_canonical(m)),
            "The map %s is about %s, not %s.", s->map, map_canonical(m), s->type);
    if (strcmp(syntax, wanted) != 0)
        say(k, SEVERITY_ERROR, "config.map.form", where,
            !strcmp(syntax, "x12") ? "form = x12 or form = x12json goes with it."
                                   : arena_printf(k->arena, "form = %s goes with it.", syntax),
            "The map %s writes %s, which cannot become %s.", s->map, syntax, s->form);
    if (strcmp(wanted, "x12") != 0)
        return;
    struct arena scratch = {0};
    struct findings found = {.arena = &scratch};
    const struct dictionary *d = dictionary_load(map_library_dictionaries(k->maps), p->version, &found);
    if (!d)
        say(k, SEVERITY_ERROR, "config.version", partner_at(k, p, "version"),
            "Use a version that has a folder in translators/x12/.", "There is no dictionary of X12 %s.",
            p->version);
    else if (!strcmp(syntax, "x12") && !dictionary_set(d, map_set(m)))
        say(k, SEVERITY_ERROR, "config.version.set", partner_at(k, p, "version"), "",
            "The dictionary of X12 %s has no set %s, which the map %s writes.", p->version, map_set(m),
            s->map);
    arena_free(&scratch);
}

static void check_file_name(struct checking *k, const struct sending *s)
{
    static const char *const fields[] = {"type", "number",   "version",   "control", "partner",
                                         "date", "document", "extension", NULL};
    for (const char *at_brace = s->file_name ? strchr(s->file_name, '{') : NULL; at_brace;
         at_brace = strchr(at_brace + 1, '{')) {
        const char *end = strchr(at_brace, '}');
        const char *field =
            end ? arena_text(k->arena, slice_make(at_brace + 1, (size_t)(end - at_brace) - 1)) : at_brace + 1;
        bool known = false;
        for (const char *const *i = fields; *i && !known; i++)
            known = end && !strcmp(*i, field);
        const char *near = known ? NULL : nearest_word(field, fields);
        if (!known)
            say(k, SEVERITY_ERROR, "config.file-name", sending_at(k, s, "file_name"),
                near ? arena_printf(k->arena, "Did you mean {%s}?", near)
                     : "There are {type} {number} {version} {control} {partner} {date} {document} "
                       "{extension}.",
                "file_name has a {%s} that nothing can be put in for.", field);
    }
}

static void check_endpoint_of(struct checking *k, const struct sending *s)
{
    const char *where = sending_at(k, s, "endpoint"), *names[64] = {NULL};
    const struct endpoint_config *e = config_endpoint(k->config, s->endpoint);
    if (!e) {
        size_t n = 0;
        for (e = k->config->endpoints; e && n < 63; e = e->next)
            names[n++] = e->name;
        const char *near = nearest_word(s->endpoint, names);
        say(k, SEVERITY_ERROR, "config.endpoint.unknown", where,
            near ? arena_printf(k->arena, "Did you mean %s?", near)
                 : arena_printf(k->arena, "Add an [endpoint %s] to spoolgate.conf.", s->endpoint),
            "[send %s] goes to the endpoint %s, which does not exist.", s->type, s->endpoint);
        return;
    }
    const struct adapter *a = adapter_find(e->adapter);
    if (a && !a->deliver)
        say(k, SEVERITY_ERROR, "config.endpoint.direction", where, "Name an endpoint of another adapter.",
            "Nothing can be sent to %s: the adapter %s only fetches.", e->name, e->adapter);
}

static void check_erp_ids(struct checking *k, const struct partner *p)
{
    for (size_t i = 0; i < p->erp_id_count; i++)
        for (const struct partner *o = k->config->partners; o; o = o->next) {
            size_t upto = o == p ? i : o->erp_id_count;
            for (size_t j = 0; j < upto; j++)
                if (!strcmp(p->erp_ids[i], o->erp_ids[j]))
                    say(k, SEVERITY_ERROR, "config.erp-id.twice", partner_at(k, p, "erp_id"),
                        "A document must lead to one partner: remove it from one of them.",
                        "The ERP's number %s belongs already to %s (%s line %d).", p->erp_ids[i], o->id,
                        o->file, o->line);
            if (o == p)
                break;
        }
}

static void check_twins(struct checking *k, const struct partner *p)
{
    for (const struct partner *o = k->config->partners; o != p; o = o->next) {
        bool same = p->isa_id && o->isa_id && !strcmp(p->isa_id, o->isa_id) &&
                    !strcmp(p->isa_qualifier, o->isa_qualifier);
        if (same)
            say(k, SEVERITY_ERROR, "config.isa-id.twice", partner_at(k, p, "isa_id"),
                "What comes from there could not be told apart; one of the two ids is wrong.",
                "The partners %s and %s have the same ISA id %s.", o->id, p->id, p->isa_id);
    }
}

/* A 997 that is awaited and that nobody reads would be a setting that does nothing. */
static void check_acknowledgment(struct checking *k, const struct sending *s)
{
    if (s->acknowledgment && !strcmp(s->acknowledgment, "997"))
        say(k, SEVERITY_ERROR, "config.acknowledgment", sending_at(k, s, "acknowledgment"),
            "Write acknowledgment = none; or network, where the network that it is sent by tells of it.",
            "acknowledgment = 997: functional acknowledgments are not read yet, so none would ever be "
            "found.");
}

/* Without an id of the partner nothing that comes in is known to be its. */
static void check_inbound(struct checking *k, const struct partner *p)
{
    static const char *const keys[] = {"unknown_receiver", "test_interchange", "duplicate_interchange"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !p->live_isa_id && !p->test_isa_id; i++) {
        const struct setting *s = section_setting(p->section, keys[i]);
        if (s && s->file)
            say(k, SEVERITY_ERROR, "config.interchange", at(k, s->file, s->line),
                "Add the partner's isa_id, or remove the line.",
                "%s is about interchanges that %s sends, and nothing says by which ISA id they are its.",
                keys[i], p->id);
    }
}

static void check_partner(struct checking *k, const struct partner *p)
{
    bool x12 = false;
    for (const struct sending *s = p->sendings; s; s = s->next) {
        x12 |= s->form && !strcmp(s->form, "x12");
        check_form(k, p, s);
        check_file_name(k, s);
        check_acknowledgment(k, s);
        if (s->endpoint)
            check_endpoint_of(k, s);
    }
    if (!p->sendings)
        say(k, SEVERITY_ERROR, "config.partner.unserved", at(k, p->file, p->line),
            "Add for example [send order] with form, map and endpoint.",
            "No endpoint serves the partner %s: nothing says what is sent to it, and where.", p->id);
    check_erp_ids(k, p);
    if (x12 || p->live_isa_id || p->test_isa_id)
        check_ids(k, p);
    if (x12)
        check_delimiters(k, p);
    check_inbound(k, p);
    check_twins(k, p);
}

/* A setting that does nothing is a mistake. */
static void check_source(struct checking *k, const struct source_config *s)
{
    const struct route *r = k->config->routes;
    while (r && (!r->source || strcmp(r->source, s->name) != 0))
        r = r->next;
    if (!r)
        say(k, SEVERITY_ERROR, "config.source.unused", at(k, s->file, s->line),
            "Write the name that stands as source = in a [route …], or remove the section.",
            "No route has the source %s.", s->name);
}

int config_check(const struct config *c, struct map_library *maps, struct findings *f)
{
    struct arena scratch = {0};
    struct checking k = {c, maps, &scratch, f, NULL};
    unsigned errors = f->errors;
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next)
        check_endpoint(&k, e);
    for (const struct route *r = c->routes; r; r = r->next)
        check_route(&k, r);
    for (const struct source_config *s = c->sources; s; s = s->next)
        check_source(&k, s);
    for (const struct partner *p = c->partners; p; p = p->next)
        check_partner(&k, p);
    authority_check(c, maps, f);
    use_check(c, maps, f);
    if (!c->routes)
        say(&k, SEVERITY_WARNING, "config.route.none", c->file,
            "Add a [route …] with source = the folder of inbox/ and the map that reads what lies there.",
            "There is no route: no document that comes in can be read.");
    if (!c->partners)
        say(&k, SEVERITY_WARNING, "config.partner.none", c->file,
            "Add a file for each partner beside it: partners.d/<partner>.conf.",
            "There are no partners: nothing is sent to anybody.");
    arena_free(&scratch);
    return f->errors == errors ? 0 : -1;
}

/* ---- secrets ---- */

void config_check_secrets(const struct config *c, struct findings *f)
{
    struct arena scratch = {0};
    struct findings found = {.arena = &scratch};
    struct secrets *secrets = NULL;
    bool opened = false;
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next)
        for (const struct setting *s = e->settings; s; s = s->next) {
            if (!endpoint_key_names_secret(s->key))
                continue;
            if (!opened)
                secrets = secrets_open(c->secrets_file, c->key_file, &found);
            if (!opened && !secrets)
                finding_add(f, SEVERITY_WARNING, "config.secrets", endpoint_where(e, s->key, f->arena),
                            "Give the key as spoolgate-secret(1) says: key_file, $SPOOLGATE_KEY or systemd's "
                            "credentials.",
                            "The secrets cannot be looked at: %s",
                            found.first ? found.first->what : "there is no key for them.");
            opened = true;
            struct findings one = {.arena = &scratch};
            if (secrets && !secrets_get(secrets, s->value, &one).ptr)
                finding_add(
                    f, SEVERITY_WARNING, "config.secret.missing", endpoint_where(e, s->key, f->arena),
                    arena_printf(
                        f->arena,
                        "Set it: spoolgate secret set NAME, with the name that stands there as %s. (A "
                        "value does not belong there: change it at its issuer if it was one.)",
                        s->key),
                    "The endpoint %s needs a secret that is not set.", e->name);
        }
    const char *webhook_secret = c->alerts.webhook_secret;
    if (webhook_secret && !opened)
        secrets = secrets_open(c->secrets_file, c->key_file, &found);
    struct findings one = {.arena = &scratch};
    if (webhook_secret && !secrets_get(secrets, webhook_secret, &one).ptr)
        finding_add(
            f, SEVERITY_WARNING, "config.secret.missing", c->file,
            "Set it: spoolgate secret set NAME, with the name that stands in [alerts] as webhook_secret.",
            "The webhook of [alerts] needs a secret that is not set, or cannot be read.");
    if (secrets)
        secrets_close(secrets);
    arena_free(&scratch);
}
