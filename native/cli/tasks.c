/* tasks.c: what a job may be: samples, outputs, a profile. */
#define _GNU_SOURCE /* CLOCK_MONOTONIC_RAW */

#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LEAST_RUNS = 10, MOST_OPERATIONS = 8192, MOST_SAMPLES = 100000000 };

/* How many runs the time allows, and how many samples there must be room for.
 */
static void plan(const struct bench *bench, retime_timing *timing,
                 size_t *room) {
    const struct job *job = bench->job;
    double cost = bench->run_cost_ns + (double)job->run_gap_ns;
    double affordable;

    cost = cost < 1 ? 1 : cost;
    timing->runs = (size_t)job->runs;
    affordable = (double)job->budget_ns / cost;
    if (job->budget_ns > 0 && affordable < (double)job->runs) {
        timing->runs =
            affordable < LEAST_RUNS ? LEAST_RUNS : (size_t)affordable;
        timing->runs =
            timing->runs < (size_t)job->runs ? timing->runs : (size_t)job->runs;
    }
    *room = timing->runs;
    if (job->min_run_time_ns > 0) {
        /* Twice as many as the warm-up makes likely. */
        const double likely = 2 * (double)job->min_run_time_ns / cost + 64;

        timing->min_ns = job->min_run_time_ns;
        if (likely > (double)*room) {
            *room = likely > MOST_SAMPLES ? MOST_SAMPLES : (size_t)likely;
        }
    }
}

/* By how much a counter grew; -1 where it isn't told. */
static int64_t grown(int64_t before, int64_t after) {
    return before < 0 || after < 0 ? -1 : after - before;
}

/* Says what was in force and what was counted while timing. */
static void report_surroundings(const struct bench *bench,
                                const retime_reading *before,
                                const retime_reading *after,
                                const retime_counts *counts) {
    const int64_t resident = bench->start.resident_bytes;
    /* What flushes the caches isn't the model's. */
    const int64_t peak = bench->job->flush_caches ? before->peak_resident_bytes
                                                  : after->peak_resident_bytes;

    report_number("peak_memory_bytes", peak > resident ? peak - resident : 0);
    report_number("cpu_ns", after->cpu_ns - before->cpu_ns);
    report_number("voluntary_switches",
                  after->voluntary_switches - before->voluntary_switches);
    report_number("involuntary_switches",
                  after->involuntary_switches - before->involuntary_switches);
    report_number("minor_faults", after->minor_faults - before->minor_faults);
    report_number("major_faults", after->major_faults - before->major_faults);
    report_number("resident_bytes", after->resident_bytes);
    report_number("temperature_before_mc", before->temperature_mc);
    report_number("temperature_after_mc", after->temperature_mc);
    report_number("frequency_before_khz", before->frequency_khz);
    report_number("frequency_after_khz", after->frequency_khz);
    report_number("throttled_bits", after->throttled_bits);
    report_number("throttle_events",
                  grown(before->throttle_events, after->throttle_events));
    report_number("steal_ns", grown(before->steal_ns, after->steal_ns));
    report_number("cycles", counts->cycles);
    report_number("instructions", counts->instructions);
    report_number("cache_misses", counts->cache_misses);
    report_number("branch_misses", counts->branch_misses);
    report_number("migrations", counts->migrations);
}

/* Says what ran and what it took to make it ready. */
void bench_report_session(const struct bench *bench) {
    retime_startup startup;
    retime_clock clock = {0};

    retime_session_startup(bench->session, &startup);
    (void)retime_clock_describe(&clock, NULL);
    report_text("version", retime_library_version(bench->library));
    report_text("call",
                retime_session_call(bench->session) == RETIME_CALL_SIGNATURE
                    ? "signature"
                    : "interpreter");
    report_number("model_ns", startup.model_ns);
    report_number("interpreter_ns", startup.interpreter_ns);
    report_number("allocate_ns", startup.allocate_ns);
    report_number("first_ns", bench->first_ns);
    report_number("warmup_runs", bench->warmup_runs);
    report_text("clock", clock.id == CLOCK_MONOTONIC_RAW ? "CLOCK_MONOTONIC_RAW"
                                                         : "CLOCK_MONOTONIC");
    report_number("clock_resolution_ns", clock.resolution_ns);
    report_number("clock_step_ns", clock.step_ns);
    report_number("clock_cost_ns", clock.cost_ns);
    report_text("emulator", bench->emulator);
    report_text("counters_reason", retime_counters_reason(bench->counters));
    report_condition("affinity", &bench->conditions.affinity);
    report_condition("priority", &bench->conditions.priority);
    report_condition("memory_lock", &bench->conditions.memory_lock);
    report_condition("flush_to_zero", &bench->conditions.flush_to_zero);
    report_number("flushes_to_zero", retime_flushes_to_zero());
}

