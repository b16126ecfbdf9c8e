/* dispatch: what a courier does with a group, against an adapter that answers as the test wants and counts
 * its effects. The point of each test is how often the effect took place, and where the document stands
 * afterwards. */
#include "tree.h"

#include "base/date.h"
#include "base/hash.h"
#include "base/json.h"
#include "role/dispatch.h"

#define ID "20260321T091455123456-9f3a1c"
#define NAME ID ".1"

static struct {
    enum verdict prepare, deliver, confirm;
    int64_t not_before;
    const char *external, *problem;
    unsigned delivered, confirmed, prepared, attempt;
    const char *place, *last_place; /* where it is now; where the last attempt went */
    bool awaited, looks_at_key;
    bool was_sending; /* what the state said of the key while it was being delivered */
} other_side;

static void check_last_address(const struct delivery *d)
{
    const char *place = json_text_at(d->last_address, "place");
    if (other_side.last_place)
        assert_string_equal(place ? place : "", other_side.last_place);
}

static void answer(struct delivery *d, enum verdict v)
{
    d->verdict = v;
    d->not_before = other_side.not_before;
    if (other_side.external)
        snprintf(d->external, sizeof d->external, "%s", other_side.external);
    if (other_side.problem)
        finding_add(d->findings, SEVERITY_ERROR, "test", "", "Do something.", "%s", other_side.problem);
    d->awaited = other_side.awaited;
    json_object_set_new(d->receipt, "status", json_integer(200));
}

static void prepare(struct endpoint *e, struct delivery *const *d, size_t n)
{
    (void)e;
    for (size_t i = 0; i < n; i++) {
        other_side.prepared++;
        if (other_side.prepare != DELIVERED)
            answer(d[i], other_side.prepare);
        d[i]->address = json_pack("{s:s}", "place", other_side.place);
        check_last_address(d[i]);
    }
}

static void deliver(struct endpoint *e, struct delivery *const *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char file[40];
        struct stat st;
        other_side.delivered++;
        other_side.attempt = d[i]->attempt;
        snprintf(file, sizeof file, "attempt-%u.json", d[i]->attempt);
        assert_int_equal(fstatat(d[i]->document->folder, file, &st, 0), 0); /* the attempt is written first */
        assert_true(slice_is(d[i]->message, "ISA*message~"));
        struct seen holder = {0};
        if (other_side.looks_at_key && state_look_at_key(e->state, "k", &holder) == 1)
            other_side.was_sending = holder.sending;
        answer(d[i], other_side.deliver);
    }
}

static void confirm(struct endpoint *e, struct delivery *d)
{
    (void)e;
    other_side.confirmed++;
    check_last_address(d);
    assert_true(d->attempted > 0);
    answer(d, other_side.confirm);
}

static const struct adapter fake = {
    .name = "fake", .prepare = prepare, .deliver = deliver, .confirm = confirm};

struct counter {
    struct tree tree;
    struct config config;
    struct endpoint_config endpoint;
    struct partner partner;
    struct sending sending;
    struct desk desk;
    struct arena arena;
    int outbox;
};

static void counter_open(struct counter *c)
{
    char path[400];
    memset(&other_side, 0, sizeof other_side);
    *c = (struct counter){0};
    tree_open(&c->tree);
    c->sending = (struct sending){.type = "order", .endpoint = "net"};
    c->partner = (struct partner){.id = "fjord", .name = "Fjord", .sendings = &c->sending};
    c->endpoint = (struct endpoint_config){.name = "net", .adapter = "fake"};
    c->config = (struct config){.endpoints = &c->endpoint, .partners = &c->partner};
    snprintf(path, sizeof path, "%s/state.db", c->tree.path);
    c->desk = (struct desk){.spool = c->tree.spool, .ready = true, .lock = -1, .role = "courier net"};
    c->desk.endpoint = (struct endpoint){.config = &c->endpoint,
                                         .all = &c->config,
                                         .spool = &c->desk.spool,
                                         .state = state_open(path, &c->tree.findings),
                                         .adapter = &fake};
    assert_non_null(c->desk.endpoint.state);
    c->outbox = spool_outbox(&c->desk.spool, "net");
    assert_true(c->outbox >= 0);
}

static void counter_close(struct counter *c)
{
    state_close(c->desk.endpoint.state);
    arena_free(&c->arena);
    tree_close(&c->tree);
}

