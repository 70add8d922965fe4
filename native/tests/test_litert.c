/* test_litert.c: sessions of LiteRT's C API. */
#include "internal.h"

#include "check.h"
#include "doubles.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

/* Loads the fake LiteRT with a model of two signatures. */
static void load(struct fixture *it) {
    fixture_library(it, "fake_litert.so");
    it->fake->signatures = 2;
}

TEST("a LiteRT session opens, maps and closes") {
    struct fixture it;
    retime_tensor tensor;
    retime_startup startup;
    unsigned char inputs[48];
    unsigned char outputs[48] = {0};

    for (size_t i = 0; i < sizeof inputs; i++) {
        inputs[i] = (unsigned char)i;
    }
    load(&it);
    it.fake->inputs = 2;
    it.fake->outputs = 2;
    it.fake->input[1].size = 8;
    it.fake->output[1].size = 8;
    it.fake->quantized = LITERT_PER_TENSOR;
    it.fake->output[0].scale = 0.5F;
    it.fake->output[0].zero_point = 3;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(retime_session_call(it.session), RETIME_CALL_SIGNATURE);
    CHECK_EQUAL(
        retime_session_map(it.session, inputs, 48, outputs, 48, 2, &it.error),
        RETIME_OK);
    for (size_t i = 0; i < sizeof inputs; i++) {
        CHECK_EQUAL(outputs[i], i + 1);
    }
    CHECK_EQUAL(retime_session_output(it.session, 0, &tensor, &it.error),
                RETIME_OK);
    CHECK_TEXT(tensor.name, "floats");
    CHECK_EQUAL(tensor.type, 1);
    CHECK_EQUAL(tensor.rank, 2);
    CHECK_EQUAL(tensor.dims[1], 4);
    CHECK_EQUAL(tensor.bytes, 16);
    CHECK_EQUAL(tensor.zero_point, 3);
    retime_session_startup(it.session, &startup);
    CHECK(startup.model_ns >= 0 && startup.allocate_ns >= 0);
    fixture_close(&it);
}

TEST("LiteRT's options say delegate, threads, flags and cache") {
    struct fixture it;

    load(&it);
    it.options.threads = 3;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_TEXT(it.fake->options,
               "[xnnpack]\nkernel_mode = \"builtin\"\nnum_threads = 3\n"
               "[runtime_options_string]\nenable_profiling = false\n"
               "error_reporter_mode = 2\n");
    fixture_close(&it);
    load(&it);
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    it.options.xnnpack_flags = "force_fp16 no_qu8";
    it.options.weight_cache = "/a/cache";
    it.options.profile = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_TEXT(it.fake->options,
               "[xnnpack]\nkernel_mode = \"delegate\"\nnum_threads = 1\n"
               "flags = 13\nweight_cache_file_path = \"/a/cache\"\n"
               "[runtime_options_string]\nenable_profiling = true\n"
               "error_reporter_mode = 2\n");
    fixture_close(&it);
}

TEST("LiteRT refuses what its C API has no option for") {
    struct fixture it;
    char path[3000];

    load(&it);
    it.options.delegate = RETIME_DELEGATE_EXTERNAL;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_UNSUPPORTED);
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    it.options.weight_cache = "memory";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_UNSUPPORTED);
    it.options.weight_cache = "/a\"b";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    it.options.weight_cache = path;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
    it.options.weight_cache = NULL;
    it.options.xnnpack_flags = "fp17";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
    fixture_close(&it);
}

TEST("LiteRT's signatures run by name; a graph without one by its call") {
    struct fixture it;

    load(&it);
    it.options.signature = "second";
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(it.session->own.litert.signature_index, 1);
    CHECK_EQUAL(retime_session_signature_count(it.session), 2);
    CHECK_TEXT(retime_session_signature(it.session, 1), "second");
    it.fake->fails = "SignatureKey";
    CHECK(retime_session_signature(it.session, 1) == NULL);
    it.fake->fails = "ModelSignature";
    CHECK(retime_session_signature(it.session, 1) == NULL);
    fixture_close(&it);
    load(&it);
    it.options.signature = "third";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SIGNATURE);
    CHECK_HOLDS_TEXT(it.error.message, "no signature third among its 2");
    it.fake->no_name = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SIGNATURE);
    it.fake->signatures = 0;
    it.options.signature = NULL;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SIGNATURE);
    it.fake->signatures = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(retime_session_call(it.session), RETIME_CALL_INTERPRETER);
    fixture_close(&it);
    load(&it);
    it.fake->no_name = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    fixture_close(&it);
}

