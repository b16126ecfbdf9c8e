/* list: see list.h. */
#include "adapter/visma/list.h"
#include "adapter/visma/guard.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define READINGS 3       /* of a list that changes under our hands, in one poll */
#define CHANGED_AGAIN 30 /* seconds, then it is tried anew */
#define PAGES_MOST 100000
#define MISSED_MOST 3 /* documents that cannot be fetched, then it is not the documents' fault */

static const char *where(const struct visma_listing *l)
{
    return arena_printf(l->findings->arena, "%s, %s", l->endpoint->config->name, l->resource->name);
}

static enum visma_outcome stop(struct visma_listing *l, int64_t wait)
{
    l->wait = wait;
    return VISMA_LIST_STOPPED;
}

/* ---- one document ---- */

/* A key as a path segment: reserved characters go in as b64(<base64url without padding>). */
static void path_segment(struct buffer *path, const char *key)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
    size_t len = strlen(key);
    buffer_byte(path, '/');
    if (len && strspn(key, plain) == len && strcmp(key, ".") != 0 && strcmp(key, "..") != 0) {
        buffer_add(path, key, len);
        return;
    }
    char *code = calloc(1, len / 3 * 4 + 8);
    if (!code)
        abort();
    EVP_EncodeBlock((unsigned char *)code, (const unsigned char *)key, (int)len);
    for (char *c = code; *c; c++)
        *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c);
    buffer_printf(path, "b64(%s)", code);
    free(code);
}

static const char *single_target(const struct visma_resource *r, const char *kind, const char *number,
                                 struct arena *a)
{
    struct buffer path = {0};
    buffer_text(&path, r->path);
    if (r->kind_in_path && kind)
        path_segment(&path, kind);
    path_segment(&path, number);
    if (*r->single_query)
        buffer_printf(&path, "?%s", r->single_query);
    const char *target = arena_text(a, buffer_as_slice(&path));
    buffer_free(&path);
    return target;
}

/* The other side has seen the request, or may have; not so when there was no token to make one with. */
static bool was_seen(const struct http_exchange *x)
{
    return x->failure == HTTP_ANSWERED ? x->status != 0 : x->failure != HTTP_NOT_SENT;
}

/* A document that makes the ERP stumble must not keep those behind it from coming: the list is read on, but
 * does not count as read to its end. */
static enum visma_outcome miss(struct visma_listing *l, const struct http_exchange *x)
{
    l->answered = l->answered || was_seen(x);
    return ++l->missed < MISSED_MOST ? VISMA_LIST_DONE : stop(l, CHANGED_AGAIN);
}

/* Fetches the document by itself and adds it to the batch. VISMA_LIST_DONE also when it has gone in the
 * meantime, or is missed. */
static enum visma_outcome add_detail(struct visma_listing *l, struct inbox_batch *batch,
                                     const struct visma_row *row)
{
    struct http_exchange x;
    struct visma_row single;
    int64_t wait;
    const char *why, *target = single_target(l->resource, row->kind, row->number, &l->page);
    enum visma_answer got = visma_get(l->endpoint, target, &x, &wait, l->findings);
    enum visma_outcome outcome = VISMA_LIST_DONE;
    if (got == VISMA_MISSING) {
        finding_add(l->findings, SEVERITY_WARNING, "visma.gone", where(l), "",
                    "%s %s was in the list and is not there by itself (404); it is left out.",
                    l->resource->name, row->number);
    } else if (got == VISMA_BROKEN) {
        outcome = miss(l, &x);
    } else if (got != VISMA_OK) {
        outcome = stop(l, wait);
    } else if (!visma_row_read(l->resource, buffer_as_slice(&x.answer), &l->page, &single, &why)) {
        finding_add(l->findings, SEVERITY_WARNING, "visma.broken", where(l), "It is tried again by itself.",
                    "The answer to GET %s cannot be used: %s.", target, why);
        outcome = miss(l, &x);
    } else if (inbox_add(batch, single.file, single.bytes) < 0) {
        finding_add(l->findings, SEVERITY_ERROR, "spool", where(l), "",
                    "%s cannot be written into the inbox: %s.", single.file, strerror(errno));
        outcome = stop(l, CHANGED_AGAIN);
    }
    http_exchange_free(&x);
    return outcome;
}

