/* test_cli.c: the stand-alone program's parts, up to whole jobs on the fakes.
 */
#define _GNU_SOURCE

#include "bench.h"
#include "files.h"
#include "job.h"
#include "options.h"
#include "report.h"
#include "work.h"

#include "check.h"
#include "doubles.h"
#include "fake.h"
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char needed[] =
    "library tflite\npath l\nmodel m\ninput \nsamples s\n"
    "delegate none\nthreads 1\nbuffer_offset 0\n"
    "warmup_runs 1\nwarmup_ns 0\nruns 5\n";

/* Reads a job of the needed lines and some more. */
static int read_with(const char *more, struct job *job, char *why) {
    static char bytes[8192];

    snprintf(bytes, sizeof bytes, "%s%s", needed, more);
    return job_read(bytes, strlen(bytes), job, why, 256);
}

TEST("a job has what it says, and the rest by default") {
    struct job job;
    char why[256];

    CHECK_EQUAL(read_with("affinity 3\naffinity 1\ndelegate_options k=v=w\n"
                          "shapes 0 1 2\nruns_are 1\n",
                          &job, why),
                -1);
    CHECK_TEXT(why, "line 16: unknown key runs_are");
    CHECK_EQUAL(read_with("affinity 3\naffinity 1\ndelegate_options k=v=w\n"
                          "shapes 0 1 2\ninput_seed 9223372036854775807",
                          &job, why),
                0);
    CHECK_TEXT(job.task, "time");
    CHECK_TEXT(job.input, "");
    CHECK_EQUAL(job.runs, 5);
    CHECK_EQUAL(job.input_sets, 1);
    CHECK_EQUAL(job.affinity_count, 2);
    CHECK_EQUAL(job.affinity[1], 1);
    CHECK_TEXT(job.delegate_options[0], "k=v=w");
    CHECK_EQUAL(job.input_seed, INT64_MAX);
}

TEST("a job that is wrong is refused with its line") {
    static const char *const wrong[] = {"threads 2\n",
                                        "budget_ns -1\n",
                                        "budget_ns x\n",
                                        "budget_ns 1x\n",
                                        "budget_ns \n",
                                        "budget_ns\n",
                                        "affinity x\n",
                                        "affinity 100001\n",
                                        "delegate_options kv\n",
                                        "flush_caches 2\n",
                                        "input_seed 9223372036854775808\n",
                                        "\n"};
    struct job job;
    char why[256];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_EQUAL(read_with(wrong[i], &job, why), -1);
        CHECK_HOLDS_TEXT(why, "line 12: ");
    }
}

TEST("a job that lacks a key, or isn't text, is refused") {
    char some[] = "library tflite\n";
    char zero[] = "library \0tflite\n";
    struct job job;
    char why[256];

    CHECK_EQUAL(job_read(some, strlen(some), &job, why, sizeof why), -1);
    CHECK_TEXT(why, "there is no path");
    CHECK_EQUAL(job_read(zero, sizeof zero - 1, &job, why, sizeof why), -1);
    CHECK_HOLDS_TEXT(why, "byte 0");
}

TEST("lists of a job have an end") {
    static const struct {
        const char *line;
        size_t most;
    } lists[] = {{"affinity 1\n", JOB_MOST_CORES},
                 {"delegate_options a=b\n", JOB_MOST_OPTIONS},
                 {"shapes 0 1\n", JOB_MOST_SHAPES}};
    static char text[8192];
    struct job job;
    char why[256];

    for (size_t i = 0; i < 3; i++) {
        text[0] = '\0';
        for (size_t j = 0; j < lists[i].most; j++) {
            strcat(text, lists[i].line);
        }
        CHECK_EQUAL(read_with(text, &job, why), 0);
        strcat(text, lists[i].line);
        CHECK_EQUAL(read_with(text, &job, why), -1);
    }
}

#define LONG_NUMBER "shapes 0 1111111111111111111111111\n"

