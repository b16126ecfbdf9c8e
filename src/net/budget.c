/* budget: see budget.h. A row in state a budget: a window, what was used of it, what the vendor said is
 * allowed, and until when it refuses. What headers said counts for the window they spoke of; the next one
 * starts from the configuration's figure until headers speak again. Several processes share a row: each
 * change is a transaction. */
#include "net/budget.h"
#include <ctype.h>
#include <stdlib.h>

#define DAY 86400
#define REFUSED_SECONDS 60 /* a 429 that does not say for how long */
#define SAME_WINDOW 5      /* seconds by which two answers may differ about the end of one window */

static bool row_read(struct state *s, const char *name, struct budget_row *row, bool *known)
{
    *row = (struct budget_row){0};
    int got = state_budget_get(s, name, row);
    *known = got == 0;
    return got >= 0;
}

int64_t budget_take(struct state *s, const char *name, int64_t allowed, int64_t window_seconds, unsigned n,
                    int64_t now)
{
    struct budget_row row;
    bool known;
    if (allowed <= 0) /* no budget is kept */
        return 0;
    if (state_begin(s))
        return -1;
    if (!row_read(s, name, &row, &known)) {
        state_rollback(s);
        return -1;
    }
    /* also when the clock was set back: a window that begins in the future would never end */
    if (!known || now >= row.window_start + row.window_seconds || now < row.window_start)
        row = (struct budget_row){.window_start = now,
                                  .window_seconds = window_seconds,
                                  .allowed = allowed,
                                  .blocked_until = row.blocked_until};
    int64_t wait = 0;
    if (row.blocked_until > now)
        wait = row.blocked_until - now > DAY ? DAY : row.blocked_until - now;
    else if (row.used + n > row.allowed && (row.used > 0 || row.allowed == 0))
        wait = row.window_start + row.window_seconds - now;
    else
        row.used += n; /* more at once than a whole window allows still goes, alone: else it never would */
    if (wait > 0) {
        state_rollback(s);
        return wait;
    }
    if (state_budget_set(s, name, &row)) {
        state_rollback(s);
        return -1;
    }
    return state_commit(s) ? -1 : 0;
}

/* A header's leading number; -1 when there is none. */
static int64_t number_of(const struct http_exchange *x, const char *header)
{
    char text[64];
    if (!http_answer_header(x, header, text, sizeof text) || !isdigit((unsigned char)text[0]))
        return -1;
    return strspn(text, "0123456789") > 15 ? -1 : (int64_t)strtoll(text, NULL, 10);
}

/* Seconds until the window ends; -1 unknown. */
static int64_t reset_of(const struct http_exchange *x, int64_t now)
{
    int64_t reset = number_of(x, "X-RateLimit-Reset"), theirs = http_answer_date(x);
    if (theirs > 0)
        now = theirs; /* a moment, if it is one, is told by their clock */
    if (reset > 1000000000)
        reset = reset > now ? reset - now : 0;
    return reset > DAY ? DAY : reset;
}

static void learn_window(struct budget_row *row, int64_t limit, int64_t remaining, int64_t reset, int64_t now)
{
    int64_t used = remaining >= limit ? 0 : limit - remaining, end = row->window_start + row->window_seconds;
    bool same =
        row->window_seconds > 0 && end - (now + reset) <= SAME_WINDOW && (now + reset) - end <= SAME_WINDOW;
    if (!same) {
        row->window_start = now;
        row->window_seconds = reset;
        row->used = used;
    } else if (used >
               row->used) { /* ours counts what is still in flight; theirs what others of the same key did */
        row->used = used;
    }
    row->allowed = limit;
}

static int64_t refused_for(const struct http_exchange *x, int64_t reset)
{
    int64_t seconds = http_answer_retry_after(x);
    if (seconds < 0)
        seconds = reset;
    return seconds < 0 ? REFUSED_SECONDS : seconds < 1 ? 1 : seconds;
}

int budget_learn(struct state *s, const char *name, const struct http_exchange *x, int64_t now)
{
    int64_t limit = number_of(x, "X-RateLimit-Limit"), remaining = number_of(x, "X-RateLimit-Remaining");
    int64_t reset = reset_of(x, now);
    bool window = limit > 0 && remaining >= 0 && reset >= 0, refused = x->status == 429, known;
    struct budget_row row;
    if (!window && !refused)
        return 0;
    if (state_begin(s))
        return -1;
    if (!row_read(s, name, &row, &known)) {
        state_rollback(s);
        return -1;
    }
    if (window)
        learn_window(&row, limit, remaining, reset, now);
    if (refused && row.blocked_until < now + refused_for(x, reset))
        row.blocked_until = now + refused_for(x, reset);
    if (state_budget_set(s, name, &row)) {
        state_rollback(s);
        return -1;
    }
    return state_commit(s) ? -1 : 0;
}
