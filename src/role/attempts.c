/* attempts: attempt-<k>.json says that an effect outside may follow; receipt-<k>.json says what came of it. A
 * folder with the one and without a settled other is in doubt. A receipt that is half written, or says
 * "in-doubt" itself, does not settle. */
#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include "role/dispatch.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECEIPT_LIMIT (16u << 20)
#define ATTEMPT_LIMIT 1000000u

const char *verdict_word(enum verdict v)
{
    static const char *const words[] = {[DELIVERED] = "delivered",
                                        [RETRY] = "retry",
                                        [REJECTED] = "rejected",
                                        [IN_DOUBT] = "in-doubt",
                                        [HELD] = "held"};
    return words[v];
}

/* k of "<kind><k>.json"; 0 when it is something else. */
static unsigned number_of(const char *name, const char *kind)
{
    char *end;
    size_t n = strlen(kind);
    if (strncmp(name, kind, n) != 0 || name[n] < '1' || name[n] > '9')
        return 0;
    unsigned long k = strtoul(name + n, &end, 10);
    return strcmp(end, ".json") != 0 || k > ATTEMPT_LIMIT ? 0 : (unsigned)k;
}

static json_t *read_json(int folder, const char *name)
{
    struct buffer text = {0};
    json_error_t error;
    json_t *value = NULL;
    if (file_read(folder, name, RECEIPT_LIMIT, &text) == 0)
        value = json_parse(buffer_as_slice(&text), &error);
    buffer_free(&text);
    return value;
}

static int64_t attempt_time(int folder, const char *name, const json_t *attempt)
{
    const char *at = attempt ? json_text_at(attempt, "at") : NULL;
    struct instant when;
    struct stat st;
    int64_t seconds = 0;
    if (at && instant_parse(slice_of(at), &when))
        seconds = when.seconds;
    else if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        seconds = st.st_mtim.tv_sec;
    return seconds;
}

static int find_numbers(int folder, unsigned *last_attempt, unsigned *last_receipt)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    if (!d) {
        if (copy >= 0)
            close(copy);
        return -1;
    }
    while ((entry = readdir(d))) {
        unsigned attempt = number_of(entry->d_name, "attempt-"),
                 receipt = number_of(entry->d_name, "receipt-");
        if (attempt > *last_attempt)
            *last_attempt = attempt;
        if (receipt > *last_receipt)
            *last_receipt = receipt;
    }
    closedir(d);
    return 0;
}

bool attempts_may_have_arrived(int folder)
{
    char name[32];
    unsigned attempt = 0, receipt_number = 0;
    if (find_numbers(folder, &attempt, &receipt_number) < 0)
        return true; /* be careful */
    if (!attempt)
        return false;
    snprintf(name, sizeof name, "receipt-%u.json", attempt);
    json_t *receipt = read_json(folder, name);
    const char *verdict = receipt ? json_text_at(receipt, "verdict") : NULL;
    bool settled =
        verdict && (!strcmp(verdict, verdict_word(RETRY)) || !strcmp(verdict, verdict_word(HELD)) ||
                    !strcmp(verdict, verdict_word(REJECTED)));
    json_decref(receipt);
    return !settled;
}

/* Killed behind the receipt and before the move, or taken out of the archive by hand. When the document has
 * been to error/ since, its outcome said so, and a person wants it sent again: translated anew it has no
 * outcome any more, but the count of its attempts stands. */
static bool only_the_move_is_missing(struct parcel *p, const json_t *receipt, const char *verdict)
{
    const char *outcome = document_text(&p->document, "outcome"),
               *external = json_text_at(receipt, "external_id");
    int64_t attempts = json_integer_at(p->document.envelope, "attempts", 0);
    if (strcmp(verdict, verdict_word(DELIVERED)) != 0 ||
        (outcome ? strcmp(outcome, verdict) != 0 : attempts >= p->last_attempt))
        return false;
    p->delivery.verdict = DELIVERED;
    snprintf(p->delivery.external, sizeof p->delivery.external, "%s", external ? external : "");
    p->delivery.awaited = json_is_true(json_object_get(receipt, "awaited"));
    p->delivery.acknowledgment_due = json_integer_at(receipt, "acknowledgment_due", 0);
    return true;
}

/* What the last attempt was about. A person may have moved the document here from another endpoint's outbox,
 * or out of the archive, or have had it translated anew. */
static void note_attempt(struct parcel *p, const json_t *attempt, const char *here)
{
    const char *endpoint = attempt ? json_text_at(attempt, "endpoint") : NULL;
    if (endpoint && strcmp(endpoint, here) != 0)
        snprintf(p->elsewhere, sizeof p->elsewhere, "%s", endpoint);
    const char *sent = attempt ? json_text_at(attempt, "message_sha256") : NULL,
               *now = document_text(&p->document, "message.sha256");
    p->earlier_message = sent && now && strcmp(sent, now) != 0;
}

