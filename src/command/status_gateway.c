/* status_gateway: see status.h. What the gateway says of itself is in .run.json; when that is old or missing
 * while somebody holds the lock, the reason is looked for from here. */
#include "base/file.h"
#include "base/json.h"
#include "command/status.h"
#include "role/storage.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SILENT_AFTER 15 /* s; a gateway writes .run.json every two */

/* By the state of its process, proc_pid_stat(5). */
static const char *why_it_hangs(struct looking *l, long pid)
{
    struct buffer stat = {0};
    const char *path = arena_printf(&l->view.arena, "/proc/%ld/stat", pid), *state = NULL;
    if (file_read(AT_FDCWD, path, 4096, &stat) == 0 && stat.len)
        state = strrchr(stat.ptr, ')');
    char is = state && state[1] == ' ' ? state[2] : '?';
    buffer_free(&stat);
    if (is == 'T' || is == 't')
        return arena_printf(&l->view.arena, "The process is stopped: kill -CONT %ld lets it go on.", pid);
    return is == 'D' ? "The process waits for a disk that does not answer: see the system's log."
                     : "The process hangs, or the machine is overloaded: see the log, and start it again.";
}

/* What it says of itself is old: why, as far as can be seen from here. */
static void look_at_silence(struct looking *l, const json_t *run, long pid)
{
    const char *updated = json_text_at(run, "updated");
    char why[OUTAGE_WHY], age[AGE_TEXT];
    int64_t silent = view_since(updated);
    if (run && silent >= 0 && silent < SILENT_AFTER)
        return;
    struct stat st; /* just begun, and on its first round */
    if (!run && fstatat(l->view.spool.root, ".lock", &st, 0) == 0 &&
        l->now - st.st_mtim.tv_sec < SILENT_AFTER)
        return;
    const struct spool *s = &l->view.spool;
    bool known = storage_disk(s, l->view.config->state, true, why) || storage_spool(s, l->view.config, why);
    status_problem(l, "silent", "gateway",
                   arena_printf(&l->view.arena,
                                "it runs (process %ld) but %s .run.json%s%s%s: what is said here of roles "
                                "and outages is as old. %s",
                                pid, known ? "cannot write" : "has not written", updated ? " since " : "",
                                updated ? updated : "",
                                updated ? arena_printf(&l->view.arena, " (%s)", view_age(silent, age)) : "",
                                known ? why : why_it_hangs(l, pid)));
    l->storage_told = known;
}

/* What the gateway says it cannot do. A mark in an outbox is told where it stands, with what to do. */
static void look_at_outages(struct looking *l, const json_t *run)
{
    const json_t *outage;
    size_t i;
    json_array_foreach(json_object_get(run, "outages"), i, outage)
    {
        const char *what = json_text_at(outage, "what"), *about = json_text_at(outage, "about");
        const char *since = json_text_at(outage, "since"), *said = json_text_at(outage, "said");
        int64_t tries = json_integer_at(outage, "tries", 0);
        char age[AGE_TEXT];
        if (!what || !about || !since || !said || !strcmp(what, "held"))
            continue;
        l->storage_told |= !strcmp(what, "disk") || !strcmp(what, "spool") || !strcmp(what, "state");
        status_problem(
            l, what, about,
            arena_printf(&l->view.arena, "since %s (%s%s): %s", since, view_age(view_since(since), age),
                         tries ? arena_printf(&l->view.arena, ", tried %lld times", (long long)tries) : "",
                         said));
    }
}

static bool has_outage(const json_t *run, const char *role)
{
    const json_t *outage;
    size_t i;
    const char *blank = strchr(role, ' ');
    json_array_foreach(json_object_get(run, "outages"), i, outage)
    {
        const char *where = json_text_at(outage, "where");
        if (where && (!strcmp(where, role) || (blank && !strcmp(where, blank + 1))))
            return true;
    }
    return false;
}

static void look_at_role(struct looking *l, const json_t *run, const json_t *role)
{
    const char *name = json_text_at(role, "role"), *state = json_text_at(role, "state");
    if (!name || has_outage(run, name))
        return;
    if (state && !strcmp(state, "down"))
        status_problem(l, "down", name,
                       "it ended and is started again after a pause; the log says why it ended");
    else if (json_is_true(json_object_get(role, "failed")))
        status_problem(l, "failing", name, "its last look ended with an error; the log says which");
}

/* Also when nobody runs, or who runs cannot say so. */
static void look_at_storage(struct looking *l)
{
    char why[OUTAGE_WHY];
    const struct view *v = &l->view;
    if (l->storage_told)
        return;
    if (storage_disk(&v->spool, v->config->state, false, why))
        status_problem(l, "disk", v->spool.path, why);
    struct stat st;
    if (fstat(v->spool.root, &st) < 0 || st.st_uid != geteuid())
        return; /* what another user may write is not what the gateway may */
    if (storage_spool(&v->spool, v->config, why))
        status_problem(l, "spool", v->spool.path, why);
    if (access(v->config->state, F_OK) == 0 && storage_state(v->config->state, why))
        status_problem(l, "state", v->config->state, why);
}

void status_gateway(struct looking *l)
{
    const json_t *run = view_run(&l->view), *role;
    size_t i;
    long pid = view_gateway(&l->view);
    json_object_set_new(l->status, "running", json_boolean(pid));
    if (pid) {
        json_object_set(l->status, "roles", json_object_get(run, "roles"));
        json_object_set(l->status, "outages", json_object_get(run, "outages"));
        look_at_silence(l, run, pid);
        look_at_outages(l, run);
    }
    json_array_foreach(pid ? json_object_get(run, "roles") : NULL, i, role) look_at_role(l, run, role);
    look_at_storage(l);
}
