/* test_tflite.c: what only the classic C API has: signatures, XNNPACK's
   options, external delegates, the arena. */
#include "internal.h"

#include "check.h"
#include "doubles.h"
#include "fixture.h"

#include <string.h>

TEST("a signature runs by name, or else the first one") {
    static const char *const names[] = {NULL, "first", "second"};
    struct fixture it;
    unsigned char bytes[16] = {0};

    for (int i = 0; i < 3; i++) {
        fixture_library(&it, "fake.so");
        it.fake->signatures = 2;
        it.fake->inputs = 2;
        it.fake->outputs = 2;
        it.options.call = RETIME_CALL_SIGNATURE;
        it.options.signature = names[i];
        CHECK_EQUAL(fixture_session(&it), RETIME_OK);
        CHECK_EQUAL(retime_session_call(it.session), RETIME_CALL_SIGNATURE);
        CHECK_EQUAL(retime_session_input_count(it.session), 2);
        CHECK_EQUAL(retime_session_output_count(it.session), 2);
        CHECK_EQUAL(retime_session_warm_up(it.session, 1, 0, NULL, NULL),
                    RETIME_OK);
        CHECK_EQUAL(retime_session_read(it.session, 1, bytes, 16, NULL),
                    RETIME_OK);
        CHECK_EQUAL(bytes[0], 1);
        fixture_close(&it);
    }
}

TEST("signatures are listed, whatever runs") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.fake->signatures = 2;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(retime_session_call(it.session), RETIME_CALL_INTERPRETER);
    CHECK_EQUAL(retime_session_signature_count(it.session), 2);
    CHECK_TEXT(retime_session_signature(it.session, 1), "second");
    CHECK(retime_session_signature(it.session, 2) == NULL);
    CHECK(retime_session_signature(it.session, -1) == NULL);
    fixture_close(&it);
}

TEST(
    "a signature that isn't there, or that the call doesn't take, is refused") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.options.signature = "first";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
    it.options.call = RETIME_CALL_SIGNATURE;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SIGNATURE);
    CHECK_HOLDS_TEXT(it.error.message, "no signature");
    it.fake->signatures = 1;
    it.options.signature = "second";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_SIGNATURE);
    CHECK_HOLDS_TEXT(it.error.message, "the first is first");
    fixture_close(&it);
}

TEST("a signature's failures are told as the interpreter's are") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.fake->signatures = 1;
    it.options.call = RETIME_CALL_SIGNATURE;
    it.fake->fails = "AllocateTensors";
    it.fake->says = "no room";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ALLOCATE);
    CHECK_HOLDS_TEXT(it.error.message, "no room");
    it.fake->fails = NULL;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    it.fake->fails = "SignatureRunnerInvoke";
    CHECK_EQUAL(retime_session_warm_up(it.session, 1, 0, NULL, &it.error),
                RETIME_E_INVOKE);
    fixture_close(&it);
}

TEST("inputs are resized on either call") {
    static const retime_shape shape = {0, 2, {2, 5}};
    struct fixture it;
    retime_tensor tensor;

    for (int call = 0; call < 2; call++) {
        fixture_library(&it, "fake.so");
        it.fake->signatures = 1;
        it.options.call = call;
        it.options.shapes = &shape;
        it.options.shape_count = 1;
        CHECK_EQUAL(fixture_session(&it), RETIME_OK);
        CHECK_EQUAL(retime_session_input(it.session, 0, &tensor, NULL),
                    RETIME_OK);
        CHECK_EQUAL(tensor.bytes, 40);
        CHECK_EQUAL(tensor.dims[1], 5);
        fixture_close(&it);
        fixture_library(&it, "fake.so");
        it.fake->signatures = 1;
        it.options.call = call;
        it.options.shapes = &shape;
        it.options.shape_count = 1;
        it.fake->fails = "ResizeInputTensor";
        CHECK_EQUAL(fixture_session(&it), RETIME_E_TENSOR);
        CHECK_TEXT(it.error.step, "ResizeInputTensor");
        fixture_close(&it);
    }
}

TEST("an input that isn't there can't be resized") {
    retime_shape shape = {1, 1, {1}};
    struct fixture it;

    for (int i = 0; i < 2; i++) {
        fixture_library(&it, "fake.so");
        it.options.shapes = &shape;
        it.options.shape_count = 1;
        CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
        shape.input = -1;
        fixture_close(&it);
    }
}