/* A document as a translator leaves it. */
static void put(struct counter *c, const char *folder)
{
    char path[300], sha256[HASH_TEXT], text[900];
    hash_sha256(SLICE("ISA*message~"), sha256);
    snprintf(path, sizeof path, "%s/message.x12", folder);
    tree_put(&c->tree, path, "ISA*message~");
    snprintf(text, sizeof text,
             "{\"id\":\"" ID
             "\",\"type\":\"order\",\"number\":\"4711\",\"partner\":\"fjord\",\"business_key\":\"k\","
             "\"canonical\":{\"sha256\":\"c\"},\"message\":{\"file\":\"message.x12\",\"sha256\":\"%s\"}}",
             sha256);
    snprintf(path, sizeof path, "%s/document.json", folder);
    tree_put(&c->tree, path, text);
}

static struct batch send_group(struct counter *c)
{
    struct batch b = {.arena = &c->arena};
    struct document d;
    struct findings f = {.arena = &c->arena};
    assert_int_equal(document_open(&d, c->outbox, NAME, &f), 0);
    document_take(&d, "outbox/there");
    batch_add(&b, &d);
    assert_int_equal(dispatch(&c->desk, &b), 0);
    batch_free(&b);
    return b;
}

static const char *text(struct counter *c, const char *folder, const char *file, const char *path)
{
    char name[300];
    json_error_t error;
    snprintf(name, sizeof name, "%s/" NAME "/%s", folder, file);
    json_t *j = json_loads(tree_text(&c->tree, name), 0, &error);
    const char *found = j ? json_text_at(j, path) : NULL;
    found = found ? arena_text(&c->tree.arena, slice_of(found)) : "";
    json_decref(j);
    return found;
}

#define OUTBOX "outbox/net"
#define ARCHIVE "archive/2026/03/21"

static void delivered_goes_to_the_archive(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.external = "tx-1";
    struct batch b = send_group(&c);
    assert_int_equal(b.delivered, 1);
    assert_int_equal(other_side.delivered, 1);
    assert_int_equal(other_side.prepared, 1);
    assert_int_equal(other_side.confirmed, 0);
    assert_true(tree_has(&c.tree, ARCHIVE "/" NAME "/receipt-1.json"));
    assert_string_equal(text(&c, ARCHIVE, "document.json", "outcome"), "delivered");
    assert_string_equal(text(&c, ARCHIVE, "document.json", "external_id"), "tx-1");
    assert_string_equal(text(&c, ARCHIVE, "receipt-1.json", "verdict"), "delivered");
    assert_false(tree_has(&c.tree, OUTBOX "/" NAME));
    counter_close(&c);
}

static void retry_stays_and_says_when(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.deliver = RETRY;
    other_side.problem = "The other side said 503.";
    other_side.not_before = instant_now().seconds + 100;
    for (unsigned k = 1; k <= 3; k++) {
        send_group(&c);
        assert_int_equal(other_side.attempt, k);
        assert_int_equal(other_side.delivered, k);
    }
    assert_int_equal(other_side.confirmed, 0); /* a retry is settled: nothing is in doubt */
    struct instant when;
    assert_true(instant_parse(slice_of(text(&c, OUTBOX, "document.json", "not_before")), &when));
    assert_int_equal(when.seconds, other_side.not_before);
    assert_string_equal(text(&c, OUTBOX, "document.json", "problem"), "The other side said 503.");
    /* a time in the past would be tried again and again */
    other_side.not_before = 0;
    send_group(&c);
    assert_true(instant_parse(slice_of(text(&c, OUTBOX, "document.json", "not_before")), &when));
    assert_true(when.seconds > instant_now().seconds - 1);
    counter_close(&c);
}

static void rejected_goes_to_error_and_can_be_put_back(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.deliver = REJECTED;
    other_side.problem = "BEG03 is not known here.";
    struct batch b = send_group(&c);
    assert_int_equal(b.failed, 1);
    assert_non_null(strstr(tree_text(&c.tree, "error/" NAME "/error.txt"), "BEG03 is not known here."));
    assert_string_equal(text(&c, "error", "document.json", "outcome"), "rejected");
    assert_string_equal(text(&c, "error", "document.json", "failed_in"), "outbox");
    assert_int_equal(renameat(c.tree.spool.root, "error/" NAME, c.tree.spool.root, OUTBOX "/" NAME), 0);
    other_side.deliver = DELIVERED;
    other_side.problem = NULL;
    send_group(&c);
    assert_int_equal(other_side.attempt, 2);
    assert_string_equal(text(&c, ARCHIVE, "document.json", "outcome"), "delivered");
    assert_false(tree_has(&c.tree, ARCHIVE "/" NAME "/error.txt"));
    counter_close(&c);
}

