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
    RETIME_E_CLOCK = -11,      /* the clock can't be read, or stepped back */
    RETIME_E_SIGNATURE = -12,  /* the model has no such signature */
    RETIME_E_UNSUPPORTED = -13 /* this kind of library has no such feature */
};

/* What kind of library it is, told by its functions. */
enum retime_kind {
    RETIME_KIND_TFLITE = 1, /* the classic TFLite C API */
    RETIME_KIND_LITERT = 2  /* the LiteRT C API */
};

enum retime_delegate {
    RETIME_DELEGATE_NONE = 0,    /* the library's built-in kernels */
    RETIME_DELEGATE_XNNPACK = 1, /* XNNPACK inside the library */
    RETIME_DELEGATE_EXTERNAL = 2 /* one from a library of its own */
};

/* Which of the library's functions runs an inference. The interpreter flushes
   subnormal numbers to zero by itself, the signature runner doesn't. */
enum retime_call { RETIME_CALL_INTERPRETER = 0, RETIME_CALL_SIGNATURE = 1 };

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

/* One option of an external delegate. */
typedef struct retime_setting {
    const char *key;
    const char *value;
} retime_setting;

/* A shape that an input is given before tensors are allocated. */
typedef struct retime_shape {
    int32_t input;
    int32_t rank; /* from 0 to 8 */
    int32_t dims[8];
} retime_shape;

/* How to make a session. Zero bytes but for `threads` are the defaults. All is
   read while the session is being opened and borrowed no longer. */
typedef struct retime_options {
    int32_t delegate; /* enum retime_delegate */
    int32_t threads;  /* from 1 to 1024 */
    /* Not 0: count the graph's nodes before and after delegation. It adds
       observers to the session, or with LiteRT a profiler and an inference;
       sessions that are timed leave it at 0. */
    int32_t count_nodes;
    /* Not 0: retime_session_profile may be called. A profiler slows every
       inference; sessions that are timed leave it at 0. */
    int32_t profile;
    int32_t call; /* enum retime_call; LiteRT decides it by itself */
    /* Which signature runs: a name, or NULL for the first one. With the
       interpreter's call it must be NULL. */
    const char *signature;
    /* XNNPACK: words with spaces between, such as "force_fp16 no_qs8", that are
       added to or (with no_) taken from the library's defaults; NULL: none.
       retime_xnnpack_words lists them. */
    const char *xnnpack_flags;
    /* XNNPACK: the file that packed weights are kept in; "memory" for a cache
       in memory; NULL or "": none. */
    const char *weight_cache;
    const char *delegate_path;      /* the external delegate's library */
    const retime_setting *settings; /* its options */
    size_t setting_count;
    const retime_shape *shapes; /* inputs to resize */
    size_t shape_count;
    /* Where not NULL, called before each step that can crash on a bad model,
       with the step's name as an error record would have it. */
    void (*progress)(const char *step, void *context);
    void *context;
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
    /* The least by which two readings in a row were seen to differ, where they
       did; 0: they never did. */
    int64_t step_ns;
    int64_t cost_ns; /* of one reading: the median of many */
} retime_clock;

/* How runs are timed. Zero bytes: `capacity` runs, one after the other. */
typedef struct retime_timing {
    size_t runs;    /* stop after so many, if min_ns is over as well; 0: only
                       when the samples' room is used up */
    int64_t min_ns; /* and not before so long after the first run began */
    /* At most 10^10: a busy wait of that length follows each inference inside
       the timed region: the positive control. It is calibrated first, which
       takes about a millisecond; a wait shorter than two readings of the clock
       lasts as long as they do. */
    int64_t delay_ns;
    int64_t gap_ns; /* idle time before each run; at most 10^10 */
    /* Not 0: so many bytes of other memory are written before each run, so that
       it finds the processor's caches without its data. */
    size_t flush_bytes;
    /* `input_sets` sets of all inputs, laid end to end in the inputs' order:
       run i is given set i modulo their number. NULL: inputs stay. */
    const void *inputs;
    size_t inputs_size;
    size_t input_sets;
} retime_timing;

/* One operation of a profile. Times are sums over all profiled runs. */
typedef struct retime_operation {
    char name[128];
    int32_t subgraph;
    int32_t index; /* the node's; inside a delegate, the delegate's own order */
    int32_t parent; /* the operation inside which it ran; -1: none */
    /* Of a delegate's that it is an operator of, numbered as they run; -1: it
       is a kernel in the graph. */
    int32_t partition;
    int32_t delegate; /* not 0: a delegate's kernel, which holds operators */
    int64_t calls;
    int64_t total_ns; /* with what ran inside it */
    int64_t self_ns;  /* without */
} retime_operation;

