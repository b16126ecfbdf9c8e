/* sqlite: inside state/ only. The connection, and statements prepared once and kept. */
#ifndef SPOOLGATE_STATE_SQLITE_H
#define SPOOLGATE_STATE_SQLITE_H

#include "state/state.h"
#include <sqlite3.h>

#define STATEMENTS 64

struct kept_statement {
    const char *sql; /* the literal's address is the key */
    sqlite3_stmt *statement;
};

struct state {
    sqlite3 *db;
    char *path;
    struct kept_statement kept[STATEMENTS];
    struct reach *reach; /* reach.h; NULL until it is asked for */
    char error[512];
};

/* The statement of a string literal, reset and with its texts bound: types is one letter a value: s (const
 * char *), i (int64_t), b (struct slice, as a blob). NULL on failure. */
sqlite3_stmt *state_statement(struct state *s, const char *sql, const char *types, ...);
/* Runs one that gives no rows. 0, or -1 with state_error set. */
int state_run(struct state *s, sqlite3_stmt *statement);
/* One step of one that does: 1 a row, 0 no more (reset), -1 failed (reset). */
int state_step(struct state *s, sqlite3_stmt *statement);
void state_column(sqlite3_stmt *statement, int column, char *out, size_t room); /* a text, cut to room */
int state_failed(struct state *s, const char *what); /* keeps what SQLite said; -1 */
/* The finding just added is of what SQLite met last: the disk, the memory, a lock are the machine's. */
void state_blame(const struct state *s, struct findings *f);

/* Brings the schema to the newest number. -1 with findings. */
int state_migrate(struct state *s, struct findings *f);

#endif
