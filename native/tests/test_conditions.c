/* test_conditions.c: wishes, flush-to-zero, readings, counters, emulators. */
#include "internal.h"

#include "check.h"
#include "doubles.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TEST("nothing is asked of the system where nothing is wished") {
    const retime_wishes wishes = {0};
    retime_conditions conditions;

    doubles_reset();
    CHECK_EQUAL(retime_conditions_apply(&wishes, &conditions, NULL), RETIME_OK);
    CHECK_EQUAL(conditions.affinity.state, 0);
    CHECK_EQUAL(conditions.priority.state, 0);
    CHECK_EQUAL(conditions.memory_lock.state, 0);
    CHECK_EQUAL(conditions.flush_to_zero.state, 0);
}

TEST("each wish that is granted is in force, each other has its reason") {
    static const int32_t cores[] = {0, 1};
    retime_wishes wishes = {.cores = cores,
                            .core_count = 2,
                            .prioritize = 1,
                            .nice = -5,
                            .lock_memory = 1};
    retime_conditions conditions;

    for (int realtime = 0; realtime < 2; realtime++) {
        wishes.realtime = realtime;
        doubles_reset();
        doubles.grants = 1;
        CHECK_EQUAL(retime_conditions_apply(&wishes, &conditions, NULL),
                    RETIME_OK);
        CHECK_EQUAL(conditions.affinity.state, 1);
        CHECK_EQUAL(conditions.priority.state, 1);
        CHECK_EQUAL(conditions.memory_lock.state, 1);
        doubles_reset();
        doubles.refuses = 1;
        CHECK_EQUAL(retime_conditions_apply(&wishes, &conditions, NULL),
                    RETIME_OK);
        CHECK_EQUAL(conditions.affinity.state, -1);
        CHECK_EQUAL(conditions.priority.state, -1);
        CHECK_EQUAL(conditions.memory_lock.state, -1);
        CHECK_TEXT(conditions.affinity.reason, "Operation not permitted");
    }
    doubles_reset();
}

