/* spool: the directory tree that is the user interface, and the life of a document in it. Knows nothing of
 * what documents contain. docs/spool.md describes every file.
 *
 *   inbox/<source>/<file>             the only way in
 *   translate/<id>/                   waiting for a translator (an operator's mv, a crashed translator's
 * leftovers) translate/.work-<slot>/<id>/      in the hands of the translator that holds a lock on
 * .work-<slot> outbox/<endpoint>/<id>.<n>/       waiting for its courier archive/<yyyy>/<mm>/<dd>/<name>/
 * done; the day is that of the id, so a name leads to its folder error/<name>/                     waiting
 * for a person, with error.txt
 *
 * <name> is "<id>" before a document has a destination and "<id>.<n>" after. A stage change is one rename(2)
 * of a folder whose content is durable. Folders whose name begins with a dot are being made and belong to the
 * program. */
#ifndef SPOOLGATE_SPOOL_SPOOL_H
#define SPOOLGATE_SPOOL_SPOOL_H

#include "base/finding.h"
#include <sys/types.h>

#define DOCUMENT_NAME_TEXT 48 /* "20260321T091455123456-9f3a1c.12" and NUL */
#define SPOOL_NAME_MAX 255

enum stage { STAGE_INBOX, STAGE_TRANSLATE, STAGE_OUTBOX, STAGE_ARCHIVE, STAGE_ERROR };

struct spool_directories;

struct spool {
    char *path;   /* absolute */
    int root;     /* O_PATH-like directory descriptor */
    int stage[5]; /* directory descriptors by enum stage */
    struct spool_directories
        *directories; /* open outboxes, inboxes and archive days, and which of them changed */
};

/* Opens the tree, makes missing stage folders (mode 0750). 0, or -1 with findings. */
int spool_open(struct spool *s, const char *path, struct findings *f);
void spool_close(struct spool *s);
/* Everything written so far, also by SQLite on the same filesystem, is on the disk. -1 with errno: nothing
 * may be renamed then (a failed sync must not be repeated and trusted; the role ends and starts anew). */
int spool_sync(const struct spool *s);

/* Who moves documents shares the spool; who needs that nobody does (reindex) has it alone. Sharing waits up
 * to ten seconds; the kernel lets go with the process. 0, or -1 with errno (EWOULDBLOCK). */
int spool_share(const struct spool *s);
int spool_alone(const struct spool *s);
void spool_let_go(const struct spool *s);

/* A new id: sorts by time, unique on this machine and, by 24 random bits, between machines. Those of one
 * process ascend, also when the clock is set back (by less than a day). */
void document_id_new(char id[DOCUMENT_NAME_TEXT]);
/* Those that this process makes from now on come behind that document's. */
void document_id_after(const char *name);
bool document_name_parse(const char *name, char id[DOCUMENT_NAME_TEXT],
                         unsigned *destination); /* 0 when none */
/* "2026/03/21" of "20260321T…". */
bool document_archive_day(const char *name, char day[11]);

/* Where the folder of that name is: "outbox/orderful/<name>", relative to the spool; false when nowhere.
 * Looks into archive by day, error, translate (also .work-*), and every outbox. */
bool spool_find(const struct spool *s, const char *name, char path[512]);

/* Moves a durable folder with RENAME_NOREPLACE. from_dir/from_name as renameat. endpoint for STAGE_OUTBOX
 * only; name the folder's new name. Makes the archive's day folder. 0, or -1 with errno (EEXIST: a folder of
 * that name is there). */
int spool_move(const struct spool *s, int from_dir, const char *from_name, enum stage to,
               const char *endpoint, const char *name);
/* Directory descriptor of outbox/<endpoint>, made when missing. Names: letters, digits, . _ - (no dot first,
 * at most 120); else -1 EINVAL. Borrowed: spool_close closes it. */
int spool_outbox(const struct spool *s, const char *endpoint);
int spool_inbox(const struct spool *s, const char *source);
/* After renames: fsyncs the directories that were changed through spool_move since the last call (durable
 * renames). */
int spool_settle(struct spool *s);

#endif
