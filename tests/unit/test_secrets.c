/* Secrets: what is on the disk, in the memory that others could see, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "disturb.h"
#include "test_secrets.h"

#include "base/file.h"
#include "base/json.h"
#include "net/locked.h"
#include "net/oauth.h"
#include "net/seal.h"
#include "net/secrets.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct buffer content(const char *file)
{
    struct buffer b = {0};
    assert_int_equal(file_read(AT_FDCWD, file, 1 << 20, &b), 0);
    return b;
}

static void a_secret_comes_back_and_is_not_on_the_disk(void **state)
{
    struct place *p = *state;
    struct stat st;
    put(p, "api", VALUE);
    struct secrets *s = open_here(p);
    struct slice got = secrets_get(s, "api", &p->findings);
    assert_true(slice_is(got, VALUE));
    assert_int_equal(got.ptr[got.len], '\0');
    assert_ptr_equal(secrets_get(s, "api", &p->findings).ptr, got.ptr);
    secrets_close(s);
    assert_int_equal(stat(p->secrets, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(p->key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct buffer b = content(p->secrets);
    assert_null(strstr(b.ptr, VALUE));
    assert_null(strstr(b.ptr, "aHVudGVyMi")); /* the same in base64 */
    assert_non_null(strstr(b.ptr, "\"api\""));
    buffer_free(&b);
}

static int count_row(void *context, const char *name, const char *set_at)
{
    assert_true(*name && *set_at);
    ++*(int *)context;
    return 0;
}

static void set_list_remove(void **state)
{
    struct place *p = *state;
    int n = 0;
    put(p, "one", "1");
    put(p, "two", "2");
    put(p, "one", "eins");
    struct secrets *s = open_here(p);
    assert_int_equal(secrets_list(s, count_row, &n), 0);
    assert_int_equal(n, 2);
    assert_true(slice_is(secrets_get(s, "one", &p->findings), "eins"));
    assert_int_equal(secrets_set(s, "one", SLICE("uno"), &p->findings), 0);
    assert_true(slice_is(secrets_get(s, "one", &p->findings), "uno"));
    assert_int_equal(secrets_remove(s, "one", &p->findings), 0);
    assert_int_equal(secrets_remove(s, "one", &p->findings), 1);
    assert_null(secrets_get(s, "one", &p->findings).ptr);
    assert_true(said(p, "secrets.missing"));
    secrets_close(s);
}

static void two_writers_both_take_effect(void **state)
{
    struct place *p = *state;
    struct secrets *a = open_here(p), *b = open_here(p);
    assert_int_equal(secrets_set(a, "from-a", SLICE("1"), &p->findings), 0);
    assert_int_equal(secrets_set(b, "from-b", SLICE("2"), &p->findings), 0);
    secrets_close(a);
    secrets_close(b);
    struct secrets *s = open_here(p);
    assert_true(slice_is(secrets_get(s, "from-a", &p->findings), "1"));
    assert_true(slice_is(secrets_get(s, "from-b", &p->findings), "2"));
    secrets_close(s);
}

static void any_bytes_and_lengths(void **state)
{
    struct place *p = *state;
    static char big[SECRET_LIMIT + 1];
    struct secrets *s = open_here(p);
    memset(big, 'x', sizeof big);
    for (size_t n = 1; n < 70; n++) {
        for (size_t i = 0; i < n; i++)
            big[i] = (char)(i * 37 + n);
        assert_int_equal(secrets_set(s, "bytes", slice_make(big, n), &p->findings), 0);
        assert_true(slice_equal(secrets_get(s, "bytes", &p->findings), slice_make(big, n)));
    }
    assert_int_equal(secrets_set(s, "big", slice_make(big, SECRET_LIMIT), &p->findings), 0);
    assert_int_equal(secrets_get(s, "big", &p->findings).len, SECRET_LIMIT);
    assert_int_equal(secrets_set(s, "big", slice_make(big, SECRET_LIMIT + 1), &p->findings), -1);
    assert_int_equal(secrets_set(s, "empty", SLICE(""), &p->findings), -1);
    assert_int_equal(secrets_set(s, "../x", SLICE("1"), &p->findings), -1);
    assert_int_equal(secrets_set(s, "", SLICE("1"), &p->findings), -1);
    assert_true(said(p, "secrets.value"));
    secrets_close(s);
}

