/* writer: a tree as one interchange, and the check of a tree alone; see x12.h. Nothing that is wrong is left
 * in out. */
#include "edi/writing.h"
#include "edi/x12/x12.h"

int x12_validate(const struct dictionary *d, const struct set *set, const struct node *tree,
                 struct findings *f)
{
    unsigned before = f->errors;
    struct writing w;
    writing_open(&w, d, set, NULL, NULL, f);
    writing_set(&w, tree);
    return f->errors > before ? -1 : 0;
}

int x12_write(const struct dictionary *d, const struct set *set, const struct node *tree,
              const struct envelope *e, struct buffer *out, struct findings *f)
{
    unsigned before = f->errors;
    size_t start = out->len;
    struct writing w;
    if (envelope_open(d, set, e, out, f))
        return -1;
    struct edi_form form = {
        .delimiters = e->delimiters, .newline = e->newline, .replacement = e->replacement};
    writing_open(&w, d, set, &form, out, f);
    writing_set(&w, tree);
    if (f->errors > before) {
        out->len = start;
        return -1;
    }
    envelope_close(e, w.check.position, out);
    return 0;
}
