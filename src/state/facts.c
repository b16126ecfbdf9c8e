/* facts: business keys, control numbers, cursors, polled rows, tokens, budgets and skews. See state.h. */
#include "state/sqlite.h"
#include <stdio.h>

/* ---- business keys ---- */

int state_claim_key(struct state *s, const char *key, const char *document, const char *canonical_sha256,
                    const char *source, struct seen *holder)
{
    /* also when it was this document's already: a corrected one is understood anew */
    sqlite3_stmt *claim = state_statement(
        s,
        "INSERT INTO business_key (key, document, canonical_sha256, source) VALUES (?1, ?2, ?3, ?4) ON "
        "CONFLICT (key) DO UPDATE SET canonical_sha256 = excluded.canonical_sha256,"
        " source = excluded.source WHERE document = excluded.document",
        "ssss", key, document, canonical_sha256, source ? source : "");
    if (state_run(s, claim) < 0)
        return -1;
    if (sqlite3_changes(s->db) > 0)
        return 0;
    struct seen ignored;
    return state_look_at_key(s, key, holder ? holder : &ignored) == 1 ? 1 : -1;
}

int state_look_at_key(struct state *s, const char *key, struct seen *holder)
{
    sqlite3_stmt *look = state_statement(
        s, "SELECT document, canonical_sha256, delivered, source, sending FROM business_key WHERE key = ?1",
        "s", key);
    int rc = state_step(s, look);
    if (rc != 1)
        return rc;
    state_column(look, 0, holder->document, sizeof holder->document);
    state_column(look, 1, holder->canonical_sha256, sizeof holder->canonical_sha256);
    holder->delivered = (unsigned)sqlite3_column_int64(look, 2);
    state_column(look, 3, holder->source, sizeof holder->source);
    holder->sending = sqlite3_column_int(look, 4) != 0;
    sqlite3_reset(look);
    return 1;
}

int state_key_sending(struct state *s, const char *key, const char *document, bool sending)
{
    return state_run(
        s, state_statement(s, "UPDATE business_key SET sending = ?3 WHERE key = ?1 AND document = ?2", "ssi",
                           key, document, (int64_t)sending));
}

int state_key_delivered(struct state *s, const char *key, const char *document, unsigned attempt)
{
    return state_run(
        s, state_statement(s, "UPDATE business_key SET delivered = ?3 WHERE key = ?1 AND document = ?2",
                           "ssi", key, document, (int64_t)attempt));
}

int state_take_key(struct state *s, const char *key, const char *document, const char *canonical_sha256,
                   const char *source)
{
    return state_run(
        s, state_statement(s,
                           "INSERT OR REPLACE INTO business_key (key, document, canonical_sha256, source)"
                           " VALUES (?1, ?2, ?3, ?4)",
                           "ssss", key, document, canonical_sha256, source ? source : ""));
}

int state_release_key(struct state *s, const char *key, const char *document)
{
    return state_run(s, state_statement(s, "DELETE FROM business_key WHERE key = ?1 AND document = ?2", "ss",
                                        key, document));
}

/* ---- control numbers ---- */

static int next_number(struct state *s, const char *partner, const char *document, uint32_t *number)
{
    sqlite3_stmt *count = state_statement(
        s,
        "INSERT INTO control_counter (partner, last) VALUES (?1, 1) ON CONFLICT (partner) DO UPDATE SET"
        " last = last + 1 WHERE last < 999999999 RETURNING last",
        "s", partner);
    int rc = state_step(s, count);
    if (rc == 0)
        snprintf(s->error, sizeof s->error,
                 "the control numbers of partner %s are used up: agree with the partner on a new range",
                 partner);
    if (rc != 1)
        return -1;
    *number = (uint32_t)sqlite3_column_int64(count, 0);
    sqlite3_reset(count);
    return state_run(
        s, state_statement(s, "INSERT INTO control_number (partner, document, number) VALUES (?1, ?2, ?3)",
                           "ssi", partner, document, (int64_t)*number));
}

