/* translation: one document's way through a translator: its bytes are understood (canonical.json), addressed
 * to its partner's destinations (a folder each), entered in the state (business key, control number, links)
 * and written as messages.
 *
 * Each step leaves t->fate FATE_ERROR with findings when the document cannot go on; that is nobody's failure
 * but the document's. A step returns -1 when the machine failed (disk, state): the group is given up, the
 * role ends, and the documents are found again by work_recover. */
#ifndef SPOOLGATE_ROLE_TRANSLATION_H
#define SPOOLGATE_ROLE_TRANSLATION_H

#include "base/hash.h"
#include "route/config.h"
#include "spool/work.h"
#include "state/state.h"

struct translator {
    const struct config *config;
    struct spool spool;
    struct state *state;
    struct map_library *maps;
    struct work work;
    char role[32];      /* "translator 1" */
    bool machine;       /* it could not be opened for what may pass by itself */
    int hand;           /* the file that names the document in hand, see hand.h */
    struct arena arena; /* of the group at hand */
};

enum fate { FATE_SEND, FATE_ARCHIVE, FATE_ERROR };

struct translation { /* one folder of the group */
    struct translation *next;
    struct document document;
    struct findings findings;
    struct buffer source, message; /* the canonical tree slices source */
    const struct node *canonical;  /* NULL: not understood */
    struct slice canonical_bytes;
    char canonical_sha256[HASH_TEXT];
    struct identity identity;
    const struct route *route; /* by which it was read */
    const struct partner *partner;
    const struct sending *sending;
    unsigned destination; /* 1.., 0: not addressed */
    const char *name;     /* the folder's next name: "<id>.<n>" once addressed */
    const char *key;      /* business key */
    bool again;           /* claimed from translate/, not from the inbox: it may have been here before */
    bool holds_key, release_key;
    uint32_t control_number;
    const char *syntax; /* of the message */
    enum fate fate;
    const char *outcome; /* FATE_ARCHIVE: "duplicate", "not-sent", "split" */
};

struct group { /* what a translator has in hand */
    struct translation *first, *last;
    size_t count;
    size_t bytes; /* of sources */
};

/* A claimed document becomes part of the group; t->document is to be filled by the caller's claim. */
struct translation *group_add(struct group *g, struct translator *w);
void group_free(struct group *g);

int translation_understand(struct translator *w, struct translation *t);
/* Adds a folder to the group for each further destination. */
int translation_address(struct translator *w, struct group *g, struct translation *t);
int translation_write(struct translator *w, struct translation *t);
/* Marks it as failed; findings say why. */
void translation_fail(struct translation *t, const char *code, const char *todo, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ledger.c: inside a transaction of the state. */
int ledger_enter(struct translator *w, struct group *g, struct translation *t);
/* For those of fate FATE_ERROR: keys are given back; the same bytes as a document that waits in error/ become
 * a duplicate of it. */
int ledger_fail(struct translator *w, struct group *g, struct translation *t);

/* group.c: everything from claimed folders to their next stages, with one sync. 0, or -1 when the role has to
 * end. */
int group_process(struct translator *w, struct group *g);

#endif
