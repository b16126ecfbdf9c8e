/* metrics: see metrics.h. */
#include "role/metrics.h"
#include "base/file.h"
#include "base/log.h"
#include <errno.h>
#include <unistd.h>

#define KEPT_FILE ".metrics"
#define KEPT_LIMIT (16u << 20)

void metrics_keep(const struct spool *s)
{
    static uint64_t kept = UINT64_MAX;
    const struct tally *t = tally_in_use();
    struct buffer text = {0};
    if (!t || tally_moved(t) == kept)
        return;
    uint64_t now = tally_moved(t);
    tally_print(t, TALLY_SHARED, &text);
    if (file_replace(s->root, KEPT_FILE, buffer_as_slice(&text), 0640, false) == 0)
        kept = now;
    else
        log_debug("%s cannot be written: %s", KEPT_FILE, strerror(errno));
    buffer_free(&text);
}

void metrics_erase(const struct spool *s)
{
    unlinkat(s->root, KEPT_FILE, 0);
}

/* Of a gateway that runs; one that was killed left a file that says nothing any more. */
static bool read_kept(const struct spool *s, struct slice gauges, struct buffer *out)
{
    struct buffer text = {0};
    bool runs = memmem(gauges.ptr, gauges.len, "\nspoolgate_up 1\n", 16) != NULL;
    bool got = runs && file_read(s->root, KEPT_FILE, KEPT_LIMIT, &text) == 0 && text.len;
    if (got)
        buffer_slice(out, buffer_as_slice(&text));
    buffer_free(&text);
    return got;
}

void metrics_print(struct gauges *g, const struct spool *s, struct state *state, struct buffer *out)
{
    const struct tally *t = tally_in_use();
    struct buffer gauges = {0};
    gauges_print(g, s, state, &gauges);
    if (t || !read_kept(s, buffer_as_slice(&gauges), out))
        tally_print(t, TALLY_SHARED, out);
    buffer_slice(out, buffer_as_slice(&gauges));
    buffer_text(out, "# EOF\n");
    buffer_free(&gauges);
}
