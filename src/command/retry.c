/* spoolgate retry DOCUMENT...|ENDPOINT...: puts documents back from error/. It notes in its
 * history who did it and why, and does one rename(2), as mv would. What waits in an outbox already is tried
 * at once: a mark there tells the courier. */
#include "adapter/adapter.h"
#include "command/person.h"
#include "command/renamed.h"
#include "role/urgent.h"
#include <errno.h>

enum destination { AS_IT_FAILED, TO_TRANSLATE, TO_OUTBOX };

struct retrying {
    struct view view;
    enum destination to;
    bool as_json;
    const char *person, *reason; /* for the history; reason NULL: none given */
};

static int usage(FILE *out)
{
    fputs("usage: spoolgate retry [-c FILE] [--to translate|outbox] [--reason TEXT] [--json]\n"
          "       DOCUMENT|ENDPOINT...\n\n"
          "Puts documents back from error/: to their outbox when sending failed, to translate/ when "
          "translation did.\n"
          "A document that waits in an outbox, or all that waits for an endpoint, is tried at once, "
          "whatever its\n"
          "time; one that may have arrived is asked about first.\n"
          "The history keeps who did it, when and why. mv puts them back, too, but leaves only that it was "
          "by hand.\n\n"
          "  -c, --config FILE  this configuration\n"
          "      --to STAGE     translate (translate it anew) or outbox (send it as it is), whatever failed\n"
          "      --reason TEXT  why, for the history\n"
          "      --json         one JSON object a document, for scripts\n\n"
          "Exit status: 0 done, 1 not all could be put back, 64 usage, 66 no spool, 78 the configuration is "
          "not in\n"
          "order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static int refuse(const char *name, const char *why)
{
    fputs("spoolgate retry: ", stderr);
    view_text(stderr, name, 0);
    fprintf(stderr, " %s\n", why);
    return -1;
}

/* On the disk before the move, as all of a document is. Taken out again when nothing came of it. */
static int note(struct retrying *r, struct document *d, const char *to)
{
    document_note_person(d, r->person, r->reason, "put back from error/ to %s by spoolgate retry", to);
    return document_save(d) < 0 || spool_sync(&r->view.spool) < 0 ? -1 : 0;
}

static void take_note_back(struct document *d)
{
    json_t *history = json_object_get(d->envelope, "history");
    int failed = errno;
    json_array_remove(history, json_array_size(history) - 1);
    if (document_save(d) < 0)
        fprintf(stderr, "spoolgate retry: the history of %s says that it was put back: it was not\n",
                d->name);
    errno = failed;
}

static int put_back(struct retrying *r, struct document *d)
{
    const char *endpoint = document_text(d, "endpoint"), *failed_in = document_text(d, "failed_in");
    const char *outcome = document_text(d, "outcome");
    bool sending = r->to == TO_OUTBOX || (r->to == AS_IT_FAILED && failed_in && !strcmp(failed_in, "outbox"));
    if (outcome && !strcmp(outcome, "refused"))
        return refuse(
            d->name, "is no document: what was refused lies in its folder. Put a plain file into the inbox.");
    if (sending && (!endpoint || !document_text(d, "message.file")))
        return refuse(d->name, "has no message to send. Say --to translate.");
    if (sending && !config_endpoint(r->view.config, endpoint))
        return refuse(d->name,
                      "was to go to an endpoint that is no longer in the configuration. Say --to translate.");
    const char *to = sending ? arena_printf(&r->view.arena, "outbox/%s", endpoint) : "translate";
    if (note(r, d, to) < 0)
        return refuse(d->name, arena_printf(&r->view.arena, "cannot be written to, so it was left there: %s.",
                                            strerror(errno)));
    if (spool_move(&r->view.spool, r->view.spool.stage[STAGE_ERROR], d->name,
                   sending ? STAGE_OUTBOX : STAGE_TRANSLATE, endpoint, d->name) < 0) {
        take_note_back(d);
        return refuse(d->name, errno == EEXIST ? "is there already." : strerror(errno));
    }
    if (r->as_json)
        printf("{\"document\":\"%s\",\"to\":\"%s\"}\n", d->name, to);
    else
        printf("%s to %s%s\n", d->name, to, sending ? "" : "/");
    return 0;
}

/* The courier is told by a mark in the outbox. document "": all that waits there. */
static int urge(struct retrying *r, const char *endpoint, const char *document)
{
    const struct endpoint_config *e = config_endpoint(r->view.config, endpoint);
    const struct adapter *a = e ? adapter_find(e->adapter) : NULL;
    const char *what = *document ? document : endpoint;
    const struct urgent u = {.document = document, .person = r->person, .reason = r->reason};
    int outbox = a && a->deliver ? spool_outbox(&r->view.spool, endpoint) : -1;
    bool runs = view_gateway(&r->view) != 0;
    if (r->to != AS_IT_FAILED)
        return refuse(what, "is not in error/: leave out --to, and what waits is tried at once.");
    if (!a || !a->deliver)
        return refuse(what, arena_printf(&r->view.arena,
                                         "waits in outbox/%s, which nothing is sent from: the configuration "
                                         "has no such endpoint, or it is only fetched from.",
                                         endpoint));
    if (outbox < 0 || urgent_ask(outbox, &u) < 0)
        return refuse(what, arena_printf(&r->view.arena, "cannot be tried at once: outbox/%s/.retry: %s.",
                                         endpoint, strerror(errno)));
    if (r->as_json)
        printf("{\"%s\":\"%s\",\"to\":\"outbox/%s\",\"now\":%s}\n", *document ? "document" : "endpoint", what,
               endpoint, runs ? "true" : "false");
    else
        printf("%s%s%s is tried %s\n", *document ? document : "what waits in outbox/",
               *document ? " in outbox/" : "", endpoint,
               runs ? "at once" : "as soon as the gateway runs: it does not run now");
    return 0;
}

/* One that is not in error/. */
static int retry_elsewhere(struct retrying *r, const char *name)
{
    char path[512];
    if (config_endpoint(r->view.config, name))
        return urge(r, name, "");
    if (!spool_find(&r->view.spool, name, path)) {
        const char *renamed = renamed_find(&r->view, name);
        if (!renamed)
            return refuse(name, "is not in error/, and nowhere else in the spool.");
        fputs("spoolgate retry: ", stderr);
        renamed_tell(&r->view, stderr, name, renamed);
        return -1;
    }
    char *end = strrchr(path, '/');
    *end = '\0';
    if (!strncmp(path, "outbox/", 7))
        return urge(r, path + 7, name);
    return refuse(name, arena_printf(&r->view.arena, "is not in error/ but in %s/.", path));
}

static int retry(struct retrying *r, const char *argument)
{
    struct document d;
    char path[512];
    const char *slash = strrchr(argument, '/'), *name = slash && slash[1] ? slash + 1 : argument;
    if (document_open(&d, r->view.spool.stage[STAGE_ERROR], name, NULL) < 0)
        return retry_elsewhere(r, name);
    const char *former = renamed_from(&r->view, &d);
    if (former && !spool_find(&r->view.spool, former, path)) {
        fputs("spoolgate retry: ", stderr);
        renamed_tell(&r->view, stderr, former, arena_printf(&r->view.arena, "error/%s", d.name));
        document_close(&d);
        return -1;
    }
    int rc = put_back(r, &d);
    document_close(&d);
    return rc;
}

int command_retry(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"to", required_argument, NULL, 1},
        {"json", no_argument, NULL, 2},           {"reason", required_argument, NULL, 3},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct retrying r = {.to = AS_IT_FAILED};
    const char *file = NULL;
    int option;
    while ((option = command_getopt(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': file = optarg; break;
        case 1:
            r.to = !strcmp(optarg, "translate") ? TO_TRANSLATE
                   : !strcmp(optarg, "outbox")  ? TO_OUTBOX
                                                : AS_IT_FAILED;
            if (r.to == AS_IT_FAILED) {
                command_no_such("retry", "stage to put it back to:", optarg,
                                (const char *const[]){"translate", "outbox", NULL});
                return usage(stderr);
            }
            break;
        case 2: r.as_json = true; break;
        case 3: r.reason = optarg; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    if (optind == argc)
        return usage(stderr);
    int status = view_open(&r.view, file);
    int failed = 0;
    r.person = person_name(&r.view.arena);
    if (status == 0)
        renamed_state_is_lost(&r.view, "retry");
    for (int i = optind; status == 0 && i < argc; i++)
        failed += retry(&r, argv[i]) < 0;
    if (r.view.spool_is_open && spool_settle(&r.view.spool) < 0) {
        fprintf(stderr, "spoolgate retry: the disk cannot be synced: %s\n", strerror(errno));
        failed++;
    }
    view_close(&r.view);
    return status ? status : failed ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
}
