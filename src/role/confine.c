/* confine: see confine.h. The filter is classic BPF as seccomp(2) describes: a list of what may be called,
 * with arguments looked at where a number alone says too little. All else is refused with an error that
 * libraries know how to go on from: EPERM, and ENOSYS where they would try an older call. Landlock as
 * landlock(7). */
#include "role/confine.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- system calls ---- */

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef THIS_ARCHITECTURE

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#define X32_BIT 0x40000000u /* the third way into an x86-64 kernel has its own numbers */
#define NEWEST_KNOWN 462u   /* what came into Linux later is answered as by a kernel that has it not */

/* Whatever the arguments are. The calls of one architecture that the other does without stand behind #ifdef.
 */
static const unsigned allowed[] = {
    /* files that are open */
    SYS_read,
    SYS_write,
    SYS_pread64,
    SYS_pwrite64,
    SYS_readv,
    SYS_writev,
    SYS_preadv,
    SYS_pwritev,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_syncfs,
    SYS_sync_file_range,
    SYS_flock,
    SYS_fchmod,
    SYS_fchown,
    SYS_fadvise64,
    SYS_copy_file_range,
    SYS_sendfile,
    SYS_dup,
    SYS_dup3,
    SYS_getdents64,
    SYS_fstatfs,
    SYS_fgetxattr,
    SYS_flistxattr,
    /* names of files; which ones is Landlock's matter */
    SYS_openat,
    SYS_openat2,
    SYS_newfstatat,
    SYS_statx,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_renameat2,
    SYS_renameat,
    SYS_linkat,
    SYS_unlinkat,
    SYS_mkdirat,
    SYS_utimensat,
    SYS_statfs,
    SYS_getcwd,
    SYS_inotify_add_watch,
    SYS_inotify_rm_watch,
#ifdef SYS_open
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_rename,
    SYS_link,
    SYS_unlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_poll,
    SYS_dup2,
    SYS_time,
#endif
    /* memory; what would make it executable is below */
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    /* time, waiting, chance */
    SYS_ppoll,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_futex,
    SYS_sched_yield,
    SYS_restart_syscall,
    /* about itself */
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getrusage,
    SYS_times,
    SYS_sysinfo,
    SYS_uname,
    SYS_getcpu,
    SYS_umask,
    SYS_rt_sigprocmask,
    SYS_rt_sigaction,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_set_robust_list,
    SYS_exit,
    SYS_exit_group,
#ifdef SYS_rseq
    SYS_rseq,
#endif
#ifdef SANITIZED
    /* their reports: who they are, on which stack, and out through a pipe to the symbolizer they cannot start
     */
    SYS_sched_getaffinity,
    SYS_prctl,
    SYS_pipe2,
    SYS_mincore,
#endif
};

/* For older programs the newer call is not there, and they take the one that is judged here. */
static const unsigned not_there[] = {SYS_clone3};

static const unsigned fcntl_commands[] = {
    F_GETFD,     F_SETFD,     F_GETFL,      F_SETFL,    F_GETLK,    F_SETLK, F_SETLKW,
    F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE, F_GETLEASE, F_DUPFD, F_DUPFD_CLOEXEC,
};
/* A copy that shares its blocks; and whether a descriptor is a terminal. */
static const unsigned ioctl_commands[] = {FICLONE, FICLONERANGE, TCGETS, FIONREAD};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

struct program {
    struct sock_filter code[1024];
    unsigned short count;
};

static void put(struct program *p, struct sock_filter one)
{
    if (p->count < COUNT(p->code))
        p->code[p->count++] = one;
}

static void load(struct program *p, size_t offset)
{
    put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* The lower half of an argument; the upper one is of no meaning where the kernel takes an int. */
static void load_argument(struct program *p, unsigned n, bool upper)
{
    load(p, offsetof(struct seccomp_data, args) + n * sizeof(uint64_t) + (upper ? 4 : 0));
}

/* Passes over so many instructions unless what is loaded is equal to k. */
static void unless_equal(struct program *p, uint32_t k, unsigned char over)
{
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, over));
}

