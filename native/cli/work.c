/* work.c: doing a job, step by step. */
#include "work.h"

#include "bench.h"

#include <stdio.h>
#include <string.h>

/* Does a job in order; stops at the first failure. */
static int do_job(struct bench *bench) {
    const char *task = bench->job->task;
    const int timed = strcmp(task, "time") == 0;
    const int64_t started = retime_clock_now();
    int code;

    if (!timed && strcmp(task, "outputs") != 0 &&
        strcmp(task, "profile") != 0) {
        return report_error("job", "the task is not time, outputs or profile",
                            BAD_INPUT);
    }
    retime_emulator(bench->emulator, sizeof bench->emulator);
    if (bench->emulator[0] != '\0' && strcmp(task, "outputs") != 0) {
        char message[160];

        snprintf(message, sizeof message,
                 "%s emulates this processor: what runs under it has outputs "
                 "but no latency",
                 bench->emulator);
        return report_error("emulator", message, UNUSABLE);
    }
    retime_reading_take(&bench->start);
    /* Before the library starts threads, which then are counted too. */
    if (retime_counters_open(&bench->counters, &bench->error)) {
        return report_failure(&bench->error);
    }
    code = bench_open_library(bench);
    code = code == DONE ? bench_open_session(bench) : code;
    code = code == DONE ? bench_set_inputs(bench) : code;
    if (code == DONE && strcmp(task, "outputs") == 0) {
        code = task_outputs(bench);
    } else if (code == DONE) {
        code = bench_warm_up(bench);
        if (code == DONE) {
            code = timed ? task_time(bench) : task_profile(bench);
        }
    }
    if (code == DONE) {
        report_number("elapsed_ns", retime_clock_now() - started);
    }
    return code;
}

/* Does a job. */
int work(const struct job *job) {
    struct bench bench = {.job = job};
    const int code = do_job(&bench);

    bench_close(&bench);
    return code;
}

/* Says what a library is. */
int work_probe(const char *path) {
    retime_library *library = NULL;
    retime_error error;
    const char *missing;

    if (retime_library_open(path, &library, &error)) {
        return report_failure(&error);
    }
    report_text("library", retime_library_kind(library) == RETIME_KIND_LITERT
                               ? "litert"
                               : "tflite");
    report_text("version", retime_library_version(library));
    for (size_t i = 0; (missing = retime_library_missing(library, i)) != NULL;
         i++) {
        report_text("missing", missing);
    }
    retime_library_close(library);
    return DONE;
}
