/* test_profile.c: adding up what operations take. */
#include "internal.h"

#include "check.h"
#include "doubles.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 24 };

static retime_operation found[ROOM];

/* Opens a session of a library and profiles so many runs of a script. */
static retime_profile profile(struct fixture *it, const char *library,
                              const struct fake_event *events, size_t count,
                              int64_t runs) {
    retime_profile result = {0};

    fixture_library(it, library);
    it->fake->signatures = 1;
    memcpy(it->fake->events, events, count * sizeof *events);
    it->options.profile = 1;
    CHECK_EQUAL(fixture_session(it), RETIME_OK);
    CHECK_EQUAL(retime_session_profile(it->session, runs, found, ROOM, &result,
                                       &it->error),
                RETIME_OK);
    CHECK_EQUAL(result.runs, runs);
    CHECK_EQUAL(it->fake->invokes, runs);
    return result;
}

/* Two kernels around a delegate's two partitions, which show their operators
   only; the second begins its numbers anew. */
static const struct fake_event partitions[] = {
    {.kind = FAKE_BEGIN, .name = "PAD", .index = 0},
    {.kind = FAKE_END},
    {.kind = FAKE_WHOLE, .name = "Convolution", .index = 0, .us = 7},
    {.kind = FAKE_WHOLE, .name = "Add", .index = 1, .us = 2},
    {.kind = FAKE_WHOLE, .name = "Convolution", .index = 0, .us = 5},
    {.kind = FAKE_BEGIN, .name = "SOFTMAX", .index = 9},
    {.kind = FAKE_END},
    {.kind = FAKE_WHOLE, .name = "Copy", .index = 4, .us = 1},
};

TEST("operators inside a delegate are told apart by partition") {
    struct fixture it;
    retime_profile result =
        profile(&it, "fake.so", partitions,
                sizeof partitions / sizeof partitions[0], 3);

    CHECK_EQUAL(result.operations, 6);
    CHECK_EQUAL(result.dropped, 0);
    CHECK_EQUAL(result.tick_ns, 1000);
    CHECK(result.total_ns > 0);
    CHECK_TEXT(found[0].name, "PAD");
    CHECK_EQUAL(found[0].partition, -1);
    CHECK_EQUAL(found[0].delegate, 0);
    CHECK(found[0].total_ns > 0);
    CHECK_TEXT(found[1].name, "Convolution");
    CHECK_EQUAL(found[1].partition, 0);
    CHECK_EQUAL(found[1].total_ns, 21000);
    CHECK_EQUAL(found[1].self_ns, 21000);
    CHECK_EQUAL(found[1].calls, 3);
    CHECK_EQUAL(found[2].partition, 0);
    CHECK_TEXT(found[3].name, "Convolution");
    CHECK_EQUAL(found[3].partition, 1);
    CHECK_EQUAL(found[3].total_ns, 15000);
    CHECK_EQUAL(found[4].index, 9);
    CHECK_EQUAL(found[5].partition, 2);
    CHECK_EQUAL(found[5].parent, -1);
    fixture_close(&it);
}

TEST("what runs inside an operation is its own, and not the outer one's") {
    static const struct fake_event events[] = {
        {.kind = FAKE_BEGIN, .name = "WHILE", .index = 0},
        {.kind = FAKE_BEGIN, .name = "ADD", .index = 0, .subgraph = 1},
        {.kind = FAKE_END},
        {.kind = FAKE_END},
        {.kind = FAKE_BEGIN, .name = "SomeDelegate", .index = 1},
        {.kind = FAKE_WHOLE, .name = "inside", .index = 0, .us = 3},
        {.kind = FAKE_END},
        {.kind = FAKE_BEGIN, .name = "plugin", .index = 2},
        {.kind = FAKE_WHOLE, .name = "inside", .index = 0, .us = 3},
        {.kind = FAKE_END},
    };
    struct fixture it;
    retime_profile result = profile(&it, "fake.so", events, 10, 2);

    CHECK_EQUAL(result.operations, 6);
    CHECK_EQUAL(found[1].parent, 0);
    CHECK_EQUAL(found[1].subgraph, 1);
    CHECK_EQUAL(found[0].total_ns, found[0].self_ns + found[1].total_ns);
    CHECK_EQUAL(found[0].delegate, 0);
    CHECK_EQUAL(found[2].delegate, 1);
    CHECK_EQUAL(found[3].parent, 2);
    CHECK_EQUAL(found[2].self_ns, found[2].total_ns - 6000);
    CHECK_EQUAL(found[4].delegate, 1);
    fixture_close(&it);
}