/* Killed between making the attempt's file and writing it: the sync that comes before each effect was not
 * come to, so nothing was attempted. */
static bool was_not_begun(int folder, const char *name)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

int attempts_find(struct parcel *p, const char *here)
{
    char name[32];
    unsigned last_receipt = 0;
    if (find_numbers(p->document.folder, &p->last_attempt, &last_receipt) < 0)
        return -1;
    p->next_attempt = (p->last_attempt > last_receipt ? p->last_attempt : last_receipt) + 1;
    if (!p->last_attempt)
        return 0;
    snprintf(name, sizeof name, "attempt-%u.json", p->last_attempt);
    if (last_receipt < p->last_attempt && was_not_begun(p->document.folder, name))
        return 0;
    snprintf(name, sizeof name, "receipt-%u.json", p->last_attempt);
    json_t *receipt = read_json(p->document.folder, name);
    const char *verdict = receipt ? json_text_at(receipt, "verdict") : NULL;
    int delivered = 0;
    p->in_doubt = !verdict || !strcmp(verdict, verdict_word(IN_DOUBT));
    if (!p->in_doubt)
        delivered = only_the_move_is_missing(p, receipt, verdict);
    json_decref(receipt);
    snprintf(name, sizeof name, "attempt-%u.json", p->last_attempt);
    json_t *attempt = read_json(p->document.folder, name);
    if (p->in_doubt)
        p->delivery.attempted = attempt_time(p->document.folder, name, attempt);
    if (p->in_doubt || delivered)
        note_attempt(p, attempt, here);
    p->delivery.last_address = json_incref(json_object_get(attempt, "address"));
    json_decref(attempt);
    return delivered;
}

static int write_json(int folder, const char *name, json_t *value)
{
    struct buffer text = {0};
    json_print(value, &text);
    int result = file_write(folder, name, buffer_as_slice(&text), 0640, false);
    int failed = errno;
    buffer_free(&text);
    json_decref(value);
    errno = failed;
    return result;
}

static void set_now(json_t *object)
{
    char at[INSTANT_TEXT];
    instant_print(instant_now(), 3, at);
    json_object_set_new(object, "at", json_string(at));
}

int attempts_write(struct desk *d, struct parcel *p)
{
    char name[32];
    json_t *attempt = json_object();
    snprintf(name, sizeof name, "attempt-%u.json", p->delivery.attempt);
    json_object_set_new(attempt, "attempt", json_integer(p->delivery.attempt));
    set_now(attempt);
    json_object_set_new(attempt, "endpoint", json_string(d->endpoint.config->name));
    json_object_set_new(attempt, "adapter", json_string(d->endpoint.config->adapter));
    const char *sha256 = document_text(&p->document, "message.sha256");
    if (sha256)
        json_object_set_new(attempt, "message_sha256", json_string(sha256));
    if (p->delivery.address)
        json_object_set(attempt, "address", p->delivery.address);
    return write_json(p->document.folder, name, attempt);
}

/* What the adapter recorded, with our words in front; of a receipt that settles an earlier one in doubt both
 * stay. */
int attempts_write_receipt(struct desk *d, struct parcel *p, unsigned k)
{
    char name[32], when[INSTANT_TEXT];
    json_t *receipt = json_object();
    snprintf(name, sizeof name, "receipt-%u.json", k);
    json_object_set_new(receipt, "attempt", json_integer(k));
    set_now(receipt);
    json_object_set_new(receipt, "endpoint", json_string(d->endpoint.config->name));
    json_object_set_new(receipt, "verdict", json_string(verdict_word(p->delivery.verdict)));
    if (p->asked)
        json_object_set_new(receipt, "found_by", json_string("asking the other side"));
    if (p->delivery.external[0])
        json_object_set_new(receipt, "external_id", json_string(p->delivery.external));
    if (p->delivery.awaited)
        json_object_set_new(receipt, "awaited", json_true());
    if (p->delivery.acknowledgment_due)
        json_object_set_new(receipt, "acknowledgment_due", json_integer(p->delivery.acknowledgment_due));
    if (p->findings.first)
        json_object_set_new(receipt, "problem", json_string(first_finding(&p->findings)));
    if (p->delivery.not_before && p->delivery.verdict != DELIVERED && p->delivery.verdict != REJECTED) {
        instant_print((struct instant){.seconds = p->delivery.not_before}, 0, when);
        json_object_set_new(receipt, "not_before", json_string(when));
    }
    if (p->delivery.receipt)
        json_object_update_missing(receipt, p->delivery.receipt);
    json_t *before = read_json(p->document.folder, name);
    json_t *first = before ? json_object_get(before, "before") : NULL;
    if (before) /* of a chain of askings the first one stays */
        json_object_set(receipt, "before", first ? first : before);
    json_decref(before);
    return write_json(p->document.folder, name, receipt);
}
