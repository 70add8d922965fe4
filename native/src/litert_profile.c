/* litert_profile.c: what LiteRT's profiler noted of a run, into the tally. It
   notes whole microseconds and nests by time alone. */
#include "internal.h"

#include <stdlib.h>

enum { US = 1000, MOST_KERNELS = 4096, FIRST_ROOM = 256 };

/* Fetches the last run's events; their number, or -1. */
static int64_t fetch(struct retime_litert_session *own) {
    const struct litert *call = own->call;
    int count = 0;

    if (call->profiler_stop(own->profiler) != LITERT_OK ||
        call->event_count(own->profiler, &count) != LITERT_OK || count < 0) {
        return -1;
    }
    if ((size_t)count > own->event_room) {
        LiteRtProfilerEvent *more =
            calloc((size_t)count + FIRST_ROOM, sizeof *more);

        if (more == NULL) {
            return -1;
        }
        free(own->events);
        own->events = more;
        own->event_room = (size_t)count + FIRST_ROOM;
    }
    if (count > 0 &&
        call->events(own->profiler, count, own->events) != LITERT_OK) {
        return -1;
    }
    return count;
}

/* Adds the last run's events. */
void retime_litert_events(retime_session *session) {
    struct retime_litert_session *own = &session->own.litert;
    struct retime_tally *tally = &session->tally;
    const int64_t count = fetch(own);

    if (count < 0) {
        tally->dropped++;
    }
    for (int64_t i = 0; i < count; i++) {
        const LiteRtProfilerEvent *event = &own->events[i];
        const int64_t elapsed_ns = (int64_t)event->elapsed_us * US;

        if (event->type == LITERT_KERNEL) {
            retime_tally_span(tally, event->tag, (int64_t)event->subgraph,
                              (int64_t)event->index,
                              (int64_t)event->start_us * US, elapsed_ns);
        } else if (event->type == LITERT_INSIDE_PROFILED) {
            /* Its delegate's kernel isn't told, so it stands in its place. */
            retime_tally_leave(tally, (int64_t)event->subgraph, INT64_MIN);
            retime_tally_add(tally, event->tag, (int64_t)event->subgraph,
                             (int64_t)event->index, elapsed_ns);
        } else if (event->type == LITERT_INSIDE) {
            retime_tally_add(tally, event->tag, (int64_t)event->subgraph,
                             (int64_t)event->index, elapsed_ns);
        }
    }
}

/* Counts nodes: those of the model, less the kernels that ran by themselves. */
int retime_litert_count(retime_session *session, retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    retime_operation *kernels = calloc(MOST_KERNELS, sizeof *kernels);
    LiteRtSubgraph subgraph = NULL;
    retime_profile profile;
    size_t nodes = 0;
    int32_t alone = 0;
    int32_t partitions = 0;
    int32_t delegates = 0;
    const int profiled = session->profiled;
    int status;

    if (kernels == NULL) {
        return retime_fail(error, RETIME_E_MEMORY, "count-nodes", "no memory");
    }
    session->profiled = 1;
    status = retime_session_profile(session, 1, kernels, MOST_KERNELS, &profile,
                                    error);
    session->profiled = profiled;
    for (size_t i = 0; status == RETIME_OK && i < profile.operations; i++) {
        const retime_operation *one = &kernels[i];

        /* A delegate shows itself as a kernel, or only its operators. */
        if (one->parent < 0 && one->partition < 0) {
            delegates += one->delegate != 0;
            alone += one->delegate == 0;
        }
        if (one->parent < 0 && one->partition >= partitions) {
            partitions = one->partition + 1;
        }
    }
    if (status == RETIME_OK && profile.dropped == 0 &&
        own->call->signature_subgraph(own->signature, &subgraph) == LITERT_OK &&
        own->call->op_count(subgraph, &nodes) == LITERT_OK) {
        own->nodes.nodes = (int32_t)nodes;
        own->nodes.delegated = (int32_t)nodes - alone;
        own->nodes.partitions = partitions + delegates;
    }
    free(kernels);
    return status;
}
