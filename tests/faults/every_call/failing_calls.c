/* Lets a system call of this process fail: the k-th of its kind that is about the job.
 *
 * A seccomp filter traps the calls, whoever makes them: libc, or a library that goes past it. The
 * handler of SIGSYS makes the call in its own place, which the filter lets through, or answers it.
 * So nothing has to be preloaded. Children inherit the filter and not the handler: start none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the registers of other processors are not known here"
#endif

/* As `KINDS` in calls.py has them. */
enum kind { OPEN, READ, WRITE, SYNC, RENAME, UNLINK, TRUNCATE, ALLOCATE, MKDIR, LOCK, STAT,
            SOCKET, CONNECT, RECEIVE, SEND, KINDS };
/* What the first argument is. */
enum about { PATH, AT, TWO_PATHS, TWO_AT, DESCRIPTOR, DOMAIN };
/* What the k-th call gets. */
enum fault { NONE, ONCE, FROM_THEN_ON, SHORT };

static const struct { int number, kind, about; } CALLS[] = {
    {SYS_open, OPEN, PATH}, {SYS_openat, OPEN, AT}, {SYS_creat, OPEN, PATH},
    {SYS_read, READ, DESCRIPTOR}, {SYS_pread64, READ, DESCRIPTOR},
    {SYS_readv, READ, DESCRIPTOR}, {SYS_preadv, READ, DESCRIPTOR},
    {SYS_write, WRITE, DESCRIPTOR}, {SYS_pwrite64, WRITE, DESCRIPTOR},
    {SYS_writev, WRITE, DESCRIPTOR}, {SYS_pwritev, WRITE, DESCRIPTOR},
    {SYS_sendfile, WRITE, DESCRIPTOR}, {SYS_copy_file_range, WRITE, DESCRIPTOR},
    {SYS_splice, WRITE, DESCRIPTOR},
    {SYS_fsync, SYNC, DESCRIPTOR}, {SYS_fdatasync, SYNC, DESCRIPTOR},
    {SYS_rename, RENAME, TWO_PATHS}, {SYS_renameat, RENAME, TWO_AT},
    {SYS_renameat2, RENAME, TWO_AT}, {SYS_link, RENAME, TWO_PATHS}, {SYS_linkat, RENAME, TWO_AT},
    {SYS_unlink, UNLINK, PATH}, {SYS_unlinkat, UNLINK, AT}, {SYS_rmdir, UNLINK, PATH},
    {SYS_truncate, TRUNCATE, PATH}, {SYS_ftruncate, TRUNCATE, DESCRIPTOR},
    {SYS_fallocate, ALLOCATE, DESCRIPTOR},
    {SYS_mkdir, MKDIR, PATH}, {SYS_mkdirat, MKDIR, AT},
    {SYS_flock, LOCK, DESCRIPTOR},
    {SYS_stat, STAT, PATH}, {SYS_lstat, STAT, PATH}, {SYS_fstat, STAT, DESCRIPTOR},
    {SYS_newfstatat, STAT, AT}, {SYS_statx, STAT, AT}, {SYS_lseek, STAT, DESCRIPTOR},
    {SYS_getdents64, STAT, DESCRIPTOR},
    {SYS_socket, SOCKET, DOMAIN}, {SYS_connect, CONNECT, DESCRIPTOR},
    {SYS_recvfrom, RECEIVE, DESCRIPTOR}, {SYS_recvmsg, RECEIVE, DESCRIPTOR},
    {SYS_sendto, SEND, DESCRIPTOR}, {SYS_sendmsg, SEND, DESCRIPTOR},
};
enum { COUNT = sizeof CALLS / sizeof *CALLS };

static char folder[512], what[768];
static size_t folder_length;
static int wanted_kind, wanted_error;
static long wanted_k;
static _Atomic int fault = NONE, is_counting = 0;
static _Atomic long counts[KINDS], hits;

/* The one place whose calls the filter lets through. */
long own_call(long number, long a, long b, long c, long d, long e, long f);
extern const char own_call_done[];
__asm__(".text\n.globl own_call, own_call_done\nown_call:\n"
        "mov %rdi, %rax\nmov %rsi, %rdi\nmov %rdx, %rsi\nmov %rcx, %rdx\nmov %r8, %r10\n"
        "mov %r9, %r8\nmov 8(%rsp), %r9\nsyscall\nown_call_done:\nret\n");

static int is_below(const char *path)
{
    return !strncmp(path, folder, folder_length);
}

/* Where a descriptor leads, as /proc has it. */
static int path_of(int fd, char *path, size_t size)
{
    char link[32] = "/proc/self/fd/", digits[12];
    int length = 0, end = 14;
    if (fd < 0)
        return 0;
    do
        digits[length++] = '0' + fd % 10;
    while (fd /= 10);
    while (length)
        link[end++] = digits[--length];
    long got = own_call(SYS_readlink, (long)link, (long)path, size - 1, 0, 0, 0);
    path[got > 0 ? got : 0] = 0;
    return got > 0;
}

static int is_internet(int fd)
{
    int domain = 0;
    socklen_t size = sizeof domain;
    if (own_call(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, (long)&domain, (long)&size, 0))
        return 0;
    return domain == AF_INET || domain == AF_INET6;
}

