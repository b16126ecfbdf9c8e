/* dictionary: the library of versions and what one looks up in them. A library is one process's; dictionaries
 * stay until the library is closed. A version that could not be loaded is tried again on the next call, so
 * that a corrected table works without a restart. */
#include "base/file.h"
#include "base/fingerprint.h"
#include "edi/names.h"
#include "edi/plan.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

struct dictionary_library {
    char *directory;
    struct dictionary_tables *first;
    struct arena arena;
    void *attached;
    void (*release)(void *attached);
    int settle; /* milliseconds */
};

#define STEADY_PAUSE 100 /* ms between looks at tables that are being changed */
#define STEADY_TRIES 100

struct dictionary_library *dictionary_library_open(const char *translators_directory)
{
    struct dictionary_library *l = calloc(1, sizeof *l);
    if (!l || !(l->directory = strdup(translators_directory)))
        abort();
    return l;
}

static void tables_free(struct dictionary_tables *d)
{
    names_close(d->names);
    arena_free(&d->arena);
    free(d);
}

void dictionary_library_close(struct dictionary_library *l)
{
    if (!l)
        return;
    for (struct dictionary_tables *d = l->first, *next; d; d = next) {
        next = d->next;
        tables_free(d);
    }
    if (l->attached)
        l->release(l->attached);
    arena_free(&l->arena);
    free(l->directory);
    free(l);
}

void dictionary_library_settle(struct dictionary_library *l, int milliseconds)
{
    l->settle = milliseconds;
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

/* "004010, 005010": what is there, for the finding; NULL when there is nothing. */
static const char *versions_present(const struct dictionary_library *l, const struct edi_standard *standard,
                                    struct arena *a)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/%s", l->directory, standard->name);
    DIR *dir = n > 0 && (size_t)n < sizeof path ? opendir(path) : NULL;
    char *list = NULL;
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (standard->version_is_plain(e->d_name))
            list = list ? arena_printf(a, "%s, %s", list, e->d_name) : arena_printf(a, "%s", e->d_name);
    if (dir)
        closedir(dir);
    return list;
}

static int load_tables(struct dictionary_tables *d, struct findings *f)
{
    if (plan_load_elements(d, f) || plan_load_composites(d, f) || plan_load_segments(d, f))
        return -1;
    int conditions = plan_load_conditions(d, f);
    int sets = plan_load_sets(d, f);
    return conditions || sets ? -1 : 0;
}

static void absent(const struct dictionary_library *l, const struct edi_standard *standard, const char *path,
                   const char *version, struct findings *f)
{
    char safe[64];
    size_t k = 0;
    for (; version[k] && k + 1 < sizeof safe; k++)
        safe[k] = version[k] < 0x20 || version[k] > 0x7e ? '?' : version[k];
    safe[k] = '\0';
    const char *present = versions_present(l, standard, f->arena);
    if (present)
        finding_add(f, SEVERITY_ERROR, "dictionary.version", path,
                    arena_printf(f->arena,
                                 "Add its tables under translators/%s, or ask the partner for a version that "
                                 "is there.",
                                 standard->name),
                    "There is no dictionary for %s version \"%s\" here; present: %s.", standard->title, safe,
                    present);
    else
        finding_add(f, SEVERITY_ERROR, "dictionary.none", path,
                    "Set translators in [spoolgate], or $SPOOLGATE_TRANSLATORS, to the folder that came with "
                    "spoolgate.",
                    "There are no dictionaries of %s here: %s/%s is not there or empty.", standard->title,
                    l->directory, standard->name);
}

static struct dictionary_tables *load_once(struct dictionary_library *l, const struct edi_standard *standard,
                                           const char *version, struct findings *f)
{
    struct dictionary_tables *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->dictionary.version = arena_text(&d->arena, slice_of(version));
    d->dictionary.standard = standard;
    d->folder = arena_printf(&d->arena, "%s/%s", standard->name, version);
    d->directory = l->directory;
    d->names = names_open(d->directory, d->folder);
    if (load_tables(d, f) == 0 && !f->machine)
        return d;
    tables_free(d);
    return NULL;
}

/* What holds still from before the reading until behind it is one state of the tables; and what was changed a
 * moment ago may be one of two. Findings count only then, too: half a table is no mistake of its author. */
static struct dictionary_tables *load_steady(struct dictionary_library *l,
                                             const struct edi_standard *standard, const char *version,
                                             const char *path, struct findings *f)
{
    for (int tries = 0; tries < STEADY_TRIES; tries++) {
        struct fingerprint before = {0}, after = {0};
        struct findings found = {.arena = f->arena, .limit = f->limit};
        fingerprint_add(&before, path);
        if (fingerprint_quiet(&before, l->settle)) {
            struct dictionary_tables *d = load_once(l, standard, version, &found);
            fingerprint_add(&after, path);
            if (found.machine || fingerprint_equal(&before, &after)) {
                findings_append(f, &found);
                return d;
            }
            if (d)
                tables_free(d);
        }
        nanosleep(&(struct timespec){.tv_nsec = STEADY_PAUSE * 1000000L}, NULL);
    }
    finding_machine(f, EBUSY, path);
    return NULL;
}

const struct dictionary *dictionary_load_of(struct dictionary_library *l, const struct edi_standard *standard,
                                            const char *version, struct findings *f)
{
    for (struct dictionary_tables *d = l->first; d; d = d->next)
        if (d->dictionary.standard == standard && !strcmp(d->dictionary.version, version))
            return &d->dictionary;
    char path[512];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s/%s", l->directory, standard->name, version);
    bool possible = standard->version_is_plain(version) && n > 0 && (size_t)n < sizeof path, there;
    errno = 0;
    there = possible && stat(path, &st) == 0;
    if (!there) {
        if (possible && error_is_the_machines(errno))
            finding_machine(f, errno, path);
        else
            absent(l, standard, path, version, f);
        return NULL;
    }
    struct dictionary_tables *d = load_steady(l, standard, version, path, f);
    if (!d)
        return NULL;
    d->next = l->first;
    l->first = d;
    return &d->dictionary;
}

/* "004010VICS" is 004010 with a guide's name. */
const struct dictionary *dictionary_load(struct dictionary_library *l, const char *version,
                                         struct findings *f)
{
    char shortened[7];
    snprintf(shortened, sizeof shortened, "%s", version);
    return dictionary_load_of(l, &standard_x12, shortened, f);
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

bool code_known_long(const struct code_list *l, struct slice code)
{
    return l->count && bsearch(&code, l->codes, l->count, sizeof *l->codes, compare_code);
}
