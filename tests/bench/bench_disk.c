/* bench_disk FOLDER COUNT GROUP SOURCE_BYTES CANONICAL_BYTES MESSAGE_BYTES ENVELOPE_BYTES RECEIPT_BYTES
 *
 * What the disk allows: a bare program that makes for COUNT documents the same folders and files as the
 * gateway does on the way from inbox to archive with a directory endpoint, syncs in the same groups and
 * renames, and does nothing else: no translation, no checks, no state, one process. Prints seconds. The files
 * of the inbox are made first, outside the time, as the gateway's benchmark does. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char filler[1 << 20];
static size_t source_bytes, canonical_bytes, message_bytes, envelope_bytes, receipt_bytes;

static void must(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "bench_disk: %s: %s\n", what, strerror(errno));
        exit(73);
    }
}

static int make_dir(int at, const char *name)
{
    if (mkdirat(at, name, 0750) < 0 && errno != EEXIST)
        must(-1, name);
    int fd = openat(at, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    must(fd, name);
    return fd;
}

static void put(int at, const char *name, size_t bytes)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    must(fd, name);
    if (write(fd, filler, bytes) != (ssize_t)bytes)
        must(-1, name);
    close(fd);
}

static void take(int at, const char *name)
{
    static char sink[1 << 20];
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    must(fd, name);
    if (read(fd, sink, sizeof sink) < 0)
        must(-1, name);
    close(fd);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *name_of(const char *format, unsigned i)
{
    static char name[2][64];
    static int turn;
    turn = !turn;
    snprintf(name[turn], sizeof *name, format, i);
    return name[turn];
}

/* Inbox to outbox, as a translator does it. */
static void translate(int inbox, int work, int outbox, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        int folder = make_dir(work, name_of("%012u.1", i));
        put(folder, "document.json", envelope_bytes / 4); /* where it came from, before the claim */
        must(renameat(inbox, name_of("order-%u.json", i), folder, "source.json"), "claim");
        take(folder, "source.json");
        put(folder, "canonical.json", canonical_bytes);
        put(folder, "message.x12", message_bytes);
        put(folder, ".document.json.new", envelope_bytes);
        must(renameat(folder, ".document.json.new", folder, "document.json"), "envelope");
        close(folder);
    }
    must(syncfs(outbox), "sync");
    for (unsigned i = from; i < to; i++)
        must(renameat(work, name_of("%012u.1", i), outbox, name_of("%012u.1", i)), "to outbox");
    must(fsync(outbox), "sync outbox");
}

/* Outbox to archive, as a courier does it. */
static void deliver(int outbox, int target, int day, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        int folder = openat(outbox, name_of("%012u.1", i), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
        must(folder, "folder");
        take(folder, "document.json");
        take(folder, "message.x12");
        put(target, name_of(".PO-%u.x12.tmp", i), message_bytes);
        put(folder, "attempt-1.json", receipt_bytes / 2);
        close(folder);
    }
    must(syncfs(outbox), "sync");
    for (unsigned i = from; i < to; i++)
        must(renameat(target, name_of(".PO-%u.x12.tmp", i), target, name_of("PO-%u.x12", i)), "deliver");
    must(fsync(target), "sync target");
    for (unsigned i = from; i < to; i++) {
        int folder = openat(outbox, name_of("%012u.1", i), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
        must(folder, "folder");
        put(folder, "receipt-1.json", receipt_bytes);
        put(folder, ".document.json.new", envelope_bytes);
        must(renameat(folder, ".document.json.new", folder, "document.json"), "envelope");
        close(folder);
    }
    must(syncfs(outbox), "sync");
    for (unsigned i = from; i < to; i++)
        must(renameat(outbox, name_of("%012u.1", i), day, name_of("%012u.1", i)), "to archive");
    must(fsync(day), "sync archive");
    must(fsync(outbox), "sync outbox");
}

int main(int argc, char **argv)
{
    if (argc != 9)
        return 64;
    unsigned count = (unsigned)strtoul(argv[2], NULL, 10), group = (unsigned)strtoul(argv[3], NULL, 10);
    size_t *const sizes[] = {&source_bytes, &canonical_bytes, &message_bytes, &envelope_bytes,
                             &receipt_bytes};
    for (int i = 0; i < 5; i++) {
        *sizes[i] = strtoul(argv[4 + i], NULL, 10);
        if (*sizes[i] > sizeof filler)
            return 64;
    }
    if (!count || !group)
        return 64;
    memset(filler, 'x', sizeof filler);
    int top = make_dir(AT_FDCWD, argv[1]);
    int inbox = make_dir(top, "inbox"), work = make_dir(top, "work"), outbox = make_dir(top, "outbox"),
        target = make_dir(top, "target"), day = make_dir(top, "archive");
    for (unsigned i = 0; i < count; i++)
        put(inbox, name_of("order-%u.json", i), source_bytes);
    must(syncfs(top), "sync");
    double start = now();
    for (unsigned at = 0; at < count; at += group) {
        unsigned to = at + group < count ? at + group : count;
        translate(inbox, work, outbox, at, to);
        deliver(outbox, target, day, at, to);
    }
    printf("%.3f\n", now() - start);
    return 0;
}
