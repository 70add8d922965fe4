/* options.c: a job's words as what the harness takes. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The place of a word in a list; -1 with a sentence if it isn't there. */
static int place_of(const char *what, const char *word,
                    const char *const *words, int count, char *why,
                    size_t why_size) {
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    snprintf(why, why_size, "%s can't be %.40s", what, word);
    return -1;
}

/* An empty text is no text. */
static const char *or_null(const char *text) {
    return text[0] == '\0' ? NULL : text;
}

/* Reads the delegate's options. */
static void read_settings(const struct job *job, struct options *options) {
    for (size_t i = 0; i < job->delegate_option_count; i++) {
        char *equals = strchr(job->delegate_options[i], '=');

        *equals = '\0';
        options->settings[i].key = job->delegate_options[i];
        options->settings[i].value = equals + 1;
    }
    options->session.settings = options->settings;
    options->session.setting_count = job->delegate_option_count;
}

/* Reads the shapes that inputs are given. */
static int read_shapes(const struct job *job, struct options *options,
                       char *why, size_t why_size) {
    for (size_t i = 0; i < job->shape_count; i++) {
        int64_t numbers[9];
        size_t count = 0;

        if (job_numbers(job->shapes[i], numbers, 9, &count) != 0 ||
            count == 0) {
            snprintf(why, why_size, "shapes can't be %.40s", job->shapes[i]);
            return -1;
        }
        options->shapes[i].input = (int32_t)numbers[0];
        options->shapes[i].rank = (int32_t)count - 1;
        for (size_t j = 1; j < count; j++) {
            options->shapes[i].dims[j - 1] = (int32_t)numbers[j];
        }
    }
    options->session.shapes = options->shapes;
    options->session.shape_count = job->shape_count;
    return 0;
}

/* Reads a session's options. */
int options_read(const struct job *job, struct options *options, char *why,
                 size_t why_size) {
    static const char *const delegates[] = {"none", "xnnpack", "external"};
    static const char *const calls[] = {"interpreter", "signature"};
    const int delegate =
        place_of("delegate", job->delegate, delegates, 3, why, why_size);
    const int call = place_of("call", job->call, calls, 2, why, why_size);

    if (delegate < 0 || call < 0) {
        return -1;
    }
    memset(options, 0, sizeof *options);
    options->session.delegate = delegate;
    options->session.call = call;
    options->session.threads = (int32_t)job->threads;
    options->session.signature = or_null(job->signature);
    options->session.xnnpack_flags = or_null(job->flags);
    options->session.weight_cache = or_null(job->weight_cache);
    options->session.delegate_path = or_null(job->delegate_path);
    options->session.profile = strcmp(job->task, "profile") == 0;
    options->session.count_nodes = options->session.profile;
    read_settings(job, options);
    return read_shapes(job, options, why, why_size);
}

/* Reads what is wished. */
int wishes_read(const struct job *job, struct wishes *wishes, char *why,
                size_t why_size) {
    static const char *const words[] = {"off", "default", "on"};
    const int flush =
        place_of("flush_to_zero", job->flush_to_zero, words, 3, why, why_size);
    char *end;
    long nice;

    if (flush < 0) {
        return -1;
    }
    memset(wishes, 0, sizeof *wishes);
    wishes->wished.flush_to_zero = flush - 1;
    wishes->wished.lock_memory = (int32_t)job->lock_memory;
    for (size_t i = 0; i < job->affinity_count; i++) {
        wishes->cores[i] = (int32_t)job->affinity[i];
    }
    wishes->wished.cores = wishes->cores;
    wishes->wished.core_count = job->affinity_count;
    wishes->wished.prioritize = job->priority[0] != '\0';
    wishes->wished.realtime = strcmp(job->priority, "realtime") == 0;
    if (wishes->wished.prioritize && !wishes->wished.realtime) {
        nice = strtol(job->priority, &end, 10);
        if (*end != '\0' || nice < -20 || nice > 19) {
            snprintf(why, why_size, "priority can't be %.40s", job->priority);
            return -1;
        }
        wishes->wished.nice = (int32_t)nice;
    }
    return 0;
}
