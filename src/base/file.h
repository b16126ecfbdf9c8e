/* file: whole small files relative to a directory descriptor, with bounds and without following symlinks. */
#ifndef SPOOLGATE_BASE_FILE_H
#define SPOOLGATE_BASE_FILE_H

#include "base/buffer.h"
#include <sys/types.h>

/* Appends the bytes of a regular file to out. 0, or -1 with errno (EFBIG when it has more than limit bytes,
 * ELOOP for a symlink, EINVAL for what is not a regular file). dir may be AT_FDCWD. */
int file_read(int dir, const char *name, size_t limit, struct buffer *out);
/* Whether an error of opening, reading or listing says something of the machine (EIO, EMFILE, ENOMEM, ESTALE
 * …) and nothing of what was asked for: that it is not there, not allowed, or of another kind. */
bool error_is_the_machines(int error);
/* Creates and writes a file; not synced. One that is there is an error (EEXIST) when exclusive; else it is
 * removed first, so that nothing is ever written through a link. 0 or -1 with errno; a file half written is
 * removed. */
int file_write(int dir, const char *name, struct slice bytes, mode_t mode, bool exclusive);
/* Writes beside under a dot name and renames over; fsyncs file and directory when durable. */
int file_replace(int dir, const char *name, struct slice bytes, mode_t mode, bool durable);
/* mkdir -p relative to dir. 0 or -1 with errno. */
int file_make_directories(int dir, const char *path, mode_t mode);
/* Removes a file or a whole tree, without following links. 0 or -1 with errno. */
int file_remove_tree(int dir, const char *name);

#endif
