/* process: see process.h. Signals come through signalfd(2), so a role has no handlers and no interrupted
 * system calls. */
#include "role/process.h"
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

int process_open(struct process *p)
{
    sigset_t wanted;
    *p = (struct process){.signals = -1};
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    sigaddset(&wanted, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &wanted, NULL) < 0)
        return -1;
    p->signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    return p->signals < 0 ? -1 : 0;
}

void process_close(struct process *p)
{
    if (p->signals >= 0)
        close(p->signals);
    p->signals = -1;
}

bool process_stopping(struct process *p)
{
    struct signalfd_siginfo came;
    while (read(p->signals, &came, sizeof came) == (ssize_t)sizeof came) {
        switch (came.ssi_signo) {
        case SIGHUP: p->reload = true; break;
        case SIGCHLD: p->child = true; break;
        default: p->stop = true; break;
        }
    }
    return p->stop || p->reload;
}

bool process_wait(struct process *p, int fd, int64_t milliseconds)
{
    struct pollfd ready[2] = {{.fd = p->signals, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    if (process_stopping(p) || p->child)
        return false;
    int timeout = milliseconds < 0 ? -1 : milliseconds > 3600000 ? 3600000 : (int)milliseconds;
    if (poll(ready, fd < 0 ? 1 : 2, timeout) <= 0)
        return false;
    if (ready[0].revents)
        process_stopping(p);
    return fd >= 0 && ready[1].revents != 0;
}

void process_follow_parent(int parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
}

void process_name(const char *role)
{
    prctl(PR_SET_NAME, role, 0, 0, 0);
}

void process_raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max > 65536 ? 65536 : files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int64_t process_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
