/*
 * doubles.h: memory, clock and system that fail on demand. The linker's --wrap
 * sends the harness's calls here.
 */
#ifndef RETIME_TESTS_DOUBLES_H
#define RETIME_TESTS_DOUBLES_H

struct doubles {
    int no_memory;      /* calloc gives nothing */
    int calloc_limited; /* it gives so often only: */
    int callocs;
    int no_raw_clock;  /* CLOCK_MONOTONIC_RAW is unknown */
    int clock_limited; /* the clock can be read so many times only: */
    int readings;
    int clock_coarse;   /* its readings are multiples of so many ns */
    int clock_frozen;   /* it stands still */
    int clock_reversed; /* each reading is earlier than the last */
    int no_resolution;  /* the kernel won't tell the resolution */
    int refuses;        /* the system refuses every wish */
    int grants;         /* it says it grants them, and does nothing */
    int no_usage;       /* getrusage fails */
    int no_sysconf;     /* sysconf knows nothing */
    int fake_counters;  /* it opens an empty file instead */
    int no_read;        /* read fails */
    int emulated;       /* an emulator is found */
};

/* Set fields to make things fail; doubles_reset puts everything right. */
extern struct doubles doubles;
void doubles_reset(void);

#endif
