/*
 * report.h: what the program says while it works: "step NAME" before each step,
 * so that whoever started it knows where a crash happened, then "result KEY
 * VALUE" lines or one "error STEP MESSAGE" line. runner/timing/report.py reads
 * it.
 */
#ifndef RETIME_CLI_REPORT_H
#define RETIME_CLI_REPORT_H

#include <stdint.h>

#include "retime.h"

/* The exit codes, as runner/errors.py has them. */
enum exit_code { DONE = 0, BAD_INPUT = 2, REFUSED = 3, UNUSABLE = 4 };

void report_step(const char *name);
void report_progress(const char *step, void *context);
void report_number(const char *key, int64_t value);
void report_text(const char *key, const char *value);
void report_condition(const char *key, const retime_condition *condition);

/* The exit code for an error, which is printed on one line. */
int report_error(const char *step, const char *message, int code);
int report_failure(const retime_error *error);

#endif