/* ---- one page ---- */

/* Dates begin with the day: "2026-03-02T00:00:00". */
static bool is_after(const char *date, const char *day)
{
    return date && strncmp(date, day, 10) > 0;
}

static bool is_wanted(const struct visma_listing *l, const struct visma_row *row)
{
    if (!visma_status_wanted(l->visma, l->resource, row->status))
        return false; /* a change of status brings it again, with a later lastModifiedDateTime */
    if (l->backfill)
        return !(l->to && is_after(row->date, l->to));
    return state_polled(l->endpoint->state, l->endpoint->config->name, row->key, row->version) != 1;
}

static void look_at(struct visma_listing *l, const struct visma_row *row)
{
    json_object_set_new(l->seen, row->key, json_true());
    if (!row->dated || (*l->newest_text && moment_compare(row->modified, l->newest) <= 0))
        return;
    l->newest = row->modified;
    snprintf(l->newest_text, sizeof l->newest_text, "%s", row->modified_text);
}

static int commit_batch(struct visma_listing *l, struct inbox_batch *batch, size_t n)
{
    if (n == 0) {
        inbox_abandon(batch);
        return 0;
    }
    if (inbox_commit(batch) == 0)
        return 0;
    finding_add(l->findings, SEVERITY_ERROR, "spool", where(l), "Is the disk full?",
                "Documents cannot be put into the inbox: %s. They are fetched again.", strerror(errno));
    return -1;
}

/* The greatest time seen, but none that is still to come by their own clock: the cursor would stand before
 * documents that are yet to be saved, and these would be passed over. Then it goes in steps, so that the same
 * question stays the same for a while. False: it stays. */
static bool next_cursor(const struct visma_listing *l, char out[64])
{
    struct buffer old = {0};
    struct moment at;
    snprintf(out, 64, "%s", l->newest_text);
    if (l->date <= 0 || l->newest.seconds < l->date)
        return true;
    moment_print_earlier((struct moment){.seconds = l->date}, 0, out);
    bool step =
        state_cursor_get(l->endpoint->state, l->endpoint->config->name, l->resource->name, &old) != 0 ||
        !moment_parse(old.ptr, &at) || l->date < at.seconds || l->date - at.seconds >= l->visma->overlap / 2;
    buffer_free(&old);
    return step;
}

static int move_cursor(struct visma_listing *l)
{
    struct state *s = l->endpoint->state;
    const char *name = l->endpoint->config->name;
    char cursor[64], clock[64], kept[32];
    struct skew now;
    if (skew_since(s, l->visma->url, time(NULL), &now) < 0)
        return -1;
    l->set_back = now.known && l->clocks.known && now.now < l->clocks.now - VISMA_CLOCK_SET;
    if (l->set_back) /* what was saved since has an earlier time than the filter let through */
        return 0;
    if (!next_cursor(l, cursor))
        return 0;
    snprintf(clock, sizeof clock, VISMA_CLOCK "%s", l->resource->name);
    snprintf(kept, sizeof kept, "%lld", (long long)now.now);
    return state_cursor_set(s, name, l->resource->name, cursor) < 0 ||
                   (now.known && state_cursor_set(s, name, clock, kept) < 0)
               ? -1
               : 0;
}

