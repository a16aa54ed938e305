/* Lets a thread of this process not start: the k-th clone gets an error.
 *
 * A seccomp filter asks a thread of ours about each clone, whoever makes it. Trapped as other calls
 * are it cannot be: libc blocks all signals while it makes a thread. Children inherit the filter, and
 * their clones wait for the same answers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the k-th clone gets; as `Fault` in calls.py has it. */
enum fault { NONE, ONCE, FROM_THEN_ON };

static int listener = -1, wanted_error;
static long wanted_k;
static sem_t is_installed;
static _Atomic int fault = NONE, is_counting = 0;
static _Atomic long count, hits;

/* The error of the next clone; 0 lets it be made. */
static int error_of_next(void)
{
    if (!atomic_load(&is_counting))
        return 0;
    long k = 1 + atomic_fetch_add(&count, 1);
    int now = atomic_load(&fault);
    if (now == NONE || k < wanted_k || (k > wanted_k && now != FROM_THEN_ON))
        return 0;
    atomic_fetch_add(&hits, 1);
    return wanted_error;
}

static void *answer(void *unused)
{
    struct seccomp_notif asked;
    sem_wait(&is_installed);
    while (listener >= 0) {
        memset(&asked, 0, sizeof asked);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
            continue; /* who asked is gone */
        struct seccomp_notif_resp said = {.id = asked.id, .error = -error_of_next()};
        said.flags = said.error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said);
    }
    return unused;
}

/* Asks about the clones of all threads from now on; an errno where that is not permitted. */
int clones_install(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC
        | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
    pthread_t thread;
    int refused = 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return errno;
    sem_init(&is_installed, 0, 0);
    if (pthread_create(&thread, NULL, answer, NULL))
        return EAGAIN;
    listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (listener < 0)
        refused = errno;
    sem_post(&is_installed);
    return refused;
}

/* Counts from now on, and lets the k-th fail; 0 for none. */
void clones_begin(long k, int how, int error)
{
    wanted_k = k, wanted_error = error;
    atomic_store(&hits, 0);
    atomic_store(&count, 0);
    atomic_store(&fault, k ? how : NONE);
    atomic_store(&is_counting, 1);
}

void clones_end(void)
{
    atomic_store(&is_counting, 0);
}

long clones_count(void)
{
    return atomic_load(&count);
}

long clones_hits(void)
{
    return atomic_load(&hits);
}
