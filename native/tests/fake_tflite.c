/*
 * fake_tflite.c: a test double of the inference library, built as a shared
 * object: models and interpreters. FAKE_WITHOUT_INVOKE, FAKE_WITHOUT_XNNPACK,
 * FAKE_WITHOUT_OBSERVER and FAKE_OLDER make variants that lack functions.
 */
#include "fake_objects.h"

#include <stdlib.h>
#include <string.h>

static struct fake_control control;
static int calls; /* of the function that is to fail */

struct fake_control *fake_control(void) {
    return &control;
}

/* Puts the controls back. */
void fake_reset(void) {
    static const struct fake_tensor floats = {
        .name = "floats", .type = 1, .rank = 2, .dims = {1, 4}, .size = 16};

    memset(&control, 0, sizeof control);
    calls = 0;
    control.inputs = 1;
    control.outputs = 1;
    for (int i = 0; i < FAKE_MOST_TENSORS; i++) {
        control.input[i] = floats;
        control.output[i] = floats;
    }
    control.subgraphs = 1;
}

/* Whether the function of this name is to fail now. */
int fake_fails(const char *name) {
    return control.fails != NULL && strstr(name, control.fails) != NULL &&
           calls++ >= control.after;
}

/* Calls an error reporter as the real library does. */
static void say(tflite_reporter reporter, void *user_data, const char *format,
                ...) {
    va_list arguments;

    va_start(arguments, format);
    reporter(user_data, format, arguments);
    va_end(arguments);
}

/* The same, if the function of this name is to fail and to say something. */
int fake_fails_aloud(const char *name, tflite_reporter reporter,
                     void *user_data) {
    if (!fake_fails(name)) {
        return 0;
    }
    if (control.says != NULL) {
        say(reporter, user_data, "%s\n", control.says);
        say(reporter, user_data, "That was %s.", name);
    }
    return 1;
}

/* Deletes an object that nothing may use any more. */
void fake_drop(void *object, int users) {
    control.misuses += users != 0;
    control.live--;
    free(object);
}

/* Makes an object. */
void *fake_make(size_t size) {
    void *object = calloc(1, size);

    if (object == NULL) {
        abort();
    }
    control.live++;
    return object;
}

/* Tells a version that no real library has. */
const char *TfLiteVersion(void) {
    return control.no_version ? NULL : "0.0.fake";
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
        say(reporter, user_data, "%zu bytes are no model", size);
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
    control.threads = threads;
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
        for (int j = 0;
             j < control.subgraphs && delegate->observer.prepare != NULL; j++) {
            /* Every subgraph after the first has one node less. */
            fake_show_plan(
                delegate, delegated ? control.after_delegate : control.before,
                (delegated ? control.nodes_after : control.nodes_before) - j);
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
        interpreter->input[i].is = &control.input[i];
        interpreter->output[i].is = &control.output[i];
        memset(interpreter->input[i].data, 0xAA, FAKE_MOST_BYTES);
        memset(interpreter->output[i].data, 0xAA, FAKE_MOST_BYTES);
    }
    return fake_fails_aloud(__func__, interpreter->options.reporter,
                            interpreter->options.user_data);
}

#ifndef FAKE_WITHOUT_INVOKE
/* Runs an inference, unless that is to fail. */
TfLiteStatus TfLiteInterpreterInvoke(TfLiteInterpreter *interpreter) {
    control.invokes++;
    for (volatile int i = 0; i < control.work; i++) {
    }
    if (fake_fails_aloud(__func__, interpreter->options.reporter,
                         interpreter->options.user_data)) {
        return 1;
    }
    for (int i = 0; i < FAKE_MOST_BYTES; i++) {
        interpreter->output[0].data[i] =
            (unsigned char)(interpreter->input[0].data[i] + 1);
    }
    return 0;
}
#endif

/* Tells how many inputs there are. */
int32_t
TfLiteInterpreterGetInputTensorCount(const TfLiteInterpreter *interpreter) {
    (void)interpreter;
    return control.inputs;
}

/* Tells how many outputs there are. */
int32_t
TfLiteInterpreterGetOutputTensorCount(const TfLiteInterpreter *interpreter) {
    (void)interpreter;
    return control.outputs;
}

/* Gives an input, unless it is to be absent. */
TfLiteTensor *
TfLiteInterpreterGetInputTensor(const TfLiteInterpreter *interpreter,
                                int32_t index) {
    TfLiteInterpreter *own = (TfLiteInterpreter *)(uintptr_t)interpreter;

    return control.input[index].absent ? NULL : &own->input[index];
}

/* Gives an output, unless it is to be absent. */
const TfLiteTensor *
TfLiteInterpreterGetOutputTensor(const TfLiteInterpreter *interpreter,
                                 int32_t index) {
    return control.output[index].absent ? NULL : &interpreter->output[index];
}
