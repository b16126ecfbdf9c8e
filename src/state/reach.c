/* reach: see reach.h. Several processes append; each knows the file up to where it has read it, and reads on
 * before it writes. */
#include "state/reach.h"
#include "base/file.h"
#include "state/sqlite.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define REACH_FILE ".reach"
#define GREATEST_NUMBER 999999999u

/* ---- what is known ---- */

/* Where the text is, or belongs, in a sorted table of entries that begin with a text. */
static size_t place_of(const void *table, size_t count, size_t size, const char *text, bool *there)
{
    size_t low = 0, high = count;
    *there = false;
    while (low < high && !*there) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp((const char *)table + middle * size, text);
        *there = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return *there ? high : low;
}

static void *insert(void **table, size_t *count, size_t *room, size_t size, size_t at)
{
    if (*count == *room) {
        *room = *room ? 2 * *room : 16;
        *table = realloc(*table, *room * size);
        if (!*table)
            abort();
    }
    char *entry = (char *)*table + at * size;
    memmove(entry + size, entry, (*count - at) * size);
    memset(entry, 0, size);
    ++*count;
    return entry;
}

static struct reach_numbers *numbers_of(struct reach *r, const char *partner)
{
    bool there;
    size_t at = place_of(r->numbers, r->number_count, sizeof *r->numbers, partner, &there);
    struct reach_numbers *n = &r->numbers[at];
    if (there)
        return n;
    n = insert((void **)&r->numbers, &r->number_count, &r->number_room, sizeof *n, at);
    snprintf(n->partner, sizeof n->partner, "%s", partner);
    return n;
}

static struct reach_day *day_known(const struct reach *r, const char *day)
{
    bool there;
    size_t at = place_of(r->days, r->day_count, sizeof *r->days, day, &there);
    return there ? &r->days[at] : NULL;
}

static struct reach_day *day_of(struct reach *r, const char *day)
{
    bool there;
    size_t at = place_of(r->days, r->day_count, sizeof *r->days, day, &there);
    struct reach_day *d = &r->days[at];
    if (there)
        return d;
    d = insert((void **)&r->days, &r->day_count, &r->day_room, sizeof *d, at);
    snprintf(d->day, sizeof d->day, "%s", day);
    d->counted = -1;
    return d;
}

void reach_free(struct reach *r)
{
    free(r->numbers);
    free(r->days);
    *r = (struct reach){0};
}

/* ---- the file ---- */

