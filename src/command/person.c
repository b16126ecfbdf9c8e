/* person: see person.h. */
#include "command/person.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 4294967295ul /* the login uid of what no session began, such as a service */

static const char *name_of(struct arena *a, uid_t uid)
{
    const struct passwd *known = getpwuid(uid);
    return known ? arena_text(a, slice_of(known->pw_name)) : arena_printf(a, "uid %lu", (unsigned long)uid);
}

static bool login_uid(uid_t *uid)
{
    struct buffer text = {0};
    bool found = false;
    if (file_read(AT_FDCWD, "/proc/self/loginuid", 64, &text) == 0 && text.len) {
        unsigned long number = strtoul(text.ptr, NULL, 10);
        found = number < NOBODY;
        *uid = (uid_t)number;
    }
    buffer_free(&text);
    return found;
}

const char *person_name(struct arena *a)
{
    const char *before =
        getenv("SUDO_USER"); /* anybody can set it; who is root already gains nothing by it */
    uid_t uid;
    if (login_uid(&uid))
        return name_of(a, uid);
    if (geteuid() == 0 && before && *before)
        return arena_text(a, slice_of(before));
    return name_of(a, getuid());
}
