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

/* Of these enums only the values that matter here are named. */
typedef int TfLiteStatus; /* 0 is success */
enum { TFLITE_OK = 0 };
enum { TFLITE_STRING = 5, TFLITE_RESOURCE = 14, TFLITE_VARIANT = 15 };
enum { TFLITE_BUILTIN_DELEGATE = 51 };
enum { TFLITE_DELEGATE_ALLOWS_DYNAMIC_TENSORS = 1 };

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

/* The library returns this structure by value; its fields and its size differ
   between versions, but for the first field. Anything over 16 bytes is written
   by the callee through a pointer that the caller passes, so declaring it
   larger than any version's is safe. */
typedef struct {
    int32_t num_threads;
    int32_t unknown;
    uint64_t reserved[127];
} TfLiteXNNPackDelegateOptions;

/* Every function that is looked up: necessity, result, field, parameters, and
   the library's name for it. NEEDED: the library is refused without it.
   XNNPACK: needed by sessions with that delegate. OPTIONAL: for counting. */
/* clang-format off */
#define TFLITE_FUNCTIONS(X) \
  X(NEEDED, const char *, version, (void), TfLiteVersion) \
  X(NEEDED, TfLiteModel *, model_create, \
    (const void *, size_t, tflite_reporter, void *), \
    TfLiteModelCreateWithErrorReporter) \
  X(NEEDED, void, model_delete, (TfLiteModel *), TfLiteModelDelete) \
  X(NEEDED, TfLiteInterpreterOptions *, options_create, (void), \
    TfLiteInterpreterOptionsCreate) \
  X(NEEDED, void, options_delete, (TfLiteInterpreterOptions *), \
    TfLiteInterpreterOptionsDelete) \
  X(NEEDED, void, options_threads, (TfLiteInterpreterOptions *, int32_t), \
    TfLiteInterpreterOptionsSetNumThreads) \
  X(NEEDED, void, options_delegate, \
    (TfLiteInterpreterOptions *, TfLiteDelegate *), \
    TfLiteInterpreterOptionsAddDelegate) \
  X(NEEDED, void, options_reporter, \
    (TfLiteInterpreterOptions *, tflite_reporter, void *), \
    TfLiteInterpreterOptionsSetErrorReporter) \
  X(NEEDED, TfLiteInterpreter *, interpreter_create, \
    (const TfLiteModel *, const TfLiteInterpreterOptions *), \
    TfLiteInterpreterCreate) \
  X(NEEDED, void, interpreter_delete, (TfLiteInterpreter *), \
    TfLiteInterpreterDelete) \
  X(NEEDED, TfLiteStatus, allocate, (TfLiteInterpreter *), \
    TfLiteInterpreterAllocateTensors) \
  X(NEEDED, TfLiteStatus, invoke, (TfLiteInterpreter *), \
    TfLiteInterpreterInvoke) \
  X(NEEDED, int32_t, input_count, (const TfLiteInterpreter *), \
    TfLiteInterpreterGetInputTensorCount) \
  X(NEEDED, int32_t, output_count, (const TfLiteInterpreter *), \
    TfLiteInterpreterGetOutputTensorCount) \
  X(NEEDED, TfLiteTensor *, input, (const TfLiteInterpreter *, int32_t), \
    TfLiteInterpreterGetInputTensor) \
  X(NEEDED, const TfLiteTensor *, output, \
    (const TfLiteInterpreter *, int32_t), TfLiteInterpreterGetOutputTensor) \
  X(NEEDED, int, tensor_type, (const TfLiteTensor *), TfLiteTensorType) \
  X(NEEDED, int32_t, tensor_rank, (const TfLiteTensor *), TfLiteTensorNumDims) \
  X(NEEDED, int32_t, tensor_dim, (const TfLiteTensor *, int32_t), \
    TfLiteTensorDim) \
  X(NEEDED, size_t, tensor_size, (const TfLiteTensor *), TfLiteTensorByteSize) \
  X(NEEDED, void *, tensor_data, (const TfLiteTensor *), TfLiteTensorData) \
  X(NEEDED, const char *, tensor_name, (const TfLiteTensor *), \
    TfLiteTensorName) \
  X(NEEDED, TfLiteQuantizationParams, tensor_quantization, \
    (const TfLiteTensor *), TfLiteTensorQuantizationParams) \
  X(NEEDED, TfLiteStatus, tensor_write, \
    (TfLiteTensor *, const void *, size_t), TfLiteTensorCopyFromBuffer) \
  X(NEEDED, TfLiteStatus, tensor_read, \
    (const TfLiteTensor *, void *, size_t), TfLiteTensorCopyToBuffer) \
  X(XNNPACK, TfLiteXNNPackDelegateOptions, xnnpack_defaults, (void), \
    TfLiteXNNPackDelegateOptionsDefault) \
  X(XNNPACK, TfLiteDelegate *, xnnpack_create, \
    (const TfLiteXNNPackDelegateOptions *), TfLiteXNNPackDelegateCreate) \
  X(XNNPACK, const TfLiteXNNPackDelegateOptions *, xnnpack_options, \
    (TfLiteDelegate *), TfLiteXNNPackDelegateGetOptions) \
  X(XNNPACK, void, xnnpack_delete, (TfLiteDelegate *), \
    TfLiteXNNPackDelegateDelete) \
  X(OPTIONAL, TfLiteDelegate *, observer_create, \
    (const TfLiteOpaqueDelegateBuilder *), TfLiteOpaqueDelegateCreate) \
  X(OPTIONAL, void, observer_delete, (TfLiteDelegate *), \
    TfLiteOpaqueDelegateDelete) \
  X(OPTIONAL, TfLiteStatus, context_plan, \
    (TfLiteOpaqueContext *, TfLiteIntArray **), \
    TfLiteOpaqueContextGetExecutionPlan) \
  X(OPTIONAL, TfLiteStatus, context_node, \
    (TfLiteOpaqueContext *, int, TfLiteOpaqueNode **, TfLiteOperator **), \
    TfLiteOpaqueContextGetNodeAndRegistration) \
  X(OPTIONAL, int, operator_code, (const TfLiteOperator *), \
    TfLiteOperatorGetBuiltInCode) \
  X(OPTIONAL, int, operator_code_older, (const TfLiteOperator *), \
    TfLiteRegistrationExternalGetBuiltInCode)
/* clang-format on */

/* The functions of one opened library. */
struct tflite {
#define TFLITE_FIELD(necessity, result, field, parameters, name)               \
    result(*field) parameters;
    TFLITE_FUNCTIONS(TFLITE_FIELD)
#undef TFLITE_FIELD
};

#endif
