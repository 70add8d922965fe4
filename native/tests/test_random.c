/* test_random.c: random inputs. */
#include "internal.h"

#include "check.h"
#include "fixture.h"

#include <string.h>

/* Makes random bytes of one type. */
static void randomize(int type, unsigned char *bytes, uint64_t seed) {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.fake->input[0].type = type;
    it.fake->input[0].size = 64;
    CHECK_EQUAL(fixture_session(&it), RETIME_OK);
    CHECK_EQUAL(
        retime_session_randomize(it.session, seed, bytes, 64, &it.error),
        RETIME_OK);
    fixture_close(&it);
}

TEST("random real numbers are from -1 to 1, and differ") {
    unsigned char bytes[64];

    randomize(1, bytes, 7);
    for (size_t i = 0; i < 16; i++) {
        float value;

        memcpy(&value, bytes + 4 * i, sizeof value);
        CHECK(value >= -1 && value < 1 && (value < 0 || value > 0));
    }
    CHECK(memcmp(bytes, bytes + 32, 32) != 0);
    randomize(11, bytes, 7);
    for (size_t i = 0; i < 8; i++) {
        double value;

        memcpy(&value, bytes + 8 * i, sizeof value);
        CHECK(value >= -1 && value < 1 && (value < 0 || value > 0));
    }
    randomize(10, bytes, 7);
    for (size_t i = 0; i < 32; i++) {
        uint16_t value;

        memcpy(&value, bytes + 2 * i, sizeof value);
        /* Half precision: an exponent below that of 1. */
        CHECK(((value >> 10) & 31) >= 11 && ((value >> 10) & 31) < 15);
    }
}

TEST("short integers are anything, longer ones and truths 0 or 1") {
    static const int any[] = {3, 7, 9, 17};
    static const struct {
        int type;
        size_t width;
    } few[] = {{2, 4}, {4, 8}, {6, 1}};
    unsigned char bytes[64];
    unsigned all = 0;

    for (int i = 0; i < 4; i++) {
        memset(bytes, 0, sizeof bytes);
        all = 0;
        randomize(any[i], bytes, 7);
        for (size_t j = 0; j < 64; j++) {
            all |= bytes[j];
        }
        CHECK_EQUAL(all, 0xFF);
    }
    for (int i = 0; i < 3; i++) {
        all = 0;
        randomize(few[i].type, bytes, 7);
        for (size_t j = 0; j < 64; j++) {
            CHECK(bytes[j] <= (j % few[i].width == 0));
            all += bytes[j];
        }
        CHECK(all > 0 && all < 64 / few[i].width);
    }
}

TEST("types without a number are zero") {
    unsigned char bytes[64];

    randomize(8, bytes, 7);
    for (size_t j = 0; j < 64; j++) {
        CHECK_EQUAL(bytes[j], 0);
    }
}

TEST("the same seed gives the same bytes, another one others") {
    unsigned char bytes[64];
    unsigned char same[64];
    /* SplitMix64's first number after seed 0, as published, made a float. */
    static const unsigned char begin[] = {0x50, 0x41, 0x44, 0x3F};

    randomize(1, bytes, 0);
    randomize(1, same, 0);
    CHECK(memcmp(bytes, same, 64) == 0);
    CHECK(memcmp(bytes, begin, sizeof begin) == 0);
    randomize(1, same, 1);
    CHECK(memcmp(bytes, same, 64) != 0);
}

TEST("random inputs of the wrong size, or of no session, are refused") {
    struct fixture it;
    char bytes[32];

    fixture_open(&it);
    CHECK_EQUAL(retime_session_randomize(it.session, 1, bytes, 15, &it.error),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_randomize(it.session, 1, NULL, 16, &it.error),
                RETIME_E_ARGUMENT);
    CHECK_HOLDS_TEXT(it.error.message, "as NULL");
    CHECK_EQUAL(retime_session_randomize(NULL, 1, bytes, 16, &it.error),
                RETIME_E_ARGUMENT);
    it.fake->input[0].size = 0;
    CHECK_EQUAL(retime_session_randomize(it.session, 1, NULL, 0, &it.error),
                RETIME_OK);
    fixture_close(&it);
}
