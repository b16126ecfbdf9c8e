/* spoolgate: one program, many commands, the way git and postfix have them. This file is the table of them.
 */
#include "command/command.h"
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"run", "run the gateway (with --until-idle: until there is nothing left to do)", command_run},
    {"sandbox", "simulate the vendors' APIs on this machine", command_sandbox},
    {"status", "what is where, and what is stuck", command_status},
    {"metrics", "what Prometheus gets: how much waits, what was done, how long it took", command_metrics},
    {"list", "documents of a stage", command_list},
    {"show", "one document with its files", command_show},
    {"trace", "follow an order, invoice or control number through all its documents", command_trace},
    {"retry", "put a document back from error/, or send at once what waits", command_retry},
    {"translate", "translate a file offline", command_translate},
    {"check", "check files, or the archive against its checksums", command_check},
    {"map", "check maps, or explain what one does to a document", command_map},
    {"config", "check the configuration, or show what is in force", command_config},
    {"secret", "set, list and rekey secrets", command_secret},
    {"ping", "credentials, clock and network of each endpoint", command_ping},
    {"backfill", "send existing documents of the ERP", command_backfill},
    {"alert", "tell those whom [alerts] names that it works", command_alert},
    {"reindex", "rebuild the state from the spool", command_reindex},
    {"translator", "one translator in the foreground", command_role},
    {"courier", "one endpoint's courier in the foreground", command_role},
    {"poller", "one endpoint's poller in the foreground", command_role},
};

static void usage(FILE *out)
{
    fputs("usage: spoolgate COMMAND [OPTION]... [ARGUMENT]...\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'spoolgate COMMAND --help' tells more; so does spoolgate(1).\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("spoolgate " SPOOLGATE_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    const char *names[sizeof commands / sizeof *commands + 1] = {NULL};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        names[i] = commands[i].name;
    command_no_such("", "command", argv[1], names);
    fputs("'spoolgate --help' lists them.\n", stderr);
    return EXIT_USAGE;
}
