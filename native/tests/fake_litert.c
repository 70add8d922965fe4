/*
 * fake_litert.c: a test double of LiteRT's library, built as a shared object of
 * its own. FAKE_WITHOUT_FEATURES makes one that lacks what may lack.
 */
#define _POSIX_C_SOURCE 200809L

#include "fake_objects.h"
#include "litert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything that is made is one of these. */
struct object {
    unsigned char *memory;
    size_t size;
    void *payload;
    void (*destroy)(void *payload);
    char said[128]; /* what a compiled model reported */
};

static char tensors[2][FAKE_MOST_TENSORS]; /* their addresses are handles */
static char signatures[2];

/* Makes an object into a handle, unless that is to fail. */
static int make(const char *name, void *handle) {
    void *made;

    if (fake_fails(name)) {
        return 3;
    }
    made = fake_make(sizeof(struct object));
    memcpy(handle, &made, sizeof made);
    return 0;
}

/* What a tensor's handle is of. */
static const struct fake_tensor *tensor_of(LiteRtTensor tensor, int *side) {
    const ptrdiff_t at = (char *)tensor - &tensors[0][0];

    *side = at >= FAKE_MOST_TENSORS;
    return *side ? &fake_control()->output[at - FAKE_MOST_TENSORS]
                 : &fake_control()->input[at];
}

LiteRtStatus LiteRtCreateEnvironment(int count,
                                     const LiteRtEnvironmentOption *options,
                                     LiteRtEnvironment *made) {
    fake_control()->misuses += count != 2 || options[0].tag != 24;
    return make(__func__, made);
}

void LiteRtDestroyEnvironment(LiteRtEnvironment it) {
    fake_drop(it, 0);
}

LiteRtStatus LiteRtCreateModelFromBuffer(LiteRtEnvironment environment,
                                         const void *data, size_t size,
                                         LiteRtModel *made) {
    (void)environment;
    if (size < sizeof FAKE_MODEL - 1 ||
        memcmp(data, FAKE_MODEL, sizeof FAKE_MODEL - 1) != 0) {
        return 501;
    }
    return make(__func__, made);
}

void LiteRtDestroyModel(LiteRtModel it) {
    fake_drop(it, 0);
}

