/* run.c: inferences that are not timed. */
#include "internal.h"

/* Runs one inference. */
static int invoke(retime_session *session, retime_error *error) {
    if (session->call->invoke(session->interpreter) == TFLITE_OK) {
        return RETIME_OK;
    }
    return retime_fail_with_log(error, RETIME_E_INVOKE, "Invoke",
                                &session->log);
}

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
        status = invoke(session, error);
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

/* Checks that `count` tensors of `each` bytes fill `size` bytes. */
static int fits(size_t count, size_t each, size_t size) {
    return each == 0 ? size == 0 : size % each == 0 && size / each == count;
}

/* Runs the model on each of `count` inputs that lie end to end. */
int retime_session_map(retime_session *session, const void *inputs,
                       size_t inputs_size, void *outputs, size_t outputs_size,
                       size_t count, retime_error *error) {
    const char *from = inputs;
    char *to = outputs;
    retime_tensor input;
    retime_tensor output;
    int status;

    if (session == NULL || (count > 0 && (from == NULL || to == NULL))) {
        return retime_fail(error, RETIME_E_ARGUMENT, "map",
                           "no session, inputs or outputs");
    }
    if (session->inputs != 1 || session->outputs != 1) {
        return retime_fail(error, RETIME_E_ARGUMENT, "map",
                           "the model has %d inputs and %d outputs, not one "
                           "of each",
                           (int)session->inputs, (int)session->outputs);
    }
    status = retime_session_input(session, 0, &input, error);
    if (status == RETIME_OK) {
        status = retime_session_output(session, 0, &output, error);
    }
    if (status == RETIME_OK && (!fits(count, input.bytes, inputs_size) ||
                                !fits(count, output.bytes, outputs_size))) {
        status = retime_fail(error, RETIME_E_ARGUMENT, "map",
                             "%zu inferences take inputs of %zu bytes each and "
                             "give outputs of %zu; %zu and %zu bytes were "
                             "passed in all",
                             count, input.bytes, output.bytes, inputs_size,
                             outputs_size);
    }
    for (size_t i = 0; i < count && status == RETIME_OK; i++) {
        status = retime_session_write(session, 0, from + i * input.bytes,
                                      input.bytes, error);
        if (status == RETIME_OK) {
            status = invoke(session, error);
        }
        if (status == RETIME_OK) {
            status = retime_session_read(session, 0, to + i * output.bytes,
                                         output.bytes, error);
        }
    }
    return status;
}
