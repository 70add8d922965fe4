/* run.c: inferences that are not timed. */
#include "internal.h"

/* Runs until both so many inferences and so much time are done. */
int retime_session_warm_up(retime_session *session, int64_t min_runs,
                           int64_t min_ns, int64_t *runs, retime_error *error) {
    int64_t done = 0;
    int64_t start;
    int64_t now;
    int status = RETIME_OK;

    if (runs != NULL) {
        *runs = 0;
    }
    if (session == NULL || min_runs < 0 || min_ns < 0) {
        return retime_fail(error, RETIME_E_ARGUMENT, "warm-up",
                           "no session, or a negative number of runs or ns");
    }
    retime_log_clear(&session->log);
    start = retime_clock_read(session->clock);
    now = start;
    while (now >= 0 && (done < min_runs || now - start < min_ns)) {
        status = retime_invoke(session, error);
        if (status != RETIME_OK) {
            break;
        }
        done++;
        now = retime_clock_read(session->clock);
    }
    if (runs != NULL) {
        *runs = done;
    }
    if (now < 0) {
        return retime_fail(error, RETIME_E_CLOCK, "clock_gettime",
                           "the clock stopped answering after %lld runs",
                           (long long)done);
    }
    return status;
}

/* Checks that `count` sets of `each` bytes fill `size` bytes. */
static int fits(size_t count, size_t each, size_t size) {
    return each == 0 ? size == 0 : size % each == 0 && size / each == count;
}

/* Reads all outputs end to end, which must still have `size` bytes. */
static int read_set(retime_session *session, char *to, size_t size,
                    retime_error *error) {
    size_t now = 0;
    int status = retime_session_output_size(session, &now, error);

    if (status == RETIME_OK && now != size) {
        status =
            retime_fail(error, RETIME_E_TENSOR, "map",
                        "the outputs had %zu bytes and now have %zu: their "
                        "shape depends on the values",
                        size, now);
    }
    for (int32_t i = 0; status == RETIME_OK && i < session->outputs; i++) {
        retime_tensor tensor;

        status = retime_session_output(session, i, &tensor, error);
        if (status == RETIME_OK) {
            status = retime_session_read(session, i, to, tensor.bytes, error);
            to += tensor.bytes;
        }
    }
    return status;
}

/* Runs the model on each of `count` sets of inputs that lie end to end. */
int retime_session_map(retime_session *session, const void *inputs,
                       size_t inputs_size, void *outputs, size_t outputs_size,
                       size_t count, retime_error *error) {
    char none = 0;
    const char *from = inputs == NULL ? &none : inputs;
    char *to = outputs == NULL ? &none : outputs;
    size_t taken = 0;
    size_t given = 0;
    int status;

    if (session == NULL || (inputs == NULL && inputs_size > 0) ||
        (outputs == NULL && outputs_size > 0)) {
        return retime_fail(error, RETIME_E_ARGUMENT, "map",
                           "no session, inputs or outputs");
    }
    retime_log_clear(&session->log);
    status = retime_session_input_size(session, &taken, error);
    if (status == RETIME_OK) {
        status = retime_session_output_size(session, &given, error);
    }
    if (status == RETIME_OK && (!fits(count, taken, inputs_size) ||
                                !fits(count, given, outputs_size))) {
        status = retime_fail(error, RETIME_E_ARGUMENT, "map",
                             "%zu inferences take inputs of %zu bytes each and "
                             "give outputs of %zu; %zu and %zu bytes were "
                             "passed in all",
                             count, taken, given, inputs_size, outputs_size);
    }
    for (size_t i = 0; i < count && status == RETIME_OK; i++) {
        status = retime_set_write(session, from + i * taken, error);
        if (status == RETIME_OK) {
            status = retime_invoke(session, error);
        }
        if (status == RETIME_OK) {
            status = read_set(session, to + i * given, given, error);
        }
    }
    return status;
}
