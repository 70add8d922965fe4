/* tensor.c: counting, describing, writing and reading a session's tensors. */
#include "internal.h"

#include <string.h>

static const char *const names[] = {
    [RETIME_INPUT] = "input", [RETIME_OUTPUT] = "output"};

/* How many inputs the model has. */
int32_t retime_session_input_count(const retime_session *session) {
    return session == NULL ? 0 : session->inputs;
}

/* How many outputs the model has. */
int32_t retime_session_output_count(const retime_session *session) {
    return session == NULL ? 0 : session->outputs;
}

/* Describes input or output `index`. */
static int describe(const retime_session *session, int side, int32_t index,
                    const char *step, retime_tensor *tensor,
                    retime_error *error) {
    const int32_t count = side == RETIME_INPUT
                              ? retime_session_input_count(session)
                              : retime_session_output_count(session);

    if (tensor == NULL) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "no record to describe it in");
    }
    if (index < 0 || index >= count) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "there is no %s %d; the model has %d", names[side],
                           (int)index, (int)count);
    }
    return session->backend->describe(session, side, index, tensor, error);
}

/* Describes input `index`. */
int retime_session_input(const retime_session *session, int32_t index,
                         retime_tensor *tensor, retime_error *error) {
    return describe(session, RETIME_INPUT, index, "describe-input", tensor,
                    error);
}

/* Describes output `index`. */
int retime_session_output(const retime_session *session, int32_t index,
                          retime_tensor *tensor, retime_error *error) {
    return describe(session, RETIME_OUTPUT, index, "describe-output", tensor,
                    error);
}

/* Finds a tensor's values, after checking that the caller's bytes are there and
   as many. *values is NULL only where there are none. */
static int find(const retime_session *session, int side, int32_t index,
                const char *step, const void *bytes, size_t size, void **values,
                retime_error *error) {
    retime_tensor tensor = {.bytes = 0};
    int status = describe(session, side, index, step, &tensor, error);

    if (status != RETIME_OK) {
        return status;
    }
    if (size != tensor.bytes || (bytes == NULL && size > 0)) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "the tensor has %zu bytes; %zu were passed%s",
                           tensor.bytes, size, bytes == NULL ? " as NULL" : "");
    }
    *values = session->backend->data(session, side, index);
    if (size > 0 && *values == NULL) {
        return retime_fail(error, RETIME_E_TENSOR, step,
                           "the tensor has no memory before an inference "
                           "decides its shape");
    }
    return RETIME_OK;
}

/* Copies bytes into input `index`. */
int retime_session_write(retime_session *session, int32_t index,
                         const void *bytes, size_t size, retime_error *error) {
    void *values = NULL;
    int status = find(session, RETIME_INPUT, index, "write-input", bytes, size,
                      &values, error);

    if (status == RETIME_OK && values != NULL && bytes != NULL) {
        memcpy(values, bytes, size);
    }
    return status;
}

/* Copies output `index` into the caller's bytes. */
int retime_session_read(const retime_session *session, int32_t index,
                        void *bytes, size_t size, retime_error *error) {
    void *values = NULL;
    int status = find(session, RETIME_OUTPUT, index, "read-output", bytes, size,
                      &values, error);

    if (status == RETIME_OK && values != NULL && bytes != NULL) {
        memcpy(bytes, values, size);
    }
    return status;
}

/* Adds up the bytes of one side. */
static int add_up(const retime_session *session, int side, const char *step,
                  size_t *size, retime_error *error) {
    size_t sum = 0;

    if (session == NULL || size == NULL) {
        return retime_fail(error, RETIME_E_ARGUMENT, step,
                           "no session, or nowhere to put the size");
    }
    for (int32_t i = 0;
         i < (side == RETIME_INPUT ? session->inputs : session->outputs); i++) {
        retime_tensor tensor = {.bytes = 0};
        int status = describe(session, side, i, step, &tensor, error);

        if (status != RETIME_OK) {
            return status;
        }
        sum += tensor.bytes;
    }
    *size = sum;
    return RETIME_OK;
}

/* The bytes of all inputs. */
int retime_session_input_size(const retime_session *session, size_t *size,
                              retime_error *error) {
    return add_up(session, RETIME_INPUT, "input-size", size, error);
}

/* The bytes of all outputs. */
int retime_session_output_size(const retime_session *session, size_t *size,
                               retime_error *error) {
    return add_up(session, RETIME_OUTPUT, "output-size", size, error);
}

/* Writes one set of all inputs, whose size was checked. */
int retime_set_write(retime_session *session, const char *bytes,
                     retime_error *error) {
    for (int32_t i = 0; i < session->inputs; i++) {
        retime_tensor tensor = {.bytes = 0};
        int status = retime_session_input(session, i, &tensor, error);

        if (status == RETIME_OK) {
            status =
                retime_session_write(session, i, bytes, tensor.bytes, error);
        }
        if (status != RETIME_OK) {
            return status;
        }
        bytes += tensor.bytes;
    }
    return RETIME_OK;
}

/* Zeroes all inputs, so that the first inference never reads what memory
   happened to hold. Refuses inputs that zero bytes are no value of. */
int retime_inputs_clear(retime_session *session, retime_error *error) {
    for (int32_t i = 0; i < session->inputs; i++) {
        const char *step = "zero-inputs";
        retime_tensor tensor = {.bytes = 0};
        int status = describe(session, RETIME_INPUT, i, step, &tensor, error);
        void *values;

        if (status != RETIME_OK) {
            return status;
        }
        values = session->backend->data(session, RETIME_INPUT, i);
        if (tensor.type == TFLITE_STRING || tensor.type == TFLITE_RESOURCE ||
            tensor.type == TFLITE_VARIANT ||
            (values == NULL && tensor.bytes > 0)) {
            return retime_fail(error, RETIME_E_TENSOR, step,
                               "input %d holds no plain numbers (TfLiteType "
                               "%d)",
                               (int)i, (int)tensor.type);
        }
        if (tensor.bytes > 0) {
            memset(values, 0, tensor.bytes);
        }
    }
    return RETIME_OK;
}
