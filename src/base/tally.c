/* tally: see tally.h. Open addressing over rows that are only ever added. A row is taken by one process
 * (TAKEN), filled, and then READY; one whose taker was killed in between stays empty, and two processes that
 * take one each for the same labels are added up when they are printed. The format is that of the OpenMetrics
 * specification 1.0. */
#include "base/tally.h"
#include "base/hash.h"
#include "base/utf8.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ROWS 4096 /* besides one a figure for "other" */
#define FULL 3072 /* from there on look-ups would get slow */
#define TRIED 64  /* rows looked at for one set of labels */
#define LABELS 6  /* of a figure at most */
#define LABEL_TEXT 640
#define VALUE_TEXT 64 /* of one value, cut */
#define BOUNDS 12

enum kind { COUNTER, GAUGE, INFO, HISTOGRAM };

static const double document_bounds[] = {0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21600, 86400, 0};
static const double request_bounds[] = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 0};

static const struct family {
    int group;
    enum kind kind;
    const char *name, *unit, *labels, *help;
    const double *bounds;
} families[FIGURES] = {
    [HANDLED] = {TALLY_SHARED, COUNTER, "spoolgate_handled_documents", "",
                 "stage source type partner endpoint outcome",
                 "Documents that left a stage, by what came of them.", NULL},
    [ATTEMPTS] = {TALLY_SHARED, COUNTER, "spoolgate_delivery_attempts", "", "endpoint verdict",
                  "Tries to deliver a document, or to learn whether it arrived, by verdict.", NULL},
    [FETCHED] = {TALLY_SHARED, COUNTER, "spoolgate_fetched_documents", "", "endpoint",
                 "Documents that were fetched into the inbox.", NULL},
    [LOOKS] = {TALLY_SHARED, COUNTER, "spoolgate_polls", "", "endpoint task outcome",
               "How often an endpoint was looked at for what is new (poll) and for what became of what was "
               "sent (chores).",
               NULL},
    [RESTARTS] = {TALLY_SHARED, COUNTER, "spoolgate_role_restarts", "", "role",
                  "How often a role ended and was started again.", NULL},
    [TRANSLATION_SECONDS] = {TALLY_SHARED, HISTOGRAM, "spoolgate_translation_seconds", "seconds", "source",
                             "From taking a document in to putting it into an outbox.", document_bounds},
    [DELIVERY_SECONDS] = {TALLY_SHARED, HISTOGRAM, "spoolgate_delivery_seconds", "seconds", "endpoint",
                          "From taking a document in to its delivery.", document_bounds},
    [REQUEST_SECONDS] = {TALLY_SHARED, HISTOGRAM, "spoolgate_request_seconds", "seconds", "endpoint answer",
                         "HTTP requests, by the hundreds of the answer's status or how they failed.",
                         request_bounds},
    [CERTIFICATE_EXPIRY] = {TALLY_SHARED, GAUGE, "spoolgate_certificate_expiry_timestamp_seconds", "seconds",
                            "endpoint host", "When the certificate runs out that the other side showed last.",
                            NULL},
    [BUILD] = {TALLY_GAUGES, INFO, "spoolgate_build", "", "version", "The program that says this.", NULL},
    [UP] = {TALLY_GAUGES, GAUGE, "spoolgate_up", "", "", "1 while a gateway has the spool.", NULL},
    [ROLE_UP] = {TALLY_GAUGES, GAUGE, "spoolgate_role_up", "", "role", "1 while the role's process is there.",
                 NULL},
    [WAITING] = {TALLY_GAUGES, GAUGE, "spoolgate_waiting_documents", "", "stage place",
                 "Documents in a stage; place is the source or the endpoint.", NULL},
    [OLDEST_SECONDS] = {TALLY_GAUGES, GAUGE, "spoolgate_oldest_waiting_seconds", "seconds", "stage place",
                        "Age of the oldest of them; 0 when there is none.", NULL},
    [HELD_MARKS] =
        {TALLY_GAUGES, GAUGE, "spoolgate_held", "", "endpoint",
         "Marks that say that documents wait for a person or a time (.held, .held.<partner>.<type>).", NULL},
    [AWAITED] = {TALLY_GAUGES, GAUGE, "spoolgate_awaited_documents", "", "endpoint",
                 "Sent documents whose fate is still to be learnt.", NULL},
    [OVERDUE] = {TALLY_GAUGES, GAUGE, "spoolgate_overdue_documents", "", "endpoint",
                 "Those of them whose acknowledgment is late.", NULL},
    [BUDGET_CALLS] = {TALLY_GAUGES, GAUGE, "spoolgate_budget_calls", "", "budget",
                      "Calls that a vendor allows in the window that runs.", NULL},
    [BUDGET_LEFT] = {TALLY_GAUGES, GAUGE, "spoolgate_budget_left_calls", "", "budget",
                     "Those of them that are left.", NULL},
    [BUDGET_RESET] = {TALLY_GAUGES, GAUGE, "spoolgate_budget_reset_timestamp_seconds", "seconds", "budget",
                      "When the window ends, or the vendor takes calls again.", NULL},
    [TOKEN_EXPIRY] = {TALLY_GAUGES, GAUGE, "spoolgate_token_expiry_timestamp_seconds", "seconds", "token",
                      "When the token runs out that is in use; it is renewed before.", NULL},
    [FREE_BYTES] = {TALLY_GAUGES, GAUGE, "spoolgate_spool_free_bytes", "bytes", "",
                    "Room on the spool's filesystem for who is not root.", NULL},
};

