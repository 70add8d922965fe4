/*
 * bench.h: what a job is done with: the library, the model made ready and warm,
 * and its inputs. Every function that returns an int returns an exit code, and
 * has said what failed.
 */
#ifndef RETIME_CLI_BENCH_H
#define RETIME_CLI_BENCH_H

#include "files.h"
#include "job.h"
#include "report.h"

#include "retime.h"

/* Everything that is to be closed or freed. */
struct bench {
    const struct job *job;
    retime_library *library;
    retime_session *session;
    retime_counters *counters;
    struct bytes model;
    struct bytes sets; /* of inputs, end to end */
    size_t set_count;
    int64_t *samples;
    char emulator[64];
    retime_conditions conditions;
    retime_reading start; /* before the model is there */
    int64_t first_ns;
    int64_t warmup_runs;
    double run_cost_ns;
    retime_error error;
};

/* Opens the library and holds its kind against the job's. */
int bench_open_library(struct bench *bench);

/* Sets the conditions and makes the model ready. */
int bench_open_session(struct bench *bench);

/* Gets the sets of inputs from where the job says, and writes the first. */
int bench_set_inputs(struct bench *bench);

/* Runs the first inference and the warm-up. */
int bench_warm_up(struct bench *bench);

/* Closes and frees everything. */
void bench_close(struct bench *bench);

/* Says what a file, or memory, lacks. */
int bench_file_failed(const char *path, int code);
int bench_no_memory(void);

/* Says what ran and what it took to make it ready. */
void bench_report_session(const struct bench *bench);

/* The tasks: take samples, map inputs to outputs, profile. */
int task_time(struct bench *bench);
int task_outputs(struct bench *bench);
int task_profile(struct bench *bench);

#endif
