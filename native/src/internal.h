/*
 * internal.h: what the harness's own files share. Nothing here is for callers;
 * they include retime.h. Every source file includes this one first.
 */
#ifndef RETIME_INTERNAL_H
#define RETIME_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* affinity, CLOCK_MONOTONIC_RAW, perf_event */
#endif

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "retime.h"

#include "litert.h"
#include "tflite.h"

/* What the library said through its error reporter since the last clearing. */
struct retime_log {
    size_t length;
    int full; /* the text was cut; the rest is dropped */
    char text[sizeof(((retime_error *)0)->message)];
};

/* One function of a library that is looked up at run time. */
struct retime_function {
    const char *name;
    const char *feature; /* what is lost without it; "": everything */
    const char *missing; /* both, as one text */
    size_t offset;       /* of the pointer in the table of calls */
};

/* What one kind of library does. All but `bind` and `close` are called with
   checked arguments; `close` with whatever `open` had finished when it failed.
 */
struct retime_backend {
    int32_t kind;
    const char *name;
    const char *first; /* a function that tells this kind */
    const struct retime_function *functions;
    size_t function_count;
    size_t calls; /* where the table of calls is in the library */
    void (*bound)(retime_library *library);
    const char *(*version)(const retime_library *library);
    int (*open)(retime_session *session, const retime_library *library,
                const void *model, size_t size, const retime_options *options,
                retime_error *error);
    void (*close)(retime_session *session);
    void (*nodes)(const retime_session *session, retime_nodes *nodes);
    const char *(*signature)(const retime_session *session, int32_t index);
    int (*describe)(const retime_session *session, int side, int32_t index,
                    retime_tensor *tensor, retime_error *error);
    /* The values of an input or output; NULL where it has no memory yet. */
    void *(*data)(const retime_session *session, int side, int32_t index);
    void (*collect)(retime_session *session, int on);
    void (*explain)(retime_session *session);
    int64_t (*arena)(const retime_session *session);
};

enum { RETIME_INPUT, RETIME_OUTPUT };

struct retime_library {
    void *handle; /* dlopen's */
    const struct retime_backend *backend;
    struct tflite tflite; /* of these two, the kind's own is bound */
    struct litert litert;
    char path[]; /* as the caller gave it, for messages */
};

/* Watches one moment of delegation: the execution plan as it stands then. */
struct retime_observer {
    const struct tflite *call;
    TfLiteDelegate *delegate;
    TfLiteOpaqueDelegateBuilder builder;
    int32_t kernels;          /* in the plan; -1: not seen, or unreadable */
    int32_t delegate_kernels; /* of these, those that are delegates */
    int seen;                 /* the primary subgraph has been counted */
};

enum { RETIME_DEEPEST = 16 };

/* Adds up what operations take while a profile is taken. */
struct retime_tally {
    retime_operation *operations; /* the caller's; NULL: not collecting */
    size_t capacity;
    size_t count;
    int64_t dropped;
    size_t next; /* where the next event's operation is likely to be */
    clockid_t clock;
    int32_t partition;   /* that the last operator inside a delegate was of */
    int64_t last_inside; /* its index; -1: a kernel came since */
    /* Operations that have begun and not ended, outermost first. */
    size_t depth; /* may be over RETIME_DEEPEST: those are not recorded */
    struct {
        int32_t operation; /* -1: dropped */
        int64_t subgraph;
        int64_t start_ns;
        int64_t inside_ns; /* spent in operations that ran inside it */
        int64_t end_ns;    /* where the library tells it beforehand */
    } open[RETIME_DEEPEST];
};

/* A session of the classic C API. */
struct retime_tflite_session {
    const struct tflite *call; /* the library's functions */
    TfLiteModel *model;
    TfLiteDelegate *xnnpack;
    TfLiteXNNPackWeightsCache *cache;
    void *plugin; /* dlopen's handle of the external delegate's library */
    TfLiteDelegate *external;
    void (*external_delete)(TfLiteDelegate *delegate);
    TfLiteInterpreter *interpreter;
    TfLiteSignatureRunner *runner; /* NULL: the interpreter's call */
    struct retime_observer before; /* delegation */
    struct retime_observer after;
    TfLiteTelemetryProfiler profiler;
};

/* One tensor of a LiteRT session: memory of the harness's that the library
   reads or writes in place. */
struct retime_buffer {
    LiteRtTensorBuffer buffer;
    void *memory;
    LiteRtRankedTensorType type;
    LiteRtTensor tensor;
    size_t bytes;
};

/* A session of the LiteRT C API. */
struct retime_litert_session {
    const struct litert *call;
    LiteRtEnvironment environment;
    LiteRtModel model;
    LiteRtOptions options;
    LiteRtCompiledModel compiled;
    LiteRtProfiler profiler; /* the compiled model's own; NULL: none */
    LiteRtSignature signature;
    size_t signature_index;
    struct retime_buffer *tensors[2]; /* of each side, as many as it has */
    LiteRtTensorBuffer *buffers[2];   /* the same, as the library wants them */
    LiteRtProfilerEvent *events;      /* room for those of one run */
    size_t event_room;
    retime_nodes nodes;
};

struct retime_session {
    const struct retime_backend *backend;
    /* One inference: the library's own function where it takes one argument, so
       that nothing lies between the clock and it. Returns 0 on success. */
    int (*invoke)(void *subject);
    void *subject;
    clockid_t clock;
    int32_t call; /* enum retime_call */
    int32_t inputs;
    int32_t outputs;
    int32_t signatures;
    int profiled;
    retime_startup startup;
    struct retime_tally tally;
    struct retime_log log; /* the library holds its address while it lives */
    union {
        struct retime_tflite_session tflite;
        struct retime_litert_session litert;
    } own;
};

