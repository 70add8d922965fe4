/*
 * fake_tflite.c: a test double of the inference library, built as a shared
 * object: models and interpreters. FAKE_WITHOUT_INVOKE, FAKE_WITHOUT_XNNPACK,
 * FAKE_WITHOUT_OBSERVER, FAKE_WITHOUT_FEATURES and FAKE_OLDER make variants
 * that lack functions.
 */
#include "fake_objects.h"

#include <string.h>

/* Tells a version that no real library has. */
const char *TfLiteVersion(void) {
    return fake_control()->no_version ? NULL : "0.0.fake";
}

/* Makes a model of the right bytes, unless that is to fail. */
TfLiteModel *TfLiteModelCreateWithErrorReporter(const void *data, size_t size,
                                                tflite_reporter reporter,
                                                void *user_data) {
    if (fake_fails_aloud(__func__, reporter, user_data)) {
        return NULL;
    }
    if (size < sizeof FAKE_MODEL - 1 ||
        memcmp(data, FAKE_MODEL, sizeof FAKE_MODEL - 1) != 0) {
        fake_say(reporter, user_data, "%zu bytes are no model", size);
        return NULL;
    }
    return fake_make(sizeof(TfLiteModel));
}

/* Deletes a model, which no interpreter may use any more. */
void TfLiteModelDelete(TfLiteModel *model) {
    fake_drop(model, model->users);
}

/* Makes options, unless that is to fail. */
TfLiteInterpreterOptions *TfLiteInterpreterOptionsCreate(void) {
    return fake_fails(__func__) ? NULL
                                : fake_make(sizeof(TfLiteInterpreterOptions));
}

/* Deletes options. */
void TfLiteInterpreterOptionsDelete(TfLiteInterpreterOptions *options) {
    fake_drop(options, 0);
}

/* Notes the number of threads. */
void TfLiteInterpreterOptionsSetNumThreads(TfLiteInterpreterOptions *options,
                                           int32_t threads) {
    (void)options;
    fake_control()->threads = threads;
}

/* Adds a delegate. */
void TfLiteInterpreterOptionsAddDelegate(TfLiteInterpreterOptions *options,
                                         TfLiteDelegate *delegate) {
    options->delegates[options->count++] = delegate;
}

/* Sets where failures are told. */
void TfLiteInterpreterOptionsSetErrorReporter(TfLiteInterpreterOptions *options,
                                              tflite_reporter reporter,
                                              void *user_data) {
    options->reporter = reporter;
    options->user_data = user_data;
}

/* Makes an interpreter and shows its plan to the observers, unless that is to
   fail. */
TfLiteInterpreter *
TfLiteInterpreterCreate(const TfLiteModel *model,
                        const TfLiteInterpreterOptions *options) {
    TfLiteInterpreter *made;
    int delegated = 0;

    if (fake_fails_aloud(__func__, options->reporter, options->user_data)) {
        return NULL;
    }
    made = fake_make(sizeof *made);
    made->model = (TfLiteModel *)(uintptr_t)model;
    made->model->users++;
    made->options = *options;
    for (int i = 0; i < options->count; i++) {
        TfLiteDelegate *delegate = options->delegates[i];

        delegate->users++;
        delegated |= delegate->observer.prepare == NULL;
        for (int j = 0; j < fake_control()->subgraphs &&
                        delegate->observer.prepare != NULL;
             j++) {
            /* Every subgraph after the first has one node less. */
            fake_show_plan(delegate,
                           delegated ? fake_control()->after_delegate
                                     : fake_control()->before,
                           (delegated ? fake_control()->nodes_after
                                      : fake_control()->nodes_before) -
                               j);
        }
    }
    return made;
}

/* Deletes an interpreter, which then uses nothing any more. */
void TfLiteInterpreterDelete(TfLiteInterpreter *interpreter) {
    interpreter->model->users--;
    for (int i = 0; i < interpreter->options.count; i++) {
        interpreter->options.delegates[i]->users--;
    }
    fake_drop(interpreter, 0);
}

/* Fills all tensors with junk, as fresh memory may be. */
TfLiteStatus TfLiteInterpreterAllocateTensors(TfLiteInterpreter *interpreter) {
    for (int i = 0; i < FAKE_MOST_TENSORS; i++) {
        interpreter->input[i].is = &fake_control()->input[i];
        interpreter->output[i].is = &fake_control()->output[i];
        memset(interpreter->input[i].data, 0xAA, FAKE_MOST_BYTES);
        memset(interpreter->output[i].data, 0xAA, FAKE_MOST_BYTES);
    }
    return fake_fails_aloud(__func__, interpreter->options.reporter,
                            interpreter->options.user_data);
}

