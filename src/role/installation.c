/* installation: see installation.h. */
#include "role/installation.h"
#include "edi/dictionary.h"
#include "syntax/x12json_names.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAUSE 50 /* ms between tries to find it still */
#define TRIES 200

static void look_at_settings(struct fingerprint *p, const char *file)
{
    char path[PATH_MAX], absolute[PATH_MAX];
    fingerprint_add(p, file);
    if (!realpath(file, absolute))
        return;
    const char *slash = strrchr(absolute, '/');
    int n = snprintf(path, sizeof path, "%.*s/partners.d", (int)(slash - absolute), absolute);
    if (n > 0 && (size_t)n < sizeof path)
        fingerprint_add(p, path);
}

static void look_at_maps(struct fingerprint *p, const struct config *c)
{
    for (const char *const *d = c->map_directories; *d; d++)
        fingerprint_add(p, *d);
}

struct fingerprint installation_look(const char *config_file, const struct config *c)
{
    struct fingerprint p = {0};
    look_at_settings(&p, config_file);
    if (c)
        look_at_maps(&p, c);
    return p;
}

static void pause_a_moment(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE * 1000000L}, NULL);
}

/* Everything that the configuration names, into the library, where the roles find it. */
static void load_all(const struct config *c, struct map_library *maps, struct findings *f)
{
    struct dictionary_library *dictionaries = map_library_dictionaries(maps);
    for (const struct route *r = c->routes; r; r = r->next)
        if (r->map)
            map_load(maps, r->map, f);
    for (const struct partner *p = c->partners; p; p = p->next)
        for (const struct sending *s = p->sendings; s; s = s->next) {
            const struct map *m = s->map ? map_load(maps, s->map, f) : NULL;
            bool json = s->form && !strcmp(s->form, "x12json");
            if (m && p->version && (json || map_syntax(m) == &syntax_x12))
                dictionary_load(dictionaries, p->version, f);
            if (json)
                x12json_names(dictionaries, f);
        }
}

struct map_library *installation_maps(const struct config *c, struct fingerprint *seen, struct findings *f)
{
    for (int tries = 0; tries < TRIES; tries++) {
        struct fingerprint before = {0}, after = {0};
        struct findings found = {.arena = f->arena};
        struct map_library *maps = map_library_open(c->map_directories);
        look_at_maps(&before, c);
        load_all(c, maps, &found);
        look_at_maps(&after, c);
        if (!found.machine && fingerprint_equal(&before, &after)) {
            map_library_settle(maps, INSTALLATION_SETTLES); /* what is asked for later */
            if (seen)
                fingerprint_join(seen, &before);
            return maps;
        }
        map_library_close(maps);
        if (found.machine) {
            findings_append(f, &found);
            return NULL;
        }
        pause_a_moment();
    }
    finding_machine(f, EBUSY, c->translators_directory);
    return NULL;
}

int installation_load(struct installation *i, const char *config_file, struct findings *f)
{
    for (int tries = 0; tries < TRIES; tries++) {
        struct fingerprint before = {0}, after = {0};
        struct findings found = {.arena = f->arena, .limit = f->limit};
        look_at_settings(&before, config_file);
        i->config = config_load(config_file, &found);
        i->seen = before;
        i->maps = i->config ? installation_maps(i->config, &i->seen, &found) : NULL;
        if (i->maps)
            config_check(i->config, i->maps, &found);
        look_at_settings(&after, config_file);
        bool still = fingerprint_equal(&before, &after);
        if (still || found.machine)
            findings_append(f, &found);
        if (still && !found.errors && !found.machine && i->maps)
            return 0;
        installation_free(i);
        if (still || found.machine)
            return -1;
        pause_a_moment();
    }
    finding_machine(f, EBUSY, config_file);
    return -1;
}

void installation_free(struct installation *i)
{
    if (i->maps)
        map_library_close(i->maps);
    config_free(i->config);
    *i = (struct installation){0};
}
