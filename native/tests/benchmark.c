/*
 * benchmark.c: what the harness itself costs, and how exact its delays are.
 * Usage: benchmark LIBRARY [MODEL]. Without a model the library is the fake.
 */
#include "internal.h"

#include "fake.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 31, RUNS = 400 };

static int64_t samples[RUNS];

/* Ends the program with a message if a status is a failure. */
static void demand(int status, const retime_error *error) {
    if (status != RETIME_OK) {
        fprintf(stderr, "%s: %s\n", error->step, error->message);
        exit(1);
    }
}

/* Reads a whole file; the caller frees it. */
static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    long length = -1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        length = ftell(file);
        rewind(file);
    }
    if (length > 0) {
        bytes = malloc((size_t)length);
    }
    if (bytes == NULL || fread(bytes, (size_t)length, 1, file) != 1) {
        fprintf(stderr, "can't read %s\n", path);
        exit(1);
    }
    fclose(file);
    *size = (size_t)length;
    return bytes;
}

/* Nanoseconds that a run costs with two readings and a call around it: what no
   timed loop can undercut. */
static int64_t bare_run(retime_session *session) {
    struct timespec from;
    struct timespec to;
    int64_t start = retime_clock_now();

    for (int i = 0; i < RUNS; i++) {
        clock_gettime(session->clock, &from);
        session->invoke(session->subject);
        clock_gettime(session->clock, &to);
    }
    return (retime_clock_now() - start) / RUNS;
}

/* Nanoseconds that a run costs in the harness. */
static int64_t timed_run(retime_session *session) {
    retime_error error;
    int64_t start = retime_clock_now();

    demand(retime_session_time(session, NULL, samples, RUNS, NULL, &error),
           &error);
    return (retime_clock_now() - start) / RUNS;
}

/* Compares the two, in turns. */
static void compare_cost(retime_session *session) {
    int64_t bare[ROUNDS];
    int64_t timed[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        bare[i] = bare_run(session);
        timed[i] = timed_run(session);
    }
    printf("bare run %" PRId64 " ns, timed run %" PRId64 " ns: %.3f times\n",
           retime_median(bare, ROUNDS), retime_median(timed, ROUNDS),
           (double)retime_median(timed, ROUNDS) /
               (double)retime_median(bare, ROUNDS));
}

/* The median sample with a delay. */
static int64_t median_with(retime_session *session, int64_t delay) {
    const retime_timing timing = {.delay_ns = delay};
    retime_error error;

    demand(retime_session_time(session, &timing, samples, RUNS, NULL, &error),
           &error);
    return retime_median(samples, RUNS);
}

/* Compares what a delay adds with what was asked, in turns. */
static void compare_delay(retime_session *session, int64_t delay) {
    int64_t added[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        added[i] = -median_with(session, 0);
        added[i] += median_with(session, delay);
    }
    (void)retime_median(added, ROUNDS);
    printf("delay %7" PRId64 " ns: adds %7" PRId64 " (quartiles %" PRId64
           " to %" PRId64 "): %+.2f %%\n",
           delay, added[ROUNDS / 2], added[ROUNDS / 4], added[ROUNDS * 3 / 4],
           100.0 * (double)(added[ROUNDS / 2] - delay) / (double)delay);
}

/* Makes the fake library's inferences take so many turns of a loop. */
static void set_work(const char *path, int turns) {
    struct fake_control *(*control)(void);
    void (*reset)(void);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *found = handle == NULL ? NULL : dlsym(handle, "fake_control");
    void *again = handle == NULL ? NULL : dlsym(handle, "fake_reset");

    if (found != NULL && again != NULL) {
        memcpy(&control, &found, sizeof found);
        memcpy(&reset, &again, sizeof again);
        reset();
        control()->work = turns;
    }
}

/* Takes the figures of one model, or of two kinds of fake work. */
int main(int count, char **arguments) {
    static const int64_t delays[] = {100, 300, 1000, 6000, 100000};
    static char fake_model[] = FAKE_MODEL;
    retime_options options = {.threads = 1,
                              .delegate = RETIME_DELEGATE_XNNPACK};
    retime_library *library;
    retime_session *session;
    retime_clock clock;
    retime_error error;
    size_t size = sizeof fake_model;
    void *model = fake_model;

    if (count < 2) {
        fprintf(stderr, "usage: benchmark LIBRARY [MODEL]\n");
        return 2;
    }
    demand(retime_clock_describe(&clock, &error), &error);
    printf("clock %d: %" PRId64 " ns a reading\n", (int)clock.id,
           clock.cost_ns);
    demand(retime_library_open(arguments[1], &library, &error), &error);
    for (int turns = 0; turns <= 4000; turns += count > 2 ? 9999 : 4000) {
        if (count > 2) {
            model = read_file(arguments[2], &size);
        } else {
            set_work(arguments[1], turns);
        }
        demand(retime_session_open(library, model, size, &options, &session,
                                   &error),
               &error);
        demand(retime_session_warm_up(session, 10, 200000000, NULL, &error),
               &error);
        compare_cost(session);
        for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
            compare_delay(session, delays[i]);
        }
        retime_session_close(session);
        if (model != fake_model) {
            free(model);
        }
    }
    retime_library_close(library);
    return 0;
}
