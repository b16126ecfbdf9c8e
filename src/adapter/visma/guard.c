/* guard: see guard.h. */
#include "adapter/visma/guard.h"
#include "base/hash.h"
#include <stdio.h>

#define MINUTE 62      /* theirs, and what the two clocks may differ in between */
#define FIRST_AGAIN 10 /* seconds before a request that failed once is repeated */
#define NEXT_AGAIN 300 /* before it is repeated once more: at most two in five minutes */
#define NETWORK_MOST 120

static void store(const struct visma_guard *g)
{
    char text[192];
    snprintf(text, sizeof text, "%s %d %lld %d %lld %lld %lld %lld %lld", g->request, g->failures,
             (long long)g->failed, g->seen, (long long)g->asked[0], (long long)g->asked[1],
             (long long)g->asked[2], (long long)g->asked[3], (long long)g->whole);
    state_cursor_set(g->endpoint->state, g->endpoint->config->name, g->name, text);
}

void visma_guard_open(struct visma_guard *g, struct endpoint *e, const struct visma_resource *r,
                      const char *target)
{
    char hex[HASH_TEXT], last[17];
    long long t[6] = {0};
    int failures, seen;
    struct buffer value = {0};
    *g = (struct visma_guard){.endpoint = e};
    snprintf(g->name, sizeof g->name, "asked %s", r->name);
    hash_sha256(slice_of(target), hex);
    snprintf(g->request, sizeof g->request, "%.16s", hex);
    if (state_cursor_get(e->state, e->config->name, g->name, &value) == 0 &&
        sscanf(value.ptr, "%16s %d %lld %d %lld %lld %lld %lld %lld", last, &failures, &t[4], &seen, &t[0],
               &t[1], &t[2], &t[3], &t[5]) >= 8 &&
        !strcmp(last, g->request)) {
        g->failures = failures;
        g->failed = t[4];
        g->seen = seen;
        g->whole = t[5];
        for (size_t i = 0; i < 4; i++)
            g->asked[i] = t[i];
    }
    buffer_free(&value);
}

/* Seconds until then; a time in the future (the clock was set back) does not count. */
static int64_t until(int64_t since, int64_t seconds, int64_t now)
{
    return since > now || since + seconds <= now ? 0 : since + seconds - now;
}

int64_t visma_guard_wait(const struct visma_guard *g, int64_t now)
{
    int64_t again = 0;
    if (g->failures && g->seen)
        again = g->failures == 1 ? FIRST_AGAIN : NEXT_AGAIN;
    else if (g->failures)
        again = g->failures > 6 ? NETWORK_MOST : (int64_t)1 << g->failures;
    int64_t failed = g->failures ? until(g->failed, again, now) : 0, same = until(g->asked[3], MINUTE, now);
    return failed > same ? failed : same;
}

void visma_guard_asked(struct visma_guard *g, int64_t now)
{
    memmove(g->asked + 1, g->asked, 3 * sizeof *g->asked);
    g->asked[0] = now;
    store(g);
}

void visma_guard_failed(struct visma_guard *g, bool answered, int64_t now)
{
    g->failures++;
    g->failed = now;
    g->seen = answered;
    store(g);
}

void visma_guard_good(struct visma_guard *g)
{
    if (!g->failures && visma_guard_is_whole(g))
        return;
    g->failures = 0;
    g->whole = g->asked[0];
    store(g);
}

bool visma_guard_is_whole(const struct visma_guard *g)
{
    return g->asked[0] && g->whole == g->asked[0] && !g->failures;
}
