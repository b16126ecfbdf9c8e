/* role: the processes. Each is single-threaded and can be killed at any moment. */
#ifndef SPOOLGATE_ROLE_ROLE_H
#define SPOOLGATE_ROLE_ROLE_H

#include "role/outage.h"
#include "route/config.h"

/* Shared with the supervisor (anonymous shared memory), so that --until-idle and `status` know who has work
 * in hand. */
enum {                     /* outages of a role; a translator has none: what keeps it from its work ends it */
       OUTAGE_SENDING = 0, /* of a courier: nothing arrives */
       OUTAGE_HELD = 1,    /* of a courier: nothing is sent before a person has acted */
       OUTAGE_FETCHING = 0, /* of a poller */
       OUTAGE_CHORES = 1,   /* of a poller: looking after what was sent */
       OUTAGES_OF_ROLE
};

#define LAST_WORDS 300

struct board_entry {
    char role[64]; /* "translator 1", "courier orderful" */
    volatile int pid;
    volatile int busy;           /* set before it looks for work, cleared when a whole look found none */
    volatile long cycles;        /* whole looks finished */
    volatile long documents;     /* handled since start */
    volatile long long next_due; /* seconds since 1970 of work known to come; 0: none */
    volatile int failed;         /* the last look ended with an error */
    volatile int put_off;        /* of a poller that failed: within minutes it will not be otherwise */
    volatile int left_out;       /* of a poller: what was read a moment ago was not asked for again */
    volatile unsigned looks; /* of a translator: how often the supervisor looked at a changed configuration;
                                0: nobody does */
    volatile int confined;   /* of a translator: what it gave up (confine.h) */
    volatile long held;      /* of a courier: documents of its outbox that wait for a person */
    volatile long overdue;   /* of a poller: acknowledgments that are late */
    struct outage outages[OUTAGES_OF_ROLE]; /* they outlive the process */
    char last_words[LAST_WORDS];            /* its last error in the log */
};

/* Exit statuses are those of sysexits.h, and of `run --until-idle`: 1, documents are new in error/ or were
 * not done. */
#define ROLE_FOUND_PROBLEMS 1
/* What a role returns when SIGHUP asked it to read the configuration again. */
#define ROLE_RELOAD 200

struct role_context {
    const struct config *config;
    struct map_library *maps;  /* with all that the configuration names; NULL: the role loads what it needs */
    struct board_entry *board; /* never NULL */
};

/* Each returns the process's exit status, or ROLE_RELOAD after SIGHUP. They stop at SIGTERM after the group
 * in hand. */
int role_translator(struct role_context *c, int slot);
int role_courier(struct role_context *c, const char *endpoint);
int role_poller(struct role_context *c, const char *endpoint);

struct supervisor_options {
    bool until_idle;
    bool quiet;        /* no progress line */
    bool json;         /* the table at the end as one JSON object a line */
    int limit_seconds; /* until idle: give up after; 0: never */
};
int role_supervisor(const char *config_file, const struct supervisor_options *o);

#endif
