/*
 * fault.h - faults on demand: vendor[/endpoint-pattern]:kind[@probability][xcount][+skip]
 *
 * A pattern with * ? or [ has to fit the whole path, one without is looked for in it: orderful/transactions
 * strikes /transactions and /v3/transactions/902210971. A method and a blank may stand before it.
 */
#ifndef SANDBOX_FAULT_H
#define SANDBOX_FAULT_H

#include "sandbox/sandbox.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_STATUS,   /* answered with a status, no effect */
    FAULT_HTML,     /* answered 500 with an HTML page, no effect */
    FAULT_DROP,     /* connection cut, no effect */
    FAULT_LOST,     /* effect, then the connection is cut */
    FAULT_LOST500,  /* effect, then 500 */
    FAULT_REDIRECT, /* effect, then a redirect of that status, to where the same request may be made again */
    FAULT_TRUNCATE, /* effect, then half of the body, with a Content-Length that fits the half */
    FAULT_CUT,      /* effect, then half of the body and the connection is cut */
    FAULT_SLOW,     /* effect, then the body in small pieces over ten seconds */
};

struct fault_choice {
    enum fault_kind kind;
    int status; /* FAULT_STATUS, FAULT_REDIRECT */
};

struct faults *sb_faults_new(uint64_t seed);
void sb_faults_free(struct faults *faults);
/* 0, or -1 with the reason in why. */
int sb_faults_add(struct faults *faults, const char *spec, char *why, size_t why_size);
void sb_faults_clear(struct faults *faults);
/* Decides for one request; the first rule that strikes wins. Same seed, same requests: same faults. */
struct fault_choice sb_faults_choose(struct faults *faults, const char *vendor, const char *method,
                                     const char *path);
/* [{"spec", "seen", "struck"}], a new reference. */
json_t *sb_faults_list(const struct faults *faults);

#endif
