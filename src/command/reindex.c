/* spoolgate reindex: the state made anew from the spool. */
#include "state/reindex.h"
#include "command/view.h"
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static unsigned long documents; /* read so far; the progress line looks at it */

static int usage(FILE *out)
{
    fputs(
        "usage: spoolgate reindex [-c FILE] [--json]\n\n"
        "Makes the state anew from the folders of the spool: business keys, control numbers, links, what is\n"
        "awaited. Cursors of polls, tokens and budgets stay as they are. The gateway has to be stopped. Cut "
        "short, it\n"
        "leaves the state as it was.\n\n"
        "  -c, --config FILE  this configuration\n"
        "      --json         for scripts\n\n"
        "Exit status: 0 done, 1 done, and some documents could not be read, 64 usage, 66 no spool, 69 the "
        "gateway is\n"
        "running, 73 the state cannot be written, 78 the configuration is not in order.\n",
        out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* In a signal handler: digits are put together by hand. */
static void show_progress(int signal_number)
{
    char line[64] = "\rdocuments read: ", turned[24];
    size_t len = strlen(line), n = 0;
    (void)signal_number;
    for (unsigned long left = *(volatile unsigned long *)&documents; left || n == 0; left /= 10)
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

static int run(struct view *v, bool as_json)
{
    struct findings f = {.arena = &v->arena};
    if (!(v->state = state_open(v->config->state, &f))) {
        command_print_findings(&f);
        return EXIT_CANT_WRITE;
    }
    progress(true);
    int rc = reindex(&v->spool, v->state, &documents, &f);
    progress(false);
    command_print_findings(&f);
    if (rc < 0)
        return f.first && !strcmp(f.first->code, "reindex.running") ? EXIT_UNAVAILABLE : EXIT_CANT_WRITE;
    if (as_json)
        printf("{\"documents\":%lu,\"unreadable\":%u}\n", documents, f.warnings);
    else
        printf("%lu document%s read; the state says what they say\n", documents, documents == 1 ? "" : "s");
    return f.warnings ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
}

int command_reindex(int argc, char **argv)
{
    struct view v = {.config = NULL};
    const char *file = NULL;
    bool as_json = false;
    int status;
    if (!command_options(argc, argv, usage, &file, &as_json, &status))
        return status;
    if (optind != argc)
        return usage(stderr);
    status = view_open(&v, file);
    if (status == 0)
        status = run(&v, as_json);
    view_close(&v);
    return status;
}
