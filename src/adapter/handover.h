/* handover: what the adapters that lay files (sftp, directory) remember of an attempt, in attempt-<k>.json:
 * the place it went to, the names of its file there, and the file's size and SHA-256. In doubt, that is what
 * is looked for, whatever settings, names and message have become since.
 *
 * Three names, all in one directory. A file is written as `temporary`, and appears as `file` by a rename. Who
 * asks whether that rename took place first renames `temporary` to `fenced`: where that succeeds, a rename of
 * ours that is still under way somewhere finds nothing any more. */
#ifndef SPOOLGATE_ADAPTER_HANDOVER_H
#define SPOOLGATE_ADAPTER_HANDOVER_H

#include "adapter/adapter.h"
#include "base/hash.h"

struct handover {
    const char *place; /* "sftp://user@host:22/in", or a directory of this machine */
    const char *file, *temporary, *fenced;
    uint64_t size;
    char sha256[HASH_TEXT];
};

#define HANDOVER_AFFIX 32
#define HANDOVER_AFFIX_TEXT "32"
/* Whether a temporary_prefix or temporary_suffix can be part of a file name anywhere. */
bool handover_affix(const char *text);
/* The names of d's file; unique tells uploads of one attempt apart, "" when nothing does. */
void handover_names(const struct delivery *d, const char *place, const char *prefix, const char *unique,
                    const char *suffix, struct arena *a, struct handover *h);
/* Those that versions before 2026-11 used, which kept no address: for attempts of theirs. */
void handover_old_names(const struct delivery *d, const char *place, const char *prefix, const char *suffix,
                        struct arena *a, struct handover *h);
/* For delivery.address; the caller's. */
json_t *handover_write(const struct handover *h);
/* What delivery.last_address says, into a. False when it says nothing that can be used. */
bool handover_read(const json_t *address, struct arena *a, struct handover *h);
/* Whether these are the bytes that were handed over. */
bool handover_fits(const struct handover *h, struct slice bytes);
/* The attempt's end in words, with the names, for the receipt. */
void handover_note(struct delivery *d, const struct handover *h, const char *outcome);

#endif
