/* spoolgate config check | show: whether the configuration is in order, and what is in force and where it
 * comes from. */
#include "adapter/adapter.h"
#include "adapter/url.h"
#include "base/json.h"
#include "command/command.h"
#include "route/sections.h"
#include <stdio.h>

static int usage(FILE *out)
{
    fputs("usage: spoolgate config check [-c FILE] [--json]\n"
          "       spoolgate config show [-c FILE] [--json] [SECTION [NAME]]\n\n"
          "check  reads spoolgate.conf and partners.d/*.conf, loads every map they name, and names file and\n"
          "       line of each mistake\n"
          "show   every value in force, with the file and line it comes from (or that it is the default);\n"
          "       SECTION is for example endpoint, partner or send\n\n"
          "  -c, --config FILE  this file; else $SPOOLGATE_CONFIG, ./spoolgate.conf, or the system's\n"
          "      --json         for scripts\n\n"
          "Exit status: 0 in order (there may be warnings), 1 mistakes found, 64 usage, 66 no such section,\n"
          "78 the file cannot be read; show: it is not in order.\n",
          out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

/* ---- check ---- */

static json_t *findings_as_json(const struct findings *f)
{
    static const char *const severity[] = {"note", "warning", "error"};
    json_t *list = json_array();
    for (const struct finding *i = f->first; i; i = i->next)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "severity", severity[i->severity],
                                              "code", i->code, "where", i->where, "what", i->what, "todo",
                                              i->todo));
    return list;
}

/* "spoolgate.conf:12: error: sentence" with what to do below, the form editors and terminals know. */
static void print_findings(const struct findings *f)
{
    static const char *const severity[] = {"note", "warning", "error"};
    for (const struct finding *i = f->first; i; i = i->next) {
        printf("%s%s%s: %s\n", i->where, *i->where ? ": " : "", severity[i->severity], i->what);
        if (*i->todo)
            printf("    %s\n", i->todo);
    }
    if (f->dropped)
        printf("and %u more\n", f->dropped);
}

static unsigned count_partners(const struct config *c)
{
    unsigned n = 0;
    for (const struct partner *p = c->partners; p; p = p->next)
        n++;
    return n;
}

static unsigned count_endpoints(const struct config *c)
{
    unsigned n = 0;
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next)
        n++;
    return n;
}

static void print_summary(const char *path, const struct config *c, const struct findings *f)
{
    unsigned endpoints = c ? count_endpoints(c) : 0, partners = c ? count_partners(c) : 0;
    if (f->errors)
        printf("%s: %u mistake%s", c ? c->file : path, f->errors, f->errors == 1 ? "" : "s");
    else
        printf("%s is in order: %u endpoint%s, %u partner%s", c->file, endpoints, endpoints == 1 ? "" : "s",
               partners, partners == 1 ? "" : "s");
    if (f->warnings)
        printf(", %u warning%s", f->warnings, f->warnings == 1 ? "" : "s");
    putchar('\n');
}

static int check(const char *path, bool as_json)
{
    struct arena a = {0};
    struct findings f = {.arena = &a, .limit = 1000};
    struct config *c = config_load(path, &f);
    struct map_library *maps = c ? map_library_open(c->map_directories) : NULL;
    if (c && !maps)
        finding_add(&f, SEVERITY_ERROR, "config.translators", c->file, "Set translators in [spoolgate].",
                    "The maps in %s cannot be read.", c->translators_directory);
    if (maps) {
        config_check(c, maps, &f);
        secrets_harden_process();
        config_check_secrets(c, &f);
        map_library_close(maps);
    }
    if (as_json) {
        struct buffer text = {0};
        json_t *all =
            json_pack("{s:s, s:b, s:i, s:i, s:o}", "file", c ? c->file : path, "in_order", !f.errors,
                      "errors", (int)f.errors, "warnings", (int)f.warnings, "findings", findings_as_json(&f));
        json_print(all, &text);
        fwrite(text.ptr, 1, text.len, stdout);
        json_decref(all);
        buffer_free(&text);
    } else {
        print_findings(&f);
        print_summary(path, c, &f);
    }
    bool unreadable = !c && f.first && !strcmp(f.first->code, "config.unreadable");
    int status = unreadable ? EXIT_CONFIG : f.errors ? EXIT_FOUND_PROBLEMS : EXIT_DONE;
    config_free(c);
    arena_free(&a);
    return status;
}

