/* endpoint: reading the settings of an endpoint section. What they mean is their adapter's. */
#include "route/config.h"
#include <errno.h>
#include <stdlib.h>

static const struct setting *find(const struct endpoint_config *e, const char *key)
{
    for (const struct setting *s = e->settings; s; s = s->next)
        if (!strcmp(s->key, key))
            return s;
    return NULL;
}

const char *endpoint_setting(const struct endpoint_config *e, const char *key)
{
    const struct setting *s = find(e, key);
    return s ? s->value : NULL;
}

const char *endpoint_where(const struct endpoint_config *e, const char *key, struct arena *a)
{
    const struct setting *s = find(e, key);
    return s ? arena_printf(a, "%s:%d", s->file, s->line) : arena_printf(a, "%s:%d", e->file, e->line);
}

long endpoint_number(const struct endpoint_config *e, const char *key, long least, long most, long otherwise,
                     struct findings *f)
{
    const char *text = endpoint_setting(e, key);
    char *end;
    if (!text)
        return otherwise;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end != text && !*end && !errno && value >= least && value <= most)
        return value;
    finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, key, f->arena), "",
                "%s = %s: a whole number from %ld to %ld is wanted.", key, text, least, most);
    return otherwise;
}

bool endpoint_yes(const struct endpoint_config *e, const char *key, bool otherwise, struct findings *f)
{
    const char *text = endpoint_setting(e, key);
    if (!text)
        return otherwise;
    bool yes = !strcmp(text, "yes");
    if (!yes && strcmp(text, "no") != 0)
        finding_add(f, SEVERITY_ERROR, "config.value", endpoint_where(e, key, f->arena), "",
                    "%s = %s: yes or no is wanted.", key, text);
    return yes;
}

bool endpoint_key_names_secret(const char *key)
{
    static const char *const keys[] = {"client_secret", "api_key", "password", "passphrase", NULL};
    for (const char *const *i = keys; *i; i++)
        if (!strcmp(*i, key))
            return true;
    return false;
}