LiteRtStatus LiteRtGetNumModelSignatures(LiteRtModel model, size_t *count) {
    (void)model;
    *count = (size_t)fake_control()->signatures;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetModelSignature(LiteRtModel model, size_t index,
                                     LiteRtSignature *signature) {
    (void)model;
    *signature = (LiteRtSignature)(void *)&signatures[index];
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetSignatureKey(LiteRtSignature signature,
                                   const char **key) {
    static const char *const keys[] = {"first", "second"};

    *key = fake_control()->no_name ? NULL
                                   : keys[(char *)signature - &signatures[0]];
    if (fake_control()->signatures == 1) {
        *key = "<placeholder signature>";
    }
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetNumSignatureInputs(LiteRtSignature signature,
                                         size_t *count) {
    (void)signature;
    *count = (size_t)fake_control()->inputs;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetNumSignatureOutputs(LiteRtSignature signature,
                                          size_t *count) {
    (void)signature;
    *count = (size_t)fake_control()->outputs;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetSignatureInputTensorByIndex(LiteRtSignature signature,
                                                  size_t index,
                                                  LiteRtTensor *tensor) {
    (void)signature;
    *tensor = (LiteRtTensor)(void *)&tensors[0][index];
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature signature,
                                                   size_t index,
                                                   LiteRtTensor *tensor) {
    (void)signature;
    *tensor = (LiteRtTensor)(void *)&tensors[1][index];
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetTensorName(LiteRtTensor tensor, const char **name) {
    int side;

    *name = fake_control()->no_name ? NULL : tensor_of(tensor, &side)->name;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensor tensor,
                                       LiteRtRankedTensorType *type) {
    int side;

    type->element_type = tensor_of(tensor, &side)->type;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetQuantizationTypeId(LiteRtTensor tensor, int *kind) {
    (void)tensor;
    *kind = fake_control()->quantized;
    return fake_fails(__func__);
}

LiteRtStatus
LiteRtGetPerTensorQuantization(LiteRtTensor tensor,
                               LiteRtQuantizationPerTensor *stored) {
    int side;

    stored->scale = tensor_of(tensor, &side)->scale;
    stored->zero_point = tensor_of(tensor, &side)->zero_point;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtCreateOptions(LiteRtOptions *made) {
    fake_control()->options[0] = '\0';
    return make(__func__, made);
}

/* Deletes options with the last payload that was added; each add deletes the
   one before, which the real library keeps. */
static void drop_payload(struct object *it) {
    if (it->payload != NULL) {
        it->destroy(it->payload);
    }
}

void LiteRtDestroyOptions(LiteRtOptions it) {
    drop_payload((struct object *)(void *)it);
    fake_drop(it, 0);
}

LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptions options,
                                                  int accelerators) {
    (void)options;
    fake_control()->misuses += accelerators != 1;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtCreateOpaqueOptions(const char *identifier, void *payload,
                                       void (*destroy)(void *),
                                       LiteRtOpaqueOptions *made) {
    const int status = make(__func__, made);
    char *noted = fake_control()->options;
    const size_t length = strlen(noted);

    if (status == 0) {
        struct object *it = (struct object *)(void *)*made;

        it->payload = payload;
        it->destroy = destroy;
        snprintf(noted + length, sizeof fake_control()->options - length,
                 "[%s]\n%s", identifier, (char *)payload);
    }
    return status;
}

void LiteRtDestroyOpaqueOptions(LiteRtOpaqueOptions it) {
    drop_payload((struct object *)(void *)it);
    fake_drop(it, 0);
}

LiteRtStatus LiteRtAddOpaqueOptions(LiteRtOptions options,
                                    LiteRtOpaqueOptions added) {
    struct object *to = (struct object *)(void *)options;
    struct object *from = (struct object *)(void *)added;

    if (fake_fails(__func__)) {
        return 3;
    }
    drop_payload(to);
    to->payload = from->payload;
    to->destroy = from->destroy;
    fake_drop(from, 0);
    return 0;
}

LiteRtStatus LiteRtCreateCompiledModel(LiteRtEnvironment environment,
                                       LiteRtModel model, LiteRtOptions options,
                                       LiteRtCompiledModel *made) {
    (void)environment;
    (void)model;
    (void)options;
    return make(__func__, made);
}

void LiteRtDestroyCompiledModel(LiteRtCompiledModel it) {
    fake_drop(it, 0);
}

/* Notes what a compiled model would report. */
static int report(LiteRtCompiledModel compiled, const char *name) {
    struct object *it = (struct object *)(void *)compiled;

    if (!fake_fails(name)) {
        return 0;
    }
    if (fake_control()->says != NULL) {
        snprintf(it->said, sizeof it->said, "%s\n", fake_control()->says);
    }
    return 3;
}

LiteRtStatus
LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModel compiled,
                                              size_t signature, size_t index,
                                              LiteRtRequirements *wanted) {
    (void)signature;
    *wanted = (LiteRtRequirements)(void *)&fake_control()->input[index];
    return report(compiled, __func__);
}

LiteRtStatus
LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModel compiled,
                                               size_t signature, size_t index,
                                               LiteRtRequirements *wanted) {
    (void)signature;
    *wanted = (LiteRtRequirements)(void *)&fake_control()->output[index];
    return report(compiled, __func__);
}

LiteRtStatus
LiteRtGetTensorBufferRequirementsBufferSize(LiteRtRequirements wanted,
                                            size_t *size) {
    *size = ((struct fake_tensor *)(void *)wanted)->size;
    return fake_fails(__func__);
}

/* Gives a tensor's extents. */
static void lay_out(const struct fake_tensor *tensor, LiteRtLayout *layout) {
    layout->rank = (unsigned)tensor->rank & 127U;
    for (int i = 0; i < tensor->rank && i < LITERT_MOST_DIMS; i++) {
        layout->dimensions[i] = tensor->unknown ? -1 : tensor->dims[i];
    }
}

LiteRtStatus
LiteRtGetCompiledModelInputTensorLayout(LiteRtCompiledModel compiled,
                                        size_t signature, size_t index,
                                        LiteRtLayout *layout) {
    (void)signature;
    lay_out(&fake_control()->input[index], layout);
    return report(compiled, __func__);
}

LiteRtStatus
LiteRtGetCompiledModelOutputTensorLayouts(LiteRtCompiledModel compiled,
                                          size_t signature, size_t count,
                                          LiteRtLayout *layouts, _Bool update) {
    (void)signature;
    fake_control()->misuses += !update;
    for (size_t i = 0; i < count; i++) {
        lay_out(&fake_control()->output[i], &layouts[i]);
    }
    return report(compiled, __func__);
}

LiteRtStatus LiteRtCreateTensorBufferFromHostMemory(
    const LiteRtRankedTensorType *type, void *memory, size_t size,
    void (*destroy)(void *), LiteRtTensorBuffer *made) {
    const int status = make(__func__, made);

    (void)type;
    fake_control()->misuses += (uintptr_t)memory % 64 != 0 || destroy != NULL;
    if (status == 0) {
        ((struct object *)(void *)*made)->memory = memory;
        ((struct object *)(void *)*made)->size = size;
    }
    return status;
}

LiteRtStatus LiteRtGetTensorBufferPackedSize(LiteRtTensorBuffer buffer,
                                             size_t *size) {
    *size = fake_control()->packed < 0 ? ((struct object *)(void *)buffer)->size
                                       : (size_t)fake_control()->packed;
    return fake_fails(__func__);
}

void LiteRtDestroyTensorBuffer(LiteRtTensorBuffer it) {
    fake_drop(it, 0);
}

LiteRtStatus LiteRtRunCompiledModel(LiteRtCompiledModel compiled,
                                    size_t signature, size_t inputs,
                                    LiteRtTensorBuffer *input, size_t outputs,
                                    LiteRtTensorBuffer *output) {
    (void)signature;
    fake_control()->invokes++;
    if (report(compiled, __func__)) {
        return 3;
    }
    for (size_t i = 0; i < inputs && i < outputs; i++) {
        struct object *from = (struct object *)(void *)input[i];
        struct object *to = (struct object *)(void *)output[i];

        for (size_t j = 0; j < from->size && j < to->size; j++) {
            to->memory[j] = (unsigned char)(from->memory[j] + 1);
        }
    }
    return 0;
}

#ifndef FAKE_WITHOUT_FEATURES
LiteRtStatus
LiteRtCompiledModelResizeInputTensorNonStrict(LiteRtCompiledModel compiled,
                                              size_t signature, size_t index,
                                              const int *dims, size_t rank) {
    (void)signature;
    fake_resize((int32_t)index, dims, (int32_t)rank);
    return report(compiled, __func__);
}

LiteRtStatus LiteRtCompiledModelGetErrorMessages(LiteRtCompiledModel compiled,
                                                 char **messages) {
    const struct object *it = (struct object *)(void *)compiled;

    if (fake_fails("GetErrorMessages")) {
        return 3;
    }
    *messages = it->said[0] == '\0' ? NULL : strdup(it->said);
    return 0;
}

LiteRtStatus LiteRtCompiledModelClearErrors(LiteRtCompiledModel compiled) {
    ((struct object *)(void *)compiled)->said[0] = '\0';
    return 0;
}

LiteRtStatus LiteRtCompiledModelGetProfiler(LiteRtCompiledModel compiled,
                                            LiteRtProfiler *profiler) {
    *profiler = (LiteRtProfiler)(void *)compiled;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtStartProfiler(LiteRtProfiler profiler) {
    (void)profiler;
    fake_control()->profiled_runs++;
    return 0;
}

LiteRtStatus LiteRtStopProfiler(LiteRtProfiler profiler) {
    (void)profiler;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetNumProfilerEvents(LiteRtProfiler profiler, int *count) {
    (void)profiler;
    *count = 0;
    while (fake_control()->events[*count].kind != FAKE_END_OF_RUN) {
        ++*count;
    }
    if (fake_control()->bad_events) {
        *count = -1;
    }
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetProfilerEvents(LiteRtProfiler profiler, int count,
                                     LiteRtProfilerEvent *events) {
    (void)profiler;
    for (int i = 0; i < count; i++) {
        const struct fake_event *from = &fake_control()->events[i];

        memset(&events[i], 0, sizeof events[i]);
        events[i].tag = from->name;
        events[i].type = from->type;
        events[i].start_us = from->start_us;
        events[i].elapsed_us = from->us;
        events[i].index = (uint64_t)from->index;
        events[i].subgraph = (uint64_t)from->subgraph;
    }
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetSignatureSubgraph(LiteRtSignature signature,
                                        LiteRtSubgraph *subgraph) {
    *subgraph = (LiteRtSubgraph)(void *)signature;
    return fake_fails(__func__);
}

LiteRtStatus LiteRtGetNumSubgraphOps(LiteRtSubgraph subgraph, size_t *count) {
    (void)subgraph;
    *count = (size_t)fake_control()->nodes_before;
    return fake_fails(__func__);
}
#endif