/* An attempt without a receipt: killed, or the answer was lost. */
static void doubt_is_asked_about(void **state)
{
    (void)state;
    static const char *const receipts[] = {
        NULL, "", "{\"verdict\":", "[]", "{\"verdict\":\"in-doubt\"}", "{\"verdict\":7}"};
    for (size_t i = 0; i < sizeof receipts / sizeof *receipts; i++) {
        struct counter c;
        counter_open(&c);
        put(&c, OUTBOX "/" NAME);
        tree_put(&c.tree, OUTBOX "/" NAME "/attempt-1.json",
                 i % 2 ? "{\"at\":\"2026-03-21T09:15:00Z\"}" : "broken");
        if (receipts[i])
            tree_put(&c.tree, OUTBOX "/" NAME "/receipt-1.json", receipts[i]);
        other_side.confirm = IN_DOUBT;
        other_side.not_before = instant_now().seconds + 5;
        send_group(&c);
        assert_int_equal(other_side.confirmed, 1);
        assert_true(tree_has(&c.tree, OUTBOX "/" NAME));
        send_group(&c);
        assert_int_equal(other_side.confirmed, 2);
        other_side.confirm = DELIVERED;
        other_side.external = "tx-9";
        send_group(&c);
        assert_int_equal(other_side.confirmed, 3);
        assert_int_equal(other_side.delivered, 0); /* never sent again */
        assert_string_equal(text(&c, ARCHIVE, "receipt-1.json", "verdict"), "delivered");
        assert_string_equal(text(&c, ARCHIVE, "receipt-1.json", "found_by"), "asking the other side");
        assert_string_equal(text(&c, ARCHIVE, "document.json", "external_id"), "tx-9");
        counter_close(&c);
    }
}

/* Nothing is attempted before what is in its file is on the disk. */
static void an_attempt_that_was_not_begun_is_none(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    tree_put(&c.tree, OUTBOX "/" NAME "/attempt-1.json", "");
    other_side.deliver = DELIVERED;
    send_group(&c);
    assert_int_equal(other_side.confirmed, 0);
    assert_int_equal(other_side.delivered, 1);
    assert_true(tree_has(&c.tree, ARCHIVE "/" NAME "/attempt-2.json") ||
                tree_has(&c.tree, ARCHIVE "/attempt-2.json"));
    counter_close(&c);
}

static void where_an_attempt_went_is_remembered_with_it(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.place = "one";
    other_side.last_place = "";
    other_side.deliver = IN_DOUBT;
    send_group(&c);
    assert_string_equal(text(&c, OUTBOX, "attempt-1.json", "address.place"), "one");
    other_side.place = "two"; /* the endpoint's address is changed */
    other_side.last_place = "one";
    other_side.confirm = RETRY;
    other_side.deliver = RETRY;
    send_group(&c);
    assert_string_equal(text(&c, OUTBOX, "attempt-2.json", "address.place"), "two");
    other_side.last_place = "two"; /* also when that one is settled */
    other_side.deliver = DELIVERED;
    send_group(&c);
    assert_string_equal(text(&c, ARCHIVE, "attempt-3.json", "address.place"), "two");
    counter_close(&c);
}

static void what_did_not_arrive_is_sent_again_at_once(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    tree_put(&c.tree, OUTBOX "/" NAME "/attempt-1.json", "{}");
    other_side.confirm = RETRY;
    send_group(&c);
    assert_int_equal(other_side.confirmed, 1);
    assert_int_equal(other_side.delivered, 1);
    assert_int_equal(other_side.attempt, 2);
    assert_string_equal(text(&c, ARCHIVE, "receipt-1.json", "verdict"), "retry");
    assert_string_equal(text(&c, ARCHIVE, "receipt-2.json", "verdict"), "delivered");
    counter_close(&c);
}

