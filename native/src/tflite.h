/*
 * tflite.h: the part of TFLite's C API that the harness calls. Signatures
 * only, declared here so that the harness builds without TensorFlow's sources;
 * the functions are found at run time.
 */
#ifndef RETIME_TFLITE_H
#define RETIME_TFLITE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TfLiteModel TfLiteModel;
typedef struct TfLiteInterpreterOptions TfLiteInterpreterOptions;
typedef struct TfLiteInterpreter TfLiteInterpreter;
typedef struct TfLiteTensor TfLiteTensor;
typedef struct TfLiteDelegate TfLiteDelegate;
typedef struct TfLiteOpaqueContext TfLiteOpaqueContext;
typedef struct TfLiteOpaqueNode TfLiteOpaqueNode;
typedef struct TfLiteOperator TfLiteOperator;
typedef struct TfLiteSignatureRunner TfLiteSignatureRunner;
typedef struct TfLiteXNNPackDelegateWeightsCache TfLiteXNNPackWeightsCache;

/* Of these enums only the values that matter here are named. */
typedef int TfLiteStatus; /* 0 is success */
enum { TFLITE_OK = 0 };
enum { TFLITE_STRING = 5, TFLITE_RESOURCE = 14, TFLITE_VARIANT = 15 };
enum { TFLITE_BUILTIN_DELEGATE = 51 };
enum { TFLITE_DELEGATE_ALLOWS_DYNAMIC_TENSORS = 1 };
enum { TFLITE_ARENA = 2 }; /* an allocation type: in the shared arena */

typedef struct {
    float scale;
    int32_t zero_point;
} TfLiteQuantizationParams;

typedef struct {
    int size;
    int data[];
} TfLiteIntArray;

typedef void (*tflite_reporter)(void *user_data, const char *format,
                                va_list arguments);

/* Describes a delegate that the caller writes itself. */
typedef struct {
    void *data;
    TfLiteStatus (*prepare)(TfLiteOpaqueContext *context,
                            TfLiteDelegate *delegate, void *data);
    void (*copy_from_buffer_handle)(void);
    void (*copy_to_buffer_handle)(void);
    void (*free_buffer_handle)(void);
    int64_t flags;
} TfLiteOpaqueDelegateBuilder;

/* What the library tells of a run, as it happens. It keeps the address. */
typedef struct TfLiteTelemetryProfiler TfLiteTelemetryProfiler;
struct TfLiteTelemetryProfiler {
    void *data;
    void (*event)(TfLiteTelemetryProfiler *profiler, const char *name,
                  uint64_t status);
    void (*op_event)(TfLiteTelemetryProfiler *profiler, const char *name,
                     int64_t index, int64_t subgraph, uint64_t status);
    void (*settings)(TfLiteTelemetryProfiler *profiler, const char *name,
                     const void *settings);
    uint32_t (*begin)(TfLiteTelemetryProfiler *profiler, const char *name,
                      int64_t index, int64_t subgraph);
    void (*end)(TfLiteTelemetryProfiler *profiler, uint32_t handle);
    void (*whole)(TfLiteTelemetryProfiler *profiler, const char *name,
                  uint64_t elapsed_us, int64_t index, int64_t subgraph);
};

/* The library returns this structure by value; its fields and its size differ
   between versions, but for the first field. Anything over 16 bytes is written
   by the callee through a pointer that the caller passes, so declaring it
   larger than any version's is safe. */
typedef union {
    int32_t num_threads;
    /* TFLite up to 2.18 */
    struct {
        int32_t num_threads;
        uint32_t flags;
        TfLiteXNNPackWeightsCache *weights_cache;
        _Bool handle_variable_ops;
        const char *weight_cache_file_path;
    } older;
    /* LiteRT's sources since */
    struct {
        int32_t num_threads;
        uint32_t runtime_flags;
        uint32_t flags;
        TfLiteXNNPackWeightsCache *weights_cache;
        _Bool handle_variable_ops;
        const char *weight_cache_file_path;
    } newer;
    uint64_t reserved[128];
} TfLiteXNNPackDelegateOptions;

/* What an external delegate's library has; its functions' names. */
#define TFLITE_PLUGIN_CREATE "tflite_plugin_create_delegate"
#define TFLITE_PLUGIN_DESTROY "tflite_plugin_destroy_delegate"
typedef TfLiteDelegate *(*tflite_plugin_create)(
    const char *const *keys, const char *const *values, size_t count,
    void (*report_error)(const char *text));

/* The features that a library may lack. */
#define TFLITE_ALL ""
#define TFLITE_XNNPACK "XNNPACK"
#define TFLITE_CACHE "XNNPACK's weight cache in memory"
#define TFLITE_SIGNATURES "signatures"
#define TFLITE_RESIZING "input resizing"
#define TFLITE_NODES "node counts"
#define TFLITE_PROFILE "profiling"
#define TFLITE_ARENA_SIZE "the arena's size"

