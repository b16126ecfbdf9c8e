/* sftp: what the files of this adapter share. sftp.c: settings, connection, pickup; send.c: prepare and
 * deliver; confirm.c: what became of an attempt; ping.c. */
#ifndef SPOOLGATE_ADAPTER_SFTP_SFTP_H
#define SPOOLGATE_ADAPTER_SFTP_SFTP_H

#include "adapter/handover.h"
#include "adapter/pickup.h"
#include "net/sftp.h"

struct leftover { /* a temporary file of ours that nothing will rename any more */
    struct leftover *next;
    bool never_recorded; /* an upload that failed: no attempt speaks of it */
    char name[SPOOL_NAME_MAX + 1];
};

struct partner_server {           /* session */
    struct arena settings, arena; /* arena: of the document at hand */
    struct sftp_settings connect;
    const char *passphrase, *password; /* names of secrets */
    const char *directory, *prefix, *suffix;
    const char *place; /* of documents: "sftp://user@host:22/in" */
    bool ask_when_gone;
    struct pickup *pickup;
    struct sftp *c;    /* NULL: not connected */
    unsigned failures; /* of connections, one after the other */
    bool tried;        /* to connect, in the group at hand, without success */
    enum sftp_result refusal;
    char why[256]; /* what the refusal was, for the other documents of the group */
    struct leftover *leftovers;
    bool looked_for_leftovers;
};

#define SFTP_HELD_SECONDS 300 /* until what a person has to mend is looked at again */

/* Connects when there is no connection. Once in a group: the others of it would only wait for the same
 * timeout. */
enum sftp_result server_reach(struct endpoint *e, struct findings *f);
void server_drop(struct partner_server *s);
/* When to try again after a failure. */
int64_t server_later(const struct partner_server *s);
/* A file of the directory documents are laid into. */
const char *server_path(struct partner_server *s, const char *name);
/* Whether the file of that path is the one that h tells of, by its bytes. SFTP_OK: it is; SFTP_EXISTS: it is
 * another one, or nobody lets us read it; SFTP_NOT_FOUND; SFTP_FAILED, SFTP_LOST: it cannot be told now. */
enum sftp_result server_compare(struct partner_server *s, const char *path, const struct handover *h,
                                struct findings *f);

void server_prepare(struct endpoint *e, struct delivery *const *d, size_t n);
void server_deliver(struct endpoint *e, struct delivery *const *d, size_t n);
void server_confirm(struct endpoint *e, struct delivery *d);
int server_ping(struct endpoint *e, struct report *r);
void server_forget_leftovers(struct partner_server *s);

#endif
