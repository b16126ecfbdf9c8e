/* table: one tab-separated file of a dictionary, read row by row. Owns the file's text; fields are slices
 * into it and live until table_close. A row that is wrong is told with file and line, and the reading goes
 * on, so that one look shows all mistakes of a table. Format: translators/x12/README.md. */
#ifndef SPOOLGATE_EDI_TABLE_H
#define SPOOLGATE_EDI_TABLE_H

#include "base/finding.h"

#define TABLE_FIELDS 8

struct table {
    const char *name; /* as findings show it: "x12/004010/segments.tsv" */
    struct buffer text;
    struct findings *findings;
    struct slice fields[TABLE_FIELDS];
    size_t at;
    unsigned line, columns;
    bool open; /* a line "#open" was seen */
};

/* Reads directory/name. 0, or -1 with a finding when it cannot be read. columns: what every row must have. */
int table_open(struct table *t, const char *directory, const char *name, unsigned columns,
               struct findings *f);
bool table_next(struct table *t); /* the next good row; false at the end */
void table_close(struct table *t);
/* Upper bounds for what is read: lines, and runs of lines with the same first column. */
size_t table_lines(const struct table *t);
size_t table_runs(const struct table *t);

void table_fault(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A whole number 0..most in a field; a fault and 0 otherwise. */
unsigned table_number(struct table *t, unsigned field, unsigned most);

#endif
