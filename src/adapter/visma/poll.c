/* visma_poll: the delta poll and the backfill. docs/visma.md says why it is done this way.
 * The filter of a poll is the greatest lastModifiedDateTime seen in answers, but none that is to come by
 * their own Date, minus the overlap, and minus what their clock was set back by since: never a time of our
 * clock. */
#include "adapter/url.h"
#include "adapter/visma/list.h"
#include <stdlib.h>
#include <time.h>

#define SOON                                                                                                 \
    120 /* seconds: what is to be read within them counts as failed until then, the rest as put off */

/* ---- poll ---- */

/* By how many seconds their clock was set back (or ours forward: that cannot be told apart) since the cursor
 * was set. */
static int64_t set_back(struct visma_listing *l)
{
    struct buffer then = {0};
    const char *name = arena_printf(l->findings->arena, VISMA_CLOCK "%s", l->resource->name);
    int64_t back = 0;
    if (skew_since(l->endpoint->state, l->visma->url, time(NULL), &l->clocks) == 0 && l->clocks.known &&
        state_cursor_get(l->endpoint->state, l->endpoint->config->name, name, &then) == 0)
        back = strtoll(then.ptr, NULL, 10) - l->clocks.now;
    buffer_free(&then);
    return back > VISMA_CLOCK_SET ? back : 0;
}

/* The later of `start` and the cursor minus the overlap. */
static void lower_bound(struct visma_listing *l, char bound[MOMENT_TEXT])
{
    struct buffer cursor = {0};
    struct moment at, from = l->visma->start;
    int64_t back = set_back(l);
    moment_print_earlier(from, 0, bound);
    if (state_cursor_get(l->endpoint->state, l->endpoint->config->name, l->resource->name, &cursor) == 0 &&
        moment_parse(cursor.ptr, &at)) {
        at.seconds -= l->visma->overlap + back;
        if (moment_compare(at, from) > 0)
            moment_print_earlier(at, 0, bound);
    }
    buffer_free(&cursor);
}

/* "name=from&nameCondition=>=", encoded. */
static const char *filter_from(struct arena *a, const char *name, const char *from)
{
    struct buffer query = {0};
    url_query(&query, name, from);
    url_query(&query, arena_printf(a, "%sCondition", name), ">=");
    const char *filter = arena_text(a, slice_of(query.ptr + 1));
    buffer_free(&query);
    return filter;
}

/* v->pending says whether something of it is still to be read, v->due when it is asked for next. */
static void poll_resource(struct endpoint *e, size_t which, struct findings *f, int *added)
{
    struct visma *v = e->session;
    struct visma_listing l = {.endpoint = e, .visma = v, .resource = &visma_resources[which], .findings = f};
    char bound[MOMENT_TEXT];
    lower_bound(&l, bound);
    l.filter = filter_from(f->arena, "lastModifiedDateTime", bound);
    enum visma_outcome outcome = visma_list_read(&l);
    bool good = outcome == VISMA_LIST_DONE || outcome == VISMA_LIST_SOON;
    *added += l.added;
    v->complete[which] |= outcome == VISMA_LIST_DONE;
    v->left_out[which] = outcome == VISMA_LIST_SOON;
    v->pending[which] = !good;
    v->due[which] = time(NULL) + (outcome == VISMA_LIST_DONE ? v->interval : l.wait > 0 ? l.wait : 1);
}

/* When to come back. Of what is to be read within minutes (the guard, a short budget, a hiccup) the earliest;
 * a resource that waits for a person or an hour does not hold up the others. */
static int64_t next_poll(const struct visma *v, int64_t now)
{
    int64_t soon = 0, any = 0;
    for (size_t i = 0; i < VISMA_RESOURCES; i++) {
        if (!v->polled[i])
            continue;
        if (v->pending[i] && v->due[i] - now <= SOON && (!soon || v->due[i] < soon))
            soon = v->due[i];
        if (!any || v->due[i] < any)
            any = v->due[i];
    }
    return soon ? soon : any ? any : now + 1;
}

/* -1 when something is to be tried again within minutes. What has to wait for longer (a person has to act, a
 * budget is used up for the hour) is no failure of this poll: it puts the endpoint off. */
int visma_poll(struct endpoint *e, int64_t *next, struct findings *f)
{
    struct visma *v = e->session;
    int64_t now = time(NULL);
    int added = 0, failed = 0;
    for (size_t i = 0; i < VISMA_RESOURCES; i++)
        if (v->polled[i] && v->due[i] <= now)
            poll_resource(e, i, f, &added);
    now = time(NULL);
    for (size_t i = 0; i < VISMA_RESOURCES; i++) {
        bool pending = v->polled[i] && v->pending[i], late = v->due[i] - now > SOON;
        failed += pending && !late;
        e->put_off = e->put_off || (pending && late);
        e->left_out = e->left_out || (v->polled[i] && v->left_out[i]);
        if (pending && late)
            finding_add(f, SEVERITY_NOTE, "visma.waiting", e->config->name, "",
                        "%s is still to be read; it is asked for again in %lld seconds.",
                        visma_resources[i].name, (long long)(v->due[i] - now));
    }
    *next = next_poll(v, now);
    return failed ? -1 : added;
}

/* ---- backfill ---- */

static const struct visma_resource *resource_named(const char *word)
{
    for (size_t i = 0; i < VISMA_RESOURCES; i++)
        if (!strcmp(visma_resources[i].name, word))
            return &visma_resources[i];
    for (size_t i = 0; i < VISMA_RESOURCES; i++)
        if (!strcmp(visma_resources[i].type, word))
            return &visma_resources[i];
    return NULL;
}

static void backfill_range(struct visma_listing *l, const char *from, const char *to)
{
    l->filter = filter_from(l->findings->arena, l->resource->date_filter, from);
    l->to = to;
    if (visma_list_read(l) != VISMA_LIST_DONE)
        finding_add(l->findings, SEVERITY_ERROR, "visma.failed", l->endpoint->config->name,
                    arena_printf(l->findings->arena, "Start it again in %lld seconds.", (long long)l->wait),
                    "The list of %s was not read to its end; %d documents are in the inbox.",
                    l->resource->name, l->added);
}

int visma_backfill(struct endpoint *e, const char *type, const char *from, const char *to, struct findings *f)
{
    struct visma_listing l = {.endpoint = e,
                              .visma = e->session,
                              .resource = resource_named(type),
                              .findings = f,
                              .backfill = true};
    unsigned errors = f->errors;
    if (!l.resource) {
        finding_add(f, SEVERITY_ERROR, "backfill.type", e->config->name,
                    "There are purchaseorder (order), customerinvoice (invoice), customercreditnote and "
                    "supplierinvoice.",
                    "Visma.net has no documents of the type %s.", type);
        return -1;
    }
    if (to)
        backfill_range(&l, from, to);
    else
        visma_list_single(&l, from);
    return f->errors != errors ? -1 : l.added;
}