/* After the documents are durable in the inbox: they are known, and with the last page the cursor moves. */
static int remember(struct visma_listing *l, struct visma_row *const *taken, size_t n, bool last)
{
    struct state *s = l->endpoint->state;
    const char *name = l->endpoint->config->name;
    bool move = last && !l->backfill && *l->newest_text;
    if (!n && !move)
        return 0;
    bool good = state_begin(s) == 0;
    for (size_t i = 0; i < n && good; i++)
        good = state_polled_note(s, name, taken[i]->key, taken[i]->version) == 0;
    if (good && move)
        good = move_cursor(l) == 0;
    if (good && state_commit(s) == 0)
        return 0;
    finding_add(l->findings, SEVERITY_ERROR, "state", where(l), "Is the disk full?",
                "What was fetched cannot be remembered: %s. It is fetched again; documents that come twice "
                "are recognised.",
                state_error(s));
    state_rollback(s);
    return -1;
}

static enum visma_outcome take_page(struct visma_listing *l, struct visma_rows *rows, bool last)
{
    struct visma_row **taken = arena_alloc(&l->page, (rows->count + 1) * sizeof *taken);
    struct inbox_batch *batch = inbox_batch_open(l->endpoint->spool, l->endpoint->config->name);
    enum visma_outcome outcome = VISMA_LIST_DONE;
    size_t n = 0;
    for (size_t i = 0; i < rows->count && batch && outcome == VISMA_LIST_DONE; i++) {
        struct visma_row *row = &rows->rows[i];
        unsigned missed = l->missed;
        if (!is_wanted(l, row))
            continue;
        if (l->visma->detail)
            outcome = add_detail(l, batch, row);
        else if (inbox_add(batch, row->file, row->bytes) < 0)
            outcome = stop(l, CHANGED_AGAIN);
        if (outcome == VISMA_LIST_DONE && l->missed == missed)
            taken[n++] = row;
    }
    if (!batch || (outcome == VISMA_LIST_STOPPED && !l->visma->detail))
        finding_add(l->findings, SEVERITY_ERROR, "spool", where(l), "Is the disk full?",
                    "Documents cannot be put into the inbox: %s. They are fetched again.", strerror(errno));
    if (!batch || commit_batch(l, batch, n) < 0 ||
        remember(l, taken, n, last && outcome == VISMA_LIST_DONE && !l->missed) < 0)
        return stop(l, CHANGED_AGAIN);
    l->added += (int)n;
    return outcome;
}

/* ---- one list ---- */

static const char *page_target(const struct visma_listing *l, long page, long size)
{
    return arena_printf(l->findings->arena, "%s?%s&pageNumber=%ld&pageSize=%ld%s%s", l->resource->path,
                        l->filter, page, size, *l->resource->list_query ? "&" : "", l->resource->list_query);
}

/* What makes two requests the same to the guard. */
static const char *same_target(const struct visma_listing *l)
{
    return arena_printf(l->findings->arena, "%s?%s", l->resource->path, l->filter);
}

static long page_size(const struct visma_listing *l)
{
    long most = l->visma->page_limit[l->resource - visma_resources];
    return most && most < l->visma->page_size ? most : l->visma->page_size;
}

/* Asked too soon after the last time? A backfill is asked for by a person and passes. */
static bool too_soon(struct visma_listing *l, const struct visma_guard *guard)
{
    l->wait = l->backfill ? 0 : visma_guard_wait(guard, time(NULL));
    return l->wait > 0;
}

/* Nothing is lost by waiting for what was read to its end: what is new since comes with the next poll. A list
 * that was not is still to be read. */
static enum visma_outcome put_off(const struct visma_listing *l, const struct visma_guard *guard)
{
    bool whole = visma_guard_is_whole(guard);
    if (!whole)
        finding_add(l->findings, SEVERITY_NOTE, "visma.guard", where(l), "",
                    "The same list was asked for a moment ago; it is read in %lld seconds.",
                    (long long)l->wait);
    else if (!l->visma->complete[l->resource - visma_resources]) /* of our own doing it is no news */
        finding_add(l->findings, SEVERITY_NOTE, "visma.left-out", where(l), "",
                    "The list was read to its end a moment ago and is not asked for again so soon; what is "
                    "new since is read in %lld seconds, or at the next start after that.",
                    (long long)l->wait);
    return whole ? VISMA_LIST_SOON : VISMA_LIST_STOPPED;
}

