/* log: one line an event on stderr. How it looks depends on who reads it:
 *
 *   a terminal      LEVEL role: sentence
 *   journald        <3>LEVEL role: sentence          the journal keeps the time, and takes the priority off
 *   a file or pipe  2026-03-20T09:14:55.420Z LEVEL role: sentence
 *   json            {"time", "level", "role", "code", "document", "message"}: one object a line, always UTF-8
 *
 * A line is one write(2) of at most PIPE_BUF bytes, so that lines of several processes on one pipe do not
 * mix; what is longer is cut and ends in "…". Never given secrets: modules that hold some log only their
 * names. */
#ifndef SPOOLGATE_BASE_LOG_H
#define SPOOLGATE_BASE_LOG_H

#include <stddef.h>
#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_role(const char *role); /* shown on each line of this process; copied */
void log_threshold(enum log_level lowest);
/* Where the last error is kept as well, so that who starts this process again can say why; NULL: nowhere. */
void log_keep_error(char *into, size_t room);
/* "text" or "json", as a configuration says; what was fixed before stays. */
void log_format_set(const char *name);
/* As the command line says: it counts, whatever a configuration says. False, and nothing changed, for other
 * words. */
bool log_format_fix(const char *name);
/* Control characters of untrusted text are shown as \xNN, so that a file name cannot forge a line. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* code: the finding's, for scripts; only JSON shows it. */
void log_coded(enum log_level level, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
