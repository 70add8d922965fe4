/* test_threads.c: different sessions in different threads. */
#include "check.h"
#include "fixture.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 20 };

/* What one thread works with; it shares nothing but the library. */
struct lane {
    const retime_library *library;
    int good;
};

/* Opens sessions, runs and closes them. */
static void *drive(void *given) {
    static const char model[] = FAKE_MODEL;
    struct lane *lane = given;
    const retime_options options = {.threads = 1};

    for (int i = 0; i < ROUNDS; i++) {
        retime_session *session = NULL;
        retime_error error;
        char inputs[16] = {0};
        char outputs[16];
        int64_t samples[8];
        const retime_timing timing = {.delay_ns = 1000};

        if (retime_session_open(lane->library, model, sizeof model, &options,
                                &session, &error) == RETIME_OK &&
            retime_session_map(session, inputs, 16, outputs, 16, 1, &error) ==
                RETIME_OK &&
            retime_session_time(session, &timing, samples, 8, NULL, &error) ==
                RETIME_OK) {
            lane->good += outputs[0] == 1 && samples[7] > 0;
        }
        retime_session_close(session);
    }
    return NULL;
}

TEST("sessions in different threads don't disturb each other") {
    struct fixture it;
    pthread_t threads[THREADS];
    struct lane lanes[THREADS];

    fixture_library(&it, "fake_threads.so");
    for (int i = 0; i < THREADS; i++) {
        lanes[i] = (struct lane){it.library, 0};
        CHECK_EQUAL(pthread_create(&threads[i], NULL, drive, &lanes[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
        CHECK_EQUAL(lanes[i].good, ROUNDS);
    }
    fixture_close(&it);
}
