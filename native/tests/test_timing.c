/* test_timing.c: the timed loops. */
#include "internal.h"

#include "check.h"
#include "doubles.h"
#include "fixture.h"

#include <string.h>

/* Delays of the plain and of the delayed loop. */
static const int64_t loops[] = {0, 1000};

/* Times runs one after the other, with a delay. */
static int time_it(retime_session *session, int64_t *samples, size_t count,
                   int64_t delay_ns, size_t *done, retime_error *error) {
    const retime_timing timing = {.delay_ns = delay_ns};

    return retime_session_time(session, &timing, samples, count, done, error);
}

TEST("every sample is one inference, and positive") {
    struct fixture it;

    for (int i = 0; i < 2; i++) {
        int64_t samples[40];
        size_t done = 99;

        memset(samples, 0, sizeof samples);
        fixture_open(&it);
        it.fake->work = 100;
        CHECK_EQUAL(
            time_it(it.session, samples, 40, loops[i], &done, &it.error),
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
    CHECK_EQUAL(time_it(it.session, samples, 40, 200000, NULL, &it.error),
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
    CHECK_EQUAL(time_it(it.session, NULL, 0, 0, &done, &it.error), RETIME_OK);
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
        CHECK_EQUAL(time_it(it.session, samples, 9, loops[i], &done, &it.error),
                    RETIME_E_INVOKE);
        CHECK_EQUAL(done, 4);
        CHECK(samples[3] > 0);
        CHECK_EQUAL(samples[4], 0);
        CHECK_HOLDS_TEXT(it.error.message, "bad luck; That was");
        CHECK_EQUAL(time_it(it.session, samples, 9, loops[i], NULL, NULL),
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
    doubles.readings = 0;
    CHECK_EQUAL(time_it(it.session, samples, 9, 0, &done, &it.error),
                RETIME_E_CLOCK);
    /* One is read before the first run. */
    for (int readings = 5; readings < 7; readings++) {
        doubles.readings = readings;
        CHECK_EQUAL(time_it(it.session, samples, 9, 0, &done, &it.error),
                    RETIME_E_CLOCK);
        CHECK_EQUAL(done, 2);
        CHECK_HOLDS_TEXT(it.error.message, "after 2 samples");
    }
    /* The delayed loop reads it thousands of times before. */
    for (int readings = 0; readings < 8000; readings++) {
        doubles.readings = readings;
        if (time_it(it.session, samples, 9, 50, &done, &it.error) ==
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
    CHECK_EQUAL(time_it(it.session, samples, 9, 0, &done, &it.error),
                RETIME_E_CLOCK);
    CHECK_EQUAL(done, 0);
    CHECK_HOLDS_TEXT(it.error.message, "-1000000000 ns");
    doubles.clock_reversed = 0;
    doubles.clock_frozen = 1;
    CHECK_EQUAL(time_it(it.session, samples, 9, 0, &done, &it.error),
                RETIME_E_CLOCK);
    CHECK_HOLDS_TEXT(it.error.message, "too coarse");
    CHECK_EQUAL(time_it(it.session, samples, 9, 100, &done, &it.error),
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
    CHECK_EQUAL(time_it(NULL, samples, 1, 0, &done, &it.error),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(done, 0);
    CHECK_EQUAL(time_it(it.session, NULL, 1, 0, NULL, &it.error),
                RETIME_E_ARGUMENT);
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(time_it(it.session, samples, 1, delays[i], NULL, &it.error),
                    RETIME_E_ARGUMENT);
        CHECK_HOLDS_TEXT(it.error.message, "a delay of");
    }
    CHECK_EQUAL(it.fake->invokes, 0);
    fixture_close(&it);
}

TEST("without a timing the room for samples is filled") {
    struct fixture it;
    int64_t samples[7];
    size_t done = 0;

    fixture_open(&it);
    CHECK_EQUAL(
        retime_session_time(it.session, NULL, samples, 7, &done, &it.error),
        RETIME_OK);
    CHECK_EQUAL(done, 7);
    fixture_close(&it);
}

TEST("runs end after so many, or so long, or where the room ends") {
    struct fixture it;
    static int64_t samples[20000];
    size_t done = 0;
    retime_timing timing = {.runs = 5};
    int64_t sum = 0;

    fixture_open(&it);
    it.fake->work = 2000;
    CHECK_EQUAL(retime_session_time(it.session, &timing, samples, 20000, &done,
                                    &it.error),
                RETIME_OK);
    CHECK_EQUAL(done, 5);
    timing.min_ns = 3000000;
    CHECK_EQUAL(retime_session_time(it.session, &timing, samples, 20000, &done,
                                    &it.error),
                RETIME_OK);
    CHECK(done > 5);
    CHECK(done < 20000);
    for (size_t i = 0; i < done; i++) {
        CHECK(samples[i] > 0);
        sum += samples[i];
    }
    CHECK(sum > 0);
    timing.runs = 50;
    timing.min_ns = INT64_MAX;
    CHECK_EQUAL(
        retime_session_time(it.session, &timing, samples, 20, &done, &it.error),
        RETIME_OK);
    CHECK_EQUAL(done, 20);
    fixture_close(&it);
}

TEST("sets of inputs take turns, before the clock is read") {
    struct fixture it;
    unsigned char sets[3 * 16];
    unsigned char output[16];
    int64_t samples[4];
    retime_timing timing = {
        .inputs = sets, .inputs_size = sizeof sets, .input_sets = 3};

    for (size_t i = 0; i < sizeof sets; i++) {
        sets[i] = (unsigned char)(10 * (i / 16));
    }
    for (size_t runs = 1; runs <= 4; runs++) {
        fixture_open(&it);
        CHECK_EQUAL(retime_session_time(it.session, &timing, samples, runs,
                                        NULL, &it.error),
                    RETIME_OK);
        CHECK_EQUAL(retime_session_read(it.session, 0, output, 16, NULL),
                    RETIME_OK);
        CHECK_EQUAL(output[0], 10 * ((runs - 1) % 3) + 1);
        fixture_close(&it);
    }
}

TEST("spaced and flushed runs are as many, and may be delayed") {
    struct fixture it;
    int64_t samples[3];
    size_t done = 0;
    retime_timing timing = {.gap_ns = 2000000, .flush_bytes = 4096};
    int64_t start;

    fixture_open(&it);
    start = retime_clock_now();
    CHECK_EQUAL(
        retime_session_time(it.session, &timing, samples, 3, &done, &it.error),
        RETIME_OK);
    CHECK(retime_clock_now() - start >= 5000000);
    CHECK_EQUAL(done, 3);
    timing.delay_ns = 100000;
    CHECK_EQUAL(
        retime_session_time(it.session, &timing, samples, 3, &done, &it.error),
        RETIME_OK);
    CHECK(samples[2] > 95000);
    it.fake->fails = "Invoke";
    it.fake->after = 1;
    CHECK_EQUAL(
        retime_session_time(it.session, &timing, samples, 3, &done, &it.error),
        RETIME_E_INVOKE);
    CHECK_EQUAL(done, 1);
    fixture_close(&it);
}

TEST("what goes wrong between runs ends the timing") {
    struct fixture it;
    char sets[16] = {0};
    int64_t samples[3];
    size_t done = 9;
    retime_timing timing = {.inputs = sets, .inputs_size = 16, .input_sets = 1};

    fixture_open(&it);
    it.fake->input[0].homeless = 1;
    CHECK_EQUAL(
        retime_session_time(it.session, &timing, samples, 3, &done, &it.error),
        RETIME_E_TENSOR);
    CHECK_EQUAL(done, 0);
    it.fake->input[0].absent = 1;
    CHECK_EQUAL(
        retime_session_time(it.session, &timing, samples, 3, &done, &it.error),
        RETIME_E_TENSOR);
    timing = (retime_timing){.flush_bytes = 4096};
    doubles.no_memory = 1;
    CHECK_EQUAL(
        retime_session_time(it.session, &timing, samples, 3, &done, &it.error),
        RETIME_E_MEMORY);
    fixture_close(&it);
}

TEST("gaps, times and sets that make no sense are refused") {
    struct fixture it;
    char sets[40] = {0};
    int64_t samples[3];
    const retime_timing wrong[] = {
        {.gap_ns = -1},
        {.gap_ns = 10000000001},
        {.min_ns = -1},
        {.inputs = sets, .inputs_size = 16, .input_sets = 0},
        {.inputs = sets, .inputs_size = 33, .input_sets = 2},
        {.inputs = sets, .inputs_size = 32, .input_sets = 1},
    };

    fixture_open(&it);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_EQUAL(retime_session_time(it.session, &wrong[i], samples, 3, NULL,
                                        &it.error),
                    RETIME_E_ARGUMENT);
    }
    CHECK_EQUAL(it.fake->invokes, 0);
    fixture_close(&it);
}

TEST("caches are pushed out by more bytes than they have") {
    CHECK(retime_cache_flush_bytes() >= 1 << 20);
}
