/* table: see table.h. Fails only by findings; memory by the arena's and buffer's rule. */
#include "edi/table.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define TABLE_LIMIT (16u << 20)

int table_open(struct table *t, const char *directory, const char *name, unsigned columns, struct findings *f)
{
    *t = (struct table){.name = name, .findings = f, .columns = columns};
    const char *path = arena_printf(f->arena, "%s/%s", directory, name);
    if (file_read(AT_FDCWD, path, TABLE_LIMIT, &t->text)) {
        if (error_is_the_machines(errno))
            finding_machine(f, errno, path);
        else
            finding_add(f, SEVERITY_ERROR, "dictionary.table", path,
                        "Look whether the installation is complete.",
                        "The dictionary's table cannot be read: %s.", strerror(errno));
        buffer_free(&t->text);
        return -1;
    }
    return 0;
}

void table_close(struct table *t)
{
    buffer_free(&t->text);
}

size_t table_lines(const struct table *t)
{
    size_t n = 1;
    for (size_t i = 0; i < t->text.len; i++)
        n += t->text.ptr[i] == '\n';
    return n;
}

size_t table_runs(const struct table *t)
{
    size_t n = 1;
    struct slice last = {"", 0}, rest = buffer_as_slice(&t->text);
    while (rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        const char *tab = memchr(rest.ptr, '\t', len);
        struct slice first = slice_make(rest.ptr, tab ? (size_t)(tab - rest.ptr) : len);
        if (!slice_equal(first, last))
            n++;
        last = first;
        rest = slice_make(rest.ptr + len + (end ? 1 : 0), rest.len - len - (end ? 1 : 0));
    }
    return n;
}

void table_fault(struct table *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const char *what = arena_vprintf(t->findings->arena, format, ap);
    va_end(ap);
    finding_add(t->findings, SEVERITY_ERROR, "dictionary.row",
                arena_printf(t->findings->arena, "%s:%u", t->name, t->line), "Correct the table.", "%s",
                what);
}

static struct slice next_line(struct table *t)
{
    const char *start = t->text.ptr + t->at;
    size_t left = t->text.len - t->at;
    const char *end = memchr(start, '\n', left);
    size_t len = end ? (size_t)(end - start) : left;
    t->at += len + (end ? 1 : 0);
    t->line++;
    if (len && start[len - 1] == '\r')
        len--;
    return slice_make(start, len);
}

static unsigned split(struct table *t, struct slice line)
{
    unsigned n = 0;
    for (;;) {
        const char *tab = memchr(line.ptr, '\t', line.len);
        size_t len = tab ? (size_t)(tab - line.ptr) : line.len;
        if (n < TABLE_FIELDS)
            t->fields[n] = slice_make(line.ptr, len);
        n++;
        if (!tab)
            return n;
        line = slice_make(tab + 1, line.len - len - 1);
    }
}

bool table_next(struct table *t)
{
    while (t->at < t->text.len) {
        struct slice line = next_line(t);
        if (line.len == 0)
            continue;
        if (line.ptr[0] == '#') {
            if (slice_is(line, "#open"))
                t->open = true;
            continue;
        }
        unsigned n = split(t, line);
        if (n == t->columns)
            return true;
        table_fault(t, "The row has %u columns, %u are needed, separated by single tabs.", n, t->columns);
    }
    return false;
}

unsigned table_number(struct table *t, unsigned field, unsigned most)
{
    struct slice s = t->fields[field];
    unsigned long value = 0;
    if (s.len == 0 || s.len > 9) {
        table_fault(t, "Column %u must be a number, not \"%.*s\".", field + 1, SLICE_ARG(s));
        return 0;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            table_fault(t, "Column %u must be a number, not \"%.*s\".", field + 1, SLICE_ARG(s));
            return 0;
        }
        value = value * 10 + (unsigned long)(s.ptr[i] - '0');
    }
    if (value > most) {
        table_fault(t, "Column %u is %lu, at most %u is allowed.", field + 1, value, most);
        return 0;
    }
    return (unsigned)value;
}
