/* board: see board.h. The entries outlive the processes that write them; a role that is started again finds
 * its own. */
#include "role/board.h"
#include "adapter/adapter.h"
#include "base/date.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "role/confine.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RUN_FILE ".run.json"

static bool is_sent_to(const struct config *c, const char *endpoint)
{
    for (const struct partner *p = c->partners; p; p = p->next)
        for (const struct sending *s = p->sendings; s; s = s->next)
            if (!strcmp(s->endpoint, endpoint))
                return true;
    return false;
}

/* Documents may wait for an endpoint that no partner names any more: their courier says so in error/. */
static bool has_outbox(const struct config *c, const char *endpoint)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/outbox/%s", c->spool ? c->spool : "", endpoint);
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

static void add(struct board *b, enum role_kind kind, int slot, const char *endpoint)
{
    static const char *const words[] = {"translator", "courier", "poller", "metrics"};
    struct role *r = &b->roles[b->count];
    *r = (struct role){.kind = kind, .slot = slot, .endpoint = endpoint, .entry = &b->entries[b->count]};
    if (kind == ROLE_METRICS)
        snprintf(r->entry->role, sizeof r->entry->role, "%s", words[kind]);
    else if (endpoint)
        snprintf(r->entry->role, sizeof r->entry->role, "%s %s", words[kind], endpoint);
    else
        snprintf(r->entry->role, sizeof r->entry->role, "%s %d", words[kind], slot);
    b->count++;
}

int board_open(struct board *b, const struct config *c)
{
    *b = (struct board){.room = (size_t)c->translators + 1};
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next)
        b->room += 2;
    b->roles = calloc(b->room + 1, sizeof *b->roles);
    void *shared = mmap(NULL, (b->room + 1) * sizeof *b->entries, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    b->entries = shared == MAP_FAILED ? NULL : shared;
    if (!b->roles || !b->entries) {
        board_close(b);
        return -1;
    }
    for (int slot = 1; slot <= c->translators; slot++)
        add(b, ROLE_TRANSLATOR, slot, NULL);
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next) {
        const struct adapter *a = adapter_find(e->adapter);
        if (a && a->deliver && (is_sent_to(c, e->name) || has_outbox(c, e->name)))
            add(b, ROLE_COURIER, 0, e->name);
        if (a && (a->poll || a->chores))
            add(b, ROLE_POLLER, 0, e->name);
    }
    if (c->metrics.file || c->metrics.listen)
        add(b, ROLE_METRICS, 0, NULL);
    return 0;
}

void board_close(struct board *b)
{
    if (b->entries)
        munmap(b->entries, (b->room + 1) * sizeof *b->entries);
    free(b->roles);
    *b = (struct board){0};
}

int board_replace(struct board *b, const struct config *c)
{
    struct board anew;
    if (board_open(&anew, c) < 0)
        return -1;
    for (size_t i = 0; i < anew.count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (!strcmp(anew.roles[i].entry->role, b->roles[k].entry->role)) {
                memcpy(anew.roles[i].entry->outages, b->roles[k].entry->outages,
                       sizeof b->roles[k].entry->outages);
                anew.roles[i].restarts = b->roles[k].restarts;
                anew.roles[i].failures = b->roles[k].failures;
                anew.roles[i].down = b->roles[k].down;
            }
    board_close(b);
    *b = anew;
    return 0;
}

struct role *board_find(struct board *b, int pid)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->roles[i].pid == pid)
            return &b->roles[i];
    return NULL;
}

static json_t *row(const struct role *r)
{
    const struct board_entry *e = r->entry;
    char next[INSTANT_TEXT];
    json_t *object = json_object();
    json_object_set_new(object, "role", json_string(e->role));
    json_object_set_new(object, "pid", json_integer(r->pid));
    json_object_set_new(object, "state", json_string(!r->pid ? "down" : e->busy ? "busy" : "idle"));
    json_object_set_new(object, "failed", json_boolean(e->failed));
    json_object_set_new(object, "restarts", json_integer(r->restarts));
    json_object_set_new(object, "documents", json_integer(e->documents));
    if (r->kind == ROLE_TRANSLATOR)
        json_object_set_new(object, "confined", json_string(confine_words((unsigned)e->confined)));
    if (e->next_due > 0) {
        instant_print((struct instant){.seconds = e->next_due}, 0, next);
        json_object_set_new(object, "next_due", json_string(next));
    }
    return object;
}

int board_write(const struct board *b, const struct spool *s, const char *config_file, json_t *outages)
{
    char now[INSTANT_TEXT];
    struct buffer text = {0};
    json_t *run = json_object(), *roles = json_array();
    instant_print(instant_now(), 0, now);
    json_object_set_new(run, "pid", json_integer(getpid()));
    json_object_set_new(run, "updated", json_string(now));
    json_object_set_new(run, "config", json_string(config_file));
    for (size_t i = 0; i < b->count; i++)
        json_array_append_new(roles, row(&b->roles[i]));
    json_object_set_new(run, "roles", roles);
    json_object_set_new(run, "outages", outages);
    json_print(run, &text);
    int failed = file_replace(s->root, RUN_FILE, buffer_as_slice(&text), 0640, false) < 0 ? errno : 0;
    json_decref(run);
    buffer_free(&text);
    return failed;
}

void board_erase(const struct spool *s)
{
    unlinkat(s->root, RUN_FILE, 0);
}