TEST("each LiteRT step that fails is named, and frees what was made before") {
    static const struct {
        const char *fails;
        int after;
        int status;
        const char *step;
    } steps[] = {
        {"CreateEnvironment", 0, RETIME_E_LIBRARY, "CreateEnvironment"},
        {"CreateModelFromBuffer", 0, RETIME_E_MODEL, "CreateModelFromBuffer"},
        {"NumModelSignatures", 0, RETIME_E_MODEL, "GetModelSignature"},
        {"GetModelSignature", 0, RETIME_E_MODEL, "GetModelSignature"},
        {"GetSignatureKey", 0, RETIME_E_MODEL, "GetModelSignature"},
        {"LiteRtCreateOptions", 0, RETIME_E_INTERPRETER, "CreateOptions"},
        {"HardwareAccelerators", 0, RETIME_E_INTERPRETER, "CreateOptions"},
        {"CreateOpaqueOptions", 0, RETIME_E_INTERPRETER, "CreateOpaqueOptions"},
        {"CreateOpaqueOptions", 1, RETIME_E_INTERPRETER, "CreateOpaqueOptions"},
        {"AddOpaqueOptions", 0, RETIME_E_INTERPRETER, "AddOpaqueOptions"},
        {"CreateCompiledModel", 0, RETIME_E_INTERPRETER, "CreateCompiledModel"},
        {"GetProfiler", 0, RETIME_E_UNSUPPORTED, "GetProfiler"},
        {"SignatureInputs", 0, RETIME_E_MODEL, "GetNumSignature"},
        {"SignatureOutputs", 0, RETIME_E_MODEL, "GetNumSignature"},
        {"ResizeInputTensor", 0, RETIME_E_TENSOR, "ResizeInputTensor"},
        {"InputTensorLayout", 0, RETIME_E_ALLOCATE, "GetTensorLayout"},
        {"OutputTensorLayouts", 0, RETIME_E_ALLOCATE, "AllocateTensors"},
        {"SignatureInputTensor", 0, RETIME_E_TENSOR, "GetRankedTensorType"},
        {"SignatureOutputTensor", 0, RETIME_E_TENSOR, "GetRankedTensorType"},
        {"GetRankedTensorType", 0, RETIME_E_TENSOR, "GetRankedTensorType"},
        {"InputBufferReq", 0, RETIME_E_ALLOCATE, "GetBufferRequirements"},
        {"OutputBufferReq", 0, RETIME_E_ALLOCATE, "GetBufferRequirements"},
        {"RequirementsBufferSize", 0, RETIME_E_ALLOCATE,
         "GetBufferRequirements"},
        {"FromHostMemory", 0, RETIME_E_ALLOCATE, "CreateTensorBuffer"},
        {"PackedSize", 0, RETIME_E_ALLOCATE, "CreateTensorBuffer"},
        {"RunCompiledModel", 0, RETIME_E_INVOKE, "Invoke"},
        {"GetTensorName", 0, RETIME_E_TENSOR, "describe-tensor"},
        {"QuantizationTypeId", 0, RETIME_E_TENSOR, "describe-tensor"},
        {"PerTensorQuantization", 0, RETIME_E_TENSOR, "describe-tensor"},
    };
    static const retime_shape shape = {0, 2, {1, 4}};
    struct fixture it;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        load(&it);
        it.options.count_nodes = 1;
        it.options.shapes = &shape;
        it.options.shape_count = 1;
        it.fake->quantized = LITERT_PER_TENSOR;
        it.fake->fails = steps[i].fails;
        it.fake->after = steps[i].after;
        CHECK_EQUAL(fixture_session(&it), steps[i].status);
        CHECK_TEXT(it.error.step, steps[i].step);
        CHECK(it.session == NULL);
        fixture_close(&it);
    }
}

