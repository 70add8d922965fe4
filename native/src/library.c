/* library.c: opening an inference library and finding its functions. */
#include "internal.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* The dlsym way of passing functions rests on this. */
static_assert(sizeof(void *) == sizeof(void (*)(void)),
              "addresses of data and of functions have one size");

static const struct retime_backend *const backends[] = {&retime_tflite_backend,
                                                        &retime_litert_backend};

enum { BACKENDS = sizeof backends / sizeof backends[0] };

/* Finds one function; NULL where there is none. Addresses are copied as bytes,
   for C knows no conversion from an object's address to a function's. */
void retime_bind_one(void *handle, const char *name, void *address) {
    void *found = dlsym(handle, name);

    memcpy(address, &found, sizeof found);
}

/* Where in the library the address of one of its kind's functions is. */
static size_t place_of(const retime_library *library, size_t index) {
    return library->backend->calls + library->backend->functions[index].offset;
}

/* Whether a function was found. */
static int has(const retime_library *library, size_t index) {
    void *address;

    memcpy(&address, (const char *)library + place_of(library, index),
           sizeof address);
    return address != NULL;
}

/* Finds the library's kind by a function that only this kind has, and then its
   functions. */
static int bind_functions(retime_library *library, retime_error *error) {
    for (size_t i = 0; i < BACKENDS && library->backend == NULL; i++) {
        if (dlsym(library->handle, backends[i]->first) != NULL) {
            library->backend = backends[i];
        }
    }
    if (library->backend == NULL) {
        return retime_fail(error, RETIME_E_SYMBOL, "dlsym",
                           "%s is no inference library: it has neither %s "
                           "(TFLite's C API) nor %s (LiteRT's)",
                           library->path, backends[0]->first,
                           backends[1]->first);
    }
    for (size_t i = 0; i < library->backend->function_count; i++) {
        const struct retime_function *wanted = &library->backend->functions[i];

        retime_bind_one(library->handle, wanted->name,
                        (char *)library + place_of(library, i));
        if (wanted->feature[0] == '\0' && !has(library, i)) {
            return retime_fail(error, RETIME_E_SYMBOL, "dlsym",
                               "%s has no function %s: it is no whole %s "
                               "library, or too old a one",
                               library->path, wanted->name,
                               library->backend->name);
        }
    }
    library->backend->bound(library);
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
    /* LiteRT leaves functions of its own to be called when the process exits,
       so its code has to stay. */
    opened->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
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
    const char *version =
        library == NULL ? NULL : library->backend->version(library);

    return version == NULL ? "unknown" : version;
}

/* The library's kind. */
int32_t retime_library_kind(const retime_library *library) {
    return library == NULL ? 0 : library->backend->kind;
}

/* The function number `index` of those that the library lacks. */
const char *retime_library_missing(const retime_library *library,
                                   size_t index) {
    if (library == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < library->backend->function_count; i++) {
        if (!has(library, i) && index-- == 0) {
            return library->backend->functions[i].missing;
        }
    }
    return NULL;
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

/* The first function that a feature needs and the library lacks; NULL if it
   lacks none. */
const char *retime_lacking(const retime_library *library, const char *feature) {
    for (size_t i = 0; i < library->backend->function_count; i++) {
        const struct retime_function *function =
            &library->backend->functions[i];

        if (strcmp(function->feature, feature) == 0 && !has(library, i)) {
            return function->name;
        }
    }
    return NULL;
}

/* Fails if the library lacks a function that a feature needs. */
int retime_demand(const retime_library *library, const char *feature,
                  retime_error *error) {
    const char *missing = retime_lacking(library, feature);

    if (missing == NULL) {
        return RETIME_OK;
    }
    return retime_fail(error, RETIME_E_SYMBOL, "dlsym",
                       "%s has no function %s: without it there is no %s. The "
                       "library was built without it, or is too old",
                       library->path, missing, feature);
}
