/* view: what status, list, show, trace and retry see of the spool, and how they print it. They only look:
 * nothing is made, locked or written. Texts of documents are untrusted; what is printed for people goes
 * through view_text. */
#ifndef SPOOLGATE_COMMAND_VIEW_H
#define SPOOLGATE_COMMAND_VIEW_H

#include "base/date.h"
#include "command/command.h"
#include "spool/document.h"
#include "state/state.h"
#include <stdio.h>

struct view {
    struct config *config;
    struct arena arena;
    struct spool spool;
    bool spool_is_open;
    struct state *state; /* NULL until view_state */
    json_t *run;         /* NULL until view_run */
    long gateway;        /* as view_gateway found it */
    bool gateway_known;
    struct waiting *waiting; /* waiting.c's */
};

/* 0, or the exit status after saying why. */
int view_open(struct view *v, const char *config_file);
void view_close(struct view *v);
/* Opens the state; one that is not there yet is not made: 1. -1 after saying why. */
int view_state(struct view *v);

/* Process of the gateway that runs on the spool; 0: none does. */
long view_gateway(struct view *v);
/* What the gateway said of itself last, .run.json; NULL: nothing. Borrowed. */
const json_t *view_run(struct view *v);

/* The documents in a folder of the spool ("error", "outbox/orderful"), by name, each opened. A return that is
 * not 0 ends the walk and is returned; -1 when the folder cannot be read. */
typedef int view_document(void *context, const char *path, struct document *d);
int view_walk(struct view *v, const char *place, view_document *each, void *context);
/* Calls each for the document there; 1 when it is not there, -1 when each returned what is not 0. */
int view_one(struct view *v, const char *path, view_document *each, void *context);
/* The names in a folder that do not begin with a dot, sorted; into the arena. Number, or -1. */
long view_names(struct view *v, const char *place, const char ***names);
/* Calls each for the document of that name; of an "<id>" that is not there itself, for all its destinations.
 * Number found. */
int view_find(struct view *v, const char *name, view_document *each, void *context);

/* What error.txt says first, or why an outbox's document still waits, or its outcome; "" when there is
 * nothing to say. */
const char *view_remark(struct view *v, const char *path, const struct document *d);
/* The envelope's main members, path and remark. New. */
json_t *view_summary(struct view *v, const char *path, const struct document *d);
void view_print_json(const json_t *j); /* one line on stdout */

/* Prints a text fit for a screen, filled up to width columns; NULL as "-". Without width (0) as long as it
 * is. */
void view_text(FILE *out, const char *text, int width);
/* As age_print; "-" for less than nothing. */
const char *view_age(int64_t seconds, char out[AGE_TEXT]);
/* Seconds since an instant in text; -1 when it is none. */
int64_t view_since(const char *text);

#endif
