/* What a translator may not do: a child that is confined like one tries each of it, and the work goes on. */
#include "role/confine.h"
#include "role/role.h"
#include "site.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* ---- system calls ---- */

static int inherited = -1; /* a socket that is open already: it is of no use either */
static char page[4096];

struct attempt {
    const char *what;
    long call;
    unsigned long arguments[6];
};

#define P(pointer) ((unsigned long)(uintptr_t)(pointer))
#define TRY(what, call, ...)                                                                                 \
    {                                                                                                        \
        what, call,                                                                                          \
        {                                                                                                    \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }

/* Each with arguments that would do no harm, were it allowed, and fail with another error or not at all. */
static size_t attempts(struct attempt *list)
{
    static struct sockaddr_in to = {.sin_family = AF_INET};
    static struct iovec bytes = {page, 1};
    static struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    static struct mmsghdr many;
    static char *none[] = {NULL};
    static unsigned long numbers[32];
    static struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, 0x7fff0000u);
    static struct sock_fprog filter = {1, &allow};
    static struct rlimit limits = {1, 1};
    static int pair[2];
    unsigned long parent = (unsigned long)getppid(), self = (unsigned long)getpid();
    many.msg_hdr = message;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(9);
    const struct attempt all[] = {
        TRY("socket", SYS_socket, AF_INET, SOCK_STREAM),
        TRY("a socket of AF_UNIX", SYS_socket, AF_UNIX, SOCK_STREAM),
        TRY("netlink", SYS_socket, AF_NETLINK, SOCK_RAW),
        TRY("socketpair", SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, P(pair)),
        TRY("connect", SYS_connect, (unsigned long)inherited, P(&to), sizeof to),
        TRY("bind", SYS_bind, (unsigned long)inherited, P(&to), sizeof to),
        TRY("listen", SYS_listen, (unsigned long)inherited, 1),
        TRY("accept4", SYS_accept4, (unsigned long)inherited),
        TRY("sendto", SYS_sendto, (unsigned long)inherited, P(page), 1, 0, P(&to), sizeof to),
        TRY("sendmsg", SYS_sendmsg, (unsigned long)inherited, P(&message)),
        TRY("sendmmsg", SYS_sendmmsg, (unsigned long)inherited, P(&many), 1),
        TRY("recvfrom", SYS_recvfrom, (unsigned long)inherited, P(page), 1, MSG_DONTWAIT),
        TRY("recvmsg", SYS_recvmsg, (unsigned long)inherited, P(&message), MSG_DONTWAIT),
        TRY("setsockopt", SYS_setsockopt, (unsigned long)inherited, SOL_SOCKET, SO_REUSEADDR, P(page), 4),
        TRY("io_uring_setup", SYS_io_uring_setup, 8, P(page)),
        TRY("io_uring_enter", SYS_io_uring_enter, 0, 0),
        TRY("io_uring_register", SYS_io_uring_register, 0, 0),
        TRY("io_setup", SYS_io_setup, 1, P(numbers)),
        TRY("execve", SYS_execve, P("/bin/true"), P(none), P(none)),
        TRY("execveat", SYS_execveat, (unsigned long)AT_FDCWD, P("/bin/true"), P(none), P(none)),
        TRY("clone, which is fork", SYS_clone, SIGCHLD),
        TRY("clone3", SYS_clone3, P(numbers), 64),
#ifdef SYS_fork
        TRY("fork", SYS_fork, 0),
        TRY("vfork", SYS_vfork, 0),
#endif
        TRY("kill of another", SYS_kill, parent, 0),
        TRY("kill of itself", SYS_kill, self, 0),
        TRY("tkill", SYS_tkill, parent, 0),
        TRY("tgkill of another", SYS_tgkill, parent, parent, 0),
        TRY("rt_sigqueueinfo", SYS_rt_sigqueueinfo, parent, SIGCONT, P(page)),
        TRY("pidfd_open", SYS_pidfd_open, parent, 0),
        TRY("pidfd_getfd", SYS_pidfd_getfd, 0, 0, 0),
        TRY("pidfd_send_signal", SYS_pidfd_send_signal, 0, 0, 0, 0),
        TRY("ptrace", SYS_ptrace, PTRACE_SEIZE, parent),
        TRY("process_vm_readv", SYS_process_vm_readv, parent, P(&bytes), 1, P(&bytes), 1),
        TRY("process_vm_writev", SYS_process_vm_writev, parent, P(&bytes), 1, P(&bytes), 1),
        TRY("process_madvise", SYS_process_madvise, 0, P(&bytes), 1, MADV_COLD),
        TRY("kcmp", SYS_kcmp, self, parent, 0, 0, 0),
        TRY("setpriority", SYS_setpriority, 9, parent, 5),
        TRY("prlimit64 of another", SYS_prlimit64, parent, RLIMIT_NOFILE, 0, P(&limits)),
        TRY("setting its own limits", SYS_prlimit64, 0, RLIMIT_CORE, P(&limits), 0),
        TRY("bpf", SYS_bpf, 0, P(page), 64),
        TRY("seccomp", SYS_seccomp, 1, 0, P(&filter)),
        TRY("userfaultfd", SYS_userfaultfd, 0),
        TRY("perf_event_open", SYS_perf_event_open, P(page), 0, (unsigned long)-1, (unsigned long)-1, 0),
        TRY("memfd_create", SYS_memfd_create, P("x"), 0),
        TRY("mount", SYS_mount, P("none"), P("/no/such"), P("tmpfs"), 0, 0),
        TRY("umount2", SYS_umount2, P("/no/such"), MNT_DETACH),
        TRY("pivot_root", SYS_pivot_root, P("/no/such"), P("/no/such")),
        TRY("open_tree", SYS_open_tree, (unsigned long)AT_FDCWD, P("/"), 0),
        TRY("fsopen", SYS_fsopen, P("tmpfs"), 0),
        TRY("chroot", SYS_chroot, P("/")),
        TRY("unshare", SYS_unshare, CLONE_NEWUSER),
        TRY("setns", SYS_setns, 0, 0),
        TRY("setuid", SYS_setuid, 0),
        TRY("setresuid", SYS_setresuid, 0, 0, 0),
        TRY("setgroups", SYS_setgroups, 0, 0),
        TRY("capset", SYS_capset, P(numbers), P(numbers)),
        TRY("keyctl", SYS_keyctl, 0, (unsigned long)-3, 1),
        TRY("add_key", SYS_add_key, P("user"), P("x"), P(page), 1, (unsigned long)-3),
        TRY("init_module", SYS_init_module, P(page), 1, P("")),
        TRY("finit_module", SYS_finit_module, 0, P(""), 0),
        TRY("kexec_load", SYS_kexec_load, 0, 0, 0, 0xffff),
        TRY("reboot", SYS_reboot, 0, 0, 0, 0),
        TRY("swapon", SYS_swapon, P("/x"), 0),
        TRY("sethostname", SYS_sethostname, P("x"), 100000),
        TRY("clock_settime", SYS_clock_settime, 99, P(numbers)),
        TRY("settimeofday", SYS_settimeofday, 0, 0),
        TRY("mknodat", SYS_mknodat, (unsigned long)AT_FDCWD, P("/no/such/node"), S_IFIFO | 0600, 0),
        TRY("symlinkat", SYS_symlinkat, P("/etc/passwd"), (unsigned long)AT_FDCWD, P("/no/such/link")),
        TRY("fchmodat", SYS_fchmodat, (unsigned long)AT_FDCWD, P("/no/such"), 0755),
        TRY("fchownat", SYS_fchownat, (unsigned long)AT_FDCWD, P("/no/such"), 0, 0, 0),
        TRY("open_by_handle_at", SYS_open_by_handle_at, (unsigned long)AT_FDCWD, P(page), 0),
        TRY("name_to_handle_at", SYS_name_to_handle_at, (unsigned long)AT_FDCWD, P("/"), P(page), P(numbers),
            0),
        TRY("fanotify_init", SYS_fanotify_init, 0, 0),
        TRY("shmget", SYS_shmget, 0, 0, 0600),
        TRY("msgget", SYS_msgget, 12345, 0600),
        TRY("mq_open", SYS_mq_open, P("x"), 0, 0600, 0),
        TRY("personality", SYS_personality, 0xffffffff),
        TRY("syslog", SYS_syslog, 10, 0, 0),
        TRY("setsid", SYS_setsid, 0),
        TRY("mapping memory to execute", SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC,
            MAP_PRIVATE | MAP_ANONYMOUS, (unsigned long)-1, 0),
        TRY("making memory executable", SYS_mprotect, P(page) & ~4095ul, 4096,
            PROT_READ | PROT_WRITE | PROT_EXEC),
        TRY("fcntl F_SETOWN, which sends signals", SYS_fcntl, 0, F_SETOWN, parent),
        TRY("fcntl F_NOTIFY", SYS_fcntl, 0, F_NOTIFY, 0),
        TRY("ioctl TIOCSTI, which types for others", SYS_ioctl, 0, TIOCSTI, P(page)),
#ifdef __x86_64__
        TRY("the numbers of x32", 0x40000000 | SYS_getpid, 0),
        TRY("ioperm", SYS_ioperm, 0, 1, 1),
        TRY("modify_ldt", SYS_modify_ldt, 0, P(page), 16),
#endif
#if !defined(__SANITIZE_ADDRESS__)
        TRY("prctl", SYS_prctl, PR_SET_PDEATHSIG, SIGKILL),
#endif
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        list[i] = all[i];
    return sizeof all / sizeof *all;
}

/* In a child that may be lost: a call that is let through could end it, or split it in two. */
static int try_all(void)
{
    struct attempt list[128];
    size_t count = attempts(list);
    pid_t self = getpid();
    int wrong = 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned long *a = list[i].arguments;
        errno = 0;
        long got = syscall(list[i].call, a[0], a[1], a[2], a[3], a[4], a[5]);
        int failed = errno;
        if (getpid() != self)
            _exit(0);
        if (got == -1 && (failed == EPERM || failed == ENOSYS))
            continue;
        dprintf(2, "# %s is let through: %ld, %s\n", list[i].what, got, strerror(failed));
        wrong++;
    }
    return wrong;
}

