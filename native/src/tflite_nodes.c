/*
 * tflite_nodes.c: how much of the graph a delegate took. The library tells
 * nobody, but it shows its execution plan to every delegate: so one that takes
 * nothing is added before, and one after, the delegate in question.
 */
#include "internal.h"

/* Counts the plan's kernels; called by the library for each subgraph, the
   primary one first. A plan that can't be read stays uncounted and is no
   reason to refuse the session. */
static TfLiteStatus count_plan(TfLiteOpaqueContext *context,
                               TfLiteDelegate *delegate, void *data) {
    struct retime_observer *observer = data;
    const struct tflite *call = observer->call;
    TfLiteIntArray *plan = NULL;
    int32_t delegates = 0;

    (void)delegate;
    if (observer->seen) {
        return TFLITE_OK;
    }
    observer->seen = 1;
    if (call->context_plan(context, &plan) != TFLITE_OK || plan == NULL) {
        return TFLITE_OK;
    }
    for (int i = 0; i < plan->size; i++) {
        TfLiteOpaqueNode *node = NULL;
        TfLiteOperator *kernel = NULL;

        if (call->context_node(context, plan->data[i], &node, &kernel) !=
                TFLITE_OK ||
            kernel == NULL) {
            return TFLITE_OK;
        }
        delegates += call->operator_code(kernel) == TFLITE_BUILTIN_DELEGATE;
    }
    observer->kernels = plan->size;
    observer->delegate_kernels = delegates;
    return TFLITE_OK;
}

/* Adds an observer to the interpreter's options, where the library can. */
void retime_observer_add(struct retime_observer *observer,
                         const retime_library *library,
                         TfLiteInterpreterOptions *options) {
    const struct tflite *call = &library->tflite;

    observer->call = call;
    if (retime_lacking(library, TFLITE_NODES) != NULL) {
        return;
    }
    observer->builder.data = observer;
    observer->builder.prepare = count_plan;
    /* Without this flag the library fixes all shapes before it goes on, and
       refuses models whose shapes can't be: the observer would change what it
       looks at. */
    observer->builder.flags = TFLITE_DELEGATE_ALLOWS_DYNAMIC_TENSORS;
    observer->delegate = call->observer_create(&observer->builder);
    if (observer->delegate != NULL) {
        call->options_delegate(options, observer->delegate);
    }
}

/* Deletes an observer, after the interpreter. */
void retime_observer_remove(struct retime_observer *observer) {
    if (observer->delegate != NULL) {
        observer->call->observer_delete(observer->delegate);
    }
}

/* What the two observers saw. */
void retime_tflite_nodes(const retime_session *session, retime_nodes *nodes) {
    const struct retime_tflite_session *own = &session->own.tflite;

    if (own->before.kernels < 0 || own->after.kernels < 0) {
        return;
    }
    nodes->nodes = own->before.kernels;
    nodes->partitions = own->after.delegate_kernels;
    nodes->delegated = nodes->nodes - (own->after.kernels - nodes->partitions);
}