/* A failure of theirs or of the network: when may the same be asked again? */
static enum visma_outcome failed(struct visma_listing *l, bool answered, int64_t wait)
{
    struct visma_guard guard;
    visma_guard_open(&guard, l->endpoint, l->resource, same_target(l));
    visma_guard_failed(&guard, answered, time(NULL));
    int64_t again = visma_guard_wait(&guard, time(NULL));
    return stop(l, again > wait ? again : wait);
}

/* The first page is asked for under the eyes of the guard; the others follow it and are as rare. */
static enum visma_outcome get_page(struct visma_listing *l, long page, struct http_exchange *x)
{
    struct visma_guard guard;
    int64_t wait;
    *x = (struct http_exchange){0};
    visma_guard_open(&guard, l->endpoint, l->resource, same_target(l));
    if (page == 1 && too_soon(l, &guard))
        return put_off(l, &guard);
    l->wait = 0;
    if (page == 1 && !l->backfill)
        visma_guard_asked(&guard, time(NULL));
    const char *target = page_target(l, page, page_size(l));
    enum visma_answer got = visma_get(l->endpoint, target, x, &wait, l->findings);
    l->date = http_answer_date(x);
    if (got == VISMA_OK)
        return VISMA_LIST_DONE;
    if (got == VISMA_MISSING) {
        wait = 900;
        finding_add(l->findings, SEVERITY_ERROR, "visma.missing", where(l),
                    "Compare url with the vendor's documentation.", "Visma.net has no GET %s (404).", target);
    }
    bool seen = was_seen(x);
    return got == VISMA_BROKEN || (got == VISMA_REFUSED && seen) ? failed(l, seen, wait) : stop(l, wait);
}

/* What a page says of the list as a whole. Keys are collected over all readings of this poll: once there are
 * as many as the list says it has, none has slipped from page to page. What is modified, or added, meanwhile
 * has a later time than the cursor minus the overlap, and comes with the next poll. *whole: that many are
 * seen at the end of the list. */
static void look_at_page(struct visma_listing *l, const struct visma_rows *rows, bool *more, bool *whole)
{
    if (rows->page_limit > 0)
        l->visma->page_limit[l->resource - visma_resources] = (long)rows->page_limit;
    if (rows->count) {
        if (l->total >= 0 && rows->total < l->total)
            l->shrunk = true; /* a document has gone: the keys of earlier readings prove nothing any more */
        l->total = rows->total;
    }
    for (size_t i = 0; i < rows->count; i++)
        look_at(l, &rows->rows[i]);
    l->read += (int64_t)rows->count;
    *more = rows->count && (l->total < 0 || l->read < l->total);
    *whole = l->total < 0 || (!l->shrunk && (int64_t)json_object_size(l->seen) >= l->total);
}

/* One page: fetched, judged, put into the inbox. */
static enum visma_outcome read_page(struct visma_listing *l, long page, bool *more)
{
    struct http_exchange x;
    struct visma_rows rows;
    const char *why;
    bool whole;
    enum visma_outcome outcome = get_page(l, page, &x);
    arena_reset(&l->page);
    if (outcome == VISMA_LIST_DONE &&
        !visma_rows_read(l->resource, buffer_as_slice(&x.answer), &l->page, &rows, &why)) {
        finding_add(l->findings, SEVERITY_WARNING, "visma.broken", where(l), "It is tried again by itself.",
                    "Page %ld of the list cannot be used: %s.", page, why);
        outcome = failed(l, true, 0);
    } else if (outcome == VISMA_LIST_DONE) {
        look_at_page(l, &rows, more, &whole);
        outcome = take_page(l, &rows, !*more && whole);
        if (l->missed && (outcome == VISMA_LIST_STOPPED || !*more))
            outcome = failed(l, l->answered, l->wait);
        else if (outcome == VISMA_LIST_DONE && !*more && !whole)
            outcome = VISMA_LIST_CHANGED;
        else if (outcome == VISMA_LIST_DONE && l->set_back)
            outcome = stop(l, 1);
    }
    http_exchange_free(&x);
    return outcome;
}

