/*
 * The declarations of retime.h, in the plain C that both a compiler and cffi
 * read: no preprocessor line, no inline code. Include retime.h, not this file.
 */

/* Values are never reused. */
enum retime_status {
    RETIME_OK = 0,
    RETIME_E_ARGUMENT = -1,    /* a NULL; an index or size out of range */
    RETIME_E_MEMORY = -2,      /* no memory */
    RETIME_E_LIBRARY = -3,     /* the library can't be opened */
    RETIME_E_SYMBOL = -4,      /* the library lacks a function that is needed */
    RETIME_E_MODEL = -5,       /* the library refuses the model's bytes */
    RETIME_E_DELEGATE = -6,    /* the delegate can't be made as asked */
    RETIME_E_INTERPRETER = -7, /* no interpreter for this model and options */
    RETIME_E_ALLOCATE = -8,    /* tensors can't be allocated */
    RETIME_E_INVOKE = -9,      /* an inference failed */
    RETIME_E_TENSOR = -10,     /* a tensor can't be read or written */
    RETIME_E_CLOCK = -11       /* the clock can't be read, or stepped back */
};

enum retime_delegate {
    RETIME_DELEGATE_NONE = 0,   /* the library's built-in kernels */
    RETIME_DELEGATE_XNNPACK = 1 /* XNNPACK, with the library's default flags */
};

/* Filled by whichever function failed. Texts are always NUL-terminated. */
typedef struct retime_error {
    int32_t status;     /* enum retime_status */
    char step[32];      /* what failed, in one word: "AllocateTensors" */
    char message[1024]; /* why, in the library's own words where it had any */
} retime_error;

/* An inference library that was opened. */
typedef struct retime_library retime_library;

/* A model made ready to run. */
typedef struct retime_session retime_session;

typedef struct retime_options {
    int32_t delegate; /* enum retime_delegate */
    int32_t threads;  /* from 1 to 1024 */
    /* Not 0: count the graph's nodes before and after delegation. It adds an
       observer to the session; sessions that are timed leave it at 0. */
    int32_t count_nodes;
} retime_options;

/* What it took to make a session, in nanoseconds. */
typedef struct retime_startup {
    int64_t model_ns;       /* reading the model */
    int64_t interpreter_ns; /* delegate and interpreter */
    int64_t allocate_ns;    /* tensors, and weights where packed there */
} retime_startup;

/* How much of the graph the delegate took. All are -1 where count_nodes was 0
   or the library can't tell. */
typedef struct retime_nodes {
    int32_t nodes;      /* of the primary subgraph, before delegation */
    int32_t delegated;  /* of these, those inside a delegate */
    int32_t partitions; /* delegate kernels in the final plan */
} retime_nodes;

/* A tensor's description. */
typedef struct retime_tensor {
    char name[256];  /* cut where it is longer */
    int32_t type;    /* TfLiteType: 1 float32, 2 int32, 3 uint8, 9 int8, ... */
    int32_t rank;    /* may be over 8 */
    int32_t dims[8]; /* the first `rank` (at most 8) extents */
    size_t bytes;
    float scale; /* real = scale * (stored - zero_point); 0: not quantized */
    int32_t zero_point;
} retime_tensor;

typedef struct retime_clock {
    int32_t id;            /* the clockid_t in use */
    int64_t resolution_ns; /* as the kernel states it */
    int64_t cost_ns;       /* of one reading: the median of many */
} retime_clock;

/* Opens the library at `path` and binds its functions. A path without a slash
   is looked for where the system's loader looks.
   *library is to be closed with retime_library_close after the last session
   that was made from it.
   Fails with E_ARGUMENT, E_MEMORY, E_LIBRARY, E_SYMBOL (names the function). */
int retime_library_open(const char *path, retime_library **library,
                        retime_error *error);

/* The library's version text; lives as long as the library. Never NULL. */
const char *retime_library_version(const retime_library *library);

/* Closes; NULL is allowed. */
void retime_library_close(retime_library *library);

