/* mark: see mark.h. The file is one line, "<identity> <count>", of fixed length, written in place: it lies
 * within one sector, so it is never half. */
#include "state/mark.h"
#include "base/file.h"
#include "base/log.h"
#include "state/sqlite.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_FILE ".state"
#define IDENTITY_TEXT 33
#define MARK_LIMIT 4096

struct mark {
    char identity[IDENTITY_TEXT];
    int64_t count;
};

static int mark_of_state(struct state *s, struct mark *m)
{
    sqlite3_stmt *look = state_statement(s, "SELECT identity, count FROM mark", "");
    int rc = state_step(s, look);
    if (rc != 1)
        return -1;
    state_column(look, 0, m->identity, sizeof m->identity);
    m->count = sqlite3_column_int64(look, 1);
    sqlite3_reset(look);
    return 0;
}

/* 0, or 1 when there is none: also after a loss of power just behind its making. */
static int mark_of_spool(const struct spool *sp, struct mark *m)
{
    struct buffer text = {0};
    long long count = 0;
    int got = file_read(sp->root, MARK_FILE, MARK_LIMIT, &text) == 0 && text.len
                  ? sscanf(text.ptr, "%32[0-9a-f] %20lld", m->identity, &count)
                  : 0;
    m->count = count;
    buffer_free(&text);
    return got == 2 ? 0 : 1;
}

int state_mark_next(struct state *s, const char *newest)
{
    return state_run(s, state_statement(s, "UPDATE mark SET count = count + 1, newest = max(newest, ?1)", "s",
                                        newest ? newest : ""));
}

int state_newest(struct state *s, char id[DOCUMENT_NAME_TEXT])
{
    sqlite3_stmt *look = state_statement(s, "SELECT newest FROM mark", "");
    if (state_step(s, look) != 1)
        return -1;
    state_column(look, 0, id, DOCUMENT_NAME_TEXT);
    sqlite3_reset(look);
    return 0;
}

void state_mark_write(struct state *s, const struct spool *sp)
{
    struct mark state, spool;
    char line[80];
    if (mark_of_state(s, &state) < 0)
        return;
    if (mark_of_spool(sp, &spool) == 0 &&
        (strcmp(spool.identity, state.identity) != 0 || spool.count >= state.count))
        return; /* another process was further */
    int n = snprintf(line, sizeof line, "%s %020lld\n", state.identity, (long long)state.count);
    int fd = openat(sp->root, MARK_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0 || pwrite(fd, line, (size_t)n, 0) != n)
        log_debug("%s cannot be written: %s", MARK_FILE, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static bool has_entries(int parent, const char *name, bool documents)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    bool found = false;
    if (!d && fd >= 0)
        close(fd);
    while (d && !found && (e = readdir(d)))
        if (e->d_name[0] != '.')
            found = documents ? document_name_parse(e->d_name, NULL, NULL)
                              : has_entries(dirfd(d), e->d_name, true);
    if (d)
        closedir(d);
    return found;
}

/* A state that never entered anything, beside documents that must have been entered. */
static bool holds_documents(const struct spool *sp)
{
    int archive = openat(sp->stage[STAGE_ARCHIVE], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = archive < 0 ? NULL : fdopendir(archive);
    const struct dirent *e;
    bool found = false;
    if (!d && archive >= 0)
        close(archive);
    while (d && !found && (e = readdir(d)))
        found = e->d_name[0] >= '0' && e->d_name[0] <= '9'; /* a year */
    if (d)
        closedir(d);
    struct stat reach;
    return found || has_entries(sp->stage[STAGE_OUTBOX], ".", false) ||
           (fstatat(sp->root, ".reach", &reach, AT_SYMLINK_NOFOLLOW) == 0 && reach.st_size > 0);
}

int state_belongs(struct state *s, const struct spool *sp, struct findings *f)
{
    struct mark state, spool;
    if (mark_of_state(s, &state) < 0) {
        finding_add(f, SEVERITY_ERROR, "state.open", s->path, "Run `spoolgate reindex`.",
                    "The state cannot be read: %s.", state_error(s));
        return -1;
    }
    bool marked = mark_of_spool(sp, &spool) == 0;
    if (marked ? !strcmp(state.identity, spool.identity) && state.count >= spool.count
               : state.count > 0 || !holds_documents(sp))
        return 0;
    finding_add(
        f, SEVERITY_ERROR, "state.older", s->path,
        "Run `spoolgate reindex`, which makes it anew from the folders. Until then nothing is translated "
        "or sent, so that no order goes out twice and no control number is used again.",
        "The state does not know all that the spool %s holds: it was lost, or comes from an older "
        "backup or another spool.",
        sp->path);
    return -1;
}

int state_mark_adopt(struct state *s, const struct spool *sp, const char *newest)
{
    struct mark spool;
    if (state_mark_next(s, newest) < 0)
        return -1;
    if (mark_of_spool(sp, &spool) != 0)
        return 0;
    return state_run(s, state_statement(s, "UPDATE mark SET identity = ?1, count = max(count, ?2) + 1", "si",
                                        spool.identity, spool.count));
}