TEST("this thread runs on the core that it is pinned to") {
    int32_t core = sched_getcpu();
    const retime_wishes wishes = {.cores = &core, .core_count = 1};
    retime_conditions conditions;
    cpu_set_t before;
    cpu_set_t after;

    doubles_reset();
    CHECK_EQUAL(sched_getaffinity(0, sizeof before, &before), 0);
    CHECK_EQUAL(retime_conditions_apply(&wishes, &conditions, NULL), RETIME_OK);
    CHECK_EQUAL(conditions.affinity.state, 1);
    CHECK_EQUAL(sched_getaffinity(0, sizeof after, &after), 0);
    CHECK_EQUAL(CPU_COUNT(&after), 1);
    CHECK(CPU_ISSET((size_t)core, &after));
    CHECK_EQUAL(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST("a core that there can't be is no core") {
    static const int32_t cores[] = {-1, CPU_SETSIZE, 1023};
    retime_conditions conditions;

    doubles_reset();
    for (int i = 0; i < 3; i++) {
        const retime_wishes wishes = {.cores = &cores[i], .core_count = 1};

        CHECK_EQUAL(retime_conditions_apply(&wishes, &conditions, NULL),
                    RETIME_OK);
        CHECK_EQUAL(conditions.affinity.state, -1);
        CHECK(conditions.affinity.reason[0] != '\0');
    }
}

TEST("wishes that make no sense are refused") {
    const retime_wishes wrong[] = {
        {.core_count = 1}, {.nice = -21}, {.nice = 20}};
    retime_conditions conditions;

    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(retime_conditions_apply(&wrong[i], &conditions, NULL),
                    RETIME_E_ARGUMENT);
    }
    CHECK_EQUAL(retime_conditions_apply(NULL, &conditions, NULL),
                RETIME_E_ARGUMENT);
    CHECK_EQUAL(retime_conditions_apply(&wrong[0], NULL, NULL),
                RETIME_E_ARGUMENT);
}

/* Half of the smallest normal number. */
static int halves_to_zero(void) {
    volatile float smallest = 1.17549435e-38F;
    volatile float half = smallest * 0.5F;

    return !(half > 0);
}

TEST("flush-to-zero does what it says, and is told") {
    retime_wishes wishes = {.flush_to_zero = 1};
    retime_conditions conditions;

    CHECK_EQUAL(retime_flushes_to_zero(), 0);
    CHECK(!halves_to_zero());
    CHECK_EQUAL(retime_conditions_apply(&wishes, &conditions, NULL), RETIME_OK);
    if (getenv("UNDER_VALGRIND") != NULL) {
        /* Its processor has no such switch; that is told. */
        CHECK_EQUAL(conditions.flush_to_zero.state, -1);
        CHECK(conditions.flush_to_zero.reason[0] != '\0');
        return;
    }
    CHECK_EQUAL(conditions.flush_to_zero.state, 1);
    CHECK_EQUAL(retime_flushes_to_zero(), 1);
    CHECK(halves_to_zero());
    wishes.flush_to_zero = -1;
    CHECK_EQUAL(retime_conditions_apply(&wishes, &conditions, NULL), RETIME_OK);
    CHECK_EQUAL(retime_flushes_to_zero(), 0);
    CHECK(!halves_to_zero());
}

/* Writes a file under a folder, with the folders on its way. */
static void put(const char *root, const char *path, const char *text) {
    char whole[1024];
    FILE *file;

    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *at = whole + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(whole, 0700);
            *at = '/';
        }
    }
    file = fopen(whole, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

/* A folder beside the fake libraries, in which the tests make a machine. */
static const char *machine(void) {
    static char root[512];

    snprintf(root, sizeof root, "%s/machine", test_folder());
    return root;
}

TEST("a reading of this process tells what Linux counts") {
    retime_reading reading;

    doubles_reset();
    retime_reading_take(NULL);
    retime_reading_take(&reading);
    CHECK(reading.clock_ns > 0);
    CHECK(reading.cpu_ns > 0);
    CHECK(reading.minor_faults > 0);
    CHECK(reading.voluntary_switches >= 0);
    CHECK(reading.resident_bytes > 100000);
    CHECK(reading.peak_resident_bytes >= reading.resident_bytes);
    CHECK(reading.steal_ns >= 0);
}

TEST("a reading tells what a machine tells, and -1 for the rest") {
    retime_reading reading;
    char path[128];

    put(machine(), "/proc/stat", "cpu  1 2 3 4 5 6 7 250 0 0\ncpu0 9\n");
    put(machine(), "/proc/self/status", "VmHWM:\t  900 kB\nVmRSS:\t  800 kB\n");
    put(machine(), "/proc/self/sched", "se.nr_migrations   :      12\n");
    put(machine(), "/sys/class/thermal/thermal_zone0/temp", "41000\n");
    put(machine(), "/sys/class/thermal/thermal_zone3/temp", "52500\n");
    put(machine(), "/sys/devices/platform/soc/soc:firmware/get_throttled",
        "50005\n");
    put(machine(),
        "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count",
        "7\n");
    for (int i = 0; i < 64; i++) {
        snprintf(path, sizeof path,
                 "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", i);
        put(machine(), path, "1500000\n");
    }
    retime_reading_take_under(machine(), &reading);
    CHECK_EQUAL(reading.resident_bytes, 800 * 1024);
    CHECK_EQUAL(reading.peak_resident_bytes, 900 * 1024);
    CHECK_EQUAL(reading.migrations, 12);
    CHECK_EQUAL(reading.temperature_mc, 52500);
    CHECK_EQUAL(reading.frequency_khz, 1500000);
    CHECK_EQUAL(reading.throttled_bits, 0x50005);
    CHECK_EQUAL(reading.throttle_events, 7);
    CHECK_EQUAL(reading.steal_ns, 250 * (1000000000 / sysconf(_SC_CLK_TCK)));
    doubles.no_usage = 1;
    doubles.no_sysconf = 1;
    retime_reading_take_under(machine(), &reading);
    CHECK_EQUAL(reading.minor_faults, -1);
    CHECK_EQUAL(reading.steal_ns, -1);
    doubles_reset();
    doubles.no_read = 1;
    retime_reading_take_under(machine(), &reading);
    CHECK_EQUAL(reading.throttle_events, -1);
    doubles_reset();
    retime_reading_take_under("/nowhere", &reading);
    CHECK_EQUAL(reading.resident_bytes, -1);
    CHECK_EQUAL(reading.migrations, -1);
    CHECK_EQUAL(reading.temperature_mc, -1);
    CHECK_EQUAL(reading.steal_ns, -1);
    CHECK(reading.minor_faults >= 0);
}

TEST("nonsense in the kernel's files is not told") {
    static const char *const stats[] = {"cpu  1 2 3\n", "cpu  x\n", "intr 5\n"};
    static const char *const numbers[] = {"abc\n", "-5\n", "",
                                          "99999999999999999999999\n"};
    retime_reading reading;

    for (int i = 0; i < 3; i++) {
        put(machine(), "/proc/stat", stats[i]);
        retime_reading_take_under(machine(), &reading);
        CHECK_EQUAL(reading.steal_ns, -1);
    }
    for (int i = 0; i < 4; i++) {
        put(machine(),
            "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count",
            numbers[i]);
        retime_reading_take_under(machine(), &reading);
        CHECK_EQUAL(reading.throttle_events, -1);
    }
    put(machine(), "/proc/self/sched", "nothing of that\n");
    put(machine(), "/proc/self/status", "VmHWM: none\nVmRSS: -8 kB\n");
    retime_reading_take_under(machine(), &reading);
    CHECK_EQUAL(reading.resident_bytes, -1);
    CHECK_EQUAL(reading.peak_resident_bytes, -1);
}

TEST("a path that is too long is no file") {
    char path[600];
    char text[8];

    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    CHECK_EQUAL(retime_file_text("", path, text, sizeof text), -1);
}

TEST("a system that doesn't tell its caches' sizes is taken for a large one") {
    doubles_reset();
    doubles.no_sysconf = 1;
    CHECK_EQUAL(retime_cache_flush_bytes(), 64 << 20);
    doubles_reset();
}

TEST("counters that aren't granted tell -1 and why") {
    retime_counters *counters = NULL;
    retime_counts counts;

    doubles_reset();
    CHECK_EQUAL(retime_counters_open(&counters, NULL), RETIME_OK);
    CHECK_TEXT(retime_counters_reason(counters), "No such file or directory");
    retime_counters_start(counters);
    retime_counters_stop(counters, &counts);
    CHECK_EQUAL(counts.cycles, -1);
    CHECK_EQUAL(counts.context_switches, -1);
    retime_counters_close(counters);
}

TEST("counters that are granted are read") {
    retime_counters *counters = NULL;
    retime_counts counts;

    doubles_reset();
    doubles.fake_counters = 1;
    CHECK_EQUAL(retime_counters_open(&counters, NULL), RETIME_OK);
    CHECK_TEXT(retime_counters_reason(counters), "");
    retime_counters_start(counters);
    retime_counters_stop(counters, &counts);
    CHECK_EQUAL(counts.cycles, 0);
    CHECK_EQUAL(counts.migrations, 0);
    doubles.no_read = 1;
    retime_counters_stop(counters, &counts);
    CHECK_EQUAL(counts.cycles, -1);
    retime_counters_stop(counters, NULL);
    retime_counters_close(counters);
    doubles_reset();
}

TEST("no counters count nothing") {
    retime_counters *counters = NULL;
    retime_counts counts;

    CHECK_EQUAL(retime_counters_open(NULL, NULL), RETIME_E_ARGUMENT);
    doubles_reset();
    doubles.no_memory = 1;
    CHECK_EQUAL(retime_counters_open(&counters, NULL), RETIME_E_MEMORY);
    doubles_reset();
    CHECK_TEXT(retime_counters_reason(NULL), "not opened");
    retime_counters_start(NULL);
    retime_counters_stop(NULL, &counts);
    CHECK_EQUAL(counts.cycles, -1);
    retime_counters_close(NULL);
}

/* Writes the first bytes of a program for a kind of processor. */
static void put_program(const char *path, int machine_kind, int big) {
    unsigned char header[20] = {0x7F, 'E', 'L', 'F', 2};
    char whole[600];
    FILE *file;

    header[5] = big ? 2 : 1;
    header[big ? 19 : 18] = (unsigned char)machine_kind;
    snprintf(whole, sizeof whole, "%s/%s", test_folder(), path);
    file = fopen(whole, "wb");
    CHECK(file != NULL);
    if (file != NULL) {
        fwrite(header, sizeof header, 1, file);
        fclose(file);
    }
}

TEST("a program of another processor that runs this one is an emulator") {
    char link[600];
    char program[600];
    char target[PATH_MAX];
    char name[64];

    retime_emulator(name, sizeof name);
    CHECK_TEXT(name, "");
    retime_emulator(NULL, 64);
    name[0] = 'x';
    retime_emulator(name, 3);
    CHECK_EQUAL(name[0], 'x');
    for (int big = 0; big < 2; big++) {
        put_program("qemu-other", 200, big);
        snprintf(program, sizeof program, "%s/qemu-other", test_folder());
        snprintf(link, sizeof link, "%s/exe", test_folder());
        (void)unlink(link);
        CHECK(realpath(program, target) != NULL);
        CHECK_EQUAL(symlink(target, link), 0);
        retime_emulator_at(link, name, sizeof name);
        CHECK_TEXT(name, "qemu-other");
        retime_emulator_at(program, name, sizeof name);
        CHECK_TEXT(name, "an emulator");
        (void)unlink(link);
        CHECK_EQUAL(symlink("qemu-other", link), 0);
        retime_emulator_at(link, name, sizeof name);
        CHECK_TEXT(name, "an emulator");
    }
    retime_emulator_at("/nowhere", name, sizeof name);
    CHECK_TEXT(name, "");
    snprintf(program, sizeof program, "%s/text.so", test_folder());
    retime_emulator_at(program, name, sizeof name);
    CHECK_TEXT(name, "");
    put(test_folder(), "/short", "ELF");
    snprintf(program, sizeof program, "%s/short", test_folder());
    retime_emulator_at(program, name, sizeof name);
    CHECK_TEXT(name, "");
}