/* A calibrated busy wait. */
struct retime_delay {
    clockid_t clock;
    int64_t ns;      /* asked for, less what the wait itself overshoots by */
    int64_t read_ns; /* from one clock reading to the next */
    int64_t turns;   /* of the spin loop in RETIME_SPIN_NS */
};

enum { RETIME_SPIN_NS = 1024 };

/* error.c */
#if defined(__GNUC__)
#define RETIME_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define RETIME_FORMAT(text, first)
#endif

int retime_fail(retime_error *error, int status, const char *step,
                const char *format, ...) RETIME_FORMAT(4, 5);
int retime_fail_with_log(retime_error *error, int status, const char *step,
                         const struct retime_log *log);
void retime_text_copy(char *to, size_t size, const char *from);
void retime_log_clear(struct retime_log *log);
void retime_log_report(void *log, const char *format, va_list arguments)
    RETIME_FORMAT(2, 0);
void retime_log_add(struct retime_log *log, const char *format, ...)
    RETIME_FORMAT(2, 3);

/* A reading as one number. */
static inline int64_t retime_nanoseconds(const struct timespec *reading) {
    return (int64_t)reading->tv_sec * 1000000000 + reading->tv_nsec;
}

/* clock.c */
int retime_clock_choose(clockid_t *clock, retime_error *error);
int64_t retime_clock_read(clockid_t clock);
int64_t retime_clock_cost(clockid_t clock);
int64_t retime_clock_lap(clockid_t clock, int64_t *mark);
int64_t retime_median(int64_t *values, size_t count);

/* delay.c */
int retime_delay_calibrate(struct retime_delay *delay, clockid_t clock,
                           int64_t ns, retime_error *error);
int64_t retime_delay_wait(const struct retime_delay *delay, int64_t from);

/* library.c */
const char *retime_lacking(const retime_library *library, const char *feature);
int retime_demand(const retime_library *library, const char *feature,
                  retime_error *error);
void retime_bind_one(void *handle, const char *name, void *address);

/* xnnpack_flags.c */
int retime_xnnpack_read_flags(const char *words, uint32_t *set,
                              uint32_t *cleared, retime_error *error);

/* A step of opening a session begins. */
static inline void retime_progress(const retime_options *options,
                                   const char *step) {
    if (options->progress != NULL) {
        options->progress(step, options->context);
    }
}

/* session.c */
int retime_invoke(retime_session *session, retime_error *error);

/* tensor.c */
int retime_inputs_clear(retime_session *session, retime_error *error);
int retime_set_write(retime_session *session, const char *bytes,
                     retime_error *error);

/* tally.c */
void retime_tally_begin(struct retime_tally *tally, const char *name,
                        int64_t subgraph, int64_t index);
void retime_tally_end(struct retime_tally *tally);
void retime_tally_add(struct retime_tally *tally, const char *name,
                      int64_t subgraph, int64_t index, int64_t elapsed_ns);
void retime_tally_span(struct retime_tally *tally, const char *name,
                       int64_t subgraph, int64_t index, int64_t start_ns,
                       int64_t elapsed_ns);
void retime_tally_start(struct retime_tally *tally);
void retime_tally_leave(struct retime_tally *tally, int64_t subgraph,
                        int64_t start_ns);
void retime_tally_close(struct retime_tally *tally);

/* tflite_nodes.c */
void retime_observer_add(struct retime_observer *observer,
                         const retime_library *library,
                         TfLiteInterpreterOptions *options);
void retime_observer_remove(struct retime_observer *observer);
void retime_tflite_nodes(const retime_session *session, retime_nodes *nodes);

/* tflite_delegate.c */
int retime_xnnpack_add(retime_session *session, const retime_library *library,
                       const retime_options *wanted,
                       TfLiteInterpreterOptions *options, retime_error *error);
int retime_external_add(retime_session *session, const retime_options *wanted,
                        TfLiteInterpreterOptions *options, retime_error *error);
void retime_delegates_remove(struct retime_tflite_session *own);

/* tflite_tensor.c */
int retime_tflite_describe(const retime_session *session, int side,
                           int32_t index, retime_tensor *tensor,
                           retime_error *error);
void *retime_tflite_data(const retime_session *session, int side,
                         int32_t index);
int64_t retime_tflite_arena(const retime_session *session);

/* tflite_profile.c */
void retime_tflite_profiler_add(retime_session *session,
                                TfLiteInterpreterOptions *options);

/* litert_tensor.c */
int retime_litert_buffers(retime_session *session, retime_error *error);
void retime_litert_buffers_free(retime_session *session);
int retime_litert_describe(const retime_session *session, int side,
                           int32_t index, retime_tensor *tensor,
                           retime_error *error);
void *retime_litert_data(const retime_session *session, int side,
                         int32_t index);

/* litert_status.c */
void retime_litert_explain(retime_session *session);
int retime_litert_fail(retime_session *session, int status, const char *step,
                       int code, retime_error *error);

/* litert_options.c */
int retime_litert_options(retime_session *session, const retime_options *wanted,
                          int aloud, retime_error *error);

/* litert_profile.c */
void retime_litert_events(retime_session *session);
int retime_litert_count(retime_session *session, retime_error *error);

extern const struct retime_backend retime_tflite_backend;
extern const struct retime_backend retime_litert_backend;

/* flush_to_zero.c */
int retime_flush_to_zero(int on);

/* emulator.c */
void retime_emulator_at(const char *link, char *name, size_t size);

/* files.c */
int64_t retime_file_text(const char *root, const char *path, char *text,
                         size_t size);
int64_t retime_file_number(const char *root, const char *path, int base);

/* reading.c */
void retime_reading_take_under(const char *root, retime_reading *reading);

#endif
