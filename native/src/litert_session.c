/* litert_session.c: sessions of the LiteRT C API. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static const struct retime_function functions[] = {
#define LITERT_ROW(feature, result, field, parameters, name)                   \
    {#name, feature, #name ": " feature, offsetof(struct litert, field)},
    LITERT_FUNCTIONS(LITERT_ROW)
#undef LITERT_ROW
};

/* Nothing has two names here. */
static void bound(retime_library *library) {
    (void)library;
}

/* The C API tells no version. */
static const char *version(const retime_library *library) {
    (void)library;
    return NULL;
}

/* Finds the signature that is to run. A model without one runs as number 0. */
static int choose_signature(retime_session *session,
                            const retime_options *wanted, retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    const struct litert *call = own->call;
    const char *step = "GetModelSignature";
    size_t count = 0;
    int code = call->signature_count(own->model, &count);

    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_MODEL, step, code, error);
    }
    session->signatures = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const char *key = NULL;

        code = call->signature(own->model, i, &own->signature);
        if (code == LITERT_OK) {
            code = call->signature_key(own->signature, &key);
        }
        if (code != LITERT_OK) {
            return retime_litert_fail(session, RETIME_E_MODEL, step, code,
                                      error);
        }
        if (wanted->signature == NULL ||
            (key != NULL && strcmp(key, wanted->signature) == 0)) {
            own->signature_index = i;
            /* The name that LiteRT gives a graph that has none. */
            session->call = key != NULL && key[0] == '<'
                                ? RETIME_CALL_INTERPRETER
                                : RETIME_CALL_SIGNATURE;
            return RETIME_OK;
        }
    }
    return retime_fail(error, RETIME_E_SIGNATURE, step,
                       "the model has no signature %s among its %d",
                       wanted->signature == NULL ? "" : wanted->signature,
                       (int)session->signatures);
}

/* One inference. */
static int run(void *subject) {
    const retime_session *session = subject;
    const struct retime_litert_session *own = &session->own.litert;

    return own->call->run(own->compiled, own->signature_index,
                          (size_t)session->inputs, own->buffers[RETIME_INPUT],
                          (size_t)session->outputs,
                          own->buffers[RETIME_OUTPUT]);
}

/* Compiles the model. */
static int compile(retime_session *session, const retime_options *wanted,
                   retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    int status = choose_signature(session, wanted, error);
    int code = LITERT_OK;

    /* What a compiled model reports is kept inside it, and gone with one that
       could not be made. So it is then tried again with reports printed. */
    for (int aloud = 0; status == RETIME_OK && aloud < 2; aloud++) {
        status = retime_litert_options(session, wanted, aloud, error);
        if (status == RETIME_OK) {
            retime_progress(wanted, "CreateCompiledModel");
            code = own->call->compiled_create(own->environment, own->model,
                                              own->options, &own->compiled);
        }
        if (code == LITERT_OK) {
            break;
        }
    }
    if (status != RETIME_OK) {
        return status;
    }
    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_INTERPRETER,
                                  "CreateCompiledModel", code, error);
    }
    if (wanted->profile || wanted->count_nodes) {
        code = own->call->profiler(own->compiled, &own->profiler);
        if (code != LITERT_OK) {
            return retime_litert_fail(session, RETIME_E_UNSUPPORTED,
                                      "GetProfiler", code, error);
        }
    }
    return RETIME_OK;
}

/* Counts the tensors of both sides. */
static int count_tensors(retime_session *session, retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    size_t inputs = 0;
    size_t outputs = 0;
    int code = own->call->input_count(own->signature, &inputs);

    if (code == LITERT_OK) {
        code = own->call->output_count(own->signature, &outputs);
    }
    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_MODEL, "GetNumSignature",
                                  code, error);
    }
    session->inputs = (int32_t)inputs;
    session->outputs = (int32_t)outputs;
    return RETIME_OK;
}

/* Gives inputs their wanted shapes. */
static int resize(retime_session *session, const retime_library *library,
                  const retime_options *wanted, retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    const char *step = "ResizeInputTensor";
    int status = wanted->shape_count == 0
                     ? RETIME_OK
                     : retime_demand(library, LITERT_RESIZING, error);

    for (size_t i = 0; status == RETIME_OK && i < wanted->shape_count; i++) {
        const retime_shape *shape = &wanted->shapes[i];
        int code;

        if (shape->input < 0 || shape->input >= session->inputs) {
            return retime_fail(error, RETIME_E_ARGUMENT, step,
                               "there is no input %d; the model has %d",
                               (int)shape->input, (int)session->inputs);
        }
        code = own->call->resize(own->compiled, own->signature_index,
                                 (size_t)shape->input, shape->dims,
                                 (size_t)shape->rank);
        if (code != LITERT_OK) {
            status =
                retime_litert_fail(session, RETIME_E_TENSOR, step, code, error);
        }
    }
    return status;
}

