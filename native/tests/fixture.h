/* fixture.h: a fake library and a session of it, as most tests need them. */
#ifndef RETIME_TESTS_FIXTURE_H
#define RETIME_TESTS_FIXTURE_H

#include "fake.h"
#include "retime.h"

struct fixture {
    void *handle; /* keeps the fake loaded, and with it its controls */
    struct fake_control *fake;
    retime_library *library;
    retime_session *session; /* NULL if it couldn't be opened */
    retime_options options;
    retime_error error;
};

/* Loads the fake library of this name, resets every double and opens it. */
void fixture_library(struct fixture *it, const char *name);

/* Opens a session of it.options; returns the status. */
int fixture_session(struct fixture *it);

/* Both, with the usual fake library and options. */
void fixture_open(struct fixture *it);

/* Closes everything and checks that nothing is left over. */
void fixture_close(struct fixture *it);

/* Counts anew the calls of the function that is to fail. */
void fake_restart(void *handle);

/* The path of a file beside the fake libraries; valid until the next call. */
const char *fixture_path(const char *name);

#endif
