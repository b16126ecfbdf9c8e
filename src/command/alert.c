/* spoolgate alert test: sends an alert the way the gateway does, and says what came of it. */
#include "base/date.h"
#include "base/json.h"
#include "command/view.h"
#include "role/messenger.h"

static int usage(FILE *out)
{
    fputs("usage: spoolgate alert [-c FILE] [--json] test\n\n"
          "Sends a test by the command and the webhook of [alerts], as the gateway sends its alerts, and "
          "says what came\n"
          "of each. Run it as the gateway's user.\n\n"
          "  -c, --config FILE  this configuration\n"
          "      --json         one JSON object, for scripts\n\n"
          "Exit status: 0 it got through, 1 it did not, 64 usage, 78 the configuration is not in order, or "
          "has no\n"
          "[alerts].\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static void print(const struct messenger_report *r, bool as_json)
{
    const struct {
        const char *name, *said;
    } ways[] = {{"command", r->command}, {"webhook", r->webhook}};
    json_t *j = json_object();
    for (size_t i = 0; i < 2; i++) {
        json_t *said = *ways[i].said ? json_string(ways[i].said) : NULL;
        if (said)
            json_object_set_new(j, ways[i].name, said);
        if (!*ways[i].said || as_json)
            continue;
        printf("%s: ", ways[i].name);
        view_text(stdout, ways[i].said, 0);
        putchar('\n');
    }
    if (as_json)
        view_print_json(j);
    json_decref(j);
}

int command_alert(int argc, char **argv)
{
    struct arena a = {0};
    const char *file = NULL;
    bool as_json = false;
    int status;
    if (!command_options(argc, argv, usage, &file, &as_json, &status))
        return status;
    if (argc - optind != 1 || strcmp(argv[optind], "test") != 0)
        return usage(stderr);
    struct config *c = command_config_load(file, &a);
    status = EXIT_CONFIG;
    if (c && (c->alerts.command || c->alerts.webhook)) {
        struct alert test = {.event = ALERT_TEST,
                             .what = "test",
                             .about = "this is a test: alerts get through",
                             .since = instant_now().seconds,
                             .at = instant_now().seconds};
        struct messenger_report r;
        status = messenger_carry(c, &test, &r) < 0 ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
        print(&r, as_json);
    } else if (c) {
        fprintf(stderr, "spoolgate alert: %s has no [alerts] that says whom to tell\n", c->file);
    }
    config_free(c);
    arena_free(&a);
    return status;
}