/* Takes samples and writes them. */
int task_time(struct bench *bench) {
    const struct job *job = bench->job;
    const int rotating = strcmp(job->inputs, "rotating") == 0;
    retime_timing timing = {.delay_ns = job->delay_ns,
                            .gap_ns = job->run_gap_ns};
    retime_reading before;
    retime_reading after;
    retime_counts counts;
    size_t room = 0;
    size_t done = 0;
    int64_t started_ns;
    int64_t timed_ns;
    int failed;

    plan(bench, &timing, &room);
    bench->samples = calloc(room + 1, sizeof *bench->samples);
    if (bench->samples == NULL) {
        return bench_no_memory();
    }
    if (job->flush_caches) {
        timing.flush_bytes = retime_cache_flush_bytes();
    }
    if (rotating && bench->set_count > 1) {
        timing.inputs = bench->sets.data;
        timing.inputs_size = bench->sets.size;
        timing.input_sets = bench->set_count;
    }
    report_step("take samples");
    retime_reading_take(&before);
    retime_counters_start(bench->counters);
    started_ns = retime_clock_now();
    failed = retime_session_time(bench->session, &timing, bench->samples, room,
                                 &done, &bench->error);
    timed_ns = retime_clock_now() - started_ns;
    retime_counters_stop(bench->counters, &counts);
    retime_reading_take(&after);
    if (failed) {
        return report_failure(&bench->error);
    }
    report_step("write samples");
    failed = files_write_numbers(job->samples, bench->samples, done);
    if (failed) {
        return bench_file_failed(job->samples, failed);
    }
    bench_report_session(bench);
    report_number("runs", (int64_t)done);
    report_number("timed_ns", timed_ns);
    report_number("flush_bytes", (int64_t)timing.flush_bytes);
    report_surroundings(bench, &before, &after, &counts);
    return DONE;
}

/* Runs the model on every set and writes the outputs. */
int task_outputs(struct bench *bench) {
    const size_t count = bench->set_count > 0 ? bench->set_count : 1;
    const size_t taken = bench->set_count > 0 ? bench->sets.size : 0;
    size_t each = 0;
    size_t inputs = 0;
    char *given;
    char *zeros = NULL;
    int failed;

    report_step("evaluate");
    /* The first inference decides the shape of some outputs. */
    if (retime_session_warm_up(bench->session, 1, 0, NULL, &bench->error) ||
        retime_session_output_size(bench->session, &each, &bench->error) ||
        retime_session_input_size(bench->session, &inputs, &bench->error)) {
        return report_failure(&bench->error);
    }
    given = calloc(count, each + 1);
    if (taken == 0) {
        zeros = calloc(1, inputs + 1);
    }
    if (given == NULL || (taken == 0 && zeros == NULL)) {
        free(given);
        free(zeros);
        return bench_no_memory();
    }
    failed = retime_session_map(
        bench->session, taken == 0 ? zeros : bench->sets.data,
        taken == 0 ? inputs : taken, given, count * each, count, &bench->error);
    if (failed) {
        failed = report_failure(&bench->error);
    } else {
        failed = files_write(bench->job->outputs, given, count * each);
        failed = failed ? bench_file_failed(bench->job->outputs, failed) : DONE;
    }
    free(given);
    free(zeros);
    if (failed == DONE) {
        bench_report_session(bench);
        report_number("runs", (int64_t)count);
    }
    return failed;
}

/* Writes one line for each operation. */
static int write_profile(const struct bench *bench,
                         const retime_operation *operations, size_t count) {
    FILE *file = fopen(bench->job->profile, "w");
    int good = file != NULL;

    for (size_t i = 0; i < count && good; i++) {
        const retime_operation *one = &operations[i];

        good =
            fprintf(file,
                    "%d %d %d %d %d %" PRId64 " %" PRId64 " %" PRId64 " %s\n",
                    one->subgraph, one->index, one->parent, one->partition,
                    one->delegate, one->calls, one->total_ns, one->self_ns,
                    one->name) > 0;
    }
    if (file != NULL && fclose(file) != 0) {
        good = 0;
    }
    return good;
}

/* Profiles the runs. */
int task_profile(struct bench *bench) {
    retime_operation *operations = calloc(MOST_OPERATIONS, sizeof *operations);
    retime_profile profile;
    retime_nodes nodes;
    int failed = DONE;

    if (operations == NULL) {
        return bench_no_memory();
    }
    report_step("profile");
    if (retime_session_profile(bench->session, bench->job->runs, operations,
                               MOST_OPERATIONS, &profile, &bench->error)) {
        failed = report_failure(&bench->error);
    } else if (!write_profile(bench, operations, profile.operations)) {
        failed = report_error("file", "the profile can't be written", UNUSABLE);
    }
    free(operations);
    if (failed != DONE) {
        return failed;
    }
    bench_report_session(bench);
    retime_session_nodes(bench->session, &nodes);
    report_number("runs", profile.runs);
    report_number("profile_total_ns", profile.total_ns);
    report_number("profile_dropped", profile.dropped);
    report_number("profile_tick_ns", profile.tick_ns);
    report_number("arena_bytes", profile.arena_bytes);
    report_number("nodes", nodes.nodes);
    report_number("delegated_nodes", nodes.delegated);
    report_number("partitions", nodes.partitions);
    return DONE;
}
