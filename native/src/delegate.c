/* delegate.c: adding XNNPACK to a session that is being made. */
#include "internal.h"

/* Makes the delegate and adds it to the interpreter's options. The library's
   own defaults are taken, and only the number of threads is set. */
int retime_xnnpack_add(retime_session *session, const retime_library *library,
                       int32_t threads, TfLiteInterpreterOptions *options,
                       retime_error *error) {
    const struct tflite *call = session->call;
    const char *missing = retime_xnnpack_missing(library);
    TfLiteXNNPackDelegateOptions wanted;
    const TfLiteXNNPackDelegateOptions *taken;

    if (missing != NULL) {
        return retime_fail(error, RETIME_E_SYMBOL, "dlsym",
                           "%s has no function %s: it was built without "
                           "XNNPACK, or it is too old",
                           library->path, missing);
    }
    wanted = call->xnnpack_defaults();
    wanted.num_threads = threads;
    retime_log_clear(&session->log);
    session->xnnpack = call->xnnpack_create(&wanted);
    if (session->xnnpack == NULL) {
        return retime_fail_with_log(error, RETIME_E_DELEGATE,
                                    "XNNPackDelegateCreate", &session->log);
    }
    /* The structure's layout is the library's; ask what came over. */
    taken = call->xnnpack_options(session->xnnpack);
    if (taken == NULL || taken->num_threads != threads) {
        return retime_fail(error, RETIME_E_DELEGATE, "XNNPackDelegateCreate",
                           "the delegate took %d threads instead of %d",
                           taken == NULL ? 0 : (int)taken->num_threads,
                           (int)threads);
    }
    call->options_delegate(options, session->xnnpack);
    return RETIME_OK;
}
