/*
 * retime.h: the harness's contract.
 *
 * The harness opens an inference library at run time, makes a session of a
 * model in memory, and times its inferences. It takes samples; it computes no
 * statistics, prints nothing, keeps no global state and never aborts.
 *
 * Every fallible function returns 0 or a negative `enum retime_status` and, on
 * failure, fills the caller's error record (which may be NULL) with the step
 * that failed and a message that carries the library's own words. On success
 * the record is left as it was. On failure, out parameters are left as they
 * were, except where a function says otherwise.
 *
 * A library or session belongs to one thread at a time. Different sessions may
 * be used from different threads.
 */
#ifndef RETIME_H
#define RETIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "retime_api.h"

#ifdef __cplusplus
}
#endif

#endif
