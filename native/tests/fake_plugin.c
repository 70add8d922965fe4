/* fake_plugin.c: an external delegate's library. FAKE_WITHOUT_DESTROY makes one
   that lacks a function. */
#include "fake_objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes a delegate, unless an option called "fail" says how that is to fail. */
TfLiteDelegate *tflite_plugin_create_delegate(const char *const *keys,
                                              const char *const *values,
                                              size_t count,
                                              void (*report)(const char *)) {
    for (size_t i = 0; i < count; i++) {
        char text[64];

        if (strcmp(keys[i], "fail") == 0) {
            snprintf(text, sizeof text, "%zu options, %s", count, values[i]);
            report(values[i][0] == '\0' ? NULL : text);
            return NULL;
        }
    }
    return calloc(1, sizeof(TfLiteDelegate));
}

#ifndef FAKE_WITHOUT_DESTROY
/* Deletes a delegate. */
void tflite_plugin_destroy_delegate(TfLiteDelegate *delegate) {
    free(delegate);
}
#endif
