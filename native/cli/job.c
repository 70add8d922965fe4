/* job.c: reading a job. */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a key holds. TEXT and NUMBER stand once; the others once for each. */
enum kind { TEXT, NUMBER, CORES, OPTIONS, SHAPES };

struct key {
    const char *name;
    enum kind kind;
    int needed;
    size_t offset;
    const char *text; /* where it isn't given */
    int64_t number;
    int64_t most; /* of a number; the least is 0 */
};

/* Counts and sizes are held against what memory and patience have. */
#define MOST_RUNS 100000000
#define MOST_NS INT64_C(1000000000000000)
#define PLACE(name) offsetof(struct job, name)
#define NEEDED_TEXT(name) {#name, TEXT, 1, PLACE(name), "", 0, 0}
#define GIVEN_TEXT(name, text) {#name, TEXT, 0, PLACE(name), text, 0, 0}
#define NEEDED_NUMBER(name, most) {#name, NUMBER, 1, PLACE(name), "", 0, most}
#define GIVEN_NUMBER(name, number, most)                                       \
    {#name, NUMBER, 0, PLACE(name), "", number, most}

static const struct key keys[] = {
    NEEDED_TEXT(library),
    NEEDED_TEXT(path),
    NEEDED_TEXT(model),
    NEEDED_TEXT(input),
    NEEDED_TEXT(samples),
    NEEDED_TEXT(delegate),
    GIVEN_TEXT(task, "time"),
    GIVEN_TEXT(call, "interpreter"),
    GIVEN_TEXT(signature, ""),
    GIVEN_TEXT(flags, ""),
    GIVEN_TEXT(weight_cache, ""),
    GIVEN_TEXT(delegate_path, ""),
    GIVEN_TEXT(priority, ""),
    GIVEN_TEXT(flush_to_zero, "default"),
    GIVEN_TEXT(inputs, "real"),
    GIVEN_TEXT(outputs, ""),
    GIVEN_TEXT(profile, ""),
    NEEDED_NUMBER(threads, 1024),
    NEEDED_NUMBER(buffer_offset, 4032),
    NEEDED_NUMBER(warmup_runs, MOST_RUNS),
    NEEDED_NUMBER(warmup_ns, MOST_NS),
    NEEDED_NUMBER(runs, MOST_RUNS),
    GIVEN_NUMBER(budget_ns, 0, MOST_NS),
    GIVEN_NUMBER(min_run_time_ns, 0, MOST_NS),
    GIVEN_NUMBER(delay_ns, 0, INT64_C(10000000000)),
    GIVEN_NUMBER(run_gap_ns, 0, INT64_C(10000000000)),
    GIVEN_NUMBER(flush_caches, 0, 1),
    GIVEN_NUMBER(lock_memory, 0, 1),
    GIVEN_NUMBER(input_seed, 0, INT64_MAX),
    GIVEN_NUMBER(input_sets, 1, 100000),
    {"affinity", CORES, 0, 0, "", 0, 100000},
    {"delegate_options", OPTIONS, 0, 0, "", 0, 0},
    {"shapes", SHAPES, 0, 0, "", 0, 0},
};

enum { KEYS = sizeof keys / sizeof keys[0], SHOWN = 40 };

/* Reads one whole number that isn't negative. */
static int number_of(const char *text, int64_t most, int64_t *number) {
    char *end;
    long long read;

    if (text[0] < '0' || text[0] > '9') {
        return -1;
    }
    errno = 0;
    read = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0 || read > most) {
        return -1;
    }
    *number = (int64_t)read;
    return 0;
}

/* Reads whole numbers with spaces between. */
int job_numbers(const char *text, int64_t *numbers, size_t most,
                size_t *count) {
    *count = 0;
    while (*text != '\0') {
        char one[24];
        const size_t length = strcspn(text, " ");

        if (*count >= most || length >= sizeof one) {
            return -1;
        }
        memcpy(one, text, length);
        one[length] = '\0';
        if (number_of(one, INT32_MAX, &numbers[*count]) != 0) {
            return -1;
        }
        ++*count;
        text += length + (text[length] == ' ');
    }
    return 0;
}

/* Puts a value where its key says; -1 if it can't be one. */
static int take(struct job *job, const struct key *key, char *value) {
    char *place = (char *)job + key->offset;
    int64_t number;

    switch (key->kind) {
    case TEXT:
        memcpy(place, &value, sizeof value);
        return 0;
    case NUMBER:
        if (number_of(value, key->most, &number) != 0) {
            return -1;
        }
        memcpy(place, &number, sizeof number);
        return 0;
    case CORES:
        if (job->affinity_count >= JOB_MOST_CORES ||
            number_of(value, key->most, &job->affinity[job->affinity_count]) !=
                0) {
            return -1;
        }
        job->affinity_count++;
        return 0;
    case OPTIONS:
        if (job->delegate_option_count >= JOB_MOST_OPTIONS ||
            strchr(value, '=') == NULL) {
            return -1;
        }
        job->delegate_options[job->delegate_option_count++] = value;
        return 0;
    case SHAPES:
    default:
        if (job->shape_count >= JOB_MOST_SHAPES) {
            return -1;
        }
        job->shapes[job->shape_count++] = value;
        return 0;
    }
}

/* Fills in what isn't given. */
static void fill_in(struct job *job) {
    memset(job, 0, sizeof *job);
    for (size_t i = 0; i < KEYS; i++) {
        char *place = (char *)job + keys[i].offset;

        if (keys[i].kind == TEXT) {
            memcpy(place, &keys[i].text, sizeof keys[i].text);
        } else if (keys[i].kind == NUMBER) {
            memcpy(place, &keys[i].number, sizeof keys[i].number);
        }
    }
}

/* The key of this name; NULL if there is none. */
static const struct key *find(const char *name) {
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

/* Reads one line: a key, a space and a value. */
static int read_line(struct job *job, char *line, size_t number,
                     unsigned char *given, char *why, size_t why_size) {
    char *value = strchr(line, ' ');
    const struct key *key;

    if (value == NULL) {
        value = line + strlen(line);
    } else {
        *value++ = '\0';
    }
    key = find(line);
    if (key == NULL) {
        snprintf(why, why_size, "line %zu: unknown key %.*s", number, SHOWN,
                 line);
        return -1;
    }
    if (key->kind <= NUMBER && given[key - keys]++) {
        snprintf(why, why_size, "line %zu: %s is there twice", number,
                 key->name);
        return -1;
    }
    if (take(job, key, value) != 0) {
        snprintf(why, why_size, "line %zu: %s can't be %.*s", number, key->name,
                 SHOWN, value);
        return -1;
    }
    return 0;
}

/* Reads a job. */
int job_read(char *bytes, size_t size, struct job *job, char *why,
             size_t why_size) {
    unsigned char given[KEYS] = {0};
    size_t number = 0;

    bytes[size] = '\0';
    fill_in(job);
    if (strlen(bytes) != size) {
        snprintf(why, why_size, "it holds a byte 0, which no text does");
        return -1;
    }
    for (char *line = bytes; *line != '\0';) {
        char *end = line + strcspn(line, "\n");
        char *next = end + (*end == '\n');

        *end = '\0';
        number++;
        if (read_line(job, line, number, given, why, why_size) != 0) {
            return -1;
        }
        line = next;
    }
    for (size_t i = 0; i < KEYS; i++) {
        if (keys[i].needed && !given[i]) {
            snprintf(why, why_size, "there is no %s", keys[i].name);
            return -1;
        }
    }
    return 0;
}
