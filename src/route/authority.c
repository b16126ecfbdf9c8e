/* authority: see authority.h. */
#include "route/authority.h"
#include "base/word.h"
#include "route/sections.h"

static const char *where(const struct section *s, const char *key, struct arena *a)
{
    const struct setting *i = section_setting(s, key);
    return arena_printf(a, "%s:%d", i && i->file ? i->file : s->file, i && i->file ? i->line : s->line);
}

static void check_partners(const struct config *c, const struct route *r, struct findings *f)
{
    const char *ids[64] = {NULL};
    size_t n = 0;
    for (const struct partner *p = c->partners; p && n < 63; p = p->next)
        ids[n++] = p->id;
    for (size_t i = 0; r->partners && r->partners[i]; i++) {
        if (config_partner(c, r->partners[i]))
            continue;
        const char *near = nearest_word(r->partners[i], ids);
        finding_add(f, SEVERITY_ERROR, "config.route.partner", where(r->section, "partners", f->arena),
                    near ? arena_printf(f->arena, "Did you mean %s?", near)
                         : "Name partners by the ids of their files in partners.d.",
                    "The route %s is for the partner %s, which does not exist.", r->name, r->partners[i]);
    }
}

/* What its map reads; NULL when it cannot be used, which config_check has told. */
static const char *type_of(const struct route *r, struct map_library *maps)
{
    struct arena scratch = {0};
    struct findings told = {.arena = &scratch};
    const struct map *m = r->map ? map_load(maps, r->map, &told) : NULL;
    arena_free(&scratch);
    return m ? map_canonical(m) : NULL;
}

static void check_types(const struct route *r, struct map_library *maps, struct findings *f)
{
    const char *type = type_of(r, maps);
    if (type && !config_allows(r->types, slice_of(type)))
        finding_add(f, SEVERITY_ERROR, "config.route.type", where(r->section, "types", f->arena),
                    arena_printf(f->arena, "Add %s to its types, or name another map.", type),
                    "The route %s lets no %s in, and its map %s reads nothing else.", r->name, type, r->map);
}

/* Two sources of the same, without a limit and without a word whose counts: told once a source. */
static void check_rivals(const struct config *c, const struct route *r, struct map_library *maps,
                         struct findings *f)
{
    const char *type = r->partners || !r->source ? NULL : type_of(r, maps);
    for (const struct route *o = c->routes; type && o != r; o = o->next) {
        const char *other = o->partners || !o->source || !strcmp(o->source, r->source) ||
                                    config_precedence(c, o->source, r->source) != 0
                                ? NULL
                                : type_of(o, maps);
        if (!other || strcmp(other, type) != 0)
            continue;
        finding_add(
            f, SEVERITY_WARNING, "config.route.rivals", where(r->section, "source", f->arena),
            arena_printf(f->arena,
                         "Say whose word counts, precedence = %s %s in [spoolgate], or limit a route: "
                         "partners = …",
                         o->source, r->source),
            "The sources %s and %s both hand in %ss for any partner: who writes to one of them can take "
            "a number of the other's.",
            o->source, r->source, type);
        return;
    }
}

static void check_precedence(const struct config *c, struct findings *f)
{
    const struct section *s = c->sections;
    while (s && strcmp(s->kind, "spoolgate") != 0)
        s = s->next;
    for (size_t i = 0; s && c->precedence && c->precedence[i]; i++) {
        const char *names[64] = {NULL}, *source = c->precedence[i];
        bool known = false, twice = false;
        size_t n = 0;
        for (const struct route *r = c->routes; r; r = r->next) {
            if (n < 63 && r->source)
                names[n++] = r->source;
            known = known || (r->source && !strcmp(r->source, source));
        }
        for (size_t k = 0; k < i; k++)
            twice = twice || !strcmp(c->precedence[k], source);
        const char *near = nearest_word(source, names);
        if (!known)
            finding_add(f, SEVERITY_ERROR, "config.precedence", where(s, "precedence", f->arena),
                        near ? arena_printf(f->arena, "Did you mean %s?", near)
                             : "Name sources of routes, the one whose word counts first.",
                        "precedence names the source %s, and no route has it.", source);
        else if (twice)
            finding_add(f, SEVERITY_ERROR, "config.precedence", where(s, "precedence", f->arena),
                        "Remove one of the two.", "precedence names the source %s twice.", source);
    }
}

void authority_check(const struct config *c, struct map_library *maps, struct findings *f)
{
    for (const struct route *r = c->routes; r; r = r->next) {
        check_partners(c, r, f);
        if (r->types)
            check_types(r, maps, f);
        check_rivals(c, r, maps, f);
    }
    check_precedence(c, f);
}
