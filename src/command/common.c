/* What several commands do alike: load the configuration, print findings. */
#include "command/command.h"
#include <stdio.h>

void command_print_findings(const struct findings *f)
{
    struct buffer text = {0};
    findings_print(f, &text);
    fwrite(text.ptr ? text.ptr : "", 1, text.len, stderr);
    buffer_free(&text);
}

struct config *command_config_load(const char *file, struct arena *a)
{
    struct findings found = {.arena = a};
    const char *path = file ? file : config_default_path();
    struct config *c = config_load(path, &found);
    if (!c || found.errors) {
        command_print_findings(&found);
        config_free(c);
        return NULL;
    }
    return c;
}
