/* log: see log.h. Who reads stderr is looked at once a process: sd-daemon(3) for the priorities, and
 * systemd.exec(5), $JOURNAL_STREAM, for whether it is the journal's. */
#include "base/log.h"
#include "base/date.h"
#include "base/utf8.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SENTENCE_LIMIT (PIPE_BUF - 160) /* in JSON, and what stands before it */

static char role_shown[64] = "spoolgate";
static enum log_level threshold = LOG_INFO;
static char *kept_error;
static size_t kept_room;
static bool as_json, fixed;
static enum reader { UNKNOWN, TERMINAL, JOURNAL, OTHER } reader;

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

void log_format_set(const char *name)
{
    if (!fixed)
        as_json = strcmp(name, "json") == 0;
}

bool log_format_fix(const char *name)
{
    if (strcmp(name, "json") != 0 && strcmp(name, "text") != 0)
        return false;
    fixed = false;
    log_format_set(name);
    return fixed = true;
}

/* The variable goes on to whatever a service starts; it counts where stderr is still that stream. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    unsigned long long device, inode;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == (dev_t)device && st.st_ino == (ino_t)inode;
}

static enum reader find_reader(void)
{
    if (reader == UNKNOWN)
        reader = isatty(STDERR_FILENO) ? TERMINAL : is_journal() ? JOURNAL : OTHER;
    return reader;
}

/* The first "20260321T091455123456-9f3a1c" or "….1" of a sentence: the document it is about. */
static struct slice find_document(struct slice said)
{
    static const char pattern[] = "ddddddddTdddddddddddd-xxxxxx";
    enum { ID = sizeof pattern - 1 };
    for (size_t at = 0; at + ID <= said.len; at++) {
        const char *p = said.ptr + at;
        size_t n = 0;
        while (n < ID && (pattern[n] == 'd'   ? isdigit((unsigned char)p[n])
                          : pattern[n] == 'x' ? isxdigit((unsigned char)p[n])
                                              : p[n] == pattern[n]))
            n++;
        if (n < ID)
            continue;
        size_t more = n + 1;
        while (at + more < said.len && isdigit((unsigned char)p[more]))
            more++;
        return slice_make(p, at + n < said.len && p[n] == '.' && more > n + 1 ? more : n);
    }
    return SLICE_NONE;
}

/* As the inside of a JSON string; text is well-formed and without control characters (utf8_show). Cut at
 * room. */
static size_t escape(struct slice text, char *out, size_t room)
{
    size_t len = 0;
    for (size_t i = 0, n; i < text.len; i += n) {
        bool escaped = text.ptr[i] == '"' || text.ptr[i] == '\\';
        n = utf8_sequence(slice_make(text.ptr + i, text.len - i));
        n = n ? n : 1;
        if (len + n + escaped + 3 > room) {
            memcpy(out + len, "\xe2\x80\xa6", 3);
            return len + 3;
        }
        if (escaped)
            out[len++] = '\\';
        memcpy(out + len, text.ptr + i, n);
        len += n;
    }
    return len;
}

static size_t add_member(char *line, size_t len, const char *name, struct slice value)
{
    len += (size_t)sprintf(line + len, "\"%s\":\"", name);
    len += escape(value, line + len, PIPE_BUF - 8 - len);
    line[len++] = '"';
    line[len++] = ',';
    return len;
}

static size_t print_json(enum log_level level, const char *code, struct slice said, char *line)
{
    static const char *const name[] = {"debug", "info", "warning", "error"};
    char time[INSTANT_TEXT], role[4 * sizeof role_shown];
    struct slice document = find_document(said);
    size_t len = 0;
    instant_print(instant_now(), 3, time);
    line[len++] = '{';
    len = add_member(line, len, "time", slice_of(time));
    len = add_member(line, len, "level", slice_of(name[level]));
    len = add_member(line, len, "role", slice_make(role, utf8_show(slice_of(role_shown), role, sizeof role)));
    if (code && *code)
        len = add_member(line, len, "code", slice_of(code));
    if (document.len)
        len = add_member(line, len, "document", document);
    len = add_member(line, len, "message", said);
    line[len - 1] = '}';
    return len;
}

static size_t print_text(enum log_level level, struct slice said, char *line)
{
    static const char *const name[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    char time[INSTANT_TEXT + 1] = "";
    size_t len = 0;
    if (find_reader() == OTHER) {
        instant_print(instant_now(), 3, time);
        strcat(time, " ");
    }
    len = (size_t)snprintf(line, 140, "%s%s %s: ", time, name[level], role_shown);
    memcpy(line + len, said.ptr, said.len);
    return len + said.len;
}

static void write_line(const char *line, size_t len)
{
    /* nothing can be done about another failure */
    while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
        ;
}

static void log_sentence(enum log_level level, const char *code, const char *format, va_list ap)
{
    static const int priority[] = {7, 6, 4, 3};
    if (level < threshold)
        return;
    int kept = errno;
    char sentence[SENTENCE_LIMIT], shown[SENTENCE_LIMIT], line[PIPE_BUF];
    int n = vsnprintf(sentence, sizeof sentence, format, ap);
    size_t said = n < 0 ? 0 : (size_t)n < sizeof sentence ? (size_t)n : sizeof sentence - 1;
    size_t len = 0;
    struct slice text = slice_make(shown, utf8_show(slice_make(sentence, said), shown, sizeof shown));
    if (level == LOG_ERROR && kept_error)
        snprintf(kept_error, kept_room, "%.*s", SLICE_ARG(text));
    if (find_reader() == JOURNAL)
        len = (size_t)sprintf(line, "<%d>", priority[level]);
    len += as_json ? print_json(level, code, text, line + len) : print_text(level, text, line + len);
    line[len++] = '\n';
    write_line(line, len);
    errno = kept;
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_sentence(level, NULL, format, ap);
    va_end(ap);
}

void log_coded(enum log_level level, const char *code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_sentence(level, code, format, ap);
    va_end(ap);
}
