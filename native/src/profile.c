/* profile.c: what each operation of a model takes. */
#include "internal.h"

#include <string.h>

/* Runs and profiles; the tally collects. */
static int run_all(retime_session *session, int64_t runs,
                   retime_profile *profile, retime_error *error) {
    for (; profile->runs < runs; profile->runs++) {
        int64_t mark;
        int64_t elapsed;
        int status;

        retime_tally_start(&session->tally);
        session->backend->collect(session, 1);
        mark = retime_clock_read(session->clock);
        status = retime_invoke(session, error);
        elapsed = retime_clock_lap(session->clock, &mark);
        session->backend->collect(session, 0);
        retime_tally_close(&session->tally);
        if (status != RETIME_OK) {
            return status;
        }
        if (elapsed < 0) {
            return retime_fail(error, RETIME_E_CLOCK, "clock_gettime",
                               "the clock stopped answering or stepped back");
        }
        profile->total_ns += elapsed;
    }
    return RETIME_OK;
}

/* Profiles so many runs. */
int retime_session_profile(retime_session *session, int64_t runs,
                           retime_operation *operations, size_t capacity,
                           retime_profile *profile, retime_error *error) {
    const char *step = "profile";
    struct retime_tally *tally;
    int status;

    if (session == NULL || profile == NULL || runs < 1 || capacity == 0 ||
        capacity > INT32_MAX || operations == NULL) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "no session, no runs, or nowhere to put the "
                           "operations");
    }
    if (!session->profiled) {
        return retime_fail(error, RETIME_E_UNSUPPORTED, step,
                           "the session was opened without a profiler");
    }
    memset(profile, 0, sizeof *profile);
    profile->tick_ns = 1000;
    profile->arena_bytes = session->backend->arena(session);
    tally = &session->tally;
    tally->operations = operations;
    tally->capacity = capacity;
    tally->count = 0;
    tally->dropped = 0;
    retime_log_clear(&session->log);
    status = run_all(session, runs, profile, error);
    tally->operations = NULL;
    profile->operations = tally->count;
    profile->dropped = tally->dropped;
    return status;
}
