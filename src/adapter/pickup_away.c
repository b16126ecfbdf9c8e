/* pickup_away: how a file that is durable here leaves the other side. Between reading it and removing it the
 * partner may have put another one under its name; a removal by name would remove that one unread. So:
 *
 *   NAME -> NAME.<beginning of the SHA-256 that was taken>.spoolgate    put aside, never over anything
 *   the file there is read again: are these the bytes that were taken?
 *   yes: it is removed, or moved to where after_pickup says
 *   no: it gets its name back, and is looked at as any other; when that name is taken again it stays, and is
 *       taken from there
 *
 * Killed in between, the next look finds the file that was put aside, and its name tells what was taken.
 *
 * A server that lets nobody rename there: the file is left, and not fetched again. after_pickup =
 * remove-in-place compares the bytes where they are and then removes: for partners who never use a name
 * twice. */
#include "adapter/pickup_away.h"
#include "base/log.h"
#include <stdio.h>

#define ASIDE ".spoolgate"
#define ASIDE_HASH 16

const char *pickup_origin(const char *name, struct arena *a, const char **aside)
{
    struct slice s = slice_of(name);
    size_t tail = 1 + ASIDE_HASH + strlen(ASIDE);
    *aside = NULL;
    if (s.len <= tail || !slice_ends(s, SLICE(ASIDE)))
        return name;
    const char *mark = name + s.len - tail;
    if (*mark != '.' || strspn(mark + 1, "0123456789abcdef") < ASIDE_HASH)
        return name;
    *aside = arena_text(a, slice_make(mark + 1, ASIDE_HASH));
    return arena_text(a, slice_make(name, (size_t)(mark - name)));
}

static const char *path_of(struct looking *l, const char *name)
{
    return path_below(&l->arena, l->p->directory, name);
}

/* Are these the bytes that were taken? SFTP_OK: they are; SFTP_EXISTS: others are there now. */
static enum sftp_result compare(struct looking *l, const char *path, const struct taken *t,
                                struct findings *f)
{
    struct buffer content = {0};
    char hash[HASH_TEXT];
    enum sftp_result r = l->side->read(l->side->context, path, (size_t)t->file->size, &content, f);
    if (r == SFTP_OK) {
        hash_sha256(buffer_as_slice(&content), hash);
        r = strcmp(hash, t->hash) == 0 ? SFTP_OK : SFTP_EXISTS;
    }
    buffer_free(&content);
    return r == SFTP_TOO_LARGE ? SFTP_EXISTS : r;
}

/* To its end: nothing but what was taken stands under that path. */
static enum sftp_result finish(struct looking *l, const char *path, const struct taken *t, struct findings *f)
{
    const struct pickup_side *s = l->side;
    const char *to = l->p->move_to, *name = t->file->origin;
    if (!to)
        return s->remove(s->context, path, f);
    enum sftp_result r = s->rename(s->context, path, path_below(&l->arena, to, name), f);
    if (r == SFTP_EXISTS) /* an older one of that name: the content tells them apart */
        r = s->rename(s->context, path,
                      path_below(&l->arena, to, arena_printf(&l->arena, "%s-%.12s", name, t->hash)), f);
    if (r == SFTP_EXISTS) /* the same content was moved there before */
        r = s->remove(s->context, path, f);
    return r;
}

/* What it is now has to look unchanged for a while before it is taken. */
static void begins_anew(struct taken *t)
{
    t->file->modified = INT64_MIN; /* as no look sees it */
}

static void left(struct looking *l, const struct taken *t, const struct findings *why, bool renaming)
{
    t->file->settled = true;
    finding_add(
        l->f, SEVERITY_WARNING, "pickup.left", t->file->name,
        renaming ? "Have the partner allow renaming in that directory. Where that cannot be, and no name "
                   "is ever used twice: after_pickup = remove-in-place."
                 : "Ask the partner for the right to do that.",
        "The file was fetched, but could not be %s there: %s It is not fetched again as long as it stays "
        "as it is.",
        renaming        ? "put aside"
        : l->p->move_to ? "moved away"
                        : "removed",
        why->first ? why->first->what : "no reason was given.");
}

static void give_name_back(struct looking *l, struct taken *t, const char *aside, bool changed)
{
    const struct pickup_side *s = l->side;
    struct findings quiet = {.arena = &l->arena};
    enum sftp_result r = s->rename(s->context, aside, path_of(l, t->file->origin), &quiet);
    l->lost |= r == SFTP_LOST;
    if (changed) {
        begins_anew(t);
        log_info("%s: %s was replaced while it was being fetched; what is there now is fetched as well",
                 l->e->config->name, t->file->origin);
    }
}

static void from_aside(struct looking *l, struct taken *t, const char *aside)
{
    struct findings why = {.arena = &l->arena};
    enum sftp_result r = compare(l, aside, t, &why);
    if (r == SFTP_EXISTS) {
        give_name_back(l, t, aside, true);
        return;
    }
    if (r == SFTP_OK)
        r = finish(l, aside, t, &why);
    l->lost |= r == SFTP_LOST;
    if (r == SFTP_OK || r == SFTP_NOT_FOUND) {
        begins_anew(t);
    } else if (!l->lost) {
        give_name_back(l, t, aside, false);
        left(l, t, &why, false);
    }
}

static void in_place(struct looking *l, struct taken *t)
{
    struct findings why = {.arena = &l->arena};
    const char *path = path_of(l, t->file->name);
    enum sftp_result r = compare(l, path, t, &why);
    if (r == SFTP_OK)
        r = finish(l, path, t, &why);
    l->lost |= r == SFTP_LOST;
    if (r == SFTP_OK || r == SFTP_NOT_FOUND || r == SFTP_EXISTS)
        begins_anew(t);
    else if (!l->lost)
        left(l, t, &why, false);
}

void pickup_away(struct looking *l, struct taken *t)
{
    const struct pickup_side *s = l->side;
    const char *from = path_of(l, t->file->name);
    if (t->file->aside) {
        from_aside(l, t, from);
        return;
    }
    if (l->p->in_place) {
        in_place(l, t);
        return;
    }
    struct findings why = {.arena = &l->arena};
    const char *aside =
        path_of(l, arena_printf(&l->arena, "%s.%.*s" ASIDE, t->file->name, ASIDE_HASH, t->hash));
    enum sftp_result r = s->rename(s->context, from, aside, &why);
    if (r == SFTP_OK)
        from_aside(l, t, aside);
    else if (r == SFTP_NOT_FOUND)
        begins_anew(t);
    else if (r == SFTP_LOST)
        l->lost = true;
    else
        left(l, t, &why, true);
}
