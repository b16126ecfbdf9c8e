/* rounds: see rounds.h. A look is a dozen system calls; error/ is read only when it has changed. */
#include "role/rounds.h"
#include "base/date.h"
#include "role/process.h"
#include "role/storage.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what the supervisor sees by itself ---- */

static void judge(struct outage *o, bool wrong, const char *about, const char *why, const char *how)
{
    if (wrong)
        outage_see(o, about, why);
    else
        outage_over(o, how);
}

static void look_at_storage(struct rounds *r, const struct spool *s, const struct config *c, int run_failed)
{
    char why[OUTAGE_WHY];
    bool full = storage_disk(s, c->state, r->disk.since != 0, why);
    if (!full && (run_failed == ENOSPC || run_failed == EDQUOT)) {
        snprintf(why, sizeof why, "Writing %s/.run.json failed: %s. Make room.", s->path,
                 strerror(run_failed));
        full = true;
    }
    judge(&r->disk, full, "the disk is full or nearly so", why, "the disk has room again");
    bool wrong = storage_spool(s, c, why);
    if (!wrong && !full && run_failed) {
        snprintf(why, sizeof why, "%s/.run.json cannot be written: %s.", s->path, strerror(run_failed));
        wrong = true;
    }
    judge(&r->spool, wrong, "the spool cannot be written", why, "the spool can be written again");
    if (!full)
        judge(&r->state, storage_state(c->state, why), "the state cannot be written", why,
              "the state can be written again");
}

static void see(struct rounds *r, const char *name)
{
    if (!document_name_parse(name, NULL, NULL))
        return;
    r->in_error++;
    if (strcmp(name, r->newest_error) > 0)
        snprintf(r->newest_error, sizeof r->newest_error, "%.*s", DOCUMENT_NAME_TEXT, name);
}

static void count_errors(struct rounds *r, const struct spool *s)
{
    int fd = openat(s->stage[STAGE_ERROR], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    r->in_error = 0;
    r->newest_error[0] = '\0';
    while (d && (entry = readdir(d)))
        see(r, entry->d_name);
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
}

/* No outage, and not in the log: the role that put them there has said so. */
static void look_at_error(struct rounds *r, const struct spool *s)
{
    struct stat st;
    if (fstat(s->stage[STAGE_ERROR], &st) < 0 ||
        (st.st_mtim.tv_sec == r->error_changed.tv_sec && st.st_mtim.tv_nsec == r->error_changed.tv_nsec))
        return;
    int64_t age = instant_now().seconds - st.st_mtim.tv_sec;
    if (age > 1 || age < 0) /* else more may come within the same tick of the clock */
        r->error_changed = st.st_mtim;
    count_errors(r, s);
    if (!r->in_error) {
        r->error.since = 0;
        return;
    }
    if (!r->error.since) {
        r->error.since = instant_now().seconds;
        r->error.began = process_milliseconds();
    }
    snprintf(r->error.about, sizeof r->error.about, "%ld document%s in error/", r->in_error,
             r->in_error == 1 ? " stands" : "s stand");
    snprintf(r->error.why, sizeof r->error.why, "The newest is %s; its error.txt says what to do.",
             r->newest_error);
}

/* ---- the list ---- */

static struct trouble *add(struct rounds *r, const char *what, const char *where)
{
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 16;
        r->now = realloc(r->now, r->room * sizeof *r->now);
        if (!r->now)
            abort();
    }
    struct trouble *t = &r->now[r->count++];
    *t = (struct trouble){.what = what};
    snprintf(t->where, sizeof t->where, "%s", where);
    return t;
}

void rounds_add(struct rounds *r, const struct outage *o, const char *what, const char *where)
{
    if (o->since)
        add(r, what, where)->state = *o;
}

static void add_overdue(struct rounds *r, const struct role *role)
{
    long late = role->entry->overdue;
    if (late <= 0)
        return;
    struct trouble *t = add(r, "overdue", role->endpoint);
    t->count = late;
    t->state.since = instant_now().seconds;
    t->state.began = process_milliseconds();
    snprintf(t->state.about, sizeof t->state.about, "%s has not acknowledged in time", role->endpoint);
    snprintf(t->state.why, sizeof t->state.why, "%ld document%s late; spoolgate status names them.", late,
             late == 1 ? " is" : "s are");
}

static void add_role(struct rounds *r, const struct role *role)
{
    static const char *const what[][OUTAGES_OF_ROLE] = {[ROLE_TRANSLATOR] = {NULL},
                                                        [ROLE_COURIER] = {"send", "held"},
                                                        [ROLE_POLLER] = {"fetch", "chores"},
                                                        [ROLE_METRICS] = {NULL}};
    struct outage seen;
    rounds_add(r, &role->down, "role", role->entry->role);
    for (int i = 0; i < OUTAGES_OF_ROLE; i++)
        if (what[role->kind][i] && outage_read(&role->entry->outages[i], &seen))
            add(r, what[role->kind][i], role->endpoint)->state = seen;
    if (role->kind == ROLE_POLLER)
        add_overdue(r, role);
}

void rounds_look(struct rounds *r, const struct board *b, const struct spool *s, const struct config *c,
                 int run_failed)
{
    look_at_storage(r, s, c, run_failed);
    look_at_error(r, s);
    r->count = 0;
    rounds_add(r, &r->disk, "disk", "");
    rounds_add(r, &r->spool, "spool", "");
    rounds_add(r, &r->state, "state", "");
    for (size_t i = 0; i < b->count; i++)
        add_role(r, &b->roles[i]);
    if (r->in_error)
        add(r, "error", "");
    if (r->in_error) {
        r->now[r->count - 1].state = r->error;
        r->now[r->count - 1].count = r->in_error;
    }
}

json_t *rounds_json(const struct rounds *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->count; i++) {
        const struct trouble *t = &r->now[i];
        char since[INSTANT_TEXT];
        if (!strcmp(t->what, "error") || !strcmp(t->what, "overdue"))
            continue;
        json_t *o = json_object();
        instant_print((struct instant){.seconds = t->state.since}, 0, since);
        json_object_set_new(o, "what", json_string(t->what));
        json_object_set_new(o, "where", json_string(t->where));
        json_object_set_new(o, "about", json_string(t->state.about));
        json_object_set_new(o, "since", json_string(since));
        json_object_set_new(o, "tries", json_integer(t->state.tries));
        json_object_set_new(o, "said", json_string(t->state.why));
        json_array_append_new(list, o);
    }
    return list;
}

void rounds_free(struct rounds *r)
{
    free(r->now);
    *r = (struct rounds){0};
}
