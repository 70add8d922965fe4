/*
 * job.c: libFuzzer's target for the job reader: any bytes, as a file. It is
 * also given to what reads a job's words.
 */
#include "job.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    char *bytes = malloc(size + 1);
    char why[256];
    struct job job;
    struct options options;
    struct wishes wishes;

    if (bytes == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    if (job_read(bytes, size, &job, why, sizeof why) == 0) {
        (void)options_read(&job, &options, why, sizeof why);
        (void)wishes_read(&job, &wishes, why, sizeof why);
    }
    free(bytes);
    return 0;
}
