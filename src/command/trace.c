/* spoolgate trace NUMBER: every document that speaks of a number, in the order of time, with its history. */
#include "base/json.h"
#include "command/renamed.h"

struct traced {
    struct traced *next;
    const char *document, *as; /* "order, control" */
};

struct tracing {
    struct view view;
    bool as_json, told_lost;
    struct traced *first, **last;
    const struct traced *now;
    int shown;
};

static int usage(FILE *out)
{
    fputs("usage: spoolgate trace [-c FILE] [--json] NUMBER...\n\n"
          "Follows an order, invoice, control or tracking number, or the other side's id, through all "
          "documents that\n"
          "speak of it: each with its folder and what happened to it, in the order of time. A document's "
          "name may\n"
          "stand in place of a number.\n\n"
          "  -c, --config FILE  this configuration\n"
          "      --json         one JSON object a document, for scripts\n\n"
          "Exit status: 0 done, 1 no document speaks of it, 64 usage, 66 no spool, 73 the state cannot be "
          "read, or is lost,\n"
          "78 the configuration is not in order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* Rows come by document, so what belongs to one stands together. */
static int gather(void *context, const char *kind, const char *value, const char *document)
{
    struct tracing *t = context;
    struct arena *a = &t->view.arena;
    (void)value;
    for (struct traced *i = t->first; i; i = i->next)
        if (!strcmp(i->document, document)) {
            if (!strstr(i->as, kind))
                i->as = arena_printf(a, "%s, %s", i->as, kind);
            return 0;
        }
    struct traced *n = arena_zero(a, sizeof *n);
    n->document = arena_text(a, slice_of(document));
    n->as = arena_text(a, slice_of(kind));
    *t->last = n;
    t->last = &n->next;
    return 0;
}

static void print(const struct tracing *t, const char *path, const struct document *d)
{
    const json_t *entry;
    size_t i;
    const char *type = document_text(d, "type"), *outcome = document_text(d, "outcome");
    view_text(stdout, type ? type : "document", 0);
    fputs(" ", stdout);
    view_text(stdout, document_text(d, "number"), 0);
    if (document_text(d, "partner")) {
        fputs(" for ", stdout);
        view_text(stdout, document_text(d, "partner"), 0);
    }
    if (outcome) {
        fputs(", ", stdout);
        view_text(stdout, outcome, 0);
    }
    printf("  (%s)\n  %s/", t->now->as, t->view.spool.path);
    view_text(stdout, path, 0);
    putchar('\n');
    json_array_foreach(json_object_get(d->envelope, "history"), i, entry)
    {
        fputs("    ", stdout);
        view_text(stdout, json_text_at(entry, "at"), 24);
        view_text(stdout, json_text_at(entry, "by"), 16);
        view_text(stdout, json_text_at(entry, "what"), 0);
        putchar('\n');
    }
}

static int follow(void *context, const char *path, struct document *d)
{
    struct tracing *t = context;
    if (t->as_json) {
        json_t *j = view_summary(&t->view, path, d), *history = json_object_get(d->envelope, "history");
        json_object_set_new(j, "as", json_string(t->now->as));
        if (history)
            json_object_set(j, "history", history);
        view_print_json(j);
        json_decref(j);
    } else {
        if (t->shown)
            putchar('\n');
        print(t, path, d);
    }
    t->shown++;
    return 0;
}

/* Its folder is not where its name leads. */
static void tell_missing(struct tracing *t)
{
    const char *name = t->now->document, *path = renamed_find(&t->view, name);
    if (t->as_json) {
        json_t *j = json_pack("{s:s, s:n, s:s}", "document", name, "path", "as", t->now->as);
        json_t *renamed = path ? json_string(path) : NULL;
        if (renamed)
            json_object_set_new(j, "renamed", renamed);
        view_print_json(j);
        json_decref(j);
        return;
    }
    printf("%s%s  (%s)\n", t->shown ? "\n" : "", name, t->now->as);
    if (path)
        renamed_tell(&t->view, stdout, name, path);
    else
        puts("  its folder is not in the spool: it was moved away or removed");
}

static void follow_all(struct tracing *t)
{
    for (t->now = t->first; t->now; t->now = t->now->next) {
        if (view_find(&t->view, t->now->document, follow, t) > 0)
            continue;
        tell_missing(t);
        t->shown++;
    }
}

static int trace(struct tracing *t, const char *number)
{
    int known = view_state(&t->view);
    t->first = NULL;
    t->last = &t->first;
    if (known < 0)
        return EXIT_CANT_WRITE;
    bool lost = t->told_lost || renamed_state_is_lost(&t->view, "trace");
    t->told_lost = lost;
    if (document_name_parse(number, NULL, NULL))
        gather(t, "itself", number, number);
    else if (known == 0 && state_links(t->view.state, number, gather, t) != 0) {
        fprintf(stderr, "spoolgate trace: the state cannot be read: %s\n", state_error(t->view.state));
        return EXIT_CANT_WRITE;
    }
    follow_all(t);
    if (t->first)
        return EXIT_DONE;
    fputs("spoolgate trace: no document speaks of ", stderr);
    view_text(stderr, number, 0);
    fputs("\n", stderr);
    return lost ? EXIT_CANT_WRITE : EXIT_FOUND_PROBLEMS;
}

int command_trace(int argc, char **argv)
{
    struct tracing t = {.as_json = false};
    const char *file = NULL;
    int status;
    if (!command_options(argc, argv, usage, &file, &t.as_json, &status))
        return status;
    if (optind == argc)
        return usage(stderr);
    status = view_open(&t.view, file);
    int worst = status;
    for (int i = optind; status == 0 && i < argc; i++) {
        int found = trace(&t, argv[i]);
        worst = found > worst ? found : worst;
    }
    view_close(&t.view);
    return worst;
}