TEST("operations are found again whatever their names and order are") {
    char name[300];
    struct fake_event events[] = {
        {.kind = FAKE_WHOLE, .name = name, .index = 0, .us = 1},
        {.kind = FAKE_WHOLE, .name = NULL, .index = 1, .us = 1},
        {.kind = FAKE_WHOLE, .name = "b", .index = 1, .subgraph = 1, .us = 1},
    };
    struct fixture it;
    retime_profile result;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    result = profile(&it, "fake.so", events, 3, 5);
    CHECK_EQUAL(result.operations, 3);
    CHECK_EQUAL(found[0].calls, 5);
    CHECK_TEXT(found[1].name, "");
    fixture_close(&it);
}

TEST("events for which there is no room are counted") {
    struct fixture it;
    retime_operation one[1];
    retime_profile result;

    profile(&it, "fake.so", partitions, 8, 1);
    CHECK_EQUAL(
        retime_session_profile(it.session, 2, one, 1, &result, &it.error),
        RETIME_OK);
    CHECK_EQUAL(result.operations, 1);
    CHECK_EQUAL(result.dropped, 10);
    CHECK_TEXT(one[0].name, "PAD");
    fixture_close(&it);
}

TEST("operations nested deeper than the pile are counted, not kept") {
    struct fake_event events[44];
    struct fixture it;
    retime_profile result;

    for (int i = 0; i < 20; i++) {
        events[i] =
            (struct fake_event){.kind = FAKE_BEGIN, .name = "deep", .index = i};
    }
    events[20] = (struct fake_event){.kind = FAKE_WHOLE, .name = "deepest"};
    for (int i = 21; i < 44; i++) {
        /* Some ends too many are no harm. */
        events[i] = (struct fake_event){.kind = FAKE_END};
    }
    result = profile(&it, "fake.so", events, 44, 1);
    CHECK_EQUAL(result.operations, 16);
    CHECK_EQUAL(result.dropped, 5);
    fixture_close(&it);
}

TEST("a profiler that is there but not asked keeps quiet") {
    struct fixture it;

    profile(&it, "fake.so", partitions, 8, 1);
    CHECK_EQUAL(retime_session_warm_up(it.session, 3, 0, NULL, &it.error),
                RETIME_OK);
    CHECK_EQUAL(found[1].calls, 1);
    fixture_close(&it);
}

/* The same as above as LiteRT tells it: spans of whole microseconds. */
static const struct fake_event spans[] = {
    {.kind = FAKE_WHOLE, .name = "run", .type = 1, .us = 99},
    {.kind = FAKE_WHOLE, .name = "WHILE", .type = 2, .us = 50, .start_us = 100},
    {.kind = FAKE_WHOLE,
     .name = "ADD",
     .type = 2,
     .us = 10,
     .start_us = 110,
     .subgraph = 1},
    {.kind = FAKE_WHOLE,
     .name = "SUB",
     .type = 2,
     .us = 10,
     .start_us = 120,
     .subgraph = 1},
    {.kind = FAKE_WHOLE, .name = "PAD", .type = 2, .us = 5, .start_us = 150},
    {.kind = FAKE_WHOLE, .name = "Convolution", .type = 8, .us = 7},
    {.kind = FAKE_WHOLE, .name = "Add", .type = 4, .us = 7, .index = 1},
    {.kind = FAKE_WHOLE,
     .name = "SomeDelegate",
     .type = 2,
     .us = 5,
     .start_us = 170},
};

