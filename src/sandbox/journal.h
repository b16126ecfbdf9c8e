/*
 * journal.h - what the sandbox must still know after kill -9.
 *
 * A dictionary of kinds, each a dictionary of ids, held in memory and written through to a file, one
 * JSON line a change. The file is rewritten without its history when it is opened. No fsync: it
 * outlives the process, not the machine.
 */
#ifndef SANDBOX_JOURNAL_H
#define SANDBOX_JOURNAL_H

#include <jansson.h>
#include <stddef.h>

struct journal;

/* NULL with the reason in why. A torn last line is dropped. */
struct journal *sb_journal_open(const char *path, char *why, size_t why_size);
void sb_journal_close(struct journal *journal);
/* id -> value in the order of their first writing; borrowed, never NULL. */
json_t *sb_journal_kind(struct journal *journal, const char *kind);
json_t *sb_journal_get(struct journal *journal, const char *kind, const char *id);
/* Takes over the reference. A value that was changed in place is put again to be written. */
void sb_journal_put(struct journal *journal, const char *kind, const char *id, json_t *value);
void sb_journal_drop(struct journal *journal, const char *kind, const char *id);
void sb_journal_drop_kind(struct journal *journal, const char *kind);

#endif
