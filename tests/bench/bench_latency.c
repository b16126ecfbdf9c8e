/* bench_latency INBOX OUTBOX TEMPLATE COUNT: drops COUNT orders, one at a time into an idle gateway, and
 * measures from the rename that makes the file ready to the appearance of its folder in the outbox. TEMPLATE
 * is an order with the number @NUMBER@. Prints microseconds: median, 99th percentile, worst. */
#include "base/buffer.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void fill(struct buffer *out, struct slice template, unsigned number)
{
    buffer_clear(out);
    const char *at = template.ptr, *end = template.ptr + template.len;
    for (const char *mark; (mark = memmem(at, (size_t)(end - at), "@NUMBER@", 8)); at = mark + 8) {
        buffer_add(out, at, (size_t)(mark - at));
        buffer_printf(out, "%u", number);
    }
    buffer_add(out, at, (size_t)(end - at));
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 64;
    struct buffer template = {0}, order = {0};
    unsigned count = (unsigned)strtoul(argv[4], NULL, 10);
    int inbox = open(argv[1], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    int watch = inotify_init1(IN_CLOEXEC);
    if (file_read(AT_FDCWD, argv[3], 1 << 24, &template) < 0 || inbox < 0 ||
        inotify_add_watch(watch, argv[2], IN_MOVED_TO) < 0 || !count) {
        fprintf(stderr, "bench_latency: %s\n", strerror(errno));
        return 66;
    }
    double *took = calloc(count, sizeof *took);
    for (unsigned i = 0; i < count; i++) {
        char name[64];
        fill(&order, buffer_as_slice(&template), 900000 + i);
        snprintf(name, sizeof name, "purchaseorder-%u.json", 900000 + i);
        usleep(20000);
        file_write(inbox, ".new", buffer_as_slice(&order), 0640, false);
        double start = now_us();
        if (renameat(inbox, ".new", inbox, name) < 0)
            return 73;
        struct pollfd p = {.fd = watch, .events = POLLIN};
        if (poll(&p, 1, 5000) != 1) {
            fprintf(stderr, "bench_latency: order %u has not come out within 5 s\n", 900000 + i);
            return 1;
        }
        char events[4096];
        took[i] = now_us() - start;
        if (read(watch, events, sizeof events) < 0)
            return 1;
    }
    qsort(took, count, sizeof *took, by_size);
    printf("%.0f %.0f %.0f\n", took[count / 2], took[count * 99 / 100], took[count - 1]);
    free(took);
    buffer_free(&template);
    buffer_free(&order);
    return 0;
}
