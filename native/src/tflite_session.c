/* tflite_session.c: sessions of the classic C API. */
#include "internal.h"

#include <string.h>

static const struct retime_function functions[] = {
#define TFLITE_ROW(feature, result, field, parameters, name)                   \
    {#name, feature, #name ": " feature, offsetof(struct tflite, field)},
    TFLITE_FUNCTIONS(TFLITE_ROW)
#undef TFLITE_ROW
};

/* Takes a function by either of its two names. */
static void bound(retime_library *library) {
    struct tflite *call = &library->tflite;

    if (call->operator_code == NULL) {
        call->operator_code = call->operator_code_older;
    }
    call->operator_code_older = call->operator_code;
}

/* The library's version text. */
static const char *version(const retime_library *library) {
    return library->tflite.version();
}

/* Makes what the interpreter is made with. */
static int add_parts(retime_session *session, const retime_library *library,
                     const retime_options *wanted,
                     TfLiteInterpreterOptions *options, retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    int status = RETIME_OK;

    own->call->options_reporter(options, retime_log_report, &session->log);
    own->call->options_threads(options, wanted->threads);
    if (wanted->profile) {
        status = retime_demand(library, TFLITE_PROFILE, error);
        if (status == RETIME_OK) {
            retime_tflite_profiler_add(session, options);
        }
    }
    if (wanted->count_nodes) {
        retime_observer_add(&own->before, library, options);
    }
    if (status == RETIME_OK && wanted->delegate == RETIME_DELEGATE_XNNPACK) {
        status = retime_xnnpack_add(session, library, wanted, options, error);
    }
    if (status == RETIME_OK && wanted->delegate == RETIME_DELEGATE_EXTERNAL) {
        status = retime_external_add(session, wanted, options, error);
    }
    if (wanted->count_nodes) {
        retime_observer_add(&own->after, library, options);
    }
    return status;
}

/* Makes delegates and interpreter. */
static int make_interpreter(retime_session *session,
                            const retime_library *library,
                            const retime_options *wanted, retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    TfLiteInterpreterOptions *options = own->call->options_create();
    int status;

    if (options == NULL) {
        return retime_fail(error, RETIME_E_INTERPRETER,
                           "InterpreterOptionsCreate",
                           "the library gave no reason");
    }
    status = add_parts(session, library, wanted, options, error);
    if (status == RETIME_OK) {
        retime_log_clear(&session->log);
        retime_progress(wanted, "InterpreterCreate");
        own->interpreter = own->call->interpreter_create(own->model, options);
        if (own->interpreter == NULL) {
            status = retime_fail_with_log(error, RETIME_E_INTERPRETER,
                                          "InterpreterCreate", &session->log);
        }
    }
    own->call->options_delete(options);
    return status;
}

/* Finds the signature and its runner, where that is the call. */
static int choose_call(retime_session *session, const retime_library *library,
                       const retime_options *wanted, retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    const char *step = "GetSignatureRunner";
    const char *name = wanted->signature;
    int status;

    if (retime_lacking(library, TFLITE_SIGNATURES) == NULL) {
        session->signatures = own->call->signature_count(own->interpreter);
    }
    if (wanted->call == RETIME_CALL_INTERPRETER) {
        return name == NULL ? RETIME_OK
                            : retime_fail(error, RETIME_E_ARGUMENT, step,
                                          "the interpreter's call runs no "
                                          "signature; %s was named",
                                          name);
    }
    status = retime_demand(library, TFLITE_SIGNATURES, error);
    if (status != RETIME_OK) {
        return status;
    }
    if (session->signatures < 1) {
        return retime_fail(error, RETIME_E_SIGNATURE, step,
                           "the model has no signature");
    }
    if (name == NULL) {
        name = own->call->signature_key(own->interpreter, 0);
    }
    retime_log_clear(&session->log);
    own->runner = own->call->runner(own->interpreter, name);
    if (own->runner == NULL) {
        return retime_fail(error, RETIME_E_SIGNATURE, step,
                           "the model has no signature %s, but %d others; the "
                           "first is %s",
                           name, (int)session->signatures,
                           own->call->signature_key(own->interpreter, 0));
    }
    session->call = RETIME_CALL_SIGNATURE;
    return RETIME_OK;
}

/* Counts inputs and outputs, and says what an inference is. */
static void look(retime_session *session) {
    struct retime_tflite_session *own = &session->own.tflite;
    const struct tflite *call = own->call;

    if (own->runner != NULL) {
        session->inputs = (int32_t)call->runner_input_count(own->runner);
        session->outputs = (int32_t)call->runner_output_count(own->runner);
        session->invoke = call->runner_invoke;
        session->subject = own->runner;
    } else {
        session->inputs = call->input_count(own->interpreter);
        session->outputs = call->output_count(own->interpreter);
        session->invoke = call->invoke;
        session->subject = own->interpreter;
    }
}

/* Gives inputs their wanted shapes. */
static int resize(retime_session *session, const retime_library *library,
                  const retime_options *wanted, retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    const struct tflite *call = own->call;
    const char *step = "ResizeInputTensor";
    int status = wanted->shape_count == 0
                     ? RETIME_OK
                     : retime_demand(library, TFLITE_RESIZING, error);

    for (size_t i = 0; status == RETIME_OK && i < wanted->shape_count; i++) {
        const retime_shape *shape = &wanted->shapes[i];
        TfLiteStatus resized;

        if (shape->input < 0 || shape->input >= session->inputs) {
            return retime_fail(error, RETIME_E_ARGUMENT, step,
                               "there is no input %d; the model has %d",
                               (int)shape->input, (int)session->inputs);
        }
        retime_log_clear(&session->log);
        resized = own->runner == NULL
                      ? call->resize(own->interpreter, shape->input,
                                     shape->dims, shape->rank)
                      : call->runner_resize(
                            own->runner,
                            call->runner_input_name(own->runner, shape->input),
                            shape->dims, shape->rank);
        if (resized != TFLITE_OK) {
            status = retime_fail_with_log(error, RETIME_E_TENSOR, step,
                                          &session->log);
        }
    }
    return status;
}

/* Allocates tensors; the first inference of a weight cache in memory may not
   add to it any more. */
static int allocate(retime_session *session, retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    TfLiteStatus allocated;

    retime_log_clear(&session->log);
    allocated = own->runner == NULL ? own->call->allocate(own->interpreter)
                                    : own->call->runner_allocate(own->runner);
    if (allocated != TFLITE_OK) {
        return retime_fail_with_log(error, RETIME_E_ALLOCATE, "AllocateTensors",
                                    &session->log);
    }
    if (own->cache != NULL && !own->call->cache_finalize(own->cache)) {
        return retime_fail_with_log(error, RETIME_E_DELEGATE,
                                    "WeightsCacheFinalizeHard", &session->log);
    }
    return RETIME_OK;
}

/* Makes a session, in order; stops at the first failure. */
static int open_session(retime_session *session, const retime_library *library,
                        const void *model, size_t size,
                        const retime_options *options, retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    retime_startup *startup = &session->startup;
    int64_t mark = retime_clock_read(session->clock);
    int status;

    own->call = &library->tflite;
    own->before.kernels = -1;
    own->after.kernels = -1;
    retime_progress(options, "ModelCreate");
    own->model =
        own->call->model_create(model, size, retime_log_report, &session->log);
    if (own->model == NULL) {
        return retime_fail_with_log(error, RETIME_E_MODEL, "ModelCreate",
                                    &session->log);
    }
    startup->model_ns = retime_clock_lap(session->clock, &mark);
    status = make_interpreter(session, library, options, error);
    if (status == RETIME_OK) {
        status = choose_call(session, library, options, error);
    }
    if (status != RETIME_OK) {
        return status;
    }
    startup->interpreter_ns = retime_clock_lap(session->clock, &mark);
    look(session);
    status = resize(session, library, options, error);
    if (status == RETIME_OK) {
        retime_progress(options, "AllocateTensors");
        status = allocate(session, error);
    }
    startup->allocate_ns = retime_clock_lap(session->clock, &mark);
    return status;
}

/* Closes: what uses others first. */
static void close_session(retime_session *session) {
    struct retime_tflite_session *own = &session->own.tflite;

    if (own->runner != NULL) {
        own->call->runner_delete(own->runner);
    }
    if (own->interpreter != NULL) {
        own->call->interpreter_delete(own->interpreter);
    }
    retime_observer_remove(&own->after);
    retime_delegates_remove(own);
    retime_observer_remove(&own->before);
    if (own->model != NULL) {
        own->call->model_delete(own->model);
    }
}

/* The name of a signature that there is. */
static const char *signature(const retime_session *session, int32_t index) {
    const struct retime_tflite_session *own = &session->own.tflite;

    return own->call->signature_key(own->interpreter, index);
}

/* Begins or ends collecting: the events come by themselves. */
static void collect(retime_session *session, int on) {
    (void)session;
    (void)on;
}

/* Fetches nothing: the library reports failures as they happen. */
static void explain(retime_session *session) {
    (void)session;
}

const struct retime_backend retime_tflite_backend = {
    .kind = RETIME_KIND_TFLITE,
    .name = "TFLite C",
    .first = "TfLiteInterpreterCreate",
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
    .calls = offsetof(retime_library, tflite),
    .bound = bound,
    .version = version,
    .open = open_session,
    .close = close_session,
    .nodes = retime_tflite_nodes,
    .signature = signature,
    .describe = retime_tflite_describe,
    .data = retime_tflite_data,
    .collect = collect,
    .explain = explain,
    .arena = retime_tflite_arena,
};