TEST("what LiteRT says of a failure is told with its status") {
    struct fixture it;

    load(&it);
    it.fake->fails = "OutputTensorLayouts";
    it.fake->says = "it overflows";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ALLOCATE);
    CHECK_TEXT(it.error.message,
               "LiteRT's status is 3 (runtime failure): it overflows");
    it.fake->says = NULL;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ALLOCATE);
    CHECK_HOLDS_TEXT(it.error.message, "on standard error");
    it.fake->fails = NULL;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    it.fake->fails = "Run";
    it.fake->says = "no luck";
    CHECK_EQUAL(retime_session_warm_up(it.session, 1, 0, NULL, &it.error),
                RETIME_E_INVOKE);
    CHECK_TEXT(it.error.message, "no luck");
    it.fake->fails = "e"; /* its messages, too */
    CHECK_EQUAL(retime_session_warm_up(it.session, 1, 0, NULL, &it.error),
                RETIME_E_INVOKE);
    fixture_close(&it);
    load(&it);
    CHECK_EQUAL(retime_session_open(it.library, "junk", 4, &it.options,
                                    &it.session, &it.error),
                RETIME_E_MODEL);
    CHECK_HOLDS_TEXT(it.error.message, "501 (no valid model)");
    fixture_close(&it);
}

TEST("a status that isn't known is told by its number") {
    struct fixture it;
    retime_error error;

    load(&it);
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(
        retime_litert_fail(it.session, RETIME_E_MODEL, "a-step", 12345, &error),
        RETIME_E_MODEL);
    CHECK_HOLDS_TEXT(error.message, "12345 (no text for it)");
    fixture_close(&it);
}

TEST("LiteRT tensors that can't be held are refused") {
    struct fixture it;

    for (int type = 0; type < 24; type++) {
        load(&it);
        it.fake->output[0].type = type;
        CHECK_EQUAL(fixture_session(&it), type == TFLITE_STRING ||
                                                  type == TFLITE_RESOURCE ||
                                                  type == TFLITE_VARIANT
                                              ? RETIME_E_TENSOR
                                              : RETIME_OK);
        fixture_close(&it);
    }
    for (int side = 0; side < 2; side++) {
        load(&it);
        it.fake->input[0].type = side == 0 ? TFLITE_STRING : 1;
        it.fake->input[0].unknown = side == 1;
        CHECK_EQUAL(fixture_session(&it), RETIME_E_TENSOR);
        fixture_close(&it);
        load(&it);
        it.fake->output[0].unknown = side == 0;
        it.fake->output[0].size = side == 0 ? 16 : 0;
        CHECK_EQUAL(fixture_session(&it), RETIME_E_TENSOR);
        CHECK_HOLDS_TEXT(it.error.message, "before");
        fixture_close(&it);
    }
    load(&it);
    it.fake->input[0].size = 0;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_TENSOR);
    CHECK_HOLDS_TEXT(it.error.message, "input 0");
    fixture_close(&it);
    load(&it);
    it.fake->packed = 17;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ALLOCATE);
    CHECK_HOLDS_TEXT(it.error.message, "asks for 16 bytes and uses 17");
    fixture_close(&it);
    load(&it);
    it.fake->output[0].size = SIZE_MAX;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_MEMORY);
    fixture_close(&it);
    load(&it);
    it.fake->input[0].rank = 12;
    it.fake->no_name = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    fixture_close(&it);
}

TEST("LiteRT sessions survive every lack of memory") {
    struct fixture it;
    int opened = 0;

    for (int callocs = 0; callocs < 40 && !opened; callocs++) {
        load(&it);
        it.options.count_nodes = 1;
        doubles.calloc_limited = 1;
        doubles.callocs = callocs;
        opened = fixture_session(&it) == RETIME_OK;
        CHECK(opened || it.error.status == RETIME_E_MEMORY);
        fixture_close(&it);
    }
    CHECK(opened);
}

