/* fake_tensor.c: the fake library's tensors. */
#include "fake_objects.h"

/* Tells a tensor's type. */
int TfLiteTensorType(const TfLiteTensor *tensor) {
    return tensor->is->type;
}

/* Tells its rank. */
int32_t TfLiteTensorNumDims(const TfLiteTensor *tensor) {
    return tensor->is->rank;
}

/* Tells one extent. */
int32_t TfLiteTensorDim(const TfLiteTensor *tensor, int32_t index) {
    return tensor->is->dims[index];
}

/* Tells its size. */
size_t TfLiteTensorByteSize(const TfLiteTensor *tensor) {
    return tensor->is->size;
}

/* Tells where its values are; NULL where it is to have no memory. */
void *TfLiteTensorData(const TfLiteTensor *tensor) {
    return tensor->is->homeless ? NULL : (void *)(uintptr_t)tensor->data;
}

/* Tells its name. */
const char *TfLiteTensorName(const TfLiteTensor *tensor) {
    return tensor->is->name;
}

/* Tells how its values are to be read. */
TfLiteQuantizationParams
TfLiteTensorQuantizationParams(const TfLiteTensor *tensor) {
    TfLiteQuantizationParams stored = {tensor->is->scale,
                                       tensor->is->zero_point};
    return stored;
}
