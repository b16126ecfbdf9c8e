/*
 * document.h - JSON documents: reading members, sample files, texts and tables.
 */
#ifndef SANDBOX_DOCUMENT_H
#define SANDBOX_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compact text; reals with 15 digits, so that 34.5 stays 34.5. Free it. */
char *sb_document_text(const json_t *value);
/* Member by dotted path ("supplier.number"), or NULL. */
json_t *sb_document_at(const json_t *object, const char *path);
/* Text of a member by dotted path, "" when absent or no text. */
const char *sb_document_string(const json_t *object, const char *path);
int64_t sb_document_integer(const json_t *object, const char *path, int64_t fallback);
/* Reads a file; new reference, or NULL with the reason in why. */
json_t *sb_document_load(const char *folder, const char *name, char *why, size_t why_size);
/* Deep copy without null members, empty texts and empty arrays: how a vendor's store gives things back. */
json_t *sb_document_normalized(const json_t *value);

/* JSON text within the bounds on depth; a new reference, or NULL with the reason in why. */
json_t *sb_document_parse(const char *text, size_t size, char *why, size_t why_size);
/* Puts ? in place of bytes that are no UTF-8: what cutting a text to a buffer leaves. Returns text. */
char *sb_document_mend(char *text);

/* Lines of a tab-separated table, comments (#) and blank lines skipped: array of arrays of text. */
json_t *sb_table_load(const char *folder, const char *name, char *why, size_t why_size);
/* Column of a row, "" when absent. */
const char *sb_table_cell(const json_t *row, size_t column);

/* A random-looking GUID of a number and a seed; the same for the same input. */
void sb_guid_of(uint64_t seed, uint64_t number, char out[37]);
uint64_t sb_mix64(uint64_t value);
/* base64url without padding. Return length, or -1 when it does not fit or is not such text. */
int sb_base64url_encode(const unsigned char *bytes, size_t size, char *out, size_t out_size);
int sb_base64url_decode(const char *text, size_t size, unsigned char *out, size_t out_size);

#endif