/* Every function that is looked up: feature that is lost without it, result,
   field, parameters, and the library's name for it. The functions that run an
   inference take any pointer, so that the timed loop calls them directly. */
/* clang-format off */
#define TFLITE_FUNCTIONS(X) \
  X(TFLITE_ALL, const char *, version, (void), TfLiteVersion) \
  X(TFLITE_ALL, TfLiteModel *, model_create, \
    (const void *, size_t, tflite_reporter, void *), \
    TfLiteModelCreateWithErrorReporter) \
  X(TFLITE_ALL, void, model_delete, (TfLiteModel *), TfLiteModelDelete) \
  X(TFLITE_ALL, TfLiteInterpreterOptions *, options_create, (void), \
    TfLiteInterpreterOptionsCreate) \
  X(TFLITE_ALL, void, options_delete, (TfLiteInterpreterOptions *), \
    TfLiteInterpreterOptionsDelete) \
  X(TFLITE_ALL, void, options_threads, (TfLiteInterpreterOptions *, int32_t), \
    TfLiteInterpreterOptionsSetNumThreads) \
  X(TFLITE_ALL, void, options_delegate, \
    (TfLiteInterpreterOptions *, TfLiteDelegate *), \
    TfLiteInterpreterOptionsAddDelegate) \
  X(TFLITE_ALL, void, options_reporter, \
    (TfLiteInterpreterOptions *, tflite_reporter, void *), \
    TfLiteInterpreterOptionsSetErrorReporter) \
  X(TFLITE_ALL, TfLiteInterpreter *, interpreter_create, \
    (const TfLiteModel *, const TfLiteInterpreterOptions *), \
    TfLiteInterpreterCreate) \
  X(TFLITE_ALL, void, interpreter_delete, (TfLiteInterpreter *), \
    TfLiteInterpreterDelete) \
  X(TFLITE_ALL, TfLiteStatus, allocate, (TfLiteInterpreter *), \
    TfLiteInterpreterAllocateTensors) \
  X(TFLITE_ALL, int, invoke, (void *), TfLiteInterpreterInvoke) \
  X(TFLITE_ALL, int32_t, input_count, (const TfLiteInterpreter *), \
    TfLiteInterpreterGetInputTensorCount) \
  X(TFLITE_ALL, int32_t, output_count, (const TfLiteInterpreter *), \
    TfLiteInterpreterGetOutputTensorCount) \
  X(TFLITE_ALL, TfLiteTensor *, input, (const TfLiteInterpreter *, int32_t), \
    TfLiteInterpreterGetInputTensor) \
  X(TFLITE_ALL, const TfLiteTensor *, output, \
    (const TfLiteInterpreter *, int32_t), TfLiteInterpreterGetOutputTensor) \
  X(TFLITE_ALL, int, tensor_type, (const TfLiteTensor *), TfLiteTensorType) \
  X(TFLITE_ALL, int32_t, tensor_rank, (const TfLiteTensor *), TfLiteTensorNumDims) \
  X(TFLITE_ALL, int32_t, tensor_dim, (const TfLiteTensor *, int32_t), \
    TfLiteTensorDim) \
  X(TFLITE_ALL, size_t, tensor_size, (const TfLiteTensor *), TfLiteTensorByteSize) \
  X(TFLITE_ALL, void *, tensor_data, (const TfLiteTensor *), TfLiteTensorData) \
  X(TFLITE_ALL, const char *, tensor_name, (const TfLiteTensor *), \
    TfLiteTensorName) \
  X(TFLITE_ALL, TfLiteQuantizationParams, tensor_quantization, \
    (const TfLiteTensor *), TfLiteTensorQuantizationParams) \
  X(TFLITE_XNNPACK, TfLiteXNNPackDelegateOptions, xnnpack_defaults, (void), \
    TfLiteXNNPackDelegateOptionsDefault) \
  X(TFLITE_XNNPACK, TfLiteDelegate *, xnnpack_create, \
    (const TfLiteXNNPackDelegateOptions *), TfLiteXNNPackDelegateCreate) \
  X(TFLITE_XNNPACK, const TfLiteXNNPackDelegateOptions *, xnnpack_options, \
    (TfLiteDelegate *), TfLiteXNNPackDelegateGetOptions) \
  X(TFLITE_XNNPACK, void, xnnpack_delete, (TfLiteDelegate *), \
    TfLiteXNNPackDelegateDelete) \
  X(TFLITE_NODES, TfLiteDelegate *, observer_create, \
    (const TfLiteOpaqueDelegateBuilder *), TfLiteOpaqueDelegateCreate) \
  X(TFLITE_NODES, void, observer_delete, (TfLiteDelegate *), \
    TfLiteOpaqueDelegateDelete) \
  X(TFLITE_NODES, TfLiteStatus, context_plan, \
    (TfLiteOpaqueContext *, TfLiteIntArray **), \
    TfLiteOpaqueContextGetExecutionPlan) \
  X(TFLITE_NODES, TfLiteStatus, context_node, \
    (TfLiteOpaqueContext *, int, TfLiteOpaqueNode **, TfLiteOperator **), \
    TfLiteOpaqueContextGetNodeAndRegistration) \
  X(TFLITE_NODES, int, operator_code, (const TfLiteOperator *), \
    TfLiteOperatorGetBuiltInCode) \
  X(TFLITE_NODES, int, operator_code_older, (const TfLiteOperator *), \
    TfLiteRegistrationExternalGetBuiltInCode) \
  X(TFLITE_CACHE, TfLiteXNNPackWeightsCache *, cache_create, (void), \
    TfLiteXNNPackDelegateWeightsCacheCreate) \
  X(TFLITE_CACHE, _Bool, cache_finalize, (TfLiteXNNPackWeightsCache *), \
    TfLiteXNNPackDelegateWeightsCacheFinalizeHard) \
  X(TFLITE_CACHE, void, cache_delete, (TfLiteXNNPackWeightsCache *), \
    TfLiteXNNPackDelegateWeightsCacheDelete) \
  X(TFLITE_RESIZING, TfLiteStatus, resize, \
    (TfLiteInterpreter *, int32_t, const int *, int32_t), \
    TfLiteInterpreterResizeInputTensor) \
  X(TFLITE_SIGNATURES, int32_t, signature_count, \
    (const TfLiteInterpreter *), TfLiteInterpreterGetSignatureCount) \
  X(TFLITE_SIGNATURES, const char *, signature_key, \
    (const TfLiteInterpreter *, int32_t), TfLiteInterpreterGetSignatureKey) \
  X(TFLITE_SIGNATURES, TfLiteSignatureRunner *, runner, \
    (const TfLiteInterpreter *, const char *), \
    TfLiteInterpreterGetSignatureRunner) \
  X(TFLITE_SIGNATURES, void, runner_delete, (TfLiteSignatureRunner *), \
    TfLiteSignatureRunnerDelete) \
  X(TFLITE_SIGNATURES, size_t, runner_input_count, \
    (const TfLiteSignatureRunner *), TfLiteSignatureRunnerGetInputCount) \
  X(TFLITE_SIGNATURES, size_t, runner_output_count, \
    (const TfLiteSignatureRunner *), TfLiteSignatureRunnerGetOutputCount) \
  X(TFLITE_SIGNATURES, const char *, runner_input_name, \
    (const TfLiteSignatureRunner *, int32_t), \
    TfLiteSignatureRunnerGetInputName) \
  X(TFLITE_SIGNATURES, const char *, runner_output_name, \
    (const TfLiteSignatureRunner *, int32_t), \
    TfLiteSignatureRunnerGetOutputName) \
  X(TFLITE_SIGNATURES, TfLiteTensor *, runner_input, \
    (TfLiteSignatureRunner *, const char *), \
    TfLiteSignatureRunnerGetInputTensor) \
  X(TFLITE_SIGNATURES, const TfLiteTensor *, runner_output, \
    (const TfLiteSignatureRunner *, const char *), \
    TfLiteSignatureRunnerGetOutputTensor) \
  X(TFLITE_SIGNATURES, TfLiteStatus, runner_resize, \
    (TfLiteSignatureRunner *, const char *, const int *, int32_t), \
    TfLiteSignatureRunnerResizeInputTensor) \
  X(TFLITE_SIGNATURES, TfLiteStatus, runner_allocate, \
    (TfLiteSignatureRunner *), TfLiteSignatureRunnerAllocateTensors) \
  X(TFLITE_SIGNATURES, int, runner_invoke, (void *), \
    TfLiteSignatureRunnerInvoke) \
  X(TFLITE_PROFILE, void, options_profiler, \
    (TfLiteInterpreterOptions *, TfLiteTelemetryProfiler *), \
    TfLiteInterpreterOptionsSetTelemetryProfiler) \
  X(TFLITE_ARENA_SIZE, TfLiteTensor *, tensor, \
    (const TfLiteInterpreter *, int), TfLiteInterpreterGetTensor) \
  X(TFLITE_ARENA_SIZE, int, tensor_allocation, (const TfLiteTensor *), \
    TfLiteOpaqueTensorGetAllocationType)
/* clang-format on */

/* The functions of one opened library. */
struct tflite {
#define TFLITE_FIELD(necessity, result, field, parameters, name)               \
    result(*field) parameters;
    TFLITE_FUNCTIONS(TFLITE_FIELD)
#undef TFLITE_FIELD
};

#endif
