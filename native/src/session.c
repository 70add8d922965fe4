/* session.c: the life of a model that is ready to run. */
#include "internal.h"

#include <stdlib.h>

/* More threads than any board has cores: a slip, and the library would try. */
enum { MOST_THREADS = 1024 };

/* The nanoseconds since *mark, which moves to now; negative if the clock can't
   be read. */
static int64_t lap(clockid_t clock, int64_t *mark) {
    const int64_t last = *mark;

    *mark = retime_clock_read(clock);
    return last < 0 || *mark < last ? -1 : *mark - last;
}

/* Makes delegates and interpreter. */
static int make_interpreter(retime_session *session,
                            const retime_library *library,
                            const retime_options *wanted, retime_error *error) {
    const struct tflite *call = session->call;
    TfLiteInterpreterOptions *options = call->options_create();
    int status = RETIME_OK;

    if (options == NULL) {
        return retime_fail(error, RETIME_E_INTERPRETER,
                           "InterpreterOptionsCreate",
                           "the library gave no reason");
    }
    call->options_reporter(options, retime_log_report, &session->log);
    call->options_threads(options, wanted->threads);
    if (wanted->count_nodes) {
        retime_observer_add(&session->before, call, options);
    }
    if (wanted->delegate == RETIME_DELEGATE_XNNPACK) {
        status = retime_xnnpack_add(session, library, wanted->threads, options,
                                    error);
    }
    if (wanted->count_nodes) {
        retime_observer_add(&session->after, call, options);
    }
    if (status == RETIME_OK) {
        retime_log_clear(&session->log);
        session->interpreter =
            call->interpreter_create(session->model, options);
        if (session->interpreter == NULL) {
            status = retime_fail_with_log(error, RETIME_E_INTERPRETER,
                                          "InterpreterCreate", &session->log);
        }
    }
    call->options_delete(options);
    return status;
}

/* Makes ready what open has checked, in order; stops at the first failure. */
static int prepare(retime_session *session, const retime_library *library,
                   const void *model, size_t size,
                   const retime_options *options, retime_error *error) {
    const struct tflite *call = session->call;
    retime_startup *startup = &session->startup;
    int64_t mark;
    int status = retime_clock_choose(&session->clock, error);

    if (status != RETIME_OK) {
        return status;
    }
    mark = retime_clock_read(session->clock);
    session->model =
        call->model_create(model, size, retime_log_report, &session->log);
    if (session->model == NULL) {
        return retime_fail_with_log(error, RETIME_E_MODEL, "ModelCreate",
                                    &session->log);
    }
    startup->model_ns = lap(session->clock, &mark);
    status = make_interpreter(session, library, options, error);
    if (status != RETIME_OK) {
        return status;
    }
    startup->interpreter_ns = lap(session->clock, &mark);
    retime_log_clear(&session->log);
    if (call->allocate(session->interpreter) != TFLITE_OK) {
        return retime_fail_with_log(error, RETIME_E_ALLOCATE, "AllocateTensors",
                                    &session->log);
    }
    startup->allocate_ns = lap(session->clock, &mark);
    if (startup->model_ns < 0 || startup->interpreter_ns < 0 ||
        startup->allocate_ns < 0) {
        return retime_fail(error, RETIME_E_CLOCK, "clock_gettime",
                           "the clock stopped answering or stepped back");
    }
    session->inputs = call->input_count(session->interpreter);
    session->outputs = call->output_count(session->interpreter);
    return retime_inputs_clear(session, error);
}

/* Makes a session. */
int retime_session_open(const retime_library *library, const void *model,
                        size_t size, const retime_options *options,
                        retime_session **session, retime_error *error) {
    const char *step = "open-session";
    retime_session *opened;
    int status;

    if (library == NULL || model == NULL || options == NULL ||
        session == NULL) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "no library, model or options, or nowhere to put "
                           "the session");
    }
    if (size == 0) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "the model is empty");
    }
    if (options->threads < 1 || options->threads > MOST_THREADS) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "%d threads are not from 1 to %d",
                           (int)options->threads, MOST_THREADS);
    }
    if (options->delegate != RETIME_DELEGATE_NONE &&
        options->delegate != RETIME_DELEGATE_XNNPACK) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "there is no delegate %d", (int)options->delegate);
    }
    opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return retime_fail(error, RETIME_E_MEMORY, step, "no memory");
    }
    opened->call = &library->call;
    opened->before.kernels = -1;
    opened->after.kernels = -1;
    status = prepare(opened, library, model, size, options, error);
    if (status != RETIME_OK) {
        retime_session_close(opened);
        return status;
    }
    *session = opened;
    return RETIME_OK;
}

/* Closes a session, finished or half made: the interpreter first, for it uses
   all the rest. */
void retime_session_close(retime_session *session) {
    if (session == NULL) {
        return;
    }
    if (session->interpreter != NULL) {
        session->call->interpreter_delete(session->interpreter);
    }
    retime_observer_remove(&session->after);
    if (session->xnnpack != NULL) {
        session->call->xnnpack_delete(session->xnnpack);
    }
    retime_observer_remove(&session->before);
    if (session->model != NULL) {
        session->call->model_delete(session->model);
    }
    free(session);
}

/* What it took to make the session. */
void retime_session_startup(const retime_session *session,
                            retime_startup *startup) {
    static const retime_startup none = {0};

    if (startup != NULL) {
        *startup = session == NULL ? none : session->startup;
    }
}
