/* litert_options.c: how LiteRT is asked to compile a model. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What LiteRT's builds have on by default; its C API doesn't tell. */
enum { DEFAULT_FLAGS = 0x1 | 0x2 | 0x8, LONGEST = 4096 };

/* Adds one payload of options, which are lines of text. */
static int add(retime_session *session, const char *identifier,
               const char *text, retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    LiteRtOpaqueOptions opaque = NULL;
    char *payload = calloc(1, strlen(text) + 1);
    int code;

    if (payload == NULL) {
        return retime_fail(error, RETIME_E_MEMORY, "CreateOpaqueOptions",
                           "no memory");
    }
    memcpy(payload, text, strlen(text) + 1);
    code = own->call->opaque_create(identifier, payload, free, &opaque);
    if (code != LITERT_OK) {
        free(payload);
        return retime_litert_fail(session, RETIME_E_INTERPRETER,
                                  "CreateOpaqueOptions", code, error);
    }
    code = own->call->options_add(own->options, opaque);
    if (code != LITERT_OK) {
        own->call->opaque_destroy(opaque);
        return retime_litert_fail(session, RETIME_E_INTERPRETER,
                                  "AddOpaqueOptions", code, error);
    }
    return RETIME_OK;
}

/* Writes what the CPU's kernels are to do. */
static int add_cpu(retime_session *session, const retime_options *wanted,
                   retime_error *error) {
    const char *path = wanted->weight_cache == NULL ? "" : wanted->weight_cache;
    char flags[32] = "";
    char text[LONGEST];
    uint32_t set;
    uint32_t cleared;
    int status =
        retime_xnnpack_read_flags(wanted->xnnpack_flags, &set, &cleared, error);

    if (status != RETIME_OK) {
        return status;
    }
    if (strpbrk(path, "\"\\\n") != NULL || strlen(path) > LONGEST / 2) {
        return retime_fail(error, RETIME_E_ARGUMENT, "weight-cache",
                           "LiteRT takes no path with quotes, backslashes or "
                           "line ends, or one of over %d bytes",
                           LONGEST / 2);
    }
    if ((set | cleared) != 0) {
        (void)snprintf(flags, sizeof flags, "flags = %u\n",
                       (unsigned)((DEFAULT_FLAGS | set) & ~cleared));
    }
    (void)snprintf(
        text, sizeof text, "kernel_mode = \"%s\"\nnum_threads = %d\n%s%s%s%s",
        wanted->delegate == RETIME_DELEGATE_NONE ? "builtin" : "delegate",
        (int)wanted->threads, flags,
        path[0] == '\0' ? "" : "weight_cache_file_path = \"", path,
        path[0] == '\0' ? "" : "\"\n");
    return add(session, LITERT_CPU_OPTIONS, text, error);
}

/* Writes what the runtime is to do. Every session has this payload, since its
   being there changes how composite operators are built in. */
static int add_runtime(retime_session *session, const retime_options *wanted,
                       int aloud, retime_error *error) {
    char text[128];

    (void)snprintf(text, sizeof text,
                   "enable_profiling = %s\nerror_reporter_mode = %d\n",
                   wanted->profile || wanted->count_nodes ? "true" : "false",
                   aloud ? LITERT_REPORT_STDERR : LITERT_REPORT_BUFFER);
    return add(session, LITERT_RUNTIME_OPTIONS, text, error);
}

/* Makes the options, in place of what was made before. Failures are reported
   to the compiled model or, aloud, to standard error. */
int retime_litert_options(retime_session *session, const retime_options *wanted,
                          int aloud, retime_error *error) {
    struct retime_litert_session *own = &session->own.litert;
    int code;
    int status;

    if (own->options != NULL) {
        own->call->options_destroy(own->options);
        own->options = NULL;
    }
    code = own->call->options_create(&own->options);
    if (code == LITERT_OK) {
        code = own->call->options_accelerators(own->options, LITERT_CPU);
    }
    if (code != LITERT_OK) {
        return retime_litert_fail(session, RETIME_E_INTERPRETER,
                                  "CreateOptions", code, error);
    }
    status = add_cpu(session, wanted, error);
    return status == RETIME_OK ? add_runtime(session, wanted, aloud, error)
                               : status;
}
