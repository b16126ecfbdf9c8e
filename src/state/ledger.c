/* ledger: links between numbers and documents, documents whose fate is awaited, and those that are not sent.
 * See state.h. Rows are gathered before the caller sees the first, so that a row function may write into the
 * same tables. */
#include "state/sqlite.h"

/* ---- links ---- */

int state_link(struct state *s, const char *kind, const char *value, const char *document)
{
    return state_run(
        s, state_statement(s, "INSERT OR IGNORE INTO link (value, kind, document) VALUES (?1, ?2, ?3)", "sss",
                           value, kind, document));
}

struct link_row {
    struct link_row *next;
    const char *kind, *value, *document;
};

static const char *column(struct arena *a, sqlite3_stmt *statement, int i)
{
    const unsigned char *text = sqlite3_column_text(statement, i);
    return arena_text(a,
                      slice_make((const char *)text, text ? (size_t)sqlite3_column_bytes(statement, i) : 0));
}

static int walk_links(struct state *s, sqlite3_stmt *look, state_link_row *row, void *context)
{
    struct arena arena = {0};
    struct link_row *first = NULL, **last = &first;
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        struct link_row *r = arena_zero(&arena, sizeof *r);
        r->kind = column(&arena, look, 0);
        r->value = column(&arena, look, 1);
        r->document = column(&arena, look, 2);
        *last = r;
        last = &r->next;
    }
    for (struct link_row *r = first; r && rc == 0; r = r->next)
        rc = row(context, r->kind, r->value, r->document);
    arena_free(&arena);
    return rc;
}

int state_links(struct state *s, const char *value, state_link_row *row, void *context)
{
    return walk_links(s,
                      state_statement(s,
                                      "SELECT kind, value, document FROM link WHERE value = ?1"
                                      " ORDER BY document, kind",
                                      "s", value),
                      row, context);
}

int state_links_of(struct state *s, const char *document, state_link_row *row, void *context)
{
    return walk_links(s,
                      state_statement(s,
                                      "SELECT kind, value, document FROM link WHERE document = ?1"
                                      " ORDER BY kind, value",
                                      "s", document),
                      row, context);
}

/* ---- awaited ---- */

int state_await(struct state *s, const struct awaited *a)
{
    return state_run(
        s, state_statement(s,
                           "INSERT OR REPLACE INTO awaited (document, endpoint, external, status, since,"
                           " next_look, due, looks) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                           "ssssiiii", a->document, a->endpoint, a->external, a->status, a->since,
                           a->next_look, a->due, (int64_t)a->looks));
}

int state_await_done(struct state *s, const char *document)
{
    return state_run(s, state_statement(s, "DELETE FROM awaited WHERE document = ?1", "s", document));
}

struct awaited_row {
    struct awaited_row *next;
    struct awaited a;
};

int state_awaited(struct state *s, const char *endpoint, int64_t now, int limit, state_await_row *row,
                  void *context)
{
    sqlite3_stmt *look = state_statement(
        s,
        "SELECT document, endpoint, external, status, since, next_look, due, looks FROM awaited"
        " WHERE (?1 IS NULL OR endpoint = ?1) AND (?2 = 0 OR next_look <= ?2) ORDER BY next_look, document "
        "LIMIT ?3",
        "sii", endpoint, now, (int64_t)(limit > 0 ? limit : -1));
    struct arena arena = {0};
    struct awaited_row *first = NULL, **last = &first;
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        struct awaited_row *r = arena_zero(&arena, sizeof *r);
        state_column(look, 0, r->a.document, sizeof r->a.document);
        state_column(look, 1, r->a.endpoint, sizeof r->a.endpoint);
        state_column(look, 2, r->a.external, sizeof r->a.external);
        state_column(look, 3, r->a.status, sizeof r->a.status);
        r->a.since = sqlite3_column_int64(look, 4);
        r->a.next_look = sqlite3_column_int64(look, 5);
        r->a.due = sqlite3_column_int64(look, 6);
        r->a.looks = sqlite3_column_int(look, 7);
        *last = r;
        last = &r->next;
    }
    for (struct awaited_row *r = first; r && rc == 0; r = r->next)
        rc = row(context, &r->a);
    arena_free(&arena);
    return rc;
}

/* ---- interchanges ---- */

int state_interchange_claim(struct state *s, const char *sender, const char *control, const char *document,
                            const char *sha256, struct interchange_seen *holder)
{
    sqlite3_stmt *look =
        state_statement(s, "SELECT document, sha256 FROM interchange WHERE sender = ?1 AND control = ?2",
                        "ss", sender, control);
    int rc = state_step(s, look);
    if (rc == 0)
        return state_interchange_take(s, sender, control, document, sha256);
    if (rc != 1)
        return -1;
    state_column(look, 0, holder->document, sizeof holder->document);
    state_column(look, 1, holder->sha256, sizeof holder->sha256);
    sqlite3_reset(look);
    return strcmp(holder->document, document) != 0;
}

int state_interchange_take(struct state *s, const char *sender, const char *control, const char *document,
                           const char *sha256)
{
    return state_run(s,
                     state_statement(s,
                                     "INSERT OR REPLACE INTO interchange (sender, control, document, sha256)"
                                     " VALUES (?1, ?2, ?3, ?4)",
                                     "ssss", sender, control, document, sha256));
}

/* ---- not sent ---- */

int state_not_sent(struct state *s, const char *document, const char *reason)
{
    return state_run(s,
                     state_statement(s, "INSERT OR REPLACE INTO not_sent (document, reason) VALUES (?1, ?2)",
                                     "ss", document, reason));
}

int state_not_sent_done(struct state *s, const char *document)
{
    return state_run(s, state_statement(s, "DELETE FROM not_sent WHERE document = ?1", "s", document));
}

int state_not_sent_each(struct state *s, const char *from, state_not_sent_row *row, void *context)
{
    sqlite3_stmt *look =
        state_statement(s, "SELECT document, reason FROM not_sent WHERE document >= ?1 ORDER BY document",
                        "s", from ? from : "");
    struct arena arena = {0};
    struct link_row *first = NULL, **last = &first;
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        struct link_row *r = *last = arena_zero(&arena, sizeof *r);
        r->document = column(&arena, look, 0);
        r->value = column(&arena, look, 1);
        last = &r->next;
    }
    for (const struct link_row *r = first; r && rc == 0; r = r->next)
        rc = row(context, r->document, r->value);
    arena_free(&arena);
    return rc;
}

int state_not_sent_count(struct state *s, const char *from, int64_t *count)
{
    sqlite3_stmt *look =
        state_statement(s, "SELECT count(*) FROM not_sent WHERE document >= ?1", "s", from ? from : "");
    if (state_step(s, look) != 1)
        return -1;
    *count = sqlite3_column_int64(look, 0);
    sqlite3_reset(look);
    return 0;
}

/* ---- reindex ---- */

int state_forget_derived(struct state *s)
{
    bool own = sqlite3_get_autocommit(s->db);
    if (own && state_begin(s) < 0)
        return -1;
    if (sqlite3_exec(s->db,
                     "DELETE FROM business_key WHERE delivered = 0;DELETE FROM control_number;DELETE FROM "
                     "link;DELETE FROM awaited;DELETE FROM not_sent",
                     NULL, NULL, NULL) != SQLITE_OK) {
        state_failed(s, "emptying the index");
        if (own)
            state_rollback(s);
        return -1;
    }
    return own ? state_commit(s) : 0;
}
