/* options: reading the command line, and what is said of a word that is not known: which one was meant. */
#include "base/utf8.h"
#include "base/word.h"
#include "command/command.h"
#include <stdlib.h>

#define WORDS 64

static void print_shown(const char *text)
{
    struct arena a = {0};
    fputs(utf8_shown(&a, text), stderr);
    arena_free(&a);
}

void command_no_such(const char *command, const char *what, const char *word, const char *const *known)
{
    const char *near = nearest_word(word, known);
    fprintf(stderr, "spoolgate%s%s: there is no %s ", *command ? " " : "", command, what);
    print_shown(word);
    if (near)
        fprintf(stderr, ". Did you mean %s?\n", near);
    else
        fputs("\n", stderr);
}

void command_no_endpoint(const char *command, const struct config *c, const char *name)
{
    const char *known[WORDS + 1] = {NULL};
    size_t n = 0;
    for (const struct endpoint_config *e = c->endpoints; e && n < WORDS; e = e->next)
        known[n++] = e->name;
    command_no_such(command, "endpoint", name, known);
}

static const struct option *find_option(const struct option *options, const char *word, size_t len)
{
    for (; options->name; options++)
        if (!strncmp(options->name, word, len) && !options->name[len])
            return options;
    return NULL;
}

/* Of "--jsno=x" what stands before the sign. It may be a secret that was typed where it does not belong: then
 * it is not repeated. */
static void tell_long(const char *command, const char *word, const struct option *options, bool repeat)
{
    const char *known[WORDS + 1] = {NULL}, *first = NULL, *second = NULL;
    char name[64];
    size_t len = strcspn(word, "="), n = 0;
    snprintf(name, sizeof name, "%.*s", (int)(len < 63 ? len : 63), word);
    const struct option *option = find_option(options, name, strlen(name));
    for (const struct option *o = options; o->name && n < WORDS; o++) {
        known[n++] = o->name;
        if (!strncmp(o->name, name, strlen(name))) {
            second = first ? o->name : NULL;
            first = first ? first : o->name;
        }
    }
    const char *near = nearest_word(name, known);
    if (option)
        fprintf(stderr, "spoolgate %s: --%s %s\n", command, option->name,
                option->has_arg == no_argument ? "takes no value" : "wants a value behind it");
    else if (first && second)
        fprintf(stderr, "spoolgate %s: that can be --%s or --%s\n", command, first, second);
    else if (first) /* an abbreviation, of one that wants a value or takes none */
        fprintf(stderr, "spoolgate %s: --%s is not used like that\n", command, first);
    else {
        fprintf(stderr, "spoolgate %s: there is no %s", command, repeat ? "option --" : "such option");
        if (repeat)
            print_shown(name);
        fprintf(stderr, near ? ". Did you mean --%s?\n" : "%s\n", near ? near : "");
    }
}

static void tell_letter(const char *command, int letter, const char *letters, bool repeat)
{
    if (letter && letter != ':' && strchr(letters, letter))
        fprintf(stderr, "spoolgate %s: -%c wants a value behind it\n", command, letter);
    else if (repeat && letter > ' ' && letter < 127)
        fprintf(stderr, "spoolgate %s: there is no option -%c\n", command, letter);
    else
        fprintf(stderr, "spoolgate %s: there is no such option\n", command);
}

int command_getopt(int argc, char **argv, const char *letters, const struct option *options, int *index)
{
    opterr = 0;
    int got = getopt_long(argc, argv, letters, options, index);
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    bool repeat = strcmp(argv[0], "secret") != 0;
    if (got != '?')
        return got;
    if (!strncmp(word, "--", 2) && (!optopt || optopt > 127 || !strchr(letters, optopt) || word[2]))
        tell_long(argv[0], word + 2, options, repeat);
    else
        tell_letter(argv[0], optopt, letters, repeat);
    return got;
}