static void an_answer_that_is_lost_is_not_a_failure(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.deliver = IN_DOUBT;
    send_group(&c);
    assert_string_equal(text(&c, OUTBOX, "receipt-1.json", "verdict"), "in-doubt");
    other_side.confirm = DELIVERED;
    send_group(&c);
    assert_int_equal(other_side.delivered, 1);
    assert_string_equal(text(&c, ARCHIVE, "receipt-1.json", "before.verdict"), "in-doubt");
    counter_close(&c);
}

/* Killed behind the receipt: only the move is missing, and what is awaited is awaited. */
static void killed_before_the_move(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.external = "tx-1";
    other_side.awaited = true;
    send_group(&c);
    assert_int_equal(state_await_done(c.desk.endpoint.state, NAME), 0);
    assert_int_equal(renameat(c.tree.spool.root, ARCHIVE "/" NAME, c.tree.spool.root, OUTBOX "/" NAME), 0);
    put(&c, OUTBOX "/" NAME); /* document.json as it was before */
    send_group(&c);
    assert_int_equal(other_side.delivered, 1);
    assert_int_equal(other_side.confirmed, 0);
    assert_true(tree_has(&c.tree, ARCHIVE "/" NAME));
    assert_string_equal(text(&c, ARCHIVE, "document.json", "external_id"), "tx-1");
    struct findings f = {.arena = &c.arena};
    struct document d;
    int day = openat(c.tree.spool.root, ARCHIVE, O_RDONLY | O_DIRECTORY);
    assert_int_equal(document_open(&d, day, NAME, &f), 0);
    /* refused later by the network, moved to error/, and put back by a person: sent again */
    document_set(&d, "outcome", "failed");
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    close(day);
    assert_int_equal(renameat(c.tree.spool.root, ARCHIVE "/" NAME, c.tree.spool.root, OUTBOX "/" NAME), 0);
    send_group(&c);
    assert_int_equal(other_side.delivered, 2);
    assert_int_equal(other_side.attempt, 2);
    counter_close(&c);
}

static void move_folder(struct counter *c, const char *from, const char *to)
{
    assert_int_equal(renameat(c->tree.spool.root, from, c->tree.spool.root, to), 0);
}

static bool history_says(struct counter *c, const char *folder, const char *what)
{
    char path[400];
    snprintf(path, sizeof path, "%s/document.json", folder);
    return strstr(tree_text(&c->tree, path), what) != NULL;
}

/* mv archive/… outbox/…: not sent a second time, neither there nor elsewhere, and the history says so. */
static void what_was_delivered_is_not_sent_again(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.external = "tx-1";
    send_group(&c);
    assert_int_equal(other_side.delivered, 1);
    move_folder(&c, ARCHIVE "/" NAME, OUTBOX "/" NAME);
    send_group(&c);
    assert_int_equal(other_side.delivered, 1);
    assert_true(history_says(&c, ARCHIVE "/" NAME, "but it was delivered already: not sent again"));
    /* the outbox of another endpoint */
    c.endpoint.name = "other";
    move_folder(&c, ARCHIVE "/" NAME, OUTBOX "/" NAME);
    send_group(&c);
    assert_int_equal(other_side.delivered, 1);
    assert_string_equal(text(&c, ARCHIVE, "document.json", "endpoint"), "net");
    assert_string_equal(text(&c, ARCHIVE, "document.json", "outcome"), "delivered");
    assert_true(history_says(&c, ARCHIVE "/" NAME, "delivered to net already"));
    /* on purpose, as docs/spool.md says: the attempt under another name */
    c.endpoint.name = "net";
    assert_int_equal(renameat(c.tree.spool.root, ARCHIVE "/" NAME "/attempt-1.json", c.tree.spool.root,
                              ARCHIVE "/" NAME "/sent-1.json"),
                     0);
    move_folder(&c, ARCHIVE "/" NAME, OUTBOX "/" NAME);
    send_group(&c);
    assert_int_equal(other_side.delivered, 2);
    assert_int_equal(other_side.attempt, 2);
    assert_true(history_says(&c, ARCHIVE "/" NAME, "to be sent once more: it was delivered before"));
    counter_close(&c);
}

