/* timing.c: the timed loops. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_S = 10, CHUNK = 64 };

/* How a timed loop ended. */
struct outcome {
    size_t done;     /* samples that are valid */
    int status;      /* of the last inference */
    int unread;      /* not 0: the clock couldn't be read */
    int64_t elapsed; /* the last sample, valid or not */
    int64_t now;     /* the last reading */
};

/* What the loops around the timed ones share. */
struct course {
    retime_session *session;
    const retime_timing *timing;
    const struct retime_delay *delay; /* NULL: none */
    size_t set_size;                  /* bytes of one set of inputs */
    char *flush;                      /* memory to write before each run */
    size_t run;                       /* the next one's number */
};

/* Times inferences. Everything the loop needs is in locals, and whether a step
   succeeded is asked after the second reading. */
static struct outcome time_plain(const retime_session *session,
                                 int64_t *samples, size_t count) {
    int (*const invoke)(void *) = session->invoke;
    void *const subject = session->subject;
    const clockid_t clock = session->clock;
    struct timespec start = {0};
    struct timespec stop = {0};
    size_t done = 0;
    int status = 0;
    int unread = 0;
    int64_t elapsed = 0;

    for (; done < count; done++) {
        unread = clock_gettime(clock, &start);
        status = invoke(subject);
        unread |= clock_gettime(clock, &stop);
        elapsed = retime_nanoseconds(&stop) - retime_nanoseconds(&start);
        if ((status | unread) != 0 || elapsed <= 0) {
            break;
        }
        samples[done] = elapsed;
    }
    return (struct outcome){done, status, unread, elapsed,
                            retime_nanoseconds(&stop)};
}

/* Times inferences that a busy wait follows. The reading that starts the wait
   stands where the plain loop's second one does, so the wait is all that is
   added. */
static struct outcome time_delayed(const retime_session *session,
                                   int64_t *samples, size_t count,
                                   const struct retime_delay *delay) {
    int (*const invoke)(void *) = session->invoke;
    void *const subject = session->subject;
    const clockid_t clock = session->clock;
    struct timespec start = {0};
    size_t done = 0;
    int status = 0;
    int unread = 0;
    int64_t elapsed = 0;
    int64_t stop = 0;

    for (; done < count; done++) {
        unread = clock_gettime(clock, &start);
        status = invoke(subject);
        stop = retime_delay_wait(delay, retime_clock_read(clock));
        unread |= stop < 0;
        elapsed = stop - retime_nanoseconds(&start);
        if ((status | unread) != 0 || elapsed <= 0) {
            break;
        }
        samples[done] = elapsed;
    }
    return (struct outcome){done, status, unread, elapsed, stop};
}

/* Does before a run what the timing asks for; nothing of it is timed. */
static int get_ready(struct course *course, retime_error *error) {
    const retime_timing *timing = course->timing;
    int status = RETIME_OK;

    if (timing->inputs != NULL) {
        status = retime_set_write(course->session,
                                  (const char *)timing->inputs +
                                      course->run % timing->input_sets *
                                          course->set_size,
                                  error);
    }
    for (size_t i = 0; i < timing->flush_bytes; i += CHUNK) {
        ((volatile char *)course->flush)[i] = (char)course->run;
    }
    if (timing->gap_ns > 0) {
        const struct timespec gap = {(time_t)(timing->gap_ns / 1000000000),
                                     (long)(timing->gap_ns % 1000000000)};

        /* A signal may cut the gap short; the run is as good. */
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &gap, NULL);
    }
    course->run++;
    return status;
}

/* Times `count` runs in whichever loop it takes. *status tells whether what
   lies between them failed. */
static struct outcome time_some(struct course *course, int64_t *samples,
                                size_t count, int *status,
                                retime_error *error) {
    const retime_timing *timing = course->timing;
    const int spaced =
        timing->inputs != NULL || timing->gap_ns > 0 || timing->flush_bytes > 0;
    const size_t each = spaced ? 1 : count;
    struct outcome end = {0};

    *status = RETIME_OK;
    for (size_t done = 0; done < count && *status == RETIME_OK;) {
        if (spaced) {
            *status = get_ready(course, error);
        }
        if (*status == RETIME_OK) {
            end = course->delay == NULL
                      ? time_plain(course->session, samples + done, each)
                      : time_delayed(course->session, samples + done, each,
                                     course->delay);
            done += end.done;
            if (end.done < each) {
                end.done = done;
                return end;
            }
        }
        end.done = done;
    }
    return end;
}

/* Says why a timed loop ended early. */
static int explain(retime_session *session, const struct outcome *end,
                   retime_error *error) {
    if (end->status != 0) {
        session->backend->explain(session);
        return retime_fail_with_log(error, RETIME_E_INVOKE, "Invoke",
                                    &session->log);
    }
    if (end->unread != 0) {
        return retime_fail(error, RETIME_E_CLOCK, "clock_gettime",
                           "the clock stopped answering after %zu samples",
                           end->done);
    }
    return retime_fail(error, RETIME_E_CLOCK, "time",
                       "sample %zu is %lld ns: the clock stepped back, or it "
                       "is too coarse for so short an inference",
                       end->done, (long long)end->elapsed);
}

