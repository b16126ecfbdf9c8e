/* command: the subcommands. One file each; main.c holds the table. argv[0] is the command's own name. */
#ifndef SPOOLGATE_COMMAND_COMMAND_H
#define SPOOLGATE_COMMAND_COMMAND_H

#include "route/config.h"
#include <getopt.h>
#include <stdio.h>

/* exit codes, sysexits.h where one fits */
enum {
    EXIT_DONE = 0,
    EXIT_FOUND_PROBLEMS = 1, /* the command worked and what it looked at is not in order */
    EXIT_USAGE = 64,
    EXIT_BAD_DATA = 65,
    EXIT_NO_INPUT = 66,
    EXIT_UNAVAILABLE = 69, /* the other side cannot be reached */
    EXIT_SOFTWARE = 70,
    EXIT_CANT_WRITE = 73,
    EXIT_CONFIG = 78
};

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

int command_run(int argc, char **argv);
int command_role(int argc, char **argv); /* translator, courier, poller in the foreground */
int command_sandbox(int argc, char **argv);
int command_status(int argc, char **argv);
int command_list(int argc, char **argv);
int command_show(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_retry(int argc, char **argv);
int command_translate(int argc, char **argv);
int command_check(int argc, char **argv);
int command_map(int argc, char **argv);
int command_config(int argc, char **argv);
int command_secret(int argc, char **argv);
int command_ping(int argc, char **argv);
int command_backfill(int argc, char **argv);
int command_metrics(int argc, char **argv);
int command_reindex(int argc, char **argv);
int command_alert(int argc, char **argv);

/* getopt_long, but for what is said of an option that is not known (options.c). */
int command_getopt(int argc, char **argv, const char *letters, const struct option *options, int *index);
/* "spoolgate list: there is no stage erorr. Did you mean error?" on stderr; known ends with NULL. */
void command_no_such(const char *command, const char *what, const char *word, const char *const *known);
/* The same for an endpoint of the configuration. */
void command_no_endpoint(const char *command, const struct config *c, const char *name);

/* The options that nearly every command has, and for many the only ones: -c FILE, --json, --help. True: go
 * on, arguments begin at optind. False: *status is what the command ends with. usage prints itself and
 * returns the exit status, as every command's does. */
bool command_options(int argc, char **argv, int (*usage)(FILE *out), const char **file, bool *as_json,
                     int *status);
/* Loads the configuration named by -c/--config or the default one; prints findings and returns NULL on
 * errors. */
struct config *command_config_load(const char *file, struct arena *a);
void command_print_findings(const struct findings *f);

#endif