/* "rejected" is what the other side said. What spoolgate does not send, or gives up, is called that. */
static void nothing_is_called_refused_that_nobody_refused(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    tree_put(&c.tree, OUTBOX "/" NAME "/message.x12", "ISA*massage~");
    send_group(&c);
    assert_int_equal(other_side.delivered, 0);
    assert_string_equal(text(&c, "error", "document.json", "outcome"), "stopped");
    assert_true(history_says(&c, "error/" NAME, "not sent, to error/: "));
    assert_int_equal(file_remove_tree(c.tree.spool.root, "error/" NAME), 0);

    put(&c, OUTBOX "/" NAME);
    other_side.deliver = REJECTED;
    other_side.problem = "BEG03 is not known here.";
    send_group(&c);
    assert_string_equal(text(&c, "error", "document.json", "outcome"), "rejected");
    assert_true(history_says(&c, "error/" NAME, "refused by the other side, to error/: BEG03"));
    assert_int_equal(file_remove_tree(c.tree.spool.root, "error/" NAME), 0);

    put(&c, OUTBOX "/" NAME);
    struct findings f = {.arena = &c.arena};
    struct document d;
    assert_int_equal(document_open(&d, c.outbox, NAME, &f), 0);
    document_set_integer(&d, "attempts", 9);
    document_set_integer(&d, "trying_since", instant_now().seconds - 49 * 3600);
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    other_side.deliver = RETRY;
    send_group(&c);
    assert_string_equal(text(&c, "error", "document.json", "outcome"), "given-up");
    assert_true(history_says(&c, "error/" NAME, "given up, to error/: "));
    counter_close(&c);
}

/* Whose hand moved it: a command's user is named, mv leaves none; nothing is noted twice. */
static void the_history_says_who_moved_it(void **state)
{
    (void)state;
    struct counter c;
    struct findings f = {.arena = &c.arena};
    struct document d;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.deliver = REJECTED;
    send_group(&c);
    move_folder(&c, "error/" NAME, OUTBOX "/" NAME);
    send_group(&c);
    assert_true(history_says(&c, "error/" NAME, "moved by hand from error/ to outbox/there/"));
    move_folder(&c, "error/" NAME, OUTBOX "/" NAME);
    assert_int_equal(document_open(&d, c.outbox, NAME, &f), 0);
    document_note_person(&d, "kari", "they asked for it", "put back by spoolgate retry");
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    send_group(&c);
    assert_true(history_says(&c, "error/" NAME, "operator kari"));
    assert_true(history_says(&c, "error/" NAME, "they asked for it"));
    assert_null(strstr(strstr(tree_text(&c.tree, "error/" NAME "/document.json"), "moved by hand") + 1,
                       "moved by hand"));
    /* of another endpoint, by mv */
    c.endpoint.name = "other";
    other_side.deliver = DELIVERED;
    assert_int_equal(unlinkat(c.tree.spool.root, "error/" NAME "/error.txt", 0), 0);
    move_folder(&c, "error/" NAME, OUTBOX "/" NAME);
    send_group(&c);
    assert_true(history_says(&c, ARCHIVE "/" NAME, "moved by hand to outbox/other/; it was for net"));
    counter_close(&c);
}

/* Refused by the network after it was delivered, corrected and translated anew: its last receipt says
 * "delivered" of what was sent before. */
static void what_was_translated_anew_is_sent(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    send_group(&c);
    struct findings f = {.arena = &c.arena};
    struct document d;
    int day = openat(c.tree.spool.root, ARCHIVE, O_RDONLY | O_DIRECTORY);
    assert_int_equal(document_open(&d, day, NAME, &f), 0);
    document_set(&d, "outcome", NULL); /* as a translator leaves it */
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    close(day);
    move_folder(&c, ARCHIVE "/" NAME, OUTBOX "/" NAME);
    send_group(&c);
    assert_int_equal(other_side.delivered, 2);
    counter_close(&c);
}

static void doubt_is_asked_about_where_it_arose(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    tree_put(&c.tree, OUTBOX "/" NAME "/attempt-1.json",
             "{\"attempt\":1,\"at\":\"2026-03-21T09:15:00Z\",\"endpoint\":\"first\"}");
    send_group(&c);
    assert_int_equal(other_side.delivered + other_side.confirmed, 0);
    assert_string_equal(text(&c, "error", "document.json", "outcome"), "undecided");
    assert_non_null(strstr(tree_text(&c.tree, "error/" NAME "/error.txt"), "outbox/first/"));
    counter_close(&c);
}

/* Broken off, translated anew, and then the first try turns out to have arrived: not archived as if this
 * message had been sent; a person decides. */
