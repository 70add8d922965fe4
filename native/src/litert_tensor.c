/* litert_tensor.c: the tensors of LiteRT: memory of the harness's own, which
   the library reads and writes in place. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* LiteRT demands this of host memory; kernels may read a little past the last
   value. */
enum { ALIGNMENT = 64, SPARE = 64 };

/* How many tensors one side has. */
static size_t count_of(const retime_session *session, int side) {
    return (size_t)(side == RETIME_INPUT ? session->inputs : session->outputs);
}

/* Makes room for `size` bytes on a multiple of ALIGNMENT; calloc gives none
   with that promise. */
static void *make_room(struct retime_buffer *tensor, size_t size) {
    char *memory;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    memory = calloc(1, size + SPARE + ALIGNMENT);
    tensor->memory = memory;
    if (memory == NULL) {
        return NULL;
    }
    return memory + (ALIGNMENT - (uintptr_t)memory % ALIGNMENT) % ALIGNMENT;
}

/* Learns one tensor's type: its own, with the extents that compiling gave. */
static int learn(retime_session *session, int side, size_t index,
                 const LiteRtLayout *layout, retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    struct retime_buffer *tensor = &own->tensors[side][index];
    int code = side == RETIME_INPUT
                   ? own->call->input(own->signature, index, &tensor->tensor)
                   : own->call->output(own->signature, index, &tensor->tensor);

    if (code == LITERT_OK) {
        code = own->call->tensor_type(tensor->tensor, &tensor->type);
    }
    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_TENSOR,
                                  "GetRankedTensorType", code, error);
    }
    if (tensor->type.element_type == TFLITE_STRING ||
        tensor->type.element_type == TFLITE_RESOURCE ||
        tensor->type.element_type == TFLITE_VARIANT) {
        return retime_fail(error, RETIME_E_TENSOR, "create-buffer",
                           "%s %zu holds no plain numbers (TfLiteType %d)",
                           side == RETIME_INPUT ? "input" : "output", index,
                           tensor->type.element_type);
    }
    tensor->type.layout = *layout;
    for (unsigned i = 0; i < layout->rank && i < LITERT_MOST_DIMS; i++) {
        if (layout->dimensions[i] < 0) {
            return retime_fail(error, RETIME_E_TENSOR, "create-buffer",
                               "extent %u of %s %zu isn't known before an "
                               "inference, and LiteRT wants a buffer before",
                               i, side == RETIME_INPUT ? "input" : "output",
                               index);
        }
    }
    return RETIME_OK;
}

/* Makes one tensor's buffer. */
static int make(retime_session *session, int side, size_t index,
                retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    const struct litert *call = own->call;
    struct retime_buffer *tensor = &own->tensors[side][index];
    LiteRtRequirements wanted = NULL;
    size_t size = 0;
    void *memory;
    int code = side == RETIME_INPUT
                   ? call->input_requirements(
                         own->compiled, own->signature_index, index, &wanted)
                   : call->output_requirements(
                         own->compiled, own->signature_index, index, &wanted);

    if (code == LITERT_OK) {
        code = call->requirements_size(wanted, &size);
    }
    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_ALLOCATE,
                                  "GetBufferRequirements", code, error);
    }
    if (size == 0) {
        return retime_fail(
            error, RETIME_E_TENSOR, "create-buffer",
            "%s %zu has no bytes before an inference decides its "
            "shape, and LiteRT wants a buffer before",
            side == RETIME_INPUT ? "input" : "output", index);
    }
    memory = make_room(tensor, size);
    if (memory == NULL) {
        return retime_fail(error, RETIME_E_MEMORY, "create-buffer",
                           "no memory for %zu bytes", size);
    }
    code =
        call->buffer_create(&tensor->type, memory, size, NULL, &tensor->buffer);
    if (code == LITERT_OK) {
        own->buffers[side][index] = tensor->buffer;
        code = call->buffer_packed_size(tensor->buffer, &tensor->bytes);
    }
    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_ALLOCATE,
                                  "CreateTensorBuffer", code, error);
    }
    if (tensor->bytes > size) {
        return retime_fail(error, RETIME_E_ALLOCATE, "CreateTensorBuffer",
                           "the library asks for %zu bytes and uses %zu", size,
                           tensor->bytes);
    }
    return RETIME_OK;
}

/* Learns the layouts of one side. Output layouts come all at once and may first
   need tensors to be allocated, which asking for them does. */
