/* doubles.c: memory, clock and system that fail on demand. */
#define _GNU_SOURCE

#include "doubles.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct doubles doubles;
static time_t reversed;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
int __real_clock_getres(clockid_t clock, struct timespec *resolution);
int __wrap_clock_getres(clockid_t clock, struct timespec *resolution);

/* Puts everything right. */
void doubles_reset(void) {
    memset(&doubles, 0, sizeof doubles);
    reversed = 1000000000;
}

/* Stands in for calloc. */
void *__wrap_calloc(size_t count, size_t size) {
    if (doubles.calloc_limited && doubles.callocs-- <= 0) {
        return NULL;
    }
    return doubles.no_memory ? NULL : __real_calloc(count, size);
}

/* Stands in for posix_memalign. */
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
    return doubles.no_memory ? ENOMEM
                             : __real_posix_memalign(memory, alignment, size);
}

/* Stands in for clock_gettime. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    if (doubles.no_raw_clock && clock == CLOCK_MONOTONIC_RAW) {
        errno = EINVAL;
        return -1;
    }
    if (doubles.clock_limited && doubles.readings-- <= 0) {
        errno = EINVAL;
        return -1;
    }
    if (doubles.clock_frozen || doubles.clock_reversed) {
        now->tv_sec = doubles.clock_reversed ? reversed-- : 1000;
        now->tv_nsec = 0;
        return 0;
    }
    if (doubles.clock_coarse > 0 && __real_clock_gettime(clock, now) == 0) {
        now->tv_nsec -= now->tv_nsec % doubles.clock_coarse;
        return 0;
    }
    return __real_clock_gettime(clock, now);
}

/* Stands in for clock_getres. */
int __wrap_clock_getres(clockid_t clock, struct timespec *resolution) {
    return doubles.no_resolution ? -1 : __real_clock_getres(clock, resolution);
}

int __real_sched_setaffinity(pid_t process, size_t size, const cpu_set_t *set);
int __wrap_sched_setaffinity(pid_t process, size_t size, const cpu_set_t *set);
int __wrap_sched_setscheduler(pid_t process, int policy,
                              const struct sched_param *parameters);
int __wrap_setpriority(int which, id_t who, int value);
int __wrap_mlockall(int flags);
int __real_getrusage(int who, struct rusage *usage);
int __wrap_getrusage(int who, struct rusage *usage);
long __real_sysconf(int name);
long __wrap_sysconf(int name);
ssize_t __real_read(int file, void *bytes, size_t size);
ssize_t __wrap_read(int file, void *bytes, size_t size);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* Grants or refuses a wish without doing anything: the tests go on in this
   process. */
static int wish(void) {
    errno = EPERM;
    return doubles.refuses ? -1 : 0;
}

/* Stands in for sched_setaffinity, which is let through where it may be. */
int __wrap_sched_setaffinity(pid_t process, size_t size, const cpu_set_t *set) {
    return doubles.refuses || doubles.grants
               ? wish()
               : __real_sched_setaffinity(process, size, set);
}

/* Stands in for sched_setscheduler. */
int __wrap_sched_setscheduler(pid_t process, int policy,
                              const struct sched_param *parameters) {
    (void)process;
    (void)policy;
    (void)parameters;
    return wish();
}

/* Stands in for setpriority. */
int __wrap_setpriority(int which, id_t who, int value) {
    (void)which;
    (void)who;
    (void)value;
    return wish();
}

/* Stands in for mlockall. */
int __wrap_mlockall(int flags) {
    (void)flags;
    return wish();
}

/* Stands in for getrusage. */
int __wrap_getrusage(int who, struct rusage *usage) {
    return doubles.no_usage ? -1 : __real_getrusage(who, usage);
}

/* Stands in for sysconf. */
long __wrap_sysconf(int name) {
    return doubles.no_sysconf ? -1 : __real_sysconf(name);
}

/* Stands in for read. */
ssize_t __wrap_read(int file, void *bytes, size_t size) {
    return doubles.no_read ? -1 : __real_read(file, bytes, size);
}

/* Stands in for syscall, of which the harness makes two. */
long __wrap_syscall(long number, ...) {
    if (number != SYS_perf_event_open) {
        return __real_syscall(number);
    }
    if (doubles.fake_counters) {
        return open("/dev/zero", O_RDONLY | O_CLOEXEC);
    }
    errno = ENOENT;
    return -1;
}

void __real_retime_emulator(char *name, size_t size);
void __wrap_retime_emulator(char *name, size_t size);

/* Stands in for the search for an emulator, where the program calls it. */
void __wrap_retime_emulator(char *name, size_t size) {
    if (doubles.emulated) {
        strncpy(name, "some-emulator", size);
    } else {
        __real_retime_emulator(name, size);
    }
}
