/* spoolgate run: the gateway; and translator, courier, poller: one of its roles alone in the foreground, for
 * those who look closely or let another supervisor start them. */
#include "base/log.h"
#include "command/command.h"
#include "net/secrets.h"
#include "role/role.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage_run(FILE *out)
{
    fputs("usage: spoolgate run [-c FILE] [--until-idle [--limit SECONDS] [--json]] [--quiet]\n"
          "                     [--log-format FORMAT]\n\n"
          "Starts the gateway: translators, and for each endpoint what sends and fetches. SIGTERM finishes\n"
          "what is in hand and stops; SIGHUP reads the configuration again.\n\n"
          "  -c, --config FILE   the configuration\n"
          "      --until-idle    stop when there is nothing left to do, and print what was done\n"
          "      --limit SECONDS stop after so long in any case\n"
          "      --json          print what was done as one JSON object a line\n"
          "  -q, --quiet         no progress on the terminal, and only warnings in the log\n"
          "      --log-format FORMAT  text or json, whatever the configuration says\n\n"
          "Exit status: 0 in order, 1 documents are new in error/ or something was not done, 64 usage,\n"
          "69 another gateway has the spool, 78 the configuration is not in order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* -1 when it is not a whole number from 1 on. */
static int positive(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    return end == text || *end || value < 1 || value > 1000000000 ? -1 : (int)value;
}

static bool fix_log_format(const char *command, const char *name)
{
    bool known = log_format_fix(name);
    if (!known)
        command_no_such(command, "log format", name, (const char *const[]){"text", "json", NULL});
    return known;
}

int command_run(int argc, char **argv)
{
    enum { OPTION_IDLE = 256, OPTION_LIMIT, OPTION_JSON, OPTION_LOG };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"until-idle", no_argument, NULL, OPTION_IDLE},
                                            {"limit", required_argument, NULL, OPTION_LIMIT},
                                            {"json", no_argument, NULL, OPTION_JSON},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"log-format", required_argument, NULL, OPTION_LOG},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct supervisor_options o = {0};
    const char *config_file = NULL;
    int c;
    optind = 1;
    while ((c = command_getopt(argc, argv, "c:qh", options, NULL)) != -1) {
        switch (c) {
        case 'c': config_file = optarg; break;
        case OPTION_IDLE: o.until_idle = true; break;
        case OPTION_LIMIT: o.limit_seconds = positive(optarg); break;
        case OPTION_JSON: o.json = true; break;
        case 'q': o.quiet = true; break;
        case OPTION_LOG:
            if (!fix_log_format("run", optarg))
                return usage_run(stderr);
            break;
        case 'h': return usage_run(stdout);
        default: return usage_run(stderr);
        }
    }
    if (optind != argc || o.limit_seconds < 0)
        return usage_run(stderr);
    if (o.quiet)
        log_threshold(LOG_WARNING);
    secrets_hide_environment();
    return role_supervisor(config_file ? config_file : config_default_path(), &o);
}

static int usage_role(FILE *out, const char *role)
{
    bool slot = !strcmp(role, "translator");
    fprintf(
        out,
        "usage: spoolgate %s [-c FILE] %s\n\n"
        "Runs one %s alone in the foreground, as 'spoolgate run' would start it. SIGTERM finishes what is\n"
        "in hand and stops; SIGHUP reads the configuration again.\n\n"
        "  -c, --config FILE        the configuration\n"
        "      --log-format FORMAT  text or json, whatever the configuration says\n\n"
        "Exit status: 0 stopped in order, 64 usage, 73 disk or state failed, 78 it cannot be started.\n",
        role, slot ? "[SLOT]" : "ENDPOINT", role);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static int run_role(const char *role, const char *subject, int slot, const struct config *config)
{
    struct board_entry entry = {0};
    struct role_context context = {.config = config, .board = &entry};
    if (!strcmp(role, "translator"))
        return role_translator(&context, slot);
    return !strcmp(role, "courier") ? role_courier(&context, subject) : role_poller(&context, subject);
}

int command_role(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"log-format", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *config_file = NULL, *role = argv[0];
    bool translator = !strcmp(role, "translator");
    int c, slot = 1, status;
    optind = 1;
    while ((c = command_getopt(argc, argv, "c:h", options, NULL)) != -1) {
        switch (c) {
        case 'c': config_file = optarg; break;
        case 'l':
            if (!fix_log_format(role, optarg))
                return usage_role(stderr, role);
            break;
        case 'h': return usage_role(stdout, role);
        default: return usage_role(stderr, role);
        }
    }
    if (argc - optind > 1 || (!translator && argc - optind != 1))
        return usage_role(stderr, role);
    if (translator && optind < argc && ((slot = positive(argv[optind])) < 0 || slot > 9999))
        return usage_role(stderr, role);
    struct arena a = {0};
    struct config *config = command_config_load(config_file, &a);
    if (!config)
        return EXIT_CONFIG;
    log_format_set(config->log_format);
    while ((status = run_role(role, argv[optind], slot, config)) == ROLE_RELOAD) {
        struct config *anew = command_config_load(config_file, &a);
        if (anew) {
            config_free(config);
            config = anew;
            log_format_set(config->log_format);
        } else
            log_error("the configuration is not in order: the one in force stays");
        arena_reset(&a);
    }
    config_free(config);
    arena_free(&a);
    return status;
}
