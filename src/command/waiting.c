/* waiting: see waiting.h. What the folder says (attempts, not_before, problem), the marks of its outbox, and
 * what the gateway says of itself in .run.json. */
#include "command/waiting.h"
#include "adapter/adapter.h"
#include "base/file.h"
#include "base/json.h"
#include "role/holds.h"
#include "role/order.h"
#include "spool/inbox.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct earlier { /* the first document of an order */
    uint64_t order;
    const char *name;
};

struct waiting {
    char endpoint[SPOOL_NAME_MAX + 1]; /* whose outbox is being looked through */
    struct earlier *earlier;
    size_t room, count;
    bool served, runs, marked; /* marked: there is a mark of something held */
    int64_t due;               /* when the courier looks next; 0: not known */
    const char *away;          /* why nothing arrives at it; NULL: it does */
};

/* ---- orders ---- */

static void grow(struct waiting *w)
{
    struct earlier *before = w->earlier;
    size_t room = w->room;
    w->room = room ? 2 * room : 256;
    w->earlier = calloc(w->room, sizeof *w->earlier);
    if (!w->earlier)
        abort();
    for (size_t i = 0; i < room; i++) {
        size_t at = before[i].order % w->room;
        if (!before[i].order)
            continue;
        while (w->earlier[at].order)
            at = (at + 1) % w->room;
        w->earlier[at] = before[i];
    }
    free(before);
}

/* The document that this one is behind, or NULL; from now on others are behind this one. */
static const char *behind(struct view *v, const struct document *d)
{
    struct waiting *w = v->waiting;
    uint64_t order = order_of(d);
    if (2 * w->count >= w->room)
        grow(w);
    size_t at = order % w->room;
    while (w->earlier[at].order && w->earlier[at].order != order)
        at = (at + 1) % w->room;
    if (w->earlier[at].order)
        return strcmp(w->earlier[at].name, d->name) < 0 ? w->earlier[at].name : NULL;
    w->earlier[at] = (struct earlier){order, arena_text(&v->arena, slice_of(d->name))};
    w->count++;
    return NULL;
}

/* ---- the outbox ---- */

static void look_at_courier(struct view *v, struct waiting *w)
{
    const json_t *run = view_run(v), *row;
    const char *role = arena_printf(&v->arena, "courier %s", w->endpoint);
    struct instant due;
    size_t i;
    json_array_foreach(json_object_get(run, "roles"), i, row)
    {
        const char *name = json_text_at(row, "role"), *next = json_text_at(row, "next_due");
        if (name && !strcmp(name, role) && next && instant_parse(slice_of(next), &due))
            w->due = due.seconds;
    }
    json_array_foreach(json_object_get(run, "outages"), i, row)
    {
        const char *what = json_text_at(row, "what"), *where = json_text_at(row, "where");
        if (what && where && !strcmp(what, "send") && !strcmp(where, w->endpoint))
            w->away = json_text_at(row, "said");
    }
}

