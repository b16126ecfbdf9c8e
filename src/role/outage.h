/* outage: something outside of the documents that keeps work from being done: an endpoint that cannot be
 * reached, a role that dies again and again, a disk without room. The process that meets it says so here, at
 * each try; the log has a warning at once and again after growing times, and a line at its end. What is known
 * of it may lie in memory that is shared: one process writes, others read copies. */
#ifndef SPOOLGATE_ROLE_OUTAGE_H
#define SPOOLGATE_ROLE_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#define OUTAGE_WHY 400
#define OUTAGE_ABOUT 100

struct outage {
    volatile unsigned turn;   /* odd while it is being written */
    int64_t since;            /* seconds since 1970; 0: there is none */
    int64_t began, tell;      /* process_milliseconds: its first try; the next line of the log */
    unsigned tries, told;     /* tries that failed, 0 of what is only looked at; lines of the log */
    char about[OUTAGE_ABOUT]; /* "nothing arrives at orderful" */
    char why[OUTAGE_WHY];
};

/* A try failed, the first one or once more. */
void outage_note(struct outage *o, const char *about, const char *why);
/* It is so, or still so: nothing was tried, somebody looked. */
void outage_see(struct outage *o, const char *about, const char *why);
/* It works, or is not needed any more. how: "documents arrive at orderful again". Nothing when there was no
 * outage. */
void outage_over(struct outage *o, const char *how);
/* A copy as its writer left it. False when there is none. */
bool outage_read(const struct outage *o, struct outage *out);

#endif
