/* proof: see proof.h. */
#include "spool/proof.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int give_up(struct proof *p, int error)
{
    close(p->fd);
    *p = PROOF_NONE;
    errno = error;
    return -1;
}

int proof_open(int dir, const char *name, struct proof *p)
{
    static bool silent;
    if (!silent) { /* who opens the file for writing breaks the lease, and the kernel's signal would end us */
        signal(SIGIO, SIG_IGN);
        silent = true;
    }
    *p = PROOF_NONE;
    p->fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (p->fd < 0) {
        if (errno == EPERM)
            errno = EACCES;
        return -1;
    }
    if (fstat(p->fd, &p->st) < 0)
        return give_up(p, errno);
    if (!S_ISREG(p->st.st_mode))
        return give_up(p, EINVAL);
    if (fcntl(p->fd, F_SETLEASE, F_RDLCK) == 0)
        p->leased = true;
    else if (errno == EAGAIN)
        return give_up(p, EAGAIN);
    return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool proof_holds(const struct proof *p)
{
    struct stat now;
    if (p->leased) /* a lease that is being broken is shown as what is left of it: none */
        return fcntl(p->fd, F_GETLEASE) == F_RDLCK;
    return fstat(p->fd, &now) == 0 && now.st_size == p->st.st_size && same_time(now.st_mtim, p->st.st_mtim) &&
           same_time(now.st_ctim, p->st.st_ctim);
}

bool proof_holds_renamed(struct proof *p)
{
    struct stat before = p->st;
    if (p->leased)
        return proof_holds(p);
    return fstat(p->fd, &p->st) == 0 && before.st_size == p->st.st_size &&
           same_time(before.st_mtim, p->st.st_mtim);
}

void proof_close(struct proof *p)
{
    if (p->fd >= 0)
        close(p->fd); /* a lease goes with it */
    *p = PROOF_NONE;
}