static bool is_day(const char *text)
{
    static const char form[] = "dddd/dd/dd";
    size_t i = 0;
    for (; form[i] && text[i]; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return !form[i] && !text[i];
}

static void take_line(struct reach *r, const char *line)
{
    char word[16], name[64];
    long value = -1;
    int got = sscanf(line, "%15s %63s %12ld", word, name, &value);
    if (got >= 2 && !strcmp(word, "day") && is_day(name)) {
        struct reach_day *d = day_of(r, name);
        d->unknown = false;
        if (got == 3 && value > d->counted)
            d->counted = value;
    } else if (got == 2 && !strcmp(word, "unknown") && is_day(name)) {
        day_of(r, name)->unknown = true;
    } else if (got == 3 && !strcmp(word, "numbers") && value > 0 && value <= (long)GREATEST_NUMBER) {
        struct reach_numbers *n = numbers_of(r, name);
        if ((uint32_t)value > n->reserved)
            n->reserved = (uint32_t)value;
    }
}

/* What others have appended since. */
int reach_read(struct reach *r, const struct spool *sp)
{
    int fd = openat(sp->root, REACH_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    struct buffer text = {0};
    char part[65536];
    ssize_t n = 0;
    if (fd < 0 && errno == ENOENT) {
        r->read = 0;
        r->open_line = false;
        return 0;
    }
    if (fd < 0 || fstat(fd, &st) < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (st.st_size < r->read)
        r->read = 0; /* another file */
    off_t at = (off_t)r->read;
    while ((n = pread(fd, part, sizeof part, at)) > 0) {
        buffer_add(&text, part, (size_t)n);
        at += n;
        char *line = text.ptr, *end;
        while ((end = memchr(line, '\n', text.len - (size_t)(line - text.ptr)))) {
            *end = '\0';
            take_line(r, line);
            line = end + 1;
        }
        size_t rest = text.len - (size_t)(line - text.ptr);
        memmove(text.ptr, line, rest);
        text.len = rest > 256 ? 0 : rest; /* no line of ours is so long */
    }
    r->read = at - (off_t)text.len;
    r->open_line = text.len > 0;
    int failed = errno;
    buffer_free(&text);
    close(fd);
    errno = failed;
    return n < 0 ? -1 : 0;
}

/* In one write, so that lines of several processes do not mix. */
static int append(struct reach *r, const struct spool *sp, struct buffer *lines)
{
    struct buffer text = {0};
    int fd = openat(sp->root, REACH_FILE, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return -1;
    if (r->open_line)
        buffer_byte(&text, '\n');
    buffer_slice(&text, buffer_as_slice(lines));
    ssize_t n = write(fd, text.ptr, text.len);
    int failed = n < 0 ? errno : ENOSPC;
    bool whole = n == (ssize_t)text.len;
    buffer_free(&text);
    if (close(fd) < 0 && whole)
        return -1;
    errno = failed;
    return whole ? 0 : -1;
}

static void add_numbers(struct buffer *lines, const struct reach_numbers *n)
{
    buffer_printf(lines, "numbers %s %u\n", n->partner, n->reserved);
}

static void add_day(struct buffer *lines, const struct reach_day *d)
{
    if (d->counted >= 0)
        buffer_printf(lines, "day %s %ld\n", d->day, d->counted);
    else
        buffer_printf(lines, "day %s\n", d->day);
    if (d->unknown)
        buffer_printf(lines, "unknown %s\n", d->day);
}

/* A file that somebody removed is made again with all that is known. */
static int catch_up(struct reach *r, const struct spool *sp, struct buffer *lines)
{
    long long before = r->read;
    if (reach_read(r, sp) < 0)
        return -1;
    bool lost = r->read < before || !r->read;
    for (size_t i = 0; i < r->number_count && lost; i++)
        if (r->numbers[i].reserved)
            add_numbers(lines, &r->numbers[i]);
    for (size_t i = 0; i < r->day_count && lost; i++)
        add_day(lines, &r->days[i]);
    return 0;
}

static struct reach *known(struct state *s)
{
    if (!s->reach && !(s->reach = calloc(1, sizeof *s->reach)))
        abort();
    return s->reach;
}

/* ---- notes ---- */

static uint32_t ahead(uint32_t number)
{
    return number < GREATEST_NUMBER - REACH_BLOCK ? number + REACH_BLOCK - 1 : GREATEST_NUMBER;
}

int reach_number(struct state *s, const struct spool *sp, const char *partner, uint32_t number)
{
    struct reach *r = known(s);
    struct buffer lines = {0};
    if (numbers_of(r, partner)->reserved >= number)
        return 0;
    if (catch_up(r, sp, &lines) < 0)
        return -1;
    struct reach_numbers *n = numbers_of(r, partner), wanted = *n;
    if (n->reserved < number) {
        wanted.reserved = ahead(number);
        add_numbers(&lines, &wanted);
    }
    int result = lines.len ? append(r, sp, &lines) : 0;
    if (result == 0)
        n->reserved = wanted.reserved;
    buffer_free(&lines);
    return result;
}

static long count_documents(const struct spool *sp, const char *day)
{
    int fd = openat(sp->stage[STAGE_ARCHIVE], day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    long n = 0;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while ((e = readdir(d)))
        n += document_name_parse(e->d_name, NULL, NULL);
    closedir(d);
    return n;
}

/* Once a day, with how many the day before has come to. */
static int begin_day(struct reach *r, const struct spool *sp, const char *day)
{
    struct buffer lines = {0};
    struct reach_day *before = NULL;
    if (catch_up(r, sp, &lines) < 0)
        return -1;
    if (!day_known(r, day)) {
        for (size_t i = 0; i < r->day_count && strcmp(r->days[i].day, day) < 0; i++)
            before = &r->days[i];
        if (before && before->counted < 0 && (before->counted = count_documents(sp, before->day)) >= 0)
            buffer_printf(&lines, "day %s %ld\n", before->day, before->counted);
        buffer_printf(&lines, "day %s\n", day);
    }
    int result = lines.len ? append(r, sp, &lines) : 0;
    if (result == 0)
        day_of(r, day);
    buffer_free(&lines);
    return result;
}

int reach_archive(struct state *s, const struct spool *sp, const char *document)
{
    struct reach *r = known(s);
    char day[11];
    if (!document_archive_day(document, day) || day_known(r, day))
        return 0;
    return begin_day(r, sp, day);
}

/* ---- from state and archive ---- */

static void days_below(struct reach *r, int parent, const char *path, int levels, struct buffer *lines)
{
    int fd = openat(parent, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    if (!d && fd >= 0)
        close(fd);
    while (d && (e = readdir(d))) {
        char below[32];
        if (e->d_name[0] < '0' || e->d_name[0] > '9' || strlen(e->d_name) > 4)
            continue;
        snprintf(below, sizeof below, "%s%s%.4s", path, *path ? "/" : "", e->d_name);
        if (levels > 1)
            days_below(r, parent, below, levels - 1, lines);
        else if (is_day(below) && !day_known(r, below))
            add_day(lines, day_of(r, below));
    }
    if (d)
        closedir(d);
}

static int counters_of_state(struct state *s, struct reach *r, struct buffer *lines)
{
    sqlite3_stmt *look = state_statement(s, "SELECT partner, last FROM control_counter WHERE last > 0", "");
    char partner[64];
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        state_column(look, 0, partner, sizeof partner);
        uint32_t last = (uint32_t)sqlite3_column_int64(look, 1);
        struct reach_numbers *n = numbers_of(r, partner);
        if (n->reserved >= last)
            continue;
        n->reserved = ahead(last);
        add_numbers(lines, n);
    }
    return rc;
}

/* Days whose folders may have been moved away before there was such a file. */
static int days_of_state(struct state *s, struct reach *r, struct buffer *lines)
{
    sqlite3_stmt *look = state_statement(
        s, "SELECT DISTINCT substr(document, 1, 9) FROM business_key WHERE delivered > 0", "");
    char id[DOCUMENT_NAME_TEXT], day[16];
    int rc;
    while ((rc = state_step(s, look)) == 1) {
        state_column(look, 0, id, sizeof id);
        snprintf(day, sizeof day, "%.4s/%.2s/%.2s", id, strlen(id) == 9 ? id + 4 : "",
                 strlen(id) == 9 ? id + 6 : "");
        if (is_day(day) && !day_known(r, day))
            add_day(lines, day_of(r, day));
    }
    return rc;
}

int reach_begin(struct state *s, const struct spool *sp)
{
    struct reach *r = known(s);
    struct buffer lines = {0};
    int result = reach_read(r, sp);
    bool anew = result == 0 && !r->read;
    if (anew)
        days_below(r, sp->stage[STAGE_ARCHIVE], "", 3, &lines);
    if (result == 0 && counters_of_state(s, r, &lines) < 0)
        result = -1;
    if (result == 0 && (anew || lines.len) && days_of_state(s, r, &lines) < 0) /* it was behind */
        result = -1;
    if (result == 0 && lines.len)
        result = append(r, sp, &lines);
    buffer_free(&lines);
    return result;
}

/* ---- reindex ---- */

void reach_found(struct reach *r, const char *document, bool archived)
{
    char day[11];
    struct reach_day *d = document_archive_day(document, day) ? day_known(r, day) : NULL;
    if (d && archived)
        d->found++;
    else if (d)
        d->elsewhere++;
}

void reach_found_number(struct reach *r, const char *partner, uint32_t number)
{
    bool there;
    size_t at = place_of(r->numbers, r->number_count, sizeof *r->numbers, partner, &there);
    if (there && number > r->numbers[at].found)
        r->numbers[at].found = number;
}

bool reach_day_missing(const struct reach_day *d)
{
    return d->found == 0 ? d->counted != 0 : d->found + d->elsewhere < d->counted;
}

bool reach_numbers_missing(const struct reach_numbers *n)
{
    return n->reserved >= REACH_BLOCK && n->found < n->reserved - REACH_BLOCK + 1;
}

int reach_settle(struct state *s, const struct spool *sp, const struct reach *r, bool given_up)
{
    struct buffer lines = {0};
    for (size_t i = 0; i < r->day_count; i++) {
        const struct reach_day *d = &r->days[i];
        if (given_up && reach_day_missing(d))
            buffer_printf(&lines, "unknown %s\n", d->day);
        else if (d->unknown && !reach_day_missing(d))
            buffer_printf(&lines, "day %s\n", d->day);
    }
    int result = reach_begin(s, sp);
    if (result == 0 && lines.len)
        result = append(s->reach, sp, &lines);
    buffer_free(&lines);
    return result;
}
