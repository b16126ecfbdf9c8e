/* board: the roles that one supervisor runs: what each is, its entry in memory shared with it, how often it
 * was started again; and spool/.run.json, which tells `status` of it. */
#ifndef SPOOLGATE_ROLE_BOARD_H
#define SPOOLGATE_ROLE_BOARD_H

#include "role/role.h"
#include "spool/spool.h"
#include <jansson.h>

enum role_kind { ROLE_TRANSLATOR, ROLE_COURIER, ROLE_POLLER, ROLE_METRICS };

struct role {
    enum role_kind kind;
    int slot;             /* of a translator */
    const char *endpoint; /* of the others; the configuration's */
    struct board_entry *entry;
    int pid;                     /* 0: not running */
    unsigned restarts, failures; /* since the supervisor began; in a row */
    int64_t started, next_start; /* process_milliseconds */
    struct outage down;          /* it ends again and again */
};

struct board {
    struct board_entry *entries; /* shared */
    size_t room;
    struct role *roles;
    size_t count;
};

/* The roles that a configuration asks for. 0, or -1 with errno. */
int board_open(struct board *b, const struct config *c);
void board_close(struct board *b);
/* For another configuration: what was known of a role that is in both stays. The roles must have ended. 0, or
 * -1 with errno and the board as it was. */
int board_replace(struct board *b, const struct config *c);
struct role *board_find(struct board *b, int pid); /* NULL when it is none of ours */
/* Writes spool/.run.json: pids, roles, restarts, outages (an array; taken over); replaced whole, not synced.
 * 0, or what errno says. */
int board_write(const struct board *b, const struct spool *s, const char *config_file, json_t *outages);
void board_erase(const struct spool *s);

#endif
