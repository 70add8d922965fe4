/*
 * litert.h: the part of LiteRT's C API that the harness calls, as it is in
 * version 2.3: signatures only, declared here so that the harness builds
 * without LiteRT's sources; the functions are found at run time.
 */
#ifndef RETIME_LITERT_H
#define RETIME_LITERT_H

#include <stddef.h>
#include <stdint.h>

typedef struct LiteRtEnvironmentT *LiteRtEnvironment;
typedef struct LiteRtModelT *LiteRtModel;
typedef struct LiteRtOptionsT *LiteRtOptions;
typedef struct LiteRtOpaqueOptionsT *LiteRtOpaqueOptions;
typedef struct LiteRtCompiledModelT *LiteRtCompiledModel;
typedef struct LiteRtSignatureT *LiteRtSignature;
typedef struct LiteRtSubgraphT *LiteRtSubgraph;
typedef struct LiteRtTensorT *LiteRtTensor;
typedef struct LiteRtTensorBufferT *LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT *LiteRtRequirements;
typedef struct LiteRtProfilerT *LiteRtProfiler;

typedef int LiteRtStatus; /* 0 is success */
enum { LITERT_OK = 0 };
enum { LITERT_CPU = 1 }; /* a set of accelerators */
/* Where errors are reported to: they are kept for the caller to fetch. */
enum { LITERT_REPORT_STDERR = 1, LITERT_REPORT_BUFFER = 2 };
/* Options of the environment: which accelerators to look for, and from which
   severity on to print. */
enum { LITERT_ACCELERATORS = 24, LITERT_SEVERITY = 25 };
enum { LITERT_WARNING = 2, LITERT_INTEGER = 2 };
enum { LITERT_MOST_DIMS = 8 };
enum { LITERT_PER_TENSOR = 1 }; /* a kind of quantization */
/* Kinds of events. */
enum { LITERT_KERNEL = 2, LITERT_INSIDE = 4, LITERT_INSIDE_PROFILED = 8 };

/* The options' identifiers. Their payload is text: lines of "key = value". */
#define LITERT_CPU_OPTIONS "xnnpack"
#define LITERT_RUNTIME_OPTIONS "runtime_options_string"

typedef struct {
    unsigned int rank : 7;
    unsigned int has_strides : 1;
    int32_t dimensions[LITERT_MOST_DIMS]; /* -1: not known */
    uint32_t strides[LITERT_MOST_DIMS];
} LiteRtLayout;

typedef struct {
    int element_type; /* the numbers of TfLiteType */
    LiteRtLayout layout;
} LiteRtRankedTensorType;

typedef struct {
    int tag;
    struct {
        int type;
        int64_t integer;
    } value;
} LiteRtEnvironmentOption;

typedef struct {
    float scale;
    int64_t zero_point;
} LiteRtQuantizationPerTensor;

typedef struct {
    const char *tag;
    int type;
    uint64_t start_us;
    uint64_t elapsed_us;
    size_t memory[6];
    uint64_t index; /* the node's */
    uint64_t subgraph;
    int source;
} LiteRtProfilerEvent;

/* The features that a library may lack. */
#define LITERT_ALL ""
#define LITERT_RESIZING "input resizing"
#define LITERT_PROFILE "profiling and node counts"
#define LITERT_MESSAGES "the library's own words on failures"

