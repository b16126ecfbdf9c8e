/* spoolgate reindex: the state made anew from the spool. */
#include "state/reindex.h"
#include "command/view.h"
#include "role/dispatch.h"
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static struct reindexing result; /* the progress line looks at it */

static int usage(FILE *out)
{
    fputs(
        "usage: spoolgate reindex [-c FILE] [--force] [--json]\n\n"
        "Makes the state anew from the folders of the spool: business keys, control numbers, links, what is\n"
        "awaited. Cursors of polls, tokens and budgets stay as they are. The gateway has to be stopped. Cut "
        "short, it\n"
        "leaves the state as it was. It is refused when the state is lost or old and folders of the archive "
        "are\n"
        "missing: what was delivered with them would be taken for new.\n\n"
        "  -c, --config FILE  this configuration\n"
        "      --force        go on without them; control numbers go on behind those that may have been "
        "given\n"
        "      --json         for scripts\n\n"
        "Exit status: 0 done, 1 done, and some documents could not be read or are missing, 64 usage, 66 no "
        "spool, or\n"
        "part of what it held is missing, 69 the gateway is running, 73 the state cannot be written, 78 the\n"
        "configuration is not in order.\n",
        out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* In a signal handler: digits are put together by hand. */
static void show_progress(int signal_number)
{
    char line[64] = "\rdocuments read: ", turned[24];
    size_t len = strlen(line), n = 0;
    (void)signal_number;
    for (unsigned long left = *(volatile unsigned long *)&result.documents; left || n == 0; left /= 10)
        turned[n++] = (char)('0' + left % 10);
    while (n)
        line[len++] = turned[--n];
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
}

static void progress(bool on)
{
    if (!isatty(STDERR_FILENO))
        return;
    struct sigaction action = {.sa_handler = on ? show_progress : SIG_IGN, .sa_flags = SA_RESTART};
    struct itimerval timer = {{0, on ? 250000 : 0}, {0, on ? 250000 : 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    if (!on)
        fputs("\r\033[K", stderr);
}

/* An ERP that is asked from the start again lists what was delivered long ago. */
static void tell_of_polls(struct view *v)
{
    for (const struct endpoint_config *e = v->config->endpoints; e; e = e->next) {
        const char *start = endpoint_setting(e, "start");
        if (start && state_cursor_any(v->state, e->name) == 0)
            fprintf(
                stderr,
                "warning: The endpoint %s has no cursor left and is read from its start, %s: what it lists "
                "since then, and was delivered with the missing folders, would be sent again.\n",
                e->name, start);
    }
}

static int refused(struct view *v, const struct findings *f)
{
    if (f->first && !strcmp(f->first->code, "reindex.running"))
        return EXIT_UNAVAILABLE;
    if (!result.unknown_days && !result.missing_numbers)
        return EXIT_CANT_WRITE;
    tell_of_polls(v);
    return EXIT_NO_INPUT;
}

static void tell(struct view *v, bool as_json)
{
    if (result.force && (result.unknown_days || result.missing_numbers))
        tell_of_polls(v);
    if (as_json) {
        printf("{\"documents\":%lu,\"unreadable\":%lu,\"missing_days\":%lu,\"unknown_days\":%lu}\n",
               result.documents, result.unreadable, result.missing_days, result.unknown_days);
        return;
    }
    printf("%lu document%s read; the state says what they say\n", result.documents,
           result.documents == 1 ? "" : "s");
    if (result.missing_days > result.unknown_days)
        printf("of %lu day%s that the archive held before, documents are not in the spool; what was "
               "delivered on "
               "them is still known to the state\n",
               result.missing_days - result.unknown_days,
               result.missing_days - result.unknown_days == 1 ? "" : "s");
}

static int precedence(const void *config, const char *source, const char *other)
{
    return config_precedence(config, source, other);
}

static int run(struct view *v, bool as_json)
{
    struct findings f = {.arena = &v->arena};
    if (!(v->state = state_open(v->config->state, &f))) {
        command_print_findings(&f);
        return EXIT_CANT_WRITE;
    }
    if (v->config->precedence) {
        result.precedence = precedence;
        result.context = v->config;
        result.may_have_arrived = attempts_may_have_arrived;
    }
    progress(true);
    int rc = reindex(&v->spool, v->state, &result, &f);
    progress(false);
    command_print_findings(&f);
    if (rc < 0)
        return refused(v, &f);
    tell(v, as_json);
    return f.warnings ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
}

int command_reindex(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"force", no_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct view v = {.config = NULL};
    const char *file = NULL;
    bool as_json = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': file = optarg; break;
        case 'j': as_json = true; break;
        case 'f': result.force = true; break;
        default: return usage(option == 'h' ? stdout : stderr);
        }
    }
    if (optind != argc)
        return usage(stderr);
    int status = view_open(&v, file);
    if (status == 0)
        status = run(&v, as_json);
    view_close(&v);
    return status;
}