TEST("words of a job that mean nothing are refused by name") {
    static const char *const wrong[] = {
        "call shout\n",  "shapes \n",
        "shapes 0 x\n",  "shapes 0 1 2 3 4 5 6 7 8 9\n",
        LONG_NUMBER,     "flush_to_zero maybe\n",
        "priority 20\n", "priority -21\n",
        "priority x\n"};
    struct options options;
    struct wishes wishes;
    struct job job;
    char why[256];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_EQUAL(read_with(wrong[i], &job, why), 0);
        CHECK(options_read(&job, &options, why, sizeof why) != 0 ||
              wishes_read(&job, &wishes, why, sizeof why) != 0);
    }
    CHECK_EQUAL(read_with("", &job, why), 0);
    job.delegate = "gpu";
    CHECK_EQUAL(options_read(&job, &options, why, sizeof why), -1);
    CHECK_TEXT(why, "delegate can't be gpu");
}

TEST("words of a job become options and wishes") {
    struct options options;
    struct wishes wishes;
    struct job job;
    char why[256];

    CHECK_EQUAL(read_with("delegate_options key=a=b\nshapes 1 2 3\ncall "
                          "signature\nsignature main\naffinity 5\npriority "
                          "-7\nflush_to_zero off\n",
                          &job, why),
                0);
    CHECK_EQUAL(options_read(&job, &options, why, sizeof why), 0);
    CHECK_TEXT(options.settings[0].key, "key");
    CHECK_TEXT(options.settings[0].value, "a=b");
    CHECK_EQUAL(options.shapes[0].input, 1);
    CHECK_EQUAL(options.shapes[0].rank, 2);
    CHECK_EQUAL(options.shapes[0].dims[1], 3);
    CHECK_EQUAL(options.session.call, RETIME_CALL_SIGNATURE);
    CHECK_TEXT(options.session.signature, "main");
    CHECK(options.session.weight_cache == NULL);
    CHECK_EQUAL(wishes_read(&job, &wishes, why, sizeof why), 0);
    CHECK_EQUAL(wishes.cores[0], 5);
    CHECK_EQUAL(wishes.wished.nice, -7);
    CHECK_EQUAL(wishes.wished.flush_to_zero, -1);
    job.priority = "realtime";
    CHECK_EQUAL(wishes_read(&job, &wishes, why, sizeof why), 0);
    CHECK_EQUAL(wishes.wished.realtime, 1);
}

/* A file beside the fake libraries. */
static const char *beside(const char *name) {
    static char paths[4][1024];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", test_folder(), name);
    return path;
}

TEST("files are read where they are wanted, whole, and written") {
    static char large[200000];
    struct bytes bytes;
    const int64_t numbers[] = {1, -2};

    memset(large, 'x', sizeof large);
    CHECK_EQUAL(files_write(beside("large"), large, sizeof large), 0);
    CHECK_EQUAL(files_read(beside("large"), 192, &bytes), 0);
    CHECK_EQUAL(bytes.size, sizeof large);
    CHECK_EQUAL((uintptr_t)bytes.data % 4096, 192);
    CHECK(memcmp(bytes.data, large, sizeof large) == 0);
    free(bytes.block);
    CHECK_EQUAL(files_write_numbers(beside("numbers"), numbers, 2), 0);
    CHECK_EQUAL(files_read(beside("numbers"), 0, &bytes), 0);
    CHECK_EQUAL(bytes.size, 16);
    CHECK_EQUAL((unsigned char)bytes.data[0], 1);
    CHECK_EQUAL((unsigned char)bytes.data[8], 0xFE);
    free(bytes.block);
}

TEST("files that can't be read or written say why") {
    const int64_t numbers[4096] = {0};
    struct bytes bytes;

    CHECK_EQUAL(files_read("/nowhere", 0, &bytes), 2);
    CHECK(bytes.block == NULL);
    CHECK_EQUAL(files_read(test_folder(), 0, &bytes), 21);
    CHECK_EQUAL(files_write("/nowhere/file", "x", 1), 2);
    CHECK_EQUAL(files_write_numbers("/nowhere/file", numbers, 1), 2);
    CHECK_EQUAL(files_write("/dev/full", "x", 1), 28);
    CHECK_EQUAL(files_write_numbers("/dev/full", numbers, 4096), 28);
    doubles.no_memory = 1;
    CHECK_EQUAL(files_read(beside("large"), 0, &bytes), 12);
    doubles_reset();
}

/* What was printed. */
static char told[16384];
static int kept;

