/* directory: what the files of this adapter share. directory.c: settings, the folder, ping; send.c: prepare
 * and deliver; confirm.c: what became of an attempt; side.c: the pickup side. */
#ifndef SPOOLGATE_ADAPTER_DIRECTORY_DIRECTORY_H
#define SPOOLGATE_ADAPTER_DIRECTORY_DIRECTORY_H

#include "adapter/handover.h"
#include "adapter/pickup.h"
#include <sys/types.h>

#define FOLDER_HELD_SECONDS 300
#define FOLDER_OTHER_SECONDS 60 /* until a directory that is not the one of before is looked at again */
#define FOLDER_IDENTITY 64

struct folder {                   /* session */
    struct arena settings, arena; /* arena: of the document at hand */
    const char *path, *prefix;
    mode_t mode;
    bool set_mode; /* this process's umask would take bits away */
    gid_t group;
    bool set_group, ask_when_gone;
    struct pickup *pickup;
    int dir; /* -1: not open */
    bool on_spool;
    char identity[FOLDER_IDENTITY]; /* of what dir stands for: filesystem and inode */
    unsigned failures;
};

/* Opens it anew: for each group, because it may have been mounted, or made anew, since. 0 or an errno. */
int folder_enter(struct endpoint *e, const char *path);
void folder_leave(struct folder *s);
/* What a failure means for a document. */
void folder_verdict(struct folder *s, struct delivery *d, int why, const char *what);
/* Whether the file of that name is the one that h tells of, by its bytes: 0 it is; EEXIST it is another one,
 * or not to be read; ENOENT; or an errno, with which it cannot be told. */
int folder_compare(const struct folder *s, const char *name, const struct handover *h);
/* 0 or an errno; EEXIST: never over what is there. */
int folder_rename(int from_dir, const char *from, int to_dir, const char *to);
int folder_write(const struct folder *s, const char *name, struct slice bytes);

void folder_prepare(struct endpoint *e, struct delivery *const *d, size_t n);
void folder_deliver(struct endpoint *e, struct delivery *const *d, size_t n);
void folder_confirm(struct endpoint *e, struct delivery *d);

struct local { /* the pickup side on this machine */
    const char *path;
    int dir; /* -1: not open */
};
void local_side(struct local *l, const char *path, struct pickup_side *side);
void local_close(struct local *l);

#endif