enum { FREE, TAKEN, READY };

struct row {
    atomic_int state;
    enum figure figure;
    uint64_t hash;
    char labels[LABEL_TEXT]; /* endpoint="orderful",verdict="retry" */
    _Atomic int64_t value;   /* of a histogram how many, and their sum in microseconds */
    _Atomic uint64_t sum;
    _Atomic uint64_t bucket[BOUNDS];
};

struct tally {
    _Atomic uint64_t moved;
    atomic_uint used;
    struct row rows[ROWS + FIGURES];
};

static struct tally *in_use;
static char endpoint_name[128];

struct tally *tally_make(void)
{
    void *shared =
        mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? NULL : shared;
}

void tally_free(struct tally *t)
{
    if (in_use == t)
        in_use = NULL;
    if (t)
        munmap(t, sizeof *t);
}

void tally_use(struct tally *t)
{
    in_use = t;
}

struct tally *tally_in_use(void)
{
    return in_use;
}

void tally_endpoint(const char *name)
{
    snprintf(endpoint_name, sizeof endpoint_name, "%s", name);
}

const char *tally_endpoint_name(void)
{
    return endpoint_name;
}

uint64_t tally_moved(const struct tally *t)
{
    return atomic_load_explicit(&((struct tally *)(uintptr_t)t)->moved, memory_order_relaxed);
}

/* ---- rows ---- */

/* A value as it stands between the quotes: UTF-8, with \\, \" and \n escaped (there are no line feeds any
 * more). */
static size_t print_value(const char *value, char *out)
{
    char shown[VALUE_TEXT];
    size_t n = utf8_show(slice_of(value ? value : ""), shown, sizeof shown), len = 0;
    for (size_t i = 0; i < n; i++) {
        if (shown[i] == '"' || shown[i] == '\\')
            out[len++] = '\\';
        out[len++] = shown[i];
    }
    return len;
}

/* labels NULL: each is "other". */
static void print_labels(enum figure f, const char *const *labels, char out[LABEL_TEXT])
{
    size_t len = 0;
    const char *name = families[f].labels;
    for (size_t i = 0; *name && i < LABELS; i++) {
        size_t n = strcspn(name, " ");
        if (len + n + 2 * VALUE_TEXT + 5 >
            LABEL_TEXT) /* values that are all escapes: then the rest is left empty */
            labels = NULL;
        len += (size_t)snprintf(out + len, LABEL_TEXT - len, "%s%.*s=\"", i ? "," : "", (int)n, name);
        len += labels ? print_value(labels[i], out + len)
                      : (size_t)snprintf(out + len, LABEL_TEXT - len, "other");
        out[len++] = '"';
        name += n + (name[n] == ' ');
    }
    out[len] = '\0';
}