/* ---- show ---- */

static bool is_wanted(const struct section *s, int argc, char **argv)
{
    return (argc < 1 || !strcmp(s->kind, argv[0])) && (argc < 2 || !strcmp(s->name, argv[1]));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What a person is shown of a setting. The name of a secret only when there is such a secret: otherwise it
 * may be the value itself, in the wrong place. */
static const char *shown(struct arena *a, const struct config *c, const struct section *s,
                         const struct setting *i)
{
    bool names_secret = !strcmp(s->kind, "endpoint")
                            ? endpoint_key_names_secret(i->key)
                            : !strcmp(s->kind, "alerts") && !strcmp(i->key, "webhook_secret");
    bool hidden = names_secret && !secrets_name_is_set(c->secrets_file, i->value);
    return hidden ? "(not shown: no secret of this name is set)" : url_shown(i->value, a);
}

static void show_text(struct arena *a, const struct config *c, int argc, char **argv)
{
    for (const struct section *s = c->sections; s; s = s->next) {
        if (!is_wanted(s, argc, argv))
            continue;
        printf("[%s%s%s]  # %s:%d\n", s->kind, *s->name ? " " : "", s->name, s->file, s->line);
        for (const struct setting *i = s->settings; i; i = i->next) {
            char pair[512];
            snprintf(pair, sizeof pair, "%s = %s", i->key, shown(a, c, s, i));
            if (i->file)
                printf("%-56s  # %s:%d\n", pair, base_name(i->file), i->line);
            else
                printf("%-56s  # default\n", pair);
        }
        putchar('\n');
    }
}

static void show_json(struct arena *a, const struct config *c, int argc, char **argv)
{
    json_t *list = json_array();
    for (const struct section *s = c->sections; s; s = s->next) {
        if (!is_wanted(s, argc, argv))
            continue;
        json_t *values = json_object();
        for (const struct setting *i = s->settings; i; i = i->next)
            json_object_set_new(values, i->key,
                                i->file ? json_pack("{s:s, s:s, s:i}", "value", shown(a, c, s, i), "file",
                                                    i->file, "line", i->line)
                                        : json_pack("{s:s, s:b}", "value", i->value, "default", 1));
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:o}", "section", s->kind, "name",
                                              s->name, "file", s->file, "line", s->line, "values", values));
    }
    struct buffer text = {0};
    json_print(list, &text);
    fwrite(text.ptr, 1, text.len, stdout);
    buffer_free(&text);
    json_decref(list);
}

static int show(const char *path, bool as_json, int argc, char **argv)
{
    struct arena a = {0};
    struct config *c = command_config_load(path, &a);
    if (c && as_json)
        show_json(&a, c, argc, argv);
    else if (c)
        show_text(&a, c, argc, argv);
    int status = c ? EXIT_DONE : EXIT_CONFIG;
    bool found = argc == 0;
    for (const struct section *s = c ? c->sections : NULL; s && !found; s = s->next)
        found = is_wanted(s, argc, argv);
    if (c && !found) {
        fprintf(stderr, "spoolgate config: there is no [%s%s%s]\n", argv[0], argc > 1 ? " " : "",
                argc > 1 ? argv[1] : "");
        status = EXIT_NO_INPUT;
    }
    config_free(c);
    arena_free(&a);
    return status;
}

int command_config(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    bool as_json = false;
    int o;
    optind = 1;
    while ((o = command_getopt(argc, argv, "c:h", options, NULL)) != -1) {
        switch (o) {
        case 'c': path = optarg; break;
        case 'j': as_json = true; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    argc -= optind;
    argv += optind;
    path = path ? path : config_default_path();
    if (argc == 1 && !strcmp(argv[0], "check"))
        return check(path, as_json);
    if (argc >= 1 && argc <= 3 && !strcmp(argv[0], "show"))
        return show(path, as_json, argc - 1, argv + 1);
    static const char *const words[] = {"check", "show", NULL};
    if (argc && strcmp(argv[0], words[0]) && strcmp(argv[0], words[1]))
        command_no_such("config", "word", argv[0], words);
    return usage(stderr);
}
