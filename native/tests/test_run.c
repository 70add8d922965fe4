/* test_run.c: warming up, and mapping inputs to outputs. */
#include "internal.h"

#include "check.h"
#include "doubles.h"
#include "fixture.h"

#include <string.h>

TEST("a warm-up does so many runs") {
    struct fixture it;
    int64_t runs = -1;

    fixture_open(&it);
    CHECK_EQUAL(retime_session_warm_up(it.session, 7, 0, &runs, &it.error),
                RETIME_OK);
    CHECK_EQUAL(runs, 7);
    CHECK_EQUAL(it.fake->invokes, 7);
    CHECK_EQUAL(retime_session_warm_up(it.session, 0, 0, &runs, &it.error),
                RETIME_OK);
    CHECK_EQUAL(runs, 0);
    fixture_close(&it);
}

TEST("a warm-up lasts so long") {
    struct fixture it;
    int64_t runs = -1;
    int64_t start;

    fixture_open(&it);
    start = retime_clock_now();
    CHECK_EQUAL(
        retime_session_warm_up(it.session, 1, 2000000, &runs, &it.error),
        RETIME_OK);
    CHECK(retime_clock_now() - start >= 2000000);
    CHECK(runs >= 1);
    fixture_close(&it);
}

TEST("a warm-up stops at the first failure and tells how far it came") {
    struct fixture it;
    int64_t runs = -1;

    fixture_open(&it);
    it.fake->fails = "Invoke";
    it.fake->after = 3;
    it.fake->says = "out of ideas";
    CHECK_EQUAL(retime_session_warm_up(it.session, 9, 0, &runs, &it.error),
                RETIME_E_INVOKE);
    CHECK_EQUAL(runs, 3);
    CHECK_TEXT(it.error.step, "Invoke");
    CHECK_HOLDS_TEXT(it.error.message, "out of ideas; That was");
    CHECK_EQUAL(retime_session_warm_up(it.session, 9, 0, NULL, NULL),
                RETIME_E_INVOKE);
    fixture_close(&it);
}