static int known_number(struct state *s, const char *partner, const char *document, uint32_t *number)
{
    sqlite3_stmt *look = state_statement(
        s, "SELECT number FROM control_number WHERE partner = ?1 AND document = ?2", "ss", partner, document);
    int rc = state_step(s, look);
    if (rc == 1) {
        *number = (uint32_t)sqlite3_column_int64(look, 0);
        sqlite3_reset(look);
    }
    return rc;
}

int state_control_number(struct state *s, const char *partner, const char *document, uint32_t *number)
{
    bool own = sqlite3_get_autocommit(s->db);
    if (own && state_begin(s) < 0)
        return -1;
    int rc = known_number(s, partner, document, number);
    if (rc == 0)
        rc = next_number(s, partner, document, number);
    if (own && rc >= 0 && state_commit(s) < 0)
        rc = -1;
    if (own && rc < 0)
        state_rollback(s);
    return rc < 0 ? -1 : 0;
}

int state_control_number_note(struct state *s, const char *partner, const char *document, uint32_t number)
{
    sqlite3_stmt *note = state_statement(
        s, "INSERT OR REPLACE INTO control_number (partner, document, number) VALUES (?1, ?2, ?3)", "ssi",
        partner, document, (int64_t)number);
    if (number < 1 || number > 999999999) {
        snprintf(s->error, sizeof s->error, "%u is no control number", number);
        return -1;
    }
    return state_run(s, note) < 0 ? -1 : state_control_counter_raise(s, partner, number);
}

int state_control_counter_raise(struct state *s, const char *partner, uint32_t last)
{
    return state_run(s,
                     state_statement(s,
                                     "INSERT INTO control_counter (partner, last) VALUES (?1, ?2) ON CONFLICT"
                                     " (partner) DO UPDATE SET last = max(last, excluded.last)",
                                     "si", partner, (int64_t)last));
}

/* ---- polls ---- */

int state_cursor_get(struct state *s, const char *endpoint, const char *name, struct buffer *value)
{
    sqlite3_stmt *look = state_statement(s, "SELECT value FROM cursor WHERE endpoint = ?1 AND name = ?2",
                                         "ss", endpoint, name);
    int rc = state_step(s, look);
    if (rc != 1)
        return rc < 0 ? -1 : 1;
    const void *text = sqlite3_column_text(look, 0);
    buffer_add(value, text, (size_t)sqlite3_column_bytes(look, 0));
    sqlite3_reset(look);
    return 0;
}

int state_cursor_set(struct state *s, const char *endpoint, const char *name, const char *value)
{
    return state_run(
        s, state_statement(s, "INSERT OR REPLACE INTO cursor (endpoint, name, value) VALUES (?1, ?2, ?3)",
                           "sss", endpoint, name, value));
}

int state_cursor_any(struct state *s, const char *endpoint)
{
    sqlite3_stmt *look =
        state_statement(s, "SELECT 1 FROM cursor WHERE endpoint = ?1 LIMIT 1", "s", endpoint);
    int rc = state_step(s, look);
    if (rc == 1)
        sqlite3_reset(look);
    return rc;
}

int state_polled(struct state *s, const char *endpoint, const char *key, const char *version)
{
    sqlite3_stmt *look =
        state_statement(s, "SELECT 1 FROM polled WHERE endpoint = ?1 AND key = ?2 AND version = ?3", "sss",
                        endpoint, key, version);
    int rc = state_step(s, look);
    if (rc == 1)
        sqlite3_reset(look);
    return rc;
}

int state_polled_note(struct state *s, const char *endpoint, const char *key, const char *version)
{
    return state_run(
        s, state_statement(s, "INSERT OR REPLACE INTO polled (endpoint, key, version) VALUES (?1, ?2, ?3)",
                           "sss", endpoint, key, version));
}

/* ---- tokens and budgets ---- */