static bool has_marks(struct view *v, const char *endpoint)
{
    const char *path = arena_printf(&v->arena, "outbox/%s", endpoint);
    int fd = openat(v->spool.root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    bool found = false;
    while (d && !found && (entry = readdir(d)))
        found = !strncmp(entry->d_name, HELD_FILE, sizeof HELD_FILE - 1);
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    return found;
}

static struct waiting *of_outbox(struct view *v, const char *endpoint)
{
    struct waiting *w = v->waiting;
    if (w && !strcmp(w->endpoint, endpoint))
        return w;
    waiting_free(v);
    v->waiting = w = calloc(1, sizeof *w);
    if (!w)
        abort();
    snprintf(w->endpoint, sizeof w->endpoint, "%s", endpoint);
    const struct endpoint_config *e = config_endpoint(v->config, endpoint);
    const struct adapter *a = e ? adapter_find(e->adapter) : NULL;
    w->served = a && a->deliver;
    w->runs = view_gateway(v) != 0;
    w->marked = has_marks(v, endpoint);
    if (w->runs)
        look_at_courier(v, w);
    return w;
}

void waiting_free(struct view *v)
{
    if (v->waiting)
        free(v->waiting->earlier);
    free(v->waiting);
    v->waiting = NULL;
}

/* The first line of a mark, and when it says that it is tried again. */
static bool read_mark(struct view *v, const char *endpoint, const char *mark, struct waits *w)
{
    static const char again[] = "It is tried again at ";
    struct buffer text = {0};
    const char *path = arena_printf(&v->arena, "outbox/%s/%s", endpoint, mark);
    bool there = file_read(v->spool.root, path, 65536, &text) == 0;
    if (there) {
        const char *all = text.len ? text.ptr : "", *when = strstr(all, again);
        w->problem = arena_text(&v->arena, slice_make(all, strcspn(all, "\n")));
        if (when) {
            when += sizeof again - 1;
            w->next = arena_text(&v->arena, slice_make(when, strcspn(when, ",\n")));
        }
    }
    buffer_free(&text);
    return there;
}

static bool is_held(struct view *v, const char *endpoint, const struct document *d, struct waits *w)
{
    char mark[256];
    holds_mark_name(mark, document_text(d, "partner"), document_text(d, "type"));
    return read_mark(v, endpoint, HELD_FILE, w) || read_mark(v, endpoint, mark, w);
}

static const char *in(struct view *v, const char *when)
{
    struct instant t;
    char age[AGE_TEXT];
    if (!when || !instant_parse(slice_of(when), &t))
        return "";
    int64_t seconds = t.seconds - instant_now().seconds;
    return seconds > 0 ? arena_printf(&v->arena, " (in %s)", age_print(seconds, age)) : "";
}

static void judge(struct view *v, const struct waiting *w, const struct document *d, const char *earlier,
                  struct waits *out)
{
    const char *not_before = document_text(d, "not_before");
    struct instant when, now = instant_now();
    bool later = not_before && instant_parse(slice_of(not_before), &when) && when.seconds > now.seconds;
    char text[INSTANT_TEXT];
    out->problem = document_text(d, "problem");
    if (!w->served)
        out->why = "unserved";
    else if (w->marked && is_held(v, w->endpoint, d, out))
        out->why = "held";
    else if (earlier)
        out->why = "behind";
    else if (!w->runs)
        out->why = "stopped";
    else if (later)
        out->why = "later";
    else if (w->away)
        out->why = "away";
    else
        out->why = "due";
    if (!strcmp(out->why, "away") && !out->problem)
        out->problem = w->away;
    if (later && (!strcmp(out->why, "later") || !strcmp(out->why, "stopped")))
        out->next = not_before;
    else if (!strcmp(out->why, "away") && w->due > now.seconds) {
        instant_print((struct instant){.seconds = w->due}, 0, text);
        out->next = arena_text(&v->arena, slice_of(text));
    }
}

static const char *lead(struct view *v, const struct waits *w, const char *endpoint, const char *earlier)
{
    if (!strcmp(w->why, "behind"))
        return arena_printf(&v->arena, "behind %s, an earlier one of its order", earlier);
    if (!strcmp(w->why, "away"))
        return arena_printf(&v->arena, "nothing arrives at %s", endpoint);
    return !strcmp(w->why, "unserved")
               ? "nothing is sent there: there is no such endpoint, or it is only fetched from"
           : !strcmp(w->why, "held")    ? "held"
           : !strcmp(w->why, "stopped") ? "the gateway is not running"
           : !strcmp(w->why, "later")   ? "waits"
                                        : "is next";
}

struct waits waiting_document(struct view *v, const char *endpoint, const struct document *d)
{
    struct waiting *w = of_outbox(v, endpoint);
    struct waits out = {.tries = json_integer_at(d->envelope, "attempts", 0)};
    const char *earlier = behind(v, d), *tries = "";
    judge(v, w, d, earlier, &out);
    if (out.tries)
        tries =
            arena_printf(&v->arena, ", tried %lld time%s", (long long)out.tries, out.tries == 1 ? "" : "s");
    out.said = arena_printf(&v->arena, "%s%s%s%s%s%s%s", lead(v, &out, endpoint, earlier), tries,
                            out.next ? ", next at " : "", out.next ? out.next : "", in(v, out.next),
                            out.problem ? ": " : "", out.problem ? out.problem : "");
    return out;
}

json_t *waiting_json(const struct waits *w)
{
    json_t *j = json_object(), *problem = w->problem ? json_string(w->problem) : NULL;
    json_object_set_new(j, "why", json_string(w->why));
    json_object_set_new(j, "tries", json_integer(w->tries));
    if (w->next)
        json_object_set_new(j, "next", json_string(w->next));
    if (problem)
        json_object_set_new(j, "problem", problem);
    return j;
}

/* ---- the inbox ---- */

const char *waiting_file(struct view *v, const char *name, const struct stat *st)
{
    int64_t age = instant_now().seconds - st->st_ctim.tv_sec, settle = v->config->settle_seconds;
    if (!S_ISREG(st->st_mode))
        return "not a file, will be refused";
    if (inbox_temporary(name))
        return "its name says that it is still being written; it is taken when it gets another";
    if (!view_gateway(v))
        return "the gateway is not running";
    if (age <= settle)
        return "just written";
    if (age > settle + v->config->rescan_seconds)
        return "somebody has it open for writing still, or the gateway cannot take it: see its log";
    return "";
}
