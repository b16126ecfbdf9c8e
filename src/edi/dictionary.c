/* dictionary: the library of versions and what one looks up in them. A library is one process's; dictionaries
 * stay until the library is closed. A version that could not be loaded is tried again on the next call, so
 * that a corrected table works without a restart. */
#include "edi/plan.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct dictionary_library {
    char *directory;
    struct dictionary_tables *first;
    struct arena arena;
    void *attached;
    void (*release)(void *attached);
};

struct dictionary_library *dictionary_library_open(const char *translators_directory)
{
    struct dictionary_library *l = calloc(1, sizeof *l);
    if (!l || !(l->directory = strdup(translators_directory)))
        abort();
    return l;
}

void dictionary_library_close(struct dictionary_library *l)
{
    if (!l)
        return;
    for (struct dictionary_tables *d = l->first, *next; d; d = next) {
        next = d->next;
        arena_free(&d->arena);
        free(d);
    }
    if (l->attached)
        l->release(l->attached);
    arena_free(&l->arena);
    free(l->directory);
    free(l);
}

const char *dictionary_library_directory(const struct dictionary_library *l)
{
    return l->directory;
}

void *dictionary_library_attached(const struct dictionary_library *l)
{
    return l->attached;
}

void dictionary_library_attach(struct dictionary_library *l, void *attached, void (*release)(void *))
{
    if (l->attached)
        l->release(l->attached);
    l->attached = attached;
    l->release = release;
}

/* "004010, 005010": what is there, for the finding. */
static const char *versions_present(const struct dictionary_library *l, struct arena *a)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/x12", l->directory);
    DIR *dir = n > 0 && (size_t)n < sizeof path ? opendir(path) : NULL;
    char *list = NULL;
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strlen(e->d_name) == 6 && strspn(e->d_name, "0123456789") == 6)
            list = list ? arena_printf(a, "%s, %s", list, e->d_name) : arena_printf(a, "%s", e->d_name);
    if (dir)
        closedir(dir);
    return list ? list : "none";
}

static bool version_is_plain(const char *version)
{
    size_t n = strlen(version);
    return n == 6 && strspn(version, "0123456789") == n;
}

static int load_tables(struct dictionary_tables *d, struct findings *f)
{
    if (plan_load_elements(d, f) || plan_load_composites(d, f) || plan_load_segments(d, f))
        return -1;
    int conditions = plan_load_conditions(d, f);
    int sets = plan_load_sets(d, f);
    return conditions || sets ? -1 : 0;
}

const struct dictionary *dictionary_load(struct dictionary_library *l, const char *version,
                                         struct findings *f)
{
    char shortened[7];
    snprintf(shortened, sizeof shortened, "%s", version); /* "004010VICS" is 004010 with a guide's name */
    for (struct dictionary_tables *d = l->first; d; d = d->next)
        if (!strcmp(d->dictionary.version, shortened))
            return &d->dictionary;
    char path[512];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/x12/%s", l->directory, shortened);
    if (!version_is_plain(shortened) || n < 0 || (size_t)n >= sizeof path || stat(path, &st)) {
        char safe[64];
        size_t k = 0;
        for (; version[k] && k + 1 < sizeof safe; k++)
            safe[k] = version[k] < 0x20 || version[k] > 0x7e ? '?' : version[k];
        safe[k] = '\0';
        finding_add(f, SEVERITY_ERROR, "dictionary.version", path,
                    "Ask the partner for a version that is there, or add its tables under translators/x12.",
                    "There is no dictionary for X12 version \"%s\"; present: %s.", safe,
                    versions_present(l, f->arena));
        return NULL;
    }
    struct dictionary_tables *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->dictionary.version = arena_text(&d->arena, slice_of(shortened));
    d->folder = arena_printf(&d->arena, "x12/%s", shortened);
    d->directory = l->directory;
    if (load_tables(d, f)) {
        arena_free(&d->arena);
        free(d);
        return NULL;
    }
    d->next = l->first;
    l->first = d;
    return &d->dictionary;
}

const struct set *dictionary_set(const struct dictionary *dictionary, const char *id)
{
    const struct dictionary_tables *d = (const struct dictionary_tables *)dictionary;
    for (size_t i = 0; i < d->set_count; i++)
        if (!strcmp(d->sets[i].id, id))
            return &d->sets[i];
    return NULL;
}

const struct set *dictionary_set_at(const struct dictionary *dictionary, size_t n)
{
    const struct dictionary_tables *d = (const struct dictionary_tables *)dictionary;
    return n < d->set_count ? &d->sets[n] : NULL;
}

const struct segment *dictionary_segment(const struct dictionary *d, struct slice id)
{
    const struct segment_plan *s = plan_segment((const struct dictionary_tables *)d, id);
    return s ? &s->segment : NULL;
}

static int compare_element(const void *id, const void *element)
{
    return strcmp(id, ((const struct element *)element)->id);
}

const struct element *dictionary_element(const struct dictionary *dictionary, const char *id)
{
    const struct dictionary_tables *d = (const struct dictionary_tables *)dictionary;
    if (!d->element_count)
        return NULL;
    return bsearch(id, d->elements, d->element_count, sizeof *d->elements, compare_element);
}

static int compare_code(const void *wanted, const void *code)
{
    const struct slice x = *(const struct slice *)wanted, y = *(const struct slice *)code;
    int c = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return c ? c : (x.len > y.len) - (x.len < y.len);
}

const char *code_name(const struct code_list *l, struct slice code)
{
    if (!l || !l->count || !code.ptr)
        return NULL;
    const struct slice *at = bsearch(&code, l->codes, l->count, sizeof *l->codes, compare_code);
    return at ? l->names[at - l->codes].ptr : NULL;
}

bool code_known_long(const struct code_list *l, struct slice code)
{
    return code_name(l, code) != NULL;
}
