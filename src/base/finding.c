/* finding: see finding.h. What is said may quote untrusted bytes: they are made fit for a screen and for JSON
 * here, once, so that a document cannot forge lines of error.txt or send escapes to a terminal. */
#include "base/finding.h"
#include "base/file.h"
#include "base/utf8.h"

bool findings_full(struct findings *f, enum severity severity)
{
    if (f->kept < (f->limit ? f->limit : 100))
        return false;
    f->errors += severity == SEVERITY_ERROR;
    f->warnings += severity == SEVERITY_WARNING;
    f->dropped++;
    return true;
}

void finding_add(struct findings *f, enum severity severity, const char *code, const char *where,
                 const char *todo, const char *what_format, ...)
{
    if (findings_full(f, severity))
        return;
    f->errors += severity == SEVERITY_ERROR;
    f->warnings += severity == SEVERITY_WARNING;
    struct finding *n = arena_zero(f->arena, sizeof *n);
    n->severity = severity;
    n->code = arena_text(f->arena, slice_of(code));
    n->where = utf8_shown(f->arena, arena_text(f->arena, slice_of(where ? where : "")));
    n->todo = utf8_shown(f->arena, arena_text(f->arena, slice_of(todo ? todo : "")));
    va_list ap;
    va_start(ap, what_format);
    n->what = utf8_shown(f->arena, arena_vprintf(f->arena, what_format, ap));
    va_end(ap);
    if (f->last)
        f->last->next = n;
    else
        f->first = n;
    f->last = n;
    f->kept++;
}

void finding_place(struct findings *f, size_t offset, unsigned element, unsigned component)
{
    if (!f->last || f->dropped)
        return;
    f->last->at = offset + 1;
    f->last->element = element;
    f->last->component = component;
}

void finding_machine(struct findings *f, int error, const char *path)
{
    if (!f->machine)
        f->machine = error;
    finding_add(f, SEVERITY_ERROR, "machine", path, "Look at the machine, its disks and its memory.",
                "The file cannot be read now: %s.", strerror(error));
}

void findings_blame(struct findings *f, int error)
{
    if (!f->machine && error_is_the_machines(error))
        f->machine = error;
}

void findings_append(struct findings *f, const struct findings *from)
{
    unsigned errors = from->errors, warnings = from->warnings;
    for (const struct finding *i = from->first; i; i = i->next) {
        finding_add(f, i->severity, i->code, i->where, i->todo, "%s", i->what);
        if (i->at)
            finding_place(f, i->at - 1, i->element, i->component);
        errors -= i->severity == SEVERITY_ERROR;
        warnings -= i->severity == SEVERITY_WARNING;
    }
    f->errors += errors; /* those of which only the number was kept */
    f->warnings += warnings;
    f->dropped += from->dropped;
    if (!f->machine)
        f->machine = from->machine;
}

void findings_print(const struct findings *f, struct buffer *out)
{
    static const char *const name[] = {"note", "warning", "error"};
    for (const struct finding *n = f->first; n; n = n->next) {
        buffer_printf(out, "%s: %s\n", name[n->severity], n->what);
        if (n->where[0])
            buffer_printf(out, "  where: %s\n", n->where);
        if (n->todo[0])
            buffer_printf(out, "  what to do: %s\n", n->todo);
        buffer_printf(out, "  code: %s\n", n->code);
    }
    if (f->dropped)
        buffer_printf(out, "and %u more of the same kind.\n", f->dropped);
}
