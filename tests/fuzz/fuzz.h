/* fuzz: what the targets share. Without libFuzzer, -DFUZZ_MAIN gives a main that runs the files named on the
 * command line, so that a finding can be looked at with any compiler and debugger. */
#ifndef SPOOLGATE_TESTS_FUZZ_H
#define SPOOLGATE_TESTS_FUZZ_H

#include "base/file.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A folder in memory, removed at the end. */
static char fuzz_path[64];

static inline void fuzz_folder_remove(void)
{
    file_remove_tree(AT_FDCWD, fuzz_path);
}

static inline const char *fuzz_folder(void)
{
    if (*fuzz_path)
        return fuzz_path;
    snprintf(fuzz_path, sizeof fuzz_path, "%s/fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(fuzz_path) || atexit(fuzz_folder_remove))
        abort();
    return fuzz_path;
}

/* "<top_srcdir>/<below>", for good. */
static inline const char *fuzz_source(const char *below)
{
    const char *top = getenv("top_srcdir");
    char *path = NULL;
    if (asprintf(&path, "%s/%s", top ? top : ".", below) < 0)
        abort();
    return path;
}

static inline void fuzz_read(const char *below, struct buffer *out)
{
    const char *path = fuzz_source(below);
    if (file_read(AT_FDCWD, path, 64u << 20, out) < 0)
        abort();
    free((char *)(uintptr_t)path);
}

/* The bytes up to the next line "----", and behind it: several texts in one input. */
static inline struct slice fuzz_part(struct slice *rest)
{
    const char *end = memmem(rest->ptr, rest->len, "----\n", 5);
    struct slice part = slice_make(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
    *rest = end ? slice_make(end + 5, rest->len - part.len - 5) : slice_make("", 0);
    return part;
}

#ifdef FUZZ_MAIN
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct buffer b = {0};
        if (file_read(AT_FDCWD, argv[i], 64u << 20, &b) == 0)
            LLVMFuzzerTestOneInput((const uint8_t *)(b.ptr ? b.ptr : ""), b.len);
        buffer_free(&b);
    }
    return 0;
}
#endif

#endif
