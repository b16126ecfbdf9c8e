/* translator: reads untrusted bytes and writes messages; has no network and reads no secrets. What it does to
 * a group of documents is in group.c, how it finds them in gather.c.
 *
 * Ends with a failure when the disk or the state fails: nothing is moved then that is not durable, and the
 * next translator of the slot takes up what it had in hand. */
#include "base/log.h"
#include "net/secrets.h"
#include "role/confine.h"
#include "role/desk.h"
#include "role/gather.h"
#include "role/hand.h"
#include "role/installation.h"
#include "role/process.h"
#include "role/role.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static void print_findings(const struct findings *f)
{
    for (const struct finding *i = f->first; i; i = i->next)
        log_coded(i->severity == SEVERITY_ERROR ? LOG_ERROR : LOG_WARNING, i->code, "%s%s%s", i->where,
                  *i->where ? ": " : "", i->what);
}

/* The previous process of this slot may not be quite gone yet. */
static int open_slot(struct translator *w, struct process *p, int slot)
{
    for (int tries = 0; tries < 100 && !process_stopping(p); tries++) {
        if (work_open(&w->work, &w->spool, slot) == 0)
            return 0;
        if (errno != EWOULDBLOCK)
            break;
        process_wait(p, -1, 50);
    }
    if (process_stopping(p))
        return -1;
    log_error("translate/.work-%d cannot be taken: %s", slot,
              errno == EWOULDBLOCK ? "another translator holds it" : strerror(errno));
    return -1;
}

static int translator_open(struct translator *w, struct process *p, int slot)
{
    struct findings f = {.arena = &w->arena};
    if (spool_open(&w->spool, w->config->spool, &f) < 0 || desk_share(&w->spool) < 0 ||
        !(w->state = desk_state(&w->spool, w->config->state, &f)) ||
        (!w->maps && !(w->maps = installation_maps(w->config, NULL, &f)))) {
        print_findings(&f);
        w->machine = f.machine != 0;
        return -1;
    }
    /* so that a person or a mount finds the folder before the first file comes */
    for (const struct route *r = w->config->routes; r; r = r->next)
        if (spool_inbox(&w->spool, r->source) < 0)
            log_warning("inbox/%s cannot be made: %s", r->source, strerror(errno));
    if (open_slot(w, p, slot) < 0)
        return -1;
    if (hand_open(w) < 0) {
        log_error("translate/.work-%d cannot be written: %s", slot, strerror(errno));
        return -1;
    }
    arena_reset(&w->arena);
    return 0;
}

static void translator_close(struct translator *w)
{
    hand_close(w);
    if (w->work.dir >= 0)
        work_close(&w->work);
    if (w->maps)
        map_library_close(w->maps);
    if (w->state)
        state_close(w->state);
    if (w->spool.path)
        spool_close(&w->spool);
    arena_free(&w->arena);
}

/* ---- what it gives up ---- */

#define PATHS 64
#define CHANGES_WAIT 10000 /* ms */

/* Versions of the standard, and their names, may stand elsewhere and be linked to. */
static size_t list_versions(struct translator *w, const char *standard, const char **paths, size_t n)
{
    const char *folder = arena_printf(&w->arena, "%s/%s", w->config->translators_directory, standard);
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && n < PATHS - 1 && (e = readdir(d));)
        if (e->d_name[0] != '.')
            paths[n++] = arena_printf(&w->arena, "%s/%s", folder, e->d_name);
    if (d)
        closedir(d);
    return n;
}

/* It reads maps and tables, and writes the spool and the state; the folder of the state may hold secrets, so
 * it has the state's three files alone, which SQLite has made by now. */
