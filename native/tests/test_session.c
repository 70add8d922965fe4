/* test_session.c: the life of a session. */
#include "internal.h"

#include "check.h"
#include "doubles.h"
#include "fixture.h"

#include <string.h>

/* Opens a session while one thing fails; checks status, step and message, and
   that nothing is left over. */
static void check_failure(const char *fails, int status, const char *step) {
    struct fixture it;

    for (int aloud = 0; aloud < 2; aloud++) {
        fixture_library(&it, "fake.so");
        it.options.delegate = RETIME_DELEGATE_XNNPACK;
        it.options.count_nodes = 1;
        it.fake->fails = fails;
        it.fake->says = aloud ? "it is Monday" : NULL;
        CHECK_EQUAL(fixture_session(&it), status);
        CHECK_EQUAL(it.error.status, status);
        CHECK_TEXT(it.error.step, step);
        CHECK(it.session == NULL);
        CHECK_HOLDS_TEXT(it.error.message,
                         aloud ? "it is Monday; That was" : "gave no reason");
        fixture_close(&it);
    }
}

TEST("a session opens, tells what it took, and closes") {
    struct fixture it;
    retime_startup startup;

    fixture_open(&it);
    retime_session_startup(it.session, &startup);
    CHECK(startup.model_ns >= 0);
    CHECK(startup.interpreter_ns >= 0);
    CHECK(startup.allocate_ns >= 0);
    CHECK_EQUAL(retime_session_input_count(it.session), 1);
    CHECK_EQUAL(retime_session_output_count(it.session), 1);
    fixture_close(&it);
}

TEST("inputs are zero when a session opens") {
    struct fixture it;
    unsigned char bytes[16];

    fixture_open(&it);
    CHECK_EQUAL(retime_session_warm_up(it.session, 1, 0, NULL, NULL),
                RETIME_OK);
    CHECK_EQUAL(
        retime_session_read(it.session, 0, bytes, sizeof bytes, &it.error),
        RETIME_OK);
    for (size_t i = 0; i < sizeof bytes; i++) {
        CHECK_EQUAL(bytes[i], 1);
    }
    fixture_close(&it);
}

TEST("the number of threads reaches the interpreter and the delegate") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.options.threads = 3;
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(it.fake->threads, 3);
    CHECK_EQUAL(it.fake->xnnpack_threads, 3);
    fixture_close(&it);
}

