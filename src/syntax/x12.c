/* x12: the syntax "x12": one transaction set of an interchange as a tree, and back. The whole interchange is
 * read, so that a wrong trailer is found; of several sets the first is given, with a warning: who wants all
 * of them walks the interchange with edi/x12/x12.h. */
#include "edi/x12/x12.h"
#include "syntax/syntax.h"

static void wrong(struct findings *f, const char *code, const char *what)
{
    finding_add(f, SEVERITY_ERROR, code, "interchange", "", "%s", what);
}

/* Reads on to the end in an arena of its own, so that memory does not grow with the interchange. */
static size_t read_rest(struct x12_reader *r, struct findings *f)
{
    struct x12_header header;
    struct node *set;
    struct arena arena = {0};
    size_t more = 0;
    for (;;) {
        struct findings rest = {.arena = &arena, .limit = 1};
        arena_reset(&arena);
        int got = x12_reader_step(r, &header, &set, &rest);
        if (got < 0 && rest.first)
            finding_add(f, SEVERITY_ERROR, rest.first->code, rest.first->where, rest.first->todo, "%s",
                        rest.first->what);
        if (got <= 0)
            break;
        more++;
    }
    arena_free(&arena);
    return more;
}

static struct node *read_first(const struct syntax_options *o, struct x12_reader *r, struct findings *f)
{
    struct x12_header header;
    struct node *set;
    int got = x12_reader_step(r, &header, &set, f);
    if (got < 0)
        return NULL;
    if (got == 0) {
        wrong(f, "x12.interchange.empty", "The interchange has no transaction set.");
        return NULL;
    }
    if (got == 1 && o->set && !slice_is(header.set, o->set))
        wrong(f, "x12.set.other",
              arena_printf(f->arena, "The interchange holds set %.*s where %s is wanted.",
                           SLICE_ARG(header.set), o->set));
    size_t more = read_rest(r, f);
    if (more)
        finding_add(f, SEVERITY_WARNING, "x12.interchange.several", "interchange",
                    "Split the interchange, or use a command that reads all sets.",
                    "The interchange has %zu more transaction sets behind the first one; they are not in "
                    "this result.",
                    more);
    return set;
}

static struct node *x12_read(const struct syntax_options *o, struct slice bytes, struct findings *f)
{
    unsigned before = f->errors;
    struct x12_reader *r = x12_reader_open(o->dictionaries, bytes, f);
    if (!r)
        return NULL;
    x12_reader_version(r, o->version);
    struct node *set = read_first(o, r, f);
    x12_reader_close(r);
    return f->errors > before ? NULL : set;
}

static int x12_write_tree(const struct syntax_options *o, const struct node *tree, struct buffer *out,
                          struct findings *f)
{
    const char *version = o->version ? o->version : o->envelope ? o->envelope->version : NULL;
    if (!o->envelope || !version) {
        wrong(f, "x12.envelope.none",
              "X12 is written for a partner: its envelope and version are not given.");
        return -1;
    }
    const struct dictionary *d = dictionary_load(o->dictionaries, version, f);
    if (!d)
        return -1;
    const char *id = o->set ? o->set : arena_text(f->arena, tree->name);
    const struct set *set = dictionary_set(d, id);
    if (!set) {
        wrong(f, "x12.set.unknown",
              arena_printf(f->arena, "There is no transaction set %s in dictionary %s.", id, d->version));
        return -1;
    }
    return x12_write(d, set, tree, o->envelope, out, f);
}

const struct syntax syntax_x12 = {
    .name = "x12", .extension = "x12", .read = x12_read, .write = x12_write_tree};
