/*
 * internal.h: what the harness's own files share. Nothing here is for callers;
 * they include retime.h. Every source file includes this one first.
 */
#ifndef RETIME_INTERNAL_H
#define RETIME_INTERNAL_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "retime.h"
#include "tflite.h"

/* What the library said through its error reporter since the last clearing. */
struct retime_log {
    size_t length;
    int full; /* the text was cut; the rest is dropped */
    char text[sizeof(((retime_error *)0)->message)];
};

struct retime_library {
    void *handle; /* dlopen's */
    struct tflite call;
    char path[]; /* as the caller gave it, for messages */
};

/* Watches one moment of delegation: the execution plan as it stands then. */
struct retime_observer {
    const struct tflite *call;
    TfLiteDelegate *delegate;
    TfLiteOpaqueDelegateBuilder builder;
    int32_t kernels;          /* in the plan; -1: not seen, or unreadable */
    int32_t delegate_kernels; /* of these, those that are delegates */
    int seen;                 /* the primary subgraph has been counted */
};

struct retime_session {
    const struct tflite *call; /* the library's functions */
    TfLiteModel *model;
    TfLiteDelegate *xnnpack;
    TfLiteInterpreter *interpreter;
    clockid_t clock;
    int32_t inputs;
    int32_t outputs;
    retime_startup startup;
    struct retime_observer before; /* delegation */
    struct retime_observer after;
    struct retime_log log; /* the library holds its address while it lives */
};

/* A calibrated busy wait. */
struct retime_delay {
    clockid_t clock;
    int64_t ns;      /* asked for, less what the wait itself overshoots by */
    int64_t read_ns; /* from one clock reading to the next */
    int64_t turns;   /* of the spin loop in RETIME_SPIN_NS */
};

enum { RETIME_SPIN_NS = 1024 };

/* error.c */
#if defined(__GNUC__)
#define RETIME_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define RETIME_FORMAT(text, first)
#endif

int retime_fail(retime_error *error, int status, const char *step,
                const char *format, ...) RETIME_FORMAT(4, 5);
int retime_fail_with_log(retime_error *error, int status, const char *step,
                         const struct retime_log *log);
void retime_text_copy(char *to, size_t size, const char *from);
void retime_log_clear(struct retime_log *log);
void retime_log_report(void *log, const char *format, va_list arguments)
    RETIME_FORMAT(2, 0);

/* A reading as one number. */
static inline int64_t retime_nanoseconds(const struct timespec *reading) {
    return (int64_t)reading->tv_sec * 1000000000 + reading->tv_nsec;
}

/* clock.c */
int retime_clock_choose(clockid_t *clock, retime_error *error);
int64_t retime_clock_read(clockid_t clock);
int64_t retime_clock_cost(clockid_t clock);
int64_t retime_median(int64_t *values, size_t count);

/* delay.c */
int retime_delay_calibrate(struct retime_delay *delay, clockid_t clock,
                           int64_t ns, retime_error *error);
int64_t retime_delay_wait(const struct retime_delay *delay, int64_t from);

/* library.c */
const char *retime_xnnpack_missing(const retime_library *library);

/* nodes.c */
void retime_observer_add(struct retime_observer *observer,
                         const struct tflite *call,
                         TfLiteInterpreterOptions *options);
void retime_observer_remove(struct retime_observer *observer);

/* delegate.c */
int retime_xnnpack_add(retime_session *session, const retime_library *library,
                       int32_t threads, TfLiteInterpreterOptions *options,
                       retime_error *error);

/* tensor.c */
int retime_inputs_clear(retime_session *session, retime_error *error);

#endif