TEST("XNNPACK's flags are added to and taken from the library's own") {
    struct fixture it;

    for (int newer = 0; newer < 2; newer++) {
        fixture_library(&it, "fake.so");
        it.fake->newer = newer;
        it.options.delegate = RETIME_DELEGATE_XNNPACK;
        it.options.xnnpack_flags = "force_fp16  no_qs8 variable_operators";
        CHECK_EQUAL(fixture_session(&it), RETIME_OK);
        CHECK_EQUAL(it.fake->xnnpack_flags, 0x16);
        CHECK_TEXT(it.fake->xnnpack_cache, "");
        fixture_close(&it);
    }
}

TEST("a flag that XNNPACK doesn't have is named with those that it has") {
    static const char *const wrong[] = {"fp17", "no_", "qs", "no_such", "QS8"};
    struct fixture it;

    for (int i = 0; i < 5; i++) {
        fixture_library(&it, "fake.so");
        it.options.delegate = RETIME_DELEGATE_XNNPACK;
        it.options.xnnpack_flags = wrong[i];
        CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
        CHECK_HOLDS_TEXT(it.error.message, wrong[i]);
        CHECK_HOLDS_TEXT(it.error.message, "qs8 qu8 force_fp16");
        fixture_close(&it);
    }
    fixture_library(&it, "fake.so");
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    it.options.xnnpack_flags =
        "a_flag_that_is_longer_than_any_flag_that_xnnpack_has_or_ever_will_"
        "have";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
    fixture_close(&it);
}

TEST("every word that is listed is one") {
    char word[64];
    uint32_t set;
    uint32_t cleared;
    uint32_t all = 0;

    for (const char *at = retime_xnnpack_words(); *at != '\0';) {
        const size_t length = strcspn(at, " ");

        memcpy(word, at, length);
        word[length] = '\0';
        CHECK_EQUAL(retime_xnnpack_read_flags(word, &set, &cleared, NULL),
                    RETIME_OK);
        CHECK(set != 0 && (all & set) == 0);
        all |= set;
        at += length + (at[length] == ' ');
    }
    CHECK_EQUAL(all, 0xFFF);
    CHECK_EQUAL(retime_xnnpack_read_flags(NULL, &set, &cleared, NULL),
                RETIME_OK);
}

TEST("packed weights are kept in memory or in a file") {
    static const char *const wanted[] = {"memory", "/somewhere/cache"};
    struct fixture it;

    for (int i = 0; i < 4; i++) {
        fixture_library(&it, "fake.so");
        it.fake->newer = i / 2;
        it.options.delegate = RETIME_DELEGATE_XNNPACK;
        it.options.weight_cache = wanted[i % 2];
        CHECK_EQUAL(fixture_session(&it), RETIME_OK);
        CHECK_TEXT(it.fake->xnnpack_cache, wanted[i % 2]);
        fixture_close(&it);
    }
    fixture_library(&it, "fake.so");
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    it.options.weight_cache = "";
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_TEXT(it.fake->xnnpack_cache, "");
    fixture_close(&it);
}

TEST("a cache that can't be made or closed is an error") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    it.options.weight_cache = "memory";
    it.fake->fails = "WeightsCacheCreate";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_DELEGATE);
    it.fake->fails = "FinalizeHard";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_DELEGATE);
    CHECK_TEXT(it.error.step, "WeightsCacheFinalizeHard");
    fixture_close(&it);
}

TEST("options of a layout that isn't known are left alone") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.fake->flags = 0;
    it.options.delegate = RETIME_DELEGATE_XNNPACK;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    retime_session_close(it.session);
    it.session = NULL;
    it.options.xnnpack_flags = "qs8";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_UNSUPPORTED);
    it.options.xnnpack_flags = NULL;
    it.options.weight_cache = "memory";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_UNSUPPORTED);
    fixture_close(&it);
}

