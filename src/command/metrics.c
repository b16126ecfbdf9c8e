/* spoolgate metrics: what a scrape of Prometheus would get, on standard output. */
#include "command/view.h"
#include "role/metrics.h"
#include <stdlib.h>

static int usage(FILE *out)
{
    fputs("usage: spoolgate metrics [-c FILE]\n\n"
          "Prints the metrics as OpenMetrics text: what waits and how long, budgets and tokens as they are "
          "now; and what\n"
          "the gateway has counted since it was started, while it runs. [metrics] in the configuration gives "
          "the same to\n"
          "Prometheus, on a loopback port or in a file.\n\n"
          "  -c, --config FILE  this configuration\n\n"
          "Exit status: 0 done, 64 usage, 66 no spool, 78 the configuration is not in order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

int command_metrics(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct view v = {.config = NULL};
    struct buffer text = {0};
    struct gauges *gauges = calloc(1, sizeof *gauges);
    const char *file = NULL;
    int option;
    if (!gauges)
        abort();
    while ((option = command_getopt(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': file = optarg; break;
        case 'h': free(gauges); return usage(stdout);
        default: free(gauges); return usage(stderr);
        }
    }
    int status = optind == argc ? view_open(&v, file) : usage(stderr);
    if (status == 0) {
        view_state(&v); /* one that is not there or cannot be read: it says so, and the rest is printed */
        metrics_print(gauges, &v.spool, v.state, &text);
        fwrite(text.ptr, 1, text.len, stdout);
    }
    buffer_free(&text);
    view_close(&v);
    free(gauges);
    return status;
}
