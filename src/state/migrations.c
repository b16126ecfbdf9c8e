/* migrations: the schema, by number (PRAGMA user_version). A migration that was ever released is never
 * changed: what comes later is a further one. All are run in one transaction. */
#include "state/sqlite.h"

#define APPLICATION 0x53504f4f /* "SPOO", PRAGMA application_id: tells our file from another program's */

static const char *const migration[] = {
    /* 1: keys, control numbers, cursors, tokens, budgets, links, awaited */
    "CREATE TABLE business_key (key TEXT PRIMARY KEY, document TEXT NOT NULL, canonical_sha256 TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE control_counter (partner TEXT PRIMARY KEY, last INTEGER NOT NULL"
    " CHECK (last BETWEEN 0 AND 999999999)) WITHOUT ROWID;"
    "CREATE TABLE control_number (partner TEXT NOT NULL, document TEXT NOT NULL, number INTEGER NOT NULL,"
    " PRIMARY KEY (partner, document)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX control_number_once ON control_number (partner, number);"
    "CREATE TABLE cursor (endpoint TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY (endpoint, name)) WITHOUT ROWID;"
    "CREATE TABLE polled (endpoint TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL,"
    " PRIMARY KEY (endpoint, key)) WITHOUT ROWID;"
    "CREATE TABLE token (name TEXT PRIMARY KEY, sealed BLOB NOT NULL, expires INTEGER NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE TABLE budget (name TEXT PRIMARY KEY, window_start INTEGER NOT NULL, window_seconds INTEGER NOT "
    "NULL,"
    " used INTEGER NOT NULL, allowed INTEGER NOT NULL, blocked_until INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE link (value TEXT NOT NULL, kind TEXT NOT NULL, document TEXT NOT NULL,"
    " PRIMARY KEY (value, kind, document)) WITHOUT ROWID;"
    "CREATE INDEX link_of_document ON link (document);"
    "CREATE TABLE awaited (document TEXT PRIMARY KEY, endpoint TEXT NOT NULL, external TEXT NOT NULL,"
    " status TEXT NOT NULL, since INTEGER NOT NULL, next_look INTEGER NOT NULL, due INTEGER NOT NULL,"
    " looks INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX awaited_look ON awaited (endpoint, next_look);",
    /* 2: which keys stand for something that was delivered, and by which attempt; the mark (mark.h), and the
     * newest id of a document that was entered */
    "ALTER TABLE business_key ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT NOT NULL, count INTEGER NOT "
    "NULL,"
    " newest TEXT NOT NULL DEFAULT '');"
    "INSERT INTO mark (one, identity, count) SELECT 1, lower(hex(randomblob(16))),"
    " EXISTS (SELECT 1 FROM control_counter) OR EXISTS (SELECT 1 FROM link);",
    /* 3: what a map kept from being sent, and why */
    "CREATE TABLE not_sent (document TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;",
    /* 4: how the clocks of other sides stand */
    "CREATE TABLE skew (host TEXT NOT NULL, spell INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER "
    "NOT NULL,"
    " least INTEGER NOT NULL, most INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (host, spell))"
    " WITHOUT ROWID;",
    /* 5: which source a key came from, and whether its document is in a courier's hands */
    "ALTER TABLE business_key ADD COLUMN source TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE business_key ADD COLUMN sending INTEGER NOT NULL DEFAULT 0;",
    /* 6: interchanges that came in */
    "CREATE TABLE interchange (sender TEXT NOT NULL, control TEXT NOT NULL, document TEXT NOT NULL, sha256 "
    "TEXT "
    "NOT NULL, PRIMARY KEY (sender, control)) WITHOUT ROWID;",
};

#define NEWEST ((int)(sizeof migration / sizeof migration[0]))

static int number_of(struct state *s, const char *pragma, int *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = -1;
    if (sqlite3_prepare_v2(s->db, pragma, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *out = sqlite3_column_int(statement, 0);
        rc = 0;
    }
    if (rc < 0)
        state_failed(s, "reading the database");
    sqlite3_finalize(statement);
    return rc;
}

static int unusable(struct state *s, struct findings *f)
{
    int code = sqlite3_errcode(s->db);
    bool damaged = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
    finding_add(f, SEVERITY_ERROR, damaged ? "state.damaged" : "state.open", s->path,
                damaged ? "Stop spoolgate, move the file away together with its -wal and -shm, and run "
                          "`spoolgate reindex`: it is made anew from the spool. Cursors of polls begin anew."
                        : "Check its path, its permissions and the free space.",
                damaged ? "The state is damaged or is no database of spoolgate: %s."
                        : "The state cannot be used: %s.",
                state_error(s));
    state_blame(s, f);
    return -1;
}

static int step_up(struct state *s, int from)
{
    char pragma[64];
    for (int i = from; i < NEWEST; i++)
        if (sqlite3_exec(s->db, migration[i], NULL, NULL, NULL) != SQLITE_OK)
            return state_failed(s, "changing the schema");
    sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA user_version=%d;PRAGMA application_id=%d", NEWEST,
                     APPLICATION);
    return sqlite3_exec(s->db, pragma, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : state_failed(s, "changing the schema");
}

/* In a transaction, so that of two processes that come at the same time one waits and then finds it done. */
static int migrate_held(struct state *s, struct findings *f)
{
    int version, application, tables;
    if (number_of(s, "PRAGMA user_version", &version) < 0 ||
        number_of(s, "PRAGMA application_id", &application) < 0 ||
        number_of(s, "SELECT count(*) FROM sqlite_schema", &tables) < 0)
        return unusable(s, f);
    if (application != APPLICATION && (application != 0 || tables != 0 || version != 0)) {
        finding_add(f, SEVERITY_ERROR, "state.foreign", s->path, "Name another file as the state.",
                    "The file is another program's database.");
        return -1;
    }
    if (version > NEWEST) {
        finding_add(
            f, SEVERITY_ERROR, "state.newer", s->path,
            "Run the newer spoolgate that wrote it, or name another file and run `spoolgate reindex`.",
            "The state has the schema %d, and this spoolgate knows none beyond %d.", version, NEWEST);
        return -1;
    }
    return version == NEWEST || step_up(s, version) == 0 ? 0 : unusable(s, f);
}

int state_migrate(struct state *s, struct findings *f)
{
    int version;
    if (number_of(s, "PRAGMA user_version", &version) < 0)
        return unusable(s, f);
    if (version == NEWEST) /* the usual case takes no write lock */
        return migrate_held(s, f);
    if (state_begin(s) < 0)
        return unusable(s, f);
    if (migrate_held(s, f) < 0) {
        state_rollback(s);
        return -1;
    }
    return state_commit(s) < 0 ? unusable(s, f) : 0;
}
