/* fake_control.c: what the fake libraries share: controls, failures, objects.
 */
#include "fake_objects.h"

#include <stdlib.h>
#include <string.h>

static struct fake_control control;
static int calls; /* of the function that is to fail */

struct fake_control *fake_control(void) {
    return &control;
}

/* Puts the controls back. */
void fake_reset(void) {
    static const struct fake_tensor floats = {
        .name = "floats", .type = 1, .rank = 2, .dims = {1, 4}, .size = 16};

    memset(&control, 0, sizeof control);
    calls = 0;
    control.inputs = 1;
    control.outputs = 1;
    for (int i = 0; i < FAKE_MOST_TENSORS; i++) {
        control.input[i] = floats;
        control.output[i] = floats;
    }
    control.subgraphs = 1;
    control.flags = 3;
    control.packed = -1;
}

/* Counts calls anew. */
void fake_count(void) {
    calls = 0;
}

/* Whether the function of this name is to fail now. */
int fake_fails(const char *name) {
    return control.fails != NULL && strstr(name, control.fails) != NULL &&
           calls++ >= control.after;
}

/* Calls an error reporter as the real library does. */
void fake_say(tflite_reporter reporter, void *user_data, const char *format,
              ...) {
    va_list arguments;

    va_start(arguments, format);
    reporter(user_data, format, arguments);
    va_end(arguments);
}

/* The same, if the function of this name is to fail and to say something. */
int fake_fails_aloud(const char *name, tflite_reporter reporter,
                     void *user_data) {
    if (!fake_fails(name)) {
        return 0;
    }
    if (control.says != NULL) {
        fake_say(reporter, user_data, "%s\n", control.says);
        fake_say(reporter, user_data, "That was %s.", name);
    }
    return 1;
}

/* Deletes an object that nothing may use any more. */
void fake_drop(void *object, int users) {
    control.misuses += users != 0;
    control.live--;
    free(object);
}

/* Makes an object. */
void *fake_make(size_t size) {
    void *object = calloc(1, size);

    if (object == NULL) {
        abort();
    }
    control.live++;
    return object;
}

/* Gives an input a shape of float32. */
void fake_resize(int32_t index, const int *dims, int32_t rank) {
    struct fake_tensor *tensor = &control.input[index];

    tensor->rank = rank;
    tensor->size = 4;
    for (int i = 0; i < rank; i++) {
        tensor->dims[i] = dims[i];
        tensor->size *= (size_t)dims[i];
    }
}
