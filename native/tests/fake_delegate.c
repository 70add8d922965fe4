/* fake_delegate.c: the fake library's XNNPACK and its observing delegates. */
#include "fake_objects.h"

#include <string.h>

/* Shows one subgraph's plan to an observer. */
void fake_show_plan(TfLiteDelegate *delegate, const int *codes, int count) {
    struct TfLiteOpaqueContext context;

    context.plan =
        fake_make(sizeof(TfLiteIntArray) + FAKE_MOST_NODES * sizeof(int));
    context.plan->size = count;
    for (int i = 0; i < count; i++) {
        context.plan->data[i] = i;
        context.kernels[i].code = codes[i];
    }
    fake_control()->misuses +=
        delegate->observer.prepare(&context, delegate,
                                   delegate->observer.data) != 0;
    fake_drop(context.plan, 0);
}

#ifndef FAKE_WITHOUT_XNNPACK
/* Gives options by value, as large as the harness declares them. */
TfLiteXNNPackDelegateOptions TfLiteXNNPackDelegateOptionsDefault(void) {
    TfLiteXNNPackDelegateOptions options;

    /* The real one writes less than this; the rest is anything. */
    memset(&options, 0xAB, sizeof options);
    memset(&options, 0, sizeof options.newer);
    if (fake_control()->newer) {
        options.newer.flags = fake_control()->flags;
    } else {
        options.older.flags = fake_control()->flags;
    }
    return options;
}

/* Notes what was asked for. */
static void note(uint32_t flags, const void *cache, const char *path) {
    fake_control()->xnnpack_flags = flags;
    fake_control()->xnnpack_cache = cache != NULL  ? "memory"
                                    : path != NULL ? path
                                                   : "";
}

/* Makes XNNPACK, unless it is to fail. */
TfLiteDelegate *
TfLiteXNNPackDelegateCreate(const TfLiteXNNPackDelegateOptions *options) {
    TfLiteDelegate *delegate;

    if (fake_fails(__func__)) {
        return NULL;
    }
    delegate = fake_make(sizeof *delegate);
    delegate->options = *options;
    delegate->options.num_threads += fake_control()->wrong_threads;
    fake_control()->xnnpack_threads = options->num_threads;
    note(fake_control()->newer ? options->newer.flags : options->older.flags,
         fake_control()->newer ? options->newer.weights_cache
                               : options->older.weights_cache,
         fake_control()->newer ? options->newer.weight_cache_file_path
                               : options->older.weight_cache_file_path);
    return delegate;
}

/* Tells what options it took; wrong ones where asked. */
const TfLiteXNNPackDelegateOptions *
TfLiteXNNPackDelegateGetOptions(TfLiteDelegate *delegate) {
    return fake_control()->no_options ? NULL : &delegate->options;
}

/* Deletes XNNPACK, which no interpreter may use any more. */
void TfLiteXNNPackDelegateDelete(TfLiteDelegate *delegate) {
    fake_drop(delegate, delegate->users);
}
#endif

#ifndef FAKE_WITHOUT_FEATURES
/* Makes a cache of packed weights, unless that is to fail. */
TfLiteXNNPackWeightsCache *TfLiteXNNPackDelegateWeightsCacheCreate(void) {
    return fake_fails(__func__) ? NULL : fake_make(1);
}

/* Closes it for more, unless that is to fail. */
_Bool TfLiteXNNPackDelegateWeightsCacheFinalizeHard(
    TfLiteXNNPackWeightsCache *cache) {
    (void)cache;
    return !fake_fails(__func__);
}

/* Deletes it. */
void TfLiteXNNPackDelegateWeightsCacheDelete(TfLiteXNNPackWeightsCache *cache) {
    fake_drop(cache, 0);
}
#endif

#ifndef FAKE_WITHOUT_OBSERVER
/* Makes an observer, unless it is to fail. */
TfLiteDelegate *
TfLiteOpaqueDelegateCreate(const TfLiteOpaqueDelegateBuilder *builder) {
    TfLiteDelegate *delegate;

    if (fake_fails(__func__)) {
        return NULL;
    }
    delegate = fake_make(sizeof *delegate);
    delegate->observer = *builder;
    fake_control()->observer_flags = builder->flags;
    return delegate;
}
#endif

/* Deletes an observer, which no interpreter may use any more. */
void TfLiteOpaqueDelegateDelete(TfLiteDelegate *delegate) {
    fake_drop(delegate, delegate->users);
}

/* Gives the plan of the subgraph that is shown. */
TfLiteStatus TfLiteOpaqueContextGetExecutionPlan(TfLiteOpaqueContext *context,
                                                 TfLiteIntArray **plan) {
    *plan = fake_control()->no_plan ? NULL : context->plan;
    return fake_fails(__func__);
}

/* Gives a kernel of that subgraph. */
TfLiteStatus
TfLiteOpaqueContextGetNodeAndRegistration(TfLiteOpaqueContext *context,
                                          int index, TfLiteOpaqueNode **node,
                                          TfLiteOperator **kernel) {
    *node = NULL;
    *kernel = fake_control()->no_operator ? NULL : &context->kernels[index];
    return fake_fails(__func__);
}

#ifdef FAKE_OLDER
#define TfLiteOperatorGetBuiltInCode TfLiteRegistrationExternalGetBuiltInCode
int TfLiteOperatorGetBuiltInCode(const TfLiteOperator *kernel);
#endif

/* Tells a kernel's code. */
int TfLiteOperatorGetBuiltInCode(const TfLiteOperator *kernel) {
    return kernel->code;
}
