/* spoolgate secret set | list | remove | rekey | key: the sealed secrets. A value comes from standard input
 * or a prompt that does not show it, never from the command line, which every user of the machine can read.
 */
#include "base/json.h"
#include "base/word.h"
#include "command/command.h"
#include "net/locked.h"
#include "net/seal.h"
#include "net/secrets.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

struct invocation {
    const char *config_file, *secrets_file, *key_file;
    bool create_key, as_json;
    struct arena arena;
    struct findings findings;
    struct config *config;
};

static int usage(FILE *out)
{
    fputs(
        "usage: spoolgate secret set [--create-key] NAME    the value comes from standard input or a prompt\n"
        "       spoolgate secret list [--json]\n"
        "       spoolgate secret remove NAME\n"
        "       spoolgate secret rekey [KEYFILE]\n"
        "       spoolgate secret key KEYFILE\n\n"
        "set     seals a value under a name that endpoints refer to; one line feed at its end is dropped\n"
        "list    names, and when they were set; never values\n"
        "remove  forgets one\n"
        "rekey   seals everything under a new key, in the place of the old key file or in KEYFILE\n"
        "key     makes a new key file (mode 0600); an existing one is never overwritten\n\n"
        "  -c, --config FILE   the configuration that names the files of secrets and key\n"
        "  -s, --secrets FILE  this file of secrets, without a configuration\n"
        "  -k, --key FILE      this key file\n"
        "      --create-key    set: make the key file when there is none\n"
        "      --json          list: for scripts\n"
        "Exit status: 0 done, 1 no such secret, 64 usage, 65 not a value or name that can be kept, 73 cannot "
        "be\n"
        "written, 78 the key or the configuration is not in order.\n",
        out);
    return out == stderr ? EXIT_USAGE : EXIT_DONE;
}

static int told(struct invocation *v, int status)
{
    command_print_findings(&v->findings);
    return status;
}

/* ---- where the files are ---- */

static int find_files(struct invocation *v)
{
    if (v->secrets_file && v->key_file)
        return 0;
    if (v->secrets_file && !v->config_file) /* the key from the environment or systemd */
        return 0;
    v->config = command_config_load(v->config_file, &v->arena);
    if (!v->config)
        return -1;
    if (!v->secrets_file)
        v->secrets_file = v->config->secrets_file;
    if (!v->key_file)
        v->key_file = v->config->key_file;
    return 0;
}

static struct secrets *open_secrets(struct invocation *v)
{
    if (find_files(v))
        return NULL;
    if (v->create_key && v->key_file && !secrets_environment_has_key() && access(v->key_file, F_OK)) {
        if (seal_key_create(v->key_file, &v->findings))
            return NULL;
        fprintf(stderr,
                "A new key was made: %s\nKeep a copy of it in a safe place: without it, nobody can read the "
                "secrets again.\n",
                v->key_file);
    }
    return secrets_open(v->secrets_file, v->key_file, &v->findings);
}

/* ---- the value ---- */

/* Reads to the end, into locked memory of SECRET_LIMIT + 2 bytes. Length, or -1. */
static ssize_t read_all(int fd, char *value)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, value + len, SECRET_LIMIT + 2 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        len += (size_t)n;
        if (n == 0 || len == SECRET_LIMIT + 2)
            break;
    }
    if (len && value[len - 1] == '\n')
        len--;
    if (len && value[len - 1] == '\r')
        len--;
    return (ssize_t)len;
}

/* One line from the terminal, without the line feed. */
static ssize_t read_line(int tty, const char *prompt, char *value)
{
    size_t len = 0;
    ssize_t n = write(tty, prompt, strlen(prompt));
    while (n >= 0 && len < SECRET_LIMIT + 1) {
        n = read(tty, value + len, 1);
        if (n == 1 && value[len] != '\n')
            len++;
        else if (n == 0 || n == 1)
            break;
    }
    return n < 0 || write(tty, "\n", 1) < 0 ? -1 : (ssize_t)len;
}

static struct termios kept;
static int kept_tty = -1;

static void give_echo_back(int signal_number)
{
    tcsetattr(kept_tty, TCSANOW, &kept);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* Asked twice, since nobody sees what is typed. Length, -1: not the same or no terminal. */
static ssize_t ask(const char *name, char *value)
{
    char prompt[128];
    char *again = locked_alloc(SECRET_LIMIT + 2);
    kept_tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (!again || kept_tty < 0 || tcgetattr(kept_tty, &kept)) {
        fprintf(stderr, "There is no terminal to ask for the value; give it on standard input.\n");
        locked_free(again, SECRET_LIMIT + 2);
        return -1;
    }
    struct termios silent = kept;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    signal(SIGINT, give_echo_back);
    signal(SIGTERM, give_echo_back);
    tcsetattr(kept_tty, TCSAFLUSH, &silent);
    snprintf(prompt, sizeof prompt, "Value of %.64s: ", name);
    ssize_t len = read_line(kept_tty, prompt, value), len_again = read_line(kept_tty, "Once more: ", again);
    tcsetattr(kept_tty, TCSAFLUSH, &kept);
    close(kept_tty);
    bool same = len > 0 && len == len_again && memcmp(value, again, (size_t)len) == 0;
    locked_free(again, SECRET_LIMIT + 2);
    if (!same)
        fprintf(stderr, len > 0 ? "The two were not the same; nothing was set.\n"
                                : "Nothing was typed; nothing was set.\n");
    return same ? len : -1;
}

static int set(struct invocation *v, int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr,
                "A value is never given on the command line, where others can read it and the shell keeps "
                "it: if the last word was one, change it at its issuer.\n");
        return EXIT_USAGE;
    }
    if (argc != 1)
        return usage(stderr);
    struct secrets *s = open_secrets(v);
    if (!s)
        return told(v, EXIT_CONFIG);
    int status = EXIT_BAD_DATA;
    char *value = locked_alloc(SECRET_LIMIT + 2);
    if (!value)
        abort();
    ssize_t len = isatty(STDIN_FILENO) ? ask(argv[0], value) : read_all(STDIN_FILENO, value);
    if (len >= 0) {
        int failed = secrets_set(s, argv[0], slice_make(value, (size_t)len), &v->findings);
        bool unfit = failed && v->findings.first && strcmp(v->findings.first->code, "secrets.value") == 0;
        status = unfit ? EXIT_BAD_DATA : failed ? EXIT_CANT_WRITE : EXIT_DONE;
    }
    locked_free(value, SECRET_LIMIT + 2);
    secrets_close(s);
    return told(v, status);
}

