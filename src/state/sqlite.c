/* sqlite: the connection. See state.h; SQLite's documentation: "Write-Ahead Logging", "PRAGMA synchronous".
 * In WAL mode with synchronous=NORMAL a commit is written but not synced: it is on the disk with the next
 * syncfs of its filesystem, which is the spool's. After a loss of power the WAL's checksums cut off what was
 * not. */
#include "state/sqlite.h"
#include "state/reach.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MILLISECONDS 30000

int state_failed(struct state *s, const char *what)
{
    sqlite3_snprintf(sizeof s->error, s->error, "%s: %s", what, sqlite3_errmsg(s->db));
    return -1;
}

const char *state_error(const struct state *s)
{
    return s->error;
}

void state_blame(const struct state *s, struct findings *f)
{
    switch (sqlite3_errcode(s->db) & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: findings_blame(f, EIO); break;
    case SQLITE_CANTOPEN: findings_blame(f, sqlite3_system_errno(s->db)); break;
    default: break;
    }
}

static int set_up(struct state *s)
{
    sqlite3_extended_result_codes(s->db, 0);
    sqlite3_busy_timeout(s->db, BUSY_MILLISECONDS);
    /* a database is a file others may have written: nothing in its schema is trusted with functions */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    const char *sql = "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;"
                      "PRAGMA cache_size=-4096;PRAGMA wal_autocheckpoint=2000;PRAGMA temp_store=MEMORY";
    /* two processes that make the database at once: going over to WAL does not wait for the busy timeout */
    for (int tries = 0; tries < 100; tries++) {
        if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
            return 0;
        if (sqlite3_errcode(s->db) != SQLITE_BUSY)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return state_failed(s, "opening the database");
}

struct state *state_open(const char *path, struct findings *f)
{
    struct state *s = calloc(1, sizeof *s);
    if (!s || !(s->path = strdup(path)))
        abort();
    mode_t before = umask(0027);
    int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
                             NULL);
    if (rc == SQLITE_OK)
        rc = set_up(s);
    else
        state_failed(s, "opening the database");
    if (rc != 0) {
        bool damaged = sqlite3_errcode(s->db) == SQLITE_NOTADB || sqlite3_errcode(s->db) == SQLITE_CORRUPT;
        finding_add(f, SEVERITY_ERROR, damaged ? "state.damaged" : "state.open", path,
                    damaged
                        ? "Stop spoolgate, move the file away together with its -wal and -shm, and run "
                          "`spoolgate reindex`: it is made anew from the spool. Cursors of polls begin anew."
                        : "Check its path, its permissions and the free space.",
                    damaged ? "The state is damaged or is no database of spoolgate: %s."
                            : "The state cannot be used: %s.",
                    s->error);
        state_blame(s, f);
    } else {
        rc = state_migrate(s, f);
    }
    umask(before);
    if (rc == 0)
        return s;
    state_close(s);
    return NULL;
}

void state_close(struct state *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->kept[i].statement);
    sqlite3_close(s->db);
    if (s->reach)
        reach_free(s->reach);
    free(s->reach);
    free(s->path);
    free(s);
}

int state_stands_with(struct state *s, int spool_root)
{
    struct stat state, spool;
    if (stat(s->path, &state) < 0 || fstat(spool_root, &spool) < 0)
        return -1;
    if (state.st_dev == spool.st_dev)
        return 0;
    if (sqlite3_exec(s->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL) != SQLITE_OK) {
        errno = EIO;
        return state_failed(s, "setting synchronous");
    }
    return 1;
}

static sqlite3_stmt *kept(struct state *s, const char *sql)
{
    struct kept_statement *k = s->kept;
    while (k < s->kept + STATEMENTS && k->sql && k->sql != sql && strcmp(k->sql, sql) != 0)
        k++;
    if (k == s->kept + STATEMENTS)
        abort(); /* more literals in state/ than STATEMENTS */
    if (!k->sql) {
        if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &k->statement, NULL) != SQLITE_OK) {
            state_failed(s, "preparing a statement");
            return NULL;
        }
        k->sql = sql;
    }
    return k->statement;
}

sqlite3_stmt *state_statement(struct state *s, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = kept(s, sql);
    if (!statement)
        return NULL;
    int rc = SQLITE_OK;
    va_list ap;
    va_start(ap, types);
    for (int i = 1; *types && rc == SQLITE_OK; i++, types++) {
        if (*types == 's') {
            rc = sqlite3_bind_text(statement, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
        } else if (*types == 'i') {
            rc = sqlite3_bind_int64(statement, i, va_arg(ap, int64_t));
        } else {
            struct slice bytes = va_arg(ap, struct slice);
            rc = sqlite3_bind_blob64(statement, i, bytes.ptr ? bytes.ptr : "", bytes.len, SQLITE_STATIC);
        }
    }
    va_end(ap);
    if (rc == SQLITE_OK)
        return statement;
    state_failed(s, "binding a value");
    return NULL;
}

int state_step(struct state *s, sqlite3_stmt *statement)
{
    if (!statement)
        return -1;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        state_failed(s, "using the database");
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? 0 : -1;
}

int state_run(struct state *s, sqlite3_stmt *statement)
{
    int rc = state_step(s, statement);
    if (rc == 1)
        sqlite3_reset(statement);
    return rc < 0 ? -1 : 0;
}

void state_column(sqlite3_stmt *statement, int column, char *out, size_t room)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    snprintf(out, room, "%s", text ? (const char *)text : "");
}

int state_begin(struct state *s)
{
    return state_run(s, state_statement(s, "BEGIN IMMEDIATE", ""));
}

int state_commit(struct state *s)
{
    return state_run(s, state_statement(s, "COMMIT", ""));
}

void state_rollback(struct state *s)
{
    if (!sqlite3_get_autocommit(s->db))
        state_run(s, state_statement(s, "ROLLBACK", ""));
}
