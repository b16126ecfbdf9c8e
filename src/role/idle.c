/* idle: see idle.h. The folders are read before the board: a document on its way from one to the next is seen
 * in one of them, or its role is seen busy, because roles say that they are busy before they look. */
#include "role/idle.h"
#include "base/date.h"
#include "base/log.h"
#include "role/holds.h"
#include "state/state.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOON 15      /* s: an awaited document whose next look is so near is waited for */
#define POLL_TRIES 5 /* a poller that fails so often is not waited for */

static bool is_temporary(const char *name)
{
    static const char *const endings[] = {".tmp", ".part", ".filepart", ".partial"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (slice_ends(slice_of(name), slice_of(endings[i])))
            return true;
    return false;
}

static DIR *open_folder(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    return d;
}

/* Something stands in the folder itself. */
static bool has_entries(int parent, const char *name, bool files)
{
    DIR *d = open_folder(parent, name);
    const struct dirent *entry;
    bool found = false;
    while (d && !found && (entry = readdir(d)))
        found = entry->d_name[0] != '.' && !(files && is_temporary(entry->d_name));
    if (d)
        closedir(d);
    return found;
}

static const struct role *courier_of(const struct board *b, const char *endpoint)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->roles[i].kind == ROLE_COURIER && !strcmp(b->roles[i].endpoint, endpoint))
            return &b->roles[i];
    return NULL;
}

static long count_entries(int parent, const char *name)
{
    DIR *d = open_folder(parent, name);
    const struct dirent *entry;
    long n = 0;
    while (d && (entry = readdir(d)))
        n += entry->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

/* The endpoint is held, or its courier says of as many documents as there are that they wait for a person. */
static bool is_held(const struct spool *s, const struct role *courier)
{
    char mark[512];
    snprintf(mark, sizeof mark, "%s/" HELD_FILE, courier->endpoint);
    return faccessat(s->stage[STAGE_OUTBOX], mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
           (courier->entry->held > 0 &&
            courier->entry->held == count_entries(s->stage[STAGE_OUTBOX], courier->endpoint));
}

/* Something stands in a folder of the stage. Of the outboxes (b is not NULL), those that are held or that
 * nobody serves are counted instead: a person has to act. */
static bool stage_has_work(const struct spool *s, enum stage stage, const struct board *b, struct idle *i)
{
    DIR *d = open_folder(s->stage[stage], ".");
    const struct dirent *entry;
    bool found = false;
    while (d && !found && (entry = readdir(d))) {
        if (entry->d_name[0] == '.' || !has_entries(s->stage[stage], entry->d_name, stage == STAGE_INBOX))
            continue;
        const struct role *courier = b ? courier_of(b, entry->d_name) : NULL;
        if (b && !courier)
            i->unserved++;
        else if (b && is_held(s, courier))
            i->held++;
        else
            found = true;
    }
    if (d)
        closedir(d);
    return found;
}

static int count_row(void *context, const struct awaited *a)
{
    (void)a;
    ++*(int *)context;
    return 0;
}

static bool something_is_awaited_soon(const struct config *c)
{
    struct arena a = {0};
    struct findings f = {.arena = &a};
    int rows = 0;
    struct state *s = state_open(c->state, &f);
    bool failed = !s || state_awaited(s, NULL, instant_now().seconds + SOON, 1, count_row, &rows) < 0;
    if (failed)
        log_warning("the state cannot be read to see what is awaited");
    if (s)
        state_close(s);
    arena_free(&a);
    return rows > 0;
}

static bool roles_are_idle(struct idle *i, const struct board *b, long *cycles)
{
    *cycles = 0;
    i->failing = 0;
    for (size_t k = 0; k < b->count; k++) {
        const struct role *r = &b->roles[k];
        const struct board_entry *e = r->entry;
        if (!r->pid || e->busy || e->cycles < 1)
            return false;
        if (r->kind == ROLE_POLLER && e->failed) {
            if (e->cycles < POLL_TRIES && !e->put_off)
                return false;
            i->failing++;
        }
        *cycles += e->cycles;
    }
    return true;
}

bool idle_look(struct idle *i, const struct board *b, const struct spool *s, const struct config *c)
{
    long cycles = 0;
    i->held = i->unserved = 0;
    bool now = !stage_has_work(s, STAGE_INBOX, NULL, i) &&
               !has_entries(s->stage[STAGE_TRANSLATE], ".", false) &&
               !stage_has_work(s, STAGE_OUTBOX, b, i) && roles_are_idle(i, b, &cycles);
    bool still = now && i->before && i->cycles == cycles;
    i->before = now;
    i->cycles = cycles;
    return still && !something_is_awaited_soon(c);
}
