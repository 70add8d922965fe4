/* counters.c: what the processor and the kernel count, through perf_event. */
#include "internal.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    uint32_t type;
    uint64_t config;
    size_t place; /* in retime_counts */
} wanted[] = {
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES,
     offsetof(retime_counts, cycles)},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS,
     offsetof(retime_counts, instructions)},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES,
     offsetof(retime_counts, cache_misses)},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES,
     offsetof(retime_counts, branch_misses)},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS,
     offsetof(retime_counts, migrations)},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES,
     offsetof(retime_counts, context_switches)},
};

enum { COUNTERS = sizeof wanted / sizeof wanted[0] };

struct retime_counters {
    int files[COUNTERS]; /* -1: not granted */
    char reason[128];
};

/* Opens one counter; -1 where it isn't granted. Counting the kernel's own work
   takes rights that counting ours doesn't, so it is left out where it must
   be. */
static int open_one(size_t index) {
    struct perf_event_attr attributes;
    int file = -1;

    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = wanted[index].type;
    attributes.config = wanted[index].config;
    attributes.disabled = 1;
    attributes.inherit = 1;
    for (int without = 0; without < 2 && file < 0; without++) {
        attributes.exclude_kernel = (unsigned)without & 1U;
        attributes.exclude_hv = (unsigned)without & 1U;
        file = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1,
                            PERF_FLAG_FD_CLOEXEC);
    }
    return file;
}

/* Opens what is granted. */
int retime_counters_open(retime_counters **counters, retime_error *error) {
    retime_counters *opened;

    if (counters == NULL) {
        return retime_fail(error, RETIME_E_ARGUMENT, "open-counters",
                           "nowhere to put the counters");
    }
    opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return retime_fail(error, RETIME_E_MEMORY, "open-counters",
                           "no memory");
    }
    for (size_t i = 0; i < COUNTERS; i++) {
        opened->files[i] = open_one(i);
        if (opened->files[i] < 0 && opened->reason[0] == '\0') {
            retime_text_copy(opened->reason, sizeof opened->reason,
                             strerror(errno));
        }
    }
    *counters = opened;
    return RETIME_OK;
}

/* Why some counter isn't granted. */
const char *retime_counters_reason(const retime_counters *counters) {
    return counters == NULL ? "not opened" : counters->reason;
}

/* Counts from 0. */
void retime_counters_start(retime_counters *counters) {
    for (size_t i = 0; counters != NULL && i < COUNTERS; i++) {
        if (counters->files[i] >= 0) {
            (void)ioctl(counters->files[i], PERF_EVENT_IOC_RESET, 0);
            (void)ioctl(counters->files[i], PERF_EVENT_IOC_ENABLE, 0);
        }
    }
}

/* Stops counting and tells. */
void retime_counters_stop(retime_counters *counters, retime_counts *counts) {
    if (counts == NULL) {
        return;
    }
    memset(counts, 0xFF, sizeof *counts); /* -1 everywhere */
    for (size_t i = 0; counters != NULL && i < COUNTERS; i++) {
        int64_t count = -1;

        if (counters->files[i] < 0) {
            continue;
        }
        (void)ioctl(counters->files[i], PERF_EVENT_IOC_DISABLE, 0);
        if (read(counters->files[i], &count, sizeof count) ==
            (ssize_t)sizeof count) {
            memcpy((char *)counts + wanted[i].place, &count, sizeof count);
        }
    }
}

/* Closes. */
void retime_counters_close(retime_counters *counters) {
    for (size_t i = 0; counters != NULL && i < COUNTERS; i++) {
        if (counters->files[i] >= 0) {
            (void)close(counters->files[i]);
        }
    }
    free(counters);
}
