/* bench_fill INBOX TEMPLATE COUNT [FIRST]: puts COUNT orders made from TEMPLATE into an inbox, with numbers
 * from FIRST, 1000001. Written under dot names and renamed, one sync at the end: outside of what is measured.
 */
#include "base/buffer.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct buffer template = {0}, order = {0};
    if (argc != 4 && argc != 5)
        return 64;
    int inbox = open(argv[1], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (file_read(AT_FDCWD, argv[2], 1 << 24, &template) < 0 || inbox < 0) {
        fprintf(stderr, "bench_fill: %s\n", strerror(errno));
        return 66;
    }
    static const char mark[] = "\"orderNbr\"";
    char *at = memmem(template.ptr, template.len, mark, sizeof mark - 1);
    char *open_quote = at ? strchr(at + sizeof mark - 1, '"') : NULL;
    char *close_quote = open_quote ? strchr(open_quote + 1, '"') : NULL;
    if (!close_quote) {
        fprintf(stderr, "bench_fill: %s has no \"orderNbr\"\n", argv[2]);
        return 65;
    }
    unsigned long first = argc > 4 ? strtoul(argv[4], NULL, 10) : 1000001;
    unsigned long count = strtoul(argv[3], NULL, 10);
    for (unsigned long number = first; number < first + count; number++) {
        char name[64];
        buffer_clear(&order);
        buffer_add(&order, template.ptr, (size_t)(open_quote + 1 - template.ptr));
        buffer_printf(&order, "%lu", number);
        buffer_add(&order, close_quote, template.len - (size_t)(close_quote - template.ptr));
        snprintf(name, sizeof name, "purchaseorder-%lu.json", number);
        if (file_write(inbox, ".new", buffer_as_slice(&order), 0640, false) < 0 ||
            renameat(inbox, ".new", inbox, name) < 0) {
            fprintf(stderr, "bench_fill: %s: %s\n", name, strerror(errno));
            return 73;
        }
    }
    buffer_free(&template);
    buffer_free(&order);
    return syncfs(inbox) < 0;
}