TEST("arguments that are missing or out of range are refused") {
    struct fixture it;
    retime_session *session = NULL;
    static const retime_setting no_key = {NULL, "v"};
    static const retime_setting no_value = {"k", NULL};
    static const retime_shape flat = {.rank = -1};
    static const retime_shape deep = {.rank = 9};
    static const retime_options wrong[] = {
        {.threads = 0},
        {.threads = INT32_MIN},
        {.threads = INT32_MAX},
        {.threads = 1, .delegate = 3},
        {.threads = 1, .delegate = -1},
        {.threads = 1, .call = 2},
        {.threads = 1, .call = -1},
        {.threads = 1, .setting_count = 1},
        {.threads = 1, .shape_count = 1},
        {.threads = 1, .settings = &no_key, .setting_count = 1},
        {.threads = 1, .settings = &no_value, .setting_count = 1},
        {.threads = 1, .shapes = &flat, .shape_count = 1},
        {.threads = 1, .shapes = &deep, .shape_count = 1},
    };

    fixture_open(&it);
    CHECK_EQUAL(retime_session_open(NULL, "m", 1, &it.options, &session, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(
        retime_session_open(it.library, NULL, 1, &it.options, &session, NULL),
        RETIME_E_ARGUMENT);
    CHECK_EQUAL(
        retime_session_open(it.library, "m", 0, &it.options, &session, NULL),
        RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_open(it.library, "m", 1, NULL, &session, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(
        retime_session_open(it.library, "m", 1, &it.options, NULL, NULL),
        RETIME_E_ARGUMENT);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_EQUAL(retime_session_open(it.library, "m", 1, &wrong[i], &session,
                                        &it.error),
                    RETIME_E_ARGUMENT);
    }
    CHECK(session == NULL);
    fixture_close(&it);
}

TEST("nothing is asked of no session") {
    retime_startup startup = {1, 1, 1};
    retime_nodes nodes = {1, 1, 1};

    retime_session_close(NULL);
    retime_session_startup(NULL, &startup);
    CHECK_EQUAL(startup.model_ns, 0);
    retime_session_startup(NULL, NULL);
    retime_session_nodes(NULL, &nodes);
    CHECK_EQUAL(nodes.nodes, -1);
    retime_session_nodes(NULL, NULL);
    CHECK_EQUAL(retime_session_call(NULL), -1);
    CHECK_EQUAL(retime_session_signature_count(NULL), 0);
    CHECK(retime_session_signature(NULL, 0) == NULL);
    CHECK_EQUAL(retime_session_input_count(NULL), 0);
    CHECK_EQUAL(retime_session_output_count(NULL), 0);
}

TEST("a model that is refused is told in the library's words") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    CHECK_EQUAL(retime_session_open(it.library, "junk", 4, &it.options,
                                    &it.session, &it.error),
                RETIME_E_MODEL);
    CHECK_TEXT(it.error.step, "ModelCreate");
    CHECK_TEXT(it.error.message, "4 bytes are no model");
    fixture_close(&it);
}

TEST("each step that fails is named, and frees what was made before it") {
    struct fixture it;

    check_failure("ModelCreate", RETIME_E_MODEL, "ModelCreate");
    check_failure("TfLiteInterpreterCreate", RETIME_E_INTERPRETER,
                  "InterpreterCreate");
    check_failure("AllocateTensors", RETIME_E_ALLOCATE, "AllocateTensors");
    fixture_library(&it, "fake.so");
    it.fake->fails = "OptionsCreate";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_INTERPRETER);
    CHECK_TEXT(it.error.step, "InterpreterOptionsCreate");
    fixture_close(&it);
    fixture_library(&it, "fake.so");
    doubles.no_memory = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_MEMORY);
    fixture_close(&it);
}

TEST("a delegate that can't be made, or takes other options, is an error") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    it.options.threads = 2;
    it.fake->fails = "XNNPackDelegateCreate";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_DELEGATE);
    CHECK_TEXT(it.error.step, "XNNPackDelegateCreate");
    it.fake->fails = NULL;
    it.fake->wrong_threads = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_DELEGATE);
    CHECK_HOLDS_TEXT(it.error.message, "3 threads instead of 2");
    it.fake->no_options = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_DELEGATE);
    fixture_close(&it);
}

TEST("a library without XNNPACK serves sessions that don't ask for it") {
    struct fixture it;

    fixture_library(&it, "fake_without_xnnpack.so");
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    retime_session_close(it.session);
    it.session = NULL;
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SYMBOL);
    CHECK_HOLDS_TEXT(it.error.message, "fake_without_xnnpack.so");
    CHECK_HOLDS_TEXT(it.error.message, "TfLiteXNNPackDelegateOptionsDefault");
    fixture_close(&it);
}

TEST("inputs that zero bytes are no value of are refused") {
    struct fixture it;

    for (int type = 0; type < 24; type++) {
        int refused = type == TFLITE_STRING || type == TFLITE_RESOURCE ||
                      type == TFLITE_VARIANT;

        fixture_library(&it, "fake.so");
        it.fake->input[0].type = type;
        CHECK_EQUAL(fixture_session(&it),
                    refused ? RETIME_E_TENSOR : RETIME_OK);
        fixture_close(&it);
    }
    fixture_library(&it, "fake.so");
    it.fake->input[0].homeless = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_TENSOR);
    it.fake->input[0].size = 0;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    fixture_close(&it);
    fixture_library(&it, "fake.so");
    it.fake->input[0].absent = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_TENSOR);
    fixture_close(&it);
}

TEST("a session doesn't open on a clock that fails at any reading") {
    struct fixture it;

    for (int readings = 0; readings < 5; readings++) {
        fixture_library(&it, "fake.so");
        doubles.clock_limited = 1;
        doubles.readings = readings;
        CHECK_EQUAL(fixture_session(&it), RETIME_E_CLOCK);
        fixture_close(&it);
    }
    fixture_library(&it, "fake.so");
    doubles.clock_reversed = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_CLOCK);
    fixture_close(&it);
}
