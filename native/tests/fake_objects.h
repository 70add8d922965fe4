/* fake_objects.h: what the fake library's files share. */
#ifndef RETIME_TESTS_FAKE_OBJECTS_H
#define RETIME_TESTS_FAKE_OBJECTS_H

#include "fake.h"
#include "tflite.h"

struct TfLiteModel {
    FAKE_COUNT users; /* interpreters */
};

struct TfLiteDelegate {
    TfLiteOpaqueDelegateBuilder observer; /* prepare is NULL: XNNPACK */
    TfLiteXNNPackDelegateOptions options;
    FAKE_COUNT users;
};

struct TfLiteInterpreterOptions {
    TfLiteDelegate *delegates[4];
    int count;
    tflite_reporter reporter;
    void *user_data;
    TfLiteTelemetryProfiler *profiler;
};

struct TfLiteTensor {
    const struct fake_tensor *is;
    unsigned char data[FAKE_MOST_BYTES];
};

struct TfLiteInterpreter {
    struct TfLiteModel *model;
    struct TfLiteInterpreterOptions options;
    struct TfLiteTensor input[FAKE_MOST_TENSORS];
    struct TfLiteTensor output[FAKE_MOST_TENSORS];
};

struct TfLiteOperator {
    int code;
};

struct TfLiteOpaqueContext {
    struct TfLiteOperator kernels[FAKE_MOST_NODES];
    TfLiteIntArray *plan;
};

/* Whether the function of this name is to fail now. */
int fake_fails(const char *name);

/* The same; if so, what it says goes to the reporter. */
int fake_fails_aloud(const char *name, tflite_reporter reporter,
                     void *user_data);

/* Calls an error reporter as the real library does. */
void fake_say(tflite_reporter reporter, void *user_data, const char *format,
              ...);

/* Runs an inference for a function of this name. */
int fake_invoke(TfLiteInterpreter *interpreter, const char *name);

/* Gives an input a shape of float32. */
void fake_resize(int32_t index, const int *dims, int32_t rank);

TfLiteStatus TfLiteInterpreterAllocateTensors(TfLiteInterpreter *interpreter);

/* Makes an object; deletes one that nothing may use any more. */
void *fake_make(size_t size);
void fake_drop(void *object, int users);

/* Shows an observer the kernels of one subgraph. */
void fake_show_plan(TfLiteDelegate *delegate, const int *codes, int count);

#endif
