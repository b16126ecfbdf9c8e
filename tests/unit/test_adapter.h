/* What the tests of adapters share: an endpoint with settings, and documents on their way to it. */
#ifndef SPOOLGATE_TESTS_UNIT_TEST_ADAPTER_H
#define SPOOLGATE_TESTS_UNIT_TEST_ADAPTER_H

#include "tree.h"

#include "adapter/adapter.h"
#include "base/date.h"
#include "base/json.h"

#define MAX_SETTINGS 24
#define MAX_ITEMS 16

struct item { /* a document on its way */
    struct document document;
    struct findings findings;
    struct delivery delivery;
};

struct site {
    struct tree tree;
    struct endpoint_config config;
    struct setting settings[MAX_SETTINGS];
    size_t setting_count;
    struct endpoint endpoint;
    struct item items[MAX_ITEMS];
    size_t count;
    int outbox;
};

static inline void site_open(struct site *s, const char *adapter)
{
    char path[600];
    memset(s, 0, sizeof *s);
    tree_open(&s->tree);
    s->config =
        (struct endpoint_config){.name = "hansen", .adapter = adapter, .file = "spoolgate.conf", .line = 1};
    s->endpoint =
        (struct endpoint){.config = &s->config, .spool = &s->tree.spool, .adapter = adapter_find(adapter)};
    snprintf(path, sizeof path, "%s/state.db", s->tree.path);
    s->endpoint.state = state_open(path, &s->tree.findings);
    assert_non_null(s->endpoint.state);
    s->outbox = spool_outbox(&s->tree.spool, "hansen");
    assert_true(s->outbox >= 0);
}

static inline void site_set(struct site *s, const char *key, const char *value)
{
    struct setting *x = NULL;
    for (size_t i = 0; i < s->setting_count; i++)
        if (!strcmp(s->settings[i].key, key))
            x = &s->settings[i];
    if (!x) {
        assert_true(s->setting_count < MAX_SETTINGS);
        x = &s->settings[s->setting_count++];
        x->next = s->config.settings;
        s->config.settings = x;
    }
    x->key = key;
    x->value = arena_text(&s->tree.arena, slice_of(value));
    x->file = "spoolgate.conf";
    x->line = 2;
}

static inline void site_connect(struct site *s)
{
    assert_int_equal(s->endpoint.adapter->open(&s->endpoint, &s->tree.findings), 0);
}

static inline void site_disconnect(struct site *s)
{
    if (s->endpoint.session)
        s->endpoint.adapter->close(&s->endpoint);
    s->endpoint.session = NULL;
}

static inline void site_forget_items(struct site *s)
{
    for (size_t i = 0; i < s->count; i++) {
        json_decref(s->items[i].delivery.receipt);
        json_decref(s->items[i].delivery.address);
        json_decref(s->items[i].delivery.last_address);
        document_close(&s->items[i].document);
    }
    s->count = 0;
}

static inline void site_close(struct site *s)
{
    site_forget_items(s);
    site_disconnect(s);
    state_close(s->endpoint.state);
    secrets_close(s->endpoint.secrets);
    tree_close(&s->tree);
}

/* A document in the outbox whose file is to be called name there. */
static inline struct delivery *site_add(struct site *s, const char *name, struct slice message)
{
    char id[DOCUMENT_NAME_TEXT], folder[600];
    struct item *i = &s->items[s->count++];
    assert_true(s->count <= MAX_ITEMS);
    document_id_new(id);
    snprintf(folder, sizeof folder, "outbox/hansen/%s.1", id);
    assert_int_equal(file_make_directories(s->tree.spool.root, folder, 0750), 0);
    *i = (struct item){.findings = {.arena = &s->tree.arena}};
    assert_int_equal(document_open(&i->document, s->outbox, strrchr(folder, '/') + 1, &i->findings), 0);
    json_object_set_new(i->document.envelope, "message",
                        json_pack("{s:s, s:s}", "name", name, "file", "message.x12"));
    i->delivery = (struct delivery){
        .document = &i->document, .message = message, .attempt = 1, .findings = &i->findings};
    i->delivery.receipt = json_object();
    return &i->delivery;
}

/* The courier's order; true: prepare only. Results are in the deliveries. */
static inline void site_send(struct site *s, bool only_prepare)
{
    struct delivery *d[MAX_ITEMS];
    size_t n = 0, go = 0;
    for (size_t i = 0; i < s->count; i++) {
        s->items[i].delivery.verdict = DELIVERED;
        d[n++] = &s->items[i].delivery;
    }
    s->endpoint.adapter->prepare(&s->endpoint, d, n);
    for (size_t i = 0; i < n; i++)
        if (d[i]->verdict == DELIVERED)
            d[go++] = d[i];
    assert_int_equal(spool_sync(&s->tree.spool), 0);
    if (!only_prepare && go)
        s->endpoint.adapter->deliver(&s->endpoint, d, go);
}

/* The courier finds its attempt in doubt: what was remembered of it is handed back. */
static inline enum verdict site_confirm(struct site *s, struct delivery *d)
{
    json_decref(d->last_address);
    d->last_address = json_deep_copy(d->address);
    d->verdict = IN_DOUBT;
    s->endpoint.adapter->confirm(&s->endpoint, d);
    return d->verdict;
}

/* …and goes on with the next attempt. */
static inline void site_next_attempt(struct site *s, struct delivery *d)
{
    d->attempt++;
    json_decref(d->last_address);
    d->last_address = d->address;
    d->address = NULL;
    site_send(s, false);
}

static inline bool said_of(const struct delivery *d, const char *code)
{
    for (const struct finding *f = d->findings->first; f; f = f->next)
        if (!strncmp(f->code, code, strlen(code)))
            return true;
    return false;
}

/* Number of files in a directory; *last is the name of one. */
static inline int files_in(const char *path, char last[256])
{
    DIR *d = opendir(path);
    struct dirent *e;
    int n = 0;
    while (d && (e = readdir(d)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
            n++;
            if (last)
                snprintf(last, 256, "%s", e->d_name);
        }
    if (d)
        closedir(d);
    return d ? n : -1;
}

static inline const char *text_of_file(struct site *s, const char *dir, const char *name)
{
    char path[700];
    struct buffer b = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    const char *text =
        file_read(AT_FDCWD, path, 1 << 28, &b) ? NULL : arena_text(&s->tree.arena, buffer_as_slice(&b));
    buffer_free(&b);
    return text;
}

static inline void put_file(const char *dir, const char *name, const char *text)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(file_write(AT_FDCWD, path, slice_of(text), 0640, false), 0);
}

static inline int poll_once(struct site *s)
{
    int64_t next = 0;
    return s->endpoint.adapter->poll(&s->endpoint, &next, &s->tree.findings);
}

#endif
