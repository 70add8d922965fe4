/* tflite_tensor.c: the tensors of the classic C API. */
#include "internal.h"

#include <string.h>

/* Finds a tensor that there is; NULL where the library gives none. */
static const TfLiteTensor *find(const retime_session *session, int side,
                                int32_t index) {
    const struct retime_tflite_session *own = &session->own.tflite;
    const struct tflite *call = own->call;

    if (own->runner == NULL) {
        return side == RETIME_INPUT ? call->input(own->interpreter, index)
                                    : call->output(own->interpreter, index);
    }
    return side == RETIME_INPUT
               ? call->runner_input(own->runner,
                                    call->runner_input_name(own->runner, index))
               : call->runner_output(
                     own->runner, call->runner_output_name(own->runner, index));
}

/* Describes a tensor into the caller's record. */
int retime_tflite_describe(const retime_session *session, int side,
                           int32_t index, retime_tensor *to,
                           retime_error *error) {
    const struct tflite *call = session->own.tflite.call;
    const int32_t most = sizeof to->dims / sizeof to->dims[0];
    const TfLiteTensor *tensor = find(session, side, index);
    TfLiteQuantizationParams stored;
    const char *name;
    int32_t rank;

    if (tensor == NULL) {
        return retime_fail(error, RETIME_E_TENSOR, "describe-tensor",
                           "the library gives no tensor for %s %d",
                           side == RETIME_INPUT ? "input" : "output",
                           (int)index);
    }
    rank = call->tensor_rank(tensor);
    if (rank < 0) {
        return retime_fail(error, RETIME_E_TENSOR, "describe-tensor",
                           "the tensor has no shape yet");
    }
    name = call->tensor_name(tensor);
    stored = call->tensor_quantization(tensor);
    memset(to, 0, sizeof *to);
    retime_text_copy(to->name, sizeof to->name, name == NULL ? "" : name);
    to->type = call->tensor_type(tensor);
    to->rank = rank;
    for (int32_t i = 0; i < rank && i < most; i++) {
        to->dims[i] = call->tensor_dim(tensor, i);
    }
    to->bytes = call->tensor_size(tensor);
    to->scale = stored.scale;
    to->zero_point = stored.zero_point;
    return RETIME_OK;
}

/* The values of a tensor that there is. */
void *retime_tflite_data(const retime_session *session, int side,
                         int32_t index) {
    return session->own.tflite.call->tensor_data(find(session, side, index));
}

/* The bytes from the first to the last of the tensors that lie in the arena;
   -1 where the library can't tell. The library aligns the arena by itself and
   may have asked for up to 63 bytes more. */
int64_t retime_tflite_arena(const retime_session *session) {
    const struct retime_tflite_session *own = &session->own.tflite;
    const struct tflite *call = own->call;
    uintptr_t first = UINTPTR_MAX;
    uintptr_t last = 0;

    if (call->tensor == NULL || call->tensor_allocation == NULL) {
        return -1;
    }
    for (int i = 0;; i++) {
        const TfLiteTensor *tensor = call->tensor(own->interpreter, i);
        uintptr_t start;

        if (tensor == NULL) {
            break;
        }
        start = (uintptr_t)call->tensor_data(tensor);
        if (call->tensor_allocation(tensor) != TFLITE_ARENA || start == 0) {
            continue;
        }
        first = start < first ? start : first;
        last = start + call->tensor_size(tensor) > last
                   ? start + call->tensor_size(tensor)
                   : last;
    }
    return last > first ? (int64_t)(last - first) : 0;
}