/* What a new file would be, with one member of entry 0 exchanged. */
static void tamper(const char *file, const char *member, const char *value)
{
    struct buffer b = content(file), out = {0};
    json_t *root = json_parse(buffer_as_slice(&b), NULL);
    json_object_set_new(json_at(root, "secrets.0"), member, json_string(value));
    json_print(root, &out);
    assert_int_equal(file_replace(AT_FDCWD, file, buffer_as_slice(&out), 0600, false), 0);
    json_decref(root);
    buffer_free(&b);
    buffer_free(&out);
}

static void an_altered_or_renamed_secret_does_not_open(void **state)
{
    struct place *p = *state;
    put(p, "api", VALUE);
    struct buffer b = content(p->secrets);
    json_t *root = json_parse(buffer_as_slice(&b), NULL);
    char *sealed = strdup(json_text_at(root, "secrets.0.sealed"));
    json_decref(root);
    for (size_t i = 0; sealed[i]; i++) { /* every character */
        char kept = sealed[i];
        sealed[i] = kept == 'A' ? 'B' : 'A';
        tamper(p->secrets, "sealed", sealed);
        struct secrets *s = open_here(p);
        struct slice got = secrets_get(s, "api", &p->findings);
        assert_true(got.ptr == NULL || sealed[i] == kept || kept == '=');
        secrets_close(s);
        sealed[i] = kept;
    }
    static const char *const broken[] = {"",  "=", "====", "AAAA", "not base64 at all!!!", "AAAAAAAAAAAAAAAA",
                                         NULL};
    for (const char *const *t = broken; *t; t++) {
        tamper(p->secrets, "sealed", *t);
        struct secrets *s = open_here(p);
        assert_null(secrets_get(s, "api", &p->findings).ptr);
        secrets_close(s);
    }
    assert_true(said(p, "secrets.damaged"));
    tamper(p->secrets, "sealed", sealed);
    tamper(p->secrets, "name", "other"); /* one secret in another's place */
    struct secrets *s = open_here(p);
    assert_null(secrets_get(s, "other", &p->findings).ptr);
    secrets_close(s);
    free(sealed);
    buffer_free(&b);
}

static void a_damaged_file_is_refused(void **state)
{
    struct place *p = *state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"spoolgate-secrets\":2,\"key\":\"\",\"secrets\":[]}",
        "{\"spoolgate-secrets\":1,\"key\":\"\",\"secrets\":[{}]}",
        "{\"spoolgate-secrets\":1,\"key\":\"\",\"secrets\":[{\"name\":\"../../x\",\"set_at\":\"\","
        "\"sealed\":\"\"}]}",
        NULL};
    for (const char *const *t = texts; *t; t++) {
        assert_int_equal(file_write(AT_FDCWD, p->secrets, slice_of(*t), 0600, false), 0);
        assert_null(secrets_open(p->secrets, p->key, &p->findings));
    }
    assert_true(said(p, "secrets.file"));
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    struct place *p = *state;
    put(p, "api", VALUE);
    static const mode_t modes[] = {0640, 0604, 0660, 0644};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(p->key, modes[i]), 0);
        assert_null(secrets_open(p->secrets, p->key, &p->findings));
    }
    assert_true(said(p, "secrets.key"));
    assert_int_equal(chmod(p->key, 0400), 0);
    secrets_close(open_here(p));
}

static void a_key_is_only_made_where_none_is(void **state)
{
    struct place *p = *state;
    char missing[160];
    snprintf(missing, sizeof missing, "%s/none", p->dir);
    assert_null(secrets_open(p->secrets, missing, &p->findings));
    assert_int_equal(access(missing, F_OK), -1);
    assert_null(secrets_open(p->secrets, NULL, &p->findings));
    struct buffer before = content(p->key);
    assert_int_equal(seal_key_create(p->key, &p->findings), -1);
    struct buffer after = content(p->key);
    assert_true(slice_equal(buffer_as_slice(&before), buffer_as_slice(&after)));
    buffer_free(&before);
    buffer_free(&after);
}

