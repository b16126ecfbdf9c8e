/* figures: see figures.h. */
#include "state/figures.h"
#include "state/sqlite.h"

int state_awaited_figures(struct state *s, int64_t now, state_awaited_figure *row, void *context)
{
    sqlite3_stmt *look = state_statement(
        s, "SELECT endpoint, count(*), sum(due > 0 AND due <= ?1) FROM awaited GROUP BY endpoint", "i", now);
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        char endpoint[128];
        state_column(look, 0, endpoint, sizeof endpoint);
        row(context, endpoint, sqlite3_column_int64(look, 1), sqlite3_column_int64(look, 2));
    }
    return rc;
}

int state_budget_figures(struct state *s, state_budget_figure *row, void *context)
{
    sqlite3_stmt *look = state_statement(
        s, "SELECT name, window_start, window_seconds, used, allowed, blocked_until FROM budget", "");
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        char name[128];
        struct budget_row budget = {sqlite3_column_int64(look, 1), sqlite3_column_int64(look, 2),
                                    sqlite3_column_int64(look, 3), sqlite3_column_int64(look, 4),
                                    sqlite3_column_int64(look, 5)};
        state_column(look, 0, name, sizeof name);
        row(context, name, &budget);
    }
    return rc;
}

int state_token_figures(struct state *s, state_token_figure *row, void *context)
{
    sqlite3_stmt *look = state_statement(s, "SELECT name, expires FROM token", "");
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        char name[128];
        state_column(look, 0, name, sizeof name);
        row(context, name, sqlite3_column_int64(look, 1));
    }
    return rc;
}
