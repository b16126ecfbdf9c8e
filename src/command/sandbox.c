/*
 * sandbox.c - spoolgate sandbox: the vendors' APIs, simulated on loopback; see spoolgate-sandbox(1).
 */
#include "sandbox/sandbox.h"
#include "sandbox/certificate.h"
#include "sandbox/document.h"
#include "sandbox/fault.h"
#include "sandbox/journal.h"
#include "sandbox/traffic.h"
#include "command/command.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_OPTIONS 64
#define DEFAULT_PORT 18440

enum {
    OPT_PORT = 1,
    OPT_DIRECTORY,
    OPT_SAMPLES,
    OPT_FAULT,
    OPT_RECORD,
    OPT_RATE,
    OPT_ORDERS,
    OPT_INVOICES,
    OPT_READY,
    OPT_SEED,
    OPT_FRESH,
    OPT_FOREGROUND,
    OPT_QUIET,
    OPT_HELP,
    OPT_SETTING = 100
};

static const struct option fixed_options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"directory", required_argument, NULL, OPT_DIRECTORY},
    {"samples", required_argument, NULL, OPT_SAMPLES},
    {"fault", required_argument, NULL, OPT_FAULT},
    {"record", required_argument, NULL, OPT_RECORD},
    {"rate", required_argument, NULL, OPT_RATE},
    {"orders", required_argument, NULL, OPT_ORDERS},
    {"seed-invoices", required_argument, NULL, OPT_INVOICES},
    {"ready-file", required_argument, NULL, OPT_READY},
    {"seed", required_argument, NULL, OPT_SEED},
    {"fresh", no_argument, NULL, OPT_FRESH},
    {"foreground", no_argument, NULL, OPT_FOREGROUND},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"help", no_argument, NULL, OPT_HELP},
};

struct arguments {
    long port;
    const char *directory, *samples, *ready_file;
    bool fresh;
};

static void usage(FILE *out)
{
    fprintf(out,
            "usage: spoolgate sandbox [option ...]\n"
            "Serves Visma Connect, Visma.net and Orderful, simulated, on loopback until SIGTERM.\n\n"
            "  --port BASE           first port, 0: free ones (default %d)\n"
            "  --directory DIR       certificates and what the sandbox remembers (default sandbox-state)\n"
            "  --samples DIR         sample data (default samples/sandbox)\n"
            "  --ready-file FILE     written when all ports listen: urls, ca, pid, credentials\n"
            "  --fault SPEC          vendor[/pattern]:kind[@probability][xcount][+skip]; repeatable\n"
            "  --rate SPEC           vendor=COUNT[/SECONDS]: its call budget; repeatable\n"
            "  --record DIR          one JSON file an exchange\n"
            "  --orders N            that many generated purchase orders more, from 600001\n"
            "  --seed-invoices N     that many generated customer invoices more, from 700001\n"
            "  --seed N              what faults and generated ids are derived from (default 1)\n"
            "  --fresh               forget what was remembered\n"
            "  --quiet               no line a request\n"
            "  --foreground          stay in the foreground, which it always does\n",
            DEFAULT_PORT);
    for (size_t i = 0; sandbox_vendors[i]; i++) {
        const struct sandbox_switch *setting = sandbox_vendors[i]->settings;

        for (; setting && setting->name; setting++) {
            char name[64];

            snprintf(name, sizeof(name), "--%s%s%s", setting->name, setting->argument ? " " : "",
                     setting->argument ? setting->argument : "");
            fprintf(out, "  %-30s %s%s%s%s\n", name, setting->help, setting->fallback ? " (default " : "",
                    setting->fallback ? setting->fallback : "", setting->fallback ? ")" : "");
        }
    }
    fprintf(out, "\nvendors: ");
    for (size_t i = 0; sandbox_vendors[i]; i++)
        fprintf(out, "%s%s at BASE+%d", i ? ", " : "", sandbox_vendors[i]->name,
                sandbox_vendors[i]->port_offset);
    fprintf(out, "; control at BASE+9\n");
}

static bool number(const char *text, long least, long most, const char *name, long *out)
{
    char *end;

    errno = 0;
    *out = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *out >= least && *out <= most)
        return true;
    fprintf(stderr, "spoolgate sandbox: --%s: \"%s\" is no number from %ld to %ld\n", name, text, least,
            most);
    return false;
}

static bool known_vendor(const char *name, size_t length)
{
    for (size_t i = 0; sandbox_vendors[i]; i++) {
        if (strlen(sandbox_vendors[i]->name) == length && memcmp(sandbox_vendors[i]->name, name, length) == 0)
            return true;
    }
    return false;
}

