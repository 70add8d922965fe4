/* test_library.c: opening a library. */
#include "internal.h"

#include "check.h"
#include "doubles.h"
#include "fixture.h"

#include <stdlib.h>

TEST("a library opens, tells its version and closes") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    CHECK(it.library != NULL);
    CHECK_TEXT(retime_library_version(it.library), "0.0.fake");
    it.fake->no_version = 1;
    CHECK_TEXT(retime_library_version(it.library), "unknown");
    fixture_close(&it);
}

TEST("a file that is a library of another kind is told so") {
    retime_library *library = NULL;
    retime_error error;

    CHECK_EQUAL(
        retime_library_open(fixture_path("fake_plugin.so"), &library, &error),
        RETIME_E_SYMBOL);
    CHECK_HOLDS_TEXT(error.message, "neither TfLiteInterpreterCreate");
    CHECK_HOLDS_TEXT(error.message, "nor LiteRtCreateCompiledModel");
}

TEST("a library's kind is told by its functions") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    CHECK_EQUAL(retime_library_kind(it.library), RETIME_KIND_TFLITE);
    fixture_close(&it);
    fixture_library(&it, "fake_litert.so");
    CHECK_EQUAL(retime_library_kind(it.library), RETIME_KIND_LITERT);
    CHECK_TEXT(retime_library_version(it.library), "unknown");
    fixture_close(&it);
    CHECK_EQUAL(retime_library_kind(NULL), 0);
}

TEST("functions that a library lacks are named with what is lost") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    CHECK(retime_library_missing(it.library, 0) == NULL);
    fixture_close(&it);
    fixture_library(&it, "fake_without_observer.so");
    CHECK_TEXT(retime_library_missing(it.library, 0),
               "TfLiteOpaqueDelegateCreate: node counts");
    CHECK(retime_library_missing(it.library, 1) == NULL);
    fixture_close(&it);
    CHECK(retime_library_missing(NULL, 0) == NULL);
}

TEST("no library has no version, and closing it does nothing") {
    CHECK_TEXT(retime_library_version(NULL), "unknown");
    retime_library_close(NULL);
}

TEST("a path that is missing is refused, for dlopen would open the program") {
    retime_library *library = NULL;
    retime_error error;

    CHECK_EQUAL(retime_library_open(NULL, &library, &error), RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_library_open("", &library, &error), RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_library_open("x", NULL, &error), RETIME_E_ARGUMENT);
    CHECK(library == NULL);
}

TEST("a file that isn't there is told in the loader's words") {
    retime_library *library = NULL;
    retime_error error;

    CHECK_EQUAL(retime_library_open("/nowhere/lib.so", &library, &error),
                RETIME_E_LIBRARY);
    CHECK_TEXT(error.step, "dlopen");
    CHECK_HOLDS_TEXT(error.message, "/nowhere/lib.so");
    CHECK(library == NULL);
}

TEST("a file that is no library is told in the loader's words") {
    retime_library *library = NULL;
    retime_error error;

    CHECK_EQUAL(retime_library_open(fixture_path("text.so"), &library, &error),
                RETIME_E_LIBRARY);
    CHECK_HOLDS_TEXT(error.message, "text.so");
    CHECK(library == NULL);
}

TEST("a library that lacks a needed function is named with the function") {
    retime_library *library = NULL;
    retime_error error;

    CHECK_EQUAL(retime_library_open(fixture_path("fake_without_invoke.so"),
                                    &library, &error),
                RETIME_E_SYMBOL);
    CHECK_TEXT(error.step, "dlsym");
    CHECK_HOLDS_TEXT(error.message, "fake_without_invoke.so");
    CHECK_HOLDS_TEXT(error.message, "TfLiteInterpreterInvoke");
    CHECK(library == NULL);
}

TEST("without memory there is no library") {
    struct fixture it;
    retime_library *library = NULL;

    fixture_library(&it, "fake.so");
    doubles.no_memory = 1;
    CHECK_EQUAL(retime_library_open(fixture_path("fake.so"), &library, NULL),
                RETIME_E_MEMORY);
    CHECK(library == NULL);
    fixture_close(&it);
}
