/* tflite_delegate.c: adding a delegate to a session that is being made. */
#include "internal.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum layout { UNKNOWN, OLDER, NEWER };

/* Which fields the options have. Every build has some flag on by default, so
   flags are where the defaults aren't zero. */
static enum layout layout_of(const TfLiteXNNPackDelegateOptions *defaults) {
    if (defaults->older.flags != 0) {
        return OLDER;
    }
    return defaults->newer.flags != 0 ? NEWER : UNKNOWN;
}

/* Sets flags and cache, where some are wanted. */
static int set_fields(retime_session *session, const retime_library *library,
                      const retime_options *wanted,
                      TfLiteXNNPackDelegateOptions *options,
                      retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    const enum layout layout = layout_of(options);
    const char *path = wanted->weight_cache != NULL && *wanted->weight_cache
                           ? wanted->weight_cache
                           : NULL;
    uint32_t set;
    uint32_t cleared;
    int status =
        retime_xnnpack_read_flags(wanted->xnnpack_flags, &set, &cleared, error);

    if (status != RETIME_OK || ((set | cleared) == 0 && path == NULL)) {
        return status;
    }
    if (layout == UNKNOWN) {
        return retime_fail(
            error, RETIME_E_UNSUPPORTED, "xnnpack-options",
            "%s has options of XNNPACK that this harness doesn't "
            "know; only the number of threads can be set",
            library->path);
    }
    if (path != NULL && strcmp(path, "memory") == 0) {
        status = retime_demand(library, TFLITE_CACHE, error);
        if (status != RETIME_OK) {
            return status;
        }
        own->cache = own->call->cache_create();
        if (own->cache == NULL) {
            return retime_fail(error, RETIME_E_DELEGATE, "WeightsCacheCreate",
                               "the library gave no reason");
        }
        path = NULL;
    }
    if (layout == OLDER) {
        options->older.flags = (options->older.flags | set) & ~cleared;
        options->older.weights_cache = own->cache;
        options->older.weight_cache_file_path = path;
    } else {
        options->newer.flags = (options->newer.flags | set) & ~cleared;
        options->newer.weights_cache = own->cache;
        options->newer.weight_cache_file_path = path;
    }
    return RETIME_OK;
}

/* Makes XNNPACK and adds it to the interpreter's options. The library's own
   defaults are taken, and only what is wanted is changed. */
int retime_xnnpack_add(retime_session *session, const retime_library *library,
                       const retime_options *wanted,
                       TfLiteInterpreterOptions *options, retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    TfLiteXNNPackDelegateOptions chosen;
    const TfLiteXNNPackDelegateOptions *taken;
    size_t told;
    int status = retime_demand(library, TFLITE_XNNPACK, error);

    if (status != RETIME_OK) {
        return status;
    }
    chosen = own->call->xnnpack_defaults();
    chosen.num_threads = wanted->threads;
    status = set_fields(session, library, wanted, &chosen, error);
    if (status != RETIME_OK) {
        return status;
    }
    retime_log_clear(&session->log);
    own->xnnpack = own->call->xnnpack_create(&chosen);
    if (own->xnnpack == NULL) {
        return retime_fail_with_log(error, RETIME_E_DELEGATE,
                                    "XNNPackDelegateCreate", &session->log);
    }
    /* The structure's layout is the library's; ask what came over, up to the
       flags: with a cache, the library fills in what follows. */
    taken = own->call->xnnpack_options(own->xnnpack);
    told = offsetof(TfLiteXNNPackDelegateOptions, older.weights_cache);
    if (layout_of(&chosen) == NEWER) {
        told = offsetof(TfLiteXNNPackDelegateOptions, newer.flags) +
               sizeof chosen.newer.flags;
    }
    if (taken == NULL || memcmp(taken, &chosen, told) != 0) {
        return retime_fail(error, RETIME_E_DELEGATE, "XNNPackDelegateCreate",
                           "the delegate took other options than were asked "
                           "for: %d threads instead of %d, or other flags",
                           taken == NULL ? 0 : (int)taken->num_threads,
                           (int)wanted->threads);
    }
    own->call->options_delegate(options, own->xnnpack);
    return RETIME_OK;
}

/* Where the reporter below writes while a delegate is made in this thread: the
   interface passes it nothing but the text. */
static _Thread_local struct retime_log *listener;

static void listen(const char *text) {
    if (listener != NULL) {
        retime_log_add(listener, "%s", text == NULL ? "" : text);
    }
}

/* Makes the delegate with its options as two lists of texts. */
static int make_external(retime_session *session, const retime_options *wanted,
                         tflite_plugin_create create, retime_error *error) {
    const size_t count = wanted->setting_count;
    const char **texts = calloc(2 * count + 1, sizeof *texts);

    if (texts == NULL) {
        return retime_fail(error, RETIME_E_MEMORY, TFLITE_PLUGIN_CREATE,
                           "no memory");
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = wanted->settings[i].key;
        texts[count + i] = wanted->settings[i].value;
    }
    retime_log_clear(&session->log);
    listener = &session->log;
    session->own.tflite.external = create(texts, texts + count, count, listen);
    listener = NULL;
    free(texts);
    return session->own.tflite.external != NULL
               ? RETIME_OK
               : retime_fail_with_log(error, RETIME_E_DELEGATE,
                                      TFLITE_PLUGIN_CREATE, &session->log);
}

/* Makes the delegate of a library of its own and adds it. */
int retime_external_add(retime_session *session, const retime_options *wanted,
                        TfLiteInterpreterOptions *options,
                        retime_error *error) {
    struct retime_tflite_session *own = &session->own.tflite;
    tflite_plugin_create create = NULL;
    int status;

    if (wanted->delegate_path == NULL || wanted->delegate_path[0] == '\0') {
        return retime_fail(error, RETIME_E_ARGUMENT, "external-delegate",
                           "the delegate's library is not named");
    }
    own->plugin = dlopen(wanted->delegate_path, RTLD_NOW | RTLD_LOCAL);
    if (own->plugin == NULL) {
        return retime_fail(error, RETIME_E_LIBRARY, "dlopen", "%s", dlerror());
    }
    retime_bind_one(own->plugin, TFLITE_PLUGIN_CREATE, &create);
    retime_bind_one(own->plugin, TFLITE_PLUGIN_DESTROY, &own->external_delete);
    if (create == NULL || own->external_delete == NULL) {
        return retime_fail(error, RETIME_E_SYMBOL, "dlsym",
                           "%s has no function %s: it is no delegate's library",
                           wanted->delegate_path,
                           create == NULL ? TFLITE_PLUGIN_CREATE
                                          : TFLITE_PLUGIN_DESTROY);
    }
    status = make_external(session, wanted, create, error);
    if (status == RETIME_OK) {
        own->call->options_delegate(options, own->external);
    }
    return status;
}

/* Deletes what was added, after the interpreter. */
void retime_delegates_remove(struct retime_tflite_session *own) {
    if (own->xnnpack != NULL) {
        own->call->xnnpack_delete(own->xnnpack);
    }
    if (own->cache != NULL) {
        own->call->cache_delete(own->cache);
    }
    if (own->external != NULL) {
        own->external_delete(own->external);
    }
    if (own->plugin != NULL) {
        (void)dlclose(own->plugin);
    }
}
