/* tflite_profile.c: what the classic C API tells of a run, into the tally. */
#include "internal.h"

/* Takes no notice. */
static void ignore_event(TfLiteTelemetryProfiler *profiler, const char *name,
                         uint64_t status) {
    (void)profiler;
    (void)name;
    (void)status;
}

/* Takes no notice. */
static void ignore_op_event(TfLiteTelemetryProfiler *profiler, const char *name,
                            int64_t index, int64_t subgraph, uint64_t status) {
    (void)profiler;
    (void)name;
    (void)index;
    (void)subgraph;
    (void)status;
}

/* Takes no notice. */
static void ignore_settings(TfLiteTelemetryProfiler *profiler, const char *name,
                            const void *settings) {
    (void)profiler;
    (void)name;
    (void)settings;
}

/* A kernel begins. */
static uint32_t begin(TfLiteTelemetryProfiler *profiler, const char *name,
                      int64_t index, int64_t subgraph) {
    retime_tally_begin(profiler->data, name, subgraph, index);
    return 0;
}

/* The last kernel that began ends; they are nested. */
static void end(TfLiteTelemetryProfiler *profiler, uint32_t handle) {
    (void)handle;
    retime_tally_end(profiler->data);
}

/* An operator inside a delegate took so many whole microseconds. */
static void whole(TfLiteTelemetryProfiler *profiler, const char *name,
                  uint64_t elapsed_us, int64_t index, int64_t subgraph) {
    retime_tally_add(profiler->data, name, subgraph, index,
                     (int64_t)(elapsed_us * 1000));
}

/* Adds the profiler to the interpreter's options. */
void retime_tflite_profiler_add(retime_session *session,
                                TfLiteInterpreterOptions *options) {
    struct retime_tflite_session *own = &session->own.tflite;

    own->profiler = (TfLiteTelemetryProfiler){&session->tally,
                                              ignore_event,
                                              ignore_op_event,
                                              ignore_settings,
                                              begin,
                                              end,
                                              whole};
    own->call->options_profiler(options, &own->profiler);
}
