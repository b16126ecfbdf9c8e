/* figures: numbers out of the state for metrics: how much is awaited, budgets, tokens. Nothing is changed. */
#ifndef SPOOLGATE_STATE_FIGURES_H
#define SPOOLGATE_STATE_FIGURES_H

#include "state/state.h"

/* A call a row. 0, or -1 with state_error. */
typedef void state_awaited_figure(void *context, const char *endpoint, int64_t documents, int64_t overdue);
int state_awaited_figures(struct state *s, int64_t now, state_awaited_figure *row, void *context);
typedef void state_budget_figure(void *context, const char *name, const struct budget_row *row);
int state_budget_figures(struct state *s, state_budget_figure *row, void *context);
typedef void state_token_figure(void *context, const char *name, int64_t expires);
int state_token_figures(struct state *s, state_token_figure *row, void *context);

#endif