TEST("LiteRT's spans are nested by their times") {
    struct fixture it;
    retime_profile result = profile(&it, "fake_litert.so", spans, 8, 2);

    CHECK_EQUAL(result.operations, 7);
    CHECK_EQUAL(result.arena_bytes, -1);
    CHECK_EQUAL(it.fake->profiled_runs, 2);
    CHECK_TEXT(found[0].name, "WHILE");
    CHECK_EQUAL(found[0].total_ns, 100000);
    CHECK_EQUAL(found[0].self_ns, 60000);
    CHECK_EQUAL(found[1].parent, 0);
    CHECK_EQUAL(found[2].parent, 0);
    CHECK_EQUAL(found[3].parent, -1);
    CHECK_TEXT(found[4].name, "Convolution");
    CHECK_EQUAL(found[4].partition, 0);
    CHECK_EQUAL(found[4].parent, -1);
    CHECK_EQUAL(found[3].self_ns, 10000);
    CHECK_EQUAL(found[5].partition, 0);
    CHECK_EQUAL(found[6].delegate, 1);
    fixture_close(&it);
}

TEST("LiteRT's spans nested deeper than the pile are counted, not kept") {
    struct fake_event events[20];
    struct fixture it;
    retime_profile result;

    for (int i = 0; i < 20; i++) {
        events[i] = (struct fake_event){.kind = FAKE_WHOLE,
                                        .name = "deep",
                                        .type = 2,
                                        .us = 100,
                                        .subgraph = i,
                                        .start_us = 1000};
    }
    result = profile(&it, "fake_litert.so", events, 20, 1);
    CHECK_EQUAL(result.operations, 16);
    CHECK_EQUAL(result.dropped, 4);
    fixture_close(&it);
}

TEST("events that LiteRT won't give are counted as dropped") {
    static const char *const fails[] = {"StopProfiler", "NumProfilerEvents",
                                        "GetProfilerEvents", NULL, NULL};
    retime_profile result;
    struct fixture it;

    for (int i = 0; i < 5; i++) {
        profile(&it, "fake_litert.so", spans, i == 4 ? 0 : 8, 1);
        memcpy(it.fake->events, spans, sizeof spans);
        it.fake->fails = fails[i];
        it.fake->bad_events = i == 3;
        /* Room for a hundred times as many has been made but for the last. */
        doubles.no_memory = i == 4;
        if (i == 4) {
            free(it.session->own.litert.events);
            it.session->own.litert.events = NULL;
            it.session->own.litert.event_room = 0;
        }
        CHECK_EQUAL(retime_session_profile(it.session, 1, found, ROOM, &result,
                                           &it.error),
                    RETIME_OK);
        CHECK_EQUAL(result.dropped, 1);
        CHECK_EQUAL(result.operations, 0);
        fixture_close(&it);
    }
}

TEST("a profile needs a session made for it, runs, and room") {
    struct fixture it;
    retime_profile result;

    fixture_open(&it);
    CHECK_EQUAL(
        retime_session_profile(it.session, 1, found, ROOM, &result, &it.error),
        RETIME_E_UNSUPPORTED);
    CHECK_EQUAL(retime_session_profile(NULL, 1, found, ROOM, &result, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(
        retime_session_profile(it.session, 0, found, ROOM, &result, NULL),
        RETIME_E_ARGUMENT);
    CHECK_EQUAL(
        retime_session_profile(it.session, 1, NULL, ROOM, &result, NULL),
        RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_profile(it.session, 1, found, 0, &result, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(
        retime_session_profile(it.session, 1, found, SIZE_MAX, &result, NULL),
        RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_session_profile(it.session, 1, found, ROOM, NULL, NULL),
                RETIME_E_ARGUMENT);
    fixture_close(&it);
}

TEST("a profile ends with the first inference or reading that fails") {
    struct fixture it;
    retime_profile result;

    profile(&it, "fake.so", partitions, 8, 1);
    it.fake->fails = "Invoke";
    it.fake->after = 2;
    CHECK_EQUAL(
        retime_session_profile(it.session, 9, found, ROOM, &result, &it.error),
        RETIME_E_INVOKE);
    CHECK_EQUAL(result.runs, 2);
    it.fake->fails = NULL;
    doubles.clock_limited = 1;
    CHECK_EQUAL(
        retime_session_profile(it.session, 9, found, ROOM, &result, &it.error),
        RETIME_E_CLOCK);
    fixture_close(&it);
}
