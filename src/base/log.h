/* log: one line an event on stderr, "LEVEL role: sentence". systemd or the shell's redirection keeps them.
 * Never given secrets: modules that hold some log only their names. */
#ifndef SPOOLGATE_BASE_LOG_H
#define SPOOLGATE_BASE_LOG_H

#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_role(const char *role); /* shown on each line of this process; copied */
void log_threshold(enum log_level lowest);
/* Where the last error is kept as well, so that who starts this process again can say why; NULL: nowhere. */
void log_keep_error(char *into, size_t room);
/* Control characters of untrusted text are shown as \xNN, so that a file name cannot forge a line. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