/* vendor=COUNT[/SECONDS] */
static bool add_rate(struct sandbox *sb, const char *spec)
{
    const char *equals = strchr(spec, '=');
    char name[32];
    long count, seconds = 0;
    int used = 0;

    if (equals && known_vendor(spec, (size_t)(equals - spec)) &&
        (sscanf(equals + 1, "%ld%n/%ld%n", &count, &used, &seconds, &used) >= 1) &&
        equals[1 + used] == '\0' && count > 0 && seconds >= 0) {
        json_t *rate = json_pack("{s:I}", "count", (json_int_t)count);

        if (seconds)
            json_object_set_new(rate, "seconds", json_integer(seconds));
        snprintf(name, sizeof(name), "%.*s", (int)(equals - spec), spec);
        json_object_set_new(sb->rates, name, rate);
        return true;
    }
    fprintf(
        stderr,
        "spoolgate sandbox: --rate \"%s\": expected vendor=COUNT[/SECONDS], for instance visma=100/3600\n",
        spec);
    return false;
}

/* The fixed options and each vendor's own, as one table for getopt_long; ends with zeros. */
static void collect_options(struct option options[MOST_OPTIONS])
{
    size_t count = sizeof(fixed_options) / sizeof(fixed_options[0]);

    memset(options, 0, MOST_OPTIONS * sizeof(options[0]));
    memcpy(options, fixed_options, sizeof(fixed_options));
    for (size_t i = 0; sandbox_vendors[i]; i++) {
        const struct sandbox_switch *setting = sandbox_vendors[i]->settings;

        for (; setting && setting->name && count < MOST_OPTIONS - 1; setting++, count++)
            options[count] = (struct option){
                setting->name, setting->argument ? required_argument : no_argument, NULL, OPT_SETTING};
    }
}

/* A vendor's own switch; one that wants N takes a number. */
static bool take_setting(struct sandbox *sb, const char *name, const char *value)
{
    long checked;

    for (size_t i = 0; value && sandbox_vendors[i]; i++) {
        const struct sandbox_switch *setting = sandbox_vendors[i]->settings;

        for (; setting && setting->name; setting++) {
            if (strcmp(setting->name, name) == 0 && setting->argument &&
                strcmp(setting->argument, "N") == 0 && !number(value, 0, 100000000, name, &checked))
                return false;
        }
    }
    json_object_set_new(sb->settings, name, json_string(value ? value : "on"));
    return true;
}

/* 0: go on; else exit with that code, minus one. */
static int take_option(struct sandbox *sb, struct arguments *args, int option, const char *name)
{
    long value = 0;
    bool good = true;

    switch (option) {
    case OPT_PORT: good = number(optarg, 0, 65500, name, &args->port); break;
    case OPT_DIRECTORY: args->directory = optarg; break;
    case OPT_SAMPLES: args->samples = optarg; break;
    case OPT_RECORD: sb->record = optarg; break;
    case OPT_READY: args->ready_file = optarg; break;
    case OPT_FRESH: args->fresh = true; break;
    case OPT_FOREGROUND: break;
    case OPT_QUIET: sb->quiet = true; break;
    case OPT_RATE: good = add_rate(sb, optarg); break;
    case OPT_ORDERS:
        good = number(optarg, 0, 99999, name, &value);
        sb->generated_orders = (unsigned long)value;
        break;
    case OPT_INVOICES:
        good = number(optarg, 0, 99999, name, &value);
        sb->generated_invoices = (unsigned long)value;
        break;
    case OPT_SEED:
        good = number(optarg, 0, 2147483647, name, &value);
        sb->seed = (uint64_t)value;
        break;
    case OPT_FAULT: json_array_append_new(json_object_get(sb->settings, "fault"), json_string(optarg)); break;
    case OPT_SETTING: good = take_setting(sb, name, optarg); break;
    case OPT_HELP: usage(stdout); return 1;
    default:
        fprintf(stderr, "spoolgate sandbox --help lists the options\n");
        good = false;
        break;
    }
    return good ? 0 : 1 + EXIT_USAGE;
}

static int read_arguments(struct sandbox *sb, struct arguments *args, int argc, char **argv)
{
    struct option options[MOST_OPTIONS];
    int option, index = 0, stop;
    char why[512];
    size_t i;
    json_t *spec;

    collect_options(options);
    json_object_set_new(sb->settings, "fault", json_array());
    optind = 1;
    while ((option = command_getopt(argc, argv, "", options, &index)) != -1) {
        stop = take_option(sb, args, option, options[index].name);
        if (stop)
            return stop;
        index = 0;
    }
    if (optind < argc) {
        fprintf(stderr, "spoolgate sandbox: \"%s\": no argument expected; --help lists the options\n",
                argv[optind]);
        return 1 + EXIT_USAGE;
    }
    sb->faults = sb_faults_new(sb->seed);
    json_array_foreach(json_object_get(sb->settings, "fault"), i, spec)
    {
        if (sb_faults_add(sb->faults, json_string_value(spec), why, sizeof(why)) != 0) {
            fprintf(stderr, "spoolgate sandbox: %s\n", why);
            return 1 + EXIT_USAGE;
        }
    }
    return 0;
}