static void give_up(struct translator *w, struct board_entry *board)
{
    const char *readable[PATHS] = {"/dev/urandom"}, *writable[12] = {NULL}, *state = w->config->state;
    size_t n = 1;
    for (const char *const *d = w->config->map_directories; *d; d++)
        readable[n++] = *d;
    const char *slash = strrchr(w->config->file, '/');
    if (slash) /* to see whether anything changed there */
        readable[n++] =
            arena_printf(&w->arena, "%.*s/partners.d", (int)(slash - w->config->file), w->config->file);
    n = list_versions(w, "x12", readable, n);
    n = list_versions(w, "names/x12", readable, n);
    readable[n] = NULL;
    n = 0;
    writable[n++] = arena_printf(&w->arena, "/proc/self/fd/%d", w->spool.root);
    /* the same again, nearer to where the work is done: a look for a rule goes upwards */
    writable[n++] = arena_printf(&w->arena, "/proc/self/fd/%d", w->work.dir);
    for (size_t stage = 0; stage < sizeof w->spool.stage / sizeof *w->spool.stage; stage++)
        writable[n++] = arena_printf(&w->arena, "/proc/self/fd/%d", w->spool.stage[stage]);
    writable[n++] = state;
    writable[n++] = arena_printf(&w->arena, "%s-wal", state);
    writable[n++] = arena_printf(&w->arena, "%s-shm", state);
    unsigned confined = confine(&(struct confinement){.readable = readable, .writable = writable});
    board->confined = (int)confined;
    if (confined == (CONFINED_CALLS | CONFINED_PATHS))
        log_debug("confined by %s", confine_words(confined));
    else
        log_warning(
            "this kernel does not offer all that keeps a translator in its place: it is confined by %s",
            confine_words(confined));
    arena_reset(&w->arena);
}

static bool was_put_back(const struct group *g)
{
    for (const struct translation *t = g->first; t; t = t->next)
        if (t->again)
            return true;
    return false;
}

/* Who corrects a map and puts the document back at once is not to be told the same mistake again: the
 * supervisor sees the change as well, and either replaces this process (false) or refuses what was changed.
 */
static bool up_to_date(struct translator *w, struct board_entry *board, struct process *p,
                       struct fingerprint *seen)
{
    struct fingerprint now = installation_look(w->config->file, w->config);
    unsigned looks = board->looks;
    if (!looks || fingerprint_equal(&now, seen))
        return true;
    int64_t end = process_milliseconds() + CHANGES_WAIT;
    while (board->looks == looks && process_milliseconds() < end && !process_stopping(p))
        process_wait(p, -1, 20);
    *seen = now;
    return !process_stopping(p);
}

/* One look: the number of documents handled, or -1 when the role has to end. What is claimed when it is
 * stopped meanwhile, the next one fetches back. */
static long look(struct translator *w, struct gatherer *g, struct board_entry *board, struct process *p,
                 struct fingerprint *seen)
{
    struct group group = {0};
    long handled = -1;
    if (gatherer_claim(g, &group) == 0) {
        if (was_put_back(&group) && !up_to_date(w, board, p, seen))
            handled = 0;
        else if (!group.count || group_process(w, &group) == 0)
            handled = (long)group.count;
    }
    group_free(&group);
    gatherer_release(g);
    arena_reset(&w->arena);
    return handled;
}

static int work_until_stopped(struct translator *w, struct gatherer *g, struct board_entry *board,
                              struct process *p)
{
    int64_t rescan = process_milliseconds();
    struct fingerprint seen = installation_look(w->config->file, w->config);
    while (!process_stopping(p)) {
        board->busy = 1; /* before looking, so that nobody thinks us idle who finds the inbox empty */
        bool everything = process_milliseconds() >= rescan;
        if (everything)
            rescan = process_milliseconds() + (int64_t)w->config->rescan_seconds * 1000;
        gatherer_notice(g, everything);
        long handled = look(w, g, board, p, &seen);
        board->cycles++;
        board->failed = handled < 0;
        if (handled < 0)
            return EX_CANTCREAT;
        board->documents += handled;
        if (handled || gatherer_again(g))
            continue;
        board->busy = 0;
        int64_t wait = rescan - process_milliseconds(), soon = gatherer_wait(g);
        if (soon >= 0 && soon < wait)
            wait = soon;
        process_wait(p, gatherer_descriptor(g), wait < 0 ? 0 : wait);
    }
    return p->reload ? ROLE_RELOAD : EX_OK;
}

int role_translator(struct role_context *c, int slot)
{
    struct translator w = {.config = c->config, .maps = c->maps, .work = {.dir = -1}, .hand = -1};
    struct process p;
    struct gatherer *g = NULL;
    int status = EX_CONFIG;
    snprintf(w.role, sizeof w.role, "translator %d", slot);
    log_role(w.role);
    secrets_forget_environment();
    if (process_open(&p) < 0)
        return EX_SOFTWARE;
    process_raise_file_limit();
    if (translator_open(&w, &p, slot) == 0 && (g = gatherer_open(&w))) {
        give_up(&w, c->board);
        status = work_until_stopped(&w, g, c->board, &p);
    } else if (process_stopping(&p))
        status = EX_OK;
    else if (w.machine)
        status = EX_CANTCREAT;
    if (g)
        gatherer_close(g);
    translator_close(&w);
    process_close(&p);
    return status;
}
