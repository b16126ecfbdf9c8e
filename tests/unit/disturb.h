/* disturb: kills a child before its n-th system call, or makes that call fail, so that a loop over n tries
 * every place where a machine can go wrong. Failing calls need x86-64; killing does not. */
#ifndef SPOOLGATE_TESTS_UNIT_DISTURB_H
#define SPOOLGATE_TESTS_UNIT_DISTURB_H

#include "tree.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

/* In memory where that can be: thousands of syncs follow. */
static inline void tree_open_fast(struct tree *t)
{
    const char *before = getenv("TMPDIR");
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    tree_open(t);
    if (before)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
}

#ifdef __x86_64__
static const long may_fail[] = {SYS_openat,    SYS_read,       SYS_write,      SYS_mkdirat, SYS_renameat,
                                SYS_renameat2, SYS_linkat,     SYS_fsync,      SYS_syncfs,  SYS_ftruncate,
                                SYS_unlinkat,  SYS_getdents64, SYS_newfstatat, SYS_flock,   SYS_faccessat2,
                                SYS_mkdir,     SYS_fcntl};
#endif

typedef void disturbed(struct tree *t, int dir);

/* Lets a role run in a child until its n-th system call, and then kills it before the call is made, or makes
 * the call fail. 1: it came to that call, 0: it ended before, -1: processes cannot be traced here. */
static inline int disturb(struct tree *t, int dir, disturbed *run, long n, int error, int *exit_status)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(99);
        raise(SIGSTOP);
        run(t, dir);
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status))
        return -1;
    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    bool entry = false, failing = false;
    long sent = 0; /* a signal of its own that the child is to have */
    for (long calls = 0;;) {
        ptrace(PTRACE_SYSCALL, child, NULL,
               NULL); /* fails when it was killed: then there is its end to wait for */
        if (waitpid(child, &status, 0) < 0)
            return -1;
        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
            fail_msg("signal %d after system call %ld", WTERMSIG(status), calls);
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (exit_status)
                *exit_status = status;
            return calls >= n;
        }
        sent = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
        if (sent)
            continue;
        entry = !entry;
        if (entry && ++calls == n && !error)
            kill(child, SIGKILL);
#ifdef __x86_64__
        struct user_regs_struct r;
        if (entry && calls == n && error && ptrace(PTRACE_GETREGS, child, NULL, &r) == 0) {
            failing = false;
            for (size_t i = 0; i < sizeof may_fail / sizeof may_fail[0]; i++)
                failing |= r.orig_rax == (unsigned long long)may_fail[i];
            if (failing) {
                r.orig_rax = (unsigned long long)-1;
                ptrace(PTRACE_SETREGS, child, NULL, &r);
            }
        } else if (!entry && failing && ptrace(PTRACE_GETREGS, child, NULL, &r) == 0) {
            failing = false;
            r.rax = (unsigned long long)-(long long)error;
            ptrace(PTRACE_SETREGS, child, NULL, &r);
        }
#else
        (void)failing;
#endif
    }
}

#endif