static void an_earlier_message_that_arrived_is_told(void **state)
{
    (void)state;
    struct counter c;
    struct seen holder;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    tree_put(
        &c.tree, OUTBOX "/" NAME "/attempt-1.json",
        "{\"attempt\":1,\"at\":\"2026-03-21T09:15:00Z\",\"endpoint\":\"net\",\"message_sha256\":\"other\"}");
    other_side.confirm = DELIVERED;
    send_group(&c);
    assert_int_equal(other_side.confirmed, 1);
    assert_int_equal(other_side.delivered, 0);
    assert_string_equal(text(&c, "error", "document.json", "outcome"), "undecided");
    assert_string_equal(text(&c, "error", "receipt-1.json", "verdict"), "delivered");
    assert_non_null(strstr(tree_text(&c.tree, "error/" NAME "/error.txt"), "earlier message"));
    assert_int_equal(state_look_at_key(c.desk.endpoint.state, "k", &holder), 1);
    assert_int_equal(holder.delivered, 1);
    move_folder(&c, "error/" NAME, OUTBOX "/" NAME); /* it is to have this one as well */
    send_group(&c);
    assert_int_equal(other_side.delivered, 1);
    assert_int_equal(other_side.attempt, 2);
    assert_true(tree_has(&c.tree, ARCHIVE "/" NAME));
    counter_close(&c);
}

/* The spool comes from a backup of before the delivery, the state does not. */
static void an_older_spool_sends_nothing_twice(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    send_group(&c);
    assert_int_equal(other_side.delivered, 1);
    assert_int_equal(file_remove_tree(c.tree.spool.root, ARCHIVE "/" NAME), 0);
    put(&c, OUTBOX "/" NAME);
    send_group(&c);
    assert_int_equal(other_side.delivered, 1);
    assert_string_equal(text(&c, "error", "document.json", "outcome"), "undecided");
    assert_non_null(strstr(tree_text(&c.tree, "error/" NAME "/error.txt"), "receipt-1.json"));
    /* asked, and it was not there */
    tree_put(&c.tree, "error/" NAME "/receipt-1.json", "");
    move_folder(&c, "error/" NAME, OUTBOX "/" NAME);
    send_group(&c);
    assert_int_equal(other_side.delivered, 2);
    counter_close(&c);
}

static void an_altered_message_is_not_sent(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    tree_put(&c.tree, OUTBOX "/" NAME "/message.x12", "ISA*massage~");
    send_group(&c);
    assert_int_equal(other_side.delivered, 0);
    assert_true(tree_has(&c.tree, "error/" NAME "/error.txt"));
    counter_close(&c);
}

static void broken_folders_are_not_sent(void **state)
{
    (void)state;
    static const char *const envelopes[] = {
        "",
        "{",
        "[1]",
        "{\"id\":\"" ID "\"}",
        "{\"id\":\"" ID "\",\"partner\":\"nobody\",\"message\":{\"file\":\"message.x12\"}}",
        "{\"id\":\"" ID "\",\"partner\":\"fjord\",\"message\":{\"file\":\"../../x\"}}",
        "{\"id\":\"" ID "\",\"partner\":\"fjord\",\"message\":{\"file\":\"none\"}}",
        "{\"id\":\"" ID "\",\"partner\":7,\"message\":[],\"attempts\":-1}"};
    for (size_t i = 0; i < sizeof envelopes / sizeof *envelopes; i++) {
        struct counter c;
        counter_open(&c);
        put(&c, OUTBOX "/" NAME);
        tree_put(&c.tree, OUTBOX "/" NAME "/document.json", envelopes[i]);
        send_group(&c);
        assert_int_equal(other_side.delivered, 0);
        assert_true(tree_has(&c.tree, "error/" NAME "/error.txt"));
        counter_close(&c);
    }
}

static void a_document_that_was_replaced_is_not_sent(void **state)
{
    (void)state;
    struct counter c;
    struct seen holder;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    tree_put(&c.tree, "archive/2026/03/22/20260322T000000000000-aaaaaa.1/document.json", "{}");
    assert_int_equal(
        state_claim_key(c.desk.endpoint.state, "k", "20260322T000000000000-aaaaaa.1", "c", "erp", &holder),
        0);
    send_group(&c);
    assert_int_equal(other_side.delivered, 0);
    assert_true(tree_has(&c.tree, "error/" NAME));
    assert_int_equal(renameat(c.tree.spool.root, "error/" NAME, c.tree.spool.root, OUTBOX "/" NAME), 0);
    assert_int_equal(file_remove_tree(c.tree.spool.root, "archive/2026/03/22"), 0);
    send_group(&c); /* the other one is gone */
    assert_int_equal(other_side.delivered, 1);
    counter_close(&c);
}