/* Of the values as they are given: a row is found without printing its labels. */
static uint64_t hash_of(enum figure f, const char *const *labels)
{
    uint64_t h = HASH_SEED + (uint64_t)f;
    size_t i = 0;
    for (const char *name = families[f].labels; *name && i < LABELS; i++) {
        h = hash_text(h, labels[i]);
        name += strcspn(name, " ");
        name += *name == ' ';
    }
    return h;
}

static bool is_row(struct row *r, enum figure f, uint64_t hash)
{
    return atomic_load_explicit(&r->state, memory_order_acquire) == READY && r->hash == hash &&
           r->figure == f;
}

/* labels NULL: the one of "other". */
static bool take(struct row *r, enum figure f, uint64_t hash, const char *const *labels)
{
    int free_state = FREE;
    if (!atomic_compare_exchange_strong(&r->state, &free_state, TAKEN))
        return false;
    r->figure = f;
    r->hash = hash;
    print_labels(f, labels, r->labels);
    atomic_store_explicit(&r->state, READY, memory_order_release);
    return true;
}

static struct row *find_row(struct tally *t, enum figure f, const char *const *labels)
{
    uint64_t hash = hash_of(f, labels);
    for (size_t i = 0; i < TRIED; i++) {
        struct row *r = &t->rows[(hash + i) % ROWS];
        if (is_row(r, f, hash))
            return r;
        if (atomic_load_explicit(&r->state, memory_order_relaxed) != FREE)
            continue;
        if (atomic_load_explicit(&t->used, memory_order_relaxed) >= FULL)
            break;
        atomic_fetch_add_explicit(&t->used, 1, memory_order_relaxed);
        if (take(r, f, hash, labels) || is_row(r, f, hash))
            return r;
    }
    struct row *other = &t->rows[ROWS + f];
    take(other, f, 0, NULL);
    return other;
}

void tally_set(struct tally *t, enum figure f, int64_t value, const char *const *labels)
{
    atomic_store_explicit(&find_row(t, f, labels)->value, value, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->moved, 1, memory_order_relaxed);
}

void tally_gauge(enum figure f, int64_t value, const char *const *labels)
{
    if (in_use)
        tally_set(in_use, f, value, labels);
}

void tally_count(enum figure f, uint64_t n, const char *const *labels)
{
    if (!in_use)
        return;
    atomic_fetch_add_explicit(&find_row(in_use, f, labels)->value, (int64_t)n, memory_order_relaxed);
    atomic_fetch_add_explicit(&in_use->moved, 1, memory_order_relaxed);
}

void tally_observe(enum figure f, double seconds, const char *const *labels)
{
    if (!in_use)
        return;
    struct row *r = find_row(in_use, f, labels);
    size_t i = 0;
    seconds = seconds > 0 ? seconds : 0; /* a clock was set back */
    while (families[f].bounds[i] > 0 && seconds > families[f].bounds[i])
        i++;
    atomic_fetch_add_explicit(&r->bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->sum, (uint64_t)(seconds * 1e6), memory_order_relaxed);
    atomic_fetch_add_explicit(&r->value, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&in_use->moved, 1, memory_order_relaxed);
}

/* ---- printing ---- */

struct printed { /* rows of equal labels, added up */
    enum figure figure;
    const char *labels;
    int64_t value;
    uint64_t sum, bucket[BOUNDS];
};

static int by_labels(const void *a, const void *b)
{
    const struct printed *x = a, *y = b;
    return x->figure != y->figure ? (int)x->figure - (int)y->figure : strcmp(x->labels, y->labels);
}

