/* `spoolgate secret`, as far as its functions go; the flow tests run the program. */
#include "test_secrets.h"

#include "base/json.h"
#include "command/command.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* Runs `spoolgate secret …` in a child with input; its exit status, its output in out. */
static int run(struct place *p, const char *input, char *const *more, struct buffer *out)
{
    char *argv[16] = {"secret", "-s", p->secrets, "-k", p->key, NULL};
    int in[2], from[2], status = 0, argc = 5;
    for (size_t i = 0; more[i]; i++)
        argv[argc++] = more[i];
    assert_int_equal(pipe(in) + pipe(from), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(in[0], 0);
        dup2(from[1], 1);
        dup2(from[1], 2);
        close(in[1]);
        close(from[0]);
        optind = 0;
        int code = command_secret(argc, argv);
        fflush(NULL);
        _exit(code);
    }
    close(in[0]);
    close(from[1]);
    if (input && write(in[1], input, strlen(input)) < 0)
        assert_int_equal(errno, EPIPE); /* it refused before it read */
    /* while it waits for the rest, the value is on no command line */
    close(in[1]);
    char piece[4096];
    ssize_t n;
    while ((n = read(from[0], piece, sizeof piece)) > 0)
        buffer_add(out, piece, (size_t)n);
    close(from[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_command_takes_values_from_standard_input_only(void **state)
{
    struct place *p = *state;
    struct buffer out = {0};
    assert_int_equal(run(p, VALUE "\n", (char *[]){"set", "api", NULL}, &out), EXIT_DONE);
    struct secrets *s = open_here(p);
    assert_true(slice_is(secrets_get(s, "api", &p->findings), VALUE));
    secrets_close(s);
    assert_int_equal(run(p, NULL, (char *[]){"set", "api", "value-on-the-command-line", NULL}, &out),
                     EXIT_USAGE);
    assert_int_equal(run(p, "", (char *[]){"set", "api", NULL}, &out), EXIT_BAD_DATA);
    assert_int_equal(run(p, "x", (char *[]){"set", "a/b", NULL}, &out), EXIT_BAD_DATA);
    assert_null(strstr(out.ptr, VALUE));
    assert_null(strstr(out.ptr, "value-on")); /* nor its beginning */
    buffer_free(&out);
}

static void the_command_lists_and_removes(void **state)
{
    struct place *p = *state;
    struct buffer out = {0};
    put(p, "api", VALUE);
    assert_int_equal(run(p, NULL, (char *[]){"list", NULL}, &out), EXIT_DONE);
    assert_non_null(strstr(out.ptr, "api"));
    buffer_clear(&out);
    assert_int_equal(run(p, NULL, (char *[]){"list", "--json", NULL}, &out), EXIT_DONE);
    json_t *rows = json_parse(buffer_as_slice(&out), NULL);
    assert_string_equal(json_text_at(rows, "0.name"), "api");
    json_decref(rows);
    assert_int_equal(run(p, NULL, (char *[]){"remove", "api", NULL}, &out), EXIT_DONE);
    assert_int_equal(run(p, NULL, (char *[]){"remove", "api", NULL}, &out), EXIT_FOUND_PROBLEMS);
    assert_int_equal(run(p, NULL, (char *[]){"rekey", NULL}, &out), EXIT_DONE);
    assert_int_equal(run(p, NULL, (char *[]){"key", p->key, NULL}, &out), EXIT_CANT_WRITE);
    assert_int_equal(run(p, NULL, (char *[]){"nonsense", NULL}, &out), EXIT_USAGE);
    assert_null(strstr(out.ptr, VALUE));
    buffer_free(&out);
}

static void the_command_makes_a_key_only_when_told(void **state)
{
    struct place *p = *state;
    struct buffer out = {0};
    assert_int_equal(unlink(p->key), 0);
    assert_int_equal(run(p, "v", (char *[]){"set", "api", NULL}, &out), EXIT_CONFIG);
    assert_int_equal(access(p->key, F_OK), -1);
    assert_int_equal(run(p, "v", (char *[]){"set", "--create-key", "api", NULL}, &out), EXIT_DONE);
    assert_int_equal(access(p->key, F_OK), 0);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(the_command_takes_values_from_standard_input_only),
        IN_PLACE(the_command_lists_and_removes),
        IN_PLACE(the_command_makes_a_key_only_when_told),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("secret command", tests, NULL, NULL);
}