static bool is_sending(struct counter *c)
{
    struct seen holder = {0};
    assert_int_equal(state_look_at_key(c->desk.endpoint.state, "k", &holder), 1);
    return holder.sending;
}

/* A translator that has an order of the ERP in hand looks there before it takes the number from another
 * source: from before the attempt until it is known that the document did not arrive. */
static void another_source_is_told_what_is_being_sent(void **state)
{
    (void)state;
    static const char *const precedence[] = {"erp", NULL};
    static const struct {
        enum verdict verdict;
        bool sending;
    } cases[] = {{RETRY, false}, {HELD, false}, {REJECTED, false}, {IN_DOUBT, true}};
    struct counter c;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        counter_open(&c);
        c.config.precedence = i % 2 ? precedence : NULL;
        put(&c, OUTBOX "/" NAME); /* from no source that is named */
        other_side.deliver = cases[i / 2].verdict;
        other_side.looks_at_key = true;
        send_group(&c);
        assert_int_equal(other_side.delivered, 1);
        assert_int_equal(other_side.was_sending,
                         i % 2); /* without a precedence nobody asks, and nothing is written */
        assert_int_equal(is_sending(&c), i % 2 && cases[i / 2].sending);
        counter_close(&c);
    }
}

static void held_changes_nothing(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.prepare = HELD;
    other_side.not_before = instant_now().seconds + 60;
    other_side.problem = "There is no relationship with FJORD.";
    struct batch b = send_group(&c);
    assert_int_equal(b.held_until, other_side.not_before);
    assert_string_equal(b.held_why, "There is no relationship with FJORD. Do something.");
    assert_int_equal(other_side.delivered, 0);
    assert_true(tree_has(&c.tree, OUTBOX "/" NAME));
    assert_false(tree_has(&c.tree, OUTBOX "/" NAME "/attempt-1.json"));
    counter_close(&c);
}

static void trying_ends_some_day(void **state)
{
    (void)state;
    struct counter c;
    counter_open(&c);
    put(&c, OUTBOX "/" NAME);
    other_side.deliver = RETRY;
    for (int i = 0; i < 5; i++)
        send_group(&c);
    assert_true(tree_has(&c.tree, OUTBOX "/" NAME));
    struct findings f = {.arena = &c.arena};
    struct document d;
    assert_int_equal(document_open(&d, c.outbox, NAME, &f), 0);
    document_set_integer(&d, "trying_since", instant_now().seconds - 49 * 3600);
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    send_group(&c);
    assert_non_null(strstr(tree_text(&c.tree, "error/" NAME "/error.txt"), "48 hours"));
    counter_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivered_goes_to_the_archive),
        cmocka_unit_test(retry_stays_and_says_when),
        cmocka_unit_test(rejected_goes_to_error_and_can_be_put_back),
        cmocka_unit_test(doubt_is_asked_about),
        cmocka_unit_test(an_attempt_that_was_not_begun_is_none),
        cmocka_unit_test(where_an_attempt_went_is_remembered_with_it),
        cmocka_unit_test(what_did_not_arrive_is_sent_again_at_once),
        cmocka_unit_test(an_answer_that_is_lost_is_not_a_failure),
        cmocka_unit_test(killed_before_the_move),
        cmocka_unit_test(nothing_is_called_refused_that_nobody_refused),
        cmocka_unit_test(the_history_says_who_moved_it),
        cmocka_unit_test(what_was_delivered_is_not_sent_again),
        cmocka_unit_test(what_was_translated_anew_is_sent),
        cmocka_unit_test(doubt_is_asked_about_where_it_arose),
        cmocka_unit_test(an_earlier_message_that_arrived_is_told),
        cmocka_unit_test(an_older_spool_sends_nothing_twice),
        cmocka_unit_test(an_altered_message_is_not_sent),
        cmocka_unit_test(broken_folders_are_not_sent),
        cmocka_unit_test(a_document_that_was_replaced_is_not_sent),
        cmocka_unit_test(another_source_is_told_what_is_being_sent),
        cmocka_unit_test(held_changes_nothing),
        cmocka_unit_test(trying_ends_some_day),
    };
    return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
