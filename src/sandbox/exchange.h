/*
 * exchange.h - reading a request, writing its answer.
 */
#ifndef SANDBOX_EXCHANGE_H
#define SANDBOX_EXCHANGE_H

#include "sandbox/sandbox.h"

/* Value of a header (name in lower case), or NULL. */
const char *sb_exchange_header(const struct exchange *ex, const char *name);
/* First value of a query parameter, or NULL. Names match exactly, or without regard to case. */
const char *sb_exchange_query(const struct exchange *ex, const char *name);
const char *sb_exchange_query_nocase(const struct exchange *ex, const char *name);
/* How many values a parameter has (exact name). */
size_t sb_exchange_query_count(const struct exchange *ex, const char *name);

/* Names the endpoint for the counters: method and path template. */
void sb_exchange_endpoint(struct exchange *ex, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Notes why the request is refused, for GET /requests. */
void sb_exchange_reason(struct exchange *ex, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sb_exchange_unknown_query(struct exchange *ex, const char *name);
void sb_exchange_unknown_member(struct exchange *ex, const char *path);

/* The body as JSON within the bounds on depth; a new reference, or NULL with the reason in why. */
json_t *sb_exchange_json(const struct exchange *ex, char *why, size_t why_size);
/* "https://<Host header>": what links in answers begin with. Valid until the next call by this thread. */
const char *sb_exchange_base(const struct exchange *ex);

/* Answers. The last one counts. sb_answer_json takes over the reference. */
void sb_answer_json(struct exchange *ex, int status, json_t *body);
void sb_answer_text(struct exchange *ex, int status, const char *type, const char *text);
void sb_answer_bytes(struct exchange *ex, int status, const char *type, const char *bytes, size_t size);
void sb_answer_empty(struct exchange *ex, int status);
void sb_answer_header(struct exchange *ex, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* 501: exists at the vendor, not here. */
void sb_answer_unsimulated(struct exchange *ex, const char *what);
/* The page a proxy in front of a vendor answers with. */
void sb_answer_html(struct exchange *ex, int status);

#endif
