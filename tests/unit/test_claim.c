/* claim: two workers never hold the same file, a kill at any moment loses neither bytes nor where they came
 * from. */
#include "disturb.h"
#include "tree.h"

#include "base/json.h"
#include "spool/name.h"
#include "spool/own.h"
#include "spool/work.h"
#include <signal.h>
#include <sys/mount.h>
#include <time.h>

#define ID "20260321T091455123456-9f3a1c"

static int inbox(struct tree *t, const char *source)
{
    int dir = spool_inbox(&t->spool, source);
    assert_true(dir >= 0);
    return dir;
}

static void open_slot(struct tree *t, struct work *w, int slot)
{
    assert_int_equal(work_open(w, &t->spool, slot), 0);
}

/* ---- one claim ---- */

static void a_claim_says_where_it_came_from(void **state)
{
    (void)state;
    struct tree t;
    struct work w;
    struct document d;
    struct buffer b = {0};
    char name[256], back[SPOOL_NAME_MAX + 1], file[SPOOL_NAME_MAX + 1];
    int dir = inbox(tree_open(&t), "erp");
    open_slot(&t, &w, 1);
    memset(name, '\n', 250);
    memcpy(name + 100, "\xff-%\x80", 4);
    memcpy(name + 250, ".json", 6);
    assert_int_equal(file_write(dir, name, SLICE("bytes"), 0600, true), 0);
    assert_int_equal(work_claim_file(&w, "k\xff\tunde", dir, name, NULL, &d), 0);
    assert_int_equal(tree_count(&t, "inbox/erp", NULL), 0);
    assert_true(name_decode(document_text(&d, "source.file"), back));
    assert_string_equal(back, name);
    assert_true(name_decode(document_text(&d, "source.name"), back));
    assert_string_equal(back, "k\xff\tunde");
    assert_string_equal(document_text(&d, "source.media"), "application/json");
    assert_int_equal(json_integer_at(d.envelope, "source.size", 0), 5);
    assert_int_equal(document_source(&d, file, NULL, &t.findings), 0);
    assert_string_equal(file, "source.json");
    assert_int_equal(document_read(&d, file, &b, &t.findings), 0);
    assert_int_equal(strlen(document_text(&d, "source.sha256")), 64);
    assert_int_equal(document_save(&d), 0);
    document_close(&d);
    assert_int_equal(work_claim_file(&w, "erp", dir, name, NULL, &d), 1);
    assert_int_equal(work_claim_file(&w, "erp", dir, "gone", NULL, &d), 1);
    assert_int_equal(file_write(dir, "-rf", SLICE("bytes"), 0600, true), 0);
    assert_int_equal(work_claim_file(&w, "erp", dir, "-rf", NULL, &d), 0);
    assert_true(tree_has(&t, "translate/.work-1/claims"));
    assert_int_equal(document_source(&d, file, NULL, &t.findings), 0);
    assert_string_equal(file, "source.bin");
    document_close(&d);
    assert_int_equal(tree_count(&t, "translate/.work-1", NULL), 3); /* two documents and claims */
    buffer_free(&b);
    work_close(&w);
    tree_close(&t);
}

static void what_is_put_in_the_files_place_is_refused(void **state)
{
    (void)state;
    struct tree t;
    struct work w;
    struct document d;
    char name[256], path[400];
    int dir = inbox(tree_open(&t), "erp");
    open_slot(&t, &w, 1);
    assert_int_equal(symlinkat("/etc/passwd", dir, "order.json"), 0);
    assert_int_equal(mkdirat(dir, "folder.json", 0700), 0);
    assert_int_equal(work_claim_file(&w, "erp", dir, "order.json", NULL, &d), 1);
    assert_int_equal(work_claim_file(&w, "erp", dir, "folder.json", NULL, &d), 1);
    assert_int_equal(tree_count(&t, "error", name), 2);
    snprintf(path, sizeof path, "error/%s/refused-source.json", name);
    assert_true(tree_has(&t, path));
    assert_int_equal(tree_count(&t, "translate/.work-1", NULL), 1);
    work_close(&w);
    tree_close(&t);
}

