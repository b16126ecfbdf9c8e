/* schema: loads canonical schemas (see schema.h) and compiles paths against them. */
#include "map/schema.h"
#include "base/json.h"

#define DEFINITIONS_DEPTH 16
#define MEMBERS 64 /* one bit each in schema_type.required */

struct loading {
    struct map_library *library;
    struct findings *findings;
    const char *file;
    const json_t *document;
    bool wrong;
    struct known { /* a definition that has been read already */
        struct known *next;
        const json_t *value;
        const struct schema_type *type;
    } * known;
};

static void fault(struct loading *l, const char *at, const char *todo, const char *what)
{
    finding_add(l->findings, SEVERITY_ERROR, "map.schema",
                arena_printf(l->findings->arena, "%s: %s", l->file, at), todo, "%s", what);
    l->wrong = true;
}

static const struct schema_type *read_type(struct loading *l, const json_t *value, const char *at,
                                           unsigned depth);

static const struct schema_type *read_reference(struct loading *l, const char *reference, const char *at,
                                                unsigned depth)
{
    static const char prefix[] = "#/definitions/";
    const json_t *found = NULL;
    if (strncmp(reference, prefix, sizeof prefix - 1) == 0)
        found = json_object_get(json_object_get(l->document, "definitions"), reference + sizeof prefix - 1);
    if (found)
        return read_type(l, found, reference, depth + 1);
    fault(l, at, "Refer to #/definitions/…", arena_printf(l->findings->arena, "%s is not there.", reference));
    return NULL;
}

static bool read_kind(struct loading *l, const json_t *value, const char *at, struct schema_type *t)
{
    static const struct {
        const char *type, *format;
        enum schema_kind kind;
    } kinds[] = {{"object", "", SCHEMA_OBJECT},   {"array", "", SCHEMA_ARRAY},
                 {"string", "", SCHEMA_TEXT},     {"string", "decimal", SCHEMA_DECIMAL},
                 {"string", "date", SCHEMA_DATE}, {"string", "date-time", SCHEMA_INSTANT},
                 {"integer", "", SCHEMA_INTEGER}, {"boolean", "", SCHEMA_BOOLEAN}};
    const char *type = json_text_at(value, "type"), *format = json_text_at(value, "format");
    for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type, kinds[i].type) == 0 && strcmp(format ? format : "", kinds[i].format) == 0) {
            t->kind = kinds[i].kind;
            return true;
        }
    fault(l, at, "Types: object, array, string (format decimal, date, date-time), integer, boolean.",
          arena_printf(l->findings->arena, "The type %s with format %s is not known.", type ? type : "(none)",
                       format ? format : "(none)"));
    return false;
}

static void check_keywords(struct loading *l, const json_t *value, const char *at, bool top)
{
    static const char *const known[] = {"type",       "properties", "required",  "additionalProperties",
                                        "items",      "minItems",   "maxItems",  "enum",
                                        "format",     "minLength",  "maxLength", "title",
                                        "description"};
    static const char *const at_top[] = {"$schema", "$id", "definitions", "x-spoolgate"};
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= strcmp(key, known[i]) == 0;
        for (size_t i = 0; top && i < sizeof at_top / sizeof *at_top; i++)
            found |= strcmp(key, at_top[i]) == 0;
        if (!found)
            fault(l, at, "Leave it out; what it says would not be checked.",
                  arena_printf(l->findings->arena, "The keyword %s is not understood.", key));
    }
}

static void read_members(struct loading *l, const json_t *value, const char *at, unsigned depth,
                         struct schema_type *t)
{
    const json_t *properties = json_object_get(value, "properties");
    struct arena *a = &l->library->arena;
    size_t count = json_object_size(properties);
    if (!json_is_false(json_object_get(value, "additionalProperties")))
        fault(l, at, "Add \"additionalProperties\": false.",
              "An object must say that it has no other members.");
    if (count == 0 || count > MEMBERS) {
        fault(l, at, "Give it 1 to 64 members.", "An object has no or too many properties.");
        return;
    }
    struct schema_member *members = arena_alloc(a, count * sizeof *members);
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)properties, key, member)
    {
        struct schema_member *m = &members[t->count++];
        m->name = arena_copy(a, slice_of(key));
        m->type = read_type(l, member, arena_printf(a, "%s/%s", at, key), depth + 1);
    }
    t->members = members;
    size_t i;
    json_array_foreach(json_object_get(value, "required"), i, member)
    {
        struct slice name = slice_of(json_string_value(member));
        unsigned n = 0;
        while (n < t->count && !slice_equal(members[n].name, name))
            n++;
        if (n < t->count)
            t->required |= UINT64_C(1) << n;
        else
            fault(l, at, "Add the member or leave it out of required.",
                  arena_printf(l->findings->arena, "%.*s is required but not among the properties.",
                               SLICE_ARG(name)));
    }
}

static unsigned bound(const json_t *value, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(value, key));
    return n > 0 && n < 1000000 ? (unsigned)n : 0;
}

