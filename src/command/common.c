/* What several commands do alike: read their options, load the configuration, print findings. */
#include "command/command.h"

bool command_options(int argc, char **argv, int (*usage)(FILE *out), const char **file, bool *as_json,
                     int *status)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = command_getopt(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': *file = optarg; break;
        case 'j': *as_json = true; break;
        default: *status = usage(option == 'h' ? stdout : stderr); return false;
        }
    }
    return true;
}

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
