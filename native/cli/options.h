/* options.h: a job's words as what the harness takes. */
#ifndef RETIME_CLI_OPTIONS_H
#define RETIME_CLI_OPTIONS_H

#include "job.h"
#include "retime.h"

/* A session's options, and the arrays that they point to. */
struct options {
    retime_options session;
    retime_setting settings[JOB_MOST_OPTIONS];
    retime_shape shapes[JOB_MOST_SHAPES];
};

/* What is wished, and the array that it points to. */
struct wishes {
    retime_wishes wished;
    int32_t cores[JOB_MOST_CORES];
};

/* Both return 0, or -1 with a sentence in `why`. The job outlives what is read
   from it. */
int options_read(const struct job *job, struct options *options, char *why,
                 size_t why_size);
int wishes_read(const struct job *job, struct wishes *wishes, char *why,
                size_t why_size);

#endif