TEST("LiteRT inputs that don't exist can't be resized") {
    retime_shape shape = {1, 1, {1}};
    struct fixture it;

    for (int i = 0; i < 2; i++) {
        load(&it);
        it.options.shapes = &shape;
        it.options.shape_count = 1;
        CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
        shape.input = -1;
        fixture_close(&it);
    }
}

TEST("what a LiteRT library lacks is named where it is asked for") {
    static const retime_shape shape = {0, 2, {2, 5}};
    struct fixture it;

    fixture_library(&it, "fake_litert_without_features.so");
    it.fake->signatures = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    it.fake->fails = "Run";
    CHECK_EQUAL(retime_session_warm_up(it.session, 1, 0, NULL, &it.error),
                RETIME_E_INVOKE);
    CHECK_HOLDS_TEXT(it.error.message, "gave no reason");
    it.fake->fails = NULL;
    retime_session_close(it.session);
    it.session = NULL;
    it.options.profile = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SYMBOL);
    it.options.profile = 0;
    it.options.count_nodes = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SYMBOL);
    CHECK_HOLDS_TEXT(it.error.message, "profiling and node counts");
    it.options.count_nodes = 0;
    it.options.shapes = &shape;
    it.options.shape_count = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SYMBOL);
    fixture_close(&it);
}

/* Counts nodes of a script of events. */
static retime_nodes count(struct fixture *it, const struct fake_event *events,
                          size_t number, const char *fails) {
    retime_nodes nodes;

    load(it);
    memcpy(it->fake->events, events, number * sizeof *events);
    it->fake->nodes_before = 12;
    it->fake->fails = fails;
    it->options.count_nodes = 1;
    CHECK_EQUAL(fixture_session(it), RETIME_OK);
    retime_session_nodes(it->session, &nodes);
    return nodes;
}

TEST("LiteRT's nodes are counted by what ran") {
    static const struct fake_event events[] = {
        {.kind = FAKE_WHOLE, .name = "PAD", .type = 2, .us = 9},
        {.kind = FAKE_WHOLE, .name = "a", .type = 8, .us = 1, .index = 0},
        {.kind = FAKE_WHOLE, .name = "b", .type = 8, .us = 1, .index = 1},
        {.kind = FAKE_WHOLE, .name = "SOFTMAX", .type = 2, .start_us = 9},
        {.kind = FAKE_WHOLE, .name = "MyDelegate", .type = 2, .start_us = 12},
    };
    struct fixture it;
    retime_nodes nodes = count(&it, events, 5, NULL);

    CHECK_EQUAL(nodes.nodes, 12);
    CHECK_EQUAL(nodes.delegated, 10);
    fixture_close(&it);
    CHECK_EQUAL(count(&it, events, 5, "SignatureSubgraph").nodes, -1);
    fixture_close(&it);
    CHECK_EQUAL(count(&it, events, 5, "NumSubgraphOps").nodes, -1);
    fixture_close(&it);
    CHECK_EQUAL(count(&it, events, 5, "StopProfiler").nodes, -1);
    fixture_close(&it);
}

TEST("a LiteRT session that counts runs once, and may not be profiled") {
    struct fixture it;
    retime_operation one[4];
    retime_profile profile;

    load(&it);
    it.options.count_nodes = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(it.fake->invokes, 1);
    CHECK_EQUAL(
        retime_session_profile(it.session, 1, one, 4, &profile, &it.error),
        RETIME_E_UNSUPPORTED);
    fixture_close(&it);
}

TEST("a LiteRT session doesn't open on a clock that fails") {
    struct fixture it;

    for (int readings = 0; readings < 5; readings++) {
        load(&it);
        doubles.clock_limited = 1;
        doubles.readings = readings;
        CHECK_EQUAL(fixture_session(&it), RETIME_E_CLOCK);
        fixture_close(&it);
    }
}