static size_t collect(struct tally *t, struct printed *out)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; t && i < ROWS + FIGURES; i++) {
        struct row *r = &t->rows[i];
        if (atomic_load_explicit(&r->state, memory_order_acquire) != READY)
            continue;
        struct printed *p = &out[n++];
        *p = (struct printed){.figure = r->figure, .labels = r->labels, .value = r->value, .sum = r->sum};
        for (size_t k = 0; k < BOUNDS; k++)
            p->bucket[k] = r->bucket[k];
    }
    if (n)
        qsort(out, n, sizeof *out, by_labels);
    for (size_t i = 0; i < n; i++) {
        struct printed *before = kept ? &out[kept - 1] : NULL;
        if (!before || by_labels(before, &out[i]) != 0) {
            out[kept++] = out[i];
            continue;
        }
        if (families[before->figure].kind == GAUGE)
            before->value = before->value > out[i].value ? before->value : out[i].value;
        else
            before->value += out[i].value;
        before->sum += out[i].sum;
        for (size_t k = 0; k < BOUNDS; k++)
            before->bucket[k] += out[i].bucket[k];
    }
    return kept;
}

static void print_sample(const struct family *f, const struct printed *p, const char *suffix,
                         struct buffer *out)
{
    buffer_printf(out, "%s%s", f->name, suffix);
    if (*p->labels)
        buffer_printf(out, "{%s}", p->labels);
}

static void print_bucket(const struct family *f, const struct printed *p, const char *bound, uint64_t n,
                         struct buffer *out)
{
    buffer_printf(out, "%s_bucket{%s,le=\"%s\"} %llu\n", f->name, p->labels, bound, (unsigned long long)n);
}

/* The count is that of the last bucket, whatever is added meanwhile. */
static void print_histogram(const struct family *f, const struct printed *p, struct buffer *out)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; f->bounds[i] > 0; i++) {
        char bound[32];
        snprintf(bound, sizeof bound, f->bounds[i] == (double)(long)f->bounds[i] ? "%.1f" : "%g",
                 f->bounds[i]);
        print_bucket(f, p, bound, n += p->bucket[i], out);
    }
    print_bucket(f, p, "+Inf", n += p->bucket[i], out);
    print_sample(f, p, "_sum", out);
    buffer_printf(out, " %llu.%06llu\n", (unsigned long long)(p->sum / 1000000),
                  (unsigned long long)(p->sum % 1000000));
    print_sample(f, p, "_count", out);
    buffer_printf(out, " %llu\n", (unsigned long long)n);
}

static void print_family(const struct family *f, struct buffer *out)
{
    static const char *const words[] = {"counter", "gauge", "info", "histogram"};
    buffer_printf(out, "# TYPE %s %s\n", f->name, words[f->kind]);
    if (*f->unit)
        buffer_printf(out, "# UNIT %s %s\n", f->name, f->unit);
    buffer_printf(out, "# HELP %s %s\n", f->name, f->help);
}

void tally_print(const struct tally *t, int groups, struct buffer *out)
{
    static const char *const suffix[] = {"_total", "", "_info", ""};
    struct printed *rows = calloc(ROWS + FIGURES, sizeof *rows);
    if (!rows)
        abort();
    size_t n = collect((struct tally *)(uintptr_t)t, rows), at = 0;
    for (int i = 0; i < FIGURES; i++) {
        const struct family *f = &families[i];
        bool wanted = f->group & groups;
        if (wanted)
            print_family(f, out);
        for (; at < n && rows[at].figure == (enum figure)i; at++) {
            if (!wanted)
                continue;
            if (f->kind == HISTOGRAM) {
                print_histogram(f, &rows[at], out);
                continue;
            }
            print_sample(f, &rows[at], suffix[f->kind], out);
            buffer_printf(out, " %lld\n", (long long)(f->kind == INFO ? 1 : rows[at].value));
        }
    }
    free(rows);
}