static void what_is_no_key_is_refused(void **state)
{
    struct place *p = *state;
    static const char *const texts[] = {
        "", "abc", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef00", NULL};
    for (const char *const *t = texts; *t; t++) {
        assert_int_equal(file_write(AT_FDCWD, p->key, slice_of(*t), 0600, false), 0);
        assert_null(secrets_open(p->secrets, p->key, &p->findings));
    }
}

static void another_key_says_so(void **state)
{
    struct place *p = *state;
    char other[160];
    put(p, "api", VALUE);
    snprintf(other, sizeof other, "%s/other", p->dir);
    assert_int_equal(seal_key_create(other, &p->findings), 0);
    assert_null(secrets_open(p->secrets, other, &p->findings));
    assert_true(said(p, "secrets.wrong-key"));
}

static void the_key_comes_from_systemd_then_environment_then_file(void **state)
{
    struct place *p = *state;
    char credential[160];
    struct buffer key = content(p->key);
    put(p, "api", VALUE);
    setenv("SPOOLGATE_KEY", key.ptr, 1);
    struct secrets *s = secrets_open(p->secrets, NULL, &p->findings);
    assert_non_null(s);
    assert_string_equal(secrets_key_origin(s), "$SPOOLGATE_KEY");
    secrets_close(s);
    setenv("SPOOLGATE_KEY", "nonsense", 1);
    assert_null(secrets_open(p->secrets, p->key, &p->findings)); /* never silently another one */
    setenv("CREDENTIALS_DIRECTORY", p->dir, 1);
    snprintf(credential, sizeof credential, "%s/spoolgate-key", p->dir);
    assert_int_equal(file_write(AT_FDCWD, credential, buffer_as_slice(&key), 0440, true), 0);
    s = secrets_open(p->secrets, NULL, &p->findings);
    assert_non_null(s);
    assert_true(slice_is(secrets_get(s, "api", &p->findings), VALUE));
    secrets_close(s);
    setenv("SPOOLGATE_KEY", "x", 1);
    char *environment = getenv("SPOOLGATE_KEY");
    secrets_forget_environment();
    assert_int_equal(environment[0], '\0');
    assert_null(getenv("SPOOLGATE_KEY"));
    assert_true(secrets_environment_has_key());
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_false(secrets_environment_has_key());
    /* opening takes it out of the environment; who opens again, here or in a child, still finds it */
    setenv("SPOOLGATE_KEY", key.ptr, 1);
    environment = getenv("SPOOLGATE_KEY");
    for (int i = 0; i < 2; i++) {
        s = secrets_open(p->secrets, NULL, &p->findings);
        assert_non_null(s);
        secrets_close(s);
        assert_int_equal(environment[0], '\0');
        assert_null(getenv("SPOOLGATE_KEY"));
    }
    secrets_forget_environment();
    assert_null(secrets_open(p->secrets, NULL, &p->findings));
    buffer_free(&key);
}

static void rekey_seals_everything_anew(void **state)
{
    struct place *p = *state;
    put(p, "one", VALUE);
    put(p, "two", "second");
    struct buffer old_key = content(p->key), old_file = content(p->secrets);
    struct secrets *s = open_here(p);
    assert_int_equal(secrets_rekey(s, NULL, &p->findings), 0);
    assert_true(slice_is(secrets_get(s, "one", &p->findings), VALUE));
    secrets_close(s);
    struct buffer new_key = content(p->key);
    assert_false(slice_equal(buffer_as_slice(&old_key), buffer_as_slice(&new_key)));
    s = open_here(p);
    assert_true(slice_is(secrets_get(s, "two", &p->findings), "second"));
    secrets_close(s);
    assert_int_equal(file_write(AT_FDCWD, p->key, buffer_as_slice(&old_key), 0600, false), 0);
    assert_null(secrets_open(p->secrets, p->key, &p->findings));
    buffer_free(&old_key);
    buffer_free(&old_file);
    buffer_free(&new_key);
}

static void a_rekey_cut_short_is_found_and_finished(void **state)
{
    struct place *p = *state;
    char fresh[160];
    put(p, "one", VALUE);
    snprintf(fresh, sizeof fresh, "%s.new", p->key);
    /* killed after the secrets were written and before the key took its place: as a rekey into <key>.new
     * leaves it */
    struct secrets *s = open_here(p);
    assert_int_equal(secrets_rekey(s, fresh, &p->findings), 0);
    secrets_close(s);
    s = open_here(p);
    assert_true(slice_is(secrets_get(s, "one", &p->findings), VALUE));
    assert_int_equal(secrets_set(s, "two", SLICE("2"), &p->findings), 0);
    assert_int_equal(secrets_rekey(s, NULL, &p->findings), 0);
    secrets_close(s);
    assert_int_equal(access(fresh, F_OK), -1);
    s = open_here(p);
    assert_true(slice_is(secrets_get(s, "one", &p->findings), VALUE));
    assert_true(slice_is(secrets_get(s, "two", &p->findings), "2"));
    secrets_close(s);
    /* killed before: a new key nothing is sealed under does no harm, and is taken up by the next try */
    assert_int_equal(seal_key_create(fresh, &p->findings), 0);
    s = open_here(p);
    assert_true(slice_is(secrets_get(s, "one", &p->findings), VALUE));
    assert_int_equal(secrets_rekey(s, NULL, &p->findings), 0);
    secrets_close(s);
    secrets_close(open_here(p));
}

static struct place *rekeyed;

static void rekey_until_killed(struct tree *t, int dir)
{
    struct findings f = {.arena = &rekeyed->arena};
    struct secrets *s = secrets_open(rekeyed->secrets, rekeyed->key, &f);
    (void)t;
    (void)dir;
    if (s)
        secrets_rekey(s, NULL, &f);
    secrets_close(s);
}

/* Killed before each of its system calls, or each of them failed: the secret can be read, and the next rekey
 * goes through. */
static void a_rekey_killed_anywhere_leaves_readable_secrets(void **state)
{
    static const int errors[] = {0, EIO, ENOSPC};
    struct place *p = rekeyed = *state;
    put(p, "one", VALUE);
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
        int came = 1;
        for (long n = 1; came == 1; n++) {
            came = disturb(NULL, -1, rekey_until_killed, n, errors[k], NULL);
            if (came < 0)
                skip();
            struct secrets *s = open_here(p);
            if (!slice_is(secrets_get(s, "one", &p->findings), VALUE))
                fail_msg("not readable, system call %ld, error %d", n, errors[k]);
            if (secrets_rekey(s, NULL, &p->findings))
                fail_msg("no rekey, system call %ld, error %d: %s", n, errors[k], p->findings.last->what);
            secrets_close(s);
            assert_int_equal(p->findings.errors, 0);
        }
    }
}

