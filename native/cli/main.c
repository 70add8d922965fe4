/* main.c: the harness as a program, for boards that have no Python. */
#include "files.h"
#include "job.h"
#include "report.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "retime-harness: times the inferences of a .tflite model.\n"
    "\n"
    "  retime-harness JOB            does the job in this file; - reads it "
    "from\n"
    "                                standard input\n"
    "  retime-harness --probe FILE   says which kind of inference library FILE "
    "is,\n"
    "                                its version, and what it lacks\n"
    "  retime-harness --help         this text\n"
    "\n"
    "A job is lines of a key, a space and a value; Retime writes it. These "
    "must be\n"
    "there: library (tflite, litert), path (of the library), model, input (a "
    "file of\n"
    "whole sets of inputs; empty: zeros), samples (the file to write: int64 "
    "numbers,\n"
    "little-endian, nanoseconds), delegate (none, xnnpack, external), "
    "threads,\n"
    "buffer_offset, warmup_runs, warmup_ns, runs. docs/harness.md has the "
    "rest.\n"
    "\n"
    "Standard output: step NAME before each step, then result KEY VALUE, or "
    "one\n"
    "error STEP MESSAGE.\n"
    "Exit codes: 0 done; 2 the job or the arguments are wrong; 3 the model, or "
    "what\n"
    "is asked of it, was refused; 4 this machine or its files don't serve; "
    "130\n"
    "interrupted. A signal's number means that the library crashed.\n";

/* Reads the job and does it. */
static int run(const char *path) {
    struct bytes bytes;
    struct job job;
    char why[256];
    int code;
    int failed = files_read(path, 0, &bytes);

    if (failed) {
        return report_error("job", strerror(failed), BAD_INPUT);
    }
    if (job_read(bytes.data, bytes.size, &job, why, sizeof why) != 0) {
        code = report_error("job", why, BAD_INPUT);
    } else {
        code = work(&job);
    }
    free(bytes.block);
    return code;
}

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "--help") == 0) {
        fputs(help, stdout);
        return DONE;
    }
    if (count == 3 && strcmp(arguments[1], "--probe") == 0) {
        return work_probe(arguments[2]);
    }
    if (count != 2 ||
        (arguments[1][0] == '-' && strcmp(arguments[1], "-") != 0)) {
        fputs(help, stderr);
        return BAD_INPUT;
    }
    return run(arguments[1]);
}