static int layouts_of(retime_session *session, int side, LiteRtLayout *layouts,
                      retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    const struct litert *call = own->call;
    const size_t count = count_of(session, side);
    int code = LITERT_OK;

    if (side == RETIME_OUTPUT) {
        code = call->output_layouts(own->compiled, own->signature_index, count,
                                    layouts, 1);
    }
    for (size_t i = 0; side == RETIME_INPUT && i < count && code == LITERT_OK;
         i++) {
        code = call->input_layout(own->compiled, own->signature_index, i,
                                  &layouts[i]);
    }
    return code == LITERT_OK
               ? RETIME_OK
               : retime_litert_fail(session, RETIME_E_ALLOCATE,
                                    side == RETIME_OUTPUT ? "AllocateTensors"
                                                          : "GetTensorLayout",
                                    code, error);
}

/* Makes the buffers of one side. */
static int make_side(retime_session *session, int side, retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    const size_t count = count_of(session, side);
    LiteRtLayout *layouts = calloc(count + 1, sizeof *layouts);
    int status = RETIME_OK;

    own->tensors[side] = calloc(count + 1, sizeof *own->tensors[side]);
    own->buffers[side] = calloc(count + 1, sizeof(LiteRtTensorBuffer));
    if (layouts == NULL || own->tensors[side] == NULL ||
        own->buffers[side] == NULL) {
        status =
            retime_fail(error, RETIME_E_MEMORY, "create-buffer", "no memory");
    }
    if (status == RETIME_OK) {
        status = layouts_of(session, side, layouts, error);
    }
    for (size_t i = 0; i < count && status == RETIME_OK; i++) {
        status = learn(session, side, i, &layouts[i], error);
        if (status == RETIME_OK) {
            status = make(session, side, i, error);
        }
    }
    free(layouts);
    return status;
}

/* Makes all buffers. */
int retime_litert_buffers(retime_session *session, retime_error *error) {
    int status = make_side(session, RETIME_INPUT, error);

    return status == RETIME_OK ? make_side(session, RETIME_OUTPUT, error)
                               : status;
}

/* Frees the buffers that were made. */
void retime_litert_buffers_free(retime_session *session) {
    struct retime_litert_session *own = &session->own.litert;

    for (int side = 0; side < 2; side++) {
        for (size_t i = 0;
             own->tensors[side] != NULL && i < count_of(session, side); i++) {
            if (own->tensors[side][i].buffer != NULL) {
                own->call->buffer_destroy(own->tensors[side][i].buffer);
            }
            free(own->tensors[side][i].memory);
        }
        free(own->tensors[side]);
        free(own->buffers[side]);
    }
}

/* Describes a tensor into the caller's record. */
int retime_litert_describe(const retime_session *session, int side,
                           int32_t index, retime_tensor *to,
                           retime_error *error) {
    const struct retime_litert_session *own = &session->own.litert;
    const struct retime_buffer *tensor = &own->tensors[side][index];
    const LiteRtLayout *layout = &tensor->type.layout;
    LiteRtQuantizationPerTensor stored = {0};
    const char *name = NULL;
    int kind = 0;

    if (own->call->tensor_name(tensor->tensor, &name) != LITERT_OK ||
        own->call->quantization_kind(tensor->tensor, &kind) != LITERT_OK ||
        (kind == LITERT_PER_TENSOR &&
         own->call->quantization(tensor->tensor, &stored) != LITERT_OK)) {
        return retime_fail(error, RETIME_E_TENSOR, "describe-tensor",
                           "the library doesn't tell of %s %d",
                           side == RETIME_INPUT ? "input" : "output",
                           (int)index);
    }
    memset(to, 0, sizeof *to);
    retime_text_copy(to->name, sizeof to->name, name == NULL ? "" : name);
    to->type = tensor->type.element_type;
    to->rank = (int32_t)layout->rank;
    for (unsigned i = 0; i < layout->rank && i < LITERT_MOST_DIMS; i++) {
        to->dims[i] = layout->dimensions[i];
    }
    to->bytes = tensor->bytes;
    to->scale = stored.scale;
    to->zero_point = (int32_t)stored.zero_point;
    return RETIME_OK;
}

/* The values of a tensor that there is. */
void *retime_litert_data(const retime_session *session, int side,
                         int32_t index) {
    char *memory = session->own.litert.tensors[side][index].memory;

    return memory + (ALIGNMENT - (uintptr_t)memory % ALIGNMENT) % ALIGNMENT;
}
