/* json: small conveniences over jansson for our own envelopes and for API answers. Documents that are
 * translated do not come this way (syntax/json.c reads them in place and keeps every number's text). */
#ifndef SPOOLGATE_BASE_JSON_H
#define SPOOLGATE_BASE_JSON_H

#include "base/buffer.h"
#include <jansson.h>

/* NULL when absent or not of that type. path: "a.b.0.c". */
const char *json_text_at(const json_t *root, const char *path);
json_t *json_at(const json_t *root, const char *path); /* borrowed */
int64_t json_integer_at(const json_t *root, const char *path, int64_t otherwise);
/* Indented, or in one line; keys in insertion order, newline at the end. UTF-8, but all control characters
 * are escaped: it can be shown on a terminal. */
void json_print(const json_t *value, struct buffer *out);
void json_print_line(const json_t *value, struct buffer *out);
/* NULL with what is wrong in error (JSON_ERROR_TEXT_LENGTH bytes and the place). Duplicate keys are refused.
 * A text with \u0000 in it is one to its first zero byte: it must not make a whole answer unreadable. */
json_t *json_parse(struct slice text, json_error_t *error);

#endif
