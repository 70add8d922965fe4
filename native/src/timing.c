/* timing.c: the timed loops. */
#include "internal.h"

enum { LONGEST_DELAY_S = 10 };

/* How a timed loop ended. */
struct outcome {
    size_t done;         /* samples that are valid */
    TfLiteStatus status; /* of the last inference */
    int unread;          /* not 0: the clock couldn't be read */
    int64_t elapsed;     /* the last sample, valid or not */
};

/* Times inferences. Everything the loop needs is in locals, and whether a step
   succeeded is asked after the second reading. */
static struct outcome time_plain(const retime_session *session,
                                 int64_t *samples, size_t count) {
    TfLiteStatus (*const invoke)(TfLiteInterpreter *) = session->call->invoke;
    TfLiteInterpreter *const interpreter = session->interpreter;
    const clockid_t clock = session->clock;
    struct timespec start = {0};
    struct timespec stop = {0};
    size_t done = 0;
    TfLiteStatus status = TFLITE_OK;
    int unread = 0;
    int64_t elapsed = 0;

    for (; done < count; done++) {
        unread = clock_gettime(clock, &start);
        status = invoke(interpreter);
        unread |= clock_gettime(clock, &stop);
        elapsed = retime_nanoseconds(&stop) - retime_nanoseconds(&start);
        if ((status | unread) != 0 || elapsed <= 0) {
            break;
        }
        samples[done] = elapsed;
    }
    return (struct outcome){done, status, unread, elapsed};
}

/* Times inferences that a busy wait follows. The reading that starts the wait
   stands where the plain loop's second one does, so the wait is all that is
   added. */
static struct outcome time_delayed(const retime_session *session,
                                   int64_t *samples, size_t count,
                                   const struct retime_delay *delay) {
    TfLiteStatus (*const invoke)(TfLiteInterpreter *) = session->call->invoke;
    TfLiteInterpreter *const interpreter = session->interpreter;
    const clockid_t clock = session->clock;
    struct timespec start = {0};
    size_t done = 0;
    TfLiteStatus status = TFLITE_OK;
    int unread = 0;
    int64_t elapsed = 0;

    for (; done < count; done++) {
        int64_t stop;

        unread = clock_gettime(clock, &start);
        status = invoke(interpreter);
        stop = retime_delay_wait(delay, retime_clock_read(clock));
        unread |= stop < 0;
        elapsed = stop - retime_nanoseconds(&start);
        if ((status | unread) != 0 || elapsed <= 0) {
            break;
        }
        samples[done] = elapsed;
    }
    return (struct outcome){done, status, unread, elapsed};
}

/* Says why a timed loop ended early. */
static int explain(const retime_session *session, const struct outcome *end,
                   retime_error *error) {
    if (end->status != TFLITE_OK) {
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

/* Times `count` inferences into the caller's samples. */
int retime_session_time(retime_session *session, int64_t *samples_ns,
                        size_t count, int64_t delay_ns, size_t *done,
                        retime_error *error) {
    struct outcome end = {0};
    struct retime_delay delay;
    int status = RETIME_OK;

    if (done != NULL) {
        *done = 0;
    }
    if (session == NULL || (samples_ns == NULL && count > 0)) {
        return retime_fail(error, RETIME_E_ARGUMENT, "time",
                           "no session, or no room for the samples");
    }
    if (delay_ns < 0 || delay_ns > (int64_t)LONGEST_DELAY_S * 1000000000) {
        return retime_fail(error, RETIME_E_ARGUMENT, "time",
                           "a delay of %lld ns is not from 0 to %d s",
                           (long long)delay_ns, LONGEST_DELAY_S);
    }
    retime_log_clear(&session->log);
    if (delay_ns == 0) {
        end = time_plain(session, samples_ns, count);
    } else {
        status =
            retime_delay_calibrate(&delay, session->clock, delay_ns, error);
        if (status != RETIME_OK) {
            return status;
        }
        end = time_delayed(session, samples_ns, count, &delay);
    }
    if (done != NULL) {
        *done = end.done;
    }
    return end.done < count ? explain(session, &end, error) : RETIME_OK;
}