static void answer(struct program *p, uint32_t action)
{
    put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define ABSENT (SECCOMP_RET_ERRNO | ENOSYS)

/* call(…, bits in argument n, …) is refused. */
static void without_bits(struct program *p, unsigned call, unsigned n, uint32_t bits)
{
    unless_equal(p, call, 4);
    load_argument(p, n, false);
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    answer(p, REFUSED);
    answer(p, SECCOMP_RET_ALLOW);
}

/* call(…, argument n, …) only with one of these values. */
static void one_of(struct program *p, unsigned call, unsigned n, const unsigned *values, size_t count)
{
    unless_equal(p, call, (unsigned char)(2 * count + 2));
    load_argument(p, n, false);
    for (size_t i = 0; i < count; i++) {
        unless_equal(p, values[i], 1);
        answer(p, SECCOMP_RET_ALLOW);
    }
    answer(p, REFUSED);
}

/* Its own limits, to be read and not to be set. */
static void own_limits(struct program *p)
{
    unless_equal(p, SYS_prlimit64, 8);
    load_argument(p, 0, false);
    unless_equal(p, 0, 5);
    load_argument(p, 2, false);
    unless_equal(p, 0, 3);
    load_argument(p, 2, true);
    unless_equal(p, 0, 1);
    answer(p, SECCOMP_RET_ALLOW);
    answer(p, REFUSED);
}

static bool confine_calls(void)
{
    struct program p = {.count = 0};
    const unsigned self = (unsigned)getpid();
    load(&p, offsetof(struct seccomp_data, arch));
    put(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0));
    answer(&p, REFUSED);
    load(&p, offsetof(struct seccomp_data, nr));
    put(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    answer(&p, REFUSED);
    put(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NEWEST_KNOWN, 0, 1));
    answer(&p, ABSENT);
    one_of(&p, SYS_fcntl, 1, fcntl_commands, COUNT(fcntl_commands));
    without_bits(&p, SYS_mmap, 2, PROT_EXEC);
    without_bits(&p, SYS_mprotect, 2, PROT_EXEC);
    one_of(&p, SYS_ioctl, 1, ioctl_commands, COUNT(ioctl_commands));
    one_of(&p, SYS_tgkill, 0, &self, 1); /* abort(3) */
    own_limits(&p);
    for (size_t i = 0; i < COUNT(allowed); i++) {
        unless_equal(&p, allowed[i], 1);
        answer(&p, SECCOMP_RET_ALLOW);
    }
    for (size_t i = 0; i < COUNT(not_there); i++) {
        unless_equal(&p, not_there[i], 1);
        answer(&p, ABSENT);
    }
    answer(&p, REFUSED);
    struct sock_fprog program = {.len = p.count, .filter = p.code};
    return p.count < COUNT(p.code) && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

#else
static bool confine_calls(void)
{
    return false;
}
#endif

/* Whether confine_calls will succeed, as far as that can be known without doing it. */
static bool calls_can_be_confined(void)
{
#ifdef THIS_ARCHITECTURE
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) < 0 && errno == EFAULT;
#else
    return false;
#endif
}

/* ---- paths ---- */

/* By interface version; a system's header may be older than its kernel. */
#define FS_REFER (1ull << 13)     /* 2: renaming and linking between folders, which the gateway lives on */
#define FS_TRUNCATE (1ull << 14)  /* 3 */
#define FS_IOCTL_DEV (1ull << 15) /* 5 */
#define NET_BIND_TCP 1ull         /* 4 */
#define NET_TCP 3ull              /* bind and connect */
#define SCOPED 3ull               /* 6: abstract Unix sockets, signals */

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
/* Links, pipes and devices are not made (the filter sees to that), but one that lies in the inbox is moved.
 */
#define FS_WRITE                                                                                             \
    (FS_READ | FS_FILE | FS_REFER | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |         \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_CHAR |              \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |           \
     LANDLOCK_ACCESS_FS_MAKE_SYM)

struct ruleset { /* landlock_ruleset_attr as of version 6 */
    uint64_t fs, net, scoped;
};

static long landlock_version(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* A kernel looks at as much of the structure as it knows; the rest has to be zero. */
static struct ruleset handled(long version)
{
    struct ruleset r = {.fs = FS_WRITE | LANDLOCK_ACCESS_FS_EXECUTE};
    if (version < 3)
        r.fs &= ~FS_TRUNCATE;
    if (version >= 4)
        r.net = NET_TCP;
    if (version >= 5)
        r.fs |= FS_IOCTL_DEV;
    /* What the filter refuses anyway is left out: with a right that no rule gives, each rename walks up to
     * the root of the filesystem in vain, some 10 microseconds a document. */
    if (calls_can_be_confined())
        r.fs &= FS_WRITE;
    if (version >= 6)
        r.scoped = SCOPED;
    return r;
}

static bool permit(int ruleset, const char *const *paths, uint64_t rights)
{
    struct stat st;
    for (; paths && *paths; paths++) {
        int fd = open(*paths, O_PATH | O_CLOEXEC);
        if (fd < 0)
            continue;
        bool file = fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode);
        struct landlock_path_beneath_attr beneath = {.allowed_access = file ? rights & FS_FILE : rights,
                                                     .parent_fd = fd};
        long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
        close(fd);
        if (result < 0)
            return false;
    }
    return true;
}

static bool confine_paths(const struct confinement *c)
{
    long version = landlock_version();
    if (version < 2)
        return false;
    struct ruleset r = handled(version);
    if (c->listens)
        r.net &= ~NET_BIND_TCP;
    int fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof r, 0);
    if (fd < 0)
        return false;
    bool done = permit(fd, c->readable, FS_READ) && permit(fd, c->writable, FS_WRITE & r.fs) &&
                syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return done;
}

/* ---- both ---- */

unsigned confine(const struct confinement *c)
{
    unsigned confined = 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return 0;
    if (confine_paths(c))
        confined |= CONFINED_PATHS;
    if (!c->listens && confine_calls())
        confined |= CONFINED_CALLS;
    return confined;
}

const char *confine_words(unsigned confined)
{
    static const char *const words[] = {"nothing", "seccomp alone", "Landlock alone", "seccomp and Landlock"};
    return words[confined & 3];
}