/* Runs until the timing's ends are reached or the room is used up. */
static int time_all(struct course *course, int64_t *samples, size_t capacity,
                    size_t *done, retime_error *error) {
    const retime_timing *timing = course->timing;
    const int64_t start = retime_clock_read(course->session->clock);
    size_t wanted =
        timing->runs == 0 || timing->runs > capacity ? capacity : timing->runs;

    if (start < 0) {
        return retime_fail(error, RETIME_E_CLOCK, "clock_gettime",
                           "the clock can't be read");
    }
    while (*done < capacity) {
        int status = RETIME_OK;
        const struct outcome end =
            time_some(course, samples + *done, wanted, &status, error);

        *done += end.done;
        if (status != RETIME_OK) {
            return status;
        }
        if (end.done < wanted) {
            return explain(course->session, &end, error);
        }
        if (end.now - start >= timing->min_ns) {
            break;
        }
        /* Some more, so that the time isn't looked at between all runs. */
        wanted = *done / 8 + 1;
        if (wanted > capacity - *done) {
            wanted = capacity - *done;
        }
    }
    return RETIME_OK;
}

/* Checks what can be checked before anything runs. */
static int check(const retime_session *session, const retime_timing *timing,
                 size_t *set_size, retime_error *error) {
    const char *step = "time";
    const int64_t longest = (int64_t)LONGEST_S * 1000000000;
    int status = RETIME_OK;

    if (timing->delay_ns < 0 || timing->delay_ns > longest) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "a delay of %lld ns is not from 0 to %d s",
                           (long long)timing->delay_ns, LONGEST_S);
    }
    if (timing->gap_ns < 0 || timing->gap_ns > longest) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "a gap of %lld ns is not from 0 to %d s",
                           (long long)timing->gap_ns, LONGEST_S);
    }
    if (timing->min_ns < 0) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "%lld ns is no time to run for",
                           (long long)timing->min_ns);
    }
    if (timing->inputs != NULL) {
        status = retime_session_input_size(session, set_size, error);
        if (status == RETIME_OK &&
            (timing->input_sets == 0 ||
             timing->inputs_size % timing->input_sets != 0 ||
             timing->inputs_size / timing->input_sets != *set_size)) {
            status =
                retime_fail(error, RETIME_E_ARGUMENT, step,
                            "%zu sets of inputs of %zu bytes each are not "
                            "%zu bytes",
                            timing->input_sets, *set_size, timing->inputs_size);
        }
    }
    return status;
}

/* Times inferences into the caller's samples. */
int retime_session_time(retime_session *session, const retime_timing *timing,
                        int64_t *samples_ns, size_t capacity, size_t *done,
                        retime_error *error) {
    static const retime_timing plain = {0};
    const retime_timing *wanted = timing == NULL ? &plain : timing;
    struct retime_delay delay;
    struct course course = {session, wanted, NULL, 0, NULL, 0};
    size_t taken = 0;
    int status;

    if (done != NULL) {
        *done = 0;
    }
    if (session == NULL || (samples_ns == NULL && capacity > 0)) {
        return retime_fail(error, RETIME_E_ARGUMENT, "time",
                           "no session, or no room for the samples");
    }
    status = check(session, wanted, &course.set_size, error);
    if (status == RETIME_OK && wanted->flush_bytes > 0) {
        course.flush = calloc(wanted->flush_bytes, 1);
        if (course.flush == NULL) {
            status = retime_fail(error, RETIME_E_MEMORY, "time",
                                 "no memory for %zu bytes to flush caches with",
                                 wanted->flush_bytes);
        }
    }
    if (status == RETIME_OK && wanted->delay_ns > 0) {
        status = retime_delay_calibrate(&delay, session->clock,
                                        wanted->delay_ns, error);
        course.delay = &delay;
    }
    if (status == RETIME_OK) {
        retime_log_clear(&session->log);
        status = time_all(&course, samples_ns, capacity, &taken, error);
    }
    free(course.flush);
    if (done != NULL) {
        *done = taken;
    }
    return status;
}

/* How many bytes it takes to push everything out of the caches. */
size_t retime_cache_flush_bytes(void) {
    enum { DEFAULT_BYTES = 64 << 20, MOST_BYTES = 128 << 20 };
    long largest = -1;

#ifdef _SC_LEVEL3_CACHE_SIZE
    largest = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (largest <= 0) {
        largest = sysconf(_SC_LEVEL2_CACHE_SIZE);
    }
#endif
    if (largest <= 0) {
        return DEFAULT_BYTES;
    }
    /* Virtual machines tell the cache of all cores of their host. */
    return largest > MOST_BYTES / 2 ? MOST_BYTES : 2 * (size_t)largest;
}