TEST("a warm-up needs a clock, a session and numbers that aren't negative") {
    struct fixture it;
    int64_t runs = -1;

    fixture_open(&it);
    doubles.clock_limited = 1;
    doubles.readings = 3;
    CHECK_EQUAL(retime_session_warm_up(it.session, 9, 0, &runs, &it.error),
                RETIME_E_CLOCK);
    CHECK_EQUAL(runs, 3);
    CHECK_EQUAL(retime_session_warm_up(it.session, -1, 0, &runs, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(runs, 0);
    CHECK_EQUAL(retime_session_warm_up(it.session, 0, -1, NULL, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_warm_up(NULL, 0, 0, NULL, NULL),
                RETIME_E_ARGUMENT);
    fixture_close(&it);
}

TEST("a map runs the model on each input") {
    struct fixture it;
    unsigned char inputs[48];
    unsigned char outputs[48] = {0};

    for (size_t i = 0; i < sizeof inputs; i++) {
        inputs[i] = (unsigned char)i;
    }
    fixture_open(&it);
    CHECK_EQUAL(
        retime_session_map(it.session, inputs, 48, outputs, 48, 3, &it.error),
        RETIME_OK);
    for (size_t i = 0; i < sizeof inputs; i++) {
        CHECK_EQUAL(outputs[i], i + 1);
    }
    CHECK_EQUAL(it.fake->invokes, 3);
    CHECK_EQUAL(retime_session_map(it.session, NULL, 0, NULL, 0, 0, &it.error),
                RETIME_OK);
    fixture_close(&it);
}

TEST("a map stops at the first failure and keeps the outputs before it") {
    struct fixture it;
    unsigned char inputs[48] = {0};
    unsigned char outputs[48] = {0};

    fixture_open(&it);
    it.fake->fails = "Invoke";
    it.fake->after = 1;
    CHECK_EQUAL(
        retime_session_map(it.session, inputs, 48, outputs, 48, 3, &it.error),
        RETIME_E_INVOKE);
    CHECK_EQUAL(outputs[15], 1);
    CHECK_EQUAL(outputs[16], 0);
    fixture_close(&it);
}

TEST("a map stops where an output's size changes") {
    struct fixture it;
    unsigned char inputs[32] = {0};
    unsigned char outputs[32] = {0};

    fixture_open(&it);
    it.fake->growth = 4;
    CHECK_EQUAL(
        retime_session_map(it.session, inputs, 32, outputs, 32, 2, &it.error),
        RETIME_E_TENSOR);
    CHECK_HOLDS_TEXT(it.error.message, "had 16 bytes and now have 20");
    fixture_close(&it);
}

TEST("a map takes all inputs of a set and gives all outputs") {
    struct fixture it;
    unsigned char inputs[2 * 24];
    unsigned char outputs[2 * 24] = {0};

    for (size_t i = 0; i < sizeof inputs; i++) {
        inputs[i] = (unsigned char)i;
    }
    fixture_library(&it, "fake.so");
    it.fake->inputs = 2;
    it.fake->outputs = 2;
    it.fake->input[1].size = 8;
    it.fake->output[1].size = 8;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(
        retime_session_map(it.session, inputs, 48, outputs, 48, 2, &it.error),
        RETIME_OK);
    for (size_t i = 0; i < sizeof inputs; i++) {
        CHECK_EQUAL(outputs[i], i + 1);
    }
    fixture_close(&it);
}

TEST("a map without inputs only counts its runs") {
    struct fixture it;
    char bytes[48] = {0};

    fixture_library(&it, "fake.so");
    it.fake->inputs = 0;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(
        retime_session_map(it.session, NULL, 0, bytes, 48, 3, &it.error),
        RETIME_OK);
    CHECK_EQUAL(it.fake->invokes, 3);
    fixture_close(&it);
}

TEST("a map refuses arrays that are missing or of other sizes") {
    struct fixture it;
    char bytes[48] = {0};
    static const size_t sizes[][3] = {
        {16, 16, 2},       {32, 16, 2}, {16, 32, 2}, {17, 16, 1},
        {16, 17, 1},       {16, 16, 0}, {0, 0, 1},   {0, 0, SIZE_MAX / 16 + 1},
        {16, 16, SIZE_MAX}};

    fixture_open(&it);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CHECK_EQUAL(retime_session_map(it.session, bytes, sizes[i][0], bytes,
                                       sizes[i][1], sizes[i][2], &it.error),
                    RETIME_E_ARGUMENT);
    }
    CHECK_EQUAL(
        retime_session_map(it.session, NULL, 16, bytes, 16, 1, &it.error),
        RETIME_E_ARGUMENT);
    CHECK_EQUAL(
        retime_session_map(it.session, bytes, 16, NULL, 16, 1, &it.error),
        RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_map(NULL, bytes, 16, bytes, 16, 1, &it.error),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(it.fake->invokes, 0);
    fixture_close(&it);
}

TEST("a map passes on that a tensor can't be described") {
    struct fixture it;
    char bytes[16] = {0};

    fixture_open(&it);
    it.fake->output[0].absent = 1;
    CHECK_EQUAL(
        retime_session_map(it.session, bytes, 16, bytes, 16, 1, &it.error),
        RETIME_E_TENSOR);
    it.fake->input[0].absent = 1;
    CHECK_EQUAL(
        retime_session_map(it.session, bytes, 16, bytes, 16, 1, &it.error),
        RETIME_E_TENSOR);
    fixture_close(&it);
}

TEST("a map of tensors without bytes takes arrays without bytes") {
    struct fixture it;
    char byte = 0;

    fixture_library(&it, "fake.so");
    it.fake->input[0].size = 0;
    it.fake->output[0].size = 0;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(
        retime_session_map(it.session, &byte, 0, &byte, 0, 5, &it.error),
        RETIME_OK);
    CHECK_EQUAL(it.fake->invokes, 5);
    CHECK_EQUAL(
        retime_session_map(it.session, &byte, 1, &byte, 0, 5, &it.error),
        RETIME_E_ARGUMENT);
    fixture_close(&it);
}