/* ---- the others ---- */

static int print_row(void *context, const char *name, const char *set_at)
{
    (void)context;
    printf("%-40s set %s\n", name, set_at);
    return 0;
}

static int add_row(void *list, const char *name, const char *set_at)
{
    return json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "set_at", set_at));
}

static int list(struct invocation *v, int argc)
{
    if (argc)
        return usage(stderr);
    struct secrets *s = open_secrets(v);
    if (!s)
        return told(v, EXIT_CONFIG);
    if (v->as_json) {
        json_t *all = json_array();
        struct buffer text = {0};
        secrets_list(s, add_row, all);
        json_print(all, &text);
        fwrite(text.ptr, 1, text.len, stdout);
        buffer_free(&text);
        json_decref(all);
    } else {
        secrets_list(s, print_row, NULL);
    }
    secrets_close(s);
    return told(v, EXIT_DONE);
}

static int remove_one(struct invocation *v, int argc, char **argv)
{
    if (argc != 1)
        return usage(stderr);
    struct secrets *s = open_secrets(v);
    if (!s)
        return told(v, EXIT_CONFIG);
    int result = secrets_remove(s, argv[0], &v->findings);
    if (result > 0)
        fprintf(stderr, "There is no secret of that name.\n");
    secrets_close(s);
    return told(v, result < 0 ? EXIT_CANT_WRITE : result ? EXIT_FOUND_PROBLEMS : EXIT_DONE);
}

static int rekey(struct invocation *v, int argc, char **argv)
{
    if (argc > 1)
        return usage(stderr);
    struct secrets *s = open_secrets(v);
    if (!s)
        return told(v, EXIT_CONFIG);
    int result = secrets_rekey(s, argc ? argv[0] : NULL, &v->findings);
    if (result == 0)
        fprintf(stderr, "Everything is sealed under a new key, from %s.\n%s", secrets_key_origin(s),
                argc ? "Name this file as key_file (or give its content where the key came from), then "
                       "restart spoolgate.\n"
                     : "Running processes take it when they are started again. Keep a copy of the key in a "
                       "safe place.\n");
    secrets_close(s);
    return told(v, result ? EXIT_CANT_WRITE : EXIT_DONE);
}

static int make_key(struct invocation *v, int argc, char **argv)
{
    if (argc != 1)
        return usage(stderr);
    int result = seal_key_create(argv[0], &v->findings);
    if (result == 0)
        fprintf(stderr, "Keep a copy of %s in a safe place: without it, nobody can read the secrets again.\n",
                argv[0]);
    return told(v, result ? EXIT_CANT_WRITE : EXIT_DONE);
}

static int run(struct invocation *v, const char *what, int argc, char **argv)
{
    if (strcmp(what, "set") == 0)
        return set(v, argc, argv);
    if (strcmp(what, "list") == 0)
        return list(v, argc);
    if (strcmp(what, "remove") == 0)
        return remove_one(v, argc, argv);
    if (strcmp(what, "rekey") == 0)
        return rekey(v, argc, argv);
    if (strcmp(what, "key") == 0)
        return make_key(v, argc, argv);
    static const char *const words[] = {"set", "list", "remove", "rekey", "key", NULL};
    const char *near = nearest_word(what, words); /* the word itself may be a secret, and is not repeated */
    fprintf(stderr, near ? "spoolgate secret: did you mean \"%s\"?\n" : "spoolgate secret: %s\n",
            near ? near : "what is to be done? There are set, list, remove, rekey and key");
    return usage(stderr);
}

int command_secret(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"secrets", required_argument, NULL, 's'},
                                            {"key", required_argument, NULL, 'k'},
                                            {"create-key", no_argument, NULL, 1},
                                            {"json", no_argument, NULL, 2},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct invocation v = {.config_file = NULL};
    int option;
    v.findings.arena = &v.arena;
    while ((option = command_getopt(argc, argv, "c:s:k:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': v.config_file = optarg; break;
        case 's': v.secrets_file = optarg; break;
        case 'k': v.key_file = optarg; break;
        case 1: v.create_key = true; break;
        case 2: v.as_json = true; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    if (optind >= argc)
        return usage(stderr);
    secrets_harden_process();
    int status = run(&v, argv[optind], argc - optind - 1, argv + optind + 1);
    config_free(v.config);
    arena_free(&v.arena);
    return status;
}
