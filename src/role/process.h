/* process: what every role does as a process: signals that are only looked at between groups, waiting for
 * work without sleeping through it, dying with the supervisor. */
#ifndef SPOOLGATE_ROLE_PROCESS_H
#define SPOOLGATE_ROLE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* What a role returns when SIGHUP asked it to read the configuration again (role_... run in the foreground
 * does so). */
#define ROLE_RELOAD 200

struct process {
    int signals; /* signalfd: SIGTERM and SIGINT, SIGHUP, SIGCHLD */
    bool stop, reload, child;
};

/* Blocks the signals and opens the descriptor they are read from, so that none of them breaks into a group of
 * documents. 0, or -1 with errno. */
int process_open(struct process *p);
void process_close(struct process *p);
/* Reads what has come without waiting; true when this process should stop or reload. */
bool process_stopping(struct process *p);
/* Waits until fd (or none, -1) is readable, a signal came, or that many milliseconds have passed (-1: for
 * ever). True when fd is readable. */
bool process_wait(struct process *p, int fd, int64_t milliseconds);

/* Ends with its parent, however that ends; ends at once when it has gone already. */
void process_follow_parent(int parent);
/* What `ps -o comm` and `top` show of it, such as "courier hansen-" (15 characters are kept). */
void process_name(const char *role);
/* As many open files as the system lets it have: a group of documents is a group of open folders. */
void process_raise_file_limit(void);
int64_t process_milliseconds(void); /* CLOCK_MONOTONIC */

#endif
