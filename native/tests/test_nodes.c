/* test_nodes.c: counting what the delegate took. */
#include "internal.h"

#include "check.h"
#include "fixture.h"

/* Opens a session that counts; the graph is five kernels, of which XNNPACK
   takes four in two parts. Returns what was counted. */
static retime_nodes count(struct fixture *it, int delegate) {
    static const int before[] = {3, 4, 3, 25, 9};
    static const int after[] = {TFLITE_BUILTIN_DELEGATE, 25,
                                TFLITE_BUILTIN_DELEGATE};
    retime_nodes nodes = {0, 0, 0};

    for (int i = 0; i < 5; i++) {
        it->fake->before[i] = before[i];
    }
    for (int i = 0; i < 3; i++) {
        it->fake->after_delegate[i] = after[i];
    }
    it->fake->nodes_before = 5;
    it->fake->nodes_after = 3;
    it->options.delegate = delegate;
    it->options.count_nodes = 1;
    CHECK_EQUAL(fixture_session(it), RETIME_OK);
    retime_session_nodes(it->session, &nodes);
    return nodes;
}

/* Checks that nothing could be counted, and that the session opened still. */
static void check_unknown(struct fixture *it, int delegate) {
    retime_nodes nodes = count(it, delegate);

    CHECK_EQUAL(nodes.nodes, -1);
    CHECK_EQUAL(nodes.delegated, -1);
    CHECK_EQUAL(nodes.partitions, -1);
    fixture_close(it);
}

TEST("nodes, delegated nodes and partitions are counted") {
    struct fixture it;
    retime_nodes nodes;

    fixture_library(&it, "fake.so");
    nodes = count(&it, RETIME_DELEGATE_XNNPACK);
    CHECK_EQUAL(nodes.nodes, 5);
    CHECK_EQUAL(nodes.delegated, 4);
    CHECK_EQUAL(nodes.partitions, 2);
    fixture_close(&it);
}

TEST("without a delegate no node is delegated") {
    struct fixture it;
    retime_nodes nodes;

    fixture_library(&it, "fake.so");
    nodes = count(&it, RETIME_DELEGATE_NONE);
    CHECK_EQUAL(nodes.nodes, 5);
    CHECK_EQUAL(nodes.delegated, 0);
    CHECK_EQUAL(nodes.partitions, 0);
    fixture_close(&it);
}

TEST("only the primary subgraph is counted") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    it.fake->subgraphs = 3;
    CHECK_EQUAL(count(&it, RETIME_DELEGATE_XNNPACK).nodes, 5);
    fixture_close(&it);
}

TEST("a library with the older name for a kernel's code is understood") {
    struct fixture it;

    fixture_library(&it, "fake_older.so");
    CHECK_EQUAL(count(&it, RETIME_DELEGATE_XNNPACK).partitions, 2);
    fixture_close(&it);
}

TEST("the observer lets the library decide shapes as late as without it") {
    struct fixture it;

    fixture_library(&it, "fake.so");
    (void)count(&it, RETIME_DELEGATE_XNNPACK);
    CHECK_EQUAL(it.fake->observer_flags,
                TFLITE_DELEGATE_ALLOWS_DYNAMIC_TENSORS);
    fixture_close(&it);
}

TEST("sessions that don't count have no observer") {
    struct fixture it;
    retime_nodes nodes;

    fixture_open(&it);
    retime_session_nodes(it.session, &nodes);
    CHECK_EQUAL(nodes.nodes, -1);
    CHECK_EQUAL(it.fake->observer_flags, 0);
    fixture_close(&it);
}

TEST("a library that can't count opens sessions all the same") {
    struct fixture it;

    fixture_library(&it, "fake_without_observer.so");
    check_unknown(&it, RETIME_DELEGATE_XNNPACK);
    fixture_library(&it, "fake.so");
    it.fake->fails = "OpaqueDelegateCreate";
    check_unknown(&it, RETIME_DELEGATE_XNNPACK);
    fixture_library(&it, "fake.so");
    it.fake->fails = "OpaqueDelegateCreate";
    it.fake->after = 1;
    check_unknown(&it, RETIME_DELEGATE_XNNPACK);
    fixture_library(&it, "fake.so");
    it.fake->fails = "GetExecutionPlan";
    check_unknown(&it, RETIME_DELEGATE_NONE);
    fixture_library(&it, "fake.so");
    it.fake->no_plan = 1;
    check_unknown(&it, RETIME_DELEGATE_NONE);
    fixture_library(&it, "fake.so");
    it.fake->fails = "GetNodeAndRegistration";
    it.fake->after = 2;
    check_unknown(&it, RETIME_DELEGATE_NONE);
    fixture_library(&it, "fake.so");
    it.fake->no_operator = 1;
    check_unknown(&it, RETIME_DELEGATE_NONE);
}
