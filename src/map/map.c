/* map: loading, and what map.h says of a map. */
#include "map/map.h"
#include "map/run.h"

#define EXTENDS_DEPTH 8

/* The statements of a map with all it extends; NULL with findings. */
static struct map_text *load_text(struct map_library *l, const char *name, struct spot from, unsigned depth,
                                  struct findings *f)
{
    struct library_file file;
    size_t len = strlen(name);
    bool path = len > 4 && strcmp(name + len - 4, ".map") == 0;
    int found = path                       ? library_open_path(l, name, &file, f)
                : library_name_plain(name) ? library_find(l, "", name, ".map", 0, &file, f)
                                           : 0;
    if (found <= 0) {
        const char *todo = "Correct the name, or make the file.";
        const char *what = path ? arena_printf(f->arena, "There is no map %s.", name)
                                : arena_printf(f->arena, "There is no map \"%s\" (%s.map in %s).", name, name,
                                               library_searched(l, f->arena));
        if (!found && from.file)
            statement_fault(f, from, "map.file", todo, "%s", what);
        else if (!found)
            finding_add(f, SEVERITY_ERROR, "map.file", "", todo, "%s", what);
        return NULL;
    }
    struct map_text *text = statement_parse(l, &file, f);
    if (!text || !text->extends)
        return text;
    if (depth == EXTENDS_DEPTH) {
        statement_fault(f, text->extends_spot, "map.overlay", "Shorten the chain.",
                        "Maps extend each other more than 8 deep, or in a circle.");
        return NULL;
    }
    struct map_text *base = load_text(l, text->extends, text->extends_spot, depth + 1, f);
    return base ? statement_overlay(&l->arena, base, text, f) : NULL;
}

const struct map *map_load(struct map_library *l, const char *name, struct findings *f)
{
    for (const struct map *m = l->maps; m; m = m->next)
        if (strcmp(m->name, name) == 0)
            return m;
    struct map_text *text = load_text(l, name, (struct spot){0}, 0, f);
    struct map *m = text ? (struct map *)(uintptr_t)map_compile(l, name, text, f) : NULL;
    if (!m)
        return NULL;
    m->next = l->maps;
    l->maps = m;
    return m;
}

const char *map_name(const struct map *m)
{
    return m->name;
}

const struct syntax *map_syntax(const struct map *m)
{
    return m->syntax;
}

const char *map_set(const struct map *m)
{
    return m->set_id;
}

const char *map_canonical(const struct map *m)
{
    return m->schema->name.ptr;
}

bool map_reads(const struct map *m)
{
    return (m->direction & DIRECTION_READ) != 0;
}

bool map_writes(const struct map *m)
{
    return (m->direction & DIRECTION_WRITE) != 0;
}

const char *map_variable_written(const struct map *m, size_t i, bool *required)
{
    for (unsigned v = 0; v < m->variable_count; v++)
        if (m->variable_use[v] != VARIABLE_READ && i-- == 0) {
            *required = m->variable_use[v] == VARIABLE_REQUIRED;
            return m->variables[v];
        }
    return NULL;
}

static struct node *read_bytes(const struct map *m, struct slice bytes, struct findings *f,
                               const struct wanted *wanted)
{
    struct syntax_options o = {.dictionaries = m->library->dictionaries, .set = m->set_id, .wanted = wanted};
    return m->syntax->read(&o, bytes, f);
}

struct node *map_read(const struct map *m, struct slice bytes, const struct map_run *run,
                      const char **skipped)
{
    struct node *tree = read_bytes(m, bytes, run->findings, m->x12 || run->trace ? NULL : &m->wanted);
    *skipped = NULL;
    if (!tree)
        return NULL;
    if (!m->x12 && run->trace)
        wanted_bind(&m->wanted, tree);
    return run_read(m, tree, m->x12 ? SLICE_NONE : bytes, run, skipped);
}

struct node *map_read_tree(const struct map *m, struct node *tree, const struct map_run *run,
                           const char **skipped)
{
    if (!m->x12)
        wanted_bind(&m->wanted, tree);
    return run_read(m, tree, SLICE_NONE, run, skipped);
}
