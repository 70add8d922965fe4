/* test_tensor.c: describing, writing and reading tensors. */
#include "internal.h"

#include "check.h"
#include "fixture.h"

#include <string.h>

TEST("tensors are described") {
    struct fixture it;
    retime_tensor tensor;

    fixture_open(&it);
    it.fake->output[0].type = 9;
    it.fake->output[0].scale = 0.5F;
    it.fake->output[0].zero_point = -7;
    CHECK_EQUAL(retime_session_output(it.session, 0, &tensor, &it.error),
                RETIME_OK);
    CHECK_TEXT(tensor.name, "floats");
    CHECK_EQUAL(tensor.type, 9);
    CHECK_EQUAL(tensor.rank, 2);
    CHECK_EQUAL(tensor.dims[0], 1);
    CHECK_EQUAL(tensor.dims[1], 4);
    CHECK_EQUAL(tensor.dims[2], 0);
    CHECK_EQUAL(tensor.bytes, 16);
    CHECK(tensor.scale > 0.49F && tensor.scale < 0.51F);
    CHECK_EQUAL(tensor.zero_point, -7);
    CHECK_EQUAL(retime_session_input(it.session, 0, &tensor, &it.error),
                RETIME_OK);
    CHECK_EQUAL(tensor.type, 1);
    fixture_close(&it);
}

TEST("long names are cut, missing ones empty, and ranks over 8 kept") {
    struct fixture it;
    retime_tensor tensor;
    char name[400];

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fixture_open(&it);
    it.fake->input[0].name = name;
    it.fake->input[0].rank = 11;
    CHECK_EQUAL(retime_session_input(it.session, 0, &tensor, NULL), RETIME_OK);
    CHECK_EQUAL(strlen(tensor.name), 255);
    CHECK_EQUAL(tensor.rank, 11);
    it.fake->input[0].name = NULL;
    CHECK_EQUAL(retime_session_input(it.session, 0, &tensor, NULL), RETIME_OK);
    CHECK_TEXT(tensor.name, "");
    fixture_close(&it);
}

TEST("a tensor that isn't there can't be described, written or read") {
    struct fixture it;
    retime_tensor tensor;
    char bytes[16] = {0};

    fixture_open(&it);
    for (int32_t index = -1; index < 3; index += 2) {
        CHECK_EQUAL(retime_session_input(it.session, index, &tensor, &it.error),
                    RETIME_E_ARGUMENT);
        CHECK_EQUAL(
            retime_session_output(it.session, index, &tensor, &it.error),
            RETIME_E_ARGUMENT);
        CHECK_HOLDS_TEXT(it.error.message, "the model has 1");
        CHECK_EQUAL(
            retime_session_write(it.session, index, bytes, 16, &it.error),
            RETIME_E_ARGUMENT);
        CHECK_EQUAL(
            retime_session_read(it.session, index, bytes, 16, &it.error),
            RETIME_E_ARGUMENT);
    }
    CHECK_EQUAL(retime_session_input(NULL, 0, &tensor, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_output(NULL, 0, &tensor, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_write(NULL, 0, bytes, 16, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_read(NULL, 0, bytes, 16, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_input(it.session, 0, NULL, NULL),
                RETIME_E_ARGUMENT);
    fixture_close(&it);
}

TEST("a tensor that the library won't give, or has no shape, is an error") {
    struct fixture it;
    retime_tensor tensor;
    char bytes[16] = {0};

    fixture_open(&it);
    it.fake->input[0].rank = -1;
    CHECK_EQUAL(retime_session_input(it.session, 0, &tensor, &it.error),
                RETIME_E_TENSOR);
    it.fake->input[0].absent = 1;
    it.fake->output[0].absent = 1;
    CHECK_EQUAL(retime_session_input(it.session, 0, &tensor, &it.error),
                RETIME_E_TENSOR);
    CHECK_EQUAL(retime_session_output(it.session, 0, &tensor, &it.error),
                RETIME_E_TENSOR);
    CHECK_EQUAL(retime_session_write(it.session, 0, bytes, 16, &it.error),
                RETIME_E_TENSOR);
    CHECK_EQUAL(retime_session_read(it.session, 0, bytes, 16, &it.error),
                RETIME_E_TENSOR);
    CHECK_TEXT(it.error.step, "describe-tensor");
    fixture_close(&it);
}

TEST("bytes of the wrong number, or none, are refused with both sizes") {
    struct fixture it;
    char bytes[32] = {0};

    fixture_open(&it);
    CHECK_EQUAL(retime_session_write(it.session, 0, bytes, 15, &it.error),
                RETIME_E_ARGUMENT);
    CHECK_TEXT(it.error.message, "the tensor has 16 bytes; 15 were passed");
    CHECK_EQUAL(retime_session_read(it.session, 0, bytes, SIZE_MAX, &it.error),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_write(it.session, 0, NULL, 16, &it.error),
                RETIME_E_ARGUMENT);
    CHECK_HOLDS_TEXT(it.error.message, "as NULL");
    CHECK_EQUAL(retime_session_read(it.session, 0, NULL, 16, &it.error),
                RETIME_E_ARGUMENT);
    it.fake->input[0].size = 0;
    it.fake->output[0].size = 0;
    CHECK_EQUAL(retime_session_write(it.session, 0, NULL, 0, &it.error),
                RETIME_OK);
    CHECK_EQUAL(retime_session_read(it.session, 0, NULL, 0, &it.error),
                RETIME_OK);
    fixture_close(&it);
}

TEST("a tensor without memory can't be written or read") {
    struct fixture it;
    char bytes[16] = {0};

    fixture_open(&it);
    it.fake->input[0].homeless = 1;
    it.fake->output[0].homeless = 1;
    CHECK_EQUAL(retime_session_write(it.session, 0, bytes, 16, &it.error),
                RETIME_E_TENSOR);
    CHECK_EQUAL(retime_session_read(it.session, 0, bytes, 16, &it.error),
                RETIME_E_TENSOR);
    fixture_close(&it);
}

TEST("the bytes of all inputs and outputs are added up") {
    struct fixture it;
    size_t size = 0;

    fixture_library(&it, "fake.so");
    it.fake->inputs = 2;
    it.fake->input[1].size = 5;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(retime_session_input_size(it.session, &size, NULL), RETIME_OK);
    CHECK_EQUAL(size, 21);
    CHECK_EQUAL(retime_session_output_size(it.session, &size, NULL), RETIME_OK);
    CHECK_EQUAL(size, 16);
    CHECK_EQUAL(retime_session_input_size(NULL, &size, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_output_size(it.session, NULL, NULL),
                RETIME_E_ARGUMENT);
    it.fake->input[1].rank = -1;
    CHECK_EQUAL(retime_session_input_size(it.session, &size, NULL),
                RETIME_E_TENSOR);
    CHECK_EQUAL(size, 16);
    fixture_close(&it);
}
