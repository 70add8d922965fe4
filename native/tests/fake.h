/*
 * fake.h: the controls of the fake inference library. It keeps the order of
 * calls that the real one demands, and fails where it is told to.
 */
#ifndef RETIME_TESTS_FAKE_H
#define RETIME_TESTS_FAKE_H

#include <stddef.h>
#include <stdint.h>

/* A model is these bytes; anything else is refused. */
#define FAKE_MODEL "fake model"

/* Counts that several threads may change, where they do. */
#ifndef FAKE_COUNT
#define FAKE_COUNT int
#endif

enum { FAKE_MOST_TENSORS = 2, FAKE_MOST_BYTES = 64, FAKE_MOST_NODES = 16 };
enum { FAKE_MOST_EVENTS = 48 };

struct fake_tensor {
    const char *name;
    int type;
    int32_t rank;
    int32_t dims[12];
    size_t size;
    int homeless; /* not 0: it has no memory */
    int absent;   /* not 0: the library gives no tensor */
    float scale;
    int32_t zero_point;
    int allocation; /* 2: in the arena */
    int unknown;    /* LiteRT: an extent is -1 */
};

/* What a profiled run tells. */
enum fake_kind { FAKE_END_OF_RUN, FAKE_BEGIN, FAKE_END, FAKE_WHOLE };

struct fake_event {
    enum fake_kind kind;
    const char *name;
    int64_t index;
    int64_t subgraph;
    uint64_t us;
    uint64_t start_us; /* LiteRT tells spans, of a type: */
    int type;
};

struct fake_control {
    /* What is to fail */
    const char *fails; /* a function's name, or part of it; NULL: none */
    int after;         /* calls of it that succeed first */
    const char *says;  /* what is reported then; NULL: nothing */
    /* What the model is */
    int32_t inputs;
    int32_t outputs;
    struct fake_tensor input[FAKE_MOST_TENSORS];
    struct fake_tensor output[FAKE_MOST_TENSORS];
    /* What delegation does: the kernels' codes before and after */
    int subgraphs; /* each shows its plan to each delegate */
    int before[FAKE_MOST_NODES];
    int nodes_before;
    int after_delegate[FAKE_MOST_NODES];
    int nodes_after;
    int no_plan;       /* not 0: the plan is NULL */
    int no_operator;   /* not 0: kernels are NULL */
    int wrong_threads; /* not 0: XNNPACK takes one thread more than asked */
    int no_options;    /* not 0: XNNPACK doesn't tell its options */
    int no_version;    /* not 0: the version is NULL */
    int newer;         /* not 0: XNNPACK's options are those of LiteRT's time */
    uint32_t flags;    /* XNNPACK's defaults */
    int signatures;    /* named "first" and "second" */
    struct fake_event events[FAKE_MOST_EVENTS];
    size_t growth;  /* bytes that the first output grows by in each run */
    int packed;     /* LiteRT: bytes that a buffer uses; -1: the tensor's */
    int quantized;  /* LiteRT: how its tensors are */
    int no_name;    /* LiteRT: not 0: tensors and signatures have none */
    int bad_events; /* LiteRT: not 0: tells a negative number of events */
    /* What was seen */
    FAKE_COUNT live;    /* objects that exist */
    FAKE_COUNT misuses; /* deletions out of order, calls on deleted objects */
    FAKE_COUNT invokes;
    FAKE_COUNT threads;
    int32_t xnnpack_threads;
    int64_t observer_flags;
    uint32_t xnnpack_flags;
    const char *xnnpack_cache; /* "" where none, "memory" or a path */
    int profiled_runs;
    char options[256]; /* LiteRT: the last payloads */
    int work;          /* turns of a loop that each inference takes up */
};

/* The controls of this copy of the library. */
struct fake_control *fake_control(void);

/* Puts them back: a model of one float input and one float output, four values
   each, of which an inference makes the output by adding one to each byte. */
void fake_reset(void);

/* Counts anew the calls of the function that is to fail. */
void fake_count(void);

#endif