/* What a profile covers. */
typedef struct retime_profile {
    int64_t runs;
    int64_t total_ns;    /* of all runs, each between two readings */
    size_t operations;   /* filled */
    int64_t dropped;     /* events for which there was no room */
    int64_t tick_ns;     /* what the library's own times are rounded down to */
    int64_t arena_bytes; /* of the primary subgraph's arena; -1: not told */
} retime_profile;

/* Whether a condition that was asked for is in force. */
typedef struct retime_condition {
    int32_t state;    /* 0: not asked for; 1: in force; -1: not, see reason */
    char reason[128]; /* why not */
} retime_condition;

/* What to ask of the operating system for this process. */
typedef struct retime_wishes {
    const int32_t *cores; /* to run on; NULL: as they are */
    size_t core_count;
    int32_t prioritize; /* not 0: set the priority */
    int32_t realtime;   /* with it: SCHED_FIFO of the lowest rank, else nice */
    int32_t nice;       /* from -20 to 19 */
    int32_t lock_memory;
    /* 1: subnormal numbers count as zero; -1: they don't; 0: as it is. Holds
       for this thread and those that it starts. */
    int32_t flush_to_zero;
} retime_wishes;

typedef struct retime_conditions {
    retime_condition affinity;
    retime_condition priority;
    retime_condition memory_lock;
    retime_condition flush_to_zero;
} retime_conditions;

/* Counters and gauges of this process and machine; -1 where not told. */
typedef struct retime_reading {
    int64_t clock_ns;
    int64_t cpu_ns; /* all threads of this process */
    int64_t voluntary_switches;
    int64_t involuntary_switches;
    int64_t minor_faults;
    int64_t major_faults;
    int64_t migrations; /* of the main thread, from core to core */
    int64_t resident_bytes;
    int64_t peak_resident_bytes;
    int64_t temperature_mc;  /* thousandths of a degree Celsius; the hottest */
    int64_t frequency_khz;   /* of the core that reads it */
    int64_t throttled_bits;  /* as the Raspberry Pi's firmware tells them */
    int64_t throttle_events; /* as an Intel core counts them */
    int64_t steal_ns;        /* given to others by a hypervisor, since boot */
} retime_reading;

/* Hardware and software counters of perf_event, this process's threads that
   are started after the opening included. */
typedef struct retime_counters retime_counters;

typedef struct retime_counts {
    int64_t cycles; /* each -1 where the kernel doesn't grant it */
    int64_t instructions;
    int64_t cache_misses;
    int64_t branch_misses;
    int64_t migrations;
    int64_t context_switches;
} retime_counts;

/* Opens the library at `path` and binds its functions. A path without a slash
   is looked for where the system's loader looks.
   *library is to be closed with retime_library_close after the last session
   that was made from it; its code stays in memory.
   Fails with E_ARGUMENT, E_MEMORY, E_LIBRARY, E_SYMBOL (names the function). */
int retime_library_open(const char *path, retime_library **library,
                        retime_error *error);

/* The library's version text; lives as long as the library. Never NULL.
   LiteRT tells none: "unknown". */
const char *retime_library_version(const retime_library *library);

/* Its kind, enum retime_kind; 0 for NULL. */
int32_t retime_library_kind(const retime_library *library);

/* A function that this library lacks and that its kind may have, with the
   feature that is lost: "TfLiteX: profiling". `index` counts from 0; NULL after
   the last one. Lives as long as the library. */
const char *retime_library_missing(const retime_library *library, size_t index);

/* Closes; NULL is allowed. */
void retime_library_close(retime_library *library);

/* The words that retime_options.xnnpack_flags may hold, with spaces between. */
const char *retime_xnnpack_words(void);

/* Makes a session of the model's `size` bytes, with tensors allocated and
   inputs zeroed. Borrows the library and the bytes: both outlive the session.
   Kernels read weights where they lie in the bytes, so have these on a multiple
   of 64. They are untrusted: the library checks them, but one that crashes on
   them takes the process along; run it where that is harmless.
   Fails with E_ARGUMENT, E_MEMORY, E_MODEL, E_DELEGATE, E_INTERPRETER,
   E_ALLOCATE, E_CLOCK, E_SYMBOL (an option needs a missing function),
   E_SIGNATURE, E_UNSUPPORTED (an option means nothing to this library),
   E_TENSOR (an input holds texts or handles, which can't be zeroed), E_LIBRARY
   (the external delegate's). */
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

/* What runs an inference, enum retime_call; -1 for NULL. */
int32_t retime_session_call(const retime_session *session);

/* How many signatures the model has, and their names; NULL where there is no
   such one. Names live as long as the session. */
int32_t retime_session_signature_count(const retime_session *session);
const char *retime_session_signature(const retime_session *session,
                                     int32_t index);

/* Describes input or output `index`. Those of a signature are in the order of
   its names.
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

/* The bytes of all inputs, or of all outputs, together.
   Fails with E_ARGUMENT, E_TENSOR. */
