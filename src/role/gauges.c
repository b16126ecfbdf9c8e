/* gauges: see gauges.h. */
#include "role/gauges.h"
#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include "role/holds.h"
#include "state/figures.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOOKED_AT 2000 /* files of a source whose age is looked at; the names of documents say theirs */

struct reading {
    struct gauges *kept;
    const struct spool *spool;
    struct tally *into;
    int64_t now;
};

static void set(struct reading *r, enum figure f, int64_t value, const char *first, const char *second)
{
    tally_set(r->into, f, value, TALLY_LABELS(first, second));
}

/* ---- folders ---- */

static DIR *open_folder(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    return d;
}

/* The moment that an id says; 0 when it is none. */
static int64_t moment_of(const char *name)
{
    char text[32];
    struct instant at;
    if (!document_name_parse(name, NULL, NULL))
        return 0;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", name, name + 4, name + 6, name + 9,
             name + 11, name + 13);
    return instant_parse(slice_of(text), &at) ? at.seconds : 0;
}

static int64_t moment_of_file(int folder, const char *name)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ctim.tv_sec : 0;
}

static void count_entries(DIR *d, bool documents, struct counted *c)
{
    const struct dirent *entry;
    while ((entry = readdir(d))) {
        int64_t at = 0;
        if (entry->d_name[0] == '.' || (documents && !(at = moment_of(entry->d_name))))
            continue;
        if (!documents && c->documents < LOOKED_AT)
            at = moment_of_file(dirfd(d), entry->d_name);
        if (at && (!c->oldest || at < c->oldest))
            c->oldest = at;
        c->documents++;
    }
}

/* What was counted before, when the folder has not changed since. One that has changed within the last second
 * may change again without its time showing it. */
static struct counted *remembered(struct reading *r, const struct stat *st)
{
    struct counted *c = &r->kept->places[(uint64_t)st->st_ino % GAUGES_PLACES];
    bool same = c->inode == st->st_ino && c->device == st->st_dev &&
                c->changed.tv_sec == st->st_mtim.tv_sec && c->changed.tv_nsec == st->st_mtim.tv_nsec &&
                st->st_mtim.tv_sec < r->now - 1;
    if (!same)
        *c = (struct counted){0};
    return c;
}

static struct counted count(struct reading *r, int parent, const char *name, bool documents)
{
    struct stat st;
    DIR *d = open_folder(parent, name);
    if (!d || fstat(dirfd(d), &st) < 0) {
        if (d)
            closedir(d);
        return (struct counted){0};
    }
    struct counted *c = remembered(r, &st);
    if (!c->inode) {
        count_entries(d, documents, c);
        c->device = st.st_dev;
        c->inode = st.st_mtim.tv_sec < r->now - 1 ? st.st_ino : 0;
        c->changed = st.st_mtim;
    }
    closedir(d);
    return *c;
}

static void set_place(struct reading *r, const char *stage, const char *place, struct counted c)
{
    set(r, WAITING, c.documents, stage, place);
    set(r, OLDEST_SECONDS, c.documents && c.oldest && c.oldest < r->now ? r->now - c.oldest : 0, stage,
        place);
}

static int64_t count_marks(int parent, const char *name)
{
    DIR *d = open_folder(parent, name);
    const struct dirent *entry;
    int64_t marks = 0;
    while (d && (entry = readdir(d)))
        marks +=
            !strcmp(entry->d_name, HELD_FILE) || !strncmp(entry->d_name, HELD_FILE ".", sizeof HELD_FILE);
    if (d)
        closedir(d);
    return marks;
}

/* The folders below a stage: sources, or endpoints. */
static void read_places(struct reading *r, enum stage stage, const char *word)
{
    int parent = r->spool->stage[stage];
    DIR *d = open_folder(parent, ".");
    const struct dirent *entry;
    while (d && (entry = readdir(d))) {
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(parent, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISDIR(st.st_mode))
            continue;
        set_place(r, word, entry->d_name, count(r, parent, entry->d_name, stage == STAGE_OUTBOX));
        if (stage == STAGE_OUTBOX)
            set(r, HELD_MARKS, count_marks(parent, entry->d_name), entry->d_name, "");
    }
    if (d)
        closedir(d);
}

