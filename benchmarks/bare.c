/*
 * The least that timing can cost: two clock reads and an inference, nothing
 * around them. Prints the nanoseconds that one turn of the loop takes.
 *
 *   bare LIBRARY MODEL DELEGATE RUNS     DELEGATE: none | xnnpack
 *   bare LIBRARY MODEL DELEGATE 1 once   no warm-up: a whole process to be timed;
 *                                        prints its resident memory in KiB
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct delegate_options {
    int32_t num_threads;
    char rest[1020];
} delegate_options;

static void *library;

static void *symbol(const char *name)
{
    void *found = dlsym(library, name);

    if (!found) {
        fprintf(stderr, "bare: no %s\n", name);
        exit(1);
    }
    return found;
}

#define BIND(type, variable, name) \
    type variable;                 \
    do {                           \
        void *found = symbol(name); \
        memcpy(&variable, &found, sizeof(found)); \
    } while (0)

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC_RAW, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int argc, char **argv)
{
    typedef void *(*from_path)(const char *);
    typedef void *(*make)(void);
    typedef void (*set_number)(void *, int32_t);
    typedef delegate_options (*defaults)(void);
    typedef void *(*make_delegate)(const delegate_options *);
    typedef void (*add)(void *, void *);
    typedef void *(*make_interpreter)(void *, void *);
    typedef int (*act)(void *);
    void *options;
    void *interpreter;
    int64_t *samples;
    int64_t started;
    long runs;

    if ((argc != 5 && argc != 6) || !(library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL)))
        return 1;
    runs = strtol(argv[4], NULL, 10);
    samples = calloc((size_t)runs, sizeof(*samples));
    if (!samples)
        return 1;
    BIND(from_path, model_from, "TfLiteModelCreateFromFile");
    BIND(make, make_options, "TfLiteInterpreterOptionsCreate");
    BIND(set_number, set_threads, "TfLiteInterpreterOptionsSetNumThreads");
    BIND(make_interpreter, create, "TfLiteInterpreterCreate");
    BIND(act, allocate, "TfLiteInterpreterAllocateTensors");
    BIND(act, invoke, "TfLiteInterpreterInvoke");
    options = make_options();
    set_threads(options, 1);
    if (!strcmp(argv[3], "xnnpack")) {
        BIND(defaults, delegate_defaults, "TfLiteXNNPackDelegateOptionsDefault");
        BIND(make_delegate, create_delegate, "TfLiteXNNPackDelegateCreate");
        BIND(add, add_delegate, "TfLiteInterpreterOptionsAddDelegate");
        delegate_options chosen = delegate_defaults();
        chosen.num_threads = 1;
        add_delegate(options, create_delegate(&chosen));
    }
    interpreter = create(model_from(argv[2]), options);
    if (!interpreter || allocate(interpreter))
        return 1;
    if (argc == 6) {
        char line[128];
        FILE *status;

        if (invoke(interpreter) || !(status = fopen("/proc/self/status", "r")))
            return 1;
        while (fgets(line, sizeof(line), status))
            if (!strncmp(line, "VmRSS:", 6))
                printf("%ld\n", strtol(line + 6, NULL, 10));
        return 0;
    }
    for (started = now_ns(); now_ns() - started < 200000000;)
        if (invoke(interpreter))
            return 1;
    started = now_ns();
    for (long run = 0; run < runs; run++) {
        int64_t before = now_ns();
        invoke(interpreter);
        samples[run] = now_ns() - before;
    }
    printf("%.3f\n", (double)(now_ns() - started) / (double)runs);
    return 0;
}
