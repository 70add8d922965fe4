/* test_timing.c: the timed loops. */
#include "internal.h"

#include "check.h"
#include "doubles.h"
#include "fixture.h"

#include <string.h>

/* Delays of the plain and of the delayed loop. */
static const int64_t loops[] = {0, 1000};

TEST("every sample is one inference, and positive") {
    struct fixture it;

    for (int i = 0; i < 2; i++) {
        int64_t samples[40];
        size_t done = 99;

        memset(samples, 0, sizeof samples);
        fixture_open(&it);
        it.fake->work = 100;
        CHECK_EQUAL(retime_session_time(it.session, samples, 40, loops[i],
                                        &done, &it.error),
                    RETIME_OK);
        CHECK_EQUAL(done, 40);
        CHECK_EQUAL(it.fake->invokes, 40);
        for (int j = 0; j < 40; j++) {
            CHECK(samples[j] > 0);
        }
        fixture_close(&it);
    }
}

TEST("a delay is inside every sample") {
    struct fixture it;
    int64_t samples[40];

    fixture_open(&it);
    CHECK_EQUAL(
        retime_session_time(it.session, samples, 40, 200000, NULL, &it.error),
        RETIME_OK);
    for (int i = 0; i < 40; i++) {
        CHECK(samples[i] > 190000);
    }
    fixture_close(&it);
}

TEST("no samples take no time") {
    struct fixture it;
    size_t done = 99;

    fixture_open(&it);
    CHECK_EQUAL(retime_session_time(it.session, NULL, 0, 0, &done, &it.error),
                RETIME_OK);
    CHECK_EQUAL(done, 0);
    CHECK_EQUAL(it.fake->invokes, 0);
    fixture_close(&it);
}

TEST("timing stops at the first failure; the samples before it are valid") {
    struct fixture it;

    for (int i = 0; i < 2; i++) {
        int64_t samples[9];
        size_t done = 99;

        memset(samples, 0, sizeof samples);
        fixture_open(&it);
        it.fake->fails = "Invoke";
        it.fake->after = 4;
        it.fake->says = "bad luck";
        CHECK_EQUAL(retime_session_time(it.session, samples, 9, loops[i], &done,
                                        &it.error),
                    RETIME_E_INVOKE);
        CHECK_EQUAL(done, 4);
        CHECK(samples[3] > 0);
        CHECK_EQUAL(samples[4], 0);
        CHECK_HOLDS_TEXT(it.error.message, "bad luck; That was");
        CHECK_EQUAL(
            retime_session_time(it.session, samples, 9, loops[i], NULL, NULL),
            RETIME_E_INVOKE);
        fixture_close(&it);
    }
}

TEST("a clock that fails while timing is an error") {
    struct fixture it;
    int64_t samples[9];
    size_t done = 99;

    fixture_open(&it);
    doubles.clock_limited = 1;
    for (int readings = 4; readings < 6; readings++) {
        doubles.readings = readings;
        CHECK_EQUAL(
            retime_session_time(it.session, samples, 9, 0, &done, &it.error),
            RETIME_E_CLOCK);
        CHECK_EQUAL(done, 2);
        CHECK_HOLDS_TEXT(it.error.message, "after 2 samples");
    }
    /* The delayed loop reads it thousands of times before. */
    for (int readings = 0; readings < 8000; readings++) {
        doubles.readings = readings;
        if (retime_session_time(it.session, samples, 9, 50, &done, &it.error) ==
            RETIME_OK) {
            CHECK_EQUAL(done, 9);
            break;
        }
        CHECK_EQUAL(it.error.status, RETIME_E_CLOCK);
        CHECK(done < 9);
    }
    fixture_close(&it);
}

TEST("a sample that isn't positive is an error, never a sample") {
    struct fixture it;
    int64_t samples[9];
    size_t done = 99;

    fixture_open(&it);
    doubles.clock_reversed = 1;
    CHECK_EQUAL(
        retime_session_time(it.session, samples, 9, 0, &done, &it.error),
        RETIME_E_CLOCK);
    CHECK_EQUAL(done, 0);
    CHECK_HOLDS_TEXT(it.error.message, "-1000000000 ns");
    doubles.clock_reversed = 0;
    doubles.clock_frozen = 1;
    CHECK_EQUAL(
        retime_session_time(it.session, samples, 9, 0, &done, &it.error),
        RETIME_E_CLOCK);
    CHECK_HOLDS_TEXT(it.error.message, "too coarse");
    CHECK_EQUAL(
        retime_session_time(it.session, samples, 9, 100, &done, &it.error),
        RETIME_E_CLOCK);
    CHECK_TEXT(it.error.step, "calibrate-delay");
    CHECK_EQUAL(it.fake->invokes, 2);
    fixture_close(&it);
}

TEST("timing refuses arguments that make no sense") {
    struct fixture it;
    int64_t samples[1];
    size_t done = 99;
    static const int64_t delays[] = {-1, 10000000001, INT64_MIN, INT64_MAX};

    fixture_open(&it);
    CHECK_EQUAL(retime_session_time(NULL, samples, 1, 0, &done, &it.error),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(done, 0);
    CHECK_EQUAL(retime_session_time(it.session, NULL, 1, 0, NULL, &it.error),
                RETIME_E_ARGUMENT);
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(retime_session_time(it.session, samples, 1, delays[i], NULL,
                                        &it.error),
                    RETIME_E_ARGUMENT);
        CHECK_HOLDS_TEXT(it.error.message, "a delay of");
    }
    CHECK_EQUAL(it.fake->invokes, 0);
    fixture_close(&it);
}
