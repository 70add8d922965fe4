/* session.c: the life of a model that is ready to run. */
#include "internal.h"

#include <stdlib.h>

/* More threads than any board has cores: a slip, and the library would try. */
enum { MOST_THREADS = 1024, MOST_DIMS = 8 };

/* Checks options that mean the same to every library. */
static int check(const retime_options *options, const char *step,
                 retime_error *error) {
    if (options->threads < 1 || options->threads > MOST_THREADS) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "%d threads are not from 1 to %d",
                           (int)options->threads, MOST_THREADS);
    }
    if (options->delegate < RETIME_DELEGATE_NONE ||
        options->delegate > RETIME_DELEGATE_EXTERNAL) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "there is no delegate %d", (int)options->delegate);
    }
    if (options->call != RETIME_CALL_INTERPRETER &&
        options->call != RETIME_CALL_SIGNATURE) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "there is no call %d", (int)options->call);
    }
    if ((options->settings == NULL && options->setting_count > 0) ||
        (options->shapes == NULL && options->shape_count > 0)) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "settings or shapes are counted but not there");
    }
    for (size_t i = 0; i < options->setting_count; i++) {
        if (options->settings[i].key == NULL ||
            options->settings[i].value == NULL) {
            return retime_fail(error, RETIME_E_ARGUMENT, step,
                               "setting %zu has no key or no value", i);
        }
    }
    for (size_t i = 0; i < options->shape_count; i++) {
        if (options->shapes[i].rank < 0 ||
            options->shapes[i].rank > MOST_DIMS) {
            return retime_fail(error, RETIME_E_ARGUMENT, step,
                               "a shape of rank %d is not from 0 to %d",
                               (int)options->shapes[i].rank, MOST_DIMS);
        }
    }
    return RETIME_OK;
}

/* Makes ready what open has checked. */
static int prepare(retime_session *session, const retime_library *library,
                   const void *model, size_t size,
                   const retime_options *options, retime_error *error) {
    int status = retime_clock_choose(&session->clock, error);

    if (status != RETIME_OK) {
        return status;
    }
    session->tally.clock = session->clock;
    session->profiled = options->profile != 0;
    status =
        session->backend->open(session, library, model, size, options, error);
    if (status == RETIME_OK &&
        (session->startup.model_ns < 0 || session->startup.interpreter_ns < 0 ||
         session->startup.allocate_ns < 0)) {
        status = retime_fail(error, RETIME_E_CLOCK, "clock_gettime",
                             "the clock stopped answering or stepped back");
    }
    return status == RETIME_OK ? retime_inputs_clear(session, error) : status;
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
    status = check(options, step, error);
    if (status != RETIME_OK) {
        return status;
    }
    opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return retime_fail(error, RETIME_E_MEMORY, step, "no memory");
    }
    opened->backend = library->backend;
    status = prepare(opened, library, model, size, options, error);
    if (status != RETIME_OK) {
        retime_session_close(opened);
        return status;
    }
    *session = opened;
    return RETIME_OK;
}

/* Closes a session, finished or half made. */
void retime_session_close(retime_session *session) {
    if (session == NULL) {
        return;
    }
    session->backend->close(session);
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

/* How much of the graph a delegate took. */
void retime_session_nodes(const retime_session *session, retime_nodes *nodes) {
    static const retime_nodes unknown = {-1, -1, -1};

    if (nodes == NULL) {
        return;
    }
    *nodes = unknown;
    if (session != NULL) {
        session->backend->nodes(session, nodes);
    }
}

/* What runs an inference. */
int32_t retime_session_call(const retime_session *session) {
    return session == NULL ? -1 : session->call;
}

/* How many signatures the model has. */
int32_t retime_session_signature_count(const retime_session *session) {
    return session == NULL ? 0 : session->signatures;
}

/* The name of signature `index`. */
const char *retime_session_signature(const retime_session *session,
                                     int32_t index) {
    if (index < 0 || index >= retime_session_signature_count(session)) {
        return NULL;
    }
    return session->backend->signature(session, index);
}

/* Runs one inference that isn't timed. */
int retime_invoke(retime_session *session, retime_error *error) {
    if (session->invoke(session->subject) == 0) {
        return RETIME_OK;
    }
    session->backend->explain(session);
    return retime_fail_with_log(error, RETIME_E_INVOKE, "Invoke",
                                &session->log);
}
