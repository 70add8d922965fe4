/*
 * delay.c: a busy wait of a given length, for the positive control.
 *
 * Watching the clock alone would end the wait only at one of its readings,
 * which are some 25 ns apart: a quarter of a 100 ns delay, and always the same
 * way for the same delay. Counting turns of a loop alone would stretch long
 * delays whenever the processor's frequency moves. So the clock is watched
 * until the time of a few readings is left, and this rest is counted in turns.
 * The last reading of the wait is also the sample's second one: nothing is
 * added that isn't measured.
 */
#include "internal.h"

enum {
    REST_READS = 3, /* the rest that is counted, in readings, at most */
    TURNS = 5000,   /* in one calibration: a few us */
    TRIALS = 64,
    TRIAL_NS = 10000 /* the longest wait that is tried out */
};

#if defined(__GNUC__)
/* One copy, in one place: a loop that lies across a border of the cache lines
   can take twice as long a turn, so that the pace of one copy says nothing of
   another's. */
#define ONE_COPY __attribute__((noinline, aligned(64)))
#else
#define ONE_COPY
#endif

/* Takes up time: one addition and one jump a turn. */
ONE_COPY static void spin(int64_t turns) {
    for (int64_t i = 0; i < turns; i++) {
#if defined(__GNUC__)
        __asm__ volatile("" : "+r"(i)); /* or the loop would be left out */
#endif
    }
}

/* Waits until `delay` after `from`, a reading of the same clock just taken.
   Returns the clock at the end; negative if it can't be read. */
int64_t retime_delay_wait(const struct retime_delay *delay, int64_t from) {
    const clockid_t clock = delay->clock;
    const int64_t last = from + delay->ns - delay->read_ns;
    int64_t now = from;

    while (last - now >= REST_READS * delay->read_ns) {
        now = retime_clock_read(clock);
        if (now < 0) {
            return now;
        }
    }
    spin((last - now) * delay->turns / RETIME_SPIN_NS);
    return retime_clock_read(clock);
}

/* How many turns the loop makes in RETIME_SPIN_NS at its fastest, which is
   when nothing interrupts it. Negative if the clock stands still or can't be
   read. */
static int64_t measure_turns(clockid_t clock) {
    int64_t fastest = INT64_MAX;

    for (int i = 0; i < TRIALS; i++) {
        int64_t start = retime_clock_read(clock);
        int64_t stop;

        spin(TURNS);
        stop = retime_clock_read(clock);
        if (start < 0 || stop <= start) {
            return -1;
        }
        if (stop - start < fastest) {
            fastest = stop - start;
        }
    }
    return (int64_t)TURNS * RETIME_SPIN_NS / fastest;
}

/* The mean of the middle half: the clock's steps may be coarser than what is
   looked for, which a median would round to, and some trials are interrupted,
   which a mean would believe. */
static int64_t middle_mean(int64_t *values) {
    int64_t sum = 0;

    (void)retime_median(values, TRIALS);
    for (int i = TRIALS / 4; i < TRIALS * 3 / 4; i++) {
        sum += values[i];
    }
    return sum * 2 / TRIALS;
}

/* Prepares waits of `ns`: finds the pace of clock and loop, then tries the
   wait out and takes off what it overshoots by. Takes about a millisecond. */
int retime_delay_calibrate(struct retime_delay *delay, clockid_t clock,
                           int64_t ns, retime_error *error) {
    int64_t overshoot[TRIALS];
    int64_t trial = ns < TRIAL_NS ? ns : TRIAL_NS;
    int usable;

    delay->clock = clock;
    delay->ns = trial;
    delay->read_ns = retime_clock_cost(clock);
    delay->turns = measure_turns(clock);
    usable = delay->read_ns >= 0 && delay->turns >= 0;
    for (int i = 0; i < TRIALS && usable; i++) {
        int64_t start = retime_clock_read(clock);
        int64_t stop = retime_delay_wait(delay, start);

        overshoot[i] = stop - start - trial;
        usable = start >= 0 && stop >= start;
    }
    if (!usable) {
        return retime_fail(error, RETIME_E_CLOCK, "calibrate-delay",
                           "the clock stands still or can't be read");
    }
    delay->ns = ns - middle_mean(overshoot);
    return RETIME_OK;
}