static void a_rekey_that_cannot_open_one_changes_nothing(void **state)
{
    struct place *p = *state;
    put(p, "one", VALUE);
    tamper(p->secrets, "sealed", "AAAA");
    put(p, "two", "2");
    struct buffer before = content(p->secrets);
    struct secrets *s = open_here(p);
    assert_int_equal(secrets_rekey(s, NULL, &p->findings), -1);
    secrets_close(s);
    struct buffer after = content(p->secrets);
    assert_true(slice_equal(buffer_as_slice(&before), buffer_as_slice(&after)));
    s = open_here(p);
    assert_true(slice_is(secrets_get(s, "two", &p->findings), "2"));
    secrets_close(s);
    buffer_free(&before);
    buffer_free(&after);
}

static void tokens_are_sealed_for_their_purpose(void **state)
{
    struct place *p = *state;
    struct buffer sealed = {0}, plain = {0};
    struct secrets *s = open_here(p);
    assert_int_equal(secrets_seal(s, "visma", SLICE(VALUE), &sealed), 0);
    assert_null(memmem(sealed.ptr, sealed.len, VALUE, strlen(VALUE)));
    assert_int_equal(secrets_unseal(s, "visma", buffer_as_slice(&sealed), &plain), 0);
    assert_true(slice_is(buffer_as_slice(&plain), VALUE));
    buffer_wipe(&plain);
    assert_int_equal(secrets_unseal(s, "other", buffer_as_slice(&sealed), &plain), -1);
    assert_int_equal(secrets_unseal(s, "visma", slice_make(sealed.ptr, 5), &plain), -1);
    assert_int_equal(secrets_unseal(NULL, "visma", buffer_as_slice(&sealed), &plain), -1);
    assert_int_equal(plain.len, 0);
    buffer_wipe(&plain);
    buffer_free(&sealed);
    secrets_close(s);
}

static void without_a_key_the_finding_says_so(void **state)
{
    struct place *p = *state;
    assert_null(secrets_get(NULL, "api", &p->findings).ptr);
    assert_true(said(p, "secrets.key"));
    secrets_close(NULL);
}

/* ---- memory ---- */

/* AddressSanitizer keeps its own memory, makes mlock(2) do nothing, and hides the heap from dumps. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

/* "VmFlags:" of the mapping that holds address, as the kernel tells them. */
static bool mapping_has_flag(const void *address, const char *flag)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long from, to;
    bool inside = false, found = false;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(f);
    return found;
}

static void plain_values_are_locked_and_left_out_of_dumps(void **state)
{
    struct place *p = *state;
    put(p, "api", VALUE);
    struct secrets *s = open_here(p);
    struct slice got = secrets_get(s, "api", &p->findings);
    assert_true(mapping_has_flag(got.ptr, " dd"));
    struct rlimit limit;
    getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur > 1 << 20 && !SANITIZED)
        assert_true(mapping_has_flag(got.ptr, " lo"));
    secrets_close(s);
}

