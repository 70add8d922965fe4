/* tensor.c: counting, describing, writing and reading a session's tensors. */
#include "internal.h"

#include <string.h>

enum side { INPUT, OUTPUT };

static const char *const names[] = {[INPUT] = "input", [OUTPUT] = "output"};

/* How many inputs the model has. */
int32_t retime_session_input_count(const retime_session *session) {
    return session == NULL ? 0 : session->inputs;
}

/* How many outputs the model has. */
int32_t retime_session_output_count(const retime_session *session) {
    return session == NULL ? 0 : session->outputs;
}

/* Finds input or output `index`. */
static int find(const retime_session *session, enum side side, int32_t index,
                const char *step, const TfLiteTensor **tensor,
                retime_error *error) {
    const int32_t count = side == INPUT ? retime_session_input_count(session)
                                        : retime_session_output_count(session);

    if (index < 0 || index >= count) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "there is no %s %d; the model has %d", names[side],
                           (int)index, (int)count);
    }
    *tensor = side == INPUT
                  ? session->call->input(session->interpreter, index)
                  : session->call->output(session->interpreter, index);
    if (*tensor == NULL) {
        return retime_fail(error, RETIME_E_TENSOR, step,
                           "the library gives no tensor for %s %d", names[side],
                           (int)index);
    }
    return RETIME_OK;
}

/* Describes a tensor into the caller's record. */
static int describe(const retime_session *session, const TfLiteTensor *tensor,
                    const char *step, retime_tensor *to, retime_error *error) {
    const struct tflite *call = session->call;
    const int32_t most = sizeof to->dims / sizeof to->dims[0];
    const char *name = call->tensor_name(tensor);
    const int32_t rank = call->tensor_rank(tensor);
    const TfLiteQuantizationParams stored = call->tensor_quantization(tensor);

    if (rank < 0) {
        return retime_fail(error, RETIME_E_TENSOR, step,
                           "the tensor has no shape yet");
    }
    if (to == NULL) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "no record to describe it in");
    }
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

/* Describes input `index`. */
int retime_session_input(const retime_session *session, int32_t index,
                         retime_tensor *tensor, retime_error *error) {
    const char *step = "describe-input";
    const TfLiteTensor *found;
    int status = find(session, INPUT, index, step, &found, error);

    return status == RETIME_OK ? describe(session, found, step, tensor, error)
                               : status;
}

/* Describes output `index`. */
int retime_session_output(const retime_session *session, int32_t index,
                          retime_tensor *tensor, retime_error *error) {
    const char *step = "describe-output";
    const TfLiteTensor *found;
    int status = find(session, OUTPUT, index, step, &found, error);

    return status == RETIME_OK ? describe(session, found, step, tensor, error)
                               : status;
}

/* Checks that the caller's bytes and the tensor's are there and as many. */
static int check_bytes(const retime_session *session,
                       const TfLiteTensor *tensor, const void *bytes,
                       size_t size, const char *step, retime_error *error) {
    const size_t wanted = session->call->tensor_size(tensor);

    if (size != wanted || (bytes == NULL && size > 0)) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "the tensor has %zu bytes; %zu were passed%s",
                           wanted, size, bytes == NULL ? " as NULL" : "");
    }
    if (size > 0 && session->call->tensor_data(tensor) == NULL) {
        return retime_fail(error, RETIME_E_TENSOR, step,
                           "the tensor has no memory before an inference "
                           "decides its shape");
    }
    return RETIME_OK;
}

/* Copies bytes into input `index`. */
int retime_session_write(retime_session *session, int32_t index,
                         const void *bytes, size_t size, retime_error *error) {
    const char *step = "write-input";
    const TfLiteTensor *tensor;
    int status = find(session, INPUT, index, step, &tensor, error);

    if (status == RETIME_OK) {
        status = check_bytes(session, tensor, bytes, size, step, error);
    }
    if (status != RETIME_OK || size == 0) {
        return status;
    }
    retime_log_clear(&session->log);
    if (session->call->tensor_write(
            session->call->input(session->interpreter, index), bytes, size) !=
        TFLITE_OK) {
        return retime_fail_with_log(error, RETIME_E_TENSOR,
                                    "TensorCopyFromBuffer", &session->log);
    }
    return RETIME_OK;
}

/* Copies output `index` into the caller's bytes. */
int retime_session_read(const retime_session *session, int32_t index,
                        void *bytes, size_t size, retime_error *error) {
    const char *step = "read-output";
    const TfLiteTensor *tensor;
    int status = find(session, OUTPUT, index, step, &tensor, error);

    if (status == RETIME_OK) {
        status = check_bytes(session, tensor, bytes, size, step, error);
    }
    if (status != RETIME_OK || size == 0) {
        return status;
    }
    if (session->call->tensor_read(tensor, bytes, size) != TFLITE_OK) {
        return retime_fail(error, RETIME_E_TENSOR, "TensorCopyToBuffer",
                           "the library gave no reason");
    }
    return RETIME_OK;
}

/* Zeroes all inputs, so that the first inference never reads what memory
   happened to hold. Refuses inputs that zero bytes are no value of. */
int retime_inputs_clear(retime_session *session, retime_error *error) {
    const struct tflite *call = session->call;
    const char *step = "zero-inputs";

    for (int32_t i = 0; i < session->inputs; i++) {
        const TfLiteTensor *tensor = NULL;
        int status = find(session, INPUT, i, step, &tensor, error);
        int type;
        void *data;
        size_t size;

        if (status != RETIME_OK) {
            return status;
        }
        type = call->tensor_type(tensor);
        data = call->tensor_data(tensor);
        size = call->tensor_size(tensor);
        if (type == TFLITE_STRING || type == TFLITE_RESOURCE ||
            type == TFLITE_VARIANT || (data == NULL && size > 0)) {
            return retime_fail(error, RETIME_E_TENSOR, step,
                               "input %d holds no plain numbers (TfLiteType "
                               "%d)",
                               (int)i, type);
        }
        if (size > 0) {
            memset(data, 0, size);
        }
    }
    return RETIME_OK;
}
