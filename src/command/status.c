/* spoolgate status: how much is where, who is at work, and what needs a person. Gathered into one JSON
 * object, which
 * --json prints and the table is made from. */
#include "adapter/adapter.h"
#include "base/file.h"
#include "base/json.h"
#include "command/status.h"
#include "command/waiting.h"
#include "state/mark.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_PROBLEMS 20
#define SHOWN_WAITING 5   /* of each source and endpoint */
#define WAITING_LONG 3600 /* s: a person should see why */

static int usage(FILE *out)
{
    fputs("usage: spoolgate status [-c FILE] [--json]\n\n"
          "Counts what is in each stage, says which roles run, and names what needs a person: documents in "
          "error/, held\n"
          "endpoints, roles that are down, acknowledgments that are late.\n\n"
          "  -c, --config FILE  this configuration\n"
          "      --json         one JSON object, for scripts\n\n"
          "Exit status: 0 all is well, 1 something needs a person, 64 usage, 66 no spool, 78 the "
          "configuration is not\n"
          "in order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static json_t *text_of(const char *text)
{
    json_t *j = json_string(text ? text : "");
    return j ? j : json_string("(no text)");
}

void status_problem(struct looking *l, const char *what, const char *where, const char *said)
{
    json_t *j = json_object();
    json_object_set_new(j, "what", json_string(what));
    json_object_set_new(j, "where", text_of(where));
    json_object_set_new(j, "said", text_of(said));
    json_array_append_new(l->problems, j);
}

static long count(struct looking *l, const char *place)
{
    const char **names;
    long n = view_names(&l->view, place, &names);
    return n < 0 ? 0 : n;
}

/* ---- stages ---- */

static void add_waiting(struct looking *l, const char *path, const char *what, const char *said,
                        json_t *waits)
{
    json_t *j = json_object();
    json_object_set_new(j, "path", text_of(path));
    json_object_set_new(j, "what", text_of(what));
    json_object_set_new(j, "said", text_of(said));
    if (waits)
        json_object_set_new(j, "waits", waits);
    json_array_append_new(l->waiting, j);
    l->shown_here++;
}

/* Counts the files of a source; of the first ones that something keeps there is said what. */
static long look_at_source(struct looking *l, const char *place)
{
    const char **names;
    long n = view_names(&l->view, place, &names);
    l->shown_here = 0;
    for (long i = 0; i < n && i < SHOWN_WAITING; i++) {
        struct stat st;
        const char *path = arena_printf(&l->view.arena, "%s/%s", place, names[i]);
        if (fstatat(l->view.spool.root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        const char *why = waiting_file(&l->view, names[i], &st);
        if (*why)
            add_waiting(l, path, "", why, NULL);
    }
    l->in_stages += n < 0 ? 0 : n;
    return n < 0 ? 0 : n;
}

static void look_at_inbox(struct looking *l)
{
    const char **sources;
    json_t *inbox = json_object();
    long n = view_names(&l->view, "inbox", &sources);
    for (long i = 0; i < n; i++) {
        char place[600];
        struct stat st;
        if (fstatat(l->view.spool.stage[STAGE_INBOX], sources[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (!S_ISDIR(st.st_mode)) {
            status_problem(
                l, "stray", arena_printf(&l->view.arena, "inbox/%s", sources[i]),
                "it lies in inbox/ itself and is not taken: move it into a folder below, which says the "
                "source");
            continue;
        }
        json_t *name = text_of(sources[i]);
        snprintf(place, sizeof place, "inbox/%s", sources[i]);
        if (name)
            json_object_set_new(inbox, json_string_value(name), json_integer(look_at_source(l, place)));
        json_decref(name);
    }
    json_object_set_new(l->status, "inbox", inbox);
}

static void look_at_translate(struct looking *l)
{
    const char **names;
    long in_hand = 0;
    for (int slot = 0; slot < 64; slot++) {
        char place[64];
        snprintf(place, sizeof place, "translate/.work-%d", slot);
        long n = view_names(&l->view, place, &names);
        for (long i = 0; i < n; i++)
            in_hand += document_name_parse(names[i], NULL, NULL);
    }
    long waiting = count(l, "translate");
    l->in_stages += waiting + in_hand;
    json_object_set_new(l->status, "translate", json_integer(waiting));
    json_object_set_new(l->status, "in_hand", json_integer(in_hand));
}

/* A mark says why, what to do, and when it is tried again. */
static void look_at_hold(struct looking *l, const char *place, int outbox, const char *mark, json_t *in_part)
{
    struct buffer text = {0};
    bool whole = !strcmp(mark, ".held");
    if (file_read(outbox, mark, 65536, &text) == 0 && text.len) {
        for (char *c = text.ptr; (c = strchr(c, '\n'));)
            *c = c[1] ? ' ' : '\0';
        status_problem(l, whole ? "held" : "held-in-part", place, text.ptr);
        json_array_append_new(in_part, text_of(text.ptr));
    }
    buffer_free(&text);
}

/* .held is the whole endpoint, .held.<partner>.<type> what is of them. */
static void look_if_held(struct looking *l, const char *place, json_t *outbox)
{
    int fd = openat(l->view.spool.root, place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    json_t *whole = json_array(), *in_part = json_array();
    while (d && (entry = readdir(d)))
        if (!strcmp(entry->d_name, ".held") || !strncmp(entry->d_name, ".held.", 6))
            look_at_hold(l, place, fd, entry->d_name, entry->d_name[5] ? in_part : whole);
    if (json_array_size(whole))
        json_object_set(outbox, "held", json_array_get(whole, 0));
    if (json_array_size(in_part))
        json_object_set(outbox, "held_in_part", in_part);
    json_decref(whole);
    json_decref(in_part);
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
}

static void look_if_served(struct looking *l, const char *place, const char *endpoint)
{
    const struct endpoint_config *e = config_endpoint(l->view.config, endpoint);
    const struct adapter *a = e ? adapter_find(e->adapter) : NULL;
    if (!e)
        status_problem(l, "endpoint", place, "the configuration has no such endpoint: nothing is sent");
    else if (a && !a->deliver)
        status_problem(l, "endpoint", place, "nothing can be sent to this endpoint: it is only fetched from");
}

/* What a person moved there and the courier leaves alone. */
static bool look_if_document(struct looking *l, const char *place, const char *name, bool tell)
{
    struct stat st, root;
    char path[900];
    const char *why = NULL;
    snprintf(path, sizeof path, "%s/%s", place, name);
    if (!document_name_parse(name, NULL, NULL))
        why = "it is not called like a document, and is left alone: move it to translate/";
    else if (fstatat(l->view.spool.root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
             fstat(l->view.spool.root, &root) == 0 && root.st_uid != 0 && st.st_uid != root.st_uid &&
             !(st.st_mode & (S_IWGRP | S_IWOTH)))
        why = "it belongs to another user than the spool, and is left alone: chown it";
    if (why && tell)
        status_problem(l, "outbox", path, why);
    return why;
}

static void look_if_documents(struct looking *l, const char *place, const char **names, long n)
{
    long wrong = 0;
    for (long i = 0; i < n; i++)
        wrong += look_if_document(l, place, names[i], wrong < SHOWN_PROBLEMS);
    if (wrong > SHOWN_PROBLEMS)
        status_problem(l, "outbox", place,
                       arena_printf(&l->view.arena, "and %ld more", wrong - SHOWN_PROBLEMS));
}

/* Since when it has been tried, or stood here. */
static int64_t waits_for(const struct document *d)
{
    const json_t *history = json_object_get(d->envelope, "history");
    size_t n = json_array_size(history);
    int64_t since = json_integer_at(d->envelope, "trying_since", 0);
    return since ? instant_now().seconds - since
                 : view_since(n ? json_text_at(json_array_get(history, n - 1), "at") : NULL);
}

static int look_at_waiting(void *context, const char *path, struct document *d)
{
    struct looking *l = context;
    const char *type = document_text(d, "type"), *number = document_text(d, "number");
    char age[AGE_TEXT];
    const struct waits w = waiting_document(&l->view, l->endpoint, d);
    int64_t long_since = waits_for(d);
    /* what is held, away or not served is told of its endpoint */
    if (l->shown_here == 0 && long_since >= WAITING_LONG &&
        (!strcmp(w.why, "later") || !strcmp(w.why, "due") || !strcmp(w.why, "behind")))
        status_problem(
            l, "waiting", path,
            arena_printf(&l->view.arena, "it has waited for %s: %s", view_age(long_since, age), w.said));
    add_waiting(l, path,
                arena_printf(&l->view.arena, "%s %s", type ? type : "document", number ? number : ""), w.said,
                waiting_json(&w));
    return 0;
}

/* The first ones, which are the oldest. */
static void look_at_oldest(struct looking *l, const char *endpoint, const char *place, const char **names,
                           long n)
{
    l->shown_here = 0;
    l->endpoint = endpoint;
    for (long i = 0; i < n && l->shown_here < SHOWN_WAITING; i++)
        if (document_name_parse(names[i], NULL, NULL))
            view_one(&l->view, arena_printf(&l->view.arena, "%s/%s", place, names[i]), look_at_waiting, l);
}

/* Names are sorted and begin with the time, so the first one is the oldest. */
static void look_at_outbox(struct looking *l)
{
    const char **endpoints, **names;
    json_t *all = json_array();
    long n = view_names(&l->view, "outbox", &endpoints);
    for (long i = 0; i < n; i++) {
        char place[600], at[INSTANT_TEXT];
        json_t *outbox = json_object();
        snprintf(place, sizeof place, "outbox/%s", endpoints[i]);
        long waiting = view_names(&l->view, place, &names), first = 0;
        json_object_set_new(outbox, "endpoint", text_of(endpoints[i]));
        json_object_set_new(outbox, "documents", json_integer(waiting < 0 ? 0 : waiting));
        while (first < waiting && !document_name_parse(names[first], NULL, NULL))
            first++;
        if (first < waiting) {
            const char *p = names[first];
            snprintf(at, sizeof at, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", p, p + 4, p + 6, p + 9, p + 11, p + 13);
            json_object_set_new(outbox, "oldest", json_string(at));
        }
        look_if_held(l, place, outbox);
        if (waiting > 0)
            look_if_served(l, place, endpoints[i]);
        look_if_documents(l, place, names, waiting);
        look_at_oldest(l, endpoints[i], place, names, waiting);
        l->in_stages += waiting < 0 ? 0 : waiting;
        json_array_append_new(all, outbox);
    }
    json_object_set_new(l->status, "outbox", all);
}

static void look_if_stopped(struct looking *l)
{
    if (l->in_stages && !view_gateway(&l->view))
        status_problem(l, "stopped", "gateway",
                       arena_printf(&l->view.arena,
                                    "it is not running, and %ld document%s: start it (spoolgate run, or the "
                                    "service)",
                                    l->in_stages, l->in_stages == 1 ? " waits" : "s wait"));
}

static int look_at_failed(void *context, const char *path, struct document *d)
{
    struct looking *l = context;
    const char *type = document_text(d, "type"), *number = document_text(d, "number");
    const char *partner = document_text(d, "partner"), *remark = view_remark(&l->view, path, d);
    if (l->documents++ < SHOWN_PROBLEMS)
        status_problem(l, "error", path,
                       arena_printf(&l->view.arena, "%s%s%s%s%s%s%s", type ? type : "", number ? " " : "",
                                    number ? number : "", partner ? " for " : "", partner ? partner : "",
                                    type || number || partner ? ": " : "", remark));
    return l->documents > SHOWN_PROBLEMS;
}

static void look_at_error(struct looking *l)
{
    const char **names;
    long n = view_names(&l->view, "error", &names), documents = 0;
    for (long i = 0; i < n; i++)
        documents += document_name_parse(names[i], NULL, NULL);
    l->documents = 0;
    view_walk(&l->view, "error", look_at_failed, l);
    json_object_set_new(l->status, "error", json_integer(documents));
}

static void look_at_archive(struct looking *l)
{
    char today[64], text[INSTANT_TEXT];
    instant_print(instant_now(), 0, text);
    snprintf(today, sizeof today, "archive/%.4s/%.2s/%.2s", text, text + 5, text + 8);
    json_object_set_new(l->status, "archive_today", json_integer(count(l, today)));
}

/* ---- awaited ---- */

static int look_at_awaited_row(void *context, const struct awaited *a)
{
    struct looking *l = context;
    l->awaited++;
    if (!a->due || a->due > l->now)
        return 0;
    if (l->overdue++ < SHOWN_PROBLEMS)
        status_problem(l, "late", a->document,
                       arena_printf(&l->view.arena, "%s has not acknowledged it in time%s%s", a->endpoint,
                                    a->status[0] ? "; last heard: " : "", a->status));
    return 0;
}

static void look_at_mark(struct looking *l)
{
    struct findings f = {.arena = &l->view.arena};
    if (state_belongs(l->view.state, &l->view.spool, &f) < 0)
        status_problem(l, "state", l->view.config->state,
                       arena_printf(&l->view.arena, "%s %s", f.first->what, f.first->todo));
}

/* Archived without being sent, since a map said so: nobody's error, and not passed over in silence. */
static void look_at_not_sent(struct looking *l, bool known)
{
    char now[INSTANT_TEXT], today[16];
    int64_t all = 0, of_today = 0;
    instant_print(instant_now(), 0, now);
    snprintf(today, sizeof today, "%.4s%.2s%.2sT", now, now + 5, now + 8);
    if (known && (state_not_sent_count(l->view.state, NULL, &all) < 0 ||
                  state_not_sent_count(l->view.state, today, &of_today) < 0))
        all = of_today = 0;
    json_object_set_new(l->status, "not_sent", json_integer(all));
    json_object_set_new(l->status, "not_sent_today", json_integer(of_today));
}

static void look_at_awaited(struct looking *l)
{
    int known = view_state(&l->view);
    if (known == 0)
        look_at_mark(l);
    else if (known == 1 && count(l, "archive") > 0)
        status_problem(l, "state", l->view.config->state,
                       "it is not there, though documents were handled: spoolgate reindex makes it anew");
    if (known == 0 && state_awaited(l->view.state, NULL, 0, 0, look_at_awaited_row, l) < 0)
        known = -1;
    look_at_not_sent(l, known == 0);
    if (known < 0)
        status_problem(l, "state", l->view.config->state,
                       "it cannot be read: spoolgate reindex makes it anew");
    json_object_set_new(l->status, "awaited", json_integer(l->awaited));
    json_object_set_new(l->status, "overdue", json_integer(l->overdue));
}

/* ---- printing ---- */

static long long number(const json_t *j, const char *member)
{
    return (long long)json_integer_at(j, member, 0);
}

static void print_stages(const json_t *s)
{
    const char *name;
    const json_t *value;
    size_t i;
    char age[24];
    printf("%-11s%s\n", "spool", json_text_at(s, "spool"));
    printf("%-11s%s\n", "gateway", json_is_true(json_object_get(s, "running")) ? "running" : "not running");
    json_object_foreach((json_t *)(uintptr_t)json_object_get(s, "inbox"), name, value)
    {
        printf("%-11s", "inbox");
        view_text(stdout, name, 24);
        printf("%8lld\n", (long long)json_integer_value(value));
    }
    printf("%-11s%-24s %8lld%s", "translate", "", number(s, "translate"), number(s, "in_hand") ? "" : "\n");
    if (number(s, "in_hand"))
        printf("  and %lld in hand\n", number(s, "in_hand"));
    json_array_foreach(json_object_get(s, "outbox"), i, value)
    {
        const char *oldest = json_text_at(value, "oldest");
        printf("%-11s", "outbox");
        view_text(stdout, json_text_at(value, "endpoint"), 24);
        printf("%8lld", number(value, "documents"));
        if (oldest)
            printf("  the oldest for %s", view_age(view_since(oldest), age));
        puts(json_text_at(value, "held")              ? "  held"
             : json_object_get(value, "held_in_part") ? "  held in part"
                                                      : "");
    }
    printf("%-11s%-24s %8lld\n", "error", "", number(s, "error"));
    printf("%-11s%-24s %8lld  today\n", "archive", "", number(s, "archive_today"));
    if (number(s, "not_sent"))
        printf("%-11s%-24s %8lld  today, %lld in all: spoolgate list --not-sent\n", "not sent", "",
               number(s, "not_sent_today"), number(s, "not_sent"));
    printf("%-11s%-24s %8lld", "awaited", "", number(s, "awaited"));
    if (number(s, "overdue"))
        printf("  %lld late", number(s, "overdue"));
    putchar('\n');
}

static void print_roles(const json_t *roles)
{
    const json_t *role;
    size_t i;
    if (json_array_size(roles))
        printf("\n%-32s %-8s %10s %9s\n", "role", "state", "documents", "restarts");
    json_array_foreach(roles, i, role)
    {
        view_text(stdout, json_text_at(role, "role"), 32);
        view_text(stdout, json_text_at(role, "state"), 8);
        printf("%10lld %9lld\n", number(role, "documents"), number(role, "restarts"));
    }
}

static void print_waiting(const json_t *status)
{
    const json_t *waiting = json_object_get(status, "waiting"), *w;
    size_t i;
    if (json_array_size(waiting))
        puts("\nwaiting, the oldest of each folder:");
    json_array_foreach(waiting, i, w)
    {
        const char *what = json_text_at(w, "what");
        fputs("  ", stdout);
        view_text(stdout, json_text_at(w, "path"), 0);
        if (*what) {
            fputs("  ", stdout);
            view_text(stdout, what, 0);
        }
        fputs("\n      ", stdout);
        view_text(stdout, json_text_at(w, "said"), 0);
        putchar('\n');
    }
    if (json_array_size(waiting))
        puts("  (spoolgate list translate outbox tells of each)");
}

static void print_problems(const json_t *status)
{
    const json_t *problems = json_object_get(status, "problems"), *p;
    size_t i;
    if (json_array_size(problems))
        puts("\nneeds a person:");
    json_array_foreach(problems, i, p)
    {
        fputs("  ", stdout);
        view_text(stdout, json_text_at(p, "where"), 0);
        if (!strcmp(json_text_at(p, "what"), "held"))
            fputs(" is held", stdout);
        if (!strcmp(json_text_at(p, "what"), "held-in-part"))
            fputs(" is held in part", stdout);
        fputs("\n      ", stdout);
        view_text(stdout, json_text_at(p, "said"), 0);
        putchar('\n');
    }
    if (number(status, "error") > SHOWN_PROBLEMS)
        printf("  and %lld more in error/: spoolgate list error\n", number(status, "error") - SHOWN_PROBLEMS);
}

static int look(struct looking *l, bool as_json)
{
    l->status = json_object();
    l->problems = json_array();
    l->waiting = json_array();
    l->now = instant_now().seconds;
    json_object_set_new(l->status, "spool", json_string(l->view.spool.path));
    status_gateway(l);
    look_at_inbox(l);
    look_at_translate(l);
    look_at_outbox(l);
    look_if_stopped(l);
    look_at_error(l);
    look_at_archive(l);
    look_at_awaited(l);
    int rc = json_array_size(l->problems) ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
    json_object_set_new(l->status, "waiting", l->waiting);
    json_object_set_new(l->status, "problems", l->problems);
    if (as_json) {
        view_print_json(l->status);
    } else {
        print_stages(l->status);
        print_roles(json_object_get(l->status, "roles"));
        print_waiting(l->status);
        print_problems(l->status);
    }
    json_decref(l->status);
    return rc;
}

int command_status(int argc, char **argv)
{
    struct looking l = {.status = NULL};
    const char *file = NULL;
    bool as_json = false;
    int status;
    if (!command_options(argc, argv, usage, &file, &as_json, &status))
        return status;
    if (optind != argc)
        return usage(stderr);
    status = view_open(&l.view, file);
    if (status == 0)
        status = look(&l, as_json);
    view_close(&l.view);
    return status;
}