static void a_slot_has_one_holder(void **state)
{
    (void)state;
    struct tree t;
    struct work w, other;
    tree_open(&t);
    open_slot(&t, &w, 1);
    assert_int_equal(work_open(&other, &t.spool, 1), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    open_slot(&t, &other, 2);
    work_close(&w);
    open_slot(&t, &w, 1);
    work_close(&w);
    work_close(&other);
    tree_close(&t);
}

/* ---- folders ---- */

static void a_folder_put_back_is_taken(void **state)
{
    (void)state;
    struct tree t;
    struct work w;
    struct document d;
    char name[256];
    tree_open(&t);
    open_slot(&t, &w, 1);
    tree_put(&t, "translate/" ID "/source.json", "x");
    tree_put(&t, "translate/" ID "/error.txt", "what was wrong");
    tree_put(&t, "translate/" ID "/document.json",
             "{\"id\":\"" ID
             "\",\"failed_in\":\"translate\",\"source\":{\"name\":\"erp\",\"stored\":\"source.json\"}}");
    assert_int_equal(work_claim_folder(&w, ID, &d), 0);
    assert_string_equal(document_text(&d, "source.name"), "erp");
    assert_null(document_text(&d, "failed_in"));
    assert_string_equal(tree_text(&t, "translate/.work-1/" ID "/error-1.txt"), "what was wrong");
    document_close(&d);
    assert_int_equal(work_claim_folder(&w, ID, &d), 1);
    /* another folder of that name is no reason to lose one of them */
    tree_put(&t, "translate/" ID "/source.json", "y");
    assert_int_equal(work_claim_folder(&w, ID, &d), -1);
    assert_int_equal(errno, EEXIST);
    assert_string_equal(tree_text(&t, "translate/" ID "/source.json"), "y");
    /* a folder of somebody's own naming gets an id, a file is refused */
    tree_put(&t, "translate/my order\n/source.json", "z");
    assert_int_equal(work_claim_folder(&w, "my order\n", &d), 0);
    assert_true(document_name_parse(d.name, NULL, NULL));
    assert_non_null(strstr(document_text(&d, "history.1.what"), "my order%0A"));
    document_close(&d);
    tree_put(&t, "translate/order.json", "z");
    assert_int_equal(work_claim_folder(&w, "order.json", &d), 1);
    assert_int_equal(tree_count(&t, "error", name), 1);
    work_close(&w);
    tree_close(&t);
}

static void a_split_shares_what_is_never_altered(void **state)
{
    (void)state;
    struct tree t;
    struct work w;
    struct document d, second;
    struct stat one, two;
    int dir = inbox(tree_open(&t), "erp");
    open_slot(&t, &w, 1);
    assert_int_equal(file_write(dir, "order.json", SLICE("bytes"), 0600, true), 0);
    assert_int_equal(work_claim_file(&w, "erp", dir, "order.json", NULL, &d), 0);
    assert_int_equal(document_write(&d, "canonical", "canonical.json", SLICE("{}")), 0);
    assert_int_equal(document_write(&d, "message", "message.x12", SLICE("ISA")), 0);
    document_set(&d, "partner", "first");
    document_set(&d, "number", "17");
    assert_int_equal(work_split(&w, &d, 0, &second), -1);
    assert_int_equal(mkdirat(w.dir, "left", 0700), 0);
    assert_int_equal(work_split(&w, &d, 2, &second), 0);
    assert_int_equal(second.destination, 2);
    assert_null(document_text(&second, "partner"));
    assert_null(document_text(&second, "message.file"));
    assert_string_equal(document_text(&second, "number"), "17");
    assert_string_equal(document_text(&second, "canonical.file"), "canonical.json");
    assert_string_equal(document_text(&d, "partner"), "first");
    assert_int_equal(fstatat(d.folder, "source.json", &one, 0), 0);
    assert_int_equal(fstatat(second.folder, "source.json", &two, 0), 0);
    assert_true(one.st_ino == two.st_ino);
    assert_int_equal(faccessat(second.folder, "message.x12", F_OK, 0), -1);
    /* made anew in one of them, it stays what it was in the other */
    assert_int_equal(document_write(&second, "canonical", "canonical.json", SLICE("{\"new\":1}")), 0);
    assert_int_equal(document_verify(&d, &t.findings), 0);
    assert_int_equal(document_save(&second), 0);
    document_close(&second);
    assert_int_equal(work_split(&w, &d, 2, &second), 0); /* one left by a kill is made again */
    document_close(&second);
    document_close(&d);
    work_close(&w);
    tree_close(&t);
}

/* ---- recovery ---- */

static void a_killed_translators_documents_go_back(void **state)
{
    (void)state;
    struct tree t;
    struct work w;
    struct document d;
    char name[256];
    int dir = inbox(tree_open(&t), "erp");
    pid_t child = fork();
    if (child == 0) {
        struct document more;
        open_slot(&t, &w, 3);
        file_write(dir, "one.json", SLICE("1"), 0600, true);
        file_write(dir, "two.json", SLICE("2"), 0600, true);
        work_claim_file(&w, "erp", dir, "one.json", NULL, &d); /* killed before document.json */
        work_claim_file(&w, "erp", dir, "two.json", NULL, &d);
        document_write(&d, "canonical", "canonical.json", SLICE("{}"));
        document_save(&d);
        work_split(&w, &d, 2, &more);
        document_save(&more);
        file_write(w.dir, "20260321T091455123456-9f3a1c", SLICE("stray"), 0600, true);
        mkdirat(w.dir, "20260321T091455123457-9f3a1c", 0700);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    assert_int_equal(unlinkat(t.spool.stage[STAGE_TRANSLATE], ".work-3/20260321T091455123456-9f3a1c", 0), 0);
    open_slot(&t, &w, 1);
    assert_int_equal(work_recover(&w), 2);
    assert_int_equal(work_recover(&w), 0);
    assert_int_equal(tree_count(&t, "translate", name), 2);
    assert_int_equal(tree_count(&t, "translate/.work-3", NULL), 1);
    assert_int_equal(tree_count(&t, "error", NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tree_count(&t, "translate", name), 2 - i);
        assert_int_equal(work_claim_folder(&w, name, &d), 0);
        assert_string_equal(document_text(&d, "source.name"), "erp");
        assert_int_equal(strlen(document_text(&d, "source.file")), 8);
        assert_int_equal(d.destination, 0);
        document_close(&d);
    }
    assert_int_equal(work_recover(&w), 0); /* not what is in hand */
    assert_int_equal(tree_count(&t, "translate/.work-1", NULL), 3);
    work_close(&w);
    open_slot(&t, &w, 1);
    assert_int_equal(work_recover(&w), 2);
    work_close(&w);
    tree_close(&t);
}

static void a_lost_note_of_origin_is_said(void **state)
{
    (void)state;
    struct tree t;
    struct work w;
    struct document d;
    char name[256], path[400];
    int dir = inbox(tree_open(&t), "erp");
    open_slot(&t, &w, 1);
    assert_int_equal(file_write(dir, "one.json", SLICE("the bytes"), 0600, true), 0);
    assert_int_equal(work_claim_file(&w, "erp", dir, "one.json", NULL, &d), 0);
    document_close(&d);
    work_close(&w);
    /* what a loss of power may do: the rename is on the disk, the line and the envelope are not whole */
    tree_put(&t, "translate/.work-1/claims", "\n20260321T0914");
    snprintf(path, sizeof path, "translate/.work-1/%s/document.json", d.name);
    open_slot(&t, &w, 1);
    assert_int_equal(work_recover(&w), 1);
    assert_int_equal(tree_count(&t, "translate", NULL), 0);
    assert_int_equal(tree_count(&t, "error", name), 1);
    snprintf(path, sizeof path, "error/%s/source.json", name);
    assert_string_equal(tree_text(&t, path), "the bytes");
    snprintf(path, sizeof path, "error/%s/error.txt", name);
    assert_non_null(strstr(tree_text(&t, path), "lost its power"));
    assert_non_null(strstr(tree_text(&t, path), "inbox/<source>/"));
    work_close(&w);
    tree_close(&t);
}

static void garbage_in_the_slot_harms_nothing(void **state)
{
    (void)state;
    struct tree t;
    struct work w;
    tree_open(&t);
    tree_put(&t, "translate/.work-1/claims",
             "\t\t\n\n" ID "\t\n" ID "\terp\torder.json\nx\ty\tz\n" ID "\terp\tcut off");
    tree_put(&t, "translate/.work-1/" ID "/source.json", "x");
    tree_put(&t, "translate/.work-1/" ID "/document.json", "{broken");
    tree_put(&t, "translate/.work-1/stranger/file", "x");
    open_slot(&t, &w, 1);
    assert_int_equal(work_recover(&w), 1);
    json_t *j = json_parse(slice_of(tree_text(&t, "translate/" ID "/document.json")), NULL);
    assert_string_equal(json_text_at(j, "source.file"), "order.json");
    json_decref(j);
    assert_true(tree_has(&t, "translate/.work-1/stranger/file"));
    work_close(&w);
    tree_close(&t);
}

static void the_notes_of_claims_stay_short(void **state)
{
    (void)state;
    struct tree t;
    struct work w;
    struct document d;
    struct stat st;
    char name[200];
    int dir = inbox(tree_open(&t), "erp");
    memset(name, '\xff', 190);
    open_slot(&t, &w, 1);
    for (int i = 0; i < 1500; i++) {
        snprintf(name + 190, sizeof name - 190, "%d", i);
        assert_int_equal(file_write(dir, name, SLICE("x"), 0600, true), 0);
        assert_int_equal(work_claim_file(&w, "erp", dir, name, NULL, &d), 0);
        if (i != 3) /* the fourth stays in hand all the while */
            assert_int_equal(file_remove_tree(w.dir, d.name), 0);
        document_close(&d);
    }
    assert_int_equal(fstat(w.claims, &st), 0);
    assert_true(st.st_size == w.claims_size);
    assert_true(st.st_size < 300000);
    work_close(&w);
    open_slot(&t, &w, 1);
    assert_int_equal(work_recover(&w), 1);
    assert_int_equal(tree_count(&t, "translate", NULL), 1);
    assert_int_equal(tree_count(&t, "error", NULL), 0);
    work_close(&w);
    tree_close(&t);
}

/* ---- several at once ---- */

#define FILES 2000

/* Claims whatever is there until nothing is left; each document's bytes go to a file of this worker. */
static void claim_all(struct tree *t, int slot, int dir, const char *log)
{
    struct work w;
    struct document d;
    open_slot(t, &w, slot);
    FILE *out = fopen(log, "w");
    for (int round = 0; round < 3; round++) {
        DIR *listing = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
        struct dirent *e;
        while ((e = readdir(listing))) {
            if (e->d_name[0] == '.' || work_claim_file(&w, "erp", dir, e->d_name, NULL, &d) != 0)
                continue;
            struct buffer b = {0};
            file_read(d.folder, "source.json", 100, &b);
            fprintf(out, "%s\n", b.ptr);
            buffer_free(&b);
            document_close(&d);
        }
        closedir(listing);
    }
    fclose(out);
    _exit(0);
}

static void two_workers_share_without_loss_or_double(void **state)
{
    (void)state;
    struct tree t;
    int dir = inbox(tree_open(&t), "erp"), seen[FILES] = {0}, by[2] = {0};
    char log[2][300], line[64];
    pid_t child[2];
    for (int i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.json", i);
        assert_int_equal(file_write(dir, name, slice_make(name, strlen(name) - 5), 0600, true), 0);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(log[i], sizeof log[i], "%s/log-%d", t.path, i);
        child[i] = fork();
        if (child[i] == 0)
            claim_all(&t, i + 1, dir, log[i]);
    }
    for (int i = 0; i < 2; i++) {
        int status;
        waitpid(child[i], &status, 0);
        assert_int_equal(status, 0);
        FILE *in = fopen(log[i], "r");
        while (fgets(line, sizeof line, in)) {
            seen[atoi(line)]++;
            by[i]++;
        }
        fclose(in);
    }
    for (int i = 0; i < FILES; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(tree_count(&t, "inbox/erp", NULL), 0);
    print_message("# %d to one, %d to the other\n", by[0], by[1]);
    tree_close(&t);
}

static bool syncing; /* where a sync is not slower than the time between two kills */

/* A small translator: claims, writes what a translator writes, splits each third document, moves. Killed at
 * any moment. */
static void translate_until_killed(struct tree *t, int dir)
{
    struct work w;
    struct document d, second;
    char path[512], name[DOCUMENT_NAME_TEXT + 8];
    if (work_open(&w, &t->spool, 1) < 0 || work_recover(&w) < 0)
        _exit(9);
    for (int folders = 1; folders >= 0; folders--) {
        DIR *listing =
            fdopendir(openat(folders ? t->spool.stage[STAGE_TRANSLATE] : dir, ".", O_RDONLY | O_DIRECTORY));
        struct dirent *e;
        if (!listing)
            _exit(4);
        while ((e = readdir(listing))) {
            if (e->d_name[0] == '.')
                continue;
            int rc = folders ? work_claim_folder(&w, e->d_name, &d)
                             : work_claim_file(&w, "erp", dir, e->d_name, NULL, &d);
            if (rc != 0)
                continue;
            struct buffer b = {0};
            char file[SPOOL_NAME_MAX + 1];
            if (document_source(&d, file, NULL, NULL) < 0 || document_read(&d, file, &b, NULL) < 0 ||
                document_write(&d, "canonical", "canonical.json", SLICE("{}")) < 0 ||
                document_write(&d, "message", "message.x12", buffer_as_slice(&b)) < 0)
                _exit(8);
            bool split = atoi(b.ptr) % 3 == 0;
            snprintf(name, sizeof name, "%.28s.2", d.id);
            if (split && !spool_find(&t->spool, name, path)) {
                if (work_split(&w, &d, 2, &second) < 0 ||
                    document_write(&second, "message", "message.x12", buffer_as_slice(&b)) < 0 ||
                    document_save(&second) < 0 ||
                    spool_move(&t->spool, w.dir, name, STAGE_OUTBOX, "b", name) < 0)
                    _exit(7);
                document_close(&second);
            }
            snprintf(name, sizeof name, "%.28s.1", d.id);
            if (document_save(&d) < 0 || (syncing && spool_sync(&t->spool) < 0) ||
                own_settle(&t->spool, &d) < 0 ||
                spool_move(&t->spool, w.dir, d.name, STAGE_OUTBOX, "a", name) < 0)
                _exit(6);
            document_close(&d);
            buffer_free(&b);
        }
        closedir(listing);
        if (spool_settle(&t->spool) < 0)
            _exit(5);
    }
    _exit(0);
}

static void check_outcome(struct tree *t, const char *endpoint, int *seen, int files, int *splits)
{
    char path[600], folder[64];
    snprintf(folder, sizeof folder, "outbox/%s", endpoint);
    int fd = openat(t->spool.root, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return;
    DIR *listing = fdopendir(fd);
    struct dirent *e;
    struct document d;
    while ((e = readdir(listing))) {
        if (e->d_name[0] == '.')
            continue;
        assert_int_equal(document_open(&d, fd, e->d_name, &t->findings), 0);
        assert_int_equal(document_verify(&d, &t->findings), 0);
        assert_string_equal(document_text(&d, "source.name"), "erp");
        snprintf(path, sizeof path, "outbox/%s/%s/source.json", endpoint, e->d_name);
        int i = atoi(tree_text(t, path));
        assert_true(i >= 0 && i < files);
        assert_int_equal(atoi(document_text(&d, "source.file")), i);
        seen[i]++;
        *splits += i % 3 == 0;
        snprintf(path, sizeof path, "outbox/%s/%s", endpoint, e->d_name);
        assert_int_equal(tree_count(t, path, NULL), 4);
        document_close(&d);
    }
    closedir(listing);
}

static bool kept; /* somebody keeps a hard link to each file: it is copied */

/* Beside the spool, and not in the inbox. */
static void keep_link(struct tree *t, int dir, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/kept-%s", t->path, name);
    assert_int_equal(linkat(dir, name, AT_FDCWD, path, 0), 0);
}

static void kills_at_any_moment_lose_nothing(void **state)
{
    (void)state;
    enum { KILLED = 600 };
    struct tree t;
    int status = 1, kills = 0;
    tree_open_fast(&t);
    int dir = inbox(&t, "erp");
    static int seen[2][KILLED];
    int splits[2] = {0};
    unsigned seed = (unsigned)time(NULL);
    memset(seen, 0, sizeof seen);
    print_message("# seed %u\n", seed);
    for (int i = 0; i < KILLED; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.json", i);
        assert_int_equal(file_write(dir, name, slice_make(name, strlen(name) - 5), 0600, true), 0);
        if (i % 2)
            keep_link(&t, dir, name);
    }
    for (int round = 0; status != 0 && round < 2000; round++) {
        pid_t child = fork();
        if (child == 0)
            translate_until_killed(&t, dir);
        struct timespec pause = {.tv_nsec = rand_r(&seed) % (600000 + round * 20000)};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        if (WIFEXITED(status))
            assert_int_equal(WEXITSTATUS(status), 0);
        else
            kills++;
    }
    assert_int_equal(status, 0);
    assert_int_equal(tree_count(&t, "inbox/erp", NULL), 0);
    assert_int_equal(tree_count(&t, "translate", NULL), 0);
    assert_int_equal(tree_count(&t, "translate/.work-1", NULL), 1);
    assert_int_equal(tree_count(&t, "error", NULL), 0);
    check_outcome(&t, "a", seen[0], KILLED, &splits[0]);
    check_outcome(&t, "b", seen[1], KILLED, &splits[1]);
    for (int i = 0; i < KILLED; i++)
        assert_int_equal(seen[0][i], 1);
    assert_int_equal(splits[0], splits[1]);
    print_message("# %d kills\n", kills);
    tree_close(&t);
}

/* ---- each system call in turn ---- */

enum { FEW = 3 };
static void put_few(struct tree *t, int dir)
{
    for (int i = 0; i < FEW; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.json", i);
        assert_int_equal(file_write(dir, name, slice_make(name, strlen(name) - 5), 0600, true), 0);
        if (kept)
            keep_link(t, dir, name);
    }
}

static void check_few(struct tree *t, long n)
{
    int seen[2][FEW] = {0}, splits[2] = {0}, status;
    pid_t child = fork();
    if (child == 0)
        translate_until_killed(t, spool_inbox(&t->spool, "erp"));
    waitpid(child, &status, 0);
    if (status != 0 || tree_count(t, "inbox/erp", NULL) || tree_count(t, "translate", NULL) ||
        tree_count(t, "translate/.work-1", NULL) != 1 || tree_count(t, "error", NULL))
        fail_msg("something was left after system call %ld was disturbed (in %s)", n, t->path);
    check_outcome(t, "a", seen[0], FEW, &splits[0]);
    check_outcome(t, "b", seen[1], FEW, &splits[1]);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(seen[0][i], 1);
    assert_int_equal(splits[0], 1);
    assert_int_equal(splits[1], 1);
}

static void disturb_each(int error)
{
    syncing = true;
    long n = 1;
    for (int came = 1; came; n++) {
        struct tree t;
        tree_open_fast(&t);
        int dir = inbox(&t, "erp");
        put_few(&t, dir);
        came = disturb(&t, dir, translate_until_killed, n, error, NULL);
        if (came < 0) {
            tree_close(&t);
            print_message("# processes cannot be traced here\n");
            skip();
        }
        check_few(&t, n);
        tree_close(&t);
    }
    syncing = false;
    print_message("# %ld system calls\n", n - 2);
    assert_true(n > 60);
}

static void a_kill_at_every_system_call_loses_nothing(void **state)
{
    (void)state;
    disturb_each(0);
}

static void every_system_call_may_fail(void **state)
{
    (void)state;
#ifdef __x86_64__
    disturb_each(ENOSPC);
    disturb_each(EIO);
#else
    skip();
#endif
}

/* The same with files that have to be copied. */
static void nor_does_it_lose_what_is_copied(void **state)
{
    kept = true;
    disturb_each(0);
#ifdef __x86_64__
    disturb_each(ENOSPC);
    disturb_each(EIO);
#endif
    kept = false;
    (void)state;
}

static void a_full_disk_leaves_the_file_in_the_inbox(void **state)
{
    (void)state;
    struct tree t;
    struct spool small;
    struct work w;
    struct document d;
    char path[300];
    static char bytes[4096];
    tree_open(&t);
    snprintf(path, sizeof path, "%s/small", t.path);
    assert_int_equal(mkdir(path, 0700), 0);
    if (mount("none", path, "tmpfs", 0, "size=128k,nr_inodes=60") < 0) {
        print_message("# no small filesystem can be mounted here (%s)\n", strerror(errno));
        tree_close(&t);
        skip();
    }
    assert_int_equal(spool_open(&small, path, &t.findings), 0);
    assert_int_equal(work_open(&w, &small, 1), 0);
    int dir = spool_inbox(&small, "erp"), failed = 0, lost = 0, claimed = 0;
    for (int i = 0; i < 30; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.json", i);
        file_write(dir, name, slice_make(bytes, sizeof bytes), 0600, true);
    }
    for (int i = 0; i < 60;
         i++) { /* first the inodes run out, or the pages: either way nothing may be lost */
        char name[32];
        struct stat st;
        snprintf(name, sizeof name, "%d.json", i);
        if (fstatat(dir, name, &st, 0) < 0)
            continue;
        int rc = work_claim_file(&w, "erp", dir, name, NULL, &d);
        if (rc == 0) {
            claimed++;
            document_close(&d);
            continue;
        }
        failed++;
        lost += errno != ENOSPC || fstatat(dir, name, &st, 0) < 0;
    }
    work_close(&w);
    spool_close(&small);
    assert_int_equal(umount(path), 0);
    assert_true(failed > 0);
    assert_true(claimed > 0);
    assert_int_equal(lost, 0);
    tree_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_says_where_it_came_from),
        cmocka_unit_test(what_is_put_in_the_files_place_is_refused),
        cmocka_unit_test(a_slot_has_one_holder),
        cmocka_unit_test(a_folder_put_back_is_taken),
        cmocka_unit_test(a_split_shares_what_is_never_altered),
        cmocka_unit_test(a_killed_translators_documents_go_back),
        cmocka_unit_test(a_lost_note_of_origin_is_said),
        cmocka_unit_test(garbage_in_the_slot_harms_nothing),
        cmocka_unit_test(the_notes_of_claims_stay_short),
        cmocka_unit_test(two_workers_share_without_loss_or_double),
        cmocka_unit_test(kills_at_any_moment_lose_nothing),
        cmocka_unit_test(a_kill_at_every_system_call_loses_nothing),
        cmocka_unit_test(every_system_call_may_fail),
        cmocka_unit_test(nor_does_it_lose_what_is_copied),
        cmocka_unit_test(a_full_disk_leaves_the_file_in_the_inbox),
    };
    return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
