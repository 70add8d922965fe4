/* fake_signature.c: the fake library's signatures, which all run its only
   graph. */
#include "fake_objects.h"

#include <string.h>

#ifndef FAKE_WITHOUT_FEATURES
static const char *const keys[] = {"first", "second"};
static const char *const tensors[] = {"a", "b"};

struct TfLiteSignatureRunner {
    TfLiteInterpreter *interpreter;
};

/* Tells how many there are. */
int32_t
TfLiteInterpreterGetSignatureCount(const TfLiteInterpreter *interpreter) {
    (void)interpreter;
    return fake_control()->signatures;
}

/* Tells one's name. */
const char *
TfLiteInterpreterGetSignatureKey(const TfLiteInterpreter *interpreter,
                                 int32_t index) {
    (void)interpreter;
    return keys[index];
}

/* Makes the runner of one that there is. */
TfLiteSignatureRunner *
TfLiteInterpreterGetSignatureRunner(const TfLiteInterpreter *interpreter,
                                    const char *key) {
    TfLiteSignatureRunner *made;

    for (int i = 0; i < fake_control()->signatures; i++) {
        if (strcmp(keys[i], key) == 0) {
            made = fake_make(sizeof *made);
            made->interpreter = (TfLiteInterpreter *)(uintptr_t)interpreter;
            return made;
        }
    }
    return NULL;
}

/* Deletes a runner. */
void TfLiteSignatureRunnerDelete(TfLiteSignatureRunner *runner) {
    fake_drop(runner, 0);
}

/* Tells how many inputs there are. */
size_t TfLiteSignatureRunnerGetInputCount(const TfLiteSignatureRunner *runner) {
    (void)runner;
    return (size_t)fake_control()->inputs;
}

/* Tells how many outputs there are. */
size_t
TfLiteSignatureRunnerGetOutputCount(const TfLiteSignatureRunner *runner) {
    (void)runner;
    return (size_t)fake_control()->outputs;
}

/* Tells an input's name. */
const char *
TfLiteSignatureRunnerGetInputName(const TfLiteSignatureRunner *runner,
                                  int32_t index) {
    (void)runner;
    return tensors[index];
}

/* Tells an output's name. */
const char *
TfLiteSignatureRunnerGetOutputName(const TfLiteSignatureRunner *runner,
                                   int32_t index) {
    (void)runner;
    return tensors[index];
}

/* Gives an input by name. */
TfLiteTensor *TfLiteSignatureRunnerGetInputTensor(TfLiteSignatureRunner *runner,
                                                  const char *name) {
    return &runner->interpreter->input[name[0] - 'a'];
}

/* Gives an output by name. */
const TfLiteTensor *
TfLiteSignatureRunnerGetOutputTensor(const TfLiteSignatureRunner *runner,
                                     const char *name) {
    return &runner->interpreter->output[name[0] - 'a'];
}

/* Resizes an input. */
TfLiteStatus
TfLiteSignatureRunnerResizeInputTensor(TfLiteSignatureRunner *runner,
                                       const char *name, const int *dims,
                                       int32_t rank) {
    (void)runner;
    fake_resize(name[0] - 'a', dims, rank);
    return fake_fails(__func__);
}

/* Allocates tensors. */
TfLiteStatus
TfLiteSignatureRunnerAllocateTensors(TfLiteSignatureRunner *runner) {
    return TfLiteInterpreterAllocateTensors(runner->interpreter);
}

/* Runs an inference. */
int TfLiteSignatureRunnerInvoke(void *runner) {
    return fake_invoke(((TfLiteSignatureRunner *)runner)->interpreter,
                       __func__);
}
#endif
