/* log: see log.h. A line is one write(2), so that lines of several processes on one pipe do not mix. */
#include "base/log.h"
#include "base/utf8.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_LIMIT 4000 /* below PIPE_BUF */

static char role_shown[64] = "spoolgate";
static enum log_level threshold = LOG_INFO;
static char *kept_error;
static size_t kept_room;

void log_role(const char *role)
{
    snprintf(role_shown, sizeof role_shown, "%s", role);
}

void log_threshold(enum log_level lowest)
{
    threshold = lowest;
}

void log_keep_error(char *into, size_t room)
{
    kept_error = into;
    kept_room = room;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const name[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    if (level < threshold)
        return;
    int kept = errno;
    char sentence[LINE_LIMIT], line[LINE_LIMIT + 96];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    if (level == LOG_ERROR && kept_error)
        snprintf(kept_error, kept_room, "%s", sentence);
    size_t said = (size_t)n < sizeof sentence ? (size_t)n : sizeof sentence - 1;
    size_t len = (size_t)snprintf(line, 96, "%s %s: ", name[level], role_shown);
    len += utf8_show(slice_make(sentence, said), line + len, LINE_LIMIT - 100);
    line[len++] = '\n';
    /* nothing can be done about a log that cannot be written */
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
    errno = kept;
}