static const struct schema_type *read_type(struct loading *l, const json_t *value, const char *at,
                                           unsigned depth)
{
    struct arena *a = &l->library->arena;
    for (struct known *k = l->known; k; k = k->next)
        if (k->value == value)
            return k->type;
    if (depth > DEFINITIONS_DEPTH || !json_is_object(value)) {
        fault(l, at, "Make it an object with a type.",
              depth > DEFINITIONS_DEPTH ? "The definitions lie too deep." : "This is no schema.");
        return NULL;
    }
    const char *reference = json_text_at(value, "$ref");
    if (reference)
        return read_reference(l, reference, at, depth);
    struct schema_type *t = arena_zero(a, sizeof *t);
    check_keywords(l, value, at, depth == 0);
    if (!read_kind(l, value, at, t))
        return NULL;
    if (t->kind == SCHEMA_OBJECT)
        read_members(l, value, at, depth, t);
    if (t->kind == SCHEMA_ARRAY)
        t->items = read_type(l, json_object_get(value, "items"), arena_printf(a, "%s/items", at), depth + 1);
    t->min_items = bound(value, "minItems");
    t->max_items = bound(value, "maxItems");
    t->min_length = bound(value, "minLength");
    t->max_length = bound(value, "maxLength");
    const json_t *list = json_object_get(value, "enum");
    if (list) {
        struct slice *values = arena_alloc(a, (json_array_size(list) + 1) * sizeof *values);
        size_t i;
        json_t *item;
        json_array_foreach(list, i, item) values[t->value_count++] =
            arena_copy(a, slice_of(json_is_string(item) ? json_string_value(item) : ""));
        t->values = values;
    }
    t->constrained = t->values || t->min_length || t->max_length;
    struct known *k = arena_alloc(a, sizeof *k);
    *k = (struct known){l->known, value, t};
    l->known = k;
    return t;
}

static void read_path(struct loading *l, const struct schema *s, const char *member, const char *text,
                      struct path *out)
{
    const char *why;
    if (text && path_compile(s->root, slice_of(text), &l->library->arena, out, &why) < 0)
        fault(l, "x-spoolgate", "Name a member of this schema.",
              arena_printf(l->findings->arena, "%s: %s: %s", member, text, why));
}

static void read_identity(struct loading *l, struct schema *s)
{
    const json_t *x = json_object_get(l->document, "x-spoolgate");
    read_path(l, s, "partner", json_text_at(x, "partner"), &s->partner);
    read_path(l, s, "number", json_text_at(x, "number"), &s->number);
    read_path(l, s, "version", json_text_at(x, "version"), &s->version);
    const char *kind;
    json_t *path;
    json_object_foreach(json_object_get(x, "links"), kind, path)
    {
        if (s->link_count == sizeof s->links / sizeof *s->links)
            break;
        s->links[s->link_count].kind = arena_text(&l->library->arena, slice_of(kind));
        read_path(l, s, kind, json_string_value(path), &s->links[s->link_count++].path);
    }
    if (!s->number.count)
        fault(l, "x-spoolgate", "Say which member is the document's number.", "\"number\" is missing.");
}

const struct schema *schema_load(struct map_library *l, struct slice name, struct findings *f)
{
    for (const struct schema *s = l->schemas; s; s = s->next)
        if (slice_equal(s->name, name))
            return s;
    char *text = arena_text(f->arena, slice_make(name.ptr, name.len < 100 ? name.len : 100));
    struct library_file file;
    int found = library_name_plain(text) ? library_find(l, "canonical", text, ".json", 0, &file, f) : 0;
    if (found <= 0) {
        if (!found)
            finding_add(f, SEVERITY_ERROR, "map.schema", "", "Correct the type, or write its schema.",
                        "There is no canonical document type \"%s\" (canonical/%s.json in %s).", text, text,
                        library_searched(l, f->arena));
        return NULL;
    }
    json_error_t error;
    json_t *document = json_parse(file.text, &error);
    struct loading loading = {.library = l, .findings = f, .file = file.path, .document = document};
    if (!document) {
        char *where = arena_printf(f->arena, "%s:%d:%d", file.path, error.line, error.column);
        finding_add(f, SEVERITY_ERROR, "map.schema", where, "Correct the JSON.", "This is no JSON: %s.",
                    error.text);
        return NULL;
    }
    struct schema *s = arena_zero(&l->arena, sizeof *s);
    s->name = arena_copy(&l->arena, slice_of(text));
    s->file = file.path;
    s->root = read_type(&loading, document, "#", 0);
    if (s->root && s->root->kind != SCHEMA_OBJECT)
        fault(&loading, "#", "Make it an object.", "A document is an object.");
    else if (!loading.wrong)
        read_identity(&loading, s);
    json_decref(document);
    if (loading.wrong || !s->root)
        return NULL;
    s->next = l->schemas;
    l->schemas = s;
    return s;
}

const char *schema_kind_name(enum schema_kind kind)
{
    static const char *const names[] = {"an object", "a list",           "text",           "a decimal number",
                                        "a date",    "a date with time", "a whole number", "true or false"};
    return names[kind];
}