TEST("what a library lacks is named where it is asked for, and only there") {
    static const retime_shape shape = {0, 2, {2, 5}};
    struct fixture it;
    retime_options wanted[4] = {
        {.delegate = RETIME_DELEGATE_XNNPACK, .weight_cache = "memory"},
        {.call = RETIME_CALL_SIGNATURE},
        {.shapes = &shape, .shape_count = 1},
        {.profile = 1},
    };
    static const char *const features[] = {"XNNPACK's weight cache in memory",
                                           "signatures", "input resizing",
                                           "profiling"};

    for (int i = 0; i < 4; i++) {
        fixture_library(&it, "fake_without_features.so");
        CHECK_EQUAL(fixture_session(&it), RETIME_OK);
        CHECK_EQUAL(retime_session_signature_count(it.session), 0);
        retime_session_close(it.session);
        it.session = NULL;
        it.options = wanted[i];
        it.options.threads = 1;
        CHECK_EQUAL(fixture_session(&it), RETIME_E_SYMBOL);
        CHECK_HOLDS_TEXT(it.error.message, features[i]);
        CHECK_HOLDS_TEXT(it.error.message, "fake_without_features.so");
        fixture_close(&it);
    }
}

/* Opens a session with the external delegate of a library, with two options. */
static int open_external(struct fixture *it, const char *name,
                         const char *fail) {
    static retime_setting settings[2] = {{"first", "1"}, {"fail", ""}};

    settings[1].key = fail == NULL ? "second" : "fail";
    settings[1].value = fail == NULL ? "2" : fail;
    fixture_library(it, "fake.so");
    it->options.delegate = RETIME_DELEGATE_EXTERNAL;
    it->options.delegate_path = name == NULL ? NULL : fixture_path(name);
    it->options.settings = settings;
    it->options.setting_count = 2;
    return fixture_session(it);
}

TEST("an external delegate is made of its own library, with its options") {
    struct fixture it;

    CHECK_EQUAL(open_external(&it, "fake_plugin.so", NULL), RETIME_OK);
    fixture_close(&it);
}

TEST("an external delegate that can't be made says why") {
    struct fixture it;

    CHECK_EQUAL(open_external(&it, "fake_plugin.so", "it is Sunday"),
                RETIME_E_DELEGATE);
    CHECK_HOLDS_TEXT(it.error.message, "2 options, it is Sunday");
    fixture_close(&it);
    CHECK_EQUAL(open_external(&it, "fake_plugin.so", ""), RETIME_E_DELEGATE);
    CHECK_HOLDS_TEXT(it.error.message, "gave no reason");
    fixture_close(&it);
}

TEST("an external delegate's library is there, whole, and named") {
    struct fixture it;

    CHECK_EQUAL(open_external(&it, NULL, NULL), RETIME_E_ARGUMENT);
    it.options.delegate_path = "";
    CHECK_EQUAL(fixture_session(&it), RETIME_E_ARGUMENT);
    fixture_close(&it);
    CHECK_EQUAL(open_external(&it, "text.so", NULL), RETIME_E_LIBRARY);
    CHECK_HOLDS_TEXT(it.error.message, "text.so");
    fixture_close(&it);
    CHECK_EQUAL(open_external(&it, "fake_litert.so", NULL), RETIME_E_SYMBOL);
    CHECK_HOLDS_TEXT(it.error.message, "tflite_plugin_create_delegate");
    fixture_close(&it);
    CHECK_EQUAL(open_external(&it, "fake_plugin_without_destroy.so", NULL),
                RETIME_E_SYMBOL);
    CHECK_HOLDS_TEXT(it.error.message, "tflite_plugin_destroy_delegate");
    fixture_close(&it);
}

TEST("without memory there is no external delegate") {
    struct fixture it;

    CHECK_EQUAL(open_external(&it, "fake_plugin.so", NULL), RETIME_OK);
    retime_session_close(it.session);
    it.session = NULL;
    doubles.calloc_limited = 1;
    doubles.callocs = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_E_MEMORY);
    fixture_close(&it);
}

TEST("the arena is what its tensors take up, or not known") {
    struct fixture it;
    retime_operation operations[4];
    retime_profile profile;

    fixture_library(&it, "fake.so");
    it.options.profile = 1;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(retime_session_profile(it.session, 1, operations, 4, &profile,
                                       &it.error),
                RETIME_OK);
    CHECK_EQUAL(profile.arena_bytes, 0);
    it.fake->input[0].allocation = TFLITE_ARENA;
    it.fake->output[0].allocation = TFLITE_ARENA;
    it.fake->output[1].allocation = TFLITE_ARENA;
    it.fake->output[1].homeless = 1;
    CHECK_EQUAL(retime_session_profile(it.session, 1, operations, 4, &profile,
                                       &it.error),
                RETIME_OK);
    CHECK(profile.arena_bytes >= 32);
    fixture_close(&it);
    fixture_library(&it, "fake_without_features.so");
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(it.session->backend->arena(it.session), -1);
    fixture_close(&it);
}