/* Makes a session of the model's `size` bytes, with tensors allocated and
   inputs zeroed. Borrows the library and the bytes: both outlive the session.
   Kernels read weights where they lie in the bytes, so have these on a multiple
   of 64. They are untrusted: the library checks them, but one that crashes on
   them takes the process along; run it where that is harmless.
   Fails with E_ARGUMENT, E_MEMORY, E_MODEL, E_DELEGATE, E_INTERPRETER,
   E_ALLOCATE, E_CLOCK, E_SYMBOL (the delegate needs a missing function),
   E_TENSOR (an input holds texts or handles, which can't be zeroed). */
int retime_session_open(const retime_library *library, const void *model,
                        size_t size, const retime_options *options,
                        retime_session **session, retime_error *error);

/* Closes; NULL is allowed. */
void retime_session_close(retime_session *session);

void retime_session_startup(const retime_session *session,
                            retime_startup *startup);
void retime_session_nodes(const retime_session *session, retime_nodes *nodes);
int32_t retime_session_input_count(const retime_session *session);
int32_t retime_session_output_count(const retime_session *session);

/* Describes input or output `index`.
   Fails with E_ARGUMENT (no such index), E_TENSOR. */
int retime_session_input(const retime_session *session, int32_t index,
                         retime_tensor *tensor, retime_error *error);
int retime_session_output(const retime_session *session, int32_t index,
                          retime_tensor *tensor, retime_error *error);

/* Copies `size` bytes into input `index`; size must be the tensor's.
   Fails with E_ARGUMENT, E_TENSOR. */
int retime_session_write(retime_session *session, int32_t index,
                         const void *bytes, size_t size, retime_error *error);

/* Copies output `index` into `size` bytes of the caller's; size must be the
   tensor's. Fails with E_ARGUMENT, E_TENSOR (also where an output has no memory
   before the first inference decides its shape). */
int retime_session_read(const retime_session *session, int32_t index,
                        void *bytes, size_t size, retime_error *error);

/* Runs `count` inferences on `count` inputs laid end to end, and lays the
   outputs end to end: for models with one input and one output. `inputs_size`
   and `outputs_size` are the byte sizes of the two arrays and must be `count`
   times the tensors' sizes. Not timed.
   Fails with E_ARGUMENT, E_TENSOR, E_INVOKE; outputs before the failure are
   written. */
int retime_session_map(retime_session *session, const void *inputs,
                       size_t inputs_size, void *outputs, size_t outputs_size,
                       size_t count, retime_error *error);

/* Runs until both `min_runs` inferences and `min_ns` nanoseconds are done.
   *runs, where not NULL, receives how many were done, also on failure.
   Fails with E_ARGUMENT, E_INVOKE, E_CLOCK. */
int retime_session_warm_up(retime_session *session, int64_t min_runs,
                           int64_t min_ns, int64_t *runs, retime_error *error);

/* Times `count` inferences into `samples_ns`, which the caller owns: between
   the two clock reads of a sample lies one inference and nothing else. With
   `delay_ns` over 0 (at most 10^10), a busy wait of that length follows the
   inference inside the timed region: the positive control. The wait is
   calibrated first, which takes about a millisecond; a wait shorter than two
   readings of the clock lasts as long as they do.
   *done, where not NULL, receives the number of valid samples, also on failure.
   Fails with E_ARGUMENT, E_INVOKE, E_CLOCK (also for a sample that is 0 or
   less, which is never kept). */
int retime_session_time(retime_session *session, int64_t *samples_ns,
                        size_t count, int64_t delay_ns, size_t *done,
                        retime_error *error);

/* The clock in use: CLOCK_MONOTONIC_RAW, or CLOCK_MONOTONIC where there is
   none. Fails with E_ARGUMENT, E_CLOCK. */
int retime_clock_describe(retime_clock *clock, retime_error *error);

/* Reads that clock: nanoseconds from some start; negative on failure. */
int64_t retime_clock_now(void);
