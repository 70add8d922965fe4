/* fixture.c: a fake library and a session of it. */
#include "fixture.h"

#include "check.h"
#include "doubles.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path of a file beside the fake libraries. */
const char *fixture_path(const char *name) {
    static char path[1024];

    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

/* Finds a function of a fake; without it no test makes sense. */
static void find(void *handle, const char *name, void *to) {
    void *address = handle == NULL ? NULL : dlsym(handle, name);

    if (address == NULL) {
        fprintf(stderr, "the fake library can't be loaded: %s\n", dlerror());
        exit(2);
    }
    memcpy(to, &address, sizeof address);
}

/* Loads a fake library and opens it. */
void fixture_library(struct fixture *it, const char *name) {
    struct fake_control *(*control)(void);
    void (*reset)(void);

    memset(it, 0, sizeof *it);
    doubles_reset();
    it->handle = dlopen(fixture_path(name), RTLD_NOW | RTLD_LOCAL);
    find(it->handle, "fake_control", &control);
    find(it->handle, "fake_reset", &reset);
    reset();
    it->fake = control();
    it->options.threads = 1;
    (void)retime_library_open(fixture_path(name), &it->library, &it->error);
}

/* Counts anew the calls of the function that is to fail. */
void fake_restart(void *handle) {
    void (*count)(void);

    find(handle, "fake_count", &count);
    count();
}

/* Opens a session. */
int fixture_session(struct fixture *it) {
    static const char model[] = FAKE_MODEL;

    return retime_session_open(it->library, model, sizeof model, &it->options,
                               &it->session, &it->error);
}

/* Opens the usual library and session. */
void fixture_open(struct fixture *it) {
    fixture_library(it, "fake.so");
    CHECK_EQUAL(fixture_session(it), RETIME_OK);
}

/* Closes everything. */
void fixture_close(struct fixture *it) {
    doubles_reset();
    retime_session_close(it->session);
    CHECK_EQUAL(it->fake->live, 0);
    CHECK_EQUAL(it->fake->misuses, 0);
    retime_library_close(it->library);
    dlclose(it->handle);
}
