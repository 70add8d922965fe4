/* clock.c: which clock, what it costs, and reading it. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

enum { BATCHES = 101, READS = 64 };

/* Picks the clock: the raw one, which nobody steers while a sample is taken,
   or else the steered one. */
int retime_clock_choose(clockid_t *clock, retime_error *error) {
    static const clockid_t wanted[] = {CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC};

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (retime_clock_read(wanted[i]) >= 0) {
            *clock = wanted[i];
            return RETIME_OK;
        }
    }
    return retime_fail(error, RETIME_E_CLOCK, "clock_gettime",
                       "no monotonic clock can be read (errno %d)", errno);
}

/* Reads a clock; negative on failure. */
int64_t retime_clock_read(clockid_t clock) {
    struct timespec now;

    if (clock_gettime(clock, &now) != 0) {
        return -1;
    }
    return retime_nanoseconds(&now);
}

/* Reads the clock in use; negative on failure. */
int64_t retime_clock_now(void) {
    clockid_t clock = CLOCK_MONOTONIC;

    if (retime_clock_choose(&clock, NULL) != RETIME_OK) {
        return -1;
    }
    return retime_clock_read(clock);
}

/* The nanoseconds since *mark, which moves to now; negative if the clock can't
   be read. */
int64_t retime_clock_lap(clockid_t clock, int64_t *mark) {
    const int64_t last = *mark;

    *mark = retime_clock_read(clock);
    return last < 0 || *mark < last ? -1 : *mark - last;
}

/* Orders integers for qsort. */
static int compare(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/* The middle one of `count` values, which it sorts. */
int64_t retime_median(int64_t *values, size_t count) {
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* What one reading costs. Batches, because one reading may cost less than the
   clock resolves; their median, because some are interrupted. */
int64_t retime_clock_cost(clockid_t clock) {
    int64_t costs[BATCHES];

    for (size_t batch = 0; batch < BATCHES; batch++) {
        int64_t start = retime_clock_read(clock);
        int64_t stop = start;

        for (int i = 0; i < READS; i++) {
            stop = retime_clock_read(clock);
        }
        if (start < 0 || stop < 0) {
            return -1;
        }
        costs[batch] = (stop - start + READS / 2) / READS;
    }
    return retime_median(costs, BATCHES);
}

/* The least by which two readings in a row differ, where they do; -1 if the
   clock can't be read or steps back, 0 if it stands still. */
static int64_t measure_step(clockid_t clock) {
    int64_t least = 0;
    int64_t last = retime_clock_read(clock);

    for (int i = 0; i < BATCHES * READS; i++) {
        const int64_t now = retime_clock_read(clock);

        if (last < 0 || now < last) {
            return -1;
        }
        if (now > last && (least == 0 || now - last < least)) {
            least = now - last;
        }
        last = now;
    }
    return least;
}

/* Describes the clock in use. */
int retime_clock_describe(retime_clock *clock, retime_error *error) {
    clockid_t id = CLOCK_MONOTONIC;
    struct timespec resolution;
    int64_t cost;
    int64_t step;
    int status;

    if (clock == NULL) {
        return retime_fail(error, RETIME_E_ARGUMENT, "describe-clock",
                           "no record to describe it in");
    }
    status = retime_clock_choose(&id, error);
    if (status != RETIME_OK) {
        return status;
    }
    cost = retime_clock_cost(id);
    step = measure_step(id);
    if (cost < 0 || step < 0 || clock_getres(id, &resolution) != 0) {
        return retime_fail(error, RETIME_E_CLOCK, "clock_getres",
                           "the clock stopped answering (errno %d)", errno);
    }
    clock->id = (int32_t)id;
    clock->resolution_ns = retime_nanoseconds(&resolution);
    clock->step_ns = step;
    clock->cost_ns = cost;
    return RETIME_OK;
}