int retime_session_input_size(const retime_session *session, size_t *size,
                              retime_error *error);
int retime_session_output_size(const retime_session *session, size_t *size,
                               retime_error *error);

/* Makes one set of random inputs, all inputs end to end: real numbers from -1
   to 1, integers of at most 16 bits anywhere in their range, longer ones 0 or 1
   (they may be positions). The same seed gives the same bytes on every machine.
   `size` must be the inputs' size.
   Fails with E_ARGUMENT, E_TENSOR. */
int retime_session_randomize(const retime_session *session, uint64_t seed,
                             void *bytes, size_t size, retime_error *error);

/* Runs `count` inferences on `count` sets of inputs laid end to end, and lays
   the outputs end to end; a set is all inputs, or all outputs, in their order.
   `inputs_size` and `outputs_size` are the byte sizes of the two arrays and
   must be `count` times the sets' sizes. Not timed.
   Fails with E_ARGUMENT, E_TENSOR (also where an output's size changes),
   E_INVOKE; outputs before the failure are written. */
int retime_session_map(retime_session *session, const void *inputs,
                       size_t inputs_size, void *outputs, size_t outputs_size,
                       size_t count, retime_error *error);

/* Runs until both `min_runs` inferences and `min_ns` nanoseconds are done.
   *runs, where not NULL, receives how many were done, also on failure.
   Fails with E_ARGUMENT, E_INVOKE, E_CLOCK. */
int retime_session_warm_up(retime_session *session, int64_t min_runs,
                           int64_t min_ns, int64_t *runs, retime_error *error);

/* Times inferences into `samples_ns`, which the caller owns and which has room
   for `capacity`: between the two clock reads of a sample lies one inference
   (and the delay, where there is one) and nothing else. `timing` says how;
   NULL: `capacity` runs.
   *done, where not NULL, receives the number of valid samples, also on failure.
   Fails with E_ARGUMENT, E_INVOKE, E_MEMORY, E_TENSOR, E_CLOCK (also for a
   sample that is 0 or less, which is never kept). */
int retime_session_time(retime_session *session, const retime_timing *timing,
                        int64_t *samples_ns, size_t capacity, size_t *done,
                        retime_error *error);

/* Runs `runs` inferences and adds up what each operation took, into the
   caller's room for `capacity`. The session must have been opened with
   `profile`.
   Fails with E_ARGUMENT, E_UNSUPPORTED (opened without it), E_INVOKE, E_CLOCK,
   E_MEMORY. */
int retime_session_profile(retime_session *session, int64_t runs,
                           retime_operation *operations, size_t capacity,
                           retime_profile *profile, retime_error *error);

/* The clock in use: CLOCK_MONOTONIC_RAW, or CLOCK_MONOTONIC where there is
   none. Fails with E_ARGUMENT, E_CLOCK. */
int retime_clock_describe(retime_clock *clock, retime_error *error);

/* Reads that clock: nanoseconds from some start; negative on failure. */
int64_t retime_clock_now(void);

/* Asks the operating system for what is wished and tells, one by one, what is
   in force. Threads that exist already keep their affinity, priority and
   flush-to-zero: call it before a session is opened. A wish that isn't granted
   is no failure. Fails with E_ARGUMENT. */
int retime_conditions_apply(const retime_wishes *wishes,
                            retime_conditions *conditions, retime_error *error);

/* 1 if subnormal numbers count as zero in this thread now, 0 if not, -1 where
   the processor's register isn't known. */
int32_t retime_flushes_to_zero(void);

/* So many bytes of other memory push everything out of the caches: twice the
   largest one, at most 128 MiB, or 64 MiB where the system doesn't tell it. */
size_t retime_cache_flush_bytes(void);

/* Takes a reading; about a quarter of a millisecond. Does nothing for NULL. */
void retime_reading_take(retime_reading *reading);

/* Opens what counters the kernel grants; *counters is to be closed. Fails with
   E_ARGUMENT, E_MEMORY. Counters that aren't granted are no failure. */
int retime_counters_open(retime_counters **counters, retime_error *error);

/* Why a counter isn't granted, in the system's words; "" where all are. Lives
   as long as the counters. */
const char *retime_counters_reason(const retime_counters *counters);

/* Counts from 0; stops counting and tells. NULL counters tell -1. */
void retime_counters_start(retime_counters *counters);
void retime_counters_stop(retime_counters *counters, retime_counts *counts);

/* Closes; NULL is allowed. */
void retime_counters_close(retime_counters *counters);

/* The program that runs this one as an emulator, such as "qemu-aarch64-static";
   "" where the processor runs it itself or it can't be told. What is timed
   under an emulator is no timing. `name` has `size` bytes, at least 4. */
void retime_emulator(char *name, size_t size);
