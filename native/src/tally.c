/* tally.c: adding up what each operation takes while a profile is taken. */
#include "internal.h"

#include <string.h>

/* So much of a name is kept whole, where it is cut. */
enum { TELLING = 96 };

/* Whether an operation is the one of an event. */
static int is(const retime_operation *one, const char *name, int64_t subgraph,
              int64_t index, int32_t parent, int32_t partition) {
    return one->index == index && one->subgraph == subgraph &&
           one->parent == parent && one->partition == partition &&
           strncmp(one->name, name, TELLING) == 0;
}

/* Finds the event's operation or makes one; -1 if there is no room. Runs repeat
   the same events in the same order, so it mostly is the next one. */
static int32_t find(struct retime_tally *tally, const char *name,
                    int64_t subgraph, int64_t index, int32_t parent,
                    int32_t partition) {
    const char *given = name == NULL ? "" : name;
    retime_operation *made;

    for (size_t i = 0; i < tally->count; i++) {
        const size_t at = (tally->next + i) % tally->count;

        if (is(&tally->operations[at], given, subgraph, index, parent,
               partition)) {
            tally->next = at + 1;
            return (int32_t)at;
        }
    }
    if (tally->count >= tally->capacity) {
        tally->dropped++;
        return -1;
    }
    made = &tally->operations[tally->count];
    memset(made, 0, sizeof *made);
    retime_text_copy(made->name, sizeof made->name, given);
    made->subgraph = (int32_t)subgraph;
    made->index = (int32_t)index;
    made->parent = parent;
    made->partition = partition;
    /* A delegate that tells nothing of its inside is told by its name. */
    made->delegate = strstr(given, "Delegate") != NULL;
    tally->next = tally->count + 1;
    return (int32_t)tally->count++;
}

/* The innermost operation that has begun; -1 if none has. */
static int32_t innermost(const struct retime_tally *tally) {
    if (tally->depth == 0 || tally->depth > RETIME_DEEPEST) {
        return -1;
    }
    return tally->open[tally->depth - 1].operation;
}

/* Puts an operation on the pile of open ones. */
static void push(struct retime_tally *tally, const char *name, int64_t subgraph,
                 int64_t index, int32_t partition) {
    const int32_t parent = innermost(tally);

    if (tally->depth++ >= RETIME_DEEPEST) {
        tally->dropped++;
        return;
    }
    tally->open[tally->depth - 1].operation =
        find(tally, name, subgraph, index, parent, partition);
    tally->open[tally->depth - 1].subgraph = subgraph;
    tally->open[tally->depth - 1].inside_ns = 0;
}

/* Takes the innermost operation off the pile and adds what it took. */
static void pop(struct retime_tally *tally, int64_t elapsed_ns) {
    const size_t at = --tally->depth;

    if (at >= RETIME_DEEPEST) {
        return;
    }
    if (tally->open[at].operation >= 0) {
        retime_operation *ended = &tally->operations[tally->open[at].operation];

        ended->calls++;
        ended->total_ns += elapsed_ns;
        ended->self_ns += elapsed_ns - tally->open[at].inside_ns;
    }
    if (at > 0) {
        tally->open[at - 1].inside_ns += elapsed_ns;
    }
}

/* An operation begins now. */
void retime_tally_begin(struct retime_tally *tally, const char *name,
                        int64_t subgraph, int64_t index) {
    if (tally->operations == NULL) {
        return;
    }
    tally->last_inside = -1;
    push(tally, name, subgraph, index, -1);
    if (tally->depth <= RETIME_DEEPEST) {
        tally->open[tally->depth - 1].start_ns =
            retime_clock_read(tally->clock);
    }
}

/* The innermost operation ends now. */
void retime_tally_end(struct retime_tally *tally) {
    const int64_t now = retime_clock_read(tally->clock);

    if (tally->operations == NULL || tally->depth == 0) {
        return;
    }
    pop(tally, tally->depth > RETIME_DEEPEST
                   ? 0
                   : now - tally->open[tally->depth - 1].start_ns);
}

/* An operator inside a delegate took so long. */
void retime_tally_add(struct retime_tally *tally, const char *name,
                      int64_t subgraph, int64_t index, int64_t elapsed_ns) {
    int32_t parent;

    if (tally->operations == NULL) {
        return;
    }
    /* A delegate's partition has operators of rising index; where they begin
       anew, or a kernel came between, it is the next one. */
    if (tally->last_inside < 0 || index <= tally->last_inside) {
        tally->partition++;
    }
    tally->last_inside = index;
    parent = innermost(tally);
    push(tally, name, subgraph, index, tally->partition);
    pop(tally, elapsed_ns);
    if (parent >= 0) {
        tally->operations[parent].delegate = 1;
    }
}

/* Ends the spans that can't hold what comes next: those that ended before, and
   those of the same graph, whose nodes never run inside each other. */
void retime_tally_leave(struct retime_tally *tally, int64_t subgraph,
                        int64_t start_ns) {
    while (tally->depth > 0 &&
           (tally->open[tally->depth - 1].end_ns <= start_ns ||
            tally->open[tally->depth - 1].subgraph == subgraph)) {
        pop(tally, tally->open[tally->depth - 1].end_ns -
                       tally->open[tally->depth - 1].start_ns);
    }
}

/* An operation took so long from a given time on; what ran inside it is told
   next. */
void retime_tally_span(struct retime_tally *tally, const char *name,
                       int64_t subgraph, int64_t index, int64_t start_ns,
                       int64_t elapsed_ns) {
    retime_tally_leave(tally, subgraph, start_ns);
    if (tally->depth >= RETIME_DEEPEST) {
        tally->dropped++;
        return;
    }
    tally->last_inside = -1;
    push(tally, name, subgraph, index, -1);
    tally->open[tally->depth - 1].start_ns = start_ns;
    tally->open[tally->depth - 1].end_ns = start_ns + elapsed_ns;
}

/* A run begins. */
void retime_tally_start(struct retime_tally *tally) {
    tally->depth = 0;
    tally->next = 0;
    tally->partition = -1;
    tally->last_inside = -1;
}

/* The run is over: so is every span. */
void retime_tally_close(struct retime_tally *tally) {
    while (tally->depth > 0) {
        pop(tally, tally->open[tally->depth - 1].end_ns -
                       tally->open[tally->depth - 1].start_ns);
    }
}
