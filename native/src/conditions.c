/* conditions.c: what is asked of the operating system for this process. */
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Tells whether a wish was granted. */
static void tell(retime_condition *condition, int failed, const char *reason) {
    condition->state = failed ? -1 : 1;
    if (failed) {
        retime_text_copy(condition->reason, sizeof condition->reason, reason);
    }
}

/* Pins this thread, and those that it starts, to cores. */
static void pin(const retime_wishes *wishes, retime_condition *condition) {
    cpu_set_t set;

    CPU_ZERO(&set);
    for (size_t i = 0; i < wishes->core_count; i++) {
        if (wishes->cores[i] < 0 || wishes->cores[i] >= CPU_SETSIZE) {
            tell(condition, 1, "there is no core of that number");
            return;
        }
        CPU_SET((size_t)wishes->cores[i], &set);
    }
    tell(condition, sched_setaffinity(0, sizeof set, &set) != 0,
         strerror(errno));
}

/* Sets how it is ranked against other work. */
static void rank(const retime_wishes *wishes, retime_condition *condition) {
    if (wishes->realtime) {
        const struct sched_param lowest = {
            .sched_priority = sched_get_priority_min(SCHED_FIFO)};

        tell(condition, sched_setscheduler(0, SCHED_FIFO, &lowest) != 0,
             strerror(errno));
    } else {
        tell(condition, setpriority(PRIO_PROCESS, 0, wishes->nice) != 0,
             strerror(errno));
    }
}

/* Asks for what is wished. */
int retime_conditions_apply(const retime_wishes *wishes,
                            retime_conditions *conditions,
                            retime_error *error) {
    if (wishes == NULL || conditions == NULL ||
        (wishes->cores == NULL && wishes->core_count > 0) ||
        wishes->nice < -20 || wishes->nice > 19) {
        return retime_fail(error, RETIME_E_ARGUMENT, "conditions",
                           "no wishes, nowhere to tell what is in force, no "
                           "cores, or a nice value that is not from -20 to 19");
    }
    memset(conditions, 0, sizeof *conditions);
    if (wishes->core_count > 0) {
        pin(wishes, &conditions->affinity);
    }
    if (wishes->prioritize) {
        rank(wishes, &conditions->priority);
    }
    if (wishes->lock_memory) {
        tell(&conditions->memory_lock, mlockall(MCL_CURRENT | MCL_FUTURE) != 0,
             strerror(errno));
    }
    if (wishes->flush_to_zero != 0) {
        tell(&conditions->flush_to_zero,
             !retime_flush_to_zero(wishes->flush_to_zero > 0),
             "this processor's switch isn't known");
    }
    return RETIME_OK;
}