/* The whole list once. */
static enum visma_outcome read_once(struct visma_listing *l)
{
    enum visma_outcome outcome = VISMA_LIST_DONE;
    bool more = true;
    if (l->shrunk)
        json_object_clear(l->seen);
    l->shrunk = l->answered = false;
    l->missed = 0;
    l->read = 0;
    l->total = -1;
    for (long page = 1; outcome == VISMA_LIST_DONE && more && page < PAGES_MOST; page++)
        outcome = read_page(l, page, &more);
    return outcome;
}

enum visma_outcome visma_list_read(struct visma_listing *l)
{
    enum visma_outcome outcome = VISMA_LIST_CHANGED;
    l->seen = json_object();
    for (int i = 0; i < READINGS && outcome == VISMA_LIST_CHANGED; i++)
        outcome = read_once(l);
    if (outcome == VISMA_LIST_CHANGED) {
        finding_add(l->findings, SEVERITY_NOTE, "visma.moving", where(l), "",
                    "The list changes while it is read; what it held is in the inbox, and it is read again.");
        stop(l, CHANGED_AGAIN);
    } else if (outcome == VISMA_LIST_DONE && !l->backfill) {
        struct visma_guard guard;
        visma_guard_open(&guard, l->endpoint, l->resource, same_target(l));
        visma_guard_good(&guard);
    }
    json_decref(l->seen);
    l->seen = NULL;
    arena_free(&l->page);
    return outcome;
}

/* Puts one row into the inbox, like a page that holds one document. */
static enum visma_outcome take_single(struct visma_listing *l, struct visma_row *row)
{
    struct inbox_batch *batch = inbox_batch_open(l->endpoint->spool, l->endpoint->config->name);
    struct visma_row *taken[] = {row};
    if (batch && inbox_add(batch, row->file, row->bytes) < 0) {
        inbox_abandon(batch);
        batch = NULL;
    }
    if (!batch)
        finding_add(l->findings, SEVERITY_ERROR, "spool", where(l), "Is the disk full?",
                    "%s cannot be put into the inbox: %s.", row->file, strerror(errno));
    if (!batch || commit_batch(l, batch, 1) < 0 || remember(l, taken, 1, false) < 0)
        return stop(l, CHANGED_AGAIN);
    l->added++;
    return VISMA_LIST_DONE;
}

enum visma_outcome visma_list_single(struct visma_listing *l, const char *number)
{
    struct http_exchange x;
    struct visma_row row;
    const char *why, *target = single_target(l->resource, "Invoice", number, l->findings->arena);
    enum visma_answer got = visma_get(l->endpoint, target, &x, &l->wait, l->findings);
    enum visma_outcome outcome = VISMA_LIST_STOPPED;
    if (got == VISMA_MISSING)
        finding_add(l->findings, SEVERITY_ERROR, "visma.missing", where(l),
                    "Is it the number that the ERP shows?", "Visma.net has no %s %s.", l->resource->name,
                    number);
    else if (got != VISMA_OK)
        finding_add(l->findings, SEVERITY_ERROR, "visma.failed", where(l),
                    arena_printf(l->findings->arena, "Try it again in %lld seconds.", (long long)l->wait),
                    "%s %s was not fetched.", l->resource->name, number);
    else if (!visma_row_read(l->resource, buffer_as_slice(&x.answer), &l->page, &row, &why))
        finding_add(l->findings, SEVERITY_ERROR, "visma.broken", where(l), "Try it again.",
                    "The answer to GET %s cannot be used: %s.", target, why);
    else
        outcome = take_single(l, &row);
    http_exchange_free(&x);
    arena_free(&l->page);
    return outcome;
}
