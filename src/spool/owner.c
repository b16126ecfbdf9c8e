/* owner: see owner.h. The accounts are read from the file and not asked for: a translator has no way to a
 * directory service, and a name is for people; the number is what is certain. */
#include "spool/owner.h"
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct account {
    uid_t uid;
    char name[48];
};

static struct account *accounts;
static size_t count;
static bool are_read;

void owners_read(void)
{
    FILE *file = fopen("/etc/passwd", "re");
    const struct passwd *entry;
    count = 0;
    are_read = true;
    while (file && (entry = fgetpwent(file))) {
        struct account *more = realloc(accounts, (count + 1) * sizeof *accounts);
        if (!more)
            abort();
        accounts = more;
        accounts[count].uid = entry->pw_uid;
        snprintf(accounts[count++].name, sizeof accounts->name, "%s", entry->pw_name);
    }
    if (file)
        fclose(file);
}

void owner_text(uid_t uid, char out[OWNER_TEXT])
{
    if (!are_read)
        owners_read();
    for (size_t i = 0; i < count; i++)
        if (accounts[i].uid == uid) {
            snprintf(out, OWNER_TEXT, "%s (uid %lu)", accounts[i].name, (unsigned long)uid);
            return;
        }
    snprintf(out, OWNER_TEXT, "uid %lu", (unsigned long)uid);
}
