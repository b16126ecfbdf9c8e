/* names: see names.h. A fault of the machine is no finding here, for the names judge nothing: the text is
 * without the name, and the next one that wants it tries again. A file that is not there, or a row that is no
 * name, stays without for as long as the dictionary is open. */
#include "edi/names.h"
#include "edi/table.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct named {
    struct slice id;
    const char *name; /* behind its NUL stands the same in parentheses */
};

struct name_list { /* one file's */
    struct name_list *next;
    const char *file;   /* "codes/98.tsv" */
    struct named *rows; /* sorted by id */
    size_t count;
};

struct names {
    const char *directory, *folder;
    struct name_list *first;
    struct arena arena;
};

struct names *names_open(const char *directory, const char *folder)
{
    struct names *n = calloc(1, sizeof *n);
    if (!n)
        abort();
    n->directory = directory;
    n->folder = folder;
    return n;
}

void names_close(struct names *n)
{
    if (!n)
        return;
    arena_free(&n->arena);
    free(n);
}

static int by_id(const void *a, const void *b)
{
    const struct slice x = ((const struct named *)a)->id, y = ((const struct named *)b)->id;
    int c = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return c ? c : (x.len > y.len) - (x.len < y.len);
}

static const char *both_forms(struct arena *a, struct slice name)
{
    char *text = arena_alloc(a, 2 * name.len + 5);
    memcpy(text, name.ptr, name.len);
    memcpy(text + name.len, "\0 (", 3);
    memcpy(text + name.len + 3, name.ptr, name.len);
    memcpy(text + 2 * name.len + 3, ")", 2);
    return text;
}

static struct name_list *new_list(struct names *n, const char *file)
{
    struct name_list *l = arena_zero(&n->arena, sizeof *l);
    l->file = arena_text(&n->arena, slice_of(file));
    l->next = n->first;
    n->first = l;
    return l;
}

static struct name_list *read_list(struct names *n, const char *file)
{
    struct arena scratch = {0};
    struct findings unsaid = {.arena = &scratch, .limit = 1};
    struct name_list *l = NULL;
    struct table t;
    if (table_open(&t, n->directory, arena_printf(&scratch, "names/%s/%s", n->folder, file), 2, &unsaid)) {
        l = unsaid.machine ? NULL : new_list(n, file);
        arena_free(&scratch);
        return l;
    }
    l = new_list(n, file);
    l->rows = arena_alloc(&n->arena, table_lines(&t) * sizeof *l->rows);
    while (table_next(&t))
        if (t.fields[0].len && t.fields[1].len)
            l->rows[l->count++] =
                (struct named){arena_copy(&n->arena, t.fields[0]), both_forms(&n->arena, t.fields[1])};
    qsort(l->rows, l->count, sizeof *l->rows, by_id);
    table_close(&t);
    arena_free(&scratch);
    return l;
}

static const char *look_up(struct names *n, const char *file, struct slice id)
{
    if (!n || !id.ptr)
        return NULL;
    struct name_list *l = n->first;
    while (l && strcmp(l->file, file) != 0)
        l = l->next;
    if (!l) {
        int error = errno;
        l = read_list(n, file);
        errno = error;
    }
    struct named wanted = {.id = id}, *at = NULL;
    if (l && l->count)
        at = bsearch(&wanted, l->rows, l->count, sizeof *l->rows, by_id);
    return at ? at->name : NULL;
}

const char *name_of_element(const struct element *e)
{
    return look_up(e->names, "elements.tsv", slice_of(e->id));
}

const char *name_of_composite(const struct composite *c)
{
    return look_up(c->names, "composites.tsv", slice_of(c->id));
}

const char *name_of_position(const struct position *p)
{
    return p->composite ? name_of_composite(p->composite) : p->element ? name_of_element(p->element) : NULL;
}

const char *name_of_segment(const struct segment *s)
{
    return look_up(s->names, "segments.tsv", slice_of(s->id));
}

const char *name_of_set(const struct set *s)
{
    return look_up(s->names, "sets.tsv", slice_of(s->id));
}

const char *name_of_code(const struct element *e, struct slice code)
{
    char file[64];
    int n = snprintf(file, sizeof file, "codes/%s.tsv", e->id);
    return n > 0 && (size_t)n < sizeof file ? look_up(e->names, file, code) : NULL;
}

const char *name_in_parentheses(const char *name)
{
    return name ? name + strlen(name) + 1 : "";
}
