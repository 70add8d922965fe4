/* work.h: doing a job. */
#ifndef RETIME_CLI_WORK_H
#define RETIME_CLI_WORK_H

#include "job.h"

/* Does a job and says so; returns the exit code. */
int work(const struct job *job);

/* Says what a library is and what it lacks; returns the exit code. */
int work_probe(const char *path);

#endif
