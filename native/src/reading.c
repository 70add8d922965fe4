/* reading.c: what process and machine count, and what they measure. */
#include "internal.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_ZONES = 32, PROCESS_CPU = CLOCK_PROCESS_CPUTIME_ID };

/* The number after a word and a colon, times a factor; -1 where there is
   none. */
static int64_t after(const char *text, const char *word, int64_t factor) {
    const char *found = strstr(text, word);
    char *end;
    long long number;

    if (found == NULL) {
        return -1;
    }
    found += strlen(word);
    found += strspn(found, " \t:");
    number = strtoll(found, &end, 10);
    return end == found || number < 0 ? -1 : (int64_t)number * factor;
}

/* The hottest of the thermal zones. */
static int64_t temperature(const char *root) {
    int64_t hottest = -1;

    for (int i = 0; i < MOST_ZONES; i++) {
        char path[64];
        int64_t now;

        (void)snprintf(path, sizeof path,
                       "/sys/class/thermal/thermal_zone%d/temp", i);
        now = retime_file_number(root, path, 10);
        hottest = now > hottest ? now : hottest;
    }
    return hottest;
}

/* How fast this core runs now. */
static int64_t frequency(const char *root) {
    char path[96];

    (void)snprintf(path, sizeof path,
                   "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq",
                   sched_getcpu());
    return retime_file_number(root, path, 10);
}

/* The nanoseconds that a hypervisor took away: the eighth number of the first
   line of /proc/stat, in ticks. */
static int64_t steal(const char *root) {
    char text[256];
    const long hertz = sysconf(_SC_CLK_TCK);
    char *at = text;
    long long ticks = -1;

    if (retime_file_text(root, "/proc/stat", text, sizeof text) < 0 ||
        strncmp(text, "cpu ", 4) != 0 || hertz <= 0) {
        return -1;
    }
    at += strlen("cpu ");
    for (int field = 0; field < 8; field++) {
        char *end;

        ticks = strtoll(at, &end, 10);
        if (end == at || *at == '\n') {
            return -1;
        }
        at = end;
    }
    return (int64_t)ticks * (1000000000 / hertz);
}

/* Takes a reading of what is under `root`, which is empty for the real one. */
void retime_reading_take_under(const char *root, retime_reading *reading) {
    char text[4096];
    struct rusage usage;

    memset(reading, 0xFF, sizeof *reading); /* -1 everywhere */
    reading->cpu_ns = retime_clock_read(PROCESS_CPU);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        reading->voluntary_switches = usage.ru_nvcsw;
        reading->involuntary_switches = usage.ru_nivcsw;
        reading->minor_faults = usage.ru_minflt;
        reading->major_faults = usage.ru_majflt;
    }
    if (retime_file_text(root, "/proc/self/status", text, sizeof text) >= 0) {
        reading->resident_bytes = after(text, "VmRSS", 1024);
        reading->peak_resident_bytes = after(text, "VmHWM", 1024);
    }
    if (retime_file_text(root, "/proc/self/sched", text, sizeof text) >= 0) {
        reading->migrations = after(text, "se.nr_migrations", 1);
    }
    reading->temperature_mc = temperature(root);
    reading->frequency_khz = frequency(root);
    reading->throttled_bits = retime_file_number(
        root, "/sys/devices/platform/soc/soc:firmware/get_throttled", 16);
    reading->throttle_events = retime_file_number(
        root,
        "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count",
        10);
    reading->steal_ns = steal(root);
    reading->clock_ns = retime_clock_now();
}

/* Takes a reading. */
void retime_reading_take(retime_reading *reading) {
    if (reading != NULL) {
        retime_reading_take_under("", reading);
    }
}