/* Sends standard output to a file. */
static void listen(void) {
    const int file =
        open(beside("told"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    fflush(stdout);
    kept = dup(1);
    dup2(file, 1);
    close(file);
}

/* Takes over what was printed since. */
static void stop_listening(void) {
    ssize_t length;

    fflush(stdout);
    length = pread(1, told, sizeof told - 1, 0);
    told[length < 0 ? 0 : length] = '\0';
    dup2(kept, 1);
    close(kept);
}

/* Does a job of these lines; returns the exit code. */
static int do_job(const char *library, const char *more) {
    static char bytes[8192];
    struct job job;
    char why[256];
    int code;

    snprintf(bytes, sizeof bytes,
             "path %s\nmodel %s\nsamples %s\noutputs %s\n%s", beside(library),
             beside("model"), beside("samples"), beside("outputs"), more);
    CHECK_EQUAL(job_read(bytes, strlen(bytes), &job, why, sizeof why), 0);
    listen();
    code = work(&job);
    stop_listening();
    return code;
}

/* Probes a library; returns the exit code. */
static int probe(const char *path) {
    int code;

    listen();
    code = work_probe(path);
    stop_listening();
    return code;
}

#define KEPT                                                                   \
    "library tflite\ndelegate none\nthreads 1\nbuffer_offset 64\n"             \
    "warmup_runs 3\nwarmup_ns 0\nruns 20\n"
#define PLAIN KEPT "input \n"

/* Loads the fake library and writes the model that it takes. */
static void load(struct fixture *it, const char *name) {
    fixture_library(it, name);
    it->fake->work = 50;
    it->fake->signatures = 1;
    CHECK_EQUAL(files_write(beside("model"), FAKE_MODEL, sizeof FAKE_MODEL), 0);
}

TEST("a job is done, and its samples written") {
    struct fixture it;
    struct bytes bytes;

    load(&it, "fake.so");
    CHECK_EQUAL(do_job("fake.so", PLAIN), DONE);
    CHECK_HOLDS_TEXT(told, "step AllocateTensors\n");
    CHECK_HOLDS_TEXT(told, "result runs 20\n");
    CHECK_HOLDS_TEXT(told, "result call interpreter\n");
    CHECK_HOLDS_TEXT(told, "result affinity \n");
    CHECK_HOLDS_TEXT(told, "result elapsed_ns ");
    CHECK_EQUAL(files_read(beside("samples"), 0, &bytes), 0);
    CHECK_EQUAL(bytes.size, 160);
    free(bytes.block);
    fixture_close(&it);
}

TEST("a job's times, gaps and budget decide how many runs there are") {
    struct fixture it;

    load(&it, "fake.so");
    CHECK_EQUAL(do_job("fake.so", PLAIN "budget_ns 1\nrun_gap_ns 1000\n"),
                DONE);
    CHECK_HOLDS_TEXT(told, "result runs 10\n");
    CHECK_EQUAL(do_job("fake.so", PLAIN "budget_ns 1000000000000\n"), DONE);
    CHECK_HOLDS_TEXT(told, "result runs 20\n");
    CHECK_EQUAL(
        do_job("fake.so", PLAIN "min_run_time_ns 2000000\nflush_caches 1\n"),
        DONE);
    CHECK_HOLDS_TEXT(told, "result flush_bytes ");
    CHECK_EQUAL(
        do_job("fake.so",
               "library tflite\ndelegate none\nthreads 1\nbuffer_offset "
               "0\nwarmup_runs 0\nwarmup_ns 0\nruns 3\ninput "
               "\nbudget_ns 1000\n"),
        DONE);
    CHECK_HOLDS_TEXT(told, "result runs 3\n");
    fixture_close(&it);
}

TEST("a job's inputs are zeros, random, or whole sets from a file") {
    struct fixture it;
    char more[1400];
    static const char sets[32] = {0};

    load(&it, "fake.so");
    CHECK_EQUAL(do_job("fake.so", PLAIN "inputs zeros\n"), DONE);
    CHECK_EQUAL(do_job("fake.so",
                       PLAIN "inputs rotating\ninput_sets 3\ninput_seed 5\n"),
                DONE);
    CHECK_EQUAL(files_write(beside("sets"), sets, 32), 0);
    snprintf(more, sizeof more, KEPT "input %s\ninputs rotating\n",
             beside("sets"));
    CHECK_EQUAL(do_job("fake.so", more), DONE);
    CHECK_EQUAL(files_write(beside("sets"), sets, 31), 0);
    CHECK_EQUAL(do_job("fake.so", more), REFUSED);
    CHECK_HOLDS_TEXT(told, "error inputs 31 bytes are no whole sets");
    CHECK_EQUAL(files_write(beside("sets"), sets, 0), 0);
    CHECK_EQUAL(do_job("fake.so", more), REFUSED);
    CHECK_EQUAL(do_job("fake.so", KEPT "input /nowhere\n"), UNUSABLE);
    it.fake->inputs = 0;
    CHECK_EQUAL(do_job("fake.so", PLAIN), DONE);
    fixture_close(&it);
}

TEST("a job's outputs are written for every set") {
    struct fixture it;
    struct bytes bytes;

    load(&it, "fake.so");
    CHECK_EQUAL(
        do_job("fake.so", PLAIN "task outputs\ninputs random\ninput_sets 3\n"),
        DONE);
    CHECK_EQUAL(files_read(beside("outputs"), 0, &bytes), 0);
    CHECK_EQUAL(bytes.size, 48);
    free(bytes.block);
    CHECK_EQUAL(do_job("fake.so", PLAIN "task outputs\n"), DONE);
    CHECK_EQUAL(files_read(beside("outputs"), 0, &bytes), 0);
    CHECK_EQUAL(bytes.size, 16);
    CHECK_EQUAL(bytes.data[0], 1);
    free(bytes.block);
    it.fake->fails = "Invoke";
    CHECK_EQUAL(do_job("fake.so", PLAIN "task outputs\n"), REFUSED);
    it.fake->after = 1;
    fake_restart(it.handle);
    CHECK_EQUAL(do_job("fake.so", PLAIN "task outputs\n"), REFUSED);
    fixture_close(&it);
}

TEST("a job's profile is written, from either library") {
    static const char *const libraries[] = {"fake.so", "fake_litert.so"};
    struct fixture it;
    char more[1400];
    struct bytes bytes;

    for (int i = 0; i < 2; i++) {
        load(&it, libraries[i]);
        it.fake->events[0] = (struct fake_event){
            .kind = FAKE_WHOLE, .name = "Convolution", .us = 3, .type = 8};
        snprintf(more, sizeof more, "%sprofile %s\ntask profile\n", PLAIN,
                 beside("profile"));
        if (i == 1) {
            memcpy(strstr(more, "tflite"), "litert", 6);
        }
        CHECK_EQUAL(do_job(libraries[i], more), DONE);
        CHECK_HOLDS_TEXT(told, "result profile_total_ns ");
        CHECK_EQUAL(files_read(beside("profile"), 0, &bytes), 0);
        CHECK_TEXT(bytes.data, "0 0 -1 0 0 20 60000 60000 Convolution\n");
        free(bytes.block);
        fixture_close(&it);
    }
    load(&it, "fake.so");
    it.fake->events[0] = (struct fake_event){.kind = FAKE_WHOLE, .name = "a"};
    CHECK_EQUAL(do_job("fake.so", PLAIN "task profile\nprofile /nowhere/p\n"),
                UNUSABLE);
    CHECK_EQUAL(do_job("fake.so", PLAIN "task profile\nprofile /dev/full\n"),
                UNUSABLE);
    it.fake->fails = "Invoke";
    it.fake->after = 5;
    fake_restart(it.handle);
    CHECK_EQUAL(do_job("fake.so", PLAIN "task profile\nprofile /nowhere/p\n"),
                REFUSED);
    fixture_close(&it);
}

TEST("what fails in a job is told with its step and its exit code") {
    static const struct {
        const char *fails;
        int after;
        int code;
    } calls[] = {{"ModelCreate", 0, REFUSED},
                 {"Invoke", 0, REFUSED},
                 {"Invoke", 2, REFUSED},
                 {"Invoke", 6, REFUSED}};
    struct fixture it;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        load(&it, "fake.so");
        it.fake->fails = calls[i].fails;
        it.fake->after = calls[i].after;
        CHECK_EQUAL(do_job("fake.so", PLAIN), calls[i].code);
        CHECK_HOLDS_TEXT(told, "error ");
        fixture_close(&it);
    }
    load(&it, "fake.so");
    CHECK_EQUAL(do_job("absent.so", PLAIN), UNUSABLE);
    CHECK_EQUAL(do_job("fake_litert.so", PLAIN), UNUSABLE);
    CHECK_HOLDS_TEXT(told, "of kind litert");
    CHECK_EQUAL(do_job("fake.so", PLAIN "task sing\n"), BAD_INPUT);
    CHECK_EQUAL(do_job("fake.so", PLAIN "call shout\n"), BAD_INPUT);
    CHECK_EQUAL(unlink(beside("model")), 0);
    CHECK_EQUAL(do_job("fake.so", PLAIN), UNUSABLE);
    CHECK_HOLDS_TEXT(told, "error file ");
    fixture_close(&it);
    load(&it, "fake.so");
    it.fake->input[0].rank = -1;
    CHECK_EQUAL(do_job("fake.so", PLAIN), REFUSED);
    fixture_close(&it);
}

TEST("a job that finds no memory says so") {
    static const char *const tasks[] = {
        PLAIN "inputs rotating\nflush_caches 1\n",
        PLAIN "inputs random\ntask outputs\n", PLAIN "task outputs\n",
        PLAIN "task profile\nprofile /dev/null\n"};
    struct fixture it;

    for (int task = 0; task < 4; task++) {
        int done = 0;

        for (int callocs = 0; callocs < 20 && !done; callocs++) {
            load(&it, "fake.so");
            doubles.calloc_limited = 1;
            doubles.callocs = callocs;
            done = do_job("fake.so", tasks[task]) == DONE;
            CHECK(done || strstr(told, "memory") != NULL);
            fixture_close(&it);
        }
        CHECK(done);
    }
}

TEST("samples that can't be written are told with their path") {
    struct fixture it;

    load(&it, "fake.so");
    CHECK_EQUAL(unlink(beside("samples")), 0);
    CHECK_EQUAL(mkdir(beside("samples"), 0700), 0);
    CHECK_EQUAL(do_job("fake.so", PLAIN), UNUSABLE);
    CHECK_HOLDS_TEXT(told, "samples: Is a directory");
    CHECK_EQUAL(rmdir(beside("samples")), 0);
    CHECK_EQUAL(unlink(beside("outputs")), 0);
    CHECK_EQUAL(mkdir(beside("outputs"), 0700), 0);
    CHECK_EQUAL(do_job("fake.so", PLAIN "task outputs\n"), UNUSABLE);
    CHECK_EQUAL(rmdir(beside("outputs")), 0);
    fixture_close(&it);
}

TEST("under an emulator a job has outputs, but no latency and no profile") {
    struct fixture it;

    load(&it, "fake.so");
    doubles.emulated = 1;
    CHECK_EQUAL(do_job("fake.so", PLAIN), UNUSABLE);
    CHECK_HOLDS_TEXT(told, "error emulator some-emulator emulates");
    CHECK_EQUAL(do_job("fake.so", PLAIN "task profile\n"), UNUSABLE);
    CHECK_EQUAL(do_job("fake.so", PLAIN "task outputs\n"), DONE);
    CHECK_HOLDS_TEXT(told, "result emulator some-emulator\n");
    fixture_close(&it);
}

TEST("a wish that isn't granted is told with its reason") {
    struct fixture it;

    load(&it, "fake.so");
    doubles.refuses = 1;
    CHECK_EQUAL(do_job("fake.so", PLAIN "lock_memory 1\npriority 3\n"), DONE);
    CHECK_HOLDS_TEXT(told, "result memory_lock no: Operation not permitted\n");
    doubles_reset();
    fixture_close(&it);
}

TEST("a library is probed") {
    struct fixture it;

    load(&it, "fake.so");
    CHECK_EQUAL(probe(beside("fake_without_observer.so")), DONE);
    CHECK_TEXT(told,
               "result library tflite\nresult version 0.0.fake\n"
               "result missing TfLiteOpaqueDelegateCreate: node "
               "counts\n");
    CHECK_EQUAL(probe(beside("fake_litert.so")), DONE);
    CHECK_HOLDS_TEXT(told, "result library litert\n");
    CHECK_EQUAL(probe("/nowhere"), UNUSABLE);
    CHECK_HOLDS_TEXT(told, "error dlopen /nowhere");
    fixture_close(&it);
}
