/*
 * The least that timing through LiteRT's C API can cost: two clock reads and an
 * inference, nothing around them. For models with one input and one output.
 * Prints the nanoseconds that one turn of the loop takes.
 *
 *   bare_litert LIBRARY MODEL RUNS
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An element's type and a layout: rank, eight extents, eight strides. */
typedef struct tensor_type {
    int32_t type;
    uint32_t rank;
    int32_t extents[8];
    uint32_t strides[8];
} tensor_type;

typedef int (*any)();

static void *library;

static any symbol(const char *name)
{
    void *found = dlsym(library, name);
    any function;

    if (!found) {
        fprintf(stderr, "bare_litert: no %s\n", name);
        exit(1);
    }
    memcpy(&function, &found, sizeof(found));
    return function;
}

static void demand(const char *what, int status)
{
    if (status) {
        fprintf(stderr, "bare_litert: %s gave %d\n", what, status);
        exit(1);
    }
}

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC_RAW, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* A buffer for the only tensor of one side. */
static void *make_buffer(void *compiled, void *signature, const char *side, void *layout)
{
    char name[80];
    tensor_type type;
    void *tensor;
    void *wanted;
    void *memory;
    void *buffer;
    size_t size;

    snprintf(name, sizeof(name), "LiteRtGetSignature%sTensorByIndex", side);
    demand(name, symbol(name)(signature, (size_t)0, &tensor));
    demand("type", symbol("LiteRtGetRankedTensorType")(tensor, &type));
    memcpy(&type.rank, layout, sizeof(type) - sizeof(type.type));
    snprintf(name, sizeof(name), "LiteRtGetCompiledModel%sBufferRequirements", side);
    demand(name, symbol(name)(compiled, (size_t)0, (size_t)0, &wanted));
    demand("size", symbol("LiteRtGetTensorBufferRequirementsBufferSize")(wanted, &size));
    if (posix_memalign(&memory, 64, size + 64))
        exit(1);
    memset(memory, 0, size + 64);
    demand("buffer", symbol("LiteRtCreateTensorBufferFromHostMemory")(&type, memory, size, NULL,
                                                                      &buffer));
    return buffer;
}

int main(int argc, char **argv)
{
    typedef int (*run)(void *, size_t, size_t, void **, size_t, void **);
    void *environment;
    void *model;
    void *options;
    void *cpu;
    void *compiled;
    void *signature;
    void *input;
    void *output;
    tensor_type layout;
    int64_t *samples;
    int64_t started;
    long runs;
    run invoke;

    if (argc != 4 || !(library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL)))
        return 1;
    runs = strtol(argv[3], NULL, 10);
    samples = calloc((size_t)runs, sizeof(*samples));
    if (!samples)
        return 1;
    demand("environment", symbol("LiteRtCreateEnvironment")(0, NULL, &environment));
    demand("model", symbol("LiteRtCreateModelFromFile")(environment, argv[2], &model));
    demand("options", symbol("LiteRtCreateOptions")(&options));
    demand("accelerators", symbol("LiteRtSetOptionsHardwareAccelerators")(options, 1));
    demand("threads", symbol("LiteRtCreateOpaqueOptions")("xnnpack", strdup("num_threads = 1\n"),
                                                          free, &cpu));
    demand("add", symbol("LiteRtAddOpaqueOptions")(options, cpu));
    demand("compile", symbol("LiteRtCreateCompiledModel")(environment, model, options, &compiled));
    demand("signature", symbol("LiteRtGetModelSignature")(model, (size_t)0, &signature));
    demand("layout", symbol("LiteRtGetCompiledModelInputTensorLayout")(
                         compiled, (size_t)0, (size_t)0, &layout.rank));
    input = make_buffer(compiled, signature, "Input", &layout.rank);
    demand("layouts", symbol("LiteRtGetCompiledModelOutputTensorLayouts")(
                          compiled, (size_t)0, (size_t)1, &layout.rank, 1));
    output = make_buffer(compiled, signature, "Output", &layout.rank);
    invoke = (run)symbol("LiteRtRunCompiledModel");
    for (started = now_ns(); now_ns() - started < 200000000;)
        demand("run", invoke(compiled, 0, 1, &input, 1, &output));
    started = now_ns();
    for (long i = 0; i < runs; i++) {
        int64_t before = now_ns();
        invoke(compiled, 0, 1, &input, 1, &output);
        samples[i] = now_ns() - before;
    }
    printf("%.3f\n", (double)(now_ns() - started) / (double)runs);
    fflush(stdout);
    /* LiteRT's own functions run at exit; this loader still has them. */
    return 0;
}
