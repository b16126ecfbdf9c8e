/* use: see use.h. */
#include "route/use.h"
#include "adapter/adapter.h"
#include "base/word.h"
#include "route/sections.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES 64

static const char *where(const struct section *s, const char *key, struct arena *a)
{
    const struct setting *i = section_setting(s, key);
    return arena_printf(a, "%s:%d", i && i->file ? i->file : s->file, i && i->file ? i->line : s->line);
}

/* ---- what is fetched, and nobody reads ---- */

static bool knows(const struct adapter *a, const char *setting)
{
    for (size_t i = 0; a->settings && a->settings[i]; i++)
        if (!strcmp(a->settings[i], setting))
            return true;
    return false;
}

/* An adapter that knows pickup fetches only where it is set. */
static bool fetches(const struct endpoint_config *e)
{
    const struct adapter *a = adapter_find(e->adapter);
    return a && a->poll && (!knows(a, "pickup") || endpoint_setting(e, "pickup"));
}

static void check_fetched(const struct config *c, const struct endpoint_config *e, struct findings *f)
{
    const struct route *r = c->routes;
    while (r && (!r->source || strcmp(r->source, e->name) != 0))
        r = r->next;
    if (r || !fetches(e))
        return;
    bool pickup = endpoint_setting(e, "pickup") != NULL;
    finding_add(
        f, SEVERITY_WARNING, "config.route.missing", endpoint_where(e, pickup ? "pickup" : "", f->arena),
        arena_printf(f->arena, "Add a [route …] with source = %s and the map that reads it%s.", e->name,
                     pickup ? ", or remove pickup" : ""),
        "The endpoint %s fetches documents, and no route says which map reads them: each will go to error/.",
        e->name);
}

/* ---- files beside the partners ---- */

static int is_passed_over(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && strncmp(e->d_name, "README", 6) != 0 &&
           !(n > 5 && !strcmp(e->d_name + n - 5, ".conf"));
}

static void check_partner_files(const struct config *c, struct findings *f)
{
    const char *slash = strrchr(c->file, '/');
    const char *folder =
        arena_printf(f->arena, "%.*spartners.d", slash ? (int)(slash - c->file) + 1 : 0, c->file);
    struct dirent **files = NULL;
    int n = scandir(folder, &files, is_passed_over, alphasort);
    for (int i = 0; i < n; i++) {
        finding_add(f, SEVERITY_WARNING, "config.partner.ignored",
                    arena_printf(f->arena, "%s/%s", folder, files[i]->d_name),
                    "Give a partner's file a name that ends in .conf, or put what is none elsewhere.",
                    "The file is not read: its name does not end in .conf.");
        free(files[i]);
    }
    free(files);
}

/* ---- variables ---- */

static const struct section *variables_of(const struct config *c, const struct partner *p)
{
    const struct section *s = c->sections;
    while (s && (strcmp(s->kind, "variables") != 0 || strcmp(s->file, p->file) != 0))
        s = s->next;
    return s;
}

/* Its mistakes have been told by config_check. */
static const struct map *map_of(const struct sending *s, struct map_library *maps, struct arena *scratch)
{
    struct findings told = {.arena = scratch};
    return s->map ? map_load(maps, s->map, &told) : NULL;
}

static bool is_given(const struct partner *p, const char *name)
{
    for (size_t i = 0; i < p->variable_count; i++)
        if (!strcmp(p->variables[i].name, name))
            return true;
    return false;
}

static void check_wanted(const struct partner *p, const struct sending *s, const struct map *m,
                         struct findings *f)
{
    bool required;
    const char *name;
    for (size_t i = 0; (name = map_variable_written(m, i, &required)); i++)
        if (!is_given(p, name))
            finding_add(f, required ? SEVERITY_ERROR : SEVERITY_WARNING, "config.variable.missing",
                        where(s->section, "map", f->arena),
                        arena_printf(f->arena, "Add it to [variables] of %s: %s = …", p->file, name),
                        "The map %s wants $%s, which the partner %s does not give%s.", s->map, name, p->id,
                        required ? ": no document can be written" : "; what it stands for is left out");
}

/* Names that the partner's maps want, into names; false when a map cannot be used, and nothing can be said.
 */
static bool collect(const struct partner *p, struct map_library *maps, struct arena *scratch,
                    const char *names[NAMES])
{
    size_t n = 0;
    for (const struct sending *s = p->sendings; s; s = s->next) {
        const struct map *m = map_of(s, maps, scratch);
        const char *name;
        bool required;
        if (!m)
            return false;
        for (size_t i = 0; n < NAMES - 1 && (name = map_variable_written(m, i, &required)); i++)
            names[n++] = name;
    }
    names[n] = NULL;
    return n < NAMES - 1;
}

static void check_given(const struct config *c, const struct partner *p, const char *const *wanted,
                        struct findings *f)
{
    const struct section *section = variables_of(c, p);
    for (size_t i = 0; i < p->variable_count; i++) {
        const char *name = p->variables[i].name;
        bool used = false;
        for (const char *const *w = wanted; *w && !used; w++)
            used = !strcmp(*w, name);
        if (used || !section)
            continue;
        const char *near = nearest_word(name, wanted);
        finding_add(f, SEVERITY_WARNING, "config.variable.unused", where(section, name, f->arena),
                    near ? arena_printf(f->arena, "Did you mean %s?", near)
                         : "Remove it, or use it in a map of this partner's.",
                    "No map that writes for the partner %s uses $%s.", p->id, name);
    }
}

static void check_variables(const struct config *c, const struct partner *p, struct map_library *maps,
                            struct findings *f)
{
    struct arena scratch = {0};
    const char *wanted[NAMES] = {NULL};
    for (const struct sending *s = p->sendings; s; s = s->next) {
        const struct map *m = map_of(s, maps, &scratch);
        if (m)
            check_wanted(p, s, m, f);
    }
    if (collect(p, maps, &scratch, wanted))
        check_given(c, p, wanted, f);
    arena_free(&scratch);
}

/* ---- names of files ---- */

/* What tells one document from the next. */
static void check_file_name(const struct partner *p, const struct sending *s, struct findings *f)
{
    static const char *const telling[] = {"{number}", "{control}", "{document}", NULL};
    if (!s->file_name || !*s->file_name)
        return;
    for (const char *const *t = telling; *t; t++)
        if (strstr(s->file_name, *t))
            return;
    finding_add(
        f, SEVERITY_WARNING, "config.file-name.constant", where(s->section, "file_name", f->arena),
        "Put {number}, {control} or {document} into it.",
        "file_name = %s gives every %s for %s the same name: the next one cannot be laid while the one "
        "before it is there.",
        s->file_name, s->type, p->id);
}

void use_check(const struct config *c, struct map_library *maps, struct findings *f)
{
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next)
        check_fetched(c, e, f);
    check_partner_files(c, f);
    for (const struct partner *p = c->partners; p; p = p->next) {
        check_variables(c, p, maps, f);
        for (const struct sending *s = p->sendings; s; s = s->next)
            check_file_name(p, s, f);
    }
}