/* Every function that is looked up; columns as in tflite.h. */
/* clang-format off */
#define LITERT_FUNCTIONS(X) \
  X(LITERT_ALL, LiteRtStatus, environment_create, \
    (int, const LiteRtEnvironmentOption *, LiteRtEnvironment *), \
    LiteRtCreateEnvironment) \
  X(LITERT_ALL, void, environment_destroy, (LiteRtEnvironment), \
    LiteRtDestroyEnvironment) \
  X(LITERT_ALL, LiteRtStatus, model_create, \
    (LiteRtEnvironment, const void *, size_t, LiteRtModel *), \
    LiteRtCreateModelFromBuffer) \
  X(LITERT_ALL, void, model_destroy, (LiteRtModel), LiteRtDestroyModel) \
  X(LITERT_ALL, LiteRtStatus, signature_count, (LiteRtModel, size_t *), \
    LiteRtGetNumModelSignatures) \
  X(LITERT_ALL, LiteRtStatus, signature, \
    (LiteRtModel, size_t, LiteRtSignature *), LiteRtGetModelSignature) \
  X(LITERT_ALL, LiteRtStatus, signature_key, \
    (LiteRtSignature, const char **), LiteRtGetSignatureKey) \
  X(LITERT_ALL, LiteRtStatus, input_count, (LiteRtSignature, size_t *), \
    LiteRtGetNumSignatureInputs) \
  X(LITERT_ALL, LiteRtStatus, output_count, (LiteRtSignature, size_t *), \
    LiteRtGetNumSignatureOutputs) \
  X(LITERT_ALL, LiteRtStatus, input, \
    (LiteRtSignature, size_t, LiteRtTensor *), \
    LiteRtGetSignatureInputTensorByIndex) \
  X(LITERT_ALL, LiteRtStatus, output, \
    (LiteRtSignature, size_t, LiteRtTensor *), \
    LiteRtGetSignatureOutputTensorByIndex) \
  X(LITERT_ALL, LiteRtStatus, tensor_name, (LiteRtTensor, const char **), \
    LiteRtGetTensorName) \
  X(LITERT_ALL, LiteRtStatus, tensor_type, \
    (LiteRtTensor, LiteRtRankedTensorType *), LiteRtGetRankedTensorType) \
  X(LITERT_ALL, LiteRtStatus, quantization_kind, (LiteRtTensor, int *), \
    LiteRtGetQuantizationTypeId) \
  X(LITERT_ALL, LiteRtStatus, quantization, \
    (LiteRtTensor, LiteRtQuantizationPerTensor *), \
    LiteRtGetPerTensorQuantization) \
  X(LITERT_ALL, LiteRtStatus, options_create, (LiteRtOptions *), \
    LiteRtCreateOptions) \
  X(LITERT_ALL, void, options_destroy, (LiteRtOptions), \
    LiteRtDestroyOptions) \
  X(LITERT_ALL, LiteRtStatus, options_accelerators, (LiteRtOptions, int), \
    LiteRtSetOptionsHardwareAccelerators) \
  X(LITERT_ALL, LiteRtStatus, options_add, \
    (LiteRtOptions, LiteRtOpaqueOptions), LiteRtAddOpaqueOptions) \
  X(LITERT_ALL, LiteRtStatus, opaque_create, \
    (const char *, void *, void (*)(void *), LiteRtOpaqueOptions *), \
    LiteRtCreateOpaqueOptions) \
  X(LITERT_ALL, void, opaque_destroy, (LiteRtOpaqueOptions), \
    LiteRtDestroyOpaqueOptions) \
  X(LITERT_ALL, LiteRtStatus, compiled_create, \
    (LiteRtEnvironment, LiteRtModel, LiteRtOptions, LiteRtCompiledModel *), \
    LiteRtCreateCompiledModel) \
  X(LITERT_ALL, void, compiled_destroy, (LiteRtCompiledModel), \
    LiteRtDestroyCompiledModel) \
  X(LITERT_ALL, LiteRtStatus, input_requirements, \
    (LiteRtCompiledModel, size_t, size_t, LiteRtRequirements *), \
    LiteRtGetCompiledModelInputBufferRequirements) \
  X(LITERT_ALL, LiteRtStatus, output_requirements, \
    (LiteRtCompiledModel, size_t, size_t, LiteRtRequirements *), \
    LiteRtGetCompiledModelOutputBufferRequirements) \
  X(LITERT_ALL, LiteRtStatus, requirements_size, \
    (LiteRtRequirements, size_t *), \
    LiteRtGetTensorBufferRequirementsBufferSize) \
  X(LITERT_ALL, LiteRtStatus, input_layout, \
    (LiteRtCompiledModel, size_t, size_t, LiteRtLayout *), \
    LiteRtGetCompiledModelInputTensorLayout) \
  X(LITERT_ALL, LiteRtStatus, output_layouts, \
    (LiteRtCompiledModel, size_t, size_t, LiteRtLayout *, _Bool), \
    LiteRtGetCompiledModelOutputTensorLayouts) \
  X(LITERT_ALL, LiteRtStatus, buffer_create, \
    (const LiteRtRankedTensorType *, void *, size_t, void (*)(void *), \
     LiteRtTensorBuffer *), LiteRtCreateTensorBufferFromHostMemory) \
  X(LITERT_ALL, LiteRtStatus, buffer_packed_size, \
    (LiteRtTensorBuffer, size_t *), LiteRtGetTensorBufferPackedSize) \
  X(LITERT_ALL, void, buffer_destroy, (LiteRtTensorBuffer), \
    LiteRtDestroyTensorBuffer) \
  X(LITERT_ALL, LiteRtStatus, run, \
    (LiteRtCompiledModel, size_t, size_t, LiteRtTensorBuffer *, size_t, \
     LiteRtTensorBuffer *), LiteRtRunCompiledModel) \
  X(LITERT_RESIZING, LiteRtStatus, resize, \
    (LiteRtCompiledModel, size_t, size_t, const int *, size_t), \
    LiteRtCompiledModelResizeInputTensorNonStrict) \
  X(LITERT_MESSAGES, LiteRtStatus, messages, \
    (LiteRtCompiledModel, char **), LiteRtCompiledModelGetErrorMessages) \
  X(LITERT_MESSAGES, LiteRtStatus, messages_clear, (LiteRtCompiledModel), \
    LiteRtCompiledModelClearErrors) \
  X(LITERT_PROFILE, LiteRtStatus, profiler, \
    (LiteRtCompiledModel, LiteRtProfiler *), LiteRtCompiledModelGetProfiler) \
  X(LITERT_PROFILE, LiteRtStatus, profiler_start, (LiteRtProfiler), \
    LiteRtStartProfiler) \
  X(LITERT_PROFILE, LiteRtStatus, profiler_stop, (LiteRtProfiler), \
    LiteRtStopProfiler) \
  X(LITERT_PROFILE, LiteRtStatus, event_count, (LiteRtProfiler, int *), \
    LiteRtGetNumProfilerEvents) \
  X(LITERT_PROFILE, LiteRtStatus, events, \
    (LiteRtProfiler, int, LiteRtProfilerEvent *), LiteRtGetProfilerEvents) \
  X(LITERT_PROFILE, LiteRtStatus, signature_subgraph, \
    (LiteRtSignature, LiteRtSubgraph *), LiteRtGetSignatureSubgraph) \
  X(LITERT_PROFILE, LiteRtStatus, op_count, (LiteRtSubgraph, size_t *), \
    LiteRtGetNumSubgraphOps)
/* clang-format on */

/* The functions of one opened library. */
struct litert {
#define LITERT_FIELD(feature, result, field, parameters, name)                 \
    result(*field) parameters;
    LITERT_FUNCTIONS(LITERT_FIELD)
#undef LITERT_FIELD
};

#endif