int state_token_get(struct state *s, const char *name, struct buffer *sealed, int64_t *expires)
{
    sqlite3_stmt *look = state_statement(s, "SELECT sealed, expires FROM token WHERE name = ?1", "s", name);
    int rc = state_step(s, look);
    if (rc != 1)
        return rc < 0 ? -1 : 1;
    const void *bytes = sqlite3_column_blob(look, 0);
    buffer_add(sealed, bytes, (size_t)sqlite3_column_bytes(look, 0));
    *expires = sqlite3_column_int64(look, 1);
    sqlite3_reset(look);
    return 0;
}

int state_token_set(struct state *s, const char *name, struct slice sealed, int64_t expires)
{
    return state_run(
        s, state_statement(s, "INSERT OR REPLACE INTO token (name, sealed, expires) VALUES (?1, ?2, ?3)",
                           "sbi", name, sealed, expires));
}

int state_token_forget(struct state *s, const char *name)
{
    return state_run(s, state_statement(s, "DELETE FROM token WHERE name = ?1", "s", name));
}

int state_budget_get(struct state *s, const char *name, struct budget_row *row)
{
    sqlite3_stmt *look = state_statement(
        s, "SELECT window_start, window_seconds, used, allowed, blocked_until FROM budget WHERE name = ?1",
        "s", name);
    int rc = state_step(s, look);
    if (rc != 1)
        return rc < 0 ? -1 : 1;
    *row = (struct budget_row){sqlite3_column_int64(look, 0), sqlite3_column_int64(look, 1),
                               sqlite3_column_int64(look, 2), sqlite3_column_int64(look, 3),
                               sqlite3_column_int64(look, 4)};
    sqlite3_reset(look);
    return 0;
}

int state_budget_set(struct state *s, const char *name, const struct budget_row *row)
{
    return state_run(
        s, state_statement(s,
                           "INSERT OR REPLACE INTO budget (name, window_start, window_seconds, used,"
                           " allowed, blocked_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                           "siiiii", name, row->window_start, row->window_seconds, row->used, row->allowed,
                           row->blocked_until));
}

/* ---- skews ---- */

static void skew_columns(sqlite3_stmt *look, struct skew_row *row)
{
    *row = (struct skew_row){sqlite3_column_int64(look, 0), sqlite3_column_int64(look, 1),
                             sqlite3_column_int64(look, 2), sqlite3_column_int64(look, 3),
                             sqlite3_column_int64(look, 4), sqlite3_column_int64(look, 5)};
}

int state_skew_last(struct state *s, const char *host, struct skew_row *row)
{
    sqlite3_stmt *look =
        state_statement(s,
                        "SELECT spell, since, until, least, most, last FROM skew WHERE host = ?1"
                        " ORDER BY spell DESC LIMIT 1",
                        "s", host);
    int rc = state_step(s, look);
    if (rc != 1)
        return rc < 0 ? -1 : 1;
    skew_columns(look, row);
    sqlite3_reset(look);
    return 0;
}

int state_skew_note(struct state *s, const char *host, const struct skew_row *row, int64_t before, int kept)
{
    sqlite3_stmt *note = state_statement(
        s,
        "INSERT OR REPLACE INTO skew (host, spell, since, until, least, most, last) VALUES"
        " (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        "siiiiii", host, row->spell, row->since, row->until, row->least, row->most, row->last);
    if (state_run(s, note) < 0)
        return -1;
    return state_run(s, state_statement(s,
                                        "DELETE FROM skew WHERE host = ?1 AND spell < ?2 AND (until < ?3 OR"
                                        " spell <= ?2 - ?4)",
                                        "siii", host, row->spell, before, (int64_t)kept));
}

int state_skews(struct state *s, const char *host, state_skew_each *each, void *context)
{
    sqlite3_stmt *look =
        state_statement(s,
                        "SELECT spell, since, until, least, most, last FROM skew WHERE host = ?1"
                        " ORDER BY spell DESC",
                        "s", host);
    struct skew_row row;
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        skew_columns(look, &row);
        if ((rc = each(context, &row)) != 0) {
            sqlite3_reset(look);
            return rc;
        }
    }
    return rc;
}
