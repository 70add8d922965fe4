/* library.c: opening an inference library and finding its functions. */
#include "internal.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum necessity { NEEDED, XNNPACK, OPTIONAL };

/* One function: its name, where its address goes, and whether it may lack. */
struct function {
    const char *name;
    size_t offset;
    enum necessity necessity;
};

static const struct function functions[] = {
#define TFLITE_ROW(necessity, result, field, parameters, name)                 \
    {#name, offsetof(struct tflite, field), necessity},
    TFLITE_FUNCTIONS(TFLITE_ROW)
#undef TFLITE_ROW
};

/* The dlsym way of passing functions rests on this. */
static_assert(sizeof(void *) == sizeof(void (*)(void)),
              "addresses of data and of functions have one size");

/* Finds the library's functions. Addresses are copied as bytes, for C knows no
   conversion from an object's address to a function's. */
static int bind_functions(retime_library *library, retime_error *error) {
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const struct function *wanted = &functions[i];
        void *address = dlsym(library->handle, wanted->name);

        if (address == NULL && wanted->necessity == NEEDED) {
            return retime_fail(error, RETIME_E_SYMBOL, "dlsym",
                               "%s has no function %s: it is no TFLite C "
                               "library, or too old a one",
                               library->path, wanted->name);
        }
        memcpy((char *)&library->call + wanted->offset, &address,
               sizeof address);
    }
    if (library->call.operator_code == NULL) {
        library->call.operator_code = library->call.operator_code_older;
    }
    return RETIME_OK;
}

/* Opens a library and binds its functions. */
int retime_library_open(const char *path, retime_library **library,
                        retime_error *error) {
    retime_library *opened;
    int status;

    /* dlopen takes both for this very program. */
    if (path == NULL || path[0] == '\0' || library == NULL) {
        return retime_fail(error, RETIME_E_ARGUMENT, "open-library",
                           "no path, or nowhere to put the library");
    }
    opened = calloc(1, sizeof *opened + strlen(path) + 1);
    if (opened == NULL) {
        return retime_fail(error, RETIME_E_MEMORY, "open-library", "no memory");
    }
    memcpy(opened->path, path, strlen(path) + 1);
    opened->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (opened->handle == NULL) {
        status =
            retime_fail(error, RETIME_E_LIBRARY, "dlopen", "%s", dlerror());
    } else {
        status = bind_functions(opened, error);
    }
    if (status != RETIME_OK) {
        retime_library_close(opened);
        return status;
    }
    *library = opened;
    return RETIME_OK;
}

/* The library's version text. */
const char *retime_library_version(const retime_library *library) {
    const char *version = library == NULL ? NULL : library->call.version();

    return version == NULL ? "unknown" : version;
}

/* Closes a library. */
void retime_library_close(retime_library *library) {
    if (library == NULL) {
        return;
    }
    if (library->handle != NULL) {
        (void)dlclose(library->handle);
    }
    free(library);
}

/* The first function that a session with XNNPACK needs and the library lacks;
   NULL if it lacks none. */
const char *retime_xnnpack_missing(const retime_library *library) {
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *address;

        memcpy(&address, (const char *)&library->call + functions[i].offset,
               sizeof address);
        if (address == NULL && functions[i].necessity == XNNPACK) {
            return functions[i].name;
        }
    }
    return NULL;
}
