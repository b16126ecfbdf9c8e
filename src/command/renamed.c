/* renamed: see renamed.h. The envelope keeps the id that the folder had, as "id" until the gateway has taken
 * it under its new name, and as "former_id" from then on. */
#include "command/renamed.h"
#include "base/file.h"
#include "base/json.h"
#include "state/mark.h"
#include <unistd.h>

#define LOOKED_INTO 20000 /* folders at most; an operator waits for the answer */

struct seeking {
    struct view *view;
    const char *name, *id;
    unsigned destination; /* 0: not said */
    long looked;
};

static const char *envelope_name(struct arena *a, const char *id, int64_t destination)
{
    return destination > 0 ? arena_printf(a, "%s.%lld", id, (long long)destination) : id;
}

static json_t *read_envelope(struct view *v, const char *folder)
{
    struct buffer text = {0};
    json_t *envelope = NULL;
    if (file_read(v->spool.root, arena_printf(&v->arena, "%s/document.json", folder), 1 << 20, &text) == 0)
        envelope = json_parse(buffer_as_slice(&text), NULL);
    buffer_free(&text);
    return envelope;
}

/* The folder, which has another name, was that document's. */
static bool was_it(struct seeking *s, const char *folder, const char *its_name)
{
    char its_id[DOCUMENT_NAME_TEXT];
    unsigned its_destination = 0;
    bool plain = document_name_parse(its_name, its_id, &its_destination);
    json_t *envelope = read_envelope(s->view, folder);
    const char *id = json_text_at(envelope, "id"), *former = json_text_at(envelope, "former_id");
    int64_t destination = json_integer_at(envelope, "destination", 0);
    bool same_part = !s->destination || !destination || destination == s->destination;
    bool is;
    if (plain && !strcmp(its_id, s->id)) /* only its number was changed, or it is another part */
        is = id && !strcmp(id, s->id) && s->destination && destination == s->destination &&
             its_destination != s->destination;
    else
        is = same_part && ((id && !strcmp(id, s->id)) || (former && !strcmp(former, s->id)));
    json_decref(envelope);
    return is;
}

static const char *seek(struct seeking *s, const char *place)
{
    const char **names;
    long n = view_names(s->view, place, &names);
    for (long i = 0; i < n && s->looked < LOOKED_INTO; i++) {
        const char *folder = arena_printf(&s->view->arena, "%s/%s", place, names[i]);
        s->looked++;
        if (strcmp(names[i], s->name) != 0 && was_it(s, folder, names[i]))
            return folder;
    }
    return NULL;
}

const char *renamed_find(struct view *v, const char *name)
{
    char id[DOCUMENT_NAME_TEXT], day[11];
    struct seeking s = {.view = v, .name = name, .id = id};
    const char **outboxes, *found;
    if (!document_name_parse(name, id, &s.destination))
        return NULL;
    if ((found = seek(&s, "error")) || (found = seek(&s, "translate")))
        return found;
    long n = view_names(v, "outbox", &outboxes);
    for (long i = 0; i < n && !found; i++)
        found = seek(&s, arena_printf(&v->arena, "outbox/%s", outboxes[i]));
    if (!found && document_archive_day(name, day))
        found = seek(&s, arena_printf(&v->arena, "archive/%s", day));
    return found;
}

const char *renamed_from(struct view *v, const struct document *d)
{
    const char *former = document_text(d, "former_id");
    int64_t destination = json_integer_at(d->envelope, "destination", 0);
    if (former && strcmp(former, d->id) != 0)
        return envelope_name(&v->arena, former, destination);
    return destination > 0 && d->destination && destination != d->destination
               ? envelope_name(&v->arena, d->id, destination)
               : NULL;
}

void renamed_tell(struct view *v, FILE *out, const char *name, const char *path)
{
    const char *slash = strrchr(path, '/');
    fprintf(out, "%s was given another name: its folder is now %s/", name, v->spool.path);
    view_text(out, path, 0);
    fprintf(
        out,
        ".\nWhat the state knows of it (business key, control number, what is awaited) goes by the name %s "
        "and is lost to it under another. Give it back:\n  mv '%s/",
        name, v->spool.path);
    view_text(out, path, 0);
    fprintf(out, "' '%s/%.*s/%s'\n", v->spool.path, (int)(slash - path), path, name);
}

bool renamed_state_is_lost(struct view *v, const char *command)
{
    struct findings f = {.arena = &v->arena};
    const char **names;
    if (access(v->config->state, F_OK) == 0 && access(v->config->state, R_OK | W_OK) < 0)
        return false; /* another user's: nothing can be said of it */
    int known = view_state(v);
    if (known == 1 && view_names(v, "archive", &names) > 0) {
        fprintf(stderr,
                "spoolgate %s: the state %s is not there, though documents were handled: what it knew of "
                "numbers, "
                "keys and acknowledgments is lost until spoolgate reindex makes it anew\n",
                command, v->config->state);
        return true;
    }
    if (known != 0 || state_belongs(v->state, &v->spool, &f) == 0)
        return known < 0;
    fprintf(stderr, "spoolgate %s: %s %s\n", command, f.first->what, f.first->todo);
    return true;
}
