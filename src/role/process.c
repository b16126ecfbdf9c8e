/* process: see process.h. Signals come through signalfd(2), so a role has no handlers and no interrupted
 * system calls. The filter of process_confine is classic BPF as seccomp(2) describes; it refuses with EPERM,
 * so that a library that tries a name lookup fails like on a machine without network. */
#include "role/process.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
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

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

bool process_confine(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return false;
#ifdef THIS_ARCHITECTURE
    static const unsigned refused[] = {
        SYS_socket, SYS_connect,  SYS_bind,   SYS_listen,           SYS_sendto,           SYS_sendmsg,
        SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev};
    enum { COUNT = sizeof refused / sizeof *refused };
    struct sock_filter code[4 + COUNT + 2];
    unsigned n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < COUNT; i++) /* equal: over the rest and over "allow", to "refuse" */
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i],
                                                 (unsigned char)(COUNT - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
#else
    return false;
#endif
}

int64_t process_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