/* Tells a profiler what the control's script says of a run. */
static void tell(TfLiteTelemetryProfiler *profiler) {
    const struct fake_event *event = fake_control()->events;

    for (; profiler != NULL && event->kind != FAKE_END_OF_RUN; event++) {
        if (event->kind == FAKE_BEGIN) {
            (void)profiler->begin(profiler, event->name, event->index,
                                  event->subgraph);
        } else if (event->kind == FAKE_END) {
            profiler->end(profiler, 0);
        } else {
            profiler->whole(profiler, event->name, event->us, event->index,
                            event->subgraph);
        }
    }
    if (profiler != NULL) {
        profiler->event(profiler, "Invoke", 0);
        profiler->op_event(profiler, "Invoke", 0, 0, 0);
        profiler->settings(profiler, "Settings", NULL);
    }
}

/* Runs an inference, unless that is to fail. */
int fake_invoke(TfLiteInterpreter *interpreter, const char *name) {
    fake_control()->invokes++;
    for (volatile int i = 0; i < fake_control()->work; i++) {
    }
    tell(interpreter->options.profiler);
    if (fake_fails_aloud(name, interpreter->options.reporter,
                         interpreter->options.user_data)) {
        return 1;
    }
    for (int j = 0; j < FAKE_MOST_TENSORS; j++) {
        for (int i = 0; i < FAKE_MOST_BYTES; i++) {
            interpreter->output[j].data[i] =
                (unsigned char)(interpreter->input[j].data[i] + 1);
        }
    }
    if (fake_control()->growth > 0) {
        fake_control()->output[0].size += fake_control()->growth;
    }
    return 0;
}

#ifndef FAKE_WITHOUT_INVOKE
/* Runs an inference. */
int TfLiteInterpreterInvoke(void *interpreter) {
    return fake_invoke(interpreter, __func__);
}
#endif

#ifndef FAKE_WITHOUT_FEATURES
/* Sets the profiler. */
void TfLiteInterpreterOptionsSetTelemetryProfiler(
    TfLiteInterpreterOptions *options, TfLiteTelemetryProfiler *profiler) {
    options->profiler = profiler;
}

/* Resizes an input of bytes of four. */
TfLiteStatus TfLiteInterpreterResizeInputTensor(TfLiteInterpreter *interpreter,
                                                int32_t index, const int *dims,
                                                int32_t rank) {
    if (fake_fails_aloud(__func__, interpreter->options.reporter,
                         interpreter->options.user_data)) {
        return 1;
    }
    fake_resize(index, dims, rank);
    return 0;
}

/* Gives a tensor of the graph: the inputs and then the outputs. */
TfLiteTensor *TfLiteInterpreterGetTensor(const TfLiteInterpreter *interpreter,
                                         int index) {
    TfLiteInterpreter *own = (TfLiteInterpreter *)(uintptr_t)interpreter;

    if (index >= 2 * FAKE_MOST_TENSORS) {
        return NULL;
    }
    return index < FAKE_MOST_TENSORS ? &own->input[index]
                                     : &own->output[index - FAKE_MOST_TENSORS];
}

/* Tells where a tensor lies. */
int TfLiteOpaqueTensorGetAllocationType(const TfLiteTensor *tensor) {
    return tensor->is->allocation;
}
#endif

/* Tells how many inputs there are. */
int32_t
TfLiteInterpreterGetInputTensorCount(const TfLiteInterpreter *interpreter) {
    (void)interpreter;
    return fake_control()->inputs;
}

/* Tells how many outputs there are. */
int32_t
TfLiteInterpreterGetOutputTensorCount(const TfLiteInterpreter *interpreter) {
    (void)interpreter;
    return fake_control()->outputs;
}

/* Gives an input, unless it is to be absent. */
TfLiteTensor *
TfLiteInterpreterGetInputTensor(const TfLiteInterpreter *interpreter,
                                int32_t index) {
    TfLiteInterpreter *own = (TfLiteInterpreter *)(uintptr_t)interpreter;

    return fake_control()->input[index].absent ? NULL : &own->input[index];
}

/* Gives an output, unless it is to be absent. */
const TfLiteTensor *
TfLiteInterpreterGetOutputTensor(const TfLiteInterpreter *interpreter,
                                 int32_t index) {
    return fake_control()->output[index].absent ? NULL
                                                : &interpreter->output[index];
}