/* translate/ itself, and what translators have in hand. */
static void read_translate(struct reading *r)
{
    int parent = r->spool->stage[STAGE_TRANSLATE];
    DIR *d = open_folder(parent, ".");
    const struct dirent *entry;
    struct counted hand = {0};
    while (d && (entry = readdir(d))) {
        if (strncmp(entry->d_name, ".work-", 6) != 0)
            continue;
        struct counted c = count(r, parent, entry->d_name, true);
        hand.documents += c.documents;
        if (c.oldest && (!hand.oldest || c.oldest < hand.oldest))
            hand.oldest = c.oldest;
    }
    if (d)
        closedir(d);
    set_place(r, "translate", "", count(r, parent, ".", true));
    set_place(r, "in-hand", "", hand);
}

static void read_spool(struct reading *r)
{
    struct statvfs room;
    read_places(r, STAGE_INBOX, "inbox");
    read_translate(r);
    read_places(r, STAGE_OUTBOX, "outbox");
    set_place(r, "error", "", count(r, r->spool->stage[STAGE_ERROR], ".", true));
    if (fstatvfs(r->spool->root, &room) == 0)
        set(r, FREE_BYTES, (int64_t)room.f_bavail * (int64_t)room.f_frsize, "", "");
}

/* ---- roles, as .run.json tells ---- */

static void read_roles(struct reading *r)
{
    struct buffer text = {0};
    json_t *run = NULL, *role;
    size_t i;
    if (file_read(r->spool->root, ".run.json", 1 << 20, &text) == 0)
        run = json_parse(buffer_as_slice(&text), NULL);
    buffer_free(&text);
    int64_t pid = json_integer_at(run, "pid", 0);
    bool runs =
        !r->kept->stopping && pid > 0 && pid <= INT32_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
    set(r, UP, runs, "", "");
    json_array_foreach(json_object_get(run, "roles"), i, role)
    {
        int64_t own = json_integer_at(role, "pid", 0);
        const char *name = json_text_at(role, "role");
        set(r, ROLE_UP, runs && own > 0, name ? name : "", "");
    }
    json_decref(run);
}

/* ---- the state ---- */

static void set_awaited(void *context, const char *endpoint, int64_t documents, int64_t overdue)
{
    set(context, AWAITED, documents, endpoint, "");
    set(context, OVERDUE, overdue, endpoint, "");
}

static void set_budget(void *context, const char *name, const struct budget_row *b)
{
    struct reading *r = context;
    int64_t end = b->window_start + b->window_seconds;
    bool over = end <= r->now, blocked = b->blocked_until > r->now;
    int64_t left = over ? b->allowed : b->allowed - b->used;
    set(r, BUDGET_CALLS, b->allowed, name, "");
    set(r, BUDGET_LEFT, blocked || left < 0 ? 0 : left, name, "");
    set(r, BUDGET_RESET, blocked ? b->blocked_until : end, name, "");
}

static void set_token(void *context, const char *name, int64_t expires)
{
    set(context, TOKEN_EXPIRY, expires, name, "");
}

void gauges_print(struct gauges *g, const struct spool *s, struct state *state, struct buffer *out)
{
    struct reading r = {.kept = g, .spool = s, .into = tally_make(), .now = instant_now().seconds};
    if (!r.into)
        return;
    set(&r, BUILD, 1, SPOOLGATE_VERSION, "");
    read_roles(&r);
    read_spool(&r);
    if (state) {
        state_awaited_figures(state, r.now, set_awaited, &r);
        state_budget_figures(state, set_budget, &r);
        state_token_figures(state, set_token, &r);
    }
    tally_print(r.into, TALLY_GAUGES, out);
    tally_free(r.into);
}
