/* spoolgate ping [ENDPOINT...]: what is wrong with credentials, clock or network, before a document finds
 * out. */
#include "adapter/adapter.h"
#include "base/json.h"
#include "command/command.h"
#include <stdio.h>

struct pinging {
    const struct config *config;
    struct spool spool;
    bool spool_is_open;
    struct state *state;
    struct secrets *secrets;
    struct findings no_secrets; /* why they could not be opened */
    bool as_json, failed;
    json_t *all; /* --json */
    struct arena arena;
};

static int usage(FILE *out)
{
    fputs(
        "usage: spoolgate ping [-c FILE] [--json] [ENDPOINT...]\n\n"
        "Connects to each endpoint (all of them when none is named), logs in and looks at what sending and\n"
        "fetching will need; one line a thing looked at. Nothing is sent that anybody would act on.\n\n"
        "  -c, --config FILE  this configuration\n"
        "      --json         for scripts\n"
        "Exit status: 0 all is well, 1 something is wrong, 64 usage, 66 no such endpoint, 78 the "
        "configuration\n"
        "is not in order.\n",
        out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* "ok    login: as nordmat by public key" → {"ok", "what", "found"} */
static json_t *lines_as_json(const struct buffer *lines)
{
    json_t *list = json_array();
    struct slice rest = buffer_as_slice(lines);
    while (rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        struct slice line = slice_make(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);
        rest = slice_make(rest.ptr + line.len + (end != NULL), rest.len - line.len - (end != NULL));
        const char *blank = memchr(line.ptr, ' ', line.len);
        size_t word = blank ? (size_t)(blank - line.ptr) : line.len;
        bool good = slice_is(slice_make(line.ptr, word), "ok");
        struct slice said = slice_trim(slice_make(line.ptr + word, line.len - word));
        const char *colon = memmem(said.ptr, said.len, ": ", 2);
        size_t what = colon ? (size_t)(colon - said.ptr) : said.len, skip = colon ? what + 2 : said.len;
        json_array_append_new(list, json_pack("{s:b, s:s%, s:s%}", "ok", good, "what", said.ptr, what,
                                              "found", said.ptr + skip, said.len - skip));
    }
    return list;
}

static void print(struct pinging *p, const char *name, struct report *r)
{
    if (p->as_json) {
        json_t *found = json_array();
        for (const struct finding *f = r->findings->first; f; f = f->next)
            json_array_append_new(found, json_pack("{s:s, s:s, s:s, s:s}", "code", f->code, "where", f->where,
                                                   "what", f->what, "todo", f->todo));
        json_array_append_new(p->all, json_pack("{s:s, s:b, s:o, s:o}", "endpoint", name, "ok", !r->failed,
                                                "looked_at", lines_as_json(r->lines), "findings", found));
        return;
    }
    printf("%s\n", name);
    for (struct slice rest = buffer_as_slice(r->lines); rest.len;) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t n = end ? (size_t)(end - rest.ptr) : rest.len;
        printf("  %.*s\n", (int)n, rest.ptr);
        rest = slice_make(rest.ptr + n + (end != NULL), rest.len - n - (end != NULL));
    }
    fflush(stdout);
    command_print_findings(r->findings);
}

static void ping_one(struct pinging *p, const struct endpoint_config *c)
{
    struct findings found = {.arena = &p->arena};
    struct buffer lines = {0};
    struct report r = {.findings = &found, .lines = &lines};
    struct endpoint e = {.config = c,
                         .all = p->config,
                         .spool = &p->spool,
                         .state = p->state,
                         .secrets = p->secrets,
                         .adapter = adapter_find(c->adapter)};
    if (!e.adapter)
        report_line(&r, false, "adapter", "there is no adapter %s", c->adapter);
    else if (e.adapter->open(&e, &found))
        report_line(&r, false, "settings", "%s", found.first ? found.first->what : "they are not in order");
    else if (!e.adapter->ping)
        report_line(&r, true, "settings", "in order; there is nothing to connect to");
    else if (e.adapter->ping(&e, &r))
        r.failed = true;
    if (e.session)
        e.adapter->close(&e);
    print(p, c->name, &r);
    if (r.failed && !p->secrets && !p->as_json) { /* which may be why */
        command_print_findings(&p->no_secrets);
        p->no_secrets = (struct findings){0};
    }
    p->failed |= r.failed;
    buffer_free(&lines);
}

static int open_all(struct pinging *p)
{
    struct findings found = {.arena = &p->arena};
    p->spool_is_open = spool_open(&p->spool, p->config->spool, &found) == 0;
    if (!p->spool_is_open || !(p->state = state_open(p->config->state, &found))) {
        command_print_findings(&found);
        return -1;
    }
    /* without a key, endpoints that need no secret can still be looked at; the others say what is missing */
    p->secrets = secrets_open(p->config->secrets_file, p->config->key_file, &found);
    p->no_secrets = found;
    return 0;
}

static int ping_all(struct pinging *p, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (!config_endpoint(p->config, argv[i])) {
            command_no_endpoint("ping", p->config, argv[i]);
            return EXIT_NO_INPUT;
        }
    p->all = json_array();
    for (int i = 0; i < argc; i++)
        ping_one(p, config_endpoint(p->config, argv[i]));
    for (const struct endpoint_config *c = p->config->endpoints; c && argc == 0; c = c->next)
        ping_one(p, c);
    if (p->as_json) {
        struct buffer text = {0};
        json_print(p->all, &text);
        fwrite(text.ptr, 1, text.len, stdout);
        buffer_free(&text);
    }
    json_decref(p->all);
    return p->failed ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
}

int command_ping(int argc, char **argv)
{
    struct pinging p = {.as_json = false};
    const char *file = NULL;
    int status;
    if (!command_options(argc, argv, usage, &file, &p.as_json, &status))
        return status;
    struct config *config = command_config_load(file, &p.arena);
    if (!config)
        return EXIT_CONFIG;
    secrets_harden_process();
    p.config = config;
    status = open_all(&p) ? EXIT_CONFIG : ping_all(&p, argc - optind, argv + optind);
    secrets_close(p.secrets);
    if (p.state)
        state_close(p.state);
    if (p.spool_is_open)
        spool_close(&p.spool);
    config_free(config);
    arena_free(&p.arena);
    return status;
}
