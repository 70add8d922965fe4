/* doubles.c: memory and clock that fail on demand. */
#define _POSIX_C_SOURCE 200809L

#include "doubles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct doubles doubles;
static time_t reversed;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
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
    return __real_clock_gettime(clock, now);
}

/* Stands in for clock_getres. */
int __wrap_clock_getres(clockid_t clock, struct timespec *resolution) {
    return doubles.no_resolution ? -1 : __real_clock_getres(clock, resolution);
}