/* Refuses what LiteRT has no option for. */
static int check(const retime_library *library, const retime_options *options,
                 retime_error *error) {
    if (options->delegate == RETIME_DELEGATE_EXTERNAL) {
        return retime_fail(error, RETIME_E_UNSUPPORTED, "external-delegate",
                           "LiteRT's C API takes no external delegate; the "
                           "classic TFLite library does");
    }
    if (options->weight_cache != NULL &&
        strcmp(options->weight_cache, "memory") == 0) {
        return retime_fail(error, RETIME_E_UNSUPPORTED, "weight-cache",
                           "LiteRT's C API has a weight cache in a file only; "
                           "name one");
    }
    return options->profile || options->count_nodes
               ? retime_demand(library, LITERT_PROFILE, error)
               : RETIME_OK;
}

/* Makes a session, in order; stops at the first failure. */
static int open_session(retime_session *session, const retime_library *library,
                        const void *model, size_t size,
                        const retime_options *options, retime_error *error) {
    /* Looking for GPUs and NPUs takes time and memory. */
    static const LiteRtEnvironmentOption environment[] = {
        {LITERT_ACCELERATORS, {LITERT_INTEGER, LITERT_CPU}},
        {LITERT_SEVERITY, {LITERT_INTEGER, LITERT_WARNING}}};
    struct retime_litert_session *own = &session->own.litert;
    retime_startup *startup = &session->startup;
    int64_t mark = retime_clock_read(session->clock);
    int status;
    int code;

    own->call = &library->litert;
    own->nodes = (retime_nodes){-1, -1, -1};
    session->invoke = run;
    session->subject = session;
    status = check(library, options, error);
    if (status != RETIME_OK) {
        return status;
    }
    code = own->call->environment_create(2, environment, &own->environment);
    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_LIBRARY,
                                  "CreateEnvironment", code, error);
    }
    retime_progress(options, "CreateModelFromBuffer");
    code = own->call->model_create(own->environment, model, size, &own->model);
    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_MODEL,
                                  "CreateModelFromBuffer", code, error);
    }
    startup->model_ns = retime_clock_lap(session->clock, &mark);
    status = compile(session, options, error);
    startup->interpreter_ns = retime_clock_lap(session->clock, &mark);
    if (status == RETIME_OK) {
        status = count_tensors(session, error);
    }
    if (status == RETIME_OK) {
        status = resize(session, library, options, error);
    }
    if (status == RETIME_OK) {
        retime_progress(options, "AllocateTensors");
        status = retime_litert_buffers(session, error);
    }
    startup->allocate_ns = retime_clock_lap(session->clock, &mark);
    if (status == RETIME_OK && options->count_nodes) {
        status = retime_litert_count(session, error);
    }
    return status;
}

/* Closes: what uses others first. */
static void close_session(retime_session *session) {
    struct retime_litert_session *own = &session->own.litert;

    retime_litert_buffers_free(session);
    if (own->compiled != NULL) {
        own->call->compiled_destroy(own->compiled);
    }
    if (own->options != NULL) {
        own->call->options_destroy(own->options);
    }
    if (own->model != NULL) {
        own->call->model_destroy(own->model);
    }
    if (own->environment != NULL) {
        own->call->environment_destroy(own->environment);
    }
    free(own->events);
}

/* The name of a signature that there is. */
static const char *signature(const retime_session *session, int32_t index) {
    const struct retime_litert_session *own = &session->own.litert;
    LiteRtSignature found = NULL;
    const char *key = NULL;

    if (own->call->signature(own->model, (size_t)index, &found) != LITERT_OK ||
        own->call->signature_key(found, &key) != LITERT_OK) {
        return NULL;
    }
    return key;
}

/* What was counted when the session was opened. */
static void nodes(const retime_session *session, retime_nodes *to) {
    *to = session->own.litert.nodes;
}

/* The C API tells nothing of it. */
static int64_t arena(const retime_session *session) {
    (void)session;
    return -1;
}

/* Begins collecting a run's events, or adds them to the tally. */
static void collect(retime_session *session, int on) {
    struct retime_litert_session *own = &session->own.litert;

    if (on) {
        (void)own->call->profiler_start(own->profiler);
    } else {
        retime_litert_events(session);
    }
}

const struct retime_backend retime_litert_backend = {
    .kind = RETIME_KIND_LITERT,
    .name = "LiteRT C",
    .first = "LiteRtCreateCompiledModel",
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
    .calls = offsetof(retime_library, litert),
    .bound = bound,
    .version = version,
    .open = open_session,
    .close = close_session,
    .nodes = nodes,
    .signature = signature,
    .describe = retime_litert_describe,
    .data = retime_litert_data,
    .collect = collect,
    .explain = retime_litert_explain,
    .arena = arena,
};