static void every_forbidden_call_fails(void **state)
{
    (void)state;
    int status;
    inherited = socket(AF_INET, SOCK_DGRAM, 0);
    pid_t pid = fork();
    if (pid == 0) {
        const char *const everywhere[] = {"/", NULL};
        if (!(confine(&(struct confinement){.readable = everywhere, .writable = everywhere}) &
              CONFINED_CALLS))
            _exit(77);
        int wrong = try_all();
        _exit(wrong > 70 ? 70 : wrong);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(inherited);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* no seccomp here */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- paths ---- */

struct path_attempt {
    const char *path;
    int flags;
    int error; /* 0: it is to succeed */
};

static int try_paths(struct tree *t)
{
    char inside[300], maps[300], table[300], beside[300];
    snprintf(inside, sizeof inside, "%s/translate/new", t->spool.path);
    snprintf(maps, sizeof maps, "%s/maps/new", t->path);
    snprintf(table, sizeof table, "%s/maps/table", t->path);
    snprintf(beside, sizeof beside, "%s/key", t->path);
    const struct path_attempt list[] = {
        {inside, O_WRONLY | O_CREAT | O_EXCL, 0},
        {table, O_RDONLY, 0},
        {table, O_WRONLY, EACCES},
        {maps, O_WRONLY | O_CREAT, EACCES},
        {beside, O_RDONLY, EACCES},
        {"/etc/passwd", O_RDONLY, EACCES},
        {"/proc/self/mem", O_RDWR, EACCES},
        {"/proc/self/environ", O_RDONLY, EACCES},
        {"/proc/1/cmdline", O_RDONLY, EACCES},
        {"/", O_RDONLY | O_DIRECTORY, EACCES},
        {"/dev/null", O_WRONLY, EACCES},
        {"/tmp", O_TMPFILE | O_WRONLY, EACCES},
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        int fd = open(list[i].path, list[i].flags, 0600), failed = fd < 0 ? errno : 0;
        if (fd >= 0)
            close(fd);
        if (failed == list[i].error)
            continue;
        dprintf(2, "# %s: %s, not %s\n", list[i].path, strerror(failed), strerror(list[i].error));
        wrong++;
    }
    snprintf(maps, sizeof maps, "%s/error/moved", t->spool.path);
    wrong += rename(inside, maps) < 0; /* between the stages */
    wrong += link(maps, inside) < 0;
    wrong += rename(maps, beside) == 0; /* and out of them */
    wrong += link(beside, inside) == 0;
    wrong += unlink(table) == 0;
    return wrong;
}

static void only_its_own_paths_are_open_to_it(void **state)
{
    (void)state;
    struct tree t;
    char maps[300], path[320];
    int status;
    tree_open(&t);
    snprintf(maps, sizeof maps, "%s/maps", t.path);
    assert_int_equal(mkdir(maps, 0700), 0);
    snprintf(path, sizeof path, "%s/table", maps);
    assert_int_equal(file_write(AT_FDCWD, path, SLICE("A\tB\n"), 0600, true), 0);
    snprintf(path, sizeof path, "%s/key", t.path);
    assert_int_equal(file_write(AT_FDCWD, path, SLICE("secret"), 0600, true), 0);
    pid_t pid = fork();
    if (pid == 0) {
        const char *const readable[] = {maps, "/no/such/place", NULL}, *const writable[] = {t.spool.path,
                                                                                            NULL};
        if (!(confine(&(struct confinement){.readable = readable, .writable = writable}) & CONFINED_PATHS))
            _exit(77);
        _exit(try_paths(&t));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    tree_close(&t);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("# this kernel has no Landlock that knows renames between folders\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- the work ---- */

static bool stand_in(struct site *s, const char *stage, int count)
{
    char name[256];
    return tree_count(&s->tree, stage, name) == count;
}

/* The role itself, whole, in a child that confines itself: what it does then is what its list allows. */
static void a_confined_translator_translates(void **state)
{
    (void)state;
    struct site s;
    int status;
    site_open(&s, true);
    close_translator(&s);
    struct board_entry *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(board != MAP_FAILED);
    pid_t pid = fork();
    if (pid == 0) {
        struct role_context c = {.config = s.config, .board = board};
        _exit(role_translator(&c, 1));
    }
    while (!board->cycles)
        usleep(1000);
    tree_put(&s.tree, "inbox/erp/.order-1.json", order(&s, "1", "5"));
    tree_put(&s.tree, "inbox/erp/.order-2.json", "{ not an order");
    tree_put(&s.tree, "inbox/erp/.order-3.json", order(&s, "3", "5"));
    for (char n[] = "1"; *n < '4'; ++*n) {
        char from[64], to[64];
        snprintf(from, sizeof from, "inbox/erp/.order-%s.json", n);
        snprintf(to, sizeof to, "inbox/erp/order-%s.json", n);
        assert_int_equal(renameat(s.tree.spool.root, from, s.tree.spool.root, to), 0);
    }
    assert_int_equal(mkdirat(s.tree.spool.root, "inbox/late", 0750), 0); /* a source that comes later */
    for (int tries = 0; tries < 6000 && !(stand_in(&s, "outbox/one", 2) && stand_in(&s, "outbox/two", 2) &&
                                          stand_in(&s, "error", 1));
         tries++)
        usleep(10000);
    assert_true(stand_in(&s, "outbox/one", 2));
    assert_true(stand_in(&s, "outbox/two", 2));
    assert_true(stand_in(&s, "error", 1));
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(board->confined & CONFINED_CALLS);
    munmap(board, sizeof *board);
    open_translator(&s, 1);
    site_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_forbidden_call_fails),
        cmocka_unit_test(only_its_own_paths_are_open_to_it),
        cmocka_unit_test(a_confined_translator_translates),
    };
    return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
