/*
 * settings.c - the vendors' own switches: what was given, else what the vendor's table says.
 */
#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>

const char *sb_setting_text(const struct sandbox *sb, const char *name)
{
    const char *given = json_string_value(json_object_get(sb->settings, name));

    for (size_t i = 0; !given && sandbox_vendors[i]; i++) {
        const struct sandbox_switch *setting = sandbox_vendors[i]->settings;

        for (; setting && setting->name; setting++) {
            if (strcmp(setting->name, name) == 0)
                return setting->fallback;
        }
    }
    return given;
}

long sb_setting_number(const struct sandbox *sb, const char *name)
{
    const char *text = sb_setting_text(sb, name);

    return text ? strtol(text, NULL, 10) : 0;
}

bool sb_setting_on(const struct sandbox *sb, const char *name)
{
    return json_object_get(sb->settings, name) != NULL;
}