/* The kernel interrupts no call that does not wait. */
static int waits(int fd)
{
    long flags = own_call(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0);
    return flags >= 0 && !(flags & O_NONBLOCK);
}

static int at_is_ours(int at, const char *path, char *name)
{
    if (path && path[0] == '/') {
        strncpy(name, path, 511);
        return is_below(path);
    }
    if (!path_of(at, name, 512) || !is_below(name))
        return 0;
    size_t length = strlen(name);
    if (path && length + 1 < 511) {
        name[length] = '/';
        strncpy(name + length + 1, path, 511 - length - 1);
    }
    return 1;
}

/* Whether the call is about the job; its kind may become that of a socket. */
static int is_ours(int about, int *kind, const long *args, char *name)
{
    switch (about) {
    case PATH:
        return at_is_ours(AT_FDCWD, (const char *)args[0], name);
    case AT:
        return at_is_ours(args[0], (const char *)args[1], name);
    case TWO_PATHS:
        return at_is_ours(AT_FDCWD, (const char *)args[1], name);
    case TWO_AT:
        return at_is_ours(args[2], (const char *)args[3], name);
    case DOMAIN:
        strcpy(name, "a new socket");
        return args[0] == AF_INET || args[0] == AF_INET6;
    }
    if (path_of(args[0], name, 512) && is_below(name))
        return *kind < SOCKET;
    if (*kind == READ || *kind == WRITE)
        *kind = *kind == READ ? RECEIVE : SEND;
    return *kind > SOCKET && is_internet(args[0]) && (wanted_error != EINTR || waits(args[0]));
}

/* The call, for half of its bytes. */
static long shortened(long number, const long *args)
{
    struct iovec half;
    struct msghdr message;
    long a[6];
    memcpy(a, args, sizeof a);
    switch (number) {
    case SYS_sendmsg: case SYS_recvmsg:
        message = *(struct msghdr *)a[1];
        half = message.msg_iov[0];
        half.iov_len = (half.iov_len + 1) / 2;
        message.msg_iov = &half;
        message.msg_iovlen = 1;
        a[1] = (long)&message;
        break;
    case SYS_readv: case SYS_writev: case SYS_preadv: case SYS_pwritev:
        half = *(struct iovec *)a[1];
        half.iov_len = (half.iov_len + 1) / 2;
        a[1] = (long)&half;
        a[2] = 1;
        break;
    case SYS_sendfile:
        a[3] = (a[3] + 1) / 2;
        break;
    case SYS_copy_file_range: case SYS_splice:
        a[4] = (a[4] + 1) / 2;
        break;
    default:
        a[2] = (a[2] + 1) / 2;
    }
    return own_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long answered(long number, const long *args)
{
    char name[512] = "";
    int at = 0;
    while (at < COUNT && CALLS[at].number != number)
        at++;
    int kind = CALLS[at].kind;
    if (atomic_load(&is_counting) && is_ours(CALLS[at].about, &kind, args, name)) {
        long k = 1 + atomic_fetch_add(&counts[kind], 1);
        int now = atomic_load(&fault);
        if (now && kind == wanted_kind && (k == wanted_k || (k > wanted_k && now == FROM_THEN_ON))) {
            if (!atomic_fetch_add(&hits, 1))
                strcpy(what, name);
            if (now == SHORT)
                return shortened(number, args);
            if (kind == CONNECT && wanted_error == EINTR) /* it goes on all the same */
                own_call(number, args[0], args[1], args[2], 0, 0, 0);
            return -wanted_error;
        }
    }
    return own_call(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

static void on_trap(int signal, siginfo_t *info, void *given)
{
    (void)signal;
    greg_t *r = ((ucontext_t *)given)->uc_mcontext.gregs;
    long args[] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
    r[REG_RAX] = answered(info->si_syscall, args);
}

/* Traps the calls of all threads from now on; an errno where that is not permitted. */
int faults_install(void)
{
    struct sock_filter code[6 + COUNT + 2];
    uint64_t own = (uint64_t)own_call_done;
    int n = 0;
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
#define LOAD(field, more) code[n++] = (struct sock_filter)BPF_STMT( \
    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + (more))
    LOAD(instruction_pointer, 0);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)own, 0, 3);
    LOAD(instruction_pointer, 4);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own >> 32, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    LOAD(nr, 0);
    for (int i = 0; i < COUNT; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)CALLS[i].number, COUNT - i, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {n, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return errno;
    long refused = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    return refused < 0 ? errno : refused ? EBUSY : 0;
}

/* Counts from now on, and lets the k-th call of a kind fail; 0 for none. */
void faults_begin(const char *below, int kind, long k, int how, int error)
{
    strncpy(folder, below, sizeof folder - 1);
    folder_length = strlen(folder);
    wanted_kind = kind, wanted_k = k, wanted_error = error;
    what[0] = 0;
    atomic_store(&hits, 0);
    for (int i = 0; i < KINDS; i++)
        atomic_store(&counts[i], 0);
    atomic_store(&fault, k ? how : NONE);
    atomic_store(&is_counting, 1);
}

void faults_end(void)
{
    atomic_store(&is_counting, 0);
}

long faults_count(int kind)
{
    return atomic_load(&counts[kind]);
}

long faults_hits(void)
{
    return atomic_load(&hits);
}

const char *faults_what(void)
{
    return what;
}
