/* hand: see hand.h. */
#include "role/hand.h"
#include "base/date.h"
#include "base/file.h"
#include "base/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define HAND_FILE "in-hand"

static void crash_file(char file[32], int k)
{
    snprintf(file, 32, "crash-%d.txt", k);
}

static void put_crash_file(const char *role, int work, const char *name)
{
    char file[32], at[INSTANT_TEXT];
    struct buffer text = {0};
    int folder = openat(work, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return; /* it had gone its way */
    instant_print(instant_now(), 3, at);
    buffer_printf(&text, "Found by %s at %s: a translator ended while it had this document in hand.\n", role,
                  at);
    for (int k = 1; k <= HAND_CRASHES; k++) {
        crash_file(file, k);
        if (file_write(folder, file, buffer_as_slice(&text), 0640, true) == 0 || errno != EEXIST)
            break;
    }
    log_warning("a translator ended while it had %s in hand", name);
    buffer_free(&text);
    close(folder);
}

/* A work folder whose lock is held by us. */
static void count_crash(const char *role, int work, int hand)
{
    static const char nothing[DOCUMENT_NAME_TEXT];
    char name[DOCUMENT_NAME_TEXT] = "", id[DOCUMENT_NAME_TEXT];
    unsigned destination;
    if (pread(hand, name, sizeof name - 1, 0) <= 0 || !document_name_parse(name, id, &destination))
        return;
    put_crash_file(role, work, name);
    if (pwrite(hand, nothing, sizeof nothing, 0) < 0)
        log_debug("the document in hand cannot be noted: %s", strerror(errno));
}

int hand_open(struct translator *w)
{
    w->hand = openat(w->work.dir, HAND_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (w->hand < 0)
        return -1;
    count_crash(w->role, w->work.dir, w->hand);
    return 0;
}

void hand_look_round(struct translator *w)
{
    int copy = openat(w->spool.stage[STAGE_TRANSLATE], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    char own[32];
    if (!d) {
        if (copy >= 0)
            close(copy);
        return;
    }
    snprintf(own, sizeof own, ".work-%d", w->work.slot);
    while ((entry = readdir(d))) {
        if (strncmp(entry->d_name, ".work-", 6) != 0 || !strcmp(entry->d_name, own))
            continue;
        int work = openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (work < 0)
            continue;
        int hand = flock(work, LOCK_EX | LOCK_NB) < 0
                       ? -1
                       : openat(work, HAND_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (hand >= 0) {
            count_crash(w->role, work, hand);
            close(hand);
        }
        close(work);
    }
    closedir(d);
}

void hand_close(struct translator *w)
{
    if (w->hand >= 0)
        close(w->hand);
    w->hand = -1;
}

static void write_name(struct translator *w, const char name[DOCUMENT_NAME_TEXT])
{
    if (pwrite(w->hand, name, DOCUMENT_NAME_TEXT, 0) != DOCUMENT_NAME_TEXT)
        log_debug("the document in hand cannot be noted: %s", strerror(errno));
}

void hand_take(struct translator *w, const struct translation *t)
{
    char name[DOCUMENT_NAME_TEXT] = "";
    memcpy(name, t->document.name, strnlen(t->document.name, sizeof name - 1));
    write_name(w, name);
}

void hand_free(struct translator *w)
{
    static const char nothing[DOCUMENT_NAME_TEXT];
    write_name(w, nothing);
}

bool hand_refuses(struct translation *t)
{
    char file[32];
    crash_file(file, HAND_CRASHES);
    if (!t->again || faccessat(t->document.folder, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    for (int k = 1; k <= HAND_CRASHES; k++) {
        crash_file(file, k);
        unlinkat(t->document.folder, file, 0);
    }
    translation_fail(
        t, "document.crashes",
        "Give this folder to the people who look after the program. To try it again, move it to translate/.",
        "The translator ended %d times while it worked on this document (by a fault of its own, or killed "
        "for "
        "want of memory), so it is not tried again by itself.",
        HAND_CRASHES);
    return true;
}