/* Every readable and writable page of this process, except those that dumps leave out. */
static int count_in_memory(const char *needle_reversed, size_t n)
{
    char needle[64], line[512];
    static char piece[1 << 20];
    unsigned long from, to;
    char rights[8];
    prctl(PR_SET_DUMPABLE,
          1); /* the test looks where nobody else may: a process with secrets is not dumpable */
    int found = 0, memory = open("/proc/self/mem", O_RDONLY);
    for (size_t i = 0; i < n; i++)
        needle[i] = needle_reversed[n - 1 - i];
    FILE *f = fopen("/proc/self/maps", "r");
    assert_true(memory >= 0 && f);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' || rights[1] != 'w' ||
            to - from > (64ul << 20))
            continue;
        for (unsigned long at = from; at < to; at += sizeof piece - 64) {
            ssize_t got = pread(memory, piece, to - at < sizeof piece ? to - at : sizeof piece, (off_t)at);
            for (const char *p = piece;
                 got > (ssize_t)n && (p = memmem(p, (size_t)(piece + got - p), needle, n)); p++) {
                uintptr_t where = at + (uintptr_t)(p - piece);
                bool own = (where >= (uintptr_t)piece && where < (uintptr_t)piece + sizeof piece) ||
                           (where >= (uintptr_t)needle && where < (uintptr_t)needle + sizeof needle);
                found += !own && !mapping_has_flag((void *)where, " dd");
            }
        }
    }
    fclose(f);
    close(memory);
    return found;
}

static void no_copy_stays_in_ordinary_memory(void **state)
{
    struct place *p = *state;
    static const char reversed[] = "lavretni-ni-dnuof-eb-ot-ton-9184";
    size_t n = sizeof reversed - 1;
    if (SANITIZED)
        skip();
    char *value = locked_alloc(n);
    for (size_t i = 0; i < n; i++)
        value[i] = reversed[n - 1 - i];
    char *known = malloc(n); /* the search does find what is there */
    memcpy(known, value, n);
    __asm__ volatile("" : : "r"(known) : "memory"); /* the compiler must not see that nobody reads it */
    assert_true(count_in_memory(reversed, n) >= 1);
    memset(known, 0, n);
    free(known);
    assert_int_equal(count_in_memory(reversed, n), 0);
    struct secrets *s = open_here(p);
    assert_int_equal(secrets_set(s, "kept", slice_make(value, n), &p->findings), 0);
    locked_free(value, n);
    secrets_close(s);
    s = open_here(p);
    assert_int_equal(secrets_get(s, "kept", &p->findings).len, n);
    assert_int_equal(count_in_memory(reversed, n), 0);
    secrets_close(s);
    assert_int_equal(count_in_memory(reversed, n), 0);
}

static void a_hardened_process_cannot_be_dumped(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit core;
        secrets_harden_process();
        getrlimit(RLIMIT_CORE, &core);
        _exit(prctl(PR_GET_DUMPABLE) == 0 && core.rlim_max == 0 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_secret_comes_back_and_is_not_on_the_disk),
        IN_PLACE(set_list_remove),
        IN_PLACE(two_writers_both_take_effect),
        IN_PLACE(any_bytes_and_lengths),
        IN_PLACE(an_altered_or_renamed_secret_does_not_open),
        IN_PLACE(a_damaged_file_is_refused),
        IN_PLACE(a_key_that_others_can_read_is_refused),
        IN_PLACE(a_key_is_only_made_where_none_is),
        IN_PLACE(what_is_no_key_is_refused),
        IN_PLACE(another_key_says_so),
        IN_PLACE(the_key_comes_from_systemd_then_environment_then_file),
        IN_PLACE(rekey_seals_everything_anew),
        IN_PLACE(a_rekey_cut_short_is_found_and_finished),
        IN_PLACE(a_rekey_killed_anywhere_leaves_readable_secrets),
        IN_PLACE(a_rekey_that_cannot_open_one_changes_nothing),
        IN_PLACE(tokens_are_sealed_for_their_purpose),
        IN_PLACE(without_a_key_the_finding_says_so),
        IN_PLACE(plain_values_are_locked_and_left_out_of_dumps),
        IN_PLACE(no_copy_stays_in_ordinary_memory),
        cmocka_unit_test(a_hardened_process_cannot_be_dumped),
    };
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
