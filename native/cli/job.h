/*
 * job.h: what one process is to do, as plain lines of key and value. The Python
 * side's runner/timing/job.py writes the same keys and says what they mean.
 */
#ifndef RETIME_CLI_JOB_H
#define RETIME_CLI_JOB_H

#include <stddef.h>
#include <stdint.h>

enum { JOB_MOST_CORES = 256, JOB_MOST_OPTIONS = 64, JOB_MOST_SHAPES = 32 };

/* A job. Its texts lie in the bytes that it was read from. */
struct job {
    const char *library; /* tflite or litert */
    const char *path;
    const char *model;
    const char *input;
    const char *samples;
    const char *delegate;
    const char *task; /* time, outputs or profile */
    const char *call;
    const char *signature;
    const char *flags;
    const char *weight_cache;
    const char *delegate_path;
    const char *priority;
    const char *flush_to_zero;
    const char *inputs;
    const char *outputs;
    const char *profile;
    int64_t threads;
    int64_t buffer_offset;
    int64_t warmup_runs;
    int64_t warmup_ns;
    int64_t runs;
    int64_t budget_ns;
    int64_t min_run_time_ns;
    int64_t delay_ns;
    int64_t run_gap_ns;
    int64_t flush_caches;
    int64_t lock_memory;
    int64_t input_seed;
    int64_t input_sets;
    int64_t affinity[JOB_MOST_CORES];
    size_t affinity_count;
    char *delegate_options[JOB_MOST_OPTIONS]; /* "key=value" */
    size_t delegate_option_count;
    const char *shapes[JOB_MOST_SHAPES]; /* "input extent extent ..." */
    size_t shape_count;
};

/* Reads a job from `size` bytes, which it changes and which must outlive it;
   bytes[size] is there and is set to 0. Returns 0, or -1 with a sentence in
   `why` that names the line. Safe with any bytes. */
int job_read(char *bytes, size_t size, struct job *job, char *why,
             size_t why_size);

/* Reads whole numbers with spaces between, at most `most`; -1 if there is
   anything else. */
int job_numbers(const char *text, int64_t *numbers, size_t most, size_t *count);

#endif
