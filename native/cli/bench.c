/* bench.c: making ready what a job is done with. */
#include "bench.h"

#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fails with what the system says of a file. */
int bench_file_failed(const char *path, int code) {
    char message[600];

    snprintf(message, sizeof message, "%.400s: %s", path, strerror(code));
    return report_error("file", message, UNUSABLE);
}

/* Fails without memory. */
int bench_no_memory(void) {
    return report_error("memory", "there is no memory left", UNUSABLE);
}

/* Opens the library and holds its kind against the job's. */
int bench_open_library(struct bench *bench) {
    const struct job *job = bench->job;
    const char *kind;

    report_step("open the library");
    if (retime_library_open(job->path, &bench->library, &bench->error)) {
        return report_failure(&bench->error);
    }
    kind = retime_library_kind(bench->library) == RETIME_KIND_LITERT ? "litert"
                                                                     : "tflite";
    if (strcmp(kind, job->library) != 0) {
        char message[600];

        snprintf(message, sizeof message,
                 "%.400s is a library of kind %s; the job wants %.40s",
                 job->path, kind, job->library);
        return report_error("open-library", message, UNUSABLE);
    }
    return DONE;
}

/* Sets the conditions and makes the model ready. */
int bench_open_session(struct bench *bench) {
    struct options options;
    struct wishes wishes;
    char why[256];
    int failed;

    if (options_read(bench->job, &options, why, sizeof why) != 0 ||
        wishes_read(bench->job, &wishes, why, sizeof why) != 0) {
        return report_error("job", why, BAD_INPUT);
    }
    options.session.progress = report_progress;
    report_step("read the model");
    failed = files_read(bench->job->model, (size_t)bench->job->buffer_offset,
                        &bench->model);
    if (failed) {
        return bench_file_failed(bench->job->model, failed);
    }
    report_step("make the model ready");
    if (retime_conditions_apply(&wishes.wished, &bench->conditions,
                                &bench->error) ||
        retime_session_open(bench->library, bench->model.data,
                            bench->model.size, &options.session,
                            &bench->session, &bench->error)) {
        return report_failure(&bench->error);
    }
    return DONE;
}

/* Makes random sets of inputs. */
static int make_sets(struct bench *bench, size_t size) {
    int status = RETIME_OK;

    bench->sets.size = (size_t)bench->job->input_sets * size;
    bench->sets.block = calloc(bench->sets.size, 1);
    bench->sets.data = bench->sets.block;
    if (bench->sets.block == NULL) {
        return bench_no_memory();
    }
    for (int64_t i = 0; i < bench->job->input_sets && !status; i++) {
        status = retime_session_randomize(
            bench->session, (uint64_t)(bench->job->input_seed + i),
            bench->sets.data + (size_t)i * size, size, &bench->error);
    }
    return status ? report_failure(&bench->error) : DONE;
}

/* Writes the first set. */
static int write_first(struct bench *bench) {
    const char *from = bench->sets.data;
    int status = RETIME_OK;

    for (int32_t i = 0;
         i < retime_session_input_count(bench->session) && !status; i++) {
        retime_tensor tensor = {.bytes = 0};

        status =
            retime_session_input(bench->session, i, &tensor, &bench->error) ||
            retime_session_write(bench->session, i, from, tensor.bytes,
                                 &bench->error);
        from += tensor.bytes;
    }
    return status ? report_failure(&bench->error) : DONE;
}

/* Gets the sets of inputs from a file or makes them. */
static int get_sets(struct bench *bench, size_t size) {
    const struct job *job = bench->job;
    int failed = 0;

    report_step("read the inputs");
    if (job->input[0] == '\0') {
        return make_sets(bench, size);
    }
    failed = files_read(job->input, 0, &bench->sets);
    if (failed) {
        return bench_file_failed(job->input, failed);
    }
    if (bench->sets.size == 0 || bench->sets.size % size != 0) {
        char message[160];

        snprintf(message, sizeof message,
                 "%zu bytes are no whole sets of inputs; a set has %zu",
                 bench->sets.size, size);
        return report_error("inputs", message, REFUSED);
    }
    return DONE;
}

/* Gets the sets of inputs from where the job says, and writes the first. */
int bench_set_inputs(struct bench *bench) {
    const struct job *job = bench->job;
    const int zeros =
        strcmp(job->inputs, "zeros") == 0 ||
        (job->input[0] == '\0' && strcmp(job->inputs, "real") == 0);
    size_t size = 0;
    int code;

    /* What can be described once can be again: the session is open. */
    (void)retime_session_input_size(bench->session, &size, &bench->error);
    if (zeros || size == 0) {
        return DONE;
    }
    code = get_sets(bench, size);
    if (code != DONE) {
        return code;
    }
    bench->set_count = bench->sets.size / size;
    return write_first(bench);
}

/* Runs the first inference and the warm-up. */
int bench_warm_up(struct bench *bench) {
    int64_t started;

    report_step("run the first inference");
    if (retime_session_time(bench->session, NULL, &bench->first_ns, 1, NULL,
                            &bench->error)) {
        return report_failure(&bench->error);
    }
    report_step("warm up");
    started = retime_clock_now();
    if (retime_session_warm_up(bench->session, bench->job->warmup_runs,
                               bench->job->warmup_ns, &bench->warmup_runs,
                               &bench->error)) {
        return report_failure(&bench->error);
    }
    bench->run_cost_ns =
        (double)(retime_clock_now() - started) /
        (double)(bench->warmup_runs > 0 ? bench->warmup_runs : 1);
    return DONE;
}

/* Closes and frees everything. */
void bench_close(struct bench *bench) {
    retime_session_close(bench->session);
    retime_library_close(bench->library);
    retime_counters_close(bench->counters);
    free(bench->model.block);
    free(bench->sets.block);
    free(bench->samples);
}
