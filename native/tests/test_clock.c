/* test_clock.c: the clock and the busy wait. */
#include "internal.h"

#include "check.h"
#include "doubles.h"

TEST("the raw monotonic clock is used, and described") {
    retime_clock clock = {0};

    doubles_reset();
    CHECK_EQUAL(retime_clock_describe(&clock, NULL), RETIME_OK);
    CHECK_EQUAL(clock.id, CLOCK_MONOTONIC_RAW);
    CHECK(clock.resolution_ns > 0);
    CHECK(clock.step_ns >= 1);
    CHECK(clock.cost_ns >= 0);
}

TEST("the steered clock is used where there is no raw one") {
    retime_clock clock = {0};

    doubles_reset();
    doubles.no_raw_clock = 1;
    CHECK_EQUAL(retime_clock_describe(&clock, NULL), RETIME_OK);
    CHECK_EQUAL(clock.id, CLOCK_MONOTONIC);
    doubles_reset();
}

TEST("the clock goes on") {
    int64_t earlier;

    doubles_reset();
    earlier = retime_clock_now();
    CHECK(earlier > 0);
    CHECK(retime_clock_now() >= earlier);
}

TEST("a clock that can't be read is an error, wherever it is read") {
    retime_clock clock = {.id = 99};
    retime_error error;

    doubles_reset();
    doubles.clock_limited = 1;
    CHECK_EQUAL(retime_clock_now(), -1);
    CHECK_EQUAL(retime_clock_describe(&clock, &error), RETIME_E_CLOCK);
    CHECK_HOLDS_TEXT(error.message, "no monotonic clock");
    for (int readings = 1; readings < 4; readings++) {
        doubles.readings = readings;
        CHECK_EQUAL(retime_clock_describe(&clock, &error), RETIME_E_CLOCK);
        CHECK_HOLDS_TEXT(error.message, "stopped answering");
    }
    doubles.readings = 1;
    CHECK_EQUAL(retime_clock_now(), -1);
    doubles_reset();
    doubles.no_resolution = 1;
    CHECK_EQUAL(retime_clock_describe(&clock, &error), RETIME_E_CLOCK);
    CHECK_EQUAL(clock.id, 99);
    doubles_reset();
}

TEST("a clock isn't described into nothing") {
    CHECK_EQUAL(retime_clock_describe(NULL, NULL), RETIME_E_ARGUMENT);
}

TEST("a wait lasts as long as was asked, short or long") {
    static const int64_t lengths[] = {100, 1000, 6000, 100000};
    struct retime_delay delay;

    doubles_reset();
    for (int i = 0; i < 4; i++) {
        int64_t waits[51];

        CHECK_EQUAL(retime_delay_calibrate(&delay, CLOCK_MONOTONIC_RAW,
                                           lengths[i], NULL),
                    RETIME_OK);
        for (int j = 0; j < 51; j++) {
            int64_t start = retime_clock_read(CLOCK_MONOTONIC_RAW);

            waits[j] = retime_delay_wait(&delay, start) - start;
        }
        /* Wide bounds: this is about gross slips; a benchmark has figures. */
        CHECK(retime_median(waits, 51) > lengths[i] / 3);
    }
}

TEST("a wait can't be calibrated on a clock that stands still or fails") {
    struct retime_delay delay;
    retime_error error;

    doubles_reset();
    doubles.clock_frozen = 1;
    CHECK_EQUAL(
        retime_delay_calibrate(&delay, CLOCK_MONOTONIC_RAW, 100, &error),
        RETIME_E_CLOCK);
    CHECK_HOLDS_TEXT(error.message, "stands still");
    doubles.clock_frozen = 0;
    doubles.clock_limited = 1;
    /* Each bound lies in another part of the calibration. */
    for (int readings = 0; readings < 8000; readings += 7) {
        doubles.readings = readings;
        if (retime_delay_calibrate(&delay, CLOCK_MONOTONIC_RAW, 100000,
                                   &error) == RETIME_OK) {
            CHECK(doubles.readings >= 0);
        }
    }
    doubles_reset();
}

TEST("a clock's step is measured, whatever the kernel states") {
    retime_clock clock = {0};

    doubles_reset();
    doubles.clock_coarse = 250;
    CHECK_EQUAL(retime_clock_describe(&clock, NULL), RETIME_OK);
    CHECK_EQUAL(clock.step_ns, 250);
    doubles_reset();
    doubles.clock_reversed = 1;
    CHECK_EQUAL(retime_clock_describe(&clock, NULL), RETIME_E_CLOCK);
    doubles_reset();
}

TEST("a clock that stops answering while its step is measured is an error") {
    retime_clock clock = {0};

    doubles_reset();
    doubles.clock_limited = 1;
    for (doubles.readings = 6570; doubles.readings < 6600;) {
        const int readings = doubles.readings;

        CHECK_EQUAL(retime_clock_describe(&clock, NULL), RETIME_E_CLOCK);
        doubles.readings = readings + 10;
    }
    doubles_reset();
}
