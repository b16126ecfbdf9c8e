/* fuzz_known_hosts: any bytes as a known_hosts file. Each key that is found is written as a line, which is
 * read back to the same key. */
#include "fuzz.h"
#include "net/known_hosts.h"

static struct known_host_key *read_text(struct slice text, struct arena *a)
{
    static const char *path;
    struct known_host_key *keys;
    struct findings f = {.arena = a};
    if (!path && asprintf((char **)(uintptr_t)&path, "%s/known_hosts", fuzz_folder()) < 0)
        abort();
    if (file_write(AT_FDCWD, path, text, 0600, false) ||
        known_hosts_read(path, "sftp.example.com", 2222, a, &keys, &f))
        abort();
    return keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    for (struct known_host_key *k = read_text(slice_make((const char *)data, size), &a); k; k = k->next) {
        const char *line = known_hosts_line("sftp.example.com", 2222, k->blob, &a);
        struct known_host_key *again = read_text(slice_of(line), &a);
        if (!again || again->next || !slice_equal(again->blob, k->blob) ||
            strcmp(again->type, k->type) != 0 ||
            strncmp(known_hosts_fingerprint(k->blob, &a), "SHA256:", 7) != 0)
            abort();
    }
    arena_free(&a);
    return 0;
}
