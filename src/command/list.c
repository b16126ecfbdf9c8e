/* spoolgate list [STAGE...]: the documents of a stage, one line each; or those that were archived without
 * being sent, which the state knows. */
#include "base/json.h"
#include "command/view.h"
#include "command/waiting.h"
#include "spool/name.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct listing {
    struct view view;
    bool as_json, names, headed, not_sent;
    long limit, shown; /* limit 0: none */
};

static int usage(FILE *out)
{
    fputs("usage: spoolgate list [-c FILE] [--json | --names] [-n COUNT] [--not-sent] [STAGE]...\n\n"
          "Lists the documents of stages: inbox, translate, outbox, outbox/ENDPOINT, error, archive "
          "(today's),\n"
          "archive/YYYY/MM/DD, archive/YYYY/MM; without a stage, all that are not in the archive.\n\n"
          "  -c, --config FILE  this configuration\n"
          "  -n, --limit COUNT  at most so many\n"
          "      --not-sent     those that were archived without being sent, and why; without a stage, all "
          "of them\n"
          "      --json         one JSON object a line, for scripts\n"
          "      --names        names only, as for: spoolgate retry $(spoolgate list --names error)\n\n"
          "Exit status: 0 done, 64 usage, 66 no such stage or spool, 78 the configuration is not in order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static void heading(struct listing *l)
{
    if (l->headed)
        return;
    l->headed = true;
    printf("%-32s %-14s %-16s %-12s %-16s %-7s %s\n", "document", "type", "number", "from", "to", "age",
           "remark");
}

static int row(void *context, const char *path, struct document *d)
{
    struct listing *l = context;
    char age[24];
    const char *outcome = document_text(d, "outcome");
    if (l->limit && l->shown == l->limit)
        return 1;
    if (l->not_sent && (!outcome || strcmp(outcome, "not-sent") != 0))
        return 0;
    l->shown++;
    if (l->names) {
        puts(d->name);
    } else if (l->as_json) {
        json_t *j = view_summary(&l->view, path, d);
        view_print_json(j);
        json_decref(j);
    } else {
        heading(l);
        const char *endpoint = document_text(d, "endpoint"), *partner = document_text(d, "partner");
        view_text(stdout, d->name, 32);
        view_text(stdout, document_text(d, "type"), 14);
        view_text(stdout, document_text(d, "number"), 16);
        view_text(stdout, document_text(d, "source.name"), 12);
        view_text(stdout, endpoint ? endpoint : partner, 16);
        view_text(stdout, view_age(view_since(document_text(d, "source.received")), age), 7);
        view_text(stdout, view_remark(&l->view, path, d), 0);
        putchar('\n');
    }
    return 0;
}

static void inbox_file(struct listing *l, const char *source, const char *name, const struct stat *st)
{
    char shown[NAME_ENCODED_TEXT], from[NAME_ENCODED_TEXT], age[24];
    int64_t seconds = instant_now().seconds - st->st_ctim.tv_sec;
    name_encode(name, shown);
    name_encode(source, from);
    l->shown++;
    if (l->names) {
        puts(shown);
    } else if (l->as_json) {
        json_t *j = json_pack("{s:s, s:s, s:I, s:s}", "source", from, "file", shown, "size",
                              (json_int_t)st->st_size, "remark", waiting_file(&l->view, name, st));
        view_print_json(j);
        json_decref(j);
    } else {
        heading(l);
        view_text(stdout, shown, 32);
        view_text(stdout, "-", 14);
        view_text(stdout, "-", 16);
        view_text(stdout, from, 12);
        view_text(stdout, "-", 16);
        view_text(stdout, view_age(seconds < 0 ? 0 : seconds, age), 7);
        const char *why = waiting_file(&l->view, name, st);
        printf("in the inbox%s%s\n", *why ? "; " : "", why);
    }
}

static int list_inbox(struct listing *l)
{
    const char **sources, **files;
    long n = view_names(&l->view, "inbox", &sources);
    for (long i = 0; i < n; i++) {
        char place[600], path[1200];
        struct stat st;
        snprintf(place, sizeof place, "inbox/%s", sources[i]);
        long count = view_names(&l->view, place, &files);
        for (long k = 0; k < count && (!l->limit || l->shown < l->limit); k++) {
            snprintf(path, sizeof path, "%s/%s", place, files[k]);
            if (fstatat(l->view.spool.root, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
                inbox_file(l, sources[i], files[k], &st);
        }
    }
    return n < 0 ? -1 : 0;
}

/* The folders below place, that many levels down, each as a place of its own. */
static int list_below(struct listing *l, const char *place, int levels)
{
    const char **names;
    if (levels == 0)
        return view_walk(&l->view, place, row, l) < 0 ? -1 : 0;
    long n = view_names(&l->view, place, &names);
    for (long i = 0; i < n; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", place, names[i]);
        list_below(l, path, levels - 1);
    }
    return n < 0 ? -1 : 0;
}

static int list_translate(struct listing *l)
{
    for (int slot = 0; slot < 64; slot++) {
        char place[64];
        snprintf(place, sizeof place, "translate/.work-%d", slot);
        view_walk(&l->view, place, row, l);
    }
    return list_below(l, "translate", 0);
}

static int list_stage(struct listing *l, const char *stage)
{
    char today[64], text[INSTANT_TEXT];
    int slashes = 0;
    for (const char *p = stage; *p; p++)
        slashes += *p == '/';
    if (strstr(stage, ".."))
        return -1;
    if (!strcmp(stage, "inbox"))
        return list_inbox(l);
    if (!strcmp(stage, "translate"))
        return list_translate(l);
    if (!strcmp(stage, "outbox"))
        return list_below(l, stage, 1);
    if (!strcmp(stage, "error") || !strncmp(stage, "outbox/", 7))
        return list_below(l, stage, 0);
    if (!strcmp(stage, "archive")) {
        instant_print(instant_now(), 0, text);
        snprintf(today, sizeof today, "archive/%.4s/%.2s/%.2s", text, text + 5, text + 8);
        list_below(l, today, 0); /* nothing may have come today */
        return 0;
    }
    if (!strncmp(stage, "archive/", 8) && slashes <= 3)
        return list_below(l, stage, 3 - slashes);
    return -1;
}

/* Moved to other storage, it is listed by what the state knows of it. */
static int not_sent_row(void *context, const char *document, const char *reason)
{
    struct listing *l = context;
    if (l->limit && l->shown == l->limit)
        return 1;
    if (view_find(&l->view, document, row, l) > 0)
        return 0;
    l->shown++;
    if (l->names) {
        puts(document);
    } else if (l->as_json) {
        json_t *j =
            json_pack("{s:s, s:s, s:s}", "document", document, "outcome", "not-sent", "reason", reason);
        view_print_json(j);
        json_decref(j);
    } else {
        heading(l);
        view_text(stdout, document, 32);
        printf("%-14s %-16s %-12s %-16s %-7s ", "-", "-", "-", "-", "-");
        view_text(stdout,
                  arena_printf(&l->view.arena, "not sent: %s (its folder is not in the spool)", reason), 0);
        putchar('\n');
    }
    return 0;
}

static int list_not_sent(struct listing *l)
{
    int known = view_state(&l->view);
    if (known == 0 && state_not_sent_each(l->view.state, NULL, not_sent_row, l) < 0)
        known = -1;
    if (known < 0) {
        fputs("spoolgate list: the state cannot be read\n", stderr);
        return EXIT_NO_INPUT;
    }
    if (!l->shown && !l->as_json && !l->names)
        puts("nothing was kept from being sent");
    return EXIT_DONE;
}

static int list(struct listing *l, int argc, char **argv)
{
    if (l->not_sent && argc == 0)
        return list_not_sent(l);
    static const char *const stages[] = {"inbox", "translate", "outbox", "error", "archive", NULL};
    for (size_t i = 0; argc == 0 && i < 4; i++) /* what waits */
        list_stage(l, stages[i]);
    for (int i = 0; i < argc; i++) {
        size_t len = strlen(argv[i]);
        while (len > 1 && argv[i][len - 1] == '/')
            argv[i][--len] = '\0';
        if (list_stage(l, argv[i]) < 0) {
            command_no_such("list", "stage", argv[i], stages);
            return EXIT_NO_INPUT;
        }
    }
    if (!l->shown && !l->as_json && !l->names)
        puts("nothing is there");
    return EXIT_DONE;
}

int command_list(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"limit", required_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 1},
                                            {"names", no_argument, NULL, 2},
                                            {"not-sent", no_argument, NULL, 3},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct listing l = {.limit = 0};
    const char *file = NULL;
    char *end = NULL;
    int option;
    while ((option = command_getopt(argc, argv, "c:n:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': file = optarg; break;
        case 'n':
            l.limit = strtol(optarg, &end, 10);
            if (*end || l.limit < 1)
                return usage(stderr);
            break;
        case 1: l.as_json = true; break;
        case 2: l.names = true; break;
        case 3: l.not_sent = true; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    int status = view_open(&l.view, file);
    if (status == 0)
        status = list(&l, argc - optind, argv + optind);
    view_close(&l.view);
    return status;
}