static bool exists(const char *folder, const char *name)
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return access(path, R_OK) == 0;
}

/* The folder with one folder a vendor: what was given, or below it, or the usual places. */
static const char *find_samples(const char *given, char *out, size_t size)
{
    const char *candidates[] = {given, "samples",
#ifdef SPOOLGATE_DATADIR
                                SPOOLGATE_DATADIR "/samples",
#endif
                                NULL};

    for (size_t i = given ? 0 : 1; candidates[i]; i++) {
        snprintf(out, size, "%s", candidates[i]);
        if (exists(out, "visma/company.json"))
            return out;
        snprintf(out, size, "%s/sandbox", candidates[i]);
        if (exists(out, "visma/company.json"))
            return out;
        if (given)
            break;
    }
    return NULL;
}

/* The lock file's descriptor, or -1 after saying why. */
static int lock_directory(const char *directory)
{
    char path[4096];
    int fd;

    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "spoolgate sandbox: cannot make %s: %s; give another --directory\n", directory,
                strerror(errno));
        return -1;
    }
    snprintf(path, sizeof(path), "%s/lock", directory);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        fprintf(stderr, "spoolgate sandbox: %s: %s; give another --directory\n", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "spoolgate sandbox: another sandbox uses %s; stop it, or give another --directory\n",
                directory);
        close(fd);
        return -1;
    }
    return fd;
}

static bool open_all(struct sandbox *sb, bool fresh, size_t *opened)
{
    char path[4096], why[1024];

    if (sb->record && mkdir(sb->record, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "spoolgate sandbox: cannot make %s: %s; give another --record\n", sb->record,
                strerror(errno));
        return false;
    }
    if (sb_certificate_ready(sb->directory, why, sizeof(why)) != 0) {
        fprintf(stderr, "spoolgate sandbox: %s\n", why);
        return false;
    }
    snprintf(path, sizeof(path), "%s/journal", sb->directory);
    if (fresh)
        unlink(path);
    sb->journal = sb_journal_open(path, why, sizeof(why));
    if (!sb->journal) {
        fprintf(stderr, "spoolgate sandbox: %s\n", why);
        return false;
    }
    sb->clock_offset = json_integer_value(sb_journal_get(sb->journal, "clock", "offset"));
    for (size_t i = 0; sandbox_vendors[i]; i++) {
        ++*opened;
        if (sandbox_vendors[i]->open && sandbox_vendors[i]->open(sb, why, sizeof(why)) != 0) {
            fprintf(stderr, "spoolgate sandbox: %s\n", why);
            return false;
        }
    }
    return true;
}

static int run(struct sandbox *sb, const struct arguments *args)
{
    char samples[4096], directory[4096];
    size_t opened = 0;
    int lock, code = EXIT_SOFTWARE;

    sb->samples = find_samples(args->samples, samples, sizeof(samples));
    if (!sb->samples) {
        fprintf(
            stderr,
            "spoolgate sandbox: no sample data in %s (visma/company.json is looked for); give --samples\n",
            args->samples ? args->samples : "samples/sandbox");
        return EXIT_SOFTWARE;
    }
    lock = lock_directory(args->directory);
    if (lock < 0)
        return EXIT_SOFTWARE;
    if (!realpath(args->directory, directory))
        snprintf(directory, sizeof(directory), "%s", args->directory);
    sb->directory = directory;
    sb->traffic = sb_traffic_new();
    if (sb->traffic && open_all(sb, args->fresh, &opened))
        code = sandbox_serve(sb, (int)args->port, args->ready_file);
    while (opened-- > 0) {
        if (sandbox_vendors[opened]->close)
            sandbox_vendors[opened]->close(sb);
    }
    sb_journal_close(sb->journal);
    sb_traffic_free(sb->traffic);
    close(lock);
    return code;
}

int command_sandbox(int argc, char **argv)
{
    struct sandbox sb = {.seed = 1};
    struct arguments args = {.port = DEFAULT_PORT, .directory = "sandbox-state"};
    int code;

    pthread_mutex_init(&sb.lock, NULL);
    sb.settings = json_object();
    sb.rates = json_object();
    sb.urls = json_object();
    code = read_arguments(&sb, &args, argc, argv);
    code = code ? code - 1 : run(&sb, &args);
    sb_faults_free(sb.faults);
    json_decref(sb.settings);
    json_decref(sb.rates);
    json_decref(sb.urls);
    pthread_mutex_destroy(&sb.lock);
    return code;
}
